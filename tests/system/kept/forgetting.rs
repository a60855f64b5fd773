//! Redis forgets, or is away: it is the wire, so nothing is lost, repeated or out of order.

use super::site::{Site, hears, history, numbered, say};
use crate::places::{degraded, users_on};
use crate::window::Window;
use serde_json::json;
use std::time::Duration;
use tests::cluster::node;
use tests::mariadb::Mariadb;
use tests::process::free_port;
use tests::redis::{Redis, ask};
use tests::sentinel::{Sentinels, Watched};
use tests::{Cluster, eventually};
use tokio::time::{Instant, sleep};

#[tokio::test]
async fn a_redis_that_lost_everything_and_counted_as_far_again_hides_nothing_from_who_comes_back() {
    let mut site = Site::start().await;
    let [user, speaker] = users_on(0);
    let mut buyer = Window::open(&site.cluster.processes[0], &speaker).await;
    let mut there = Window::open(&site.cluster.processes[1], &user).await;
    let mut shop = Window::open(&site.cluster.processes[0], &user).await;
    let before = numbered("before", 3);
    for words in &before {
        say(&mut buyer, &user, words).await;
    }
    hears(&mut shop, &before).await;
    let known = shop.done("sync", json!({})).await;
    assert_eq!(known["v"], 3);
    drop(shop);

    site.redis[0].kill();
    let part = format!("redis 127.0.0.1:{}", site.redis[0].port);
    for process in &site.cluster.processes {
        degraded(process, std::slice::from_ref(&part)).await;
    }
    site.redis[0].run();
    for process in &site.cluster.processes {
        degraded(process, &[]).await;
    }
    let after = numbered("after", 3);
    for words in &after {
        say(&mut buyer, &user, words).await;
    }
    assert_eq!(hears(&mut there, &[&before[..], &after[..]].concat()).await, [&before[..], &after[..]].concat());
    // The counting began anew, and is as far as it was.
    assert_eq!(site.redis[0].ask(&["HGET", &format!("ImVer:{user}"), "v"]), "3");
    let mut again = Window::open(&site.cluster.processes[1], &user).await;
    let named = again.done("sync", json!({"token": known["token"], "v": 3})).await;
    let conversation = &named["conversations"][0];
    assert_eq!((&conversation["head"], &named["more"]), (&json!(6), &json!(true)), "{named}");
    let heads = json!({conversation["conversation_id"].as_str().unwrap(): 3});
    let page = again.done("sync", json!({"token": known["token"], "heads": heads})).await;
    let words: Vec<_> = page["messages"].as_array().unwrap().iter().map(|entry| entry["message"].clone()).collect();
    assert_eq!(words, after);
}

#[tokio::test]
async fn a_fail_over_that_loses_the_last_writes_loses_no_message() {
    let sentinels = Sentinels::start();
    let mut watched = Watched::by(&sentinels, "im-0", [free_port(), free_port()]).await;
    let plain = Redis::start();
    let url = tokio::task::spawn_blocking(|| Mariadb::shared().database()).await.unwrap();
    let nodes = [watched.node(), node(plain.port)];
    let cluster = Cluster::start(2, &nodes, &[("IM__STORE__URL", &url)]).await.unwrap();
    let [a, b] = &cluster.processes[..] else { panic!() };
    let ([user], [speaker]) = (users_on(0), users_on(1));
    let (mut buyer, mut shop) = (Window::open(a, &speaker).await, Window::open(b, &user).await);
    let mut leaving = Window::open(a, &user).await;
    let before = numbered("before", 5);
    for words in &before {
        say(&mut buyer, &user, words).await;
    }
    hears(&mut leaving, &before).await;
    let known = leaving.done("sync", json!({})).await;
    assert_eq!(known["v"], 5);
    drop(leaving);

    // The master dies, and its replica has not got the last two writes.
    let replica = watched.replica.port;
    watched.master.kill();
    ask(replica, &["CONFIG", "SET", "replica-read-only", "no"]).unwrap();
    ask(replica, &["HINCRBY", &format!("ImVer:{user}"), "v", "-2"]).unwrap();
    let during = numbered("during", 2);
    for words in &during {
        say(&mut buyer, &user, words).await;
    }
    let promoted = async || {
        let role = ask(replica, &["ROLE"]).unwrap_or_default();
        if role.starts_with("master") { Ok(()) } else { Err(role) }
    };
    eventually("the replica is the master", promoted).await;
    for process in [a, b] {
        degraded(process, &[]).await;
    }
    let after = numbered("after", 2);
    let mut conversation = json!(null);
    for words in &after {
        conversation = say(&mut buyer, &user, words).await["conversation_id"].clone();
    }
    let all = [before, during, after].concat();
    assert_eq!(hears(&mut shop, &all).await, all, "each once, in order");
    assert_eq!(shop.waiting("messagePush").await, 0);
    history(&mut shop, &conversation, &all).await;
    let mut again = Window::open(a, &user).await;
    let named = again.done("sync", json!({"token": known["token"], "v": 5})).await;
    assert_eq!(named["conversations"][0]["head"], all.len(), "{named}");
}

#[tokio::test]
async fn while_the_redis_node_of_a_user_is_down_for_a_minute_messages_come_another_way() {
    const DOWN: Duration = Duration::from_secs(60);
    let mut site = Site::start().await;
    let ([user], [speaker]) = (users_on(0), users_on(1));
    let [a, b] = &site.cluster.processes[..] else { panic!() };
    let mut buyer = Window::open(a, &speaker).await;
    let mut shops = [Window::open(a, &user).await, Window::open(b, &user).await];
    let mut said = vec!["before".to_owned()];
    let conversation = say(&mut buyer, &user, "before").await["conversation_id"].clone();
    site.redis[0].kill();
    let part = format!("redis 127.0.0.1:{}", site.redis[0].port);
    for process in [a, b] {
        degraded(process, std::slice::from_ref(&part)).await;
    }
    let mut late = Window::open(b, &user).await;
    assert_eq!(late.init["degraded"], true);
    let begun = Instant::now();
    while begun.elapsed() < DOWN {
        let words = format!("{} s", begun.elapsed().as_secs());
        let sent = say(&mut buyer, &user, &words).await;
        let latest = late.until("messagePush", |push| push["message"] == *words).await;
        assert_eq!(latest["message_id"], sent["message_id"]);
        assert_eq!(latest.get("v"), None, "nobody counts");
        said.push(words);
        // The user can answer, too: the other side's node is up, and so is the store.
        let answer = format!("answer {}", said.len());
        say(&mut late, &speaker, &answer).await;
        buyer.until("messagePush", |push| push["message"] == *answer).await;
        said.push(answer);
        // Whoever waits answers the heartbeats meanwhile.
        for shop in &mut shops {
            shop.waiting("messagePush").await;
        }
        sleep(Duration::from_secs(5)).await;
    }
    site.redis[0].run();
    let [a, b] = &site.cluster.processes[..] else { panic!() };
    for process in [a, b] {
        degraded(process, &[]).await;
    }
    say(&mut buyer, &user, "here again").await;
    said.push("here again".to_owned());
    for shop in &mut shops {
        assert_eq!(hears(shop, &said).await, said, "in order");
        assert_eq!(shop.waiting("messagePush").await, 0, "each once");
    }
    history(&mut late, &conversation, &said).await;
}
