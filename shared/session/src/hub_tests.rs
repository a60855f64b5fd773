//! Membership and subscription in step, under every timing that a scripted medium can make.

use super::*;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Notify;

/// A medium that counts, and that can be made to fail or to wait.
#[derive(Default)]
struct Scripted {
    subscribed: Mutex<HashMap<String, i32>>,
    subscribes: AtomicUsize,
    unsubscribes: AtomicUsize,
    failing: std::sync::atomic::AtomicBool,
    /// It will subscribe when it is back.
    down: std::sync::atomic::AtomicBool,
    /// While set, a subscription waits for `open`.
    shut: std::sync::atomic::AtomicBool,
    open: Notify,
}

impl Medium for Scripted {
    fn subscribe<'a>(&'a self, channel: &'a Channel) -> BoxFuture<'a, Result<Followed, Failure>> {
        Box::pin(async move {
            self.subscribes.fetch_add(1, Ordering::SeqCst);
            if self.shut.load(Ordering::SeqCst) {
                self.open.notified().await;
            }
            if self.failing.load(Ordering::SeqCst) {
                return Err(Failure::unavailable("the medium is down"));
            }
            if self.down.load(Ordering::SeqCst) {
                return Ok(Followed::WhenBack);
            }
            *self.subscribed.lock().entry(channel.to_string()).or_default() += 1;
            Ok(Followed::Now)
        })
    }

    fn unsubscribe<'a>(&'a self, channel: &'a Channel) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            self.unsubscribes.fetch_add(1, Ordering::SeqCst);
            *self.subscribed.lock().entry(channel.to_string()).or_default() -= 1;
            tokio::task::yield_now().await;
        })
    }
}

#[derive(Clone)]
struct Window(Arc<u32>);

impl Member for Window {
    fn same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

fn window(number: u32) -> Window {
    Window(Arc::new(number))
}

fn channel() -> Channel {
    Channel::User("m7".parse().unwrap())
}

#[tokio::test]
async fn a_user_is_subscribed_once_and_left_with_the_last_window() {
    let (hub, medium) = (Hub::default(), Scripted::default());
    let (first, second) = (window(1), window(2));
    hub.join(&medium, &channel(), &first).await.unwrap();
    hub.join(&medium, &channel(), &second).await.unwrap();
    hub.join(&medium, &channel(), &second).await.unwrap();
    assert_eq!((medium.subscribes.load(Ordering::SeqCst), hub.count(&channel())), (1, 2));
    hub.leave(&medium, &channel(), &first).await;
    assert_eq!(medium.unsubscribes.load(Ordering::SeqCst), 0);
    hub.leave(&medium, &channel(), &second).await;
    assert_eq!((medium.unsubscribes.load(Ordering::SeqCst), hub.channels()), (1, 0));
}

#[tokio::test]
async fn joiners_during_a_subscription_wait_for_it() {
    let hub = Arc::new(Hub::default());
    let medium = Arc::new(Scripted::default());
    medium.shut.store(true, Ordering::SeqCst);
    let join = |number| {
        let (hub, medium) = (hub.clone(), medium.clone());
        tokio::spawn(async move { hub.join(&*medium, &channel(), &window(number)).await })
    };
    let (first, second) = (join(1), join(2));
    while hub.count(&channel()) < 2 {
        tokio::task::yield_now().await;
    }
    assert!(!first.is_finished() && !second.is_finished());
    medium.shut.store(false, Ordering::SeqCst);
    medium.open.notify_one();
    first.await.unwrap().unwrap();
    second.await.unwrap().unwrap();
    assert_eq!(medium.subscribes.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_failed_subscription_leaves_nobody_behind() {
    let (hub, medium) = (Hub::default(), Scripted::default());
    medium.failing.store(true, Ordering::SeqCst);
    assert!(hub.join(&medium, &channel(), &window(1)).await.is_err());
    assert_eq!(hub.channels(), 0);
    medium.failing.store(false, Ordering::SeqCst);
    hub.join(&medium, &channel(), &window(1)).await.unwrap();
    assert_eq!(medium.subscribed.lock()["ImMsgPub:m7"], 1);
}

#[tokio::test]
async fn a_joiner_dropped_in_the_middle_of_a_subscription_blocks_nobody() {
    let (hub, medium) = (Hub::default(), Scripted::default());
    medium.shut.store(true, Ordering::SeqCst);
    let gone = window(1);
    {
        let channel = channel();
        let join = hub.join(&medium, &channel, &gone);
        tokio::select! { biased; _ = join => panic!("it should wait"), () = tokio::task::yield_now() => {} }
    }
    medium.shut.store(false, Ordering::SeqCst);
    hub.join(&medium, &channel(), &window(2)).await.unwrap();
    hub.leave(&medium, &channel(), &gone).await;
    assert_eq!((hub.count(&channel()), medium.subscribed.lock()["ImMsgPub:m7"]), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_the_timing_members_mean_subscribed_and_none_mean_not() {
    let hub = Arc::new(Hub::default());
    let medium = Arc::new(Scripted::default());
    let churn = (0..8).map(|number| {
        let (hub, medium) = (hub.clone(), medium.clone());
        tokio::spawn(async move {
            for _ in 0..300 {
                let window = window(number);
                hub.join(&*medium, &channel(), &window).await.unwrap();
                assert_eq!(medium.subscribed.lock()["ImMsgPub:m7"], 1);
                hub.leave(&*medium, &channel(), &window).await;
            }
        })
    });
    for task in churn.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    assert_eq!((medium.subscribed.lock()["ImMsgPub:m7"], hub.channels()), (0, 0));
}

#[tokio::test]
async fn a_member_stays_in_while_the_medium_is_down_and_the_next_one_asks_again() {
    let (hub, medium) = (Hub::default(), Scripted::default());
    medium.down.store(true, Ordering::SeqCst);
    assert_eq!(hub.join(&medium, &channel(), &window(1)).await, Ok(Followed::WhenBack));
    assert_eq!(hub.members(&channel()).len(), 1, "what comes when it is back finds the member");
    medium.down.store(false, Ordering::SeqCst);
    assert_eq!(hub.join(&medium, &channel(), &window(2)).await, Ok(Followed::Now));
    assert_eq!(medium.subscribes.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn who_leaves_while_the_medium_is_down_takes_the_wish_back() {
    let (hub, medium) = (Hub::default(), Scripted::default());
    medium.down.store(true, Ordering::SeqCst);
    let one = window(1);
    hub.join(&medium, &channel(), &one).await.unwrap();
    hub.leave(&medium, &channel(), &one).await;
    assert_eq!(medium.unsubscribes.load(Ordering::SeqCst), 1);
}
