// Messages on their way, kept where they outlive the page: each under a name of its own, so that several windows of a user
// do not write over each other. What two of them send, the server knows by its name and keeps once.

const PREFIX = "im.out.";

export class Queue {
  /** @param {Storage | undefined} storage without one nothing outlives the page */
  constructor(storage, user) {
    this.storage = storage;
    this.prefix = PREFIX + user + ".";
  }

  /** All that wait, oldest first. */
  all() {
    const kept = [];
    this.attempt((storage) => {
      for (let index = 0; index < storage.length; index += 1) {
        const name = storage.key(index);
        const one = name && name.indexOf(this.prefix) === 0 && read(storage.getItem(name));
        if (one) kept.push(one);
      }
    });
    return kept.sort((one, other) => one.message.made_at - other.message.made_at);
  }

  keep(message, failed) {
    this.attempt((storage) => storage.setItem(this.prefix + message.temp_message_id, JSON.stringify({ message, failed })));
  }

  forget(temp_message_id) {
    this.attempt((storage) => storage.removeItem(this.prefix + temp_message_id));
  }

  /** A storage may be full or forbidden. What is sent is sent all the same; only a closed page would lose it. */
  attempt(use) {
    try {
      if (this.storage) use(this.storage);
    } catch (refused) {
      // See above.
    }
  }
}

function read(json) {
  try {
    const kept = JSON.parse(json);
    const { temp_message_id, to_user_id, made_at } = kept.message;
    return [typeof temp_message_id, typeof to_user_id, typeof made_at].join() === "string,string,number" ? kept : null;
  } catch (notOurs) {
    return null;
  }
}
