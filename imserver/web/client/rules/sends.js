// The queue of messages that go out: each again until the server has it, in the order in which they were made, one after the
// other for each receiver.
//
//   queued ─► under way ─► sent          by the acknowledgement, or by its entry, whichever comes first
//      ▲          ├──────► failed        a refusal that would come again, or seven days
//      └── waits ◄┘                      busy, out of order, no answer; a new connection ends a wait of our own
//
// A message keeps its `temp_message_id` however often it is sent: the server knows it by that. Knows nothing of what a
// message says, and does not keep the queue beyond the page.
// @ts-check

import { messageOf } from "./entry.js";
import { isAnything, isCount, isPlace, needed, optional, read } from "./form.js";
import { lookForHole } from "./holes.js";
import { isId } from "./ids.js";
import { notePeer } from "./pushes.js";
import { lookAtReceipt } from "./receipts.js";
import { expired, isFinal } from "./refusal.js";
import { versionOf } from "./requests.js";

/**
 * @typedef {import("../rules.js").Rules} Rules
 * @typedef {import("../types").Entry} Entry
 * @typedef {import("../types").NotQueued} NotQueued
 * @typedef {import("../types").Outcome} Outcome
 * @typedef {import("../types").Outgoing} Outgoing
 * @typedef {import("../types").Output} Output
 * @typedef {import("../types").Queued} Queued
 * @typedef {import("../types").Refusal} Refusal
 */

/** Printable ASCII. */
const NAME = /^[\x20-\x7e]{1,64}$/;

const DAY_MS = 24 * 60 * 60 * 1000;
/** How long a message is tried. */
const TRIED_MS = 7 * DAY_MS;
/** How old it may be when it is tried by hand again: the server knows it by its name for 30 days; seven more it is tried. */
const RETRIED_MS = 23 * DAY_MS;

const SENT = {
  message_id: needed(isId),
  conversation_id: needed(isId),
  conv_seq: needed(isPlace),
  send_time: needed(isCount),
  // The text as it was stored, where the server has changed it.
  message: optional(isAnything),
};

/**
 * One that waits does so until a time, which the server told, or not.
 * @typedef {{
 *   number: number,
 *   message: Outgoing,
 *   standing: "queued" | "under_way" | "waits" | "failed",
 *   until: number,
 *   isTold: boolean,
 *   failures: number,
 *   givesUpAt: number,
 *   refusal: Refusal | undefined,
 * }} Send
 */

export class Sends {
  constructor() {
    this.last = 0;
    /** By number, and so in the order in which they were made. @type {Map<number, Send>} */
    this.queue = new Map();
    /** @type {Map<string, number>} */
    this.byName = new Map();
    /** What is to be sent to each receiver, in order; the first is under way or waits. @type {Map<string, number[]>} */
    this.lines = new Map();
    /** Receivers whose line has moved. @type {string[]} */
    this.moved = [];
  }

  /**
   * @param {string} name
   * @returns {Send | undefined}
   */
  named(name) {
    const number = this.byName.get(name);
    return number === undefined ? undefined : this.queue.get(number);
  }

  /** @param {Send} send */
  lineUp(send) {
    const receiver = send.message.to_user_id;
    const line = this.lines.get(receiver);
    if (line === undefined) this.lines.set(receiver, [send.number]);
    else line.push(send.number);
    this.moved.push(receiver);
  }

  /** @param {Send} send */
  leaveLine(send) {
    const receiver = send.message.to_user_id;
    const line = this.lines.get(receiver);
    if (line === undefined) return;
    const place = line.indexOf(send.number);
    if (place >= 0) line.splice(place, 1);
    if (line.length === 0) this.lines.delete(receiver);
    else this.moved.push(receiver);
  }
}

/**
 * Takes a message that is to be sent.
 * @param {Rules} rules
 * @param {Outgoing} message
 * @param {Output[]} out
 * @returns {NotQueued | undefined}
 */
export function send(rules, message, out) {
  const why = whyNot(rules, message.temp_message_id);
  if (why !== undefined) return why;
  enqueue(rules, message, undefined, out);
  advanceSends(rules, out);
  return undefined;
}

/**
 * Takes a message that was in the queue before; with a refusal if it had failed.
 * @param {Rules} rules
 * @param {Outgoing} message
 * @param {Refusal | undefined} failed
 * @param {Output[]} out
 */
export function restore(rules, message, failed, out) {
  if (!rules.sends.byName.has(message.temp_message_id)) enqueue(rules, message, failed, out);
  advanceSends(rules, out);
}

/**
 * Why a message by this name cannot be queued, if it cannot.
 * @param {Rules} rules
 * @param {string} name
 * @returns {NotQueued | undefined}
 */
function whyNot(rules, name) {
  if (typeof name !== "string" || !NAME.test(name) || rules.sends.byName.has(name)) return "name";
  return rules.sends.queue.size >= rules.bounds.sends ? "full" : undefined;
}

/**
 * Sends a message again that has failed.
 * @param {Rules} rules
 * @param {number} now
 * @param {string} name
 * @param {Output[]} out
 * @returns {NotQueued | undefined}
 */
export function retry(rules, now, name, out) {
  const send = rules.sends.named(name);
  if (send === undefined || send.standing !== "failed") return undefined;
  if (now > send.message.made_at + RETRIED_MS) return "too_old";
  Object.assign(send, { standing: "queued", failures: 0, givesUpAt: now + TRIED_MS, refusal: undefined });
  rules.timers.set(send.givesUpAt, "give_up", send.number);
  rules.sends.lineUp(send);
  out.push({ sending: { temp_message_id: name, state: "pending" } });
  advanceSends(rules, out);
  return undefined;
}

/**
 * Gives a message up.
 * @param {Rules} rules
 * @param {string} name
 * @param {Output[]} out
 */
export function discard(rules, name, out) {
  if (takeOut(rules, name)) out.push({ sending: { temp_message_id: name, state: "discarded" } });
  advanceSends(rules, out);
}

/**
 * What is queued for a receiver, in the order in which it was made.
 * @param {Rules} rules
 * @param {string} receiver
 * @returns {Queued[]}
 */
export function pending(rules, receiver) {
  /** @type {Queued[]} */
  const queued = [];
  rules.sends.queue.forEach(({ message, refusal }) => {
    if (message.to_user_id !== receiver) return;
    queued.push(refusal === undefined ? { message, state: "pending" } : { message, state: "failed", refusal });
  });
  return queued;
}

/**
 * Sends whatever has come to the front of its line.
 * @param {Rules} rules
 * @param {Output[]} out
 */
export function advanceSends(rules, out) {
  if (rules.sends.moved.length === 0) return;
  for (const receiver of rules.sends.moved.splice(0)) {
    const line = rules.sends.lines.get(receiver);
    const send = line && rules.sends.queue.get(line[0]);
    if (send === undefined || send.standing !== "queued" || !rules.isConnected) continue;
    send.standing = "under_way";
    const { temp_message_id, to_user_id, type, message } = send.message;
    const ask = { temp_message_id, chat_type: "p2p", to_user_id, type, message };
    rules.requests.begin({ kind: "send", number: send.number }, "sendMessage", ask, out);
  }
}

/**
 * There is a connection again.
 * @param {Rules} rules
 * @param {number} now
 * @param {Output[]} out
 */
export function resend(rules, now, out) {
  rules.sends.queue.forEach((send) => {
    if (send.standing === "waits" && (!send.isTold || send.until <= now)) send.standing = "queued";
    if (send.standing === "queued") rules.sends.moved.push(send.message.to_user_id);
  });
  advanceSends(rules, out);
}

/**
 * @param {Rules} rules
 * @param {number} now
 * @param {number} number
 * @param {Output[]} out
 */
export function sendAgain(rules, now, number, out) {
  const send = rules.sends.queue.get(number);
  if (send === undefined || send.standing !== "waits" || send.until > now) return;
  send.standing = "queued";
  rules.sends.moved.push(send.message.to_user_id);
  advanceSends(rules, out);
}

/**
 * One that is under way is still waited for; it is given up if it is not answered well.
 * @param {Rules} rules
 * @param {number} now
 * @param {number} number
 * @param {Output[]} out
 */
export function giveUp(rules, now, number, out) {
  const send = rules.sends.queue.get(number);
  if (send === undefined || now < send.givesUpAt || (send.standing !== "queued" && send.standing !== "waits")) return;
  fail(rules, send, expired(), out);
  advanceSends(rules, out);
}

/**
 * @param {Rules} rules
 * @param {number} now
 * @param {number} number
 * @param {Outcome} outcome
 * @param {Output[]} out
 */
export function sendAnswered(rules, now, number, outcome, out) {
  const sent = read(SENT, outcome.ok);
  if (sent !== undefined) {
    wasSent(rules, now, number, sent, out);
    rules.noteVersion(now, versionOf(outcome.ok));
    return;
  }
  const send = rules.sends.queue.get(number);
  if (send === undefined) return;
  if (outcome.refused !== undefined && isFinal(outcome.refused)) fail(rules, send, outcome.refused, out);
  else sendLater(rules, now, send, outcome.refused, out);
}

/**
 * An own message among entries that came is sent, whatever became of its acknowledgement.
 * @param {Rules} rules
 * @param {Entry} entry
 * @param {Output[]} out
 */
export function settle(rules, entry, out) {
  if (entry.deleted || entry.temp_message_id === undefined || entry.from_user_id !== rules.user) return;
  const { temp_message_id, message_id, conversation_id, conv_seq } = entry;
  if (!takeOut(rules, temp_message_id)) return;
  out.push({ sending: { temp_message_id, state: "sent", message_id, conversation_id, conv_seq } });
}

/**
 * @param {Rules} rules
 * @param {Outgoing} message
 * @param {Refusal | undefined} refusal
 * @param {Output[]} out
 */
function enqueue(rules, message, refusal, out) {
  const { sends, timers } = rules;
  const { temp_message_id, made_at } = message;
  sends.last += 1;
  const number = sends.last;
  const givesUpAt = made_at + TRIED_MS;
  /** @type {Send} */
  const send = { number, message, standing: "queued", until: 0, isTold: false, failures: 0, givesUpAt, refusal };
  sends.byName.set(temp_message_id, number);
  sends.queue.set(number, send);
  if (refusal !== undefined) {
    send.standing = "failed";
    out.push({ sending: { temp_message_id, state: "failed", refusal } });
    return;
  }
  timers.set(givesUpAt, "give_up", number);
  sends.lineUp(send);
  out.push({ sending: { temp_message_id, state: "pending" } });
}

/**
 * @param {Rules} rules
 * @param {number} now
 * @param {number} number
 * @param {any} sent
 * @param {Output[]} out
 */
function wasSent(rules, now, number, sent, out) {
  const id = sent.conversation_id;
  const send = rules.sends.queue.get(number);
  if (send === undefined) {
    // Its entry came first; or it was discarded, and its entry is fetched.
    rules.conversation(id).tell(sent.conv_seq);
    lookForHole(rules, now, id);
    return;
  }
  const { temp_message_id, to_user_id, type, message } = send.message;
  const entry = messageOf({
    message_id: sent.message_id,
    temp_message_id,
    conversation_id: id,
    conv_seq: sent.conv_seq,
    chat_type: "p2p",
    type,
    from_user_id: rules.user,
    to_user_id,
    message: sent.message !== undefined ? sent.message : message,
    send_time: sent.send_time,
  });
  settle(rules, entry, out);
  notePeer(rules, entry);
  rules.announce(id, false, out);
  rules.conversation(id).take(entry, true, out);
  lookForHole(rules, now, id);
  lookAtReceipt(rules, now, id);
}

/**
 * @param {Rules} rules
 * @param {number} now
 * @param {Send} send
 * @param {Refusal | undefined} refusal
 * @param {Output[]} out
 */
function sendLater(rules, now, send, refusal, out) {
  if (now >= send.givesUpAt) {
    fail(rules, send, expired(), out);
    return;
  }
  if (!rules.isConnected) {
    send.standing = "queued";
    return;
  }
  send.failures += 1;
  send.standing = "waits";
  send.until = now + rules.pace.after(send.failures, refusal);
  send.isTold = refusal !== undefined && refusal.retry_after_ms !== undefined;
  rules.timers.set(send.until, "send", send.number);
}

/**
 * Takes a message out of the queue, with all that waits for it. False if it is not there.
 * @param {Rules} rules
 * @param {string} name
 */
function takeOut(rules, name) {
  const send = rules.sends.named(name);
  if (send === undefined) return false;
  rules.sends.byName.delete(name);
  rules.sends.queue.delete(send.number);
  rules.sends.leaveLine(send);
  rules.timers.forget(send.givesUpAt, "give_up", send.number);
  return true;
}

/**
 * @param {Rules} rules
 * @param {Send} send
 * @param {Refusal} refusal
 * @param {Output[]} out
 */
function fail(rules, send, refusal, out) {
  send.standing = "failed";
  send.refusal = refusal;
  rules.timers.forget(send.givesUpAt, "give_up", send.number);
  rules.sends.leaveLine(send);
  out.push({ sending: { temp_message_id: send.message.temp_message_id, state: "failed", refusal } });
}
