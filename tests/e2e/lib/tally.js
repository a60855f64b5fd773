// Which client passed how many checks over which transport. The files of the suite run as processes of their own and
// append what passed to one file; the runner reads it back as a table.

import { appendFileSync, readFileSync } from "node:fs";
import { it } from "node:test";
import { REFERENCE } from "./server.js";
import { ENGINE_ROWS, NODE_TRANSPORTS, ON_TWO, PAGE_TRANSPORTS, SOCKET_ROWS, speaks } from "./clients.js";

/** A test that counts in the cell of a client's row and a transport's column once it has passed. */
export function check(row, column, name, run) {
  it(name, async (context) => {
    await run(context);
    count(row, column);
  });
}

/** Counts one passed check for a cell. */
export function count(row, column) {
  if (process.env.IM_TALLY) appendFileSync(process.env.IM_TALLY, `${JSON.stringify([row, column])}\n`);
}

/** The table as text, and the cells that should have counted something and did not. */
export function table(file) {
  const passed = new Map();
  for (const line of readFileSync(file, "utf8").split("\n").filter(Boolean)) {
    passed.set(line, (passed.get(line) ?? 0) + 1);
  }
  const columns = [...Object.keys(NODE_TRANSPORTS), ...Object.keys(PAGE_TRANSPORTS)];
  const empty = [];
  const lines = rows().map(({ family, generation, name }) => {
    const cells = columns.map((column) => {
      if (!speaks(family, generation, column)) return "-";
      const number = passed.get(JSON.stringify([name, column])) ?? 0;
      if (number === 0) empty.push(`${name} over ${column}`);
      return String(number);
    });
    return [name, ...cells];
  });
  return { text: aligned([["client \\ transport", ...columns], ...lines]), empty };
}

function rows() {
  const of = (family, names) => Object.entries(names).map(([n, name]) => ({ family, generation: Number(n), name }));
  const one = [...of("socket", SOCKET_ROWS), ...of("engine", ENGINE_ROWS)];
  // The oracle is one process.
  return REFERENCE ? one : [...one, ...one.map((row) => ({ ...row, name: row.name + ON_TWO }))];
}

function aligned(lines) {
  const widths = lines[0].map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  const padded = (text, column) => (column === 0 ? text.padEnd(widths[column]) : text.padStart(widths[column]));
  return lines.map((line) => line.map(padded).join("  ")).join("\n");
}
