//! Rules about crates: who may know whom.

use super::tree::Tree;

/// The crates of ours that a crate may use; what stands here is the drawing in ARCHITECTURE.md. None points back.
const MAY_USE: [(&str, &[&str]); 17] = [
    ("types", &[]),
    ("wire", &["types"]),
    ("shard", &["types"]),
    ("bus", &["types", "shard"]),
    ("store", &["types"]),
    ("pictures", &["types"]),
    ("chat", &["types", "bus", "store"]),
    ("session", &["types", "wire"]),
    ("node", &["types"]),
    ("client", &["types", "wire"]),
    ("imserver", &["types", "wire", "shard", "bus", "store", "pictures", "chat", "session", "node"]),
    ("standalone", &["types", "bus", "store", "node", "imserver"]),
    ("parts", &[]),
    ("tests", &["types", "wire", "shard", "client", "parts"]),
    ("bench", &["types", "shard", "bus", "tests"]),
    ("chaos", &["types", "client", "parts", "tests"]),
    ("x", &[]),
];

/// What would bring a runtime, a clock or a socket.
const IMPURE: [&str; 9] =
    ["tokio", "tokio-util", "hyper", "hyper-util", "axum", "socket2", "governor", "mio", "async-std"];

const SQL: [&str; 5] = ["sqlx", "rusqlite", "mysql", "mysql_async", "diesel"];

/// No crate imports upward, for its tests neither.
pub(super) fn arrows(tree: &Tree) -> Vec<String> {
    // Real parts of a site are for everybody's tests, and for nothing else.
    let is_for_tests = |need: &str, tests: bool| need == "parts" && tests;
    let ours: Vec<&str> = tree.crates.iter().map(|one| one.name.as_str()).collect();
    let mut found = Vec::new();
    for one in &tree.crates {
        let Some((_, may)) = MAY_USE.iter().find(|(name, _)| *name == one.name) else {
            found.push(format!("{}: the crate {} is not in the drawing", one.folder, one.name));
            continue;
        };
        let uses =
            one.needs.iter().map(|need| (need, false)).chain(one.needs_for_tests.iter().map(|need| (need, true)));
        let uses = uses.filter(|(need, tests)| ours.contains(&need.as_str()) && !is_for_tests(need, *tests));
        let upward = uses.map(|(need, _)| need).filter(|need| !may.contains(&need.as_str()));
        found.extend(upward.map(|need| format!("{}: {} may not use {need}", one.folder, one.name)));
    }
    found
}

/// `types` and `wire` need nothing that could sleep, read a clock or open a socket; their tests may.
pub(super) fn pure_needs(tree: &Tree) -> Vec<String> {
    needing(tree, &IMPURE, |name| !matches!(name, "types" | "wire"))
}

/// Redis and SQL are known in one crate each.
pub(super) fn engines(tree: &Tree) -> Vec<String> {
    let mut found = needing(tree, &["fred", "redis"], |name| name == "bus");
    found.extend(needing(tree, &SQL, |name| name == "store"));
    found
}

/// Every crate takes the lints of the workspace, which forbid unsafe code.
pub(super) fn lints(tree: &Tree) -> Vec<String> {
    let squeezed = |text: &str| text.split_whitespace().collect::<String>();
    let without = tree.crates.iter().filter(|one| !squeezed(&one.manifest).contains("[lints]workspace=true"));
    let mut found: Vec<String> =
        without.map(|one| format!("{}: its manifest does not take the workspace's lints", one.folder)).collect();
    let root = tree.files.iter().find(|file| file.path == "Cargo.toml");
    if !root.is_some_and(|root| squeezed(&root.text).contains("unsafe_code=\"forbid\"")) {
        found.push("Cargo.toml: the workspace's lints do not forbid unsafe code".into());
    }
    found
}

fn needing(tree: &Tree, what: &[&str], allowed: impl Fn(&str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for one in tree.crates.iter().filter(|one| !allowed(&one.name)) {
        let needed = one.needs.iter().filter(|need| what.contains(&need.as_str()));
        found.extend(needed.map(|need| format!("{}: {} may not need {need}", one.folder, one.name)));
    }
    found
}
