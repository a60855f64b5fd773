// Entries that are missing: a hole that does not fill by itself is fetched, and older ones when the user goes back to them.
// One request at a time for each conversation. While a sync is under way nothing is fetched, because it may bring them.
// Knows nothing of how entries are put together.
// @ts-check

import { readEntry } from "./entry.js";
import { isFlag, isList, needed, or, read } from "./form.js";
import { compareIds } from "./ids.js";
import { notePeer } from "./pushes.js";
import { lookAtReceipt } from "./receipts.js";
import { settle } from "./sends.js";

/**
 * @typedef {import("../rules.js").Rules} Rules
 * @typedef {import("../types").Entry} Entry
 * @typedef {import("../types").Id} Id
 * @typedef {import("../types").Outcome} Outcome
 * @typedef {import("../types").Output} Output
 * @typedef {import("../types").Refusal} Refusal
 */

/** Pushes that overtook each other are together again by then. */
const PATIENCE_MS = 100;

/** Entries in one answer, the most there are. */
const LIMIT = 200;

const PAGE = { messages: needed(isList), more: or(isFlag, false) };

/** A conversation that misses something, or is asked about. */
export class Hole {
  constructor() {
    /**
     * The head before the hole, and since when it is there.
     * @type {{head: number | undefined, since: number} | undefined}
     */
    this.seen = undefined;
    /** Not before this time, because it failed. */
    this.notBefore = 0;
    this.failures = 0;
    /** Whether an answer is under way that could bring an old copy of an entry. */
    this.underWay = false;
    /** The head when what is under way was asked for. @type {number | undefined} */
    this.asked = undefined;
    /** What the application wants of older entries. @type {{ticket: number, limit: number}[]} */
    this.older = [];
  }
}

/**
 * @param {Rules} rules
 * @param {Id} id
 */
function holeOf(rules, id) {
  let hole = rules.holes.get(id);
  if (hole === undefined) rules.holes.set(id, (hole = new Hole()));
  return hole;
}

/**
 * The application goes back to older entries.
 * @param {Rules} rules
 * @param {number} now
 * @param {number} ticket
 * @param {Id} id
 * @param {number} limit
 * @param {Output[]} out
 */
export function loadOlder(rules, now, ticket, id, limit, out) {
  if (!rules.isConnected) {
    out.push({ done: { ticket, lost: true } });
    return;
  }
  holeOf(rules, id).older.push({ ticket, limit: Math.min(Math.max(limit, 1), LIMIT) });
  fetchHole(rules, now, id, out);
}

/**
 * A conversation has changed: whether there is a hole in it now, and since when.
 * @param {Rules} rules
 * @param {number} now
 * @param {Id} id
 */
export function lookForHole(rules, now, id) {
  const conversation = rules.known.get(id);
  if (conversation === undefined) return;
  if (!conversation.hasHole()) {
    const hole = rules.holes.get(id);
    if (hole !== undefined) hole.seen = undefined;
    dropIdleHole(rules, id);
    return;
  }
  const hole = holeOf(rules, id);
  if (hole.seen !== undefined && hole.seen.head === conversation.head) return;
  hole.seen = { head: conversation.head, since: now };
  rules.timers.set(now + PATIENCE_MS, "hole", id);
}

/**
 * Fetches what is missing, if it is time: older entries first, since somebody waits for them.
 * @param {Rules} rules
 * @param {number} now
 * @param {Id} id
 * @param {Output[]} out
 */
export function fetchHole(rules, now, id, out) {
  const hole = rules.holes.get(id);
  if (hole === undefined || hole.underWay || !rules.isConnected) return;
  const conversation = rules.known.get(id);
  for (let older = hole.older.shift(); older !== undefined; older = hole.older.shift()) {
    const floor = conversation && conversation.floor();
    if (floor !== undefined && floor <= 1) {
      out.push({ done: { ticket: older.ticket, ok: { more: false } } });
      continue;
    }
    hole.underWay = true;
    const where = floor !== undefined && { before: floor };
    const ask = Object.assign({ conversation_id: id }, where, { limit: older.limit });
    rules.requests.begin({ kind: "older", conversation: id, ticket: older.ticket }, "history", ask, out);
    return;
  }
  if (hole.seen === undefined) {
    dropIdleHole(rules, id);
    return;
  }
  const isTime = now >= hole.seen.since + PATIENCE_MS && now >= hole.notBefore;
  if (!rules.sync.isDone() || !isTime || conversation === undefined) return;
  hole.underWay = true;
  hole.asked = conversation.head;
  const first = conversation.firstWaiting();
  // Of a conversation whose beginning is not known, the newest entries below are enough.
  const below = first !== undefined && { before: first };
  const where = conversation.head !== undefined ? { after: conversation.head } : below;
  const ask = Object.assign({ conversation_id: id }, where, { limit: LIMIT });
  rules.requests.begin({ kind: "hole", conversation: id }, "history", ask, out);
}

/**
 * @param {Rules} rules
 * @param {number} now
 * @param {Id} id
 * @param {Outcome} outcome
 * @param {Output[]} out
 */
export function holeAnswered(rules, now, id, outcome, out) {
  const hole = rules.holes.get(id);
  if (hole !== undefined) hole.underWay = false;
  if (!rules.isConnected) {
    olderLost(rules, id, out);
    return;
  }
  const page = read(PAGE, outcome.ok);
  if (page !== undefined) takeHistory(rules, now, id, page.messages, false, out);
  lookAtProgress(rules, now, id, outcome.refused);
  fetchHole(rules, now, id, out);
}

/**
 * What is still missing after an answer is asked for at once, or later if the answer brought nothing.
 * @param {Rules} rules
 * @param {number} now
 * @param {Id} id
 * @param {Refusal | undefined} refusal
 */
function lookAtProgress(rules, now, id, refusal) {
  const conversation = rules.known.get(id);
  const head = conversation && conversation.head;
  const hole = rules.holes.get(id);
  if (hole === undefined) return;
  if (hole.seen === undefined || head !== hole.asked) {
    hole.failures = 0;
    hole.notBefore = 0;
    if (hole.seen !== undefined) hole.seen.since = now - PATIENCE_MS;
    return;
  }
  hole.failures += 1;
  hole.notBefore = now + rules.pace.after(hole.failures, refusal);
  rules.timers.set(hole.notBefore, "hole", id);
}

/**
 * @param {Rules} rules
 * @param {number} now
 * @param {number} ticket
 * @param {Id} id
 * @param {Outcome} outcome
 * @param {Output[]} out
 */
export function olderAnswered(rules, now, ticket, id, outcome, out) {
  const hole = rules.holes.get(id);
  if (hole !== undefined) hole.underWay = false;
  /** @type {Outcome} */
  let said = outcome;
  if (outcome.ok !== undefined) {
    const page = read(PAGE, outcome.ok);
    if (page !== undefined) takeHistory(rules, now, id, page.messages, true, out);
    said = page !== undefined ? { ok: { more: page.more } } : { lost: true };
  }
  out.push({ done: Object.assign({ ticket }, said) });
  if (!rules.isConnected) olderLost(rules, id, out);
  fetchHole(rules, now, id, out);
}

/**
 * The sync is over: what it has not brought is fetched.
 * @param {Rules} rules
 * @param {number} now
 * @param {Output[]} out
 */
export function releaseHoles(rules, now, out) {
  const ids = Array.from(rules.holes.keys()).sort(compareIds);
  ids.forEach((id) => fetchHole(rules, now, id, out));
}

/**
 * @param {Rules} rules
 * @param {number} now
 * @param {Id} id
 * @param {any[]} messages
 * @param {boolean} isOlder
 * @param {Output[]} out
 */
function takeHistory(rules, now, id, messages, isOlder, out) {
  /** @type {Entry[]} */
  const entries = [];
  for (const json of messages) {
    const entry = readEntry(json);
    if (entry !== undefined && entry.conversation_id === id) entries.push(entry);
  }
  entries.forEach((entry) => settle(rules, entry, out));
  entries.forEach((entry) => notePeer(rules, entry));
  rules.announce(id, false, out);
  const conversation = rules.conversation(id);
  if (isOlder) conversation.joinOlder(entries, out);
  else if (entries.length === 0) conversation.beginWhereItWaits();
  else conversation.join(entries, out);
  rules.forgetMarks(id);
  lookForHole(rules, now, id);
  lookAtReceipt(rules, now, id);
}

/**
 * Who waits for older entries of this conversation waits in vain.
 * @param {Rules} rules
 * @param {Id} id
 * @param {Output[]} out
 */
function olderLost(rules, id, out) {
  const hole = rules.holes.get(id);
  if (hole === undefined) return;
  hole.older.splice(0).forEach((older) => out.push({ done: { ticket: older.ticket, lost: true } }));
}

/**
 * @param {Rules} rules
 * @param {Id} id
 */
function dropIdleHole(rules, id) {
  const hole = rules.holes.get(id);
  if (hole !== undefined && hole.seen === undefined && !hole.underWay && hole.older.length === 0) rules.holes.delete(id);
}
