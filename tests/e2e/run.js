// `npm test`: runs the suite, then prints which client passed how many checks over which transport. Fails if a check
// fails or a cell of the table is empty.
//
//   npm test                          everything, on the binaries in IM_BIN_DIR
//   npm test -- matrix socketio       only the files whose names begin so; the table may then have empty cells
//   npm run suite -- --url http://…   Node's half of the table on an echo server that runs already
//   IM_REFERENCE=1 npm test           the protocol checks on the oracle built from the Node reference servers

import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { REFERENCE } from "./lib/server.js";
import { table } from "./lib/tally.js";

const HERE = import.meta.dirname;
/** Far longer than any file takes: one that hangs must not hold up the run for ever. */
const LIMIT_MS = 900_000;
const { values: options, positionals: wanted } = parseArgs({
  allowPositionals: true,
  options: { url: { type: "string" } },
});
const scratch = mkdtempSync(join(tmpdir(), "im-e2e-tally-"));
const tally = join(scratch, "tally");
writeFileSync(tally, "");

const status = await run(files(), { IM_TALLY: tally, ...(options.url && { IM_URL: options.url }) });
const { text, empty } = table(tally);
console.log(`\nchecks passed, client × transport\n${text}`);
const complete = wanted.length === 0 && options.url === undefined;
if (complete && empty.length > 0) console.log(`\nnothing passed for: ${empty.join(", ")}`);
rmSync(scratch, { recursive: true });
process.exit(status !== 0 || (complete && empty.length > 0) ? 1 : 0);

/** Test files by name. Those that set the server up in a way of their own cannot use one that runs already. */
function files() {
  const begins = (name, starts) => starts.some((start) => name.startsWith(start));
  const all = readdirSync(join(HERE, "suite")).filter((name) => name.endsWith(".test.js"));
  if (options.url) return all.filter((name) => begins(name, ["matrix"]));
  const fit = REFERENCE ? all.filter((name) => !begins(name, ["cluster-", "imserver-"])) : all;
  return wanted.length === 0 ? fit : fit.filter((name) => begins(name, wanted));
}

/** Runs the files two at a time, each in a process of its own; returns the exit code. */
function run(names, settings) {
  const args = ["--test", "--test-concurrency=2", `--test-timeout=${LIMIT_MS}`, "--test-reporter=./lib/reporter.js"];
  const child = spawn(process.execPath, [...args, ...names.map((name) => join("suite", name))], {
    cwd: HERE,
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, ...settings },
  });
  return new Promise((done) => child.on("exit", (code) => done(code ?? 1)));
}
