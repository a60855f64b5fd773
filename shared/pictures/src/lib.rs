//! Pictures that people send each other: taken apart and made anew, kept in a folder that all processes share, and given
//! to nobody but the members of the conversation.
//!
//! ```text
//! bytes of anyone ─► redraw (type by content, bounds, orientation) ─► a picture and a small one ─► folder
//! ```
//!
//! Nothing of what was uploaded is kept as it came: no metadata (a phone writes where a photo was taken), no bytes that a
//! browser could take for something else. A picture's address names its members, so who may see it is read off the
//! address, and no table has to be asked.

mod address;
mod folder;
mod redraw;

pub use address::{Address, Kind, Members};
pub use folder::{Folder, Kept};
pub use redraw::{Redrawn, redraw};

use serde::Deserialize;
use std::path::PathBuf;

/// What is taken.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The folder; empty: `pictures` in the process's data folder.
    pub dir: PathBuf,
    /// Of an upload.
    pub max_bytes: usize,
    /// Width times height.
    pub max_pixels: u64,
    /// Pictures that are worked on at once; each holds its pixels in memory meanwhile.
    pub at_once: usize,
}

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("this is no JPEG, PNG, GIF or WebP picture")]
    UnknownType,
    #[error("the picture cannot be read: it is damaged or cut off")]
    Damaged,
    #[error("the picture has {width} × {height} pixels, and at most {most} may be sent: make it smaller")]
    TooManyPixels { width: u32, height: u32, most: u64 },
    #[error("pictures cannot be kept just now")]
    Folder(#[from] std::io::Error),
}
