// The settings in effect, to be read only.

import { word, wordFor } from './language.js';
import { call } from './session.js';
import { complain } from './status.js';
import { html, useEffect, useState } from './vendor/preact.js';
import { number } from './words.js';

/** The view. */
export function Settings() {
  const [known, setKnown] = useState(null);
  useEffect(() => {
    call('GET', '/settings').then(setKnown, complain);
  }, []);
  if (!known) return html`<p class="hint">${word('loading')}</p>`;
  return html`<p class="hint">${word('settingsHint')}</p>
    <${Section} id="settings" title=${word('view_settings')} columns=${['setting', 'value', 'origin', 'meaning']}
      rows=${known.data.map(setting)} />
    <${Section} id="upstreams" title=${word('upstreams')} columns=${['upstream', 'kind', 'url', 'accountCount']}
      rows=${known.upstreams.map(({ name, kind, url, credentials }) => [name, kind, url, number(credentials)])} />
    <${Section} id="aliases" title=${word('models')} columns=${['of_model', 'serve']}
      rows=${known.models.map(({ name, serve }) => [name, serve.join(', ')])} />`;
}

function setting({ name, value, origin, help, secret }) {
  const shown = secret && value ? html`<span class="soft">${value} (${word('secret')})</span>` : value;
  return [name, shown, wordFor('origin', origin), help];
}

function Section({ id, title, columns, rows }) {
  const head = `${id}-title`;
  if (rows.length === 0) return null;
  return html`<section aria-labelledby=${head}>
    <h2 id=${head}>${title}</h2>
    <div class="scroll" tabindex="0" role="group" aria-labelledby=${head}>
      <table id=${`${id}-table`}>
        <thead><tr>${columns.map((name) => html`<th scope="col">${word(name)}</th>`)}</tr></thead>
        <tbody>${rows.map(([first, ...rest]) => html`<tr>
          <th scope="row" class="code">${first}</th>
          ${rest.map((text) => html`<td class="long">${text}</td>`)}
        </tr>`)}</tbody>
      </table>
    </div>
  </section>`;
}
