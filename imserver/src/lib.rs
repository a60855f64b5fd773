//! The site IM: Socket.IO for pages, with long-polling, WebSocket and the upgrade between them, and its HTTP API.
//!
//! [`run`] is the whole server. [`engineio`] and [`socketio`] are the connection layer by itself: an application can
//! build a server of its own from them, as `examples/` shows.

mod api;
mod ask;
mod config;
mod door;
mod drain;
pub mod engineio;
pub mod http;
mod internal;
mod media;
mod medium;
mod mend;
mod metrics;
mod people;
mod protocol;
mod repair;
mod site;
pub mod socketio;
mod store;
mod targets;
mod web;
mod window;

pub use config::{Config, DEFAULT};
/// Who runs all on one thread has it call this before it waits ([`node::runtime`]): writes that meet then leave as one.
pub use session::turn::end as before_sleep;

use crate::door::SiteDoor;
use crate::engineio::{Directory, Elsewhere, Engine, Ids, Parameters};
use crate::mend::Mending;
use crate::site::{Kept, Site};
use crate::socketio::SocketIo;
use anyhow::Context;
use node::{Health, Metrics, Shutdown};
use secrecy::{ExposeSecret, SecretString};
use session::Clock;
use session::auth::Verifier;
use session::listener::Public;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use wire::socketio::Limits;

/// What a server shares with others in its process.
pub struct Parts {
    pub exchange: bus::local::Exchange,
    pub metrics: Metrics,
    pub health: Health,
    /// Called once clients can connect, with the address.
    pub on_listening: Box<dyn FnOnce(SocketAddr) + Send>,
}

/// How often rates of those who have gone are forgotten.
const PRUNE: Duration = Duration::from_secs(30);

/// Serves the site IM until `shutdown` is over.
///
/// # Errors
/// A sentence that says what to change, when the configuration does not allow a start or an address is taken.
pub async fn run(config: Config, parts: Parts, shutdown: Shutdown) -> anyhow::Result<()> {
    config.validate()?;
    let server = config.server.clone();
    let proxies = config.proxies()?;
    let verifier = Verifier::new(&config.auth, server.listen)?;
    let secret = config.internal.secret()?;
    let key = cluster_key(secret.as_ref());
    let incarnation = engineio::incarnation().context("no random numbers are to be had")?;
    let ids = Ids::new(server.process_id.clone(), &incarnation, &key);
    let opens_internal = secret.is_some() || (config.auth.is_dev() && server.internal_listen.ip().is_loopback());
    let public = node::listen::bind(server.listen, "--listen")?;
    let internal =
        opens_internal.then(|| node::listen::bind(server.internal_listen, "--internal-listen")).transpose()?;
    let admin = node::listen::bind(server.admin_listen, "--admin-listen")?;

    let (tracker, stop) = (TaskTracker::new(), CancellationToken::new());
    let process = server.process_id.clone();
    let identity = internal::Identity { process: process.clone(), incarnation: ids.incarnation().into() };
    let door = internal::Door::new(identity);
    let (mut address, mut at_internal) = (String::new(), None);
    if let Some(internal) = internal {
        let listening = internal.local_addr()?;
        if config.redis.is_shared() {
            address = config.internal.address(listening)?;
        }
        // Open before the bus is: a second process of this id asks here whether this one lives.
        let (router, serving, stop) = (door.router(), tracker.clone(), stop.clone());
        tracker.spawn(async move { session::listener::serve(internal, router, None, &serving, stop).await });
        at_internal = Some(listening);
    } else {
        anyhow::ensure!(
            !config.redis.is_shared(),
            "redis.nodes is set and the internal listener is shut: set internal.secret, by which processes know each other"
        );
        tracing::warn!("the back ends' door stays shut: internal.secret is not set");
    }
    let mending = Arc::new(Mending::new(parts.health.clone(), shutdown.clone()));
    let closing = CancellationToken::new();
    let (keeping, outgoing) = store::open(&config, ids.incarnation(), closing.clone()).await?.unzip();
    let kept_in = keeping.as_ref().map(|keeping| keeping.store.identity().to_owned()).unwrap_or_default();
    let name = medium::Name { process, incarnation: ids.incarnation().to_owned(), address, store: kept_in };
    let pictures = store::pictures(&config)?;
    let site = Site::open(config, verifier, name, &parts.exchange, Kept { keeping, pictures }, mending).await?;
    let publishing = TaskTracker::new();
    if let Some(outgoing) = outgoing {
        store::serve(site.chat(), outgoing, parts.health.clone(), &publishing);
    }
    let elsewhere = site.config().redis.is_shared().then(|| Elsewhere::new(directory(&site), &key));
    let engine = engine(&site, ids, elsewhere, &tracker, &stop);
    site.serve_with(&engine);

    let address = public.local_addr()?;
    node::listen::announce("listening", address);
    let router = http::router(&engine).merge(http::site(&site));
    let listening = tokio::spawn({
        let (limits, tracker, stop) = (site.limits().clone(), tracker.clone(), stop.clone());
        async move {
            let held_to = Public { limits: &limits, proxies: &proxies };
            session::listener::serve(public, router, Some(held_to), &tracker, stop).await;
        }
    });
    door.open(internal::router(&site, &engine, secret));
    if let Some(listening) = at_internal {
        node::listen::announce("internal", listening);
    }
    node::listen::announce("admin", admin.local_addr()?);
    let administration = tokio::spawn(node::admin::serve(admin, parts.health.clone(), parts.metrics, stop.clone()));
    tracker.spawn(prune(site.clone(), stop.clone()));
    tracker.spawn(mend::run(site.clone(), stop.clone()));
    tracker.spawn(repair::run(site.clone(), stop.clone()));
    let (receipts, until) = (site.clone(), stop.clone());
    tracker.spawn(async move { receipts.sweep_receipts(until).await });
    if site.config().auth.is_dev() {
        tracker.spawn(people::introduce(site.clone()));
    }
    parts.health.set_ready(true);
    (parts.on_listening)(address);

    tokio::join!(drain::run(&engine, &server, &shutdown), async {
        shutdown.draining().cancelled().await;
        parts.health.set_draining();
    });
    stop.cancel();
    tracker.close();
    // What does not end by itself within a moment is ended with the process.
    tokio::time::timeout(Duration::from_secs(3), tracker.wait()).await.ok();
    // Nobody asks for anything any more: what was asked for is committed and published.
    closing.cancel();
    publishing.close();
    tokio::time::timeout(Duration::from_secs(5), publishing.wait()).await.ok();
    // Last: whoever goes says goodbye over the bus.
    site.bus().detach();
    tokio::time::timeout(Duration::from_secs(2), site.bus().detached()).await.ok();
    listening.await?;
    administration.await??;
    Ok(())
}

/// What the processes of a cluster share. In development there may be nothing that is secret.
fn cluster_key(secret: Option<&SecretString>) -> Vec<u8> {
    secret.map_or_else(|| b"development".to_vec(), |secret| secret.expose_secret().as_bytes().to_vec())
}

/// The bus knows who holds a process id.
fn directory(site: &Arc<Site>) -> Directory {
    let site = Arc::downgrade(site);
    Arc::new(move |process| {
        let site = site.clone();
        Box::pin(async move {
            let holder = site.upgrade()?.bus().holder(&process).await.ok()??;
            Some((holder.incarnation, holder.address))
        })
    })
}

fn engine(
    site: &Arc<Site>,
    ids: Ids,
    elsewhere: Option<Arc<Elsewhere>>,
    tracker: &TaskTracker,
    stop: &CancellationToken,
) -> Arc<Engine<SocketIo>> {
    let config = site.config();
    let limits = Limits {
        max_attachments: config.limits.max_attachments,
        max_attachment_bytes: config.engine.max_payload_bytes.try_into().unwrap_or(u32::MAX),
    };
    let door = SiteDoor::new(site.verifier().clone(), site.limits().clone());
    let mut io = SocketIo::new(config.server.process_id.clone()).guarded_by(door).attachments(limits);
    for name in &config.namespaces {
        io = io.with(protocol::namespace(site, name));
    }
    let parameters = Parameters {
        config: config.engine.clone(),
        ids,
        elsewhere,
        send_queue_bytes: config.limits.connections.send_queue_bytes,
        clock: Clock::new(),
        tracker: tracker.clone(),
        stopping: stop.clone(),
    };
    Engine::start(parameters, io)
}

async fn prune(site: Arc<Site>, stop: CancellationToken) {
    let mut timer = tokio::time::interval(PRUNE);
    while stop.run_until_cancelled(timer.tick()).await.is_some() {
        site.limits().prune();
    }
}
