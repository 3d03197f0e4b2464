'use strict';

// Everything from the server goes into text nodes: labels and messages are other people's texts.

const TEXTS = {
  en: {
    title: 'Add accounts', signIn: 'Sign in', signOut: 'Sign out', key: 'Admin key',
    keyHint: 'ADMIN_KEY, else the first API_KEY, else the one in DATA_DIR/admin.key.',
    text: 'Cookies or keys, one account or many',
    textHint: 'A Cookie header, a Netscape cookie file, a browser extension\'s JSON, or one account a line.',
    label: 'Label (may stay empty)', upstream: 'Upstream (may stay empty)', add: 'Add',
    working: 'Asking the upstream …', signedOut: 'Signed out.', expired: 'Sign in again.',
    ok: 'added', duplicate: 'there already', error: 'not added', unreachable: 'The server does not answer.',
    counts: (r) => `${r.added} added, ${r.duplicates} there already, ${r.failed} not added`,
    auth: {
      grace: 'The authority of the authorisation code cannot be reached; chats are served for now.',
      unverified: 'The authorisation code is not verified; chats are refused until it is.',
      denied: 'The authorisation code is refused; so are chats.',
      expired: 'The authorisation code has expired; chats are refused.',
    },
  },
  zh: {
    title: '添加账号', signIn: '登录', signOut: '退出', key: '管理密钥',
    keyHint: 'ADMIN_KEY；未设置时为第一个 API_KEY，再没有则见 DATA_DIR/admin.key。',
    text: 'Cookie 或密钥，一个或多个账号',
    textHint: 'Cookie 请求头、Netscape cookie 文件、浏览器扩展导出的 JSON，或每行一个账号。',
    label: '名称（可不填）', upstream: '上游（可不填）', add: '添加',
    working: '正在向上游验证……', signedOut: '已退出。', expired: '请重新登录。',
    ok: '已添加', duplicate: '已存在', error: '未添加', unreachable: '服务器没有响应。',
    counts: (r) => `已添加 ${r.added}，已存在 ${r.duplicates}，未添加 ${r.failed}`,
    auth: {
      grace: '无法连接授权服务器；目前仍可对话。',
      unverified: '授权码尚未验证；验证之前拒绝对话。',
      denied: '授权码被拒绝；拒绝对话。',
      expired: '授权码已过期；拒绝对话。',
    },
  },
};

const at = (id) => document.getElementById(id);
let language = (navigator.language || 'en').toLowerCase().startsWith('zh') ? 'zh' : 'en';
// What the status line says, so that it can be said in the other language.
let status = () => '';

function say(text) {
  status = text;
  at('status').textContent = status();
}

const word = (name) => TEXTS[language][name];

// What the server says of its authorisation, where there is something to say.
let authorisation = null;

function showAuthorisation() {
  const known = authorisation && authorisation.state !== 'verified' ? authorisation : null;
  const facts = known ? [word('auth')[known.state] || known.state, known.message] : [];
  at('authorisation').textContent = facts.filter(Boolean).join(' ');
  at('authorisation').hidden = !known;
}

async function learnAuthorisation() {
  try {
    // 503 has the same body: it says why.
    const answer = await fetch('/readyz', { cache: 'no-store' });
    authorisation = (await answer.json()).authorisation || null;
  } catch {
    // The other calls say so where the server does not answer.
  }
  showAuthorisation();
}

function translate() {
  document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
  document.title = `llm2api: ${word('title')}`;
  for (const element of document.querySelectorAll('[data-text]')) {
    element.textContent = word(element.dataset.text);
  }
  for (const element of document.querySelectorAll('[data-result]')) {
    element.textContent = word(element.dataset.result);
  }
  at('language').textContent = language === 'zh' ? 'English' : '中文';
  at('language').lang = language === 'zh' ? 'en' : 'zh-CN';
  at('status').textContent = status();
  showAuthorisation();
}

function show(signedIn) {
  at('sign-in').hidden = signedIn;
  at('add').hidden = !signedIn;
  at('sign-out').hidden = !signedIn;
  at(signedIn ? 'text' : 'key').focus();
}

// Answers with the JSON of a good answer; otherwise says what went wrong and answers with null.
async function call(method, path, body) {
  const options = { method, credentials: 'same-origin', cache: 'no-store', headers: {} };
  if (body !== undefined) {
    options.headers['Content-Type'] = 'application/json';
    options.body = JSON.stringify(body);
  }
  let answer;
  let json;
  try {
    answer = await fetch(path, options);
    json = await answer.json();
  } catch {
    say(() => word('unreachable'));
    return null;
  }
  if (answer.ok) return json;
  const message = json && json.error ? json.error.message : String(answer.status);
  if (answer.status === 401 && path !== '/session') {
    show(false);
    say(() => word('expired'));
  } else {
    say(() => message);
  }
  return null;
}

function line(entry) {
  const item = document.createElement('li');
  const result = document.createElement('strong');
  result.dataset.result = entry.result;
  result.className = entry.result;
  result.textContent = word(entry.result);
  const facts = entry.result === 'ok'
    ? [entry.label, entry.account, entry.upstream, entry.state, entry.note]
    : [entry.error.message];
  item.append(result, ': ', facts.filter(Boolean).join(' · '));
  return item;
}

async function busy(form, work) {
  const button = form.querySelector('button[type=submit]');
  button.disabled = true;
  try {
    await work();
  } finally {
    button.disabled = false;
  }
}

async function signIn() {
  const signedIn = await call('POST', '/session', { key: at('key').value });
  if (!signedIn) return;
  at('key').value = '';
  say(() => '');
  show(true);
}

async function add() {
  at('results').replaceChildren();
  say(() => word('working'));
  const body = { text: at('text').value };
  for (const name of ['label', 'upstream']) {
    const value = at(name).value.trim();
    if (value) body[name] = value;
  }
  const report = await call('POST', '/cookies/import', body);
  if (!report) return;
  at('results').replaceChildren(...report.data.map(line));
  say(() => word('counts')(report));
  if (report.failed === 0) at('text').value = '';
}

async function start() {
  at('language').addEventListener('click', () => {
    language = language === 'zh' ? 'en' : 'zh';
    translate();
  });
  at('sign-out').addEventListener('click', async () => {
    if (!await call('DELETE', '/session')) return;
    at('results').replaceChildren();
    at('add').reset();
    show(false);
    say(() => word('signedOut'));
  });
  for (const [id, work] of [['sign-in', signIn], ['add', add]]) {
    at(id).addEventListener('submit', (event) => {
      event.preventDefault();
      busy(event.target, work);
    });
  }
  translate();
  learnAuthorisation();
  const answer = await fetch('/cookies?limit=1', { cache: 'no-store' }).catch(() => null);
  show(Boolean(answer && answer.ok));
}

start();
