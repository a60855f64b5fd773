// Clients inside Chromium, cross-origin: binary XHR polling, the upgrade, and for protocol 3 forced base64 and JSONP.

import { after, before, describe } from "node:test";
import { Browser, openInPage } from "./browser.js";
import { Cell } from "./cell.js";
import { ENGINE_ROWS, PAGE_TRANSPORTS, SOCKET_ROWS, speaks } from "./clients.js";
import { engineBehaviours } from "./engine-behaviours.js";
import { socketBehaviours } from "./socket-behaviours.js";

/** The pages' half of the table on a server that `start` starts with these flags. */
export function pages(start, mark = "") {
  let browser;
  let server;
  before(async () => {
    browser = await Browser.start();
    server = await start({ "cors-origin": browser.origin });
  });
  after(async () => {
    await browser.stop();
    await server.stop();
  });
  const opened = { page: (library) => browser.page(library), url: () => server.url, mark };
  cells("socket", SOCKET_ROWS, socketBehaviours, opened);
  cells("engine", ENGINE_ROWS, engineBehaviours, opened);
}

function cells(family, rows, behaviours, opened) {
  for (const [number, name] of Object.entries(rows)) {
    const row = name + opened.mark;
    const generation = Number(number);
    for (const column of Object.keys(PAGE_TRANSPORTS).filter((name) => speaks(family, generation, name))) {
      describe(`${row} over ${column}`, () => {
        let page;
        before(async () => (page = await opened.page(`${family}.io-client-${generation}`)));
        after(() => page.close());
        const open = (url, options) => openInPage(page, family, generation, column, url, options);
        const cell = new Cell({ row, column, generation, url: opened.url, open });
        cell.cleanUp();
        behaviours(cell);
      });
    }
  }
}
