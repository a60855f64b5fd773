// What the pages say, in Chinese and in English. Keys are looked up by `say`; `{name}` in a text is filled in.

import { zh } from "./words-zh.js";
import { en } from "./words-en.js";
import { wantedLanguage } from "./settings.js";

const LANGUAGES = { zh, en };
const KEPT = "im.language";

const knows = (name) => Object.prototype.hasOwnProperty.call(LANGUAGES, name);

let current = knows(wantedLanguage) ? wantedLanguage : kept() || "zh";
document.documentElement.lang = current === "zh" ? "zh-CN" : "en";

export function language() {
  return current;
}

/** Everything that is said is said anew by whoever draws next. */
export function speak(name) {
  current = knows(name) ? name : "zh";
  document.documentElement.lang = current === "zh" ? "zh-CN" : "en";
  try {
    localStorage.setItem(KEPT, current);
  } catch (notAllowed) {
    // Spoken until the page is closed.
  }
}

export function say(key, values) {
  const words = LANGUAGES[current][key];
  const text = words === undefined ? key : words;
  return values ? text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole)) : text;
}

/** What an error's code says to the person who caused it; the server's own sentence where it is the reason of a shop. */
export function sayError(error) {
  const code = (error && error.code) || "internal";
  if (code === "refused" && error.message && current === "zh") return say("error_refused") + "：" + error.message;
  const key = "error_" + code;
  return LANGUAGES[current][key] === undefined ? say("error_internal") : say(key);
}

function kept() {
  try {
    const name = localStorage.getItem(KEPT);
    return knows(name) ? name : null;
  } catch (notAllowed) {
    return null;
  }
}
