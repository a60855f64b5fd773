// The merchant's console: conversations, the one that is open, and the customer beside it.

import { html, Component } from "./ui/view.js";
import { open } from "./ui/page.js";
import { say } from "./ui/words.js";
import { icon } from "./ui/icons.js";
import { Alerts } from "./ui/alerts.js";
import { Conversations, actionsOf } from "./ui/conversations.js";
import { Pane } from "./ui/pane.js";
import { Blacklist, BlacklistDialog } from "./merchant/blacklist.js";
import { Contacts } from "./merchant/contacts.js";
import { Customer } from "./merchant/customer.js";
import { Desk } from "./merchant/desk.js";
import { HelpDialog, Keys } from "./merchant/keys.js";
import { Quick } from "./merchant/quick.js";
import { QuickPanel } from "./merchant/quick-panel.js";
import { Status } from "./merchant/status.js";

class Console extends Component {
  constructor(props) {
    super(props);
    const { model } = props;
    this.state = { dialog: null, side: "customer", isSideOpen: false, unreadFirst: false, find: null };
    this.alerts = new Alerts(model, () => say("title_merchant"), (peer) => model.turnTo(peer));
    this.quick = new Quick(model);
    this.blacklist = new Blacklist(model);
    this.contacts = new Contacts(model);
    this.status = new Status(model);
    this.keys = new Keys({
      next: (step) => this.step(step),
      unread: () => this.toUnread(),
      search: () => this.focus(".search input"),
      write: () => this.focus(".composer textarea"),
      quick: () => this.setState({ side: "quick", isSideOpen: true }, () => this.focus(".quick-panel input")),
      pin: () => this.withChat((chat) => model.pin(chat, !chat.pinned)),
      mute: () => this.withChat((chat) => model.mute(chat, !chat.muted)),
      away: () => this.status.turn(this.status.own === "away" ? "online" : "away"),
      help: () => this.setState({ dialog: "help" }),
    });
  }

  focus(selector) {
    const element = this.base.querySelector(selector);
    if (element) element.focus();
  }

  withChat(act) {
    const chat = this.props.model.current && this.props.model.chat(this.props.model.current);
    if (chat && chat.id !== undefined) act(chat);
  }

  /** Conversations as the list has them: what waits for an answer first, if that is wanted. */
  shown() {
    const { model } = this.props;
    const all = model.list();
    if (!this.state.unreadFirst) return all;
    // The one that is open keeps its place while it is being read.
    const waits = (chat) => (chat.unread > 0 && !chat.muted) || chat.peer === model.current;
    return all.filter(waits).concat(all.filter((chat) => !waits(chat)));
  }

  step(step) {
    const { model } = this.props;
    const chats = this.shown();
    if (chats.length === 0) return;
    const at = chats.findIndex((chat) => chat.peer === model.current);
    model.turnTo(chats[at < 0 ? 0 : (at + step + chats.length) % chats.length].peer);
  }

  toUnread() {
    const { model } = this.props;
    const waiting = model.list().filter((chat) => chat.unread > 0 && chat.peer !== model.current);
    const first = waiting.find((chat) => !chat.muted) || waiting[0];
    if (first) model.turnTo(first.peer);
    else this.props.toast(say("no_unread"));
  }

  /** What a search has found, while its conversation is open. */
  findIn(peer) {
    const { find } = this.state;
    return find && (find.from_user_id === peer || find.to_user_id === peer) ? find : null;
  }

  choose(peer, entry) {
    const { model } = this.props;
    if (model.current !== peer) model.turnTo(peer);
    this.setState({ find: entry });
  }

  actions(chat) {
    const { model } = this.props;
    const isBlocked = this.blacklist.has(chat.peer);
    const block = { icon: "block", text: say(isBlocked ? "unblock" : "block"), act: () => this.blacklist.turn(chat.peer) };
    return actionsOf(model, chat).concat(block);
  }

  render({ model, revision, redraw }, { dialog, side, isSideOpen, unreadFirst }) {
    const { current } = model;
    const close = () => this.setState({ dialog: null });
    return html`<div class="console">
      <${Desk} model=${model} status=${this.status} alerts=${this.alerts} redraw=${redraw} open=${(name) => this.setState({ dialog: name })} />
      <aside class="column-left">
        <div class="tabs" role="group" aria-label=${say("conversations")}>
          <button type="button" aria-pressed=${!unreadFirst} onClick=${() => this.setState({ unreadFirst: false })}>${say("by_time")}</button>
          <button type="button" aria-pressed=${unreadFirst} onClick=${() => this.setState({ unreadFirst: true })}>${say("unread_first")}
            ${model.unread > 0 ? html`<span class="badge">${model.unread > 99 ? "99+" : model.unread}</span>` : null}</button>
        </div>
        <${Conversations} model=${model} revision=${revision} current=${current} choose=${(peer, entry) => this.choose(peer, entry)}
          chats=${this.shown()} actions=${(chat) => this.actions(chat)} empty=${say("no_conversations_merchant")} />
      </aside>
      <main class="column-main">${current ? this.drawPane(current) : html`<div class="blank whole-blank">
        <span class="blank-icon">${icon("chat")}</span><p>${say("choose_customer")}</p><p class="faint">${say("keys_hint")}</p></div>`}</main>
      <aside class=${isSideOpen ? "column-right open" : "column-right"} aria-label=${say("customer")}>
        <div class="tabs" role="group" aria-label=${say("side_panel")}>
          <button type="button" aria-pressed=${side === "customer"} onClick=${() => this.setState({ side: "customer" })}>${say("customer")}</button>
          <button type="button" aria-pressed=${side === "quick"} onClick=${() => this.setState({ side: "quick" })}>${say("quick_replies")}</button>
          <button type="button" class="tool narrow-only" aria-label=${say("close")} onClick=${() => this.setState({ isSideOpen: false })}>${icon("close")}</button>
        </div>
        ${side === "quick"
          ? html`<${QuickPanel} quick=${this.quick} revision=${revision} insert=${(text) => this.insert(text)} />`
          : html`<${Customer} model=${model} peer=${current} contacts=${this.contacts} blacklist=${this.blacklist} revision=${revision} />`}
      </aside>
      ${dialog === "help" ? html`<${HelpDialog} close=${close} />` : null}
      ${dialog === "blacklist" ? html`<${BlacklistDialog} model=${model} blacklist=${this.blacklist} close=${close} />` : null}
    </div>`;
  }

  insert(text) {
    const { model } = this.props;
    if (!model.current) return;
    const before = model.drafts.text(model.current);
    model.write(model.current, before && !/\s$/.test(before) ? before + " " + text : before + text);
    model.changed();
    this.focus(".composer textarea");
  }

  drawPane(current) {
    const { model, revision } = this.props;
    const chat = model.chat(current);
    const isBlocked = this.blacklist.has(current);
    const bar = html`
      <button type="button" class="tool narrow-only" aria-label=${say("customer")} title=${say("customer")}
        onClick=${() => this.setState({ side: "customer", isSideOpen: true })}>${icon("user")}</button>
      <button type="button" class="tool" aria-pressed=${chat.pinned} aria-label=${say("pin")} title=${say(chat.pinned ? "unpin" : "pin")}
        onClick=${() => this.withChat((one) => model.pin(one, !one.pinned))}>${icon("pin")}</button>
      <button type="button" class="tool" aria-pressed=${chat.muted} aria-label=${say("mute")} title=${say(chat.muted ? "unmute" : "mute")}
        onClick=${() => this.withChat((one) => model.mute(one, !one.muted))}>${icon("mute")}</button>
      <button type="button" class="tool" aria-pressed=${isBlocked} aria-label=${say("block")} title=${say(isBlocked ? "unblock" : "block")}
        onClick=${() => this.blacklist.turn(current)}>${icon("block")}</button>`;
    const more = html`<button type="button" class="tool" aria-label=${say("quick_replies")} title=${say("quick_replies")}
      onClick=${() => this.setState({ side: "quick", isSideOpen: true })}>${icon("quick")}</button>`;
    const side = isBlocked ? html`<p class="banner bad blocked">${icon("block")}<span>${say("is_blocked")}</span>
      <button type="button" class="link" onClick=${() => this.blacklist.turn(current)}>${say("unblock")}</button></p>` : null;
    return html`<${Pane} find=${this.findIn(current)} found=${() => this.setState({ find: null })} model=${model} peer=${current} revision=${revision} focus bar=${bar}
      quick=${this.quick} more=${more} side=${side} />`;
  }
}

open(Console, { platform: "pc", roles: ["merchant", "agent", "admin"] });
