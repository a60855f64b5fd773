// Site IM in one process keeps messages in a file.

import { keepsMessages } from "../lib/kept-behaviours.js";
import { startImserver } from "../lib/server.js";

keepsMessages(async () => {
  const server = await startImserver();
  return { servers: [server], stop: () => server.stop() };
});
