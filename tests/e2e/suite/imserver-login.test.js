// Site IM: who may connect, and what those are told who may not, in the words that each client generation has for it.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";
import { WebSocket } from "ws";
import { SOCKET_ROWS, hasAuth } from "../lib/clients.js";
import { Polling } from "../lib/raw.js";
import { startImserver } from "../lib/server.js";
import { EVERY_CLIENT, EVERY_GENERATION, Windows, freshSecret, token } from "../lib/site.js";
import { check } from "../lib/tally.js";

const IN_AN_HOUR = Math.floor(Date.now() / 1000) + 3600;
const AN_HOUR_AGO = IN_AN_HOUR - 7200;
const MODERN = { generation: 4, transport: "websocket" };
const secret = freshSecret();
const tokenMode = { IM__AUTH__MODE: "token", IM__AUTH__SECRET: secret };

let dev;
let real;
let current;
const windows = new Windows(() => current.url);
before(async () => {
  dev = await startImserver();
  real = await startImserver({ settings: { ...tokenMode, IM__INTERNAL__SECRET: freshSecret() } });
});
after(() => Promise.all([dev.stop(), real.stop()]));
afterEach(() => windows.closeAll());

describe("in dev mode", () => {
  before(() => (current = dev));

  for (const client of EVERY_CLIENT) {
    const row = SOCKET_ROWS[client.generation];
    check(row, client.transport, `a name in the query is enough (${row} over ${client.transport})`, async () => {
      const window = await windows.enter(client, { query: { userId: "hua1024", deviceId: "d1", platform: "wap" } });
      assert.equal(window.init.user, "hua1024");
    });
    check(row, client.transport, `no name is refused with a reason (${row} over ${client.transport})`, async () => {
      await refusedAs("unauthorized", client, {});
    });
  }

  for (const client of EVERY_GENERATION) {
    it(`what is no user key is refused (generation ${client.generation})`, async () => {
      for (const userId of ["no key!", "m", "-7", ""]) await refusedAs("unauthorized", client, { query: { userId } });
    });

    it(`who comes through a proxy is refused (generation ${client.generation})`, async () => {
      const io = { extraHeaders: { "x-forwarded-for": "203.0.113.7" } };
      const given = { ...client, transport: "websocket" };
      await refusedAs("forbidden", given, { query: { userId: "m7" }, io });
    });
  }

  it("a page of another origin cannot connect, one of our own can", async () => {
    const opens = (origin) => {
      const url = `${dev.url.replace("http", "ws")}/socket.io/?EIO=4&transport=websocket&userId=m7`;
      const socket = new WebSocket(url, { headers: { origin } });
      return new Promise((done) => {
        socket.on("open", () => done(true)).on("error", () => done(false));
      }).finally(() => socket.terminate());
    };
    assert.equal(await opens("http://evil.example"), false);
    assert.equal(await opens("null"), false);
    assert.equal(await opens(dev.url), true);
    const response = await new Polling(dev.url, 4, "/socket.io/").get({ headers: { origin: "http://evil.example" } });
    assert.equal(response.headers.get("access-control-allow-origin"), null);
  });
});

describe("in token mode", () => {
  before(() => (current = real));
  const claims = { sub: "m7", role: "merchant", exp: IN_AN_HOUR };
  const good = token(claims, secret);

  for (const client of EVERY_CLIENT) {
    const row = SOCKET_ROWS[client.generation];
    check(row, client.transport, `a token counts wherever it may stand (${row} over ${client.transport})`, async () => {
      const places = [{ query: { token: good } }, { io: headers({ authorization: `Bearer ${good}` }) }];
      places.push({ io: headers({ cookie: `other=1; im_token=${good}` }) });
      if (hasAuth(client.generation)) places.push({ auth: { token: good } });
      for (const options of places) {
        const window = await windows.enter(client, options);
        assert.equal(window.init.user, "m7", Object.keys(options).join());
      }
    });

    check(row, client.transport, `a bad token is refused with a reason (${row} over ${client.transport})`, async () => {
      await refusedAs("unauthorized", client, { query: { token: token(claims, freshSecret()) } });
      if (hasAuth(client.generation)) await refusedAs("unauthorized", client, { auth: { token: "nonsense" } });
    });
  }

  const bad = {
    "none at all": undefined,
    "one that expired": token({ ...claims, exp: AN_HOUR_AGO }, secret),
    "one without an end": token({ sub: "m7", role: "merchant" }, secret),
    "one that is not signed": `${token(claims, secret, { alg: "none" }).split(".").slice(0, 2).join(".")}.`,
    "one that says it is not signed": token(claims, secret, { alg: "none" }),
    "one of another algorithm": token(claims, secret, { alg: "HS512" }),
    "one for what is no user": token({ ...claims, sub: "nobody!" }, secret),
    "one of an agent without a shop": token({ ...claims, role: "agent" }, secret),
    "one of an unknown role": token({ ...claims, role: "emperor" }, secret),
    "a user's name, as in dev mode": "m7",
  };
  for (const [what, given] of Object.entries(bad)) {
    it(`${what} is refused`, async () => {
      const query = given === undefined ? { userId: "m7" } : { token: given, userId: "m7" };
      for (const client of EVERY_GENERATION) await refusedAs("unauthorized", client, { query });
    });
  }

  it("who is refused may come again with a good token on the same connection", async () => {
    const { peer, outcome } = await windows.attempt(MODERN, { auth: { token: "bad" } });
    assert.ok(outcome.refused);
    await peer.retry("/", { token: good });
    assert.ok((await peer.on("/", "outcome")).id);
    assert.equal((await peer.on("/", "next", "init"))[0].user, "m7");
  });

  it("an agent with a shop is let in", async () => {
    const agent = token({ ...claims, sub: "m8", role: "agent", shop: "s1" }, secret);
    const window = await windows.enter(MODERN, { auth: { token: agent } });
    assert.equal(window.init.user, "m8");
  });

  it("a session of a client 1.x or 2.x, whose id others can see, belongs to the credential that began it", async () => {
    const session = await Polling.open(real.url, 3, "/socket.io/", { token: good });
    const { sid } = session.handshake;
    const other = token({ ...claims, sub: "8", role: "buyer" }, secret);
    for (const query of [{ sid }, { sid, token: other }]) {
      const foreign = new Polling(real.url, 3, "/socket.io/", query);
      assert.equal((await foreign.get()).status, 403);
      assert.equal(await foreign.post('42["typing",{}]'), 403);
      assert.notEqual(await foreign.webSocket().opened(), true);
    }
    assert.equal(await session.post('420["getPresence",{"user_ids":[]}]'), 200, "its owner goes on");
    const packets = [];
    while (!packets.includes('430[{"ok":true,"users":[]}]')) packets.push(...(await session.poll()));
    assert.equal(packets[0], "40");
  });

  it("a buyer reaches shops and not other buyers", async () => {
    const person = (sub, role) => {
      return windows.enter(MODERN, { auth: { token: token({ sub, role, exp: IN_AN_HOUR }, secret) } });
    };
    const [buyer, other] = [await person("8", "buyer"), await person("9", "buyer")];
    const merchant = await person("m7", "merchant");
    await buyer.asked("exchange", { target: "user:m7", payload: "hello" });
    assert.equal((await merchant.next("exchange")).data.payload, "hello");
    await merchant.asked("exchange", { target: "user:8", payload: "welcome" });
    await buyer.refused("exchange", { target: "user:9", payload: "psst" }, "forbidden");
    await buyer.refused("typing", { to_user_id: "9", on: true }, "forbidden");
    await buyer.refused("getPresence", { user_ids: ["9"] }, "forbidden");
    await other.settle();
    assert.equal((await other.waiting("exchange")) + (await other.waiting("typingPush")), 0);
  });

  it("the back ends' door wants their secret", async () => {
    const put = (given) => {
      const init = { method: "PUT", body: '{"members":[]}', headers: { "content-type": "application/json", ...given } };
      return fetch(`${real.address("internal")}/internal/v1/rooms/1`, init);
    };
    assert.equal((await put({})).status, 401);
    assert.equal((await put({ authorization: `Bearer ${freshSecret()}` })).status, 401);
    assert.equal((await put({ authorization: `Bearer ${good}` })).status, 401);
  });
});

describe("site IM does not start", () => {
  const refuses = async (settings, sentence, listen) => {
    await assert.rejects(startImserver({ settings, listen }), (error) => {
      assert.match(error.message, sentence);
      return true;
    });
  };

  it("in token mode without a secret, with a short one, or with a published one", async () => {
    const mode = { IM__AUTH__MODE: "token", IM__INTERNAL__SECRET: freshSecret() };
    await refuses({ ...mode, IM__AUTH__SECRET: "" }, /secret/);
    await refuses({ ...mode, IM__AUTH__SECRET: "short" }, /32 bytes/);
    await refuses({ ...mode, IM__AUTH__SECRET: "changeme".repeat(5) }, /secret/);
  });

  it("in dev mode where others could reach it", async () => {
    await refuses({}, /others can reach/, "0.0.0.0:0");
  });
});

/** Tries to connect; must be refused with this code and a sentence that can be shown. */
async function refusedAs(code, client, options) {
  const { outcome } = await windows.attempt(client, options);
  assert.ok(outcome.refused, `let in with ${JSON.stringify(options)}`);
  const { message, data } = outcome.refused;
  assert.equal(data?.code, code, JSON.stringify(outcome.refused));
  assert.match(data.message, /\w+ \w+/);
  if (hasAuth(client.generation)) assert.equal(message, data.message);
}

/** Request headers, as far as Node's clients take them. */
function headers(given) {
  const each = { extraHeaders: given };
  return { ...each, transportOptions: { polling: each, websocket: each } };
}
