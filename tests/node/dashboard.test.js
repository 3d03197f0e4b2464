// The dashboard does what it says, in a browser.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { overhang, useBrowser } from './browser.js';
import {
  KEY, VIEWS, addByProgram, audited, button, chat, goTo, hide, row, setUp, shoot, signIn, told, wellBehaved,
} from './dashboard.js';
import { UPSTREAMS, script } from './programs.js';

const LIMITED = {
  json: { status: 429, headers: [['retry-after', '600']], body: { message: 'Slow down.' } },
};
const EVIL = '<img src=x onerror="window.ran = 1"><script>window.ran = 2</script>';
const PHONE = { width: 320, height: 568 };
const EVERY_RULE = {};
// The theme changes nothing but colours.
const THEMES = [['light', EVERY_RULE], ['dark', { runOnly: ['color-contrast'] }]];

useBrowser();

test('accounts are added, rest, are switched, renamed and deleted', async (t) => {
  const scene = await setUp(t);
  const { page, stage } = scene;
  await signIn(page);
  await goTo(page, 'add');
  await page.locator('#text').fill('cookie-of-ann\ncookie-of-nobody');
  await page.locator('#label').fill('team');
  await button(page, 'Add').click();
  await told(page, '1 added, 0 there already, 1 not added');
  assert.match((await page.getByRole('listitem').allTextContents()).join('\n'), /not added: /);

  await goTo(page, 'accounts');
  const ann = row(page, 'team 1');
  await ann.getByText('active', { exact: true }).waitFor();
  assert.equal(await page.locator('#accounts tbody tr').count(), 1);

  await script(stage, LIMITED, LIMITED);
  assert.notEqual(await chat(stage), 200);
  await ann.getByText('cooling down', { exact: true }).waitFor();
  const left = ann.locator('.left');
  const before = await left.textContent();
  await page.waitForFunction(
    ([text]) => document.querySelector('#accounts .left')?.textContent !== text,
    [before],
  );
  assert.match(await left.textContent(), /^9m \d+s$/);
  await button(page, 'End cooldown: team 1').click();
  await ann.getByText('active', { exact: true }).waitFor();

  await button(page, 'Disable: team 1').click();
  await told(page, 'team 1: disabled');
  await ann.getByText('disabled', { exact: true }).waitFor();
  await button(page, 'Enable: team 1').click();
  await ann.getByText('active', { exact: true }).waitFor();
  await button(page, 'Check: team 1').click();
  await told(page, 'team 1: works');

  await button(page, 'team 1').click();
  const dialog = page.getByRole('dialog', { name: 'team 1' });
  await dialog.getByLabel('Label').fill("Ann's");
  await dialog.getByLabel('Weight').fill('7');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('dialog', { name: "Ann's" }).waitFor();
  await page.getByLabel('Another cookie or key').fill('second-cookie-of-ann');
  await button(page, 'Replace').click();
  await told(page, "Ann's: changed");
  await page.getByLabel('Another cookie or key').fill('cookie-of-nobody');
  await button(page, 'Replace').click();
  await page.locator('dialog .status.bad').waitFor();
  await button(page, 'Delete').click();
  const asked = page.getByRole('alertdialog', { name: 'Delete for good?' });
  await asked.getByRole('button', { name: 'Cancel' }).click();
  await asked.waitFor({ state: 'detached' });
  await button(page, 'Delete').click();
  await asked.getByRole('button', { name: 'Delete' }).click();
  await page.getByText('There are no accounts yet.').waitFor();
  assert.equal(await page.getByRole('dialog').count(), 0);
  await told(page, "Ann's: deleted");
  wellBehaved(scene, ['400 /cookie/update']);
});

test('a page that asks for what is not for it is found out', () => {
  const origin = 'http://127.0.0.1:1';
  const watch = (...paths) => ({ requests: paths.map((path) => origin + path), refused: ['401 /stats'], trouble: [] });
  wellBehaved({ origin, watch: watch('/', '/ui/live.js', '/stats/series?of=total', '/v1/explain/req_1') });
  for (const path of ['/cookies/export', '/ui/authority.js', '/v1/explain/req_1/more', '@evil.example/']) {
    assert.throws(() => wellBehaved({ origin, watch: watch(path) }), path);
  }
});

test('accounts are found, sorted and chosen, also those that came unseen', async (t) => {
  const scene = await setUp(t);
  const { page, origin } = scene;
  const text = ['ann', 'bob', 'cid', 'dan', 'eve'].map((name) => `cookie-of-${name}`).join('\n');
  await signIn(page);
  await goTo(page, 'accounts');
  await page.getByText('There are no accounts yet.').waitFor();
  await hide(page, true);
  await page.locator('#live', { hasText: 'not connected' }).waitFor();
  assert.equal((await addByProgram(origin, text, { label: 'L' })).added, 5);
  assert.equal(await page.locator('#accounts tbody tr').count(), 0);
  await hide(page, false);
  await row(page, 'L 5').waitFor();

  const labels = () => page.locator('button.name').allTextContents();
  await button(page, 'Label').click();
  await button(page, 'Label').click();
  const head = page.getByRole('columnheader', { name: 'Label' });
  assert.equal(await head.getAttribute('aria-sort'), 'descending');
  assert.deepEqual((await labels()).map((label) => label.trim()), ['L 5', 'L 4', 'L 3', 'L 2', 'L 1']);
  await page.locator('#find').fill('bob');
  await row(page, 'L 3').waitFor({ state: 'detached' });
  assert.equal(await row(page, 'L 2').count(), 1);
  await page.locator('#find').fill('');
  for (const label of ['L 1', 'L 2']) await page.getByLabel(`Choose ${label}`, { exact: true }).check();
  const chosen = page.getByRole('group', { name: 'With the chosen accounts' });
  await chosen.getByRole('button', { name: 'Disable' }).click();
  await told(page, 'disabled · 2 well, 0 not');
  await page.locator('#by-state').selectOption('disabled');
  await row(page, 'L 3').waitFor({ state: 'detached' });
  assert.equal(await page.locator('#accounts tbody tr').count(), 2);
  await chosen.getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'Delete' }).click();
  await told(page, 'deleted · 2 well, 0 not');
  await page.getByText('No account fits.').waitFor();
  wellBehaved(scene);
});

test('the box streams an answer, stops one, and tells what went wrong', async (t) => {
  const scene = await setUp(t, { upstream: UPSTREAMS.openai });
  const { page, stage, origin } = scene;
  await signIn(page);
  await goTo(page, 'try');
  await page.locator('#model').selectOption(stage.model);
  await page.locator('#user').fill('Hello');
  await page.locator('#send').click();
  await told(page, 'The answer is whole.');
  assert.match(await page.locator('#said').textContent(), /^Hello from the mock model\..* end\.$/s);

  await page.locator('#user').fill('SLOW LONGRUN');
  await page.locator('#send').click();
  await page.locator('#said').filter({ hasText: 'Hello' }).waitFor();
  await button(page, 'Stop').click();
  await told(page, 'Stopped.');

  await page.locator('#stream').uncheck();
  await page.locator('#user').fill(`ECHO:${EVIL}`);
  await page.locator('#send').click();
  await told(page, 'The answer is whole.');
  assert.equal(await page.locator('#said').textContent(), EVIL);
  for (const [language, part] of [['curl', 'curl '], ['python', 'OpenAI('], ['rust', 'reqwest']]) {
    await page.locator('#language-of-code').selectOption(language);
    const code = await page.locator('#code').textContent();
    assert.ok(code.includes(part) && code.includes(`${origin}/v1`), language);
    assert.ok(code.includes('YOUR_API_KEY') && !code.includes(KEY), language);
  }

  await page.locator('#user').fill('ERR400');
  await page.locator('#send').click();
  await page.locator('.answer .bad').waitFor();
  await page.locator('#explained').click();
  await page.getByRole('heading', { name: /^Request req_/ }).waitFor();
  await page.locator('.mark.warn', { hasText: 'refused' }).first().waitFor();
  await page.locator('.mark.bad', { hasText: 'failed' }).first().waitFor();
  await page.getByRole('link', { name: 'All requests' }).click();
  await page.locator('#requests tbody tr').nth(3).waitFor();
  assert.equal(await page.evaluate(() => window.ran), undefined);
  const refused = scene.watch.refused.filter((one) => one.endsWith('/try/chat/completions'));
  wellBehaved(scene, refused);
  assert.equal(refused.length, 1);
});

test('language and colours stay as they were chosen', async (t) => {
  const scene = await setUp(t, { browser: { colorScheme: 'light' } });
  const { page } = scene;
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await ground();
  await page.locator('#theme').selectOption('dark');
  assert.notEqual(await ground(), light);
  await button(page, '中文').click();
  await page.getByRole('button', { name: '登录' }).waitFor();
  await page.reload();
  await page.getByRole('button', { name: '登录' }).waitFor();
  assert.equal(await page.locator('html').getAttribute('lang'), 'zh-CN');
  assert.notEqual(await ground(), light);
  await page.locator('#theme').selectOption('auto');
  assert.equal(await ground(), light);
  await page.emulateMedia({ colorScheme: 'dark' });
  assert.notEqual(await ground(), light);
  wellBehaved(scene, ['401 /stats']);
});

for (const locale of ['en-US', 'zh-CN']) {
  test(`${locale}: every view can be read by all, in both themes and on a phone`, async (t) => {
    const scene = await setUp(t, { browser: { locale, colorScheme: 'light' } });
    const { page, origin, stage } = scene;
    await seen(page, locale, 'sign-in');
    await addByProgram(origin, 'cookie-of-ann\ncookie-of-bob', { label: 'W'.repeat(90) });
    await script(stage, LIMITED);
    assert.equal(await chat(stage), 200);
    await signIn(page);
    for (const view of VIEWS) {
      await goTo(page, view);
      await seen(page, locale, view);
    }
    await goTo(page, 'accounts');
    await page.locator('button.name').first().click();
    await seen(page, locale, 'account');
    await page.keyboard.press('Escape');
    await goTo(page, 'requests');
    await page.locator('#requests tbody a').first().click();
    await page.locator('.pairs').waitFor();
    await seen(page, locale, 'request');
    wellBehaved(scene);
  });
}

/** Audits a view in both themes, keeps pictures of it, and looks at it in a narrow window. */
async function seen(page, locale, view) {
  await page.locator('main .hint').filter({ hasText: /^(Loading|加载中)/ }).waitFor({ state: 'detached' });
  const wide = page.viewportSize();
  for (const [colorScheme, rules] of THEMES) {
    await page.emulateMedia({ colorScheme });
    await audited(page, `${locale} ${view} ${colorScheme}`, rules);
    await shoot(page, `${view}-${locale}-${colorScheme}`);
  }
  await page.setViewportSize(PHONE);
  assert.ok((await overhang(page)) <= 0, `${view} sticks out`);
  await shoot(page, `${view}-${locale}-narrow`);
  await page.setViewportSize(wide);
}

test('other people\'s texts stay texts', async (t) => {
  const scene = await setUp(t);
  const { page, stage, origin } = scene;
  // A text that begins like a page is told as one.
  const evil = { status: 400, body: { message: `Sorry, ${EVIL}` } };
  assert.equal((await addByProgram(origin, 'cookie-of-ann', { label: EVIL })).added, 1);
  await signIn(page);
  await goTo(page, 'accounts');
  await row(page, EVIL).waitFor();
  await button(page, EVIL).click();
  await page.getByRole('dialog', { name: EVIL }).waitFor();
  await page.keyboard.press('Escape');

  await goTo(page, 'try');
  await page.locator('#user').fill(`ECHO:${EVIL}`);
  await page.locator('#system').fill(EVIL);
  await page.locator('#send').click();
  await told(page, 'The answer is whole.');
  assert.equal(await page.locator('#said').textContent(), EVIL);

  await chat({ ...stage, model: EVIL });
  await script(stage, { json: evil }, { json: evil });
  assert.notEqual(await chat(stage), 200);
  await goTo(page, 'overview');
  await goTo(page, 'requests');
  await page.locator('#requests .model', { hasText: EVIL }).waitFor();
  const refused = page.locator('#requests tbody tr').filter({ hasText: 'refused' });
  await refused.nth(1).waitFor();
  await refused.first().locator('a').click();
  await page.locator('.timeline .bad', { hasText: EVIL }).waitFor();
  await page.locator('.choice', { hasText: EVIL }).first().waitFor();
  assert.equal(await page.locator('main :is(img, script)').count(), 0);
  assert.equal(await page.evaluate(() => window.ran), undefined);
  wellBehaved(scene);
});

test('who has lost his session is asked to sign in, and goes on where he was', async (t) => {
  const scene = await setUp(t);
  const { page, origin, context } = scene;
  await signIn(page);
  await goTo(page, 'settings');
  const [{ name, value }] = await context.cookies();
  const headers = { Cookie: `${name}=${value}`, Origin: origin };
  assert.equal((await fetch(`${origin}/session`, { method: 'DELETE', headers })).status, 200);
  await page.locator('#key:visible').waitFor();
  await told(page, 'Sign in again.');
  await signIn(page);
  await page.getByRole('heading', { name: 'Settings' }).waitFor();
  await button(page, 'Sign out').click();
  await told(page, 'Signed out.');
  assert.equal(await page.locator('main > *').count(), 1, 'nothing of what was shown stays');
  const refused = scene.watch.refused.splice(1);
  assert.ok(refused.length > 0 && refused.every((one) => one.startsWith('401 ')), refused);
  wellBehaved(scene);
});

test('the keyboard is enough', async (t) => {
  const scene = await setUp(t);
  const { page } = scene;
  const { keyboard } = page;
  /** Goes on by Tab until something of that name has the focus, and sees that it is seen. */
  const reach = async (name, key = 'Tab') => {
    for (let presses = 0; presses < 60; presses += 1) {
      await keyboard.press(key);
      const [text, outline] = await page.evaluate(() => {
        const { activeElement: active } = document;
        const { outlineStyle } = getComputedStyle(active);
        const label = active.getAttribute('aria-label') ?? active.labels?.[0]?.textContent ?? active.textContent;
        return [label.trim(), outlineStyle];
      });
      if (!text.startsWith(name)) continue;
      assert.equal(outline, 'solid', `the focus on ${name} is seen`);
      return;
    }
    assert.fail(`${name} cannot be reached`);
  };
  await keyboard.type(KEY);
  await keyboard.press('Enter');
  await page.locator('#live.good').waitFor();
  await reach('Add accounts');
  await keyboard.press('Enter');
  await page.locator('#text:focus').waitFor();
  await keyboard.type('cookie-of-ann');
  await reach('Label');
  await keyboard.type('Ann');
  await keyboard.press('Enter');
  await told(page, '1 added');

  await reach('Accounts', 'Shift+Tab');
  await keyboard.press('Enter');
  await row(page, 'Ann').waitFor();
  await reach('Choose Ann');
  await keyboard.press('Space');
  await page.getByText('1 chosen:').waitFor();
  await reach('Ann');
  await keyboard.press('Enter');
  const dialog = page.getByRole('dialog', { name: 'Ann' });
  await dialog.waitFor();
  for (let presses = 0; presses < 15; presses += 1) {
    await keyboard.press('Tab');
    const inside = await page.evaluate(() => document.activeElement.closest('dialog') !== null
      || document.activeElement === document.body);
    assert.ok(inside, 'a dialog keeps the focus');
  }
  await keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  const back = await page.evaluate(() => document.activeElement.textContent.trim());
  assert.equal(back, 'Ann', 'and gives it back');
  await keyboard.press('Enter');
  await reach('Delete');
  await keyboard.press('Enter');
  await page.getByRole('alertdialog').waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.textContent.trim()), 'Cancel');
  await reach('Delete');
  await keyboard.press('Enter');
  await page.getByText('There are no accounts yet.').waitFor();

  await reach('Try it', 'Shift+Tab');
  await keyboard.press('Enter');
  await reach('Your text');
  await keyboard.type('Hello');
  await reach('Sign out', 'Shift+Tab');
  await keyboard.press('Enter');
  await told(page, 'Signed out.');
  await page.locator('#key:focus').waitFor();
  wellBehaved(scene);
});
