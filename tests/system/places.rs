//! Who is on which node, and what a process says of its nodes.

use serde_json::Value;
use shard::{Node, Rings};
use tests::{Server, eventually, http};

/// Four nodes. Who is on the first or second of four is on the first or second of two.
fn rings() -> Rings {
    Rings::new((1..=4).map(|port| Node::direct("node", port)).collect()).unwrap()
}

/// So many users of the node with this number, of two or four.
pub(crate) fn users_on<const N: usize>(node: usize) -> [String; N] {
    let all = (1_000..).map(|uid: u32| uid.to_string());
    let mut there = all.filter(|user| rings().node_of(&user.parse().unwrap()) == node);
    std::array::from_fn(|_| there.next().unwrap())
}

/// A room on the node with this number, of two or four.
pub(crate) fn room_on(node: usize) -> String {
    let mut all = (7_000..).map(|room: u32| room.to_string());
    all.find(|room| rings().node_of_room(&room.parse().unwrap()) == node).unwrap()
}

/// Waits until a process says of exactly these parts that they are out of order; it is ready all the same.
pub(crate) async fn degraded(server: &Server, parts: &[String]) {
    let admin = server.listener("admin").await;
    let says = async || {
        let answer = http::get(admin, "/readyz").await.unwrap();
        let report: Value = serde_json::from_slice(&answer.body).unwrap();
        let as_wanted = report["degraded"] == Value::from(parts) && answer.status == 200 && report["ready"] == true;
        as_wanted.then_some(()).ok_or(report)
    };
    eventually("the process says what is out of order", says).await;
    for part in parts {
        let metric = format!("im_degraded{{part=\"{part}\"}}");
        assert_eq!(server.metric(&metric).await.unwrap(), 1.0, "{metric}");
        let node = part.trim_start_matches("redis ");
        let metric = format!("im_bus_node_up{{node=\"{node}\"}}");
        assert_eq!(server.metric(&metric).await.unwrap(), 0.0, "{metric}");
    }
}

/// Opens a room through a process's door, for anyone.
pub(crate) async fn put_room(server: &Server, room: &str) {
    let door = server.listener("internal").await;
    let path = format!("/internal/v1/rooms/{room}");
    let json = [("Content-Type", "application/json")];
    let answer = http::request(door, "PUT", &path, &json, br#"{"members":[]}"#).await.unwrap();
    assert_eq!(answer.status, 204, "{}", answer.text());
}
