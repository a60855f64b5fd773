// What the session of the JavaScript client keeps of messages that wait to be sent: through a lost link, through the end of the
// page, and for nobody else. On scripted links; time is the test's own.

import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it, mock } from "node:test";
import { INIT, Kept, start, waitFor } from "../lib/scripted.js";

describe("a session's queue", () => {
  beforeEach(() => mock.timers.enable({ apis: ["setTimeout", "Date"], now: 1_700_000_000_000 }));
  afterEach(() => mock.reset());

  const sendings = (outputs) => outputs.filter((one) => one.sending).map((one) => one.sending.state);
  const SENT = { ok: true, message_id: "70000000000", conversation_id: "5", conv_seq: 1, send_time: 9, v: 1 };

  it("shows a message at once, sends it when it can, and says what became of it", async () => {
    const { session, last, outputs } = start();
    const { temp_message_id } = session.send("m7", "text", "early");
    assert.deepEqual(sendings(outputs), ["pending"]);
    last().init();
    const asked = last().asked.find((one) => one.event === "sendMessage");
    assert.equal(asked.payload.temp_message_id, temp_message_id);
    outputs.splice(0);
    asked.answered({ ...SENT, temp_message_id });
    assert.deepEqual(sendings(outputs), ["sent"]);
    outputs.splice(0);
    session.send("m7", "text", "no");
    last().answer("sendMessage", { ok: false, error: { code: "refused", message: "a word" } });
    assert.deepEqual(sendings(outputs), ["pending", "failed"]);
    const failed = outputs.at(-1).sending;
    session.retry(failed.temp_message_id);
    assert.equal(last().count("sendMessage"), 3);
    session.discard(failed.temp_message_id);
    assert.deepEqual(sendings(outputs).slice(2), ["pending", "discarded"]);
  });

  it("keeps what waits over the end of the page, in order, and forgets what was sent", () => {
    const storage = new Kept();
    const first = start({ storage });
    first.last().init();
    first.last().heard.lost({ why: "broken" });
    for (const text of ["one", "two", "three"]) {
      first.session.send("m7", "text", text);
      mock.timers.tick(1);
    }
    assert.equal(storage.length, 3);
    first.session.stop();
    const second = start({ storage });
    second.last().init();
    for (const text of ["one", "two", "three"]) {
      const asked = second.last().asked.filter((one) => one.event === "sendMessage").at(-1);
      assert.equal(asked.payload.message, text);
      asked.answered({ ...SENT, temp_message_id: asked.payload.temp_message_id, message_id: `7000000000${storage.length}`, conv_seq: 4 - storage.length });
    }
    assert.equal(storage.length, 0);
    const other = start({ storage });
    other.last().init({ ...INIT, user: "9" });
    assert.equal(other.last().count("sendMessage"), 0);
  });

  it("sends one after the other to each receiver, again where it must, always under the same name", () => {
    const { session, last, links } = start();
    last().init();
    for (const [to, text] of [["m7", "one"], ["m7", "two"], ["m9", "three"]]) session.send(to, "text", text);
    const texts = () => last().asked.filter((one) => one.event === "sendMessage").map((one) => one.payload.message);
    assert.deepEqual(texts(), ["one", "three"]);
    const first = last().asked.find((one) => one.payload.message === "one");
    first.answered({ ok: false, error: { code: "rate_limited", message: "", retry_after_ms: 3_000 } });
    mock.timers.tick(2_900);
    assert.deepEqual(texts(), ["one", "three"]);
    mock.timers.tick(800);
    assert.deepEqual(texts(), ["one", "three", "one"]);
    last().heard.lost({ why: "broken" });
    waitFor(links);
    last().init();
    assert.deepEqual(texts(), ["one", "three"]);
    const again = last().asked.find((one) => one.payload.message === "one");
    assert.deepEqual(again.payload, first.payload);
    again.answered({ ...SENT, temp_message_id: first.payload.temp_message_id });
    assert.deepEqual(texts(), ["one", "three", "two"]);
  });

  it("keeps what has failed as failed, and what was sent before it knew who this is behind all that", () => {
    const storage = new Kept();
    const first = start({ storage });
    first.session.send("m7", "text", "failed");
    mock.timers.tick(1);
    first.last().init();
    first.last().answer("sendMessage", { ok: false, error: { code: "refused", message: "a word" } });
    first.session.send("m7", "text", "one");
    first.session.stop();
    mock.timers.tick(1);
    const second = start({ storage });
    const { temp_message_id } = second.session.send("m7", "text", "two");
    const gone = second.session.send("m7", "text", "taken back");
    second.session.discard(gone.temp_message_id);
    second.last().init();
    assert.ok(storage.getItem(`im.out.8.${temp_message_id}`), "it is kept once it is known whose it is");
    assert.equal(storage.length, 3);
    const states = second.session.rules.pending("m7").map((one) => [one.message.message, one.state]);
    assert.deepEqual(states, [["failed", "failed"], ["one", "pending"], ["two", "pending"]]);
    for (const text of ["one", "two"]) {
      const asked = second.last().asked.filter((one) => one.event === "sendMessage").at(-1);
      assert.equal(asked.payload.message, text);
      asked.answered({ ...SENT, temp_message_id: asked.payload.temp_message_id });
    }
    assert.equal(storage.length, 1);
    const failed = JSON.parse(storage.getItem(storage.key(0)));
    assert.equal(failed.failed.message, "a word");
    assert.equal(second.session.retry(failed.message.temp_message_id), undefined);
    assert.equal(JSON.parse(storage.getItem(storage.key(0))).failed, undefined);
    second.session.discard(failed.message.temp_message_id);
    assert.equal(storage.length, 0);
  });

  it("reads of a storage only what it can send, and does without one that is forbidden", () => {
    const storage = new Kept();
    const message = { temp_message_id: "z", to_user_id: "m7", type: "text", message: "good", made_at: Date.now() };
    const bad = [null, {}, { message: null }, { message: { ...message, made_at: "x" } }, { message: { ...message, to_user_id: 7 } }];
    bad.forEach((one, at) => storage.setItem(`im.out.8.bad${at}`, JSON.stringify(one)));
    storage.setItem("im.out.8.z", JSON.stringify({ message }));
    const { session, last } = start({ storage });
    last().init();
    assert.deepEqual(session.rules.pending("m7").map((one) => one.message), [message]);
    const forbid = () => {
      throw new Error("SecurityError");
    };
    const none = start({ storage: { get length() { return forbid(); }, key: forbid, getItem: forbid, setItem: forbid, removeItem: forbid } });
    none.last().init();
    assert.equal(none.session.state.name, "online");
    none.session.send("m7", "text", "kept nowhere");
    none.last().answer("sendMessage", SENT);
    assert.deepEqual(sendings(none.outputs), ["pending", "sent"]);
  });

  it("keeps nothing for others, and sends all the same where nothing can be kept", () => {
    const storage = new Kept();
    storage.setItem("im.out.9.x", JSON.stringify({ message: { temp_message_id: "x", to_user_id: "m7", type: "text", message: "his", made_at: 1 } }));
    storage.setItem("im.out.8.y", "{not json");
    storage.setItem = () => {
      throw new Error("QuotaExceededError");
    };
    const { session, last } = start({ storage });
    last().init();
    assert.equal(last().count("sendMessage"), 0);
    session.send("m7", "text", "kept nowhere");
    assert.equal(last().count("sendMessage"), 1);
  });
});
