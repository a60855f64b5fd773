// The pages opened from elsewhere: by a link, by the button on a shop's own page, by whom they do not belong to; and how a
// browser keeps what they load.

import assert from "node:assert/strict";
import { createHmac, randomBytes } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { createServer, request } from "node:http";
import { join, resolve } from "node:path";
import { after, afterEach, before, describe, it } from "node:test";
import { gunzipSync } from "node:zlib";
import { parse } from "acorn";
import { startImserver, startStandalone } from "../lib/server.js";
import { Visitors, opened, picture, ready, say } from "../lib/visit.js";

const WEB = resolve(import.meta.dirname, "../../../imserver/web");
const SECRET = randomBytes(32).toString("base64");

/** A page of somebody else, at an origin of its own. */
async function elsewhere(html) {
  const files = createServer((asked, response) => {
    response.writeHead(200, { "content-type": "text/html; charset=utf-8", "content-security-policy": "style-src 'none'" });
    response.end(html);
  });
  await new Promise((listening) => files.listen(0, "127.0.0.1", listening));
  const stop = () => {
    files.closeAllConnections();
    return new Promise((closed) => files.close(closed));
  };
  return { url: `http://127.0.0.1:${files.address().port}/products/7`, stop };
}

function token(claims) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const signed = `${part({ alg: "HS256", typ: "JWT" })}.${part({ exp: Math.floor(Date.now() / 1000) + 600, ...claims })}`;
  return `${signed}.${createHmac("sha256", SECRET).update(signed).digest("base64url")}`;
}

describe("pages that are opened from elsewhere", () => {
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

  it("a button on a shop's page opens the conversation with the product, and touches nothing else", async () => {
    const shop = await elsewhere(`<!doctype html><title>shop</title><style>a { display: none !important }</style>
      <script src="${server.url}/embed.js" data-to="m7" data-user="901" data-product="p-9" data-title="青瓷茶杯" data-price="66"
        data-image="pictures/9.jpg" data-url="/products/9?a=1&b=2" async></script><h1>青瓷茶杯</h1>`);
    const known = (context) => context.addInitScript(() => (window.known = Object.keys(window).concat("known")));
    const page = await visitors.open(shop.url, { before: known });
    const button = page.locator("[data-im-button] a");
    await button.waitFor();
    await picture(page, "embed-button");
    assert.deepEqual(await page.evaluate(() => [Object.keys(window).filter((name) => !window.known.includes(name)), document.cookie]), [[], ""]);
    assert.equal(await button.getAttribute("rel"), "noopener");
    const [chat] = await Promise.all([page.context().waitForEvent("page"), button.click()]);
    await ready(chat);
    await opened(chat, "m7");
    assert.match(await chat.locator(".product-bar").textContent(), /青瓷茶杯.*¥66/);
    assert.equal(await chat.evaluate(() => window.opener), null);
    assert.doesNotMatch(chat.url(), /product|title/, "a reload is no new arrival");
    await chat.locator(".product-acts .tool").click();
    await chat.locator(".product-bar").waitFor({ state: "detached" });
    visitors.complaints.splice(0);
    await shop.stop();
  });

  it("a button without somebody to talk to says so to who wrote the page", async () => {
    const shop = await elsewhere(`<script src="${server.url}/embed.js" data-to="javascript:alert(1)"></script>`);
    const page = await visitors.open(shop.url);
    assert.equal(await page.locator("[data-im-button]").count(), 0);
    assert.match(visitors.complaints.splice(0).join(), /data-to must be a user key/);
    await shop.stop();
  });

  it("a link that means to hurt does nothing but show its words", async () => {
    const title = encodeURIComponent(`<img src=x onerror="document.title='hurt'">`);
    const script = encodeURIComponent("javascript:document.title='hurt'");
    const page = await visitors.open(`/pc?user=902&to=m7&product=p&title=${title}&url=${script}&image=${script}&price=${title}`);
    await ready(page);
    await page.locator(".product-bar").waitFor();
    assert.equal(await page.locator(".product-bar a, .product-bar img").count(), 0);
    await page.locator(".product-acts .primary").click();
    await page.locator('.message[data-state="sent"] .card').waitFor();
    assert.equal(await page.locator(".message a, .message .card img").count(), 0);
    // A message says what a link could not.
    const hostile = { product_id: "p", title: "点我", url: "javascript:document.title='hurt'", image: "//evil.example/x.png" };
    const body = JSON.stringify({ temp_message_id: "hurt-1", chat_type: "p2p", to_user_id: "902", type: "product", message: hostile });
    await fetch(`${server.url}/api/v1/sendMessage?userId=m7`, { method: "POST", headers: { "content-type": "application/json" }, body });
    await page.locator(".message.theirs .card", { hasText: "点我" }).waitFor();
    assert.equal(await page.locator(".message.theirs a, .message.theirs .card img").count(), 0);
    assert.doesNotMatch(await page.title(), /hurt/);
    for (const to of ["902", "not a user", "8%00", "../m7"]) {
      const odd = await visitors.open(`/pc?user=902&to=${encodeURIComponent(to)}`);
      await ready(odd);
    }
  });

  it("no other page frames them, reads them or acts for their visitor", async () => {
    const evil = await elsewhere(`<iframe src="${server.url}/pc?user=903&to=m7"></iframe><script>
      window.tries = Promise.all([
        fetch("${server.url}/api/v1/sendMessage?userId=903", { method: "POST", headers: { "content-type": "application/json" }, body: "{}" }),
        fetch("${server.url}/api/v1/me?userId=903", { credentials: "include" }),
        fetch("${server.url}/socket.io/?EIO=4&transport=polling&userId=903"),
      ].map((one) => one.then((response) => response.text()).catch(() => "refused")));
    </script>`);
    const page = await visitors.open(evil.url);
    assert.deepEqual(await page.evaluate(() => window.tries), ["refused", "refused", "refused"]);
    assert.equal(page.frames().filter((frame) => frame.url().includes("/pc")).length, 0);
    visitors.complaints.splice(0);
    await evil.stop();
  });

  it("what they load is packed, named by its version, and kept for good; the page itself is asked for", async () => {
    const page = await fetch(`${server.url}/wap`);
    assert.equal(page.headers.get("cache-control"), "no-cache");
    const script = /src="(\/v\/[0-9a-f]{16}\/wap\.js)"/.exec(await page.text())[1];
    const address = new URL(script, server.url);
    const packed = await new Promise((resolve, reject) => {
      request(address, { headers: { "accept-encoding": "gzip" } }, (response) => {
        const parts = [];
        response.on("data", (part) => parts.push(part)).on("end", () => resolve({ headers: response.headers, body: Buffer.concat(parts) }));
      }).on("error", reject).end();
    });
    assert.equal(packed.headers["content-encoding"], "gzip");
    assert.equal(packed.headers["cache-control"], "public, max-age=31536000, immutable");
    const plain = await fetch(address, { headers: { "accept-encoding": "gzip;q=0, identity" } });
    assert.equal(plain.headers.get("content-encoding"), null);
    assert.equal(gunzipSync(packed.body).toString(), await plain.text());
    const again = await fetch(address, { headers: { "if-none-match": packed.headers.etag, "accept-encoding": "gzip" } });
    assert.equal(again.status, 304);
    const older = await fetch(`${server.url}/v/0123456789abcdef/wap.js`);
    assert.equal(older.headers.get("cache-control"), "no-store", "the version of another release is kept by nobody");
    for (const path of ["/v/0/package.json", "/v/0/client/types.d.ts", "/v/0/vendor/VERSIONS.md", "/v/0/../Cargo.toml", "/v/0/%2e%2e/Cargo.toml", "/merchant.js"]) {
      assert.equal((await fetch(server.url + path)).status, 404, path);
    }
  });

  it("a gateway in trouble is waited for, and is no reason to log in again", async () => {
    let isBroken = true;
    const broken = (context) => context.route("**/api/v1/me*", (route) => {
      return isBroken ? route.fulfill({ status: 502, contentType: "text/html", body: "<h1>Bad Gateway</h1>" }) : route.continue();
    });
    const page = await visitors.open("/pc?user=904&to=m7", { before: broken });
    await page.locator(".refused", { hasText: "连不上服务器" }).waitFor();
    isBroken = false;
    await ready(page);
  });

  it("a link turns only the window that it opened, until somebody does something there", async () => {
    const page = await visitors.open("/pc?user=905&to=m9");
    await ready(page);
    await page.locator(".composer textarea").press("a");
    const lured = await visitors.more(page.context(), "/pc?user=905&to=m7");
    await ready(lured);
    await opened(lured, "m7");
    await page.waitForTimeout(300);
    await opened(page, "m9");
    await lured.locator(".composer textarea").press("a");
    await opened(page, "m7");
  });

  it("addresses that are no addresses, and languages that are none, change nothing", async () => {
    const page = await visitors.open("/pc?user=906&lang=constructor");
    await ready(page);
    const safe = await page.evaluate(async () => {
      const [, base] = /(\/v\/[0-9a-f]+\/)/.exec(document.querySelector("script[src]").src);
      const { safeAddress } = await import(`${base}ui/settings.js`);
      return ["/ok", "https://shop.example/1", "//evil.example", "/\t/evil.example", "/\\evil.example", "javascript:1", " https://x", "data:text/html,1", 7, null].map(safeAddress);
    });
    assert.deepEqual(safe, ["/ok", "https://shop.example/1", ...Array(8).fill(null)]);
    assert.match(await page.locator(".whole-blank").textContent(), /选一个会话/);
  });

  it("scripts are served without their comments, and say the same", async () => {
    const page = await (await fetch(`${server.url}/wap`)).text();
    const [base] = /\/v\/[0-9a-f]{16}\//.exec(page);
    const own = readdirSync(WEB, { recursive: true }).filter((name) => name.endsWith(".js") && !name.startsWith("vendor"));
    assert.ok(own.length > 40);
    const options = { ecmaVersion: 8, sourceType: "module", locations: true };
    const told = (key, value) => (["start", "end"].includes(key) ? undefined : value);
    let [before, now] = [0, 0];
    for (const name of own) {
      const [source, served] = [readFileSync(join(WEB, name), "utf8"), await (await fetch(server.url + base + name)).text()];
      assert.equal(JSON.stringify(parse(served, options).body, told), JSON.stringify(parse(source, options).body, told), name);
      [before, now] = [before + source.length, now + served.length];
    }
    assert.ok(now < before * 0.9, `${before} became ${now}`);
  });

  describe("with tokens", () => {
    let real;
    before(async () => {
      const settings = { IM__AUTH__SECRET: SECRET, IM__INTERNAL__SECRET: randomBytes(32).toString("base64"), IM__PAGES__LOGIN_URL: "/account/login" };
      real = await startImserver({ settings, args: ["--auth", "token"] });
    });
    after(() => real.stop());

    const login = (page, claims) => page.evaluate((token) => fetch("/api/v1/login", {
      method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ token }),
    }).then((response) => response.status), token(claims));

    it("who has not logged in is told where to, and comes back to where he was", async () => {
      const page = await visitors.open(`${real.url}/wap?to=m7`, { phone: true });
      const link = page.locator(".refused a");
      await link.waitFor();
      await picture(page, "wap-login");
      const back = new URL(await link.getAttribute("href"), real.url);
      assert.equal(back.pathname, "/account/login");
      assert.equal(back.searchParams.get("back"), `${real.url}/wap?to=m7`);
    });

    it("who has logged in chats, and only as himself", async () => {
      const [buyer, merchant] = [await visitors.open(`${real.url}/pc`), await visitors.open(`${real.url}/merchant`)];
      assert.equal(await login(merchant, { sub: "m7", role: "merchant" }), 200);
      await merchant.reload();
      await ready(merchant);
      assert.equal(await login(buyer, { sub: "8", role: "buyer" }), 200);
      await buyer.goto(`${real.url}/pc?to=m7&user=m9`);
      await ready(buyer);
      await say(buyer, "我是真的");
      await merchant.locator('.chat-row[data-peer="8"]').waitFor();
      await buyer.goto(`${real.url}/merchant`);
      await buyer.locator(".refused", { hasText: "不是商家" }).waitFor();
      await merchant.goto(real.url);
      await merchant.waitForURL(/\/merchant$/);
      await buyer.goto(real.url);
      await buyer.waitForURL(/\/pc$/);
    });
  });
});
