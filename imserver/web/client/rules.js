// What a client keeps and does, as pure rules: no page, no clock, no socket. They are told what came and what time it
// is, and say what to request and what is different now. The scripted cases in `tests/cases` say what comes out of what.
//
//   connected, disconnected ─┐                       ┌─► request: emit it, hand its answer in
//   pushed, answered, tick ──┼─► Rules (one client) ─┼─► added, updated, …: show it
//   send, ask, load, read ───┘        │              └─► done: what came of what was asked
//                                    due: when to tick next
//
// One file a topic: `conversation` holds the entries of one, `holes` fetches what is missing in it, `sync` what was missed
// while away, `receipts` tells the server what has come, `sends` is the queue of what goes out.
// @ts-check

import * as asks from "./rules/asks.js";
import { Conversation } from "./rules/conversation.js";
import { isFlag, needed, or, read } from "./rules/form.js";
import * as holes from "./rules/holes.js";
import { compareIds, isUserKey } from "./rules/ids.js";
import { Pace } from "./rules/pace.js";
import { takePush } from "./rules/pushes.js";
import * as reads from "./rules/reads.js";
import * as receipts from "./rules/receipts.js";
import { Requests, outcomeOf } from "./rules/requests.js";
import * as sends from "./rules/sends.js";
import * as sync from "./rules/sync.js";
import { Timers } from "./rules/timers.js";
import { Version } from "./rules/version.js";

export { Pace };
export { compareIds } from "./rules/ids.js";
export { isFinal } from "./rules/refusal.js";

/**
 * @typedef {import("./types").Bounds} Bounds
 * @typedef {import("./types").Id} Id
 * @typedef {import("./types").Init} Init
 * @typedef {import("./types").NotQueued} NotQueued
 * @typedef {import("./types").Outcome} Outcome
 * @typedef {import("./types").Outgoing} Outgoing
 * @typedef {import("./types").Output} Output
 * @typedef {import("./types").Purpose} Purpose
 * @typedef {import("./types").Queued} Queued
 * @typedef {import("./types").Refusal} Refusal
 * @typedef {import("./types").Summary} Summary
 * @typedef {import("./types").Values} Values
 * @typedef {import("./types").View} View
 */

const INIT = { user: needed(isUserKey), degraded: or(isFlag, false) };

/**
 * The first event on a connection; undefined if it cannot be read.
 * @param {any} json
 * @returns {Init | undefined}
 */
export function readInit(json) {
  return read(INIT, json);
}

/**
 * The rules of one client, with all that they keep.
 *
 * Times are milliseconds since 1970 of one clock that does not go back. Outputs are added to the end of `out`, in the
 * order in which they are to be carried out.
 */
export class Rules {
  /** @param {{bounds?: Bounds, pace?: Pace}} [how] */
  constructor({ bounds = {}, pace = new Pace() } = {}) {
    const { entries = 2000, sends: queued = 1000 } = bounds;
    this.bounds = { entries: Math.max(entries, 1), sends: queued };
    this.pace = pace;
    /** Who this is; nothing before the first `init`. @type {string | undefined} */
    this.user = undefined;
    this.isConnected = false;
    this.isDegraded = false;
    /** The revision of contacts and blocked users. @type {number | undefined} */
    this.listsRev = undefined;
    /** @type {Map<Id, Conversation>} */
    this.known = new Map();
    /** Conversations that miss something, or are asked about. @type {Map<Id, holes.Hole>} */
    this.holes = new Map();
    /** Conversations in which something is owed. @type {Map<Id, receipts.Receipt>} */
    this.receipts = new Map();
    /** Conversations with something to report. @type {Map<Id, reads.Report>} */
    this.reads = new Map();
    this.sends = new sends.Sends();
    this.sync = new sync.Sync();
    this.versions = new Version();
    this.requests = new Requests();
    this.timers = new Timers();
  }

  /**
   * A connection said `init`. It must be of the user that the ones before were.
   * @param {number} now
   * @param {Init} init
   * @param {Output[]} out
   */
  connected(now, init, out) {
    this.user = init.user;
    this.isConnected = true;
    const isDegraded = init.degraded === true;
    if (this.isDegraded !== isDegraded) {
      this.isDegraded = isDegraded;
      out.push({ degraded: isDegraded });
    }
    sync.beginSync(this, out);
    sends.resend(this, now, out);
    reads.resumeReads(this, now, out);
  }

  /**
   * The connection has ended. No request of it will be answered any more.
   * @param {number} now
   * @param {Output[]} out
   */
  disconnected(now, out) {
    this.isConnected = false;
    this.sync.stop();
    // What was owed on a connection ends with it.
    this.receipts.clear();
    for (const purpose of this.requests.endAll()) this.end(now, purpose, { lost: true }, out);
  }

  /**
   * A request was answered, with the acknowledgement's argument; or, without one, it will not be: none came in time.
   * @param {number} now
   * @param {number} id
   * @param {any} answer
   * @param {Output[]} out
   */
  answered(now, id, answer, out) {
    const purpose = this.requests.end(id);
    if (purpose === undefined) return;
    this.end(now, purpose, outcomeOf(answer), out);
    // An answer of any kind may bring what settles a message, and with it moves those behind.
    sends.advanceSends(this, out);
  }

  /**
   * Time has come to what is due.
   * @param {number} now
   * @param {Output[]} out
   */
  tick(now, out) {
    for (let timer = this.timers.due(now); timer !== undefined; timer = this.timers.due(now)) {
      const { kind, of } = timer;
      if (kind === "sync") sync.retrySync(this, out);
      else if (kind === "version") sync.lookAtVersion(this, now, out);
      else if (kind === "hole") holes.fetchHole(this, now, of, out);
      else if (kind === "receipt") receipts.sendReceipt(this, now, of, out);
      else if (kind === "read") reads.sendRead(this, now, of, out);
      else if (kind === "send") sends.sendAgain(this, now, of, out);
      else sends.giveUp(this, now, of, out);
    }
  }

  /** When to tick next. */
  due() {
    return this.timers.next();
  }

  /**
   * An event has come. What these rules have no part in, and what they cannot read, is handed on.
   * @param {number} now
   * @param {string} event
   * @param {any} payload
   * @param {Output[]} out
   */
  pushed(now, event, payload, out) {
    if (!takePush(this, now, event, payload, out)) out.push({ event: { event, payload } });
    sends.advanceSends(this, out);
  }

  /**
   * Takes a message that is to be sent. It is shown as pending at once. Says why, if it was not taken.
   * @param {Outgoing} message
   * @param {Output[]} out
   * @returns {NotQueued | undefined}
   */
  send(message, out) {
    return sends.send(this, message, out);
  }

  /**
   * Takes a message that was in the queue before the page was loaded; with a refusal if it had failed.
   * @param {Outgoing} message
   * @param {Refusal | undefined} failed
   * @param {Output[]} out
   */
  restore(message, failed, out) {
    sends.restore(this, message, failed, out);
  }

  /**
   * Sends a message again that has failed. Nothing happens to one that has not. Says `too_old` where that would be a risk.
   * @param {number} now
   * @param {string} temp_message_id
   * @param {Output[]} out
   * @returns {NotQueued | undefined}
   */
  retry(now, temp_message_id, out) {
    return sends.retry(this, now, temp_message_id, out);
  }

  /**
   * Gives a message up. If it was under way it may have arrived all the same; then it comes as an entry.
   * @param {string} temp_message_id
   * @param {Output[]} out
   */
  discard(temp_message_id, out) {
    sends.discard(this, temp_message_id, out);
  }

  /**
   * A message in the queue, as the application wrote it.
   * @param {string} temp_message_id
   * @returns {Outgoing | undefined}
   */
  queued(temp_message_id) {
    const send = this.sends.named(temp_message_id);
    return send && send.message;
  }

  /**
   * What is queued for a receiver, those that failed included, in the order in which it was made.
   * @param {string} to_user_id
   * @returns {Queued[]}
   */
  pending(to_user_id) {
    return sends.pending(this, to_user_id);
  }

  /**
   * The user has these messages of others on the screen. They are reported until the server has them, after a reconnect
   * too; what waits when the page goes is not kept.
   * @param {number} now
   * @param {Id} conversation_id
   * @param {Id[]} ids
   */
  read(now, conversation_id, ids) {
    reads.noteRead(this, now, conversation_id, ids);
  }

  /**
   * The application goes back to older entries; at most 200 come at a time. The outcome says whether there are `more`.
   * @param {number} now
   * @param {number} ticket
   * @param {Id} conversation_id
   * @param {number} limit
   * @param {Output[]} out
   */
  loadOlder(now, ticket, conversation_id, limit, out) {
    holes.loadOlder(this, now, ticket, conversation_id, limit, out);
  }

  /**
   * Keeps so many of the newest entries of a conversation from now on, in place of the bound of all: few where nobody looks.
   * @param {Id} conversation_id
   * @param {number} entries
   * @param {Output[]} out
   */
  keep(conversation_id, entries, out) {
    const conversation = this.known.get(conversation_id);
    if (conversation !== undefined) conversation.keepNewest(entries, out);
  }

  /**
   * Asks the server something, once: whoever gets `lost` decides whether to ask again.
   * @param {number} ticket
   * @param {string} event
   * @param {any} payload
   * @param {Output[]} out
   */
  ask(ticket, event, payload, out) {
    asks.ask(this, ticket, event, payload, out);
  }

  /** Whether everything up to now is here. */
  get isSynced() {
    return this.isConnected && this.sync.isDone();
  }

  /**
   * What is true of the conversations, in the order of their ids.
   * @returns {Summary[]}
   */
  conversations() {
    const all = Array.from(this.known.values(), (conversation) => conversation.summary());
    return all.sort((a, b) => compareIds(a.conversation_id, b.conversation_id));
  }

  /**
   * What is here of a conversation.
   * @param {Id} conversation_id
   * @returns {View | undefined}
   */
  view(conversation_id) {
    const conversation = this.known.get(conversation_id);
    return conversation && conversation.view();
  }

  /** The last version up to which nothing is missing. */
  version() {
    return this.versions.last;
  }

  // What follows is for the topics only.

  /**
   * @param {number} now
   * @param {Purpose} purpose
   * @param {Outcome} outcome
   * @param {Output[]} out
   */
  end(now, purpose, outcome, out) {
    switch (purpose.kind) {
      case "sync":
        return sync.syncAnswered(this, now, outcome, out);
      case "hole":
        return holes.holeAnswered(this, now, purpose.conversation, outcome, out);
      case "older":
        return holes.olderAnswered(this, now, purpose.ticket, purpose.conversation, outcome, out);
      case "receipt":
        return receipts.receiptAnswered(this, now, purpose.conversation, purpose.conv_seq, outcome);
      case "send":
        return sends.sendAnswered(this, now, purpose.number, outcome, out);
      case "read":
        return reads.readAnswered(this, now, purpose.conversation, purpose.ids, outcome, out);
      case "ask":
        return asks.askAnswered(this, now, purpose.ticket, purpose.effect, outcome, out);
    }
  }

  /**
   * @param {Id} id
   * @returns {Conversation}
   */
  conversation(id) {
    let conversation = this.known.get(id);
    if (conversation === undefined) this.known.set(id, (conversation = new Conversation(id, this.bounds.entries)));
    return conversation;
  }

  /**
   * Takes values of a conversation's state.
   * @param {Id} id
   * @param {Values} values
   * @param {Output[]} out
   */
  changeState(id, values, out) {
    this.announce(id, this.conversation(id).state.change(values), out);
  }

  /**
   * Tells what is true of a conversation, if something changed or it was never told.
   * @param {Id} id
   * @param {boolean} changed
   * @param {Output[]} out
   */
  announce(id, changed, out) {
    const conversation = this.conversation(id);
    if (!changed && conversation.announced) return;
    conversation.announced = true;
    out.push({ conversation: conversation.summary() });
  }

  /**
   * Marks wait only while something is under way that could bring an old copy of what they mark.
   * @param {Id} id
   */
  forgetMarks(id) {
    const hole = this.holes.get(id);
    if (this.sync.isDone() && !(hole !== undefined && hole.underWay)) this.conversation(id).forgetMarks();
  }

  /**
   * @param {number} now
   * @param {number | undefined} v
   */
  noteVersion(now, v) {
    if (v !== undefined && this.versions.take(v, now)) sync.watchVersion(this, now);
  }
}
