// What somebody has begun to write: when it is saved, and what another window may replace. Time is the test's own.

import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it, mock } from "node:test";
import { Drafts } from "../../../imserver/web/client/drafts.js";

describe("drafts", () => {
  beforeEach(() => mock.timers.enable({ apis: ["setTimeout"] }));
  afterEach(() => mock.timers.reset());

  function begin() {
    const asked = [];
    const changed = [];
    const ask = (event, payload) => new Promise((resolve, reject) => asked.push({ event, payload, resolve, reject }));
    return { drafts: new Drafts(ask, (peer) => changed.push(peer)), asked, changed };
  }

  const settled = () => new Promise((done) => setImmediate(done));

  it("are saved when writing rests, once, and an emptied one at once", async () => {
    const { drafts, asked } = begin();
    drafts.told("m7", "5", "");
    for (const text of ["a", "ab", "abc"]) {
      drafts.write("m7", text);
      mock.timers.tick(300);
    }
    assert.equal(asked.length, 0);
    mock.timers.tick(600);
    assert.deepEqual(asked.map((one) => one.payload), [{ conversation_id: "5", text: "abc" }]);
    asked[0].resolve({ ok: true });
    await settled();
    drafts.write("m7", "");
    mock.timers.tick(0);
    assert.equal(asked.at(-1).payload.text, "");
  });

  it("come from other windows, but not over what is being written here", async () => {
    const { drafts, asked, changed } = begin();
    drafts.told("m7", "5", "from elsewhere");
    assert.deepEqual([drafts.text("m7"), changed], ["from elsewhere", ["m7"]]);
    drafts.write("m7", "from elsewhere and here");
    drafts.told("m7", "5", "something else");
    assert.equal(drafts.text("m7"), "from elsewhere and here");
    drafts.save("m7");
    asked[0].resolve({ ok: true });
    await settled();
    drafts.told("m7", "5", "newer");
    assert.equal(drafts.text("m7"), "newer");
  });

  it("are saved later where they could not be, with what was written since", async () => {
    const { drafts, asked } = begin();
    drafts.write("m7", "before there was a conversation");
    mock.timers.tick(1_000);
    assert.equal(asked.length, 0);
    drafts.told("m7", "5", "");
    assert.equal(asked.length, 1);
    asked[0].reject({ code: "lost" });
    await settled();
    drafts.write("m7", "and more");
    drafts.resume();
    assert.equal(asked.at(-1).payload.text, "and more");
    drafts.write("m7", "and much more");
    asked.at(-1).resolve({ ok: true });
    await settled();
    assert.equal(asked.at(-1).payload.text, "and much more", "what was written while it was saved");
  });

  it("are nowhere found again once the field was emptied, though it is not known what was kept of them", async () => {
    const { drafts, asked, changed } = begin();
    drafts.told("m7", "5", "");
    drafts.write("m7", "sent by now");
    drafts.save("m7");
    drafts.write("m7", "");
    mock.timers.tick(0);
    assert.equal(asked.length, 1, "one at a time");
    asked[0].reject({ code: "lost" });
    await settled();
    // It was kept all the same.
    drafts.told("m7", "5", "sent by now");
    assert.deepEqual([drafts.text("m7"), changed], ["", []]);
    drafts.resume();
    assert.deepEqual(asked.at(-1).payload, { conversation_id: "5", text: "" });
  });

  it("are not asked for where there is nothing to save, and are of one conversation each", async () => {
    const { drafts, asked } = begin();
    drafts.told("m7", "5", "known");
    drafts.told("m9", "6", "");
    drafts.write("m7", "known");
    drafts.resume();
    mock.timers.tick(1_000);
    assert.equal(asked.length, 0);
    drafts.write("m9", "x");
    drafts.save("m9");
    assert.deepEqual(asked.map((one) => one.payload), [{ conversation_id: "6", text: "x" }]);
    assert.deepEqual([drafts.text("m7"), drafts.text("m9"), drafts.text("m1")], ["known", "x", ""]);
    mock.timers.tick(1_000);
    assert.equal(asked.length, 1, "saved at once, and not again");
    drafts.write("m9", "xy");
    mock.timers.tick(1_000);
    assert.equal(asked.length, 1, "one at a time");
    asked[0].resolve({ ok: true });
    await settled();
    assert.deepEqual(asked.map((one) => one.payload.text), ["x", "xy"]);
  });
});
