// Requests under way: which answer belongs to what, and how an answer is read. Knows nothing of what follows from one.
// @ts-check

import { fits, isCount, isFlag, needed, optional, read } from "./form.js";
import { REFUSAL } from "./refusal.js";

/**
 * @typedef {import("../types").Output} Output
 * @typedef {import("../types").Outcome} Outcome
 * @typedef {import("../types").Purpose} Purpose
 */

/** The beginning of every acknowledgement. */
const HEAD = { ok: needed(isFlag), error: optional(fits(REFUSAL)) };

/** What pushes and acknowledgements have beside what they say. */
const BESIDE = { v: optional(isCount) };

export class Requests {
  constructor() {
    this.last = 0;
    /** @type {Map<number, Purpose>} */
    this.underWay = new Map();
  }

  /**
   * @param {Purpose} purpose
   * @param {string} event
   * @param {any} payload
   * @param {Output[]} out
   */
  begin(purpose, event, payload, out) {
    this.last += 1;
    this.underWay.set(this.last, purpose);
    out.push({ request: { id: this.last, event, payload } });
  }

  /**
   * @param {number} id
   * @returns {Purpose | undefined}
   */
  end(id) {
    const purpose = this.underWay.get(id);
    this.underWay.delete(id);
    return purpose;
  }

  /** The connection has ended: none of them will be answered. */
  endAll() {
    const ended = Array.from(this.underWay.values());
    this.underWay.clear();
    return ended;
  }
}

/**
 * Reads an acknowledgement, or that there was none. One that is not of the protocol's form says as little.
 * @param {any} answer
 * @returns {Outcome}
 */
export function outcomeOf(answer) {
  const head = read(HEAD, answer);
  if (head !== undefined && head.ok) return { ok: answer };
  if (head !== undefined && head.error !== undefined) return { refused: read(REFUSAL, head.error) };
  return { lost: true };
}

/**
 * The version that comes with it, if there is one.
 * @param {any} json
 * @returns {number | undefined}
 */
export function versionOf(json) {
  const beside = read(BESIDE, json);
  return beside && beside.v;
}
