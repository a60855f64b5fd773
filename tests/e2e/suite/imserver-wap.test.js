// The buyer's page on phones: old ones, slow ones, and those with keyboards of their own mind.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";
import { eventually } from "../lib/eventually.js";
import { png } from "../lib/picture.js";
import { startStandalone } from "../lib/server.js";
import { Visitors, frames, fromEnd, hears, mine, opened, ready, say } from "../lib/visit.js";

/** What old WebViews do not have. */
const AGED = () => {
  for (const name of ["IntersectionObserver", "ResizeObserver", "visualViewport", "WebSocket", "AbortController", "structuredClone", "queueMicrotask", "BroadcastChannel"]) {
    delete window[name];
    Object.defineProperty(window, name, { value: undefined, configurable: true });
  }
  for (const name of ["flat", "flatMap", "at", "findLast"]) delete Array.prototype[name];
  for (const name of ["at", "matchAll", "replaceAll", "trimEnd"]) delete String.prototype[name];
  for (const [owner, name] of [[Object, "fromEntries"], [Promise, "allSettled"], [Promise, "any"], [Uint8Array, "from"], [Uint8Array.prototype, "slice"], [Element.prototype, "replaceChildren"]]) delete owner[name];
};

describe("the page on a phone", () => {
  let server, visitors;
  before(async () => {
    server = await startStandalone();
    visitors = await Visitors.start(server.url);
  });
  after(async () => {
    await visitors.stop();
    await server.stop();
  });
  afterEach(() => visitors.leave());

  const phone = async (user, options = {}) => {
    const page = await visitors.open(`/wap?user=${user}&to=m7`, { phone: true, ...options });
    await ready(page);
    return page;
  };
  const desk = async () => {
    const page = await visitors.open("/merchant?user=m7");
    await ready(page);
    return page;
  };
  const send = async (from, to, name, text) => {
    const body = JSON.stringify({ temp_message_id: name, chat_type: "p2p", to_user_id: to, type: "text", message: text });
    const asked = { method: "POST", headers: { "content-type": "application/json" }, body };
    assert.equal((await fetch(`${server.url}/api/v1/sendMessage?userId=${from}`, asked)).status, 200);
  };

  it("works by long-polling alone, in a browser that lacks what is newer than 2017", async () => {
    const sockets = [];
    const page = await phone("601", { before: (context) => context.addInitScript(AGED) });
    page.on("websocket", (socket) => sockets.push(socket.url()));
    await say(page, "老手机也能用");
    await send("m7", "601", "aged-1", "收到");
    await hears(page, "收到");
    const merchant = await desk();
    await merchant.locator('.chat-row[data-peer="601"]').click();
    await hears(merchant, "老手机也能用");
    await mine(page, "老手机也能用").and(page.locator('[data-state="read"]')).waitFor();
    assert.deepEqual(sockets, []);
  });

  it("works where WebSockets are blocked on the way", async () => {
    const page = await phone("602", { before: (context) => context.routeWebSocket(/.*/, (socket) => socket.close()) });
    await say(page, "没有 WebSocket");
    await send("m7", "602", "blocked-1", "照样收到");
    await hears(page, "照样收到");
  });

  it("sends once, whether by Enter, by the button, by both, or by a keyboard that only puts a line in", async () => {
    const page = await phone("603");
    const field = page.locator(".composer textarea");
    const once = async (text) => {
      await mine(page, text).and(page.locator('[data-state="sent"]')).first().waitFor();
      assert.equal(await mine(page, text).count(), 1);
      assert.equal(await field.inputValue(), "");
    };
    await field.fill("用回车");
    await field.press("Enter");
    await once("用回车");
    await field.fill("用按钮");
    await page.locator(".send").tap();
    await once("用按钮");
    await field.fill("两个一起");
    await page.evaluate(() => {
      const field = document.querySelector("textarea");
      field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true }));
      document.querySelector(".send").click();
      document.querySelector("form").requestSubmit();
    });
    await once("两个一起");
    await field.fill("安卓键盘");
    await page.evaluate(() => {
      const field = document.querySelector("textarea");
      field.dispatchEvent(new KeyboardEvent("keydown", { key: "Unidentified", keyCode: 229, bubbles: true, cancelable: true }));
      const event = new InputEvent("beforeinput", { inputType: "insertLineBreak", bubbles: true, cancelable: true });
      if (field.dispatchEvent(event)) throw new Error("the line would be put in");
    });
    await once("安卓键盘");
    // Enter chooses among the words of an input method; it sends nothing.
    await field.fill("拼音");
    await page.evaluate(() => {
      const field = document.querySelector("textarea");
      field.dispatchEvent(new CompositionEvent("compositionstart", { bubbles: true }));
      field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true, isComposing: true }));
    });
    assert.equal(await field.inputValue(), "拼音");
    assert.equal(await mine(page, "拼音").count(), 0);
    await page.evaluate(() => document.querySelector("textarea").dispatchEvent(new CompositionEvent("compositionend", { bubbles: true })));
    await field.press("Enter");
    await once("拼音");
    // A blank is nothing.
    await field.fill("  \n ");
    await field.press("Enter");
    assert.equal(await page.locator(".message").count(), 5);
  });

  it("keeps the field and the newest message in view when the keyboard opens and closes", async () => {
    const page = await phone("604");
    for (let number = 0; number < 30; number += 1) await send("604", "m7", `kb-${number}`, `第 ${number} 句`);
    await mine(page, "第 29 句").waitFor();
    const inView = async (height) => {
      await page.setViewportSize({ width: 390, height });
      await eventually(`the newest is in view at ${height}`, async () => {
        const field = await page.locator(".composer textarea").boundingBox();
        const newest = await mine(page, "第 29 句").boundingBox();
        return field.y + field.height <= height && newest.y >= 0 && newest.y + newest.height <= field.y && (await fromEnd(page)) <= 1;
      });
    };
    await page.locator(".composer textarea").tap();
    await inView(430);
    await inView(780);
    await inView(360);
    const positions = await page.evaluate(() => Array.from(document.querySelectorAll(".wap *")).map((one) => getComputedStyle(one).position));
    assert.ok(!positions.includes("fixed"), "nothing of it is fixed to the screen");
    // Who reads further up stays there, even if the keyboard comes in the same frame as the move.
    const place = () => page.locator(".list").evaluate((list) => list.scrollTop);
    await page.evaluate(() => {
      document.querySelector(".list").scrollTop = 300;
      window.dispatchEvent(new Event("resize"));
    });
    await frames(page);
    assert.equal(await place(), 300);
    // Nor does something else that is drawn in that frame take him back.
    await page.evaluate(() => {
      document.querySelector(".list").scrollTop = 400;
      window.im.model.tell("change");
    });
    await frames(page);
    assert.equal(await place(), 400);
    await page.setViewportSize({ width: 390, height: 500 });
    await page.waitForFunction(() => window.innerHeight === 500);
    await frames(page);
    assert.ok(Math.abs((await place()) - 400) <= 2, `400 became ${await place()}`);
    // Who goes to the end in such a frame stays there, and sees what comes.
    await page.evaluate(() => {
      const list = document.querySelector(".list");
      list.scrollTop = list.scrollHeight;
      window.im.model.tell("change");
    });
    await frames(page);
    assert.ok((await fromEnd(page)) <= 1);
    await send("604", "m7", "kb-30", "第 30 句");
    await mine(page, "第 30 句").waitFor();
    await frames(page);
    assert.ok((await fromEnd(page)) <= 1);
    // Also if what comes is drawn with the move.
    await page.locator(".list").evaluate((list) => (list.scrollTop = 400));
    await frames(page);
    await page.evaluate(() => {
      const list = document.querySelector(".list");
      list.scrollTop = list.scrollHeight;
      window.im.model.hear("messagePush", { from_user_id: "m7", to_user_id: "604", type: "text", message: "一\n二\n三\n四", send_time: Date.now() });
      window.im.model.tell("change");
    });
    await frames(page);
    assert.ok((await fromEnd(page)) <= 1);
    // Nor does a text of many lines put him elsewhere.
    for (const line of ["一", "二", "三", "四", "五"]) {
      await page.locator(".composer textarea").pressSequentially(line);
      await page.keyboard.press("Shift+Enter");
      await frames(page);
      assert.ok((await fromEnd(page)) <= 1, line);
    }
  });

  it("leads back to the list by the button of the phone, and in again", async () => {
    const page = await phone("605");
    await say(page, "你好");
    await page.goBack();
    await page.locator(".wap-list").waitFor();
    await page.locator('.chat-row[data-peer="m7"]').tap();
    await opened(page, "m7");
    await page.locator(".back").tap();
    await page.locator(".wap-list").waitFor();
  });

  it("sends a large picture small", async () => {
    const noted = (context) => context.addInitScript(() => {
      const send = XMLHttpRequest.prototype.send;
      XMLHttpRequest.prototype.send = function (body) {
        if (body instanceof Blob) window.sentBytes = body.size;
        return send.call(this, body);
      };
    });
    const page = await phone("606", { before: noted });
    // Noise does not pack: some 4 MB as a PNG.
    const file = await page.evaluate(async () => {
      const canvas = document.createElement("canvas");
      [canvas.width, canvas.height] = [1400, 1000];
      const context = canvas.getContext("2d");
      const data = context.createImageData(1400, 1000);
      for (let at = 0; at < data.data.length; at += 50_000) crypto.getRandomValues(data.data.subarray(at, at + 50_000));
      for (let at = 3; at < data.data.length; at += 4) data.data[at] = 255;
      context.putImageData(data, 0, 0);
      const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
      return Array.from(new Uint8Array(await blob.arrayBuffer()));
    });
    const sent = () => page.evaluate(() => window.sentBytes);
    assert.ok(file.length > 1_000_000, `${file.length}`);
    await page.locator('input[type="file"]').setInputFiles({ name: "photo.png", mimeType: "image/png", buffer: Buffer.from(file) });
    await page.locator('.message.mine[data-state="sent"] .picture').waitFor();
    const large = await sent();
    assert.ok(large > 0 && large < file.length * 0.7, `${file.length} went as ${large}`);
    const small = png(20, 20, [1, 2, 3]);
    await page.locator('input[type="file"]').setInputFiles({ name: "dot.png", mimeType: "image/png", buffer: small });
    await eventually("both are there", async () => (await page.locator('.message.mine[data-state="sent"] .picture').count()) === 2);
    assert.equal(await sent(), small.length, "a small one goes as it is");
  });

  it("can be operated by touch: what is pressed is large enough", async () => {
    const page = await phone("607");
    await say(page, "按钮够大吗");
    const sizes = await page.locator(".wap .tool, .wap .send").evaluateAll((all) => all.map((one) => {
      const box = one.getBoundingClientRect();
      return { name: one.getAttribute("aria-label") || one.title, width: box.width, height: box.height };
    }));
    const small = sizes.filter((one) => one.width < 38 || one.height < 40);
    assert.deepEqual(small, []);
  });
});
