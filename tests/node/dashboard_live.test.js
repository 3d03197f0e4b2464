// What the page makes of what the server tells, without a browser.

import assert from 'node:assert/strict';
import { test } from 'node:test';

const PAGE = 1000;
// A page that gave up would begin anew for ever.
const SOON = { timeout: 5000 };

/** A stream whose events the test makes. */
class Source extends EventTarget {
  static last = null;

  constructor() {
    super();
    Source.last = this;
  }

  tell(name, data) {
    this.dispatchEvent(Object.assign(new Event(name), { data: JSON.stringify(data) }));
  }

  close() {}
}

const { setInterval } = globalThis;
Object.assign(globalThis, {
  document: Object.assign(new EventTarget(), { hidden: false }),
  EventSource: Source,
  // The clock of the page must not keep the tests running.
  setInterval: (...values) => setInterval(...values).unref(),
});
if (!globalThis.navigator) globalThis.navigator = { language: 'en' };

const { accounts, follow, isLive, requests } = await import('../../llm2api-server/src/ui/live.js');
const { signedIn } = await import('../../llm2api-server/src/ui/session.js');

follow();

/** Waits until a store holds what fits. */
function until(store, fits) {
  return new Promise((resolve) => {
    const look = () => {
      if (!fits(store.value)) return;
      stop();
      resolve();
    };
    const stop = store.watch(look);
    look();
  });
}

/** A page that is signed in at a server which answers like that. */
async function open(t, answers) {
  const asked = [];
  globalThis.fetch = async (path) => {
    asked.push(path);
    return (await answers(path)) ?? Response.json({ data: [] });
  };
  signedIn.set(true);
  t.after(() => signedIn.set(false));
  const source = Source.last;
  source.dispatchEvent(new Event('open'));
  await until(accounts, (value) => value !== null);
  await until(requests, (value) => value !== null);
  return { source, asked };
}

const entry = (id) => ({ id, label: id });
const request = (id, at) => ({ id, at_ms: at });
const names = () => requests.value.map(({ id, at_ms: at }) => `${id}${at}`).join(' ');

test('an account that went and came back is there', async (t) => {
  const { source } = await open(t, () => undefined);
  source.tell('accounts', { changed: [entry('a'), entry('b')], removed: [] });
  source.tell('accounts', { changed: [{ ...entry('a'), label: 'new' }], removed: ['a', 'b'] });
  assert.deepEqual([...accounts.value.values()], [{ id: 'a', label: 'new' }]);
});

test('the accounts are listed anew where the last of a page was removed', SOON, async (t) => {
  let isGone = true;
  const list = Array.from({ length: PAGE + 1 }, (_, at) => entry(`a${at}`));
  const error = { message: 'no account has this id any more', code: 'cookie_not_found' };
  const { asked } = await open(t, (path) => {
    if (!path.startsWith('/cookies')) return undefined;
    if (!path.includes('after')) return Response.json({ data: list.slice(0, PAGE) });
    if (isGone) {
      isGone = false;
      list.splice(PAGE - 1, 1);
      return Response.json({ error }, { status: 400 });
    }
    return Response.json({ data: list.slice(PAGE) });
  });
  assert.equal(accounts.value.size, PAGE);
  assert.equal(isLive.value, true);
  assert.equal(asked.filter((path) => path.startsWith('/cookies')).length, 4);
});

test('requests of one id are told apart', async (t) => {
  const { source } = await open(t, () => undefined);
  source.tell('requests', { data: [request('r', 1)], skipped: 0 });
  source.tell('requests', { data: [request('r', 2), request('r', 1)], skipped: 0 });
  assert.equal(names(), 'r2 r1');
});

test('no request is lost that comes while the list is fetched anew', async (t) => {
  let answer;
  let isOpen = false;
  const { source } = await open(t, (path) => {
    if (!path.startsWith('/requests') || !isOpen) return undefined;
    return new Promise((resolve) => {
      answer = (...data) => resolve(Response.json({ data }));
    });
  });
  isOpen = true;
  source.tell('requests', { data: [request('b', 2)], skipped: 5 });
  source.tell('requests', { data: [request('c', 3)], skipped: 0 });
  answer(request('b', 2), request('a', 1));
  await until(requests, (value) => value.length > 0);
  await until(requests, (value) => value.length === 3);
  assert.equal(names(), 'c3 b2 a1');

  source.tell('requests', { data: [], skipped: 1 });
  signedIn.set(false);
  answer(request('z', 9));
  // Whatever the answer does is done by then.
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(requests.value, null, 'and none is shown to whoever comes next');
});
