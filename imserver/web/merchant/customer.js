// The customer of the open conversation: who it is, what the merchant calls him, and what was shown in this conversation.

import { html, Component } from "../ui/view.js";
import { asMe, safeAddress } from "../ui/settings.js";
import { say } from "../ui/words.js";
import { icon } from "../ui/icons.js";
import { Avatar } from "../ui/avatar.js";
import { card, textOf } from "../ui/message.js";
import { stamp } from "../ui/time.js";
import { Viewer } from "../ui/viewer.js";

const PICTURES_SHOWN = 9;
const PRODUCTS_SHOWN = 5;
/** So many entries are looked through. */
const LOOKED_AT = 500;
const LONGEST_REMARK = 32;

export class Customer extends Component {
  constructor(props) {
    super(props);
    this.state = { picture: null };
  }

  /** Pictures and products of the last entries, newest first; looked for again only if the conversation changed. */
  shown(chat) {
    if (this.seen && this.seen.chat === chat && this.seen.revision === chat.revision) return this.seen;
    const pictures = [];
    const products = new Map();
    const end = Math.max(0, chat.entries.length - LOOKED_AT);
    for (let at = chat.entries.length - 1; at >= end; at -= 1) {
      const entry = chat.entries[at];
      if (entry.deleted || entry.recalled || !entry.message) continue;
      if (entry.type === "image" && pictures.length < PICTURES_SHOWN && safeAddress(entry.message.url)) pictures.push(entry);
      const id = entry.type === "product" && (textOf(entry.message, "product_id") || textOf(entry.message, "title"));
      if (id && !products.has(id) && products.size < PRODUCTS_SHOWN) products.set(id, entry.message);
    }
    this.seen = { chat, revision: chat.revision, pictures, products: Array.from(products.values()) };
    return this.seen;
  }

  render({ model, peer, contacts, blacklist }, { picture }) {
    if (!peer) return html`<div class="blank"><span class="blank-icon">${icon("user")}</span><p>${say("no_customer")}</p></div>`;
    const chat = model.chat(peer);
    const { people } = model;
    const { pictures, products } = this.shown(chat);
    const status = people.statusOf(peer);
    const profile = people.profiles.get(peer);
    const first = chat.entries.find((entry) => !entry.deleted);
    return html`<div class="customer">
      <div class="customer-head">
        <${Avatar} user=${peer} name=${people.nameOf(peer)} address=${people.avatarOf(peer)} size="l" status=${status} />
        <h2 dir="auto">${(profile && profile.nickname) || peer}</h2>
        <p class="faint">${say("user_key")} ${peer}${status ? " · " + say("status_" + status) : ""}</p>
      </div>
      <${Remark} key=${peer + "\n" + contacts.remarkOf(peer)} peer=${peer} contacts=${contacts} known=${contacts.remarkOf(peer)} />
      ${first ? html`<dl><dt>${say(chat.hasOlder ? "loaded_since" : "first_talk")}</dt><dd>${stamp(first.send_time, model.now())}</dd></dl>` : null}
      <section><h3>${say("asked_about")}</h3>
        ${products.length === 0 ? html`<p class="faint">${say("none_yet")}</p>` : products.map((one) => card("product", one))}</section>
      <section><h3>${say("pictures")}</h3>
        ${pictures.length === 0 ? html`<p class="faint">${say("none_yet")}</p>` : html`<div class="thumbs">${pictures.map((entry) => html`
          <button type="button" key=${entry.message_id} aria-label=${say("open_picture")} onClick=${() => this.setState({ picture: asMe(entry.message.url) })}>
            <img src=${asMe(safeAddress(entry.message.small_url) || entry.message.url)} alt="" loading="lazy" /></button>`)}</div>`}</section>
      <section><button type="button" class="button wide" onClick=${() => blacklist.turn(peer)}>${icon("block")}${say(blacklist.has(peer) ? "unblock" : "block")}</button>
        <p class="faint">${say("block_means")}</p></section>
      ${picture ? html`<${Viewer} address=${picture} close=${() => this.setState({ picture: null })} />` : null}
    </div>`;
  }
}

/** A name of the merchant's own for the customer; saved when the field is left. */
class Remark extends Component {
  save(event) {
    const remark = event.target.value.trim();
    if (remark !== this.props.known) this.props.contacts.name(this.props.peer, remark);
  }

  render({ known }) {
    const key = (event) => event.key === "Enter" && !event.isComposing && event.target.blur();
    return html`<label class="remark"><span>${say("remark")}</span>
      <input type="text" maxlength=${LONGEST_REMARK} defaultValue=${known} placeholder=${say("remark_hint")} onBlur=${(event) => this.save(event)} onKeyDown=${key} /></label>`;
  }
}
