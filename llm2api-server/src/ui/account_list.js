// Which accounts are listed, and in which order. Nothing here knows of the page.

export const STATES = ['active', 'cooling', 'half_open', 'invalid', 'disabled'];
export const ROWS = 100;

/** The share of requests that went well; null where there were none. */
export function success({ requests, failures }) {
  return requests > 0 ? (requests - failures) / requests : null;
}

/** What each column is sorted by. */
const SORTED_BY = {
  label: ({ label }) => label.toLowerCase(),
  upstream: ({ upstream }) => upstream,
  state: ({ state }) => STATES.indexOf(state),
  in_flight: ({ in_flight: running }) => running,
  requests: ({ requests }) => requests,
  success,
  last_used: ({ last_used: at }) => at,
  last_checked: ({ last_checked: at }) => at,
};
export const SORTABLE = Object.keys(SORTED_BY);

/** The accounts that fit the filter, in order. What is not known comes last either way. */
export function listed(accounts, { text = '', state = '', upstream = '', by = '', down = false }) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (entry) => {
    if (state && entry.state !== state) return false;
    if (upstream && entry.upstream !== upstream) return false;
    if (words.length === 0) return true;
    const { id, label, account, fingerprint, reason, last_error: error } = entry;
    const all = `${id} ${label} ${account ?? ''} ${fingerprint} ${reason ?? ''} ${error ?? ''}`;
    return words.every((word) => all.toLowerCase().includes(word));
  };
  const found = [...accounts.values()].filter(fits);
  const key = SORTED_BY[by];
  if (!key) return found;
  const keyed = found.map((entry) => [key(entry), entry]);
  keyed.sort(([a], [b]) => compare(a ?? null, b ?? null, down));
  return keyed.map(([, entry]) => entry);
}

function compare(a, b, down) {
  if (a === b) return 0;
  if (a === null) return 1;
  if (b === null) return -1;
  return a < b === down ? 1 : -1;
}

/** The ids of those that are listed and chosen, in order. */
export function marked(found, chosen) {
  return found.map(({ id }) => id).filter((id) => chosen.has(id));
}

/** The upstreams that accounts belong to. */
export function upstreams(accounts) {
  return [...new Set([...accounts.values()].map(({ upstream }) => upstream))].sort();
}
