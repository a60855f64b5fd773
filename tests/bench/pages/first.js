// A buyer's first visit on a phone: what has to come before a message can be sent.

import { buyers } from "./shop.js";

const MERCHANT = "m500";
const PHONE = { viewport: { width: 390, height: 780 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 };

/** Both ways to be connected; the first as behind a proxy that knows no WebSocket. */
const WAYS = { "polling only": refuseWebSockets, "polling, then WebSocket": null };

export async function first({ browser, shop, options, report }) {
  const [buyer] = buyers(1_000, 1);
  await shop.people([MERCHANT, buyer]);
  await shop.talk(MERCHANT, [buyer], 20);
  const url = `${shop.url}/wap?user=${buyer}&to=${MERCHANT}`;
  for (let run = 0; run < options.runs; run += 1) {
    for (const [way, hinder] of Object.entries(WAYS)) report(`first visit, ${way}`, await visit(browser, url, hinder));
  }
}

/** In a context of its own, so that nothing is kept from an earlier visit. */
async function visit(browser, url, hinder) {
  const context = await browser.newContext({ ...PHONE, locale: "zh-CN" });
  if (hinder) await context.addInitScript(hinder);
  await context.addInitScript(noteWhenReady);
  const page = await context.newPage();
  const traffic = new Traffic(await context.newCDPSession(page));
  await traffic.begin();
  await page.goto(url, { waitUntil: "commit" });
  const { at, took } = await page.evaluate(() => window.ready);
  // What the browser tells of the last responses may come after the page's own word.
  await new Promise((wait) => setTimeout(wait, 500));
  const { bytes, requests } = traffic.until(at);
  await context.close();
  return [["KB transferred", bytes / 1000], ["responses", requests], ["ms until one can send", took]];
}

/** Bytes of responses as they were on the wire, headers too. */
class Traffic {
  constructor(tools) {
    this.tools = tools;
    this.ended = [];
    this.offset = null;
  }

  async begin() {
    this.tools.on("Network.requestWillBeSent", ({ timestamp, wallTime }) => (this.offset ??= wallTime - timestamp));
    this.tools.on("Network.loadingFinished", ({ timestamp, encodedDataLength }) => this.took(timestamp, encodedDataLength, 1));
    this.tools.on("Network.webSocketFrameReceived", ({ timestamp, response }) => this.took(timestamp, response.payloadData.length, 0));
    await this.tools.send("Network.enable");
  }

  took(timestamp, bytes, requests) {
    this.ended.push({ timestamp, bytes, requests });
  }

  /** Up to this time, in milliseconds since 1970. */
  until(at) {
    const before = this.ended.filter((one) => (one.timestamp + this.offset) * 1000 <= at);
    const sum = (name) => before.reduce((sum, one) => sum + one[name], 0);
    return { bytes: sum("bytes"), requests: sum("requests") };
  }
}

/** In the page: `window.ready` is when there is a field to write in, and a connection. */
function noteWhenReady() {
  const LIMIT = 30_000;
  window.ready = new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error("one can never send")), LIMIT);
    const look = new MutationObserver(() => {
      if (!document.querySelector('.whole[data-connection="online"] textarea')) return;
      look.disconnect();
      resolve({ at: performance.timeOrigin + performance.now(), took: performance.now() });
    });
    look.observe(document, { childList: true, attributes: true, subtree: true });
  });
}

/** In the page: each WebSocket fails at once. */
function refuseWebSockets() {
  window.WebSocket = class {
    constructor() {
      setTimeout(() => {
        if (this.onerror) this.onerror(new Event("error"));
        if (this.onclose) this.onclose(new CloseEvent("close", { code: 1006 }));
      }, 0);
    }

    close() {}

    send() {}
  };
}
