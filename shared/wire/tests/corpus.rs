//! Replays the fuzzer's corpus through its targets on the stable compiler, then bytes like it.

#![allow(clippy::unwrap_used, reason = "a test says what went wrong by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

/// The bodies of the fuzz targets.
#[path = "../fuzz/src/lib.rs"]
pub mod targets;

type Run = fn(&[u8]);

const TARGETS: [(&str, Run); 3] = [
    ("engineio", targets::engineio::run),
    ("socketio", targets::socketio::run),
    ("websocket", targets::websocket::run),
];

#[test]
fn every_target_keeps_its_promises_on_its_corpus() {
    for (name, run) in TARGETS {
        let seeds = seeds(name);
        assert!(seeds.len() >= 10, "{name} has {} seeds", seeds.len());
        for seed in seeds {
            println!("{}", seed.display());
            run(&fs::read(seed).unwrap());
        }
    }
}

#[test]
fn every_corpus_has_its_target_here() {
    let mut folders: Vec<_> = entries(&corpus()).iter().map(|path| path.file_name().unwrap().to_owned()).collect();
    folders.sort();
    assert_eq!(folders, TARGETS.map(|(name, _)| name));
}

#[test]
fn damaged_seeds_break_no_promise() {
    for (_, run) in TARGETS {
        let seeds: Vec<_> =
            TARGETS.iter().flat_map(|(name, _)| seeds(name)).map(|seed| fs::read(seed).unwrap()).collect();
        let damage =
            (prop::sample::select(seeds), any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>());
        let strategy = damage.prop_map(|(mut bytes, cut, at, byte)| {
            bytes.truncate(cut.index(bytes.len()) + 1);
            let at = at.index(bytes.len());
            bytes[at] = byte;
            bytes
        });
        proptest!(|(bytes in strategy)| run(&bytes));
    }
}

#[test]
fn random_bytes_break_no_promise() {
    for (_, run) in TARGETS {
        proptest!(|(bytes: Vec<u8>)| run(&bytes));
    }
}

fn seeds(target: &str) -> Vec<PathBuf> {
    entries(&corpus().join(target))
}

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus")
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}
