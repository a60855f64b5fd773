//! The mailbox of a session that polls, without a session around it.

use super::*;
use futures_util::task::noop_waker_ref;

const LIMIT: usize = 1_000;

fn message(text: &str) -> Frame {
    Frame::message(text)
}

fn poll(mailbox: &mut Mailbox, end: Option<CloseReason>) -> Poll<Vec<String>> {
    let frames = mailbox.poll(&mut Context::from_waker(noop_waker_ref()), end);
    frames.map(|frames| frames.iter().map(|frame| String::from_utf8_lossy(frame.payload()).into_owned()).collect())
}

fn ready(packets: &[&str]) -> Poll<Vec<String>> {
    Poll::Ready(packets.iter().map(|packet| (*packet).to_owned()).collect())
}

#[test]
fn volatile_packets_are_taken_by_a_waiting_get_only() {
    let mut mailbox = Mailbox::default();
    assert_eq!(mailbox.put(&[message("early")], Weight::Volatile, LIMIT), Sent::Dropped);
    assert!(poll(&mut mailbox, None).is_pending());
    assert_eq!(mailbox.put(&[message("now")], Weight::Volatile, LIMIT), Sent::Accepted);
    assert_eq!(mailbox.put(&[message("late")], Weight::Volatile, LIMIT), Sent::Dropped);
    assert_eq!(poll(&mut mailbox, None), ready(&["4now"]));
}

#[test]
fn what_waits_is_bounded_and_passing_things_go_first() {
    let mut mailbox = Mailbox::default();
    let quarter = message(&"x".repeat(LIMIT / 4));
    let quarter = std::slice::from_ref(&quarter);
    assert_eq!(mailbox.put(quarter, Weight::Passing, LIMIT), Sent::Accepted);
    assert_eq!(mailbox.put(quarter, Weight::Passing, LIMIT), Sent::Dropped);
    assert_eq!(mailbox.put(quarter, Weight::Firm, LIMIT), Sent::Accepted);
    assert_eq!(mailbox.put(&[quarter, quarter].concat(), Weight::Firm, LIMIT), Sent::Closed);
}

#[test]
fn many_tiny_packets_count_for_what_they_cost() {
    let mut mailbox = Mailbox::default();
    let tiny = [message("")];
    let accepted = (0..1_000).take_while(|_| mailbox.put(&tiny, Weight::Firm, LIMIT) == Sent::Accepted).count();
    assert!(accepted <= LIMIT / ENTRY_BYTES, "{accepted}");
}

#[test]
fn the_server_says_goodbye_in_a_response_of_its_own() {
    let mut mailbox = Mailbox::default();
    mailbox.put(&[message("1")], Weight::Firm, LIMIT);
    assert!(!mailbox.close(CloseReason::Kicked), "something is left to fetch");
    let end = Some(CloseReason::Kicked);
    assert_eq!(poll(&mut mailbox, end), ready(&["41"]));
    assert_eq!(poll(&mut mailbox, end), ready(&["1"]));
    assert!(!mailbox.owes_close);
}

#[test]
fn the_clients_own_goodbye_frees_its_get_with_a_noop() {
    let mut mailbox = Mailbox::default();
    mailbox.put(&[message("unheard")], Weight::Firm, LIMIT);
    assert!(mailbox.close(CloseReason::ClientClosed));
    assert_eq!(poll(&mut mailbox, Some(CloseReason::ClientClosed)), ready(&["6"]));
}

#[test]
fn a_probe_frees_the_get_and_loses_nothing() {
    let mut mailbox = Mailbox::default();
    assert!(poll(&mut mailbox, None).is_pending());
    mailbox.probed();
    assert_eq!(poll(&mut mailbox, None), ready(&["6"]));
    mailbox.put(&[message("kept")], Weight::Firm, LIMIT);
    let handed_over: Vec<_> = mailbox.hand_over().iter().map(|frame| frame.payload().to_vec()).collect();
    assert_eq!(handed_over, [b"4kept".to_vec()]);
}
