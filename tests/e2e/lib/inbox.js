// What arrived, by name and in order, and who waits for it. Every wait is bounded. Runs in Node and in pages.

/** How long anything may take that should happen, in milliseconds. */
export const LIMIT_MS = 10_000;

export class Inbox {
  #arrived = new Map();
  #waiting = new Map();

  put(name, value) {
    const waiter = this.#waiting.get(name)?.shift();
    if (waiter) return waiter(value);
    if (!this.#arrived.has(name)) this.#arrived.set(name, []);
    this.#arrived.get(name).push(value);
  }

  /** The next value under `name`; fails after `limit` milliseconds. */
  next(name, limit = LIMIT_MS) {
    const arrived = this.#arrived.get(name);
    if (arrived?.length) return Promise.resolve(arrived.shift());
    const waiters = this.#waiting.get(name) ?? [];
    this.#waiting.set(name, waiters);
    return new Promise((resolve, reject) => {
      const waiter = (value) => {
        clearTimeout(timer);
        resolve(value);
      };
      const timer = setTimeout(() => {
        waiters.splice(waiters.indexOf(waiter), 1);
        reject(new Error(`no "${name}" within ${limit} ms; arrived instead: ${this.#summary()}`));
      }, limit);
      waiters.push(waiter);
    });
  }

  count(name) {
    return this.#arrived.get(name)?.length ?? 0;
  }

  #summary() {
    const names = [...this.#arrived].filter(([, values]) => values.length).map(([name, values]) => {
      return `${values.length} × ${name}, first ${String(JSON.stringify(values[0])).slice(0, 200)}`;
    });
    return names.join("; ") || "nothing";
  }
}

/** The bytes of whatever a client library uses for binary, or undefined. */
export function toBytes(value) {
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  return undefined;
}
