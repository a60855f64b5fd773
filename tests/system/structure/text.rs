//! Rules about text: sizes, words that stand in one place only, words that stand nowhere.
//!
//! What is forbidden is put together from halves, so that these files pass their own rules.

use super::tree::{File, Tree};

const MAIN_LINES: usize = 60;
const FILE_LINES: usize = 400;

/// `main.rs` is short, no file is long.
pub(super) fn sizes(tree: &Tree) -> Vec<String> {
    let most = |file: &File| if file.name() == "main.rs" { MAIN_LINES } else { FILE_LINES };
    let long = tree.rust().filter(|file| file.text.lines().count() > most(file));
    long.map(|file| format!("{}: {} lines, {} at most", file.path, file.text.lines().count(), most(file))).collect()
}

/// Every Rust file opens with what it is.
pub(super) fn openings(tree: &Tree) -> Vec<String> {
    let without = tree.rust().filter(|file| !file.text.starts_with("//!") && !file.text.starts_with("#!["));
    without.map(|file| format!("{}: does not open with what it is", file.path)).collect()
}

/// `types`, `wire` and the rules of `client` name no runtime, no clock and no socket.
pub(super) fn pure_code(tree: &Tree) -> Vec<String> {
    let folders = ["shared/types/src/", "shared/wire/src/", "shared/client/src/rules", "shared/client/src/lifeline"];
    let pure = |file: &&File| folders.iter().any(|folder| file.path.starts_with(folder)) && !file.is_test();
    let words = ["tokio", "std::time", "std::net", "std::fs", "std::thread", "Instant", "SystemTime"];
    tree.rust().filter(pure).flat_map(|file| naming(file, &words)).collect()
}

/// Redis is named in the bus's Redis twin, SQL in the store.
pub(super) fn engines(tree: &Tree) -> Vec<String> {
    let redis = tree.rust().filter(|file| !file.path.starts_with("shared/bus/src/redis"));
    let sql = tree.rust().filter(|file| !file.path.starts_with("shared/store/"));
    let redis = redis.flat_map(|file| naming(file, &[concat!("fr", "ed::")]));
    let sql = sql.flat_map(|file| naming(file, &[concat!("sql", "x::"), concat!("rus", "qlite::")]));
    redis.chain(sql).collect()
}

/// Every queue is bounded.
pub(super) fn queues(tree: &Tree) -> Vec<String> {
    let words = [concat!("unbounded", "_channel"), concat!("Unbounded", "Sender"), concat!("unbounded", "(")];
    tree.rust().flat_map(|file| naming(file, &words)).collect()
}

/// Every test runs, every promise is kept.
pub(super) fn promises(tree: &Tree) -> Vec<String> {
    let words = [
        concat!("#[ig", "nore"),
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("to", "do!("),
        concat!(".sk", "ip("),
        concat!(".on", "ly("),
    ];
    let in_rust = |file: &File| file.path.ends_with(".rs");
    let scripts = tree.files.iter().filter(|file| [".js", ".mjs", ".html"].iter().any(|end| file.path.ends_with(end)));
    // An iterator of Rust skips too.
    let rust = tree.files.iter().filter(|file| in_rust(file)).flat_map(|file| holding(file, &words[..4]));
    rust.chain(scripts.flat_map(|file| holding(file, &words))).collect()
}

/// Names of metrics stand in `metrics.rs`, begin alike, and carry no label that grows with users.
pub(super) fn metrics(tree: &Tree) -> Vec<String> {
    let macros = [concat!("coun", "ter!("), concat!("gau", "ge!("), concat!("histo", "gram!(")];
    let mut found = Vec::new();
    for file in tree.rust().filter(|file| !file.is_test()) {
        if file.name() != "metrics.rs" {
            found.extend(naming(file, &macros));
            continue;
        }
        for (number, line) in file.code() {
            let named = macros.iter().find_map(|start| line.split_once(start)).map(|(_, rest)| rest);
            if named.is_some_and(|rest| rest.starts_with('"') && !rest.starts_with("\"im_")) {
                found.push(format!("{}:{number}: a metric's name begins with im_", file.path));
            }
            if ["user", "uid", "socket", "room", "token", "sid", "address"].iter().any(|key| labels(line, key)) {
                found.push(format!("{}:{number}: a label that grows with users", file.path));
            }
        }
    }
    found
}

/// In a server only `protocol.rs` names the events of its wire; all of them but a few end alike.
pub(super) fn events(tree: &Tree) -> Vec<String> {
    let servers = ["imserver/src/", "pushserver/src/", "huaserver/src/"];
    let elsewhere = |file: &&File| {
        servers.iter().any(|folder| file.path.starts_with(folder)) && file.name() != "protocol.rs" && !file.is_test()
    };
    tree.rust().filter(elsewhere).flat_map(|file| matching(file, |line| line.contains("Push\""))).collect()
}

/// What belongs to where the code was written, not to the code: numbers of a list of wishes, folders of a machine.
pub(super) fn strangers(tree: &Tree) -> Vec<String> {
    let folders = [
        concat!("/wo", "rk/"),
        concat!("/ro", "ot/"),
        concat!("/fa", "rm/"),
        concat!("/ho", "me/"),
        concat!("bash", "_jobs"),
        concat!("..", "/shared"),
    ];
    let mut found = Vec::new();
    for file in tree.files.iter().filter(|file| !file.path.ends_with("package-lock.json")) {
        found.extend(holding(file, &folders));
        let numbered = file.text.lines().enumerate().filter(|(_, line)| has_wish_number(line));
        found.extend(numbered.map(|(index, line)| said(file, index + 1, line)));
    }
    found
}

/// Where packages come from is each machine's own matter. `Cargo.lock` is as cargo writes it.
pub(super) fn registries(tree: &Tree) -> Vec<String> {
    let hosts = [
        concat!("crates", ".io"),
        concat!("npm", "js.org"),
        concat!("npm", "js.com"),
        concat!("py", "pi.org"),
        concat!("deb.", "debian.org"),
    ];
    tree.files.iter().flat_map(|file| holding(file, &hosts)).collect()
}

/// Code lines that have one of the words.
fn naming(file: &File, words: &[&str]) -> Vec<String> {
    matching(file, |line| words.iter().any(|word| has_word(line, word)))
}

fn matching(file: &File, is: impl Fn(&str) -> bool) -> Vec<String> {
    file.code().filter(|(_, line)| is(line)).map(|(number, line)| said(file, number, line)).collect()
}

/// Lines of any kind, comments too, that have one of the strings.
fn holding(file: &File, strings: &[&str]) -> Vec<String> {
    let lines = file.text.lines().enumerate().filter(|(_, line)| strings.iter().any(|string| line.contains(string)));
    lines.map(|(index, line)| said(file, index + 1, line)).collect()
}

fn said(file: &File, number: usize, line: &str) -> String {
    format!("{}:{number}: {}", file.path, line.trim())
}

/// Whether the word stands in the line and does not merely end another: `Instant`, not `MyInstant`.
fn has_word(line: &str, word: &str) -> bool {
    let begins = |at: usize| !line.get(..at).is_some_and(|before| before.ends_with(|c: char| c.is_alphanumeric()));
    let ends = |at: usize| {
        let open = word.ends_with(|c: char| c.is_alphanumeric());
        let after = line.get(at + word.len()..).unwrap_or_default();
        !(open && after.starts_with(|c: char| c.is_alphanumeric()))
    };
    line.match_indices(word).any(|(at, _)| begins(at) && ends(at))
}

fn labels(line: &str, key: &str) -> bool {
    line.contains(&format!("\"{key}\" =>"))
}

/// A letter from B to J with a number up to 15, standing alone: `D` and 2. Escapes such as `%E4` are not that.
fn has_wish_number(line: &str) -> bool {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let mut rest = line;
    let mut before = ' ';
    while let Some(start) = rest.find(word) {
        let (skipped, from) = rest.split_at(start);
        before = skipped.chars().next_back().unwrap_or(before);
        let end = from.find(|c| !word(c)).unwrap_or(from.len());
        let (found, after) = from.split_at(end);
        let escaped = matches!(before, '%' | '\\' | '#' | ':');
        if !escaped && found.strip_prefix(|c| ('B'..='J').contains(&c)).is_some_and(is_wish) {
            return true;
        }
        before = found.chars().next_back().unwrap_or(' ');
        rest = after;
    }
    false
}

fn is_wish(number: &str) -> bool {
    number.len() <= 2 && number.parse().is_ok_and(|number: u8| (1..=15).contains(&number))
}

#[test]
fn numbers_of_wishes_are_told_from_escapes_types_and_colours() {
    for line in [concat!("as D", "2 says"), concat!("(C", "5)"), concat!("B", "11, and more"), concat!("\"J", "3\"")] {
        assert!(has_wish_number(line), "{line}");
    }
    for line in ["%E4%BD%A0", "\\xC3", "0xC3", "ValueKind::I64(x)", "#B1", "F16x", "E0277", "A4", "B_1", "G0", "H99"] {
        assert!(!has_wish_number(line), "{line}");
    }
}
