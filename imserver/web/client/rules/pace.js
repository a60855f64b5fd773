// How long to wait before something is tried again. Knows nothing of what is tried.
// @ts-check

/** @typedef {import("../types").Refusal} Refusal */

/** The first wait, doubled with each failure in a row. */
const FIRST_MS = 1000;
/** The longest. */
const LONGEST_MS = 30000;

/** Waits, scattered so that clients which failed together do not come back together. */
export class Pace {
  /** @param {(() => number) | null} [random] from 0 to below 1; null where waits are not scattered */
  constructor(random = Math.random) {
    this.random = random;
  }

  /** Waits as they are written down, for tests. */
  static exact() {
    return new Pace(null);
  }

  /**
   * After so many failures in a row, the last of them with this refusal, if there was one: what the server asked for and
   * up to a fifth more; else one second, doubled with each failure up to thirty, less up to a half.
   * @param {number} failures
   * @param {Refusal} [refusal]
   */
  after(failures, refusal) {
    const told = refusal && refusal.retry_after_ms;
    if (told !== undefined) return told + this.upTo(Math.floor(told / 5));
    return this.growing(failures, FIRST_MS, LONGEST_MS);
  }

  /**
   * The wait after so many failures in a row (the first is number 1).
   * @param {number} failures
   * @param {number} firstMs
   * @param {number} longestMs
   */
  growing(failures, firstMs, longestMs) {
    const doublings = Math.min(Math.max(failures - 1, 0), 20);
    const wait = Math.min(firstMs * Math.pow(2, doublings), longestMs);
    return wait - this.upTo(Math.floor(wait / 2));
  }

  /**
   * A whole number from 0 to `most`; 0 where waits are exact.
   * @param {number} most
   */
  upTo(most) {
    return this.random === null ? 0 : Math.floor(this.random() * (most + 1));
  }
}
