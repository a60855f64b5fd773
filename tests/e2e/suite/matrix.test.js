// The table on one process.

import { matrix } from "../lib/matrix.js";
import { startEcho } from "../lib/server.js";

matrix(startEcho);
