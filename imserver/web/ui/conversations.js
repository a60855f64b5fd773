// The list of conversations, and the search over people and messages above it.

import { html, Component } from "./view.js";
import { say } from "./words.js";
import { icon } from "./icons.js";
import { Avatar } from "./avatar.js";
import { Menu } from "./menu.js";
import { summaryOf } from "./message.js";
import { brief } from "./time.js";

const SEARCH_REST_MS = 250;
const FOUND_MOST = 30;

/** Props: `model`, `revision`, `choose(peer, entry?)`, `chats` (the model's list unless told) and `actions(chat)` for the menu of a row. */
export class Conversations extends Component {
  constructor(props) {
    super(props);
    this.state = { query: "", users: [], messages: [], isSearching: false, menu: null };
    this.off = props.model.on("turn", () => this.setState({}));
  }

  componentWillUnmount() {
    this.off();
    clearTimeout(this.timer);
  }

  componentDidUpdate(before) {
    if (before.current !== this.props.current) {
      const row = this.base.querySelector('[aria-current="true"]');
      if (row && row.scrollIntoView) row.scrollIntoView({ block: "nearest" });
    }
  }

  search(query) {
    clearTimeout(this.timer);
    const q = query.trim();
    this.setState({ query, isSearching: q !== "", users: [], messages: [] });
    if (q === "") return;
    this.timer = setTimeout(() => this.find(q), SEARCH_REST_MS);
  }

  find(q) {
    const { session } = this.props.model;
    const take = (part) => (answer) => this.state.query.trim() === q && this.setState(part(answer));
    const users = session.ask("searchUsers", { q, limit: FOUND_MOST }).then(take((answer) => ({ users: answer.users })), () => {});
    const messages = session.ask("searchMessages", { q, limit: FOUND_MOST })
      .then(take((answer) => ({ messages: answer.messages })), () => {});
    Promise.all([users, messages]).then(take(() => ({ isSearching: false })));
  }

  choose(peer, entry) {
    this.search("");
    this.props.choose(peer, entry);
  }

  key(event) {
    // An input method is choosing a word.
    if (event.isComposing || event.keyCode === 229) return;
    const rows = Array.from(this.base.querySelectorAll(".chat-row"));
    const at = rows.indexOf(document.activeElement);
    if (event.key === "Escape" && this.state.query !== "") this.search("");
    else if (event.key === "ArrowDown") (rows[at + 1] || rows[0] || event.target).focus();
    else if (event.key === "ArrowUp" && at >= 0) (rows[at - 1] || this.base.querySelector("input")).focus();
    else if (event.key === "Enter" && event.target.tagName === "INPUT" && rows[0]) rows[0].click();
    else return;
    event.preventDefault();
  }

  openMenu(event, chat) {
    const items = this.props.actions ? this.props.actions(chat) : [];
    if (items.length === 0) return;
    event.preventDefault();
    this.setState({ menu: { items, x: event.clientX, y: event.clientY } });
  }

  render({ model, current, empty, chats = model.list() }, { query, users, messages, isSearching, menu }) {
    return html`<div class="conversations" onKeyDown=${(event) => this.key(event)}>
      <label class="search">${icon("search")}<span class="unseen-text">${say("search")}</span>
        <input type="search" value=${query} placeholder=${say("search")} onInput=${(event) => this.search(event.target.value)} /></label>
      ${query.trim() !== ""
        ? this.drawFound(query.trim(), users, messages, isSearching)
        : html`<nav class="chat-rows" aria-label=${say("conversations")}>
            ${chats.map((chat) => html`<${ChatRow} key=${chat.peer} model=${model} chat=${chat} sign=${signOf(model, chat)} isCurrent=${chat.peer === current}
              choose=${() => this.choose(chat.peer)} menu=${(event) => this.openMenu(event, chat)} />`)}
            ${chats.length > 0 ? null : this.drawNone(empty)}
          </nav>`}
      ${menu ? html`<${Menu} ...${menu} close=${() => this.setState({ menu: null })} />` : null}
    </div>`;
  }

  drawNone(empty) {
    const { model } = this.props;
    if (!model.hasSynced && model.connection.name !== "ended") {
      return html`<div class="bones" role="status" aria-label=${say("loading")}>${[1, 2, 3, 4].map((one) => html`<i class="bone-row" key=${one}></i>`)}</div>`;
    }
    return html`<div class="blank"><span class="blank-icon">${icon("chat")}</span><p>${empty || say("no_conversations")}</p></div>`;
  }

  drawFound(q, users, messages, isSearching) {
    const { model } = this.props;
    const known = model.list().filter((chat) => model.people.nameOf(chat.peer).toLowerCase().indexOf(q.toLowerCase()) >= 0 || chat.peer === q);
    const peers = known.map((chat) => chat.peer);
    users.forEach((user) => {
      if (!model.people.profiles.has(user.user_id)) model.people.profiles.set(user.user_id, user);
      if (peers.indexOf(user.user_id) < 0) peers.push(user.user_id);
    });
    return html`<div class="found">
      ${peers.length > 0 ? html`<h3>${say("found_people")}</h3>` : null}
      ${peers.map((peer) => html`<button type="button" class="chat-row" key=${"p" + peer} onClick=${() => this.choose(peer)}>
        ${faceOf(model, peer)}<span class="chat-text"><b dir="auto">${model.people.nameOf(peer)}</b></span></button>`)}
      ${messages.length > 0 ? html`<h3>${say("found_messages")}</h3>` : null}
      ${messages.map((entry) => this.drawMessage(entry))}
      ${isSearching ? html`<p class="older" role="status"><span class="spinner"></span>${say("searching")}</p>` : null}
      ${!isSearching && peers.length + messages.length === 0 ? html`<div class="blank"><p>${say("nothing_found", { q })}</p></div>` : null}
    </div>`;
  }

  drawMessage(entry) {
    const { model } = this.props;
    const peer = entry.from_user_id === model.me ? entry.to_user_id : entry.from_user_id;
    model.people.need(peer);
    return html`<button type="button" class="chat-row" key=${"m" + entry.message_id} onClick=${() => this.choose(peer, entry)}>
      ${faceOf(model, peer)}
      <span class="chat-text"><span class="chat-top"><b dir="auto">${model.people.nameOf(peer)}</b><time>${brief(entry.send_time, model.now())}</time></span>
        <span class="chat-last" dir="auto">${summaryOf(entry)}</span></span></button>`;
  }
}

/** All that a row shows, in one text: as long as it is the same, the row is not drawn again. */
function signOf(model, chat) {
  const { people } = model;
  const last = chat.last;
  const sending = chat.sendings[chat.sendings.length - 1];
  const typing = chat.typingUntil > Date.now();
  const draft = chat.peer === model.current ? "" : model.drafts.text(chat.peer);
  return [people.nameOf(chat.peer), people.avatarOf(chat.peer), people.statusOf(chat.peer), chat.unread, chat.pinned, chat.muted, typing,
    draft, last && last.message_id, last && last.recalled, sending && sending.message.temp_message_id + sending.state, say("you")].join("\n");
}

class ChatRow extends Component {
  shouldComponentUpdate(props) {
    return props.sign !== this.props.sign || props.isCurrent !== this.props.isCurrent;
  }

  render({ model, chat, isCurrent, choose, menu }) {
    const time = chat.lastTime;
    const unread = chat.unread > 99 ? "99+" : chat.unread;
    return html`<button type="button" class=${chat.pinned ? "chat-row pinned" : "chat-row"} data-peer=${chat.peer} aria-current=${isCurrent}
        onClick=${choose} onContextMenu=${menu}>
      ${faceOf(model, chat.peer)}
      <span class="chat-text">
        <span class="chat-top"><b dir="auto">${model.people.nameOf(chat.peer)}</b>${time > 0 ? html`<time>${brief(time, model.now())}</time>` : null}</span>
        <span class="chat-bottom">${this.drawLast()}
          ${chat.muted ? html`<span class="muted">${icon("mute", say("muted"))}</span>` : null}
          ${chat.unread > 0 ? html`<span class=${chat.muted ? "badge quiet" : "badge"}>${unread}<span class="unseen-text">${say("unread_messages")}</span></span>` : null}
        </span>
      </span>
    </button>`;
  }

  drawLast() {
    const { model, chat } = this.props;
    const draft = chat.peer === model.current ? "" : model.drafts.text(chat.peer);
    if (chat.typingUntil > Date.now()) return html`<span class="chat-last typing">${say("typing")}</span>`;
    if (draft) return html`<span class="chat-last" dir="auto"><i class="draft">${say("draft")}</i>${draft}</span>`;
    const sending = chat.sendings[chat.sendings.length - 1];
    if (sending) {
      const failed = sending.state === "failed" ? html`<i class="draft">${say("failed")}</i>` : null;
      return html`<span class="chat-last" dir="auto">${failed}${summaryOf(sending.message)}</span>`;
    }
    const last = chat.last;
    return html`<span class="chat-last" dir="auto">${last ? summaryOf(last) : ""}</span>`;
  }
}

function faceOf(model, peer) {
  const { people } = model;
  return html`<${Avatar} user=${peer} name=${people.nameOf(peer)} address=${people.avatarOf(peer)} status=${people.statusOf(peer)} />`;
}

/** What can be done with a conversation on every page. */
export function actionsOf(model, chat) {
  if (chat.id === undefined) return [];
  const items = [
    { icon: "pin", text: say(chat.pinned ? "unpin" : "pin"), act: () => model.pin(chat, !chat.pinned) },
    { icon: "mute", text: say(chat.muted ? "unmute" : "mute"), act: () => model.mute(chat, !chat.muted) },
  ];
  if (chat.unread > 0) items.push({ icon: "chat", text: say("mark_read"), act: () => model.clearUnread(chat) });
  return items;
}
