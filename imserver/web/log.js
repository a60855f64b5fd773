// The messages of the current conversation. It opens at the newest one and stays there, unless the reader has scrolled up.

import { el, icon, set } from './dom.js';
import { initialOf, nameOf, toneOf } from './people.js';
import { language, say, sayReason } from './words.js';

// Closer to the end than this counts as reading the end.
const AT_END_PX = 48;
// Messages of one person within this time stand together under one time.
const TOGETHER_MS = 3 * 60 * 1000;

export class Log {
  constructor(chat) {
    this.chat = chat;
    this.rows = new Map();
    this.atEnd = true;
    this.list = el('ol', { class: 'messages' });
    const dots = el('span', { class: 'dots', 'aria-hidden': 'true' });
    this.typing = el('p', { class: 'typing', hidden: true }, [dots, el('span', { dir: 'auto' })]);
    this.empty = this.emptyState();
    // The window says new messages itself: a log that spoke would read a whole conversation at each switch.
    const attributes = { class: 'scroller', role: 'log', 'aria-live': 'off', tabindex: '0' };
    this.scroller = el('div', attributes, [this.empty, this.list, this.typing]);
    this.newest = el('button', { class: 'newest', type: 'button', hidden: true }, [icon('down'), el('span', {})]);
    this.newest.addEventListener('click', () => this.toEnd());
    this.element = el('div', { class: 'log' }, [this.scroller, this.newest]);
    this.scroller.addEventListener('scroll', () => this.scrolled(), { passive: true });
    // Banners, keyboards and growing drafts take room from the messages: the newest one stays in sight.
    if (window.ResizeObserver) new ResizeObserver(() => this.settle()).observe(this.scroller);
    else window.addEventListener('resize', () => this.settle());
  }

  emptyState() {
    this.emptyTitle = el('p', { class: 'empty-title', dir: 'auto' });
    this.emptyText = el('p', { class: 'empty-text' });
    this.emptyFace = el('span', { class: 'face large', 'aria-hidden': 'true' });
    return el('div', { class: 'empty' }, [this.emptyFace, this.emptyTitle, this.emptyText]);
  }

  // Builds the whole conversation again: another one, or another language.
  showAll() {
    const name = nameOf(this.chat.target);
    set(this.scroller, { 'aria-label': say('log', { name }) });
    set(this.emptyFace, { 'data-initial': initialOf(this.chat.target), 'data-tone': toneOf(this.chat.target) });
    set(this.emptyTitle, { text: say('empty_title', { name }) });
    set(this.emptyText, { text: say('empty_text') });
    set(this.newest.lastChild, { text: say('newest') });
    this.list.textContent = '';
    this.rows.clear();
    this.last = null;
    this.empty.hidden = false;
    this.chat.current().messages.forEach((message) => this.append(message));
    this.showTyping();
    this.toEnd();
  }

  showMessage(message) {
    const messages = this.chat.current().messages;
    if (messages.get(message.id) !== message) return;
    const row = this.rows.get(message.id);
    if (row) {
      this.showMark(row, message);
      this.settle();
      return;
    }
    const follow = this.atEnd || message.from === this.chat.self;
    this.append(message);
    this.forgetOld(messages);
    if (follow) this.toEnd();
    else this.newest.hidden = false;
  }

  // The marks of messages that wait depend on whether there is a connection.
  showWaiting() {
    this.chat.current().messages.forEach((message, id) => {
      if (message.state === 'pending' && this.rows.has(id)) this.showMark(this.rows.get(id), message);
    });
    this.settle();
  }

  showTyping() {
    const peer = this.chat.target;
    this.typing.hidden = !this.chat.typing.isTyping(peer);
    set(this.typing.lastChild, { text: this.typing.hidden ? '' : say('typing', { name: nameOf(peer) }) });
    this.settle();
  }

  toEnd() {
    this.atEnd = true;
    this.newest.hidden = true;
    this.scroller.scrollTop = this.scroller.scrollHeight;
  }

  settle() {
    if (this.atEnd) this.scroller.scrollTop = this.scroller.scrollHeight;
  }

  scrolled() {
    const box = this.scroller;
    this.atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < AT_END_PX;
    if (this.atEnd) this.newest.hidden = true;
  }

  append(message) {
    const mine = message.from === this.chat.self;
    const follows = this.list.lastChild && this.last.from === message.from && message.at - this.last.at < TOGETHER_MS;
    // Only the last of several in a row shows its time.
    if (follows) set(this.list.lastChild, { 'data-followed': true });
    this.last = message;
    const text = el('p', { class: 'text', dir: 'auto', text: message.text });
    if (message.link) text.appendChild(this.linkTo(message.link));
    const mark = el('div', { class: 'mark' });
    const who = el('p', { class: 'unseen', text: nameOf(message.from) });
    const row = el('li', { class: 'message', 'data-id': message.id }, [who, text, mark]);
    set(row, { 'data-from': mine ? 'me' : 'other', 'data-first': !follows });
    this.rows.set(message.id, row);
    this.list.appendChild(row);
    this.showMark(row, message);
    this.empty.hidden = true;
  }

  // On a line of its own, and of no use to the page that it opens.
  linkTo(url) {
    return el('a', { class: 'link', href: url, target: '_blank', rel: 'noopener noreferrer', text: url });
  }

  // Under a message: its time, and how far it has come.
  showMark(row, message) {
    const mark = row.querySelector('.mark');
    const mine = message.from === this.chat.self;
    set(row, { 'data-state': message.state });
    mark.textContent = '';
    if (message.state === 'failed') {
      mark.appendChild(el('span', { class: 'why', text: say('failed', { reason: sayReason(message.failure) }) }));
      mark.appendChild(this.retryButton(message));
      return;
    }
    const waiting = message.state === 'pending' && !this.chat.connection.isOnline();
    if (waiting) mark.appendChild(el('span', { text: say('waiting') }));
    else mark.appendChild(el('time', { text: timeOf(message.at), datetime: new Date(message.at).toISOString() }));
    if (!mine) return;
    mark.appendChild(icon(message.state === 'pending' ? 'clock' : 'check'));
    if (!waiting) mark.appendChild(el('span', { class: 'unseen', text: say(message.state === 'pending' ? 'sending' : 'sent') }));
  }

  retryButton(message) {
    const button = el('button', { class: 'retry', type: 'button' }, [icon('retry'), el('span', { text: say('retry') })]);
    button.addEventListener('click', () => this.chat.retry(message));
    return button;
  }

  forgetOld(messages) {
    this.rows.forEach((row, id) => {
      if (messages.has(id)) return;
      this.list.removeChild(row);
      this.rows.delete(id);
    });
  }
}

function timeOf(at) {
  const digits = { hour: '2-digit', minute: '2-digit', hour12: false };
  return new Date(at).toLocaleTimeString(language() === 'zh' ? 'zh-CN' : 'en-GB', digits);
}
