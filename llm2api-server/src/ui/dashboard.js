// The operator's page: one view at a time, of what the server tells.

import { Accounts } from './accounts.js';
import { AddForm, Outcomes, forgetDraft } from './add.js';
import { Head } from './head.js';
import { announce, language, word } from './language.js';
import { follow } from './live.js';
import { Overview } from './overview.js';
import { Requests } from './requests.js';
import { followAddress, route } from './route.js';
import { learnSession, signedIn } from './session.js';
import { Settings } from './settings.js';
import { SignIn } from './sign_in.js';
import { Notice, hush } from './status.js';
import { useStore } from './store.js';
import { Try } from './try.js';
import { html, render, useEffect } from './vendor/preact.js';

const VIEWS = {
  overview: Overview,
  accounts: Accounts,
  add: Add,
  requests: Requests,
  try: Try,
  settings: Settings,
};

function Add() {
  return html`<h2>${word('addTitle')}</h2><${AddForm} /><${Outcomes} />`;
}

function Page() {
  const speaks = useStore(language);
  const isIn = useStore(signedIn);
  const { view, item } = useStore(route);
  const View = VIEWS[view];
  useEffect(() => announce(word(isIn ? `view_${view}` : 'signIn')), [speaks, view, isIn]);
  // What was said belongs to the view that it was said in.
  useEffect(() => {
    if (isIn) hush();
  }, [view]);
  useEffect(() => {
    if (isIn === false) forgetDraft();
  }, [isIn]);
  return html`<${Head} />
    <main>
      <${SignIn} hidden=${isIn !== false} />
      ${isIn && html`<${View} key=${view} item=${item} />`}
    </main>
    <${Notice} />`;
}

followAddress();
follow();
render(html`<${Page} />`, document.getElementById('page'));
learnSession('/stats');
