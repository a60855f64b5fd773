// What buyers and merchants do on the pages, at both sides at once. The sides may be on different processes.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";
import { eventually } from "./eventually.js";
import { png } from "./picture.js";
import { Visitors, frames, fromEnd, hears, mine, opened, ready, say, texts, theirs, turnTo } from "./visit.js";

const PRODUCT = "product=p-1&title=%E6%96%87%E5%85%B7%E7%A4%BC%E7%9B%92&price=128.00&url=https%3A%2F%2Fshop.example%2Fp%2F1";
const MARKUP = `<img src=x onerror="document.title='hurt'"><script>document.title='hurt'</script> 😀 مرحبا`;

/** `start` gives `{urls, stop}`: where buyers are, and where merchants are. */
export function pagesWork(start) {
  describe("the pages", () => {
    let site, visitors;
    before(async () => {
      site = await start();
      visitors = await Visitors.start(site.urls[0]);
    });
    after(async () => {
      await visitors.stop();
      await site.stop();
    });
    afterEach(() => visitors.leave());

    const buyer = async (user, more = "&to=m7", options = {}) => {
      const page = await visitors.open(`${options.phone ? "/wap" : "/pc"}?user=${user}${more}`, options);
      await ready(page);
      return page;
    };
    const merchant = async (options) => {
      const page = await visitors.open(`${site.urls[1]}/merchant?user=m7`, options);
      await ready(page);
      return page;
    };
    const row = (page, peer) => page.locator(`.chat-row[data-peer="${peer}"]`);
    const post = async (user, operation, payload) => {
      const headers = { "content-type": "application/json" };
      const asked = { method: "POST", headers, body: JSON.stringify(payload) };
      const answer = await (await fetch(`${site.urls[0]}/api/v1/${operation}?userId=${user}`, asked)).json();
      assert.ok(answer.ok, JSON.stringify(answer));
      return answer;
    };
    const send = (from, to, name, text) => {
      return post(from, "sendMessage", { temp_message_id: name, chat_type: "p2p", to_user_id: to, type: "text", message: text });
    };

    it("let a buyer on a phone and a merchant chat, with the product that it is about", async () => {
      const [phone, desk] = await Promise.all([buyer("501", `&to=m7&${PRODUCT}`, { phone: true }), merchant()]);
      assert.match(await phone.locator(".product-bar").textContent(), /文具礼盒.*¥128\.00/);
      assert.equal(await phone.locator(".message").count(), 0, "nothing is sent before the buyer says so");
      await phone.locator(".product-acts .primary").click();
      await phone.locator(".product-bar").waitFor({ state: "detached" });
      await say(phone, "这个有货吗？");
      await row(desk, "501").locator(".badge").filter({ hasText: "2" }).waitFor();
      await turnTo(desk, "501");
      const card = desk.locator(".message.theirs a.bubble.card");
      assert.equal(await card.getAttribute("href"), "https://shop.example/p/1");
      assert.match(await card.getAttribute("rel"), /noopener/);
      await say(desk, "有的");
      await hears(phone, "有的");
      await say(desk, "🎁");
      await phone.locator(".message.theirs .bubble.big", { hasText: "🎁" }).waitFor();
      await phone.context().close();
    });

    it("show what people write as text, whatever it is", async () => {
      await post("502", "setProfile", { nickname: "<i>x</i><script>1</script>" });
      const [page, desk] = await Promise.all([buyer("502"), merchant()]);
      await say(page, MARKUP);
      await row(desk, "502").filter({ hasText: "<i>x</i>" }).waitFor();
      await turnTo(desk, "502");
      await hears(desk, MARKUP);
      await desk.locator(".pane-head .who", { hasText: "<i>x</i><script>1</script>" }).waitFor();
      assert.equal(await desk.locator(".rows img[src=x], .rows script, .chat-row i:not(.presence):not(.draft)").count(), 0);
      assert.notEqual(await desk.title(), "hurt");
    });

    it("mark as read what was on the screen, and nothing else", async () => {
      const desk = await merchant();
      await desk.evaluate(() => {
        window.sees = false;
        document.hasFocus = () => window.sees;
      });
      const page = await buyer("503");
      await say(page, "先看这条");
      await turnTo(desk, "503");
      await hears(desk, "先看这条");
      await say(page, "再看这条");
      await hears(desk, "再看这条");
      assert.equal(await page.locator('.message.mine[data-state="read"]').count(), 0, "the merchant looks elsewhere");
      await desk.evaluate(() => {
        window.sees = true;
        window.dispatchEvent(new Event("focus"));
      });
      await eventually("both are read", async () => (await page.locator('.message.mine[data-state="read"]').count()) === 2);
      await row(desk, "503").locator(".badge").waitFor({ state: "detached" });
      // What is far above the view is not read by opening the conversation.
      for (let number = 0; number < 40; number += 1) await send("504", "m7", `far-${number}`, `第 ${number} 条`);
      await turnTo(desk, "504");
      await theirs(desk, "第 39 条").waitFor();
      const other = await buyer("504");
      await mine(other, "第 39 条").and(other.locator('[data-state="read"]')).waitFor();
      await other.locator(".list").evaluate((list) => (list.scrollTop = 0));
      await mine(other, "第 21 条").and(other.locator('[data-state="sent"]')).waitFor({ state: "attached" });
    });

    it("take a message back at both sides, and give its words back to who wrote it", async () => {
      const [page, desk] = await Promise.all([buyer("505"), merchant()]);
      await say(page, "打错字了");
      await turnTo(desk, "505");
      await hears(desk, "打错字了");
      await mine(page, "打错字了").locator(".bubble").click({ button: "right" });
      await page.locator(".menu button", { hasText: "撤回" }).click();
      await desk.locator(".notice", { hasText: "撤回了一条消息" }).waitFor();
      assert.equal(await theirs(desk, "打错字了").count(), 0);
      await page.locator(".notice .link").click();
      await eventually("it can be mended", async () => (await page.locator(".composer textarea").inputValue()) === "打错字了");
    });

    it("delete a message for one side only", async () => {
      const [page, desk] = await Promise.all([buyer("506"), merchant()]);
      await say(page, "留在商家那边");
      await turnTo(desk, "506");
      await hears(desk, "留在商家那边");
      await mine(page, "留在商家那边").locator(".bubble").click({ button: "right" });
      await page.locator(".menu button", { hasText: "删除" }).click();
      await mine(page, "留在商家那边").waitFor({ state: "detached" });
      assert.equal(await theirs(desk, "留在商家那边").count(), 1);
    });

    it("tell that somebody is writing, and that he has stopped", async () => {
      const [page, desk] = await Promise.all([buyer("507"), merchant()]);
      await say(page, "你好");
      await turnTo(desk, "507");
      await page.locator(".composer textarea").pressSequentially("我想");
      await desk.locator(".status.typing").waitFor();
      await page.locator(".composer textarea").fill("");
      await desk.locator(".status.typing").waitFor({ state: "detached" });
    });

    it("send a picture that both can open, and nobody else", async () => {
      const [page, desk] = await Promise.all([buyer("508"), merchant()]);
      const file = { name: "shot.png", mimeType: "image/png", buffer: png(300, 200, [200, 40, 40]) };
      await page.locator('input[type="file"]').setInputFiles(file);
      await page.locator('.message.mine[data-state="sent"] .picture img, .message.mine[data-state="read"] .picture img').waitFor();
      await turnTo(desk, "508");
      const image = desk.locator(".message.theirs .picture img");
      await image.waitFor();
      await eventually("it is drawn", () => image.evaluate((one) => one.complete && one.naturalWidth > 0));
      const address = await image.evaluate((one) => one.src);
      await image.click();
      await desk.locator(".viewer img").waitFor();
      await desk.keyboard.press("Escape");
      await desk.locator(".viewer").waitFor({ state: "detached" });
      assert.equal((await fetch(address.replace("userId=m7", "userId=509"))).status, 404);
      // What only calls itself a picture is refused, and the person told.
      await page.locator('input[type="file"]').setInputFiles({ ...file, buffer: Buffer.from("<svg onload='1'/>") });
      await page.locator('.message.mine[data-state="failed"] .why').waitFor();
    });

    it("keep the windows of a buyer in step: target, draft, unread, pin and mute", async () => {
      await post("510", "listContacts", {});
      await send("m7", "510", "hello-510", "欢迎光临");
      await post("m9", "listContacts", {});
      await send("m9", "510", "tea-510", "新茶到了");
      const one = await buyer("510", "");
      const other = await visitors.more(one.context(), `${site.urls[1]}/pc?user=510`);
      await ready(other);
      await turnTo(one, "m9");
      await opened(other, "m9");
      await turnTo(other, "m7");
      await opened(one, "m7");
      await row(one, "m7").locator(".badge").waitFor({ state: "detached" });
      await row(other, "m7").locator(".badge").waitFor({ state: "detached" });
      await one.locator(".composer textarea").pressSequentially("写了一半");
      await eventually("the draft is there too", async () => (await other.locator(".composer textarea").inputValue()) === "写了一半");
      await one.locator('.bar [aria-label="置顶"]').click();
      await other.locator('.bar [aria-label="置顶"][aria-pressed="true"]').waitFor();
      await other.locator('.bar [aria-label="消息免打扰"]').click();
      await row(one, "m7").locator(".muted").waitFor();
      await say(one, "发出去了");
      await mine(other, "发出去了").waitFor();
      await eventually("the draft is gone", async () => (await other.locator(".composer textarea").inputValue()) === "");
    });

    it("go back in history and keep their place, whatever comes meanwhile", async () => {
      await post("511", "listContacts", {});
      for (let number = 1; number <= 130; number += 1) await send("m7", "511", `old-${number}`, `往事 ${number}。${"很长".repeat(number % 7)}`);
      const page = await buyer("511", "&to=m7", { phone: true });
      await theirs(page, "往事 130。").waitFor();
      assert.ok((await fromEnd(page)) <= 1, "opens at the newest");
      const seen = async () => page.locator(".list").evaluate((list) => {
        const top = list.getBoundingClientRect().top;
        const first = Array.from(list.querySelectorAll(".message")).find((one) => one.getBoundingClientRect().bottom > top + 60);
        return { text: first.textContent.match(/往事 \d+/)[0], at: Math.round(first.getBoundingClientRect().top) };
      });
      await page.locator(".list").evaluate((list) => (list.scrollTop -= 500));
      const before = await seen();
      await page.locator(".to-end").waitFor();
      await send("m7", "511", "news-511", "新消息来了");
      await page.locator(".to-end", { hasText: "1" }).waitFor();
      const during = await seen();
      assert.equal(during.text, before.text, "a new message does not move the list");
      assert.ok(Math.abs(during.at - before.at) <= 2, `${before.at} became ${during.at}`);
      for (let pull = 0; pull < 40 && (await theirs(page, "往事 1。").count()) === 0; pull += 1) {
        const place = await page.locator(".list").evaluate((list) => {
          list.scrollTop = Math.min(list.scrollTop, 500);
          return list.scrollTop;
        });
        await frames(page);
        const held = await seen();
        await page.locator(".list").evaluate((list) => (list.scrollTop -= 120));
        await page.waitForTimeout(120);
        if (place > 200) {
          const now = await seen();
          const number = (one) => Number(one.text.slice(3));
          assert.ok(Math.abs(number(now) - number(held)) <= 3, `${held.text} became ${now.text}`);
        }
      }
      await theirs(page, "往事 1。").waitFor();
      await page.locator(".to-end").click();
      await theirs(page, "新消息来了").waitFor();
      assert.ok((await fromEnd(page)) <= 1);
      const order = (await texts(page)).map((text) => Number(/往事 (\d+)/.exec(text)?.[1] ?? 131));
      assert.deepEqual(order, [...order].sort((one, next) => one - next));
    });

    it("keep their place at the very top too, and load one page for one pull", async () => {
      await post("513", "listContacts", {});
      for (let number = 1; number <= 150; number += 1) await send("m7", "513", `top-${number}`, `旧话 ${number}。`);
      const page = await buyer("513", "&to=m7", { phone: true });
      await theirs(page, "旧话 150。").waitFor();
      const loaded = () => page.evaluate(() => window.im.model.chat("m7").entries.length);
      // Where what a sync brings hardly fills the screen, more is loaded at once.
      await eventually("it is at rest", () => page.evaluate(() => document.querySelector(".list").scrollTop >= 400 && !window.im.model.chat("m7").isLoading));
      const before = await loaded();
      const first = await page.evaluate(() => window.im.model.chat("m7").entries[0].message);
      await page.locator(".list").evaluate((list) => (list.scrollTop = 0));
      await eventually("a page came", async () => (await loaded()) > before);
      await page.waitForTimeout(300);
      assert.equal(await loaded(), before + 50);
      const box = await page.locator(".message", { hasText: first }).boundingBox();
      assert.ok(box && box.y > 0 && box.y < 300, "what was at the top is there still");
    });

    it("ask for older messages no faster than they can be had", async () => {
      await post("514", "listContacts", {});
      for (let number = 1; number <= 60; number += 1) await send("m7", "514", `slow-${number}`, `慢话 ${number}。`);
      const page = await buyer("514", "&to=m7", { phone: true });
      await theirs(page, "慢话 60。").waitFor();
      await page.context().setOffline(true);
      await page.locator(".banner").waitFor();
      const before = await page.evaluate(() => window.im.model.revision);
      await page.locator(".list").evaluate((list) => (list.scrollTop = 0));
      await page.waitForTimeout(1_000);
      const drawn = (await page.evaluate(() => window.im.model.revision)) - before;
      assert.ok(drawn < 30, `drawn ${drawn} times for nothing`);
      await page.context().setOffline(false);
      await ready(page);
      await page.locator(".list").evaluate((list) => (list.scrollTop = 0));
      await theirs(page, "慢话 1。").waitFor({ state: "attached" });
    });

    it("load older messages that could not be had at first, though nobody moves", async () => {
      await post("519", "listContacts", {});
      for (let number = 1; number <= 150; number += 1) await send("m7", "519", `failed-${number}`, `难得 ${number}。`);
      const page = await buyer("519", "&to=m7", { phone: true });
      await theirs(page, "难得 150。").waitFor();
      await eventually("it is at rest", () => page.evaluate(() => document.querySelector(".list").scrollTop >= 400 && !window.im.model.chat("m7").isLoading));
      const loaded = () => page.evaluate(() => window.im.model.chat("m7").entries.length);
      const before = await loaded();
      await page.evaluate(() => {
        const { session } = window.im.model;
        const ask = session.older;
        window.asked = [];
        session.older = (...what) => {
          window.asked.push(Date.now());
          if (window.asked.length > 2) return ask.apply(session, what);
          return Promise.reject({ code: "busy", message: "Not now.", retry_after_ms: 700 });
        };
        document.querySelector(".list").scrollTop = 0;
      });
      await eventually("a page came", async () => (await loaded()) > before);
      const asked = await page.evaluate(() => window.asked);
      assert.ok(asked[1] - asked[0] >= 650 && asked[2] - asked[1] >= 650, `asked at ${asked}`);
    });

    it("count as seen only what was there while somebody looked", async () => {
      await post("515", "listContacts", {});
      const desk = await merchant();
      await desk.evaluate(() => {
        window.sees = true;
        document.hasFocus = () => window.sees;
      });
      await send("515", "m7", "seen-0", "开个头");
      await turnTo(desk, "515");
      await row(desk, "515").locator(".badge").waitFor({ state: "detached" });
      await desk.evaluate(() => (window.im.model.exposed = () => {}));
      await send("515", "m7", "seen-1", "看着的");
      await theirs(desk, "看着的").waitFor();
      await desk.evaluate(() => (window.sees = false));
      await send("515", "m7", "seen-2", "没看到的");
      await theirs(desk, "没看到的").waitFor();
      await desk.waitForTimeout(2_000);
      assert.match(await row(desk, "515").locator(".badge").textContent(), /^2/);
    });

    it("mark as read a message that is higher than the screen", async () => {
      const desk = await merchant();
      await post("516", "listContacts", {});
      await send("516", "m7", "tall-1", `很高的一条\n${"一行\n".repeat(120)}完`);
      await send("516", "m7", "tall-2", `另一条很高的\n${"又一行\n".repeat(120)}完`);
      await turnTo(desk, "516");
      await theirs(desk, "另一条很高的").waitFor();
      const list = desk.locator(".list");
      for (let step = 0; step < 60 && (await list.evaluate((one) => one.scrollTop)) > 0; step += 1) {
        await list.evaluate((one) => (one.scrollTop -= 160));
        await desk.waitForTimeout(30);
      }
      await eventually("both are read", async () => {
        const { entries } = await desk.evaluate(() => ({ entries: window.im.model.chat("516").entries }));
        return entries.length === 2 && entries.every((entry) => entry.read_at > 0);
      });
    });

    it("leave a phone in its list when it connects again, though another window talks to somebody", async () => {
      await post("517", "listContacts", {});
      await send("m7", "517", "list-1", "您好");
      const other = await buyer("517");
      await say(other, "在吗");
      const phone = await visitors.open("/wap?user=517", { phone: true });
      await ready(phone);
      await opened(phone, "m7");
      await phone.locator(".back").tap();
      await phone.locator(".wap-list").waitFor();
      await phone.evaluate(() => window.im.session.link.socket.io.engine.close());
      await phone.locator('.whole[data-connection="reconnecting"]').waitFor();
      await ready(phone);
      await phone.waitForTimeout(200);
      assert.equal(await phone.locator(".wap-list").count(), 1);
      await say(other, "还在");
    });

    it("send pictures in the order in which they were chosen, the large one first", async () => {
      const page = await buyer("518");
      const file = (width) => ({ name: `${width}.png`, mimeType: "image/png", buffer: png(width, width, [width % 250, 90, 90]) });
      await page.locator('input[type="file"]').setInputFiles([file(1500), file(40), file(50)]);
      await eventually("all are there", async () => (await page.locator('.message[data-state="sent"] .picture').count()) === 3);
      const widths = await page.evaluate(() => window.im.model.chat("m7").entries.map((entry) => entry.message.width));
      assert.deepEqual(widths, [1500, 40, 50]);
    });

    it("find people and messages, and go to where a message stands", async () => {
      await post("512", "setProfile", { nickname: "寻找者" });
      await send("512", "m7", "find-1", "琥珀色的墨水还有吗");
      for (let number = 0; number < 60; number += 1) await send("512", "m7", `fill-${number}`, `别的话 ${number}`);
      const desk = await merchant();
      const search = desk.locator(".conversations .search input");
      await eventually("the message is found", async () => {
        await search.fill("");
        await search.fill("琥珀色");
        await desk.locator(".found .older").waitFor({ state: "detached" });
        return (await desk.locator(".found .chat-row", { hasText: "琥珀色" }).count()) === 1;
      }, 20_000);
      await desk.locator(".found .chat-row", { hasText: "琥珀色" }).click();
      await desk.locator(".row.marked", { hasText: "琥珀色" }).waitFor();
      await search.fill("寻找");
      await desk.locator(".found .chat-row", { hasText: "寻找者" }).first().waitFor();
      await search.press("Enter");
      await opened(desk, "512");
    });
  });
}
