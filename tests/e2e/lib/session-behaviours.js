// Sessions of the JavaScript client on the real server: what one says the other has, once and in order, whatever happens to the
// server and to the pages meanwhile.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, describe, it } from "node:test";
import { Session } from "../../../imserver/web/client/session.js";
import { eventually } from "./eventually.js";
import { Kept } from "./scripted.js";
import { startStandalone } from "./server.js";
import { io } from "./told.js";

/** A network that fails for a moment is tried again soon: nobody waits for a test. */
const TIMING = { firstWaitMs: 50, longestWaitMs: 200, probeMs: 1_000 };

/** A device of a user, with all that its session has told. */
class Device {
  constructor(url, userId, deviceId, options = {}) {
    const auth = { userId, deviceId, platform: "pc" };
    this.outputs = [];
    this.session = new Session({ where: { url, auth, io }, timing: TIMING, ...options });
    this.session.on("outputs", (outputs) => this.outputs.push(...outputs)).start();
  }

  synced() {
    return eventually("synced", () => this.session.rules.isSynced);
  }

  async disconnected() {
    await eventually("disconnected", () => this.session.state.name === "reconnecting");
  }

  say(to, ...texts) {
    return texts.map((text) => this.session.send(to, "text", text).temp_message_id);
  }

  /** What is here of the conversation with this user. */
  with(peer) {
    const summary = this.summary(peer);
    const entries = summary ? this.session.rules.view(summary.conversation_id).entries : [];
    return entries.filter((entry) => entry.type !== "recall");
  }

  summary(peer) {
    return this.session.rules.conversations().find((one) => one.user_id === peer);
  }

  texts(peer) {
    return this.with(peer).map((entry) => entry.message);
  }

  has(peer, ...texts) {
    return eventually(`${this.session.user} has ${texts.length} with ${peer}`, () => this.texts(peer).length === texts.length)
      .then(() => assert.deepEqual(this.texts(peer), texts), (late) => assert.deepEqual(this.texts(peer), texts, late.message));
  }

  /** The numbers of entries that were told, each as often as it was; one may be told before one below it. */
  told(peer) {
    const id = this.summary(peer).conversation_id;
    return this.outputs.filter((one) => one.added && one.added.entry.conversation_id === id).map((one) => one.added.entry.conv_seq)
      .sort((one, other) => one - other);
  }

  sent() {
    return eventually("all is sent", () => this.session.rules.sends.queue.size === 0);
  }

  /** Ends it, with all that would keep the process from ending. */
  end() {
    Array.from(this.session.rules.sends.byName.keys()).forEach((name) => this.session.discard(name));
    this.session.stop();
  }
}

const upTo = (number) => Array.from({ length: number }, (_, at) => at + 1);

export function sessionBehaviours() {
  describe("sessions", () => {
    const data = mkdtempSync(join(tmpdir(), "im-e2e-"));
    const devices = [];
    let server, listen;
    before(async () => {
      server = await startStandalone({ data });
      listen = new URL(server.url).host;
    });
    after(async () => {
      await server.stop();
      rmSync(data, { recursive: true, force: true });
    });
    afterEach(() => devices.splice(0).forEach((device) => device.end()));

    const device = (userId, deviceId, options) => {
      devices.push(new Device(server.url, userId, deviceId, options));
      return devices.at(-1);
    };
    /** Of users that no other test has. */
    const both = async (buyer, merchant) => {
      const two = [device(buyer, "one"), device(merchant, "two")];
      await Promise.all(two.map((one) => one.synced()));
      return two;
    };

    it("exchange messages, marks, recalls and state", async () => {
      const [buyer, merchant] = await both("8", "m7");
      const other = device("8", "phone");
      await other.synced();
      const names = buyer.say("m7", "您好", "在吗");
      await merchant.has("8", "您好", "在吗");
      merchant.say("8", "在的");
      for (const one of [buyer, other]) await one.has("m7", "您好", "在吗", "在的");
      await buyer.sent();
      const sent = buyer.outputs.filter((one) => one.sending && one.sending.state === "sent").map((one) => one.sending.temp_message_id);
      assert.deepEqual(sent, names);

      const id = merchant.summary("8").conversation_id;
      assert.equal(merchant.summary("8").unread, 2);
      merchant.session.read(id, merchant.with("8").slice(0, 2).map((entry) => entry.message_id));
      for (const one of [buyer, other]) {
        await eventually("read", () => one.with("m7").filter((entry) => entry.read_at > 0).length === 2);
      }
      await eventually("counted as read", () => merchant.summary("8").unread === 0);
      assert.equal(buyer.with("m7")[2].read_at, undefined);

      const [first] = buyer.with("m7");
      assert.equal((await buyer.session.ask("recallMessage", { message_id: first.message_id })).ok, true);
      for (const one of [buyer.with("m7"), merchant.with("8"), other.with("m7")]) assert.equal(one.length, 3);
      for (const [one, peer] of [[buyer, "m7"], [other, "m7"], [merchant, "8"]]) {
        await eventually("recalled", () => one.with(peer)[0].recalled === true);
        assert.equal(one.with(peer)[0].message, undefined);
      }
      await assert.rejects(merchant.session.ask("recallMessage", { message_id: first.message_id }), ({ code }) => code !== "lost");

      await buyer.session.ask("pinConversation", { conversation_id: id, pinned: true });
      assert.equal(buyer.summary("m7").pinned, true, "what an answer changes is told before it");
      await buyer.session.ask("saveDraft", { conversation_id: id, text: "还有" });
      await eventually("the other device knows", () => other.summary("m7").pinned && other.summary("m7").draft === "还有");
      assert.deepEqual([merchant.summary("8").pinned, merchant.summary("8").draft], [false, undefined]);

      buyer.session.hint("typing", { to_user_id: "m7", on: true });
      await eventually("typing", () => merchant.outputs.some((one) => one.event && one.event.event === "typingPush"));
      for (const [one, peer] of [[buyer, "m7"], [other, "m7"], [merchant, "8"]]) assert.deepEqual(one.told(peer), upTo(4));
    });

    it("say what was refused, and send it no more", async () => {
      const [buyer, merchant] = await both("81", "m71");
      const [name] = buyer.say("m71", "x".repeat(200_000));
      const failed = () => buyer.outputs.find((one) => one.sending && one.sending.state === "failed");
      await eventually("refused", failed);
      assert.equal(failed().sending.temp_message_id, name);
      assert.equal(failed().sending.refusal.code, "too_large");
      buyer.say("m71", "shorter");
      await merchant.has("81", "shorter");
      assert.equal(buyer.session.retry(name), undefined);
      const failures = () => buyer.outputs.filter((one) => one.sending && one.sending.state === "failed").length;
      await eventually("refused again", () => failures() === 2);
      await merchant.has("81", "shorter");
    });

    it("go back in what was said, to the first word", async () => {
      const [writer, merchant] = await both("82", "m72");
      const texts = upTo(60).map((number) => `第 ${number} 句`);
      writer.say("m72", ...texts);
      await writer.sent();
      await merchant.has("82", ...texts);
      const later = device("82", "later");
      await later.synced();
      await later.has("m72", ...texts.slice(-20));
      const id = later.summary("m72").conversation_id;
      assert.equal(await later.session.older(id, 25), true);
      assert.deepEqual(later.texts("m72"), texts.slice(-45));
      assert.equal(await later.session.older(id, 25), false);
      assert.deepEqual(later.texts("m72"), texts);
      assert.equal(await later.session.older(id, 25), false);
      assert.deepEqual(later.told("m72"), upTo(60));
    });

    it("miss nothing and say nothing twice when the server is killed and comes back", async () => {
      const storage = new Kept();
      const window = device("83", "w1", { storage });
      const merchant = device("m73", "two");
      await Promise.all([window.synced(), merchant.synced()]);
      window.say("m73", "before");
      merchant.say("83", "and you");
      for (const [one, peer] of [[window, "m73"], [merchant, "83"]]) await eventually("both", () => one.with(peer).length === 2);
      const begun = window.texts("m73");

      // The last word is on its way when the server dies.
      window.say("m73", "on its way");
      server.signal("SIGKILL");
      await server.exitCode();
      await Promise.all([window.disconnected(), merchant.disconnected()]);
      window.say("m73", "one", "two");
      merchant.say("83", "three", "four");
      await assert.rejects(window.session.older(window.summary("m73").conversation_id, 10), { code: "lost" });
      assert.ok(storage.length >= 2, "it waits");

      // The page is loaded anew in a second window while the first is still there.
      const reloaded = device("83", "w2", { storage });
      server = await startStandalone({ data, listen });
      for (const one of [window, merchant, reloaded]) await one.synced();
      for (const one of [window, merchant, reloaded]) await one.sent();
      for (const [one, peer] of [[window, "m73"], [reloaded, "m73"], [merchant, "83"]]) {
        await eventually("all", () => one.with(peer).length >= 7);
        const from = (user) => one.with(peer).filter((entry) => entry.from_user_id === user).map((entry) => entry.message);
        assert.deepEqual(from("83").slice(-3), ["on its way", "one", "two"]);
        assert.deepEqual(from("m73").slice(-2), ["three", "four"]);
        assert.deepEqual(one.texts(peer).slice(0, 2), begun);
        assert.deepEqual(one.with(peer).map((entry) => entry.conv_seq), upTo(7));
        assert.deepEqual(one.told(peer), upTo(7), "each once");
      }
      assert.equal(storage.length, 0);
      // What comes now comes as before.
      merchant.say("83", "welcome back");
      for (const one of [window, reloaded]) await eventually("live", () => one.texts("m73").at(-1) === "welcome back");
      assert.deepEqual(window.told("m73"), upTo(8));
    });

    it("end for good when they are put out by a kick, and come back when a person wants to", async () => {
      const [buyer] = await both("84", "m74");
      const kicked = await fetch(`${server.address("internal")}/internal/v1/users/84/kick`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ reason: "elsewhere" }),
      });
      assert.equal(kicked.status, 204);
      await eventually("ended", () => buyer.session.state.name === "ended");
      assert.deepEqual(buyer.session.state.why, { kind: "kicked", message: "elsewhere" });
      buyer.say("m74", "later");
      await new Promise((wait) => setTimeout(wait, 400));
      assert.equal(buyer.session.state.name, "ended");
      buyer.session.again();
      await buyer.synced();
      await buyer.has("m74", "later");
    });
  });
}
