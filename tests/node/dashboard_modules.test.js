// The parts of the dashboard that need no browser.

import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { test } from 'node:test';

import { STATES, listed, marked, success, upstreams } from '../../llm2api-server/src/ui/account_list.js';
import { ceiling, path, places } from '../../llm2api-server/src/ui/plot.js';
import { bodyOf, events } from '../../llm2api-server/src/ui/chat.js';
import * as format from '../../llm2api-server/src/ui/format.js';
import { VIEWS, link, parse } from '../../llm2api-server/src/ui/route.js';
import { LANGUAGES, snippet } from '../../llm2api-server/src/ui/snippets.js';
import { TEXTS } from '../../llm2api-server/src/ui/texts.js';

const REPOSITORY = new URL('../../', import.meta.url);
const UI = new URL('../../llm2api-server/src/ui/', import.meta.url);

test('both languages have the same texts, and none is empty', () => {
  const { en, zh } = TEXTS;
  assert.deepEqual(Object.keys(zh), Object.keys(en));
  for (const [name, text] of Object.entries(en)) {
    assert.equal(typeof zh[name], typeof text, name);
    assert.equal(zh[name].length > 0, text.length > 0, name);
    if (typeof text === 'function') assert.equal(zh[name].length, text.length, name);
  }
});

test('every text that the pages name is there', async () => {
  const files = (await readdir(UI)).filter((name) => name.endsWith('.js') && name !== 'authority.js');
  const sources = await Promise.all(files.map((name) => readFile(new URL(name, UI), 'utf8')));
  const named = sources.flatMap((text) => [...text.matchAll(/\bword\('(\w+)'/g)].map(([, name]) => name));
  assert.ok(named.length > 100);
  assert.deepEqual(named.filter((name) => !(name in TEXTS.en)), []);
});

/** The names that stand in a file of the repository at a place in each of those lines. */
async function namesIn(path, lines) {
  const text = await readFile(new URL(path, REPOSITORY), 'utf8');
  const names = [...text.matchAll(lines)].map(([, name]) => name);
  assert.ok(names.length > 0, `${path} has ${lines}`);
  return names;
}

test('every text that is put together is there', async () => {
  const ui = (name, lines) => namesIn(`llm2api-server/src/ui/${name}`, lines);
  const acts = await ui('account_acts.js', /'(check|enable|disable|clear|remove)'[,\]]/g);
  const groups = {
    act_: acts,
    done_: [...acts, 'update'],
    view_: VIEWS,
    state_: STATES,
    code_: LANGUAGES,
    column_: await ui('accounts.js', /\['(\w+)'[,\]]/g),
    tile_: await ui('tiles.js', /^ {4}\['(\w+)', /gm),
    span_: await ui('charts.js', /^ {2}(\w+): \{ span/gm),
    theme_: ['auto', 'light', 'dark'],
    term_: await ui('choice.js', /^ {2}\['(\w+)', \(one\)/gm),
    '': [
      ...(await ui('requests.js', /\['(\w+)'[,\]]/g)),
      ...(await ui('request.js', /^ {4}\['(\w+)', /gm)),
      ...(await ui('account_dialog.js', /^ {4}\['(\w+)', /gm)),
      ...(await ui('figures.js', /^ {2}\['(\w+)', /gm)),
    ],
  };
  const named = Object.entries(groups).flatMap(([start, names]) => names.map((name) => start + name));
  assert.ok(named.length > 70);
  assert.deepEqual(named.filter((name) => !(name in TEXTS.en)), []);
});

test('every reason that the engine gives has a text', async () => {
  const core = (path, lines) => namesIn(`llm2api-core/src/${path}`, lines);
  const reasons = [
    ...(await core('credential/health.rs', /^ {8}(?:ErrorKind::\w+|_) => "(\w+)",$/gm)),
    ...(await core('pool/outlook.rs', /^ {12}.+ => "([\w ]+)"\.to_owned\(\),$/gm)),
    ...(await core('pool/picture.rs', /^ {16}\("([\w ]+)"\.to_owned\(\), None\)$/gm)),
    ...STATES.filter((name) => name !== 'active'),
  ];
  assert.ok(reasons.length >= 18, reasons.join());
  const texts = reasons.map((reason) => `excluded_${reason.replaceAll(' ', '_')}`);
  assert.deepEqual(texts.filter((name) => !(name in TEXTS.en)), []);
});

test('reasons are told in words, those of an upstream as such', async () => {
  Object.defineProperty(globalThis, 'navigator', { value: { language: 'zh-CN' }, configurable: true });
  const { reasonText } = await import('../../llm2api-server/src/ui/language.js');
  assert.equal(reasonText('quota_exhausted'), TEXTS.zh.excluded_quota_exhausted);
  const timeouts = TEXTS.zh.reasonOfUpstream(TEXTS.zh.excluded_timeouts);
  assert.equal(reasonText('upstream: timeouts'), timeouts);
  assert.equal(reasonText('something new'), 'something new');
  assert.equal(reasonText(null), '');
});

test('every file of the pages stays short', async () => {
  for (const name of await readdir(UI)) {
    if (!name.endsWith('.js')) continue;
    const lines = (await readFile(new URL(name, UI), 'utf8')).split('\n').length;
    assert.ok(lines <= 300, `${name} has ${lines} lines`);
  }
});

test('spans of time are told in their two largest units', () => {
  const told = [0, 59, 60, 3599, 3600, 90_061, 864_000].map((one) => format.span('en', one));
  assert.deepEqual(told, ['0s', '59s', '1m', '59m 59s', '1h', '1d 1h', '10d']);
  assert.equal(format.span('zh-CN', 90), '1分钟 30秒');
  assert.equal(format.span('en', null), format.NONE);
});

test('durations have the unit that suits them', () => {
  const told = [null, 0.25, 12.4, 999.4, 999.6, 9_994, 59_999, 61_000];
  assert.deepEqual(
    told.map((one) => format.milliseconds('en', one)),
    ['–', '0.25ms', '12ms', '999ms', '1s', '9.99s', '60s', '1m 1s'],
  );
  assert.equal(format.microseconds('en', 740), '740μs');
  assert.equal(format.microseconds('en', 1_500), '1.5ms');
});

test('only all is a hundred per cent', () => {
  const told = [null, 0, 0.5, 0.99996, 1].map((one) => format.percent('en', one));
  assert.deepEqual(told, ['–', '0%', '50%', '99.9%', '100%']);
});

test('what is long ago is told in days', () => {
  const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto', style: 'narrow' });
  const told = [-5, 59, 60, 7200, 200_000].map((one) => format.ago('en', one));
  const times = [[-0, 'second'], [-59, 'second'], [-1, 'minute'], [-2, 'hour'], [-2, 'day']];
  assert.deepEqual(told, times.map(([count, unit]) => relative.format(count, unit)));
});

const POOL = new Map(
  [
    { id: 'a', label: 'Zed', upstream: 'x', state: 'active', requests: 4, failures: 1, last_used: 5 },
    { id: 'b', label: 'ann', upstream: 'y', state: 'cooling', requests: 0, failures: 0, last_used: null },
    { id: 'c', label: 'Bob', upstream: 'x', state: 'invalid', requests: 2, failures: 0, last_used: 9 },
  ].map((entry) => [entry.id, { fingerprint: '', ...entry }]),
);
const ids = (filter) => listed(POOL, filter).map(({ id }) => id).join('');

test('accounts are found by any of their words, their state and their upstream', () => {
  assert.equal(ids({}), 'abc');
  assert.equal(ids({ text: ' ANN ' }), 'b');
  assert.equal(ids({ text: 'bob nobody' }), '');
  assert.equal(ids({ state: 'invalid', upstream: 'x' }), 'c');
  assert.equal(ids({ state: 'invalid', upstream: 'y' }), '');
  assert.deepEqual(upstreams(POOL), ['x', 'y']);
});

test('accounts are sorted both ways, those of which nothing is known last', () => {
  assert.equal(ids({ by: 'label' }), 'bca');
  assert.equal(ids({ by: 'label', down: true }), 'acb');
  assert.equal(ids({ by: 'last_used' }), 'acb');
  assert.equal(ids({ by: 'last_used', down: true }), 'cab');
  assert.equal(ids({ by: 'success', down: true }), 'cab');
  assert.equal(success(POOL.get('a')), 0.75);
  assert.equal(success(POOL.get('b')), null);
});

test('what is chosen and not listed is not acted on', () => {
  const found = listed(POOL, { upstream: 'x', by: 'label' });
  assert.deepEqual(marked(found, new Set(['a', 'b', 'c'])), ['c', 'a']);
  assert.deepEqual(marked(found, new Set(['b', 'gone'])), []);
});

test('points of a chart stand where they belong and lines break where one is missing', () => {
  const row = places([{ at: 120 }, { at: 60 }, { at: 600 }], 60, 60, 3);
  assert.deepEqual(row, [{ at: 60 }, { at: 120 }, null]);
  assert.equal(path([0, null, 10], 10), 'M0.00 120.00h200.00M400.00 0.00h200.00');
  assert.deepEqual([0, 0.03, 1, 11, 200, 201].map(ceiling), [1, 0.05, 1, 20, 200, 500]);
});

test('views and what they are of come back out of addresses', () => {
  for (const item of ['', 'credential:cred_1', 'model:a/b c#%?']) {
    assert.deepEqual(parse(link('overview', item)), { view: 'overview', item });
  }
  assert.deepEqual(parse('#nothing/x'), { view: 'overview', item: '' });
  assert.deepEqual(parse('#requests/%'), { view: 'requests', item: '%' });
});

const REQUEST = { model: 'm', system: '', user: 'Hi', stream: true, search: false, files: [] };

test('a request says what the form says', () => {
  assert.deepEqual(bodyOf({ ...REQUEST, stream: false }), {
    model: 'm',
    messages: [{ role: 'user', content: 'Hi' }],
  });
  const files = [
    { name: 'a.png', type: 'image/png', url: 'data:image/png;base64,AA' },
    { name: 'b.pdf', type: 'application/pdf', url: 'data:application/pdf;base64,BB' },
  ];
  const body = bodyOf({ ...REQUEST, system: 'Be short', search: true, files });
  assert.deepEqual(body.web_search_options, {});
  assert.equal(body.stream, true);
  assert.deepEqual(body.messages[0], { role: 'system', content: 'Be short' });
  assert.deepEqual(body.messages[1].content, [
    { type: 'text', text: 'Hi' },
    { type: 'image_url', image_url: { url: files[0].url } },
    { type: 'file', file: { filename: 'b.pdf', file_data: files[1].url } },
  ]);
});

test('events are found wherever a stream is cut', async () => {
  const stream = 'data: {"a":1}\r\n\r\n: still here\n\ndata: ü\n\ndata: [DONE]\n\n';
  for (let cut = 0; cut <= stream.length; cut += 1) {
    const found = [];
    const parts = [stream.slice(0, cut), stream.slice(cut)];
    for await (const data of events(parts)) found.push(data);
    assert.deepEqual(found, ['{"a":1}', 'ü', '[DONE]'], `cut at ${cut}`);
  }
});

test('programs quote what they are given and hold no picture', () => {
  const user = 'it\'s "quoted" \\ "# and\nmore';
  const url = `data:image/png;base64,${'A'.repeat(500)}`;
  const body = bodyOf({ ...REQUEST, user, files: [{ name: 'a', type: 'image/png', url }] });
  for (const language of LANGUAGES) {
    const text = snippet(language, 'http://127.0.0.1:1/v1', body);
    assert.ok(text.includes('http://127.0.0.1:1/v1'), language);
    assert.ok(text.includes('YOUR_API_KEY'), language);
    assert.ok(text.includes('base64,BASE64') && !text.includes('AAAA'), language);
  }
  const curl = snippet('curl', 'http://127.0.0.1:1/v1', body);
  const json = curl.slice(curl.indexOf("-d '") + 4, curl.lastIndexOf("'"));
  const sent = JSON.parse(json.replaceAll("'\\''", "'"));
  assert.equal(sent.messages[0].content[0].text, user);
  const python = snippet('python', 'http://127.0.0.1:1/v1', body);
  assert.ok(python.includes('stream=True,') && python.includes(JSON.stringify(user)));
  const rust = snippet('rust', 'http://127.0.0.1:1/v1', body);
  assert.ok(rust.includes('r##"{'), 'more marks than the text has');
  assert.ok(!rust.includes('lossy') && rust.includes("== b'\\n'"), 'whole lines are decoded');
});
