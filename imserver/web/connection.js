// The Socket.IO connection of one window: how it comes up, why it goes down, and when it tries again.
//
// `state.name` is one of
//   connecting     first attempt
//   online         the server has sent `init`
//   reconnecting   lost; tries again by itself with growing, jittered waits
//   refused        the server does not want us; only a person can try again
//   ended          kicked, or closed with a final code; only a person can try again

import { io } from './vendor/socket.io.esm.min.js';
import { newId } from './ids.js';

const ACK_WAIT_MS = 6000;
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 30000;
// A connection that lasted this long proves that the server takes us: waits start small again.
const STEADY_MS = 20000;
// Close codes from here on tell a client not to come back by itself.
const FINAL_CLOSE_CODE = 4500;

const REASON_OF_CLOSE_CODE = {
  1002: 'protocol',
  1007: 'protocol',
  1009: 'too_large',
  4000: 'silent',
  4001: 'drain',
  4002: 'slow',
  4003: 'replaced',
  4005: 'rate_limited',
  4501: 'forbidden',
};

export class Connection {
  // `hear` has the methods `onState(state)`, `onInit(init)` and `onEvent(name, payload)`.
  constructor(user, hear) {
    this.hear = hear;
    this.state = { name: 'connecting' };
    this.rounds = 0;
    this.onlineSince = 0;
    this.timer = null;
    this.draining = null;
    this.socket = io({
      autoConnect: false,
      // Two windows on one page are two connections, as two browsers would be.
      forceNew: true,
      reconnectionDelay: FIRST_WAIT_MS,
      reconnectionDelayMax: LONGEST_WAIT_MS,
      randomizationFactor: 0.5,
      // A device is one window, and a page load makes a new one: a copied tab must not replace the tab it came from.
      auth: { userId: user, deviceId: 'web-' + newId(), platform: 'pc' },
    });
    this.listen();
    window.addEventListener('online', () => {
      if (this.state.name === 'reconnecting') this.now();
    });
    // The library closes only every other of a page's connections when the network goes: the rest would wait for a heartbeat.
    window.addEventListener('offline', () => setTimeout(() => {
      if (navigator.onLine === false && this.isOnline()) this.socket.io.engine.close();
    }));
  }

  isOnline() {
    return this.state.name === 'online';
  }

  // Whether only a person brings this connection back.
  isOver() {
    return this.state.name === 'refused' || this.state.name === 'ended';
  }

  start() {
    this.socket.connect();
  }

  // Connects at once, whatever wait or end there was.
  now() {
    clearTimeout(this.timer);
    const failure = this.state.failure;
    const over = this.isOver();
    // Disconnecting ends the wait of the library, which would otherwise ignore the call to connect.
    this.socket.disconnect();
    if (over || !failure) this.change({ name: 'connecting' });
    else this.change({ name: 'reconnecting', failure, attempt: this.state.attempt });
    this.socket.connect();
  }

  // Sends an event and resolves with its acknowledgement; rejects with `{code, message?}`.
  request(name, payload) {
    if (!this.isOnline()) return Promise.reject({ code: 'offline' });
    return new Promise((resolve, reject) => {
      this.socket.timeout(ACK_WAIT_MS).emit(name, payload, (error, reply) => {
        if (error) reject({ code: this.isOnline() ? 'timeout' : 'offline' });
        else if (reply && reply.ok) resolve(reply);
        else reject((reply && reply.error) || { code: 'internal' });
      });
    });
  }

  // Sends what may be lost: nobody waits for it, and it is dropped while there is no connection.
  hint(name, payload) {
    if (this.isOnline()) this.socket.volatile.emit(name, payload);
  }

  listen() {
    const socket = this.socket;
    socket.on('init', (init) => {
      this.onlineSince = Date.now();
      this.draining = null;
      this.change({ name: 'online' });
      this.hear.onInit(init || {});
    });
    socket.on('kickPush', (push) => this.end('ended', { code: 'kicked', message: (push && push.reason) || '' }));
    socket.on('drainPush', (push) => this.drain(push || {}));
    socket.on('disconnect', (reason, details) => this.lost(reason, details));
    socket.on('connect_error', (error) => this.failed(error));
    socket.io.on('reconnect_attempt', (attempt) => this.trying(attempt));
    socket.onAny((name, payload) => {
      if (name !== 'init' && name !== 'kickPush') this.hear.onEvent(name, payload);
    });
  }

  change(state) {
    this.state = state;
    this.hear.onState(state);
  }

  end(name, failure) {
    clearTimeout(this.timer);
    this.change({ name, failure });
    this.socket.disconnect();
  }

  // The server will close this connection soon; until then it works as before.
  drain(push) {
    const wait = Number(push.retry_after_ms);
    this.draining = wait > 0 ? Math.min(wait, 10 * LONGEST_WAIT_MS) : FIRST_WAIT_MS;
    if (this.isOnline()) this.change({ name: 'online', draining: true });
  }

  lost(reason, details) {
    if (reason === 'io client disconnect') return;
    const closed = details && details.context && details.context.code;
    if (closed >= FINAL_CLOSE_CODE) {
      this.end('ended', { code: REASON_OF_CLOSE_CODE[closed] || 'kicked' });
      return;
    }
    const failure = { code: this.draining === null ? reasonOf(reason, closed) : 'drain' };
    this.change({ name: 'reconnecting', failure, attempt: 0 });
    // When the server says goodbye in so many words, the library leaves coming back to us; and when the server names
    // a time, the library would not know of it.
    if (this.draining !== null || !this.socket.active) this.comeBack(this.draining || 0);
  }

  failed(error) {
    const refusal = refusalOf(error);
    if (refusal && isFinal(refusal)) {
      this.end('refused', refusal);
      return;
    }
    const failure = refusal || this.state.failure || { code: navigator.onLine === false ? 'network' : 'server_gone' };
    this.change({ name: 'reconnecting', failure, attempt: this.state.attempt || 0 });
    if (!this.socket.active) this.comeBack((refusal && refusal.retry_after_ms) || 0);
  }

  trying(attempt) {
    if (this.state.name === 'reconnecting') this.change(Object.assign({}, this.state, { attempt }));
  }

  // Connects after a wait of our own instead of the library's.
  comeBack(atLeast) {
    if (this.onlineSince && Date.now() - this.onlineSince > STEADY_MS) this.rounds = 0;
    this.onlineSince = 0;
    const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * Math.pow(2, this.rounds)) * (0.5 + Math.random());
    this.rounds += 1;
    clearTimeout(this.timer);
    this.socket.disconnect();
    this.timer = setTimeout(() => {
      this.trying(this.rounds);
      this.socket.connect();
    }, atLeast + wait);
  }
}

function reasonOf(reason, closeCode) {
  if (REASON_OF_CLOSE_CODE[closeCode]) return REASON_OF_CLOSE_CODE[closeCode];
  if (navigator.onLine === false) return 'network';
  if (reason === 'ping timeout') return 'silent';
  return reason === 'io server disconnect' ? 'closed' : 'server_gone';
}

// What the server said when it refused: in a Socket.IO packet (`message` and `data`), or in the HTTP answer to the
// handshake (a JSON body); nothing if it was not the server that spoke.
function refusalOf(error) {
  if (error.type !== 'TransportError') {
    if (error.data === undefined && error.message === 'timeout') return null;
    const data = error.data || {};
    const message = data.message || error.message;
    return { code: data.code || 'refused_connection', message, retry_after_ms: data.retry_after_ms };
  }
  const status = error.description;
  if (typeof status !== 'number' || status < 400) return null;
  const code = { 401: 'unauthorized', 403: 'forbidden', 429: 'rate_limited', 503: 'unavailable' }[status];
  if (!code) return null;
  return { code, message: sentenceOf(error.context) };
}

function sentenceOf(request) {
  try {
    return JSON.parse(request.responseText).message || '';
  } catch (notJson) {
    return '';
  }
}

function isFinal(refusal) {
  return ['rate_limited', 'unavailable', 'internal'].indexOf(refusal.code) < 0;
}
