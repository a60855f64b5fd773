// The pages on one process, as `cargo run` serves them.

import { pagesWork } from "../lib/page-behaviours.js";
import { startStandalone } from "../lib/server.js";

pagesWork(async () => {
  const server = await startStandalone();
  return { urls: [server.url, server.url], stop: () => server.stop() };
});
