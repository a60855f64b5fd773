// A conversation of which very much is loaded, moved from its end to its beginning and back.

import { Console } from "./console.js";
import { buyers } from "./shop.js";

const MERCHANT = "m503";
/** Pixels a frame: over ten thousand messages in some ten seconds. */
const STEP = 600;
/** A frame at 60 a second, and half of one more: beyond that one was left out. */
const LEFT_OUT_MS = 25;

export async function scrolling({ browser, shop, options, report }) {
  const [buyer] = buyers(4_000_000, 1);
  await shop.people([MERCHANT, buyer]);
  await shop.talk(MERCHANT, [buyer], options.messages);
  for (let run = 0; run < options.runs; run += 1) {
    const one = await Console.open(browser, shop.url, MERCHANT);
    await one.turnTo(buyer);
    const loaded = await one.goBack(buyer);
    const { frames, long, gaps } = await one.page.evaluate((step) => window.probe.scroll(step), STEP);
    await one.close();
    const work = frames.map(({ begin, end }) => end - begin);
    const apart = frames.slice(1).map(({ stamp }, at) => stamp - frames[at].stamp);
    const over = (values, limit) => values.filter((value) => value > limit).length;
    report(`scrolling over ${loaded} messages and back`, [
      ["frames", frames.length],
      ["ms of work in the longest", Math.max(...work)],
      ["ms of work in the middle one", work.toSorted((a, b) => a - b)[work.length >> 1]],
      ["frames with more than 16 ms of work", over(work, 16)],
      ["frames with more than 50 ms of work", over(work, 50)],
      ["ms from one to the next, at most", Math.max(...apart)],
      ["frames after which one was left out", over(apart, LEFT_OUT_MS)],
      ["long animation frames (over 50 ms)", long.length],
      ["frames with a gap in the view", gaps],
    ]);
  }
}
