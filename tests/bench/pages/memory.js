// What the merchant's console keeps while messages come in: the heap of its scripts after a collection, now and then. Half of
// the messages are of the conversation that is open, the rest of all others in turn.

import { Console } from "./console.js";
import { buyers, sentence } from "./shop.js";

const MERCHANT = "m504";
const A_SECOND = 20;
const SAMPLE_MS = 30_000;
const MB = 1_000_000;

export async function memory({ browser, shop, options, report }) {
  const all = buyers(5_000_000, options.conversations);
  await shop.people([MERCHANT, ...all]);
  await shop.talk(MERCHANT, all, Math.round(options.messages / options.conversations));
  const one = await Console.open(browser, shop.url, MERCHANT);
  await one.turnTo(all[0]);
  const length = options.minutes * 60_000;
  const stream = new Stream(shop, all);
  const samples = [];
  const begun = Date.now();
  const every = Math.min(SAMPLE_MS, length / 4);
  for (let due = 0; due <= length; due += every) {
    await stream.until(begun + due);
    const [heap, counters] = [await one.heap(), await one.counters()];
    samples.push({ minutes: (Date.now() - begun) / 60_000, heap: heap / MB, nodes: counters.Nodes });
    console.error(`${samples.at(-1).minutes.toFixed(1)} min: ${samples.at(-1).heap.toFixed(2)} MB, ${counters.Nodes} nodes`);
  }
  const kept = await one.page.evaluate(() => {
    return Array.from(window.im.model.chats.values()).reduce((sum, chat) => sum + chat.entries.length, 0);
  });
  await one.close();
  const [start, end] = [samples[0], samples.at(-1)];
  report(`${A_SECOND} messages a second for ${options.minutes} min`, [
    ["messages sent meanwhile", stream.sent],
    ["messages kept in the end", kept],
    ["MB of heap, first", start.heap],
    ["MB of heap, last", end.heap],
    ["MB a minute", slope(samples)],
    ["nodes, first", start.nodes],
    ["nodes, last", end.nodes],
  ]);
}

/** Messages to the merchant, evenly over the time. */
class Stream {
  constructor(shop, all) {
    Object.assign(this, { shop, all, sent: 0, begun: Date.now() });
  }

  /** Sends what is due until then. */
  async until(end) {
    for (;;) {
      const due = this.begun + (this.sent * 1000) / A_SECOND;
      if (due > end) break;
      await new Promise((wait) => setTimeout(wait, Math.max(0, due - Date.now())));
      const number = (this.sent += 1);
      const from = number % 2 === 0 ? this.all[0] : this.all[((number >> 1) % (this.all.length - 1)) + 1];
      await this.shop.say(from, MERCHANT, sentence(number));
    }
    await new Promise((wait) => setTimeout(wait, Math.max(0, end - Date.now())));
  }
}

/** Of the straight line through all samples (least squares). */
function slope(samples) {
  const mean = (name) => samples.reduce((sum, one) => sum + one[name], 0) / samples.length;
  const [time, heap] = [mean("minutes"), mean("heap")];
  const along = samples.reduce((sum, one) => sum + (one.minutes - time) * (one.heap - heap), 0);
  return along / samples.reduce((sum, one) => sum + (one.minutes - time) ** 2, 0);
}
