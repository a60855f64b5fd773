//! Whatever the order, the repetition and the loss of what is sent, the client ends with the site's entries in the site's
//! order.

use crate::world::{PEERS, World};
use proptest::prelude::*;

/// What happens next.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// Somebody writes to the client's user.
    Hears(usize),
    /// The client's user writes from another device.
    SaysElsewhere(usize),
    /// The client writes.
    Says(usize),
    /// The last message that somebody wrote to the user is recalled.
    Recalled(usize),
    /// Somebody has read all that the user wrote.
    ReadBy(usize),
    /// The user reads, pins, or deletes on another device.
    ReadsElsewhere(usize),
    PinsElsewhere(usize, bool),
    DraftsElsewhere(usize, u8),
    DeletesElsewhere(usize),
    /// The same from the client.
    Reads(usize),
    Recalls(usize),
    Pins(usize, bool),
    GoesBack(usize),
    Waits(u16),
    Reconnects(u16),
    RedisForgets,
}

fn step() -> impl Strategy<Value = Step> {
    let peer = 0..PEERS.len();
    prop_oneof![
        6 => peer.clone().prop_map(Step::Hears),
        2 => peer.clone().prop_map(Step::SaysElsewhere),
        4 => peer.clone().prop_map(Step::Says),
        1 => peer.clone().prop_map(Step::Recalled),
        1 => peer.clone().prop_map(Step::ReadBy),
        1 => peer.clone().prop_map(Step::ReadsElsewhere),
        1 => (peer.clone(), any::<bool>()).prop_map(|(peer, on)| Step::PinsElsewhere(peer, on)),
        1 => (peer.clone(), any::<u8>()).prop_map(|(peer, text)| Step::DraftsElsewhere(peer, text)),
        1 => peer.clone().prop_map(Step::DeletesElsewhere),
        1 => peer.clone().prop_map(Step::Reads),
        1 => peer.clone().prop_map(Step::Recalls),
        1 => (peer.clone(), any::<bool>()).prop_map(|(peer, on)| Step::Pins(peer, on)),
        1 => peer.prop_map(Step::GoesBack),
        4 => (0..400u16).prop_map(Step::Waits),
        1 => (0..3_000u16).prop_map(Step::Waits),
        2 => (0..500u16).prop_map(Step::Reconnects),
        1 => Just(Step::RedisForgets),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_client_ends_with_what_the_site_has(
        steps in prop::collection::vec(step(), 1..120),
        seed in any::<u64>(),
        loss in prop_oneof![Just(0u64), Just(10), Just(30)],
        page in 3..40usize,
        keep in prop_oneof![Just(5usize), Just(2_000)],
    ) {
        let mut world = World::new(seed, loss, page, keep);
        steps.iter().for_each(|step| world.step(step));
        world.come_to_rest();
        let found = world.check();
        prop_assert!(found.is_ok(), "{}\n{}", found.unwrap_err(), world.log.join("\n"));
    }
}
