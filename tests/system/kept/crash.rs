//! A process that dies or stops in the middle of it.

use super::site::{Site, hears, history, insist, numbered, say, text};
use crate::places::users_on;
use crate::window::Window;
use serde_json::{Value, json};
use std::time::Duration;
use tests::cluster::node;
use tests::eventually;
use tests::mariadb::Mariadb;
use tests::proxy::{Link, Proxy};
use tokio::time::sleep;

#[tokio::test]
async fn what_a_process_committed_and_could_not_publish_before_it_was_killed_is_told_by_another() {
    let site = Site::start().await;
    let [a, _] = site.pair();
    let proxies = [Proxy::before(site.redis[0].port).await.unwrap(), Proxy::before(site.redis[1].port).await.unwrap()];
    let doomed = site.cluster.another_by("im3", &proxies.each_ref().map(|proxy| node(proxy.port()))).await.unwrap();
    let ([buyer], [shop]) = (users_on(0), users_on(1));
    let (mut there, mut here) = (Window::open(&doomed, &buyer).await, Window::open(a, &buyer).await);
    let mut shop_window = Window::open(a, &shop).await;

    let asked = say(&mut shop_window, &buyer, "a question").await;
    let asked_id = asked["message_id"].as_str().unwrap().to_owned();
    hears(&mut there, &["a question".to_owned()]).await;
    hears(&mut here, &["a question".to_owned()]).await;

    // Nothing that the process says gets through to Redis any more.
    proxies.iter().for_each(|proxy| proxy.set(Link::Silent));
    let answer = there.done("sendMessage", text(&shop, "t1", "last words")).await;
    assert_eq!(answer.get("v"), None, "acknowledged, and nobody was told");
    let seen = json!({"conversation_id": asked["conversation_id"], "message_ids": [asked_id]});
    there.done("readMessage", seen).await;
    drop(doomed);
    assert_eq!(shop_window.waiting("messagePush").await, 0);
    // As if its successor had come much later.
    Mariadb::shared().ask_in(&site.url, "UPDATE read_marks SET read_ms = read_ms - 10000");

    let words = ["last words".to_owned()];
    hears(&mut shop_window, &words).await;
    hears(&mut here, &words).await;
    let is_read = |push: &Value| push["read"]["message_ids"] == json!([asked_id]);
    shop_window.until("statePush", is_read).await;
    here.until("statePush", is_read).await;
    history(&mut shop_window, &answer["conversation_id"], &words).await;
    for window in [&mut shop_window, &mut here] {
        assert_eq!(window.waiting("messagePush").await, 0, "once");
    }
    // The sender comes back, was not told, and sends it again.
    let again = here.done("sendMessage", text(&shop, "t1", "last words")).await;
    assert_eq!((&again["message_id"], &again["conv_seq"]), (&answer["message_id"], &answer["conv_seq"]));
    assert_eq!(shop_window.waiting("messagePush").await, 0);
}

/// Whether some transaction of that database is open and has written.
fn writing(url: &str) -> bool {
    let user = url.rsplit_once('/').unwrap().1;
    let sql = format!(
        "SELECT COUNT(*) FROM information_schema.innodb_trx t JOIN information_schema.processlist p \
         ON p.id = t.trx_mysql_thread_id WHERE p.db = '{user}' AND t.trx_rows_locked > 0"
    );
    Mariadb::shared().ask(&sql) != "0"
}

#[tokio::test]
async fn a_process_that_stops_in_the_middle_of_a_batch_holds_nobody_up_for_long() {
    const SPEAKERS: usize = 6;
    let site = Site::start().await;
    let [a, b] = site.pair();
    let mut shop = Window::open(b, "m7").await;
    let mut speaking = Vec::new();
    for speaker in 0..SPEAKERS {
        let user = format!("8{speaker}");
        let mut window = Window::open(a, &user).await;
        let first = say(&mut window, "m7", &format!("{user}: first")).await;
        speaking.push((user, window, first["conversation_id"].clone()));
    }
    let (stop, _) = tokio::sync::broadcast::channel::<()>(1);
    let tasks: Vec<_> = speaking
        .into_iter()
        .map(|(user, mut window, conversation)| {
            let mut stopped = stop.subscribe();
            tokio::spawn(async move {
                let mut said = vec![format!("{user}: first")];
                while stopped.try_recv().is_err() {
                    let words = format!("{user}: {}", said.len());
                    insist(&mut window, "m7", &words).await;
                    said.push(words);
                }
                (user, conversation, said)
            })
        })
        .collect();
    // Stopped at moments as they come, until it is one inside a transaction.
    let mut caught = false;
    for _ in 0..300 {
        sleep(Duration::from_millis(23)).await;
        a.pause().unwrap();
        // The server looks again at what is open only if nobody has asked for a while.
        sleep(Duration::from_millis(120)).await;
        let url = site.url.clone();
        caught = tokio::task::spawn_blocking(move || writing(&url)).await.unwrap();
        if caught {
            break;
        }
        a.resume().unwrap();
    }
    assert!(caught, "it was never in the middle of a batch");
    let mut others = Vec::new();
    for speaker in 0..SPEAKERS {
        let user = format!("8{speaker}");
        let mut window = Window::open(b, &user).await;
        let words = format!("{user}: meanwhile");
        insist(&mut window, "m7", &words).await;
        others.push(words);
    }
    a.resume().unwrap();
    sleep(Duration::from_millis(200)).await;
    stop.send(()).unwrap();
    let mut all = Vec::new();
    for task in tasks {
        let (user, conversation, mut said) = task.await.unwrap();
        said.push(format!("{user}: meanwhile"));
        history(&mut shop, &conversation, &said).await;
        all.extend(said);
    }
    hears(&mut shop, &all).await;
    assert_eq!(shop.waiting("messagePush").await, 0, "nothing twice");
}

#[tokio::test]
async fn a_process_that_slept_through_its_lease_takes_another_and_loses_nothing() {
    let site = Site::start().await;
    let [a, b] = site.pair();
    let (mut buyer, mut shop) = (Window::open(a, "8").await, Window::open(b, "m7").await);
    let conversation = say(&mut buyer, "m7", "before").await["conversation_id"].clone();
    a.pause().unwrap();
    let url = site.url.clone();
    let lapsed = async || {
        let url = url.clone();
        let alive =
            "SELECT COUNT(*) FROM workers WHERE process = 'im1' AND lease_until > UNIX_TIMESTAMP(NOW(3)) * 1000";
        let count = tokio::task::spawn_blocking(move || Mariadb::shared().ask_in(&url, alive)).await.unwrap();
        if count == "0" { Ok(()) } else { Err(count) }
    };
    eventually("its lease is over", lapsed).await;
    // Somebody else takes the number that is free now, and writes.
    let other = site.cluster.another("im3").await.unwrap();
    let mut elsewhere = Window::open(&other, "8").await;
    say(&mut elsewhere, "m7", "meanwhile").await;
    a.resume().unwrap();
    // The link of the window may have been given up meanwhile; a client comes back.
    let mut buyer = Window::open(a, "8").await;
    let words = numbered("after", 20);
    for word in &words {
        insist(&mut buyer, "m7", word).await;
    }
    let all = [&["before".to_owned(), "meanwhile".to_owned()], &words[..]].concat();
    history(&mut shop, &conversation, &all).await;
    assert_eq!(hears(&mut shop, &all).await, all, "in order");
    let leased = a.log().matches("a worker is leased").count();
    assert_eq!(leased, 2, "{}", a.log());
}
