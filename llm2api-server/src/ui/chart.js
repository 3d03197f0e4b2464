// One chart over time, drawn as SVG, with a table for those who see none.

import { word } from './language.js';
import { HEIGHT, WIDTH, ceiling, path } from './plot.js';
import { html, useState } from './vendor/preact.js';
import { dateTime, moment } from './words.js';

const value = (one, point) => (point === null ? null : one.of(point));

/** The top of the scale: above the stacked bars and above each line. */
function scale(row, series) {
  const bars = series.filter(({ form }) => form === 'bar');
  const most = row.map((point) => {
    const stack = bars.reduce((sum, one) => sum + (value(one, point) ?? 0), 0);
    return Math.max(stack, ...series.map((one) => value(one, point) ?? 0));
  });
  return ceiling(Math.max(0, ...most));
}

/**
 * A chart. `series` are `{ name, kind, of, form }`: bars and lines over `row`, the spans in order
 * from `first` on, each of `step` seconds; `of` takes a value out of a point, `write` writes it.
 */
export function Chart({ title, row, first, step, series, write }) {
  const [place, setPlace] = useState(null);
  const top = scale(row, series);
  const isLong = step * row.length > 86_400;
  const read = () => reading(row[place], moment(first + step * place, isLong), series, write);
  return html`<figure class="chart">
    <figcaption>
      <strong>${title}</strong>
      ${series.map(({ name, kind }) => html`<span class=${`key ${kind}`}>${name}</span>`)}
    </figcaption>
    <div class="plot">
      <span class="top">${write(top)}</span>
      <${Drawing} row=${row} series=${series} top=${top} place=${place} setPlace=${setPlace} />
      <div class="axis" aria-hidden="true">
        <span>${moment(first, isLong)}</span>
        <span>${place === null ? '' : read()}</span>
        <span>${moment(first + step * row.length, isLong)}</span>
      </div>
    </div>
    <${Table} title=${title} row=${row} series=${series} write=${write} />
  </figure>`;
}

/** The bars and lines; `setPlace` is told which span is pointed at. */
function Drawing({ row, series, top, place, setPlace }) {
  const point = (event) => {
    const { left, width } = event.currentTarget.getBoundingClientRect();
    const at = Math.floor(((event.clientX - left) / width) * row.length);
    setPlace(Math.min(row.length - 1, Math.max(0, at)));
  };
  const lines = series.filter(({ form }) => form === 'line');
  return html`<svg viewBox=${`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true"
    onPointerMove=${point} onPointerLeave=${() => setPlace(null)}>
    <path class="grid" d=${`M0 0H${WIDTH}M0 ${HEIGHT / 2}H${WIDTH}M0 ${HEIGHT}H${WIDTH}`} />
    <${Bars} row=${row} bars=${series.filter(({ form }) => form === 'bar')} top=${top} />
    ${lines.map((one) => html`<path class=${`line ${one.kind}`}
      d=${path(row.map((point) => value(one, point)), top)} />`)}
    ${place !== null && html`<rect class="pointed" x=${(place * WIDTH) / row.length} y="0"
      width=${WIDTH / row.length} height=${HEIGHT} />`}
  </svg>`;
}

function Bars({ row, bars, top }) {
  const width = WIDTH / row.length;
  return row.flatMap((point, at) => {
    if (point === null) return [];
    let height = 0;
    return bars.map(({ kind, of }) => {
      const own = ((of(point) ?? 0) / top) * HEIGHT;
      height += own;
      if (own === 0) return null;
      return html`<rect class=${kind} x=${(at + 0.1) * width} width=${0.8 * width}
        y=${HEIGHT - height} height=${own} />`;
    });
  });
}

function reading(point, time, series, write) {
  if (!point) return time;
  const values = series.map(({ name, of }) => `${name} ${write(of(point))}`);
  return `${time}: ${values.join(', ')}`;
}

function Table({ title, row, series, write }) {
  const [isOpen, setOpen] = useState(false);
  const points = row.filter((point) => point !== null).reverse();
  return html`<details onToggle=${(event) => setOpen(event.target.open)}>
    <summary>${word('asTable')}<span class="unseen">: ${title}</span></summary>
    ${isOpen && points.length === 0 && html`<p class="hint">${word('nothing')}</p>`}
    ${isOpen && points.length > 0 && html`<div class="scroll low" tabindex="0" role="group" aria-label=${title}>
      <table>
        <caption class="unseen">${title}</caption>
        <thead><tr><th scope="col">${word('time')}</th>
          ${series.map(({ name }) => html`<th scope="col" class="number">${name}</th>`)}</tr></thead>
        <tbody>${points.map((point) => html`<tr key=${point.at}>
          <th scope="row">${dateTime(point.at)}</th>
          ${series.map(({ of }) => html`<td class="number">${write(of(point))}</td>`)}
        </tr>`)}</tbody>
      </table>
    </div>`}
  </details>`;
}
