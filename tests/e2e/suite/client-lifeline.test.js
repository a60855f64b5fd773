// When the page client connects and how long it stays away: schedules of reconnects, on a clock that the test turns.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Lifeline } from "../../../imserver/web/client/lifeline.js";
import { Pace } from "../../../imserver/web/client/rules.js";

const PATIENCE_MS = 35_000;
const BROKEN = { why: "broken" };
const closed = (code) => ({ why: "closed", code });

function lifeline(transports = "both") {
  return new Lifeline({ transports, pace: Pace.exact() });
}

/** Waits for the next attempt; when it is, and by what. */
function attempt(line) {
  const now = line.due();
  const order = line.tick(now);
  assert.ok(order && order.connect, `no attempt but ${JSON.stringify(order)}`);
  return { now, transport: order.connect.transport };
}

function open(line) {
  const { now } = attempt(line);
  line.opened(now, PATIENCE_MS);
  return now;
}

describe("a lifeline", () => {
  it("waits longer each time, until a connection has held", () => {
    const line = lifeline("websocket");
    const waits = [];
    for (let time = 0; time < 7; time++) {
      const { now } = attempt(line);
      line.failed(now, BROKEN);
      waits.push(line.due() - now);
    }
    assert.deepEqual(waits, [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
    let now = open(line);
    // One that did not hold does not count as a success.
    line.lost(now + 9999, BROKEN);
    assert.equal(line.due(), now + 9999 + 30_000);
    now = open(line);
    line.lost(now + 10_000, BROKEN);
    assert.equal(line.due(), now + 10_000);
  });

  it("comes back over a second with others that were lost together", () => {
    const random = seeded(7);
    const waits = Array.from({ length: 1000 }, () => {
      const line = new Lifeline({ pace: new Pace(random) });
      const now = open(line);
      line.lost(now + 60_000, BROKEN);
      return line.due() - now - 60_000;
    });
    assert.ok(waits.every((wait) => Number.isInteger(wait) && wait >= 0 && wait <= 1000));
    for (let tenth = 0; tenth < 10; tenth++) {
      assert.ok(waits.filter((wait) => Math.floor(wait / 101) === tenth).length > 50, `tenth ${tenth}`);
    }
  });

  it("takes polling where no WebSocket can be had", () => {
    const line = lifeline();
    const first = attempt(line);
    assert.equal(first.transport, "websocket");
    line.failed(first.now, { why: "no_websocket" });
    assert.deepEqual(attempt(line), { now: first.now, transport: "polling" });
    line.opened(first.now, PATIENCE_MS);
    // What worked is taken again, until it fails.
    line.lost(first.now + 60_000, BROKEN);
    const again = attempt(line);
    assert.equal(again.transport, "polling");
    line.failed(again.now, BROKEN);
    assert.equal(attempt(line).transport, "websocket");
  });

  it("tries each transport when nothing answers", () => {
    const line = lifeline();
    const seen = [];
    for (let time = 0; time < 4; time++) {
      const { now, transport } = attempt(line);
      line.failed(now, { why: "timed_out" });
      seen.push(transport);
    }
    assert.deepEqual(seen, ["websocket", "polling", "websocket", "polling"]);
  });

  it("uses one transport where it is told to", () => {
    for (const transports of ["polling", "websocket"]) {
      const line = lifeline(transports);
      for (const why of ["no_websocket", "broken", "timed_out"]) {
        const { now, transport } = attempt(line);
        assert.equal(transport, transports);
        line.failed(now, { why });
      }
    }
  });

  it("ends a connection that is silent for longer than the heartbeat allows", () => {
    const line = lifeline();
    const now = open(line);
    line.heard(now + 20_000);
    assert.equal(line.tick(now + 54_999), undefined);
    assert.deepEqual(line.tick(now + 55_000), { drop: { why: "silent" } });
    assert.ok(line.tick(now + 55_000).connect);
  });

  it("gives an attempt up that brings no init", () => {
    const line = lifeline();
    const { now } = attempt(line);
    assert.equal(line.tick(now + 14_999), undefined);
    assert.deepEqual(line.tick(now + 15_000), { drop: { why: "timed_out" } });
  });

  it("asks a connection that is in doubt, and keeps it if it answers", () => {
    const line = lifeline();
    const now = open(line) + 20_000;
    line.heard(now);
    assert.deepEqual(line.suspect(now), { probe: true });
    assert.equal(line.suspect(now + 1), undefined, "one question at a time");
    line.heard(now + 4000);
    assert.equal(line.tick(now + 5000), undefined);
    // The second time it does not answer: it is closed before a new one is opened, and that at once.
    assert.deepEqual(line.suspect(now + 6000), { probe: true });
    assert.deepEqual(line.tick(now + 11_000), { drop: { why: "silent" } });
    assert.ok(line.tick(now + 11_000).connect);
  });

  it("does not dawdle where it was asked and did not answer", () => {
    const line = new Lifeline({ pace: new Pace(() => 0.9) });
    const now = open(line) + 20_000;
    line.heard(now);
    line.suspect(now);
    line.tick(now + 5000);
    assert.equal(line.due(), now + 5000);
  });

  it("comes back with the network, but not before the server asked for", () => {
    const line = lifeline("websocket");
    for (let time = 0; time < 6; time++) line.failed(attempt(line).now, BROKEN);
    let now = line.due() - 30_000;
    assert.equal(line.suspect(now + 5), undefined);
    assert.equal(line.due(), now + 5);
    now = open(line);
    line.lost(now + 60_000, closed(4005));
    line.suspect(now + 60_001);
    assert.equal(line.due(), now + 70_000, "rate_limited: after ten seconds");
  });

  it("stays away for as long as the server asks for", () => {
    const line = lifeline();
    let now = open(line) + 60_000;
    line.heard(now);
    line.drain(now, 3210);
    line.lost(now + 100, closed(4001));
    assert.equal(line.due(), now + 3210, "a draining server gives each client its own time");
    ({ now } = attempt(line));
    line.failed(now, { why: "busy", retry_after_ms: 7000 });
    assert.equal(line.due(), now + 7000);
    now = open(line);
    line.lost(now + 60_000, closed(4499));
    assert.equal(line.due(), now + 60_000, "a code of a newer server that is not final");
  });

  it("is over with a final code", () => {
    for (const code of [4500, 4501, 4999]) {
      const line = lifeline();
      const now = open(line);
      line.lost(now, closed(code));
      assert.deepEqual([line.due(), line.suspect(now), line.tick(now + 1_000_000)], [undefined, undefined, undefined]);
    }
  });

  it("begins again when there is a reason to", () => {
    const line = lifeline();
    line.failed(attempt(line).now, BROKEN);
    line.beginAgain(5);
    assert.equal(line.due(), 1000, "it has not ended");
    line.end();
    assert.equal(line.due(), undefined);
    line.beginAgain(7000);
    assert.equal(attempt(line).now, 7000);
  });
});

describe("waits", () => {
  it("double up to a bound and keep at least half", () => {
    const exact = Pace.exact();
    const doubled = [1, 2, 3, 4, 5, 6, 7, 99].map((failures) => exact.after(failures));
    assert.deepEqual(doubled, [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
    const pace = new Pace(seeded(7));
    const waits = Array.from({ length: 1000 }, () => pace.after(3));
    assert.ok(waits.every((wait) => wait >= 2000 && wait <= 4000));
    assert.ok(waits.some((wait) => wait < 2200) && waits.some((wait) => wait > 3800));
  });

  it("are at least what the server asked for, and at most a fifth more", () => {
    const pace = new Pace(seeded(8));
    const refusal = { code: "rate_limited", message: "", retry_after_ms: 500 };
    const waits = Array.from({ length: 1000 }, () => pace.after(9, refusal));
    assert.ok(waits.every((wait) => wait >= 500 && wait <= 600));
  });
});

/** Numbers from 0 to below 1, the same for each run. */
function seeded(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
