// Windows of site IM: clients of any generation that are logged in and have heard `init`.

import assert from "node:assert/strict";
import { createHmac, randomBytes } from "node:crypto";
import { hasAuth, openSocket } from "./clients.js";

/** Every event that site IM sends, so that nothing arrives unseen. */
const EVENTS = [
  ..."init changeUserPush syncChangeUserPush exchange online deny typingPush presencePush kickPush".split(" "),
  ..."drainPush messagePush recallPush statePush listsPush profilePush versionPush syncPush systemPush".split(" "),
];

/** Every client generation over every Node transport. */
export const EVERY_CLIENT = [1, 2, 3, 4].flatMap((generation) => {
  return ["polling", "websocket", "upgrade"].map((transport) => ({ generation, transport }));
});

/** One client of each generation, the transports mixed. */
export const EVERY_GENERATION = [
  { generation: 1, transport: "polling" },
  { generation: 2, transport: "upgrade" },
  { generation: 3, transport: "polling" },
  { generation: 4, transport: "websocket" },
];

/** A logged-in socket. */
export class Window {
  constructor(peer, init) {
    this.peer = peer;
    this.init = init;
    this.id = init.socketid;
  }

  /** Emits and returns what the acknowledgement says. */
  async ask(name, payload) {
    const [answer] = await this.peer.on("/", "ask", name, payload);
    return answer;
  }

  /** Emits what must be granted; returns the acknowledgement. */
  async asked(name, payload) {
    const answer = await this.ask(name, payload);
    assert.equal(answer.ok, true, `${name}: ${JSON.stringify(answer)}`);
    return answer;
  }

  /** Emits what must be refused with this code and a sentence. */
  async refused(name, payload, code) {
    const { ok, error } = await this.ask(name, payload);
    assert.equal(ok, false, `${name} must be refused`);
    assert.equal(error.code, code, `${name}: ${error.message}`);
    assert.match(error.message, /\w+ \w+/);
    return error;
  }

  /** The next event of this name: its one argument. */
  async next(name) {
    const [payload, ...more] = await this.peer.on("/", "next", name);
    assert.deepEqual(more, [], `${name} has one argument`);
    return payload;
  }

  /** How many events of this name arrived and were not read. */
  waiting(name) {
    return this.peer.on("/", "waiting", name);
  }

  /** A round trip: what was sent to this window before has arrived when it returns. */
  async settle() {
    await this.ask("getPresence", { user_ids: [] });
  }

  /** Why the socket was disconnected. */
  async disconnected() {
    const [reason] = await this.peer.on("/", "next", "disconnect");
    return reason;
  }

  close() {
    return this.peer.close();
  }
}

/** Opens windows of one server, and closes them after the test. */
export class Windows {
  #open = [];

  /** `url` is a function, for the server starts later. */
  constructor(url) {
    this.url = url;
  }

  /**
   * A window of a user in dev mode; `client` is `{generation, transport}`, other options as in `Peer`. With `early` it
   * is handed out before it has upgraded.
   */
  async open(user, client, options = {}) {
    const { generation } = client ?? {};
    return this.enter(client, as(user, generation ?? 4, options));
  }

  /** A window with whatever credentials `options` carry. */
  async enter(client, options) {
    const { peer, outcome } = await this.attempt(client, options);
    assert.ok(outcome.id, `refused: ${JSON.stringify(outcome.refused)}`);
    if (client?.transport === "upgrade" && !options.early) await peer.connectionEvent("upgrade");
    const [init] = await peer.on("/", "next", "init");
    return new Window(peer, init);
  }

  /** Tries to connect; `{peer, outcome}`, where the outcome is `{id}` or `{refused}`. */
  async attempt({ generation = 4, transport = "websocket" } = {}, options = {}) {
    const peer = openSocket(generation, transport, this.url(), { events: EVENTS, ...options });
    this.#open.push(peer);
    return { peer, outcome: await peer.on("/", "outcome") };
  }

  async closeAll() {
    await Promise.all(this.#open.splice(0).map((peer) => peer.close()));
  }
}

/** A JWT (RFC 7519), HS256 unless `header` says otherwise. */
export function token(claims, secret, header = {}) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const signed = `${part({ alg: "HS256", typ: "JWT", ...header })}.${part(claims)}`;
  return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
}

/** A secret that nobody knows. */
export function freshSecret() {
  return randomBytes(48).toString("base64");
}

/** A request to the back ends' door. */
export function backEnd(address, method, path, body, headers = {}) {
  const given = body === undefined ? {} : { body: JSON.stringify(body) };
  const json = { "content-type": "application/json", ...headers };
  return fetch(`${address}/internal/v1${path}`, { method, headers: json, ...given });
}

/** Clients 3.x and 4.x say who they are in `auth`, older ones in the query. */
function as(user, generation, options) {
  if (hasAuth(generation)) return { ...options, auth: { userId: user, ...options.auth } };
  return { ...options, query: { userId: user, ...options.query } };
}
