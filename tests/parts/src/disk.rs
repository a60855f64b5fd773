//! A file system of a given size, that can be full. Mounting one needs root.

use crate::process::scratch;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A tmpfs; it goes with its handle.
pub struct Disk(PathBuf);

impl Disk {
    /// An empty one of so many bytes.
    ///
    /// # Panics
    /// It cannot be mounted.
    pub fn of(bytes: u64) -> Self {
        let folder = scratch();
        let size = format!("size={bytes}");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(&folder).status();
        assert!(mounted.is_ok_and(|status| status.success()), "mounting a tmpfs needs root");
        Self(folder)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Makes it larger or smaller; what is on it stays.
    ///
    /// # Panics
    /// It is fuller than that.
    pub fn resize(&self, bytes: u64) {
        let size = format!("remount,size={bytes}");
        let resized = Command::new("mount").args(["-o", &size]).arg(&self.0).status();
        assert!(resized.is_ok_and(|status| status.success()), "remounting {}", self.0.display());
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Whoever still has files open there loses them when they are closed.
        Command::new("umount").arg("--lazy").arg(&self.0).status().ok();
        std::fs::remove_dir(&self.0).ok();
    }
}
