// The page for adding accounts alone.

import { AddForm, Outcomes, forgetDraft } from './add.js';
import { Authorisation } from './authorisation.js';
import { LanguageButton, announce, language, word } from './language.js';
import { learnSession, signedIn } from './session.js';
import { SignIn, SignOut } from './sign_in.js';
import { StatusLine } from './status.js';
import { useStore } from './store.js';
import './theme.js';
import { html, render, useLayoutEffect } from './vendor/preact.js';

function Page() {
  const speaks = useStore(language);
  const isIn = useStore(signedIn);
  useLayoutEffect(() => announce(word('addTitle')), [speaks]);
  return html`<header class="plain">
      <h1>${word('addTitle')}</h1>
      <${LanguageButton} />
      ${isIn && html`<${SignOut} forget=${forgetDraft} />`}
    </header>
    <main>
      <${Authorisation} />
      <${SignIn} hidden=${isIn !== false} />
      <${AddForm} hidden=${isIn !== true} />
      <${StatusLine} />
      <${Outcomes} />
    </main>`;
}

render(html`<${Page} />`, document.getElementById('page'));
learnSession('/cookies?limit=1');
