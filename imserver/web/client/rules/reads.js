// Reporting what the user has seen: gathered for a moment, at most 200 at a time, again until the server has them. Knows
// nothing of screens.
// @ts-check

import { isCount, listOf, needed, optional, or, read } from "./form.js";
import { compareIds, isId } from "./ids.js";
import { isReadMark } from "./marks.js";
import { isFinal } from "./refusal.js";
import { readValues } from "./values.js";

/**
 * @typedef {import("../rules.js").Rules} Rules
 * @typedef {import("../types").Id} Id
 * @typedef {import("../types").Outcome} Outcome
 * @typedef {import("../types").Output} Output
 */

/** How long what comes into view is gathered for one report. */
const GATHER_MS = 200;

/** Messages in one report. */
const MOST_AT_ONCE = 200;

/** Messages of one conversation that wait to be reported; more are not taken. */
const MOST_WAITING = 10000;

const SAVED = { saved: needed(listOf(isId)), read_at: needed(isCount), read: or(listOf(isReadMark), []), v: optional(isCount) };

/** What is to be reported of one conversation. */
export class Report {
  constructor() {
    /** @type {Set<Id>} */
    this.ids = new Set();
    /** @type {number | undefined} */
    this.due = undefined;
    this.underWay = false;
    this.failures = 0;
  }
}

/**
 * The user has these messages of others on the screen.
 * @param {Rules} rules
 * @param {number} now
 * @param {Id} id
 * @param {Id[]} ids
 */
export function noteRead(rules, now, id, ids) {
  let report = rules.reads.get(id);
  if (report === undefined) rules.reads.set(id, (report = new Report()));
  const room = Math.max(MOST_WAITING - report.ids.size, 0);
  for (const seen of ids.filter(isId).slice(0, room)) report.ids.add(seen);
  if (report.due !== undefined) return;
  report.due = now + GATHER_MS;
  rules.timers.set(report.due, "read", id);
}

/**
 * @param {Rules} rules
 * @param {number} now
 * @param {Id} id
 * @param {Output[]} out
 */
export function sendRead(rules, now, id, out) {
  const report = rules.reads.get(id);
  if (report === undefined || !rules.isConnected || report.underWay) return;
  if (report.due === undefined || report.due > now) return;
  const ids = Array.from(report.ids).sort(compareIds).slice(0, MOST_AT_ONCE);
  if (ids.length === 0) {
    rules.reads.delete(id);
    return;
  }
  for (const reported of ids) report.ids.delete(reported);
  report.underWay = true;
  const ask = { conversation_id: id, message_ids: ids };
  rules.requests.begin({ kind: "read", conversation: id, ids }, "readMessage", ask, out);
}

/**
 * @param {Rules} rules
 * @param {number} now
 * @param {Id} id
 * @param {Id[]} ids
 * @param {Outcome} outcome
 * @param {Output[]} out
 */
export function readAnswered(rules, now, id, ids, outcome, out) {
  if (outcome.ok !== undefined) takeReadAnswer(rules, now, id, outcome.ok, out);
  const report = rules.reads.get(id);
  if (report === undefined) return;
  report.underWay = false;
  const refusal = outcome.refused;
  if (outcome.ok !== undefined || (refusal !== undefined && isFinal(refusal))) {
    report.failures = 0;
    report.due = now;
    sendRead(rules, now, id, out);
    return;
  }
  for (const again of ids) report.ids.add(again);
  report.failures += 1;
  report.due = now + rules.pace.after(report.failures, refusal);
  rules.timers.set(report.due, "read", id);
}

/**
 * There is a connection again.
 * @param {Rules} rules
 * @param {number} now
 * @param {Output[]} out
 */
export function resumeReads(rules, now, out) {
  for (const id of Array.from(rules.reads.keys()).sort(compareIds)) {
    const report = rules.reads.get(id);
    if (report !== undefined) report.due = now;
    sendRead(rules, now, id, out);
  }
}

/**
 * What the server says it has saved.
 * @param {Rules} rules
 * @param {number} now
 * @param {Id} id
 * @param {any} answer
 * @param {Output[]} out
 */
export function takeReadAnswer(rules, now, id, answer, out) {
  const saved = read(SAVED, answer);
  if (saved === undefined) return;
  const conversation = rules.conversation(id);
  const elsewhen = new Set();
  saved.read.forEach((mark) => {
    mark.message_ids.forEach((one) => elsewhen.add(one));
    conversation.markRead(mark.message_ids, mark.read_at, out);
  });
  conversation.markRead(saved.saved.filter((one) => !elsewhen.has(one)), saved.read_at, out);
  rules.changeState(id, readValues(answer) || { rev: 0 }, out);
  rules.forgetMarks(id);
  rules.noteVersion(now, saved.v);
}
