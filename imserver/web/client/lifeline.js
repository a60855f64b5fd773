// Staying connected, as pure rules: when to connect and by what, when silence means that a connection is dead, how long
// to stay away. No page, no clock, no socket; the time is passed in.
//
//            ┌──── failed, lost ◄──────────────────────────────┐
//            ▼                                                 │
//   start ─► waiting ── time ─► connecting ── opened ─► open ──┤
//            ▲    network back ─┘                        │     │
//            │                              suspect: probe     │
//            │                                 │    └ heard: kept
//            └──── not answered: closed first ─┘
//                                                  final code, kick, refusal ─► ended
// @ts-check

import { Pace } from "./rules/pace.js";

/**
 * @typedef {import("./types").Lost} Lost
 * @typedef {import("./types").Order} Order
 * @typedef {import("./types").Timing} Timing
 * @typedef {import("./types").Transport} Transport
 * @typedef {import("./types").Transports} Transports
 *
 * One that waits does so until then; the server may have asked for a part of it.
 * @typedef {{name: "waiting", until: number, toldUntil: number}} Waiting
 * @typedef {{
 *   name: "open",
 *   since: number,
 *   heard: number,
 *   patienceMs: number,
 *   probedUntil: number | undefined,
 *   comeBackAt: number,
 * }} Open
 * @typedef {Waiting | {name: "connecting", giveUpAt: number} | Open | {name: "ended"}} State
 */

/** @type {Timing} */
const TIMING = { connectMs: 15000, probeMs: 5000, firstWaitMs: 1000, longestWaitMs: 30000, heldMs: 10000 };

/** From this close code on a client does not come back. */
const FINAL = 4500;

/** Close codes after which a client stays away for a while. */
const AWAY_MS = new Map([
  [1002, 1000],
  [1007, 1000],
  [1009, 1000],
  [4002, 1000],
  [4004, 1000],
  [4005, 10000],
]);

export class Lifeline {
  /** @param {{timing?: Partial<Timing>, transports?: Transports, pace?: Pace}} [how] */
  constructor({ timing = {}, transports = "both", pace = new Pace() } = {}) {
    /** @type {Timing} */
    this.timing = Object.assign({}, TIMING, timing);
    this.pace = pace;
    this.transports = transports;
    /** @type {Transport} */
    this.transport = transports === "polling" ? "polling" : "websocket";
    /** @type {State} */
    this.state = { name: "waiting", until: 0, toldUntil: 0 };
    /** In a row. */
    this.failures = 0;
  }

  /**
   * When something is due.
   * @returns {number | undefined}
   */
  due() {
    const state = this.state;
    switch (state.name) {
      case "waiting":
        return state.until;
      case "connecting":
        return state.giveUpAt;
      case "open": {
        const silent = state.heard + state.patienceMs;
        return state.probedUntil === undefined ? silent : Math.min(silent, state.probedUntil);
      }
      default:
        return undefined;
    }
  }

  /**
   * @param {number} now
   * @returns {Order | undefined}
   */
  tick(now) {
    const due = this.due();
    if (due === undefined || due > now) return undefined;
    if (this.state.name === "waiting") {
      this.state = { name: "connecting", giveUpAt: now + this.timing.connectMs };
      return { connect: { transport: this.transport } };
    }
    /** @type {Lost} */
    const why = { why: this.state.name === "open" ? "silent" : "timed_out" };
    this.lost(now, why);
    return { drop: why };
  }

  /**
   * `init` has come, on a connection that the server lets hear something at least every `patienceMs`.
   * @param {number} now
   * @param {number} patienceMs
   */
  opened(now, patienceMs) {
    this.state = { name: "open", since: now, heard: now, patienceMs, probedUntil: undefined, comeBackAt: 0 };
  }

  /**
   * The server let something be heard.
   * @param {number} now
   */
  heard(now) {
    if (this.state.name !== "open") return;
    this.state.heard = now;
    this.state.probedUntil = undefined;
  }

  /**
   * The attempt came to nothing.
   * @param {number} now
   * @param {Lost} why
   */
  failed(now, why) {
    const other = this.otherTransport(why);
    if (why.why === "no_websocket" && other !== undefined) {
      // The address answers: there is nothing to wait for.
      this.transport = other;
      this.wait(now, 0, 0);
      return;
    }
    this.failures += 1;
    if (other !== undefined) this.transport = other;
    this.wait(now, this.growing(), awayAfter(why));
  }

  /**
   * The connection has ended.
   * @param {number} now
   * @param {Lost} why
   */
  lost(now, why) {
    const state = this.state;
    if (state.name !== "open") {
      this.failed(now, why);
      return;
    }
    if (why.why === "closed" && why.code >= FINAL) {
      this.end();
      return;
    }
    const hasHeld = now - state.since >= this.timing.heldMs;
    this.failures = hasHeld ? 0 : this.failures + 1;
    const told = Math.max(awayAfter(why), state.comeBackAt - now);
    let own = 0;
    if (this.failures > 0) own = this.growing();
    // A process that ended has many clients: they come back over a second.
    else if (state.comeBackAt === 0 && state.probedUntil === undefined) own = this.pace.upTo(this.timing.firstWaitMs);
    this.wait(now, own, told);
  }

  /**
   * `drainPush`: the process is going away and asks its clients, each at a time of its own, to come back after so long.
   * @param {number} now
   * @param {number} retryAfterMs
   */
  drain(now, retryAfterMs) {
    if (this.state.name === "open") this.state.comeBackAt = now + retryAfterMs;
  }

  /**
   * Something speaks for trouble, or for its end: a request was not answered, the network is back.
   * @param {number} now
   * @returns {Order | undefined}
   */
  suspect(now) {
    const state = this.state;
    if (state.name === "open" && state.probedUntil === undefined) {
      state.probedUntil = now + this.timing.probeMs;
      return { probe: true };
    }
    if (state.name === "waiting") state.until = Math.min(Math.max(state.toldUntil, now), state.until);
    return undefined;
  }

  /** No more attempts. */
  end() {
    this.state = { name: "ended" };
  }

  /**
   * There is a reason to try again after all.
   * @param {number} now
   */
  beginAgain(now) {
    if (this.state.name !== "ended") return;
    this.failures = 0;
    this.wait(now, 0, 0);
  }

  /**
   * What to try next instead, where both may be.
   * @param {Lost} why
   * @returns {Transport | undefined}
   */
  otherTransport(why) {
    if (this.transports !== "both") return undefined;
    if (this.transport === "polling") return "websocket";
    return ["no_websocket", "timed_out", "broken"].indexOf(why.why) >= 0 ? "polling" : undefined;
  }

  growing() {
    return this.pace.growing(this.failures, this.timing.firstWaitMs, this.timing.longestWaitMs);
  }

  /**
   * @param {number} now
   * @param {number} own
   * @param {number} told
   */
  wait(now, own, told) {
    this.state = { name: "waiting", until: now + Math.max(own, told), toldUntil: now + told };
  }
}

/**
 * The least that a client stays away after this.
 * @param {Lost} why
 * @returns {number}
 */
function awayAfter(why) {
  switch (why.why) {
    case "busy":
      return why.retry_after_ms === undefined ? 1000 : why.retry_after_ms;
    case "closed":
      return AWAY_MS.get(why.code) || 0;
    case "protocol":
      return 1000;
    default:
      return 0;
  }
}
