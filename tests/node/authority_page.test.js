// The page on which a holder looks a code up does what it says, in a browser.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { behaved, controls, focused, overhang, useBrowser, visitor } from './browser.js';
import { playAuthority } from './programs.js';

const KEY = 'sk-authority';
const PATHS = ['/', '/ui/style.css', '/ui/authority.js', '/auth/check'];
const PHONE = { viewport: { width: 320, height: 568 }, isMobile: true, hasTouch: true };
const EVIL = '<img src=x onerror=alert(1)>';

useBrowser();

/** A test of the page: `act` gets it open, and `refused` is what the server refuses meanwhile. */
function scene(title, refused, settings, act) {
  test(title, async (t) => {
    const { context, watch } = await visitor(t, { timezoneId: 'UTC', ...settings });
    const origin = await playAuthority(t, KEY);
    const page = await context.newPage();
    await page.goto(`${origin}/`);
    await page.locator('form:visible').waitFor();
    await act({ page, origin, context });
    behaved(watch, origin, PATHS, refused);
  });
}

/** Does as the operator does, and answers with the JSON. */
async function command(origin, path, body) {
  const headers = { Authorization: `Bearer ${KEY}`, 'Content-Type': 'application/json' };
  const answer = await fetch(origin + path, { method: 'POST', headers, body: JSON.stringify(body) });
  assert.equal(answer.status, 200);
  return answer.json();
}

function told(page, text) {
  return page.getByRole('status').and(page.getByText(text, { exact: true })).waitFor();
}

async function check(page, code, texts = { code: 'Authorisation code', check: 'Check' }) {
  await page.getByLabel(texts.code, { exact: true }).fill(code);
  await page.getByRole('button', { name: texts.check, exact: true }).click();
}

function facts(page) {
  return page.locator('dt, dd').allTextContents();
}

scene('a holder sees how the code stands', [], {}, async ({ page, origin }) => {
  const issued = await command(origin, '/auth/issue', {
    holder: 'Ada',
    plan: EVIL,
    expires_at: 4102444800,
    limits: { requests_per_minute: 60, tokens_per_day: 100000 },
  });
  await check(page, ` ${issued.code}\n`);
  await told(page, 'The code is valid.');
  assert.deepEqual(await facts(page), [
    ...['Plan', EVIL],
    ...['Expires', 'January 1, 2100 at 12:00 AM'],
    ...['Requests a minute', '60'],
    ...['Tokens a day', '100,000'],
  ]);
  assert.equal(await page.locator('img').count(), 0, 'a plan is a text');

  await command(origin, '/auth/revoke', { id: issued.id });
  await check(page, issued.code);
  await told(page, 'The code was revoked.');
  assert.equal((await facts(page))[1], EVIL);

  const endless = await command(origin, '/auth/issue', { holder: 'Bob' });
  await check(page, endless.code);
  await told(page, 'The code is valid.');
  assert.deepEqual(await facts(page), ['Expires', 'never']);

  const later = await command(origin, '/auth/issue', { holder: 'Cid', not_before: 4102444800 });
  await check(page, later.code);
  await told(page, 'The code is not valid yet.');
});

const LIMITED = ['429 /auth/check'];

scene('wrong codes are told alike until they run out', LIMITED, {}, async ({ page, origin }) => {
  const { id, code } = await command(origin, '/auth/issue', { holder: 'Ada' });
  const button = page.getByRole('button', { name: 'Check', exact: true });
  for (const wrong of [`l2a_${id}_0`, 'l2a_aaaaaaaaaaaaaaaa_0', EVIL, `${code}0`, code.slice(1)]) {
    await check(page, wrong);
    await told(page, 'The code is not valid. Copy it whole, or ask who issued it.');
    assert.deepEqual(await facts(page), []);
  }
  const refusal = page.getByText(/^Too many wrong codes\. Try again in [1-6] s\.$/);
  let shown = 5;
  // One more is told every six seconds, so that a slow browser may show more than ten.
  do {
    await check(page, `wrong-${shown}`);
    await button.and(page.locator(':enabled')).waitFor();
    shown += 1;
  } while (shown < 100 && !(await refusal.isVisible()));
  await refusal.waitFor();
  assert.ok(shown > 10, 'ten are told at once');
  await check(page, code);
  await told(page, 'The code is valid.');
});

const UNKNOWN = ['503 /auth/check'];

scene('without a key it can say nothing of signed codes', UNKNOWN, {}, async ({ page }) => {
  await check(page, 'a.b.c');
  await told(page, 'This server cannot verify signed codes. Ask who issued it.');
  assert.deepEqual(await facts(page), []);
});

scene('it speaks the language of the browser', [], { locale: 'zh-CN' }, async ({ page, origin }) => {
  const texts = { code: '授权码', check: '查询' };
  assert.equal(await page.title(), 'llm2api: 查询授权码');
  assert.equal(await page.locator('html').getAttribute('lang'), 'zh-CN');
  const { code } = await command(origin, '/auth/issue', { holder: '李', plan: '团队' });
  await check(page, code, texts);
  await told(page, '授权码有效。');
  assert.deepEqual(await facts(page), ['套餐', '团队', '到期时间', '永不过期']);
  await page.getByRole('button', { name: 'English', exact: true }).click();
  await told(page, 'The code is valid.');
  assert.deepEqual(await facts(page), ['Plan', '团队', 'Expires', 'never']);
  assert.equal(await page.locator('html').getAttribute('lang'), 'en');
  await page.getByRole('button', { name: '中文', exact: true }).click();
  await told(page, '授权码有效。');
});

scene('it can be used with the keyboard and on a telephone', [], PHONE, async ({ page, origin }) => {
  const field = 'textbox "Authorisation code"';
  assert.deepEqual(await controls(page), ['button "中文"', field, 'button "Check"']);
  assert.equal(await focused(page), field);
  const { code } = await command(origin, '/auth/issue', { holder: 'Ada', plan: 'x'.repeat(100) });
  await page.keyboard.insertText(code);
  await page.keyboard.press('Tab');
  assert.equal(await focused(page), 'button "Check"');
  await page.keyboard.press('Enter');
  await told(page, 'The code is valid.');
  assert.ok((await overhang(page)) <= 0, 'nothing sticks out');
});

scene('the code is nowhere but in its field', [], {}, async ({ page, origin, context }) => {
  const { code } = await command(origin, '/auth/issue', { holder: 'Ada' });
  await check(page, code);
  await told(page, 'The code is valid.');
  assert.equal(page.url(), `${origin}/`);
  assert.deepEqual(await context.cookies(), []);
  const kept = await page.evaluate(() => [localStorage.length, sessionStorage.length]);
  assert.deepEqual(kept, [0, 0]);
  assert.doesNotMatch(await page.locator('dl, #status').allTextContents().then(String), /l2a_/);
});
