// Two processes of site IM keep messages in one database, and tell of them over four Redis nodes.

import { startCluster } from "../lib/cluster.js";
import { keepsMessages } from "../lib/kept-behaviours.js";
import { startMariadb } from "../lib/mariadb.js";

keepsMessages(async () => {
  const database = await startMariadb();
  const cluster = await startCluster({ IM__STORE__URL: database.url }, [database]);
  return { servers: cluster.servers, stop: cluster.stop };
});
