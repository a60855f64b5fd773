// What a site can configure for its pages: pushes under other names, signed cookies, a cookie for balancers; and what
// a connection may not do to others.

import assert from "node:assert/strict";
import { createHmac, randomBytes } from "node:crypto";
import { createRequire } from "node:module";
import { after, before, describe, it } from "node:test";
import { startImserver } from "../lib/server.js";

const require = createRequire(import.meta.url);
const { io } = require("socket.io-client-4");
const { io: io2 } = { io: require("socket.io-client-2") };

const CONFIG = `
[events]
exchange_by_name = true
exchange_to_all = ["群聊"]
deny_by_name = true
[[rooms]]
room = "7001"
members = ["m7", "8"]
`;

describe("pages that listen to other names", () => {
  let server;
  const sockets = [];
  before(async () => (server = await startImserver({ config: CONFIG })));
  after(async () => {
    sockets.forEach((socket) => socket.close());
    await server.stop();
  });

  async function open(userId) {
    const socket = io(server.url, { auth: { userId }, forceNew: true, reconnection: false });
    sockets.push(socket);
    await once(socket, "init");
    return socket;
  }

  it("hear an exchange under the receiver's socket id", async () => {
    const [from, to] = [await open("8"), await open("m7")];
    const [plain, named] = [once(to, "exchange"), once(to, to.id)];
    assert.equal((await from.emitWithAck("exchange", { target: to.id, payload: { text: "你好" } })).ok, true);
    assert.deepEqual((await named).data, { action: "exchange", payload: { text: "你好" } });
    assert.deepEqual(await named, await plain);
  });

  it("hear an exchange under the room's name", async () => {
    const [from, to] = [await open("8"), await open("m7")];
    for (const socket of [from, to]) assert.equal((await socket.emitWithAck("join", { room: "7001" })).ok, true);
    const named = once(to, "7001");
    await from.emitWithAck("exchange", { target: "7001", payload: 1 });
    assert.equal((await named).meta.client, from.id);
  });

  it("reach everybody through a configured target", async () => {
    const all = [await open("8"), await open("m7"), await open("1024")];
    const heard = all.slice(1).map((socket) => once(socket, "群聊"));
    assert.equal((await all[0].emitWithAck("exchange", { target: "群聊", payload: "大家好" })).ok, true);
    for (const event of await Promise.all(heard)) assert.equal(event.data.payload, "大家好");
  });

  it("hear a deny under their socket id", async () => {
    const socket = await open("9");
    const named = once(socket, socket.id);
    const gone = once(socket, "disconnect");
    socket.emit("join", { room: "7001" });
    const { data } = await named;
    assert.equal(data.action, "deny");
    assert.equal(data.payload.type, "deny");
    assert.equal(await gone, "io server disconnect");
  });

  it("are told why and disconnected in the middle of an upgrade, too", async () => {
    for (let round = 0; round < 25; round++) {
      const socket = io(server.url, { auth: { userId: "9" }, forceNew: true, reconnection: false });
      sockets.push(socket);
      const [denied, gone] = [once(socket, "deny"), once(socket, "disconnect")];
      // Sent as early as can be: the upgrade is under way by then, or just about to be.
      socket.once("init", () => socket.emit("join", { room: "7001" }));
      assert.equal((await denied).code, "forbidden");
      assert.equal(await gone, "io server disconnect");
    }
  });

  it("are closed when they knock over and over", async () => {
    const socket = io(server.url, { auth: { userId: "8" }, forceNew: true, reconnection: false });
    sockets.push(socket);
    await once(socket, "init");
    const closed = new Promise((done) => socket.io.engine.once("close", done));
    for (let tries = 0; tries < 100; tries++) socket.io.engine.write('0/nowhere,{"userId":"8"}');
    await closed;
    assert.equal((await open("m7")).connected, true);
  });
});

describe("cookies", () => {
  const [token, cookie] = [randomBytes(32).toString("hex"), randomBytes(32).toString("hex")];
  let server;
  before(async () => {
    const settings = { IM__AUTH__MODE: "token", IM__AUTH__SECRET: token, IM__AUTH__COOKIE__SIGNED: "true" };
    const more = { IM__AUTH__COOKIE__SECRET: cookie, IM__ENGINE__COOKIE__NAME: "io" };
    server = await startImserver({ settings: { ...settings, ...more, IM__ENGINE__CORS__ORIGINS: "https://a.example" } });
  });
  after(() => server.stop());

  function connect(headers) {
    const socket = io(server.url, { extraHeaders: headers, forceNew: true, reconnection: false, transports: ["polling"] });
    return new Promise((done) => {
      socket.once("init", ({ user }) => done({ user, close: socket.close() }));
      socket.once("connect_error", ({ message, data }) => done({ message, data, close: socket.close() }));
    });
  }

  const signed = (value, key) => `${value}.${createHmac("sha256", key).update(value).digest("base64url")}`;

  it("log in when they are signed, and not when they are plain or forged", async () => {
    const good = jwt({ sub: "8", exp: 4e9 }, token);
    assert.equal((await connect({ cookie: `im_token=${signed(good, cookie)}` })).user, "8");
    for (const bad of [good, signed(good, "another key")]) {
      assert.equal((await connect({ cookie: `im_token=${bad}` })).data.code, "unauthorized");
    }
  });

  it("do not count for a page of another origin that may not bring credentials", async () => {
    const good = `im_token=${signed(jwt({ sub: "8", exp: 4e9 }, token), cookie)}`;
    const { data } = await connect({ cookie: good, origin: "https://a.example" });
    assert.equal(data.code, "unauthorized");
  });

  it("name the session for a balancer", async () => {
    const answer = await fetch(`${server.url}/socket.io/?EIO=4&transport=polling`);
    const { sid } = JSON.parse((await answer.text()).slice(1));
    assert.equal(answer.headers.get("set-cookie"), `io=${sid}; Path=/; SameSite=Lax; HttpOnly`);
  });

  it("of an old client count in its handshake only, since others see its session's id", async () => {
    const stranger = io2(server.url, { forceNew: true, reconnection: false, transports: ["websocket"] });
    const refused = await once(stranger, "error");
    assert.equal(refused.code, "unauthorized");
    const socket = stranger.io.socket("/", { query: `token=${jwt({ sub: "8", exp: 4e9 }, token)}` });
    const outcome = new Promise((done) => socket.once("error", done).once("init", done));
    socket.connect();
    stranger.io.packet({ type: 0, nsp: "/", query: `token=${jwt({ sub: "8", exp: 4e9 }, token)}` });
    assert.equal((await outcome).code, "unauthorized");
    stranger.close();
  });
});

function jwt(claims, secret) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const signedPart = `${part({ alg: "HS256", typ: "JWT" })}.${part(claims)}`;
  return `${signedPart}.${createHmac("sha256", secret).update(signedPart).digest("base64url")}`;
}

function once(socket, event) {
  return new Promise((done, fail) => {
    const late = setTimeout(() => fail(new Error(`no ${event}`)), 5_000);
    socket.once(event, (value) => (clearTimeout(late), done(value)));
  });
}
