// How a request ended, and what it took.

import { NONE } from './format.js';
import { wordFor } from './language.js';
import { html } from './vendor/preact.js';
import { number } from './words.js';

/** The colour of each end. */
export const KINDS = { completed: 'good', failed: 'bad', refused: 'warn', cancelled: 'off', running: 'warn' };

// The statuses of requests that were refused for what they ask, not for who asks or how fast.
const REFUSALS = [400, 404, 409, 413, 422];
// The codes of requests whose client did not wait for the end.
const LEFT = ['client_left', 'client_stalled'];

/** How a request or an attempt ended, in a word and a colour. */
export function Result({ request }) {
  const { code, error, status } = request;
  const result = request.result ?? resultOf(request);
  const kind = KINDS[result] ?? '';
  const text = code ?? (error && status ? String(status) : '');
  return html`<span class=${`mark ${kind}`}>${wordFor('ended', result)}</span>${text && ` ${text}`}`;
}

function resultOf({ code, status, attempts }) {
  if (LEFT.includes(code)) return 'cancelled';
  if (REFUSALS.includes(status)) return 'refused';
  if (code || status >= 400) return 'failed';
  const last = attempts?.filter(({ aside }) => !aside).at(-1);
  return last?.result === 'cancelled' ? 'cancelled' : 'completed';
}

/** Tokens of a request: asked and answered. */
export function tokens({ prompt_tokens: asked, completion_tokens: answered, tokens_estimated: about }) {
  if ((asked ?? null) === null && (answered ?? null) === null) return NONE;
  return `${about ? '≈ ' : ''}${number(asked)} + ${number(answered)}`;
}
