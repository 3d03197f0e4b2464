// The one line that says what became of what the operator did.

import { word } from './language.js';
import { Store, useStore } from './store.js';
import { html, useLayoutEffect, useRef } from './vendor/preact.js';

// The text is a function, so that it can be said again in the other language.
const SILENCE = { kind: '', text: () => '' };

const said = new Store(SILENCE);
// How many dialogs have the line inside: behind a dialog nothing is seen and nothing read out.
const inside = new Store(0);

/** Says that something was done or goes on; the answer is what `unsay` takes back. */
export function say(text, kind = '') {
  const line = { kind, text };
  said.set(line);
  return line;
}

/** Says what went wrong; the answer is what `unsay` takes back. */
export function complain(problem) {
  return say(() => problem.text?.() ?? String(problem), 'bad');
}

/** Takes a line back, unless another was said since. */
export function unsay(line) {
  if (said.value === line) hush();
}

/** Takes back whatever was said. */
export function hush() {
  said.set(SILENCE);
}

/** Shows the line, and has it read out where a screen is read. */
export function StatusLine({ isSilent = false }) {
  const known = useStore(said);
  const { kind, text } = isSilent ? SILENCE : known;
  return html`<p class=${`status ${kind}`} role="status" aria-live="polite">${text()}</p>`;
}

/** The line on a sheet of its own, which can be closed. While a dialog has one, the page's is silent. */
export function Notice({ isInside = false }) {
  const { text } = useStore(said);
  const isSilent = useStore(inside) > 0 && !isInside;
  const before = useRef(null);
  useLayoutEffect(() => {
    if (!isInside) return undefined;
    inside.set(inside.value + 1);
    return () => inside.set(inside.value - 1);
  }, []);
  const close = () => {
    hush();
    // The button is gone then, and the focus must not be.
    before.current?.focus();
  };
  // The line itself stays where it is: a new one would not be read out.
  const isShown = !isSilent && text() !== '';
  return html`<div class=${isShown ? 'notice' : ''}>
    <${StatusLine} isSilent=${isSilent} />
    ${isShown && html`<button type="button" aria-label=${word('closeNotice')} onClick=${close}
      onFocus=${({ relatedTarget }) => (before.current = relatedTarget)}>×</button>`}
  </div>`;
}
