// Several processes behind a real nginx, with the files of deploy/nginx as they are but for the addresses.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { startDaemon, startEcho, startImserver } from "./server.js";

const NGINX = resolve(import.meta.dirname, "../../../deploy/nginx");

/** Two echo servers that know each other, behind nginx in turns. */
export async function startEchoPair(flags = {}) {
  const [one, other] = await freePorts(2);
  const secret = "of-the-pair";
  const echo = (id, internal, peer) => {
    return startEcho({ ...flags, secret, "process-id": id, "internal-listen": internal, peer });
  };
  const servers = await together([
    echo("one", `127.0.0.1:${one}`, `other=127.0.0.1:${other}`),
    echo("other", `127.0.0.1:${other}`, `one=127.0.0.1:${one}`),
  ]);
  return behindNginx("round-robin", servers);
}

/** Site IM: two processes over four Redis nodes, at `redis` in the order of their list. `parts` are stopped with it. */
export async function startCluster(settings = {}, parts = []) {
  const ports = await freePorts(4);
  const redis = await withParts(parts, () => together(ports.map(startRedis)));
  const directory = mkdtempSync(join(tmpdir(), "im-e2e-"));
  const list = join(directory, "nodes.json");
  writeFileSync(list, JSON.stringify(ports.map((port) => ({ host: "127.0.0.1", port }))));
  const start = (id) => startImserver({ settings, id, args: ["--redis", list] });
  const servers = await withParts([...redis, ...parts], () => together(["im1", "im2"].map(start)));
  const stop = async () => {
    await stopAll([...servers, ...redis, ...parts]);
    rmSync(directory, { recursive: true, force: true });
  };
  return { servers, redis: ports, stop };
}

/** The same behind nginx in one of its forms. */
export async function startSite(form, settings = {}) {
  const cluster = await startCluster(settings);
  const site = await withParts([cluster], () => behindNginx(form, cluster.servers));
  const stop = async () => {
    await site.stop();
    await cluster.stop();
  };
  return { ...site, stop };
}

async function behindNginx(form, servers) {
  const directory = mkdtempSync(join(tmpdir(), "im-e2e-"));
  const { port, nginx } = await withParts(servers, async () => {
    const [port] = await freePorts(1);
    const file = join(directory, "nginx.conf");
    writeFileSync(file, readdressed(form, port, directory, servers.map((server) => new URL(server.url).host)));
    const globals = `daemon off; user root; pid ${join(directory, "pid")};`;
    const args = ["-e", join(directory, "error.log"), "-p", directory, "-c", file, "-g", globals];
    return { port, nginx: await startDaemon("nginx", args, () => accepts(port)) };
  });
  const stop = async () => {
    nginx.kill("SIGTERM");
    await nginx.exited;
    await stopAll(servers);
    rmSync(directory, { recursive: true, force: true });
  };
  return { url: `http://127.0.0.1:${port}`, servers, stop };
}

/** What all of them came to; if one does not start, the others are stopped. */
async function together(starting) {
  const outcomes = await Promise.allSettled(starting);
  const failed = outcomes.find(({ status }) => status === "rejected");
  const parts = outcomes.filter(({ status }) => status === "fulfilled").map(({ value }) => value);
  return failed ? withParts(parts, () => Promise.reject(failed.reason)) : parts;
}

/** What more is started beside these parts; if that fails, they are stopped. */
async function withParts(parts, more) {
  try {
    return await more();
  } catch (error) {
    await stopAll(parts);
    throw error;
  }
}

async function stopAll(parts) {
  await Promise.all(parts.map((part) => part.stop()));
}

function readdressed(form, port, directory, upstreams) {
  const text = readFileSync(join(NGINX, `${form}.conf`), "utf8");
  const servers = upstreams.map((address) => `server ${address};`).join("\n        ");
  const kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  const paths = kinds.map((kind) => `    ${kind}_temp_path ${join(directory, kind)};`).join("\n");
  kinds.forEach((kind) => mkdirSync(join(directory, kind)));
  return text
    .replace(/server 10\.0\.0\.11:7001;\s+server 10\.0\.0\.12:7001;/, servers)
    .replace("listen 80;", `listen 127.0.0.1:${port};`)
    .replace("http {", `http {\n    access_log off;\n${paths}`);
}

function startRedis(port) {
  const quiet = ["--save", "", "--appendonly", "no", "--dir", tmpdir(), "--bind", "127.0.0.1"];
  return startDaemon("redis-server", ["--port", String(port), ...quiet], () => accepts(port));
}

/** Whether somebody listens there. */
export function accepts(port) {
  return new Promise((done) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => done(true)).once("error", () => done(false));
    socket.once("connect", () => socket.destroy());
  });
}

/** Free ports, of those that the system gives to nobody who does not ask for one by number. */
export async function freePorts(count) {
  const ports = new Set();
  while (ports.size < count) {
    const port = 10_000 + Math.floor(Math.random() * 22_000);
    if (await isFree(port)) ports.add(port);
  }
  return [...ports];
}

function isFree(port) {
  return new Promise((done) => {
    const holder = createServer().once("error", () => done(false));
    holder.listen(port, "127.0.0.1", () => holder.close(() => done(true)));
  });
}
