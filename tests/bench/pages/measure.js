// Measures the pages of a server in Chromium. Started by `cargo x bench pages` as `measure.js URL OPTIONS`; prints a line of
// JSON for each run of each load: `{"load", "figures": [[name, value], …]}`.
//
// A headless browser without a GPU, with the server on two cores that others use too: times are for people to compare, by
// ratio and over several runs. What counts something (bytes, requests, frames, layouts, elements) is the steadier figure.

import { Browser } from "../../e2e/lib/browser.js";
import { arrivals } from "./arrivals.js";
import { first } from "./first.js";
import { memory } from "./memory.js";
import { scrolling } from "./scrolling.js";
import { Shop } from "./shop.js";

const LOADS = { first, arrivals, scrolling, memory };

const [url, given] = process.argv.slice(2);
const options = JSON.parse(given);
const browser = await Browser.start();
try {
  for (const [name, load] of Object.entries(LOADS)) {
    if (options.only && options.only !== name) continue;
    const report = (what, figures) => console.log(JSON.stringify({ load: what, figures }));
    await load({ browser: browser.chromium, shop: new Shop(url), options, report });
  }
} finally {
  await browser.stop();
}
