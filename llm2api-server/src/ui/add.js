// Adding accounts, one or many, and what became of each.

import { word } from './language.js';
import { call } from './session.js';
import { complain, say } from './status.js';
import { Store, useStore } from './store.js';
import { html, useEffect, useRef, useState } from './vendor/preact.js';

// What the server said of each account of the last try.
const outcomes = new Store([]);
// Another number is another, empty form.
const draft = new Store(0);

/** Empties the form and what stands under it. */
export function forgetDraft() {
  outcomes.set([]);
  draft.set(draft.value + 1);
}

/** The form, which keeps its text while it is hidden. */
export function AddForm({ hidden = false }) {
  const number = useStore(draft);
  return html`<${Form} key=${number} hidden=${hidden} />`;
}

function Form({ hidden }) {
  const [busy, setBusy] = useState(false);
  const form = useRef();
  useEffect(() => {
    if (!hidden) form.current.elements.text.focus();
  }, [hidden]);
  const submit = async (event) => {
    event.preventDefault();
    setBusy(true);
    await add(form.current.elements);
    setBusy(false);
  };
  return html`<form id="add" method="post" ref=${form} hidden=${hidden} onSubmit=${submit}>
    <label for="text">${word('text')}</label>
    <textarea id="text" rows="8" required spellcheck="false" autocomplete="off"
      autocapitalize="off" aria-describedby="text-hint"></textarea>
    <p class="hint" id="text-hint">${word('textHint')}</p>
    <div class="pair">
      <div>
        <label for="label">${word('labelField')}</label>
        <input id="label" maxlength="100" autocomplete="off" />
      </div>
      <div>
        <label for="upstream">${word('upstreamField')}</label>
        <input id="upstream" maxlength="64" autocomplete="off" spellcheck="false" />
      </div>
    </div>
    <button type="submit" class="main" disabled=${busy}>${word('add')}</button>
  </form>`;
}

async function add({ text, label, upstream }) {
  outcomes.set([]);
  say(() => word('asking'));
  const body = { text: text.value };
  if (label.value.trim()) body.label = label.value.trim();
  if (upstream.value.trim()) body.upstream = upstream.value.trim();
  try {
    const report = await call('POST', '/cookies/import', body);
    outcomes.set(report.data);
    say(() => word('counts', report));
    if (report.failed === 0) text.value = '';
  } catch (problem) {
    complain(problem);
  }
}

/** One line an account, in the order in which they were sent. */
export function Outcomes() {
  const lines = useStore(outcomes);
  return html`<ol id="results" aria-live="polite">${lines.map(Outcome)}</ol>`;
}

function Outcome({ result, error, label, account, upstream, state, note }) {
  const facts = error ? [error.message] : [label, account, upstream, state, note].filter(Boolean);
  return html`<li>
    <strong class=${result}>${word(`result_${result}`)}</strong>${`: ${facts.join(' · ')}`}
  </li>`;
}
