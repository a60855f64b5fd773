// Clients inside real Chromium pages: JSONP, forced base64 and binary XHR polling cannot be had in Node. The pages are
// served from a port of their own, so that all they do with the server is cross-origin.

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { PAGE_TRANSPORTS } from "./clients.js";
import { tagged, untagged } from "./tagged.js";

const HERE = import.meta.dirname;
const MODULES = join(HERE, "../node_modules");
const BUILDS = { "socket.io-client": "dist/socket.io.js", "engine.io-client-3": "engine.io.js" };
const OWN_FILES = ["page.js", "peer.js", "engine-peer.js", "inbox.js", "tagged.js"];
const METHODS = ["join", "connectionEvent", "transport", "close", "on", "outcome", "send", "take", "waiting"];
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"];

/** A browser and the server of its pages. `origin` is theirs. */
export class Browser {
  static async start() {
    const browser = new Browser();
    browser.files = createServer(serveFile);
    await new Promise((listening) => browser.files.listen(0, "127.0.0.1", listening));
    browser.origin = `http://127.0.0.1:${browser.files.address().port}`;
    browser.chromium = await chromium.launch({
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      args: [...FLAGS, "--disable-component-update", "--disable-sync"],
    });
    return browser;
  }

  /** A page that has loaded one client library, such as `socket.io-client-2`. */
  async page(library) {
    const page = await this.chromium.newPage();
    await page.goto(`${this.origin}/with/${library}`);
    await page.waitForFunction(() => window.dial !== undefined);
    return page;
  }

  async stop() {
    await this.chromium.close();
    this.files.closeAllConnections();
    await new Promise((closed) => this.files.close(closed));
  }
}

/** Opens a client in a page that has loaded its library; behaves like a `Peer` or an `EnginePeer`. */
export async function openInPage(page, family, generation, transport, url, options = {}) {
  const given = { events: [], ...options, generation, io: { ...PAGE_TRANSPORTS[transport], ...options.io } };
  const index = await page.evaluate((wanted) => window.dial(...wanted), [family, url, given]);
  const call = async (method, args) => {
    const request = [index, method, tagged(args)];
    return untagged(await page.evaluate((wanted) => window.call(...wanted), request));
  };
  return Object.fromEntries(METHODS.map((method) => [method, (...args) => call(method, args)]));
}

function serveFile(request, response) {
  const [, folder, name] = request.url.split("/");
  const content = contentOf(folder, name);
  if (!content) return response.writeHead(404).end();
  response.writeHead(200, { "content-type": content.type }).end(content.body);
}

function contentOf(folder, name) {
  const script = (path) => ({ type: "text/javascript; charset=utf-8", body: readFileSync(path) });
  if (folder === "with") return { type: "text/html; charset=utf-8", body: html(name) };
  if (folder === "library") return script(join(MODULES, name, build(name)));
  if (OWN_FILES.includes(folder)) return script(join(HERE, folder));
  return null;
}

function html(library) {
  return `<!doctype html><title>${library}</title>
<script src="/library/${library}"></script><script type="module" src="/page.js"></script>`;
}

function build(library) {
  return BUILDS[library] ?? BUILDS[library.replace(/-\d$/, "")] ?? "dist/engine.io.js";
}
