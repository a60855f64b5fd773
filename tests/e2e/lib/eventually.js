// Asking again until it is so, within a bound.

import { LIMIT_MS } from "./inbox.js";

/** Repeats `isSo` until it is true; fails with `what` after the usual limit. */
export async function eventually(what, isSo) {
  const end = Date.now() + LIMIT_MS;
  while (!(await isSo())) {
    if (Date.now() > end) throw new Error(`not within ${LIMIT_MS} ms: ${what}`);
    await new Promise((wait) => setTimeout(wait, 10));
  }
}
