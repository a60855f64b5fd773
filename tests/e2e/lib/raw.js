// Engine.IO by hand, with plain HTTP requests and plain WebSockets: for what no proper client would ever do.

import { connect } from "node:net";
import WebSocket from "ws";
import { Inbox, toBytes } from "./inbox.js";

/** How each revision of the protocol packs packets (strings) into a polling body, and takes them out. */
export const REVISIONS = {
  3: {
    pack: (...packets) => packets.map((packet) => `${packet.length}:${packet}`).join(""),
    unpack: (body) => {
      const packets = [];
      for (let rest = body; rest !== ""; ) {
        const [, digits] = /^(\d+):/.exec(rest) ?? assertBody(body);
        const start = digits.length + 1;
        packets.push(rest.slice(start, start + Number(digits)));
        rest = rest.slice(start + Number(digits));
      }
      return packets;
    },
  },
  4: {
    pack: (...packets) => packets.join("\x1e"),
    unpack: (body) => body.split("\x1e"),
  },
};

/** One polling session, or requests around one. */
export class Polling {
  /** `query` is added to every request. */
  constructor(base, revision, path = "/engine.io/", query = {}) {
    Object.assign(this, { base, revision, path, codec: REVISIONS[revision] });
    this.query = { EIO: String(revision), transport: "polling", ...query };
  }

  static async open(...args) {
    const polling = new Polling(...args);
    const [open] = polling.codec.unpack(await (await polling.get()).text());
    polling.handshake = JSON.parse(open.slice(1));
    polling.query.sid = polling.handshake.sid;
    return polling;
  }

  url(query = {}) {
    const pairs = Object.entries({ ...this.query, ...query }).filter(([, value]) => value !== undefined);
    return `${this.base}${this.path}?${new URLSearchParams(pairs)}`;
  }

  get(options) {
    return fetch(this.url(), options);
  }

  /** The packets that one GET brings. */
  async poll() {
    const response = await this.get();
    return response.status === 200 ? this.codec.unpack(await response.text()) : { status: response.status };
  }

  /** A GET that the server has and holds: `packets` is the promise of its answer. */
  async heldPoll() {
    const packets = this.poll();
    await this.#roundTrips();
    return { packets };
  }

  postBody(body, contentType = "text/plain;charset=UTF-8") {
    return fetch(this.url(), { method: "POST", body, headers: { "content-type": contentType } });
  }

  /** Sends packets; the status, or `closed` where the server hangs up instead of answering. */
  async post(...packets) {
    try {
      return (await this.postBody(this.codec.pack(...packets))).status;
    } catch {
      return "closed";
    }
  }

  /** Sends a GET and gives up on it once the server has it, as a page that is left does. */
  abortedGet() {
    const { hostname, port, host } = new URL(this.base);
    const target = this.url().slice(this.base.length);
    return new Promise((done) => {
      const socket = connect(Number(port), hostname);
      socket.on("error", done).on("close", done);
      socket.write(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`, async () => {
        await this.#roundTrips();
        socket.destroy();
      });
    });
  }

  /** What was written before is also read before: after these round trips the server has it. */
  async #roundTrips() {
    for (let trip = 0; trip < 3; trip++) await Polling.open(this.base, this.revision, this.path);
  }

  /** A WebSocket for this session, to upgrade it. */
  webSocket() {
    return new Wire(this.base, this.revision, this.path, { ...this.query, transport: "websocket" });
  }
}

/** One WebSocket; frames come as strings or bytes, its end as `{code}`. */
export class Wire {
  constructor(base, revision, path = "/engine.io/", query = {}) {
    const given = { EIO: String(revision), transport: "websocket", ...query };
    const pairs = Object.entries(given).filter(([, value]) => value !== undefined);
    this.inbox = new Inbox();
    this.socket = new WebSocket(`${base.replace("http", "ws")}${path}?${new URLSearchParams(pairs)}`);
    this.socket.on("message", (data, binary) => {
      this.inbox.put("frame", binary ? new Uint8Array(toBytes(data)) : data.toString());
    });
    this.socket.on("open", () => this.inbox.put("open", true));
    this.socket.on("unexpected-response", (_, response) => {
      this.inbox.put("open", { status: response.statusCode });
      response.resume();
      this.socket.terminate();
    });
    this.socket.on("error", () => this.inbox.put("open", { status: "error" }));
    this.socket.on("close", (code) => this.inbox.put("closed", { code }));
  }

  /** Connected and greeted: `handshake` is what the server said. */
  static async open(...args) {
    const wire = new Wire(...args);
    await wire.opened();
    wire.handshake = JSON.parse((await wire.next()).slice(1));
    return wire;
  }

  /** `true`, or `{status}` of the refusal. */
  opened() {
    return this.inbox.next("open");
  }

  next(limit) {
    return this.inbox.next("frame", limit);
  }

  async take(count) {
    const frames = [];
    while (frames.length < count) frames.push(await this.next());
    return frames;
  }

  send(...frames) {
    for (const frame of frames) this.socket.send(frame);
  }

  /** How many frames arrived and were not read. */
  unread() {
    return this.inbox.count("frame");
  }

  closed(limit) {
    return this.inbox.next("closed", limit);
  }

  close() {
    this.socket.terminate();
  }
}

function assertBody(body) {
  throw new Error(`not a payload of revision 3: ${body.slice(0, 200)}`);
}
