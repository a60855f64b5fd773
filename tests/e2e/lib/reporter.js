// A reporter that says what failed and where, and one line a file; the counts come last.

import { basename } from "node:path";

/** A custom reporter of `node --test`. */
export default async function* report(events) {
  const checks = new Map();
  const path = [];
  let failed = 0;
  let file = "";
  for await (const { type, data } of events) {
    if (type === "test:stderr" || type === "test:stdout") yield data.message;
    if (type === "test:start") {
      path[data.nesting] = data.name;
      // A test says where it was registered, which may be a module that many files share; the outermost is in its file.
      if (data.nesting === 0) file = basename(data.file ?? data.name);
    }
    if (type === "test:fail" && !failedInside(data)) {
      failed += 1;
      const title = path.slice(0, data.nesting).concat(data.name).join(" › ");
      yield `FAILED in ${file}: ${title}\n${reason(data.details.error)}\n`;
    }
    if (type === "test:pass" && data.details.type !== "suite" && data.name !== data.file) {
      checks.set(file, (checks.get(file) ?? 0) + 1);
    }
  }
  for (const [file, count] of checks) yield `${file}: ${count} checks hold\n`;
  const passed = [...checks.values()].reduce((sum, count) => sum + count, 0);
  yield `${passed} passed, ${failed} failed\n`;
}

/** Suites and files fail again because of a test inside them, which was reported already. */
function failedInside(data) {
  return data.details.error?.failureType === "subtestsFailed";
}

function reason(error) {
  const cause = error?.cause ?? error;
  const lines = String(cause?.stack ?? cause?.message ?? cause).split("\n");
  return lines.slice(0, 60).map((line) => `    ${line.slice(0, 400)}`).join("\n");
}
