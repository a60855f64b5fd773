// Telling somebody who looks elsewhere: the count in the title, a sound, a notification of the desktop. Several windows of one
// person make one sound and one notification.

import { summaryOf } from "./message.js";

const KEPT = "im.alerts.";
/** One sound for what comes together. */
const QUIET_MS = 1500;
/** So much later than the first, another window may hear of the same message. */
const HELD_MS = 5000;

export class Alerts {
  constructor(model, title, open) {
    this.model = model;
    this.title = title;
    this.open = open;
    this.lastSound = 0;
    this.wantsSound = kept("sound") !== "off";
    this.wantsNotes = kept("notes") === "on" && this.mayNotify();
    this.audio = null;
    model.on("change", () => this.count());
    model.on("message", (message) => this.came(message));
    // A browser lets nothing be heard before the page was touched.
    const wake = () => this.wake();
    ["pointerdown", "keydown"].forEach((name) => document.addEventListener(name, wake, { once: true }));
  }

  mayNotify() {
    return "Notification" in window && Notification.permission === "granted";
  }

  count() {
    const unread = this.model.unread;
    const title = (unread > 0 ? "(" + (unread > 99 ? "99+" : unread) + ") " : "") + this.title();
    if (document.title !== title) document.title = title;
  }

  turnSound() {
    this.wantsSound = !this.wantsSound;
    keep("sound", this.wantsSound ? "on" : "off");
    if (this.wantsSound) this.ring();
  }

  /** Asks the browser where it must; resolves with whether notifications are on. */
  turnNotes() {
    if (this.wantsNotes || !("Notification" in window)) {
      this.wantsNotes = false;
      keep("notes", "off");
      return Promise.resolve(false);
    }
    return Promise.resolve(Notification.requestPermission()).then((answer) => {
      this.wantsNotes = answer === "granted";
      keep("notes", this.wantsNotes ? "on" : "off");
      return this.wantsNotes;
    });
  }

  came({ chat, entry }) {
    if (chat.muted) return;
    const looks = document.visibilityState === "visible" && document.hasFocus() && this.model.current === chat.peer;
    if (looks) return;
    claim(entry.message_id || entry.id, () => {
      if (this.wantsSound) this.ring();
      if (this.wantsNotes && !(document.visibilityState === "visible" && document.hasFocus())) this.notify(chat, entry);
    });
  }

  notify(chat, entry) {
    const note = new Notification(this.model.people.nameOf(chat.peer), { body: summaryOf(entry), tag: "im-" + chat.peer, renotify: true, silent: true });
    note.onclick = () => {
      window.focus();
      this.open(chat.peer);
      note.close();
    };
  }

  wake() {
    const Audio = window.AudioContext || window.webkitAudioContext;
    if (Audio && !this.audio) this.audio = new Audio();
  }

  ring() {
    const now = Date.now();
    if (!this.audio || now - this.lastSound < QUIET_MS) return;
    this.lastSound = now;
    this.rings = (this.rings || 0) + 1;
    [[880, 0], [1174.7, 0.12]].forEach(([pitch, after]) => {
      const tone = this.audio.createOscillator();
      const volume = this.audio.createGain();
      const at = this.audio.currentTime + after;
      tone.frequency.value = pitch;
      volume.gain.setValueAtTime(0.0001, at);
      volume.gain.exponentialRampToValueAtTime(0.12, at + 0.02);
      volume.gain.exponentialRampToValueAtTime(0.0001, at + 0.35);
      tone.connect(volume).connect(this.audio.destination);
      tone.start(at);
      tone.stop(at + 0.4);
    });
  }
}

/** Calls back in one window of all that heard of a message: the one that gets hold of its name first. */
function claim(message_id, tell) {
  if (!navigator.locks) return tell();
  navigator.locks.request(KEPT + message_id, { ifAvailable: true }, (lock) => {
    if (!lock) return null;
    tell();
    return new Promise((over) => setTimeout(over, HELD_MS));
  });
}

function kept(name) {
  try {
    return localStorage.getItem(KEPT + name);
  } catch (notAllowed) {
    return null;
  }
}

function keep(name, value) {
  try {
    localStorage.setItem(KEPT + name, value);
  } catch (notAllowed) {
    // For this page only.
  }
}
