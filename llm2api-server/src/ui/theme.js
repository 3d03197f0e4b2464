// Light or dark, as the system has it or as it was chosen.

import { keep, kept } from './keep.js';
import { word } from './language.js';
import { Store, useStore } from './store.js';
import { html } from './vendor/preact.js';

const NAME = 'theme';
const THEMES = ['auto', 'light', 'dark'];

const theme = new Store(kept(NAME, THEMES) ?? 'auto');

function apply() {
  document.documentElement.dataset.theme = theme.value;
}
apply();
theme.watch(apply);

/** The list from which a theme is chosen. */
export function ThemeChoice() {
  const current = useStore(theme);
  const choose = (event) => {
    keep(NAME, event.target.value);
    theme.set(event.target.value);
  };
  return html`<label class="inline">
    <span class="unseen">${word('theme')}</span>
    <select id="theme" value=${current} onChange=${choose}>
      ${THEMES.map((name) => html`<option value=${name}>${word(`theme_${name}`)}</option>`)}
    </select>
  </label>`;
}
