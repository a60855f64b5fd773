// Where a message is written. Enter and the button take what is in the field, and leave it empty: whichever comes second
// finds nothing, so that on every keyboard a message is sent once.

import { html, Component } from "./view.js";
import { say } from "./words.js";
import { icon } from "./icons.js";
import { EmojiPanel } from "./emoji.js";
import { PICTURE_TYPES } from "./picture.js";

/** What a message may have, in characters of UTF-8: the server's own limit says the rest. */
const MOST_LETTERS = 8000;
/** Keyboards of phones name every key so. */
const SOME_KEY = 229;

/** Props: `model`, `peer`, `quick` (the merchant's replies, or none), `focus` (whether turning to somebody means writing). */
export class Composer extends Component {
  constructor(props) {
    super(props);
    this.state = { emoji: false, menu: null };
    this.isComposing = false;
    this.submit = (event) => {
      event.preventDefault();
      this.send();
    };
  }

  componentDidMount() {
    this.fit();
    if (this.props.focus) this.field.focus();
  }

  componentDidUpdate(before) {
    const text = this.props.model.drafts.text(this.props.peer);
    if (this.field.value !== text && !this.isComposing) this.field.value = text;
    if (before.peer !== this.props.peer) {
      this.setState({ emoji: false, menu: null });
      if (this.props.focus) this.field.focus();
    }
    this.fit();
  }

  send() {
    const { model, peer } = this.props;
    const text = this.field.value;
    if (text.trim() === "") return;
    if (text.length > MOST_LETTERS) return model.tell("error", { code: "too_large" });
    if (!model.say(peer, text)) return;
    this.field.value = "";
    this.setState({ menu: null, emoji: false });
    this.fit();
    this.field.focus();
  }

  /** The field is as high as its text, up to a bound that the style sets. */
  fit() {
    const field = this.field;
    // To find out is to lay out the page anew.
    const fitted = window.innerWidth + " " + field.value;
    if (this.fitted === fitted) return;
    this.fitted = fitted;
    // What stands above keeps its size meanwhile: a list at its end would be put elsewhere.
    const around = field.parentNode;
    around.style.minHeight = around.offsetHeight + "px";
    field.style.height = "auto";
    field.style.height = field.scrollHeight + "px";
    around.style.minHeight = "";
  }

  wrote() {
    // A keyboard that puts a line in after the message has gone.
    if (this.field.value.trim() === "" && /\n/.test(this.field.value)) this.field.value = "";
    this.props.model.write(this.props.peer, this.field.value);
    this.fit();
    this.openMenu();
  }

  put(text, from) {
    const field = this.field;
    const start = from === undefined ? field.selectionStart : from;
    const end = field.selectionEnd;
    field.value = field.value.slice(0, start) + text + field.value.slice(end);
    const at = start + text.length;
    field.setSelectionRange(at, at);
    this.wrote();
  }

  key(event) {
    if (event.isComposing || this.isComposing || event.keyCode === SOME_KEY) return;
    if (this.state.menu && this.menuKey(event)) return event.preventDefault();
    if (event.key === "Enter" && !event.shiftKey && !event.ctrlKey && !event.altKey) {
      event.preventDefault();
      this.send();
    }
    if (event.key === "Escape" && this.state.emoji) this.setState({ emoji: false });
  }

  /** Where keys have no names, a line that is about to be put in is the Enter key. */
  before(event) {
    if (this.isComposing || event.isComposing) return;
    if ((event.inputType === "insertLineBreak" || event.inputType === "insertParagraph") && !this.shift) {
      event.preventDefault();
      this.send();
    }
  }

  paste(event) {
    const files = Array.from((event.clipboardData && event.clipboardData.files) || []).filter(isPicture);
    if (files.length === 0) return;
    event.preventDefault();
    this.props.model.uploads.add(this.props.peer, files);
  }

  chose(event) {
    this.props.model.uploads.add(this.props.peer, Array.from(event.target.files));
    event.target.value = "";
  }

  // The merchant's replies: a slash at the beginning, and some letters of what is looked for.

  openMenu() {
    const quick = this.props.quick;
    const found = quick && /^\/(\S*)$/.exec(this.field.value);
    const items = found ? quick.search(found[1]) : [];
    this.setState({ menu: found ? { items, at: 0 } : null });
  }

  menuKey(event) {
    const { items, at } = this.state.menu;
    const steps = { ArrowDown: 1, ArrowUp: -1 };
    if (event.key === "Escape") this.setState({ menu: null });
    else if (items.length === 0) return false;
    else if (steps[event.key]) {
      this.setState({ menu: { items, at: (at + steps[event.key] + items.length) % items.length } });
    } else if ((event.key === "Enter" && !event.shiftKey) || event.key === "Tab") this.insert(items[at]);
    else return false;
    return true;
  }

  insert(item) {
    this.field.setSelectionRange(0, this.field.value.length);
    this.put(item.text, 0);
    this.setState({ menu: null });
    this.field.focus();
  }

  render({ model, peer, quick, more }, { emoji, menu }) {
    const text = model.drafts.text(peer);
    const isEmpty = text.trim() === "";
    return html`<form class="composer" onSubmit=${this.submit}>
      ${menu ? this.drawMenu(menu) : null}
      <div class="tools">
        <button type="button" class="tool" aria-label=${say("emoji")} aria-expanded=${emoji} title=${say("emoji")}
          onClick=${() => this.setState({ emoji: !emoji })}>${icon("emoji")}</button>
        <label class="tool" title=${say("send_picture")}>${icon("picture")}<span class="unseen-text">${say("send_picture")}</span>
          <input type="file" class="unseen-text" accept=${PICTURE_TYPES} multiple onChange=${(event) => this.chose(event)} /></label>
        ${more}
      </div>
      ${emoji ? html`<${EmojiPanel} choose=${(one) => this.put(one)} close=${() => this.setState({ emoji: false })} />` : null}
      <textarea rows="1" ref=${(field) => field && (this.field = field)} defaultValue=${text} aria-label=${say("write_to", { who: model.people.nameOf(peer) })}
        placeholder=${say(quick ? "write_here_quick" : "write_here")} enterkeyhint="send" autocomplete="off" dir="auto"
        onInput=${() => this.wrote()} onKeyDown=${(event) => { this.shift = event.shiftKey; this.key(event); }}
        onBeforeInput=${(event) => this.before(event)} onPaste=${(event) => this.paste(event)}
        onCompositionStart=${() => { this.isComposing = true; }} onCompositionEnd=${() => { this.isComposing = false; }}
        onBlur=${() => model.drafts.save(peer)}></textarea>
      <button type="submit" class="send" disabled=${isEmpty} aria-label=${say("send")}
        onMouseDown=${(event) => event.preventDefault()}>${icon("send")}<span>${say("send")}</span></button>
    </form>`;
  }

  drawMenu(menu) {
    return html`<ul class="slash-menu" role="listbox" aria-label=${say("quick_replies")}>
      ${menu.items.length === 0 ? html`<li class="empty">${say("no_quick_found")}</li>` : null}
      ${menu.items.map((item, at) => html`<li key=${item.id} role="option" aria-selected=${at === menu.at}
        onMouseDown=${(event) => event.preventDefault()} onClick=${() => this.insert(item)}>
        ${item.shortcut ? html`<kbd>/${item.shortcut}</kbd>` : null}<span>${item.text}</span></li>`)}
    </ul>`;
  }
}

export function isPicture(file) {
  return /^image\//.test(file.type);
}
