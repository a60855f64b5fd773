// The pages' half of the table on two processes behind nginx without stickiness.

import { ON_TWO } from "../lib/clients.js";
import { startEchoPair } from "../lib/cluster.js";
import { pages } from "../lib/pages.js";

pages(startEchoPair, ON_TWO);
