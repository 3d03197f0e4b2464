// Figures and times in words. Nothing here knows of the page: the locale is an argument.

/** Stands where something is not known. */
export const NONE = '–';

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const made = new Map();

function formatter(Kind, locale, options) {
  const name = `${Kind.name} ${locale} ${JSON.stringify(options)}`;
  if (!made.has(name)) made.set(name, new Kind(locale, options));
  return made.get(name);
}

function isNone(value) {
  return value === null || value === undefined || Number.isNaN(value);
}

/** A number with at most that many decimals. */
export function number(locale, value, decimals = 0) {
  if (isNone(value)) return NONE;
  return formatter(Intl.NumberFormat, locale, { maximumFractionDigits: decimals }).format(value);
}

/** A large number in few characters. */
export function compact(locale, value) {
  if (isNone(value)) return NONE;
  const options = { notation: 'compact', maximumFractionDigits: 1 };
  return formatter(Intl.NumberFormat, locale, options).format(value);
}

/** A number of events a second: small ones are told finer. */
export function rate(locale, value) {
  return number(locale, value, value !== null && value < 10 ? 2 : 0);
}

/** A share of one, as a percentage. */
export function percent(locale, value) {
  if (isNone(value)) return NONE;
  const options = { style: 'percent', maximumFractionDigits: 1 };
  // 99.96 % is not all.
  const shown = value < 1 ? Math.min(value, 0.999) : value;
  return formatter(Intl.NumberFormat, locale, options).format(shown);
}

function unit(locale, value, name, decimals = 0) {
  const options = {
    style: 'unit',
    unit: name,
    unitDisplay: 'narrow',
    maximumFractionDigits: decimals,
  };
  return formatter(Intl.NumberFormat, locale, options).format(value);
}

/** A span of time that is given in milliseconds. */
export function milliseconds(locale, value) {
  if (isNone(value)) return NONE;
  if (value < 1) return unit(locale, value, 'millisecond', 2);
  if (value < 999.5) return unit(locale, value, 'millisecond', value < 10 ? 1 : 0);
  if (value < MINUTE * 1000) return unit(locale, value / 1000, 'second', value < 10_000 ? 2 : 1);
  return span(locale, Math.round(value / 1000));
}

/** A span of time that is given in microseconds. */
export function microseconds(locale, value) {
  if (isNone(value)) return NONE;
  return value < 1000 ? unit(locale, value, 'microsecond') : milliseconds(locale, value / 1000);
}

/** A span of time in seconds, in its two largest units. */
export function span(locale, seconds) {
  if (isNone(seconds)) return NONE;
  const whole = Math.max(0, Math.floor(seconds));
  const parts = [
    ['day', Math.floor(whole / DAY)],
    ['hour', Math.floor((whole % DAY) / HOUR)],
    ['minute', Math.floor((whole % HOUR) / MINUTE)],
    ['second', whole % MINUTE],
  ];
  const first = parts.findIndex(([, count]) => count > 0);
  if (first < 0) return unit(locale, 0, 'second');
  const told = parts.slice(first, first + 2).filter(([, count]) => count > 0);
  return told.map(([name, count]) => unit(locale, count, name)).join(' ');
}

/** How long ago something was, in its largest unit. */
export function ago(locale, seconds) {
  if (isNone(seconds)) return NONE;
  const options = { numeric: 'auto', style: 'narrow' };
  const relative = formatter(Intl.RelativeTimeFormat, locale, options);
  const past = Math.max(0, Math.floor(seconds));
  if (past < MINUTE) return relative.format(-past, 'second');
  if (past < HOUR) return relative.format(-Math.floor(past / MINUTE), 'minute');
  if (past < DAY) return relative.format(-Math.floor(past / HOUR), 'hour');
  return relative.format(-Math.floor(past / DAY), 'day');
}

/** A day and a time of it; the time is in seconds since 1970. */
export function dateTime(locale, seconds) {
  if (isNone(seconds)) return NONE;
  const options = { dateStyle: 'medium', timeStyle: 'medium' };
  return formatter(Intl.DateTimeFormat, locale, options).format(seconds * 1000);
}

/** A time of day, which is given in seconds since 1970. */
export function timeOfDay(locale, seconds) {
  if (isNone(seconds)) return NONE;
  return formatter(Intl.DateTimeFormat, locale, { timeStyle: 'medium' }).format(seconds * 1000);
}

/** The mark under a chart: the hour, or for long ones the day too. */
export function moment(locale, seconds, isLong) {
  const time = { hour: '2-digit', minute: '2-digit' };
  const options = isLong ? { month: 'short', day: 'numeric', ...time } : time;
  return formatter(Intl.DateTimeFormat, locale, options).format(seconds * 1000);
}
