//! The send queue's file: what is queued, in order, so that it survives the end of the process.
//!
//! A line of JSON a change, only ever added; a queued message is on the disk before it counts as queued. The file is written
//! anew when most of it is settled. A second file beside it is locked for as long as this one is open.
//!
//! ```text
//!   {"user":"8"}
//!   {"queued":{"temp_message_id":"t1", …}}        on the disk (fsync) before the application is told
//!   {"failed":{"temp_message_id":"t1","refusal":{…}}}
//!   {"settled":"t1"}                              not waited for: a message that is sent once more is the same message
//! ```

mod writer;

pub(crate) use writer::Writer;

use crate::error::Error;
use crate::rules::{Kind, Outgoing, Refusal};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::HashMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use types::UserKey;

/// A file that is smaller is not worth writing anew.
const SMALL: u64 = 64 << 10;

pub(crate) struct Journal {
    path: PathBuf,
    file: File,
    /// Held for as long as the file is open.
    _lock: File,
    /// How much of the file is good.
    length: u64,
    /// The lines that still count, by name; with where they stand in the order.
    live: HashMap<Box<str>, Live>,
    next: u64,
    user: Option<UserKey>,
}

struct Live {
    order: u64,
    queued: String,
    failed: Option<String>,
}

/// A message that was in the queue; with a refusal if it had failed.
pub(crate) struct Kept {
    pub(crate) message: Outgoing,
    pub(crate) failed: Option<Refusal>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    User(UserKey),
    Queued(Box<RawValue>),
    Failed { temp_message_id: Box<str>, refusal: Refusal },
    Retried(Box<str>),
    Settled(Box<str>),
}

#[derive(Serialize, Deserialize)]
struct Queued {
    temp_message_id: Box<str>,
    to_user_id: UserKey,
    #[serde(rename = "type")]
    kind: Kind,
    message: Box<RawValue>,
    made_at: u64,
}

/// What became of a queued message.
#[derive(Debug)]
pub(crate) enum Fate {
    Settled(Box<str>),
    Failed(Box<str>, Refusal),
    Retried(Box<str>),
}

impl Journal {
    /// Opens the file, or makes it; what was queued, in order. A last line that was cut off by the end of the process, or of
    /// the machine, is taken away: it was never counted as queued.
    ///
    /// # Errors
    /// [`Error::InUse`], [`Error::Damaged`], or [`Error::File`].
    pub(crate) fn open(path: &Path) -> Result<(Self, Vec<Kept>), Error> {
        let lock = lock(path)?;
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let mut journal =
            Self { path: path.to_owned(), file, _lock: lock, length: 0, live: HashMap::new(), next: 0, user: None };
        journal.length = journal.replay(&bytes)? as u64;
        journal.file.set_len(journal.length)?;
        journal.file.seek(SeekFrom::End(0))?;
        journal.file.sync_all()?;
        sync_folder(path)?;
        let kept = journal.kept()?;
        Ok((journal, kept))
    }

    /// Whose messages these are, once that is known.
    pub(crate) fn user(&self) -> Option<&UserKey> {
        self.user.as_ref()
    }

    /// From now on the file is this user's.
    pub(crate) fn belong_to(&mut self, user: &UserKey) -> Result<(), Error> {
        self.user = Some(user.clone());
        self.append(&text(&Line::User(user.clone()))?)?;
        Ok(self.file.sync_data()?)
    }

    /// Whether a message of this name is in the queue, and how many there are.
    pub(crate) fn holds(&self, name: &str) -> (bool, usize) {
        (self.live.contains_key(name), self.live.len())
    }

    /// Adds a message. It counts once [`sync`](Self::sync) has returned.
    pub(crate) fn queue(&mut self, message: &Outgoing) -> Result<(), Error> {
        let queued = Queued {
            temp_message_id: message.temp_message_id.clone(),
            to_user_id: message.to_user_id.clone(),
            kind: message.kind.clone(),
            message: message.message.clone(),
            made_at: message.made_at,
        };
        let line = text(&Line::Queued(serde_json::value::to_raw_value(&queued)?))?;
        self.append(&line)?;
        self.add(message.temp_message_id.clone(), line);
        Ok(())
    }

    /// Puts what was added on the disk.
    pub(crate) fn sync(&mut self) -> Result<(), Error> {
        Ok(self.file.sync_data()?)
    }

    /// Notes what became of a message.
    pub(crate) fn note(&mut self, fate: &Fate) -> Result<(), Error> {
        let line = match fate {
            Fate::Settled(name) => Line::Settled(name.clone()),
            Fate::Retried(name) => Line::Retried(name.clone()),
            Fate::Failed(name, refusal) => Line::Failed { temp_message_id: name.clone(), refusal: refusal.clone() },
        };
        let line = text(&line)?;
        self.append(&line)?;
        self.apply(fate, &line);
        let live: usize = self.live.values().map(|live| live.queued.len()).sum();
        if self.length > SMALL && self.length > 4 * live as u64 { self.write_anew() } else { Ok(()) }
    }

    fn apply(&mut self, fate: &Fate, line: &str) {
        let (name, failed) = match fate {
            Fate::Settled(name) => return drop(self.live.remove(name)),
            Fate::Failed(name, _) => (name, Some(line.to_owned())),
            Fate::Retried(name) => (name, None),
        };
        if let Some(live) = self.live.get_mut(name) {
            live.failed = failed;
        }
    }

    fn add(&mut self, name: Box<str>, queued: String) {
        let order = self.next;
        self.next += 1;
        self.live.insert(name, Live { order, queued, failed: None });
    }

    /// Reads the lines; how many bytes of them are good.
    fn replay(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        let mut good = 0;
        let mut lines = bytes.split_inclusive(|byte| *byte == b'\n').enumerate();
        for (number, line) in lines.by_ref() {
            if !self.replay_line(line) {
                // What was not waited for may be cut off anywhere. Whole lines behind it mean something else.
                let is_end = lines.all(|(_, line)| serde_json::from_slice::<Line>(line).is_err());
                return if is_end { Ok(good) } else { Err(Error::Damaged(number + 1)) };
            }
            good += line.len();
        }
        Ok(good)
    }

    fn replay_line(&mut self, line: &[u8]) -> bool {
        let Some(whole) = line.strip_suffix(b"\n").and_then(|line| std::str::from_utf8(line).ok()) else {
            return false;
        };
        match serde_json::from_str(whole) {
            Ok(Line::User(user)) => self.user = Some(user),
            Ok(Line::Queued(json)) => match serde_json::from_str::<Queued>(json.get()) {
                Ok(queued) => self.add(queued.temp_message_id, format!("{whole}\n")),
                Err(_) => return false,
            },
            Ok(Line::Failed { temp_message_id, refusal }) => {
                self.apply(&Fate::Failed(temp_message_id, refusal), &format!("{whole}\n"));
            }
            Ok(Line::Retried(name)) => self.apply(&Fate::Retried(name), ""),
            Ok(Line::Settled(name)) => self.apply(&Fate::Settled(name), ""),
            Err(_) => return false,
        }
        true
    }

    fn kept(&self) -> Result<Vec<Kept>, Error> {
        let mut live: Vec<&Live> = self.live.values().collect();
        live.sort_by_key(|live| live.order);
        live.into_iter().map(Live::read).collect()
    }

    fn append(&mut self, line: &str) -> Result<(), Error> {
        if let Err(error) = self.file.write_all(line.as_bytes()) {
            // Half a line must not stay before the next one.
            self.file.set_len(self.length)?;
            self.file.seek(SeekFrom::End(0))?;
            return Err(error.into());
        }
        self.length += line.len() as u64;
        Ok(())
    }

    /// Writes only what still counts, to a new file that takes the old one's place when it is on the disk.
    fn write_anew(&mut self) -> Result<(), Error> {
        let fresh = beside(&self.path, ".new");
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&fresh)?;
        let mut content = String::new();
        if let Some(user) = &self.user {
            content.push_str(&text(&Line::User(user.clone()))?);
        }
        let mut live: Vec<&Live> = self.live.values().collect();
        live.sort_by_key(|live| live.order);
        for live in live {
            content.push_str(&live.queued);
            content.push_str(live.failed.as_deref().unwrap_or_default());
        }
        file.write_all(content.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&fresh, &self.path)?;
        sync_folder(&self.path)?;
        (self.file, self.length) = (file, content.len() as u64);
        Ok(())
    }
}

impl Live {
    fn read(&self) -> Result<Kept, Error> {
        let Line::Queued(json) = serde_json::from_str(&self.queued)? else { return Err(Error::Damaged(0)) };
        let Queued { temp_message_id, to_user_id, kind, message, made_at } = serde_json::from_str(json.get())?;
        let failed = match self.failed.as_deref().map(serde_json::from_str) {
            Some(Ok(Line::Failed { refusal, .. })) => Some(refusal),
            _ => None,
        };
        Ok(Kept { message: Outgoing { temp_message_id, to_user_id, kind, message, made_at }, failed })
    }
}

fn text(line: &Line) -> Result<String, Error> {
    Ok(serde_json::to_string(line)? + "\n")
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

fn lock(path: &Path) -> Result<File, Error> {
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(beside(path, ".lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::InUse(path.display().to_string().into())),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

/// A file that is new, or has another's name, is there for good once its folder is on the disk.
fn sync_folder(path: &Path) -> Result<(), Error> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok(File::open(folder)?.sync_all()?)
}

#[cfg(test)]
#[path = "journal_tests.rs"]
mod tests;
