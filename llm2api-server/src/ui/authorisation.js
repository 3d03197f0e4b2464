// What the server says of its authorisation, where there is something to say.

import { wordFor } from './language.js';
import { Store, useStore } from './store.js';
import { html, useEffect } from './vendor/preact.js';

const authorisation = new Store(null);

async function learn() {
  try {
    // 503 has the same body: it says why.
    const answer = await fetch('/readyz', { cache: 'no-store' });
    authorisation.set((await answer.json()).authorisation ?? null);
  } catch {
    // The other calls say so where the server does not answer.
  }
}

/** A line about a code that is not good, which is asked for once. */
export function Authorisation() {
  const known = useStore(authorisation);
  useEffect(() => {
    learn();
  }, []);
  const lacks = known !== null && known.state !== 'verified';
  const facts = lacks ? [wordFor('authorisation', known.state), known.message] : [];
  return html`<p id="authorisation" class="bad" aria-live="polite" hidden=${!lacks}>
    ${facts.filter(Boolean).join(' ')}
  </p>`;
}
