// What somebody has begun to write to each other side: known at once in this window, and a moment later in all others.
// A text that is being written here is not replaced by an older one from elsewhere.

/** How long writing must rest before it is saved. */
const REST_MS = 600;

export class Drafts {
  /**
   * @param {(event: string, payload: object) => Promise<any>} ask
   * @param {(peer: string) => void} changed a draft is another one now, not by this window's writing
   */
  constructor(ask, changed) {
    this.ask = ask;
    this.changed = changed;
    this.drafts = new Map();
  }

  /** What stands in the field. */
  text(peer) {
    const draft = this.drafts.get(peer);
    return draft ? draft.text : "";
  }

  /** Somebody writes here. */
  write(peer, text) {
    const draft = this.of(peer);
    if (draft.text === text) return;
    draft.text = text;
    clearTimeout(draft.timer);
    // An emptied field was sent, most likely: nobody should find it again.
    draft.timer = setTimeout(() => this.save(peer), text === "" ? 0 : REST_MS);
  }

  /** The server says what is kept, and under which conversation. */
  told(peer, conversation_id, saved) {
    const draft = this.of(peer);
    const isOurs = draft.text === draft.saved;
    const wasNew = draft.conversation_id === undefined;
    draft.conversation_id = conversation_id;
    if (draft.saving === undefined) draft.saved = saved;
    if (isOurs && draft.saving === undefined && draft.text !== saved) {
      draft.text = saved;
      this.changed(peer);
    } else if (wasNew && draft.text !== draft.saved) {
      this.save(peer);
    }
  }

  /** There is a connection again: what was written meanwhile is saved. */
  resume() {
    this.drafts.forEach((draft, peer) => this.save(peer));
  }

  /** Saves at once, as before another conversation is turned to. */
  save(peer) {
    const draft = this.of(peer);
    clearTimeout(draft.timer);
    if (draft.conversation_id === undefined || draft.saving !== undefined || draft.text === draft.saved) return;
    const text = draft.text;
    draft.saving = text;
    const over = (saved) => {
      draft.saving = undefined;
      // Without an answer it may be kept or not: neither is certain.
      draft.saved = saved ? text : undefined;
      // What was written since then; a refusal waits for the next word or the next connection.
      if (saved && draft.text !== text) this.save(peer);
    };
    this.ask("saveDraft", { conversation_id: draft.conversation_id, text }).then(() => over(true), () => over(false));
  }

  of(peer) {
    if (!this.drafts.has(peer)) this.drafts.set(peer, { text: "", saved: "" });
    return this.drafts.get(peer);
  }
}
