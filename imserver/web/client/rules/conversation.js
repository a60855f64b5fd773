// One conversation on this device: the entries that are here, and how far they are whole.
//
//   1 …            floor ─────── run ─────── head     hole      waiting
//   (older, not      │ every number is here  │        9 10     11 12   15
//    loaded)         5                       8
//
// Entries are seen as soon as they come, those that wait too; the head only says up to where none is missing. Knows nothing
// of requests and of time: when a hole is fetched is decided elsewhere.
// @ts-check

import { learn, markDeleted, markRead, markRecalled, recalls } from "./entry.js";
import { compareIds } from "./ids.js";
import { Marks } from "./marks.js";
import { State } from "./values.js";

/**
 * @typedef {import("../types").Entry} Entry
 * @typedef {import("../types").Id} Id
 * @typedef {import("../types").Output} Output
 * @typedef {import("../types").Summary} Summary
 * @typedef {import("../types").View} View
 */

/** Entries that wait beside one head. More are told by number only, and fetched. */
const MOST_WAITING = 1000;

export class Conversation {
  /**
   * @param {Id} id
   * @param {number} keep how many entries of the run are kept
   */
  constructor(id, keep) {
    this.id = id;
    this.keep = keep;
    /** The other side. @type {string | undefined} */
    this.peer = undefined;
    this.state = new State();
    /** Whether the application knows of it as it is now. */
    this.announced = false;
    /** Everything from the floor to the head. @type {Entry[]} */
    this.run = [];
    /** Nothing until it is known where the run begins. @type {number | undefined} */
    this.head = undefined;
    /** Entries above the head, ascending. @type {Entry[]} */
    this.waiting = [];
    /** The highest number that is known to be taken. */
    this.told = 0;
    this.marks = new Marks();
  }

  /** The number at which the loaded entries begin. */
  floor() {
    return this.head === undefined ? undefined : this.head + 1 - this.run.length;
  }

  /** Whether an entry is missing between those that are known to be there. */
  hasHole() {
    return this.waiting.length > 0 || (this.head !== undefined && this.told > this.head);
  }

  /** The lowest number that waits. */
  firstWaiting() {
    return this.waiting.length === 0 ? undefined : this.waiting[0].conv_seq;
  }

  /**
   * The conversation is known to reach up to here.
   * @param {number} head
   */
  tell(head) {
    this.told = Math.max(this.told, head);
  }

  /** The conversation has no entry yet: the first will be number 1. */
  beginEmpty() {
    if (this.head === undefined) this.head = 0;
  }

  /** Where its beginning is not known, the store has nothing below what waits. */
  beginWhereItWaits() {
    const first = this.firstWaiting();
    if (this.head !== undefined || first === undefined) return;
    this.head = first - 1;
    this.swallow();
  }

  /**
   * Takes one entry, whatever is missing before it. One of a push that is here already tells nothing new; one from the
   * store may know more than what is here.
   * @param {Entry} entry
   * @param {boolean} isStored
   * @param {Output[]} out
   */
  take(entry, isStored, out) {
    this.put(entry, isStored, out);
    this.trim(out);
  }

  /**
   * Takes a page that was read from the store: ascending, nothing missing between its entries. Where it does not meet what
   * is here, it takes its place: what is older goes.
   * @param {Entry[]} page
   * @param {Output[]} out
   */
  join(page, out) {
    if (page.length === 0) return;
    const first = page[0].conv_seq;
    if (this.head === undefined || first > this.head + 1) this.beginAt(first, out);
    this.prepend(this.putAll(page, out), out);
    this.trim(out);
  }

  /**
   * As `join`, and everything older goes in any case: nobody told what became of it.
   * @param {Entry[]} page
   * @param {Output[]} out
   */
  startAnew(page, out) {
    this.join(page, out);
    const floor = this.floor();
    if (page.length === 0 || floor === undefined || floor >= page[0].conv_seq) return;
    this.run.splice(0, page[0].conv_seq - floor);
    this.forgotten(page[0].conv_seq, out);
  }

  /**
   * Takes older entries that the user asked for, and keeps as many more from now on.
   * @param {Entry[]} page
   * @param {Output[]} out
   */
  joinOlder(page, out) {
    if (this.head === undefined) this.join(page, out);
    else this.keep += this.prepend(this.putAll(page, out), out);
  }

  /**
   * Marks messages as read, those that are still to come too.
   * @param {Id[]} ids
   * @param {number} read_at
   * @param {Output[]} out
   */
  markRead(ids, read_at, out) {
    if (ids.length === 0) return;
    const wanted = new Set(ids);
    const lowest = ids.reduce((low, id) => (compareIds(id, low) < 0 ? id : low));
    /** @type {Entry[]} */
    const changed = [];
    // Ids rise within a conversation, so from the newest one back this is soon done.
    for (const entries of [this.waiting, this.run]) {
      let at = entries.length - 1;
      for (; at >= 0; at--) {
        const id = entries[at].message_id;
        if (id === undefined) continue;
        if (compareIds(id, lowest) < 0) break;
        if (!wanted.delete(id)) continue;
        const marked = markRead(entries[at], read_at);
        if (marked !== entries[at]) changed.push((entries[at] = marked));
      }
      if (at >= 0) break;
    }
    changed.reverse().forEach((entry) => out.push({ updated: { entry } }));
    wanted.forEach((id) => this.marks.read(id, read_at));
  }

  /**
   * Takes entries away that the user deleted for himself, those that are still to come too.
   * @param {number[]} numbers
   * @param {Output[]} out
   */
  markDeleted(numbers, out) {
    for (const number of numbers) {
      if (!this.change(number, markDeleted, out)) this.marks.deleted(number);
    }
  }

  /**
   * Takes an entry back, also one that is still to come.
   * @param {number} number
   * @param {Output[]} out
   */
  markRecalled(number, out) {
    if (!this.change(number, markRecalled, out)) this.marks.recalled(number);
  }

  /**
   * Keeps so many of the newest entries from now on, however many older ones were loaded.
   * @param {number} count
   * @param {Output[]} out
   */
  keepNewest(count, out) {
    this.keep = Math.max(count, 1);
    this.trim(out);
  }

  /** Nothing is under way that could bring an old copy of an entry: marks wait only for entries above the head. */
  forgetMarks() {
    if (this.head === undefined || this.marks.isEmpty()) return;
    let at = this.run.length - 1;
    while (at >= 0 && this.run[at].message_id === undefined) at -= 1;
    this.marks.forget(this.head, at < 0 ? undefined : this.run[at].message_id);
  }

  /**
   * The number of the message that has this id.
   * @param {Id} id
   */
  numberOf(id) {
    for (const entries of [this.waiting, this.run]) {
      for (let at = entries.length - 1; at >= 0; at--) {
        if (entries[at].message_id === id) return entries[at].conv_seq;
      }
    }
    return undefined;
  }

  /** @returns {Summary} */
  summary() {
    const { unread, pinned, muted, draft } = this.state;
    /** @type {Summary} */
    const summary = { conversation_id: this.id, unread: unread.value, pinned: pinned.value, muted: muted.value };
    if (this.peer !== undefined) summary.user_id = this.peer;
    if (draft.value !== "") summary.draft = draft.value;
    return summary;
  }

  /** @returns {View} */
  view() {
    const waiting = this.waiting.map((entry) => entry.conv_seq);
    return { floor: this.floor(), head: this.head, waiting, entries: this.run.concat(this.waiting) };
  }

  /**
   * The run begins at this number; what is below goes.
   * @param {number} first
   * @param {Output[]} out
   */
  beginAt(first, out) {
    const below = this.waiting.splice(0, placeOf(this.waiting, first));
    if (this.run.length > 0 || below.length > 0) {
      this.run = [];
      this.forgotten(first, out);
    }
    this.head = first - 1;
    this.swallow();
  }

  /**
   * Puts those of a page in their places that are not below the floor; gives back those that are.
   * @param {Entry[]} page
   * @param {Output[]} out
   */
  putAll(page, out) {
    const floor = this.floor() || 0;
    page.forEach((entry) => entry.conv_seq >= floor && this.put(entry, true, out));
    return page.filter((entry) => entry.conv_seq < floor);
  }

  /**
   * @param {Entry} entry
   * @param {boolean} isStored
   * @param {Output[]} out
   */
  put(entry, isStored, out) {
    const number = entry.conv_seq;
    if (this.change(number, (known) => (isStored ? learn(known, entry) : known), out)) return;
    if (number === 1) this.beginEmpty();
    // Forgotten, and seen before that.
    if (this.head !== undefined && number <= this.head) return;
    this.tell(number);
    const isNext = this.head !== undefined && number === this.head + 1;
    if (this.waiting.length >= MOST_WAITING && !isNext) return;
    const marked = this.marks.apply(entry);
    const place = placeOf(this.waiting, number);
    added(marked, place < this.waiting.length ? this.waiting[place].conv_seq : undefined, out);
    if (isNext) {
      this.run.push(marked);
      this.head = number;
      this.swallow();
    } else {
      this.waiting.splice(place, 0, marked);
    }
    const recalled = recalls(marked);
    if (recalled !== undefined) this.markRecalled(recalled, out);
  }

  /** Moves the head over what waits right beside it. */
  swallow() {
    if (this.head === undefined) return;
    let count = 0;
    while (count < this.waiting.length && this.waiting[count].conv_seq === this.head + 1) {
      this.run.push(this.waiting[count]);
      this.head += 1;
      count += 1;
    }
    if (count > 0) this.waiting.splice(0, count);
  }

  /**
   * Puts those before the run that meet it; how many.
   * @param {Entry[]} older
   * @param {Output[]} out
   */
  prepend(older, out) {
    const floor = this.floor();
    if (floor === undefined) return 0;
    let before = this.run.length > 0 ? floor : this.firstWaiting();
    /** @type {Entry[]} */
    const met = [];
    for (let at = older.length - 1; at >= 0 && older[at].conv_seq + 1 + met.length === floor; at--) {
      const marked = this.marks.apply(older[at]);
      added(marked, before, out);
      before = marked.conv_seq;
      met.push(marked);
    }
    if (met.length > 0) this.run = met.reverse().concat(this.run);
    return met.length;
  }

  /**
   * Not one by one, so that the application is not told of each.
   * @param {Output[]} out
   */
  trim(out) {
    if (this.run.length <= this.keep + Math.floor(this.keep / 4)) return;
    this.run.splice(0, this.run.length - this.keep);
    this.forgotten(/** @type {number} */ (this.floor()), out);
  }

  /**
   * @param {number} below
   * @param {Output[]} out
   */
  forgotten(below, out) {
    out.push({ forgotten: { conversation_id: this.id, below } });
  }

  /**
   * Puts what `how` makes of an entry in its place. False if the entry is not here.
   * @param {number} number
   * @param {(entry: Entry) => Entry} how
   * @param {Output[]} out
   */
  change(number, how, out) {
    const floor = this.floor();
    const isInRun = floor !== undefined && this.head !== undefined && number >= floor && number <= this.head;
    const entries = isInRun ? this.run : this.waiting;
    const at = isInRun ? number - /** @type {number} */ (floor) : placeOf(this.waiting, number);
    if (at >= entries.length || entries[at].conv_seq !== number) return false;
    const entry = how(entries[at]);
    if (entry !== entries[at]) {
      entries[at] = entry;
      out.push({ updated: { entry } });
    }
    return true;
  }
}

/**
 * Where an entry of this number stands, or would.
 * @param {Entry[]} entries ascending
 * @param {number} number
 */
function placeOf(entries, number) {
  let low = 0;
  for (let high = entries.length; low < high; ) {
    const middle = (low + high) >> 1;
    if (entries[middle].conv_seq < number) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * @param {Entry} entry
 * @param {number | undefined} before
 * @param {Output[]} out
 */
function added(entry, before, out) {
  out.push({ added: before === undefined ? { entry } : { entry, before } });
}
