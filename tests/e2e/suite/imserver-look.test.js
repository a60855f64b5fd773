// Every page in every state, as pictures in target/pages and before axe's rules of accessibility: empty, loading, full, off
// line, in error; light and dark; desktop and phone; with names and texts that are long, foreign or meant to hurt.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, afterEach, before, describe, it } from "node:test";
import { eventually } from "../lib/eventually.js";
import { landscape } from "../lib/picture.js";
import { startStandalone } from "../lib/server.js";
import { Visitors, hears, opened, picture, ready, say, turnTo } from "../lib/visit.js";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const LONG = "上海徐汇区第三百货大楼文具专柜官方旗舰店（原东方红店）";
const RTL = "متجر القرطاسية الكبير";

describe("how the pages look", () => {
  let server, visitors;
  before(async () => {
    server = await startStandalone();
    visitors = await Visitors.start(server.url);
    await prepare();
  });
  after(async () => {
    await visitors.stop();
    await server.stop();
  });
  afterEach(() => visitors.leave());

  const post = async (user, operation, payload) => {
    const response = await fetch(`${server.url}/api/v1/${operation}?userId=${user}`, {
      method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(payload),
    });
    const answer = await response.json();
    assert.ok(answer.ok, JSON.stringify(answer));
    return answer;
  };
  let sent = 0;
  const send = (from, to, message, type = "text") => {
    sent += 1;
    return post(from, "sendMessage", { temp_message_id: `look-${sent}`, chat_type: "p2p", to_user_id: to, type, message });
  };

  /** A shop on a busy day. */
  async function prepare() {
    const people = [["31", "阿依古丽·买买提"], ["32", LONG], ["33", RTL], ["34", "<b>Bob</b><script>x()</script>"], ["35", "周"], ["36", "Максим Сергеевич"], ["37", "👩‍👩‍👧‍👦 一家人"]];
    for (const [user, nickname] of people) {
      await post(user, "setProfile", { nickname });
      await send(user, "m7", "您好，请问这个还有货吗？");
    }
    await send("33", "m7", "هل هذا المنتج متوفر؟ أريد ثلاث قطع من فضلك");
    await send("34", "m7", "<img src=x onerror=alert(1)> 😀");
    await send("32", "m7", "w".repeat(300));
    await send("8", "m7", "在吗？");
    await send("m7", "8", "在的，您好，请问有什么可以帮您？");
    await send("8", "m7", { product_id: "p-1", title: "晨光文具礼盒 · 钢笔与手账本套装（可刻字）", price: "128.00", image: "/demo/p-1024.svg", url: "/demo/product.html" }, "product");
    await send("8", "m7", "这个礼盒可以刻字吗？想送给老师，名字大概八个字，刻在笔杆上的那种。");
    await send("m7", "8", "可以的，最多 12 个字，免费刻。付款后把要刻的字发给我就行，当天就能发货，一般两天到。");
    await send("8", "m7", "👍", "emoji");
    const upload = await fetch(`${server.url}/api/v1/pictures?to_user_id=m7&userId=8`, { method: "POST", headers: { "content-type": "image/png" }, body: landscape(640, 420) });
    await send("8", "m7", (await upload.json()).message, "image");
    await send("8", "m7", "就按这张图上的字体刻");
    for (const [text, folder, shortcut] of [["亲，付款后 24 小时内发货，默认中通快递哦。", "发货", "fh"], ["支持七天无理由退换，包装完好即可。", "售后", "th"], ["您好，欢迎光临晨光文具旗舰店！", "", "hi"]]) {
      await post("m7", "quickReplies", { op: "save", id: `q-${shortcut}`, text, folder, shortcut });
    }
  }

  /** A picture of the page, and what axe finds on it. */
  async function look(page, name) {
    await page.waitForTimeout(350);
    await picture(page, name);
    await page.evaluate(AXE);
    const found = await page.evaluate(() => window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"] }));
    const serious = found.violations.filter((one) => one.impact === "serious" || one.impact === "critical");
    assert.deepEqual(serious.map((one) => [one.id, one.nodes.map((node) => `${node.html.slice(0, 120)} ${node.any.map((any) => any.message)}`)]), [], name);
  }

  for (const colorScheme of ["light", "dark"]) {
    it(`the start page, ${colorScheme}`, async () => {
      const page = await visitors.open("/", { colorScheme });
      await page.locator(".people [data-user]").first().waitFor();
      await look(page, `start-${colorScheme}`);
      const phone = await visitors.open("/", { colorScheme, phone: true });
      await phone.locator(".people [data-user]").first().waitFor();
      await look(phone, `start-phone-${colorScheme}`);
    });

    it(`the merchant's console, ${colorScheme}`, async () => {
      const page = await visitors.open("/merchant?user=m7", { colorScheme });
      await ready(page);
      await look(page, `merchant-none-chosen-${colorScheme}`);
      await turnTo(page, "8");
      await look(page, `merchant-full-${colorScheme}`);
      await page.locator(".composer textarea").fill("/");
      await page.locator(".slash-menu").waitFor();
      await look(page, `merchant-slash-${colorScheme}`);
      await page.locator(".composer textarea").fill("");
      await page.locator(".column-right .tabs button").nth(1).click();
      await look(page, `merchant-quick-${colorScheme}`);
      await page.locator(".quick-top .tool").click();
      await look(page, `merchant-quick-form-${colorScheme}`);
      await page.locator(".message.mine .act").last().click();
      await page.locator(".menu").waitFor();
      await look(page, `merchant-menu-${colorScheme}`);
      await page.keyboard.press("Escape");
      await page.locator(".desk .tool").nth(2).click();
      await look(page, `merchant-help-${colorScheme}`);
      await page.keyboard.press("Escape");
      await eventually("a search finds what was said", async () => {
        await page.locator(".search input").first().fill("");
        await page.locator(".search input").first().fill("刻字");
        await page.locator('.found .older, .found h3, .found .blank').first().waitFor();
        await page.locator(".found .older").waitFor({ state: "detached" });
        return (await page.locator(".found h3").count()) > 0;
      }, 15_000);
      await look(page, `merchant-search-${colorScheme}`);
      await page.keyboard.press("Escape");
      await turnTo(page, "32");
      await look(page, `merchant-long-${colorScheme}`);
      await turnTo(page, "33");
      await look(page, `merchant-rtl-${colorScheme}`);
    });

    it(`the buyer's page on a PC, ${colorScheme}`, async () => {
      const empty = await visitors.open("/pc?user=77", { colorScheme });
      await ready(empty);
      await look(empty, `pc-empty-${colorScheme}`);
      const page = await visitors.open("/pc?user=8&to=m7&product=p-2&title=%E8%93%9D%E9%BB%91%E5%A2%A8%E6%B0%B4&price=36.00&image=/demo/p-1024.svg", { colorScheme });
      await ready(page);
      await look(page, `pc-full-${colorScheme}`);
    });

    it(`the buyer's page on a phone, ${colorScheme}`, async () => {
      const list = await visitors.open("/wap?user=1024", { colorScheme, phone: true });
      await ready(list);
      await look(list, `wap-empty-${colorScheme}`);
      const page = await visitors.open("/wap?user=8&to=m7", { colorScheme, phone: true });
      await ready(page);
      await look(page, `wap-full-${colorScheme}`);
      await page.locator(".composer .tool").first().click();
      await look(page, `wap-emoji-${colorScheme}`);
      await page.locator(".back").click();
      await page.locator(".wap-list").waitFor();
      await look(page, `wap-list-${colorScheme}`);
    });
  }

  it("the merchant's console where three columns have no room", async () => {
    const page = await visitors.open("/merchant?user=m7", { viewport: { width: 900, height: 640 } });
    await ready(page);
    await turnTo(page, "8");
    assert.equal(await page.locator(".column-right").isVisible(), false);
    await page.locator('.bar [aria-label="客户"]').click();
    await page.locator(".column-right .customer").waitFor();
    await look(page, "merchant-narrow");
    await page.locator('.column-right [aria-label="关闭"]').click();
    await page.locator(".column-right .customer").waitFor({ state: "hidden" });
    await page.keyboard.press("Alt+q");
    await page.locator(".quick-panel input:focus").waitFor();
  });

  it("in English", async () => {
    const page = await visitors.open("/merchant?user=m7&lang=en");
    await ready(page);
    await turnTo(page, "8");
    await look(page, "merchant-english");
    assert.equal(await page.locator("html").getAttribute("lang"), "en");
    const phone = await visitors.open("/wap?user=8&to=m7&lang=en", { phone: true });
    await ready(phone);
    await look(phone, "wap-english");
  });

  it("loading, off line and in error", async () => {
    for (const [path, name, options] of [["/merchant?user=m7", "merchant", {}], ["/pc?user=8&to=m7", "pc", {}], ["/wap?user=8&to=m7", "wap", { phone: true }]]) {
      const hung = (context) => context.route("**/socket.io/**", () => {});
      const loading = await visitors.open(path, { ...options, before: hung });
      await loading.locator('.whole[data-connection="connecting"]').waitFor();
      await look(loading, `${name}-loading`);
      const page = await visitors.open(path, options);
      await ready(page);
      if (name === "merchant") await turnTo(page, "8");
      await page.context().setOffline(true);
      await page.locator('.whole[data-connection="reconnecting"]').waitFor({ timeout: 20_000 });
      await page.locator(".composer textarea").fill("断网时写的，等网络恢复会自动发出");
      await page.locator(".composer textarea").press("Enter");
      await page.locator('.message[data-state="pending"]').waitFor();
      await look(page, `${name}-offline`);
    }
    await post("m7", "block", { user_id: "35" });
    const blocked = await visitors.open("/wap?user=35&to=m7", { phone: true });
    await ready(blocked);
    await blocked.locator(".composer textarea").fill("为什么不理我");
    await blocked.locator(".composer textarea").press("Enter");
    await blocked.locator('.message[data-state="failed"]').waitFor();
    await look(blocked, "wap-failed");
    const merchant = await visitors.open("/merchant?user=m7");
    await ready(merchant);
    await turnTo(merchant, "35");
    await look(merchant, "merchant-blocked");
    await merchant.locator(".desk .tool").nth(1).click();
    await merchant.locator(".dialog .person").waitFor();
    await look(merchant, "merchant-blacklist");
  });

  it("people who write to each other see it", async () => {
    const [buyer, merchant] = [await visitors.open("/wap?user=8&to=m7", { phone: true }), await visitors.open("/merchant?user=m7")];
    await Promise.all([ready(buyer), ready(merchant)]);
    await turnTo(merchant, "8");
    await opened(buyer, "m7");
    await merchant.locator(".composer textarea").pressSequentially("正在");
    await buyer.locator(".status.typing").waitFor();
    await look(buyer, "wap-typing");
    await say(merchant, "已经发货了，单号稍后给您");
    await hears(buyer, "已经发货了");
  });
});
