// The language that the pages speak.

import { keep, kept } from './keep.js';
import { Store, useStore } from './store.js';
import { TEXTS } from './texts.js';
import { html } from './vendor/preact.js';

const NAME = 'language';
const own = (navigator.language || 'en').toLowerCase().startsWith('zh') ? 'zh' : 'en';

export const language = new Store(kept(NAME, Object.keys(TEXTS)) ?? own);

/** The text of that name; what it speaks of is given to it. */
export function word(name, ...values) {
  const text = TEXTS[language.value][name];
  return typeof text === 'function' ? text(...values) : text;
}

/** The text for a state or another word of the server's; its own word where there is no text. */
export function wordFor(kind, value) {
  if (value === null || value === undefined) return '';
  return word(`${kind}_${String(value).replace(/[ -]/g, '_')}`) ?? String(value);
}

// How the engine says that not the account is the matter.
const OF_UPSTREAM = 'upstream: ';

/** Why an account is not used. */
export function reasonText(reason) {
  if (!reason?.startsWith(OF_UPSTREAM)) return wordFor('excluded', reason);
  return word('reasonOfUpstream', wordFor('excluded', reason.slice(OF_UPSTREAM.length)));
}

/** How `Intl` is to write numbers and dates. */
export function locale() {
  return language.value === 'zh' ? 'zh-CN' : 'en';
}

/** Names the page, and says which language it is in. */
export function announce(title) {
  document.documentElement.lang = locale();
  document.title = `llm2api: ${title}`;
}

/** The button that changes to the other language, named in that language. */
export function LanguageButton() {
  const isChinese = useStore(language) === 'zh';
  const change = () => {
    const other = isChinese ? 'en' : 'zh';
    keep(NAME, other);
    language.set(other);
  };
  return html`<button type="button" id="language" lang=${isChinese ? 'en' : 'zh-CN'} onClick=${change}>
    ${isChinese ? 'English' : '中文'}
  </button>`;
}
