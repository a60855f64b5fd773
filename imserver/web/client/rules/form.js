// Reading what the server says: a form names the fields that somebody needs and what each may be. All of it is right, or
// nothing is read; fields without a name are left alone. Knows no event and no answer.
// @ts-check

/**
 * @typedef {{is: (value: any) => boolean, needed: boolean, mayBeNull: boolean, otherwise: any}} Field
 * @typedef {(value: any) => boolean} Check
 */

/**
 * It must be there.
 * @param {Check} is
 * @returns {Field}
 */
export function needed(is) {
  return { is, needed: true, mayBeNull: false, otherwise: undefined };
}

/**
 * It may be absent, or null.
 * @param {Check} is
 * @returns {Field}
 */
export function optional(is) {
  return { is, needed: false, mayBeNull: true, otherwise: undefined };
}

/**
 * Where it is absent it is taken to be this.
 * @param {Check} is
 * @param {any} otherwise
 * @returns {Field}
 */
export function or(is, otherwise) {
  return { is, needed: false, mayBeNull: false, otherwise };
}

/** @type {Check} */
export const isAnything = () => true;

/** @type {Check} */
export const isText = (value) => typeof value === "string";

/** @type {Check} */
export const isFlag = (value) => typeof value === "boolean";

/** A whole number that is counted exactly. @type {Check} */
export const isCount = (value) => Number.isSafeInteger(value) && value >= 0;

/** The number of an entry. @type {Check} */
export const isPlace = (value) => isCount(value) && value > 0;

/** @type {Check} */
export const isList = (value) => Array.isArray(value);

/**
 * @param {Check} is
 * @returns {Check}
 */
export function listOf(is) {
  return (value) => Array.isArray(value) && value.every(is);
}

/**
 * @param {Record<string, Field>} form
 * @returns {Check}
 */
export function fits(form) {
  return (value) => read(form, value) !== undefined;
}

/**
 * The named fields of a value; undefined if one of them is not as it must be.
 * @param {Record<string, Field>} form
 * @param {any} json
 * @returns {any}
 */
export function read(form, json) {
  if (typeof json !== "object" || json === null || Array.isArray(json)) return undefined;
  /** @type {Record<string, any>} */
  const got = {};
  for (const name of Object.keys(form)) {
    const field = form[name];
    const value = json[name];
    if (value === undefined || (value === null && field.mayBeNull)) {
      if (field.needed) return undefined;
      if (field.otherwise !== undefined) got[name] = field.otherwise;
    } else if (field.is(value)) {
      got[name] = value;
    } else {
      return undefined;
    }
  }
  return got;
}
