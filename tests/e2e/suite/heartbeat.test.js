// Staying alive and noticing death: every client over every Node transport. Heartbeats are quick, but not so quick that
// a busy machine misses one. All clients of a test live through it side by side, so that the suite waits once and not
// eighteen times.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Cell } from "../lib/cell.js";
import { ENGINE_ROWS, NODE_TRANSPORTS, SOCKET_ROWS, openEngine, openSocket } from "../lib/clients.js";
import { connectEngine } from "../lib/engine-behaviours.js";
import { startEcho } from "../lib/server.js";
import { connect } from "../lib/socket-behaviours.js";
import { count } from "../lib/tally.js";

let server;
const sockets = cellsOf(SOCKET_ROWS, openSocket);
const engines = cellsOf(ENGINE_ROWS, openEngine);
const everyone = [...sockets, ...engines];

describe("with quick heartbeats", () => {
  before(async () => (server = await startEcho({ "ping-interval": 500, "ping-timeout": 2000 })));
  after(() => server.stop());

  it("every client stays connected over several heartbeats", async () => {
    const peers = await connectAll();
    await forEach(peers, async (cell, peer) => {
      for (let beat = 0; beat < 4; beat++) await peer.connectionEvent("heartbeat");
      await answers(cell, peer);
      count(cell.row, cell.column);
    });
    await forEach(peers, (_, peer) => peer.close());
  });

  it("every client that the server leaves without a sign reports a ping timeout", async () => {
    const peers = await connectAll();
    server.signal("SIGSTOP");
    await forEach(peers, async (cell, peer) => {
      assert.equal(await peer.connectionEvent("close"), "ping timeout", label(cell));
      if (sockets.includes(cell)) assert.deepEqual(await peer.on("/", "next", "disconnect"), ["ping timeout"]);
      count(cell.row, cell.column);
    });
    server.signal("SIGCONT");
  });
});

describe("when the server dies", () => {
  before(async () => (server = await startEcho()));

  it("every client reports the loss of its transport", async () => {
    const peers = await connectAll();
    await server.stop();
    await forEach(peers, async (cell, peer) => {
      assert.match(await peer.connectionEvent("close"), /^transport (close|error)$/, label(cell));
      if (sockets.includes(cell)) {
        assert.match((await peer.on("/", "next", "disconnect"))[0], /^transport (close|error)$/, label(cell));
      }
      count(cell.row, cell.column);
    });
  });
});

function cellsOf(rows, open) {
  return Object.entries(rows).flatMap(([number, row]) => {
    return Object.keys(NODE_TRANSPORTS).map((column) => {
      const generation = Number(number);
      const opened = (url, options) => open(generation, column, url, options);
      return new Cell({ row, column, generation, url: () => server.url, open: opened });
    });
  });
}

/** One connected client of every cell. */
async function connectAll() {
  const peers = new Map();
  await Promise.all(
    everyone.map(async (cell) => peers.set(cell, await (engines.includes(cell) ? connectEngine : connect)(cell))),
  );
  return peers;
}

function forEach(peers, act) {
  return Promise.all([...peers].map(([cell, peer]) => act(cell, peer)));
}

async function answers(cell, peer) {
  if (sockets.includes(cell)) {
    return assert.deepEqual(await peer.on("/", "ask", "message-with-ack", "alive"), ["alive"], label(cell));
  }
  await peer.send("alive");
  assert.deepEqual(await peer.take(1), ["alive"], label(cell));
}

function label(cell) {
  return `${cell.row} over ${cell.column}`;
}
