// The session of the JavaScript client on scripted links: when it connects, when it gives up, what it keeps of what waits to be
// sent, and what it tells. Time is the test's own.

import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it, mock } from "node:test";
import { linkBehaviours } from "../lib/link-behaviours.js";
import { INIT, begin, start, waitFor } from "../lib/scripted.js";
import { sessionBehaviours } from "../lib/session-behaviours.js";

describe("a session", () => {
  beforeEach(() => mock.timers.enable({ apis: ["setTimeout", "Date"], now: 1_700_000_000_000 }));
  afterEach(() => mock.reset());

  const SENT = { ok: true, message_id: "70000000000", conversation_id: "5", conv_seq: 1, send_time: 9, v: 1 };

  it("comes back after growing waits that are not the same for all", () => {
    const runs = Array.from({ length: 20 }, () => {
      const { links, last } = start();
      const waits = [];
      for (let attempt = 0; attempt < 7; attempt += 1) {
        last().heard.lost({ why: "broken" });
        waits.push(waitFor(links));
      }
      return waits;
    });
    for (const waits of runs) {
      [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000].forEach((most, at) => {
        assert.ok(waits[at] >= most / 2 - 50 && waits[at] <= most + 50, `wait ${at}: ${waits[at]} of ${most}`);
      });
    }
    assert.ok(new Set(runs.map((waits) => waits[5])).size > 5, "scattered");
  });

  it("gives up an attempt that comes to nothing, and a link that is silent longer than the server would be", () => {
    const { links, last, states } = start();
    const first = last();
    waitFor(links, 40_000);
    assert.ok(first.isClosed, "the attempt was given up");
    last().init();
    const second = last();
    for (let pulse = 0; pulse < 5; pulse += 1) {
      mock.timers.tick(30_000);
      second.heard.pulse();
    }
    assert.equal(second.isClosed, false, "it lets itself be heard");
    mock.timers.tick(38_000);
    assert.ok(second.isClosed);
    assert.equal(states.at(-1).name, "reconnecting");
    assert.equal(states.at(-1).why.why, "silent");
  });

  it("tries the old link before a new one when the network is back, and closes the old before it opens the new", () => {
    const signals = new EventTarget();
    const { links, last } = start({ signals });
    last().init();
    const old = last();
    signals.dispatchEvent(new Event("online"));
    assert.equal(old.asked.at(-1).event, "getPresence", "it is asked for a sign of life");
    old.heard.pulse();
    mock.timers.tick(6_000);
    assert.deepEqual([links.length, old.isClosed], [1, false], "it answered, and is kept");
    signals.dispatchEvent(new Event("online"));
    mock.timers.tick(4_900);
    assert.equal(old.isClosed, false);
    mock.timers.tick(1_200);
    assert.deepEqual([links.length, old.isClosed], [2, true]);
  });

  it("does not wait any longer when the network is back", () => {
    const signals = new EventTarget();
    const { links, last } = start({ signals });
    for (let attempt = 0; attempt < 6; attempt += 1) {
      last().heard.lost({ why: "broken" });
      waitFor(links);
    }
    last().heard.lost({ why: "broken" });
    signals.dispatchEvent(new Event("online"));
    mock.timers.tick(50);
    assert.equal(links.length, 8);
  });

  it("stays away as long as the server asked, when it drains or is full", () => {
    const { links, last } = start();
    last().init();
    last().heard.event("drainPush", { retry_after_ms: 4_000 });
    last().heard.lost({ why: "closed", code: 4001 });
    const waited = waitFor(links);
    assert.ok(waited >= 4_000 && waited < 6_000, `${waited}`);
    last().heard.lost({ why: "busy", retry_after_ms: 7_000 });
    assert.ok(waitFor(links) >= 7_000);
  });

  it("stays away for that time though the network is back or a person is impatient", () => {
    const signals = new EventTarget();
    const { session, links, last } = start({ signals });
    last().heard.lost({ why: "busy", retry_after_ms: 20_000 });
    mock.timers.tick(1_000);
    signals.dispatchEvent(new Event("online"));
    session.again();
    mock.timers.tick(18_900);
    assert.equal(links.length, 1);
    mock.timers.tick(200);
    assert.equal(links.length, 2);
  });

  it("looks after its link when a page is shown again or goes offline, not when it is hidden", () => {
    const signals = new EventTarget();
    signals.document = Object.assign(new EventTarget(), { visibilityState: "hidden" });
    const { last } = start({ signals });
    last().init();
    let probes = 0;
    const probed = (target, name) => {
      target.dispatchEvent(new Event(name));
      const has = last().count("getPresence") > probes;
      probes = last().count("getPresence");
      last().heard.pulse();
      return has;
    };
    assert.equal(probed(signals.document, "visibilitychange"), false);
    signals.document.visibilityState = "visible";
    assert.equal(probed(signals.document, "visibilitychange"), true);
    assert.equal(probed(signals, "pageshow"), true);
    assert.equal(probed(signals, "offline"), true);
  });

  it("replaces a link that answers neither a request nor a sign of life, and forgets its late answers", async () => {
    const { session, links, last, outputs } = start();
    last().init();
    const old = last();
    const asked = session.ask("listContacts", {}).catch((error) => error.code);
    mock.timers.tick(9_900);
    assert.equal(old.count("getPresence"), 0);
    mock.timers.tick(200);
    assert.deepEqual([await asked, old.count("getPresence"), old.isClosed], ["lost", 1, false]);
    mock.timers.tick(5_100);
    assert.deepEqual([old.isClosed, links.length], [true, 2]);
    last().init();
    session.send("m7", "text", "waits");
    const before = outputs.length;
    old.asked.filter((one) => one.answered).forEach((one) => one.answered({ ...SENT, temp_message_id: "x" }));
    old.heard.init(INIT);
    old.heard.refused({ code: "unauthorized", message: "" });
    assert.deepEqual([outputs.length, session.state.name, last().count("sync")], [before, "online", 1]);
  });

  it("takes an answer until its time is over, and none after it", async () => {
    const { session, last, outputs } = start();
    last().init();
    const inTime = session.ask("listContacts", {});
    mock.timers.tick(9_900);
    last().answer("listContacts", { ok: true, contacts: [] });
    assert.deepEqual(await inTime, { ok: true, contacts: [] });
    mock.timers.tick(10_000);
    assert.equal(last().count("getPresence"), 0, "there is nothing to doubt");
    const refused = session.ask("block", { user_id: "m7" }).catch((error) => error);
    last().answer("block", { ok: false, error: { code: "rate_limited", message: "slowly", retry_after_ms: 9 } });
    assert.deepEqual(await refused, { code: "rate_limited", message: "slowly", retry_after_ms: 9 });
    const late = session.ask("pinConversation", { conversation_id: "5", pinned: true }).catch((error) => error.code);
    mock.timers.tick(10_000);
    assert.equal(await late, "lost");
    last().heard.pulse();
    const before = outputs.length;
    last().answer("pinConversation", { ok: true, rev: 9, v: 1 });
    assert.equal(outputs.length, before);
  });

  it("can be asked by who hears that it is online, and says so to all though one of them fails", async () => {
    const begun = begin();
    const heard = [];
    begun.session.on("state", () => {
      throw new Error("a page's own");
    });
    begun.session.on("state", (state) => state.name === "online" && heard.push(begun.session.ask("listContacts", {})));
    begun.session.start();
    mock.timers.tick(0);
    begun.last().init();
    begun.last().answer("listContacts", { ok: true, contacts: [] });
    assert.equal((await heard[0]).ok, true);
    assert.equal(begun.session.rules.isSynced, true);
    assert.throws(() => mock.timers.tick(0), /a page's own/);
  });

  it("reads what is no protocol as little as it can, and does not hurry", () => {
    const { session, links, last, states } = start();
    for (const garbage of [{}, { user: 8 }, "init", { user: "" }]) {
      last().isOpen = true;
      last().heard.init(garbage);
      assert.equal(states.at(-1).why.why, "protocol");
      assert.ok(waitFor(links) >= 1_000);
    }
    last().init({ user: "8", heartbeat: { ping_interval: "often", ping_timeout: NaN }, server_time: "now" });
    assert.equal(session.now(), Date.now());
    for (const payload of [null, 7, "text", [], { conversation_id: {} }]) {
      for (const event of ["messagePush", "statePush", "listsPush", "drainPush", "recallPush"]) last().heard.event(event, payload);
    }
    last().heard.event("drainPush", { retry_after_ms: Infinity });
    const link = last();
    mock.timers.tick(36_900);
    assert.equal(link.isClosed, false, "the heartbeat is as it is by default");
    mock.timers.tick(1_200);
    assert.deepEqual([link.isClosed, last() === link], [true, false]);
  });

  it("goes on when the device's clock is set back", () => {
    const { session, links, last } = start();
    last().init();
    const before = session.now();
    last().heard.lost({ why: "broken" });
    const now = Date.now;
    mock.method(Date, "now", () => now() - 3_600_000);
    assert.ok(session.now() >= before);
    assert.ok(waitFor(links) <= 1_050);
    last().init();
    const link = last();
    mock.timers.tick(37_100);
    assert.equal(link.isClosed, true);
  });

  for (const [name, end, kind] of [
    ["a kick", (link) => link.heard.event("kickPush", { reason: "elsewhere", final: true }), "kicked"],
    ["a final code", (link) => link.heard.lost({ why: "closed", code: 4500 }), "final"],
    ["a room's denial", (link) => (link.heard.event("deny", { type: "deny" }), link.heard.lost({ why: "put_out" })), "final"],
    ["a refusal", (link) => link.heard.refused({ code: "unauthorized", message: "expired" }), "refused"],
    ["another user", (link) => link.heard.init({ ...INIT, user: "9" }), "other_user"],
  ]) {
    it(`${name} is final, until a person says otherwise`, () => {
      const signals = new EventTarget();
      const { session, links, last, states } = start({ signals });
      last().init();
      end(last());
      assert.deepEqual([states.at(-1).name, states.at(-1).why.kind, last().isClosed], ["ended", kind, true]);
      signals.dispatchEvent(new Event("online"));
      mock.timers.tick(600_000);
      assert.equal(links.length, 1);
      session.again();
      mock.timers.tick(0);
      assert.equal(links.length, 2);
      assert.equal(states.at(-1).name, "connecting");
      last().init();
      // What ended the one before does not end this one.
      last().heard.lost({ why: "put_out" });
      assert.equal(states.at(-1).name, "reconnecting");
      waitFor(links);
    });
  }

  it("comes back after any other code, and ends when it is told to", () => {
    const { session, links, last, states } = start();
    last().init();
    last().heard.lost({ why: "closed", code: 4499 });
    assert.equal(states.at(-1).name, "reconnecting");
    waitFor(links);
    last().init();
    const asked = session.ask("listContacts", {}).catch((error) => error.code);
    session.stop();
    assert.deepEqual([states.at(-1).name, states.at(-1).why.kind, last().isClosed], ["ended", "closed", true]);
    mock.timers.tick(600_000);
    assert.equal(links.length, 2);
    return asked.then((code) => assert.equal(code, "lost"));
  });

  it("hints only where there is a connection", () => {
    const { session, last } = start();
    const hints = () => last().asked.filter((one) => one.isHint).length;
    session.hint("typing", { to_user_id: "m7", on: true });
    assert.equal(hints(), 0);
    last().init();
    session.hint("typing", { to_user_id: "m7", on: true });
    assert.equal(hints(), 1);
    session.stop();
    session.hint("typing", { to_user_id: "m7", on: true });
    assert.equal(hints(), 1);
  });

  it("tells who asked that an answer is lost, and doubts the link", async () => {
    const { session, last } = start();
    last().init();
    const asked = session.ask("listContacts", {});
    const outcome = asked.then(() => "answered", (error) => error.code);
    mock.timers.tick(10_001);
    assert.equal(await outcome, "lost");
    assert.equal(last().asked.at(-1).event, "getPresence");
    const other = session.ask("listBlocked", {}).then(() => "answered", (error) => error.code);
    last().heard.lost({ why: "broken" });
    assert.equal(await other, "lost");
    assert.equal(await session.ask("listBlocked", {}).catch((error) => error.code), "lost", "there is no connection");
  });

  it("listens to the link that there is, and to no other", () => {
    const { links, last, outputs } = start();
    last().init();
    const old = last();
    old.heard.lost({ why: "broken" });
    waitFor(links);
    last().init();
    const before = outputs.length;
    old.heard.event("profilePush", { user_id: "m7", nickname: "x" });
    old.heard.lost({ why: "broken" });
    old.asked[0].answered({ ok: true });
    assert.equal(outputs.length, before);
    assert.equal(last().isClosed, false);
  });

  it("knows the server's clock", () => {
    const { session, last } = start();
    last().init({ ...INIT, server_time: Date.now() + 60_000 });
    assert.ok(Math.abs(session.now() - Date.now() - 60_000) < 5);
  });
});

describe("on Socket.IO servers that say what a test wants", linkBehaviours);
describe("on the real server", sessionBehaviours);
