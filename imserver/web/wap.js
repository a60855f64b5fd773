// The buyer's page on a phone: one column, either the list or a conversation. The page is as high as what the keyboard leaves
// of the screen, so that the field and the newest message are never behind it.

import { html, Component } from "./ui/view.js";
import { LanguageButton, open } from "./ui/page.js";
import { say } from "./ui/words.js";
import { icon } from "./ui/icons.js";
import { Conversations, actionsOf } from "./ui/conversations.js";
import { Pane } from "./ui/pane.js";

class BuyerWap extends Component {
  constructor(props) {
    super(props);
    this.state = { find: null };
    const { model } = props;
    // The back button leads from a conversation to the list, and from the list out of the page.
    window.addEventListener("popstate", () => {
      // A picture or a menu over the conversation goes first.
      const veil = document.querySelector(".veil");
      if (veil) {
        veil.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
        this.noteOpen();
      } else if (model.current) model.leave();
    });
    model.on("turn", () => this.noteOpen());
    model.on("change", () => this.title());
    this.noteOpen();
  }

  noteOpen() {
    const isNoted = history.state && history.state.im === "chat";
    if (this.props.model.current && !isNoted) history.pushState({ im: "chat" }, "");
  }

  back() {
    if (history.state && history.state.im === "chat") history.back();
    else this.props.model.leave();
  }

  title() {
    const { model } = this.props;
    const name = model.current ? model.people.nameOf(model.current) : say("title_buyer");
    const title = (model.unread > 0 ? "(" + model.unread + ") " : "") + name;
    if (document.title !== title) document.title = title;
  }

  /** What a search has found, while its conversation is open. */
  findIn(peer) {
    const { find } = this.state;
    return find && (find.from_user_id === peer || find.to_user_id === peer) ? find : null;
  }

  choose(peer, entry) {
    this.props.model.turnTo(peer);
    this.setState({ find: entry });
  }

  render({ model, revision, redraw }) {
    const { current } = model;
    if (current) {
      return html`<main class="wap"><${Pane} find=${this.findIn(current)} found=${() => this.setState({ find: null })} model=${model} peer=${current} revision=${revision}
        back=${() => this.back()} /></main>`;
    }
    return html`<main class="wap wap-list">
      <header class="own"><h1>${say("title_buyer")}</h1><${LanguageButton} redraw=${redraw} /></header>
      <${Reconnect} model=${model} />
      <${Conversations} model=${model} revision=${revision} current=${null} choose=${(peer, entry) => this.choose(peer, entry)}
        actions=${(one) => actionsOf(model, one)} empty=${say("no_conversations_buyer")} />
    </main>`;
  }
}

function Reconnect({ model }) {
  if (model.connection.name === "online") return null;
  const text = model.connection.name === "ended" ? say("ended_" + model.connection.why.kind) : say(model.connection.name);
  return html`<div class="banner warn" role="status">${icon("offline")}<span>${text}</span>
    <button type="button" class="link" onClick=${() => model.session.again()}>${say("connect_now")}</button></div>`;
}

/** The height that the keyboard leaves, where the browser does not see to it. */
function keepHeight() {
  const view = window.visualViewport;
  const fit = () => {
    const height = view ? view.height : window.innerHeight;
    document.documentElement.style.setProperty("--height", height + "px");
    window.scrollTo(0, 0);
  };
  if (view) view.addEventListener("resize", fit);
  window.addEventListener("resize", fit);
  fit();
}

keepHeight();
open(BuyerWap, { platform: "wap" });
