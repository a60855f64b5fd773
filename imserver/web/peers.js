// The row of people a window can turn to, with the current one marked.

import { el, set } from './dom.js';
import { initialOf, nameOf, toneOf } from './people.js';
import { say } from './words.js';

// A round face with an initial; its dot shows `data-presence`. The name stands beside it, so it says nothing itself.
export function avatar(key) {
  return el('span', { class: 'face', 'data-tone': toneOf(key), 'data-initial': initialOf(key), 'aria-hidden': 'true' });
}

export class Peers {
  constructor(chat) {
    this.chat = chat;
    this.buttons = new Map();
    this.element = el('nav', { class: 'peers' });
  }

  show() {
    set(this.element, { 'aria-label': say('peers', { name: nameOf(this.chat.self) }) });
    this.chat.conversations.forEach((conversation, peer) => {
      if (!this.buttons.has(peer)) this.addButton(peer);
      this.showPeer(conversation, peer);
    });
  }

  addButton(peer) {
    const face = avatar(peer);
    const name = el('span', { class: 'name', dir: 'auto' });
    const presence = el('span', { class: 'presence' });
    const unread = el('span', { class: 'unread' });
    const unit = el('span', { class: 'unseen' });
    const names = el('span', { class: 'names' }, [name, presence]);
    const button = el('button', { class: 'peer', type: 'button', 'data-peer': peer }, [face, names, unread, unit]);
    button.addEventListener('click', () => this.chat.turnTo(peer));
    this.buttons.set(peer, { button, face, name, presence, unread, unit });
    this.element.appendChild(button);
  }

  showPeer(conversation, peer) {
    const parts = this.buttons.get(peer);
    const current = peer === this.chat.target;
    const presence = this.chat.presenceOf(peer);
    set(parts.button, { 'aria-current': current ? 'true' : null });
    set(parts.face, { 'data-initial': initialOf(peer), 'data-presence': presence });
    set(parts.name, { text: nameOf(peer) });
    set(parts.presence, { text: say('status_' + presence) });
    set(parts.unread, { text: conversation.unread > 99 ? '99+' : String(conversation.unread || '') });
    set(parts.unit, { text: conversation.unread ? say('unread') : '' });
    if (current) this.reveal(parts.button);
  }

  // Brings the current one into the row's view, without moving the page.
  reveal(button) {
    const row = this.element;
    const left = button.offsetLeft - row.offsetLeft;
    if (left < row.scrollLeft || left + button.offsetWidth > row.scrollLeft + row.clientWidth) row.scrollLeft = left - 12;
  }
}
