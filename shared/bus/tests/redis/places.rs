//! A process's place: taken once, given up completely, and empty when the process is killed.

use crate::attached::{Attached, eventually, keeping, rings, room_of, user_of};
use crate::suite::{connection, key};
use bus::redis::{Notice, Options};
use bus::{Error, Holder};
use parts::redis::Redis as Server;
use std::sync::Arc;
use std::time::Duration;
use types::{Channel, Status};

/// A process whose lease ends soon after it was killed.
fn mortal(options: &mut Options) {
    options.lease = Duration::from_millis(1500);
}

/// Attaches a process in a runtime of its own and does something with it; then the runtime ends, and the process is gone
/// without a word.
async fn live_and_die(servers: &[Server], id: &'static str, life: impl AsyncFnOnce(&Attached) + Send + 'static) {
    let rings = rings(servers);
    let dying = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let process = runtime.block_on(async {
            let process = Attached::with(rings, id, mortal).await.unwrap();
            life(&process).await;
            process
        });
        drop(runtime);
        drop(process);
    });
    tokio::task::spawn_blocking(|| dying.join()).await.unwrap().unwrap();
}

fn answering(answer: bool) -> impl FnOnce(&mut Options) {
    move |options| options.ask = Arc::new(move |_| Box::pin(async move { answer }))
}

#[tokio::test]
async fn a_second_process_of_an_id_refuses_to_start_while_the_first_answers() {
    let nodes = [Server::start(), Server::start()];
    let first = Attached::to(&nodes, "im1").await;
    let second = Attached::with(rings(&nodes), "im1", answering(true)).await;
    assert_eq!(second.err(), Some(Error::ProcessTaken(key("im1"))));
    let holder = first.bus.holder(&key("im1")).await.unwrap().unwrap();
    assert_eq!(&*holder.address, "im1.internal:1");
    first.leave().await;
    assert!(Attached::with(rings(&nodes), "im1", answering(true)).await.is_ok(), "the id is free again");
}

#[tokio::test]
async fn processes_that_keep_messages_keep_them_in_the_same_store() {
    let nodes = [Server::start(), Server::start()];
    let attach = async |id, store| Attached::of(keeping(id, store), rings(&nodes), |_| {}).await;
    let first = attach("im1", "one").await.unwrap();
    assert_eq!(attach("im2", "two").await.err(), Some(Error::OtherStore(key("im1"))));
    // Who keeps none keeps none elsewhere.
    let (_same, _none) = (attach("im2", "one").await.unwrap(), attach("im3", "").await.unwrap());
    assert_eq!(&*first.bus.holder(&key("im2")).await.unwrap().unwrap().address, "im2.internal:1");
    // One node that has forgotten everything does not make it right.
    nodes[0].ask(&["FLUSHALL"]);
    assert!(matches!(attach("im4", "two").await.err(), Some(Error::OtherStore(_))));
    assert_eq!(attach("im1", "two").await.err(), Some(Error::OtherStore(key("im2"))), "whoever starts in its place");
}

#[tokio::test]
async fn a_store_whose_processes_are_gone_holds_nobody_up() {
    let nodes = [Server::start()];
    Attached::of(keeping("im1", "one"), rings(&nodes), |_| {}).await.unwrap().leave().await;
    let other = Attached::of(keeping("im2", "two"), rings(&nodes), |_| {}).await.unwrap();
    assert_eq!(other.bus.health().nodes.len(), 1);
}

#[tokio::test]
async fn the_store_that_knows_a_user_is_remembered_for_the_next_login() {
    let nodes = [Server::start()];
    let (a, b) = (Attached::to(&nodes, "a").await, Attached::to(&nodes, "b").await);
    let user = user_of(&nodes, 0, 0);
    assert_eq!(a.bus.register(&user, connection("a.1")).await.unwrap().known_in, None);
    a.bus.note_known(&user, "one").await.unwrap();
    a.bus.unregister(&user, &key("a.1")).await.unwrap();
    assert_eq!(b.bus.register(&user, connection("b.1")).await.unwrap().known_in.as_deref(), Some("one"));
    // What is remembered beside it counts from its beginning all the same.
    let channel = Channel::User(user.clone());
    let version = b.bus.version(&channel).await.unwrap();
    assert_eq!((version.number, version.generation.is_empty()), (0, false));
    nodes[0].ask(&["FLUSHALL"]);
    assert_eq!(b.bus.register(&user, connection("b.2")).await.unwrap().known_in, None);
}

#[tokio::test]
async fn who_asks_is_told_whom_to_ask() {
    let nodes = [Server::start()];
    let first = Attached::to(&nodes, "im1").await;
    let holder = first.bus.holder(&key("im1")).await.unwrap();
    let (said, mut asked) = tokio::sync::mpsc::channel(10);
    let second = Attached::with(rings(&nodes), "im1", |options| {
        options.ask = Arc::new(move |holder: Holder| {
            said.try_send(holder).unwrap();
            Box::pin(async { true })
        });
    });
    assert!(second.await.is_err());
    assert_eq!(asked.recv().await, holder);
}

#[tokio::test]
async fn the_place_of_a_process_that_does_not_answer_is_taken_over_at_once() {
    let nodes = [Server::start(), Server::start()];
    live_and_die(&nodes, "im1", async |_| {}).await;
    let second = Attached::with(rings(&nodes), "im1", answering(false)).await.unwrap();
    let holder = second.bus.holder(&key("im1")).await.unwrap().unwrap();
    assert!(nodes[0].ask(&["GET", "ImProc:im1"]).starts_with(&*holder.incarnation));
}

#[tokio::test]
async fn a_process_whose_place_was_taken_learns_of_it() {
    let nodes = [Server::start()];
    let tune = |options: &mut Options| {
        mortal(options);
        answering(true)(options);
    };
    let mut first = Attached::with(rings(&nodes), "im1", tune).await.unwrap();
    let second = Attached::with(rings(&nodes), "im1", answering(false)).await.unwrap();
    let taken = second.bus.holder(&key("im1")).await.unwrap();
    let told = first.told(|notice| if let Notice::Taken { holder } = notice { Some(holder) } else { None }).await;
    assert_eq!(Some(told), taken);
    assert_eq!(first.bus.health().taken_by, taken);
    assert_eq!(second.bus.health().taken_by, None);
}

#[tokio::test]
async fn a_killed_process_is_gone_with_its_lease_and_its_places_are_told_once() {
    let nodes = [Server::start(), Server::start()];
    let (user, other, room) = (user_of(&nodes, 0, 0), user_of(&nodes, 0, 1), room_of(&nodes, 0));
    let mut b = Attached::with(rings(&nodes), "b", mortal).await.unwrap();
    let mut c = Attached::with(rings(&nodes), "c", mortal).await.unwrap();
    b.bus.put_room(&room, Vec::new()).await.unwrap();
    b.bus.enter_room(&room, &key("b.1"), &other).await.unwrap();
    c.bus.enter_room(&room, &key("c.1"), &other).await.unwrap();
    let (dying, in_room) = (user.clone(), room.clone());
    live_and_die(&nodes, "a", async move |a| {
        a.bus.register(&dying, connection("a.1")).await.unwrap();
        a.bus.enter_room(&in_room, &key("a.1"), &dying).await.unwrap();
        // Known to the others, so that they can miss it.
        tokio::time::sleep(Duration::from_millis(600)).await;
    })
    .await;
    assert_eq!(
        b.bus.presence(std::slice::from_ref(&user)).await.unwrap()[0].1,
        Status::Online,
        "its lease still holds"
    );
    b.told(|notice| matches!(notice, Notice::Gone { process, .. } if process.as_str() == "a").then_some(())).await;
    // It had a lease on each node, and they do not end in the same moment.
    eventually("its presence has ended", async || {
        b.bus.presence(std::slice::from_ref(&user)).await.unwrap()[0].1 == Status::Offline
    })
    .await;
    eventually("its name is free", async || b.bus.holder(&key("a")).await == Ok(None)).await;

    let members = b.bus.enter_room(&room, &key("b.1"), &other).await.unwrap();
    c.told(|notice| matches!(notice, Notice::Gone { process, .. } if process.as_str() == "a").then_some(())).await;
    let left = |notice| if let Notice::Left { room, expelled } = notice { Some((room, expelled)) } else { None };
    let mut told = Vec::new();
    // One of the two tells it, and after another look at everything still only one.
    for _ in 0..2 {
        let limit = Duration::from_millis(700);
        let (by_b, by_c) = tokio::join!(b.told_within(limit, left), c.told_within(limit, left));
        told.extend(by_b.into_iter().chain(by_c));
    }
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].0, room);
    assert_eq!(told[0].1.occupants.iter().map(|who| who.socket.as_str()).collect::<Vec<_>>(), ["a.1"]);
    assert_eq!(told[0].1.remaining, members);
}

#[tokio::test]
async fn a_detached_process_leaves_nothing_behind() {
    let nodes = [Server::start(), Server::start()];
    let a = Attached::to(&nodes, "a").await;
    let user = user_of(&nodes, 0, 0);
    for node in [0, 1] {
        for nth in 0..700 {
            a.bus.subscribe(&Channel::User(user_of(&nodes, node, nth))).await.unwrap();
        }
    }
    a.bus.register(&user, connection("a.1")).await.unwrap();
    a.leave().await;
    for node in &nodes {
        assert_eq!(node.ask(&["PUBSUB", "CHANNELS"]), "");
        assert_eq!(node.ask(&["GET", "ImProc:a"]), "");
        eventually("its connections are closed", async || node.ask(&["CLIENT", "LIST"]).lines().count() == 1).await;
    }
}

#[tokio::test]
async fn without_any_node_there_is_no_place() {
    let mut nodes = [Server::start(), Server::start()];
    nodes[0].kill();
    let mut a = Attached::to(&nodes, "a").await;
    assert_eq!(a.bus.health().degraded().count(), 1, "one node is enough");
    nodes[0].run();
    a.told_up().await;
    a.leave().await;
    nodes.iter_mut().for_each(Server::kill);
    let refused = Attached::with(rings(&nodes), "a", |_| {}).await.err();
    assert!(matches!(refused, Some(Error::Down(names)) if names.contains(&nodes[1].port.to_string())));
    // They may be started after the process, by whoever starts everything.
    let late = rings(&nodes);
    let starting = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        nodes[1].run();
    };
    let (attached, ()) = tokio::join!(Attached::with(late, "a", |_| {}), starting);
    attached.unwrap().told_up().await;
}

#[tokio::test]
async fn what_nobody_renews_does_not_stay_for_ever() {
    let nodes = [Server::start()];
    let a = Attached::to(&nodes, "a").await;
    let (user, room) = (user_of(&nodes, 0, 0), room_of(&nodes, 0));
    a.bus.register(&user, connection("a.1")).await.unwrap();
    a.bus.put_room(&room, Vec::new()).await.unwrap();
    a.bus.enter_room(&room, &key("a.1"), &user).await.unwrap();
    for key in [
        format!("ImOnline:{user}"),
        format!("ImStatus:{user}"),
        format!("ImRoomIn:{room}"),
        format!("ImRoomRev:{room}"),
    ] {
        let seconds: i64 = nodes[0].ask(&["TTL", &key]).parse().unwrap();
        assert!(seconds > 0, "{key}: {seconds}");
    }
    assert_eq!(nodes[0].ask(&["TTL", &format!("ImRoom:{room}")]), "-1", "the back end's");
}
