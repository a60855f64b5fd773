//! The in-process bus keeps the contract, and what is only true of it.

#![allow(clippy::unwrap_used)] // a test that meets an error has failed

mod suite;

use bus::Error;
use bus::local::Exchange;
use bytes::Bytes;
use std::sync::Arc;
use suite::{Pair, Side, key};
use types::{Channel, ProcessId};

async fn pair() -> Pair {
    let exchange = Exchange::new();
    let side = async |id| Side::attach(async |sink| exchange.attach(key::<ProcessId>(id), sink).unwrap()).await;
    Pair { a: side("a").await, b: side("b").await, medium: Box::new(()) }
}

mod contract {
    crate::suite::suite!(crate::pair);
}

#[test]
fn a_live_process_id_is_given_once_and_free_again_afterwards() {
    let exchange = Exchange::new();
    let attach = || exchange.attach(key("im1"), Arc::new(|_, _| {}));
    let first = attach().unwrap();
    assert_eq!(attach().err(), Some(Error::ProcessTaken(key("im1"))));
    let twin = first.clone();
    drop(first);
    assert!(attach().is_err(), "a clone still holds the place");
    drop(twin);
    let second = attach().unwrap();
    second.detach();
    assert!(attach().is_ok());
}

#[tokio::test]
async fn dropping_the_last_handle_gives_everything_up() {
    let mut pair = pair().await;
    let channel = Channel::User(key("m7"));
    pair.a.bus.subscribe(&channel).await.unwrap();
    pair.b.bus.subscribe(&channel).await.unwrap();
    drop(pair.a.bus);
    assert_eq!(pair.b.bus.publish(&channel, Bytes::from_static(b"alone")).await, Ok(1));
    pair.b.expect(&channel, "alone").await;
}

#[tokio::test]
async fn publishing_returns_when_every_sink_has_been_called_and_holds_no_lock_meanwhile() {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicUsize, Ordering};

    let exchange = Exchange::new();
    let channel = Channel::Room(key("1"));
    let calls = Arc::new(AtomicUsize::new(0));
    let inner: Arc<OnceLock<bus::Bus>> = Arc::default();
    let (counted, nested) = (calls.clone(), inner.clone());
    // A sink that itself asks the exchange for the stripe of its channel would hang if that were locked.
    let bus = exchange.attach(
        key("a"),
        Arc::new(move |channel, _| {
            counted.fetch_add(1, Ordering::SeqCst);
            let bus = nested.get().unwrap();
            let mut unsubscribing = std::pin::pin!(bus.unsubscribe(channel));
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            assert!(unsubscribing.as_mut().poll(&mut context).is_ready());
        }),
    );
    let bus = bus.unwrap();
    let other = exchange.attach(key("b"), Arc::new(|_, _| {})).unwrap();
    assert!(inner.set(other).is_ok());
    bus.subscribe(&channel).await.unwrap();
    assert_eq!(bus.publish(&channel, Bytes::new()).await, Ok(1));
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_process_that_leaves_while_a_message_is_passed_round_is_passed_over() {
    use std::sync::OnceLock;

    let exchange = Exchange::new();
    let channel = Channel::Room(key("1"));
    let leaving: Arc<OnceLock<bus::Bus>> = Arc::default();
    let other = leaving.clone();
    let first = exchange.attach(key("a"), Arc::new(move |_, _| other.get().unwrap().detach())).unwrap();
    let second = exchange.attach(key("b"), Arc::new(|_, _| panic!("it has left"))).unwrap();
    first.subscribe(&channel).await.unwrap();
    second.subscribe(&channel).await.unwrap();
    assert!(leaving.set(second).is_ok());
    assert_eq!(first.publish(&channel, Bytes::new()).await, Ok(1));
}

#[tokio::test]
async fn nothing_keeps_the_sink_of_a_process_that_left() {
    let exchange = Exchange::new();
    let held = Arc::new(());
    let within = held.clone();
    let bus = exchange.attach(key("a"), Arc::new(move |_, _| assert!(Arc::strong_count(&within) > 0))).unwrap();
    for number in 0..100 {
        bus.subscribe(&Channel::Room(key(&number.to_string()))).await.unwrap();
    }
    drop(bus);
    assert_eq!(Arc::strong_count(&held), 1);
}
