// The bar above the console: who this is, how he wants to be seen, and how he wants to be told.

import { html, Component } from "../ui/view.js";
import { LanguageButton } from "../ui/page.js";
import { say } from "../ui/words.js";
import { icon } from "../ui/icons.js";
import { Avatar } from "../ui/avatar.js";
import { STATUSES } from "./status.js";

export class Desk extends Component {
  render({ model, status, alerts, redraw, open }) {
    const { people, me } = model;
    const name = me ? people.nameOf(me) : "";
    const own = status.own;
    const notes = () => alerts.turnNotes().then(redraw);
    const sound = () => {
      alerts.turnSound();
      redraw();
    };
    return html`<header class="desk">
      <${Avatar} user=${me} name=${name} address=${me ? people.avatarOf(me) : ""} />
      <h1 dir="auto">${name || say("title_merchant")}</h1>
      <label class="status-switch" data-status=${own}><i class="presence" data-status=${own}></i><span class="unseen-text">${say("status")}</span>
        <select value=${own} onChange=${(event) => status.turn(event.target.value)} disabled=${model.connection.name !== "online"}>
          ${own === "offline" ? html`<option value="offline">${say("status_offline")}</option>` : null}
          ${STATUSES.map((one) => html`<option key=${one} value=${one}>${say("status_" + one)}</option>`)}
        </select></label>
      <span class="stretch"></span>
      <button type="button" class="tool" aria-pressed=${alerts.wantsSound} aria-label=${say("sound")}
        title=${say(alerts.wantsSound ? "sound_on" : "sound_off")} onClick=${sound}>${icon(alerts.wantsSound ? "bell" : "bellOff")}</button>
      <button type="button" class="button" aria-pressed=${alerts.wantsNotes} onClick=${notes}>${say(alerts.wantsNotes ? "notes_on" : "notes_off")}</button>
      <button type="button" class="tool" aria-label=${say("blacklist")} title=${say("blacklist")} onClick=${() => open("blacklist")}>${icon("block")}</button>
      <button type="button" class="tool" aria-label=${say("help")} title=${say("help")} onClick=${() => open("help")}>${icon("help")}</button>
      <${LanguageButton} redraw=${redraw} />
    </header>`;
  }
}
