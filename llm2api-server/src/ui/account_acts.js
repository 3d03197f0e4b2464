// What the operator does with accounts, one or many.

import { word } from './language.js';
import { dropAccount, takeAccount } from './live.js';
import { call, signedIn } from './session.js';
import { complain, say } from './status.js';

// A browser opens six connections to a host, and one of them is the stream.
const AT_ONCE = 3;

/** The acts that take nothing but the account. */
export const ACTS = ['check', 'enable', 'disable', 'clear', 'remove'];

async function perform(act, id) {
  const answer = await call('POST', `/cookie/${act}`, { id });
  const [entry] = Array.isArray(answer.data) ? answer.data : [answer];
  if (act === 'remove') dropAccount(id);
  else takeAccount(entry);
  return entry;
}

/** Does one act to one account and says how it went. */
export async function act(name, { id, label }) {
  say(() => word('doing'));
  try {
    const entry = await perform(name, id);
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
    takeAccount(await call('POST', '/cookie/update', { id, ...fields }));
    say(() => `${fields.label ?? label}: ${word('done_update')}`, 'good');
    return true;
  } catch (problem) {
    complain(problem);
    return false;
  }
}

/** Does one act to many accounts, a few at a time, and says how many went well. */
export async function actOnAll(name, ids) {
  const waiting = [...ids];
  let done = 0;
  let failed = 0;
  let last = null;
  const work = async () => {
    while (waiting.length > 0 && signedIn.value) {
      try {
        const entry = await perform(name, waiting.shift());
        if (name === 'check' && entry?.verdict !== 'valid') failed += 1;
        else done += 1;
      } catch (problem) {
        failed += 1;
        last = problem;
      }
    }
  };
  say(() => word('doingMany', ids.length));
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  const facts = () => [word(`done_${name}`), word('ofMany', done, failed), last?.text()];
  say(() => facts().filter(Boolean).join(' · '), failed > 0 ? 'bad' : 'good');
}
