// What a back end publishes on a user's channel reaches the page, wherever the user is connected: the lines that PROTOCOL.md
// offers to back ends, as they stand there, with redis-cli, Node and PHP.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { after, before, describe, it } from "node:test";
import { Browser } from "../lib/browser.js";
import { startCluster } from "../lib/cluster.js";
import { eventually } from "../lib/eventually.js";

const PROTOCOL = readFileSync(resolve(import.meta.dirname, "../../../PROTOCOL.md"), "utf8").split("\n");
const LIMIT = { timeout: 15_000 };

/** How a line of the document begins, and what of it a person sees. */
const LINES = {
  "redis-cli": ["redis-cli -p 6379 PUBLISH", "订单已付款"],
  Node: ["node -e 'const c", "今晚维护"],
  PHP: ["php -r '$c", "您好"],
};

describe("what back ends publish", () => {
  let cluster, browser, pages;
  before(async () => {
    [cluster, browser] = await Promise.all([startCluster(), Browser.start()]);
    pages = await Promise.all(cluster.servers.map((server) => open(server.url)));
  });
  after(() => Promise.all([cluster.stop(), browser.stop()]));

  async function open(url) {
    const page = await browser.chromium.newPage();
    await page.goto(`${url}/pc?user=8&to=m9`);
    await page.locator('.whole[data-connection="online"]').waitFor(LIMIT);
    return page;
  }

  for (const [language, [beginning, shown]] of Object.entries(LINES)) {
    it(`from ${language} is on the page of every process, once`, async () => {
      const line = PROTOCOL.find((text) => text.startsWith(beginning));
      const published = line.replace("6379", String(nodeOf("8", cluster.redis)));
      assert.notEqual(published, line);
      // Twice: the same is shown once.
      for (let time = 0; time < 2; time += 1) execFileSync("sh", ["-c", published]);
      for (const page of pages) {
        await eventually(`${shown} is shown`, async () => (await shownOn(page, shown)) > 0);
        assert.equal(await shownOn(page, shown), 1);
      }
    });
  }
});

/** How often the page shows this text: as a message of the open conversation, or as a notice. */
async function shownOn(page, text) {
  return page.locator(".message, .toast", { hasText: text }).count();
}

/** The port of the node that a user is on. */
function nodeOf(user, ports) {
  const digest = createHash("md5").update(`ImMsgPub:${user}`).digest("hex");
  return ports[parseInt(digest.slice(0, 2), 16) % ports.length];
}
