// The last requests, without what was said in them.

import { NONE } from './format.js';
import { word } from './language.js';
import { requestKey, requests } from './live.js';
import { RequestView } from './request.js';
import { Result, tokens } from './result.js';
import { link } from './route.js';
import { useStore } from './store.js';
import { html, useState } from './vendor/preact.js';
import { dateTime, milliseconds, timeOfDay } from './words.js';

/** The view; `item` is the request that is open. */
export function Requests({ item }) {
  return item ? html`<${RequestView} key=${item} id=${item} />` : html`<${List} />`;
}

const COLUMNS = [
  ['time'], ['id'], ['result'], ['status', 'number'], ['duration', 'number'], ['firstToken', 'number'],
  ['tokenCount', 'number'], ['model'], ['of_key'], ['route'],
];

function List() {
  const now = useStore(requests);
  const [held, setHeld] = useState(null);
  const shown = held ?? now;
  if (shown === null) return html`<p class="hint">${word('loading')}</p>`;
  return html`<section aria-labelledby="requests-title">
    <div class="bar">
      <h2 id="requests-title">${word('lastRequests')}</h2>
      <button type="button" aria-pressed=${String(held !== null)}
        onClick=${() => setHeld(held === null ? now : null)}>${word('hold')}</button>
    </div>
    <p class="hint">${word('requestsHint')}</p>
    ${shown.length === 0 && html`<p class="hint">${word('nothing')}</p>`}
    ${shown.length > 0 && html`<div class="scroll" tabindex="0" role="group" aria-labelledby="requests-title">
      <table id="requests">
        <thead><tr>
          ${COLUMNS.map(([name, kind]) => html`<th scope="col" class=${kind}>${word(name)}</th>`)}
        </tr></thead>
        <tbody>${shown.map((request) => html`<${Row} key=${requestKey(request)} request=${request} />`)}</tbody>
      </table>
    </div>`}
  </section>`;
}

function Row({ request }) {
  const { id, at_ms: at, key } = request;
  return html`<tr>
    <td><time title=${dateTime(at / 1000)}>${timeOfDay(at / 1000)}</time></td>
    <th scope="row"><a class="code" href=${link('requests', id)} title=${id}>${short(id)}</a></th>
    <td><${Result} request=${request} /></td>
    <td class="number">${request.status ?? NONE}</td>
    <td class="number">${milliseconds(request.duration_ms)}</td>
    <td class="number">${milliseconds(request.first_content_ms)}</td>
    <td class="number">${tokens(request)}</td>
    <td class="model">${request.model ?? NONE}</td>
    <td>${key ? key.name || key.id : NONE}</td>
    <td>${request.method} ${request.route ?? ''}</td>
  </tr>`;
}

// The whole of it stands above its details.
function short(id) {
  return id.length > 16 ? `${id.slice(0, 12)}…` : id;
}
