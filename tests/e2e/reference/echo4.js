// The oracle: what `imserver/examples/protocol_echo` does, built from the Node reference servers (socket.io 4 with
// `allowEIO3`, engine.io 6). The suite that judges our server must pass here first, so that what it asks for is what
// the protocols' authors built. Same options, same first line on standard output.

import { createServer } from "node:http";
import { Server as EngineServer } from "engine.io";
import { Server as SocketServer } from "socket.io-4";
import { parseArgs } from "node:util";

const { values: flags } = parseArgs({
  options: {
    listen: { type: "string", default: "127.0.0.1:0" },
    "ping-interval": { type: "string", default: "25000" },
    "ping-timeout": { type: "string", default: "10000" },
    "max-payload": { type: "string", default: "1000000" },
    "connect-timeout": { type: "string", default: "45000" },
    "upgrade-timeout": { type: "string", default: "10000" },
    "cors-origin": { type: "string", multiple: true, default: [] },
    "no-eio3": { type: "boolean", default: false },
  },
});

const engineOptions = {
  pingInterval: Number(flags["ping-interval"]),
  pingTimeout: Number(flags["ping-timeout"]),
  maxHttpBufferSize: Number(flags["max-payload"]),
  upgradeTimeout: Number(flags["upgrade-timeout"]),
  allowEIO3: !flags["no-eio3"],
  cors: { origin: flags["cors-origin"], credentials: true },
  allowRequest: (request, answer) => {
    const denied = new URL(request.url, "http://localhost").searchParams.get("deny") === "1";
    answer(denied ? "denied by request" : null, !denied);
  },
};

const http = createServer();
serveRawEcho(http);
serveSocketIo(http);
const [host, port] = flags.listen.split(":");
http.listen(Number(port), host, () => {
  console.log(`listening http://${host}:${http.address().port}`);
});

function serveRawEcho(http) {
  const engine = new EngineServer(engineOptions);
  engine.attach(http, { path: "/engine.io/" });
  engine.on("connection", (socket) => socket.on("message", (data) => socket.send(data)));
}

function serveSocketIo(http) {
  const io = new SocketServer(http, {
    ...engineOptions,
    connectTimeout: Number(flags["connect-timeout"]),
    serveClient: false,
  });
  io.of("/guarded").use((socket, next) => {
    if (socket.handshake.auth.token === "letmein") return next();
    next(Object.assign(new Error("not authorized"), { data: { reason: "bad token" } }));
  });
  for (const name of ["/", "/custom", "/guarded"]) io.of(name).on("connection", (socket) => greet(io, socket));
}

function greet(io, socket) {
  socket.emit("auth", socket.handshake.auth);
  socket.on("message", (...args) => socket.emit("message-back", ...args));
  socket.on("message-with-ack", (...args) => args.pop()(...args));
  socket.on("emit-with-ack", (...args) => {
    socket.emit("emit-with-ack", ...args, (...answer) => socket.emit("emit-with-ack", ...answer));
  });
  socket.on("broadcast", (...args) => socket.nsp.emit("broadcast", ...args));
  socket.on("whoami", (answer) => answer({ auth: socket.handshake.auth, query: socket.handshake.query }));
  socket.on("leave-ns", () => socket.disconnect(false));
  socket.on("kick", () => socket.disconnect(true));
}
