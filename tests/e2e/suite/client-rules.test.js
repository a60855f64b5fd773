// The page client's rules without a page: every scripted case of `tests/cases`, and what the cases leave to each language
// (identity of entries, what is queued, garbage, how much work an entry is).

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { Pace, Rules, compareIds, readInit } from "../../../imserver/web/client/rules.js";

const CASES = join(import.meta.dirname, "../../cases");
const files = readdirSync(CASES)
  .filter((name) => name.endsWith(".json"))
  .map((name) => ({ name, ...fieldsOf(JSON.parse(readFileSync(join(CASES, name), "utf8")), ["let", "cases"]) }));

describe("scripted cases", () => {
  for (const file of files) {
    describe(file.name, () => {
      for (const one of file.cases) it(one.name, () => play(file.let ?? {}, one));
    });
  }

  it("are all there, each under a name of its own", () => {
    const names = files.flatMap((file) => file.cases.map((one) => one.name));
    assert.deepEqual(names, [...new Set(names)]);
    for (const file of files) assert.ok(file.cases.length > 0, file.name);
    assert.ok(files.length >= 4 && names.length > 40, `only ${names.length} in ${CASES}`);
  });

  it("fail with the difference where they are wrong", () => {
    const wrong = {
      name: "x",
      says: "x.",
      steps: [
        { at: 5, in: { connected: { user: "8" } }, out: [{ request: { id: 1, event: "sync", payload: {} } }] },
        { at: 6, in: { push: { event: "typingPush", payload: { on: true } } }, out: [{ synced: { reset: false } }] },
      ],
    };
    const said = [
      "x.\n  step 2, at 6",
      '  - {"synced":{"reset":false}}',
      '  + {"event":{"event":"typingPush","payload":{"on":true}}}',
    ];
    assert.throws(() => play({}, wrong), { message: said.join("\n") });
    const blind = { ...wrong, steps: [{ ...wrong.steps[0], then: { synced: true, 100: null } }] };
    assert.throws(() => play({}, blind), /synced\n {2}- true\n {2}\+ false$/);
  });
});

describe("beside the cases", () => {
  it("an entry is another object exactly when it has changed", () => {
    const { rules } = filled(4);
    const before = rules.view("100").entries;
    const marks = (read_at) => ({ conversation_id: "100", read: { message_ids: [idOf(2)], read_at }, deleted: [3] });
    const out = put(rules, "statePush", marks(9));
    const after = rules.view("100").entries;
    assert.deepEqual(after.map((entry, at) => entry === before[at]), [true, false, false, true]);
    assert.equal(before[1].read_at, undefined);
    assert.deepEqual(out.map((output) => output.updated && output.updated.entry), [after[1], after[2]]);
    assert.ok(after.every(Object.isFrozen));
    put(rules, "statePush", marks(12));
    assert.ok(rules.view("100").entries.every((entry, at) => entry === after[at]));
  });

  it("what is queued can be looked at until the server has it", () => {
    const { rules } = filled(1);
    const messages = ["a", "b", "c"].map((name) => outgoing(name));
    for (const message of messages) assert.equal(rules.send(message, []), undefined);
    rules.send(outgoing("d", "9"), []);
    const refusal = { code: "blocked", message: "no" };
    rules.answered(20, 2, { ok: false, error: refusal }, []);
    assert.deepEqual(rules.pending("m7"), [
      { message: messages[0], state: "failed", refusal },
      { message: messages[1], state: "pending" },
      { message: messages[2], state: "pending" },
    ]);
    assert.equal(rules.queued("b"), messages[1]);
    rules.answered(21, 4, { ok: true, message_id: idOf(2), conversation_id: "100", conv_seq: 2, send_time: 20 }, []);
    assert.deepEqual([rules.queued("b"), rules.pending("m7").length], [undefined, 2]);
    assert.equal(rules.retry(22, "a", []), undefined);
    assert.equal(rules.pending("m7")[0].state, "pending");
    rules.discard("a", []);
    assert.deepEqual(rules.pending("m7"), [{ message: messages[2], state: "pending" }]);
    assert.equal(rules.send(outgoing("c"), []), "name");
    assert.equal(rules.send(outgoing("客"), []), "name");
  });

  it("what the user has gone back to stays when more comes", () => {
    const { rules, out } = filled(8, 5, 4);
    rules.loadOlder(10, 1, "100", 4, out);
    rules.answered(11, 2, { ok: true, messages: [1, 2, 3, 4].map(message), more: false }, out);
    put(rules, "messagePush", message(9));
    put(rules, "messagePush", message(10));
    assert.equal(rules.view("100").floor, 1);
    assert.deepEqual(put(rules, "messagePush", message(11)).slice(1), [{ forgotten: { conversation_id: "100", below: 4 } }]);
  });

  it("what waits behind a hole is acknowledged when the hole is gone", () => {
    const { rules } = filled(1);
    for (const number of [2, 4]) put(rules, "messagePush", message(number));
    const acks = () => {
      const out = [];
      while (rules.due() !== undefined) rules.tick(rules.due(), out);
      return out.map((output) => output.request).filter((request) => request.event === "ackMessage");
    };
    assert.deepEqual(acks(), [{ id: 3, event: "ackMessage", payload: { conversation_id: "100", conv_seq: 2 } }]);
    rules.answered(300, 3, { ok: true }, []);
    assert.deepEqual(acks(), []);
    rules.answered(310, 2, { ok: true, messages: [message(3), message(4)], more: false }, []);
    assert.deepEqual(acks(), [{ id: 4, event: "ackMessage", payload: { conversation_id: "100", conv_seq: 4 } }]);
  });

  it("of things due at the same moment each has its turn", () => {
    const { rules, out } = filled(1);
    rules.pushed(0, "messagePush", { ...message(1), conversation_id: "20" }, out);
    rules.pushed(0, "messagePush", { ...message(1), conversation_id: "3" }, out);
    rules.read(0, "100", [idOf(1)]);
    rules.pushed(100, "messagePush", message(3), out);
    out.length = 0;
    rules.tick(200, out);
    const order = out.map(({ request }) => `${request.event} ${request.payload.conversation_id}`);
    assert.deepEqual(order, ["history 100", "ackMessage 3", "ackMessage 20", "readMessage 100"]);
  });

  it("ids are compared as the numbers that they are", () => {
    const ids = ["9223372036854775807", "10", "9", "9223372036854775806"];
    assert.deepEqual(ids.sort(compareIds), ["9", "10", "9223372036854775806", "9223372036854775807"]);
  });

  it("what cannot be read as a message keeps its place, and what has none is handed on", () => {
    const { rules } = filled(1);
    const blank = { conversation_id: "100", conv_seq: 2, deleted: true };
    const out = put(rules, "messagePush", { conversation_id: "100", conv_seq: 2, message_id: 7, v: 3 });
    assert.deepEqual(out, [{ added: { entry: blank } }]);
    assert.equal(rules.version(), 3);
    const ids = ["", "-1", "+1", "01", "0", "9223372036854775808", "1e3", 7, null];
    for (const conversation_id of ids) {
      const payload = { ...message(3), conversation_id };
      assert.deepEqual(put(rules, "messagePush", payload), [{ event: { event: "messagePush", payload } }]);
    }
    const expected = { ...message(3), type: "hologram", message: "\ud83d" };
    const strange = { ...expected, recalled: false, chat_type: undefined, extra: 1 };
    assert.deepEqual(put(rules, "messagePush", strange), [{ added: { entry: expected } }]);
  });

  it("nothing of a wrong type throws", () => {
    const junk = [undefined, null, true, 0, -1, 1.5, NaN, "", "x", "100", [], [1], {}, { conversation_id: "100" }];
    const places = "conversation_id conv_seq message_id messages conversations read deleted error ok head saved read_at";
    const others = "v rev unread token cursor lists_rev message type draft";
    const pages = (value) => {
      const messages = [value, { ...message(5), message: value, type: "recall" }];
      return { ok: true, messages, conversations: [value] };
    };
    const values = junk.concat(
      ...`${places} ${others}`.split(" ").map((name) => junk.map((value) => ({ ...message(9), ok: true, [name]: value }))),
      junk.map(pages),
    );
    const events = "messagePush recallPush statePush listsPush versionPush syncPush profilePush other".split(" ");
    const asks = "pinConversation saveDraft readMessage deleteMessage recallMessage block other".split(" ");
    for (const value of values) {
      const { rules } = filled(3);
      let now = 100;
      const out = [];
      for (const event of events) rules.pushed(now, event, value, out);
      for (const event of asks) rules.ask(1, event, value, out);
      rules.send(outgoing("t"), out);
      rules.read(now, "100", [idOf(3)]);
      rules.loadOlder(now, 2, "200", 10, out);
      for (let at = 0; at < out.length && at < 100; at++) {
        if (out[at].request) rules.answered(now, out[at].request.id, value, out);
        now = Math.max(now, rules.due() ?? now);
        rules.tick(now, out);
      }
      rules.disconnected(now, out);
      rules.connected(now, { user: "8" }, out);
      assert.ok(rules.conversations().length > 0);
    }
    for (const value of junk) assert.equal(readInit(value), undefined);
    assert.deepEqual(readInit({ user: "8", degraded: true, more: 1 }), { user: "8", degraded: true });
  });

  it("an entry is as little work among many as among few", () => {
    const { rules, out } = filled(0);
    const started = performance.now();
    for (let number = 1; number <= 10_000; number++) {
      rules.pushed(number, "messagePush", { ...message(number), v: number + 2, unread: number, rev: number }, out);
      if (number % 10 === 0) {
        const read = { message_ids: [idOf(number)], read_at: number };
        rules.pushed(number, "statePush", { conversation_id: "100", read }, out);
      }
      out.length = 0;
    }
    for (let other = 200; other < 700; other++) {
      rules.pushed(1, "messagePush", { ...message(1), conversation_id: `${other}` }, out);
    }
    out.length = 0;
    assert.equal(rules.view("100").head, 10_000);
    assert.equal(rules.conversations().length, 501);
    const took = performance.now() - started;
    assert.ok(took < 3000, `${took} ms`);
  });

  it("going back by pages is not slower with each page", () => {
    const last = 40_000;
    const { rules, out } = filled(last, last);
    const started = performance.now();
    for (let floor = last; floor > 1; ) {
      out.length = 0;
      rules.loadOlder(50, 1, "100", 200, out);
      const first = Math.max(1, floor - 200);
      const messages = Array.from({ length: floor - first }, (_, at) => message(first + at));
      rules.answered(51, out[0].request.id, { ok: true, messages, more: first > 1 }, out);
      floor = first;
    }
    assert.deepEqual([rules.view("100").floor, rules.view("100").entries.length], [1, last]);
    const took = performance.now() - started;
    assert.ok(took < 3000, `${took} ms`);
  });
});

/** Rules that are connected and synced, with a conversation of the entries from one number up to another. */
function filled(last, first = 1, entries = 20_000) {
  const messages = Array.from({ length: last + 1 - first }, (_, at) => message(first + at));
  const rules = new Rules({ bounds: { entries }, pace: Pace.exact() });
  const out = [];
  rules.connected(0, { user: "8" }, out);
  const conversations = [{ conversation_id: "100", user_id: "m7", head: last, unread: 0, rev: 1 }];
  rules.answered(1, 1, { ok: true, conversations, messages, more: false, token: "T", v: 2 }, out);
  out.length = 0;
  return { rules, out };
}

function put(rules, event, payload) {
  const out = [];
  rules.pushed(10, event, payload, out);
  return out;
}

function idOf(number) {
  return `${2_000_000_000 + number}`;
}

function message(number) {
  const place = { message_id: idOf(number), conversation_id: "100", conv_seq: number, chat_type: "p2p", type: "text" };
  return { ...place, from_user_id: "m7", to_user_id: "8", message: `number ${number}`, send_time: number };
}

function outgoing(temp_message_id, to_user_id = "m7") {
  return { temp_message_id, to_user_id, type: "text", message: temp_message_id, made_at: 10 };
}

/** Runs a case; throws what differs. */
function play(names, one) {
  const { name, says, bounds = {}, steps } = fieldsOf(one, ["name", "says", "bounds", "steps"]);
  assert.ok(says.endsWith(".") && steps.length > 0, `${name} says what it shows`);
  const rules = new Rules({ bounds, pace: Pace.exact() });
  steps.forEach((step, number) => {
    const { at, in: input = null, out: wanted = [], then = {} } = fieldsOf(step, ["at", "in", "out", "then"]);
    const place = `${says}\n  step ${number + 1}, at ${at}`;
    const out = [];
    while (rules.due() !== undefined && rules.due() <= at) rules.tick(rules.due(), out);
    const refused = putIn(rules, at, resolve(names, input), out);
    const got = out.concat(refused === undefined ? [] : [{ not_queued: refused }]);
    const expected = wanted.map((value) => resolve(names, value));
    if (!isDeepStrictEqual(got, expected)) throw new Error(`${place}\n${difference(expected, got)}`);
    for (const [what, expected] of Object.entries(then)) {
      const got = look(rules, what, expected);
      if (isDeepStrictEqual(got, expected)) continue;
      throw new Error(`${place}\n  ${what}\n  - ${JSON.stringify(expected)}\n  + ${JSON.stringify(got)}`);
    }
  });
}

/** A line for each output: `-` is missing, `+` was not expected. */
function difference(expected, got) {
  const length = Math.min(expected.length, got.length);
  let same = 0;
  while (same < length && isDeepStrictEqual(expected[same], got[same])) same += 1;
  let end = 0;
  while (end < length - same && isDeepStrictEqual(expected.at(-1 - end), got.at(-1 - end))) end += 1;
  const lines = (sign, values) => values.map((value) => `  ${sign} ${JSON.stringify(value)}`);
  return [
    ...lines(" ", expected.slice(0, same)),
    ...lines("-", expected.slice(same, expected.length - end)),
    ...lines("+", got.slice(same, got.length - end)),
    ...lines(" ", got.slice(got.length - end)),
  ].join("\n");
}

/** Puts the values in that are named: `"$m1"`, or `{"$": "m1", …}` with more fields. */
function resolve(names, value) {
  const named = (name) => {
    assert.ok(Object.hasOwn(names, name), `$${name} is not defined`);
    return resolve(names, names[name]);
  };
  if (typeof value === "string") return value.startsWith("$") ? named(value.slice(1)) : value;
  if (Array.isArray(value)) return value.map((one) => resolve(names, one));
  if (typeof value !== "object" || value === null) return value;
  const all = value.$ === undefined ? {} : { ...named(value.$) };
  for (const [key, one] of Object.entries(value)) {
    if (key === "$") continue;
    // A field that is null here is left out.
    const field = resolve(names, one);
    if (field === null) delete all[key];
    else all[key] = field;
  }
  return all;
}

/** Puts an input in; why a message was not queued, if it was not. */
function putIn(rules, now, input, out) {
  if (input === null) return undefined;
  const [kind, given] = typeof input === "string" ? [input] : Object.entries(input)[0];
  switch (kind) {
    case "connected":
      return void rules.connected(now, readInit(given), out);
    case "disconnected":
      return void rules.disconnected(now, out);
    case "answer":
      return void rules.answered(now, given.id, given.with, out);
    case "lost":
      return void rules.answered(now, given, undefined, out);
    case "push":
      return void rules.pushed(now, given.event, given.payload, out);
    case "send":
      return rules.send({ ...given, made_at: now }, out);
    case "restore": {
      const { failed, ...message } = given;
      return void rules.restore(message, failed, out);
    }
    case "retry":
      return rules.retry(now, given, out);
    case "discard":
      return void rules.discard(given, out);
    case "read":
      return void rules.read(now, given.conversation_id, given.message_ids);
    case "load":
      return void rules.loadOlder(now, given.ticket, given.conversation_id, given.limit, out);
    case "keep":
      return void rules.keep(given.conversation_id, given.entries, out);
    case "ask":
      return void rules.ask(given.ticket, given.event, given.payload, out);
    default:
      throw new Error(`no such input: ${kind}`);
  }
}

/** What a step's `then` looks at: `v`, `synced`, or a conversation by its id, of which only what is written is compared. */
function look(rules, what, expected) {
  if (what === "v") return rules.version() ?? null;
  if (what === "synced") return rules.isSynced;
  const view = rules.view(what);
  if (view === undefined) return null;
  const entries = view.entries.map((entry) => entry.conv_seq);
  const all = { floor: view.floor ?? null, head: view.head ?? null, waiting: view.waiting, entries };
  return expected === null ? all : Object.fromEntries(Object.keys(expected).map((key) => [key, all[key]]));
}

/** The value, which has no other fields than these. */
function fieldsOf(value, fields) {
  for (const key of Object.keys(value)) assert.ok(fields.includes(key), `${key} means nothing here`);
  return value;
}
