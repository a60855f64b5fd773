// Telling the server what has come: up to which head this device has everything. Owed for what the server pushed on this
// connection, since it repeats a push until it is acknowledged. So a push that was here already is acknowledged too; what
// came in answer to a request is not. Knows of conversations only their heads.
// @ts-check

import { isFinal } from "./refusal.js";

/**
 * @typedef {import("../rules.js").Rules} Rules
 * @typedef {import("../types").Id} Id
 * @typedef {import("../types").Outcome} Outcome
 * @typedef {import("../types").Output} Output
 */

/** How long pushes are gathered for one acknowledgement. The server waits 5 s. */
const GATHER_MS = 200;

/** What is owed in one conversation. */
export class Receipt {
  constructor() {
    /** The lowest pushed number that no acknowledgement covers. @type {number | undefined} */
    this.owed = undefined;
    /** The highest pushed number. */
    this.highest = 0;
    /** @type {number | undefined} */
    this.due = undefined;
    this.underWay = false;
    this.failures = 0;
  }

  /** @param {number} number */
  owe(number) {
    this.owed = this.owed === undefined ? number : Math.min(this.owed, number);
    this.highest = Math.max(this.highest, number);
  }
}

/**
 * The server has pushed this entry.
 * @param {Rules} rules
 * @param {number} now
 * @param {Id} id
 * @param {number} number
 */
export function oweReceipt(rules, now, id, number) {
  let receipt = rules.receipts.get(id);
  if (receipt === undefined) rules.receipts.set(id, (receipt = new Receipt()));
  receipt.owe(number);
  lookAtReceipt(rules, now, id);
}

/**
 * A head may have reached what is owed.
 * @param {Rules} rules
 * @param {number} now
 * @param {Id} id
 */
export function lookAtReceipt(rules, now, id) {
  const receipt = rules.receipts.get(id);
  if (receipt === undefined || receipt.owed === undefined || receipt.owed > headOf(rules, id)) return;
  if (receipt.due === undefined) receipt.due = now + GATHER_MS;
  if (!receipt.underWay) rules.timers.set(receipt.due, "receipt", id);
}

/**
 * @param {Rules} rules
 * @param {number} now
 * @param {Id} id
 * @param {Output[]} out
 */
export function sendReceipt(rules, now, id, out) {
  const receipt = rules.receipts.get(id);
  if (receipt === undefined || receipt.underWay || receipt.due === undefined || receipt.due > now) return;
  const head = headOf(rules, id);
  receipt.due = undefined;
  receipt.underWay = true;
  receipt.owed = receipt.highest > head ? head + 1 : undefined;
  const ack = { conversation_id: id, conv_seq: head };
  rules.requests.begin({ kind: "receipt", conversation: id, conv_seq: head }, "ackMessage", ack, out);
}

/**
 * @param {Rules} rules
 * @param {number} now
 * @param {Id} id
 * @param {number} conv_seq
 * @param {Outcome} outcome
 */
export function receiptAnswered(rules, now, id, conv_seq, outcome) {
  const receipt = rules.receipts.get(id);
  if (receipt === undefined) return;
  receipt.underWay = false;
  const refusal = outcome.refused;
  if (outcome.ok !== undefined || (refusal !== undefined && isFinal(refusal))) {
    receipt.failures = 0;
    if (receipt.owed === undefined) rules.receipts.delete(id);
  } else {
    receipt.owe(conv_seq);
    receipt.failures += 1;
    receipt.due = now + rules.pace.after(receipt.failures, refusal);
  }
  lookAtReceipt(rules, now, id);
}

/**
 * @param {Rules} rules
 * @param {Id} id
 */
function headOf(rules, id) {
  const conversation = rules.known.get(id);
  return (conversation && conversation.head) || 0;
}
