// Ids that no other window makes.

export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return Array.prototype.map.call(bytes, (byte) => (byte < 16 ? '0' : '') + byte.toString(16)).join('');
}
