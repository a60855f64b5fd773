//! Who is on which ring and node.

use super::*;
use crate::{node_no, parse_nodes};

fn nodes(host: &str, count: u16) -> Vec<Node> {
    (1..=count).map(|port| Node::direct(host, port)).collect()
}

fn two_rings() -> Rings {
    Rings::new(nodes("main", 4)).unwrap().with_push(nodes("push", 3), &["hua", "app"]).unwrap()
}

fn user(key: &str) -> UserKey {
    key.parse().unwrap()
}

#[test]
fn the_source_alone_chooses_the_ring() {
    let rings = two_rings();
    assert_eq!(rings.nodes().len(), 7);
    for uid in 0..200 {
        for (source, ring) in
            [("", "main"), ("m", "main"), ("hu", "main"), ("HUA", "main"), ("hua", "push"), ("app", "push")]
        {
            let user = user(&format!("{source}{uid}"));
            let node = &rings.nodes()[rings.node_of(&user)];
            assert!(node.to_string().starts_with(ring), "{user} is on {node}");
        }
    }
}

#[test]
fn within_a_ring_the_back_ends_rule_places_users_rooms_and_groups() {
    let rings = two_rings();
    let (four, three) = (NonZeroU16::new(4).unwrap(), NonZeroU16::new(3).unwrap());
    for uid in 0..200 {
        let (main, push) = (user(&format!("m{uid}")), user(&format!("hua{uid}")));
        assert_eq!(rings.node_of(&main), usize::from(node_no(&format!("ImMsgPub:{main}"), four)));
        assert_eq!(rings.node_of(&push), 4 + usize::from(node_no(&format!("ImMsgPub:{push}"), three)));
        let room: RoomId = uid.to_string().parse().unwrap();
        assert_eq!(rings.node_of_room(&room), usize::from(node_no(&format!("ImRoom:{room}"), four)));
        let group: GroupId = uid.to_string().parse().unwrap();
        assert_eq!(rings.node_of_group(&group), usize::from(node_no(&format!("ImGroupPub:{group}"), four)));
    }
}

#[test]
fn a_node_in_both_rings_is_one_node() {
    let rings = Rings::new(nodes("both", 2)).unwrap().with_push(nodes("both", 3), &["hua"]).unwrap();
    assert_eq!(rings.nodes().len(), 3);
    let on_push: std::collections::BTreeSet<_> =
        (0..100).map(|uid| rings.node_of(&user(&format!("hua{uid}")))).collect();
    assert_eq!(on_push.into_iter().collect::<Vec<_>>(), [0, 1, 2]);
    let closed = parse_nodes(r#"[{"host": "both", "port": 1, "password": "x"}]"#).unwrap();
    let refused = Rings::new(nodes("both", 2)).unwrap().with_push(closed, &["hua"]);
    assert_eq!(refused.unwrap_err(), RingsError::Passwords("both:1".into()));
}

#[test]
fn what_makes_no_ring_is_refused() {
    assert_eq!(Rings::new(Vec::new()).unwrap_err(), RingsError::Empty);
    assert_eq!(two_rings().with_push(Vec::new(), &["hua"]).unwrap_err(), RingsError::Empty);
    let refused = two_rings().with_push(nodes("push", 1), &["hua", "h1"]);
    assert_eq!(refused.unwrap_err(), RingsError::Source("h1".into()));
}
