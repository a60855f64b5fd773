// What is due when. There is one wake-up for all of it, so a client needs one timer. Knows no clock, and not what is to be
// done when something is due.
// @ts-check

import { compareIds } from "./ids.js";

/**
 * What may be due, of which conversation (an id) or of which message (its place in the queue).
 * @typedef {"sync" | "version" | "hole" | "receipt" | "read" | "send" | "give_up"} Kind
 * @typedef {{at: number, kind: Kind, of: any, key: string}} Timer
 */

/** Of things due at the same moment the order is that of this list, then of conversations and numbers. */
const ORDER = ["sync", "version", "hole", "receipt", "read", "send", "give_up"];

/**
 * Moments that were asked for. One that has lost its reason comes all the same and finds nothing to do.
 *
 * A heap, the first on top. What is not needed any more stays in it until it comes up, or until there is too much of it.
 */
export class Timers {
  constructor() {
    /** @type {Timer[]} */
    this.heap = [];
    /** Those that are still wanted. @type {Set<string>} */
    this.wanted = new Set();
  }

  /**
   * @param {number} at
   * @param {Kind} kind
   * @param {string | number} [of]
   */
  set(at, kind, of = "") {
    const key = keyOf(at, kind, of);
    if (this.wanted.has(key)) return;
    this.wanted.add(key);
    this.heap.push({ at, kind, of, key });
    rise(this.heap, this.heap.length - 1);
  }

  /**
   * One that was set for this moment is not needed any more.
   * @param {number} at
   * @param {Kind} kind
   * @param {string | number} [of]
   */
  forget(at, kind, of = "") {
    this.wanted.delete(keyOf(at, kind, of));
    if (this.heap.length > 2 * this.wanted.size + 64) this.clear();
  }

  /** @returns {number | undefined} */
  next() {
    this.tidy();
    return this.heap.length === 0 ? undefined : this.heap[0].at;
  }

  /**
   * Takes the first that is due.
   * @param {number} now
   * @returns {Timer | undefined}
   */
  due(now) {
    this.tidy();
    if (this.heap.length === 0 || this.heap[0].at > now) return undefined;
    const timer = takeTop(this.heap);
    this.wanted.delete(timer.key);
    return timer;
  }

  /** Until the top is one that is wanted. */
  tidy() {
    while (this.heap.length > 0 && !this.wanted.has(this.heap[0].key)) takeTop(this.heap);
  }

  /** Drops all that are not wanted. */
  clear() {
    const once = new Set();
    // In order, an array is a heap.
    this.heap = this.heap.filter(({ key }) => this.wanted.has(key) && !once.has(key) && once.add(key)).sort(compare);
  }
}

/**
 * @param {number} at
 * @param {Kind} kind
 * @param {string | number} of
 */
function keyOf(at, kind, of) {
  return at + " " + kind + " " + of;
}

/**
 * @param {Timer} a
 * @param {Timer} b
 * @returns {number}
 */
function compare(a, b) {
  if (a.at !== b.at) return a.at - b.at;
  if (a.kind !== b.kind) return ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind);
  return typeof a.of === "number" ? a.of - b.of : compareIds(a.of, b.of);
}

/**
 * @param {Timer[]} heap
 * @param {number} place
 */
function rise(heap, place) {
  while (place > 0) {
    const above = (place - 1) >> 1;
    if (compare(heap[above], heap[place]) <= 0) return;
    swap(heap, above, place);
    place = above;
  }
}

/**
 * @param {Timer[]} heap
 * @returns {Timer}
 */
function takeTop(heap) {
  const top = heap[0];
  const last = /** @type {Timer} */ (heap.pop());
  if (heap.length > 0) {
    heap[0] = last;
    sink(heap);
  }
  return top;
}

/** @param {Timer[]} heap */
function sink(heap) {
  for (let place = 0; ; ) {
    let first = place;
    for (const below of [2 * place + 1, 2 * place + 2]) {
      if (below < heap.length && compare(heap[below], heap[first]) < 0) first = below;
    }
    if (first === place) return;
    swap(heap, first, place);
    place = first;
  }
}

/**
 * @param {Timer[]} heap
 * @param {number} a
 * @param {number} b
 */
function swap(heap, a, b) {
  const held = heap[a];
  heap[a] = heap[b];
  heap[b] = held;
}
