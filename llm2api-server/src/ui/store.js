// A value that components watch.

import { useLayoutEffect, useState } from './vendor/preact.js';

/** Holds one value and tells whoever watches it that there is another. */
export class Store {
  #value;
  #watchers = new Set();

  constructor(value) {
    this.#value = value;
  }

  get value() {
    return this.#value;
  }

  set(value) {
    if (Object.is(value, this.#value)) return;
    this.#value = value;
    for (const watcher of [...this.#watchers]) watcher();
  }

  /** Calls `watcher` after each change, until the function that it answers with is called. */
  watch(watcher) {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }
}

/** The value of a store; the component is drawn again when what `pick` takes of it changes. */
export function useStore(store, pick = (value) => value) {
  const [picked, set] = useState(() => ({ value: pick(store.value) }));
  useLayoutEffect(() => {
    const look = () =>
      set((old) => {
        const value = pick(store.value);
        return Object.is(old.value, value) ? old : { value };
      });
    look();
    return store.watch(look);
  }, [store]);
  return pick(store.value);
}
