//! What every store does, whatever engine keeps it. An engine's own test file makes a [`Site`] and hands the maker, an async
//! function, to `suite!`, which runs all of it.

pub(crate) mod conversations;
pub(crate) mod lists;
pub(crate) mod messages;
pub(crate) mod outgoing;

use parking_lot::Mutex;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use store::{Change, Config, Done, Granted, OutboxId, Process, Reference, Request, Send, Standing, Store};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use types::{Code, ConversationId, Entry, Event, Failure, MessageId, MessageType, UserKey};

/// A process with the store open, and what came out of it.
pub(crate) struct Site {
    pub(crate) store: Store,
    /// What was to be published, by user.
    pub(crate) heard: Arc<Mutex<HashMap<UserKey, Vec<Event>>>>,
    pub(crate) found: mpsc::Receiver<(OutboxId, Vec<Reference>)>,
    pub(crate) stop: CancellationToken,
    closed: Option<tokio::sync::oneshot::Receiver<()>>,
    /// What must outlive it.
    #[allow(dead_code, reason = "held, never read")]
    pub(crate) medium: Arc<dyn std::any::Any + std::marker::Send + Sync>,
}

/// Far longer than anything takes; only a test that fails waits so long.
const PATIENCE: Duration = Duration::from_secs(40);

/// Whether what is committed is stamped as published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stamps {
    Yes,
    /// As if the process had died between the commit and the publishing.
    No,
}

fn judge(_: &Send, standing: &Standing) -> Result<(), Failure> {
    match standing {
        Standing { is_blocked: true, .. } => Err(Failure::new(Code::Blocked, "the receiver has blocked you")),
        Standing { has_blocked: true, .. } => Err(Failure::new(Code::Blocked, "you have blocked the receiver")),
        _ => Ok(()),
    }
}

/// Refuses strangers where the message says so.
fn judge_contacts(send: &Send, standing: &Standing) -> Result<(), Failure> {
    if send.only_as_contact && !standing.is_contact {
        return Err(Failure::forbidden("you are no contact of the receiver"));
    }
    judge(send, standing)
}

impl Site {
    pub(crate) async fn open(
        url: &str,
        process: &str,
        stamps: Stamps,
        medium: Arc<dyn std::any::Any + std::marker::Send + Sync>,
    ) -> Self {
        Self::with(Config { url: url.into(), ..Config::default() }, process, stamps, medium).await.unwrap()
    }

    pub(crate) async fn with(
        config: Config,
        process: &str,
        stamps: Stamps,
        medium: Arc<dyn std::any::Any + std::marker::Send + Sync>,
    ) -> Result<Self, store::OpenError> {
        static STARTS: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let start = STARTS.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let process =
            Process { id: process.into(), incarnation: format!("start{start}-{}", std::process::id()).into() };
        let stop = CancellationToken::new();
        let (store, mut outgoing) =
            store::open(&config, Path::new("data"), process, judge_contacts, stop.clone()).await?;
        let heard = Arc::new(Mutex::new(HashMap::<UserKey, Vec<Event>>::new()));
        let (publishing, hearing) = (store.clone(), heard.clone());
        tokio::spawn(async move {
            while let Some(batch) = outgoing.committed.recv().await {
                for change in batch.changes {
                    for (user, event) in change.events {
                        hearing.lock().entry(user).or_default().push(event);
                    }
                    change.ticket.answer(Ok(Granted { done: change.done, version: Ok(1) }));
                }
                if let Some(outbox) = batch.outbox.filter(|_| stamps == Stamps::Yes) {
                    publishing.stamp(outbox);
                }
            }
        });
        Ok(Self { store, heard, found: outgoing.found, stop, closed: Some(outgoing.closed), medium })
    }

    /// Closes the store, and waits until it is.
    pub(crate) async fn close(&mut self) {
        self.stop.cancel();
        if let Some(closed) = self.closed.take() {
            tokio::time::timeout(PATIENCE, closed).await.expect("it is closed").ok();
        }
    }

    pub(crate) async fn change(&self, by: &str, change: Change) -> Result<Done, Failure> {
        let request = Request { by: user(by), socket: None, change };
        Ok(self.store.change(request).await?.done)
    }

    pub(crate) async fn done(&self, by: &str, change: Change) -> Done {
        self.change(by, change).await.unwrap()
    }

    pub(crate) async fn refused(&self, by: &str, change: Change) -> Code {
        self.change(by, change).await.unwrap_err().code
    }

    /// These exist.
    pub(crate) async fn meet(&self, users: &[&str]) {
        let users: Vec<UserKey> = users.iter().map(|key| user(key)).collect();
        self.store.meet(&users).await.unwrap();
    }

    /// Sends a text; where it is.
    pub(crate) async fn say(&self, from: &str, to: &str, words: &str) -> Said {
        static NAMES: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let name = NAMES.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        match self.done(from, text(to, &format!("t{name}"), words)).await {
            Done::Sent { message_id, conversation_id, conv_seq } => Said { message_id, conversation_id, conv_seq },
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn heard_by(&self, who: &str) -> Vec<Event> {
        self.heard.lock().get(&user(who)).cloned().unwrap_or_default()
    }
}

/// Where a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) message_id: MessageId,
    pub(crate) conversation_id: ConversationId,
    pub(crate) conv_seq: u64,
}

pub(crate) fn user(key: &str) -> UserKey {
    key.parse().unwrap()
}

pub(crate) fn text(to: &str, name: &str, words: &str) -> Change {
    Change::Send(Send {
        to: user(to),
        temp_message_id: name.into(),
        kind: MessageType::Text,
        body: serde_json::to_string(words).unwrap().into(),
        as_asked: None,
        only_as_contact: false,
    })
}

/// An entry in short: its number and its text, `recalled`, `deleted`, or its type.
pub(crate) fn short(entry: &Entry) -> String {
    match entry {
        Entry::Deleted { conv_seq, .. } => format!("{conv_seq} deleted"),
        Entry::Message(message) if message.recalled => format!("{} recalled", message.conv_seq),
        Entry::Message(message) if message.kind == MessageType::Text => {
            let words: String = serde_json::from_str(message.message.as_ref().unwrap().get()).unwrap();
            format!("{} {words}", message.conv_seq)
        }
        Entry::Message(message) => format!("{} {}", message.conv_seq, message.kind.name()),
    }
}

pub(crate) fn shorts(entries: &[Entry]) -> Vec<String> {
    entries.iter().map(short).collect()
}

/// Waits until it is so; what it was last.
pub(crate) async fn eventually<T>(what: &str, mut so: impl AsyncFnMut() -> Option<T>) -> T {
    let looking = async {
        loop {
            if let Some(found) = so().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, looking).await.unwrap_or_else(|_| panic!("it did not come about that {what}"))
}

macro_rules! suite {
    ($site:path: $($part:ident { $($test:ident),+ $(,)? })+) => {
        $(mod $part {
            $(#[tokio::test]
            async fn $test() {
                crate::suite::$part::$test($site().await).await;
            })+
        })+
    };
    ($site:path) => {
        crate::suite::suite! { $site:
            messages {
                what_is_said_stands_in_order_and_is_read_both_ways,
                many_at_once_are_numbered_without_a_gap,
                the_same_again_is_the_same_message,
                who_may_not_write_changes_nothing,
                a_recalled_message_keeps_its_place_without_its_words,
                what_one_deletes_the_other_keeps,
                ids_are_above_all_before_them_also_after_a_new_start,
                the_senders_own_name_comes_back_to_the_sender_alone,
                whoever_is_not_in_a_conversation_reads_nothing,
            }
            conversations {
                a_list_has_pinned_ones_first_and_then_the_newest,
                a_list_comes_in_pages,
                what_changed_since_a_time_is_found,
                read_marks_are_in_the_history_and_told_since_a_time,
                unread_is_counted_cleared_and_read,
                state_is_kept,
                ranges_of_many_conversations_come_at_once,
            }
            lists {
                contacts_and_blocked_users_are_kept,
                profiles_are_kept_and_found,
                quick_replies_are_kept_by_folder,
                words_are_found_by_those_who_may_see_them,
                strangers_are_refused_where_only_contacts_may_write,
            }
            outgoing {
                what_is_committed_is_to_be_published_to_both,
                what_was_not_published_is_found_again,
                the_outbox_tells_what_was_missed,
                what_waits_is_committed_when_the_store_closes,
            }
        }
    };
}
pub(crate) use suite;
