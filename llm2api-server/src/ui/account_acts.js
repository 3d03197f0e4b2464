// What the operator does with accounts, one or many.

import { word } from './language.js';
import { takeAnswers } from './live.js';
import { call, signedIn } from './session.js';
import { complain, say } from './status.js';
import { Store } from './store.js';

// A browser opens six connections to a host, and one of them is the stream.
const AT_ONCE = 3;
// What was done to many is shown so often, in milliseconds: each time the whole list is drawn anew.
const SHOWN_EVERY = 500;

/** The acts that take nothing but the account. */
export const ACTS = ['check', 'enable', 'disable', 'clear', 'remove'];

async function perform(act, id) {
  const answer = await call('POST', `/cookie/${act}`, { id });
  const [entry] = Array.isArray(answer.data) ? answer.data : [answer];
  return entry;
}

/** Does one act to one account and says how it went. */
export async function act(name, { id, label }) {
  say(() => word('doing'));
  try {
    const entry = await perform(name, id);
    if (name === 'remove') takeAnswers([], [id]);
    else takeAnswers([entry]);
    const verdict = name === 'check' ? entry?.verdict : null;
    const facts = () => [
      verdict ? word(`verdict_${verdict}`) ?? verdict : word(`done_${name}`),
      entry?.message ?? entry?.note,
    ];
    const kind = verdict && verdict !== 'valid' ? 'bad' : 'good';
    say(() => `${label}: ${facts().filter(Boolean).join(' · ')}`, kind);
    return true;
  } catch (problem) {
    complain(problem);
    return false;
  }
}

/** Changes an account: its label, its weight or its cookie. */
export async function change(fields, { id, label }) {
  say(() => word('asking'));
  try {
    takeAnswers([await call('POST', '/cookie/update', { id, ...fields })]);
    say(() => `${fields.label ?? label}: ${word('done_update')}`, 'good');
    return true;
  } catch (problem) {
    complain(problem);
    return false;
  }
}

/** How far the act to many accounts is: `{ over, all }`; null where none goes on. */
export const progress = new Store(null);

let running = null;

/** Does one act to many accounts, a few at a time, and says how many went well. */
export async function actOnAll(name, ids) {
  if (running) return;
  running = new Run(name, ids);
  const { all } = running;
  say(() => word('doingMany', all));
  running.show();
  const timer = setInterval(() => running.show(), SHOWN_EVERY);
  await Promise.all(Array.from({ length: AT_ONCE }, () => running.work()));
  clearInterval(timer);
  running.show();
  // Who has signed out was told that, and reads on.
  if (signedIn.value) running.tell();
  running = null;
  progress.set(null);
}

/** Begins nothing more of what goes on with many accounts. */
export function stopActing() {
  if (running) running.isStopped = true;
}

/** One act to many accounts. */
class Run {
  isStopped = false;
  #name;
  #waiting;
  #done = 0;
  #failed = 0;
  #last = null;
  #changed = [];
  #removed = [];

  constructor(name, ids) {
    this.all = ids.length;
    this.#name = name;
    this.#waiting = [...ids];
  }

  /** Takes one account after the other. */
  async work() {
    while (this.#waiting.length > 0 && signedIn.value && !this.isStopped) {
      await this.#actOn(this.#waiting.shift());
    }
  }

  async #actOn(id) {
    try {
      const entry = await perform(this.#name, id);
      if (this.#name === 'remove') this.#removed.push(id);
      else this.#changed.push(entry);
      if (this.#name === 'check' && entry?.verdict !== 'valid') this.#failed += 1;
      else this.#done += 1;
    } catch (problem) {
      this.#failed += 1;
      this.#last = problem;
    }
  }

  /** Shows what has been done since it was shown last. */
  show() {
    takeAnswers(this.#changed.splice(0), this.#removed.splice(0));
    progress.set({ over: this.#done + this.#failed, all: this.all });
  }

  /** Says how it went. */
  tell() {
    const [done, failed, left] = [this.#done, this.#failed, this.#waiting.length];
    const facts = () => [
      word(`done_${this.#name}`),
      word('ofMany', done, failed),
      left > 0 && word('leftOut', left),
      this.#last?.text(),
    ];
    say(() => facts().filter(Boolean).join(' · '), failed > 0 ? 'bad' : 'good');
  }
}
