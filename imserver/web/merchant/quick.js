// The merchant's own quick replies, the same in all windows.

import { newId } from "../client/index.js";

const MOST_FOUND = 8;

export class Quick {
  constructor(model) {
    this.model = model;
    this.items = [];
    this.isLoaded = false;
    model.on("lists", () => this.load());
  }

  load() {
    return this.model.session.ask("quickReplies", { op: "list" }).then((answer) => {
      this.items = answer.items;
      this.isLoaded = true;
      this.model.changed();
    }, () => this.model.missedLists());
  }

  save(item) {
    const made = Object.assign({}, item, { op: "save", id: item.id || newId() });
    return this.take(this.model.act("quickReplies", made));
  }

  remove(id) {
    return this.take(this.model.act("quickReplies", { op: "remove", id }));
  }

  take(asked) {
    return asked.then((answer) => {
      if (answer) this.items = answer.items;
      this.model.changed();
      return answer !== null;
    });
  }

  /** What letters behind a slash mean: shortcuts that begin so first, then texts that have them anywhere. */
  search(letters) {
    const wanted = letters.toLowerCase();
    const place = (item) => {
      if ((item.shortcut || "").toLowerCase().indexOf(wanted) === 0) return 0;
      return (item.folder + " " + item.text).toLowerCase().indexOf(wanted) >= 0 ? 1 : 2;
    };
    const found = this.items.map((item) => ({ item, place: wanted === "" ? 1 : place(item) })).filter((one) => one.place < 2);
    return found.sort((one, other) => one.place - other.place).slice(0, MOST_FOUND).map((one) => one.item);
  }

  /** By folder, those without one first. */
  groups() {
    const folders = new Map();
    this.items.forEach((item) => {
      const folder = item.folder || "";
      if (!folders.has(folder)) folders.set(folder, []);
      folders.get(folder).push(item);
    });
    return Array.from(folders).sort((one, other) => (one[0] < other[0] ? -1 : 1));
  }
}
