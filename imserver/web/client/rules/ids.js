// The texts by which messages, conversations and users are known. Ids are numbers of 63 bits, more than JavaScript counts
// exactly, so they stay texts and are compared as such. Knows nothing of what they name.
// @ts-check

const HIGHEST = "9223372036854775807";

/**
 * Which of two ids is the lower one: the shorter, or of equal length the first in the alphabet.
 * @param {string} a
 * @param {string} b
 * @returns {number}
 */
export function compareIds(a, b) {
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * An id has one spelling: no sign, no zero in front.
 * @param {any} value
 * @returns {boolean}
 */
export function isId(value) {
  return typeof value === "string" && /^[1-9][0-9]{0,18}$/.test(value) && compareIds(value, HIGHEST) <= 0;
}

/**
 * Letters (the source, may be absent), then a digit, then letters, digits, `-` or `_`.
 * @param {any} value
 * @returns {boolean}
 */
export function isUserKey(value) {
  return typeof value === "string" && value.length <= 64 && /^[A-Za-z]*[0-9][0-9A-Za-z_-]*$/.test(value);
}
