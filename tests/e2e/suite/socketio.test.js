// What the conformance checks of the Socket.IO protocol 5 (over Engine.IO 4) ask for, by hand, and the few things in
// which protocol 4 (over Engine.IO 3) differs.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";
import { Polling, Wire } from "../lib/raw.js";
import { REFERENCE, startEcho } from "../lib/server.js";

const BYTES = [Uint8Array.from([1, 2, 3]), Uint8Array.from([4, 5, 6])];
let server;
let hasty;
const wires = [];

before(async () => {
  server = await startEcho();
  hasty = await startEcho({ "connect-timeout": 250 });
});
after(() => Promise.all([server.stop(), hasty.stop()]));
afterEach(() => wires.splice(0).forEach((wire) => wire.close()));

describe("Socket.IO 5 connect", connects);
describe("Socket.IO 5 messages", messages);
describe("Socket.IO 5 disconnect", disconnects);
describe("Socket.IO 5 malformed packets", malformed);
describe("Socket.IO 4", protocol4);

function connects() {
  it("joins the main namespace, without and with a payload", async () => {
    for (const auth of ["", '{"token":"123"}']) {
      const wire = await greeted();
      wire.send(`40${auth}`);
      assert.match(await wire.next(), /^40\{"sid":"[^"]+"\}$/);
      assert.equal(await wire.next(), `42["auth",${auth || "{}"}]`);
    }
  });

  it("joins another namespace, without and with a payload, and need not join the main one", async () => {
    for (const auth of ["", '{"token":"abc"}']) {
      const wire = await greeted();
      wire.send(`40/custom,${auth}`);
      assert.match(await wire.next(), /^40\/custom,\{"sid":"[^"]+"\}$/);
      assert.equal(await wire.next(), `42/custom,["auth",${auth || "{}"}]`);
    }
  });

  it("says that there is no such namespace", async () => {
    const wire = await joined();
    wire.send("40/random");
    assert.equal(await wire.next(), '44/random,{"message":"Invalid namespace"}');
    wire.send('42["message","main is still there"]');
    assert.equal(await wire.next(), '42["message-back","main is still there"]');
  });

  it("says why a guarded namespace refuses, with data", async () => {
    const wire = await greeted();
    wire.send('40/guarded,{"token":"no"}');
    assert.equal(await wire.next(), '44/guarded,{"message":"not authorized","data":{"reason":"bad token"}}');
  });

  it("does not show the session's id as the socket's", async () => {
    const wire = await greeted();
    wire.send("40");
    const { sid } = JSON.parse((await wire.next()).slice(2));
    assert.notEqual(sid, wire.handshake.sid);
  });

  it("closes a connection that joins nothing in time, on polling and WebSocket", async () => {
    const wire = await greeted(hasty);
    const polling = await Polling.open(hasty.url, 4, "/socket.io/");
    await wire.closed();
    const told = await polling.poll();
    assert.ok(told.status === 400 || told.includes("1"), JSON.stringify(told));
  });
}

function messages() {
  it("echoes text", () => echoes('["message",1,"2",{"3":[true,null]}]', '["message-back",1,"2",{"3":[true,null]}]'));
  it("echoes deeply nested arrays", () => {
    const deep = "[".repeat(100) + "]".repeat(100);
    return echoes(`["message",${deep}]`, `["message-back",${deep}]`);
  });

  it("echoes attachments", async () => {
    const wire = await joined();
    const packet = (name) => `452-["${name}",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`;
    wire.send(packet("message"), ...BYTES);
    assert.deepEqual(await wire.take(3), [packet("message-back"), ...BYTES]);
  });

  it("acknowledges text and attachments under the id of the request, 0 too", async () => {
    const wire = await joined();
    wire.send('42456["message-with-ack",1,"2",{"3":[false]}]');
    assert.equal(await wire.next(), '43456[1,"2",{"3":[false]}]');
    wire.send('420["message-with-ack"]');
    assert.equal(await wire.next(), "430[]");
    wire.send('452-789["message-with-ack",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]', ...BYTES);
    const answer = '462-789[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]';
    assert.deepEqual(await wire.take(3), [answer, ...BYTES]);
  });

  it("asks with an id and takes the acknowledgement", async () => {
    const wire = await joined();
    wire.send('42["emit-with-ack","q"]');
    const [, id] = /^42(\d+)\["emit-with-ack","q"\]$/.exec(await wire.next());
    wire.send(`43${id}["a"]`);
    assert.equal(await wire.next(), '42["emit-with-ack","a"]');
  });

  it("does not mind an acknowledgement that nobody waits for, or one given twice", async () => {
    const wire = await joined();
    wire.send('4399["a"]', "43100[]");
    wire.send('42["message",1]');
    assert.equal(await wire.next(), '42["message-back",1]');
  });

  it("keeps namespaces of one connection apart", async () => {
    const wire = await joined();
    wire.send("40/custom");
    await wire.take(2);
    wire.send('42/custom,["message","c"]', '42["message","m"]', '42/custom,7["message-with-ack","c"]');
    const answers = ['42/custom,["message-back","c"]', '42["message-back","m"]', '43/custom,7["c"]'];
    assert.deepEqual(await wire.take(3), answers);
  });

  it("ignores an event that has no handler", async () => {
    const wire = await joined();
    wire.send('42["nobody listens",1]', '42["message",1]');
    assert.equal(await wire.next(), '42["message-back",1]');
  });

  async function echoes(sent, expected) {
    const wire = await joined();
    wire.send(`42${sent}`);
    assert.equal(await wire.next(), `42${expected}`);
  }
}

function disconnects() {
  it("leaves one namespace and keeps the other, either way round", async () => {
    for (const [left, kept] of [["", "/custom,"], ["/custom,", ""]]) {
      const wire = await joined();
      wire.send("40/custom");
      await wire.take(2);
      wire.send(`41${left}`, `42${kept}["message","kept"]`);
      assert.equal(await wire.next(), `42${kept}["message-back","kept"]`);
    }
  });

  it("may join again after it left", async () => {
    const wire = await joined();
    wire.send("41", "40/custom");
    await wire.take(2);
    wire.send("40");
    assert.match(await wire.next(), /^40\{"sid":/);
  });

  it("tells the client when the server puts it out of a namespace", async () => {
    const wire = await joined();
    wire.send("40/custom");
    await wire.take(2);
    wire.send('42/custom,["leave-ns"]');
    assert.match(await wire.next(), /^41\/custom,?$/);
    wire.send('42["message",1]');
    assert.equal(await wire.next(), '42["message-back",1]');
  });
}

function malformed() {
  const frames = {
    "an unknown packet type": ["4abc"],
    "an empty packet": ["4"],
    "an event whose payload is an object": ["42{}"],
    "an event whose payload is cut off": ['42["message"'],
    "an event without a name": ["42[]"],
    "an event whose name is an object": ["42[{}]"],
    "an event with a reserved name": ['42["disconnect"]'],
    "an acknowledgement id that is no number": ['42abc["message-with-ack",1]'],
    "an acknowledgement without arguments": ["431{}"],
    "a refusal, which is the server's to say": ['44{"message":"x"}'],
    "joining the same namespace twice": ["40"],
    "a count of attachments that is no number": ['45x-["message"]'],
    "text while attachments are owed": ['451-["message",{"_placeholder":true,"num":0}]', '42["message"]'],
    "bytes while none are owed": [BYTES[0]],
    "a placeholder beyond the attachments": ['451-["message",{"_placeholder":true,"num":1}]', BYTES[0]],
    "more attachments than allowed": [`45100000-["message",{"_placeholder":true,"num":0}]`],
  };
  for (const [what, sent] of Object.entries(frames)) {
    it(`ends at ${what}, and hurts nobody else`, async () => {
      const [wire, other] = [await joined(), await joined()];
      wire.send(...sent);
      await wire.closed();
      assert.equal(wire.unread(), 0, "nothing is answered");
      other.send('42["message","unharmed"]');
      assert.equal(await other.next(), '42["message-back","unharmed"]');
    });
  }

  for (const payload of ["[]", '"abc"', "{"]) {
    it(`ends at joining with the payload ${payload}`, async () => {
      const wire = await greeted();
      wire.send(`40${payload}`);
      await wire.closed();
      assert.equal(wire.unread(), 0);
    });
  }

  it("ends at an event before anything is joined", async () => {
    const wire = await greeted();
    wire.send('42["message"]');
    await wire.closed();
    assert.equal(wire.unread(), 0);
  });

  it("answers no event for a namespace that it is not in", async () => {
    const wire = await joined();
    wire.send('42/custom,7["message-with-ack"]', '42["message",1]');
    // A client that was put out a moment ago cannot know; the oracle ends the connection all the same.
    const answer = await Promise.race([wire.next(), wire.closed()]);
    assert.deepEqual(answer, REFERENCE ? { code: 1005 } : '42["message-back",1]');
  });

  // The oracle dies of it.
  if (!REFERENCE) it("survives nesting that is meant to overflow a stack", async () => {
    const wire = await joined();
    wire.send(`42["message",${"[".repeat(200_000)}${"]".repeat(200_000)}]`);
    await Promise.race([wire.next(), wire.closed()]);
    const other = await joined();
    other.send('42["message","unharmed"]');
    assert.equal(await other.next(), '42["message-back","unharmed"]');
  });
}

function protocol4() {
  const open = async () => {
    const wire = await Wire.open(server.url, 3, "/socket.io/");
    wires.push(wire);
    assert.equal(await wire.next(), "40", "the main namespace is joined without asking");
    assert.equal(await wire.next(), '42["auth",{}]');
    return wire;
  };

  it("joins a namespace with a query, and hands errors over bare", async () => {
    const wire = await open();
    wire.send("40/guarded?token=letmein&more=1,");
    assert.match(await wire.next(), /^40\/guarded,?$/);
    const [, auth] = JSON.parse((await wire.next()).slice("42/guarded,".length));
    assert.deepEqual(auth, { token: "letmein", more: "1" });
    const other = await open();
    other.send("40/guarded?token=no");
    assert.equal(await other.next(), '44/guarded,{"reason":"bad token"}');
  });

  it("acknowledges and carries attachments behind a type byte", async () => {
    const wire = await open();
    wire.send('451-0["message-with-ack",{"_placeholder":true,"num":0}]', Uint8Array.from([4, 9, 8]));
    assert.deepEqual(await wire.take(2), ['461-0[{"_placeholder":true,"num":0}]', Uint8Array.from([4, 9, 8])]);
  });

  it("ends at malformed packets", async () => {
    for (const frame of ["4abc", "42{}", '42abc["message"]']) {
      const wire = await open();
      wire.send(frame);
      await wire.closed();
      assert.equal(wire.unread(), 0);
    }
  });
}

/** A WebSocket that has heard the Engine.IO handshake and no more. */
async function greeted(from = server) {
  const wire = await Wire.open(from.url, 4, "/socket.io/");
  wires.push(wire);
  return wire;
}

/** One that is in the main namespace and has read its greeting. */
async function joined() {
  const wire = await greeted();
  wire.send("40");
  await wire.take(2);
  return wire;
}
