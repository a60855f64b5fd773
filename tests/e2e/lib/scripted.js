// A session of the JavaScript client on links that a test writes, and a Storage as browsers have it.

import assert from "node:assert/strict";
import { mock } from "node:test";
import { Session } from "../../../imserver/web/client/session.js";

/** What a server says first. */
export const INIT = { user: "8", heartbeat: { ping_interval: 25_000, ping_timeout: 10_000 } };
export const SYNCED = { ok: true, conversations: [], messages: [], more: false, token: "T", v: 0, lists_rev: 1 };

/** A link as a test writes it: it notes what is asked of it, and tells what the test wants told. */
export class Scripted {
  constructor(heard) {
    this.heard = heard;
    this.asked = [];
    this.isOpen = false;
    this.isClosed = false;
  }

  request(event, payload, answered) {
    this.asked.push({ event, payload, answered });
  }

  hint(event, payload) {
    this.asked.push({ event, payload, isHint: true });
  }

  close() {
    this.isClosed = true;
  }

  init(init = INIT) {
    this.isOpen = true;
    this.heard.init(init);
    this.answer("sync", SYNCED);
  }

  /** Answers the last request of this name. */
  answer(event, answer) {
    this.asked.filter((one) => one.event === event).at(-1).answered(answer);
  }

  count(event) {
    return this.asked.filter((one) => one.event === event).length;
  }
}

/** A Storage as browsers have it. */
export class Kept {
  constructor() {
    this.map = new Map();
  }
  get length() {
    return this.map.size;
  }
  key(index) {
    return [...this.map.keys()][index] ?? null;
  }
  getItem(name) {
    return this.map.get(name) ?? null;
  }
  setItem(name, value) {
    this.map.set(name, String(value));
  }
  removeItem(name) {
    this.map.delete(name);
  }
}

/** A session whose links are scripted, with all that it has told; it must close each before it opens the next. */
export function begin(options = {}) {
  const links = [];
  const open = (where, heard) => {
    assert.ok(links.every((link) => link.isClosed), "the old is closed before the new is opened");
    links.push(new Scripted(heard));
    return links.at(-1);
  };
  const session = new Session({ open, ...options });
  const states = [];
  const outputs = [];
  session.on("state", (state) => states.push(state)).on("outputs", (some) => outputs.push(...some));
  return { session, links, states, outputs, last: () => links.at(-1) };
}

/** The same, and it has begun. */
export function start(options) {
  const begun = begin(options);
  begun.session.start();
  mock.timers.tick(0);
  return begun;
}

/** How long it is until there is one more link. */
export function waitFor(links, longest = 200_000) {
  const before = links.length;
  let waited = 0;
  while (links.length === before && waited < longest) {
    mock.timers.tick(50);
    waited += 50;
  }
  assert.ok(links.length > before, `no attempt within ${longest} ms`);
  return waited;
}
