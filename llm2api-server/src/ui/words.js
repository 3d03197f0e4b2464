// Figures and times in the language of the page.

import { now, useClock } from './clock.js';
import * as format from './format.js';
import { locale } from './language.js';
import { html } from './vendor/preact.js';

export const number = (value, decimals) => format.number(locale(), value, decimals);
export const compact = (value) => format.compact(locale(), value);
export const rate = (value) => format.rate(locale(), value);
export const percent = (value) => format.percent(locale(), value);
export const milliseconds = (value) => format.milliseconds(locale(), value);
export const microseconds = (value) => format.microseconds(locale(), value);
export const dateTime = (value) => format.dateTime(locale(), value);
export const timeOfDay = (value) => format.timeOfDay(locale(), value);
export const moment = (value, isLong) => format.moment(locale(), value, isLong);

/** How long ago a time was, with the time itself for whoever points at it. */
export function Ago({ at }) {
  const time = useClock(5);
  if (at === null || at === undefined) return format.NONE;
  const text = format.ago(locale(), Math.max(0, time - at));
  return html`<time title=${dateTime(at)}>${text}</time>`;
}

/** How long it still is to a time; nothing where it has come. */
export function Left({ until }) {
  useClock();
  const left = until - now();
  if (until === null || until === undefined || left <= 0) return null;
  return html`<time class="left" title=${dateTime(until)}>${format.span(locale(), left)}</time>`;
}

/** How long it has been since a time. */
export function Since({ at }) {
  useClock();
  return format.span(locale(), now() - at);
}
