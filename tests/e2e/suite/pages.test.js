// Clients inside Chromium, cross-origin: binary XHR polling, the upgrade, and for protocol 3 forced base64 and JSONP.

import { pages } from "../lib/pages.js";
import { startEcho } from "../lib/server.js";

pages(startEcho);
