// Site IM: windows of one user kept in step, and what users see of each other.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";
import { SOCKET_ROWS } from "../lib/clients.js";
import { startImserver } from "../lib/server.js";
import { EVERY_CLIENT, EVERY_GENERATION, Windows, backEnd } from "../lib/site.js";
import { check } from "../lib/tally.js";

const LATER =
  "createGroup renameGroup joinGroup leaveGroup addMembers removeMember dissolveGroup listMembers transfer rtc";

let site;
const windows = new Windows(() => site.url);
before(async () => (site = await startImserver()));
after(() => site.stop());
afterEach(() => windows.closeAll());

describe("every client of site IM", () => {
  for (const client of EVERY_CLIENT) {
    const row = SOCKET_ROWS[client.generation];
    check(row, client.transport, `is greeted by init first (${row} over ${client.transport})`, async () => {
      const window = await windows.open("m7", client);
      const { user, socketid, process, server_time, heartbeat } = window.init;
      assert.deepEqual([user, process], ["m7", "im1"]);
      assert.match(socketid, /^im1\./);
      assert.ok(Number.isSafeInteger(server_time));
      assert.deepEqual(heartbeat, { ping_interval: 25_000, ping_timeout: 10_000 });
      assert.equal((await window.peer.on("/", "arrivals"))[0], "init");
    });

    check(row, client.transport, `turns to another user with the rest (${row} over ${client.transport})`, async () => {
      const mine = await windows.open("m7", client);
      const others = await Promise.all(EVERY_GENERATION.map((other) => windows.open("m7", other)));
      const stranger = await windows.open("9");
      await mine.asked("changeUser", { toid: "8", from: "列表" });
      assert.deepEqual(await mine.next("changeUserPush"), { toid: "8", from: "列表" });
      for (const other of others) {
        assert.deepEqual(await other.next("syncChangeUserPush"), { toid: "8", socketid: other.id });
      }
      await inStep(mine, others);
      await stranger.settle();
      assert.equal(await stranger.waiting("syncChangeUserPush"), 0, "another user hears nothing");
    });
  }
});

/** A second change, by another window: now everybody heard exactly what concerns it, and nothing twice. */
async function inStep(mine, others) {
  const [second, ...rest] = others;
  await second.asked("changeUser", { toid: "9" });
  assert.deepEqual(await mine.next("syncChangeUserPush"), { toid: "9", socketid: mine.id });
  for (const other of rest) {
    assert.deepEqual(await other.next("syncChangeUserPush"), { toid: "9", socketid: other.id });
  }
  for (const window of [mine, ...others]) {
    await window.settle();
    assert.equal(await window.waiting("syncChangeUserPush"), 0, "exactly one each");
  }
  assert.equal(await mine.waiting("changeUserPush"), 0);
  assert.deepEqual(await second.next("changeUserPush"), { toid: "9" });
}

describe("a window opened later", () => {
  it("starts where the user's windows are", async () => {
    const first = await windows.open("m7");
    await first.asked("changeUser", { toid: "8", product: "p1" });
    const second = await windows.open("m7", { generation: 2, transport: "polling" });
    assert.deepEqual(second.init.target, { toid: "8", product: "p1" });
  });
});

describe("typing", () => {
  it("shows in every window of the other side, of every generation, and nowhere else", async () => {
    const mine = await windows.open("m7");
    const own = await windows.open("m7");
    const theirs = await Promise.all(EVERY_GENERATION.map((client) => windows.open("8", client)));
    for (const on of [true, false]) {
      await mine.asked("typing", { to_user_id: "8", on });
      for (const window of theirs) assert.deepEqual(await window.next("typingPush"), { from_user_id: "m7", on });
    }
    for (const window of [mine, own]) {
      await window.settle();
      assert.equal(await window.waiting("typingPush"), 0);
    }
  });

  it("is not available for groups, and says what it takes", async () => {
    const window = await windows.open("m7");
    await window.refused("typing", { block_id: "1", on: true }, "unavailable");
    await window.refused("typing", { on: true }, "bad_request");
    await window.refused("typing", "8", "bad_request");
  });
});

describe("presence", () => {
  for (const client of EVERY_GENERATION) {
    it(`is asked for once and followed from then on (generation ${client.generation})`, async () => {
      const watcher = await windows.open("m7", client);
      const { users } = await watcher.asked("getPresence", { user_ids: ["8", "hua1024"] });
      assert.deepEqual(users, [presence("8", "offline"), presence("hua1024", "offline")]);

      const watched = await windows.open("8", client);
      assert.deepEqual(await watcher.next("presencePush"), presence("8", "online"));
      for (const status of ["busy", "away"]) {
        assert.equal((await watched.asked("changeStatus", { status })).status, status);
        assert.deepEqual(await watcher.next("presencePush"), presence("8", status));
      }
      await watched.asked("changeStatus", { status: "invisible" });
      assert.deepEqual(await watcher.next("presencePush"), presence("8", "offline"));
      assert.deepEqual((await watcher.asked("getPresence", { user_ids: ["8"] })).users, [presence("8", "offline")]);
      await watched.asked("changeStatus", { status: "online" });
      assert.deepEqual(await watcher.next("presencePush"), presence("8", "online"));
      await watched.close();
      assert.deepEqual(await watcher.next("presencePush"), presence("8", "offline"));
    });
  }

  it("changes with the first window and the last one only", async () => {
    const watcher = await windows.open("m7");
    await watcher.asked("getPresence", { user_ids: ["8"] });
    const first = await windows.open("8");
    await windows.open("8", { generation: 1, transport: "polling" });
    assert.deepEqual(await watcher.next("presencePush"), presence("8", "online"));
    await first.close();
    const third = await windows.open("8");
    await third.asked("changeStatus", { status: "busy" });
    assert.deepEqual(await watcher.next("presencePush"), presence("8", "busy"), "nothing came in between");
  });

  it("of the other side comes without asking to the window that turned to it", async () => {
    const window = await windows.open("m7");
    await window.asked("changeUser", { toid: "8" });
    await windows.open("8");
    assert.deepEqual(await window.next("presencePush"), presence("8", "online"));
  });

  it("is refused where it makes no sense", async () => {
    const window = await windows.open("m7");
    await window.refused("changeStatus", { status: "asleep" }, "bad_request");
    await window.refused("changeStatus", { status: "offline" }, "bad_request");
    await window.refused("getPresence", { user_ids: ["not a key!"] }, "bad_request");
    await window.refused("getPresence", { user_ids: Array.from({ length: 201 }, (_, i) => `m${i}`) }, "too_large");
  });

  function presence(user, status) {
    return { user_id: user, status, online: status !== "offline" };
  }
});

describe("a kick by the back end", () => {
  it("tells every window of the user why, closes it for good, and touches nobody else", async () => {
    const bystander = await windows.open("9");
    const theirs = await Promise.all(EVERY_CLIENT.map((client) => windows.open("8", client)));
    const reason = "在别处登录";
    const response = await backEnd(site.address("internal"), "POST", "/users/8/kick", { reason });
    assert.equal(response.status, 204);
    for (const window of theirs) {
      assert.deepEqual(await window.next("kickPush"), { reason, final: true });
      assert.equal(await window.disconnected(), "io server disconnect");
      await window.peer.connectionEvent("close");
    }
    await bystander.settle();
    assert.equal(await bystander.waiting("kickPush"), 0);
  });

  it("is refused for what is no user or no reason", async () => {
    const kick = (user, body) => backEnd(site.address("internal"), "POST", `/users/${user}/kick`, body);
    assert.equal((await kick("no-user!", { reason: "x" })).status, 400);
    assert.equal((await kick("8", {})).status, 400);
  });
});

describe("requests that cannot be granted", () => {
  for (const client of EVERY_GENERATION) {
    it(`of what the site does not do yet answer unavailable (generation ${client.generation})`, async () => {
      const window = await windows.open("m7", client);
      for (const name of LATER.split(" ")) await window.refused(name, {}, "unavailable");
    });
  }

  it("of no known name and of wrong shapes are told what is wrong", async () => {
    const window = await windows.open("m7");
    await window.refused("noSuchEvent", {}, "bad_request");
    for (const payload of [undefined, null, [], "8", {}, { toid: "" }, { toid: 8 }, { toid: "x".repeat(1000) }]) {
      await window.refused("changeUser", payload, "bad_request");
    }
    assert.equal(await window.waiting("changeUserPush"), 0);
    await window.asked("changeUser", { toid: "8" });
  });
});
