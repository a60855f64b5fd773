// A new message on the merchant's console, from the WebSocket's frame to the painted one: with many conversations, to the
// open one and to another in the list; and with one conversation of which very much is loaded.

import { Console } from "./console.js";
import { buyers, sentence } from "./shop.js";

const [BROAD, DEEP] = ["m501", "m502"];
/** Between two messages, and a part more by chance: frames are not waited for in step. */
const REST_MS = 120;

export async function arrivals({ browser, shop, options, report }) {
  const many = buyers(2_000, options.conversations);
  const each = Math.round(options.messages / options.conversations);
  const [long] = buyers(3_000_000, 1);
  await shop.people([BROAD, DEEP, long, ...many]);
  await shop.talk(BROAD, many, each);
  await shop.talk(DEEP, [long], options.messages);
  const [open, other] = [many[0], many[Math.floor(many.length / 2)]];
  for (let run = 0; run < options.runs; run += 1) {
    const broad = await Console.open(browser, shop.url, BROAD);
    await broad.turnTo(open);
    const name = `${options.conversations} conversations of ${each}`;
    report(`${name}, a message in the open one`, await measure(broad, shop, open, BROAD, ".list .message", options));
    const row = `.chat-row[data-peer="${other}"]`;
    report(`${name}, a message in another`, await measure(broad, shop, other, BROAD, row, options));
    await broad.close();
    const deep = await Console.open(browser, shop.url, DEEP);
    await deep.turnTo(long);
    const loaded = await deep.goBack(long);
    const what = `${Math.floor(loaded / 1000) * 1000} messages of one conversation, one more`;
    report(what, await measure(deep, shop, long, DEEP, ".list .message", options));
    await deep.close();
  }
}

async function measure(console_, shop, from, to, selector, { samples }) {
  const before = await console_.counters();
  const seen = [];
  for (let number = 0; number < samples; number += 1) {
    const mark = `第${shop.sent}号 ${sentence(number)}`;
    await console_.page.evaluate(([text, where]) => window.probe.expect(text, where), [mark, selector]);
    await shop.say(from, to, mark);
    seen.push(await console_.page.evaluate(() => window.probe.seen));
    await new Promise((wait) => setTimeout(wait, REST_MS * (1 + Math.random())));
  }
  const after = await console_.counters();
  const perMessage = (name) => (after[name] - before[name]) / samples;
  const [shown, work] = ["shown", "work"].map((name) => seen.map((one) => one[name]).sort((a, b) => a - b));
  const at = (values, part) => values[Math.min(values.length - 1, Math.floor(values.length * part))];
  return [
    ["ms until painted, median", at(shown, 0.5)],
    ["ms until painted, p95", at(shown, 0.95)],
    ["ms of work, median", at(work, 0.5)],
    ["ms of work, p95", at(work, 0.95)],
    ["most frames until painted", Math.max(...seen.map((one) => one.frames))],
    ["layouts for one", perMessage("LayoutCount")],
    ["style recalculations for one", perMessage("RecalcStyleCount")],
    ["elements and other nodes", after.Nodes],
  ];
}
