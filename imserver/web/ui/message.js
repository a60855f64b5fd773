// One row of a conversation as it is seen. Whatever people wrote is text here, never markup.

import { html } from "./view.js";
import { asMe, safeAddress } from "./settings.js";
import { say, sayError } from "./words.js";
import { Avatar } from "./avatar.js";
import { icon } from "./icons.js";
import { clock, stamp } from "./time.js";

/** The longest side of a picture in the list, in pixels. */
const THUMB = 220;

/** In one line, for lists and notifications. */
export function summaryOf(entry) {
  if (entry.recalled) return say("recalled_short");
  const body = entry.message;
  switch (entry.type) {
    case "text":
    case "emoji":
      return typeof body === "string" ? body : "";
    case "image":
      return say("kind_image");
    case "product":
      return say("kind_product") + " " + textOf(body, "title");
    case "card":
      return say("kind_card") + " " + textOf(body, "title");
    case "order":
      return say("kind_order") + " " + textOf(body, "title");
    case "system":
      return textOf(body, "text");
    default:
      return say("kind_other");
  }
}

/** `look` has `model`, `names` (whether the other side's picture is shown), `open(url)` and `menu(event, row)`. */
export function drawRow(row, look) {
  if (row.kind === "time") return html`<p class="stamp"><time>${stamp(row.time, look.model.now())}</time></p>`;
  if (row.kind === "new") return html`<p class="new-from"><span>${say("new_from_here")}</span></p>`;
  if (row.kind === "upload") return drawUpload(row.upload, look);
  if (row.kind === "sending") return drawSending(row.sending, look);
  return drawEntry(row, look);
}

function drawEntry(row, look) {
  const { entry, mine } = row;
  if (entry.recalled) {
    const who = mine ? say("you") : look.model.people.nameOf(entry.from_user_id);
    return html`<p class="notice">${say("recalled", { who })}
      ${mine && look.again && typeof look.again(entry) === "string"
        ? html`<button type="button" class="link" onClick=${() => look.rewrite(entry)}>${say("rewrite")}</button>` : null}</p>`;
  }
  if (entry.type === "system") return html`<p class="notice">${textOf(entry.message, "text")}</p>`;
  const unseen = !mine && !entry.read_at ? entry.message_id : null;
  const state = mine ? (entry.read_at ? "read" : "sent") : null;
  return html`<div class=${"message " + (mine ? "mine" : "theirs") + (row.follows ? " follows" : "")}
      data-unseen=${unseen} data-id=${entry.message_id} data-state=${state}>
    ${mine ? null : face(entry.from_user_id, look)}
    <div class="said" onContextMenu=${(event) => look.menu(event, row)}>
      <span class="unseen-text">${mine ? say("you") : look.model.people.nameOf(entry.from_user_id)}:</span>
      ${body(entry.type, entry.message, look)}
      <span class="unseen-text">${clock(entry.send_time)}</span>
    </div>
    <div class="side">
      <button type="button" class="act" aria-label=${say("message_menu")} onClick=${(event) => look.menu(event, row)}>${icon("more")}</button>
      ${mine ? html`<span class="mark">${say(entry.read_at ? "read" : "unread_mark")}</span>` : null}
    </div>
  </div>`;
}

function drawSending(sending, look) {
  const { message, state, refusal } = sending;
  const failed = state === "failed";
  return html`<div class="message mine" data-state=${state}>
    <div class="said">
      ${body(message.type, message.message, look)}
      ${failed ? html`<p class="why" role="alert">${sayError(refusal)}</p>` : null}
    </div>
    <div class="side">
      ${failed
        ? html`<button type="button" class="retry" onClick=${() => look.model.retry(sending)}>${icon("retry")}${say("retry")}</button>
            <button type="button" class="link" onClick=${() => look.model.discard(sending)}>${say("discard")}</button>`
        : html`<span class="mark pending">${say(look.model.connection.name === "online" ? "sending" : "waiting")}</span>`}
    </div>
  </div>`;
}

function drawUpload(upload, look) {
  const failed = upload.state === "failed";
  const peer = look.peer;
  const percent = Math.round(upload.progress * 100);
  return html`<div class="message mine" data-state=${upload.state}>
    <div class="said">
      <div class="bubble picture uploading"><img src=${upload.url} alt="" />
        ${failed ? null : html`<progress max="100" value=${percent} aria-label=${say("uploading")}></progress>`}</div>
      ${failed ? html`<p class="why" role="alert">${sayError(upload.refusal)}</p>` : null}
    </div>
    <div class="side">
      ${failed
        ? html`<button type="button" class="retry" onClick=${() => look.model.uploads.start(peer, upload)}>${icon("retry")}${say("retry")}</button>
            <button type="button" class="link" onClick=${() => look.model.uploads.drop(peer, upload)}>${say("discard")}</button>`
        : html`<span class="mark pending">${percent}%</span>`}
    </div>
  </div>`;
}

function face(user, look) {
  const people = look.model.people;
  return html`<${Avatar} user=${user} name=${people.nameOf(user)} address=${people.avatarOf(user)} size="s" />`;
}

function body(type, message, look) {
  if (type === "emoji" && typeof message === "string") return html`<div class="bubble big">${message}</div>`;
  if (type === "text" && typeof message === "string") return html`<div class="bubble text" dir="auto">${linked(message)}</div>`;
  if (type === "image" && message && safeAddress(message.url)) return picture(message, look);
  if ((type === "product" || type === "card" || type === "order") && message) return card(type, message);
  return html`<div class="bubble text faint">${say("cannot_show")}</div>`;
}

/** Addresses in a text can be followed; who wrote them learns nothing of the page that they were on. */
function linked(text) {
  const parts = text.split(/(https?:\/\/[^\s<>"'，。！？；、）】》]+)/i);
  return parts.map((part, at) => (at % 2 === 0 ? part
    : html`<a href=${part} target="_blank" rel="noopener noreferrer nofollow ugc">${part}</a>`));
}

function picture(message, look) {
  const scale = Math.min(1, THUMB / Math.max(message.width || THUMB, message.height || THUMB));
  const width = Math.max(48, Math.round((message.width || THUMB) * scale));
  const height = Math.max(48, Math.round((message.height || THUMB) * scale));
  const small = asMe(safeAddress(message.small_url) || message.url);
  return html`<button type="button" class="bubble picture" aria-label=${say("open_picture")} onClick=${() => look.open(asMe(message.url))}>
    <img src=${small} width=${width} height=${height} alt=${say("kind_image")} loading="lazy" />
  </button>`;
}

/** A product, or what the site says of an order: a picture, a title, a price, an address. */
export function card(type, message) {
  const address = safeAddress(message.url);
  const image = safeAddress(message.image);
  const price = textOf(message, "price");
  const inside = html`
    ${image ? html`<img src=${asMe(image)} alt="" loading="lazy" referrerpolicy="no-referrer" />` : html`<span class="no-image">${icon("bag")}</span>`}
    <span class="card-text">
      <span class="card-title" dir="auto">${textOf(message, "title")}</span>
      ${price ? html`<span class="price">${/^[0-9.,]+$/.test(price) ? "¥" + price : price}</span>` : null}
      ${textOf(message, "text") ? html`<span class="card-more">${textOf(message, "text")}</span>` : null}
    </span>`;
  const kind = html`<span class="card-kind">${say("kind_" + type).replace(/[[\]]/g, "")}</span>`;
  return address
    ? html`<a class="bubble card" href=${address} target="_blank" rel="noopener noreferrer ugc">${kind}<span class="card-row">${inside}</span></a>`
    : html`<div class="bubble card">${kind}<span class="card-row">${inside}</span></div>`;
}

/** A field of what came from elsewhere, as a text of bounded length. */
export function textOf(object, name) {
  const value = object && object[name];
  return typeof value === "string" || typeof value === "number" ? String(value).slice(0, 500) : "";
}
