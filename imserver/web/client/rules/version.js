// Versions: the numbers that count everything sent to this user, by which a client sees that something is missing without
// knowing what. What to do about it is decided elsewhere.
// @ts-check

/** Versions that wait beside a hole. Beyond, the hole is all there is to know. */
const MOST_BESIDE = 10000;

export class Version {
  constructor() {
    /**
     * The last one up to which all have come; nothing before the first sync.
     * @type {number | undefined}
     */
    this.last = undefined;
    /** @type {Set<number>} */
    this.beside = new Set();
    /**
     * Since when the one after the last is missing, while later ones are here.
     * @type {number | undefined}
     */
    this.holeSince = undefined;
  }

  /**
   * Takes the version of a push or of an acknowledgement. True if it opens a hole.
   * @param {number} v
   * @param {number} now
   */
  take(v, now) {
    if (this.last !== undefined && v <= this.last) return false;
    this.beside.add(v);
    if (this.beside.size > MOST_BESIDE) {
      let highest = v;
      this.beside.forEach((other) => (highest = Math.max(highest, other)));
      this.beside.delete(highest);
    }
    return this.look(now);
  }

  /** A sync has been asked for: it will tell of everything that came until now, also if the server counts anew since. */
  begin() {
    this.beside.clear();
    this.holeSince = undefined;
  }

  /**
   * The sync told of everything up to this version. True if it leaves a hole behind it.
   * @param {number} v
   * @param {number} now
   */
  end(v, now) {
    this.last = v;
    this.beside.forEach((other) => other <= v && this.beside.delete(other));
    return this.look(now);
  }

  /**
   * Moves the last one over those right beside it. True if there is a hole behind it that was not there before.
   * @param {number} now
   */
  look(now) {
    if (this.last === undefined) return false;
    while (this.beside.delete(this.last + 1)) {
      this.last += 1;
      this.holeSince = undefined;
    }
    if (this.beside.size === 0) {
      this.holeSince = undefined;
      return false;
    }
    if (this.holeSince !== undefined) return false;
    this.holeSince = now;
    return true;
  }
}
