// Dialogs: the browser keeps the focus inside and gives it back.

import { word } from './language.js';
import { html, useLayoutEffect, useRef, useState } from './vendor/preact.js';

let dialogs = 0;

/** What a dialog element needs that is open as long as it is drawn. */
function useModal(onClose) {
  const [id] = useState(() => `dialog-${(dialogs += 1)}`);
  const dialog = useRef();
  useLayoutEffect(() => {
    const { current } = dialog;
    current.showModal();
    return () => current.close();
  }, []);
  const onCancel = (event) => {
    // It closes when it is not drawn any more.
    event.preventDefault();
    onClose();
  };
  return { id, dialog, onCancel };
}

/** A dialog; `onClose` is to stop drawing it. */
export function Dialog({ title, onClose, children }) {
  const { id, dialog, onCancel } = useModal(onClose);
  return html`<dialog ref=${dialog} aria-labelledby=${id} onCancel=${onCancel}>
    <div class="bar">
      <h2 id=${id}>${title}</h2>
      <button type="button" onClick=${onClose}>${word('close')}</button>
    </div>
    ${children}
  </dialog>`;
}

/** Asks whether something is really to be done that cannot be undone. */
export function Confirm({ title, text, action, onDo, onClose }) {
  const { id, dialog, onCancel } = useModal(onClose);
  return html`<dialog ref=${dialog} class="small" role="alertdialog" aria-labelledby=${id}
    aria-describedby=${`${id}-text`} onCancel=${onCancel}>
    <h2 id=${id}>${title}</h2>
    <p id=${`${id}-text`}>${text}</p>
    <div class="actions">
      <button type="button" autofocus onClick=${onClose}>${word('cancel')}</button>
      <button type="button" class="danger" onClick=${onDo}>${action}</button>
    </div>
  </dialog>`;
}
