// Site IM as a cluster: windows of every client generation, on whichever process nginx gives them.

import assert from "node:assert/strict";
import { Agent, get } from "node:http";
import { after, afterEach, before, describe, it } from "node:test";
import { hasAuth } from "../lib/clients.js";
import { startSite } from "../lib/cluster.js";
import { EVERY_CLIENT, EVERY_GENERATION, Windows, freshSecret, token } from "../lib/site.js";

const SECRET = freshSecret();
const SETTINGS = {
  IM__AUTH__MODE: "token",
  IM__AUTH__SECRET: SECRET,
  IM__INTERNAL__SECRET: freshSecret(),
  IM__ENGINE__COOKIE__NAME: "im_sid",
};

for (const form of ["round-robin", "ip-hash", "cookie-hash"]) {
  describe(`site IM behind nginx, ${form}`, () => {
    let site;
    let addresses;
    const windows = new Windows(() => site.url);
    before(async () => {
      site = await startSite(form, SETTINGS);
      addresses = await clientsOfBoth(site.url);
    });
    after(() => site.stop());
    afterEach(() => windows.closeAll());

    /** A window of a client at this address of ours. */
    const openAt = (localAddress, user, client) => {
      const io = { agent: new Agent({ localAddress }) };
      return windows.enter(client, { ...as(user, client.generation), io });
    };
    let opened = 0;
    const open = (user, client) => openAt(addresses[opened++ % 2], user, client);

    it("takes every client over every transport, and passes requests on only where nothing is sticky", async () => {
      const processes = new Set();
      for (const address of addresses) {
        for (const client of EVERY_CLIENT) {
          const window = await openAt(address, "8", client);
          processes.add(window.init.process);
          await window.asked("exchange", { target: "user:8", payload: "echo" });
          assert.equal((await window.next("exchange")).data.payload, "echo");
          await window.close();
        }
      }
      assert.deepEqual([...processes].sort(), ["im1", "im2"]);
      const passedOn = await Promise.all(site.servers.map(requestsPassedOn));
      assert.equal(passedOn.some((count) => count > 0), form === "round-robin", `passed on: ${passedOn}`);
    });

    it("keeps the windows of a user in step", async () => {
      const all = [];
      for (const client of EVERY_GENERATION) all.push(await open("m9", client));
      const [cause, ...others] = all;
      await cause.asked("changeUser", { toid: "8" });
      assert.deepEqual(await cause.next("changeUserPush"), { toid: "8" });
      for (const other of others) {
        assert.deepEqual(await other.next("syncChangeUserPush"), { toid: "8", socketid: other.id });
        await other.settle();
        assert.equal(await other.waiting("syncChangeUserPush"), 0);
      }
      await cause.settle();
      assert.equal(await cause.waiting("syncChangeUserPush"), 0);
    });

    it("relays to all windows of a user, and to one socket", async () => {
      const buyer = await open("8", { generation: 4, transport: "polling" });
      const agents = [];
      for (const client of EVERY_GENERATION) agents.push(await open("m9", client));
      await buyer.asked("exchange", { target: "user:m9", payload: { text: "在吗" } });
      for (const agent of agents) {
        const { meta, data } = await agent.next("exchange");
        assert.deepEqual([meta.client, data.payload], [buyer.id, { text: "在吗" }]);
        await agent.asked("exchange", { target: buyer.id, payload: agent.id });
        assert.equal((await buyer.next("exchange")).data.payload, agent.id);
      }
    });
  });
}

describe("the limits of an address behind nginx", () => {
  let site;
  before(async () => {
    const limited = { IM__LIMITS__MAX_CONNECTIONS_PER_ADDRESS: "1", IM__SERVER__TRUSTED_PROXIES: "127.0.0.1" };
    site = await startSite("ip-hash", { ...SETTINGS, ...limited });
  });
  after(() => site.stop());

  it("are those of each client, whatever it claims", async () => {
    assert.equal((await handshake(site.url, "127.0.0.8")).status, 200);
    assert.equal((await handshake(site.url, "127.0.0.8", "198.51.100.1")).status, 429);
    assert.equal((await handshake(site.url, "127.0.0.9")).status, 200);
  });
});

/** Two addresses of this machine whose clients reach different processes, as far as the form goes by addresses. */
async function clientsOfBoth(url) {
  const found = new Map();
  for (let number = 1; found.size < 2 && number < 60; number += 1) {
    const address = `127.0.${number}.1`;
    const { body } = await handshake(url, address);
    const process = /"sid":"(\w+)\./.exec(body)[1];
    if (!found.has(process)) found.set(process, address);
  }
  assert.equal(found.size, 2, "all addresses come to one process");
  return [...found.values()];
}

/** A handshake from this address, which says that it speaks for another: `{status, body}`. */
function handshake(url, localAddress, forwarded) {
  const signed = as("8", 2).query.token;
  const headers = forwarded ? { "x-forwarded-for": forwarded } : {};
  return new Promise((done, fail) => {
    const request = get(`${url}/socket.io/?EIO=3&transport=polling&token=${signed}`, { localAddress, headers });
    request.on("error", fail).on("response", async (response) => {
      const body = (await response.setEncoding("utf8").toArray()).join("");
      done({ status: response.statusCode, body });
    });
  });
}

async function requestsPassedOn(server) {
  const metrics = await (await fetch(`${server.address("admin")}/metrics`)).text();
  const counts = [...metrics.matchAll(/^im_requests_passed_on_total\{.*\} (\d+)$/gm)];
  return counts.reduce((sum, [, count]) => sum + Number(count), 0);
}

/** Credentials as each generation can send them. */
function as(user, generation) {
  const role = user.startsWith("m") ? { role: "merchant", shop: "m9" } : { role: "buyer" };
  const signed = token({ sub: user, ...role, exp: Math.floor(Date.now() / 1000) + 3600 }, SECRET);
  return hasAuth(generation) ? { auth: { token: signed } } : { query: { token: signed } };
}
