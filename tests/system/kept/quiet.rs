//! What costs nothing when nothing happened.

use super::site::{Site, hears, say};
use crate::places::users_on;
use crate::window::Window;
use serde_json::json;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;
use tests::mariadb::Mariadb;
use tests::redis::encode;

/// What a node is asked from now on, a line each.
struct Monitor(BufReader<TcpStream>);

impl Monitor {
    fn of(mut connection: TcpStream) -> Self {
        connection.write_all(&encode(&["MONITOR"])).unwrap();
        connection.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut lines = BufReader::new(connection);
        lines.read_line(&mut String::new()).unwrap();
        Self(lines)
    }

    /// The commands with that word in them, up to one with `end`.
    fn until(mut self, end: &str, word: &str) -> Vec<String> {
        let mut found = Vec::new();
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).unwrap();
            if line.contains(end) {
                return found;
            }
            // The digits of a time or a port are nobody's name.
            let command = line.split_once("] ").map_or("", |(_, command)| command);
            // What scripts ask for themselves is theirs.
            if command.contains(word) && !line.contains(" lua] ") {
                found.push(command.to_owned());
            }
        }
    }
}

#[tokio::test]
async fn who_comes_back_and_missed_nothing_costs_one_read_of_redis_and_none_of_the_database() {
    let database = tokio::task::spawn_blocking(Mariadb::start).await.unwrap();
    let site = Site::on(database.database()).await;
    let [a, b] = site.pair();
    let [user, speaker] = users_on(0);
    let (mut buyer, mut shop) = (Window::open(a, &speaker).await, Window::open(a, &user).await);
    say(&mut buyer, &user, "before").await;
    hears(&mut shop, &["before".to_owned()]).await;
    let known = shop.done("sync", json!({})).await;
    drop(shop);
    let offline = async || {
        let seen = buyer.done("getPresence", json!({"user_ids": [user]})).await;
        if seen["users"][0]["online"] == false { Ok(()) } else { Err(seen) }
    };
    tests::eventually("the user is gone", offline).await;

    // From now on everything is written down.
    database.ask("SET GLOBAL log_output = 'TABLE'; SET GLOBAL general_log = 1");
    let monitor = Monitor::of(site.redis[0].connection());
    // On the other process, which has never met the user.
    let mut again = Window::open(b, &user).await;
    let answer = again.done("sync", json!({"token": known["token"], "v": known["v"]})).await;
    assert_eq!((&answer["conversations"], &answer["more"]), (&json!([]), &json!(false)), "{answer}");
    site.redis[0].ask(&["PUBLISH", "ImProbe:the-end", "x"]);
    let asked = monitor.until("ImProbe:the-end", &format!(":{user}"));
    let log = format!(
        "SELECT argument FROM mysql.general_log WHERE argument REGEXP '(^|[^0-9]){user}([^0-9]|$)' AND argument NOT LIKE '%general_log%'"
    );
    assert_eq!(database.ask(&log), "");

    let is_presence = |line: &&String| line.contains("ImOnline:") || line.contains("ImPresPub:");
    let is_subscription = |line: &&String| line.to_lowercase().contains("\"subscribe\"");
    let others: Vec<_> = asked.iter().filter(|line| !is_presence(line) && !is_subscription(line)).collect();
    assert!(others.len() == 1 && others[0].contains(&format!("ImVer:{user}")), "{others:#?}");

    // The means do see what is asked: a first sync asks both.
    again.done("sync", json!({})).await;
    assert_ne!(database.ask(&log), "");
}
