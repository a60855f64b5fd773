// One window on the page: its frame, its header and what connects its parts to what the chat knows.

import { el, icon, set } from './dom.js';
import { Chat } from './chat.js';
import { Composer } from './composer.js';
import { Log } from './log.js';
import { Peers, avatar } from './peers.js';
import { initialOf, nameOf, toneOf } from './people.js';
import { language, say, sayReason } from './words.js';

const STATUSES = ['online', 'busy', 'away', 'invisible'];
const NOTICE_MS = 6000;

export class ChatWindow {
  constructor(user) {
    this.user = user;
    this.notice = null;
    this.chat = new Chat(user, (what, detail) => this.changed(what, detail));
    this.peers = new Peers(this.chat);
    this.log = new Log(this.chat);
    this.composer = new Composer(this.chat, () => this.log.toEnd());
    this.spoken = el('div', { class: 'unseen', 'aria-live': 'polite' });
    this.element = el('section', { class: 'window', 'data-user': user, 'data-tone': toneOf(user) }, [
      this.header(),
      this.peers.element,
      this.banner(),
      this.log.element,
      this.composer.element,
      this.spoken,
    ]);
  }

  header() {
    this.face = avatar(this.user);
    this.name = el('h2', { dir: 'auto' });
    this.key = el('span', { class: 'key', text: this.user, dir: 'ltr' });
    this.link = el('span', { class: 'link', role: 'status' });
    this.select = el('select', {}, STATUSES.map((status) => el('option', { value: status })));
    this.select.addEventListener('change', () => this.chat.chooseStatus(this.select.value));
    this.another = el('a', { class: 'button', target: '_blank', rel: 'noopener' }, [icon('windows'), el('span', {})]);
    const about = el('p', { class: 'about' }, [this.link, this.key]);
    const names = el('div', { class: 'names' }, [this.name, about]);
    return el('header', { class: 'who' }, [this.face, names, this.select, this.another]);
  }

  banner() {
    this.bannerText = el('p', { role: 'status', dir: 'auto' });
    this.bannerButton = el('button', { class: 'button', type: 'button' });
    this.bannerButton.addEventListener('click', () => this.chat.connection.now());
    this.bannerBox = el('div', { class: 'banner', hidden: true }, [this.bannerText, this.bannerButton]);
    return this.bannerBox;
  }

  // Something changed in the chat: shows that, and no more than that.
  changed(what, detail) {
    // The chat is made before the parts that show it.
    if (!this.element) return;
    if (what === 'state') this.showState();
    if (what === 'state' || what === 'peers' || what === 'typing') this.peers.show();
    if (what === 'state' || what === 'peers') this.composer.showNote();
    if (what === 'status') this.showStatus();
    if (what === 'messages') this.log.showMessage(detail);
    if (what === 'state') this.log.showWaiting();
    if (what === 'typing') this.log.showTyping();
    if (what === 'target') {
      // What was remarked on the chat before is no longer true of this one.
      this.tell(null);
      this.turned();
    }
    if (what === 'notice') this.tell(detail);
    if (what === 'arrived') this.announce(say('said', { name: nameOf(detail.peer), text: detail.text }));
  }

  // Says everything again, in the language of now.
  label() {
    const name = nameOf(this.user);
    set(this.element, { 'aria-label': say('window_of', { name }) });
    set(this.name, { text: name });
    this.key.hidden = name === this.user;
    set(this.face, { 'data-initial': initialOf(this.user) });
    set(this.select, { 'aria-label': say('status', { name }) });
    Array.from(this.select.options).forEach((option) => set(option, { text: say('status_' + option.value) }));
    const lang = language() === 'en' ? '&lang=en' : '';
    const text = say('second_window_of', { name });
    set(this.another, { href: '/?user=' + encodeURIComponent(this.user) + lang, 'aria-label': text, title: text });
    set(this.another.lastChild, { text: say('second_window') });
    this.composer.label();
    this.showState();
    this.showStatus();
    this.turned();
  }

  turned() {
    this.peers.show();
    this.log.showAll();
    this.composer.turned();
  }

  showStatus() {
    this.select.value = this.chat.status;
    set(this.face, { 'data-presence': this.chat.connection.isOnline() ? this.chat.status : 'offline' });
  }

  showState() {
    const state = this.chat.state();
    set(this.element, { 'data-state': state.name });
    set(this.link, { text: say('state_' + state.name) });
    this.select.disabled = !this.chat.connection.isOnline();
    this.showStatus();
    this.showBanner();
  }

  showBanner() {
    const state = this.chat.state();
    const trouble = troubleOf(state);
    const text = trouble || this.noticeText();
    this.bannerBox.hidden = !text;
    set(this.bannerBox, { 'data-kind': trouble ? state.name : 'notice' });
    set(this.bannerText, { text });
    const over = this.chat.connection.isOver();
    this.bannerButton.hidden = !(over || state.name === 'reconnecting');
    set(this.bannerButton, { text: say(over ? 'again' : 'now') });
  }

  noticeText() {
    if (!this.notice) return '';
    const failure = this.notice.failure;
    const blanks = failure ? { reason: sayReason(failure) } : { name: nameOf(this.notice.peer) };
    return say(this.notice.words, blanks);
  }

  // A passing remark, or none. A broken connection is more important and takes its place.
  tell(notice) {
    this.notice = notice;
    clearTimeout(this.noticeTimer);
    this.noticeTimer = setTimeout(() => {
      this.notice = null;
      this.showBanner();
    }, NOTICE_MS);
    this.showBanner();
  }

  announce(text) {
    const line = el('p', { text });
    this.spoken.appendChild(line);
    setTimeout(() => this.spoken.removeChild(line), NOTICE_MS);
  }
}

// What is wrong with the connection, as a sentence; nothing if all is well.
function troubleOf(state) {
  if (state.name === 'online') return state.draining ? say('draining') : '';
  if (state.name === 'reconnecting') {
    const blanks = { reason: sayReason(state.failure), attempt: state.attempt };
    return say(state.attempt ? 'lost_again' : 'lost', blanks);
  }
  if (state.name === 'refused') return say('refused', { reason: sayReason(state.failure) });
  if (state.name !== 'ended') return '';
  if (state.failure.code === 'kicked' && !state.failure.message) return say('kicked_plain');
  return say('kicked', { reason: sayReason(state.failure) });
}
