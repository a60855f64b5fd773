// The upgrade from polling to WebSocket and the heartbeat, by hand, for both revisions of Engine.IO. An upgrade that
// fails, in whatever way, never hurts the polling session.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { eventually } from "../lib/eventually.js";
import { Polling, Wire } from "../lib/raw.js";
import { startEcho } from "../lib/server.js";

let server;
let hasty;
before(async () => {
  server = await startEcho();
  hasty = await startEcho({ "ping-interval": 500, "ping-timeout": 2000, "upgrade-timeout": 250 });
});
after(() => Promise.all([server.stop(), hasty.stop()]));

for (const revision of [3, 4]) {
  describe(`the upgrade of Engine.IO ${revision}`, () => upgrades(revision));
  describe(`an upgrade of Engine.IO ${revision} that fails`, () => failedUpgrades(revision));
}
describe("the heartbeat of Engine.IO 3", heartbeatOf3);
describe("the heartbeat of Engine.IO 4", heartbeatOf4);

function upgrades(revision) {
  it("answers the probe, frees the GET that waits, and goes on over the WebSocket", async () => {
    const { polling, wire } = await probing(revision);
    const held = await polling.heldPoll();
    wire.send("2probe");
    assert.equal(await wire.next(), "3probe");
    assert.deepEqual(await held.packets, ["6"]);
    wire.send("5", "4over the WebSocket");
    assert.equal(await wire.next(), "4over the WebSocket");
    wire.close();
  });

  it("flushes what waited once and in order, after the client has switched", async () => {
    const { polling, wire } = await probing(revision);
    wire.send("2probe");
    assert.equal(await wire.next(), "3probe");
    assert.equal(await polling.post("4a", "4b"), 200);
    assert.equal(await polling.post("4c"), 200);
    assert.equal(wire.unread(), 0, "nothing but the probe comes before the switch");
    wire.send("5", "4d");
    assert.deepEqual(await wire.take(4), ["4a", "4b", "4c", "4d"]);
    wire.send("4e");
    assert.equal(await wire.next(), "4e");
    wire.close();
  });

  it("ends the polling of a session that has switched", async () => {
    const { polling, wire } = await probing(revision);
    await upgraded(wire);
    assert.equal((await polling.get()).status, 400);
    assert.ok([400, "closed"].includes(await polling.post("4x")));
    wire.send("4still here");
    assert.equal(await wire.next(), "4still here");
    wire.close();
  });

  it("lets nobody else upgrade a session that has switched", async () => {
    const { polling, wire } = await probing(revision);
    await upgraded(wire);
    const second = polling.webSocket();
    if ((await second.opened()) === true) await second.closed();
    wire.send("4still here");
    assert.equal(await wire.next(), "4still here");
    wire.close();
  });

  it("takes a session that polled with a WebSocket that was lost before", async () => {
    const { polling, wire } = await probing(revision);
    wire.send("2probe");
    await wire.next();
    wire.close();
    await wire.closed();
    const again = polling.webSocket();
    await again.opened();
    await upgraded(again);
    again.close();
  });
}

function failedUpgrades(revision) {
  const survives = async (polling) => {
    assert.equal(await polling.post("4polling goes on"), 200);
    const packets = [];
    while (!packets.includes("4polling goes on")) packets.push(...(await polling.poll()));
  };

  for (const frame of ["abc", "2nope", "4too early"]) {
    it(`closes a WebSocket that begins with ${frame}`, async () => {
      const { polling, wire } = await probing(revision);
      wire.send(frame);
      await wire.closed();
      assert.equal(wire.unread(), 0, "neither answered nor echoed");
      await survives(polling);
    });
  }

  it("forgets a WebSocket that is lost before the switch", async () => {
    const { polling, wire } = await probing(revision);
    wire.send("2probe");
    await wire.next();
    wire.close();
    await wire.closed();
    await survives(polling);
  });

  it("closes a WebSocket that never probes, when its time is up", async () => {
    const { polling, wire } = await probing(revision, hasty);
    const alive = keepAlive(polling);
    await wire.closed();
    await alive.stop();
    await survives(polling);
  });

  it("lets one of two WebSockets win and closes the other", async () => {
    const { polling, wire } = await probing(revision);
    const second = polling.webSocket();
    await second.opened();
    await upgraded(wire);
    await second.closed();
    wire.send("4the first wins");
    assert.equal(await wire.next(), "4the first wins");
    wire.close();
  });

  it("does not mind a second WebSocket that comes and goes while the first one probes", async () => {
    const { polling, wire } = await probing(revision);
    wire.send("2probe");
    assert.equal(await wire.next(), "3probe");
    const second = polling.webSocket();
    await second.opened();
    second.close();
    await second.closed();
    assert.equal(await polling.post("4while it probes"), 200);
    wire.send("5");
    assert.equal(await wire.next(), "4while it probes");
    wire.close();
  });
}

function heartbeatOf3() {
  const open = () => Polling.open(hasty.url, 3);
  const wire = () => Wire.open(hasty.url, 3);

  it("answers the client's ping on polling and WebSocket", async () => {
    const polling = await open();
    assert.equal(await polling.post("2"), 200);
    assert.deepEqual(await polling.poll(), ["3"]);
    const socket = await wire();
    socket.send("2");
    assert.equal(await socket.next(), "3");
    socket.close();
  });

  it("ends who does not ping, and never pings by itself", async () => {
    const polling = await open();
    const socket = await wire();
    await socket.closed();
    assert.equal(socket.unread(), 0);
    await eventuallyGone(polling);
  });
}

function heartbeatOf4() {
  it("pings, and keeps who answers, on polling and WebSocket", async () => {
    const polling = await Polling.open(hasty.url, 4);
    const socket = await Wire.open(hasty.url, 4);
    const polled = (async () => {
      for (let beat = 0; beat < 3; beat++) {
        assert.deepEqual(await polling.poll(), ["2"]);
        assert.equal(await polling.post("3"), 200);
      }
    })();
    for (let beat = 0; beat < 3; beat++) {
      assert.equal(await socket.next(), "2");
      socket.send("3");
    }
    await polled;
    socket.close();
  });

  it("ends who does not answer the ping, on polling and WebSocket", async () => {
    const polling = await Polling.open(hasty.url, 4);
    const socket = await Wire.open(hasty.url, 4);
    await socket.closed();
    assert.equal(await socket.next(), "2");
    assert.equal(socket.unread(), 0, "one ping, no second chance");
    await eventuallyGone(polling);
  });

  it("ends who pings where the server should", async () => {
    const socket = await Wire.open(server.url, 4);
    socket.send("2");
    await socket.closed();
  });
}

/** A polling session and a WebSocket that has been opened to take it over. */
async function probing(revision, from = server) {
  const polling = await Polling.open(from.url, revision);
  const wire = polling.webSocket();
  assert.equal(await wire.opened(), true);
  return { polling, wire };
}

async function upgraded(wire) {
  wire.send("2probe");
  assert.equal(await wire.next(), "3probe");
  wire.send("5");
  wire.send("4switched");
  assert.equal(await wire.next(), "4switched");
}

/** Keeps a session of a hasty server alive as a client would, until it is told to stop. */
function keepAlive(polling) {
  let going = true;
  const beat = async () => {
    while (going) {
      if (polling.revision === 3) await polling.post("2");
      if ((await polling.poll()).includes?.("2")) await polling.post("3");
    }
  };
  const beating = beat();
  return { stop: () => ((going = false), beating) };
}

/** A session that nobody polls any more is unknown once its heartbeat has failed. */
function eventuallyGone(polling) {
  return eventually("the session is unknown", async () => (await polling.post("4x")) === 400);
}
