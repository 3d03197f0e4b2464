// Choices that outlive the page.

/** The kept choice, if it is one of `allowed`; a browser that keeps nothing has none. */
export function kept(name, allowed) {
  try {
    const value = localStorage.getItem(`llm2api.${name}`);
    return allowed.includes(value) ? value : null;
  } catch {
    return null;
  }
}

/** Keeps a choice where the browser allows it. */
export function keep(name, value) {
  try {
    localStorage.setItem(`llm2api.${name}`, value);
  } catch {
    // It holds until the page is closed, then.
  }
}
