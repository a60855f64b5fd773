// All generations in one room at once: what any of them says, every other one hears, whichever transport each uses.

import assert from "node:assert/strict";
import { after, before, describe } from "node:test";
import { Browser, openInPage } from "../lib/browser.js";
import { Cell } from "../lib/cell.js";
import { NODE_TRANSPORTS, PAGE_TRANSPORTS, SOCKET_ROWS, openSocket, speaks } from "../lib/clients.js";
import { connect } from "../lib/socket-behaviours.js";
import { startEcho } from "../lib/server.js";

const BYTES = Uint8Array.from([0, 128, 255]);
const cells = [];
let browser;
let server;
const pages = new Map();
const crowd = new Map();

for (const [number, row] of Object.entries(SOCKET_ROWS)) {
  const generation = Number(number);
  for (const column of Object.keys(NODE_TRANSPORTS)) addCell(generation, row, column, openSocket);
  for (const column of Object.keys(PAGE_TRANSPORTS).filter((name) => speaks("socket", generation, name))) {
    addCell(generation, row, column, (...args) => openInPage(pages.get(generation), "socket", ...args));
  }
}

before(async () => {
  browser = await Browser.start();
  server = await startEcho({ "cors-origin": browser.origin });
  for (const number of Object.keys(SOCKET_ROWS)) {
    pages.set(Number(number), await browser.page(`socket.io-client-${number}`));
  }
  for (const cell of cells) crowd.set(cell, await connect(cell));
});
after(async () => {
  await browser.stop();
  await Promise.all([...crowd.keys()].filter(inNode).map((cell) => crowd.get(cell).close()));
  await server.stop();
});

describe("a crowd of every generation and transport", () => {
  // A client 1.x on polling cannot read what others write in Chinese from the oracle; the plainest text of all is used.
  const text = cells.map((cell) => cell.text).sort((a, b) => a.length - b.length)[0];
  for (const cell of cells) {
    cell.check(`all hear ${cell.row} over ${cell.column}, once`, async () => {
      const said = [cell.row, cell.column, text, { bytes: BYTES }];
      await crowd.get(cell).on("/", "emit", "broadcast", ...said);
      for (const listener of crowd.values()) assert.deepEqual(await listener.on("/", "next", "broadcast"), said);
      await Promise.all([...crowd.values()].map((listener) => listener.on("/", "ask", "message-with-ack")));
      for (const listener of crowd.values()) assert.equal(await listener.on("/", "waiting", "broadcast"), 0);
    });
  }
});

function addCell(generation, row, column, open) {
  const opened = (url, options) => open(generation, column, url, options);
  cells.push(new Cell({ row, column, generation, url: () => server.url, open: opened }));
}

function inNode(cell) {
  return cell.column in NODE_TRANSPORTS;
}
