// The time of this device, which does not go back, and one alarm.

export class Clock {
  constructor() {
    this.last = 0;
    /** How far this clock is ahead of a device's that was set back. */
    this.ahead = 0;
    this.timer = null;
    this.at = 0;
  }

  /** Milliseconds since 1970. Where the device's clock is set back, this one goes on from where it was. */
  now() {
    const now = Date.now() + this.ahead;
    if (now < this.last) this.ahead += this.last - now;
    this.last = Math.max(this.last, now);
    return this.last;
  }

  /** Calls back at this time, and at no other that was set before. */
  wake(at, call) {
    if (this.timer !== null && this.at === at) return;
    clearTimeout(this.timer);
    this.timer = null;
    if (at === undefined) return;
    this.at = at;
    this.timer = setTimeout(() => {
      this.timer = null;
      call();
    }, Math.min(Math.max(0, at - this.now()), 0x7fffffff));
  }
}
