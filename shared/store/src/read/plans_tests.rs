//! Which index serves each query, as both engines say themselves, on tables with thousands of rows.

use super::*;
use crate::model::OutboxId;
use crate::words::{self, Search};
use parts::Mariadb;
use rusqlite::Connection;

/// A query, the indices that serve it on SQLite, and on MariaDB.
struct Served {
    name: &'static str,
    query: Query,
    sqlite: &'static [&'static str],
    mysql: &'static [&'static str],
}

fn queries() -> Vec<Served> {
    let user: UserKey = "8".parse().unwrap();
    let (one, other) = (ConversationId(48), ConversationId(88));
    let entry_sqlite = &[
        "m USING PRIMARY KEY (conversation_id=?",
        "r USING PRIMARY KEY",
        "d USING PRIMARY KEY",
        "n USING INDEX duplicates_by_age",
        "c USING INTEGER PRIMARY KEY",
    ];
    let entry_mysql = &["m PRIMARY", "r PRIMARY", "d PRIMARY", "n duplicates_by_age", "c PRIMARY"];
    let range = |conversation| Range { conversation, above: 3, up_to: 9 };
    let served = |name, query, sqlite, mysql| Served { name, query, sqlite, mysql };
    vec![
        served("is_member", entries::is_member(&user, one), &["members USING PRIMARY KEY"], &["members PRIMARY"]),
        served("history before", entries::span(&user, one, Span::Before(9), 5), entry_sqlite, entry_mysql),
        served("history after", entries::span(&user, one, Span::After(9), 5), entry_sqlite, entry_mysql),
        served("history newest", entries::span(&user, one, Span::Newest, 5), entry_sqlite, entry_mysql),
        served("ranges", entries::ranges(&user, &[range(one), range(other)]), entry_sqlite, entry_mysql),
        served(
            "list",
            entries::listed(&user, false, MessageId(i64::MAX as u64), 20),
            &["m USING INDEX members_listed (user_key=? AND pinned=? AND last_message_id<?)"],
            &["m members_listed"],
        ),
        served(
            "changed",
            entries::changed(&user, 1_000_000, 20),
            &["m USING INDEX members_changed (user_key=? AND changed_ms>?)"],
            &["m members_changed"],
        ),
        served("rows", entries::rows_of(&user, &[one, other]), &["m USING PRIMARY KEY"], &["m PRIMARY"]),
        served(
            "marks",
            entries::marks(&[one, other], 5),
            &["r USING INDEX read_marks_by_time (conversation_id=? AND read_ms>?)", "m USING PRIMARY KEY"],
            &["r read_marks_by_time", "m PRIMARY"],
        ),
        served(
            "deletions",
            entries::deletions(&user, &[one, other], 5),
            &["deletions USING PRIMARY KEY (user_key=? AND conversation_id=?)"],
            &["deletions PRIMARY"],
        ),
        served(
            "by id",
            entries::by_id(&user, &[MessageId(5), MessageId(6)]),
            &["m USING INDEX messages_by_id (message_id=?)"],
            &["m messages_by_id"],
        ),
        served("outbox", outbox::after_query(OutboxId(7)), &["outbox USING INTEGER PRIMARY KEY"], &["outbox PRIMARY"]),
        served(
            "profiles",
            lists::profiles(std::slice::from_ref(&user)),
            &["users USING PRIMARY KEY"],
            &["users PRIMARY"],
        ),
        served(
            "contacts",
            lists::contacts(&user),
            &["c USING PRIMARY KEY", "u USING PRIMARY KEY"],
            &["c PRIMARY", "u PRIMARY"],
        ),
        served(
            "quick replies",
            lists::quick_replies(&user),
            &["quick_replies USING PRIMARY KEY"],
            &["quick_replies PRIMARY"],
        ),
        served("blocked", lists::blocked(&user), &["blocks USING PRIMARY KEY"], &["blocks PRIMARY"]),
        served("lists_rev", lists::lists_rev(&user), &["users USING PRIMARY KEY"], &["users PRIMARY"]),
        served(
            "search users",
            lists::search_users(&user, "x", 9),
            &["contacts USING PRIMARY KEY", "members USING INDEX members_", "u USING PRIMARY KEY"],
            &["contacts PRIMARY", "members members_", "u PRIMARY"],
        ),
        served(
            "to index",
            Query::new(words::TO_INDEX).int(100_000).int(i64::MAX).int(5),
            &["m USING INDEX messages_by_id (message_id>? AND message_id<?)"],
            &["m messages_by_id"],
        ),
    ]
}

/// Thousands of rows; `numbers` is a query for the numbers from 1 to 4,000.
fn rows(numbers: &str) -> Vec<String> {
    let all = |into: &str, values: &str| format!("INSERT INTO {into} SELECT {values} FROM ({numbers}) AS numbers");
    vec![
        all("users (user_key, created_ms)", "number, 1"),
        all("conversations (conversation_id, kind, first, second, last_seq)", "number, 1, '0', number, 20"),
        all(
            "members (conversation_id, user_key, peer, last_message_id, changed_ms)",
            "number, number % 40, number, number, number",
        ),
        all(
            "messages (conversation_id, conv_seq, message_id, from_user, kind, body)",
            "number / 20, number % 20, number * 100, '8', 1, '\"x\"'",
        ),
        all("read_marks (conversation_id, conv_seq, read_ms)", "number / 20, number % 20, number"),
        all("deletions (user_key, conversation_id, conv_seq, deleted_ms)", "number % 10, number / 20, number % 20, 5"),
        all(
            "duplicates (from_user, temp_message_id, message_id, conversation_id, conv_seq, digest)",
            "number % 40, number, number * 100, number / 20, number % 20, 'xxxxxxxxxxxxxxxx'",
        ),
        all("outbox (outbox_id, worker_id, incarnation, entries)", "number, 0, 'x', '[]'"),
        all("blocks (user_key, blocked, created_ms)", "number % 40, number, 1"),
        all("contacts (user_key, contact, created_ms)", "number % 40, number, 1"),
        all("quick_replies (user_key, reply_id, body, created_ms)", "number % 40, number, 'x', 1"),
    ]
}

#[test]
fn sqlite_serves_each_query_by_its_index() {
    let connection = Connection::open_in_memory().unwrap();
    connection.execute_batch(include_str!("../../migrations/sqlite/0001_messages.sql")).unwrap();
    let numbers = "WITH RECURSIVE n(number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM n WHERE number < 4000)
        SELECT number FROM n";
    for insert in rows(numbers) {
        connection.execute_batch(&insert).unwrap();
    }
    connection.execute_batch("ANALYZE").unwrap();
    for Served { name, query, sqlite, .. } in queries() {
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {}", query.sql)).unwrap();
        let mut steps = statement.raw_query();
        let plan: Vec<String> = std::iter::from_fn(|| {
            steps.next().unwrap().map(|row| row.get::<_, String>(3).unwrap().replace("COVERING ", ""))
        })
        .collect();
        for index in sqlite {
            assert!(
                plan.iter().any(|step| step.contains(&format!("SEARCH {index}"))),
                "{name}: no {index} in {plan:#?}"
            );
        }
        // What was found by indices may be gone through; a table may not.
        let scans = |step: &&String| {
            step.starts_with("SCAN") && !["marked", "theirs", "("].iter().any(|found| step.contains(found))
        };
        assert_eq!(plan.iter().find(scans), None, "{name}: {plan:#?}");
    }
}

#[test]
fn mariadb_serves_each_query_by_its_index() {
    let server = Mariadb::shared();
    let url = server.database();
    server.ask_in(&url, include_str!("../../migrations/mysql/0001_messages.sql"));
    for insert in rows("SELECT seq AS number FROM seq_1_to_4000") {
        server.ask_in(&url, &insert);
    }
    let tables = "users, conversations, members, messages, read_marks, deletions, duplicates, outbox, blocks, contacts, \
         quick_replies";
    server.ask_in(&url, &format!("ANALYZE TABLE {tables}"));
    for Served { name, query, mysql, .. } in queries() {
        let plan = server.ask_in(&url, &format!("EXPLAIN {}", filled_in(&query)));
        // id, select_type, table, type, possible_keys, key, …
        let steps: Vec<Vec<&str>> = plan.lines().map(|line| line.split('\t').collect()).collect();
        let used: Vec<String> = steps.iter().map(|step| format!("{} {}", step[2], step[5])).collect();
        for index in mysql {
            assert!(used.iter().any(|step| step.starts_with(index)), "{name}: no {index} in\n{plan}");
        }
        let is_table = |step: &&Vec<&str>| !step[2].starts_with('<') && step[2] != "NULL";
        assert!(steps.iter().filter(is_table).all(|step| !["ALL", "index"].contains(&step[3])), "{name}:\n{plan}");
    }
    let search = Search::of("你好", &"8".parse().unwrap(), None).unwrap();
    let sql = format!(
        "EXPLAIN SELECT message_id FROM words WHERE MATCH (words) AGAINST ('{}' IN BOOLEAN MODE)",
        search.boolean()
    );
    assert!(server.ask_in(&url, &sql).contains("words_found"));
}

/// With its values in the text, which only a test may do.
fn filled_in(query: &Query) -> String {
    let mut params = query.params.iter();
    let value = |param: Option<&crate::query::Param>| match param {
        Some(crate::query::Param::Int(number)) => number.to_string(),
        Some(crate::query::Param::Text(text)) => format!("'{text}'"),
        None => panic!("a place without a value"),
    };
    query
        .sql
        .split_inclusive('?')
        .map(|part| match part.strip_suffix('?') {
            Some(before) => format!("{before}{}", value(params.next())),
            None => part.to_owned(),
        })
        .collect()
}
