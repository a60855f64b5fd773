// One Engine.IO client of either generation behind the interface of `Peer`, as far as it goes. Runs in Node and in
// pages.

import { Inbox, toBytes } from "./inbox.js";

export class EnginePeer {
  /** Connects at once. `options`: `generation` (3 or 6), `io` (the client's own options), `query`. */
  constructor(connect, url, pack, options) {
    this.pack = pack;
    this.inbox = new Inbox();
    this.socket = connect(url, { path: "/engine.io/", query: options.query ?? {}, ...options.io });
    this.socket.binaryType = "arraybuffer";
    const note = (name, value) => this.inbox.put(name, value);
    this.socket.on("open", () => note("outcome", { id: this.socket.id }));
    this.socket.on("error", (error) => {
      const { message, description } = error;
      const status = description && description.status ? description.status : description;
      note("outcome", { refused: { message, status: typeof status === "number" ? status : undefined } });
    });
    this.socket.on("message", (data) => note("message", toBytes(data) ?? data));
    this.socket.on("upgrade", (transport) => note("upgrade", transport.name));
    this.socket.on("upgrading", () => note("upgrading"));
    this.socket.on("close", (reason) => note("close", reason));
    this.socket.on("pong", () => note("heartbeat"));
  }

  async outcome() {
    return this.inbox.next("outcome");
  }

  async send(...messages) {
    for (const message of messages) this.socket.send(message instanceof Uint8Array ? this.pack(message) : message);
  }

  /** The next `count` messages, in the order of arrival. */
  async take(count, limit) {
    const taken = [];
    while (taken.length < count) taken.push(await this.inbox.next("message", limit));
    return taken;
  }

  /** How many messages arrived and were not handed out yet. */
  async waiting() {
    return this.inbox.count("message");
  }

  async connectionEvent(name, limit) {
    return this.inbox.next(name, limit);
  }

  async transport() {
    return this.socket.transport.name;
  }

  async close() {
    this.socket.close();
  }
}
