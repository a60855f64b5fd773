// Site IM: what pages do without a connection, as `openapi.json` describes it.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";
import { Api } from "../lib/api.js";
import { eventually } from "../lib/eventually.js";
import { startImserver } from "../lib/server.js";
import { Windows, freshSecret, token } from "../lib/site.js";

let server;
let api;
const windows = new Windows(() => server.url);
before(async () => {
  server = await startImserver({ settings: { IM__ENGINE__MAX_PAYLOAD_BYTES: "20000" } });
  api = await Api.of(server.url);
  await Promise.all(["m7", "8", "9"].map((user) => api.as(user, "sync")));
});
after(() => server.stop());
afterEach(() => windows.closeAll());

let names = 0;
const text = (to, message, name = `t-${++names}`) => {
  return { temp_message_id: name, chat_type: "p2p", to_user_id: to, type: "text", message };
};

describe("every operation", () => {
  it("does what its event does, and answers what its description says", async () => {
    const sent = await api.as("8", "sendMessage", text("m7", "有货吗"));
    const order = { ...text("m7", null), type: "order", message: { order_id: "77" } };
    const second = await api.as("8", "sendMessage", order);
    assert.equal(second.conv_seq, sent.conv_seq + 1);
    const conversation_id = sent.conversation_id;
    const read = await api.as("m7", "readMessage", { conversation_id, message_ids: [sent.message_id] });
    assert.deepEqual([read.saved, read.unread], [[sent.message_id], 1]);
    const recalled = await api.as("8", "recallMessage", { message_id: second.message_id });
    assert.equal(recalled.conv_seq, 3);
    await api.as("m7", "sendMessage", text("8", "有的"));
    await api.as("m7", "deleteMessage", { message_id: sent.message_id });

    const { messages, more } = await api.as("m7", "history", { conversation_id, limit: 10 });
    assert.deepEqual([messages.length, more], [4, false]);
    assert.equal(messages[0].deleted, true);
    assert.equal(messages[1].recalled, true);
    assert.equal(messages[2].type, "recall");
    const mine = await api.as("8", "history", { conversation_id, after: 0, limit: 1 });
    assert.equal(mine.more, true);
    assert.ok(mine.messages[0].read_at >= mine.messages[0].send_time);

    await api.as("m7", "pinConversation", { conversation_id, pinned: true });
    await api.as("m7", "muteConversation", { conversation_id, muted: true });
    await api.as("m7", "saveDraft", { conversation_id, text: "马上" });
    await api.as("m7", "clearUnread", { conversation_id, up_to: 4 });
    const { conversations } = await api.as("m7", "listConversations", { limit: 5 });
    const { user_id, pinned, muted, draft, unread, head } = conversations[0];
    assert.deepEqual([user_id, pinned, muted, draft, unread, head], ["8", true, true, "马上", 0, 4]);

    await api.as("8", "setProfile", { nickname: "小明", avatar: "/a.png" });
    const { users } = await api.as("m7", "getProfiles", { user_ids: ["8", "404"] });
    assert.deepEqual(users, [{ user_id: "8", nickname: "小明", avatar: "/a.png" }]);
    await api.as("m7", "addContact", { user_id: "8", remark: "老客户" });
    const { contacts } = await api.as("m7", "listContacts");
    assert.equal(contacts[0].remark, "老客户");
    const found = await api.as("m7", "searchUsers", { q: "小" });
    assert.equal(found.users[0].user_id, "8");
    await api.as("m7", "removeContact", { user_id: "8" });
    const reply = { id: "r1", text: "您好，请问有什么可以帮您？", folder: "接待", shortcut: "hi" };
    assert.deepEqual((await api.as("m7", "quickReplies", { op: "save", ...reply })).items, [reply]);
    assert.deepEqual((await api.as("m7", "quickReplies", { op: "list" })).items, [reply]);
    assert.deepEqual((await api.as("m7", "quickReplies", { op: "remove", id: "r1" })).items, []);
    await api.as("m7", "block", { user_id: "9" });
    assert.deepEqual((await api.as("m7", "listBlocked")).users.map((one) => one.user_id), ["9"]);
    await api.refused("9", "sendMessage", text("m7", "?"), 403, "blocked");
    await api.as("m7", "unblock", { user_id: "9" });
    await api.as("9", "sendMessage", text("m7", "!"));
    await eventually("a text is found by its words", async () => {
      const { messages } = await api.as("m7", "searchMessages", { q: "有的" });
      return messages.some((message) => message.message === "有的");
    }, 30_000);
    // These are no events: see imserver-pictures and imserver-login.
    const others = ["login", "logout", "pictures"];
    assert.deepEqual(api.operations.filter((operation) => !api.used.has(operation)), others, "all were done");
  });

  it("is told to the user's windows, all of them", async () => {
    const shop = await windows.open("m7");
    const buyer = await windows.open("8");
    const sent = await api.as("8", "sendMessage", text("m7", "from nowhere", "named"));
    const push = await shop.next("messagePush");
    assert.deepEqual([push.message, push.temp_message_id], ["from nowhere", undefined]);
    const own = await buyer.next("messagePush");
    assert.deepEqual([own.message_id, own.temp_message_id, own.v], [sent.message_id, "named", sent.v]);
  });

  it("sends a message once, however often it is asked to", async () => {
    const message = text("m7", "once");
    const answers = await Promise.all([1, 2, 3].map(() => api.as("8", "sendMessage", message)));
    assert.equal(new Set(answers.map((answer) => answer.message_id)).size, 1);
    await api.refused("8", "sendMessage", { ...message, message: "twice" }, 409, "conflict");
  });
});

describe("bad requests", () => {
  it("are refused with a code and a sentence", async () => {
    await api.failed(await api.post("8", "sync", "{", {}), 400, "bad_request");
    await api.failed(await api.post("8", "sync", "[]"), 400, "bad_request");
    await api.failed(await api.post("8", "sync", ""), 400, "bad_request");
    await api.failed(await api.post("8", "sync", Buffer.from('{"token":"\xff"}', "latin1")), 400, "bad_request");
    await api.failed(await api.post("8", "sync", "{}", { "content-type": "text/plain" }), 400, "bad_request");
    await api.failed(await api.post("8", "sync", `{"token":"${"x".repeat(20_000)}"}`), 413, "too_large");
    await api.failed(await api.post("8", "searchUsers", '{"q":""}'), 400, "bad_request");
    await api.failed(await api.post("8", "history", '{"conversation_id":7}'), 400, "bad_request");
    await api.refused("8", "history", { conversation_id: "77" }, 404, "not_found");
    await api.refused("8", "sendMessage", text("404", "?"), 404, "not_found");
  });

  it("for what is not there, or needs a connection, are refused", async () => {
    for (const operation of ["nothing", "exchange", "join", "ackMessage", "getPresence", "sync/more"]) {
      await api.failed(await api.post("8", operation, "{}"), 404, "not_found");
    }
    await api.failed(await fetch(`${server.url}/api/v1/sync?userId=8`), 405, "bad_request");
  });

  it("from nobody, or from another origin, are refused", async () => {
    await api.failed(await api.post(undefined, "sync", "{}"), 401, "unauthorized");
    await api.failed(await api.post("no key!", "sync", "{}"), 401, "unauthorized");
    const evil = { origin: "http://evil.example" };
    const refused = await api.post("8", "sync", "{}", evil);
    assert.equal(refused.headers.get("access-control-allow-origin"), null);
    await api.failed(refused, 403, "forbidden");
    await api.failed(await api.post("8", "sync", "{}", { "sec-fetch-site": "cross-site" }), 403, "forbidden");
    assert.equal((await api.post("8", "sync", "{}", { origin: server.url })).status, 200);
  });

  it("that come too fast are refused for a while", async () => {
    const settings = { IM__LIMITS__EVENTS_PER_SECOND_PER_USER: "1", IM__LIMITS__EVENT_BURST_PER_USER: "5" };
    const strict = await startImserver({ settings });
    try {
      const limited = new Api(strict.url, api.document);
      const many = await Promise.all(Array.from({ length: 20 }, () => limited.post("8", "listContacts", "{}")));
      const refused = many.filter((response) => response.status === 429);
      assert.ok(refused.length >= 10, `${refused.length} were refused`);
      const error = await api.failed(refused[0], 429, "rate_limited");
      assert.ok(error.retry_after_ms > 0);
    } finally {
      await strict.stop();
    }
  });
});

it("a token or a cookie says who asks, and nobody else's conversation is shown", async () => {
  const secret = freshSecret();
  const settings = { IM__AUTH__MODE: "token", IM__AUTH__SECRET: secret, IM__INTERNAL__SECRET: freshSecret() };
  const real = await startImserver({ settings });
  try {
    const strict = await Api.of(real.url);
    const exp = Math.floor(Date.now() / 1000) + 600;
    const of = (sub, role) => token({ sub, role, exp }, secret);
    const buyer = { authorization: `Bearer ${of("8", "buyer")}` };
    const shop = { cookie: `im_token=${of("m7", "merchant")}` };
    assert.equal((await strict.post(undefined, "sync", "{}", shop)).status, 200);
    const sending = await strict.post(undefined, "sendMessage", JSON.stringify(text("m7", "x")), buyer);
    const { conversation_id } = await sending.json();
    const history = JSON.stringify({ conversation_id });
    assert.equal((await strict.post(undefined, "history", history, shop)).status, 200);
    const other = { authorization: `Bearer ${of("9", "buyer")}` };
    await strict.failed(await strict.post(undefined, "history", history, other), 404, "not_found");
    await strict.failed(await strict.post("8", "history", history), 401, "unauthorized");
    // Buyers write to shops, not to each other.
    const astray = await strict.post(undefined, "sendMessage", JSON.stringify(text("9", "x")), buyer);
    await strict.failed(astray, 403, "forbidden");
  } finally {
    await real.stop();
  }
});
