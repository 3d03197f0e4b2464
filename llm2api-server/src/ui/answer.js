// The answer of the box to try.

import { word } from './language.js';
import { link } from './route.js';
import { html } from './vendor/preact.js';
import { number } from './words.js';

/** What is known of an answer before anything was heard. */
export const SILENT = {
  id: null, text: '', thought: '', usage: null, sources: [], search: null, problem: null,
};

/** The answer with what was heard more of it. */
export function grown(old, { id, search, text = '', thought = '', usage, sources = [] }) {
  return {
    ...old,
    id: id ?? old.id,
    search: search ?? old.search,
    text: old.text + text,
    thought: old.thought + thought,
    usage: usage ?? old.usage,
    sources: [...old.sources, ...sources],
  };
}

/** The answer as it grows. It is not read out piece by piece; the status line says when it is whole. */
export function Answer({ answer, isRunning }) {
  const { id, text, thought, usage, sources, search, problem } = answer;
  if (!id && !problem && !isRunning) return null;
  return html`<section class="answer" aria-labelledby="answer-title" aria-busy=${String(isRunning)}>
    <h3 id="answer-title">${word('answer')}</h3>
    ${search && html`<p class="warn">${word('searchFailed', search)}</p>`}
    ${thought && html`<details><summary>${word('thought')}</summary><p class="said soft">${thought}</p></details>`}
    <p class="said" id="said">${text}</p>
    <${Sources} text=${text} sources=${sources} />
    ${problem && html`<p class="bad">${problem.text?.() ?? String(problem)} ${problem.code && `(${problem.code})`}</p>`}
    ${usage && html`<p class="soft">${word('usage', number(usage.prompt_tokens), number(usage.completion_tokens))}</p>`}
    ${id && html`<p>${word('request')} <a class="code" id="explained" href=${link('requests', id)}>${id}</a></p>`}
  </section>`;
}

/** What the answer goes by, each once, under the mark that it has in the text, if any. */
function Sources({ text, sources }) {
  // Places are counted in characters, not in JavaScript's halves of some.
  const characters = sources.length > 0 ? [...text] : [];
  const cited = new Map();
  for (const { start_index: start, end_index: end, url, title } of sources) {
    const mark = characters.slice(start, end).join('');
    if (/^https?:/i.test(url)) cited.set(`${mark} ${url}`, { mark, url, title: title || url });
  }
  if (cited.size === 0) return null;
  return html`<h4 id="sources-title">${word('sources')}</h4>
    <ul class="files" id="sources" aria-labelledby="sources-title">
      ${[...cited.values()].map(({ mark, url, title }) => html`<li>
        ${mark} <a href=${url} target="_blank" rel="noreferrer">${title}</a>
      </li>`)}
    </ul>`;
}
