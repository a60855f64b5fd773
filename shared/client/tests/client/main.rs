//! The client against scripts, against a model of the site, and against servers that behave and that do not.

#![allow(clippy::unwrap_used)] // a test that meets an error has failed

mod cases;
mod connected;
mod ground;
mod messages;
mod model;
mod server;
mod site;
mod world;
