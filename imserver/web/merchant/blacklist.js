// Whom the merchant has blocked: known in all windows, shown as a list, and undone.

import { html } from "../ui/view.js";
import { say } from "../ui/words.js";
import { icon } from "../ui/icons.js";
import { Avatar } from "../ui/avatar.js";
import { brief } from "../ui/time.js";
import { Dialog } from "../ui/viewer.js";

export class Blacklist {
  constructor(model) {
    this.model = model;
    this.since = new Map();
    model.ignores = (user) => this.has(user);
    model.on("lists", () => this.load());
  }

  has(user) {
    return this.since.has(user);
  }

  load() {
    return this.model.session.ask("listBlocked", {}).then((answer) => {
      this.since = new Map(answer.users.map((one) => [one.user_id, one.since]));
      this.model.changed();
    }, () => this.model.missedLists());
  }

  turn(user) {
    const blocks = !this.has(user);
    return this.model.act(blocks ? "block" : "unblock", { user_id: user }).then((answer) => {
      if (!answer) return;
      if (blocks) this.since.set(user, this.model.now());
      else this.since.delete(user);
      this.model.changed();
    });
  }
}

export function BlacklistDialog({ model, blacklist, close }) {
  const { people } = model;
  const blocked = Array.from(blacklist.since);
  blocked.forEach(([user]) => people.need(user));
  return html`<${Dialog} title=${say("blacklist")} close=${close}>
    ${blocked.length === 0 ? html`<div class="blank"><span class="blank-icon">${icon("block")}</span><p>${say("nobody_blocked")}</p></div>` : null}
    <ul class="plain">${blocked.map(([user, since]) => html`<li key=${user} class="person">
      <${Avatar} user=${user} name=${people.nameOf(user)} address=${people.avatarOf(user)} />
      <span class="person-name" dir="auto">${people.nameOf(user)}</span><time>${brief(since, model.now())}</time>
      <button type="button" class="button" onClick=${() => blacklist.turn(user)}>${say("unblock")}</button></li>`)}</ul>
  <//>`;
}
