// The page at `/` in a real browser: two people in two windows, and a second window that stays in step.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Browser } from "../lib/browser.js";
import { startStandalone } from "../lib/server.js";

const LIMIT = { timeout: 15_000 };
const HOSTILE = `<img src=x onerror="document.title='hurt'"><script>document.title='hurt'</script> 你好 😀 مرحبا`;

describe("the page at /", () => {
  let server, browser;
  const complaints = [];
  before(async () => ([server, browser] = await Promise.all([startStandalone(), Browser.start()])));
  after(() => Promise.all([server.stop(), browser.stop()]));

  async function open(path, viewport = { width: 1280, height: 800 }) {
    const page = await browser.chromium.newPage({ viewport });
    page.on("console", (line) => line.type() === "error" && complaints.push(line.text()));
    page.on("pageerror", (error) => complaints.push(error.message));
    await page.goto(server.url + path);
    return page;
  }

  const windowOf = (page, user) => page.locator(`.window[data-user="${user}"]`);
  const online = (page, user) => page.locator(`.window[data-user="${user}"][data-state="online"]`).waitFor(LIMIT);

  async function say(page, user, text) {
    const input = windowOf(page, user).locator("textarea");
    await input.fill(text);
    await input.press("Enter");
    const mine = windowOf(page, user).locator('.message[data-from="me"][data-state="sent"]', { hasText: text });
    await mine.waitFor(LIMIT);
    assert.equal(await mine.count(), 1, "sent once");
  }

  async function hears(page, user, text) {
    const message = windowOf(page, user).locator('.message[data-from="other"]', { hasText: text });
    await message.waitFor(LIMIT);
    assert.equal(await message.count(), 1, "shown once");
  }

  it("lets two people chat in two windows, and shows what they write as text", async () => {
    const page = await open("/");
    await Promise.all([online(page, "m7"), online(page, "8")]);
    await say(page, "8", "在吗？");
    await hears(page, "m7", "在吗？");
    await say(page, "m7", HOSTILE);
    await hears(page, "8", HOSTILE);
    assert.notEqual(await page.title(), "hurt");
    assert.equal(await page.locator(".message img, .message script").count(), 0);
    await page.close();
  });

  it("keeps a second window of one person in step", async () => {
    const [first, second] = [await open("/?user=m7"), await open("/?user=m7")];
    await Promise.all([online(first, "m7"), online(second, "m7")]);
    for (const peer of ["1024", "8"]) {
      await windowOf(first, "m7").locator(`.peer[data-peer="${peer}"]`).click();
      const followed = windowOf(second, "m7").locator(`.peer[data-peer="${peer}"][aria-current]`);
      await followed.and(second.locator(':not([aria-current="false"])')).waitFor(LIMIT);
    }
    await Promise.all([first.close(), second.close()]);
  });

  it("says that the line is down, comes back by itself, and sends what was written meanwhile", async () => {
    const first = await startStandalone();
    const page = await browser.chromium.newPage();
    await page.goto(`${first.url}/`);
    await Promise.all([online(page, "m7"), online(page, "8")]);
    await first.stop();
    await windowOf(page, "8").and(page.locator('[data-state="reconnecting"]')).waitFor(LIMIT);
    await windowOf(page, "8").locator("textarea").fill("断线时写的");
    await windowOf(page, "8").locator("textarea").press("Enter");
    await windowOf(page, "8").locator('.message[data-state="pending"]').waitFor(LIMIT);
    const second = await startStandalone({ listen: new URL(first.url).host });
    await Promise.all([online(page, "m7"), online(page, "8")]);
    await windowOf(page, "8").locator('.message[data-state="sent"]').waitFor(LIMIT);
    await page.close();
    await second.stop();
  });

  it("fits a phone without scrolling sideways", async () => {
    const page = await open("/?user=8", { width: 390, height: 844 });
    await online(page, "8");
    const [content, screen] = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
    assert.ok(content <= screen, `${content} > ${screen}`);
    await page.close();
  });

  it("broke no rule of its own policy and threw nothing", () => assert.deepEqual(complaints, []));
});
