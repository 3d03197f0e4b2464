// A browser at the server's pages, and what it must not do there.

import assert from 'node:assert/strict';
import { after, before } from 'node:test';

import { chromium } from 'playwright-core';

const DEADLINE = 15_000;
const PROGRAM = process.env.CHROMIUM || '/usr/bin/chromium';
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
// Advice of the browser's that only those see who ask for it.
const QUIET = ['verbose', 'debug', 'info'];
// What the browser asks for of its own accord.
const ICON = '/favicon.ico';
// The window went elsewhere before the page had read an answer.
const LEFT = 'net::ERR_ABORTED';
const FAILED = /^Failed to load resource: the server responded with a status of (\d+)/;

let browser;

/** Starts one browser, with a profile of its own, for all tests of a file. */
export function useBrowser() {
  before(async () => {
    const settings = { executablePath: PROGRAM, args: ARGUMENTS, timeout: 2 * DEADLINE };
    browser = await chromium.launch(settings);
  });
  after(() => browser?.close());
}

/** Cookies, windows and a watch over them, of nobody else; closed when the test `t` is over. */
export async function visitor(t, settings = {}) {
  const context = await browser.newContext({ locale: 'en-US', ...settings });
  t.after(() => context.close());
  context.setDefaultTimeout(DEADLINE);
  const watch = { requests: [], refused: [], trouble: [] };
  context.on('request', (request) => watch.requests.push(request.url()));
  context.on('requestfailed', (request) => {
    const { errorText } = request.failure();
    if (errorText !== LEFT) watch.trouble.push(`${request.url()}: ${errorText}`);
  });
  context.on('dialog', (dialog) => {
    watch.trouble.push(`dialog: ${dialog.message()}`);
    return dialog.dismiss();
  });
  context.on('weberror', (thrown) => watch.trouble.push(String(thrown.error())));
  context.on('console', (message) => {
    // The browser itself tells of each answer that is not good.
    const status = FAILED.exec(message.text())?.[1];
    const { pathname } = new URL(message.location().url || 'about:blank');
    if (!status) {
      if (!QUIET.includes(message.type())) watch.trouble.push(`${message.type()}: ${message.text()}`);
    } else if (pathname !== ICON) {
      watch.refused.push(`${status} ${pathname}`);
    }
  });
  await context.exposeBinding('violated', (_, text) => watch.trouble.push(text));
  await context.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      window.violated(`${event.violatedDirective} violated by ${event.blockedURI}`);
    });
  });
  return { context, watch };
}

/**
 * Fails if a page of `origin` asked for anything but `paths`, complained of anything, or was refused
 * anything but `refused`.
 */
export function behaved(watch, origin, paths, refused) {
  const foreign = watch.requests.filter((url) => {
    const { origin: asked, pathname } = new URL(url);
    return asked !== origin || !paths.includes(pathname);
  });
  assert.deepEqual(foreign, []);
  assert.deepEqual(watch.trouble, []);
  assert.deepEqual(watch.refused, refused);
}

/** What can have the focus, as assistive technology is told: role and name, in Tab order's source. */
export async function controls(page) {
  const nodes = await tree(page);
  return nodes.map(described);
}

/** Role and name of what has the focus. */
export async function focused(page) {
  const nodes = await tree(page);
  return nodes.filter((node) => property(node, 'focused')).map(described).join();
}

async function tree(page) {
  const session = await page.context().newCDPSession(page);
  const { nodes } = await session.send('Accessibility.getFullAXTree');
  await session.detach();
  const reachable = (node) => !node.ignored && property(node, 'focusable');
  return nodes.filter((node) => reachable(node) && node.role.value !== 'RootWebArea');
}

function property(node, name) {
  return node.properties?.find((one) => one.name === name)?.value.value;
}

function described(node) {
  return `${node.role.value} ${JSON.stringify(node.name?.value ?? '')}`;
}

/** How far the page is wider than the window. */
export function overhang(page) {
  return page.evaluate(() => document.scrollingElement.scrollWidth - window.innerWidth);
}
