//! Agreement with the back end: the published vectors, which another implementation of md5 made, and the default table
//! over all slots.

use super::*;
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vector {
    mark: String,
    sourceid: String,
    uid: String,
    key: String,
    md5: String,
    slot: u16,
    /// The node by the number of nodes.
    node: BTreeMap<NonZeroU16, u16>,
}

fn vectors() -> Vec<Vector> {
    serde_json::from_str(include_str!("../vectors.json")).unwrap()
}

fn count(nodes: u16) -> NonZeroU16 {
    NonZeroU16::new(nodes).unwrap()
}

#[test]
fn every_published_vector_is_met() {
    let vectors = vectors();
    assert!(vectors.len() >= 20);
    for vector in vectors {
        let user: UserKey = format!("{}{}", vector.sourceid, vector.uid).parse().unwrap();
        assert_eq!((user.sourceid(), user.uid()), (&*vector.sourceid, &*vector.uid));
        let key = key(&vector.mark, &user);
        assert_eq!(key, vector.key);
        let hex: String = digest(&key).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, vector.md5, "{key}");
        assert_eq!(slot(&key).number(), vector.slot, "{key}");
        assert!(vector.node.len() >= 8);
        for (nodes, node) in vector.node {
            assert_eq!(node_no(&key, nodes), node, "{key} among {nodes}");
            assert_eq!(SlotTable::default_for(nodes).node(slot(&key)), node, "{key} among {nodes}");
        }
    }
}

#[test]
fn the_vectors_reach_both_ends_of_the_slots() {
    let slots: Vec<u16> = vectors().iter().map(|vector| vector.slot).collect();
    assert!(slots.contains(&0) && slots.contains(&4095));
}

/// One key for every slot, found by trying.
fn a_key_of_each_slot() -> Vec<String> {
    let mut keys = vec![None; SLOTS];
    let mut missing = SLOTS;
    for uid in 0..200_000 {
        let key = format!("{USER_MARK}:{uid}");
        let place = &mut keys[usize::from(slot(&key).number())];
        if place.is_none() {
            *place = Some(key);
            missing -= 1;
        }
        if missing == 0 {
            break;
        }
    }
    keys.into_iter().flatten().collect()
}

#[test]
fn the_default_table_agrees_with_the_back_ends_rule_for_every_slot() {
    let keys = a_key_of_each_slot();
    assert_eq!(keys.len(), SLOTS);
    for nodes in (1..=20).chain([64, 100, 255, 256, 257, 4096, u16::MAX]).map(count) {
        let table = SlotTable::default_for(nodes);
        for key in &keys {
            assert_eq!(table.node(slot(key)), node_no(key, nodes), "{key} among {nodes}");
        }
    }
}

#[test]
fn keys_with_other_marks_fall_elsewhere() {
    // Other marks have other digests: whoever stores something of a user must ask for the place of USER_MARK.
    let user: UserKey = "hua1024".parse().unwrap();
    assert_eq!(key(USER_MARK, &user), "ImMsgPub:hua1024");
    assert_ne!(slot(&key(USER_MARK, &user)), slot(&key("ImOnline", &user)));
}
