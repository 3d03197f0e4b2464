// The page for adding accounts does what it says, in a browser.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { behaved, controls, focused, overhang, useBrowser, visitor } from './browser.js';
import { EMPTY_POOL, play } from './programs.js';

const KEY = 'sk-ours';
const MODULES = [
  'add', 'authorisation', 'cookie', 'keep', 'language', 'session', 'sign_in', 'status', 'store', 'texts',
  'theme', 'vendor/preact',
];
const PATHS = [
  '/cookie', '/ui/style.css', '/readyz', '/cookies', '/session', '/cookies/import',
  ...MODULES.map((name) => `/ui/${name}.js`),
];
// Nobody is signed in when the page opens, and it has to ask.
const AT_FIRST = '401 /cookies';
const PHONE = { viewport: { width: 320, height: 568 }, isMobile: true, hasTouch: true };

const ENGLISH = {
  lang: 'en',
  title: 'llm2api: Add accounts',
  heading: 'Add accounts',
  other: '中文',
  key: 'Admin key',
  signIn: 'Sign in',
  signOut: 'Sign out',
  text: 'Cookies or keys, one account or many',
  label: 'Label (may stay empty)',
  upstream: 'Upstream (may stay empty)',
  add: 'Add',
  ok: 'added',
  duplicate: 'there already',
  error: 'not added',
  expired: 'Sign in again.',
  signedOut: 'Signed out.',
  counts: (added, there, failed) => `${added} added, ${there} there already, ${failed} not added`,
};
const CHINESE = {
  lang: 'zh-CN',
  title: 'llm2api: 添加账号',
  heading: '添加账号',
  other: 'English',
  key: '管理密钥',
  signIn: '登录',
  signOut: '退出',
  text: 'Cookie 或密钥，一个或多个账号',
  label: '名称（可不填）',
  upstream: '上游（可不填）',
  add: '添加',
  ok: '已添加',
  duplicate: '已存在',
  error: '未添加',
  expired: '请重新登录。',
  signedOut: '已退出。',
  counts: (added, there, failed) => `已添加 ${added}，已存在 ${there}，未添加 ${failed}`,
};

useBrowser();

/** A test of the page: `act` gets it open, and `refused` is what the server refuses meanwhile. */
function scene(title, refused, settings, act) {
  test(title, async (t) => {
    const { context, watch } = await visitor(t, settings);
    const stage = await play(t, EMPTY_POOL, { API_KEY: KEY, STORE_URL: 'memory:' });
    const { origin } = new URL(stage.baseURL);
    const page = await open(context, origin);
    await act({ context, page, origin });
    behaved(watch, origin, PATHS, [AT_FIRST, ...refused]);
  });
}

async function open(context, origin) {
  const page = await context.newPage();
  await page.goto(`${origin}/cookie`);
  await page.locator('form:visible :focus').waitFor();
  return page;
}

function button(page, name) {
  return page.getByRole('button', { name, exact: true });
}

function field(page, name) {
  return page.getByLabel(name, { exact: true });
}

/** Waits until the status line says exactly this; without words it takes no room. */
function told(page, text) {
  const line = page.getByRole('status').and(page.getByText(text, { exact: true }));
  return line.waitFor({ state: text ? 'visible' : 'attached' });
}

/** Answers with the JSON that the server sends for what `act` does. */
async function answered(page, path, act) {
  const answer = page.waitForResponse((one) => new URL(one.url()).pathname === path);
  await Promise.all([answer, act()]);
  return (await answer).json();
}

async function signIn(page, texts = ENGLISH) {
  await field(page, texts.key).fill(KEY);
  await button(page, texts.signIn).click();
  await field(page, texts.text).waitFor();
}

/** Adds accounts that the server reports on, and answers with the lines that are shown of them. */
async function add(page, text, { label = '', texts = ENGLISH } = {}) {
  await field(page, texts.text).fill(text);
  await field(page, texts.label).fill(label);
  const report = await answered(page, '/cookies/import', () => button(page, texts.add).click());
  await told(page, texts.counts(report.added, report.duplicates, report.failed));
  const lines = await page.getByRole('listitem').allTextContents();
  assert.equal(lines.length, report.data.length);
  report.data.forEach(({ result, error }, at) => {
    const start = `${texts[result]}: `;
    if (error) assert.equal(lines[at], start + error.message);
    else assert.ok(lines[at].startsWith(start), lines[at]);
  });
  assert.doesNotMatch(lines.join(), /cookie-of-/, 'secrets are not shown');
  return { lines, codes: report.data.map(({ error }) => error?.code) };
}

function list(origin, headers) {
  return fetch(`${origin}/cookies`, { headers });
}

scene('a wrong key is told and the right one signs in', ['401 /session'], {}, async (stage) => {
  const { context, page } = stage;
  await field(page, ENGLISH.key).fill('sk-theirs');
  const { error } = await answered(page, '/session', () => button(page, ENGLISH.signIn).click());
  assert.equal(error.code, 'invalid_admin_key');
  await told(page, error.message);
  assert.deepEqual(await context.cookies(), []);
  assert.equal(await field(page, ENGLISH.text).isVisible(), false);

  await signIn(page);
  await told(page, '');
  assert.equal(await page.locator('#key').inputValue(), '', 'the key does not stay');
  const [cookie, ...others] = await context.cookies();
  assert.deepEqual(others, []);
  assert.deepEqual([cookie.httpOnly, cookie.sameSite, cookie.path], [true, 'Strict', '/']);
  assert.equal(await page.evaluate(() => document.cookie), '', 'no script can read it');

  await page.reload();
  await field(page, ENGLISH.text).waitFor();
});

scene('each account is told what became of it', ['400 /cookies/import'], {}, async (stage) => {
  const { page, origin } = stage;
  await signIn(page);
  const good = await add(page, 'hf-chat=cookie-of-ann', { label: "Ann's" });
  assert.deepEqual(good.lines, ["added: Ann's · ann · chat-ui · active"]);
  assert.equal(await field(page, ENGLISH.text).inputValue(), '', 'what was added does not stay');

  for (const again of ['hf-chat=cookie-of-ann', 'second-cookie-of-ann']) {
    const { codes, lines } = await add(page, again);
    assert.deepEqual(codes, ['duplicate_cookie']);
    assert.match(lines[0], /Ann's/);
  }
  for (const bad of ['hf-chat=cookie-of-nobody', 'this is no cookie']) {
    const { codes } = await add(page, bad);
    assert.deepEqual(codes, ['invalid_cookie']);
    assert.equal(await field(page, ENGLISH.text).inputValue(), bad, 'it can be mended');
  }

  await field(page, ENGLISH.text).fill('{[junk');
  const press = () => button(page, ENGLISH.add).click();
  const { error } = await answered(page, '/cookies/import', press);
  await told(page, error.message);
  assert.equal(await page.getByRole('listitem').count(), 0);

  const { total } = await (await list(origin, { Authorization: `Bearer ${KEY}` })).json();
  assert.equal(total, 1);
});

scene('many accounts at once get a result each', [], {}, async ({ page }) => {
  await signIn(page);
  await add(page, 'cookie-of-ann');
  const text = [
    '# from the browser',
    'cookie-of-bob',
    'hf-chat=cookie-of-cid',
    'cookie-of-nobody',
    'second-cookie-of-ann',
    'not a cookie',
    'cookie-of-dan',
    '',
    'cookie-of-eve',
  ].join('\n');
  const { lines, codes } = await add(page, text, { label: 'team' });
  const [bad, there] = ['invalid_cookie', 'duplicate_cookie'];
  const none = undefined;
  assert.deepEqual(codes, [none, none, bad, there, bad, none, none]);
  assert.deepEqual(
    lines.filter((_, at) => !codes[at]),
    [
      'added: team 1 · bob · chat-ui · active',
      'added: team 2 · cid · chat-ui · active',
      'added: team 6 · dan · chat-ui · active',
      'added: team 7 · eve · chat-ui · active',
    ],
  );
  await told(page, '4 added, 1 there already, 2 not added');
});

scene('a label stays text', [], {}, async ({ page }) => {
  const label = '<img src=x onerror="window.ran = 1"><script>window.ran = 2</script>';
  await signIn(page);
  const { lines } = await add(page, 'cookie-of-ann', { label });
  assert.deepEqual(lines, [`added: ${label} · ann · chat-ui · active`]);
  const again = await add(page, 'second-cookie-of-ann');
  assert.ok(again.lines[0].includes(label), again.lines[0]);
  await button(page, ENGLISH.other).click();
  await told(page, CHINESE.counts(0, 1, 0));
  assert.deepEqual(await page.locator('main :is(img, script)').all(), []);
  assert.equal(await page.evaluate(() => window.ran), undefined);
});

scene('signing out ends the session', ['401 /cookies/import'], {}, async (stage) => {
  const { context, page, origin } = stage;
  await signIn(page);
  const second = await open(context, origin);
  await add(second, 'cookie-of-ann');
  const [{ name, value }] = await context.cookies();
  const headers = { Cookie: `${name}=${value}` };
  assert.equal((await list(origin, headers)).status, 200);

  await button(page, ENGLISH.signOut).click();
  await told(page, ENGLISH.signedOut);
  await field(page, ENGLISH.key).waitFor();
  assert.equal(await button(page, ENGLISH.signOut).isVisible(), false);
  assert.deepEqual(await context.cookies(), []);
  assert.equal((await list(origin, headers)).status, 401, 'a kept cookie is worth nothing');

  await field(second, ENGLISH.text).fill('cookie-of-bob');
  await button(second, ENGLISH.add).click();
  await told(second, ENGLISH.expired);
  await signIn(second);
  await button(second, ENGLISH.add).click();
  await told(second, ENGLISH.counts(1, 0, 0));
});

for (const [locale, own, other] of [
  ['en-US', ENGLISH, CHINESE],
  ['zh-CN', CHINESE, ENGLISH],
]) {
  scene(`${locale}: the page speaks both languages`, [AT_FIRST], { locale }, async ({ page }) => {
    await speaks(page, own);
    await signedOutControls(page, own);
    await button(page, own.other).click();
    await speaks(page, other);
    await signedOutControls(page, other);

    await signIn(page, other);
    await add(page, 'cookie-of-ann\ncookie-of-nobody', { texts: other });
    await signedInControls(page, other);
    const before = await page.getByRole('listitem').allTextContents();
    await button(page, other.other).click();
    await speaks(page, own);
    await told(page, own.counts(1, 0, 1));
    await signedInControls(page, own);
    const translated = [before[0].replace(other.ok, own.ok), before[1].replace(other.error, own.error)];
    assert.deepEqual(await page.getByRole('listitem').allTextContents(), translated);

    await button(page, own.signOut).click();
    await told(page, own.signedOut);
    await page.reload();
    await field(page, own.key).waitFor();
    await speaks(page, own);
  });
}

async function speaks(page, texts) {
  await page.getByRole('heading', { name: texts.heading, exact: true }).waitFor();
  assert.equal(await page.title(), texts.title);
  assert.equal(await page.locator('html').getAttribute('lang'), texts.lang);
}

/** All controls have names, and no others are there. */
async function signedOutControls(page, texts) {
  assert.deepEqual(await controls(page), [
    `button "${texts.other}"`,
    `textbox "${texts.key}"`,
    `button "${texts.signIn}"`,
  ]);
}

async function signedInControls(page, texts) {
  assert.deepEqual(await controls(page), [
    `button "${texts.other}"`,
    `button "${texts.signOut}"`,
    `textbox "${texts.text}"`,
    `textbox "${texts.label}"`,
    `textbox "${texts.upstream}"`,
    `button "${texts.add}"`,
  ]);
}

scene('the keyboard is enough', ['401 /session'], {}, async ({ page }) => {
  const { keyboard } = page;
  const reaches = async (key, kind, name) => {
    if (key) await keyboard.press(key);
    else await field(page, name).and(page.locator(':focus')).waitFor();
    assert.equal(await focused(page), `${kind} "${name}"`);
    const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
    assert.equal(outline, 'solid', `the focus on ${name} is seen`);
  };
  await reaches('', 'textbox', ENGLISH.key);
  await reaches('Tab', 'button', ENGLISH.signIn);
  await reaches('Shift+Tab', 'textbox', ENGLISH.key);
  await reaches('Shift+Tab', 'button', ENGLISH.other);
  await keyboard.press('Enter');
  await speaks(page, CHINESE);
  await keyboard.press('Space');
  await speaks(page, ENGLISH);

  await reaches('Tab', 'textbox', ENGLISH.key);
  await keyboard.type('sk-theirs');
  const { error } = await answered(page, '/session', () => keyboard.press('Enter'));
  await told(page, error.message);
  await reaches('', 'textbox', ENGLISH.key);
  await keyboard.press('ControlOrMeta+a');
  await keyboard.type(KEY);
  await keyboard.press('Enter');
  await field(page, ENGLISH.text).waitFor();

  await reaches('', 'textbox', ENGLISH.text);
  await keyboard.type('cookie-of-ann');
  await keyboard.press('Enter');
  await keyboard.type('cookie-of-bob');
  await reaches('Tab', 'textbox', ENGLISH.label);
  await keyboard.press('Enter');
  await told(page, ENGLISH.counts(2, 0, 0));
  await reaches('', 'textbox', ENGLISH.label);

  await reaches('Shift+Tab', 'textbox', ENGLISH.text);
  await keyboard.type('cookie-of-cid');
  await reaches('Tab', 'textbox', ENGLISH.label);
  await reaches('Tab', 'textbox', ENGLISH.upstream);
  await reaches('Tab', 'button', ENGLISH.add);
  await keyboard.press('Enter');
  await told(page, ENGLISH.counts(1, 0, 0));
  await reaches('Shift+Tab', 'textbox', ENGLISH.upstream);
  await reaches('Shift+Tab', 'textbox', ENGLISH.label);
  await reaches('Shift+Tab', 'textbox', ENGLISH.text);
  await reaches('Shift+Tab', 'button', ENGLISH.signOut);
  await keyboard.press('Enter');
  await told(page, ENGLISH.signedOut);
  await reaches('', 'textbox', ENGLISH.key);
});

for (const [locale, texts] of [
  ['en-US', ENGLISH],
  ['zh-CN', CHINESE],
]) {
  scene(`${locale}: a phone does not scroll sideways`, [], { ...PHONE, locale }, async ({ page }) => {
    assert.equal(await overhang(page), 0);
    await signIn(page, texts);
    assert.equal(await overhang(page), 0);
    await add(page, 'cookie-of-ann', { texts, label: 'W'.repeat(100) });
    assert.equal(await overhang(page), 0);
    await add(page, 'second-cookie-of-ann\ncookie-of-nobody\nno cookie', { texts });
    assert.equal(await overhang(page), 0);
    assert.equal(await page.evaluate(() => window.innerWidth), PHONE.viewport.width);
  });
}

test('what the authorisation lacks is said in both languages', async (t) => {
  const { context, watch } = await visitor(t, {});
  // Nobody listens there.
  const authority = { AUTH_URL: 'http://127.0.0.1:9/', AUTH_CODE: 'canary-code' };
  const settings = { API_KEY: KEY, STORE_URL: 'memory:', ...authority };
  const stage = await play(t, EMPTY_POOL, settings);
  const { origin } = new URL(stage.baseURL);
  const page = await open(context, origin);
  const line = page.locator('#authorisation');
  await line.getByText('The authorisation code is not verified').waitFor();
  assert.match(await line.textContent(), /cannot be reached since .* \(no connection can be made\)/);
  await button(page, ENGLISH.other).click();
  await line.getByText('授权码尚未验证').waitFor();
  assert.doesNotMatch(await page.content(), /canary/);
  watch.refused.sort();
  behaved(watch, origin, PATHS, [AT_FIRST, '503 /readyz']);
});
