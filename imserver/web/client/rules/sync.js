// The sync: what was missed while away, asked for after each `init` and whenever something may have been missed.
//
//   no token:  list ─► list(cursor) ─► … ─► done(token, v)
//   token:     names(token, v) ─► done(token, v)                       nothing was missed
//                              └► entries(token, heads) ─► … ─► done   heads of all that were named so far
//              any answer with `reset` goes on as a list
//
// A `cursor` that comes with a page goes back with the next request: by it a server remembers when it began, so that what
// changes while pages are read is not taken for known.
//
// The old token stands until the last page. If the connection is lost in the middle, the whole begins again: what came already
// is in the heads. Knows nothing of what a token or a cursor says.
// @ts-check

import { readEntry } from "./entry.js";
import { isAnything, isCount, isFlag, isList, listOf, needed, optional, or, read } from "./form.js";
import { lookForHole, releaseHoles } from "./holes.js";
import { compareIds, isId, isUserKey } from "./ids.js";
import { isReadMark } from "./marks.js";
import { notePeer } from "./pushes.js";
import { lookAtReceipt } from "./receipts.js";
import { isFinal } from "./refusal.js";
import { settle } from "./sends.js";
import { readValues } from "./values.js";

/**
 * @typedef {import("../rules.js").Rules} Rules
 * @typedef {import("../types").Entry} Entry
 * @typedef {import("../types").Id} Id
 * @typedef {import("../types").Outcome} Outcome
 * @typedef {import("../types").Output} Output
 * @typedef {import("../types").ReadMark} ReadMark
 * @typedef {import("../types").Refusal} Refusal
 */

/** A hole in the versions that stays so long is not a push that is merely late. */
const VERSION_PATIENCE_MS = 5000;

const PAGE = {
  conversations: or(isList, []),
  messages: or(isList, []),
  more: or(isFlag, false),
  reset: or(isFlag, false),
  cursor: optional(isAnything),
  token: optional(isAnything),
  v: optional(isCount),
  lists_rev: optional(isCount),
};

/** A conversation as the server sums it up, beside its values. */
const NAMED = {
  conversation_id: needed(isId),
  user_id: optional(isUserKey),
  head: or(isCount, 0),
  read: or(listOf(isReadMark), []),
  deleted: or(listOf(isCount), []),
};

/** Where the sync stands. */
export class Sync {
  constructor() {
    /** @type {any} */
    this.token = undefined;
    /**
     * Without a connection it is off; where it failed it waits, and is tried again.
     * @type {"off" | "under_way" | "waits" | "done"}
     */
    this.standing = "off";
    /** @type {"list" | "names" | "entries"} */
    this.step = "names";
    /** What came with the last page, to go back with the next request. @type {any} */
    this.cursor = undefined;
    /** The server gives the newest of everything, because it does not know what was missed. */
    this.resets = false;
    /** Conversations that have changed, as far as the server has named them. @type {Set<Id>} */
    this.named = new Set();
    /** Another one is due after this one. */
    this.again = false;
    /** In a row. */
    this.failures = 0;
  }

  isDone() {
    return this.standing === "done";
  }

  stop() {
    this.standing = "off";
  }

  startOver() {
    this.named.clear();
    this.resets = false;
    this.step = this.token !== undefined ? "names" : "list";
    this.cursor = undefined;
  }
}

/**
 * @param {Rules} rules
 * @param {Output[]} out
 */
export function beginSync(rules, out) {
  rules.sync.startOver();
  rules.sync.again = false;
  rules.sync.failures = 0;
  rules.versions.begin();
  askSync(rules, out);
}

/**
 * The server may have missed something.
 * @param {Rules} rules
 * @param {Output[]} out
 */
export function syncAgain(rules, out) {
  if (rules.sync.isDone()) beginSync(rules, out);
  else rules.sync.again = true;
}

/**
 * @param {Rules} rules
 * @param {Output[]} out
 */
export function retrySync(rules, out) {
  if (rules.sync.standing === "waits") askSync(rules, out);
}

/**
 * @param {Rules} rules
 * @param {number} now
 */
export function watchVersion(rules, now) {
  rules.timers.set(now + VERSION_PATIENCE_MS, "version");
}

/**
 * @param {Rules} rules
 * @param {number} now
 * @param {Output[]} out
 */
export function lookAtVersion(rules, now, out) {
  const since = rules.versions.holeSince;
  if (since !== undefined && since + VERSION_PATIENCE_MS <= now && rules.sync.isDone()) beginSync(rules, out);
}

/**
 * @param {Rules} rules
 * @param {number} now
 * @param {Outcome} outcome
 * @param {Output[]} out
 */
export function syncAnswered(rules, now, outcome, out) {
  if (rules.sync.standing !== "under_way") return;
  const page = read(PAGE, outcome.ok);
  if (page !== undefined) {
    takePage(rules, now, page, out);
    return;
  }
  // A step that cannot be taken: another way has to be found.
  if (outcome.refused !== undefined && isFinal(outcome.refused)) rules.sync.startOver();
  syncFailed(rules, now, outcome.refused);
}

/**
 * @param {Rules} rules
 * @param {Output[]} out
 */
function askSync(rules, out) {
  const { token, step, cursor, named } = rules.sync;
  /** @type {Record<string, any>} */
  const ask = {};
  if (step !== "list") ask.token = token;
  if (step === "names" && rules.versions.last !== undefined) ask.v = rules.versions.last;
  if (step === "entries") {
    ask.heads = {};
    for (const id of Array.from(named).sort(compareIds)) {
      const conversation = rules.known.get(id);
      ask.heads[id] = (conversation && conversation.head) || 0;
    }
  }
  if (cursor !== undefined) ask.cursor = cursor;
  // There is no token where a server broke off a list that it had begun anew.
  if (ask.token === undefined) delete ask.token;
  rules.requests.begin({ kind: "sync" }, "sync", ask, out);
  rules.sync.standing = "under_way";
}

/**
 * @param {Rules} rules
 * @param {number} now
 * @param {Refusal} [refusal]
 */
function syncFailed(rules, now, refusal) {
  rules.sync.failures += 1;
  rules.sync.standing = "waits";
  rules.timers.set(now + rules.pace.after(rules.sync.failures, refusal), "sync");
}

/**
 * @param {Rules} rules
 * @param {number} now
 * @param {any} page
 * @param {Output[]} out
 */
function takePage(rules, now, page, out) {
  const sync = rules.sync;
  if (page.reset) {
    sync.token = undefined;
    sync.startOver();
    sync.resets = true;
  }
  const named = sync.named.size;
  for (const summary of page.conversations) takeSummary(rules, summary, out);
  const isProgress = takeMessages(rules, now, page.messages, out) || sync.named.size > named;
  if (!page.more) {
    endSync(rules, now, page, out);
    return;
  }
  if (sync.step === "list" && page.cursor === undefined) {
    sync.startOver();
  } else {
    if (sync.step !== "list") sync.step = "entries";
    sync.cursor = page.cursor;
  }
  // A server that always has more and never gives any is not asked faster and faster.
  if (isProgress) {
    sync.failures = 0;
    askSync(rules, out);
  } else {
    syncFailed(rules, now);
  }
}

/**
 * @param {Rules} rules
 * @param {any} json
 * @param {Output[]} out
 */
function takeSummary(rules, json, out) {
  const named = read(NAMED, json);
  const values = readValues(json);
  if (named === undefined || values === undefined) return;
  const id = named.conversation_id;
  rules.sync.named.add(id);
  const conversation = rules.conversation(id);
  conversation.tell(named.head);
  if (named.head === 0) conversation.beginEmpty();
  let changed = conversation.state.replace(values);
  if (named.user_id !== undefined && conversation.peer !== named.user_id) {
    conversation.peer = named.user_id;
    changed = true;
  }
  rules.announce(id, changed, out);
  named.read.forEach((/** @type {ReadMark} */ mark) => conversation.markRead(mark.message_ids, mark.read_at, out));
  conversation.markDeleted(named.deleted, out);
}

/**
 * Entries of several conversations, ascending within each. True if a head moved.
 * @param {Rules} rules
 * @param {number} now
 * @param {any[]} messages
 * @param {Output[]} out
 */
function takeMessages(rules, now, messages, out) {
  /** @type {Map<Id, Entry[]>} */
  const pages = new Map();
  for (const json of messages) {
    const entry = readEntry(json);
    if (entry === undefined) continue;
    const page = pages.get(entry.conversation_id);
    if (page === undefined) pages.set(entry.conversation_id, [entry]);
    else page.push(entry);
  }
  let hasMoved = false;
  for (const id of Array.from(pages.keys()).sort(compareIds)) {
    const page = /** @type {Entry[]} */ (pages.get(id));
    page.forEach((entry) => settle(rules, entry, out));
    page.forEach((entry) => notePeer(rules, entry));
    rules.announce(id, false, out);
    const conversation = rules.conversation(id);
    const head = conversation.head;
    // A list has no marks for older entries than it brings.
    if (rules.sync.step === "list") conversation.startAnew(page, out);
    else conversation.join(page, out);
    if (conversation.head !== head) hasMoved = true;
    lookForHole(rules, now, id);
    lookAtReceipt(rules, now, id);
  }
  return hasMoved;
}

/**
 * @param {Rules} rules
 * @param {number} now
 * @param {any} page
 * @param {Output[]} out
 */
function endSync(rules, now, page, out) {
  const sync = rules.sync;
  if (page.token === undefined || page.v === undefined) {
    sync.startOver();
    syncFailed(rules, now);
    return;
  }
  sync.token = page.token;
  sync.standing = "done";
  if (rules.versions.end(page.v, now)) watchVersion(rules, now);
  if (page.lists_rev !== undefined && page.lists_rev !== rules.listsRev) {
    rules.listsRev = page.lists_rev;
    out.push({ lists: { lists_rev: page.lists_rev } });
  }
  if (sync.again) {
    beginSync(rules, out);
    return;
  }
  rules.known.forEach((conversation) => conversation.forgetMarks());
  out.push({ synced: { reset: sync.resets } });
  releaseHoles(rules, now, out);
}
