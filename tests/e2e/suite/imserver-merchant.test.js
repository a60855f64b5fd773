// The merchant's console: how he wants to be seen and told, what he says often, whom he does not want to hear, and the keyboard.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";
import { eventually } from "../lib/eventually.js";
import { startStandalone } from "../lib/server.js";
import { Visitors, hears, mine, opened, ready, say, theirs, turnTo } from "../lib/visit.js";

/** Counts what would be shown or heard outside of the page. */
const WITNESS = () => {
  window.notes = [];
  window.Notification = class {
    static permission = "granted";
    static requestPermission = async () => "granted";
    constructor(title, options) {
      window.notes.push({ title, body: options.body });
    }
    close() {}
  };
  window.isAway = false;
  document.hasFocus = () => !window.isAway;
};

describe("the merchant's console", () => {
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

  const desk = async (user = "m7", options = {}) => {
    const page = await visitors.open(`/merchant?user=${user}`, options);
    await ready(page);
    return page;
  };
  const buyer = async (user, to = "m7") => {
    const page = await visitors.open(`/pc?user=${user}&to=${to}`);
    await ready(page);
    return page;
  };
  let sent = 0;
  const post = async (user, operation, payload) => {
    const asked = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(payload) };
    return (await fetch(`${server.url}/api/v1/${operation}?userId=${user}`, asked)).json();
  };
  const send = async (from, to, text) => {
    sent += 1;
    const message = { temp_message_id: `desk-${sent}`, chat_type: "p2p", to_user_id: to, type: "text", message: text };
    const answer = await post(from, "sendMessage", message);
    assert.ok(answer.ok, JSON.stringify(answer));
  };
  const row = (page, peer) => page.locator(`.chat-row[data-peer="${peer}"]`);

  it("is for merchants", async () => {
    // A page that says it is a buyer's, as a token would.
    const page = await visitors.open("/merchant?user=8", {
      before: (context) => context.route("**/api/v1/me*", (route) => route.fulfill({ json: { ok: true, me: { user: "8", role: "buyer" } } })),
    });
    await page.locator(".refused", { hasText: "不是商家" }).waitFor();
    assert.equal(await page.locator(".console").count(), 0);
  });

  it("shows buyers how the merchant wants to be seen, in all of his windows", async () => {
    const page = await desk();
    const other = await visitors.more(page.context(), "/merchant?user=m7");
    const customer = await buyer("701");
    await ready(other);
    const seen = (status) => customer.locator(`.pane-head .status[data-status="${status}"]`).waitFor();
    await seen("online");
    await page.locator(".status-switch select").selectOption("busy");
    await seen("busy");
    await other.locator('.status-switch[data-status="busy"]').waitFor();
    await other.locator(".status-switch select").selectOption("invisible");
    await seen("offline");
    await page.locator('.status-switch[data-status="invisible"]').waitFor();
    await page.locator(".status-switch select").selectOption("online");
    await seen("online");
  });

  it("is away by itself after five minutes without a touch in any window, and back with the first", async () => {
    const page = await visitors.open("/merchant?user=m9", { before: (context) => context.clock.install() });
    await ready(page);
    const customer = await buyer("702", "m9");
    await customer.locator('.pane-head .status[data-status="online"]').waitFor();
    await page.mouse.move(300, 300);
    await page.clock.fastForward(4 * 60_000);
    assert.equal(await page.locator(".status-switch").getAttribute("data-status"), "online");
    await page.clock.fastForward(70_000);
    await customer.locator('.pane-head .status[data-status="away"]').waitFor();
    await page.mouse.move(400, 320);
    await customer.locator('.pane-head .status[data-status="online"]').waitFor();
    // Who chose to be busy is not made anything else.
    await page.locator(".status-switch select").selectOption("busy");
    await customer.locator('.pane-head .status[data-status="busy"]').waitFor();
    await page.clock.fastForward(20 * 60_000);
    await page.locator('.status-switch[data-status="busy"]').waitFor();
  });

  it("keeps quick replies by group, finds them behind a slash, and has them in every window", async () => {
    const page = await desk();
    const other = await visitors.more(page.context(), "/merchant?user=m7");
    await ready(other);
    await page.locator(".column-right .tabs button").nth(1).click();
    const make = async (text, folder, shortcut) => {
      await page.locator(".quick-top .tool").click();
      await page.locator('.quick-form [name="text"]').fill(text);
      await page.locator('.quick-form [name="folder"]').fill(folder);
      await page.locator('.quick-form [name="shortcut"]').fill(shortcut);
      await page.locator(".quick-form .primary").click();
      await page.locator(".quick-item", { hasText: text }).waitFor();
    };
    await make("付款后 24 小时内发货", "发货", "fh");
    await make("七天无理由退换", "售后", "/th");
    await page.locator(".quick-panel h3", { hasText: "售后" }).waitFor();
    await other.locator(".column-right .tabs button").nth(1).click();
    await other.locator(".quick-item", { hasText: "七天无理由" }).waitFor();

    await send("703", "m7", "多久发货？");
    await turnTo(page, "703");
    const field = page.locator(".composer textarea");
    await field.pressSequentially("/t");
    await page.locator(".slash-menu li", { hasText: "七天无理由" }).waitFor();
    assert.equal(await page.locator(".slash-menu li").count(), 1);
    await field.fill("");
    await field.pressSequentially("/");
    await field.press("ArrowDown");
    await field.press("ArrowUp");
    await field.press("Enter");
    assert.equal(await field.inputValue(), "付款后 24 小时内发货");
    await field.press("Enter");
    await mine(page, "付款后 24 小时内发货").waitFor();
    await page.locator(".quick-item", { hasText: "七天无理由" }).locator(".quick-text").click();
    await eventually("it stands in the field", async () => (await field.inputValue()) === "七天无理由退换");
    assert.ok(await page.locator(".send").isEnabled(), "and can be sent");
    await page.locator(".quick-item", { hasText: "七天无理由" }).locator('[aria-label="编辑"]').click();
    await page.locator('.quick-form [name="text"]').fill("十五天无理由退换");
    await page.locator(".quick-form .primary").click();
    await other.locator(".quick-item", { hasText: "十五天无理由" }).waitFor();
    await page.locator(".quick-item", { hasText: "十五天" }).locator('[aria-label="删除"]').click();
    await other.locator(".quick-item", { hasText: "十五天" }).waitFor({ state: "detached" });
  });

  it("refuses what a blocked buyer writes, says so to him, and takes him back", async () => {
    const [page, customer] = await Promise.all([desk(), buyer("704")]);
    await say(customer, "你好");
    await turnTo(page, "704");
    await page.locator('.bar [aria-label="拉黑"]').click();
    await page.locator(".blocked").waitFor();
    await customer.locator(".composer textarea").fill("听得到吗");
    await customer.locator(".composer textarea").press("Enter");
    const failed = customer.locator('.message[data-state="failed"]', { hasText: "听得到吗" });
    await failed.locator(".why").waitFor();
    assert.equal(await theirs(page, "听得到吗").count(), 0);
    await customer.locator(".composer textarea").pressSequentially("还在写");
    await page.waitForTimeout(300);
    assert.equal(await page.locator(".typing").count(), 0, "nor is it shown that he writes");
    await customer.locator(".composer textarea").fill("");
    await page.locator('.desk [aria-label="黑名单"]').click();
    await page.locator(".dialog .person .button").click();
    await page.locator(".dialog .person").waitFor({ state: "detached" });
    await page.keyboard.press("Escape");
    await failed.locator(".retry").click();
    await hears(page, "听得到吗");
    await failed.waitFor({ state: "detached" });
  });

  it("calls a customer by a name of the merchant's own", async () => {
    await send("705", "m7", "老顾客");
    const page = await desk();
    await turnTo(page, "705");
    await page.locator(".remark input").pressSequentially("爱喝绿茶");
    await send("705", "m7", "写备注时来的消息");
    await theirs(page, "写备注时来的消息").waitFor();
    await page.locator(".remark input").pressSequentially("的李老师");
    await page.locator(".remark input").press("Enter");
    await row(page, "705").filter({ hasText: "爱喝绿茶的李老师" }).waitFor();
    const again = await desk();
    await row(again, "705").filter({ hasText: "爱喝绿茶的李老师" }).waitFor();
  });

  it("counts in its title, makes one sound and shows one notification, whatever windows are open", async () => {
    await send("706", "m7", "先认识一下");
    const page = await desk("m7", { before: (context) => context.addInitScript(WITNESS) });
    const other = await visitors.more(page.context(), "/merchant?user=m7");
    await ready(other);
    await turnTo(page, "706");
    for (const one of [page, other]) await one.locator(".desk").click({ position: { x: 400, y: 20 } });
    await page.locator(".desk .button").click();
    await other.reload();
    await ready(other);
    await other.locator(".desk").click({ position: { x: 400, y: 20 } });
    for (const one of [page, other]) await one.evaluate(() => (window.isAway = true));
    await send("706", "m7", "在吗？急");
    await eventually("the title counts", async () => /^\(\d+\)/.test(await page.title()) && /^\(\d+\)/.test(await other.title()));
    const notes = async () => (await Promise.all([page, other].map((one) => one.evaluate(() => window.notes)))).flat();
    await eventually("it is told", async () => (await notes()).length > 0);
    await theirs(other, "在吗？急").waitFor();
    assert.deepEqual((await notes()).map((note) => note.body), ["在吗？急"]);
    await page.locator('.bar [aria-label="消息免打扰"]').click();
    await row(page, "706").locator(".muted").waitFor();
    await send("706", "m7", "再说一句");
    await theirs(other, "再说一句").waitFor();
    assert.equal((await notes()).length, 1, "a muted one tells nothing");
  });

  it("shows what is unread first, and goes to the next of it", async () => {
    await post("m9", "listContacts", {});
    for (const user of ["711", "712", "713"]) await send(user, "m9", "有人吗？");
    const page = await desk("m9");
    const order = () => page.locator(".chat-rows .chat-row").evaluateAll((rows) => rows.map((row) => row.dataset.peer));
    await turnTo(page, "713");
    await row(page, "713").locator(".badge").waitFor({ state: "detached" });
    await turnTo(page, "712");
    await row(page, "712").locator(".badge").waitFor({ state: "detached" });
    assert.deepEqual(await order(), ["713", "712", "711"]);
    await page.locator(".column-left .tabs button").nth(1).click();
    await eventually("713 gives way", async () => JSON.stringify(await order()) === JSON.stringify(["712", "711", "713"]));
    await page.keyboard.press("Alt+u");
    await opened(page, "711");
    await row(page, "711").locator(".badge").waitFor({ state: "detached" });
    await page.locator(".column-left .tabs button").nth(0).click();
    await eventually("by time again", async () => JSON.stringify(await order()) === JSON.stringify(["713", "712", "711"]));
  });

  it("keeps nothing of what has gone out of view", async () => {
    await post("m9", "listContacts", {});
    await send("714", "m9", "第一句");
    const page = await desk("m9");
    await turnTo(page, "714");
    const inspector = await page.context().newCDPSession(page);
    const nodes = async () => {
      await inspector.send("HeapProfiler.collectGarbage");
      return (await inspector.send("Memory.getDOMCounters")).nodes;
    };
    const more = async (count) => {
      for (let number = 0; number < count; number += 1) await send("714", "m9", `来了一句又一句，第 ${sent} 句`);
      await theirs(page, `第 ${sent - 1} 句`).waitFor();
    };
    await more(60);
    const before = await nodes();
    await more(240);
    const now = await nodes();
    assert.ok(now < before * 1.25, `${before} nodes became ${now}`);
  });

  it("keeps a screenful of what nobody has open, and has the rest again when it is opened", async () => {
    await post("m9", "listContacts", {});
    await send("715", "m9", "在吗");
    const page = await desk("m9");
    await turnTo(page, "715");
    for (let number = 1; number <= 60; number += 1) await send("716", "m9", `攒了第 ${number} 句`);
    await row(page, "716").getByText("攒了第 60 句").waitFor();
    const kept = (peer) => page.evaluate((peer) => window.im.model.chats.get(peer).entries.length, peer);
    assert.ok((await kept("716")) <= 25, `${await kept("716")} are kept`);
    await turnTo(page, "716");
    await theirs(page, "攒了第 60 句").waitFor();
    await eventually("the first is here too", async () => {
      await page.locator(".list").evaluate((list) => (list.scrollTop = 0));
      return (await theirs(page, "攒了第 1 句").count()) === 1;
    });
    assert.equal(await kept("716"), 60);
    // Eight others come to the front, one after the other; then it is one of those at the back.
    for (let peer = 721; peer <= 728; peer += 1) {
      await send(String(peer), "m9", `我是 ${peer}`);
      await turnTo(page, String(peer));
      await theirs(page, `我是 ${peer}`).waitFor();
    }
    assert.ok((await kept("716")) <= 25, `${await kept("716")} are kept`);
  });

  it("can be used by the keyboard alone", async () => {
    await send("721", "m7", "键盘一号");
    await send("722", "m7", "键盘二号");
    const page = await desk();
    await page.keyboard.press("?");
    await page.locator(".dialog table.keys").waitFor();
    await page.keyboard.press("Escape");
    await page.locator(".dialog").waitFor({ state: "detached" });
    await page.keyboard.press("Control+k");
    await page.keyboard.type("721");
    await page.locator(".found .chat-row").first().waitFor();
    await page.keyboard.press("Enter");
    await opened(page, "721");
    await page.keyboard.press("Alt+i");
    await page.keyboard.type("全靠键盘");
    await page.keyboard.press("Enter");
    await mine(page, "全靠键盘").and(page.locator('[data-state="sent"]')).waitFor();
    await page.keyboard.press("Alt+ArrowDown");
    await opened(page, "722");
    await page.keyboard.press("Alt+ArrowUp");
    await opened(page, "721");
    await page.keyboard.press("Alt+p");
    await row(page, "721").and(page.locator(".pinned")).waitFor();
    await page.keyboard.press("Alt+m");
    await row(page, "721").locator(".muted").waitFor();
    await page.keyboard.press("Alt+s");
    await page.locator('.status-switch[data-status="away"]').waitFor();
    await page.keyboard.press("Alt+s");
    await page.locator('.status-switch[data-status="online"]').waitFor();
    await page.keyboard.press("Alt+q");
    await page.locator(".quick-panel input:focus").waitFor();
    // A message's own menu, and out of it.
    await mine(page, "全靠键盘").locator(".act").focus();
    await page.keyboard.press("Enter");
    await page.locator('.menu [role="menuitem"]:focus').waitFor();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.locator(".notice", { hasText: "撤回" }).waitFor();
  });
});
