// The keyboard of the console, and the sheet that shows it.

import { html } from "../ui/view.js";
import { say } from "../ui/words.js";
import { Dialog } from "../ui/viewer.js";

/** What is pressed, what it does, and what the sheet says. */
const KEYS = [
  { keys: ["Alt", "↓"], does: "next", is: (event) => event.altKey && event.key === "ArrowDown", with: 1 },
  { keys: ["Alt", "↑"], does: "next", says: "previous", is: (event) => event.altKey && event.key === "ArrowUp", with: -1 },
  { keys: ["Alt", "U"], does: "unread", is: alt("KeyU") },
  { keys: ["Ctrl", "K"], does: "search", is: (event) => (event.ctrlKey || event.metaKey) && event.code === "KeyK" },
  { keys: ["Alt", "I"], does: "write", is: alt("KeyI") },
  { keys: ["Alt", "Q"], does: "quick", is: alt("KeyQ") },
  { keys: ["Alt", "P"], does: "pin", is: alt("KeyP") },
  { keys: ["Alt", "M"], does: "mute", is: alt("KeyM") },
  { keys: ["Alt", "S"], does: "away", is: alt("KeyS") },
  { keys: ["?"], does: "help", is: (event) => event.key === "?" && !isField(event.target) },
];

const IN_FIELD = [
  { keys: ["Enter"], says: "key_send" },
  { keys: ["Shift", "Enter"], says: "key_line" },
  { keys: ["/"], says: "key_slash" },
  { keys: ["Esc"], says: "key_escape" },
];

function alt(code) {
  return (event) => event.altKey && !event.ctrlKey && event.code === code;
}

function isField(element) {
  return /^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName);
}

export class Keys {
  /** @param {Record<string, (value?: number) => void>} acts */
  constructor(acts) {
    document.addEventListener("keydown", (event) => {
      const key = KEYS.find((one) => one.is(event));
      if (!key || document.querySelector('[role="dialog"]')) return;
      event.preventDefault();
      acts[key.does](key.with);
    });
  }
}

export function HelpDialog({ close }) {
  const draw = (key) => html`<tr key=${key.keys.join("")}><td>${key.keys.map((one) => html`<kbd key=${one}>${one}</kbd>`)}</td>
    <td>${say(key.says && key.says.indexOf("key_") === 0 ? key.says : "key_" + (key.says || key.does))}</td></tr>`;
  return html`<${Dialog} title=${say("help")} close=${close}>
    <table class="keys"><tbody>${KEYS.concat(IN_FIELD).map(draw)}</tbody></table>
  <//>`;
}
