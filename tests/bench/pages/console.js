// The merchant's console in a page of its own, with the probe inside and the browser's own counters beside it.

import { installProbe } from "./probe.js";

const LIMIT_MS = 120_000;
const SIZE = { width: 1360, height: 860 };

export class Console {
  /** Opened, synced, and over a WebSocket. */
  static async open(browser, url, merchant) {
    const one = new Console();
    one.context = await browser.newContext({ viewport: SIZE, locale: "zh-CN" });
    await one.context.addInitScript(installProbe);
    one.page = await one.context.newPage();
    one.page.setDefaultTimeout(LIMIT_MS);
    one.page.on("pageerror", (error) => console.error(error.stack));
    one.tools = await one.context.newCDPSession(one.page);
    await one.tools.send("Performance.enable");
    await one.page.goto(`${url}/merchant?user=${merchant}`);
    await one.page.locator('.whole[data-connection="online"][data-synced="true"]').waitFor();
    await one.page.waitForFunction(() => window.im.session.link.socket.io.engine.transport.name === "websocket");
    return one;
  }

  async turnTo(peer) {
    await this.page.evaluate((to) => window.im.model.turnTo(to), peer);
    await this.page.locator(`.pane[data-peer="${peer}"] .message`).first().waitFor();
  }

  /** Loads all that there is of a conversation; how many entries that are. */
  async goBack(peer) {
    return this.page.evaluate(async (who) => {
      const chat = window.im.model.chat(who);
      while (chat.hasOlder) if ((await window.im.model.older(chat)) === undefined) throw new Error("older ones do not come");
      return chat.entries.length;
    }, peer);
  }

  /** What Chromium has counted so far: `Nodes`, `LayoutCount`, `RecalcStyleCount`, … */
  async counters() {
    const { metrics } = await this.tools.send("Performance.getMetrics");
    return Object.fromEntries(metrics.map(({ name, value }) => [name, value]));
  }

  /** Bytes on the heap of scripts, without garbage. */
  async heap() {
    // The second finds what the first has only let go.
    await this.tools.send("HeapProfiler.collectGarbage");
    await this.tools.send("HeapProfiler.collectGarbage");
    return (await this.tools.send("Runtime.getHeapUsage")).usedSize;
  }

  async close() {
    await this.context.close();
  }
}
