//! The store in a MySQL-compatible database keeps the contract, and what is only true of it.

#![allow(clippy::unwrap_used)] // a test that meets an error has failed

mod suite;

use parts::Mariadb;
use std::io::{BufRead, Write};
use std::sync::Arc;
use std::time::Duration;
use store::{Change, Config, Done, OpenError, Span};
use suite::{Said, Site, Stamps, eventually, messages, shorts, text, user};
use types::Code;

/// Where the store of a test is.
pub(crate) struct Medium {
    pub(crate) url: String,
}

fn medium() -> Arc<Medium> {
    Arc::new(Medium { url: Mariadb::shared().database() })
}

async fn site() -> Site {
    let medium = tokio::task::spawn_blocking(medium).await.unwrap();
    Site::open(&medium.url.clone(), "im1", Stamps::Yes, medium).await
}

mod contract {
    crate::suite::suite!(crate::site);
}

/// Two processes on one database.
async fn two() -> (Arc<Medium>, Site, Site) {
    let medium = tokio::task::spawn_blocking(medium).await.unwrap();
    let one = Site::open(&medium.url, "im1", Stamps::Yes, medium.clone()).await;
    let two = Site::open(&medium.url, "im2", Stamps::Yes, medium.clone()).await;
    one.meet(&["8", "m7", "m8"]).await;
    (medium, one, two)
}

#[tokio::test]
async fn processes_that_start_together_share_an_empty_database() {
    let medium = tokio::task::spawn_blocking(medium).await.unwrap();
    let opening =
        ["im1", "im2", "im3", "im4"].map(|process| Site::open(&medium.url, process, Stamps::Yes, medium.clone()));
    let sites = futures_util::future::join_all(opening).await;
    assert!(sites.iter().all(|site| site.store.identity() == sites[0].store.identity()));
    sites[0].meet(&["8", "m7"]).await;
    sites[3].say("8", "m7", "hello").await;
}

/// A session of somebody else, which holds what it has locked until it is told to go.
struct Holding {
    client: std::process::Child,
    answers: std::io::Lines<std::io::BufReader<std::process::ChildStdout>>,
}

impl Holding {
    fn lock(medium: &Medium, sql: &str) -> Self {
        let mut command = std::process::Command::new("mariadb");
        let (server, name) = (Mariadb::shared(), medium.url.rsplit_once('/').unwrap().1);
        command.args(["--no-defaults", "-u", "root", "--batch", "--skip-column-names", "--unbuffered"]);
        command.args(["-h", "127.0.0.1", "-P", &server.port.to_string(), name]);
        let (input, output) = (std::process::Stdio::piped(), std::process::Stdio::piped());
        let mut client = command.stdin(input).stdout(output).spawn().unwrap();
        let answers = std::io::BufReader::new(client.stdout.take().unwrap()).lines();
        let mut holding = Self { client, answers };
        holding.say(&format!("BEGIN; {sql} FOR UPDATE"));
        holding
    }

    /// Runs a statement, and returns when it is done.
    fn say(&mut self, sql: &str) {
        let stdin = self.client.stdin.as_mut().unwrap();
        writeln!(stdin, "{sql}; SELECT 'done';").unwrap();
        while self.answers.next().expect("it goes on").unwrap() != "done" {}
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        drop(self.client.stdin.take());
        self.client.wait().unwrap();
    }
}

#[tokio::test]
async fn two_processes_number_one_conversation_without_a_gap() {
    let (_medium, one, two) = two().await;
    let sites = [&one, &two];
    let saying = (0..300).map(async |number: usize| {
        let (from, to) = if number.is_multiple_of(3) { ("m7", "8") } else { ("8", "m7") };
        sites[number % 2].say(from, to, &number.to_string()).await
    });
    let mut said: Vec<Said> = messages::futures(saying).await;
    said.sort_by_key(|said| said.conv_seq);
    for (seq, said) in (1..).zip(&said) {
        assert_eq!(said.conv_seq, seq);
    }
    assert!(said.is_sorted_by(|earlier, later| earlier.message_id < later.message_id));
    let (entries, _) =
        two.store.history(&user("8"), said[0].conversation_id, Span::Newest, 400).await.unwrap().unwrap();
    assert_eq!(entries.len(), 300);
    let row = &one.store.conversations(&user("m7"), None, 9).await.unwrap()[0];
    assert_eq!((row.head, row.unread), (300, 200));
}

#[tokio::test]
async fn the_same_message_over_two_processes_at_once_is_one() {
    let (_medium, one, two) = two().await;
    for number in 0..20 {
        let name = format!("n{number}");
        let (first, second) =
            tokio::join!(one.done("8", text("m7", &name, "hello")), two.done("8", text("m7", &name, "hello")));
        assert_eq!(first, second);
    }
    // The same name for two receivers: one of them gets it.
    let (first, second) = tokio::join!(one.change("8", text("m7", "x", "a")), two.change("8", text("m8", "x", "a")));
    assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
    assert_eq!(first.err().or(second.err()).unwrap().code, Code::Conflict);
    let row = &one.store.conversations(&user("m7"), None, 9).await.unwrap()[0];
    assert!((20..=21).contains(&row.head), "{}", row.head);
}

#[tokio::test]
async fn who_holds_one_conversation_up_holds_no_other_up() {
    let (medium, one, _two) = two().await;
    let held = one.say("8", "m7", "one").await;
    let sql = format!("SELECT * FROM conversations WHERE conversation_id = {}", held.conversation_id);
    let holding = tokio::task::spawn_blocking({
        let medium = medium.clone();
        move || Holding::lock(&medium, &sql)
    });
    let holding = holding.await.unwrap();
    let store = one.store.clone();
    let request = store::Request { by: user("8"), socket: None, change: text("m7", "waits", "two") };
    let waiting = tokio::spawn(async move { store.change(request).await });
    for number in 0..5 {
        one.say("8", "m8", &number.to_string()).await;
    }
    assert!(!waiting.is_finished(), "it waits for the lock");
    tokio::task::spawn_blocking(move || drop(holding)).await.unwrap();
    assert!(matches!(waiting.await.unwrap().unwrap().done, Done::Sent { conv_seq: 2, .. }));
}

#[tokio::test]
async fn a_lock_that_is_waited_for_in_vain_is_tried_again() {
    let (medium, one, _two) = two().await;
    let sql = "SELECT * FROM users WHERE user_key = '8'";
    let holding = tokio::task::spawn_blocking({
        let medium = medium.clone();
        move || Holding::lock(&medium, sql)
    });
    let holding = holding.await.unwrap();
    let store = one.store.clone();
    let change = Change::AddContact { user: user("m7"), remark: "".into() };
    let waiting =
        tokio::spawn(async move { store.change(store::Request { by: user("8"), socket: None, change }).await });
    // Longer than the database waits for a lock.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert!(!waiting.is_finished());
    tokio::task::spawn_blocking(move || drop(holding)).await.unwrap();
    assert_eq!(waiting.await.unwrap().unwrap().done, Done::Listed { lists_rev: 1 });
}

#[tokio::test]
async fn a_batch_that_a_deadlock_ends_is_done_again() {
    let (medium, one, _two) = two().await;
    let first = one.say("8", "m7", "first").await;
    let deadlocks = || {
        Mariadb::shared()
            .ask("SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = 'INNODB_DEADLOCKS'")
    };
    let id = first.conversation_id;
    let mut holding = tokio::task::spawn_blocking({
        let medium = medium.clone();
        move || {
            // Whoever has written less gives way.
            Mariadb::shared().ask_in(&medium.url, "CREATE TABLE heavy (n INT) ENGINE = InnoDB");
            let mut holding = Holding::lock(&medium, &format!("SELECT * FROM members WHERE conversation_id = {id}"));
            holding.say("INSERT INTO heavy SELECT seq FROM seq_1_to_5000");
            holding
        }
    })
    .await
    .unwrap();
    let before = tokio::task::spawn_blocking(deadlocks).await.unwrap();
    let store = one.store.clone();
    let request = store::Request { by: user("8"), socket: None, change: text("m7", "t1", "second") };
    let waiting = tokio::spawn(async move { store.change(request).await });
    let waits = "SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'";
    eventually("the batch waits for the members", async || {
        // The server looks again only if nobody has asked for a while.
        tokio::time::sleep(Duration::from_millis(150)).await;
        let count = tokio::task::spawn_blocking(|| Mariadb::shared().ask(waits)).await.unwrap();
        (count != "0").then_some(())
    })
    .await;
    tokio::task::spawn_blocking(move || {
        holding.say(&format!("SELECT * FROM conversations WHERE conversation_id = {id} FOR UPDATE; COMMIT"));
    })
    .await
    .unwrap();
    assert!(matches!(waiting.await.unwrap().unwrap().done, Done::Sent { conv_seq: 2, .. }));
    assert_ne!(tokio::task::spawn_blocking(deadlocks).await.unwrap(), before, "there was one");
}

#[tokio::test]
async fn a_process_whose_worker_was_taken_takes_another_and_loses_nothing() {
    let (medium, one, two) = two().await;
    let before = one.say("8", "m7", "before").await;
    let server = Mariadb::shared();
    let taken = "UPDATE workers SET incarnation = 'somebody', lease_until = lease_until + 600000 WHERE process = 'im1'";
    server.ask_in(&medium.url, taken);
    let after = one.say("8", "m7", "after").await;
    assert_eq!(after.conv_seq, before.conv_seq + 1);
    assert!(after.message_id > before.message_id);
    two.say("8", "m7", "and the other").await;
    let workers = server.ask_in(&medium.url, "SELECT COUNT(DISTINCT worker_id), COUNT(*) FROM workers");
    assert_eq!(workers, "3\t3");
}

/// Opens the store in a runtime of its own and does something with it; then the runtime ends, and the process is gone
/// without a word.
async fn live_and_die<T: Send + 'static>(
    medium: Arc<Medium>,
    life: impl AsyncFnOnce(&Site) -> T + Send + 'static,
) -> T {
    let dying = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let site = Site::open(&medium.url, "im1", Stamps::No, medium.clone()).await;
            life(&site).await
        })
    });
    tokio::task::spawn_blocking(|| dying.join()).await.unwrap().unwrap()
}

#[tokio::test]
async fn what_a_dead_process_did_not_publish_another_finds_when_its_lease_has_ended() {
    let medium = tokio::task::spawn_blocking(medium).await.unwrap();
    let said = live_and_die(medium.clone(), async |dying| {
        dying.meet(&["8", "m7"]).await;
        dying.say("8", "m7", "not published").await
    });
    let said = said.await;
    let mut other = Site::open(&medium.url, "im2", Stamps::Yes, medium.clone()).await;
    other.say("m7", "8", "meanwhile").await;
    // As far as anybody knows, it may come back.
    assert!(other.found.try_recv().is_err(), "its lease has not ended");
    Mariadb::shared().ask_in(&medium.url, "UPDATE workers SET lease_until = 1 WHERE process = 'im1'");
    let (_, references) = tokio::time::timeout(Duration::from_secs(30), other.found.recv()).await.unwrap().unwrap();
    let events = other.store.events(&references, 0).await.unwrap();
    assert!(events.iter().all(|(_, event)| match event {
        types::Event::Posted(posted) => posted.entry.message_id == said.message_id,
        _ => false,
    }));
    assert_eq!(events.len(), 2);
}

#[tokio::test]
async fn a_database_that_dies_and_comes_back_has_all_that_was_acknowledged() {
    let mut server = tokio::task::spawn_blocking(Mariadb::start).await.unwrap();
    let medium = Arc::new(Medium { url: server.database() });
    let site = Site::open(&medium.url, "im1", Stamps::Yes, medium.clone()).await;
    site.meet(&["8", "m7"]).await;
    let store = site.store.clone();
    let talking = tokio::spawn(async move {
        let mut acknowledged = Vec::new();
        for number in 0.. {
            let request =
                store::Request { by: user("8"), socket: None, change: text("m7", &format!("n{number}"), "x") };
            match store.change(request).await {
                Ok(granted) => acknowledged.push(granted.done),
                Err(failure) => {
                    assert_eq!(failure.code, Code::Unavailable);
                    assert!(failure.retry_after_ms.is_some());
                    return acknowledged;
                }
            }
        }
        unreachable!()
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    server.kill();
    let acknowledged = talking.await.unwrap();
    assert!(site.store.trouble().is_some(), "it says so");
    assert!(site.store.conversations(&user("8"), None, 1).await.is_err(), "and does not read");
    let server = tokio::task::spawn_blocking(move || {
        server.run();
        server
    });
    let _server = server.await.unwrap();
    eventually("it is back", async || site.change("8", text("m7", "after", "x")).await.ok()).await;
    eventually("it says so", async || site.store.trouble().is_none().then_some(())).await;
    let conversation = site.store.conversations(&user("8"), None, 1).await.unwrap()[0].conversation_id;
    let mut found = Vec::new();
    let mut after = 0;
    loop {
        let (page, more) =
            site.store.history(&user("m7"), conversation, Span::After(after), 200).await.unwrap().unwrap();
        after = page.last().unwrap().conv_seq();
        found.extend(page);
        if !more {
            break;
        }
    }
    for (place, done) in acknowledged.iter().enumerate() {
        let Done::Sent { message_id, conv_seq, .. } = done else { panic!() };
        let types::Entry::Message(message) = &found[place] else { panic!() };
        assert_eq!(
            (message.message_id, message.conv_seq),
            (*message_id, *conv_seq),
            "{:?}",
            shorts(&found[place..=place])
        );
    }
    // The one that was under way may have been committed.
    assert!((acknowledged.len() + 1..=acknowledged.len() + 2).contains(&found.len()));
}

#[tokio::test]
async fn a_database_that_may_lose_what_it_has_is_refused_unless_told() {
    let server = tokio::task::spawn_blocking(|| Mariadb::with(&["--innodb-flush-log-at-trx-commit=2"])).await.unwrap();
    let medium = Arc::new(Medium { url: server.database() });
    let config = Config { url: medium.url.as_str().into(), ..Config::default() };
    let refused = Site::with(config.clone(), "im1", Stamps::Yes, medium.clone()).await.err();
    let sentence = refused.as_ref().map(ToString::to_string).unwrap_or_default();
    assert!(matches!(refused, Some(OpenError::Weak { setting: "innodb_flush_log_at_trx_commit", .. })), "{sentence}");
    assert!(sentence.contains("store.allow_weaker_durability"), "{sentence}");
    let config = Config { allow_weaker_durability: true, ..config };
    assert!(Site::with(config, "im1", Stamps::Yes, medium).await.is_ok());
}
