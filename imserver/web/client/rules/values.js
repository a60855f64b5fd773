// What is true of a conversation for its user: unread, pinned, muted, draft. A push names only what changed, and pushes may
// overtake each other, so each value remembers the revision that it is from: a late push does not undo a newer value, and
// loses none that it alone has. Knows neither pushes nor answers, only what they say.
// @ts-check

import { isAnything, isCount, isFlag, optional, or, read } from "./form.js";

/** @typedef {import("../types").Values} Values */

const VALUES = {
  rev: or(isCount, 0),
  unread: optional(isCount),
  pinned: optional(isFlag),
  muted: optional(isFlag),
  draft: optional(isAnything),
};

/**
 * @param {any} json
 * @returns {Values | undefined}
 */
export function readValues(json) {
  return read(VALUES, json);
}

/**
 * A value as of a revision.
 * @template T
 */
class Value {
  /** @param {T} value */
  constructor(value) {
    this.value = value;
    this.rev = 0;
  }

  /**
   * True if the value is another one now. A revision's own summary may repeat what its push said.
   * @param {T} value
   * @param {number} rev
   * @param {boolean} mayRepeat
   */
  set(value, rev, mayRepeat) {
    if (rev < this.rev || (rev === this.rev && !mayRepeat)) return false;
    this.rev = rev;
    const changed = this.value !== value;
    this.value = value;
    return changed;
  }
}

/** The values of one conversation. */
export class State {
  constructor() {
    this.unread = new Value(0);
    this.pinned = new Value(false);
    this.muted = new Value(false);
    /** Empty: there is none. */
    this.draft = new Value("");
  }

  /**
   * Takes what a push or an answer says; true if something is different now.
   * @param {Values} values
   */
  change(values) {
    const { rev, unread, pinned, muted, draft } = values;
    let changed = unread !== undefined && this.unread.set(unread, rev, false);
    if (pinned !== undefined && this.pinned.set(pinned, rev, false)) changed = true;
    if (muted !== undefined && this.muted.set(muted, rev, false)) changed = true;
    if (draft !== undefined && this.draft.set(textOf(draft), rev, false)) changed = true;
    return changed;
  }

  /**
   * Takes all values of a revision, as a summary has them: what it leaves out is not there.
   * @param {Values} values
   */
  replace(values) {
    let changed = this.unread.set(values.unread || 0, values.rev, true);
    if (this.pinned.set(values.pinned === true, values.rev, true)) changed = true;
    if (this.muted.set(values.muted === true, values.rev, true)) changed = true;
    if (this.draft.set(textOf(values.draft), values.rev, true)) changed = true;
    return changed;
  }
}

/** @param {any} draft */
function textOf(draft) {
  return typeof draft === "string" ? draft : "";
}
