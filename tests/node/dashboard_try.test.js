// The box of the dashboard with files, in a browser.

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { useBrowser } from './browser.js';
import { audited, button, goTo, setUp, signIn, told, wellBehaved } from './dashboard.js';
import { UPSTREAMS, received } from './programs.js';

const CHAT = '/try/chat/completions';
const WHOLE = 'The answer is whole.';
const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const PICTURE = file('pixel.png', 'image/png', Buffer.from(PIXEL, 'base64'));
const NOTES = file('größe.md', 'text/markdown', '# Größe\n\n日本\n');

useBrowser();

function file(name, mimeType, content) {
  return { name, mimeType, buffer: Buffer.from(content) };
}

/** The box in a window of its own, the operator signed in. */
async function openBox(t, options) {
  const scene = await setUp(t, options);
  await signIn(scene.page);
  await goTo(scene.page, 'try');
  return scene;
}

/** The line of a file that goes with the request. */
function attachment(page, { name }) {
  return page.getByRole('listitem').filter({ hasText: name });
}

async function attach(page, ...files) {
  await page.getByLabel('Images and files').setInputFiles(files);
  for (const one of files) await attachment(page, one).waitFor();
}

/** Sends the text, and answers with what the server was sent and what the page shows in the end. */
async function send(page, text) {
  await page.locator('#user').fill(text);
  const sent = page.waitForRequest((request) => new URL(request.url()).pathname === CHAT);
  await page.locator('#send').click();
  const body = (await sent).postDataJSON();
  await told(page, WHOLE);
  return { body, said: await page.locator('#said').textContent() };
}

/** The bodies of the chats that an OpenAI upstream has received. */
async function chats(stage) {
  const all = await received(stage);
  return all.filter(({ path }) => path === '/v1/chat/completions').map(({ body }) => JSON.parse(body));
}

/** Lets the browser read files of this name only after what this returns was called. */
async function holdBack(page, { name }) {
  await page.evaluate((held) => {
    const { readAsDataURL } = FileReader.prototype;
    const waiting = [];
    window.release = () => waiting.splice(0).forEach((read) => read());
    FileReader.prototype.readAsDataURL = function read(blob) {
      const now = () => readAsDataURL.call(this, blob);
      if (blob.name === held) waiting.push(now);
      else now();
    };
  }, name);
  return () => page.evaluate(() => window.release());
}

test('a file that takes long to read takes no other away', async (t) => {
  const scene = await openBox(t, { upstream: UPSTREAMS.openai });
  const { page, stage } = scene;
  const release = await holdBack(page, NOTES);
  const gone = file('gone.txt', 'text/plain', 'gone');
  await attach(page, gone);
  await page.locator('#files').setInputFiles([NOTES]);
  await attach(page, PICTURE);
  await button(page, `Leave out: ${gone.name}`).click();
  await release();
  await attachment(page, NOTES).waitFor();
  await send(page, 'Look');
  const kinds = (await chats(stage)).at(-1).messages[0].content.map(({ type }) => type);
  assert.deepEqual(kinds, ['text', 'image_url', 'file']);
  wellBehaved(scene);
});

test('who leaves the box while a file is read misses nothing but the file', async (t) => {
  const scene = await openBox(t, { upstream: UPSTREAMS.openai });
  const { page } = scene;
  const release = await holdBack(page, NOTES);
  await page.locator('#files').setInputFiles([NOTES]);
  await goTo(page, 'settings');
  await release();
  await goTo(page, 'try');
  await attach(page, PICTURE);
  assert.equal(await attachment(page, NOTES).count(), 0);
  wellBehaved(scene);
});

test('a file that cannot be read is named, and the others are taken', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'llm2api-'));
  t.after(() => rm(folder, { recursive: true }));
  const paths = [NOTES, PICTURE].map(({ name }) => join(folder, name));
  await Promise.all([NOTES, PICTURE].map(({ buffer }, at) => writeFile(paths[at], buffer)));
  const scene = await openBox(t, { upstream: UPSTREAMS.openai });
  const { page } = scene;
  const release = await holdBack(page, NOTES);
  await page.locator('#user').fill('Look');
  await page.locator('#files').setInputFiles(paths);
  await rm(paths[0]);
  await release();
  await told(page, `This cannot be read: ${NOTES.name}`);
  await attachment(page, PICTURE).waitFor();
  assert.equal(await attachment(page, NOTES).count(), 0);
  assert.equal(await page.locator('#user').inputValue(), 'Look');
  await audited(page, 'files');
  wellBehaved(scene);
});
