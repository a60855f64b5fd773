// An application of its own on the connection layer (`imserver/examples/embedded.rs`): a guarded namespace, a packet
// middleware that decrypts, `error` and `disconnecting` handlers.

import assert from "node:assert/strict";
import { createCipheriv, randomBytes } from "node:crypto";
import { createRequire } from "node:module";
import { after, before, describe, it } from "node:test";
import { startEmbedded } from "../lib/server.js";

const require = createRequire(import.meta.url);
const { io } = require("socket.io-client-4");
const PASS = { pass: "open sesame" };

describe("an application of its own", () => {
  let server;
  const sockets = [];
  before(async () => (server = await startEmbedded()));
  after(async () => {
    sockets.forEach((socket) => socket.close());
    await server.stop();
  });

  function open(auth) {
    const socket = io(`${server.url}/vault`, { auth, forceNew: true, reconnection: false, transports: ["websocket"] });
    sockets.push(socket);
    return socket;
  }

  async function withKey() {
    const socket = open(PASS);
    const { key } = await once(socket, "key");
    return { socket, key: Buffer.from(key, "base64") };
  }

  it("keeps out who does not know the pass phrase, and says why", async () => {
    const error = await once(open({ pass: "abracadabra" }), "connect_error");
    assert.equal(error.message, "not authorized");
    assert.deepEqual(error.data, { reason: "wrong pass phrase" });
  });

  it("hands the handler what was encrypted with the session's key", async () => {
    const [first, second] = [await withKey(), await withKey()];
    assert.notDeepEqual(first.key, second.key);
    const note = "一张便条 😀";
    const noted = once(first.socket, "noted");
    assert.equal(await first.socket.emitWithAck("note", ...seal(first.key, [note])), [...note].length);
    assert.equal(await noted, note);
  });

  it("refuses what another key encrypted, tells the error handler, and goes on", async () => {
    const { socket, key } = await withKey();
    const refused = once(socket, "refused");
    socket.emit("note", ...seal(randomBytes(32), ["forged"]));
    assert.equal(await refused, "the payload was not encrypted with this session's key");
    const plain = once(socket, "refused");
    socket.emit("note", "in clear");
    assert.equal(await plain, "send the iv and the ciphertext, both binary");
    assert.equal(await socket.emitWithAck("note", ...seal(key, ["ok"])), 2);
  });

  it("glances at who keeps up", async () => {
    const { socket, key } = await withKey();
    const glimpse = once(socket, "glimpse");
    socket.emit("glance", ...seal(key, []));
    assert.equal(await glimpse, "you are here");
  });

  it("sees who leaves, still in its rooms, with the reason in Socket.IO's words", async () => {
    const { socket, key } = await withKey();
    const id = socket.id;
    await socket.emitWithAck("note", ...seal(key, ["in the room"]));
    socket.disconnect();
    const line = await eventually(() => server.output().split("\n").find((text) => text.startsWith(id)));
    assert.equal(line, `${id} leaves ["readers"]: client namespace disconnect`);
    const left = await eventually(() => server.output().split("\n").find((text) => text.startsWith(`${id} has left`)));
    assert.match(left, /stay: client namespace disconnect$/);
  });
});

/** `(iv, ciphertext with its tag)` of the arguments of an event. */
function seal(key, args) {
  const iv = randomBytes(12);
  const cipher = createCipheriv("aes-256-gcm", key, iv);
  const text = Buffer.concat([cipher.update(JSON.stringify(args), "utf8"), cipher.final(), cipher.getAuthTag()]);
  return [iv, text];
}

function once(socket, event) {
  return new Promise((done, fail) => {
    const late = setTimeout(() => fail(new Error(`no ${event}`)), 5_000);
    socket.once(event, (value) => (clearTimeout(late), done(value)));
  });
}

async function eventually(look) {
  for (let tries = 0; tries < 250; tries++) {
    const found = look();
    if (found) return found;
    await new Promise((wait) => setTimeout(wait, 20));
  }
  throw new Error("it did not happen");
}
