// A client of the site IM: it keeps a connection up, and hands what comes and what is due to the rules. No page, no words, no
// elements: an application listens to `outputs` (what is different now, in order) and `state` (how the connection is), and asks.
//
//   application ──send, read, ask──► Session ──► Rules      what to request, what is different
//        ▲                              │  └───► Lifeline   when to connect, when to give up
//        └──────outputs, state──────────┴──────► Link       one connection

import { Clock } from "./clock.js";
import { Lifeline } from "./lifeline.js";
import { Link } from "./link.js";
import { Queue } from "./queue.js";
import { Pace, Rules, readInit } from "./rules.js";

/** How long an answer may take before it counts as lost, and the connection as doubtful. */
const ANSWER_MS = 10000;
/** Beyond the server's own patience, for what is on the way. */
const GRACE_MS = 2000;

/**
 * @typedef {object} Options
 * @property {object} [where] see `Link`
 * @property {Storage} [storage] keeps what waits to be sent; without it nothing outlives the page
 * @property {(where: object, heard: object) => object} [open] opens a link; a test gives another
 * @property {object} [bounds] see `Rules`
 * @property {object} [timing] see `Lifeline`
 * @property {object} [signals] where `online`, `offline` and `visibilitychange` are told, the page unless told
 */
export class Session {
  /** @param {Options} options */
  constructor(options) {
    this.options = options;
    this.open = options.open || ((where, heard) => new Link(where, heard));
    this.clock = new Clock();
    this.rules = new Rules({ bounds: options.bounds, pace: new Pace() });
    // One way to connect: a link begins by polling and moves to a WebSocket where that is possible.
    this.lifeline = new Lifeline({ timing: options.timing, transports: "polling", pace: new Pace() });
    this.link = null;
    this.queue = new Queue(undefined, "");
    /** Names of messages that were sent before it was known who this is. */
    this.early = [];
    this.denied = false;
    this.deadlines = new Map();
    this.tickets = new Map();
    this.lastTicket = 0;
    this.listeners = { outputs: [], state: [] };
    /** `connecting`, `online`, `reconnecting` or `ended`, with `why`. */
    this.state = { name: "connecting" };
    /** The server's clock less ours. */
    this.offset = 0;
    this.init = null;
    this.watch(options.signals || (typeof window === "undefined" ? null : window));
  }

  on(name, listener) {
    this.listeners[name].push(listener);
    return this;
  }

  start() {
    this.step(() => {});
  }

  /** For good, unless `again` is called. */
  stop() {
    this.end({ kind: "closed" });
  }

  /** Connects at once, whatever end or wait of our own there was; a wait that the server asked for stays. */
  again() {
    this.step((now) => {
      this.lifeline.beginAgain(now);
      if (this.state.name === "ended") this.change({ name: "connecting" });
      this.follow(this.lifeline.suspect(now));
    });
  }

  /** The server's time, as well as it is known. */
  now() {
    return this.clock.now() + this.offset;
  }

  get user() {
    return this.rules.user;
  }

  /** Takes a message to be sent; its `temp_message_id`, or `{refused}` where the queue is full. */
  send(to_user_id, type, message) {
    const temp_message_id = newId();
    const made = { temp_message_id, to_user_id, type, message, made_at: this.clock.now() };
    let refused;
    this.step((now, out) => {
      refused = this.rules.send(made, out);
    });
    if (refused) return { refused };
    if (this.user === undefined) this.early.push(temp_message_id);
    return { temp_message_id };
  }

  /** Sends again what has failed; `too_old` where the server may not know it any more. */
  retry(temp_message_id) {
    let refused;
    this.step((now, out) => (refused = this.rules.retry(now, temp_message_id, out)));
    return refused;
  }

  discard(temp_message_id) {
    this.step((now, out) => this.rules.discard(temp_message_id, out));
  }

  /** These messages of others are on the screen. */
  read(conversation_id, message_ids) {
    this.step((now) => this.rules.read(now, conversation_id, message_ids));
  }

  /** Brings older entries; resolves with whether there are more. */
  older(conversation_id, limit) {
    return this.ticket((ticket, now, out) => this.rules.loadOlder(now, ticket, conversation_id, limit, out))
      .then((page) => page.more);
  }

  /** Keeps so many of the newest entries of a conversation from now on, whatever `bounds` say: few where nobody looks. */
  keepNewest(conversation_id, entries) {
    this.step((now, out) => this.rules.keep(conversation_id, entries, out));
  }

  /** Any other request; rejects with `{code, message}`. What it changes is told before it resolves. */
  ask(event, payload) {
    return this.ticket((ticket, now, out) => this.rules.ask(ticket, event, payload, out));
  }

  /** What may get lost, such as typing. */
  hint(event, payload) {
    if (this.link && this.link.isOpen) this.link.hint(event, payload);
  }

  ticket(begin) {
    this.lastTicket += 1;
    const ticket = this.lastTicket;
    return new Promise((resolve, reject) => {
      this.tickets.set(ticket, { resolve, reject });
      this.step((now, out) => begin(ticket, now, out));
    });
  }

  /** Every way in: something happens, then what is due, and then what came of it is carried out. */
  step(happen) {
    const now = this.clock.now();
    const out = [];
    happen(now, out);
    this.tick(now, out);
    this.carryOut(out);
    this.clock.wake(this.due(), () => this.step(() => {}));
  }

  tick(now, out) {
    for (let order = this.lifeline.tick(now); order; order = this.lifeline.tick(now)) this.follow(order, out);
    Array.from(this.deadlines).forEach(([id, deadline]) => {
      if (deadline > now) return;
      this.deadlines.delete(id);
      this.rules.answered(now, id, undefined, out);
      this.follow(this.lifeline.suspect(now), out);
    });
    this.rules.tick(now, out);
  }

  due() {
    const all = [this.lifeline.due(), this.rules.due()].concat(Array.from(this.deadlines.values()).slice(0, 1));
    const known = all.filter((at) => at !== undefined);
    return known.length === 0 ? undefined : Math.min.apply(null, known);
  }

  follow(order, out) {
    if (!order) return;
    if (order.connect) this.connect();
    else if (order.probe && this.link) this.link.request("getPresence", { user_ids: [] }, () => {});
    else if (order.drop) this.dropped(order.drop, out || []);
  }

  connect() {
    this.denied = false;
    const link = this.open(this.options.where || {}, {
      init: (init) => this.of(link, (now, out) => this.opened(now, init, out)),
      event: (event, payload) => this.of(link, (now, out) => this.hear(now, event, payload, out)),
      pulse: () => this.of(link, (now) => this.lifeline.heard(now)),
      lost: (lost) => this.of(link, (now, out) => {
        this.lifeline.lost(now, lost);
        this.dropped(lost, out);
      }),
      refused: (refusal) => this.of(link, () => this.end(Object.assign({ kind: "refused" }, refusal))),
    });
    this.link = link;
  }

  /** What a link tells counts as long as it is the one there is. */
  of(link, happen) {
    if (this.link === link) this.step(happen);
  }

  opened(now, init, out) {
    const read = readInit(init);
    if (!read) {
      this.lifeline.failed(now, { why: "protocol" });
      return this.dropped({ why: "protocol" }, out);
    }
    if (this.user !== undefined && this.user !== read.user) return this.end({ kind: "other_user" });
    const heartbeat = init.heartbeat || {};
    const patience = count(heartbeat.ping_interval, 25000) + count(heartbeat.ping_timeout, 10000) + GRACE_MS;
    this.lifeline.opened(now, patience);
    if (count(init.server_time, 0) > 0) this.offset = init.server_time - now;
    if (this.user === undefined) this.remember(init.user, out);
    this.init = init;
    this.rules.connected(now, read, out);
    // Who hears of it may ask at once.
    this.change({ name: "online" });
  }

  /** It is known now who this is: what waits since the page before goes first, then what was sent meanwhile. */
  remember(user, out) {
    this.queue = new Queue(this.options.storage, user);
    const early = this.early.map((name) => this.rules.queued(name)).filter((message) => message);
    early.forEach((message) => this.rules.discard(message.temp_message_id, []));
    this.queue.all().forEach((kept) => this.rules.restore(kept.message, kept.failed, out));
    early.forEach((message) => this.rules.restore(message, undefined, out));
    this.early = [];
  }

  hear(now, event, payload, out) {
    this.lifeline.heard(now);
    this.rules.pushed(now, event, payload, out);
    if (event === "drainPush") this.lifeline.drain(now, count(payload && payload.retry_after_ms, 0));
    if (event === "kickPush") this.end({ kind: "kicked", message: (payload && payload.reason) || "" });
    if (event === "deny") this.denied = true;
  }

  dropped(lost, out) {
    if (lost.why === "closed" && lost.code >= 4500) return this.end({ kind: "final", code: lost.code });
    if (lost.why === "put_out" && this.denied) return this.end({ kind: "final", code: 4501 });
    this.unlink(out);
    this.change({ name: "reconnecting", why: lost });
  }

  end(why) {
    this.lifeline.end();
    const out = [];
    this.unlink(out);
    this.change({ name: "ended", why });
    this.carryOut(out);
    this.clock.wake(this.due(), () => this.step(() => {}));
  }

  unlink(out) {
    const link = this.link;
    this.link = null;
    this.deadlines.clear();
    if (link) link.close();
    this.rules.disconnected(this.clock.now(), out);
  }

  change(state) {
    this.state = state;
    this.tell("state", state);
  }

  /** A listener that fails is an error that nobody catches, and what is under way here goes on. */
  tell(name, what) {
    this.listeners[name].forEach((listener) => {
      try {
        listener(what);
      } catch (error) {
        setTimeout(() => {
          throw error;
        }, 0);
      }
    });
  }

  carryOut(out) {
    if (out.length === 0) return;
    out.forEach((output) => {
      if (output.request) this.emit(output.request);
      else if (output.sending) this.keep(output.sending);
    });
    this.tell("outputs", out);
    // Whoever waits is told last: then all that the answer changed is known.
    out.forEach((output) => output.done && this.settle(output.done));
  }

  emit(request) {
    const link = this.link;
    if (!link) return;
    this.deadlines.set(request.id, this.clock.now() + ANSWER_MS);
    link.request(request.event, request.payload, (answer) => this.of(link, (now, out) => {
      if (this.deadlines.delete(request.id)) this.rules.answered(now, request.id, answer, out);
    }));
  }

  keep(sending) {
    const message = this.rules.queued(sending.temp_message_id);
    if (message) this.queue.keep(message, sending.refusal);
    else this.queue.forget(sending.temp_message_id);
  }

  settle(done) {
    const waiting = this.tickets.get(done.ticket);
    this.tickets.delete(done.ticket);
    if (!waiting) return;
    if (done.ok) waiting.resolve(done.ok);
    else waiting.reject(done.refused || { code: "lost", message: "" });
  }

  watch(signals) {
    if (!signals) return;
    const doubt = () => this.step((now, out) => this.follow(this.lifeline.suspect(now), out));
    signals.addEventListener("online", doubt);
    signals.addEventListener("pageshow", doubt);
    signals.addEventListener("offline", doubt);
    const page = signals.document;
    if (page) page.addEventListener("visibilitychange", () => page.visibilityState === "visible" && doubt());
  }
}

/** A number of milliseconds that somebody else told, or else this. */
function count(told, otherwise) {
  return typeof told === "number" && told >= 0 && told < Infinity ? told : otherwise;
}

/** A name that no other message has. */
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return Array.prototype.map.call(bytes, (byte) => (byte < 16 ? "0" : "") + byte.toString(16)).join("");
}
