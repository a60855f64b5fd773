// Who people are and whether they are there: asked for once, in one request for all that were missed in a moment, and kept
// up to date by pushes.

/** Names that are asked for at once, and people whose presence is watched. */
const MOST_AT_ONCE = 200;
const GATHER_MS = 20;

export class People {
  /**
   * @param {(event: string, payload: object) => Promise<any>} ask
   * @param {() => void} changed
   */
  constructor(ask, changed) {
    this.ask = ask;
    this.changed = changed;
    this.profiles = new Map();
    this.presence = new Map();
    this.missing = new Set();
    this.asked = new Set();
    this.watched = new Set();
    this.timer = null;
  }

  /** What somebody is called: the user key until it is known. */
  nameOf(user) {
    const profile = this.profiles.get(user);
    return (profile && (profile.remark || profile.nickname)) || user;
  }

  avatarOf(user) {
    const profile = this.profiles.get(user);
    return (profile && profile.avatar) || "";
  }

  /** `online`, `busy`, `away`, `offline`, or nothing while it is not known. */
  statusOf(user) {
    const presence = this.presence.get(user);
    return presence && (presence.online ? presence.status || "online" : "offline");
  }

  /** Somebody is to be seen. */
  need(user) {
    if (!this.profiles.has(user) && !this.asked.has(user)) this.missing.add(user);
    if (this.watched.size < MOST_AT_ONCE && !this.watched.has(user)) {
      this.watched.add(user);
      this.unwatched = true;
    }
    if (this.timer === null && (this.missing.size > 0 || this.unwatched)) {
      this.timer = setTimeout(() => this.fetch(), GATHER_MS);
    }
  }

  learn(profile) {
    const known = this.profiles.get(profile.user_id) || {};
    this.profiles.set(profile.user_id, Object.assign({}, known, profile));
    this.changed();
  }

  present(push) {
    this.presence.set(push.user_id, { online: push.online === true, status: push.status });
    this.changed();
  }

  /** A new connection watches nobody yet. */
  resume() {
    this.unwatched = this.watched.size > 0;
    this.asked.clear();
    this.fetch();
  }

  fetch() {
    clearTimeout(this.timer);
    this.timer = null;
    const users = Array.from(this.missing).slice(0, MOST_AT_ONCE);
    users.forEach((user) => {
      this.missing.delete(user);
      this.asked.add(user);
    });
    if (users.length > 0) {
      const take = (answer) => answer.users.forEach((profile) => this.learn(profile));
      // Without an answer they are missing still, and asked for on the next connection.
      this.ask("getProfiles", { user_ids: users }).then(take, () => users.forEach((user) => {
        this.asked.delete(user);
        this.missing.add(user);
      }));
    }
    if (this.unwatched) {
      this.unwatched = false;
      const take = (answer) => answer.users.forEach((presence) => this.present(presence));
      this.ask("getPresence", { user_ids: Array.from(this.watched) }).then(take, () => {});
    }
    if (this.missing.size > 0) this.timer = setTimeout(() => this.fetch(), GATHER_MS);
  }
}
