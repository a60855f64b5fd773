// The official clients in Node: which there are, over which transports, and how each is opened.

import { createRequire } from "node:module";
import { EnginePeer } from "./engine-peer.js";
import { Peer } from "./peer.js";

const require = createRequire(import.meta.url);

/** Socket.IO client generations, by the row of the table they fill. */
export const SOCKET_ROWS = Object.fromEntries([1, 2, 3, 4].map((n) => [n, row("socket.io-client", n)]));

/** Engine.IO client generations. */
export const ENGINE_ROWS = Object.fromEntries([3, 6].map((n) => [n, row("engine.io-client", n)]));

/** What is added to a row's name for the same on two processes. */
export const ON_TWO = " ×2";

/** Columns of the table that Node can fill, with the options that make each. */
export const NODE_TRANSPORTS = {
  polling: { transports: ["polling"] },
  websocket: { transports: ["websocket"] },
  upgrade: { transports: ["polling", "websocket"] },
};

/** Columns that need a browser; JSONP and forced base64 exist for protocol 3 only. */
export const PAGE_TRANSPORTS = {
  "page xhr": { transports: ["polling"] },
  "page upgrade": { transports: ["polling", "websocket"] },
  "page b64": { transports: ["polling"], forceBase64: true },
  "page jsonp": { transports: ["polling"], forceJSONP: true },
};

/** Whether this generation of either family can use this column. */
export function speaks(family, generation, transport) {
  const protocol3 = family === "engine" ? generation === 3 : generation < 3;
  return protocol3 || (transport !== "page jsonp" && transport !== "page b64");
}

/** Clients 1.x and 2.x have no auth payload, only queries. */
export const hasAuth = (generation) => generation >= 3;

/** Opens a Socket.IO client. `options` as in `Peer`; `transport` is a column of `NODE_TRANSPORTS`. */
export function openSocket(generation, transport, url, options = {}) {
  const io = require(`socket.io-client-${generation}`);
  const given = { generation, events: [], ...options, io: { ...NODE_TRANSPORTS[transport], ...options.io } };
  return new Peer(io, url, toBuffer, given);
}

/** Opens an Engine.IO client. */
export function openEngine(generation, transport, url, options = {}) {
  const library = require(`engine.io-client-${generation}`);
  const connect = generation === 3 ? library : (address, given) => new library.Socket(address, given);
  return new EnginePeer(connect, url, toBuffer, { generation, ...options, io: NODE_TRANSPORTS[transport] });
}

function row(name, generation) {
  const { version } = require(`${name}-${generation}/package.json`);
  return `${name} ${version}`;
}

function toBuffer(bytes) {
  return Buffer.from(bytes);
}
