//! The rules that a program can hold the tree to. Each test shows first that its rule finds what it forbids, in a
//! copy of the tree with that one fault; then that the tree has none.

mod crates;
mod text;
mod tree;

use tree::Tree;

/// The rule must answer the fault with exactly one finding, which names `place`, and the tree with none.
fn holds(rule: fn(&Tree) -> Vec<String>, place: &str, fault: impl Fn(&mut Tree)) {
    let tree = Tree::read();
    let found = rule(&tree);
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
    let mut doctored = tree;
    fault(&mut doctored);
    let found = rule(&doctored);
    assert!(found.len() == 1 && found.iter().all(|one| one.starts_with(place)), "of one fault: {found:?}");
}

fn needing<'a>(name: &'a str, what: &'a str) -> impl Fn(&mut Tree) + 'a {
    move |tree| tree.crates.iter_mut().find(|one| one.name == name).unwrap().needs.push(what.into())
}

fn with<'a>(path: &'a str, text: &'a str) -> impl Fn(&mut Tree) + 'a {
    move |tree| tree.add(path, text)
}

#[test]
fn the_whole_tree_is_looked_at() {
    let tree = Tree::read();
    for name in ["types", "wire", "bus", "chat", "session", "node", "client", "imserver", "standalone", "tests", "x"] {
        assert!(tree.crates.iter().any(|one| one.name == name), "{name}");
    }
    for path in ["Cargo.toml", "imserver/src/main.rs", "shared/wire/src/lib.rs", "tests/system/structure.rs", ".ci/run"]
    {
        assert!(tree.files.iter().any(|file| file.path == path), "{path}");
    }
    let foreign = |part: &str| tree.files.iter().any(|file| file.path.contains(part));
    assert!(!foreign("node_modules") && !foreign("target/"));
}

#[test]
fn no_crate_imports_upward() {
    holds(crates::arrows, "shared/bus", needing("bus", "chat"));
    holds(crates::arrows, "shared/wire", needing("wire", "session"));
    holds(crates::arrows, "shared/node", |tree| {
        let node = tree.crates.iter_mut().find(|one| one.name == "node").unwrap();
        node.needs_for_tests.push("imserver".into());
    });
}

#[test]
fn a_new_crate_is_drawn_first() {
    holds(crates::arrows, "shared/surprise", |tree| {
        let mut new = tree.crates[0].clone();
        (new.name, new.folder, new.needs) = ("surprise".into(), "shared/surprise".into(), vec![]);
        tree.crates.push(new);
    });
}

#[test]
fn wire_and_types_see_no_runtime_clock_or_socket() {
    holds(crates::pure_needs, "shared/types", needing("types", "tokio"));
    holds(
        text::pure_code,
        "shared/wire/src/a.rs:2",
        with("shared/wire/src/a.rs", "//! tokio\nuse std::time::Instant;"),
    );
    holds(text::pure_code, "shared/types/src/a.rs:1", with("shared/types/src/a.rs", "use std::net::IpAddr;"));
    holds(text::pure_code, "shared/client/src/rules/a.rs:1", with("shared/client/src/rules/a.rs", "use std::fs;"));
}

#[test]
fn redis_and_sql_are_known_in_one_crate_each() {
    holds(crates::engines, "shared/chat", needing("chat", "fred"));
    holds(crates::engines, "imserver", needing("imserver", "sqlx"));
    holds(text::engines, "shared/chat/src/a.rs:1", with("shared/chat/src/a.rs", concat!("use fr", "ed::prelude::*;")));
    holds(text::engines, "shared/bus/src/local.rs:1", with("shared/bus/src/local.rs", concat!("use sql", "x::Row;")));
}

#[test]
fn unsafe_code_is_forbidden_in_every_crate() {
    holds(crates::lints, "shared/node", |tree| {
        let node = tree.crates.iter_mut().find(|one| one.name == "node").unwrap();
        node.manifest = node.manifest.replace("[lints]", "[lint]");
    });
    holds(crates::lints, "Cargo.toml", |tree| {
        let root = tree.files.iter_mut().find(|file| file.path == "Cargo.toml").unwrap();
        root.text = root.text.replace("\"forbid\"", "\"warn\"");
    });
}

#[test]
fn mains_are_short_and_files_are_not_long() {
    let long = format!("//! x\n{}", "// x\n".repeat(60));
    holds(text::sizes, "a/src/main.rs", with("a/src/main.rs", &long));
    holds(text::sizes, "a/src/b.rs", with("a/src/b.rs", &long.repeat(7)));
}

#[test]
fn every_file_opens_with_what_it_is() {
    holds(text::openings, "a/src/b.rs", with("a/src/b.rs", "use std::fmt;\n"));
}

#[test]
fn every_queue_is_bounded() {
    let queue = concat!("let (a, b) = mpsc::unbounded", "_channel();");
    holds(text::queues, "a/src/b.rs:1", with("a/src/b.rs", queue));
    holds(text::queues, "a/tests/b.rs:1", with("a/tests/b.rs", concat!("let (a, b) = unbounded", "();")));
}

#[test]
fn every_test_runs_and_nothing_is_put_off() {
    holds(text::promises, "a/src/b.rs:2", with("a/src/b.rs", concat!("#[test]\n#[ig", "nore = \"slow\"]")));
    holds(text::promises, "a/src/b.rs:1", with("a/src/b.rs", concat!("// TO", "DO: later")));
    holds(text::promises, "tests/e2e/a.test.js:1", with("tests/e2e/a.test.js", concat!("test.sk", "ip('x')")));
}

#[test]
fn metrics_are_named_in_one_file_a_crate_and_have_bounded_labels() {
    let counted = concat!("coun", "ter!(\"im_x_total\")");
    holds(text::metrics, "a/src/b.rs:1", with("a/src/b.rs", counted));
    let wild = concat!("coun", "ter!(\"x_total\")");
    holds(text::metrics, "a/src/metrics.rs:1", with("a/src/metrics.rs", wild));
    let growing = concat!("coun", "ter!(\"im_x_total\", \"user\" => key)");
    holds(text::metrics, "a/src/metrics.rs:1", with("a/src/metrics.rs", growing));
}

#[test]
fn in_a_server_only_protocol_names_the_events() {
    holds(text::events, "imserver/src/web.rs:3", |tree| {
        let file = tree.files.iter_mut().find(|file| file.path == "imserver/src/web.rs").unwrap();
        file.text = "//! \"kickPush\"\n\nsocket.emit(\"kickPush\");\n".into();
    });
}

#[test]
fn nothing_names_the_place_it_was_written_in() {
    holds(text::strangers, "a.md:1", with("a.md", concat!("see /wo", "rk/x")));
    holds(text::strangers, "a.rs:2", with("a.rs", concat!("//! x\n// as D", "2 says")));
}

#[test]
fn no_registry_is_named() {
    let line = concat!("\"resolved\": \"https://registry.npm", "js.org/x\"");
    holds(text::registries, "tests/e2e/package-lock.json:1", with("tests/e2e/package-lock.json", line));
}
