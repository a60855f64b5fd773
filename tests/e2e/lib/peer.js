// One Socket.IO client of any generation behind one interface. The same file runs in Node and, unchanged, in a page of
// a browser: it knows neither, and no test framework. Bytes are `Uint8Array` on this side; `pack` makes of them
// what the client library wants.

import { Inbox, toBytes } from "./inbox.js";

/** Events of the library itself that every channel records beside the application's. */
const OWN_EVENTS = ["disconnect"];

export class Peer {
  /**
   * Connects at once. `options`: `generation` (1–4), `io` (what goes to `io()`), `query` (of the handshake), `auth`,
   * `namespace` and `namespaceQuery` (clients 1.x and 2.x), `events` (names to record).
   */
  constructor(io, url, pack, options) {
    const { generation, namespace = "/", query, auth, namespaceQuery } = options;
    this.generation = generation;
    this.pack = pack;
    this.names = options.events;
    this.inbox = new Inbox();
    const given = { forceNew: true, reconnection: false, timeout: 8000, ...options.io };
    if (query || namespaceQuery) given.query = { ...query, ...namespaceQuery };
    if (auth) given.auth = auth;
    const socket = io(url + (namespace === "/" ? "" : namespace), given);
    this.manager = socket.io;
    this.channels = new Map([[namespace, new Channel(socket, this)]]);
    this.manager.engine.on("upgrade", (transport) => this.inbox.put("upgrade", transport.name));
    this.manager.engine.on("upgrading", () => this.inbox.put("upgrading"));
    this.manager.engine.on("close", (reason) => this.inbox.put("close", reason));
    // The one event that every generation emits when it has heard a heartbeat of the server.
    this.manager.engine.on("pong", () => this.inbox.put("heartbeat"));
  }

  /** Joins another namespace on the same connection; its events are recorded from now on. */
  join(namespace, { auth, query } = {}) {
    const text = query && new URLSearchParams(query).toString();
    this.channels.set(namespace, new Channel(this.manager.socket(namespace, { auth, query: text }), this));
  }

  /** Tries a refused namespace again with another auth payload (clients 3.x and 4.x). */
  async retry(namespace, auth) {
    const { socket } = this.channels.get(namespace);
    socket.auth = auth;
    socket.connect();
  }

  /** Waits for an event of the connection: `upgrade`, `upgrading`, `heartbeat`, `close`. */
  async connectionEvent(name, limit) {
    return this.inbox.next(name, limit);
  }

  async transport() {
    return this.manager.engine.transport.name;
  }

  async close() {
    this.manager.engine.close();
  }

  /** Calls `method` of a namespace's channel. */
  async on(namespace, method, ...args) {
    return this.channels.get(namespace)[method](...args);
  }
}

class Channel {
  constructor(socket, peer) {
    this.socket = socket;
    this.peer = peer;
    this.inbox = new Inbox();
    this.answers = new Map();
    this.order = [];
    for (const name of [...OWN_EVENTS, ...peer.names]) {
      socket.on(name, (...args) => this.#arrived(name, args));
    }
    socket.on("connect", () => this.inbox.put("outcome", { id: socket.id }));
    socket.on("connect_error", (error) => this.inbox.put("outcome", { refused: refusal(error) }));
    // Clients 1.x and 2.x report a refused namespace here, as whatever the server sent.
    socket.on("error", (data) => this.inbox.put("outcome", { refused: bareRefusal(data) }));
  }

  /** `{id}` once connected, or `{refused: {message, data, status}}`. */
  async outcome() {
    return this.inbox.next("outcome");
  }

  async emit(name, ...args) {
    this.socket.emit(name, ...args.map((arg) => packed(arg, this.peer.pack)));
  }

  /** Emits each list of arguments under `name`, without a pause between them. */
  async emitAll(name, lists) {
    for (const args of lists) this.emit(name, ...args);
  }

  /** Emits with an acknowledgement and waits for its arguments. */
  async ask(name, ...args) {
    const reply = new Inbox();
    this.socket.emit(name, ...args.map((arg) => packed(arg, this.peer.pack)), (...answer) => {
      reply.put(`acknowledgement of ${name}`, answer.map(unpacked));
    });
    return reply.next(`acknowledgement of ${name}`);
  }

  /** From now on, what comes as `name` with a wish for an acknowledgement is answered with `args`. */
  async answer(name, ...args) {
    this.answers.set(name, args);
  }

  /** The arguments of the next event of this name, in the order of arrival, each handed out once. */
  async next(name, limit) {
    return this.inbox.next(name, limit);
  }

  /** The next `count` events of this name. */
  async take(name, count, limit) {
    const taken = [];
    while (taken.length < count) taken.push(await this.inbox.next(name, limit));
    return taken;
  }

  /** How many events of this name arrived and were not handed out yet. */
  async waiting(name) {
    return this.inbox.count(name);
  }

  /** The names of all events so far, in the order of arrival. */
  async arrivals() {
    return this.order;
  }

  async disconnect() {
    this.socket.disconnect();
  }

  #arrived(name, args) {
    const acknowledge = typeof args[args.length - 1] === "function" ? args.pop() : null;
    this.order.push(name);
    this.inbox.put(name, name === "disconnect" ? [args[0]] : args.map(unpacked));
    const answer = this.answers.get(name);
    if (acknowledge && answer) acknowledge(...answer.map((arg) => packed(arg, this.peer.pack)));
  }
}

/** An `Error` of a client 3.x or 4.x, or of the transport in any generation. */
function refusal(error) {
  const { message, data, description } = error;
  const status = description && description.status ? description.status : description;
  return { message, data, status: typeof status === "number" ? status : undefined };
}

function bareRefusal(data) {
  if (typeof data === "string") return { message: data };
  if (data instanceof Error) return refusal(data);
  return { message: data && data.message, data };
}

function packed(value, pack) {
  if (value instanceof Uint8Array) return pack(value);
  return mapInside(value, (inner) => packed(inner, pack));
}

function unpacked(value) {
  return toBytes(value) ?? mapInside(value, unpacked);
}

function mapInside(value, change) {
  if (Array.isArray(value)) return value.map(change);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, change(inner)]));
}
