// A request that the server refused, and whether asking again can help. Knows nothing of what was asked.
// @ts-check

import { isCount, isText, needed, optional, or } from "./form.js";

/** @typedef {import("../types").Refusal} Refusal */

/** The form of a refusal. */
export const REFUSAL = { code: needed(isText), message: or(isText, ""), retry_after_ms: optional(isCount) };

/** Codes that the same request would meet again. All others pass: the server is busy, or out of order. */
const FINAL = ["bad_request", "forbidden", "blocked", "refused", "too_large", "conflict", "unauthorized", "not_found"];

/**
 * Whether the same request would be refused again.
 * @param {Refusal} refusal
 */
export function isFinal(refusal) {
  return FINAL.indexOf(refusal.code) >= 0;
}

/**
 * For a message that was tried for as long as messages are tried.
 * @returns {Refusal}
 */
export function expired() {
  return { code: "expired", message: "it could not be sent for seven days" };
}
