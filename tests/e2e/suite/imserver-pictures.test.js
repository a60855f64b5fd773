// Site IM: pictures are taken from whoever is in a conversation, and given to its two members alone.

import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { Api } from "../lib/api.js";
import { eventually } from "../lib/eventually.js";
import { png } from "../lib/picture.js";
import { startImserver } from "../lib/server.js";
import { freshSecret, token } from "../lib/site.js";

const folder = mkdtempSync(join(tmpdir(), "im-e2e-pictures-"));
let server;
let api;
before(async () => {
  const settings = { IM__PICTURES__DIR: folder, IM__PICTURES__MAX_BYTES: "60000", IM__PICTURES__MAX_PIXELS: "250000" };
  server = await startImserver({ settings });
  api = await Api.of(server.url);
});
after(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

const RED = png(600, 300, [200, 30, 30]);

function upload(from, to, body, headers = {}, url = server.url) {
  const query = new URLSearchParams({ ...(from && { userId: from }), ...(to && { to_user_id: to }) });
  return fetch(`${url}/api/v1/pictures?${query}`, { method: "POST", headers: { "content-type": "image/png", ...headers }, body });
}

const see = (path, user, headers = {}) => fetch(`${server.url}${path}${user ? `?userId=${user}` : ""}`, { headers });

describe("a picture", () => {
  it("is seen by both members, large and small, as nothing but a picture", async () => {
    const { message } = await api.answered("pictures", await upload("8", "m7", RED));
    assert.deepEqual([message.width, message.height], [600, 300]);
    for (const user of ["8", "m7"]) {
      for (const path of [message.url, message.small_url]) {
        const picture = await see(path, user);
        assert.equal(picture.status, 200);
        assert.equal(picture.headers.get("content-type"), "image/jpeg");
        assert.equal(picture.headers.get("x-content-type-options"), "nosniff");
        assert.match(picture.headers.get("content-security-policy"), /sandbox/);
        assert.match(picture.headers.get("cache-control"), /private.*immutable/);
        assert.deepEqual([...new Uint8Array(await picture.arrayBuffer()).subarray(0, 3)], [0xff, 0xd8, 0xff]);
      }
    }
  });

  it("is seen by nobody else, who is not told that it is there", async () => {
    const { message } = await api.answered("pictures", await upload("8", "m7", RED));
    const denied = await api.failed(await see(message.url, "9"), 404, "not_found");
    const nothing = await api.failed(await see("/media/8.m7/abcdefghijklmnopqrstuv.jpg", "8"), 404, "not_found");
    assert.equal(denied.message, nothing.message);
    await api.failed(await see(message.url), 401, "unauthorized");
    await api.failed(await see(message.url, "8", { "sec-fetch-site": "cross-site" }), 403, "forbidden");
    // Neither by another spelling of the address.
    const name = message.url.split("/").pop();
    for (const path of [`/media/8.m7/..%2f8.m7%2f${name}`, `/media/9.9/..%2f..%2f8.m7%2f${name}`, `/media/m7.8/${name}`]) {
      assert.equal((await see(path, "9")).status, 404, path);
    }
  });

  it("goes with a message, and shows again from history", async () => {
    await api.as("m7", "sync");
    const { message } = await api.answered("pictures", await upload("8", "m7", RED));
    const sending = { temp_message_id: "p-1", chat_type: "p2p", to_user_id: "m7", type: "image", message };
    const { conversation_id } = await api.as("8", "sendMessage", sending);
    const { messages } = await api.as("m7", "history", { conversation_id });
    assert.deepEqual(messages.at(-1).message, message);
  });
});

describe("what is no picture to keep", () => {
  it("is refused with a sentence, and leaves nothing behind", async () => {
    const before = readdirSync(folder, { recursive: true }).length;
    await api.failed(await upload("8", "m7", "<svg onload='alert(1)'/>", { "content-type": "image/svg+xml" }), 400, "bad_request");
    await api.failed(await upload("8", "m7", "<script>alert(1)</script>"), 400, "bad_request");
    await api.failed(await upload("8", "m7", RED.subarray(0, 60)), 400, "bad_request");
    await api.failed(await upload("8", "m7", ""), 400, "bad_request");
    await api.failed(await upload("8", "m7", RED, { "content-type": "text/plain" }), 400, "bad_request");
    await api.failed(await upload("8", "m7", Buffer.alloc(60_001)), 413, "too_large");
    const { message } = await api.failed(await upload("8", "m7", png(600, 600, [0, 0, 0])), 413, "too_large");
    assert.match(message, /600 × 600 pixels/);
    assert.equal(readdirSync(folder, { recursive: true }).length, before);
  });

  it("nor is one for nobody, from nobody or from another site", async () => {
    await api.failed(await upload("8", undefined, RED), 400, "bad_request");
    await api.failed(await upload("8", "../../etc", RED), 400, "bad_request");
    await api.failed(await upload(undefined, "m7", RED), 401, "unauthorized");
    await api.failed(await upload("8", "m7", RED, { origin: "http://evil.example" }), 403, "forbidden");
  });
});

it("uploads have a limit of their own", async () => {
  const settings = { IM__LIMITS__PICTURES_PER_MINUTE_PER_USER: "2" };
  const strict = await startImserver({ settings });
  try {
    const answers = [];
    for (let i = 0; i < 3; i++) answers.push(await upload("8", "m7", RED, {}, strict.url));
    assert.deepEqual(answers.map((answer) => answer.status), [200, 200, 429]);
    assert.equal((await upload("m7", "8", RED, {}, strict.url)).status, 200);
  } finally {
    await strict.stop();
  }
});

it("without a place for them a picture is refused, and everything else goes on", async () => {
  const blocked = join(folder, "in-the-way");
  const own = await startImserver({ settings: { IM__PICTURES__DIR: blocked } });
  try {
    rmSync(blocked, { recursive: true });
    writeFileSync(blocked, "no folder");
    const error = await api.failed(await upload("8", "m7", RED, {}, own.url), 503, "unavailable");
    assert.ok(error.retry_after_ms > 0);
    assert.equal((await fetch(`${own.url}/api/v1/me?userId=8`)).status, 200);
  } finally {
    await own.stop();
  }
});

it("a page that logged in with a token shows pictures by its cookie, until it logs out", async () => {
  const secret = freshSecret();
  const settings = { IM__AUTH__MODE: "token", IM__AUTH__SECRET: secret, IM__INTERNAL__SECRET: freshSecret() };
  const cookies = { IM__AUTH__COOKIE__SIGNED: "true", IM__AUTH__COOKIE__SECRET: freshSecret() };
  const real = await startImserver({ settings: { ...settings, ...cookies } });
  const post = (path, body, headers = {}) => {
    return fetch(`${real.url}/api/v1/${path}`, { method: "POST", headers: { "content-type": "application/json", ...headers }, body });
  };
  try {
    const exp = Math.floor(Date.now() / 1000) + 600;
    const said = JSON.stringify({ token: token({ sub: "8", role: "buyer", exp }, secret) });
    const response = await post("login", said);
    const set = response.headers.get("set-cookie");
    assert.match(set, /^im_token=[^;]+; Path=\/; HttpOnly; SameSite=Lax; Secure$/);
    assert.equal((await api.answered("login", response)).me.user, "8");
    const cookie = set.split(";")[0];
    const { message } = await api.answered("pictures", await upload(undefined, "m7", RED, { cookie }, real.url));
    assert.equal((await fetch(`${real.url}${message.url}`, { headers: { cookie } })).status, 200);
    assert.equal((await fetch(`${real.url}${message.url}`)).status, 401);
    const out = await post("logout", "{}", { cookie });
    assert.match(out.headers.get("set-cookie"), /^im_token=; .*Max-Age=0$/);
    await api.answered("logout", out);

    await api.failed(await post("login", JSON.stringify({ token: "nonsense" })), 401, "unauthorized");
    await api.failed(await post("login", "{}"), 400, "bad_request");
    await api.failed(await post("login", said, { origin: "http://evil.example" }), 403, "forbidden");
    await api.failed(await post("login", said, { "content-type": "text/plain" }), 400, "bad_request");
    await api.failed(await fetch(`${real.url}/api/v1/people`), 404, "not_found");
  } finally {
    await real.stop();
  }
});

it("in development the people of the configuration are there, and keep the names that they give themselves", async () => {
  const config = '[[people]]\nuser = "m7"\nnickname = "晨光文具"\nrole = "merchant"\n[[people]]\nuser = "8"\nnickname = "小明"\n';
  const demo = await startImserver({ config });
  try {
    const site = new Api(demo.url, api.document);
    const { people } = await (await fetch(`${demo.url}/api/v1/people`)).json();
    assert.deepEqual(people.map(({ user_id, nickname, role }) => [user_id, nickname, role]), [
      ["m7", "晨光文具", "merchant"],
      ["8", "小明", "buyer"],
    ]);
    await eventually("both have their names", async () => {
      const { users } = await site.as("8", "getProfiles", { user_ids: ["m7", "8"] });
      return users.map((one) => one.nickname).sort().join() === "小明,晨光文具";
    });
    // Whom nobody has seen yet can be written to.
    const sending = { temp_message_id: "p-1", chat_type: "p2p", to_user_id: "m7", type: "text", message: "在吗" };
    await site.as("8", "sendMessage", sending);
  } finally {
    await demo.stop();
  }
});
