// The figures of now.

import { word } from './language.js';
import { stats } from './live.js';
import { useStore } from './store.js';
import { html } from './vendor/preact.js';
import { microseconds, milliseconds, number, percent, rate } from './words.js';

/** The figures of now, a tile each; they change too often to be read out. */
export function Tiles() {
  const known = useStore(stats);
  if (!known) return html`<p class="hint">${word('loading')}</p>`;
  const { now, totals } = known;
  const pair = ({ p50, p95 }) => `${milliseconds(p50)} / ${milliseconds(p95)}`;
  const { usable, total } = now.credentials;
  const tiles = [
    ['requests', number(totals.requests)],
    ['requestsPerSecond', rate(now.requests_per_second)],
    ['inFlight', number(now.in_flight)],
    ['success', percent(now.success)],
    ['latency', pair(now.latency_ms)],
    ['firstContent', pair(now.first_content_ms)],
    ['tokensPerSecond', rate(now.tokens_per_second)],
    ['credentials', `${number(usable)} / ${number(total)}`, usable === 0 ? 'bad' : ''],
    ['overhead', microseconds(now.overhead_us.p95)],
  ];
  return html`<dl class="tiles">
    ${tiles.map(([name, value, kind]) => html`<div id=${`tile-${name}`}>
      <dt>${word(`tile_${name}`)}</dt><dd class=${kind ?? ''}>${value}</dd>
    </div>`)}
  </dl>`;
}
