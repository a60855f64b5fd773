//! The folder of pictures, which all processes share.

use crate::{Address, Config, Error, Kind, Members, redraw};
use bytes::Bytes;
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Keeps pictures and finds them again.
pub struct Folder {
    config: Arc<Config>,
    /// One permit a picture that is worked on.
    workers: Arc<Semaphore>,
}

/// What was kept, and where.
#[derive(Debug)]
pub struct Kept {
    pub picture: Address,
    pub small: Address,
    pub width: u32,
    pub height: u32,
    pub bytes: usize,
}

impl Folder {
    /// Makes the folder if there is none.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn open(config: Config) -> io::Result<Self> {
        fs::create_dir_all(&config.dir)?;
        Ok(Self { workers: Arc::new(Semaphore::new(config.at_once.max(1))), config: Arc::new(config) })
    }

    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Draws a picture anew and keeps it. When this returns it is on the disk.
    ///
    /// # Errors
    /// It is no picture that is taken, or could not be written.
    pub async fn keep(&self, members: Members, upload: Bytes) -> Result<Kept, Error> {
        // Whoever goes away while it is drawn gives the place back when it is done, not before.
        let permit = self.workers.clone().acquire_owned().await.map_err(io::Error::other)?;
        let config = self.config.clone();
        let work = move || {
            let _permit = permit;
            let redrawn = redraw(&upload, &config)?;
            let picture = Address::random(members, redrawn.kind)?;
            let small = picture.small(Kind::Jpeg);
            let folder = folder_of(&config.dir, &picture.members);
            fs::create_dir_all(&folder)?;
            // The one that messages name comes last: where it is, the small one is.
            write(&folder, &small.name(), &redrawn.small)?;
            write(&folder, &picture.name(), &redrawn.bytes)?;
            File::open(&folder)?.sync_all()?;
            let (width, height, bytes) = (redrawn.width, redrawn.height, redrawn.bytes.len());
            Ok(Kept { picture, small, width, height, bytes })
        };
        tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
    }

    /// The bytes of a picture; `None` when there is none at that address.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub async fn read(&self, address: &Address) -> io::Result<Option<Bytes>> {
        let path = folder_of(&self.config.dir, &address.members).join(address.name());
        let read = tokio::task::spawn_blocking(move || fs::read(path)).await.map_err(io::Error::other)?;
        match read {
            Ok(bytes) => Ok(Some(bytes.into())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Two levels above the members' own folder, so that none holds too many.
fn folder_of(dir: &Path, members: &Members) -> PathBuf {
    let name = members.to_string();
    let hash = Sha256::digest(&name);
    dir.join(format!("{:02x}", hash[0])).join(format!("{:02x}", hash[1])).join(name)
}

/// Under another name until it is whole, so that nobody reads half of it.
fn write(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let unfinished = folder.join(format!(".{name}"));
    let written = File::create(&unfinished).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&unfinished, folder.join(name))
    });
    if written.is_err() {
        // Whatever came of it makes no room for others where the disk is full.
        fs::remove_file(&unfinished).ok();
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{DynamicImage, ImageFormat};
    use std::io::Cursor;

    fn open(dir: &Path) -> Folder {
        let dir = dir.to_owned();
        Folder::open(Config { dir, max_bytes: 1 << 20, max_pixels: 1_000_000, at_once: 1 }).unwrap()
    }

    fn members() -> Members {
        Members::of("m7".parse().unwrap(), "8".parse().unwrap())
    }

    fn upload() -> Bytes {
        let mut bytes = Cursor::new(Vec::new());
        DynamicImage::new_rgb8(600, 40).write_to(&mut bytes, ImageFormat::Png).unwrap();
        bytes.into_inner().into()
    }

    #[tokio::test]
    async fn what_was_kept_is_there_for_every_process_of_the_folder() {
        let dir = tempfile::tempdir().unwrap();
        let kept = open(dir.path()).keep(members(), upload()).await.unwrap();
        let other = open(dir.path());
        for (address, width) in [(&kept.picture, 600), (&kept.small, 480)] {
            let bytes = other.read(address).await.unwrap().unwrap();
            assert_eq!(image::load_from_memory(&bytes).unwrap().width(), width);
        }
        let nowhere = Address::random(members(), Kind::Jpeg).unwrap();
        assert!(other.read(&nowhere).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn nothing_is_left_of_what_could_not_be_kept() {
        let dir = tempfile::tempdir().unwrap();
        let folder = open(dir.path());
        assert!(matches!(folder.keep(members(), Bytes::from_static(b"no")).await, Err(Error::UnknownType)));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        // A file where a folder must be.
        let own = folder_of(dir.path(), &members());
        fs::create_dir_all(own.parent().unwrap()).unwrap();
        fs::write(&own, "in the way").unwrap();
        assert!(matches!(folder.keep(members(), upload()).await, Err(Error::Folder(_))));
    }
}
