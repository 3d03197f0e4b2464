// The dashboard in front of a pool of hundreds, and of a server that is away, in a browser.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { useBrowser } from './browser.js';
import { addByProgram, button, chat, goTo, hide, row, setUp, signIn, told, wellBehaved } from './dashboard.js';
import { EMPTY_POOL } from './programs.js';

// More than stand on a page, and more than one event tells.
const MANY = 450;
const MORE = 250;

useBrowser();

test('hundreds of accounts are shown in pages, and acted on together', async (t) => {
  const users = Array.from({ length: MANY + MORE }, (_, at) => `user-${at}`);
  const sessions = users.flatMap((user) => ['--session', `cookie-of-${user}=${user}`]);
  const cookies = users.map((user) => `cookie-of-${user}`);
  const upstream = { ...EMPTY_POOL, simulator: [...EMPTY_POOL.simulator, ...sessions] };
  const scene = await setUp(t, { upstream });
  const { page, origin } = scene;
  const add = async (list, label) => assert.equal(
    (await addByProgram(origin, list.join('\n'), { label })).added,
    list.length,
  );
  await signIn(page);
  await goTo(page, 'accounts');
  await page.getByText('There are no accounts yet.').waitFor();
  await add(cookies.slice(0, MANY), 'Old');
  await page.getByText('450 of 450').waitFor();
  const rows = page.locator('#accounts tbody tr');
  assert.equal(await rows.count(), 100);
  const id = await rows.first().getAttribute('data-id');
  await add(cookies.slice(MANY), 'New');
  await page.getByText('700 of 700').waitFor();
  await button(page, 'Next').click();
  await page.getByText('Page 2 of 7').waitFor();
  assert.equal(await rows.count(), 100);
  assert.equal(await page.locator(`[data-id="${id}"]`).count(), 0, 'another page has other lines');

  await page.getByLabel('Choose all of this page').check();
  await button(page, 'Choose all 700').click();
  const chosen = page.getByRole('group', { name: 'With the chosen accounts' });
  await chosen.getByText('700 chosen:').waitFor();
  await chosen.getByRole('button', { name: 'Delete' }).click();
  const asked = page.getByRole('alertdialog');
  await asked.getByText('600 of them are on other pages.').waitFor();
  await asked.getByRole('button', { name: 'Cancel' }).click();
  await chosen.getByRole('button', { name: 'Disable' }).click();
  await chosen.getByText(/^[1-9]\d* of 700 done$/).waitFor();
  await goTo(page, 'overview');
  await goTo(page, 'accounts');
  await chosen.getByRole('button', { name: 'Stop' }).click();
  await told(page, /disabled · \d+ well, 0 not · \d+ left as they were/);
  await button(page, 'Close the notice').click();
  await button(page, 'Close the notice').waitFor({ state: 'detached' });

  await rows.nth(1).getByRole('checkbox').check();
  await page.locator('#find').fill(id);
  await page.getByText('1 of 700').waitFor();
  assert.equal(await chosen.count(), 0, 'what is not listed is not chosen any more');
  await rows.first().getByRole('checkbox').check();
  await chosen.getByText('1 chosen:').waitFor();
  await chosen.getByRole('button', { name: 'Delete' }).click();
  await asked.getByRole('button', { name: 'Delete' }).click();
  await told(page, 'deleted · 1 well, 0 not');
  await page.getByText('No account fits.').waitFor();
  await page.locator('#accounts-title:focus').waitFor();
  await page.locator('#find').fill('');
  await page.getByText('699 of 699').waitFor();
  assert.equal(await chosen.count(), 0, 'nor when it is listed again');
  wellBehaved(scene);
});

test('a page outlives a server that is away', async (t) => {
  const settings = { COOKIES: 'hf-chat=cookie-of-ann' };
  const scene = await setUp(t, { settings });
  const { page, stage, watch } = scene;
  await signIn(page);
  await goTo(page, 'accounts');
  const ann = page.locator('button.name');
  await ann.waitFor();
  const label = await ann.textContent().then((text) => text.trim());
  await button(page, `Disable: ${label}`).click();
  await told(page, 'disabled');
  await hide(page, true);
  await page.route('**/events', (route) => route.abort());
  await Promise.all([page.waitForEvent('requestfailed'), hide(page, false)]);
  await page.unroute('**/events');
  await page.locator('#live.good').waitFor();
  await told(page, 'disabled');

  const away = { status: 503, json: { error: { message: 'Come back later.', code: 'shutting_down' } } };
  await page.route('**/stats', (route) => route.fulfill(away));
  await page.reload();
  await told(page, 'Come back later.');
  assert.equal(await page.locator('#key').isVisible(), false, 'his session may hold');
  await page.unroute('**/stats');
  await ann.waitFor();
  await page.locator('.notice').waitFor({ state: 'detached' });

  await stage.restart();
  await page.locator('#key:visible').waitFor();
  await told(page, 'Sign in again.');
  await signIn(page);
  await button(page, `Disable: ${label}`).waitFor();
  watch.trouble = watch.trouble.filter((text) => !/net::ERR_/.test(text));
  const refused = watch.refused.splice(1);
  assert.ok(refused.every((one) => /^(401|503) \/(events|stats|stats\/sparks)$/.test(one)), refused);
  wellBehaved(scene);
});

test('an account whose only place is taken shows so, until the answer ends', async (t) => {
  const settings = { MAX_CONCURRENCY_PER_CREDENTIAL: '1', QUEUE_TIMEOUT: '0' };
  const scene = await setUp(t, { settings });
  const { page, stage, origin, context } = scene;
  await addByProgram(origin, 'cookie-of-ann', { label: 'Ann' });
  await signIn(page);
  await goTo(page, 'accounts');
  const inFlight = (text) => row(page, 'Ann').getByRole('cell', { name: text, exact: true });
  await inFlight('0 / 1').waitFor();
  const other = await context.newPage();
  await other.goto(`${origin}/#try`);
  await other.locator('#model').selectOption(stage.model);
  await other.locator('#user').fill('SLOW LONGRUN');
  await button(other, 'Send').click();
  await other.locator('#said').filter({ hasText: 'Hello' }).waitFor();
  // A window behind another is slow to act in.
  await page.bringToFront();
  await inFlight('1 / 1').waitFor();
  await row(page, 'Ann').getByText('active', { exact: true }).waitFor();

  assert.equal(await chat(stage), 429);
  await goTo(page, 'requests');
  const refused = page.locator('#requests tbody tr').filter({ hasText: 'failed' });
  await refused.getByRole('link').click();
  await page.locator('.choice', { hasText: 'nobody' }).getByText('Ann chat-ui: busy').waitFor();

  await other.bringToFront();
  await button(other, 'Stop').click();
  await told(other, 'Stopped.');
  await page.bringToFront();
  await goTo(page, 'accounts');
  await inFlight('0 / 1').waitFor();
  assert.equal(await chat(stage), 200);
  wellBehaved(scene);
});
