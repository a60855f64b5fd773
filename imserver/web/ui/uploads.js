// Pictures on their way to a conversation: one after the other, in the order in which they were chosen, each a message of its own
// once it is there. What the network has lost is tried again with the next connection.

import { uploadPicture } from "./picture.js";
import { asMe } from "./settings.js";

export class Uploads {
  constructor(model) {
    this.model = model;
    this.last = 0;
    /** By peer, what is under way there. */
    this.lines = new Map();
  }

  /** Takes files to be sent. */
  add(peer, files) {
    Array.prototype.forEach.call(files, (file) => {
      this.last += 1;
      const upload = { key: "u" + this.last, file, url: URL.createObjectURL(file), progress: 0 };
      this.model.chat(peer).uploads.push(upload);
      this.start(peer, upload);
    });
    this.model.tell("sent", peer);
  }

  /** Begins, or begins again, when those before it are done. */
  start(peer, upload) {
    upload.state = "pending";
    upload.progress = 0;
    upload.refusal = undefined;
    this.redraw(peer);
    const before = this.lines.get(peer) || Promise.resolve();
    this.lines.set(peer, before.then(() => this.put(peer, upload)));
  }

  /** Of all conversations, what was lost on the way. */
  resume() {
    this.model.chats.forEach((chat) => {
      chat.uploads.filter((upload) => upload.refusal && upload.refusal.code === "lost").forEach((upload) => this.start(chat.peer, upload));
    });
  }

  drop(peer, upload) {
    const chat = this.model.chat(peer);
    chat.uploads = chat.uploads.filter((one) => one !== upload);
    URL.revokeObjectURL(upload.url);
    this.redraw(peer);
  }

  put(peer, upload) {
    const isWanted = () => this.model.chat(peer).uploads.indexOf(upload) >= 0;
    if (!isWanted()) return null;
    const address = asMe("/api/v1/pictures?to_user_id=" + encodeURIComponent(peer));
    const progressed = (progress) => {
      upload.progress = progress;
      this.redraw(peer);
    };
    // It goes again by hand from where it was: the picture is there already.
    const ready = upload.message ? Promise.resolve(upload.message) : uploadPicture(address, upload.file, progressed);
    return ready.then((message) => {
      upload.message = message;
      if (!isWanted()) return;
      if (this.model.send(peer, "image", message)) this.drop(peer, upload);
      else this.failed(peer, upload, { code: "queue_full" });
    }, (error) => this.failed(peer, upload, error));
  }

  failed(peer, upload, error) {
    upload.state = "failed";
    upload.refusal = error;
    this.redraw(peer);
  }

  redraw(peer) {
    this.model.chat(peer).revision += 1;
    this.model.changed();
  }
}
