// The place to write: Enter sends, Shift+Enter makes a new line, and Enter that ends a word of an input method does neither.

import { el, icon, set } from './dom.js';
import { nameOf } from './people.js';
import { say } from './words.js';

const LONGEST_TEXT = 5000;
// What `keyCode` says while an input method has the key; some browsers set `isComposing` too late or too early.
const KEY_OF_INPUT_METHOD = 229;

export class Composer {
  // `sent()` is called after each message.
  constructor(chat, sent) {
    this.chat = chat;
    this.sent = sent;
    this.box = el('textarea', { rows: '1', dir: 'auto', enterkeyhint: 'send', autocomplete: 'off' });
    this.button = el('button', { class: 'send', type: 'submit' }, [icon('send'), el('span', {})]);
    this.note = el('p', { class: 'note', dir: 'auto' });
    this.keys = el('p', { class: 'keys' });
    const field = el('div', { class: 'field' }, [this.box, el('span', { class: 'ring' }), this.button]);
    this.element = el('form', { class: 'composer' }, [field, el('div', { class: 'notes' }, [this.note, this.keys])]);
    this.box.addEventListener('keydown', (event) => this.pressed(event));
    this.box.addEventListener('input', () => this.wrote());
    window.addEventListener('resize', () => this.grow());
    this.element.addEventListener('submit', (event) => {
      event.preventDefault();
      this.send();
    });
  }

  label() {
    set(this.button.lastChild, { text: say('send') });
    set(this.keys, { text: say('keys') });
  }

  // Another conversation: its draft takes the place of the one before, so that nothing goes to the wrong person.
  turned() {
    const text = say('write_to', { name: nameOf(this.chat.target) });
    set(this.box, { placeholder: text, 'aria-label': text });
    this.box.value = this.chat.current().draft;
    this.grow();
    this.showNote();
  }

  showNote() {
    const count = Array.from(this.box.value).length;
    const tooLong = count > LONGEST_TEXT;
    const offline = this.chat.connection.isOnline() && this.chat.presenceOf(this.chat.target) === 'offline';
    set(this.element, { 'data-empty': this.box.value.trim() === '', 'data-too-long': tooLong });
    set(this.note, { 'data-kind': tooLong || offline ? 'warning' : null });
    if (tooLong) set(this.note, { text: say('too_long', { count, max: LONGEST_TEXT }) });
    else if (offline) set(this.note, { text: say('peer_offline', { name: nameOf(this.chat.target) }) });
    else set(this.note, { text: say('not_kept') });
  }

  pressed(event) {
    if (event.key !== 'Enter' || event.shiftKey) return;
    if (event.isComposing || event.keyCode === KEY_OF_INPUT_METHOD) return;
    event.preventDefault();
    this.send();
  }

  wrote() {
    this.chat.wrote(this.box.value);
    this.grow();
    this.showNote();
  }

  send() {
    const text = this.box.value.trim();
    if (text === '' || Array.from(text).length > LONGEST_TEXT) return;
    this.box.value = '';
    this.wrote();
    this.chat.send(text);
    this.sent();
    this.box.focus();
  }

  // As high as its text, between one line and what the style sheet allows.
  grow() {
    this.box.style.height = 'auto';
    this.box.style.height = this.box.scrollHeight + 'px';
  }
}
