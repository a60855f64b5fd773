// The client for pages and apps in JavaScript: `new Session({where, storage}).on("outputs", show).start()`.

export { Session, newId } from "./session.js";
export { Rules } from "./rules.js";
export { compareIds } from "./rules/ids.js";
