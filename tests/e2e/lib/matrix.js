// Every client generation over every transport that Node can speak, each through the same list of checks.

import { after, before, describe } from "node:test";
import { Cell } from "./cell.js";
import { ENGINE_ROWS, NODE_TRANSPORTS, SOCKET_ROWS, openEngine, openSocket } from "./clients.js";
import { engineBehaviours } from "./engine-behaviours.js";
import { socketBehaviours } from "./socket-behaviours.js";

/** The table's cells on a server that `start` starts. */
export function matrix(start, mark = "") {
  let server;
  before(async () => (server = await start()));
  after(() => server.stop());
  const url = () => server.url;
  cells(SOCKET_ROWS, openSocket, socketBehaviours, url, mark);
  cells(ENGINE_ROWS, openEngine, engineBehaviours, url, mark);
}

function cells(rows, open, behaviours, url, mark) {
  for (const [number, name] of Object.entries(rows)) {
    const row = name + mark;
    for (const column of Object.keys(NODE_TRANSPORTS)) {
      const generation = Number(number);
      const opened = (url, options) => open(generation, column, url, options);
      describe(`${row} over ${column}`, () => {
        const cell = new Cell({ row, column, generation, url, open: opened });
        cell.cleanUp();
        behaviours(cell);
      });
    }
  }
}
