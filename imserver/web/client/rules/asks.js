// What the application asks of the server, and what an answer changes here: the connection that caused a change is told by the
// acknowledgement alone. Knows nothing of why something is asked, and asks nothing twice.
// @ts-check

import { messageOf } from "./entry.js";
import { isAnything, isCount, isFlag, isPlace, optional, read } from "./form.js";
import { lookForHole } from "./holes.js";
import { isId } from "./ids.js";
import { noteLists } from "./pushes.js";
import { takeReadAnswer } from "./reads.js";
import { lookAtReceipt } from "./receipts.js";
import { readValues } from "./values.js";

/**
 * @typedef {import("../rules.js").Rules} Rules
 * @typedef {import("../types").Effect} Effect
 * @typedef {import("../types").Id} Id
 * @typedef {import("../types").Outcome} Outcome
 * @typedef {import("../types").Output} Output
 */

/** The words of requests that have effects. */
const ASKED = {
  conversation_id: optional(isId),
  message_id: optional(isId),
  pinned: optional(isFlag),
  muted: optional(isFlag),
  text: optional(isAnything),
};

/** The words of their answers. */
const ANSWERED = {
  conversation_id: optional(isId),
  conv_seq: optional(isPlace),
  // Of a recall's own entry, where the server tells.
  message_id: optional(isId),
  send_time: optional(isCount),
  lists_rev: optional(isCount),
  v: optional(isCount),
};

/**
 * Asks the server something, once.
 * @param {Rules} rules
 * @param {number} ticket
 * @param {string} event
 * @param {any} payload
 * @param {Output[]} out
 */
export function ask(rules, ticket, event, payload, out) {
  if (!rules.isConnected) {
    out.push({ done: { ticket, lost: true } });
    return;
  }
  rules.requests.begin({ kind: "ask", ticket, effect: effectOf(event, payload) }, event, payload, out);
}

/**
 * What the answer changes is told before that it came.
 * @param {Rules} rules
 * @param {number} now
 * @param {number} ticket
 * @param {Effect} effect
 * @param {Outcome} outcome
 * @param {Output[]} out
 */
export function askAnswered(rules, now, ticket, effect, outcome, out) {
  if (outcome.ok !== undefined) apply(rules, now, effect, outcome.ok, out);
  out.push({ done: Object.assign({ ticket }, outcome) });
}

/**
 * @param {string} event
 * @param {any} payload
 * @returns {Effect}
 */
function effectOf(event, payload) {
  const asked = read(ASKED, payload);
  if (asked === undefined) return { kind: "nothing" };
  const { conversation_id: conversation, message_id: message, pinned, muted, text: draft } = asked;
  switch (event) {
    case "pinConversation":
      return stateOf(conversation, { pinned });
    case "muteConversation":
      return stateOf(conversation, { muted });
    case "saveDraft":
      return stateOf(conversation, { draft });
    case "clearUnread":
      return stateOf(conversation, {});
    case "readMessage":
      return conversation === undefined ? { kind: "nothing" } : { kind: "read", conversation };
    case "deleteMessage":
      return { kind: "delete" };
    case "recallMessage":
      return message === undefined ? { kind: "nothing" } : { kind: "recall", message };
    case "addContact":
    case "removeContact":
    case "block":
    case "unblock":
      return { kind: "lists" };
    default:
      return { kind: "nothing" };
  }
}

/**
 * These values, as of the revision that the answer will have.
 * @param {Id | undefined} conversation
 * @param {{pinned?: boolean, muted?: boolean, draft?: any}} values
 * @returns {Effect}
 */
function stateOf(conversation, values) {
  if (conversation === undefined) return { kind: "nothing" };
  return { kind: "state", conversation, values: Object.assign({ rev: 0 }, values) };
}

/**
 * @param {Rules} rules
 * @param {number} now
 * @param {Effect} effect
 * @param {any} answer
 * @param {Output[]} out
 */
function apply(rules, now, effect, answer, out) {
  const answered = read(ANSWERED, answer);
  if (answered === undefined) return;
  switch (effect.kind) {
    case "state": {
      const { rev, unread } = readValues(answer) || { rev: 0, unread: undefined };
      rules.changeState(effect.conversation, Object.assign({}, effect.values, { rev, unread }), out);
      break;
    }
    case "read":
      // It has its version counted there.
      takeReadAnswer(rules, now, effect.conversation, answer, out);
      return;
    case "delete":
      if (answered.conversation_id === undefined || answered.conv_seq === undefined) break;
      rules.conversation(answered.conversation_id).markDeleted([answered.conv_seq], out);
      rules.forgetMarks(answered.conversation_id);
      break;
    case "recall":
      recalled(rules, now, effect.message, answered, out);
      break;
    case "lists":
      if (answered.lists_rev !== undefined) listsAnswered(rules, answered.lists_rev, out);
      break;
  }
  rules.noteVersion(now, answered.v);
}

/**
 * The application knows what it has changed; it is told only if something else was missed.
 * @param {Rules} rules
 * @param {number} lists_rev
 * @param {Output[]} out
 */
function listsAnswered(rules, lists_rev, out) {
  if (rules.listsRev !== undefined && lists_rev === rules.listsRev + 1) rules.listsRev = lists_rev;
  else noteLists(rules, lists_rev, undefined, out);
}

/**
 * The recall is an entry too. What is not told of it is fetched like any other that is missing.
 * @param {Rules} rules
 * @param {number} now
 * @param {Id} message_id
 * @param {any} answered
 * @param {Output[]} out
 */
function recalled(rules, now, message_id, answered, out) {
  const { conversation_id: id, conv_seq, send_time } = answered;
  if (id === undefined || conv_seq === undefined) return;
  const conversation = rules.conversation(id);
  conversation.tell(conv_seq);
  const number = conversation.numberOf(message_id);
  if (number !== undefined) {
    conversation.markRecalled(number, out);
    if (answered.message_id !== undefined && send_time !== undefined) {
      const entry = messageOf({
        message_id: answered.message_id,
        conversation_id: id,
        conv_seq,
        chat_type: "p2p",
        type: "recall",
        from_user_id: rules.user,
        to_user_id: conversation.peer,
        message: { message_id, conv_seq: number },
        send_time,
      });
      conversation.take(entry, true, out);
    }
  }
  lookForHole(rules, now, id);
  lookAtReceipt(rules, now, id);
  rules.forgetMarks(id);
}
