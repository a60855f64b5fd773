// A real MariaDB with an empty database.

import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { accepts, freePorts } from "./cluster.js";
import { startDaemon } from "./server.js";

const run = promisify(execFile);

/** Starts one; its `url` is what `store.url` takes. */
export async function startMariadb() {
  const directory = mkdtempSync(join(tmpdir(), "im-e2e-"));
  const data = join(directory, "data");
  const socket = join(directory, "socket");
  const install = ["--no-defaults", "--user=root", "--auth-root-authentication-method=normal", "--skip-test-db"];
  await run("mariadb-install-db", [...install, `--datadir=${data}`]);
  const [port] = await freePorts(1);
  const files = [`--datadir=${data}`, `--socket=${socket}`, `--pid-file=${join(directory, "pid")}`];
  const network = [`--port=${port}`, "--bind-address=127.0.0.1", "--skip-name-resolve", "--skip-log-bin"];
  const args = ["--no-defaults", "--user=root", ...files, ...network];
  const server = await startDaemon("mariadbd", args, () => accepts(port));
  await run("mariadb", ["--no-defaults", "-u", "root", "-S", socket, "-e", "CREATE DATABASE im"]);
  const stop = async () => {
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  };
  return { url: `mysql://root@127.0.0.1:${port}/im`, stop };
}
