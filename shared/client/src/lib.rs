//! The Rust SDK of the site IM: a user on one device, over Socket.IO (Engine.IO 4, WebSocket or long-polling).
//!
//! ```no_run
//! # async fn run() -> Result<(), client::Error> {
//! use client::{Auth, Client, Event, Options, types::MessageType};
//!
//! let auth = Auth::token("…");
//! let (client, mut events) = Client::start(Options::new(["http://127.0.0.1:7001"], auth)).await?;
//! tokio::spawn(async move {
//!     while let Some(event) = events.next().await {
//!         if let Event::Change(change) = event {
//!             println!("{change:?}");
//!         }
//!     }
//! });
//! let to = "m7".parse().expect("a user key");
//! let sent = client.send(&to, MessageType::Text, "你好").await?.outcome().await?;
//! println!("it is number {}", sent.conv_seq);
//! client.close().await;
//! # Ok(())
//! # }
//! ```
//!
//! # What it guarantees
//!
//! - **A message that is queued** is sent until the server has answered: once in the conversation, however often the
//!   connection breaks. Messages to one user keep their order. With [`Options::queue_file`] it is on the disk when
//!   [`Client::send`] returns. It fails by a final refusal, or after seven days; never silently.
//! - **What others send** is shown once, in the order of the conversation: [`Change::Added`](rules::Change::Added) says before which
//!   entry each new one stands. What was missed, while away or by a fault anywhere, is noticed by its number and fetched;
//!   [`Change::Synced`](rules::Change::Synced) says that nothing is missing.
//! - **What is true of a conversation** (unread, pinned, muted, draft) is the newest that was heard, whatever overtook what.
//! - **A connection** that is dead is noticed after the server's heartbeat and its time-out, or after [`Options::request_ms`] and
//!   [`Timing::probe_ms`] where something was asked, and made anew with growing, scattered waits, at the next address. In
//!   doubt the old one is asked first, and closed before another is opened. What the server says about coming back holds.
//! - **Live events** (`exchange`, typing, presence) are handed on while connected; nothing repeats them.
//!
//! # What is full
//!
//! | what | bound | when full |
//! | --- | --- | --- |
//! | the send queue | [`Bounds::sends`](rules::Bounds::sends) | [`Error::Full`] |
//! | events that the application has not read | [`Options::events`] and 1,000 | nothing is read from the connection; see [`Events`] |
//! | entries of a conversation | [`Bounds::entries`](rules::Bounds::entries) | the oldest are forgotten, and can be loaded again |
//! | entries beyond a hole | 1,000 a conversation | more are known by number, and fetched |
//! | an incoming message | 32 MiB | the connection ends as broken; servers answer in smaller pages |
//!
//! A client is one task and one timer; an idle one over WebSocket takes about 15 KB (a third of it the buffer for reading), over
//! polling about 45 KB.
//!
//! # Where the protocol leaves room
//!
//! [`rules`] are pure and the model for SDKs in other languages, which run the scripts in `tests/cases`. Where the protocol is silent
//! or can be read in two ways, they hold to this:
//!
//! - *A push of an unknown conversation* with a number above 1 waits: what is below it may only be late. After 100 ms the newest
//!   entries below are fetched, and the lowest of them is the floor.
//! - *Each value of a conversation has the revision it is from.* A push names what changed; judged by one revision for all,
//!   one that is late would lose what it alone says. A summary has all values of its revision.
//! - *The earliest time of reading stands*, so that it does not matter which mark comes first.
//! - *Marks wait for what they mark* (read, recalled, deleted) while something is under way that could bring an older copy of it.
//! - *A receipt is owed for what was pushed* on this connection, again for a push that comes again, and not for what came in
//!   answer to a request: a first sync of a thousand conversations is not followed by a thousand acknowledgements.
//! - *A list* (the first sync, and after `reset`) *takes the place of older entries*, since it has no marks for them.
//! - *A `cursor`* of a later sync goes back with the next request, for a server that remembers by it when the sync began.
//! - *The versions of before are forgotten* when a sync begins: it tells of all of them, also if the server counts anew since.
//! - *A version counts only with what could be read*, so that what could not is missed, and synced.
//! - *`drainPush`* is taken at its word: the server draws each client's time, so no chance is added to it.
//! - *A number that an acknowledgement tells of* without its entry (a recall, a message that was discarded) is a hole, and
//!   fetched. With `message_id` and `send_time` in it, the recall is there at once; with `message`, a text that the server changed.

mod client;
mod connection;
mod error;
mod event;
mod journal;
mod lifeline;
mod options;
pub mod rules;
mod task;
mod transport;

pub use client::{Client, Queued, Sent};
pub use error::Error;
pub use event::{Event, Events};
pub use lifeline::{End, Lost, Timing, Transport, Transports};
pub use options::{Auth, Options};
/// Users, ids and kinds of messages, as the API takes them.
pub use types;
