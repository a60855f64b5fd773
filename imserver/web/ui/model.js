// All that a page shows, kept from what the session says; and all that a person can do, handed to it. One model a page. It
// tells its listeners that something is different at most once a frame; they look for themselves at what.

import { Drafts } from "../client/drafts.js";
import { Chat, inOrder } from "./chat.js";
import { People } from "./people.js";
import { Recent } from "./recent.js";
import { Uploads } from "./uploads.js";

const OLDER_AT_ONCE = 50;
/** The server tells of typing once; who stops without a word is not shown for longer. */
const TYPING_SHOWN_MS = 6000;
const TYPING_TOLD_MS = 3000;
/** What was left unread above the newest is taken for seen after this time with the newest. */
const CLEAR_AFTER_MS = 1500;

export class Model {
  constructor(session) {
    this.session = session;
    this.chats = new Map();
    this.byId = new Map();
    this.current = null;
    this.isSynced = false;
    this.hasSynced = false;
    this.degraded = false;
    this.connection = session.state;
    this.people = new People((event, payload) => session.ask(event, payload), () => this.changed());
    this.drafts = new Drafts((event, payload) => session.ask(event, payload), () => this.changed());
    this.uploads = new Uploads(this);
    this.recent = new Recent(session);
    this.listeners = { change: [], message: [], turn: [], sent: [], error: [], lists: [], event: [] };
    this.isTold = true;
    this.reported = new Set();
    this.turned = null;
    this.hasArrived = false;
    this.heardTarget = null;
    this.areListsStale = false;
    /** Whose typing is not shown: a merchant's page says whom he has blocked. */
    this.ignores = () => false;
    this.revision = 0;
    session.on("outputs", (outputs) => outputs.forEach((output) => this.take(output)));
    session.on("state", (state) => this.connectionIs(state));
  }

  on(name, listener) {
    this.listeners[name].push(listener);
    return () => (this.listeners[name] = this.listeners[name].filter((one) => one !== listener));
  }

  tell(name, what) {
    this.listeners[name].forEach((listener) => listener(what));
  }

  /** Something is different: drawn with the next frame, or soon where nobody looks. */
  changed() {
    this.revision += 1;
    if (!this.isTold) return;
    this.isTold = false;
    const tell = () => {
      if (this.isTold) return;
      this.isTold = true;
      this.tell("change");
    };
    if (document.visibilityState === "visible") requestAnimationFrame(tell);
    setTimeout(tell, 100);
  }

  get me() {
    return this.session.user;
  }

  now() {
    return this.session.now();
  }

  chat(peer) {
    let chat = this.chats.get(peer);
    if (!chat) {
      chat = new Chat(peer);
      this.chats.set(peer, chat);
      this.people.need(peer);
    }
    return chat;
  }

  /** Conversations as a list shows them. */
  list() {
    const shown = Array.from(this.chats.values()).filter((chat) => chat.lastTime > 0 || chat.id !== undefined);
    return inOrder(shown);
  }

  /** What wants an answer: muted conversations do not count. */
  get unread() {
    let sum = 0;
    this.chats.forEach((chat) => (sum += chat.muted ? 0 : chat.unread));
    return sum;
  }

  // What comes.

  connectionIs(state) {
    this.connection = state;
    if (state.name !== "online") this.isSynced = false;
    if (state.name === "online") setTimeout(() => this.arrived(), 0);
    this.changed();
  }

  arrived() {
    const init = this.session.init || {};
    const toid = init.target && init.target.toid;
    // What was known before is no reason to turn: a window may have been led back to its list.
    const isNews = this.hasArrived ? toid !== this.heardTarget : this.current === null;
    if (this.turned !== null) this.tellTarget();
    else if (toid && isNews) this.follow(init.target);
    this.hasArrived = true;
    this.uploads.resume();
    this.people.need(this.me);
    this.people.resume();
    this.drafts.resume();
  }

  take(output) {
    if (output.added) this.added(output.added);
    else if (output.updated) this.updated(output.updated.entry);
    else if (output.forgotten) this.of(output.forgotten.conversation_id, (chat) => chat.forget(output.forgotten.below));
    else if (output.conversation) this.summed(output.conversation);
    else if (output.sending) this.sending(output.sending);
    else if (output.synced) this.synced();
    else if (output.degraded !== undefined) this.degraded = output.degraded;
    else if (output.lists) this.tell("lists", output.lists);
    else if (output.event) this.hear(output.event.event, output.event.payload || {});
    else return;
    this.changed();
  }

  synced() {
    this.isSynced = this.hasSynced = true;
    if (!this.areListsStale) return;
    this.areListsStale = false;
    this.tell("lists", {});
  }

  /** A list that follows `lists` could not be had: it is read again after the next sync. */
  missedLists() {
    this.areListsStale = true;
  }

  of(id, happen) {
    const chat = this.byId.get(id);
    if (chat) happen(chat);
  }

  added(added) {
    const entry = added.entry;
    this.of(entry.conversation_id, (chat) => {
      chat.add(entry, added.before);
      const isFresh = this.hasSynced && added.before === undefined && !entry.deleted;
      if (isFresh && entry.from_user_id !== this.me) {
        chat.typingUntil = 0;
        if (entry.type !== "recall") this.tell("message", { chat, entry });
      }
    });
  }

  updated(entry) {
    // Once it is read there is nothing to report any more.
    if (entry.read_at) this.reported.delete(entry.message_id);
    this.of(entry.conversation_id, (chat) => chat.update(entry));
  }

  summed(summary) {
    if (!summary.user_id) return;
    const chat = this.chat(summary.user_id);
    this.byId.set(summary.conversation_id, chat);
    if (chat.id === undefined) {
      chat.id = summary.conversation_id;
      this.recent.begin(chat);
    }
    ["unread", "pinned", "muted"].forEach((name) => (chat[name] = summary[name]));
    this.drafts.told(chat.peer, chat.id, summary.draft || "");
  }

  sending(sending) {
    const message = this.session.rules.queued(sending.temp_message_id);
    const known = Array.from(this.chats.values()).find((one) =>
      one.sendings.some((waiting) => waiting.message.temp_message_id === sending.temp_message_id));
    const chat = message ? this.chat(message.to_user_id) : known;
    if (chat) chat.send(sending, message);
  }

  hear(event, payload) {
    if (event === "syncChangeUserPush") this.follow(payload);
    else if (event === "profilePush") this.people.learn(payload);
    else if (event === "presencePush") this.people.present(payload);
    else if (event === "typingPush") this.typing(payload);
    else if (event === "messagePush") this.live(payload);
    else this.tell("event", { event, payload });
  }

  /** What a back end only shows, and nobody keeps: it stands behind what is kept until the page is closed. */
  live(push) {
    if (typeof push.from_user_id !== "string" || typeof push.type !== "string") return;
    const chat = this.chat(push.from_user_id === this.me ? push.to_user_id : push.from_user_id);
    if (chat.show(push)) this.tell("message", { chat, entry: push });
  }

  typing(push) {
    const chat = this.chats.get(push.from_user_id);
    if (!chat || this.ignores(chat.peer)) return;
    clearTimeout(chat.typingTimer);
    chat.typingUntil = push.on ? Date.now() + TYPING_SHOWN_MS : 0;
    if (push.on) chat.typingTimer = setTimeout(() => this.changed(), TYPING_SHOWN_MS + 50);
  }

  // Whom this window talks to.

  /** A person turns to somebody here; all windows of the same person follow, with the product that is asked about. */
  turnTo(peer, product) {
    this.show(peer, product);
    this.turned = { toid: peer };
    this.heardTarget = peer;
    if (this.chat(peer).product) this.turned.product = this.chat(peer).product;
    this.tellTarget();
  }

  /** Another window has turned. */
  follow(target) {
    if (typeof target.toid !== "string" || target.toid === this.me) return;
    this.heardTarget = target.toid;
    this.show(target.toid, target.product || null);
  }

  show(peer, product) {
    if (this.current && this.current !== peer) this.drafts.save(this.current);
    const chat = this.chat(peer);
    chat.touched = chat.touched || this.now();
    if (product === null) chat.product = null;
    else if (product && typeof product === "object" && product.title) chat.product = product;
    if (this.current !== peer) {
      chat.newFrom = chat.unread > 0 ? chat.firstUnread(this.me) : 0;
      chat.revision += 1;
      this.recent.open(chat);
      // What a sync has not brought, because the conversation is an old one.
      if (chat.entries.length === 0 && chat.id !== undefined) this.older(chat);
    }
    this.current = peer;
    this.tell("turn", peer);
    this.changed();
  }

  /** Back to the list, in this window only. */
  leave() {
    if (this.current) this.drafts.save(this.current);
    this.current = null;
    this.changed();
  }

  tellTarget() {
    const target = this.turned;
    if (this.connection.name !== "online") return;
    this.session.ask("changeUser", target).then(() => {
      if (this.turned === target) this.turned = null;
    }, () => {});
  }

  // What a person does.

  say(peer, text) {
    const words = text.trim();
    if (words === "") return false;
    const sent = this.send(peer, isOnlyEmoji(words) ? "emoji" : "text", words);
    if (sent) {
      this.drafts.write(peer, "");
      this.typed(peer, false);
    }
    return sent;
  }

  send(peer, type, message) {
    const sent = this.session.send(peer, type, message);
    if (sent.refused) this.tell("error", { code: "queue_" + sent.refused });
    else this.tell("sent", peer);
    return !sent.refused;
  }

  sendProduct(peer) {
    const chat = this.chat(peer);
    if (chat.product && this.send(peer, "product", chat.product)) this.dropProduct(peer);
  }

  /** It is talked about now, or was not meant: in all windows. */
  dropProduct(peer) {
    this.chat(peer).product = null;
    this.turnTo(peer);
  }

  retry(sending) {
    const refused = this.session.retry(sending.message.temp_message_id);
    if (refused) this.tell("error", { code: "expired" });
  }

  discard(sending) {
    this.session.discard(sending.message.temp_message_id);
  }

  /** Somebody writes, or has stopped: told now and then, and never kept. */
  typed(peer, on) {
    const now = Date.now();
    const told = this.toldTyping || { at: 0 };
    if (on ? told.on && told.peer === peer && now - told.at < TYPING_TOLD_MS : !told.on || told.peer !== peer) return;
    this.toldTyping = { on, peer, at: now };
    this.session.hint("typing", { to_user_id: peer, on });
  }

  write(peer, text) {
    this.drafts.write(peer, text);
    this.typed(peer, text !== "");
  }

  /** Loads older entries; resolves with whether there are more, or nothing if that is not known. */
  older(chat) {
    if (chat.loading) return chat.loading;
    if (!chat.hasOlder) return Promise.resolve(false);
    if (this.connection.name !== "online" || chat.isOlderLater) return Promise.resolve(undefined);
    return chat.load(() => this.session.older(chat.id, OLDER_AT_ONCE), () => this.changed());
  }

  /** These messages of the other side were seen. */
  exposed(chat, ids) {
    const fresh = ids.filter((id) => !this.reported.has(id));
    fresh.forEach((id) => this.reported.add(id));
    if (fresh.length > 0 && chat.id !== undefined) this.session.read(chat.id, fresh);
  }

  /** The newest is in view: after a moment nothing above it counts as unread any more. */
  sawNewest(chat) {
    if (chat.unread === 0 || chat.clearing || chat.id === undefined) return;
    const seen = chat.lastSeq;
    chat.clearing = setTimeout(() => {
      chat.clearing = null;
      const looks = this.current === chat.peer && document.visibilityState === "visible" && document.hasFocus();
      if (chat.unread > 0 && looks && this.isSynced) this.clearUnread(chat, seen);
    }, CLEAR_AFTER_MS);
  }

  clearUnread(chat, up_to) {
    return this.act("clearUnread", { conversation_id: chat.id, up_to: up_to || chat.lastSeq });
  }

  pin(chat, pinned) {
    return this.act("pinConversation", { conversation_id: chat.id, pinned });
  }

  mute(chat, muted) {
    return this.act("muteConversation", { conversation_id: chat.id, muted });
  }

  recall(entry) {
    return this.act("recallMessage", { message_id: entry.message_id });
  }

  remove(entry) {
    return this.act("deleteMessage", { message_id: entry.message_id });
  }

  /** Asks, and tells the person if it was in vain; resolves with the answer or nothing. */
  act(event, payload) {
    return this.session.ask(event, payload).catch((error) => {
      this.tell("error", error);
      return null;
    });
  }
}

/** Whether a text is a few emoji and nothing else. */
export function isOnlyEmoji(text) {
  const letters = Array.from(text);
  const isEmoji = (letter) => {
    const code = letter.codePointAt(0);
    return code >= 0x1f300 || (code >= 0x2600 && code <= 0x27bf) || code === 0x200d || code === 0xfe0f;
  };
  return letters.length > 0 && letters.length <= 8 && letters.every(isEmoji);
}
