// Who is typing: told seldom, forgotten soon.

const TELL_EVERY_MS = 3000;
const QUIET_MS = 4000;
// A little longer than the other side's interval, so that the hint does not blink; it also covers an "off" that got lost.
const BELIEVE_MS = 6000;

export class Typing {
  // `tell(peer, on)` sends a hint, `changed()` is called when somebody begins or stops.
  constructor(tell, changed) {
    this.tell = tell;
    this.changed = changed;
    this.toldAt = 0;
    this.told = null;
    this.quiet = null;
    this.others = new Map();
  }

  isTyping(peer) {
    return this.others.has(peer);
  }

  // The person at this window changed the text for `peer`; `some` is false when nothing is left of it.
  wrote(peer, some) {
    if (!some) {
      this.stopped();
      return;
    }
    if (this.told !== peer || Date.now() - this.toldAt > TELL_EVERY_MS) {
      if (this.told !== peer) this.stopped();
      this.told = peer;
      this.toldAt = Date.now();
      this.tell(peer, true);
    }
    clearTimeout(this.quiet);
    this.quiet = setTimeout(() => this.stopped(), QUIET_MS);
  }

  stopped() {
    clearTimeout(this.quiet);
    if (this.told !== null) this.tell(this.told, false);
    this.told = null;
  }

  // The connection is gone, and with it what was known.
  forget() {
    Array.from(this.others.keys()).forEach((peer) => this.heard(peer, false));
  }

  // The server says that `peer` begins or stops.
  heard(peer, on) {
    if (typeof peer !== 'string') return;
    const before = this.others.has(peer);
    clearTimeout(this.others.get(peer));
    this.others.delete(peer);
    if (on) this.others.set(peer, setTimeout(() => this.heard(peer, false), BELIEVE_MS));
    if (before !== this.others.has(peer)) this.changed();
  }
}
