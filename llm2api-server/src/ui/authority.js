// What the server says goes into text nodes: plans are other people's texts.

const TEXTS = {
  en: {
    title: 'Look a code up', code: 'Authorisation code', check: 'Check',
    codeHint: 'The whole text that you were given. It is sent to this server alone, and not kept.',
    active: 'The code is valid.', expired: 'The code has expired.', revoked: 'The code was revoked.',
    not_yet_valid: 'The code is not valid yet.',
    invalid: 'The code is not valid. Copy it whole, or ask who issued it.',
    authority_without_key: 'This server cannot verify signed codes. Ask who issued it.',
    working: 'Checking …', unreachable: 'The server does not answer.',
    wait: (seconds) => `Too many wrong codes. Try again in ${seconds} s.`,
    plan: 'Plan', expires: 'Expires', never: 'never',
    requests_per_minute: 'Requests a minute', tokens_per_day: 'Tokens a day',
    concurrency: 'Requests at the same time',
  },
  zh: {
    title: '查询授权码', code: '授权码', check: '查询',
    codeHint: '请粘贴完整的授权码。它只会发送到本服务器，不会被保存。',
    active: '授权码有效。', expired: '授权码已过期。', revoked: '授权码已被吊销。',
    not_yet_valid: '授权码尚未生效。',
    invalid: '授权码无效。请完整复制，或联系签发者。',
    authority_without_key: '本服务器无法验证签名授权码，请联系签发者。',
    working: '正在查询……', unreachable: '服务器没有响应。',
    wait: (seconds) => `错误的授权码过多，请在 ${seconds} 秒后重试。`,
    plan: '套餐', expires: '到期时间', never: '永不过期',
    requests_per_minute: '每分钟请求数', tokens_per_day: '每日令牌数',
    concurrency: '同时请求数',
  },
};
const LIMITS = ['requests_per_minute', 'tokens_per_day', 'concurrency'];

const at = (id) => document.getElementById(id);
let language = (navigator.language || 'en').toLowerCase().startsWith('zh') ? 'zh' : 'en';
// What is shown of the last answer, so that it can be shown in the other language.
let status = () => '';
let facts = () => [];

const word = (name) => TEXTS[language][name];
const locale = () => (language === 'zh' ? 'zh-CN' : 'en');

function draw() {
  at('status').textContent = status();
  const rows = facts().flatMap(([name, value]) => {
    const term = document.createElement('dt');
    term.textContent = name;
    const text = document.createElement('dd');
    text.textContent = value;
    return [term, text];
  });
  at('facts').replaceChildren(...rows);
  at('facts').hidden = rows.length === 0;
}

function show(kind, newStatus, newFacts = () => []) {
  at('status').className = kind;
  status = newStatus;
  facts = newFacts;
  draw();
}

function translate() {
  document.documentElement.lang = locale();
  document.title = `llm2api: ${word('title')}`;
  for (const element of document.querySelectorAll('[data-text]')) {
    element.textContent = word(element.dataset.text);
  }
  at('language').textContent = language === 'zh' ? 'English' : '中文';
  at('language').lang = language === 'zh' ? 'en' : 'zh-CN';
  draw();
}

function date(seconds) {
  const form = new Intl.DateTimeFormat(locale(), { dateStyle: 'long', timeStyle: 'short' });
  return form.format(new Date(seconds * 1000));
}

function factsOf(verdict) {
  if (verdict.state === 'invalid') return [];
  const end = verdict.expires_at === undefined ? word('never') : date(verdict.expires_at);
  const number = new Intl.NumberFormat(locale());
  const limits = LIMITS.filter((name) => verdict.limits?.[name] !== undefined);
  return [
    ...(verdict.plan === undefined ? [] : [[word('plan'), verdict.plan]]),
    [word('expires'), end],
    ...limits.map((name) => [word(name), number.format(verdict.limits[name])]),
  ];
}

async function lookUp() {
  show('', () => word('working'));
  let answer;
  let json;
  try {
    answer = await fetch('/auth/check', {
      method: 'POST',
      credentials: 'omit',
      cache: 'no-store',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ code: at('code').value.trim() }),
    });
    json = await answer.json();
  } catch {
    show('bad', () => word('unreachable'));
    return;
  }
  if (answer.ok) {
    const kind = json.valid ? 'good' : 'bad';
    show(kind, () => word(json.state) ?? json.message, () => factsOf(json));
  } else if (answer.status === 429) {
    const wait = answer.headers.get('retry-after');
    show('bad', () => word('wait')(wait));
  } else {
    show('bad', () => word(json.error.code) ?? json.error.message);
  }
}

at('language').addEventListener('click', () => {
  language = language === 'zh' ? 'en' : 'zh';
  translate();
});
at('look-up').addEventListener('submit', async (event) => {
  event.preventDefault();
  const button = event.target.querySelector('button[type=submit]');
  button.disabled = true;
  try {
    await lookUp();
  } finally {
    button.disabled = false;
  }
});
translate();
at('look-up').hidden = false;
at('code').focus();
