// What stands at one number of a conversation, as this device has it: a message, or a blank. Entries are never changed; each
// function here gives another one, or the same where nothing is different. Knows nothing of the entries around it.
// @ts-check

import { isAnything, isCount, isFlag, isPlace, isText, needed, optional, or, read } from "./form.js";
import { isId, isUserKey } from "./ids.js";

/**
 * @typedef {import("../types").Entry} Entry
 * @typedef {import("../types").Message} Message
 * @typedef {import("../types").Id} Id
 */

const MESSAGE = {
  message_id: needed(isId),
  temp_message_id: optional(isText),
  conversation_id: needed(isId),
  conv_seq: needed(isPlace),
  chat_type: or((value) => value === "p2p" || value === "group", "p2p"),
  type: needed(isText),
  from_user_id: needed(isUserKey),
  to_user_id: optional(isUserKey),
  message: optional(isAnything),
  send_time: needed(isCount),
  read_at: optional(isCount),
  recalled: or(isFlag, false),
};

/** What every form of an entry has. */
const PLACE = { conversation_id: needed(isId), conv_seq: needed(isPlace) };

/** The body of a recall. */
const RECALLED = { conv_seq: needed(isPlace) };

/**
 * Nothing where not even the place can be read.
 * @param {any} json
 * @returns {Entry | undefined}
 */
export function readEntry(json) {
  const message = read(MESSAGE, json);
  if (message !== undefined) return messageOf(message);
  const place = read(PLACE, json);
  return place && blank(place.conversation_id, place.conv_seq);
}

/**
 * A message of these fields; those that say nothing are left out.
 * @param {any} fields
 * @returns {Message}
 */
export function messageOf(fields) {
  const message = Object.assign({}, fields);
  for (const name of Object.keys(message)) {
    if (message[name] === undefined || (name === "recalled" && !message[name])) delete message[name];
  }
  return Object.freeze(message);
}

/**
 * @param {Id} conversation_id
 * @param {number} conv_seq
 * @returns {Entry}
 */
function blank(conversation_id, conv_seq) {
  return Object.freeze({ conversation_id, conv_seq, deleted: /** @type {true} */ (true) });
}

/**
 * The number of the entry that this one takes back.
 * @param {Entry} entry
 * @returns {number | undefined}
 */
export function recalls(entry) {
  if (entry.deleted || entry.type !== "recall") return undefined;
  const body = read(RECALLED, entry.message);
  return body && body.conv_seq;
}

/**
 * Read at this time. The earliest time stands, whenever it is heard of.
 * @param {Entry} entry
 * @param {number} read_at
 * @returns {Entry}
 */
export function markRead(entry, read_at) {
  if (entry.deleted || (entry.read_at !== undefined && entry.read_at <= read_at)) return entry;
  return messageOf(Object.assign({}, entry, { read_at }));
}

/**
 * @param {Entry} entry
 * @returns {Entry}
 */
export function markRecalled(entry) {
  if (entry.deleted || entry.recalled) return entry;
  return messageOf(Object.assign({}, entry, { message: undefined, recalled: true }));
}

/**
 * @param {Entry} entry
 * @returns {Entry}
 */
export function markDeleted(entry) {
  return entry.deleted ? entry : blank(entry.conversation_id, entry.conv_seq);
}

/**
 * With what another copy of the same entry knows more: these things only ever add up, so that it does not matter which
 * copy is the older one.
 * @param {Entry} entry
 * @param {Entry} copy
 * @returns {Entry}
 */
export function learn(entry, copy) {
  if (copy.deleted) return markDeleted(entry);
  const read = copy.read_at === undefined ? entry : markRead(entry, copy.read_at);
  return copy.recalled ? markRecalled(read) : read;
}
