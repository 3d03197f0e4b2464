// One account: all that is known of it, and what can be done with it.

import { act, change } from './account_acts.js';
import { StateMark } from './account_row.js';
import { Confirm, Dialog } from './dialog.js';
import { word } from './language.js';
import { link } from './route.js';
import { Notice, hush } from './status.js';
import { html, useLayoutEffect, useRef, useState } from './vendor/preact.js';
import { Ago, dateTime, number } from './words.js';

/** The dialog of an account; `onGone` is told where it was removed. */
export function AccountDialog({ entry, onClose, onGone }) {
  const [isLeaving, setLeaving] = useState(false);
  // What was said before is not about this account.
  useLayoutEffect(hush, []);
  const remove = async () => {
    setLeaving(false);
    if (await act('remove', entry)) onGone();
  };
  return html`<${Dialog} title=${entry.label} onClose=${onClose}>
    <${Facts} entry=${entry} />
    <div class="actions">
      <${Act} name="check" entry=${entry} />
      <${Act} name=${entry.state === 'disabled' ? 'enable' : 'disable'} entry=${entry} />
      <${Act} name="clear" entry=${entry} />
      <a class="button" href=${link('overview', `credential:${entry.id}`)}>${word('itsCharts')}</a>
      <button type="button" class="danger" onClick=${() => setLeaving(true)}>${word('act_remove')}</button>
    </div>
    <${Change} entry=${entry} />
    <${Replace} entry=${entry} />
    <${Notice} isInside />
    ${isLeaving && html`<${Confirm} title=${word('removeTitle')} text=${word('removeText', entry.label)}
      action=${word('act_remove')} onDo=${remove} onClose=${() => setLeaving(false)} />`}
  <//>`;
}

function Act({ name, entry }) {
  const [busy, setBusy] = useState(false);
  const press = async () => {
    setBusy(true);
    await act(name, entry);
    setBusy(false);
  };
  // The focus would be lost on a button that is disabled.
  return html`<button type="button" aria-disabled=${String(busy)} onClick=${() => busy || press()}>
    ${word(`act_${name}`)}
  </button>`;
}

function Facts({ entry }) {
  const { requests, failures } = entry;
  const facts = [
    ['id', entry.id],
    ['upstream', entry.upstream],
    ['account', entry.account],
    ['fingerprint', entry.fingerprint],
    ['state', html`<${StateMark} entry=${entry} />`],
    ['requestCount', `${number(requests)} (${word('failed')}: ${number(failures)})`],
    ['lastUsed', html`<${Ago} at=${entry.last_used} />`],
    ['lastChecked', html`<${Ago} at=${entry.last_checked} />`],
    ['created', dateTime(entry.created)],
    ['lastError', entry.last_error],
  ];
  return html`<dl class="pairs">${facts.filter(([, value]) => value).map(([name, value]) => html`
    <dt>${word(name)}</dt><dd>${value}</dd>`)}
  </dl>`;
}

function Change({ entry }) {
  const form = useRef();
  const submit = (event) => {
    event.preventDefault();
    const { name, weight } = form.current.elements;
    const fields = {};
    if (name.value.trim() !== entry.label) fields.label = name.value.trim();
    if (Number(weight.value) !== entry.weight) fields.weight = Number(weight.value);
    if (Object.keys(fields).length > 0) change(fields, entry);
  };
  return html`<form class="row" ref=${form} onSubmit=${submit}>
    <label>${word('label')}
      <input name="name" required maxlength="100" autocomplete="off" defaultValue=${entry.label} />
    </label>
    <label class="short">${word('weight')}
      <input name="weight" type="number" required min="1" max="100" defaultValue=${entry.weight} />
    </label>
    <button type="submit">${word('save')}</button>
  </form>`;
}

function Replace({ entry }) {
  const form = useRef();
  const submit = async (event) => {
    event.preventDefault();
    const { cookie } = form.current.elements;
    if (await change({ cookie: cookie.value }, entry)) cookie.value = '';
  };
  return html`<form class="row" ref=${form} onSubmit=${submit}>
    <label>${word('newCookie')}
      <textarea name="cookie" rows="2" required spellcheck="false" autocomplete="off"
        autocapitalize="off"></textarea>
    </label>
    <button type="submit">${word('replace')}</button>
  </form>`;
}
