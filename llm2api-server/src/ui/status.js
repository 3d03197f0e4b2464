// The one line that says what became of what the operator did.

import { Store, useStore } from './store.js';
import { html } from './vendor/preact.js';

// The text is a function, so that it can be said again in the other language.
const said = new Store({ kind: '', text: () => '' });

/** Says that something was done or goes on. */
export function say(text, kind = '') {
  said.set({ kind, text });
}

/** Says what went wrong. */
export function complain(problem) {
  say(() => problem.text?.() ?? String(problem), 'bad');
}

/** Shows the line, and has it read out where a screen is read. */
export function StatusLine() {
  const { kind, text } = useStore(said);
  return html`<p id="status" class=${kind} role="status" aria-live="polite">${text()}</p>`;
}
