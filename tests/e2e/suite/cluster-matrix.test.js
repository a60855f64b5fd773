// The table again on two processes behind nginx without stickiness: every request may reach either.

import { ON_TWO } from "../lib/clients.js";
import { startEchoPair } from "../lib/cluster.js";
import { matrix } from "../lib/matrix.js";

matrix(startEchoPair, ON_TWO);
