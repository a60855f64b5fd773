// Messages that are kept, as every generation of clients sends and gets them: whatever the store, however many processes.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";
import { eventually } from "./eventually.js";
import { EVERY_GENERATION, Windows } from "./site.js";

let names = 0;
const text = (to, message, name = `t-${++names}`) => {
  return { temp_message_id: name, chat_type: "p2p", to_user_id: to, type: "text", message };
};
/** A merchant and a buyer of their own for each test. */
let people = 100;
const pair = () => [`m${++people}`, `${++people}`];

/** Declares them for a site; `start` starts it. A window is of each of its `servers` in turns. */
export function keepsMessages(start) {
  let site;
  let turn = 0;
  const windows = new Windows(() => site.servers[turn++ % site.servers.length].url);
  before(async () => (site = await start()));
  after(() => site.stop());
  afterEach(() => windows.closeAll());

  for (const client of EVERY_GENERATION) {
    const name = `generation ${client.generation} over ${client.transport}`;
    describe(name, () => {
      it("sends, is acknowledged, and is heard by every other window of both", async () => {
        const [m, b] = pair();
        const shop = await windows.open(m, client);
        const shop2 = await windows.open(m);
        const buyer = await windows.open(b, client);
        const buyer2 = await windows.open(b);
        const words = "有货吗？ 🛍️ \u0000 <b>&\"\\";
        const sent = await buyer.asked("sendMessage", text(m, words, "first"));
        assert.match(sent.message_id, /^\d{17,19}$/);
        assert.equal(sent.conv_seq, 1);
        assert.ok(Math.abs(Number(BigInt(sent.message_id) >> 21n) - sent.send_time) < 1);
        for (const window of [shop, shop2, buyer2]) {
          const push = await window.next("messagePush");
          const { message_id, conversation_id, conv_seq, from_user_id, to_user_id, type, message, chat_type } = push;
          assert.deepEqual([message_id, conversation_id], [sent.message_id, sent.conversation_id]);
          assert.deepEqual([conv_seq, from_user_id, to_user_id, type, message], [1, b, m, "text", words]);
          assert.equal(chat_type, "p2p");
          assert.equal(push.temp_message_id, window === buyer2 ? "first" : undefined);
          assert.equal(push.unread, window === buyer2 ? undefined : 1);
          assert.equal(push.v, 1);
        }
        await buyer.settle();
        assert.equal(await buyer.waiting("messagePush"), 0, "who sent it is answered instead");
      });

      it("tells who reads again when it was read the first time", async () => {
        const [m, b] = pair();
        const shop = await windows.open(m, client);
        const buyer = await windows.open(b, client);
        const { message_id: one, conversation_id } = await buyer.asked("sendMessage", text(m, "one"));
        const { message_id: two } = await buyer.asked("sendMessage", text(m, "two"));
        const first = await shop.asked("readMessage", { conversation_id, message_ids: [one] });
        assert.equal(first.read, undefined);
        await eventually("a later moment", () => Date.now() > first.read_at + 5);
        const both = await shop.asked("readMessage", { conversation_id, message_ids: [one, two] });
        assert.deepEqual([both.saved, both.unread, both.read_at > first.read_at], [[one, two], 0, true]);
        assert.deepEqual(both.read, [{ message_ids: [one], read_at: first.read_at, by: m }]);
        const again = await shop.asked("readMessage", { conversation_id, message_ids: [one] });
        assert.deepEqual([again.read_at, again.read], [first.read_at, undefined]);
      });

      it("marks as read, takes back and deletes, and both sides see it", async () => {
        const [m, b] = pair();
        const shop = await windows.open(m, client);
        const buyer = await windows.open(b, client);
        const { message_id, conversation_id } = await buyer.asked("sendMessage", text(m, "one"));
        const other = await buyer.asked("sendMessage", text(m, "two"));
        const read = await shop.asked("readMessage", { conversation_id, message_ids: [message_id, "7"] });
        assert.deepEqual([read.saved, read.unread], [[message_id], 1]);
        const state = await buyer.next("statePush");
        assert.deepEqual(state.read, { message_ids: [message_id], read_at: read.read_at, by: m });
        const taken = await buyer.asked("recallMessage", { message_id: other.message_id });
        assert.equal(taken.conv_seq, 3);
        await shop.next("messagePush");
        await shop.next("messagePush");
        const recall = await shop.next("recallPush");
        assert.deepEqual(recall.message, { message_id: other.message_id, conv_seq: 2 });
        assert.deepEqual([recall.conv_seq, recall.unread], [3, 0]);
        await shop.refused("recallMessage", { message_id }, "forbidden");
        await shop.asked("deleteMessage", { message_id });
        const { messages } = await shop.asked("history", { conversation_id });
        assert.deepEqual(messages[0], { conversation_id, conv_seq: 1, deleted: true });
        assert.equal(messages[1].recalled, true);
        assert.equal(messages[1].message, undefined);
      });

      it("finds everything again when it comes back", async () => {
        const [m, b] = pair();
        const shop = await windows.open(m, client);
        const buyer = await windows.open(b, client);
        const { conversation_id } = await buyer.asked("sendMessage", text(m, "before"));
        await shop.next("messagePush");
        const { token, v } = await shop.asked("sync", {});
        await shop.close();
        await buyer.asked("sendMessage", text(m, "meanwhile"));
        const again = await windows.open(m, client);
        const named = await again.asked("sync", { token, v });
        assert.deepEqual(named.conversations.map((one) => [one.conversation_id, one.head]), [[conversation_id, 2]]);
        const page = await again.asked("sync", { token, cursor: named.cursor, heads: { [conversation_id]: 1 } });
        assert.deepEqual(page.messages.map((message) => message.message), ["meanwhile"]);
        assert.equal(page.more, false);
        const nothing = await again.asked("sync", { token: page.token, v: page.v });
        assert.deepEqual([nothing.conversations, nothing.more, nothing.lists_rev], [[], false, undefined]);
      });
    });
  }

  it("a window that syncs and acknowledges nothing is sent it again, and closed", { timeout: 60_000 }, async () => {
    const [m, b] = pair();
    const shop = await windows.open(m);
    await shop.asked("sync", {});
    const other = await windows.open(m);
    const third = await windows.open(m);
    await third.asked("sync", {});
    const buyer = await windows.open(b);
    const sent = await buyer.asked("sendMessage", text(m, "hello"));
    const { conversation_id, conv_seq } = await third.next("messagePush");
    await third.asked("ackMessage", { conversation_id, conv_seq });
    for (let times = 0; times < 3; times++) {
      const push = await shop.next("messagePush");
      assert.equal(push.message_id, sent.message_id);
    }
    assert.match(await shop.disconnected(), /transport close|server disconnect/);
    assert.deepEqual([await other.waiting("messagePush"), await third.waiting("messagePush")], [1, 0]);
  });

  it("what is not for a client is refused, and changes nothing", async () => {
    const [m, b] = pair();
    const shop = await windows.open(m);
    const buyer = await windows.open(b);
    const stranger = await windows.open("31");
    const { conversation_id, message_id } = await buyer.asked("sendMessage", text(m, "hi"));
    await shop.next("messagePush");
    const refused = {
      bad_request: [
        ["sendMessage", { ...text(m, "x"), message: { not: "a text" } }],
        ["sendMessage", { ...text(m, "x"), temp_message_id: "" }],
        ["sendMessage", { ...text(m, "x"), type: "hologram" }],
        ["sendMessage", { ...text(m, ""), message: "" }],
        ["sendMessage", { ...text(b, "to myself") }],
        ["sendMessage", "not an object"],
        ["sendMessage", Buffer.from([0xff, 0xfe])],
        ["history", { conversation_id: Number(conversation_id) }],
        ["history", { conversation_id: "9".repeat(30) }],
        ["readMessage", { conversation_id, message_ids: "all" }],
        ["sync", { cursor: "forged" }],
      ],
      not_found: [
        ["sendMessage", text("m404", "x")],
        ["history", { conversation_id: "12345" }],
        ["recallMessage", { message_id: "12345" }],
        ["addContact", { user_id: "404" }],
      ],
      forbidden: [
        ["sendMessage", { ...text(m, "x"), type: "system", message: { text: "您的账户有风险" } }],
        ["sendMessage", { ...text(m, "x"), type: "card", message: { url: "https://evil.example" } }],
      ],
      too_large: [["sendMessage", text(m, "x".repeat(70_000))]],
    };
    for (const [code, requests] of Object.entries(refused)) {
      for (const [name, payload] of requests) await buyer.refused(name, payload, code);
    }
    await stranger.refused("history", { conversation_id }, "not_found");
    await stranger.refused("recallMessage", { message_id }, "not_found");
    await stranger.refused("deleteMessage", { message_id }, "not_found");
    await stranger.refused("readMessage", { conversation_id, message_ids: [message_id] }, "not_found");
    await stranger.refused("pinConversation", { conversation_id, pinned: true }, "not_found");
    const read = await buyer.asked("readMessage", { conversation_id, message_ids: [message_id] });
    assert.deepEqual(read.saved, [], "nobody reads their own");
    const { messages } = await shop.asked("history", { conversation_id });
    assert.deepEqual(messages.map((message) => message.message), ["hi"]);
    await shop.settle();
    assert.equal(await shop.waiting("messagePush"), 0);
  });

  it("whom one blocks cannot send, until it is undone", async () => {
    const [m, b] = pair();
    const shop = await windows.open(m);
    const shop2 = await windows.open(m);
    const buyer = await windows.open(b);
    await shop.asked("block", { user_id: b });
    const { change } = await shop2.next("listsPush");
    assert.deepEqual(change, { list: "blocked", op: "add", user_id: b });
    await buyer.refused("sendMessage", text(m, "x"), "blocked");
    await shop.refused("sendMessage", text(b, "x"), "blocked");
    const { users } = await shop2.asked("listBlocked");
    assert.deepEqual(users.map((user) => user.user_id), [b]);
    await shop.asked("unblock", { user_id: b });
    await buyer.asked("sendMessage", text(m, "y"));
  });

  it("pins, mutes and drafts are the same in every window", async () => {
    const [m, b] = pair();
    const buyer = await windows.open(b);
    const shop = await windows.open(m);
    const shop2 = await windows.open(m);
    const { conversation_id } = await buyer.asked("sendMessage", text(m, "x"));
    const changes = {
      pinConversation: { pinned: true },
      muteConversation: { muted: true },
      saveDraft: [{ text: "草稿" }, { draft: "草稿" }],
      clearUnread: [{ up_to: 1 }, { unread: 0 }],
    };
    let rev = 0;
    for (const [name, change] of Object.entries(changes)) {
      const [asked, told] = Array.isArray(change) ? change : [change, change];
      const answer = await shop.asked(name, { conversation_id, ...asked });
      const push = await shop2.next("statePush");
      // An answer that did not wait for the version has it sent after it.
      const v = answer.v ?? (await shop.next("versionPush")).v;
      assert.deepEqual(push, { conversation_id, rev: answer.rev, v, ...told });
      assert.ok(answer.rev > rev);
      rev = answer.rev;
    }
    await shop.settle();
    assert.equal(await shop.waiting("statePush"), 0);
  });
}
