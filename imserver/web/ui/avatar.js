// A person's picture, or the first letter of the name on a colour of their own.

import { html, useState } from "./view.js";
import { asMe, safeAddress } from "./settings.js";

const TONES = 8;

function toneOf(key) {
  let sum = 7;
  for (let at = 0; at < key.length; at += 1) sum = (sum * 31 + key.charCodeAt(at)) % 9973;
  return sum % TONES;
}

export function Avatar({ user, name, address, status, size }) {
  const [failed, setFailed] = useState("");
  const source = safeAddress(address);
  const shown = source && failed !== source;
  const letter = Array.from((name || user || "?").trim())[0] || "?";
  return html`<span class=${"avatar avatar-" + (size || "m")} data-tone=${toneOf(user || "?")} aria-hidden="true">
    ${shown
      ? html`<img src=${asMe(source)} alt="" loading="lazy" referrerpolicy="no-referrer" onError=${() => setFailed(source)} />`
      : html`<b>${letter.toUpperCase()}</b>`}
    ${status ? html`<i class="presence" data-status=${status}></i>` : null}
  </span>`;
}
