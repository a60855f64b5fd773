// How this page was opened: by whom, for whom, in which language, and what its server wants it to know.

const meta = document.querySelector('meta[name="im-settings"]');
const told = meta ? JSON.parse(meta.content) : {};
const query = new URLSearchParams(location.search);

/** Whether anybody can be anybody. */
export const isDev = told.dev === true;
const loginUrl = told.login_url || "";
export const recallWithinMs = told.recall_within_ms || 120000;

/** A user key, as the protocol writes it. */
export function isUserKey(key) {
  return typeof key === "string" && key.length <= 64 && /^[A-Za-z]*[0-9][0-9A-Za-z_-]*$/.test(key);
}

/** In development, who somebody wants to be; else the cookie says it. */
export const devUser = isDev && isUserKey(query.get("user")) ? query.get("user") : null;

/** Whom the link was made to talk to. */
export const linkTarget = isUserKey(query.get("to")) ? query.get("to") : null;

/** The product whose page was left for this one; nothing of it is more than text and addresses. */
export const linkProduct = productOf(query);

/** In development a merchant is who opens a merchant's page. */
const devRole = location.pathname === "/merchant" ? "merchant" : "buyer";

/** Where the connection goes, and as whom. */
export function where(platform, deviceId) {
  const auth = devUser ? { userId: devUser, role: devRole, deviceId, platform } : { deviceId, platform };
  return { path: told.path || "/socket.io/", auth };
}

/** An address of this server, with who asks where no cookie says it. */
export function asMe(address) {
  if (!devUser || address.charAt(0) !== "/" || address.charAt(1) === "/") return address;
  return address + (address.indexOf("?") < 0 ? "?" : "&") + "role=" + devRole + "&userId=" + encodeURIComponent(devUser);
}

/** A page of this server, opened by the same person in the same language. */
export function pageOf(path, more) {
  const asked = new URLSearchParams(more);
  if (devUser && !asked.has("user")) asked.set("user", devUser);
  if (query.get("lang")) asked.set("lang", query.get("lang"));
  const text = asked.toString();
  return path + (text ? "?" + text : "");
}

/** Where to log in, to come back here; nothing if the site has not said. */
export function loginAddress() {
  if (!loginUrl) return null;
  return loginUrl + (loginUrl.indexOf("?") < 0 ? "?" : "&") + "back=" + encodeURIComponent(location.href);
}

export const wantedLanguage = query.get("lang");

/** The link has done its work: a reload is no new arrival. */
export function forgetLink() {
  ["to", "product", "title", "price", "image", "url"].forEach((name) => query.delete(name));
  const text = query.toString();
  history.replaceState(history.state, "", location.pathname + (text ? "?" + text : ""));
}

function productOf(query) {
  const id = (query.get("product") || "").slice(0, 64);
  const title = (query.get("title") || "").slice(0, 200);
  if (!id || !title) return null;
  const product = { product_id: id, title };
  const price = (query.get("price") || "").slice(0, 32);
  if (price) product.price = price;
  ["image", "url"].forEach((name) => {
    const address = safeAddress(query.get(name));
    if (address) product[name] = address;
  });
  return product;
}

/** An address that a browser may follow: of the web, or of this server. Nothing else, above all no script. */
export function safeAddress(address) {
  // Browsers leave out what is no sign, and take one slash for another.
  if (typeof address !== "string" || address.length > 2000 || /[\x00-\x20\\]/.test(address)) return null;
  if (address.charAt(0) === "/" && address.charAt(1) !== "/") return address;
  return /^https?:\/\/[^\s]+$/i.test(address) ? address : null;
}
