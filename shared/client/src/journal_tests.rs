//! The queue's file, cut off at every byte, damaged, shared, and written anew.

use super::*;
use serde_json::value::to_raw_value;
use std::fs;
use std::sync::atomic::{AtomicU32, Ordering};
use types::MessageType;

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("im-journal-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn file(&self) -> PathBuf {
        self.0.join("queue")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

fn message(name: &str) -> Outgoing {
    Outgoing {
        temp_message_id: name.into(),
        to_user_id: "m7".parse().unwrap(),
        kind: MessageType::Text.into(),
        message: to_raw_value(&format!("text of {name}\n群")).unwrap(),
        made_at: 5,
    }
}

fn names(kept: &[Kept]) -> Vec<(&str, bool)> {
    kept.iter().map(|kept| (&*kept.message.temp_message_id, kept.failed.is_some())).collect()
}

fn reopened(path: &Path) -> Vec<Kept> {
    Journal::open(path).unwrap().1
}

#[test]
fn what_is_queued_is_there_again_in_order() {
    let folder = Folder::new();
    let (mut journal, kept) = Journal::open(&folder.file()).unwrap();
    assert!(kept.is_empty());
    journal.belong_to(&"8".parse().unwrap()).unwrap();
    for name in ["a", "b", "c", "d"] {
        journal.queue(&message(name)).unwrap();
    }
    let no = Refusal { code: "blocked".into(), message: "no".into(), retry_after_ms: None };
    journal.note(&Fate::Settled("b".into())).unwrap();
    journal.note(&Fate::Failed("a".into(), no.clone())).unwrap();
    journal.note(&Fate::Failed("c".into(), no.clone())).unwrap();
    journal.note(&Fate::Retried("c".into())).unwrap();
    drop(journal);
    let (journal, kept) = Journal::open(&folder.file()).unwrap();
    assert_eq!(names(&kept), [("a", true), ("c", false), ("d", false)]);
    assert_eq!(kept[0].failed, Some(no));
    assert_eq!((kept[1].message.message.get(), kept[1].message.made_at), ("\"text of c\\n群\"", 5));
    assert_eq!(journal.user(), Some(&"8".parse().unwrap()));
}

#[test]
fn a_file_that_is_cut_off_anywhere_has_all_that_was_whole() {
    let folder = Folder::new();
    let (mut journal, _) = Journal::open(&folder.file()).unwrap();
    let mut ends = vec![0];
    for name in ["a", "b", "c"] {
        journal.queue(&message(name)).unwrap();
        ends.push(journal.length as usize);
    }
    drop(journal);
    let whole = fs::read(folder.file()).unwrap();
    for cut in 0..=whole.len() {
        fs::write(folder.file(), &whole[..cut]).unwrap();
        let count = ends.iter().filter(|end| **end <= cut).count() - 1;
        let (mut journal, kept) = Journal::open(&folder.file()).unwrap();
        assert_eq!(kept.len(), count, "cut at {cut}");
        // What is added next stands behind what was whole.
        journal.queue(&message("next")).unwrap();
        drop(journal);
        assert_eq!(reopened(&folder.file()).len(), count + 1, "cut at {cut}");
    }
}

#[test]
fn a_last_line_of_zeroes_is_taken_away_and_damage_in_the_middle_is_told() {
    let folder = Folder::new();
    let (mut journal, _) = Journal::open(&folder.file()).unwrap();
    journal.queue(&message("a")).unwrap();
    drop(journal);
    let whole = fs::read(folder.file()).unwrap();
    fs::write(folder.file(), [&whole[..], &[0; 40], b"\n{\"sett"].concat()).unwrap();
    assert_eq!(names(&reopened(&folder.file())), [("a", false)]);
    fs::write(folder.file(), [&whole[..], b"nonsense\n", &whole[..]].concat()).unwrap();
    assert!(matches!(Journal::open(&folder.file()), Err(Error::Damaged(2))));
}

#[test]
fn one_at_a_time() {
    let folder = Folder::new();
    let (journal, _) = Journal::open(&folder.file()).unwrap();
    assert!(matches!(Journal::open(&folder.file()), Err(Error::InUse(_))));
    drop(journal);
    assert!(Journal::open(&folder.file()).is_ok());
}

#[test]
fn a_file_of_settled_messages_is_written_anew() {
    let folder = Folder::new();
    let (mut journal, _) = Journal::open(&folder.file()).unwrap();
    journal.belong_to(&"8".parse().unwrap()).unwrap();
    journal.queue(&message("stays")).unwrap();
    let mut longest = 0;
    for number in 0..5_000 {
        let name = format!("t{number}");
        journal.queue(&message(&name)).unwrap();
        journal.note(&Fate::Settled(name.into())).unwrap();
        longest = longest.max(journal.length);
    }
    assert!(longest < SMALL + 1_000 && journal.length == fs::metadata(folder.file()).unwrap().len());
    drop(journal);
    let (journal, kept) = Journal::open(&folder.file()).unwrap();
    assert_eq!(names(&kept), [("stays", false)]);
    assert_eq!(journal.user(), Some(&"8".parse().unwrap()));
}
