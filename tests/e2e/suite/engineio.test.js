// What the conformance checks of Engine.IO 3 and 4 ask for, by hand: handshakes, refusals, messages, endings.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { eventually } from "../lib/eventually.js";
import { Polling, Wire } from "../lib/raw.js";
import { REFERENCE, startEcho } from "../lib/server.js";

const MAX_PAYLOAD = 10_000;
const ORIGIN = "http://pages.example";
let server;
let onlyRevision4;

before(async () => {
  const flags = { "max-payload": MAX_PAYLOAD, "cors-origin": ORIGIN };
  server = await startEcho(flags);
  onlyRevision4 = await startEcho({ ...flags, "no-eio3": true });
});
after(() => Promise.all([server.stop(), onlyRevision4.stop()]));

for (const revision of [3, 4]) {
  const open = (query) => Polling.open(server.url, revision, "/engine.io/", query);
  const wire = (query) => Wire.open(server.url, revision, "/engine.io/", query);
  describe(`Engine.IO ${revision} handshake`, () => handshake(revision, open, wire));
  describe(`Engine.IO ${revision} messages`, () => messages(revision, open, wire));
  describe(`Engine.IO ${revision} endings`, () => endings(revision, open, wire));
}
describe("Engine.IO 3 payloads", payloadsOfRevision3);

describe("requests of no known revision", () => {
  // The oracle takes every other value for revision 3 unless that is switched off.
  const bases = () => (REFERENCE ? [onlyRevision4.url] : [server.url, onlyRevision4.url]);
  for (const EIO of [undefined, "abc", "5", "-1"]) {
    it(`refuses EIO=${EIO} on polling and WebSocket`, async () => {
      for (const base of bases()) {
        await refused(new Polling(base, 4, "/engine.io/", { EIO }), {}, 5);
        await neverGreeted(new Wire(base, 4, "/engine.io/", { EIO }));
      }
    });
  }

  it("refuses revision 3 where it is switched off", async () => {
    await refused(new Polling(onlyRevision4.url, 3), {}, 5);
    await neverGreeted(new Wire(onlyRevision4.url, 3));
  });
});

function handshake(revision, open, wire) {
  const begin = (query) => new Polling(server.url, revision, "/engine.io/", query);

  it("offers the upgrade and tells its times on polling", async () => {
    const response = await begin().get();
    assert.match(response.headers.get("content-type"), /^text\/plain; ?charset=utf-8$/i);
    const { handshake: told } = await open();
    assert.equal(typeof told.sid, "string");
    assert.deepEqual(told.upgrades, ["websocket"]);
    assert.deepEqual([told.pingInterval, told.pingTimeout], [25_000, 10_000]);
    if (revision === 4) assert.equal(told.maxPayload, MAX_PAYLOAD);
  });

  it("offers no upgrade on WebSocket", async () => {
    const socket = await wire();
    assert.deepEqual(socket.handshake.upgrades, []);
    socket.close();
  });

  it("gives every session another id", async () => {
    const ids = await Promise.all(Array.from({ length: 20 }, async () => (await open()).handshake.sid));
    assert.equal(new Set(ids).size, 20);
  });

  for (const transport of [undefined, "abc", "__proto__"]) {
    it(`refuses transport=${transport}`, () => refused(begin({ transport }), {}, 0));
  }
  for (const method of ["POST", "PUT", "DELETE"]) {
    it(`refuses to begin with ${method}`, () => refused(begin(), { method }, 2));
  }
  it("refuses an unknown session", async () => {
    await refused(begin({ sid: "abc" }), {}, 1);
    await refused(begin({ sid: "abc" }), { method: "POST", body: "4x" }, 1);
    await neverGreeted(new Wire(server.url, revision, "/engine.io/", { sid: "abc" }));
  });
  it("refuses polling on a session that is a WebSocket", async () => {
    const socket = await wire();
    await refused(begin({ sid: socket.handshake.sid }), {}, 3);
    socket.send("4still there");
    assert.equal(await socket.next(), "4still there");
    socket.close();
  });
  it("refuses what the application denies with 403", async () => {
    await refused(begin({ deny: "1" }), {}, 4, 403);
    await neverGreeted(new Wire(server.url, revision, "/engine.io/", { deny: "1" }));
  });

  it("lets pages of the allowed origin read answers, errors too, and no others", async () => {
    for (const query of [{}, { sid: "abc" }]) {
      const allowed = await begin(query).get({ headers: { origin: ORIGIN } });
      assert.equal(allowed.headers.get("access-control-allow-origin"), ORIGIN);
      assert.equal(allowed.headers.get("access-control-allow-credentials"), "true");
      const foreign = await begin(query).get({ headers: { origin: "http://evil.example" } });
      assert.notEqual(foreign.headers.get("access-control-allow-origin"), "http://evil.example");
      assert.notEqual(foreign.headers.get("access-control-allow-origin"), "*");
    }
  });

  it("answers a browser's preflight", async () => {
    const asks = { "access-control-request-method": "POST", "access-control-request-headers": "x-y" };
    const headers = { origin: ORIGIN, ...asks };
    const response = await begin({ sid: "any" }).get({ method: "OPTIONS", headers });
    assert.ok(response.ok, `status ${response.status}`);
    assert.equal(response.headers.get("access-control-allow-origin"), ORIGIN);
    assert.match(response.headers.get("access-control-allow-methods") ?? "", /POST/);
  });
}

function messages(revision, open, wire) {
  it("echoes packets of one body one by one, in order, on polling", async () => {
    const polling = await open({ b64: "1" });
    assert.equal(await polling.post("4one", "4", "4three 你好 😀"), 200);
    const echoed = [];
    while (echoed.length < 3) echoed.push(...(await polling.poll()));
    assert.deepEqual(echoed, ["4one", "4", "4three 你好 😀"]);
  });

  it("answers a GET that waits as soon as there is something", async () => {
    const polling = await open();
    const held = await polling.heldPoll();
    assert.equal(await polling.post("4now"), 200);
    assert.deepEqual(await held.packets, ["4now"]);
  });

  it("answers a POST with ok", async () => {
    const polling = await open();
    assert.equal(await (await polling.postBody(polling.codec.pack("4x"))).text(), "ok");
  });

  it("echoes base64 on polling", async () => {
    const packet = revision === 4 ? "bAQIDBA==" : "b4AQIDBA==";
    const polling = await open({ b64: "1" });
    assert.equal(await polling.post("4a", packet), 200);
    const echoed = [];
    while (echoed.length < 2) echoed.push(...(await polling.poll()));
    assert.deepEqual(echoed, ["4a", packet]);
  });

  it("echoes text and bytes on WebSocket", async () => {
    const socket = await wire();
    const bytes = Uint8Array.from(revision === 4 ? [0, 4, 255] : [4, 0, 4, 255]);
    socket.send("4hello", bytes, "4你好 😀");
    assert.deepEqual(await socket.take(3), ["4hello", bytes, "4你好 😀"]);
    socket.close();
  });

  it("takes exactly the largest payload and no more", async () => {
    const polling = await open();
    const frame = polling.codec.pack("4").length + (revision === 3 ? 3 : 0);
    const largest = `4${"x".repeat(MAX_PAYLOAD - frame)}`;
    assert.equal(polling.codec.pack(largest).length, MAX_PAYLOAD);
    assert.equal(await polling.post(largest), 200);
    assert.deepEqual(await polling.poll(), [largest]);
    assert.ok([413, "closed"].includes(await polling.post(`${largest}x`)));

    const socket = await wire();
    socket.send(`4${"x".repeat(MAX_PAYLOAD - 1)}`);
    assert.equal((await socket.next()).length, MAX_PAYLOAD);
    socket.send(`4${"x".repeat(MAX_PAYLOAD)}`);
    assert.deepEqual(await socket.closed(), { code: 1009 });
  });

  it("stops a body that does not say its length at the limit", async () => {
    const polling = await open();
    const pieces = async function* () {
      for (let i = 0; i < 30; i++) yield Buffer.from("4".padEnd(1000, "x"));
    };
    const posted = fetch(polling.url(), { method: "POST", body: pieces(), duplex: "half" }).then(
      (response) => response.status,
      () => "closed",
    );
    assert.ok([413, 400, "closed"].includes(await posted));
  });
}

function endings(revision, open, wire) {
  it("ends a polling session upon a malformed body", async () => {
    const polling = await open();
    const status = await polling.postBody("abc").then((response) => response.status);
    if (!REFERENCE) assert.equal(status, 400, "the oracle says ok and closes all the same");
    await gone(polling);
  });

  it("ends a WebSocket upon a malformed frame", async () => {
    const socket = await wire();
    socket.send("abc");
    await socket.closed();
    await gone(new Polling(server.url, revision, "/engine.io/", { sid: socket.handshake.sid }));
  });

  it("ends the session when two GETs overlap", async () => {
    const polling = await open();
    const [first, second] = await Promise.all([polling.get(), polling.get()]);
    const [answered, other] = first.status === 200 ? [first, second] : [second, first];
    assert.equal(answered.status, 200);
    assert.ok(other.status === 400 || (REFERENCE && other.status === 500), `status ${other.status}`);
    assert.deepEqual(polling.codec.unpack(await answered.text()), ["1"]);
    await gone(polling);
  });

  it("ends the session when a GET is given up", async () => {
    // On Socket.IO, because an event that nobody handles asks whether a session lives and draws no answer.
    const polling = await Polling.open(server.url, revision, "/socket.io/");
    if (revision === 4) await polling.post("40");
    for (let packets = []; !packets.includes('42["auth",{}]'); ) packets = await polling.poll();
    await polling.abortedGet();
    await eventually("the session is unknown", async () => (await polling.post('42["nobody listens"]')) === 400);
  });

  it("frees the GET that waits when the client says goodbye", async () => {
    const polling = await open();
    const held = await polling.heldPoll();
    assert.equal(await polling.post("1"), 200);
    assert.deepEqual(await held.packets, ["6"]);
    await gone(polling);
  });

  // The oracle leaves that to the closing of the WebSocket itself.
  if (!REFERENCE) {
    it("closes the WebSocket when the client says goodbye", async () => {
      const socket = await wire();
      socket.send("1");
      await socket.closed();
    });
  }
}

function payloadsOfRevision3() {
  const open = (query) => Polling.open(server.url, 3, "/engine.io/", query);

  it("counts UTF-16 units in text payloads", async () => {
    const polling = await open();
    assert.equal((await polling.postBody("3:4😀5:4你好😀")).status, 200);
    const echoed = [];
    while (echoed.length < 2) echoed.push(...(await polling.poll()));
    assert.deepEqual(echoed, ["4😀", "4你好😀"]);
  });

  it("takes and gives the binary form, whose lengths count bytes", async () => {
    const polling = await open();
    const waiting = polling.get();
    const text = Buffer.from("4你");
    const body = Buffer.concat([Buffer.from([0, text.length, 255]), text, Buffer.from([1, 3, 255, 4, 0, 200])]);
    assert.equal((await polling.postBody(body, "application/octet-stream")).status, 200);
    const seen = [];
    for (let response = await waiting; ; response = await polling.get()) {
      const bytes = new Uint8Array(await response.arrayBuffer());
      const octets = response.headers.get("content-type") === "application/octet-stream";
      seen.push(...(octets ? binaryPackets(bytes) : polling.codec.unpack(Buffer.from(bytes).toString())));
      if (seen.length === 2) break;
    }
    assert.deepEqual(seen, ["4你", Uint8Array.from([4, 0, 200])]);
  });

  it("gives base64 to who asked for it", async () => {
    const polling = await open({ b64: "1" });
    await polling.postBody(Buffer.from([1, 3, 255, 4, 1, 2]), "application/octet-stream");
    assert.deepEqual(await polling.poll(), ["b4AQI="]);
  });

  it("wraps answers for JSONP and reads its forms", async () => {
    const polling = new Polling(server.url, 3, "/engine.io/", { j: "7" });
    const script = async () => {
      const response = await polling.get();
      assert.match(response.headers.get("content-type"), /^text\/(javascript|plain); ?charset=utf-8/i);
      const [, literal] = /^___eio\[7\]\((.*)\);$/s.exec(await response.text());
      return polling.codec.unpack(JSON.parse(literal));
    };
    const [open_] = await script();
    polling.query.sid = JSON.parse(open_.slice(1)).sid;
    const message = `4a line end \n, an escaped one \\n, \u2028 </script> "你"`;
    // As the clients do: a backslash with an n gets another backslash, then a line end becomes a backslash with an n.
    const d = polling.codec.pack(message).replaceAll("\\n", "\\\\n").replaceAll("\n", "\\n");
    const form = new URLSearchParams({ d }).toString();
    assert.equal((await polling.postBody(form, "application/x-www-form-urlencoded")).status, 200);
    assert.deepEqual(await script(), [message]);
  });
}

async function refused(polling, options, code, status = 400) {
  const response = await polling.get(options);
  assert.equal(response.status, status);
  assert.match(response.headers.get("content-type"), /^application\/json/);
  const body = await response.json();
  assert.equal(body.code, code);
  assert.equal(typeof body.message, "string");
}

/** Refused before the WebSocket is made, or closed without a word. */
async function neverGreeted(wire) {
  if ((await wire.opened()) === true) await wire.closed();
  assert.equal(wire.unread(), 0);
}

async function gone(polling) {
  assert.deepEqual(await polling.poll(), { status: 400 });
}

/** Packets of the binary payload form: 0 text or 1 bytes, the digits of the length, 255, the packet. */
function binaryPackets(body) {
  const packets = [];
  for (let at = 0; at < body.length; ) {
    const end = body.indexOf(255, at);
    const length = Number(body.slice(at + 1, end).join(""));
    const packet = body.slice(end + 1, end + 1 + length);
    packets.push(body[at] === 0 ? Buffer.from(packet).toString() : packet);
    at = end + 1 + length;
  }
  return packets;
}
