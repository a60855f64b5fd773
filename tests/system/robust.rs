//! Whatever a client sends, cuts off or leaves unread ends as the protocol says, leaks nothing, and touches nobody else.
//!
//! Each test throws something at a real process on which two bystanders talk; `Ground::clear`
//! then holds it to the last two.

use crate::client;

mod ground;

mod requests;

mod polling;

mod frames;

mod packets;

mod upgrade;

mod silence;

mod slow;

mod limits;

mod memory;

mod noise;

mod goodbyes;
