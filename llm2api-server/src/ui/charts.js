// The charts over time, and what they are of.

import { Chart } from './chart.js';
import { now } from './clock.js';
import { word } from './language.js';
import { accounts } from './live.js';
import { places } from './plot.js';
import { usePolled } from './polled.js';
import { link } from './route.js';
import { useStore } from './store.js';
import { html, useState } from './vendor/preact.js';
import { compact, milliseconds } from './words.js';

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const SPANS = {
  hour: { span: 'minute', step: MINUTE, count: 60, every: 10 },
  day: { span: 'hour', step: HOUR, count: 24, every: 60 },
  month: { span: 'hour', step: HOUR, count: 720, every: 60 },
};
// A list from which somebody chooses is no place for ten thousand.
const MOST_ACCOUNTS = 200;

/** The charts of everything, a model, an account or a key; `of` is the address's. */
export function Charts({ of, models, keys }) {
  const [span, setSpan] = useState('hour');
  const { span: name, step, count, every } = SPANS[span];
  const query = new URLSearchParams({ of: of || 'total', span: name, last: count });
  const points = usePolled(`/stats/series?${query}`, every)?.points;
  const first = (Math.floor(now() / step) - count + 1) * step;
  const row = places(points ?? [], first, step, count);
  const frame = { row, first, step };
  return html`<section aria-labelledby="charts-title">
    <div class="bar">
      <h2 id="charts-title">${word('charts')}</h2>
      <${Subject} of=${of || 'total'} models=${models} keys=${keys} />
      <label class="inline">${word('span')}
        <select id="span" value=${span} onChange=${(event) => setSpan(event.target.value)}>
          ${Object.keys(SPANS).map((name) => html`<option value=${name}>${word(`span_${name}`)}</option>`)}
        </select>
      </label>
    </div>
    <div class="charts">
      <${Chart} ...${frame} title=${word('chart_requests')} series=${counts()} write=${compact} />
      <${Chart} ...${frame} title=${word('chart_latency')} series=${latencies()} write=${milliseconds} />
      <${Chart} ...${frame} title=${word('chart_tokens')} series=${tokens()} write=${compact} />
    </div>
  </section>`;
}

const counts = () => [
  { form: 'bar', kind: 'failures', name: word('failed'), of: ({ failed }) => failed },
  { form: 'bar', kind: 'refused', name: word('refused'), of: ({ refused }) => refused },
  { form: 'bar', kind: 'left-early', name: word('cancelled'), of: ({ cancelled }) => cancelled },
  { form: 'bar', kind: 'completed', name: word('completed'), of: ({ completed }) => completed },
];

const latencies = () => [
  { form: 'line', kind: 'middle', name: 'p50', of: (point) => point.latency_ms?.p50 },
  { form: 'line', kind: 'high', name: 'p95', of: (point) => point.latency_ms?.p95 },
];

const tokens = () => [
  {
    form: 'bar',
    kind: 'prompt',
    name: word('promptTokens'),
    of: (point) => point.prompt_tokens + point.estimated_prompt_tokens,
  },
  {
    form: 'bar',
    kind: 'completed',
    name: word('completionTokens'),
    of: (point) => point.completion_tokens + point.estimated_completion_tokens,
  },
];

function Subject({ of, models, keys }) {
  const known = useStore(accounts);
  const newest = [...(known?.values() ?? [])].sort((a, b) => (b.last_used ?? 0) - (a.last_used ?? 0));
  const groups = [
    ['model', models?.map(({ id }) => [`model:${id}`, id])],
    ['credential', newest.slice(0, MOST_ACCOUNTS).map(({ id, label }) => [`credential:${id}`, label])],
    ['key', keys?.map(({ id, name }) => [`key:${id}`, name || id])],
  ];
  const listed = groups.some(([, options]) => options?.some(([value]) => value === of));
  const choose = (event) => {
    const value = event.target.value;
    location.hash = link('overview', value === 'total' ? '' : value);
  };
  return html`<label class="inline">${word('chartsOf')}
    <select id="subject" value=${of} onChange=${choose}>
      <option value="total">${word('of_total')}</option>
      ${of !== 'total' && !listed && html`<option value=${of}>${of.replace(/^\w+:/, '')}</option>`}
      ${groups.map(([name, options]) => options?.length > 0 && html`<optgroup label=${word(`of_${name}`)}>
        ${options.map(([value, text]) => html`<option key=${value} value=${value}>${text}</option>`)}
      </optgroup>`)}
    </select>
  </label>`;
}
