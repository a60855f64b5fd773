// Emoji to choose from: those that people use in shops, then the rest of what a keyboard would offer first.

import { html } from "./view.js";
import { say } from "./words.js";

const ALL = Array.from(
  "😀😄😁😆😅😂🤣😊😉😍😘😋😜🤗🤔😐😏😒🙄😌😴😷🤒😎😟😮😲😳🥺😢😭😱😡🙏👍👎👌👏🤝💪👋🙌❤💔💯✨🎉🎁🌹🌟🔥☕🍵🍰🍎🛒📦🚚💰🧧✅❌❓❗",
);

export function EmojiPanel({ choose, close }) {
  const key = (event) => {
    if (event.key === "Escape") close();
    const buttons = Array.from(event.currentTarget.querySelectorAll("button"));
    const at = buttons.indexOf(document.activeElement);
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -10, ArrowDown: 10 };
    const next = steps[event.key] && buttons[at + steps[event.key]];
    if (next) {
      event.preventDefault();
      next.focus();
    }
  };
  return html`<div class="emoji-panel" role="group" aria-label=${say("emoji")} onKeyDown=${key}>
    ${ALL.map((one) => html`<button type="button" key=${one} onClick=${() => choose(one)}>${one}</button>`)}
  </div>`;
}
