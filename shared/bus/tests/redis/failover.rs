//! A master fails over: the Sentinels name another, and live traffic goes on there.

use crate::attached::{Attached, eventually};
use crate::sentinel::{self, FakeSentinel};
use crate::suite::connection;
use parts::redis::Redis as Server;
use parts::sentinel::Watched;
use types::{Channel, Status, UserKey};

struct Scene {
    watched: Watched,
    a: Attached,
    b: Attached,
    user: UserKey,
    channel: Channel,
}

impl Scene {
    async fn set() -> Self {
        let watched = sentinel::watched().await;
        let attach = async |id| Attached::with(sentinel::rings(&watched), id, |_| {}).await.unwrap();
        let (a, b) = (attach("a").await, attach("b").await);
        let user: UserKey = "m7".parse().unwrap();
        let channel = Channel::User(user.clone());
        a.bus.subscribe(&channel).await.unwrap();
        a.bus.register(&user, connection("a.1")).await.unwrap();
        a.bus.set_status(&user, Status::Busy).await.unwrap();
        Self { watched, a, b, user, channel }
    }

    /// On the replica, which is the master then.
    async fn goes_on(&mut self) {
        self.a.told_gap(&self.channel).await;
        let (b, channel) = (&self.b, &self.channel);
        eventually("a publishes to b", async || b.publish(channel, "news").await == Ok(1)).await;
        self.a.expect(&self.channel, "news").await;
        let seen = async || self.b.bus.presence(std::slice::from_ref(&self.user)).await.unwrap()[0].1;
        eventually("presence is there", async || seen().await == Status::Busy).await;
        assert!(self.watched.replica.ask(&["ROLE"]).starts_with("master"));
        assert_eq!(
            self.watched.replica.ask(&["PUBSUB", "NUMSUB", &self.channel.to_string()]).lines().last(),
            Some("1")
        );
    }
}

#[tokio::test]
async fn a_killed_master_is_replaced_although_a_sentinel_died_too() {
    let mut scene = Scene::set().await;
    scene.watched.kill_sentinel(0);
    scene.watched.master.kill();
    scene.goes_on().await;
}

#[tokio::test]
async fn a_hung_master_is_replaced_and_is_not_gone_back_to() {
    let mut scene = Scene::set().await;
    scene.watched.master.pause();
    scene.goes_on().await;
    scene.watched.master.go_on();
    // It takes itself for the master for a while.
    let channel = scene.channel.to_string();
    let deserted = async || scene.watched.master.ask(&["PUBSUB", "NUMSUB", &channel]).lines().last() == Some("0");
    eventually("the old master lets its subscribers go", deserted).await;
    assert!(scene.watched.master.ask(&["ROLE"]).starts_with("master"));
    assert_eq!(scene.b.publish(&scene.channel, "still").await, Ok(1));
    scene.a.expect(&scene.channel, "still").await;
    assert_eq!(scene.a.bus.health().degraded().count(), 0);
}

#[tokio::test]
async fn a_switch_that_nobody_heard_of_is_followed() {
    let (old, new) = (Server::start(), Server::start());
    let sentinel = FakeSentinel::naming(old.port);
    let mut a = Attached::with(sentinel.rings(), "a", |_| {}).await.unwrap();
    let channel = Channel::User("m7".parse().unwrap());
    a.bus.subscribe(&channel).await.unwrap();
    eventually("it listens", async || sentinel.listeners() > 0).await;
    sentinel.switch_unheard(new.port);
    eventually("it is there", async || new.ask(&["PUBLISH", &channel.to_string(), "news"]) == "1").await;
    a.expect(&channel, "news").await;
}
