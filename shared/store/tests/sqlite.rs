//! The store in an SQLite file keeps the contract, and what is only true of it.

#![allow(clippy::unwrap_used)] // a test that meets an error has failed

mod suite;

use std::path::PathBuf;
use std::sync::Arc;
use store::{Config, OpenError};
use suite::{Site, Stamps};

/// Where the store of a test is.
pub(crate) struct Medium {
    pub(crate) url: String,
    _folder: Folder,
}

/// Removed with the last handle.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

fn medium() -> Arc<Medium> {
    let folder = Folder(parts::process::scratch());
    Arc::new(Medium { url: format!("sqlite:{}", folder.0.join("im.sqlite").display()), _folder: folder })
}

async fn site() -> Site {
    let medium = medium();
    Site::open(&medium.url.clone(), "im1", Stamps::Yes, medium).await
}

mod contract {
    crate::suite::suite!(crate::site);
}

#[tokio::test]
async fn a_file_belongs_to_one_process() {
    let medium = medium();
    let mut first = Site::open(&medium.url, "im1", Stamps::Yes, medium.clone()).await;
    let config = || Config { url: medium.url.as_str().into(), ..Config::default() };
    let second = Site::with(config(), "im2", Stamps::Yes, medium.clone()).await;
    assert!(matches!(second.err(), Some(OpenError::Taken(_))));
    first.close().await;
    assert!(Site::with(config(), "im2", Stamps::Yes, medium.clone()).await.is_ok(), "it is free again");
}
