// Signing in and out.

import { word } from './language.js';
import { call, signedIn } from './session.js';
import { complain, hush, say } from './status.js';
import { html, useEffect, useRef, useState } from './vendor/preact.js';

/** Asks for the admin key; it stays in the page, hidden, so that no key stays in it. */
export function SignIn({ hidden }) {
  const [busy, setBusy] = useState(false);
  const key = useRef();
  useEffect(() => {
    if (!hidden) key.current.focus();
  }, [hidden]);
  const submit = async (event) => {
    event.preventDefault();
    setBusy(true);
    try {
      await call('POST', '/session', { key: key.current.value });
      key.current.value = '';
      hush();
      signedIn.set(true);
    } catch (problem) {
      complain(problem);
    }
    setBusy(false);
  };
  return html`<form id="sign-in" class="narrow" method="post" hidden=${hidden} onSubmit=${submit}>
    <label for="key">${word('key')}</label>
    <input id="key" ref=${key} type="password" autocomplete="current-password" required
      aria-describedby="key-hint" />
    <p class="hint" id="key-hint">${word('keyHint')}</p>
    <button type="submit" class="main" disabled=${busy}>${word('signIn')}</button>
  </form>`;
}

/** Ends the session; `forget` clears what the page shows. */
export function SignOut({ forget }) {
  const leave = async () => {
    try {
      await call('DELETE', '/session');
    } catch (problem) {
      complain(problem);
      return;
    }
    forget?.();
    say(() => word('signedOut'));
    signedIn.set(false);
  };
  return html`<button type="button" id="sign-out" onClick=${leave}>${word('signOut')}</button>`;
}
