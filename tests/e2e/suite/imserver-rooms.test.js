// Site IM: rooms that the back end decides about, and what is relayed to a room, a socket or a user.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";
import { SOCKET_ROWS } from "../lib/clients.js";
import { startImserver } from "../lib/server.js";
import { EVERY_CLIENT, EVERY_GENERATION, Windows, backEnd } from "../lib/site.js";
import { check } from "../lib/tally.js";

const CONFIG = `
[[rooms]]
room = "7001"
members = ["m7", "8"]

[[rooms]]
room = "大厅"
members = []
`;
const BYTES = Uint8Array.from([0, 128, 255]);
const MODERN = { generation: 4, transport: "websocket" };

let site;
const windows = new Windows(() => site.url);
before(async () => (site = await startImserver({ config: CONFIG })));
after(() => site.stop());
afterEach(() => windows.closeAll());

const putRoom = (room, members) => {
  return backEnd(site.address("internal"), "PUT", `/rooms/${encodeURIComponent(room)}`, { members });
};

describe("a room for two", () => {
  for (const client of EVERY_CLIENT) {
    const row = SOCKET_ROWS[client.generation];
    check(row, client.transport, `is joined, spoken in and left (${row} over ${client.transport})`, async () => {
      const merchant = await windows.open("m7", MODERN);
      const buyer = await windows.open("8", client);
      assert.deepEqual((await merchant.asked("join", { room: "7001" })).clients, [merchant.id]);
      assertOnline(await merchant.next("online"), "join", [merchant.id]);

      assert.deepEqual((await buyer.asked("join", { room: "7001" })).clients, [merchant.id, buyer.id]);
      for (const window of [merchant, buyer]) {
        assertOnline(await window.next("online"), "join", [merchant.id, buyer.id]);
      }
      await relays(merchant, "7001", buyer);
      await relays(buyer, "7001", merchant);

      assert.deepEqual((await buyer.asked("leave", { room: "7001" })).clients, [merchant.id]);
      assertOnline(await merchant.next("online"), "leave", [merchant.id]);
      await buyer.refused("exchange", { target: "7001", payload: 1 }, "forbidden");
      await merchant.asked("exchange", { target: "7001", payload: "alone" });
      await buyer.settle();
      assert.equal(await buyer.waiting("exchange"), 0, "who left hears nothing");
    });
  }

  for (const client of EVERY_GENERATION) {
    it(`is joined by the handshake's query, and left by going away (generation ${client.generation})`, async () => {
      const merchant = await windows.open("m7", MODERN);
      await merchant.asked("join", { room: "7001" });
      await merchant.next("online");
      const buyer = await windows.open("8", client, { query: { room: "7001" } });
      for (const window of [merchant, buyer]) {
        assertOnline(await window.next("online"), "join", [merchant.id, buyer.id]);
      }
      await buyer.close();
      assertOnline(await merchant.next("online"), "leave", [merchant.id]);
    });

    it(`is denied to a third, who is disconnected (generation ${client.generation})`, async () => {
      const byEvent = await windows.open("9", client);
      assert.equal((await byEvent.ask("join", { room: "7001" })).error.code, "forbidden");
      await denied(byEvent);
      await denied(await windows.open("9", client, { early: true, query: { room: "7001" } }));
    });

    it(`that does not exist is denied (generation ${client.generation})`, async () => {
      const byEvent = await windows.open("m7", client);
      assert.equal((await byEvent.ask("join", { room: "no such" })).error.code, "not_found");
      await denied(byEvent);
      await denied(await windows.open("m7", client, { early: true, query: { room: "no such" } }));
    });
  }

  it("is not announced twice to who joins twice", async () => {
    const window = await windows.open("m7");
    await window.asked("join", { room: "7001" });
    await window.asked("join", { room: "7001" });
    await window.next("online");
    await window.settle();
    assert.equal(await window.waiting("online"), 0);
  });

  it("without a list of members is for anyone", async () => {
    const window = await windows.open("hua1024", { generation: 1, transport: "polling" });
    await window.asked("join", { room: "大厅" });
    assertOnline(await window.next("online"), "join", [window.id], "大厅");
  });

  it("must be named, by text or number", async () => {
    const window = await windows.open("m7");
    for (const payload of [undefined, "7001", {}, { room: "" }, { room: [7001] }]) {
      await window.refused("join", payload, "bad_request");
    }
    await window.asked("join", { room: 7001 });
    assertOnline(await window.next("online"), "join", [window.id]);
  });

  function assertOnline(push, action, clients, room = "7001") {
    assert.deepEqual([push.action, push.target, push.clients], [action, room, clients]);
    assert.equal(typeof push.message, "string");
  }

  async function denied(window) {
    const { type, message } = await window.next("deny");
    assert.equal(type, "deny");
    assert.match(message, /\w+ \w+/);
    assert.equal(await window.disconnected(), "io server disconnect");
    await window.peer.connectionEvent("close");
  }
});

describe("the back end", () => {
  it("opens a room, changes who may enter, and closes it", async () => {
    const window = await windows.open("m7");
    assert.equal((await putRoom("8001", ["m7", "8"])).status, 204);
    await window.asked("join", { room: "8001" });
    await window.asked("leave", { room: "8001" });
    assert.equal((await putRoom("8001", ["8"])).status, 204);
    assert.equal((await window.ask("join", { room: "8001" })).error.code, "forbidden");
    const late = await windows.open("8");
    await late.asked("join", { room: "8001" });
  });

  it("puts out of a room who may not be there any more", async () => {
    await putRoom("8002", ["m7", "8"]);
    const [stays, goes] = [await windows.open("m7"), await windows.open("8")];
    await stays.asked("join", { room: "8002" });
    await goes.asked("join", { room: "8002" });
    await stays.next("online");
    await stays.next("online");
    assert.equal((await putRoom("8002", ["m7"])).status, 204);
    const { action, clients } = await stays.next("online");
    assert.deepEqual([action, clients], ["leave", [stays.id]]);
    await goes.refused("exchange", { target: "8002", payload: 1 }, "forbidden");
  });

  it("is told what is wrong", async () => {
    const put = (body) => backEnd(site.address("internal"), "PUT", "/rooms/8003", body);
    for (const body of [{}, { members: "m7" }, { members: ["not a key!"] }, { members: [], colour: "red" }]) {
      const response = await put(body);
      assert.equal(response.status, 400, JSON.stringify(body));
      const { ok, error } = await response.json();
      assert.deepEqual([ok, error.code], [false, "bad_request"]);
    }
    assert.equal((await backEnd(site.address("internal"), "GET", "/nothing/here")).status, 404);
  });

  it("has a door of its own", async () => {
    for (const address of [site.url, site.address("admin")]) {
      const response = await backEnd(address, "PUT", "/rooms/8004", { members: [] });
      assert.ok([404, 405].includes(response.status), `status ${response.status}`);
    }
    const window = await windows.open("m7");
    assert.equal((await window.ask("join", { room: "8004" })).error.code, "not_found");
  });
});

describe("exchange", () => {
  for (const client of EVERY_CLIENT) {
    const row = SOCKET_ROWS[client.generation];
    check(row, client.transport, `reaches users and sockets, both ways (${row} over ${client.transport})`, async () => {
      const mine = await windows.open("m7", client);
      const theirs = await Promise.all(EVERY_GENERATION.map((other) => windows.open("8", other)));
      await relays(mine, "user:8", ...theirs);
      await relays(theirs[0], "user:m7", mine);
      for (const window of theirs) {
        await relays(mine, window.id, window);
        await relays(window, mine.id, mine);
      }
      for (const window of [mine, ...theirs]) {
        await window.settle();
        assert.equal(await window.waiting("exchange"), 0, "each heard it once and nobody else did");
      }
    });
  }

  it("is refused where nobody could hear it", async () => {
    const window = await windows.open("m7");
    await window.refused("exchange", { target: "elsewhere.nobody", payload: 1 }, "not_found");
    await window.refused("exchange", { target: "7001", payload: 1 }, "forbidden");
    await window.refused("exchange", { target: "user:no key!", payload: 1 }, "bad_request");
    for (const payload of [undefined, {}, { payload: 1 }, { target: 1 }, { target: "" }]) {
      await window.refused("exchange", payload, "bad_request");
    }
  });
});

/** `from` says something to `target`; each of `receivers` hears exactly that. */
async function relays(from, target, ...receivers) {
  for (const payload of [{ text: "你好 😀 \u2028", n: null }, "cut \ud83d off", { bytes: [BYTES] }]) {
    await from.asked("exchange", { target, payload });
    for (const window of receivers) {
      const { meta, data } = await window.next("exchange");
      assert.deepEqual(data, { action: "exchange", payload });
      assert.deepEqual([meta.client, meta.target], [from.id, target]);
      assert.ok(Number.isSafeInteger(meta.timestamp));
    }
  }
}
