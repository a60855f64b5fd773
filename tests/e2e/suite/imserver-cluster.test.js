// Site IM as a cluster: windows of every client generation, on whichever process nginx gives them.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";
import { startSite } from "../lib/cluster.js";
import { EVERY_GENERATION, Windows, freshSecret, token } from "../lib/site.js";
import { hasAuth } from "../lib/clients.js";

const SECRET = freshSecret();
const SETTINGS = {
  IM__AUTH__MODE: "token",
  IM__AUTH__SECRET: SECRET,
  IM__INTERNAL__SECRET: freshSecret(),
  IM__ENGINE__COOKIE__NAME: "im_sid",
};

/** Credentials as each generation can send them. */
function as(user, generation) {
  const role = user.startsWith("m") ? { role: "merchant", shop: "m9" } : { role: "buyer" };
  const signed = token({ sub: user, ...role, exp: Math.floor(Date.now() / 1000) + 3600 }, SECRET);
  return hasAuth(generation) ? { auth: { token: signed } } : { query: { token: signed } };
}

for (const form of ["round-robin", "ip-hash", "cookie-hash"]) {
  describe(`site IM behind nginx, ${form}`, () => {
    let site;
    const windows = new Windows(() => site.url);
    before(async () => (site = await startSite(form, SETTINGS)));
    after(() => site.stop());
    afterEach(() => windows.closeAll());

    const open = (user, client) => windows.enter(client, as(user, client.generation));

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
