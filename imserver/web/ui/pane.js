// A conversation that is open: who it is with, how the connection is, the messages, the product, the field. The same on
// every page; the frames around it differ.

import { html, Component } from "./view.js";
import { loginAddress, recallWithinMs } from "./settings.js";
import { language, say } from "./words.js";
import { icon } from "./icons.js";
import { List } from "./list.js";
import { Rows } from "./rows.js";
import { Exposure } from "./exposure.js";
import { Composer, isPicture } from "./composer.js";
import { card, drawRow } from "./message.js";
import { Menu } from "./menu.js";
import { Viewer } from "./viewer.js";

/**
 * Props: `model`, `peer`, `revision`, `bar` (actions beside the name), `back`, `find` (an entry to go to; `found()` once it is shown), `focus`, and for
 * the field `quick` and `more`.
 */
export class Pane extends Component {
  constructor(props) {
    super(props);
    this.rows = new Rows();
    this.state = { menu: null, picture: null, isAtEnd: true, missed: 0, marked: null, isOver: false };
    this.texts = new Map();
    this.exposure = new Exposure((ids) => props.model.exposed(this.chat(), ids));
    this.drawn = (element) => this.wasDrawn(element);
    // What has come and is not drawn yet may be what is wanted.
    this.older = () => this.props.model.isTold && this.props.model.older(this.chat());
    this.atEnd = (isAtEnd) => this.setState({ isAtEnd, missed: 0 });
    this.offs = [
      props.model.on("message", ({ chat }) => {
        if (chat.peer === this.props.peer && !this.state.isAtEnd) this.setState({ missed: this.state.missed + 1 });
      }),
      props.model.on("sent", () => this.list && this.list.toEnd()),
    ];
  }

  componentDidMount() {
    if (this.props.find) this.show(this.props.find);
  }

  componentWillUnmount() {
    this.exposure.end();
    this.offs.forEach((off) => off());
  }

  componentDidUpdate(before) {
    if (before.peer !== this.props.peer) {
      this.setState({ menu: null, picture: null, missed: 0, marked: null, isAtEnd: true });
    }
    if (this.props.find && before.find !== this.props.find) this.show(this.props.find);
  }

  chat() {
    return this.props.model.chat(this.props.peer);
  }

  /** What draws a row: another one when all rows look different, as after a name has come. */
  drawing() {
    const { model, peer } = this.props;
    const { people } = model;
    const sign = [language(), model.connection.name, people.nameOf(peer), people.avatarOf(peer), this.texts.size].join("\n");
    if (sign !== this.sign) {
      this.sign = sign;
      this.draw = (row) => drawRow(row, this.look());
    }
    return this.draw;
  }

  look() {
    const { model, peer } = this.props;
    return {
      model, peer,
      open: (picture) => this.setState({ picture }),
      menu: (event, row) => this.openMenu(event, row),
      again: (entry) => this.texts.get(entry.message_id),
      rewrite: (entry) => {
        model.write(peer, this.texts.get(entry.message_id));
        model.changed();
        this.base.querySelector("textarea").focus();
      },
    };
  }

  wasDrawn(element) {
    this.exposure.look(element);
    const looks = document.visibilityState === "visible" && document.hasFocus();
    if (looks && this.list && this.list.isAtEnd) this.props.model.sawNewest(this.chat());
  }

  /** Shows a message that a search has found, loading what lies between. */
  async show(entry) {
    const chat = this.chat();
    for (let page = 0; page < 60 && chat.hasOlder && (chat.entries.length === 0 || chat.entries[0].conv_seq > entry.conv_seq); page += 1) {
      const more = await this.props.model.older(chat);
      if (more === undefined) return;
    }
    this.setState({}, () => {
      const found = this.rows.of(chat, this.props.model.me).find((row) => row.entry && row.entry.conv_seq === entry.conv_seq);
      if (!found || !this.list.toRow(found.key)) return;
      this.setState({ marked: found.key });
      if (this.props.found) this.props.found();
      setTimeout(() => this.setState({ marked: null }), 2500);
    });
  }

  openMenu(event, row) {
    event.preventDefault();
    const { model } = this.props;
    const entry = row.entry;
    const items = [];
    if (typeof entry.message === "string") {
      items.push({ icon: "copy", text: say("copy"), act: () => navigator.clipboard && navigator.clipboard.writeText(entry.message) });
    }
    if (row.mine && entry.message_id && model.now() - entry.send_time < recallWithinMs) {
      items.push({ icon: "undo", text: say("recall"), act: () => this.recall(entry) });
    }
    if (entry.message_id) items.push({ icon: "trash", text: say("delete_for_me"), act: () => model.remove(entry) });
    if (items.length === 0) return;
    const box = event.currentTarget.getBoundingClientRect();
    const isPointer = event.type === "contextmenu" && event.clientX > 0;
    this.setState({ menu: { items, x: isPointer ? event.clientX : box.left, y: isPointer ? event.clientY : box.bottom } });
  }

  recall(entry) {
    if (typeof entry.message === "string") this.texts.set(entry.message_id, entry.message);
    this.props.model.recall(entry);
  }

  drop(event) {
    event.preventDefault();
    this.setState({ isOver: false });
    const files = Array.from(event.dataTransfer.files).filter(isPicture);
    if (files.length > 0) this.props.model.uploads.add(this.props.peer, files);
  }

  render({ model, peer, bar, back, quick, more, focus, side }, { menu, picture, isAtEnd, missed, marked, isOver }) {
    const chat = this.chat();
    const rows = this.rows.of(chat, model.me);
    const name = model.people.nameOf(peer);
    const over = (event) => {
      event.preventDefault();
      if (!isOver) this.setState({ isOver: true });
    };
    return html`<section class=${isOver ? "pane dropping" : "pane"} aria-label=${say("talk_with", { who: name })} data-peer=${peer}
        onDragOver=${over} onDragLeave=${() => this.setState({ isOver: false })} onDrop=${(event) => this.drop(event)}>
      <header class="pane-head">
        ${back ? html`<button type="button" class="tool back" aria-label=${say("back")} onClick=${back}>${icon("back")}</button>` : null}
        <h2><span class="who" dir="auto">${name}</span>${this.drawState(chat)}</h2>
        <div class="bar">${bar}</div>
      </header>
      <${Connection} model=${model} />
      <div class="messages">
        ${rows.length === 0 ? this.drawEmpty(chat) : null}
        <${List} key=${peer} ref=${(list) => (this.list = list)} rows=${rows} draw=${this.drawing()} drawn=${this.drawn} atEnd=${this.atEnd}
          older=${chat.hasOlder ? this.older : null} marked=${marked} label=${say("messages")} head=${this.drawHead(chat, rows)} />
        ${isAtEnd ? null : html`<button type="button" class="to-end" onClick=${() => this.list.toEnd()}>
          ${icon("down")}${missed > 0 ? say("missed", { n: missed }) : say("to_newest")}</button>`}
      </div>
      ${chat.product ? this.drawProduct(chat) : null}
      <${Composer} key="field" model=${model} peer=${peer} revision=${model.revision} quick=${quick} more=${more} focus=${focus} />
      ${side}
      ${menu ? html`<${Menu} ...${menu} close=${() => this.setState({ menu: null })} />` : null}
      ${picture ? html`<${Viewer} address=${picture} close=${() => this.setState({ picture: null })} />` : null}
    </section>`;
  }

  drawState(chat) {
    const { model, peer } = this.props;
    if (chat.typingUntil > Date.now()) return html`<span class="status typing" role="status">${say("typing")}</span>`;
    const status = model.people.statusOf(peer);
    return status ? html`<span class="status" data-status=${status}>${say("status_" + status)}</span>` : null;
  }

  drawHead(chat, rows) {
    if (chat.isLoading) return html`<p class="older" role="status"><span class="spinner"></span>${say("loading")}</p>`;
    if (rows.length > 0 && !chat.hasOlder) return html`<p class="older">${say("beginning")}</p>`;
    return html`<p class="older"></p>`;
  }

  drawEmpty(chat) {
    const { model } = this.props;
    if (chat.isLoading || (!model.hasSynced && model.connection.name !== "ended")) {
      return html`<div class="blank" role="status" aria-label=${say("loading")}><i class="bone"></i><i class="bone mine"></i><i class="bone"></i></div>`;
    }
    return html`<div class="blank"><span class="blank-icon">${icon("chat")}</span><p>${say("say_hello", { who: model.people.nameOf(this.props.peer) })}</p></div>`;
  }

  drawProduct(chat) {
    const { model, peer } = this.props;
    return html`<div class="product-bar">
      ${card("product", chat.product)}
      <div class="product-acts">
        <button type="button" class="button primary" onClick=${() => model.sendProduct(peer)}>${say("send_product")}</button>
        <button type="button" class="tool" aria-label=${say("close")} onClick=${() => model.dropProduct(peer)}>${icon("close")}</button>
      </div>
    </div>`;
  }
}

/** How the connection is, where it is not well; and what a person can do. */
export function Connection({ model }) {
  const { name, why } = model.connection;
  const again = html`<button type="button" class="link" onClick=${() => model.session.again()}>${say("connect_now")}</button>`;
  if (name === "ended") {
    const sentence = say("ended_" + (why ? why.kind : "closed"));
    const reason = why && why.message && why.kind === "kicked" ? "：" + why.message : "";
    const login = why && why.kind === "refused" && loginAddress();
    if (login) {
      return html`<div class="banner bad" role="alert">${icon("offline")}<span>${sentence}</span><a class="link" href=${login}>${say("log_in")}</a></div>`;
    }
    return html`<div class="banner bad" role="alert">${icon("offline")}<span>${sentence}${reason}</span>${again}</div>`;
  }
  if (name === "reconnecting") {
    const text = navigator.onLine === false ? say("no_network") : say("reconnecting");
    return html`<div class="banner warn" role="status"><span class="spinner"></span><span>${text}</span>${again}</div>`;
  }
  if (name === "connecting") {
    return html`<div class="banner calm" role="status"><span class="spinner"></span><span>${say("connecting")}</span></div>`;
  }
  if (model.degraded) return html`<div class="banner warn" role="status">${say("degraded")}</div>`;
  return null;
}

