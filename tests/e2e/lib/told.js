// A link of the JavaScript client on the npm client of Socket.IO, with all that it tells in an inbox; and servers that say what
// a test wants said.

import { createServer } from "node:http";
import { createRequire } from "node:module";
import { Link } from "../../../imserver/web/client/link.js";
import { Inbox } from "./inbox.js";

const require = createRequire(import.meta.url);
const { Server } = require("socket.io-4");
export const { io } = require("socket.io-client-4");

/** Opens a link; `inbox` has what it tells, by name. */
export function openLink(where) {
  const inbox = new Inbox();
  const heard = Object.fromEntries(["init", "event", "pulse", "lost", "refused"].map((name) => {
    return [name, (...told) => inbox.put(name, name === "event" ? told : told[0])];
  }));
  return { inbox, link: new Link({ io, ...where }, heard) };
}

/** A Socket.IO server; `arrive` is called with each socket that is let in, and says `init` unless it does otherwise. */
export async function startIo({ arrive = (socket) => socket.emit("init", { user: "8" }), prepare = () => {}, options = {} } = {}) {
  const http = createServer();
  const server = new Server(http, options);
  prepare(server, http);
  server.on("connection", arrive);
  return listening(http, () => server.close());
}

/** An HTTP server that gives every request the same answer. */
export async function startRefusing(status, headers = {}, body = "") {
  const http = createServer((request, response) => response.writeHead(status, headers).end(body));
  return listening(http, () => http.close());
}

async function listening(http, close) {
  await new Promise((done) => http.listen(0, "127.0.0.1", done));
  const stop = async () => {
    const closed = new Promise((done) => http.once("close", done));
    close();
    http.closeAllConnections();
    await closed;
  };
  return { url: `http://127.0.0.1:${http.address().port}`, stop };
}
