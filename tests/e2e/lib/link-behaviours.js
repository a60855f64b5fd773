// What a link tells of a connection, on real Socket.IO servers that refuse, break, close and talk nonsense.

import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { Session } from "../../../imserver/web/client/session.js";
import { eventually } from "./eventually.js";
import { LIMIT_MS } from "./inbox.js";
import { io, openLink, startIo, startRefusing } from "./told.js";

const NOBODY = "http://127.0.0.1:1";

export function linkBehaviours() {
  const open = [];
  afterEach(() => Promise.all(open.splice(0).map((end) => end())));

  /** A server and a link to it, both ended after the test. */
  async function linked(server, where = {}) {
    const { url } = await serve(server);
    const opened = openLink({ url, ...where });
    open.unshift(() => opened.link.close());
    return opened;
  }

  async function serve(server) {
    const served = await server;
    open.push(() => served.stop());
    return served;
  }

  /** Nothing is told after the end. */
  async function isOver({ inbox, link }) {
    assert.equal(link.isOver, true);
    await new Promise((wait) => setTimeout(wait, 30));
    assert.deepEqual(["init", "event", "lost", "refused"].map((name) => inbox.count(name)), [0, 0, 0, 0]);
  }

  /** A server that refuses everyone with this. */
  const refusing = (error, data) => startIo({
    prepare: (server) => server.use((socket, next) => next(Object.assign(new Error(error), { data }))),
  });

  describe("a link", () => {
    it("says who it is, hears init and events, and has requests answered", async () => {
      const asked = [];
      const opened = await linked(startIo({
        options: { path: "/elsewhere/" },
        arrive: (socket) => {
          socket.emit("init", { user: socket.handshake.auth.userId });
          socket.on("sync", (payload, answer) => answer({ ok: true, payload }));
          socket.on("typing", (payload) => asked.push(payload));
          for (const payload of [[{ a: 1 }], [], [null], ["text", "more"]]) socket.emit("some", ...payload);
        },
      }), { path: "/elsewhere/", auth: { userId: "8" } });
      assert.deepEqual(await opened.inbox.next("init"), { user: "8" });
      assert.equal(opened.link.isOpen, true);
      for (const payload of [{ a: 1 }, null, null, "text"]) assert.deepEqual(await opened.inbox.next("event"), ["some", payload]);
      const answer = await new Promise((answered) => opened.link.request("sync", { v: 1 }, answered));
      assert.deepEqual(answer, { ok: true, payload: { v: 1 } });
      opened.link.hint("typing", { on: true });
      await eventually("the hint", () => asked.length === 1);
      assert.equal(opened.inbox.count("lost"), 0);
    });

    it("tells that something comes, heartbeats too", async () => {
      const { inbox } = await linked(startIo({ options: { pingInterval: 20, pingTimeout: 1_000 } }));
      await inbox.next("init");
      const before = inbox.count("pulse");
      await eventually("pulses", () => inbox.count("pulse") > before + 5);
      assert.equal(inbox.count("event"), 0, "which are no events");
    });

    for (const code of ["unauthorized", "forbidden", "bad_request"]) {
      it(`takes ${code} for final`, async () => {
        const opened = await linked(refusing("ignored", { code, message: "a sentence" }));
        assert.deepEqual(await opened.inbox.next("refused"), { code, message: "a sentence", retry_after_ms: undefined });
        await isOver(opened);
      });
    }

    for (const [name, data, lost] of [
      ["a server that is busy", { code: "unavailable", message: "", retry_after_ms: 1_500 }, { why: "busy", retry_after_ms: 1_500 }],
      ["one that does not say for how long", { code: "rate_limited", message: "" }, { why: "busy", retry_after_ms: undefined }],
      ["one that says nonsense", { code: 7, retry_after_ms: "soon" }, { why: "busy", retry_after_ms: undefined }],
      ["a refusal that is none of the protocol's", undefined, { why: "broken" }],
      ["a refusal in words", "words", { why: "broken" }],
    ]) {
      it(`comes back to ${name}`, async () => {
        const opened = await linked(refusing("no", data));
        assert.deepEqual(await opened.inbox.next("lost"), lost);
        await isOver(opened);
      });
    }

    for (const [status, headers, lost] of [
      [429, { "Retry-After": "3" }, { why: "busy", retry_after_ms: 3_000 }],
      [503, { "Retry-After": "20" }, { why: "busy", retry_after_ms: 20_000 }],
      [503, { "Retry-After": "Fri, 31 Dec 2027 23:59:59 GMT" }, { why: "busy", retry_after_ms: undefined }],
      [503, {}, { why: "busy", retry_after_ms: undefined }],
      [500, { "Retry-After": "3" }, { why: "broken" }],
      [400, {}, { why: "broken" }],
    ]) {
      it(`hears a status of ${status} with ${JSON.stringify(headers)}`, async () => {
        const opened = await linked(startRefusing(status, headers, "<html>"));
        assert.deepEqual(await opened.inbox.next("lost"), lost);
        await isOver(opened);
      });
    }

    for (const [body, message] of [['{"code":4,"message":"this origin may not connect"}', "this origin may not connect"], ["<html>", ""], ["{}", ""]]) {
      it(`takes a status of 403 for final, with ${body}`, async () => {
        const opened = await linked(startRefusing(403, {}, body));
        assert.deepEqual(await opened.inbox.next("refused"), { code: "forbidden", message });
        await isOver(opened);
      });
    }

    it("is broken where nobody answers, or with what is no Socket.IO", async () => {
      const nobody = openLink({ url: NOBODY });
      assert.deepEqual(await nobody.inbox.next("lost"), { why: "broken" });
      const opened = await linked(startRefusing(200, { "content-type": "text/html" }, "<html>please log in</html>"));
      assert.deepEqual(await opened.inbox.next("lost"), { why: "broken" });
    });

    it("stays with polling where no WebSocket can be had", async () => {
      let blocked = 0;
      const opened = await linked(startIo({
        prepare: (server, http) => {
          http.removeAllListeners("upgrade");
          http.on("upgrade", (request, socket) => {
            blocked += 1;
            socket.destroy();
          });
        },
        arrive: (socket) => {
          socket.emit("init", {});
          socket.on("ask", (payload, answer) => answer({ payload, by: socket.conn.transport.name }));
        },
      }));
      await opened.inbox.next("init");
      await eventually("a WebSocket was tried", () => blocked === 1);
      for (let time = 0; time < 3; time += 1) {
        const answer = await new Promise((answered) => opened.link.request("ask", time, answered));
        assert.deepEqual(answer, { payload: time, by: "polling" });
      }
      assert.deepEqual([opened.inbox.count("lost"), blocked], [0, 1]);
    });

    /** Lets a link in, waits until it is on a WebSocket, and does this to that. */
    const onceUpgraded = (act) => startIo({
      arrive: (socket) => {
        const upgraded = () => act(socket.conn.transport.socket, socket);
        socket.emit("init", {});
        if (socket.conn.transport.name === "websocket") upgraded();
        else socket.conn.once("upgrade", upgraded);
      },
    });

    for (const [code, lost] of [
      [4001, { why: "closed", code: 4001 }],
      [4501, { why: "closed", code: 4501 }],
      [1009, { why: "closed", code: 1009 }],
      [1002, { why: "closed", code: 1002 }],
      [1000, { why: "broken" }],
    ]) {
      it(`knows that a WebSocket was closed with ${code}`, async () => {
        const opened = await linked(onceUpgraded((socket) => socket.close(code)));
        await opened.inbox.next("init");
        assert.deepEqual(await opened.inbox.next("lost"), lost);
        await isOver(opened);
      });
    }

    it("knows the code of one that was closed before anything was said", async () => {
      const opened = await linked(startIo({
        prepare: (server) => {
          server.use(() => {});
          server.engine.on("connection", (connection) => setTimeout(() => connection.transport.socket.close(4004), 50));
        },
      }), { transports: ["websocket"] });
      assert.deepEqual(await opened.inbox.next("lost"), { why: "closed", code: 4004 });
      assert.equal(opened.inbox.count("init"), 0);
    });

    it("is broken when the line is cut, or nonsense comes over it", async () => {
      const cut = await linked(onceUpgraded((socket) => socket.terminate()));
      assert.deepEqual(await cut.inbox.next("lost"), { why: "broken" });
      const told = await linked(startIo({ arrive: (socket) => socket.conn.write("9nonsense") }));
      assert.deepEqual(await told.inbox.next("lost"), { why: "broken" });
      await isOver(told);
    });

    it("knows when it was put out", async () => {
      for (const transports of [["polling"], ["websocket"]]) {
        const opened = await linked(startIo({ arrive: (socket) => (socket.emit("deny", {}), socket.disconnect(true)) }), { transports });
        assert.deepEqual(await opened.inbox.next("event"), ["deny", {}]);
        assert.deepEqual(await opened.inbox.next("lost"), { why: "put_out" });
      }
    });

    it("tells nothing once it was closed, and the server knows that it is gone", async () => {
      let socket, left;
      const opened = await linked(startIo({
        arrive: (arrived) => {
          socket = arrived;
          socket.emit("init");
          socket.on("disconnect", (reason) => (left = reason));
        },
      }));
      assert.deepEqual(await opened.inbox.next("init"), {});
      opened.link.close();
      socket.emit("late", {});
      await eventually("it has left", () => left !== undefined);
      await isOver(opened);
    });
  });

  describe("a session on such servers", () => {
    /** A session on this server, with all its states. */
    async function session(server, timing) {
      const { url } = await serve(server);
      const states = [];
      const begun = new Session({ where: { url, io }, timing }).on("state", (state) => states.push(state));
      open.unshift(() => begun.stop());
      begun.start();
      return { begun, states };
    }
    const is = (states, name) => eventually(name, () => states.some((state) => state.name === name), LIMIT_MS);

    it("comes back when it was told to", async () => {
      const began = [];
      const { states } = await session(startIo({
        prepare: (server) => server.use((socket, next) => {
          began.push(performance.now());
          if (began.length > 1) return next();
          next(Object.assign(new Error("full"), { data: { code: "unavailable", message: "", retry_after_ms: 400 } }));
        }),
      }), { firstWaitMs: 10 });
      await is(states, "online");
      assert.deepEqual(states.map((state) => state.name), ["reconnecting", "online"]);
      assert.ok(began[1] - began[0] >= 399, `${began[1] - began[0]} ms`);
    });

    it("ends where it is not believed, and may try again", async () => {
      let isBelieved = false;
      const { begun, states } = await session(startIo({
        prepare: (server) => server.use((socket, next) => {
          next(isBelieved ? undefined : Object.assign(new Error("x"), { data: { code: "unauthorized", message: "expired" } }));
        }),
      }));
      await is(states, "ended");
      assert.deepEqual([states[0].why.kind, states[0].why.code, states[0].why.message], ["refused", "unauthorized", "expired"]);
      isBelieved = true;
      begun.again();
      await is(states, "online");
    });

    it("gives up a server that never says anything, for one that does", async () => {
      let arrived = 0;
      const { states } = await session(startIo({
        arrive: (socket) => (arrived += 1) > 1 && socket.emit("init", { user: "8" }),
      }), { connectMs: 3_000, firstWaitMs: 10 });
      await is(states, "online");
      assert.deepEqual(states.map((state) => [state.name, state.why && state.why.why]), [["reconnecting", "timed_out"], ["online", undefined]]);
    });
  });
}
