// What a person notices of a network that goes, and of a server that goes: a line that says so, and nothing missing afterwards.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, describe, it } from "node:test";
import { eventually } from "../lib/eventually.js";
import { startStandalone } from "../lib/server.js";
import { Visitors, hears, mine, ready, say, texts, turnTo } from "../lib/visit.js";

describe("a connection that is lost", () => {
  const data = mkdtempSync(join(tmpdir(), "im-e2e-"));
  let server, visitors, listen;
  before(async () => {
    server = await startStandalone({ data });
    listen = new URL(server.url).host;
    visitors = await Visitors.start(server.url);
  });
  after(async () => {
    await visitors.stop();
    await server.stop();
    rmSync(data, { recursive: true, force: true });
  });
  afterEach(() => visitors.leave());

  const open = async (path, options) => {
    const page = await visitors.open(path, options);
    await ready(page);
    return page;
  };
  const write = async (page, text) => {
    await page.locator(".composer textarea").fill(text);
    await page.locator(".composer textarea").press("Enter");
  };
  const send = async (from, to, name, text) => {
    const body = JSON.stringify({ temp_message_id: name, chat_type: "p2p", to_user_id: to, type: "text", message: text });
    const asked = { method: "POST", headers: { "content-type": "application/json" }, body };
    assert.equal((await fetch(`${server.url}/api/v1/sendMessage?userId=${from}`, asked)).status, 200);
  };
  const sent = (page, text) => mine(page, text).and(page.locator('[data-state="sent"], [data-state="read"]')).waitFor({ timeout: 40_000 });

  for (const [device, path, options] of [["a PC", "/pc", {}], ["a phone", "/wap", { phone: true }]]) {
    it(`a network that goes and comes back, on ${device}: shown, and nothing missing afterwards`, async () => {
      const user = options.phone ? "801" : "802";
      const page = await open(`${path}?user=${user}&to=m7`, options);
      await say(page, "断网前");
      await page.context().setOffline(true);
      await page.locator(".banner", { hasText: "网络不可用" }).waitFor();
      await write(page, "断网时一");
      await write(page, "断网时二");
      await page.locator('.message[data-state="pending"]', { hasText: "断网时二" }).waitFor();
      await send("m7", user, `while-away-${user}`, "商家趁这时说的");
      await page.context().setOffline(false);
      await ready(page);
      await page.locator(".banner").waitFor({ state: "detached" });
      await hears(page, "商家趁这时说的");
      await Promise.all([sent(page, "断网时一"), sent(page, "断网时二")]);
      assert.deepEqual(await texts(page), ["断网前", "商家趁这时说的", "断网时一", "断网时二"]);
    });
  }

  it("a server that is killed and comes back: both sides have everything, once and in the same order", async () => {
    const [page, desk] = await Promise.all([open("/wap?user=803&to=m7", { phone: true }), open("/merchant?user=m7")]);
    await say(page, "一");
    await turnTo(desk, "803");
    await say(desk, "二");
    await hears(page, "二");
    server.signal("SIGKILL");
    await server.exitCode();
    await page.locator(".banner", { hasText: "正在重连" }).waitFor();
    await write(page, "三：服务器不在时写的");
    await write(desk, "四：商家也写了");
    server = await startStandalone({ data, listen });
    await Promise.all([sent(page, "三"), sent(desk, "四")]);
    await Promise.all([hears(desk, "三"), hears(page, "四")]);
    await eventually("the order is the same", async () => {
      const [mine, his] = await Promise.all([texts(page), texts(desk)]);
      return mine.length === 4 && JSON.stringify(mine) === JSON.stringify(his);
    });
  });

  it("a page that is closed before its messages went: they go when it is opened again", async () => {
    const page = await open("/pc?user=804&to=m7");
    await say(page, "先说一句");
    await page.context().setOffline(true);
    await page.locator(".banner").waitFor();
    await write(page, "还没发出去就刷新了");
    await page.locator('.message[data-state="pending"]').waitFor();
    await page.close();
    await page.context().setOffline(false);
    const again = await visitors.more(page.context(), "/pc?user=804");
    await ready(again);
    await turnTo(again, "m7");
    await sent(again, "还没发出去就刷新了");
    assert.deepEqual(await texts(again), ["先说一句", "还没发出去就刷新了"]);
    const desk = await open("/merchant?user=m7");
    await turnTo(desk, "804");
    await hears(desk, "还没发出去就刷新了");
  });

  it("a message that the server refuses: said, kept, and sent again by hand", async () => {
    const page = await open("/pc?user=805&to=m999");
    await write(page, "有这个人吗");
    const failed = page.locator('.message[data-state="failed"]', { hasText: "有这个人吗" });
    await failed.locator(".why", { hasText: "没有这个用户" }).waitFor();
    const newcomer = await open("/pc?user=m999");
    await failed.locator(".retry").click();
    await sent(page, "有这个人吗");
    await newcomer.locator('.chat-row[data-peer="805"]').waitFor();
    await write(page, "x".repeat(7_900));
    await eventually("it came or was refused", async () => (await page.locator('.message[data-state="pending"]').count()) === 0);
    // What failed can be dropped.
    const other = await open("/pc?user=805&to=m998");
    await write(other, "给没有的人");
    await other.locator('.message[data-state="failed"] .link').click();
    await other.locator(".message").waitFor({ state: "detached" });
  });

  it("a login elsewhere that puts this window out: said, and final until a person says otherwise", async () => {
    const page = await open("/pc?user=806&to=m7");
    const kick = await fetch(`${server.address("internal")}/internal/v1/users/806/kick`, {
      method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ reason: "在别处登录" }),
    });
    assert.equal(kick.status, 204);
    await page.locator(".banner.bad", { hasText: "在别处登录" }).waitFor();
    await page.locator(".banner .link").click();
    await ready(page);
  });
});
