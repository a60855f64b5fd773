// Every client generation over every transport that Node can speak, each through the same list of checks.

import { after, before, describe } from "node:test";
import { Cell } from "../lib/cell.js";
import { ENGINE_ROWS, NODE_TRANSPORTS, SOCKET_ROWS, openEngine, openSocket } from "../lib/clients.js";
import { engineBehaviours } from "../lib/engine-behaviours.js";
import { startEcho } from "../lib/server.js";
import { socketBehaviours } from "../lib/socket-behaviours.js";

let server;
before(async () => (server = await startEcho()));
after(() => server.stop());

cells(SOCKET_ROWS, openSocket, socketBehaviours);
cells(ENGINE_ROWS, openEngine, engineBehaviours);

function cells(rows, open, behaviours) {
  for (const [number, row] of Object.entries(rows)) {
    for (const column of Object.keys(NODE_TRANSPORTS)) {
      const generation = Number(number);
      const opened = (url, options) => open(generation, column, url, options);
      describe(`${row} over ${column}`, () => {
        const cell = new Cell({ row, column, generation, url: () => server.url, open: opened });
        cell.cleanUp();
        behaviours(cell);
      });
    }
  }
}
