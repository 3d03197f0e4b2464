// The box of the dashboard with files, searches and aliases, in a browser.

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { useBrowser } from './browser.js';
import { audited, button, goTo, setUp, signIn, told, wellBehaved } from './dashboard.js';
import { UPSTREAMS, received } from './programs.js';

const CHAT = '/try/chat/completions';
const MIB = 1 << 20;
const WHOLE = 'The answer is whole.';
const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const PICTURE = file('pixel.png', 'image/png', Buffer.from(PIXEL, 'base64'));
const NOTES = file('größe.md', 'text/markdown', '# Größe\n\n日本\n');
// What is too large for all, for chat accounts, or of a kind that they do not take.
const REFUSED = [
  [file('huge.txt', 'text/plain', Buffer.alloc(8 * MIB, 'a')), 413,
    `the request body is larger than ${8 * MIB} bytes: send a smaller one (request_too_large)`],
  [file('large.txt', 'text/plain', Buffer.alloc(MIB + 1, 'a')), 413,
    'a document has more than 1 MiB of text: send a part of it (request_too_large)'],
  [file('moving.gif', 'image/gif', 'GIF89a'), 400,
    'an image is a GIF: convert it to PNG or JPEG (unsupported_image)'],
  [file('program', '', '\x7fELF'), 400,
    'a file is a program: send PNG or JPEG images, PDF, DOCX or text files (unsupported_file)'],
  [file('empty.txt', 'text/plain', ''), 400, 'a file holds nothing'],
];
const SEARCHES = { ...UPSTREAMS.openai, searches: true };
const ALIAS = 'quick';
const ALIASES = {
  ...UPSTREAMS.openai,
  file: `[[model]]\nname = "${ALIAS}"\nserve = ["openai/${UPSTREAMS.openai.model}"]\n`,
};

useBrowser();

function file(name, mimeType, content) {
  return { name, mimeType, buffer: Buffer.from(content) };
}

function dataUrl({ mimeType, buffer }) {
  return `data:${mimeType};base64,${buffer.toString('base64')}`;
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

/** The program in that language. */
async function program(page, language) {
  await page.locator('#language-of-code').selectOption(language);
  return page.locator('#code').textContent();
}

/** The body that the program for curl sends. */
function bodyOfCurl(text) {
  return JSON.parse(text.slice(text.indexOf("-d '") + 4, text.lastIndexOf("'")).replaceAll("'\\''", "'"));
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

test('files reach an OpenAI upstream as they are, and stand in the programs', async (t) => {
  const scene = await openBox(t, { upstream: UPSTREAMS.openai });
  const { page, stage, origin } = scene;
  await attach(page, PICTURE, NOTES);
  await attachment(page, NOTES).getByText('18 bytes').waitFor();
  const { body } = await send(page, 'Look');
  const parts = [
    { type: 'text', text: 'Look' },
    { type: 'image_url', image_url: { url: dataUrl(PICTURE) } },
    { type: 'file', file: { filename: NOTES.name, file_data: dataUrl(NOTES) } },
  ];
  assert.deepEqual((await chats(stage)).at(-1).messages, [{ role: 'user', content: parts }]);

  const curl = await program(page, 'curl');
  assert.ok(curl.startsWith(`curl -N ${origin}/v1/chat/completions `), curl);
  assert.deepEqual(bodyOfCurl(curl), body);
  const url = JSON.stringify(dataUrl(PICTURE));
  assert.ok((await program(page, 'python')).includes(`"url": ${url},`));
  assert.ok((await program(page, 'rust')).includes(`"url": ${url}\n`));
  wellBehaved(scene);
});

test('a chat account sees the image and reads the file', async (t) => {
  const scene = await openBox(t, { upstream: UPSTREAMS['chat-ui-v2'] });
  const { page } = scene;
  await page.locator('#model').selectOption('mock/vision-1');
  await attach(page, PICTURE);
  await attach(page, NOTES);
  const [{ role, content }] = JSON.parse((await send(page, 'PROMPT')).said);
  assert.equal(role, 'user');
  const [{ text }, { image_url: image }] = content;
  assert.equal(image.url, dataUrl(PICTURE));
  assert.ok(text.includes(`name="${NOTES.name}"`) && text.includes(NOTES.buffer.toString()), text);
  assert.ok(text.endsWith('PROMPT'), text);
  wellBehaved(scene);
});

test('a file that was left out is not sent', async (t) => {
  const scene = await openBox(t, { upstream: UPSTREAMS.openai });
  const { page, stage } = scene;
  await attach(page, NOTES, PICTURE);
  assert.equal(await page.locator('#files').inputValue(), '', 'the same file can be chosen again');
  await button(page, `Leave out: ${PICTURE.name}`).click();
  await attachment(page, PICTURE).waitFor({ state: 'detached' });
  await page.locator('#files:focus').waitFor();
  await send(page, 'Look');
  const types = ({ messages }) => messages[0].content.map(({ type }) => type);
  assert.deepEqual(types((await chats(stage)).at(-1)), ['text', 'file']);

  await attach(page, PICTURE);
  await button(page, `Leave out: ${NOTES.name}`).click();
  await button(page, `Leave out: ${PICTURE.name}`).click();
  await send(page, 'Nothing');
  assert.deepEqual((await chats(stage)).at(-1).messages, [{ role: 'user', content: 'Nothing' }]);
  wellBehaved(scene);
});

test('a file that is refused leaves the text and the other files where they are', async (t) => {
  const settings = { REQUEST_BODY_LIMIT: '8MiB' };
  const scene = await openBox(t, { upstream: UPSTREAMS['chat-ui-v2'], settings });
  const { page } = scene;
  await attach(page, NOTES);
  await page.locator('#user').fill('PROMPT');
  for (const [refused, , problem] of REFUSED) {
    await attach(page, refused);
    await page.locator('#send').click();
    await page.locator('.answer .bad', { hasText: problem }).waitFor();
    await told(page, problem.replace(/ \(\w+\)$/, ''));
    assert.equal(await page.locator('#user').inputValue(), 'PROMPT');
    await button(page, `Leave out: ${refused.name}`).click();
    assert.equal(await page.getByRole('listitem').filter({ hasText: 'bytes' }).count(), 1);
  }
  await page.locator('#send').click();
  await told(page, WHOLE);
  assert.ok((await page.locator('#said').textContent()).includes(NOTES.name));
  wellBehaved(scene, REFUSED.map(([, status]) => `${status} ${CHAT}`));
});

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

test('a search shows what it found, and stands in the programs', async (t) => {
  const scene = await openBox(t, { upstream: SEARCHES });
  const { page, stage, context } = scene;
  await page.getByLabel('Search the web', { exact: true }).check();
  const { body, said } = await send(page, 'How large is Oslo?\nECHO:It is large [1].');
  assert.deepEqual(body.web_search_options, {});
  assert.match(said, /^<search>\n\n1\. \[Result 1 for .+\]\(https:\/\/site1\.example\/.+\)\n2\. /);
  assert.match(said, /\n<\/search>\n\nIt is large \[1\]\.$/);
  const searches = (await received(stage)).filter(({ path }) => path.startsWith('/searxng/search?'));
  assert.ok(searches.length > 0 && searches[0].path.includes('Oslo'));

  assert.deepEqual(bodyOfCurl(await program(page, 'curl')), body);
  assert.ok((await program(page, 'python')).includes('\n    web_search_options={},\n'));
  const rust = await program(page, 'rust');
  assert.ok(rust.includes('"web_search_options": {}'));
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await button(page, 'Copy').click();
  await told(page, 'Copied.');
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), rust);

  await page.getByLabel('Search the web', { exact: true }).uncheck();
  const without = await send(page, 'ECHO:No source.');
  assert.ok(!('web_search_options' in without.body));
  assert.equal(without.said, 'No source.');
  wellBehaved(scene);
});

test('without the block, what the answer cites stands below it', async (t) => {
  const scene = await openBox(t, { upstream: SEARCHES, settings: { SEARCH_BLOCK: 'false' } });
  const { page } = scene;
  await page.getByLabel('Search the web', { exact: true }).check();
  const { said } = await send(page, 'How large is Oslo?\nECHO:😀 Large [2], said [2] and [1].');
  assert.equal(said, '😀 Large [2], said [2] and [1].');
  const lines = await page.getByRole('list', { name: 'Sources' }).getByRole('listitem').all();
  const texts = await Promise.all(lines.map((line) => line.textContent()));
  assert.match(texts[0].trim(), /^\[2\]\s+Result 2 for /);
  assert.match(texts[1].trim(), /^\[1\]\s+Result 1 for /);
  assert.match(texts[2].trim(), /^Result 3 for /, 'what was found and not cited');
  const address = await lines[0].getByRole('link').getAttribute('href');
  assert.match(address, /^https:\/\/site2\.example\//);
  await audited(page, 'sources');
  wellBehaved(scene);
});

test('a search that has failed is said to have', async (t) => {
  const scene = await openBox(t, { upstream: SEARCHES });
  const { page } = scene;
  await page.getByLabel('Search the web', { exact: true }).check();
  for (const streams of [true, false]) {
    await page.getByLabel('Stream', { exact: true }).setChecked(streams);
    const { said } = await send(page, 'SX500\nECHO:Here all the same.');
    assert.equal(said, 'Here all the same.');
    await page.locator('.answer .warn', { hasText: 'The search has failed (search_' }).waitFor();
  }
  wellBehaved(scene);
});

test('without a SearXNG there is nothing to switch on', async (t) => {
  const scene = await openBox(t, { upstream: UPSTREAMS.openai });
  const { page } = scene;
  assert.ok(await page.getByLabel('Search the web (SEARXNG_URL is not set)').isDisabled());
  assert.ok(!('web_search_options' in (await send(page, 'Hello')).body));
  wellBehaved(scene);
});

test('an alias answers as the model that it stands for', async (t) => {
  const scene = await openBox(t, { upstream: ALIASES });
  const { page, stage } = scene;
  await page.locator('#model').selectOption(ALIAS);
  const { body, said } = await send(page, 'ECHO:Here.');
  assert.equal(said, 'Here.');
  assert.equal(body.model, ALIAS);
  assert.equal((await chats(stage)).at(-1).model, stage.model);
  assert.equal(bodyOfCurl(await program(page, 'curl')).model, ALIAS);

  await page.locator('#explained').click();
  await page.locator('.timeline', { hasText: stage.model }).waitFor();
  await page.locator('.pairs', { hasText: ALIAS }).waitFor();
  await goTo(page, 'settings');
  await page.getByRole('row').filter({ hasText: ALIAS }).getByText(`openai/${stage.model}`).waitFor();
  wellBehaved(scene);
});
