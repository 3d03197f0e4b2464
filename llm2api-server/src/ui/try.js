// A box to try the server with.

import { Answer, SILENT, grown } from './answer.js';
import { ask } from './ask.js';
import { bodyOf } from './chat.js';
import { word } from './language.js';
import { stats } from './live.js';
import { useModels } from './polled.js';
import { LANGUAGES, snippet } from './snippets.js';
import { complain, say } from './status.js';
import { useStore } from './store.js';
import { html, useEffect, useRef, useState } from './vendor/preact.js';
import { number } from './words.js';

/** The view. */
export function Try() {
  const models = useModels()?.filter(({ upstreams }) => upstreams.length > 0);
  const canSearch = useStore(stats, (value) => value?.server.web_search ?? false);
  const [request, setRequest] = useState({
    model: '', system: '', user: '', stream: true, search: false, files: [],
  });
  const model = request.model || models?.[0]?.id || '';
  const whole = { ...request, model, search: request.search && canSearch };
  const { answer, stop, start } = useAnswer();
  const change = (fields) => setRequest((old) => ({ ...old, ...fields }));
  const changeFiles = (next) => setRequest((old) => ({ ...old, files: next(old.files) }));
  const submit = (event) => {
    event.preventDefault();
    if (stop) stop();
    else start(bodyOf(whole));
  };
  return html`<section aria-labelledby="try-title">
    <h2 id="try-title">${word('view_try')}</h2>
    <form id="try" onSubmit=${submit}>
      <${Fields} request=${whole} models=${models} change=${change} canSearch=${canSearch} />
      <${Files} files=${request.files} change=${changeFiles} />
      <button type="submit" class="main" id="send">${word(stop ? 'stop' : 'send')}</button>
    </form>
    <${Answer} answer=${answer} isRunning=${stop !== null} />
    <${Snippets} body=${bodyOf(whole)} />
  </section>`;
}

/** What is heard of the last question, and how to ask or to stop. */
function useAnswer() {
  const [answer, setAnswer] = useState(SILENT);
  const [stopper, setStopper] = useState(null);
  const current = useRef(null);
  // Who leaves the view does not wait for the answer.
  useEffect(() => () => current.current?.abort(), []);
  const start = async (body) => {
    const control = new AbortController();
    current.current = control;
    setStopper(control);
    setAnswer(SILENT);
    say(() => word('answering'));
    const hear = (more) => setAnswer((old) => grown(old, more));
    try {
      await ask(body, control.signal, hear);
      say(() => word('answered'), 'good');
    } catch (problem) {
      if (control.signal.aborted) say(() => word('stopped'));
      else {
        setAnswer((old) => ({ ...old, problem }));
        complain(problem);
      }
    }
    setStopper(null);
  };
  return { answer, stop: stopper && (() => stopper.abort()), start };
}

function Fields({ request, models, change, canSearch }) {
  const take = (name) => (event) => change({ [name]: event.target.value });
  const turn = (name) => (event) => change({ [name]: event.target.checked });
  return html`<label>${word('of_model')}
      <select id="model" required value=${request.model} onChange=${take('model')}>
        ${(models ?? []).map(({ id }) => html`<option key=${id} value=${id}>${id}</option>`)}
      </select>
    </label>
    <label>${word('system')}
      <textarea id="system" rows="2" value=${request.system} onInput=${take('system')}></textarea>
    </label>
    <label>${word('user')}
      <textarea id="user" rows="4" required=${request.files.length === 0} value=${request.user}
        onInput=${take('user')}></textarea>
    </label>
    <div class="row">
      <label class="inline"><input id="stream" type="checkbox" checked=${request.stream}
        onChange=${turn('stream')} /> ${word('streamSwitch')}</label>
      <label class="inline"><input id="search" type="checkbox" checked=${request.search} disabled=${!canSearch}
        onChange=${turn('search')} /> ${word(canSearch ? 'searchSwitch' : 'noSearch')}</label>
    </div>`;
}

function Files({ files, change }) {
  const field = useRef();
  const choose = async ({ target }) => {
    const chosen = [...target.files];
    // Left empty, the field takes the same file again.
    target.value = '';
    const results = await Promise.allSettled(chosen.map(dataOf));
    const isRead = (_, at) => results[at].status === 'fulfilled';
    const read = results.filter(isRead).map(({ value }) => value);
    change((old) => [...old, ...read]);
    const missing = chosen.filter((one, at) => !isRead(one, at)).map(({ name }) => name);
    if (missing.length > 0) say(() => word('unreadable', missing.join(', ')), 'bad');
  };
  const drop = (file) => {
    change((old) => old.filter((one) => one !== file));
    field.current.focus();
  };
  return html`<label>${word('files')}
      <input id="files" ref=${field} type="file" multiple onChange=${choose} />
    </label>
    ${files.length > 0 && html`<ul class="files">${files.map((file) => html`<li>
      ${file.name} <span class="soft">${word('bytes', number(file.size))}</span>${' '}
      <button type="button" aria-label=${word('dropFile', file.name)}
        onClick=${() => drop(file)}>${word('drop')}</button>
    </li>`)}</ul>`}`;
}

function dataOf(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    const type = file.type || 'application/octet-stream';
    reader.onload = () => resolve({ name: file.name, size: file.size, type, url: reader.result });
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}

function Snippets({ body }) {
  const [language, setLanguage] = useState(LANGUAGES[0]);
  const code = useRef();
  const prefix = useStore(stats, (value) => value?.server.api_path ?? '');
  const text = snippet(language, `${location.origin}${prefix}/v1`, body);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      say(() => word('copied'), 'good');
    } catch {
      // Without TLS a browser may keep the clipboard to itself.
      getSelection().selectAllChildren(code.current);
      say(() => word('selected'));
    }
  };
  return html`<section aria-labelledby="code-title">
    <div class="bar">
      <h3 id="code-title">${word('asProgram')}</h3>
      <label class="inline"><span class="unseen">${word('programLanguage')}</span>
        <select id="language-of-code" value=${language} onChange=${(event) => setLanguage(event.target.value)}>
          ${LANGUAGES.map((name) => html`<option value=${name}>${word(`code_${name}`)}</option>`)}
        </select>
      </label>
      <button type="button" id="copy" onClick=${copy}>${word('copy')}</button>
    </div>
    <pre id="code" ref=${code} tabindex="0" role="group" aria-labelledby="code-title">${text}</pre>
  </section>`;
}
