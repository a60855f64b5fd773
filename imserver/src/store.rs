//! What outlives the process. The store of messages: opened with the server, published from while it serves, closed behind
//! the last connection. The folder of pictures.

use crate::config::Config;
use anyhow::Context;
use chat::{Chat, Hook, WordList};
use node::Health;
use std::sync::Arc;
use store::{Outgoing, Process, Store};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// As `/readyz` and the metrics call it.
const PART: &str = "store";

/// What the rules keep with.
pub(crate) struct Keeping {
    pub(crate) store: Store,
    pub(crate) hook: Arc<dyn Hook>,
}

/// Opens it, if there is to be one: several processes have none unless they are told a place.
///
/// # Errors
/// A sentence that says what to change.
pub(crate) async fn open(
    config: &Config,
    incarnation: &str,
    stop: CancellationToken,
) -> anyhow::Result<Option<(Keeping, Outgoing)>> {
    if config.redis.is_shared() && !config.store.is_set() {
        tracing::warn!("store.url is not set: no messages are kept");
        return Ok(None);
    }
    let hook = hook(&config.chat)?;
    let process = Process { id: config.server.process_id.as_str().into(), incarnation: incarnation.into() };
    let opened = store::open(&config.store, &config.server.data_dir, process, chat::judge, stop).await?;
    let (store, outgoing) = opened;
    Ok(Some((Keeping { store, hook }, outgoing)))
}

/// Opens the folder of pictures, if there is to be one: as for messages, several processes must be told a place.
///
/// # Errors
/// It cannot be made.
pub(crate) fn pictures(config: &Config) -> anyhow::Result<Option<pictures::Folder>> {
    let mut config_of_it = config.pictures.clone();
    if config_of_it.dir.as_os_str().is_empty() {
        if config.redis.is_shared() {
            tracing::warn!("pictures.dir is not set: no pictures are kept");
            return Ok(None);
        }
        config_of_it.dir = config.server.data_dir.join("pictures");
    }
    let place = config_of_it.dir.display().to_string();
    let folder = pictures::Folder::open(config_of_it).with_context(|| format!("the folder of pictures, {place}"))?;
    Ok(Some(folder))
}

fn hook(config: &chat::Config) -> anyhow::Result<Arc<dyn Hook>> {
    let path = &config.word_list;
    if path.as_os_str().is_empty() {
        return Ok(Arc::new(()));
    }
    let list = std::fs::read_to_string(path).with_context(|| format!("chat.word_list names {}", path.display()))?;
    Ok(Arc::new(WordList::parse(&list)))
}

/// Publishes what is committed, and says what the store's health is, until it is closed.
pub(crate) fn serve(chat: &Arc<Chat>, mut outgoing: Outgoing, health: Health, tasks: &TaskTracker) {
    let mut trouble = std::mem::replace(&mut outgoing.trouble, tokio::sync::watch::channel(None).1);
    tasks.spawn(async move {
        while trouble.changed().await.is_ok() {
            match &*trouble.borrow_and_update() {
                Some(_) => health.degrade(PART),
                None => health.restore(PART),
            }
        }
    });
    let chat = chat.clone();
    tasks.spawn(chat::publish(chat, outgoing));
}
