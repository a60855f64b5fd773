//! What is emitted with an event or answered with an acknowledgement.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::{Error, json};

/// Arguments as the JSON text that they came in, with their attachments. Cloning shares the text.
///
/// The text was checked to be JSON and is handed on unchanged. Values are read on demand, each time anew.
#[derive(Clone)]
pub struct Args {
    text: Arc<str>,
    /// The arguments in `text`, without brackets and without the event's name.
    elements: Range<usize>,
    len: usize,
    attachments: Vec<Bytes>,
}

/// One argument to send.
#[derive(Clone, Debug)]
pub enum Arg<'a> {
    /// A value as JSON.
    Json(&'a RawValue),
    /// An attachment, which receivers get as binary.
    Binary(Bytes),
}

impl Args {
    /// No arguments.
    pub fn none() -> Args {
        Args { text: "".into(), elements: 0..0, len: 0, attachments: Vec::new() }
    }

    /// Arguments from the text of a JSON array and the attachments that its placeholders number.
    pub fn from_json(array: &str, attachments: Vec<Bytes>) -> Result<Args, Error> {
        let mut placeholders = json::Placeholders::new(attachments.len());
        let binary = !attachments.is_empty();
        let found = json::array(array, binary.then_some(&mut placeholders))?;
        if !placeholders.are_complete() {
            return Err(Error::Placeholder);
        }
        Ok(Args { text: array.into(), elements: found.all(), len: found.len, attachments })
    }

    /// Arguments from a tuple, an array or anything else that serialises as a JSON array; `()` is none.
    pub fn from_values<T: Serialize + ?Sized>(values: &T) -> Result<Args, Error> {
        match serde_json::to_string(values)?.as_str() {
            "null" => Ok(Args::none()),
            array if array.starts_with('[') => Args::from_json(array, Vec::new()),
            _ => Err(Error::NotAList),
        }
    }

    /// Arguments of which some are binary.
    pub fn from_parts(parts: &[Arg<'_>]) -> Args {
        let mut text = String::new();
        let mut attachments = Vec::new();
        for part in parts {
            if !text.is_empty() {
                text.push(',');
            }
            match part {
                Arg::Json(value) => text.push_str(value.get()),
                Arg::Binary(bytes) => {
                    text.push_str(&format!(r#"{{"_placeholder":true,"num":{}}}"#, attachments.len()));
                    attachments.push(bytes.clone());
                }
            }
        }
        Args { elements: 0..text.len(), text: text.into(), len: parts.len(), attachments }
    }

    pub(super) fn part_of(text: Arc<str>, elements: Range<usize>, len: usize) -> Args {
        Args { text, elements, len, attachments: Vec::new() }
    }

    pub(super) fn with_attachments(mut self, attachments: Vec<Bytes>) -> Args {
        self.attachments = attachments;
        self
    }

    /// How many arguments there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The JSON text of the argument at `index` (from 0).
    pub fn raw(&self, index: usize) -> Option<&str> {
        if index >= self.len { None } else { json::element(self.json(), index) }
    }

    /// The argument at `index` (from 0) as a value. Lone surrogates (`"\ud83d"`) become U+FFFD; nesting is limited to
    /// serde_json's 128.
    pub fn get<T: DeserializeOwned>(&self, index: usize) -> Result<T, Error> {
        let raw = self.raw(index).ok_or(Error::MissingArgument(index))?;
        json::parse(raw).map_err(|source| Error::Argument { index, source })
    }

    /// All arguments as JSON: separated by commas, without the brackets of an array.
    pub fn json(&self) -> &str {
        &self.text[self.elements.clone()]
    }

    /// The attachments, in the order in which placeholders number them.
    pub fn attachments(&self) -> &[Bytes] {
        &self.attachments
    }

    /// The argument at `index` if it is binary as a whole: the attachment that its placeholder numbers. One that is
    /// deeper inside is in [`attachments`](Args::attachments) at its placeholder's `num`.
    pub fn attachment(&self, index: usize) -> Option<&Bytes> {
        #[derive(serde::Deserialize)]
        struct Placeholder {
            _placeholder: bool,
            num: usize,
        }
        if self.attachments.is_empty() {
            return None;
        }
        let placeholder: Placeholder = self.get(index).ok()?;
        self.attachments.get(placeholder.num).filter(|_| placeholder._placeholder)
    }
}

/// Shows sizes only: what users write does not belong in a log.
impl fmt::Debug for Args {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Args({} in {} bytes, {} attachments)", self.len, self.elements.len(), self.attachments.len())
    }
}
