//! The tree as the rules see it: its crates and its text files.

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Everything that was written by hand here.
#[derive(Clone)]
pub(super) struct Tree {
    pub(super) crates: Vec<Crate>,
    pub(super) files: Vec<File>,
}

#[derive(Clone)]
pub(super) struct Crate {
    pub(super) name: String,
    /// Its folder, from the root.
    pub(super) folder: String,
    /// Names of the packages that it needs to run, and those that only its tests or its build need.
    pub(super) needs: Vec<String>,
    pub(super) needs_for_tests: Vec<String>,
    /// The text of its `Cargo.toml`.
    pub(super) manifest: String,
}

#[derive(Clone)]
pub(super) struct File {
    /// From the root, with `/`.
    pub(super) path: String,
    pub(super) text: String,
}

impl Tree {
    /// Reads this repository.
    pub(super) fn read() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let mut files = Vec::new();
        walk(root, root, &mut files);
        Self { crates: crates(root), files }
    }

    pub(super) fn rust(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.path.ends_with(".rs"))
    }

    pub(super) fn add(&mut self, path: &str, text: &str) {
        self.files.push(File { path: path.into(), text: text.into() });
    }
}

impl File {
    pub(super) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// Only there for tests, by where it is.
    pub(super) fn is_test(&self) -> bool {
        let folder =
            |name: &str| self.path.starts_with(&format!("{name}/")) || self.path.contains(&format!("/{name}/"));
        folder("tests") || self.name() == "tests.rs" || self.name().ends_with("_tests.rs")
    }

    /// Its lines with their numbers, without comments and without the tests at its end.
    pub(super) fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let product = self.text.split("\n#[cfg(test)]\nmod ").next().unwrap_or_default();
        product.lines().enumerate().map(|(index, line)| (index + 1, uncommented(line)))
    }
}

/// A line up to its comment. Quotes are counted, so that an address in a string is no comment.
fn uncommented(line: &str) -> &str {
    let outside = |at: &usize| line.get(..*at).is_some_and(|before| before.matches('"').count() % 2 == 0);
    match line.match_indices("//").map(|(at, _)| at).find(outside) {
        Some(at) => line.get(..at).unwrap_or_default(),
        None => line,
    }
}

/// What nobody wrote by hand, or what is no text.
const LEFT_OUT: [&str; 8] = [".git", "target", "node_modules", "data", "vendor", "corpus", "artifacts", "Cargo.lock"];

fn walk(root: &Path, folder: &Path, files: &mut Vec<File>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if LEFT_OUT.iter().any(|name| path.ends_with(name)) {
            continue;
        }
        if path.is_dir() {
            walk(root, &path, files);
        } else if let Ok(text) = fs::read_to_string(&path) {
            let path = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
            files.push(File { path, text });
        }
    }
}

fn crates(root: &Path) -> Vec<Crate> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(root)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().iter().map(|package| read_crate(root, package)).collect()
}

fn read_crate(root: &Path, package: &Value) -> Crate {
    let manifest = Path::new(package["manifest_path"].as_str().unwrap());
    let folder = manifest.parent().unwrap().strip_prefix(root).unwrap();
    let needs = |tests: bool| {
        let all = package["dependencies"].as_array().unwrap().iter();
        let wanted = all.filter(|need| need["kind"].is_null() != tests);
        wanted.map(|need| need["name"].as_str().unwrap().to_owned()).collect()
    };
    Crate {
        name: package["name"].as_str().unwrap().into(),
        folder: folder.to_string_lossy().into_owned(),
        needs: needs(false),
        needs_for_tests: needs(true),
        manifest: fs::read_to_string(manifest).unwrap(),
    }
}

#[test]
fn comments_and_tests_are_not_code() {
    let text = "//! About tokio\nlet url = \"http://x\"; // why\ncode();\n#[cfg(test)]\nmod tests {\n    more();\n}\n";
    let file = File { path: "a/src/b.rs".into(), text: text.into() };
    let lines: Vec<_> = file.code().map(|(_, line)| line.trim_end()).collect();
    assert_eq!(lines, ["", "let url = \"http://x\";", "code();"]);
}
