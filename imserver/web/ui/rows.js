// What a conversation shows from top to bottom: entries, with the time above each block, a line where what is new begins, and
// behind all what is on its way. Pure: entries in, rows out; a row of the same entry is the same object as before.

import { isShown } from "./chat.js";

/** Messages further apart than this have the time between them. */
const BLOCK_MS = 5 * 60 * 1000;

/**
 * @typedef {object} Row
 * @property {string} key
 * @property {"time" | "new" | "entry" | "sending" | "upload"} kind
 * @property {boolean} [isPassing] whether it goes when an entry comes before it
 */

export class Rows {
  constructor() {
    this.known = new WeakMap();
    this.from = null;
    this.revision = -1;
    this.begin();
  }

  /** Nothing is built yet: `starts` says of each entry where its rows begin, and last where those of all end. */
  begin() {
    this.rows = [];
    this.entries = [];
    this.starts = [0];
  }

  /** @returns {Row[]} the same array as long as nothing is different */
  of(chat, me) {
    if (this.from === chat && this.revision === chat.revision) return this.rows;
    if (this.from !== chat || this.newFrom !== chat.newFrom || this.me !== me) this.begin();
    this.from = chat;
    this.newFrom = chat.newFrom;
    this.me = me;
    this.revision = chat.revision;
    this.build(chat.entries);
    chat.lives.forEach((entry, at) => {
      const mine = entry.from_user_id === me;
      this.rows.push(this.known.get(entry) || { key: "l" + (entry.id || at + "." + entry.send_time), kind: "entry", entry, mine, follows: false });
    });
    chat.sendings.forEach((sending) => this.rows.push({ key: sending.message.temp_message_id, kind: "sending", sending }));
    chat.uploads.forEach((upload) => {
      this.rows.push({ key: upload.key, kind: "upload", upload, progress: upload.progress, state: upload.state });
    });
    return this.rows;
  }

  /** Entries that stand above and below all that is different keep their rows. */
  build(entries) {
    const old = { rows: this.rows, entries: this.entries, starts: this.starts };
    const shift = entries.length - old.entries.length;
    const least = Math.min(entries.length, old.entries.length);
    let top = 0;
    while (top < least && entries[top] === old.entries[top]) top += 1;
    let bottom = entries.length;
    while (bottom > top && bottom - shift > top && entries[bottom - 1] === old.entries[bottom - 1 - shift]) bottom -= 1;
    this.rows = old.rows.slice(0, old.starts[top]);
    this.starts = old.starts.slice(0, top);
    this.entries = entries.slice();
    let above = top - 1;
    while (above >= 0 && !isShown(entries[above])) above -= 1;
    for (let at = top; at < entries.length; at += 1) {
      // Rows look at the one before, and no further.
      if (above >= bottom) return this.keep(old, at, at - shift);
      this.starts.push(this.rows.length);
      if (!isShown(entries[at])) continue;
      this.push(entries[at], above < 0 ? null : entries[above]);
      above = at;
    }
    this.starts.push(this.rows.length);
  }

  /** From here on everything is as it was there. */
  keep(old, at, was) {
    const further = this.rows.length - old.starts[was];
    const end = old.starts[old.entries.length];
    for (let row = old.starts[was]; row < end; row += 1) this.rows.push(old.rows[row]);
    for (let one = was; one <= old.entries.length; one += 1) this.starts.push(old.starts[one] + further);
  }

  push(entry, before) {
    const beginsNew = this.newFrom > 0 && entry.conv_seq >= this.newFrom && (before === null || before.conv_seq < this.newFrom);
    // Where everything is new, a line would say nothing.
    if (beginsNew && before !== null) this.rows.push({ key: "new", kind: "new", isPassing: true });
    const opens = before === null || entry.send_time - before.send_time > BLOCK_MS;
    if (opens) this.rows.push(this.timeOf(entry));
    const follows = !opens && !beginsNew && !before.recalled && before.from_user_id === entry.from_user_id;
    this.rows.push(this.rowOf(entry, entry.from_user_id === this.me, follows));
  }

  rowOf(entry, mine, follows) {
    const known = this.known.get(entry);
    if (known && known.follows === follows) return known;
    const key = mine && entry.temp_message_id ? entry.temp_message_id : "e" + entry.conv_seq;
    const row = { key, kind: "entry", entry, mine, follows };
    this.known.set(entry, row);
    return row;
  }

  timeOf(entry) {
    return { key: "t" + entry.conv_seq, kind: "time", time: entry.send_time, isPassing: true };
  }
}
