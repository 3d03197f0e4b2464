// The dashboard in a browser: getting to it, and what its tests do again and again.

import assert from 'node:assert/strict';
import { mkdir, readFile, readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';

import { behaved, visitor } from './browser.js';
import { EMPTY_POOL, play } from './programs.js';

export const KEY = 'sk-ours';
export const VIEWS = ['overview', 'accounts', 'add', 'requests', 'try', 'settings'];
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
// What a test may leave behind to be looked at.
const SHOTS = process.env.LLM2API_TARGET && join(process.env.LLM2API_TARGET, 'screenshots');
const UI = new URL('../../llm2api-server/src/ui/', import.meta.url);
// These belong to other pages.
const OF_OTHERS = ['authority.js', 'cookie.js', 'authorisation.js'];
const FILES = (await readdir(UI)).filter((name) => /\.(js|css)$/.test(name) && !OF_OTHERS.includes(name));
const PATHS = [
  ...FILES.map((name) => `/ui/${name}`),
  ...['/', '/ui/vendor/preact.js', '/session', '/events', '/requests', '/settings', '/cookies', '/cookies/import'],
  ...['check', 'enable', 'disable', 'clear', 'remove', 'update'].map((act) => `/cookie/${act}`),
  ...['', '/models', '/keys', '/series', '/sparks'].map((part) => `/stats${part}`),
  '/try/chat/completions',
];
const OF_REQUEST = /^\/v1\/explain\/[^/]+$/;
// Nobody is signed in when the page opens, and it has to ask.
const AT_FIRST = '401 /stats';

/** A stage with a window at its dashboard, nobody signed in; `watch` notes what the page does. */
export async function setUp(t, { browser, upstream = EMPTY_POOL, settings } = {}) {
  const { context, watch } = await visitor(t, { timezoneId: 'UTC', ...browser });
  const own = { API_KEY: KEY, STORE_URL: 'memory:', ...settings };
  const stage = await play(t, upstream, own);
  const { origin } = new URL(stage.baseURL);
  const page = await context.newPage();
  await page.goto(`${origin}/`);
  await page.locator('#key:focus').waitFor();
  return { stage, origin, context, page, watch };
}

/** Signs in with the admin key. */
export async function signIn(page) {
  await page.locator('#key').fill(KEY);
  await page.locator('#key').press('Enter');
  await page.locator('#live.good').waitFor();
}

/** Goes to a view by its link. */
export async function goTo(page, view) {
  await page.locator(`nav a[href="#${view}"]`).first().click();
  await page.locator(`nav a[href="#${view}"][aria-current=page]`).waitFor();
}

/** Waits until the status line says this where it is seen and read out: inside of a dialog that is open. */
export function told(page, text) {
  const line = page.locator('dialog[open] [role=status], body:not(:has(dialog[open])) [role=status]');
  return line.filter({ hasText: text }).waitFor();
}

/** A button of that name and no other. */
export function button(page, name) {
  return page.getByRole('button', { name, exact: true });
}

/** Lets the page think that another tab is in front of it. */
export function hide(page, hidden) {
  return page.evaluate((value) => {
    Object.defineProperty(document, 'hidden', { value, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
  }, hidden);
}

/** The line of an account in the list. */
export function row(page, label) {
  const name = page.getByRole('button', { name: label, exact: true });
  return page.locator('#accounts tbody tr').filter({ has: name });
}

/** Adds accounts as the operator's programs do. */
export async function addByProgram(origin, text, fields = {}) {
  const headers = { Authorization: `Bearer ${KEY}`, 'Content-Type': 'application/json' };
  const body = JSON.stringify({ text, ...fields });
  const answer = await fetch(`${origin}/cookies/import`, { method: 'POST', headers, body });
  assert.equal(answer.status, 200);
  return answer.json();
}

/** Asks as a client does, and answers with the status. */
export async function chat(stage, content = 'Hello') {
  const headers = { Authorization: `Bearer ${KEY}`, 'Content-Type': 'application/json' };
  const messages = [{ role: 'user', content }];
  const body = JSON.stringify({ model: stage.model, messages });
  const answer = await fetch(`${stage.baseURL}/chat/completions`, { method: 'POST', headers, body });
  await answer.text();
  return answer.status;
}

/** Fails if the page asked for what is not for it, complained, or was refused more than `refused`. */
export function wellBehaved({ watch, origin }, refused = []) {
  const explained = watch.requests.map((url) => new URL(url).pathname).filter((path) => OF_REQUEST.test(path));
  behaved(watch, origin, [...PATHS, ...explained], [AT_FIRST, ...refused]);
}

/** Fails if the view breaks a rule of accessibility. */
export async function audited(page, name, rules) {
  if (!(await page.evaluate(() => 'axe' in window))) {
    // The debugger's scripts are not bound by the page's policy.
    await page.evaluate(await readFile(AXE, 'utf8'));
  }
  const { violations } = await page.evaluate((options) => window.axe.run(options), rules);
  const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
  assert.deepEqual(found, [], name);
}

/** Keeps a picture of the page where tests have a place for that. */
export async function shoot(page, name) {
  if (!SHOTS) return;
  await mkdir(SHOTS, { recursive: true });
  await page.screenshot({ path: join(SHOTS, `${name}.png`), fullPage: true });
}
