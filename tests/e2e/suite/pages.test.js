// Clients inside Chromium, cross-origin: binary XHR polling, the upgrade, and for protocol 3 forced base64 and JSONP.

import { after, before, describe } from "node:test";
import { Browser, openInPage } from "../lib/browser.js";
import { Cell } from "../lib/cell.js";
import { ENGINE_ROWS, PAGE_TRANSPORTS, SOCKET_ROWS, speaks } from "../lib/clients.js";
import { engineBehaviours } from "../lib/engine-behaviours.js";
import { startEcho } from "../lib/server.js";
import { socketBehaviours } from "../lib/socket-behaviours.js";

let browser;
let server;
before(async () => {
  browser = await Browser.start();
  server = await startEcho({ "cors-origin": browser.origin });
});
after(async () => {
  await browser.stop();
  await server.stop();
});

cells("socket", SOCKET_ROWS, socketBehaviours);
cells("engine", ENGINE_ROWS, engineBehaviours);

function cells(family, rows, behaviours) {
  for (const [number, row] of Object.entries(rows)) {
    const generation = Number(number);
    for (const column of Object.keys(PAGE_TRANSPORTS).filter((name) => speaks(family, generation, name))) {
      describe(`${row} over ${column}`, () => {
        let page;
        before(async () => (page = await browser.page(`${family}.io-client-${generation}`)));
        after(() => page.close());
        const open = (url, options) => openInPage(page, family, generation, column, url, options);
        const cell = new Cell({ row, column, generation, url: () => server.url, open });
        cell.cleanUp();
        behaviours(cell);
      });
    }
  }
}
