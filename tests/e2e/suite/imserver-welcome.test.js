// What `cargo run` shows a person: an address with a page, and a snippet that works when pasted into node.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, describe, it } from "node:test";
import { eventually } from "../lib/eventually.js";
import { startStandalone } from "../lib/server.js";

describe("the one process", () => {
  let server;
  before(async () => {
    server = await startStandalone();
    // It is ready a moment before it has said all.
    await eventually("the welcome", () => /in a browser: \S+[\s\S]*console\.log\);\n/.test(server.output()));
  });
  after(() => server.stop());

  it("prints an address where a page is, which runs nothing but its own files", async () => {
    const address = server.output().match(/in a browser: (\S+)/)[1];
    const page = await fetch(address);
    assert.equal(page.status, 200);
    assert.match(page.headers.get("content-type"), /text\/html/);
    const policy = page.headers.get("content-security-policy");
    assert.match(policy, /script-src 'self'/);
    assert.doesNotMatch(policy, /unsafe/);
    assert.doesNotMatch(await page.text(), /<script>|<style>|style="|onclick/);
  });

  it("offers the client library where Socket.IO servers do", async () => {
    const library = await fetch(`${server.url}/socket.io/socket.io.js`);
    assert.equal(library.status, 200);
    assert.match(library.headers.get("content-type"), /javascript/);
    assert.match(await library.text(), /Socket\.IO v4/);
  });

  it("prints a snippet that connects and hears itself when pasted into node", async () => {
    const snippet = server.output().match(/^ {4}const \{ io \}.*\n(?: {4}.*\n)+/m)[0];
    const output = await pasted(snippet);
    assert.match(output, /connected as 8 on im1/);
    assert.match(output, /\{ ok: true \}/);
    assert.match(output, /\{ text: '你好' \}/);
  });
});

/** Feeds a snippet to node's prompt, in a folder where socket.io-client is installed, until it has shown it all. */
async function pasted(snippet) {
  const folder = mkdtempSync(join(tmpdir(), "im-e2e-"));
  mkdirSync(join(folder, "node_modules"));
  const installed = resolve(import.meta.dirname, "../node_modules");
  symlinkSync(join(installed, "socket.io-client-4"), join(folder, "node_modules/socket.io-client"));
  const node = spawn(process.execPath, ["-i"], { cwd: folder, stdio: ["pipe", "pipe", "pipe"] });
  let output = "";
  const seen = new Promise((done) => {
    const late = setTimeout(done, 10_000);
    const take = (chunk) => {
      output += chunk;
      if (["connected as", "ok: true", "你好' }"].every((part) => output.includes(part))) done(clearTimeout(late));
    };
    node.stdout.on("data", take);
    node.stderr.on("data", take);
  });
  node.stdin.write(snippet);
  await seen;
  const gone = new Promise((done) => node.once("exit", done));
  node.kill("SIGKILL");
  await gone;
  rmSync(folder, { recursive: true });
  return output;
}
