// One cell of the table: a client over a transport, against one server, with everything its checks need.

import assert from "node:assert/strict";
import { afterEach } from "node:test";
import { check } from "./tally.js";
import { REFERENCE } from "./server.js";

/** Text of every width: one to four bytes in UTF-8, and what JSON and HTML like to trip over. */
const ANY_TEXT = 'naïve 你好,世界 😀👩‍👩‍👧 \u2028 </script> "\\" \n';

export class Cell {
  #open;
  #peers = [];

  /** `open(options)` makes a client of this cell; `url` is a function, for the server starts later. */
  constructor({ row, column, generation, url, open }) {
    Object.assign(this, { row, column, generation, url });
    this.#open = open;
    this.upgrades = column.endsWith("upgrade");
    this.finalTransport = this.upgrades ? "websocket" : column === "websocket" ? "websocket" : "polling";
    // Clients 1.x encode text twice on polling; our server repairs that, the oracle does not.
    this.text = REFERENCE && row.includes(" 1.") && column !== "websocket" ? "plain text" : ANY_TEXT;
  }

  /** The longest text worth sending: near the payload limit of 1,000,000 bytes, or what the client itself can take. */
  get bigText() {
    return "x".repeat(this.row.includes(" 1.") && this.column === "page xhr" ? 60_000 : 900_000);
  }

  /** As many bytes as the limit allows even as base64, or as many as the client can turn into base64 at once. */
  get bigBytes() {
    const length = ["page b64", "page jsonp"].includes(this.column) ? 60_000 : 600_000;
    return Uint8Array.from({ length }, (_, i) => i % 251);
  }

  /** A test that counts for this cell. */
  check(name, run) {
    check(this.row, this.column, name, run);
  }

  /** Call once inside the `describe` of the cell: closes what a check opened. */
  cleanUp() {
    afterEach(async () => {
      await Promise.all(this.#peers.splice(0).map((peer) => peer.close()));
    });
  }

  /** A client that has begun to connect. */
  async open(options = {}) {
    const peer = await this.#open(this.url(), options);
    this.#peers.push(peer);
    return peer;
  }

  /** A Socket.IO client on the same process as another: where there are several, chance decides, so it is tried again. */
  async openBeside(id, options) {
    const process = processOf(id);
    for (let tries = 0; tries < 30; tries++) {
      const peer = await this.open(options);
      if (processOf((await peer.on("/", "outcome")).id) === process) return peer;
      await peer.close();
      // Who takes turns is easily in step with what a client sends.
      for (let turn = 0; turn < tries % 3; turn++) await fetch(`${this.url()}/socket.io/`);
    }
    throw new Error(`no client came to ${process}`);
  }

  /** Waits until a client that connected also travels as the column says. */
  async settled(peer) {
    if (this.upgrades) assert.equal(await peer.connectionEvent("upgrade"), "websocket");
    assert.equal(await peer.transport(), this.finalTransport);
    return peer;
  }
}

/** The process that holds a socket: the first part of its id. */
function processOf(id) {
  return id.split("#").pop().split(".")[0];
}
