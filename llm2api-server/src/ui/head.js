// What stands above every view: how the server is, and how the page is set.

import { LanguageButton, language, word, wordFor } from './language.js';
import { isLive, stats } from './live.js';
import { VIEWS, link, route } from './route.js';
import { signedIn } from './session.js';
import { SignOut } from './sign_in.js';
import { useStore } from './store.js';
import { ThemeChoice } from './theme.js';
import { html } from './vendor/preact.js';
import { Left, Since, dateTime } from './words.js';

/** The name, the switches and the ways to the views. */
export function Head() {
  const isIn = useStore(signedIn) === true;
  useStore(language);
  return html`<header>
    <div class="bar">
      <h1>llm2api</h1>
      ${isIn && html`<${LiveMark} />`}
      <span class="space"></span>
      <${ThemeChoice} />
      <${LanguageButton} />
      ${isIn && html`<${SignOut} />`}
    </div>
    ${isIn && html`<${ServerLine} /><${Views} />`}
  </header>`;
}

function Views() {
  const { view } = useStore(route);
  return html`<nav aria-label=${word('views')}>
    <ul>${VIEWS.map((name) => {
      const current = name === view ? 'page' : undefined;
      return html`<li><a href=${link(name)} aria-current=${current}>${word(`view_${name}`)}</a></li>`;
    })}</ul>
  </nav>`;
}

function LiveMark() {
  const live = useStore(isLive);
  return html`<span id="live" class=${live ? 'mark good' : 'mark bad'}>
    ${word(live ? 'live' : 'notLive')}
  </span>`;
}

function ServerLine() {
  const known = useStore(stats, (value) => value?.server);
  if (!known) return null;
  const { version, started, status, store, open, authorisation } = known;
  return html`<dl class="facts" id="server">
      <${Fact} name=${word('version')}>${version}<//>
      <${Fact} name=${word('started')}>${dateTime(started)}<//>
      <${Fact} name=${word('uptime')}><${Since} at=${started} /><//>
      <${Fact} name=${word('readiness')}>
        <span class=${status === 'ok' ? 'good' : 'bad'}>${wordFor('status', status)}</span><//>
      ${store !== 'ok' && html`<${Fact} name=${word('store')}>
        <span class="bad">${wordFor('store', store)}</span><//>`}
      <${Fact} name=${word('authorisation')}><${Standing} known=${authorisation} /><//>
    </dl>
    ${open && html`<p class="warning" id="open">${word('openWarning')}</p>`}`;
}

function Fact({ name, children }) {
  return html`<div><dt>${name}</dt><dd>${children}</dd></div>`;
}

function Standing({ known }) {
  if (!known) return word('noAuthorisation');
  const { state, message, plan, holder, expires_at: expires, next_check: next } = known;
  const kind = state === 'verified' ? 'good' : state === 'grace' ? 'warn' : 'bad';
  return html`<span class=${kind}>${word(`standing_${state}`) ?? state}</span>
    ${[plan, holder, message].filter(Boolean).map((text) => ` · ${text}`)}
    ${expires ? ` · ${word('expires')} ${dateTime(expires)}` : ''}
    ${next ? html` · ${word('nextCheck')} <${Left} until=${next} />` : ''}`;
}
