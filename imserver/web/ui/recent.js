// How much of each conversation a page keeps: of those that were open last, as much as a person may go back to; of the others
// what fills a screen. So a console that is never closed holds no more after a month than after an hour.

/** Conversations that are kept whole. */
const RECENT = 8;
/** The newest entries of these; what a person goes back to is kept beside. */
const WHOLE = 2000;
/** Of any other. */
export const ASIDE = 20;

export class Recent {
  /** @param {object} session begun with `ASIDE` as the bound of all */
  constructor(session) {
    this.session = session;
    this.chats = [];
  }

  /** A person turns to this one. */
  open(chat) {
    this.chats = [chat].concat(this.chats.filter((one) => one !== chat));
    this.keep(chat, WHOLE);
    this.chats.splice(RECENT).forEach((left) => this.keep(left, ASIDE));
  }

  /** The server has told its id. */
  begin(chat) {
    if (this.chats.indexOf(chat) >= 0) this.keep(chat, WHOLE);
  }

  keep(chat, entries) {
    if (chat.id !== undefined) this.session.keepNewest(chat.id, entries);
  }
}
