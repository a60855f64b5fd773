// Runs in a page beside a client library: opens clients and calls their methods for the test outside.

import { EnginePeer } from "./engine-peer.js";
import { Peer } from "./peer.js";
import { tagged, untagged } from "./tagged.js";

const peers = [];

/** Opens a client, returns its number. */
window.dial = (family, url, options) => {
  const engine = () => new EnginePeer(window.eio, url, toBuffer, options);
  const socket = () => new Peer(window.io, url, toBuffer, options);
  return peers.push(family === "engine" ? engine() : socket()) - 1;
};

/** Calls a method of a client. */
window.call = async (index, method, args) => tagged(await peers[index][method](...untagged(args)));

function toBuffer(bytes) {
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
}
