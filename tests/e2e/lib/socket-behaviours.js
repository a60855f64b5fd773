// What every Socket.IO client must be able to do on the echo server, whatever its generation and transport.

import assert from "node:assert/strict";
import { hasAuth } from "./clients.js";

const BYTES = Uint8Array.from([0, 1, 2, 127, 128, 255]);
const EVENTS = ["auth", "message-back", "emit-with-ack", "broadcast"];

/** Registers every check of one cell. */
export function socketBehaviours(cell) {
  handshake(cell);
  messages(cell);
  acknowledgements(cell);
  namespaces(cell);
  endings(cell);
  flow(cell);
}

/** Connects to a namespace of the echo server and waits until the client travels as the cell's column says. */
export async function connect(cell, { namespace = "/", ...options } = {}) {
  const peer = await cell.open({ events: EVENTS, namespace, ...options });
  const { id, refused } = await peer.on(namespace, "outcome");
  assert.ok(id, `refused: ${JSON.stringify(refused)}`);
  await cell.settled(peer);
  return peer;
}

function handshake(cell) {
  cell.check("is told the handshake's auth first", async () => {
    const auth = hasAuth(cell.generation) ? { token: "123", nested: { text: cell.text } } : undefined;
    const peer = await connect(cell, { auth });
    assert.deepEqual(await peer.on("/", "next", "auth"), [auth ?? {}]);
  });

  cell.check("is recognised by auth and query", async () => {
    const auth = hasAuth(cell.generation) ? { userId: "m7" } : undefined;
    const who = `m7 & ${cell.text}=1`;
    const peer = await connect(cell, { auth, query: { who } });
    const [seen] = await peer.on("/", "ask", "whoami");
    assert.equal(seen.query.who, who);
    assert.equal(seen.query.EIO, hasAuth(cell.generation) ? "4" : "3");
    if (auth) assert.deepEqual(seen.auth, auth);
  });

  cell.check("is refused by a handshake that is denied", async () => {
    const peer = await cell.open({ query: { deny: "1" } });
    const { refused } = await peer.on("/", "outcome");
    assert.ok(refused, "must not connect");
    // Neither a script element nor a browser's WebSocket tells the status.
    if (cell.column !== "websocket" && cell.column !== "page jsonp") assert.equal(refused.status, 403);
  });

  cell.check("connects again after it left", async () => {
    const first = await connect(cell);
    await first.close();
    const second = await connect(cell);
    assert.deepEqual(await second.on("/", "ask", "message-with-ack", "still here"), ["still here"]);
  });
}

function messages(cell) {
  const echoes = async (...args) => {
    const peer = await connect(cell);
    await peer.on("/", "emit", "message", ...args);
    assert.deepEqual(await peer.on("/", "next", "message-back"), args);
  };
  cell.check("gets text of every width back", () => echoes(cell.text, { [cell.text]: [cell.text] }));
  cell.check("gets every JSON value back", () => echoes(0, -1.5, 1e21, "", null, true, [], {}, [[{ a: [null] }]]));
  cell.check("gets a lone surrogate back", () => echoes("cut \ud83d off"));
  cell.check("gets an event without arguments back", () => echoes());
  cell.check("gets bytes back", () => echoes(BYTES));
  cell.check("gets bytes inside objects back, in place", () => {
    return echoes(cell.text, { first: BYTES, list: [new Uint8Array(0), { deep: BYTES.slice(2) }] }, BYTES.slice(4));
  });
  cell.check("gets big text back", () => echoes(cell.bigText));
  cell.check("gets big bytes back", () => echoes(cell.bigBytes));
}

function acknowledgements(cell) {
  cell.check("is acknowledged with text", async () => {
    const peer = await connect(cell);
    assert.deepEqual(await peer.on("/", "ask", "message-with-ack", 1, cell.text), [1, cell.text]);
  });

  cell.check("is acknowledged without arguments", async () => {
    const peer = await connect(cell);
    assert.deepEqual(await peer.on("/", "ask", "message-with-ack"), []);
  });

  cell.check("is acknowledged with bytes", async () => {
    const peer = await connect(cell);
    assert.deepEqual(await peer.on("/", "ask", "message-with-ack", { bytes: BYTES }, "2"), [{ bytes: BYTES }, "2"]);
  });

  cell.check("gets each of many acknowledgements at its own callback", async () => {
    const peer = await connect(cell);
    const numbers = Array.from({ length: 30 }, (_, i) => i);
    const answers = await Promise.all(numbers.map((i) => peer.on("/", "ask", "message-with-ack", i, BYTES)));
    assert.deepEqual(answers, numbers.map((i) => [i, BYTES]));
  });

  const isAsked = async (question, answer) => {
    const peer = await connect(cell);
    await peer.on("/", "answer", "emit-with-ack", ...answer);
    await peer.on("/", "emit", "emit-with-ack", ...question);
    assert.deepEqual(await peer.on("/", "take", "emit-with-ack", 2), [question, answer]);
  };
  cell.check("is asked by the server and answers", () => isAsked(["question", 1], ["answer", cell.text, null]));
  cell.check("is asked by the server and answers nothing", () => isAsked([], []));
  cell.check("is asked by the server with bytes and answers with bytes", () => {
    return isAsked([{ question: BYTES }], [BYTES.slice(3), { answer: BYTES }]);
  });
}

function namespaces(cell) {
  cell.check("has several namespaces on one connection", async () => {
    const peer = await connect(cell);
    await peer.join("/custom", hasAuth(cell.generation) ? { auth: { for: "custom" } } : {});
    const { id } = await peer.on("/custom", "outcome");
    assert.notEqual(id, undefined);
    const [auth] = await peer.on("/custom", "next", "auth");
    if (hasAuth(cell.generation)) assert.deepEqual(auth, { for: "custom" });
    await peer.on("/custom", "emit", "message", "in custom", BYTES);
    assert.deepEqual(await peer.on("/custom", "next", "message-back"), ["in custom", BYTES]);
    assert.deepEqual(await peer.on("/", "ask", "message-with-ack", "in root"), ["in root"]);
    assert.equal(await peer.on("/", "waiting", "message-back"), 0, "nothing crosses into another namespace");
  });

  cell.check("is refused an unknown namespace and keeps the others", async () => {
    const peer = await connect(cell);
    await peer.join("/nowhere");
    const { refused } = await peer.on("/nowhere", "outcome");
    assert.equal(refused?.message, "Invalid namespace");
    assert.deepEqual(await peer.on("/", "ask", "message-with-ack", 1), [1]);
  });

  for (const [title, token] of [["without", undefined], ["with a wrong", "guess"]]) {
    cell.check(`is refused a guarded namespace ${title} token, with the reason`, async () => {
      const peer = await connect(cell);
      const proof = token && { token };
      await peer.join("/guarded", hasAuth(cell.generation) ? { auth: proof } : { query: proof });
      const { refused } = await peer.on("/guarded", "outcome");
      assert.deepEqual(refused?.data, { reason: "bad token" });
      if (hasAuth(cell.generation)) assert.equal(refused.message, "not authorized");
    });
  }

  cell.check("enters a guarded namespace with the token", async () => {
    const proof = { token: "letmein" };
    const given = hasAuth(cell.generation) ? { auth: proof } : { namespaceQuery: proof };
    const peer = await connect(cell, { namespace: "/guarded", ...given });
    assert.deepEqual(await peer.on("/guarded", "ask", "message-with-ack", "in"), ["in"]);
  });
}

function endings(cell) {
  cell.check("is put out of one namespace and keeps the other", async () => {
    const peer = await connect(cell);
    await peer.join("/custom");
    await peer.on("/custom", "outcome");
    await peer.on("/custom", "emit", "leave-ns");
    assert.deepEqual(await peer.on("/custom", "next", "disconnect"), ["io server disconnect"]);
    assert.deepEqual(await peer.on("/", "ask", "message-with-ack", 1), [1]);
  });

  cell.check("is told by the server that it is disconnected when it is kicked", async () => {
    const peer = await connect(cell);
    await peer.join("/custom");
    await peer.on("/custom", "outcome");
    await peer.on("/custom", "emit", "kick");
    assert.deepEqual(await peer.on("/custom", "next", "disconnect"), ["io server disconnect"]);
    assert.deepEqual(await peer.on("/", "next", "disconnect"), ["io server disconnect"]);
    assert.ok(await peer.connectionEvent("close"), "the connection is closed as well");
  });

  cell.check("leaves one namespace by itself and keeps the other", async () => {
    const peer = await connect(cell);
    await peer.join("/custom");
    await peer.on("/custom", "outcome");
    await peer.on("/custom", "disconnect");
    assert.deepEqual(await peer.on("/custom", "next", "disconnect"), ["io client disconnect"]);
    const other = await connect(cell, { namespace: "/custom" });
    await other.on("/custom", "emit", "broadcast", "after it left");
    assert.deepEqual(await other.on("/custom", "next", "broadcast"), ["after it left"]);
    assert.deepEqual(await peer.on("/", "ask", "message-with-ack", 1), [1]);
    assert.equal(await peer.on("/custom", "waiting", "broadcast"), 0, "who left hears nothing");
  });
}

function flow(cell) {
  cell.check("gets 200 rapid messages back in order, each once, sent before and after the upgrade", async () => {
    const peer = await cell.open({ events: EVENTS });
    await peer.on("/", "outcome");
    await peer.on("/", "emitAll", "message", numbered(0, 70));
    if (cell.upgrades) await peer.connectionEvent("upgrading");
    await peer.on("/", "emitAll", "message", numbered(70, 140));
    await cell.settled(peer);
    await peer.on("/", "emitAll", "message", numbered(140, 200));
    assert.deepEqual(await peer.on("/", "take", "message-back", 200), numbered(0, 200));
    await peer.on("/", "ask", "message-with-ack");
    assert.equal(await peer.on("/", "waiting", "message-back"), 0, "nothing came twice");
  });

  cell.check("gets what others say in order, each once, while it connects and upgrades", async () => {
    const speaker = await cell.open({ events: EVENTS });
    const { id } = await speaker.on("/", "outcome");
    await cell.settled(speaker);
    const peer = await cell.openBeside(id, { events: EVENTS });
    // Each broadcast is sent when the one before came back to the speaker: they spread over the whole upgrade.
    for (let i = 0; i < 30; i++) {
      await speaker.on("/", "emit", "broadcast", i, i % 3 ? cell.text : BYTES);
      await speaker.on("/", "next", "broadcast");
    }
    await cell.settled(peer);
    await speaker.on("/", "emit", "broadcast", 30);
    const heard = [];
    while (heard.at(-1) !== 30) heard.push((await peer.on("/", "next", "broadcast"))[0]);
    assert.deepEqual(heard, Array.from({ length: 31 }, (_, i) => i));
  });
}

function numbered(from, to) {
  const numbers = Array.from({ length: to - from }, (_, i) => from + i);
  return numbers.map((number) => [number, number % 50 === 7 ? BYTES : `number ${number}`]);
}
