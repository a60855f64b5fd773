//! The bus over real Redis nodes keeps the contract, and what is only true of it.

#![allow(clippy::unwrap_used)] // a test that meets an error has failed

#[path = "redis/attached.rs"]
mod attached;
#[path = "redis/back_end.rs"]
mod back_end;
#[path = "redis/deaf.rs"]
mod deaf;
#[path = "redis/failover.rs"]
mod failover;
#[path = "redis/guards.rs"]
mod guards;
#[path = "redis/many.rs"]
mod many;
#[path = "redis/outages.rs"]
mod outages;
#[path = "redis/places.rs"]
mod places;
#[path = "redis/registered.rs"]
mod registered;
#[path = "redis/sentinel.rs"]
mod sentinel;
mod suite;
#[path = "redis/versions.rs"]
mod versions;

use attached::{attach, options, rings};
use parts::redis::Redis as Server;
use suite::{Pair, Side};

async fn pair() -> Pair {
    let servers = [Server::start(), Server::start()];
    let side =
        async |id| Side::attach(async |sink| attach(rings(&servers), id, sink, options().0).await.unwrap()).await;
    Pair { a: side("a").await, b: side("b").await, medium: Box::new(servers) }
}

mod contract {
    crate::suite::suite!(crate::pair);
}
