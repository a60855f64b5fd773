// How the merchant wants to be seen, and the automatic away of who has not touched any window for a while.

/** Without a touch for so long, somebody who is on line is away. */
const AWAY_AFTER_MS = 5 * 60 * 1000;
const LOOK_EVERY_MS = 5000;
const NOTED_EVERY_MS = 2000;
const KEPT = "im.active";

export const STATUSES = ["online", "busy", "away", "invisible"];

export class Status {
  constructor(model) {
    this.model = model;
    this.wanted = null;
    this.isAuto = false;
    this.noted = 0;
    const touched = () => this.touched();
    ["pointerdown", "pointermove", "keydown", "wheel"].forEach((name) => document.addEventListener(name, touched, { passive: true }));
    setInterval(() => this.look(), LOOK_EVERY_MS);
    this.touched();
  }

  /** As the server has it: another window may have changed it. */
  get own() {
    const { model } = this;
    const status = model.me && model.people.statusOf(model.me);
    // Nobody who reads this is off line: others see him so because he wants it.
    if (status === "offline") return model.connection.name === "online" ? "invisible" : "offline";
    return status || this.wanted || "online";
  }

  turn(status) {
    this.isAuto = false;
    return this.set(status);
  }

  set(status) {
    this.wanted = status;
    return this.model.act("changeStatus", { status }).then((answer) => {
      if (answer) this.model.people.present({ user_id: this.model.me, online: status !== "invisible", status });
      return answer;
    });
  }

  touched() {
    const now = Date.now();
    if (now - this.noted < NOTED_EVERY_MS) return;
    this.noted = now;
    try {
      localStorage.setItem(KEPT, String(now));
    } catch (notAllowed) {
      // This window counts alone.
    }
    if (this.isAuto) this.comeBack();
  }

  /** Back from an away that nobody chose; tried again until the server has it. */
  comeBack() {
    if (this.model.connection.name !== "online") return;
    this.set("online").then((answer) => {
      if (answer) this.isAuto = false;
    });
  }

  look() {
    if (this.model.connection.name !== "online") return;
    const idle = Date.now() - this.lastTouch();
    if (this.own === "online" && idle >= AWAY_AFTER_MS) {
      this.isAuto = true;
      this.set("away");
    } else if (this.isAuto && this.own === "away" && idle < AWAY_AFTER_MS) {
      // Another window was touched.
      this.comeBack();
    }
  }

  lastTouch() {
    try {
      return Math.max(this.noted, Number(localStorage.getItem(KEPT)) || 0);
    } catch (notAllowed) {
      return this.noted;
    }
  }
}
