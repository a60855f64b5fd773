//! What a node list may say, and the sentences for what it may not.

use super::*;
use secrecy::ExposeSecret;

fn refusal(json: &str) -> String {
    parse_nodes(json).unwrap_err().to_string()
}

#[test]
fn nodes_keep_their_order_and_their_names() {
    let json = r#"[
        {"host": "redis-b", "port": 6380},
        {"host": "redis-a", "port": 6379, "password": "secret"},
        {"sentinel": {"name": "im-2", "hosts": [["s1", 26379], ["s2", 26380]]}, "password": "other"}
    ]"#;
    let nodes = parse_nodes(json).unwrap();
    let names: Vec<String> = nodes.iter().map(Node::to_string).collect();
    assert_eq!(names, ["redis-b:6380", "redis-a:6379", "sentinel:im-2"]);
    let password = |node: &Node| node.password.as_ref().map(|password| password.expose_secret().to_owned());
    assert_eq!(nodes.iter().map(password).collect::<Vec<_>>(), [None, Some("secret".into()), Some("other".into())]);
    let hosts = vec![("s1".to_owned(), 26379), ("s2".to_owned(), 26380)];
    assert_eq!(nodes[2].address, Address::Sentinel { name: "im-2".into(), hosts });
}

#[test]
fn a_password_is_not_printed() {
    let nodes = parse_nodes(r#"[{"host": "a", "port": 1, "password": "hunter2"}]"#).unwrap();
    assert!(!format!("{nodes:?}{}", nodes[0]).contains("hunter2"));
}

#[test]
fn unknown_keys_are_refused_with_what_to_write() {
    let sentence = refusal(r#"[{"host": "a", "port": 1}, {"host": "b", "prot": 2}]"#);
    assert_eq!(sentence, "node 1: there is no key `prot` here: write host, port, password");
    let sentence = refusal(r#"[{"sentinel": {"name": "a", "hosts": [["s", 1]]}, "host": "b"}]"#);
    assert_eq!(sentence, "node 0: there is no key `host` here: write sentinel, password");
    assert!(refusal(r#"[{"sentinel": {"name": "a", "host": "s"}}]"#).contains("no key `host`"));
}

#[test]
fn what_is_missing_or_wrong_is_named() {
    for (json, part) in [
        ("[", "is JSON"),
        ("{}", "JSON array"),
        ("[]", "at least one node"),
        ("[7]", "a node is an object"),
        (r#"[{"port": 1}]"#, "`host` is"),
        (r#"[{"host": "", "port": 1}]"#, "`host` is"),
        (r#"[{"host": "a"}]"#, "a port is a number"),
        (r#"[{"host": "a", "port": 0}]"#, "a port is a number"),
        (r#"[{"host": "a", "port": 65536}]"#, "a port is a number"),
        (r#"[{"host": "a", "port": "6379"}]"#, "a port is a number"),
        (r#"[{"host": "a", "port": 1, "password": 7}]"#, "`password` is"),
        (r#"[{"sentinel": "a"}]"#, "`sentinel` is an object"),
        (r#"[{"sentinel": {"hosts": [["s", 1]]}}]"#, "`name` is"),
        (r#"[{"sentinel": {"name": "a", "hosts": []}}]"#, "`hosts` is a list"),
        (r#"[{"sentinel": {"name": "a", "hosts": ["s:1"]}}]"#, "a Sentinel is [host, port]"),
    ] {
        assert!(refusal(json).contains(part), "{json}: {}", refusal(json));
    }
}

#[test]
fn a_node_stands_once() {
    let sentence = refusal(r#"[{"host": "a", "port": 1}, {"host": "b", "port": 1}, {"host": "a", "port": 1}]"#);
    assert!(sentence.starts_with("node 2 is the same as node 0"), "{sentence}");
}

#[test]
fn more_nodes_than_the_rule_can_use_are_refused() {
    let list = |nodes: u16| {
        let list: Vec<String> = (1..=nodes).map(|port| format!(r#"{{"host": "a", "port": {port}}}"#)).collect();
        format!("[{}]", list.join(","))
    };
    assert_eq!(parse_nodes(&list(256)).unwrap().len(), 256);
    assert_eq!(parse_nodes(&list(257)).unwrap_err(), NodeListError::TooMany);
}

#[test]
fn the_lists_that_come_with_the_project_are_lists() {
    for (name, json) in [
        ("local", include_str!("../../../config/redis_local.json")),
        ("test", include_str!("../../../config/redis_test.json")),
        ("online", include_str!("../../../config/redis_online.json")),
        ("push_online", include_str!("../../../config/redis_push_online.json")),
    ] {
        assert!(parse_nodes(json).is_ok(), "{name}: {:?}", parse_nodes(json));
    }
}
