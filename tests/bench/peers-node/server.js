// Socket.IO as its documentation shows it: `node server.js PORT [REDIS-URL]`, without an adapter or with the one over Redis.
//
// It does the least that makes it comparable: who connects is in the room of the user, and `exchange` is relayed as it
// came, to a user or to everybody, and acknowledged. It keeps no presence, checks nobody and limits nothing.

import { createServer } from "node:http";
import { Server } from "socket.io";

const [port, url] = process.argv.slice(2);
const options = {};
if (url) {
  const { createClient } = await import("redis");
  const { createAdapter } = await import("@socket.io/redis-adapter");
  const publisher = createClient({ url });
  const subscriber = publisher.duplicate();
  for (const client of [publisher, subscriber]) {
    client.on("error", (error) => console.error(error.message));
    await client.connect();
  }
  options.adapter = createAdapter(publisher, subscriber);
}

const http = createServer();
const io = new Server(http, options);
io.on("connection", (socket) => {
  socket.join(`user:${socket.handshake.query.userId}`);
  socket.on("exchange", (said, answer) => {
    if (said.target.startsWith("user:")) {
      io.to(said.target).emit("exchange", said);
    } else {
      io.emit(said.target, said);
    }
    answer?.({ ok: true });
  });
});
http.listen(Number(port), "127.0.0.1", 4096);
