// What every Engine.IO client must be able to do on the raw echo, whatever its generation and transport.

import assert from "node:assert/strict";

const BYTES = Uint8Array.from([0, 1, 2, 127, 128, 255]);

/** Registers every check of one cell. */
export function engineBehaviours(cell) {
  messages(cell);
  flow(cell);
  endings(cell);
}

/** Connects to the raw echo and waits until the client travels as the cell's column says. */
export async function connectEngine(cell, options) {
  const peer = await cell.open(options);
  const { id, refused } = await peer.outcome();
  assert.ok(id, `refused: ${JSON.stringify(refused)}`);
  return cell.settled(peer);
}

function messages(cell) {
  const echoes = async (...given) => {
    const peer = await connectEngine(cell);
    await peer.send(...given);
    assert.deepEqual(await peer.take(given.length), given);
  };
  cell.check("gets text of every width back", () => echoes(cell.text));
  cell.check("gets what looks like packets back as text", () => echoes("4", "2probe", "6:4hello", "b4AQID", "0{}"));
  cell.check("gets bytes back", () => echoes(BYTES, new Uint8Array(1)));
  cell.check("gets text and bytes back in order", () => echoes("1", BYTES, cell.text, BYTES.slice(1), "5"));
  cell.check("gets big text back", () => echoes(cell.bigText));
  cell.check("gets big bytes back", () => echoes(cell.bigBytes));
}

function flow(cell) {
  cell.check("gets 200 rapid messages back in order, each once, sent before and after the upgrade", async () => {
    const peer = await cell.open();
    await peer.outcome();
    await peer.send(...numbered(0, 70));
    if (cell.upgrades) await peer.connectionEvent("upgrading");
    await peer.send(...numbered(70, 140));
    await cell.settled(peer);
    await peer.send(...numbered(140, 200), "the end");
    assert.deepEqual(await peer.take(201), [...numbered(0, 200), "the end"]);
    assert.equal(await peer.waiting(), 0, "nothing came twice");
  });
}

function endings(cell) {
  cell.check("closes, and connects again", async () => {
    const first = await connectEngine(cell);
    await first.close();
    assert.equal(await first.connectionEvent("close"), "forced close");
    const second = await connectEngine(cell);
    await second.send("again");
    assert.deepEqual(await second.take(1), ["again"]);
  });

  cell.check("is refused by a handshake that is denied", async () => {
    const peer = await cell.open({ query: { deny: "1" } });
    const { refused } = await peer.outcome();
    assert.ok(refused, "must not connect");
    // Neither a script element nor a browser's WebSocket tells the status.
    if (cell.column !== "websocket" && cell.column !== "page jsonp") assert.equal(refused.status, 403);
  });
}

function numbered(from, to) {
  const numbers = Array.from({ length: to - from }, (_, i) => from + i);
  return numbers.map((number) => (number % 50 === 7 ? BYTES : `number ${number}`));
}
