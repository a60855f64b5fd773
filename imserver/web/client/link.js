// One Socket.IO connection, from the first byte to its end. Knows the library and nothing of what is said over it; a link
// that has ended is thrown away, and whether there is another is decided elsewhere.

import { io } from "../vendor/socket.io.esm.min.js";

/**
 * @typedef {object} Heard What a link tells; after `lost` or `refused` it tells nothing more.
 * @property {(init: object) => void} init the first event of the server
 * @property {(event: string, payload: any) => void} event any later one
 * @property {() => void} pulse anything at all has come
 * @property {(why: object) => void} lost it has ended, or never came to be
 * @property {(refusal: {code: string, message: string}) => void} refused the server does not believe who this is
 *
 * @typedef {object} Where
 * @property {string} [url] the server, this page's own unless told
 * @property {string} [path] where Socket.IO is served there
 * @property {object} [auth] credentials, as the protocol has them
 * @property {string[]} [transports] `polling` and `websocket`
 * @property {Function} [io] Socket.IO's client where there is no page: in Node, `io` of the package `socket.io-client`
 */

/** Close codes below 4000 that say something: a frame was wrong, its text was, or it was too large. */
const BY_CODE = [1002, 1007, 1009];
/** Refusals that another attempt does not change. */
const FINAL = ["unauthorized", "forbidden", "bad_request"];

export class Link {
  /** @param {Where} where @param {Heard} heard */
  constructor(where, heard) {
    this.heard = heard;
    this.isOver = false;
    this.isOpen = false;
    const options = {
      path: where.path || "/socket.io/",
      auth: where.auth || {},
      transports: where.transports || ["polling", "websocket"],
      reconnection: false,
      forceNew: true,
      // The session has a limit of its own.
      timeout: false,
    };
    const connect = where.io || io;
    this.socket = where.url ? connect(where.url, options) : connect(options);
    this.listen();
  }

  /** Emits with an acknowledgement; `answered` gets its argument. */
  request(event, payload, answered) {
    this.socket.emit(event, payload, answered);
  }

  /** Emits what may get lost. */
  hint(event, payload) {
    this.socket.volatile.emit(event, payload);
  }

  /** Ends it; nothing is told of it any more. */
  close() {
    this.isOver = true;
    this.socket.disconnect();
  }

  listen() {
    const socket = this.socket;
    socket.on("init", (init) => {
      this.isOpen = true;
      if (!this.isOver) this.heard.init(init || {});
    });
    socket.onAny((event, payload) => {
      if (event !== "init" && !this.isOver) this.heard.event(event, payload === undefined ? null : payload);
    });
    socket.on("connect_error", (error) => this.failed(error));
    socket.on("disconnect", (reason, details) => this.ended(reason, details));
    socket.io.on("open", () => {
      if (!this.isOver) socket.io.engine.on("packet", () => this.isOver || this.heard.pulse());
    });
  }

  ended(reason, details) {
    const code = details && details.context && details.context.code;
    if (code >= 4000 || BY_CODE.indexOf(code) >= 0) this.over({ why: "closed", code });
    else if (reason === "io server disconnect") this.over({ why: "put_out" });
    else this.over({ why: "broken" });
  }

  failed(error) {
    const refusal = refusalOf(error);
    if (!refusal) return this.over({ why: "broken" });
    if (FINAL.indexOf(refusal.code) < 0) return this.over({ why: "busy", retry_after_ms: refusal.retry_after_ms });
    if (this.isOver) return;
    this.close();
    this.heard.refused(refusal);
  }

  over(why) {
    if (this.isOver) return;
    this.close();
    this.heard.lost(why);
  }
}

/** What the server said when it refused: in a packet, or in the HTTP answer to the handshake. Nothing if nobody spoke. */
function refusalOf(error) {
  if (error.type !== "TransportError") {
    const data = error.data || {};
    if (!data.code) return null;
    const told = Number(data.retry_after_ms);
    return { code: data.code, message: data.message || error.message, retry_after_ms: told > 0 ? told : undefined };
  }
  const status = error.description;
  const request = error.context;
  if (status === 429 || status === 503) {
    const told = request && request.getResponseHeader && Number(request.getResponseHeader("Retry-After"));
    return { code: "unavailable", message: "", retry_after_ms: told > 0 ? told * 1000 : undefined };
  }
  if (status !== 403) return null;
  let message = "";
  try {
    message = JSON.parse(request.responseText).message || "";
  } catch (notJson) {
    message = "";
  }
  return { code: "forbidden", message };
}
