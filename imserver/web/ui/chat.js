// One conversation as a page has it: the other side, what is true of it, its entries in order, and what is on its way. Knows
// no page and no connection.

import { compareIds } from "../client/index.js";

/** Beyond, the oldest of what is not kept goes. */
const MOST_LIVES = 50;
/** After this, older entries that could not be had are asked for again. */
const OLDER_AGAIN_MS = 2000;

export class Chat {
  constructor(peer) {
    this.peer = peer;
    /** Nothing before the first message. */
    this.id = undefined;
    this.unread = 0;
    this.pinned = false;
    this.muted = false;
    this.entries = [];
    /** Own messages that have no place yet, in the order of writing. */
    this.sendings = [];
    /** What was shown without being kept, as it came; of the same id once. */
    this.lives = [];
    /** Pictures that are being uploaded. */
    this.uploads = [];
    this.isLoading = false;
    this.loading = null;
    /** Older entries could not be had; they are asked for again in a while. */
    this.isOlderLater = false;
    this.isWhole = false;
    /** Counts what became different, so that who draws knows. */
    this.revision = 0;
    /** When it was turned to for want of a message. */
    this.touched = 0;
    /** The product that is talked about, above the field. */
    this.product = null;
    this.typingUntil = 0;
    this.typingTimer = null;
    /** Where what is new begins, as it was when the conversation was opened. */
    this.newFrom = 0;
  }

  /** Whether there may be older entries than those that are here. */
  get hasOlder() {
    return this.id !== undefined && !this.isWhole && (this.entries.length === 0 || this.entries[0].conv_seq > 1);
  }

  /** Loads older entries; resolves with whether there are more, or nothing if that is not known. */
  load(ask, changed) {
    const turn = (isLoading) => {
      this.isLoading = isLoading;
      this.revision += 1;
      changed();
    };
    const over = (more) => {
      this.loading = null;
      this.isWhole = more === false;
      turn(false);
      return more;
    };
    turn(true);
    this.loading = ask().then(over, (error) => {
      this.isOlderLater = true;
      // A list that stands at its beginning asks whenever it is drawn.
      setTimeout(() => {
        this.isOlderLater = false;
        changed();
      }, error.retry_after_ms || OLDER_AGAIN_MS);
      return over(undefined);
    });
    return this.loading;
  }

  /** Takes what is only shown; false if it is here already. */
  show(live) {
    if (live.id !== undefined && this.lives.some((one) => one.id === live.id)) return false;
    this.lives = this.lives.slice(1 - MOST_LIVES).concat(live);
    this.revision += 1;
    return true;
  }

  /** What a list shows of it: the last thing that can be seen. */
  get last() {
    const live = this.lives[this.lives.length - 1];
    const kept = this.lastKept;
    return live && (!kept || live.send_time >= kept.send_time) ? live : kept;
  }

  get lastKept() {
    for (let at = this.entries.length - 1; at >= 0; at -= 1) {
      if (isShown(this.entries[at])) return this.entries[at];
    }
    return null;
  }

  get lastTime() {
    const sending = this.sendings[this.sendings.length - 1];
    if (sending) return sending.message.made_at;
    const last = this.last;
    return last ? last.send_time : this.touched;
  }

  get lastSeq() {
    return this.entries.length === 0 ? 0 : this.entries[this.entries.length - 1].conv_seq;
  }

  /** The number of the first entry that this person has not read, as well as it is known; 0 if there is none. */
  firstUnread(me) {
    const unread = this.entries.filter((entry) => !entry.deleted && entry.from_user_id !== me && !entry.read_at && !entry.recalled);
    if (unread.length === 0) return 0;
    // Where all that is here is unread, the rest of it is older.
    const older = unread[0] === this.entries[0] ? this.unread - unread.length : 0;
    return Math.max(1, unread[0].conv_seq - Math.max(0, older));
  }

  add(entry, before) {
    const at = before === undefined ? this.entries.length : this.indexOf(before);
    if (at === this.entries.length) this.entries.push(entry);
    else if (at === 0) this.entries.unshift(entry);
    else this.entries.splice(at, 0, entry);
    this.revision += 1;
  }

  update(entry) {
    const at = this.indexOf(entry.conv_seq);
    if (this.entries[at] && this.entries[at].conv_seq === entry.conv_seq) this.entries[at] = entry;
    this.revision += 1;
  }

  forget(below) {
    this.entries.splice(0, this.indexOf(below));
    this.isWhole = false;
    this.revision += 1;
  }

  /** Where the entry of this number stands, or would stand. */
  indexOf(conv_seq) {
    let low = 0;
    let high = this.entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.entries[middle].conv_seq < conv_seq) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  withId(message_id) {
    let at = this.entries.length - 1;
    while (at >= 0 && !(this.entries[at].message_id && compareIds(this.entries[at].message_id, message_id) <= 0)) at -= 1;
    const entry = this.entries[at];
    return entry && entry.message_id === message_id ? entry : null;
  }

  /** Takes how an own message fares; with the message itself, while it waits. */
  send(sending, message) {
    const name = sending.temp_message_id;
    const rest = this.sendings.filter((one) => one.message.temp_message_id !== name);
    if (message) {
      const fresh = { message, state: sending.state, refusal: sending.refusal };
      const at = this.sendings.findIndex((one) => one.message.temp_message_id === name);
      // One that is tried again goes to the end, where it will stand.
      if (at < 0 || sending.state === "pending") rest.push(fresh);
      else rest.splice(at, 0, fresh);
    }
    this.sendings = rest;
    this.revision += 1;
  }
}

/** Whether an entry is something to see: what was deleted and the act of recalling are not. */
export function isShown(entry) {
  return !entry.deleted && entry.type !== "recall";
}

/** Pinned ones first, then by the last that happened. */
export function inOrder(chats) {
  return chats.sort((one, other) => {
    if (one.pinned !== other.pinned) return one.pinned ? -1 : 1;
    return other.lastTime - one.lastTime || (one.peer < other.peer ? -1 : 1);
  });
}
