//! The clock of a process jumps.

use super::site::{history, numbered, say};
use crate::window::Window;
use std::path::Path;
use tests::Server;

/// Debian's libfaketime, whose clock a file says.
const FAKETIME: &str = "faketime/libfaketimeMT.so.1";

fn library() -> String {
    let folders = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib"];
    let found = folders.iter().map(|folder| format!("{folder}/{FAKETIME}")).find(|path| Path::new(path).exists());
    found.expect("libfaketime is installed with the test")
}

async fn jumping(jump: &str) {
    let folder = tests::process::scratch();
    let clock = folder.join("clock");
    std::fs::write(&clock, "+0\n").unwrap();
    let library = library();
    let env = [
        ("LD_PRELOAD", library.as_str()),
        ("FAKETIME_TIMESTAMP_FILE", clock.to_str().unwrap()),
        ("FAKETIME_NO_CACHE", "1"),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
    ];
    let server = Server::start("imserver", &[], &env).await.unwrap();
    let (mut buyer, mut shop) = (Window::open(&server, "8").await, Window::open(&server, "m7").await);
    let first = say(&mut buyer, "m7", "before").await;
    let mut all = vec!["before".to_owned()];
    std::fs::write(&clock, format!("{jump}\n")).unwrap();
    let words = numbered("after", 30);
    let mut times = vec![first["send_time"].as_u64().unwrap()];
    for word in &words {
        times.push(say(&mut buyer, "m7", word).await["send_time"].as_u64().unwrap());
        assert_eq!(shop.until("messagePush", |push| push["message"] == **word).await["from_user_id"], "8");
    }
    all.extend(words);
    // Numbers and ids go on from where they were.
    history(&mut shop, &first["conversation_id"], &all).await;
    assert!(times.is_sorted(), "{times:?}");
    let mut late = Window::open(&server, "8").await;
    say(&mut late, "m7", "late").await;
    std::fs::remove_dir_all(&folder).ok();
}

#[tokio::test]
async fn a_clock_that_jumps_back_an_hour_turns_nothing_round() {
    jumping("-1h").await;
}

#[tokio::test]
async fn a_clock_that_jumps_back_a_little_turns_nothing_round() {
    jumping("-3").await;
}

#[tokio::test]
async fn a_clock_that_jumps_ahead_holds_nobody_up() {
    jumping("+2h").await;
}
