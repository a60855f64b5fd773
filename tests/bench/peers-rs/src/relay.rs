//! What a client may do: be in its user's room, and have something relayed.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use socketioxide::SocketIo;
use socketioxide::adapter::Adapter;
use socketioxide::extract::{AckSender, Data, SocketRef};

#[derive(Serialize, Deserialize)]
struct Exchange {
    target: String,
    payload: Value,
}

#[derive(Serialize)]
struct Done {
    ok: bool,
}

pub async fn on_connect<A: Adapter>(socket: SocketRef<A>) {
    let query = socket.req_parts().uri.query().unwrap_or_default();
    let user = query.split('&').find_map(|pair| pair.strip_prefix("userId=")).unwrap_or_default();
    socket.join(format!("user:{user}"));
    socket.on("exchange", async |io: SocketIo<A>, Data(said): Data<Exchange>, answer: AckSender<A>| {
        if said.target.starts_with("user:") {
            io.to(said.target.clone()).emit("exchange", &said).await.ok();
        } else {
            io.emit(said.target.clone(), &said).await.ok();
        }
        answer.send(&Done { ok: true }).ok();
    });
}
