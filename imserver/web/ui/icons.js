// Line drawings, 24 by 24, in the colour of the text beside them.

import { html } from "./view.js";

const PATHS = {
  search: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM16.2 16.2 21 21",
  back: "M15 5l-7 7 7 7",
  send: "M4 12 20 4l-5 16-3.5-6.5zM11.5 13.5 20 4",
  picture: "M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15.5 9.5h.01",
  emoji: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM8.5 14.5c1.8 2.6 5.2 2.6 7 0M9 9.5h.01M15 9.5h.01",
  close: "M6 6l12 12M18 6 6 18",
  more: "M6 12h.01M12 12h.01M18 12h.01",
  pin: "M9 4h6l-1 6 3 3v2H7v-2l3-3zM12 15v6",
  mute: "M5 9v6h4l5 4V5L9 9zM18 9.5l4 5M22 9.5l-4 5",
  down: "M12 5v14M6 13l6 6 6-6",
  quick: "M13 3 5 13.5h6L10.5 21 19 10h-6z",
  block: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM5.8 5.8l12.4 12.4",
  help: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM9.5 9.3c.3-3.4 5.2-3 5 .2-.1 2-2.5 2-2.5 4M12 17h.01",
  bell: "M6 16V11a6 6 0 0 1 12 0v5l2 2H4zM10 21h4",
  bellOff: "M6 16V11a6 6 0 0 1 9-5.2M18 11v5l2 2H4M10 21h4M4 4l16 16",
  language: "M4 6h9M8.5 4v2c0 4-2 7-5 9M5 9c1 3 4 5 7 6M12 20l4-10 4 10M13.5 17h5",
  retry: "M19 12a7 7 0 1 1-2.2-5.1M19 3v5h-5",
  plus: "M12 5v14M5 12h14",
  edit: "M4 20h4L19 9l-4-4L4 16z",
  trash: "M5 7h14M9 7V4h6v3M7 7l1 13h8l1-13M10.5 11v6M13.5 11v6",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  undo: "M9 6 4 11l5 5M4 11h10a6 6 0 0 1 0 12",
  bag: "M5 8h14l1 13H4zM8.5 8V7a3.5 3.5 0 0 1 7 0v1",
  user: "M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM4 21c1-5 4-7 8-7s7 2 8 7",
  chat: "M4 5h16v11H10l-5 4v-4H4z",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.4 1.4M17.6 17.6 19 19M5 19l1.4-1.4M17.6 6.4 19 5",
  link: "M10 14a4 4 0 0 0 6 0l3-3a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6 0l-3 3a4 4 0 0 0 6 6l1-1",
  offline: "M3 9c5-5 13-5 18 0M6 12.5c3.5-3.3 8.5-3.3 12 0M9.5 16c1.5-1.3 3.5-1.3 5 0M12 19.5h.01M4 3l16 18",
};

export function icon(name, label) {
  const hidden = label ? "false" : "true";
  return html`<svg class="icon" viewBox="0 0 24 24" aria-hidden=${hidden} role=${label ? "img" : "presentation"} aria-label=${label}>
    <path d=${PATHS[name]} />
  </svg>`;
}
