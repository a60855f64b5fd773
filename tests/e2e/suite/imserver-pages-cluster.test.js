// The pages on two processes over four Redis nodes and MariaDB: buyers on one, merchants on the other.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startCluster } from "../lib/cluster.js";
import { startMariadb } from "../lib/mariadb.js";
import { pagesWork } from "../lib/page-behaviours.js";

pagesWork(async () => {
  const pictures = mkdtempSync(join(tmpdir(), "im-e2e-"));
  const database = await startMariadb();
  const cluster = await startCluster({ IM__STORE__URL: database.url, IM__PICTURES__DIR: pictures }, [database]);
  const stop = async () => {
    await cluster.stop();
    rmSync(pictures, { recursive: true, force: true });
  };
  return { urls: cluster.servers.map((server) => server.url), stop };
});
