// People in a browser: pages of the site IM on a PC or a phone, and what one does and sees on them.

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { Browser } from "./browser.js";

const LIMIT = { timeout: 15_000 };
const PC = { viewport: { width: 1360, height: 860 } };
const PHONE = { viewport: { width: 390, height: 780 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 };
/** What browsers say of a network that a test has cut, and of a picture that it does not have. */
const EXPECTED = /net::ERR_|Failed to load resource|WebSocket connection to/;
const PICTURES = join(import.meta.dirname, "../../../target/pages");

/** A browser whose visitors share nothing but the server. */
export class Visitors {
  static async start(url) {
    const visitors = new Visitors();
    visitors.url = url;
    visitors.browser = await Browser.start();
    visitors.complaints = [];
    visitors.contexts = [];
    return visitors;
  }

  /** Opens a page as somebody who has not been here; `options` are those of a browser context. */
  async open(path, options = {}) {
    const device = options.phone ? PHONE : PC;
    const context = await this.browser.chromium.newContext({ ...device, locale: "zh-CN", ...options });
    this.contexts.push(context);
    await options.before?.(context);
    return this.more(context, path);
  }

  /** Another page of the same visitor. */
  async more(context, path) {
    const page = await context.newPage();
    page.setDefaultTimeout(LIMIT.timeout);
    page.on("console", (line) => {
      if (line.type() === "error" && !EXPECTED.test(line.text())) this.complaints.push(line.text());
    });
    page.on("pageerror", (error) => this.complaints.push(error.stack));
    await page.goto(path.startsWith("http") ? path : this.url + path);
    return page;
  }

  /** Closes what is open, and says what browsers complained of. */
  async leave() {
    await Promise.all(this.contexts.splice(0).map((context) => context.close()));
    assert.deepEqual(this.complaints.splice(0), []);
  }

  async stop() {
    await this.browser.stop();
  }
}

/** The page is connected, and knows what was missed. */
export async function ready(page) {
  await page.locator('.whole[data-connection="online"][data-synced="true"]').waitFor(LIMIT);
}

/** Turns to somebody in the list. */
export async function turnTo(page, peer) {
  await page.locator(`.chat-row[data-peer="${peer}"]`).click();
  await opened(page, peer);
}

export async function opened(page, peer) {
  await page.locator(`.pane[data-peer="${peer}"]`).waitFor(LIMIT);
}

/** Writes and sends with Enter; returns once the server has it. */
export async function say(page, text) {
  await page.locator(".composer textarea").fill(text);
  await page.locator(".composer textarea").press("Enter");
  await mine(page, text).and(page.locator('[data-state="sent"], [data-state="read"]')).waitFor(LIMIT);
}

export function mine(page, text) {
  return page.locator(".message.mine", { hasText: text });
}

export function theirs(page, text) {
  return page.locator(".message.theirs", { hasText: text });
}

/** The text came from the other side, and stands there once. */
export async function hears(page, text) {
  await theirs(page, text).first().waitFor(LIMIT);
  assert.equal(await theirs(page, text).count(), 1, "shown once");
}

/** What is said, from top to bottom, without times and marks. */
export async function texts(page) {
  return page.locator(".message .bubble").allTextContents();
}

/** How far the list is from its end, in pixels. */
export async function fromEnd(page) {
  return page.locator(".list").evaluate((list) => Math.round(list.scrollHeight - list.scrollTop - list.clientHeight));
}

/** Lets a page tell what has moved and draw what came of it. */
export async function frames(page, count = 3) {
  await page.evaluate(async (count) => {
    for (let frame = 0; frame < count; frame += 1) await new Promise((done) => requestAnimationFrame(done));
  }, count);
}

/** Keeps a picture of a page for people to look at. */
export async function picture(page, name) {
  mkdirSync(PICTURES, { recursive: true });
  await page.screenshot({ path: join(PICTURES, `${name}.png`) });
}
