// What the server tells while it happens: one stream, and the lists that it changes.

import { setClock } from './clock.js';
import { call, signedIn } from './session.js';
import { complain, unsay } from './status.js';
import { Store } from './store.js';

const PAGE = 1000;
const KEPT_REQUESTS = 100;
const AGAIN_AFTER = 2000;
// A stream that has lived so long is not one that is cut again and again.
const LONG = 10_000;
const SOON = 200;
// How often the list of accounts is begun anew where the place to go on from is gone.
const TRIES = 20;
const PLACE_GONE = 'cookie_not_found';

/** The figures of now, as `GET /stats` has them; null before they are known. */
export const stats = new Store(null);
/** The accounts by their ids; null before they are known. */
export const accounts = new Store(null);
/** The last requests, newest first; null before they are known. */
export const requests = new Store(null);
/** Whether the stream is connected. */
export const isLive = new Store(false);

let source = null;
let opened = 0;
let timer = null;
// What was said of a stream that could not be begun.
let complaint = null;
// What comes while the lists are still being fetched.
let early = null;
// What comes of requests while their list is fetched anew.
let late = null;

/** Follows the server as long as somebody is signed in and looks. */
export function follow() {
  const decide = () => (isWanted() ? open() : close());
  signedIn.watch(() => {
    if (!signedIn.value) forget();
    decide();
  });
  document.addEventListener('visibilitychange', decide);
  decide();
}

// A hidden page needs none of the few connections that a browser opens to a host.
function isWanted() {
  return signedIn.value === true && !document.hidden;
}

function open() {
  if (source || !isWanted()) return;
  clearTimeout(timer);
  source = new EventSource('/events');
  opened = Date.now();
  const mine = source;
  // The stream begins before the lists are fetched, so that no change falls between.
  source.addEventListener('open', () => load(mine));
  source.addEventListener('error', () => lost(mine));
  listen('stats', takeStats);
  listen('accounts', takeAccounts);
  listen('requests', takeRequests);
}

function listen(name, take) {
  source.addEventListener(name, (event) => take(JSON.parse(event.data)));
}

function close() {
  clearTimeout(timer);
  source?.close();
  source = null;
  early = null;
  late = null;
  isLive.set(false);
}

function forget() {
  for (const store of [stats, accounts, requests]) store.set(null);
}

// The browser would take a broken stream up by itself, but not one that was refused: so we do both.
function lost(mine) {
  if (mine !== source) return;
  const lived = Date.now() - opened;
  close();
  timer = setTimeout(again, lived > LONG ? SOON : AGAIN_AFTER);
}

async function again() {
  try {
    const figures = await call('GET', '/stats');
    // The server may have no place for one more stream: old lists are better than none.
    const found = accounts.value === null ? await lists() : null;
    // Somebody may have signed out meanwhile.
    if (!isWanted()) return;
    takeStats(figures);
    if (found) show(found);
    open();
  } catch (problem) {
    if (signedIn.value) timer = setTimeout(again, AGAIN_AFTER);
    else complain(problem);
  }
}

async function load(mine) {
  isLive.set(true);
  early = [];
  try {
    const found = await lists();
    if (mine !== source) return;
    show(found);
    const changes = early;
    early = null;
    changes.forEach((change) => change());
    unsay(complaint);
    complaint = null;
  } catch (problem) {
    if (mine !== source) return;
    complaint ??= complain(problem);
    lost(mine);
  }
}

function lists() {
  return Promise.all([allAccounts(), lastRequests()]);
}

function show([list, last]) {
  accounts.set(list);
  requests.set(last);
}

async function allAccounts() {
  for (let tries = 1; ; tries += 1) {
    try {
      return await pages();
    } catch (problem) {
      // Accounts are removed at this moment, and one of them ended a page.
      if (problem.code !== PLACE_GONE || tries === TRIES) throw problem;
    }
  }
}

async function pages() {
  const list = new Map();
  let after = '';
  for (;;) {
    const { data } = await call('GET', `/cookies?limit=${PAGE}${after}`);
    for (const entry of data) list.set(entry.id, entry);
    if (data.length < PAGE) return list;
    after = `&after=${encodeURIComponent(data.at(-1).id)}`;
  }
}

async function lastRequests() {
  return (await call('GET', `/requests?limit=${KEPT_REQUESTS}`)).data;
}

function takeStats(json) {
  setClock(json.server.now);
  stats.set(json);
}

function takeAccounts({ changed, removed }) {
  if (early) {
    early.push(() => takeAccounts({ changed, removed }));
    return;
  }
  // Nobody is signed in any more.
  if (accounts.value === null) return;
  const list = new Map(accounts.value);
  // An account that is in both has come back.
  for (const id of removed) list.delete(id);
  for (const entry of changed) list.set(entry.id, entry);
  accounts.set(list);
}

/** Shows accounts as answers have them, before the stream says the same. */
export function takeAnswers(entries, removed = []) {
  const changed = entries.filter(({ id }) => accounts.value?.has(id));
  if (changed.length + removed.length > 0) takeAccounts({ changed, removed });
}

function takeRequests({ data, skipped }) {
  const waiting = early ?? late;
  if (waiting) {
    waiting.push(() => takeRequests({ data, skipped }));
    return;
  }
  if (skipped > 0) {
    catchUp(source);
    return;
  }
  const old = requests.value ?? [];
  const known = new Set(old.map(requestKey));
  const fresh = data.filter((request) => !known.has(requestKey(request)));
  requests.set([...fresh, ...old].slice(0, KEPT_REQUESTS));
}

// More requests came than one event tells.
async function catchUp(mine) {
  late = [];
  try {
    const last = await lastRequests();
    if (mine !== source) return;
    requests.set(last);
    const changes = late;
    late = null;
    changes.forEach((change) => change());
  } catch {
    lost(mine);
  }
}

/** Tells requests apart: a client may give several of them one id. */
export function requestKey({ id, at_ms: at }) {
  return `${id} ${at}`;
}
