// What a path says, asked again from time to time.

import { stats } from './live.js';
import { call } from './session.js';
import { complain, unsay } from './status.js';
import { useStore } from './store.js';
import { useEffect, useRef, useState } from './vendor/preact.js';

// What the operator changes elsewhere shows without a request too; a bit less than the minute that
// lies between two looks.
const HOLDS = 55_000;

/**
 * The JSON of a path; asked again every so many seconds where requests came in meanwhile or it is
 * not whole yet, and once a minute in any case.
 */
export function usePolled(path, every = 10, isWhole = () => true) {
  const [said, setSaid] = useState({ path, json: null });
  const last = useRef({});
  const due = useStore(stats, (value) => Math.floor((value?.server.now ?? 0) / every));
  useEffect(() => {
    const total = stats.value?.totals.requests;
    const known = last.current;
    if (known.path === path && known.total === total && Date.now() < known.until) return undefined;
    const stop = new AbortController();
    call('GET', path, undefined, stop.signal).then(
      (json) => {
        unsay(last.current.complaint);
        last.current = { path, total, until: isWhole(json) ? Date.now() + HOLDS : 0 };
        setSaid({ path, json });
      },
      (problem) => {
        if (!stop.signal.aborted) last.current.complaint ??= complain(problem);
      },
    );
    return () => stop.abort();
  }, [path, due]);
  return said.path === path ? said.json : null;
}

const isListed = ({ data }) => data.some(({ upstreams }) => upstreams.length > 0);

/** The models; null before they are known. An upstream may not be able to list them at first. */
export function useModels() {
  return usePolled('/stats/models', 10, isListed)?.data ?? null;
}
