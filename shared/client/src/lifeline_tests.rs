//! Schedules of reconnects, on a clock that the test turns.

use super::*;

const PATIENCE_MS: u64 = 35_000;

fn lifeline(addresses: usize) -> Lifeline {
    Lifeline::new(Timing::default(), Transports::Both, addresses, Pace::exact())
}

/// Waits for the next attempt; when it is, and where.
fn attempt(lifeline: &mut Lifeline) -> (u64, usize, Transport) {
    let due = lifeline.due().unwrap();
    match lifeline.tick(due) {
        Some(Order::Connect { address, transport }) => (due, address, transport),
        other => panic!("no attempt but {other:?}"),
    }
}

fn open(lifeline: &mut Lifeline) -> u64 {
    let (now, ..) = attempt(lifeline);
    lifeline.opened(now, PATIENCE_MS);
    now
}

#[test]
fn waits_grow_and_are_forgotten_after_a_connection_that_held() {
    let mut lifeline = Lifeline::new(Timing::default(), Transports::WebSocketOnly, 1, Pace::exact());
    let mut waits = Vec::new();
    for _ in 0..7 {
        let (now, ..) = attempt(&mut lifeline);
        lifeline.failed(now, Lost::Broken);
        waits.push(lifeline.due().unwrap() - now);
    }
    assert_eq!(waits, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    let now = open(&mut lifeline);
    // One that did not hold does not count as a success.
    lifeline.lost(now + 9_999, Lost::Broken);
    assert_eq!(lifeline.due(), Some(now + 9_999 + 30_000));
    let now = open(&mut lifeline);
    lifeline.lost(now + 10_000, Lost::Broken);
    assert_eq!(lifeline.due(), Some(now + 10_000));
}

#[test]
fn clients_that_were_lost_together_come_back_over_a_second() {
    let waits = (0..1_000).map(|seed| {
        let mut lifeline = Lifeline::new(Timing::default(), Transports::Both, 1, Pace::new(seed));
        let now = open(&mut lifeline);
        lifeline.lost(now + 60_000, Lost::Broken);
        lifeline.due().unwrap() - now - 60_000
    });
    let waits: Vec<u64> = waits.collect();
    assert!(waits.iter().all(|wait| *wait <= 1_000));
    assert!((0..10).all(|tenth| waits.iter().filter(|wait| **wait / 101 == tenth).count() > 50));
}

#[test]
fn addresses_are_tried_in_turn_before_a_wait() {
    let mut lifeline = Lifeline::new(Timing::default(), Transports::WebSocketOnly, 3, Pace::exact());
    let mut seen = Vec::new();
    for _ in 0..7 {
        let (now, address, _) = attempt(&mut lifeline);
        lifeline.failed(now, Lost::Broken);
        seen.push((address, lifeline.due().unwrap() - now));
    }
    assert_eq!(seen, [(0, 0), (1, 0), (2, 1_000), (0, 0), (1, 0), (2, 2_000), (0, 0)]);
}

#[test]
fn polling_is_taken_where_no_websocket_can_be_had() {
    let mut lifeline = lifeline(1);
    let (now, _, transport) = attempt(&mut lifeline);
    assert_eq!(transport, Transport::WebSocket);
    lifeline.failed(now, Lost::NoWebSocket);
    assert_eq!(attempt(&mut lifeline), (now, 0, Transport::Polling));
    lifeline.opened(now, PATIENCE_MS);
    // What worked is taken again, until it fails.
    lifeline.lost(now + 60_000, Lost::Broken);
    let (now, _, transport) = attempt(&mut lifeline);
    assert_eq!(transport, Transport::Polling);
    lifeline.failed(now, Lost::Broken);
    assert_eq!(attempt(&mut lifeline).2, Transport::WebSocket);
}

#[test]
fn each_transport_is_tried_when_nothing_answers() {
    let mut lifeline = lifeline(2);
    let mut seen = Vec::new();
    for _ in 0..6 {
        let (now, address, transport) = attempt(&mut lifeline);
        lifeline.failed(now, Lost::TimedOut);
        seen.push((address, transport == Transport::Polling));
    }
    assert_eq!(seen, [(0, false), (1, false), (0, true), (1, true), (0, false), (1, false)]);
}

#[test]
fn told_to_use_one_transport_it_uses_that() {
    for (transports, transport) in
        [(Transports::PollingOnly, Transport::Polling), (Transports::WebSocketOnly, Transport::WebSocket)]
    {
        let mut lifeline = Lifeline::new(Timing::default(), transports, 1, Pace::exact());
        for why in [Lost::NoWebSocket, Lost::Broken, Lost::TimedOut] {
            let (now, _, used) = attempt(&mut lifeline);
            assert_eq!(used, transport);
            lifeline.failed(now, why);
        }
    }
}

#[test]
fn silence_longer_than_the_heartbeat_allows_ends_a_connection() {
    let mut lifeline = lifeline(1);
    let now = open(&mut lifeline);
    lifeline.heard(now + 20_000);
    assert_eq!(lifeline.tick(now + 54_999), None);
    assert_eq!(lifeline.tick(now + 55_000), Some(Order::Drop(Lost::Silent)));
    assert!(matches!(lifeline.tick(now + 55_000), Some(Order::Connect { .. })));
}

#[test]
fn an_attempt_without_init_is_given_up() {
    let mut lifeline = lifeline(1);
    let (now, ..) = attempt(&mut lifeline);
    assert_eq!(lifeline.tick(now + 14_999), None);
    assert_eq!(lifeline.tick(now + 15_000), Some(Order::Drop(Lost::TimedOut)));
}

#[test]
fn in_doubt_the_old_connection_is_asked_and_kept_if_it_answers() {
    let mut lifeline = lifeline(1);
    let now = open(&mut lifeline) + 20_000;
    lifeline.heard(now);
    assert_eq!(lifeline.suspect(now), Some(Order::Probe));
    assert_eq!(lifeline.suspect(now + 1), None, "one question at a time");
    lifeline.heard(now + 4_000);
    assert_eq!(lifeline.tick(now + 5_000), None);
    // The second time it does not answer: it is closed before a new one is opened, and that at once.
    assert_eq!(lifeline.suspect(now + 6_000), Some(Order::Probe));
    assert_eq!(lifeline.tick(now + 11_000), Some(Order::Drop(Lost::Silent)));
    assert!(matches!(lifeline.tick(now + 11_000), Some(Order::Connect { .. })));
}

#[test]
fn the_network_that_is_back_ends_a_wait_but_not_one_that_the_server_asked_for() {
    let mut lifeline = Lifeline::new(Timing::default(), Transports::WebSocketOnly, 1, Pace::exact());
    for _ in 0..6 {
        let (now, ..) = attempt(&mut lifeline);
        lifeline.failed(now, Lost::Broken);
    }
    let now = lifeline.due().unwrap() - 30_000;
    assert_eq!(lifeline.suspect(now + 5), None);
    assert_eq!(lifeline.due(), Some(now + 5));
    let now = open(&mut lifeline);
    lifeline.lost(now + 60_000, Lost::Closed(4005));
    lifeline.suspect(now + 60_001);
    assert_eq!(lifeline.due(), Some(now + 70_000), "rate_limited: after ten seconds");
}

#[test]
fn what_the_server_asks_for_is_the_least() {
    let mut lifeline = lifeline(1);
    let now = open(&mut lifeline) + 60_000;
    lifeline.heard(now);
    lifeline.drain(now, 3_210);
    lifeline.lost(now + 100, Lost::Closed(4001));
    assert_eq!(lifeline.due(), Some(now + 3_210), "a draining server gives each client its own time");
    let (now, ..) = attempt(&mut lifeline);
    lifeline.failed(now, Lost::Busy { retry_after_ms: Some(7_000) });
    assert_eq!(lifeline.due(), Some(now + 7_000));
    let now = open(&mut lifeline);
    lifeline.lost(now + 60_000, Lost::Closed(4499));
    assert_eq!(lifeline.due(), Some(now + 60_000), "a code of a newer server that is not final");
}

#[test]
fn final_codes_end_it() {
    for code in [4500, 4501, 4999] {
        let mut lifeline = lifeline(1);
        let now = open(&mut lifeline);
        lifeline.lost(now, Lost::Closed(code));
        assert_eq!((lifeline.due(), lifeline.suspect(now), lifeline.tick(now + 1_000_000)), (None, None, None));
    }
}
