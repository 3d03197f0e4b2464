// The list of accounts: filtered, sorted, a hundred at a time.

import { ACTS, actOnAll, progress, stopActing } from './account_acts.js';
import { AccountDialog } from './account_dialog.js';
import { ROWS, STATES, listed, marked, upstreams } from './account_list.js';
import { AccountRow } from './account_row.js';
import { Confirm } from './dialog.js';
import { word, wordFor } from './language.js';
import { accounts } from './live.js';
import { usePolled } from './polled.js';
import { link } from './route.js';
import { useStore } from './store.js';
import { html, useLayoutEffect, useRef, useState } from './vendor/preact.js';
import { number } from './words.js';

const COLUMNS = [
  ['label'], ['upstream'], ['state'], ['in_flight', 'number'], ['requests', 'number'],
  ['success', 'number'], ['spark', '', true], ['last_used'], ['last_checked'],
  ['last_error', '', true], ['acts', 'acts', true],
];

/** The view; `item` is the account that is open. */
export function Accounts({ item }) {
  const all = useStore(accounts);
  return all === null ? html`<p class="hint">${word('loading')}</p>` : html`<${Known} all=${all} item=${item} />`;
}

function Known({ all, item }) {
  const [filter, setFilter] = useState({ text: '', state: '', upstream: '', by: '', down: false });
  const [page, setPage] = useState(0);
  const [chosen, setChosen] = useState(() => new Set());
  const found = listed(all, filter);
  const last = Math.max(0, Math.ceil(found.length / ROWS) - 1);
  const shown = Math.min(page, last);
  const rows = found.slice(shown * ROWS, (shown + 1) * ROWS);
  const change = (fields) => {
    const next = { ...filter, ...fields };
    setFilter(next);
    setPage(0);
    // What is not listed any more must not be acted on later.
    setChosen(new Set(marked(listed(all, next), chosen)));
  };
  return html`<section aria-labelledby="accounts-title">
    <div class="bar">
      <h2 id="accounts-title" tabindex="-1">${word('view_accounts')}</h2>
      <span class="soft">${word('shown', number(found.length), number(all.size))}</span>
      <a class="button" href=${link('add')}>${word('view_add')}</a>
    </div>
    <${Filter} filter=${filter} all=${all} change=${change} />
    <${Chosen} ids=${marked(found, chosen)} rows=${rows} found=${found} setChosen=${setChosen} />
    <${List} filter=${filter} change=${change} rows=${rows} chosen=${chosen} setChosen=${setChosen} />
    ${found.length === 0 && html`<p class="hint">${word(all.size === 0 ? 'noAccounts' : 'noneFit')}</p>`}
    ${last > 0 && html`<${Pages} page=${shown} last=${last} setPage=${setPage} />`}
    <${Open} entry=${all.get(item)} />
  </section>`;
}

function Open({ entry }) {
  const close = () => {
    location.hash = link('accounts');
  };
  const gone = () => {
    close();
    // The line that the dialog was opened from is there no more.
    document.getElementById('accounts-title').focus();
  };
  return entry && html`<${AccountDialog} key=${entry.id} entry=${entry} onGone=${gone} onClose=${close} />`;
}

function Filter({ filter, all, change }) {
  const take = (name) => (event) => change({ [name]: event.target.value });
  return html`<form class="row filter" role="search" onSubmit=${(event) => event.preventDefault()}>
    <label>${word('find')}
      <input id="find" type="search" value=${filter.text} onInput=${take('text')} autocomplete="off" />
    </label>
    <label class="short">${word('state')}
      <select id="by-state" value=${filter.state} onChange=${take('state')}>
        <option value="">${word('any')}</option>
        ${STATES.map((name) => html`<option value=${name}>${wordFor('state', name)}</option>`)}
      </select>
    </label>
    <label class="short">${word('upstream')}
      <select id="by-upstream" value=${filter.upstream} onChange=${take('upstream')}>
        <option value="">${word('any')}</option>
        ${upstreams(all).map((name) => html`<option value=${name}>${name}</option>`)}
      </select>
    </label>
  </form>`;
}

/** What can be done with those that are chosen, or goes on with them. */
function Chosen({ ids, rows, found, setChosen }) {
  const going = useStore(progress);
  return (ids.length > 0 || going) && html`<${ChosenActs} ids=${ids} rows=${rows} found=${found}
    setChosen=${setChosen} going=${going} />`;
}

function ChosenActs({ ids, rows, found, setChosen, going }) {
  const [isLeaving, setLeaving] = useState(false);
  const group = useRef();
  useLayoutEffect(() => keepFocus(group.current), []);
  const run = (name) => {
    setLeaving(false);
    actOnAll(name, ids);
  };
  const press = (name) => {
    if (going) return;
    if (name === 'remove') setLeaving(true);
    else run(name);
  };
  return html`<div ref=${group} class="row chosen" role="group" aria-label=${word('withChosen')}>
    ${going ? html`<${Progress} ...${going} />` : html`<span>${word('chosen', number(ids.length))}</span>`}
    ${ACTS.map((name) => html`<button type="button" class=${name === 'remove' ? 'danger' : ''}
      aria-disabled=${String(going !== null)} onClick=${() => press(name)}>${word(`act_${name}`)}</button>`)}
    ${ids.length < found.length && html`<button type="button"
      onClick=${() => setChosen(new Set(found.map(({ id }) => id)))}>
      ${word('chooseAll', number(found.length))}</button>`}
    <button type="button" onClick=${going ? stopActing : () => setChosen(new Set())}>
      ${word(going ? 'stop' : 'chooseNone')}</button>
    ${isLeaving && html`<${Confirm} title=${word('removeTitle')} text=${leaving(ids, rows)}
      action=${word('act_remove')} onDo=${() => run('remove')} onClose=${() => setLeaving(false)} />`}
  </div>`;
}

function Progress({ over, all }) {
  const text = word('workedOn', number(over), number(all));
  return html`<progress value=${over} max=${all} aria-label=${text} /><span>${text}</span>`;
}

/** What is asked before they are deleted: those on other pages are not seen. */
function leaving(ids, rows) {
  const seen = new Set(rows.map(({ id }) => id));
  const unseen = ids.filter((id) => !seen.has(id)).length;
  const facts = [word('removeMany', number(ids.length)), unseen > 0 && word('removeUnseen', number(unseen))];
  return facts.filter(Boolean).join(' ');
}

/** Gives the focus to the heading where that goes which has it; to be called when it goes. */
function keepFocus(group) {
  return () => {
    if (!group.contains(document.activeElement)) return;
    // It is still there: the focus is lost in the next moment.
    queueMicrotask(() => document.getElementById('accounts-title')?.focus());
  };
}

function List({ filter, change, rows, chosen, setChosen }) {
  const sparks = usePolled('/stats/sparks', 60)?.data ?? {};
  const choose = (id) => {
    const next = new Set(chosen);
    if (!next.delete(id)) next.add(id);
    setChosen(next);
  };
  const all = rows.length > 0 && rows.every(({ id }) => chosen.has(id));
  const chooseRows = () => {
    const next = new Set(chosen);
    for (const { id } of rows) all ? next.delete(id) : next.add(id);
    setChosen(next);
  };
  const open = (id) => (location.hash = link('accounts', id));
  return html`<div class="scroll" tabindex="0" role="group" aria-labelledby="accounts-title">
    <table id="accounts">
      <thead><tr>
        <td><input type="checkbox" checked=${all} aria-label=${word('chooseRows')} onChange=${chooseRows} /></td>
        ${COLUMNS.map(([name, kind, isFixed]) => html`<${Column} name=${name} kind=${kind}
          isFixed=${isFixed} filter=${filter} change=${change} />`)}
      </tr></thead>
      <tbody>${rows.map((entry) => html`<${AccountRow} key=${entry.id} entry=${entry}
        spark=${sparks[entry.id]} isChosen=${chosen.has(entry.id)} onChoose=${choose} onOpen=${open} />`)}
      </tbody>
    </table>
  </div>`;
}

function Column({ name, kind, isFixed, filter, change }) {
  const text = word(`column_${name}`);
  if (isFixed) return html`<th scope="col" class=${kind}>${text}</th>`;
  const isSorted = filter.by === name;
  const direction = filter.down ? 'descending' : 'ascending';
  const turn = () => change(isSorted ? { down: !filter.down } : { by: name, down: false });
  return html`<th scope="col" class=${kind} aria-sort=${isSorted ? direction : 'none'}>
    <button type="button" class="sort" onClick=${turn}>${text}</button>
  </th>`;
}

function Pages({ page, last, setPage }) {
  return html`<nav class="row" aria-label=${word('pages')}>
    <button type="button" aria-disabled=${String(page === 0)}
      onClick=${() => setPage(Math.max(0, page - 1))}>${word('before')}</button>
    <span>${word('pageOf', number(page + 1), number(last + 1))}</span>
    <button type="button" aria-disabled=${String(page === last)}
      onClick=${() => setPage(Math.min(last, page + 1))}>${word('after')}</button>
  </nav>`;
}
