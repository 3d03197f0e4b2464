// One request: its attempts in time, and why each account was taken or not.

import { Choice } from './choice.js';
import { NONE } from './format.js';
import { word, wordFor } from './language.js';
import { KINDS, Result, tokens } from './result.js';
import { link } from './route.js';
import { call } from './session.js';
import { html, useEffect, useRef, useState } from './vendor/preact.js';
import { dateTime, microseconds, milliseconds } from './words.js';

/** All of a request, which is fetched. */
export function RequestView({ id }) {
  const [known, setKnown] = useState(null);
  const [problem, setProblem] = useState(null);
  const title = useRef();
  useEffect(() => {
    title.current.focus();
    const stop = new AbortController();
    call('GET', `/v1/explain/${encodeURIComponent(id)}`, undefined, stop.signal).then(
      setKnown,
      (error) => stop.signal.aborted || setProblem(error),
    );
    return () => stop.abort();
  }, [id]);
  return html`<section aria-labelledby="request-title">
    <div class="bar">
      <h2 id="request-title" tabindex="-1" ref=${title}>${word('request')} <span class="code">${id}</span></h2>
      <a class="button" href=${link('requests')}>${word('back')}</a>
    </div>
    ${problem && html`<p class="bad" role="alert">
      ${problem.code === 'request_not_found' ? word('requestUnknown') : problem.text()}</p>`}
    ${!problem && !known && html`<p class="hint">${word('loading')}</p>`}
    ${known && html`<${Facts} request=${known} /><${Timeline} request=${known} />
      <h3>${word('choices')}</h3>
      ${(known.choices ?? []).length === 0 && html`<p class="hint">${word('noChoices')}</p>`}
      ${(known.choices ?? []).map((choice, at) => html`<${Choice} key=${at} choice=${choice} number=${at + 1} />`)}`}
  </section>`;
}

function Facts({ request }) {
  const { key } = request;
  const facts = [
    ['time', dateTime(request.at_ms / 1000)],
    ['route', `${request.method} ${request.route ?? ''}`],
    ['model', request.model],
    ['of_key', key && (key.name || key.id)],
    ['status', request.status],
    ['result', html`<${Result} request=${request} />`],
    ['error', request.error],
    ['streamed', word(request.streamed ? 'yes' : 'no')],
    ['duration', milliseconds(request.duration_ms)],
    ['firstToken', milliseconds(request.first_content_ms)],
    ['overheadOwn', microseconds(request.overhead_us)],
    ['tokenCount', tokens(request)],
  ];
  return html`<dl class="pairs">${facts.filter(([, value]) => value && value !== NONE).map(([name, value]) => html`
    <dt>${word(name)}</dt><dd>${value}</dd>`)}
  </dl>`;
}

/** The attempts as bars over the time of the request; the words beside them say the same. */
function Timeline({ request }) {
  const { attempts = [] } = request;
  const ends = attempts.map(({ at_ms: at, end_ms: end }) => end ?? at);
  const whole = Math.max(1, request.duration_ms ?? 0, ...ends);
  return html`<h3>${word('attempts')}</h3>
    ${attempts.length === 0 && html`<p class="hint">${word('noAttempts')}</p>`}
    <ol class="timeline">${attempts.map((attempt) => html`<${Attempt} attempt=${attempt} whole=${whole} />`)}</ol>`;
}

function Attempt({ attempt, whole }) {
  const { at_ms: at, end_ms: end, first_content_ms: first, result, then } = attempt;
  const until = end ?? whole;
  const x = (value) => `${(Math.min(value, whole) / whole) * 100}%`;
  const told = [
    attempt.code,
    attempt.status && `HTTP ${attempt.status}`,
    attempt.error,
  ].filter(Boolean);
  return html`<li>
    <p><strong>${attempt.label ?? attempt.credential ?? NONE}</strong>
      ${' '}<span class="soft">${attempt.upstream} · ${attempt.model}</span>
      ${attempt.aside && html` <span class="mark">${word('aside')}</span>`}
      ${' '}<span class=${`mark ${KINDS[result] ?? ''}`}>${wordFor('ended', result)}</span></p>
    <svg class="bars" width="100%" height="14" aria-hidden="true">
      <rect class="track" x="0" y="5" width="100%" height="4" />
      <rect class=${`attempt ${KINDS[result] ?? ''}`} x=${x(at)} y="1" height="12"
        width=${`${Math.max(0.5, ((until - at) / whole) * 100)}%`} />
      ${first !== null && html`<rect class="first" x=${x(first)} y="0" width="2" height="14" />`}
    </svg>
    <p class="soft">${word('attemptTimes', milliseconds(at), end === null ? NONE : milliseconds(end - at),
      first === null ? NONE : milliseconds(first - at))}</p>
    ${told.length > 0 && html`<p class="bad">${told.join(' · ')}</p>`}
    ${then && html`<p>${word('then')} ${next(then)}</p>`}
  </li>`;
}

/** What was done after an attempt. */
function next(then) {
  const wait = /^same credential in (\d+) ms$/.exec(then)?.[1];
  return wait ? word('then_same', milliseconds(Number(wait))) : wordFor('then', then);
}
