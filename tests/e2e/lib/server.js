// The servers under test as processes: started on a free port, their output in files, killed by id at the end.
//
// `IM_BIN_DIR` says where the binaries are (by default the workspace's `target/debug`); `IM_REFERENCE=1` puts the
// Node oracle in the place of `protocol_echo`; `IM_URL` names an echo server that already runs somewhere.

import { spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

export const REFERENCE = process.env.IM_REFERENCE === "1";

const HERE = resolve(import.meta.dirname, "..");
const BINARIES = resolve(process.env.IM_BIN_DIR ?? join(HERE, "../../target/debug"));
const START_LIMIT_MS = 15_000;
const running = new Set();
process.on("exit", () => running.forEach((server) => server.kill("SIGKILL")));

/** The echo server with the given flags, such as `{"ping-interval": 300}`. */
export async function startEcho(flags = {}) {
  if (process.env.IM_URL) return new Running(process.env.IM_URL);
  const options = Object.entries(flags).flatMap(([name, value]) => {
    return value === true ? [`--${name}`] : [`--${name}`, String(value)];
  });
  const args = ["--listen", "127.0.0.1:0", ...options];
  if (REFERENCE) return start(process.execPath, [join(HERE, "reference/echo4.js"), ...args]);
  return start(join(BINARIES, "examples/protocol_echo"), args);
}

/** Site IM. `settings` are keys of its config as environment, `config` a TOML text for `--config`. */
export async function startImserver({ listen = "127.0.0.1:0", settings = {}, config, id = "im1", args: more = [] } = {}) {
  const directory = mkdtempSync(join(tmpdir(), "im-e2e-"));
  const file = config === undefined ? [] : ["--config", writeConfig(directory, config)];
  const any = "127.0.0.1:0";
  const args = ["--listen", listen, "--admin-listen", any, "--internal-listen", any, "--process-id", id];
  const data = ["--data-dir", join(directory, "data")];
  return start(join(BINARIES, "imserver"), [...args, ...data, ...file, ...more], { settings, directory });
}

/** The example of an application on the connection layer. */
export async function startEmbedded() {
  return start(join(BINARIES, "examples/embedded"), ["127.0.0.1:0"]);
}

/** Everything in one process, as `cargo run` starts it but on free ports; `data` is a folder that outlives it. */
export async function startStandalone({ listen = "127.0.0.1:0", settings = {}, data } = {}) {
  const any = "127.0.0.1:0";
  const directory = mkdtempSync(join(tmpdir(), "im-e2e-"));
  const args = ["--listen", listen, "--admin-listen", any, "--internal-listen", any];
  const kept = ["--data-dir", data ?? join(directory, "data")];
  return start(join(BINARIES, "standalone"), [...args, ...kept], { settings, directory });
}

/** A process that serves, or an address that somebody else serves. */
class Running {
  constructor(url, process_) {
    this.url = url;
    this.process = process_;
  }

  /** The address that the process printed under `name`, such as `internal`. */
  address(name) {
    return this.process.addresses()[name];
  }

  /** What the process has printed so far, its log included. */
  output() {
    return this.process.log();
  }

  /** Sends a signal, such as `SIGSTOP`. */
  signal(signal) {
    this.process?.kill(signal);
  }

  /** The exit code, once the process has ended. */
  async exitCode() {
    await this.process.exited;
    return this.process.child.exitCode;
  }

  async stop() {
    await this.process?.stop();
  }
}

async function start(binary, args, { settings = {}, directory } = {}) {
  const child = new Process(binary, args, settings, directory ?? mkdtempSync(join(tmpdir(), "im-e2e-")));
  // A server names its other listeners behind the first.
  const last = args.includes("--admin-listen") ? "admin" : "listening";
  await child.serves(() => child.addresses()[last]);
  return new Running(child.addresses().listening, child);
}

/** A program that says nothing of itself: `ready` finds out when it serves. */
export async function startDaemon(name, args, ready) {
  const child = new Process(name, args, {}, mkdtempSync(join(tmpdir(), "im-e2e-")));
  await child.serves(ready);
  return child;
}

class Process {
  constructor(binary, args, settings, directory) {
    this.directory = directory;
    this.name = binary.split("/").pop();
    const out = openSync(join(directory, "stdout"), "w");
    const err = openSync(join(directory, "stderr"), "w");
    this.child = spawn(binary, args, { stdio: ["ignore", out, err], env: { ...process.env, ...settings } });
    closeSync(out);
    closeSync(err);
    this.exited = new Promise((done) => {
      this.child.once("exit", done);
      this.child.once("error", (error) => done((this.failure = error.message)));
    });
    this.exited.then(() => running.delete(this));
    running.add(this);
  }

  /** Returns once `ready` says so. What does not come to serve is ended: it would keep this process from ending. */
  async serves(ready) {
    const end = Date.now() + START_LIMIT_MS;
    while (!(await ready())) {
      if (this.failure || this.child.exitCode !== null || Date.now() > end) {
        const why = `${this.name} did not start: ${this.failure ?? ""}\n${this.log()}`;
        await this.stop();
        throw new Error(why);
      }
      await new Promise((wait) => setTimeout(wait, 20));
    }
  }

  /** The lines `name http://ADDR` of its standard output. */
  addresses() {
    const lines = readFileSync(join(this.directory, "stdout"), "utf8").matchAll(/^(\w+) (http:\/\/\S+)\n/gm);
    return Object.fromEntries([...lines].map(([, name, address]) => [name, address]));
  }

  log() {
    return readFileSync(join(this.directory, "stdout"), "utf8") + readFileSync(join(this.directory, "stderr"), "utf8");
  }

  kill(signal) {
    if (this.child.pid) this.child.kill(signal);
  }

  async stop() {
    this.kill("SIGKILL");
    await this.exited;
    if (!process.env.IM_KEEP_LOGS) rmSync(this.directory, { recursive: true, force: true });
  }
}

function writeConfig(directory, text) {
  const file = join(directory, "imserver.toml");
  writeFileSync(file, text);
  return file;
}
