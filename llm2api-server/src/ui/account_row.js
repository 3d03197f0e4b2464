// One line of the list of accounts.

import { act } from './account_acts.js';
import { success } from './account_list.js';
import { reasonText, word, wordFor } from './language.js';
import { html } from './vendor/preact.js';
import { Ago, Left, milliseconds, number, percent } from './words.js';

const KINDS = {
  active: 'good',
  cooling: 'warn',
  half_open: 'warn',
  invalid: 'bad',
  disabled: 'off',
};

/** The state of an account, why, and for how long. */
export function StateMark({ entry }) {
  const { state, reason, until } = entry;
  return html`<span class=${`mark ${KINDS[state] ?? ''}`}>${wordFor('state', state)}</span>
    ${' '}<${Left} until=${until} />
    ${reason && html`<span class="reason">${reasonText(reason)}</span>`}`;
}

/** A line; `onOpen` shows all of the account. */
export function AccountRow({ entry, spark, isChosen, onChoose, onOpen }) {
  const { label } = entry;
  const turn = entry.state === 'disabled' ? 'enable' : 'disable';
  return html`<tr data-id=${entry.id}>
    <td><input type="checkbox" checked=${isChosen} aria-label=${word('choose', label)}
      onChange=${() => onChoose(entry.id)} /></td>
    <th scope="row">
      <button type="button" class="name" aria-haspopup="dialog" onClick=${() => onOpen(entry.id)}>
        ${label}
      </button>
      ${entry.account && entry.account !== label && html`<span class="soft">${entry.account}</span>`}
    </th>
    <td>${entry.upstream}</td>
    <td class="state"><${StateMark} entry=${entry} /></td>
    <td class="number">${number(entry.in_flight)} / ${number(entry.max_concurrency)}</td>
    <td class="number">${number(entry.requests)}</td>
    <td class="number">${percent(success(entry))}</td>
    <td><${Spark} values=${spark} label=${label} /></td>
    <td><${Ago} at=${entry.last_used} /></td>
    <td><${Ago} at=${entry.last_checked} /></td>
    <td class="error-text" title=${entry.last_error ?? ''}>${entry.last_error ?? ''}</td>
    <td class="acts">
      <button type="button" aria-label=${word('actOn', 'check', label)}
        onClick=${() => act('check', entry)}>${word('act_check')}</button>
      <button type="button" aria-label=${word('actOn', turn, label)}
        onClick=${() => act(turn, entry)}>${word(`act_${turn}`)}</button>
      ${entry.state === 'cooling' && html`<button type="button" aria-label=${word('actOn', 'clear', label)}
        onClick=${() => act('clear', entry)}>${word('act_clear')}</button>`}
    </td>
  </tr>`;
}

/** The time to the first token in each of the last 60 minutes, as one small line. */
function Spark({ values, label }) {
  const known = values?.filter((value) => value !== null) ?? [];
  if (known.length === 0) return null;
  const top = Math.max(...known);
  const step = 60 / values.length;
  let isDrawing = false;
  const line = values.map((value, at) => {
    if (value === null) {
      isDrawing = false;
      return '';
    }
    const command = `${isDrawing ? 'L' : 'M'}${at * step} ${17 - (value / top) * 16}h${step}`;
    isDrawing = true;
    return command;
  });
  const text = word('sparkText', label, milliseconds(known.at(-1)), milliseconds(top));
  return html`<svg class="spark" viewBox="0 0 60 18" role="img" aria-label=${text}>
    <title>${text}</title><path class="line middle" d=${line.join('')} />
  </svg>`;
}
