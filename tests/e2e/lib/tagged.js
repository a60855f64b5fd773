// How values with bytes inside cross between a test and its page: bytes travel as `{"$bytes": base64}`, and what is
// undefined stays undefined.

export function tagged(value) {
  if (value instanceof Uint8Array) return { $bytes: toBase64(value) };
  return through(value, tagged);
}

export function untagged(value) {
  if (value && typeof value.$bytes === "string") return fromBase64(value.$bytes);
  return through(value, untagged);
}

function through(value, change) {
  if (Array.isArray(value)) return value.map(change);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, change(inner)]));
}

function toBase64(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(text);
}

function fromBase64(base64) {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}
