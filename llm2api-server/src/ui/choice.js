// One choice among the accounts: who was considered, what spoke for each, and who was not.

import { NONE } from './format.js';
import { reasonText, word, wordFor } from './language.js';
import { html } from './vendor/preact.js';
import { Left, milliseconds, number } from './words.js';

/** A choice as the explanation has it. */
export function Choice({ choice, number: at }) {
  const { considered = [], excluded = [], not_listed: more } = choice;
  return html`<article class="choice" aria-label=${word('choice', at)}>
    <p>${summary(choice, at)}</p>
    ${choice.refusal && html`<p class="bad">${choice.refusal}</p>`}
    ${considered.length > 0 && html`<${Considered} rows=${considered} favourite=${choice.favourite} at=${at} />`}
    ${excluded.length > 0 && html`<h4>${word('excluded')}</h4>
      <ul>${excluded.map((one) => html`<li>${one.label ?? one.credential}
        ${' '}<span class="soft">${one.upstream}</span>: ${reasonText(one.reason)}
        ${' '}<${Left} until=${one.until} /></li>`)}</ul>`}
    ${more > 0 && html`<p class="hint">${word('notShown', number(more))}</p>`}
  </article>`;
}

function summary({ label, credential, upstream, model, by, waited_ms: waited, at_ms: when }, at) {
  const chosen = credential ? `${label ?? credential} (${upstream}, ${model})` : word('nobody');
  const facts = [
    `${at}. ${chosen}`,
    wordFor('by', by),
    when === null || when === undefined ? '' : word('atTime', milliseconds(when)),
    waited > 0 ? word('waited', milliseconds(waited)) : '',
  ];
  return facts.filter(Boolean).join(' · ');
}

const TERMS = [
  ['running', (one) => `${number(one.in_flight)} / ${number(one.max_concurrency)}`],
  ['share', (one) => number((one.share ?? 0) / 100, 2)],
  ['latency', (one) => milliseconds(one.latency_ms)],
  ['turn', (one) => number(one.turn)],
  ['cost', (one) => number(one.cost, 2)],
];

function Considered({ rows, favourite, at }) {
  const title = word('considered', at);
  return html`<div class="scroll low" tabindex="0" role="group" aria-label=${title}>
    <table>
      <caption class="unseen">${title}</caption>
      <thead><tr><th scope="col">${word('of_credential')}</th><th scope="col">${word('upstream')}</th>
        ${TERMS.map(([name]) => html`<th scope="col" class="number">${word(`term_${name}`)}</th>`)}
        <th scope="col">${word('outcome')}</th></tr></thead>
      <tbody>${rows.map((one) => {
        const marks = [
          one.chosen && word('taken'),
          one.drawn && word('drawn'),
          favourite === one.credential && word('by_favourite'),
        ];
        return html`<tr class=${one.chosen ? 'taken' : ''}>
          <th scope="row">${one.label ?? one.credential}</th><td>${one.upstream}</td>
          ${TERMS.map(([, write]) => html`<td class="number">${write(one)}</td>`)}
          <td>${marks.filter(Boolean).join(', ') || NONE}</td>
        </tr>`;
      })}</tbody>
    </table>
  </div>`;
}
