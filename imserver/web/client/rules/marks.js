// What is known of entries that are not here: marks that overtook what they mark. A mark waits until its entry comes, or
// until nothing is under way that could still bring an older copy of it. When that is, is decided elsewhere.
// @ts-check

import { markDeleted, markRead, markRecalled } from "./entry.js";
import { fits, isCount, listOf, needed } from "./form.js";
import { compareIds, isId } from "./ids.js";

/**
 * @typedef {import("../types").Entry} Entry
 * @typedef {import("../types").Id} Id
 */

/** Marks of one kind in one conversation. What is forgotten beyond is told again by a sync. */
const MOST = 1000;

/** Messages that were read at one moment, as pushes and syncs tell of them. */
export const isReadMark = fits({ message_ids: needed(listOf(isId)), read_at: needed(isCount) });

/** Marks of one conversation that wait. Empty nearly always. */
export class Marks {
  constructor() {
    /** @type {Map<Id, number>} */
    this.reads = new Map();
    /** @type {Set<number>} */
    this.recalls = new Set();
    /** @type {Set<number>} */
    this.deletions = new Set();
  }

  isEmpty() {
    return this.reads.size + this.recalls.size + this.deletions.size === 0;
  }

  /**
   * @param {Id} id
   * @param {number} read_at
   */
  read(id, read_at) {
    const known = this.reads.get(id);
    this.reads.set(id, known === undefined ? read_at : Math.min(known, read_at));
    dropLowest(this.reads, compareIds);
  }

  /** @param {number} number */
  recalled(number) {
    this.recalls.add(number);
    dropLowest(this.recalls, (a, b) => a - b);
  }

  /** @param {number} number */
  deleted(number) {
    this.deletions.add(number);
    dropLowest(this.deletions, (a, b) => a - b);
  }

  /**
   * An entry that has come, with the marks that waited for it.
   * @param {Entry} entry
   * @returns {Entry}
   */
  apply(entry) {
    if (this.isEmpty()) return entry;
    let marked = entry;
    const read_at = entry.message_id === undefined ? undefined : this.reads.get(entry.message_id);
    if (entry.message_id !== undefined && read_at !== undefined) {
      this.reads.delete(entry.message_id);
      marked = markRead(marked, read_at);
    }
    if (this.recalls.delete(entry.conv_seq)) marked = markRecalled(marked);
    if (this.deletions.delete(entry.conv_seq)) marked = markDeleted(marked);
    return marked;
  }

  /**
   * Forgets those of entries up to here: whoever fetches one from now on gets it with its marks.
   * @param {number} head
   * @param {Id | undefined} idOfHead
   */
  forget(head, idOfHead) {
    if (idOfHead !== undefined) {
      this.reads.forEach((_, id) => compareIds(id, idOfHead) <= 0 && this.reads.delete(id));
    }
    for (const numbers of [this.recalls, this.deletions]) {
      numbers.forEach((number) => number <= head && numbers.delete(number));
    }
  }
}

/**
 * @template T
 * @param {Map<T, any> | Set<T>} kept
 * @param {(a: T, b: T) => number} compare
 */
function dropLowest(kept, compare) {
  if (kept.size <= MOST) return;
  const keys = Array.from(kept.keys());
  kept.delete(keys.reduce((lowest, key) => (compare(key, lowest) < 0 ? key : lowest)));
}
