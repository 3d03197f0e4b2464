// Calls to the server, and whether it knows the operator.

import { word } from './language.js';
import { complain, unsay } from './status.js';
import { Store } from './store.js';

const AGAIN_AFTER = 2000;

/** Whether somebody is signed in; null while nobody has asked. */
export const signedIn = new Store(null);

/** Why a call failed. */
export class Problem extends Error {
  constructor(status, message, code = null) {
    super(message);
    this.status = status;
    this.code = code;
  }

  /** The server's own words; in the operator's language where there are none. */
  text() {
    return this.status === 0 ? word('unreachable') : this.message;
  }
}

/** The problem that a bad answer tells of. */
export async function problemOf(answer) {
  const json = await answer.json().catch(() => null);
  const error = json?.error;
  return new Problem(answer.status, error?.message ?? `HTTP ${answer.status}`, error?.code);
}

/**
 * Sends a request that only the operator may, and answers with the response if it is good; `heard`
 * is told of any. Who has lost his session is asked to sign in.
 */
export async function send(method, path, body, signal, heard) {
  const options = { method, signal, credentials: 'same-origin', cache: 'no-store', headers: {} };
  if (body !== undefined) {
    options.headers['Content-Type'] = 'application/json';
    options.body = JSON.stringify(body);
  }
  let answer;
  try {
    answer = await fetch(path, options);
  } catch (error) {
    throw error.name === 'AbortError' ? error : new Problem(0, String(error));
  }
  heard?.(answer);
  if (answer.ok) return answer;
  if (answer.status === 401 && path !== '/session') {
    signedIn.set(false);
    throw new Problem(401, word('expired'));
  }
  throw await problemOf(answer);
}

/** Sends a request and answers with the JSON of a good answer. */
export async function call(method, path, body, signal) {
  const answer = await send(method, path, body, signal);
  try {
    return await answer.json();
  } catch (error) {
    throw error.name === 'AbortError' ? error : new Problem(0, String(error));
  }
}

/** Asks whether the session of before still holds, until the server says so or denies it. */
export async function learnSession(path) {
  let complaint = null;
  for (;;) {
    const answer = await fetch(path, { cache: 'no-store' }).catch(() => null);
    if (answer?.ok || answer?.status === 401) {
      unsay(complaint);
      signedIn.set(answer.ok);
      return;
    }
    // A server that starts or ends says nothing about the session.
    complaint ??= complain(answer ? await problemOf(answer) : new Problem(0, ''));
    await new Promise((resolve) => setTimeout(resolve, AGAIN_AFTER));
  }
}
