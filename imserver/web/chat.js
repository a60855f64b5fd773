// What one window knows: whom it talks to, what was said, who is there. Nothing of the page.
//
// Messages go out as `exchange` to all sockets of the other person. Once that is acknowledged, a copy goes to our own user,
// so that our other windows show it too. The id is made here and travels along: whoever gets a message twice shows it once.

import { Connection } from './connection.js';
import { newId } from './ids.js';
import { isUserKey, peersOf } from './people.js';
import { Typing } from './typing.js';

// Older messages of a conversation leave the window, so that a page left open for weeks stays small.
const MESSAGES_KEPT = 500;
// People who write to this window beyond these are not heard: anybody could make up names without end.
const PEERS_KEPT = 100;
// Notices of the site come from here.
const SYSTEM = '0';
const STATUSES = ['online', 'busy', 'away', 'invisible'];

export class Chat {
  // `show(what, detail)` hears what changed: `state`, `peers`, `messages`, `target`, `typing`, `status`, `notice`, `arrived`.
  constructor(self, show) {
    this.self = self;
    this.show = show;
    this.conversations = new Map();
    peersOf(self).forEach((peer) => this.conversation(peer));
    this.target = peersOf(self)[0];
    this.targetToTell = null;
    this.presence = new Map();
    this.status = 'online';
    this.typing = new Typing(
      (peer, on) => this.connection.hint('typing', { to_user_id: peer, on }),
      () => this.show('typing'),
    );
    this.connection = new Connection(self, {
      onState: () => this.stateChanged(),
      onInit: (init) => this.arrived(init),
      onEvent: (name, payload) => this.heard(name, payload || {}),
    });
  }

  start() {
    this.connection.start();
  }

  state() {
    return this.connection.state;
  }

  // What was said with this person, made empty when first asked for.
  conversation(peer) {
    if (!this.conversations.has(peer)) this.conversations.set(peer, { peer, messages: new Map(), unread: 0, draft: '' });
    return this.conversations.get(peer);
  }

  current() {
    return this.conversation(this.target);
  }

  // What this person shows to others; a socket that did not say whose it is has no presence.
  presenceOf(peer) {
    if (!isUserKey(peer)) return 'direct';
    return this.presence.get(peer) || 'unknown';
  }

  // Turns this window, and through the server all windows of this person, to another one.
  turnTo(peer) {
    if (peer === this.target) return;
    const before = this.target;
    this.setTarget(peer);
    this.targetToTell = peer;
    this.tellTarget(before);
  }

  send(text) {
    const message = { id: newId(), from: this.self, to: this.target, text, at: Date.now(), state: 'pending' };
    this.typing.stopped();
    this.add(this.target, message);
    this.deliver(message);
  }

  retry(message) {
    this.deliver(message);
  }

  wrote(text) {
    this.current().draft = text;
    if (isUserKey(this.target)) this.typing.wrote(this.target, text !== '');
  }

  chooseStatus(status) {
    const before = this.status;
    this.setStatus(status);
    if (!this.connection.isOnline()) return;
    this.connection.request('changeStatus', { status }).catch((failure) => {
      if (failure.code === 'offline') return;
      this.setStatus(before);
      this.show('notice', { words: 'status_failed', failure });
    });
  }

  // The rest is what comes in.

  stateChanged() {
    if (!this.connection.isOnline()) {
      this.presence.clear();
      this.typing.forget();
    }
    if (this.connection.isOver()) this.giveUp();
    this.show('state');
    this.show('peers');
  }

  arrived(init) {
    // A new connection starts as "online": whoever had chosen to be invisible must not show up after a lost connection.
    if (this.status !== 'online') this.chooseStatus(this.status);
    if (this.targetToTell) this.tellTarget(this.target);
    else if (init.target) this.follow(init.target);
    this.watch(Array.from(this.conversations.keys()).concat(this.self));
    this.waiting().forEach((message) => this.deliver(message));
  }

  heard(name, payload) {
    if (name === 'exchange') this.received(payload);
    else if (name === 'changeUserPush') this.follow(payload);
    else if (name === 'syncChangeUserPush') this.followed(payload);
    else if (name === 'typingPush') this.typing.heard(payload.from_user_id, payload.on);
    else if (name === 'presencePush') this.saw([payload]);
    else if (name === 'messagePush') this.pushed(payload.from_user_id, payload);
    else if (name === 'systemPush') this.pushed(SYSTEM, payload);
  }

  received(event) {
    const payload = event.data && event.data.action === 'exchange' ? event.data.payload : null;
    const text = payload && typeof payload === 'object' ? payload.text : payload;
    if (typeof text !== 'string' || text === '') return;
    const meta = event.meta || {};
    // Who speaks is the sender's own word: `exchange` carries nothing but the sending socket. Good enough between
    // demo people, and what comes without it can be answered by that socket id.
    const from = typeof payload.from === 'string' ? payload.from : String(meta.client);
    const mine = from === this.self;
    if (mine && typeof payload.to !== 'string') return;
    const peer = mine ? payload.to : from;
    if (!this.conversations.has(peer) && this.conversations.size >= PEERS_KEPT) return;
    const id = typeof payload.id === 'string' ? payload.id : newId();
    const at = typeof meta.timestamp === 'number' ? meta.timestamp : Date.now();
    const isNew = this.add(peer, { id, from, to: mine ? peer : this.self, text, at, state: 'sent' });
    if (!isNew || mine) return;
    this.typing.heard(peer, false);
    if (!this.presence.has(peer)) this.watch([peer]);
    this.show('arrived', { peer, text });
  }

  // What a back end has published: a message in somebody's name, a card, or a notice.
  pushed(from, push) {
    const said = push.message;
    const card = said && typeof said === 'object' ? said : { text: said };
    const text = [card.title, card.text].filter((part) => typeof part === 'string' && part !== '').join('\n');
    if (text === '' || typeof from !== 'string') return;
    if (!this.conversations.has(from) && this.conversations.size >= PEERS_KEPT) return;
    const id = typeof push.id === 'string' ? push.id : newId();
    const link = typeof card.url === 'string' && /^https?:\/\//i.test(card.url) ? card.url : null;
    const at = typeof push.send_time === 'number' ? push.send_time : Date.now();
    if (this.add(from, { id, from, to: this.self, text, link, at, state: 'sent' })) this.show('arrived', { peer: from, text });
  }

  followed(payload) {
    const before = this.target;
    this.follow(payload);
    if (this.target !== before) this.show('notice', { words: 'followed', peer: this.target });
  }

  follow(change) {
    const peer = typeof change === 'string' ? change : change.toid;
    if (typeof peer !== 'string' || peer === '' || peer === this.self) return;
    // Our own later choice is on its way to the server and will come back: an older one must not flicker past.
    if (this.targetToTell && this.targetToTell !== peer) return;
    this.setTarget(peer);
  }

  setTarget(peer) {
    if (peer === this.target) return;
    this.typing.stopped();
    this.target = peer;
    this.current().unread = 0;
    if (!this.presence.has(peer)) this.watch([peer]);
    this.show('peers');
    this.show('target');
  }

  tellTarget(before) {
    const told = this.targetToTell;
    this.connection.request('changeUser', { toid: told }).then(
      () => {
        if (this.targetToTell === told) this.targetToTell = null;
      },
      (failure) => {
        // Off line the choice stands and is told on arrival.
        if (failure.code === 'offline' || this.targetToTell !== told) return;
        this.targetToTell = null;
        this.setTarget(before);
        this.show('notice', { words: 'turn_failed', failure });
      },
    );
  }

  deliver(message) {
    message.failure = null;
    message.state = this.connection.isOver() ? 'failed' : 'pending';
    if (message.state === 'failed') message.failure = { code: 'offline' };
    this.show('messages', message);
    if (!this.connection.isOnline()) return;
    const payload = { id: message.id, from: message.from, to: message.to, text: message.text };
    this.connection.request('exchange', { target: addressOf(message.to), payload }).then(
      () => {
        message.state = 'sent';
        this.show('messages', message);
        const copy = Object.assign({ copy: true }, payload);
        this.connection.request('exchange', { target: addressOf(this.self), payload: copy }).catch(() => {});
      },
      (failure) => {
        // A lost connection leaves the message waiting for the next one; anything else is for the person to decide.
        if (failure.code === 'offline' && !this.connection.isOver()) return;
        message.state = 'failed';
        message.failure = failure;
        this.show('messages', message);
      },
    );
  }

  waiting() {
    const all = [];
    this.conversations.forEach((conversation) => conversation.messages.forEach((message) => all.push(message)));
    return all.filter((message) => message.state === 'pending').sort((a, b) => a.at - b.at);
  }

  giveUp() {
    this.waiting().forEach((message) => {
      message.state = 'failed';
      message.failure = { code: 'offline' };
      this.show('messages', message);
    });
  }

  // Whether the message was new.
  add(peer, message) {
    const conversation = this.conversation(peer);
    if (conversation.messages.has(message.id)) return false;
    conversation.messages.set(message.id, message);
    if (conversation.messages.size > MESSAGES_KEPT) conversation.messages.delete(conversation.messages.keys().next().value);
    if (peer !== this.target && message.from === peer) conversation.unread += 1;
    this.show('peers');
    this.show('messages', message);
    return true;
  }

  watch(keys) {
    const users = keys.filter(isUserKey);
    if (!users.length || !this.connection.isOnline()) return;
    this.connection.request('getPresence', { user_ids: users }).then(
      (reply) => this.saw(reply.users || []),
      // Without it the page says "unknown", which is true.
      () => {},
    );
  }

  saw(users) {
    users.forEach((user) => {
      const isKnown = user.status === 'offline' || STATUSES.indexOf(user.status) >= 0;
      if (user.user_id !== this.self) this.presence.set(user.user_id, isKnown ? user.status : 'unknown');
      // This window is here: if others see this person as away from the line, the choice was to be invisible.
      else this.setStatus(user.status === 'offline' ? 'invisible' : user.status);
    });
    this.show('peers');
  }

  setStatus(status) {
    if (STATUSES.indexOf(status) < 0 || status === this.status) return;
    this.status = status;
    this.show('status');
  }
}

function addressOf(peer) {
  return isUserKey(peer) ? 'user:' + peer : peer;
}
