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
  const servers = await Promise.all([
    echo("one", `127.0.0.1:${one}`, `other=127.0.0.1:${other}`),
    echo("other", `127.0.0.1:${other}`, `one=127.0.0.1:${one}`),
  ]);
  return behindNginx("round-robin", servers);
}

/** Site IM: two processes over four Redis nodes, behind nginx in one of its forms. */
export async function startSite(form, settings = {}) {
  const ports = await freePorts(4);
  const redis = await Promise.all(ports.map(startRedis));
  const directory = mkdtempSync(join(tmpdir(), "im-e2e-"));
  const list = join(directory, "nodes.json");
  writeFileSync(list, JSON.stringify(ports.map((port) => ({ host: "127.0.0.1", port }))));
  const start = (id) => startImserver({ settings, id, args: ["--redis", list] });
  const servers = await Promise.all(["im1", "im2"].map(start));
  const site = await behindNginx(form, servers);
  const stop = async () => {
    await site.stop();
    await Promise.all(redis.map((one) => one.stop()));
    rmSync(directory, { recursive: true, force: true });
  };
  return { ...site, stop };
}

async function behindNginx(form, servers) {
  const [port] = await freePorts(1);
  const directory = mkdtempSync(join(tmpdir(), "im-e2e-"));
  const file = join(directory, "nginx.conf");
  writeFileSync(file, readdressed(form, port, directory, servers.map((server) => new URL(server.url).host)));
  const globals = `daemon off; user root; pid ${join(directory, "pid")};`;
  const args = ["-e", join(directory, "error.log"), "-p", directory, "-c", file, "-g", globals];
  const nginx = await startDaemon("nginx", args, () => accepts(port));
  const stop = async () => {
    nginx.kill("SIGTERM");
    await nginx.exited;
    await Promise.all(servers.map((server) => server.stop()));
    rmSync(directory, { recursive: true, force: true });
  };
  return { url: `http://127.0.0.1:${port}`, servers, stop };
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

function accepts(port) {
  return new Promise((done) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => done(true)).once("error", () => done(false));
    socket.once("connect", () => socket.destroy());
  });
}

/** Ports that were free just now; all held at once, so that none is named twice. */
async function freePorts(count) {
  const holders = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(holders.map((holder) => new Promise((done) => holder.once("listening", done))));
  const ports = holders.map((holder) => holder.address().port);
  await Promise.all(holders.map((holder) => new Promise((done) => holder.close(done))));
  return ports;
}
