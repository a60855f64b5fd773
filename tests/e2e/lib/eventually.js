// Asking again until it is so, within a bound.

import { LIMIT_MS } from "./inbox.js";

/** Repeats `isSo` until it is true; fails with `what` after the limit. */
export async function eventually(what, isSo, limit = LIMIT_MS) {
  const end = Date.now() + limit;
  while (!(await isSo())) {
    if (Date.now() > end) throw new Error(`not within ${limit} ms: ${what}`);
    await new Promise((wait) => setTimeout(wait, 10));
  }
}
