// What a path says, asked again from time to time.

import { stats } from './live.js';
import { call } from './session.js';
import { complain } from './status.js';
import { useStore } from './store.js';
import { useEffect, useRef, useState } from './vendor/preact.js';

/** The JSON of a path; asked again every so many seconds where requests came in meanwhile. */
export function usePolled(path, every = 10) {
  const [said, setSaid] = useState({ path, json: null });
  const last = useRef({});
  const due = useStore(stats, (value) => Math.floor((value?.server.now ?? 0) / every));
  useEffect(() => {
    const total = stats.value?.totals.requests;
    if (last.current.path === path && last.current.total === total) return undefined;
    const stop = new AbortController();
    call('GET', path, undefined, stop.signal).then(
      (json) => {
        last.current = { path, total };
        setSaid({ path, json });
      },
      (problem) => stop.signal.aborted || complain(problem),
    );
    return () => stop.abort();
  }, [path, due]);
  return said.path === path ? said.json : null;
}
