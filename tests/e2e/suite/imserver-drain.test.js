// Site IM: limits that a client meets, and what it sees when its process goes away.

import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { eventually } from "../lib/eventually.js";
import { startImserver } from "../lib/server.js";
import { EVERY_CLIENT, EVERY_GENERATION, Windows, backEnd } from "../lib/site.js";

let site;
const windows = new Windows(() => site.url);
afterEach(async () => {
  await windows.closeAll();
  await site.stop();
});

describe("SIGTERM", () => {
  it("tells every client to come back, closes it so that it does, and ends the process", async () => {
    site = await startImserver({
      settings: { IM__SERVER__DRAIN_WINDOW_MS: "300", IM__SERVER__DRAIN_DEADLINE_MS: "8000" },
    });
    const all = await Promise.all(EVERY_CLIENT.map((client, i) => windows.open(`m${i}`, client)));
    site.signal("SIGTERM");
    for (const window of all) {
      const { retry_after_ms } = await window.next("drainPush");
      assert.ok(Number.isSafeInteger(retry_after_ms) && retry_after_ms >= 0);
      // After "io server disconnect" the official clients stay away.
      assert.match(await window.disconnected(), /^transport (close|error)$/);
    }
    assert.equal(await site.exitCode(), 0);
  });

  it("turns newcomers away while others finish", async () => {
    site = await startImserver({
      settings: { IM__SERVER__DRAIN_WINDOW_MS: "60000", IM__SERVER__DRAIN_DEADLINE_MS: "90000" },
    });
    const admin = site.address("admin");
    const stays = await Promise.all(Array.from({ length: 3 }, () => windows.open("m7")));
    assert.equal((await fetch(`${admin}/readyz`)).status, 200);
    site.signal("SIGTERM");
    await eventually("not ready", async () => (await fetch(`${admin}/readyz`)).status !== 200);
    const { outcome } = await windows.attempt({ generation: 4, transport: "polling" }, { auth: { userId: "8" } });
    assert.ok(outcome.refused);
    const served = await Promise.race(stays.map((window) => window.asked("changeUser", { toid: "8" })));
    assert.equal(served.ok, true);
  });
});

describe("limits", () => {
  for (const client of EVERY_GENERATION) {
    it(`of events are told, with a time to wait (generation ${client.generation})`, async () => {
      site = await startImserver({
        settings: { IM__LIMITS__EVENTS_PER_SECOND_PER_USER: "1", IM__LIMITS__EVENT_BURST_PER_USER: "5" },
      });
      const [window, other] = [await windows.open("m7", client), await windows.open("8")];
      for (let i = 0; i < 5; i++) await window.asked("typing", { to_user_id: "8", on: true });
      const answers = [];
      while (!answers.some(({ ok }) => !ok)) answers.push(await window.ask("typing", { to_user_id: "8", on: true }));
      const { error } = answers.at(-1);
      assert.equal(error.code, "rate_limited");
      assert.ok(error.retry_after_ms > 0);
      await other.asked("typing", { to_user_id: "m7", on: true });
    });
  }

  it("of windows of one user are told when one more connects", async () => {
    site = await startImserver({ settings: { IM__LIMITS__MAX_CONNECTIONS_PER_USER: "4" } });
    const all = await Promise.all(EVERY_GENERATION.map((client) => windows.open("m7", client)));
    for (const { generation, transport } of EVERY_GENERATION) {
      const credentials = { query: { userId: "m7" } };
      const { outcome } = await windows.attempt({ generation, transport }, credentials);
      assert.equal(outcome.refused?.data?.code, "rate_limited", JSON.stringify(outcome));
    }
    await windows.open("8");
    const watcher = await windows.open("9");
    await watcher.asked("getPresence", { user_ids: ["m7"] });
    await Promise.all(all.map((window) => window.close()));
    await watcher.next("presencePush");
    await windows.open("m7");
  });

  it("of a message close the connection that breaks them, and no other", async () => {
    site = await startImserver({ settings: { IM__ENGINE__MAX_PAYLOAD_BYTES: "2000" } });
    const other = await windows.open("8");
    for (const client of EVERY_CLIENT) {
      const window = await windows.open("m7", client);
      await window.peer.on("/", "emit", "exchange", { target: "user:8", payload: "x".repeat(3000) });
      assert.match(await window.disconnected(), /^transport (close|error)$/);
    }
    await other.asked("changeUser", { toid: "m7" });
    assert.equal(await other.waiting("exchange"), 0);
  });
});

describe("the admin listener", () => {
  it("counts connections without naming anybody", async () => {
    site = await startImserver();
    await windows.open("m7777");
    await backEnd(site.address("internal"), "PUT", "/rooms/7777001", { members: [] });
    const text = await (await fetch(`${site.address("admin")}/metrics`)).text();
    assert.match(text, /^im_\w+(\{[^}]*\})? \d/m);
    assert.doesNotMatch(text, /m7777|7777001/);
  });
});
