// The figures of each model and each key.

import { word } from './language.js';
import { link } from './route.js';
import { html } from './vendor/preact.js';
import { compact, number } from './words.js';

/** What every model and key has done. */
export function FigureTable({ id, title, kind, rows }) {
  return html`<section aria-labelledby=${id}>
    <h2 id=${id}>${title}</h2>
    ${rows === null && html`<p class="hint">${word('loading')}</p>`}
    ${rows?.length === 0 && html`<p class="hint">${word('nothing')}</p>`}
    ${rows?.length > 0 && html`<div class="scroll" tabindex="0" role="group" aria-labelledby=${id}>
      <table>
        <thead><tr>
          <th scope="col">${word(`of_${kind}`)}</th>
          ${kind === 'model' && html`<th scope="col">${word('upstreams')}</th>`}
          ${COLUMNS.map(([name]) => html`<th scope="col" class="number">${word(name)}</th>`)}
        </tr></thead>
        <tbody>${rows.map((row) => html`<${Row} key=${row.id} kind=${kind} row=${row} />`)}</tbody>
      </table>
    </div>`}
  </section>`;
}

const COLUMNS = [
  ['requestCount', ({ requests }) => number(requests)],
  ['completed', ({ completed }) => number(completed)],
  ['failed', ({ failed }) => number(failed)],
  ['refused', ({ refused }) => number(refused)],
  ['cancelled', ({ cancelled }) => number(cancelled)],
  ['promptTokens', (row) => tokens(row.prompt_tokens, row.estimated_prompt_tokens)],
  ['completionTokens', (row) => tokens(row.completion_tokens, row.estimated_completion_tokens)],
];

/** Tokens that were counted, and those that are estimates. */
function tokens(given, estimated) {
  if (estimated === 0) return compact(given);
  const about = `≈ ${compact(estimated)}`;
  return given === 0 ? about : `${compact(given)} + ${about}`;
}

function Row({ kind, row }) {
  const name = row.name || row.id;
  return html`<tr>
    <th scope="row"><a href=${link('overview', `${kind}:${row.id}`)}>${name}</a></th>
    ${kind === 'model' && html`<td>${row.upstreams.join(', ') || word('notListed')}</td>`}
    ${COLUMNS.map(([, write]) => html`<td class="number">${write(row)}</td>`)}
  </tr>`;
}
