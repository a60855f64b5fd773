//! The rules, seen from windows: two processes on one exchange, scripted windows on them, and JSON in and out.

#![allow(clippy::unwrap_used)] // a test that meets an error has failed

mod change_user;
mod exchange;
mod harness;
mod outage;
mod presence;
mod rooms;
mod stored;
mod typing_and_kick;
