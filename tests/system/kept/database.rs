//! The database dies, or has no more space.

use super::site::{Site, hears, history, insist, numbered, say, text};
use crate::window::Window;
use tests::eventually;
use tests::mariadb::Mariadb;

#[tokio::test]
async fn a_database_that_is_killed_and_comes_back_has_all_that_was_acknowledged() {
    let mut database = tokio::task::spawn_blocking(Mariadb::start).await.unwrap();
    let site = Site::on(database.database()).await;
    let [a, b] = site.pair();
    let mut shop = Window::open(b, "m7").await;
    let speakers = ["81", "82", "83"];
    let (stop, _) = tokio::sync::broadcast::channel::<()>(1);
    let mut tasks = Vec::new();
    for user in speakers {
        let (mut window, mut stopped) = (Window::open(a, user).await, stop.subscribe());
        tasks.push(tokio::spawn(async move {
            let (mut said, mut conversation) = (Vec::new(), None);
            while stopped.try_recv().is_err() {
                let words = format!("{user}: {}", said.len());
                let answer = insist(&mut window, "m7", &words).await;
                conversation = Some(answer["conversation_id"].clone());
                said.push(words);
            }
            (conversation.unwrap(), said)
        }));
    }
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    database.kill();
    // Nobody is kept waiting without an answer, and a window may come.
    let mut late = Window::open(b, "89").await;
    let refused = async || {
        let answer = late.ask("sendMessage", text("m7", "t1", "late")).await;
        if answer["error"]["code"] == "unavailable" { Ok(()) } else { Err(answer) }
    };
    eventually("a send is refused", refused).await;
    let answer = late.ask("history", serde_json::json!({"conversation_id": "7"})).await;
    assert_eq!(answer["error"]["code"], "unavailable", "{answer}");
    let database = tokio::task::spawn_blocking(move || {
        database.run();
        database
    });
    let _database = database.await.unwrap();
    insist(&mut late, "m7", "late again").await;
    stop.send(()).unwrap();
    let mut all = Vec::new();
    for task in tasks {
        let (conversation, said) = task.await.unwrap();
        history(&mut shop, &conversation, &said).await;
        all.extend(said);
    }
    hears(&mut shop, &all).await;
}

#[tokio::test]
async fn a_database_without_space_refuses_and_has_lost_nothing_when_there_is_some() {
    const SMALL: [&str; 2] = ["--innodb-file-per-table=0", "--innodb-data-file-path=ibdata1:12M:autoextend:max:24M"];
    const LARGE: [&str; 2] = ["--innodb-file-per-table=0", "--innodb-data-file-path=ibdata1:12M:autoextend"];
    let mut database = tokio::task::spawn_blocking(|| Mariadb::with(&SMALL)).await.unwrap();
    let site = Site::on(database.database()).await;
    let [a, b] = site.pair();
    drop(Window::open(b, "m7").await);
    let mut buyer = Window::open(a, "8").await;
    let conversation = say(&mut buyer, "m7", "begun").await["conversation_id"].clone();
    let mut acknowledged = vec!["begun".to_owned()];
    let refused = loop {
        let words = format!("{}{}", acknowledged.len(), "x".repeat(60_000));
        let answer = buyer.ask("sendMessage", text("m7", &format!("t{}", acknowledged.len()), &words)).await;
        if answer["ok"] != true {
            break answer;
        }
        acknowledged.push(words);
        assert!(acknowledged.len() < 1_000, "it never fills");
    };
    assert_eq!(refused["error"]["code"], "unavailable", "{refused}");
    assert!(refused["error"]["retry_after_ms"].is_u64());
    // What is there can be read.
    let mut shop = Window::open(b, "m7").await;
    history(&mut shop, &conversation, &acknowledged).await;
    database.kill();
    let database = tokio::task::spawn_blocking(move || {
        database.run_with(&LARGE);
        database
    });
    let _database = database.await.unwrap();
    let more = numbered("more", 3);
    for words in &more {
        insist(&mut buyer, "m7", words).await;
    }
    assert_eq!(hears(&mut shop, &more).await, more);
    acknowledged.extend(more);
    history(&mut shop, &conversation, &acknowledged).await;
}
