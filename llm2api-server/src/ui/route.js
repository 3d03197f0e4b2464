// Which view is shown: it stands behind the `#` of the address, so that it can be linked to.

import { Store } from './store.js';

export const VIEWS = ['overview', 'accounts', 'add', 'requests', 'try', 'settings'];

/** Reads the part of an address behind `#`: a view, and what of it. */
export function parse(hash) {
  const [view, ...rest] = hash.replace(/^#/, '').split('/').map(decode);
  return VIEWS.includes(view) ? { view, item: rest[0] ?? '' } : { view: VIEWS[0], item: '' };
}

function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Writes it. */
export function link(view, item = '') {
  return `#${view}${item && `/${encodeURIComponent(item)}`}`;
}

export const route = new Store(parse(globalThis.location?.hash ?? ''));

/** Follows the address. */
export function followAddress() {
  window.addEventListener('hashchange', () => route.set(parse(location.hash)));
}
