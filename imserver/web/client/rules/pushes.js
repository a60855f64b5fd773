// What the server says by itself. What these rules have no part in is handed on; what they cannot read too, and its version
// does not count, so that it is missed and synced. Knows nothing of what is asked.
// @ts-check

import { readEntry } from "./entry.js";
import { isAnything, isCount, listOf, needed, optional, or, read } from "./form.js";
import { lookForHole } from "./holes.js";
import { isId } from "./ids.js";
import { isReadMark } from "./marks.js";
import { oweReceipt } from "./receipts.js";
import { versionOf } from "./requests.js";
import { settle } from "./sends.js";
import { syncAgain } from "./sync.js";
import { readValues } from "./values.js";

/**
 * @typedef {import("../rules.js").Rules} Rules
 * @typedef {import("../types").Entry} Entry
 * @typedef {import("../types").Output} Output
 */

const STATE_PUSH = {
  conversation_id: needed(isId),
  v: optional(isCount),
  read: optional(isReadMark),
  deleted: or(listOf(isCount), []),
};

const LISTS_PUSH = { lists_rev: needed(isCount), v: optional(isCount), change: optional(isAnything) };

/**
 * An event has come. False if it is to be handed on.
 * @param {Rules} rules
 * @param {number} now
 * @param {string} event
 * @param {any} payload
 * @param {Output[]} out
 * @returns {boolean}
 */
export function takePush(rules, now, event, payload, out) {
  switch (event) {
    case "messagePush":
    case "recallPush":
      return entryPushed(rules, now, payload, out);
    case "statePush":
      return statePushed(rules, now, payload, out);
    case "listsPush":
      return listsPushed(rules, now, payload, out);
    case "versionPush":
      return versionPushed(rules, now, payload);
    case "syncPush":
      syncAgain(rules, out);
      return true;
    case "profilePush":
      versionPushed(rules, now, payload);
      return false;
    default:
      return false;
  }
}

/**
 * False for what has no place in a conversation, such as a card that a back end only shows.
 * @param {Rules} rules
 * @param {number} now
 * @param {any} payload
 * @param {Output[]} out
 */
function entryPushed(rules, now, payload, out) {
  const entry = readEntry(payload);
  if (entry === undefined) return false;
  const id = entry.conversation_id;
  settle(rules, entry, out);
  notePeer(rules, entry);
  // A message may have fields of its own by the names of the others; only the count of unread ones comes with a push.
  const { rev, unread } = readValues(payload) || { rev: 0, unread: undefined };
  rules.changeState(id, { rev, unread }, out);
  rules.conversation(id).take(entry, false, out);
  lookForHole(rules, now, id);
  oweReceipt(rules, now, id, entry.conv_seq);
  rules.forgetMarks(id);
  rules.noteVersion(now, versionOf(payload));
  return true;
}

/**
 * @param {Rules} rules
 * @param {number} now
 * @param {any} payload
 * @param {Output[]} out
 */
function statePushed(rules, now, payload, out) {
  const push = read(STATE_PUSH, payload);
  const values = readValues(payload);
  if (push === undefined || values === undefined) return false;
  const id = push.conversation_id;
  rules.changeState(id, values, out);
  const conversation = rules.conversation(id);
  if (push.read !== undefined) conversation.markRead(push.read.message_ids, push.read.read_at, out);
  conversation.markDeleted(push.deleted, out);
  rules.forgetMarks(id);
  rules.noteVersion(now, push.v);
  return true;
}

/**
 * @param {Rules} rules
 * @param {number} now
 * @param {any} payload
 * @param {Output[]} out
 */
function listsPushed(rules, now, payload, out) {
  const push = read(LISTS_PUSH, payload);
  if (push === undefined) return false;
  noteLists(rules, push.lists_rev, push.change, out);
  rules.noteVersion(now, push.v);
  return true;
}

/**
 * The lists are as of this revision, by this change if it is the next one.
 * @param {Rules} rules
 * @param {number} lists_rev
 * @param {any} change
 * @param {Output[]} out
 */
export function noteLists(rules, lists_rev, change, out) {
  const known = rules.listsRev;
  if (known !== undefined && lists_rev <= known) return;
  rules.listsRev = lists_rev;
  // A change that was missed may be in either list.
  const isNext = known !== undefined && lists_rev === known + 1 && change !== undefined;
  out.push({ lists: isNext ? { lists_rev, change } : { lists_rev } });
}

/**
 * @param {Rules} rules
 * @param {number} now
 * @param {any} payload
 */
function versionPushed(rules, now, payload) {
  const v = versionOf(payload);
  rules.noteVersion(now, v);
  return v !== undefined;
}

/**
 * Who the other side of a conversation is, as its messages tell.
 * @param {Rules} rules
 * @param {Entry} entry
 */
export function notePeer(rules, entry) {
  if (entry.deleted) return;
  const conversation = rules.conversation(entry.conversation_id);
  if (conversation.peer !== undefined) return;
  conversation.peer = entry.from_user_id === rules.user ? entry.to_user_id : entry.from_user_id;
  conversation.announced = false;
}
