// The buyer's page on a PC: conversations on the left, the one that is open on the right.

import { html, Component } from "./ui/view.js";
import { LanguageButton, open } from "./ui/page.js";
import { say } from "./ui/words.js";
import { icon } from "./ui/icons.js";
import { Avatar } from "./ui/avatar.js";
import { Alerts } from "./ui/alerts.js";
import { Conversations, actionsOf } from "./ui/conversations.js";
import { Pane } from "./ui/pane.js";

class BuyerPc extends Component {
  constructor(props) {
    super(props);
    this.state = { find: null };
    this.alerts = new Alerts(props.model, () => say("title_buyer"), (peer) => props.model.turnTo(peer));
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

  render({ model, revision, redraw }) {
    const { current, people, me } = model;
    const name = me ? people.nameOf(me) : "";
    const chat = current ? model.chat(current) : null;
    return html`<div class="pc">
      <aside class="column-left">
        <header class="own"><${Avatar} user=${me} name=${name} address=${me ? people.avatarOf(me) : ""} />
          <h1 dir="auto">${name || say("title_buyer")}</h1>
          <${LanguageButton} redraw=${redraw} /></header>
        <${Conversations} model=${model} revision=${revision} current=${current} choose=${(peer, entry) => this.choose(peer, entry)}
          actions=${(one) => actionsOf(model, one)} empty=${say("no_conversations_buyer")} />
      </aside>
      <main class="column-main">
        ${chat
          ? html`<${Pane} find=${this.findIn(current)} found=${() => this.setState({ find: null })} model=${model} peer=${current} revision=${revision} focus bar=${bar(model, chat)} />`
          : html`<div class="blank whole-blank"><span class="blank-icon">${icon("chat")}</span><p>${say("choose_one")}</p></div>`}
      </main>
    </div>`;
  }
}

function bar(model, chat) {
  if (chat.id === undefined) return null;
  return html`
    <button type="button" class="tool" aria-pressed=${chat.pinned} title=${say(chat.pinned ? "unpin" : "pin")}
      aria-label=${say("pin")} onClick=${() => model.pin(chat, !chat.pinned)}>${icon("pin")}</button>
    <button type="button" class="tool" aria-pressed=${chat.muted} title=${say(chat.muted ? "unmute" : "mute")}
      aria-label=${say("mute")} onClick=${() => model.mute(chat, !chat.muted)}>${icon("mute")}</button>`;
}

open(BuyerPc, { platform: "pc" });
