// What time it is, by the server's clock.

import { Store, useStore } from './store.js';

const SECOND = 1000;

// How far the server's clock is ahead of this one, in seconds.
let ahead = 0;
const ticks = new Store(Date.now());

setInterval(() => {
  if (!document.hidden) ticks.set(Date.now());
}, SECOND);
document.addEventListener('visibilitychange', () => ticks.set(Date.now()));

/** Takes the server's time, in seconds since 1970; less than two seconds are the way it took. */
export function setClock(seconds) {
  const difference = seconds - Date.now() / SECOND;
  ahead = Math.abs(difference) < 2 ? 0 : difference;
}

function seconds(milliseconds) {
  return Math.floor(milliseconds / SECOND + ahead);
}

/** The time in seconds since 1970. */
export function now() {
  return seconds(Date.now());
}

/** The time in steps of that many seconds; the component is drawn again at each of them. */
export function useClock(step = 1) {
  return useStore(ticks, (milliseconds) => Math.floor(seconds(milliseconds) / step) * step);
}
