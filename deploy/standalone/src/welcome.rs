//! What a person sees who starts it: where to look, and something to paste.

use std::io::Write;
use std::net::SocketAddr;

/// Prints the address of the page, and in dev mode a client to paste.
pub(crate) fn print(address: SocketAddr, is_dev: bool) {
    let mut out = std::io::stdout().lock();
    // Nobody reads a closed standard output: no reason not to serve.
    out.write_all(text(address, is_dev).as_bytes()).and_then(|()| out.flush()).ok();
}

fn text(address: SocketAddr, is_dev: bool) -> String {
    if !is_dev {
        return format!("\n  The site IM is at http://{address}/ (clients need a token)\n\n");
    }
    format!(
        r#"
  Buyers and a merchant to be, in a browser: http://{address}/

  A client of your own (npm install socket.io-client, then paste into node):

    const {{ io }} = require("socket.io-client");
    const socket = io("http://{address}", {{ auth: {{ userId: "8" }} }});
    socket.on("init", (init) => console.log("connected as", init.user, "on", init.process));
    socket.on("exchange", (event) => console.log(event.data.payload));
    socket.emit("exchange", {{ target: "user:8", payload: {{ text: "你好" }} }}, console.log);

"#
    )
}
