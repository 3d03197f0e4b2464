// The first view: the figures of now, charts, models and keys.

import { Charts } from './charts.js';
import { FigureTable } from './figures.js';
import { word } from './language.js';
import { useModels, usePolled } from './polled.js';
import { Tiles } from './tiles.js';
import { html } from './vendor/preact.js';

/** The first view; `item` is what the charts are of. */
export function Overview({ item }) {
  const models = useModels();
  const keys = usePolled('/stats/keys')?.data ?? null;
  return html`<section aria-labelledby="now-title">
      <h2 id="now-title">${word('now')}</h2>
      <${Tiles} />
    </section>
    <${Charts} of=${item} models=${models} keys=${keys} />
    <div class="columns">
      <${FigureTable} id="models-title" title=${word('models')} kind="model" rows=${models} />
      <${FigureTable} id="keys-title" title=${word('keys')} kind="key" rows=${keys} />
    </div>`;
}
