//! The receiver against a server that says what it is told to say, also in pieces, late, or wrongly.

#![allow(clippy::unwrap_used)] // a test that meets an error has failed

use super::super::script::PRESENCE;
use super::*;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// Far longer than anything takes.
const PATIENCE: Duration = Duration::from_secs(10);

const WELL: &str = "%1\r\n$5\r\nproto\r\n:3\r\n*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n";

type Heard = mpsc::Receiver<(Vec<u8>, Vec<u8>)>;

/// A receiver, what it has heard, and the server's end of its connection.
struct Pair {
    driver: Driver<Value>,
    heard: Heard,
    server: TcpStream,
}

fn options() -> Options {
    let ask = Arc::new(|_| -> futures_util::future::BoxFuture<'static, bool> { Box::pin(async { false }) });
    Options { patience: PATIENCE, pulse: PATIENCE, ..Options::new(Arc::new(|_| {}), ask) }
}

/// Connects to a server that, asked for version 3 and its role, answers so.
async fn greeted(answers: &str, options: &Options) -> (Result<Driver<Value>, Trouble>, Heard, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = Target { host: "127.0.0.1".to_owned(), port: listener.local_addr().unwrap().port() };
    let (tell, heard) = mpsc::channel(64);
    let hear = move |channel: &[u8], message: &[u8]| {
        // Not every test listens.
        tell.try_send((channel.to_vec(), message.to_vec())).ok();
    };
    let node = "a".into();
    let opening = Receiver::open(&node, &target, None, "r1", options, hear);
    let serving = async {
        let (mut server, _) = listener.accept().await.unwrap();
        reads(&mut server, "server").await;
        server.write_all(b"$9\r\nrun_id:r1\r\n").await.unwrap();
        assert_eq!(reads(&mut server, "ROLE").await, "*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n*1\r\n$4\r\nROLE\r\n");
        server.write_all(answers.as_bytes()).await.unwrap();
        server
    };
    let (opened, server) = tokio::join!(opening, serving);
    (opened, heard, server)
}

async fn pair_with(options: &Options) -> Pair {
    let (driver, heard, server) = greeted(WELL, options).await;
    Pair { driver: driver.unwrap(), heard, server }
}

/// Reads up to the command that ends with this part.
async fn reads(server: &mut TcpStream, last: &str) -> String {
    let mut bytes = Vec::new();
    while !bytes.ends_with(format!("\r\n{last}\r\n").as_bytes()) {
        assert!(timeout(PATIENCE, server.read_buf(&mut bytes)).await.unwrap().unwrap() > 0, "{bytes:?}");
    }
    String::from_utf8(bytes).unwrap()
}

fn message(channel: &str, message: &str) -> String {
    format!(">3\r\n$7\r\nmessage\r\n${}\r\n{channel}\r\n${}\r\n{message}\r\n", channel.len(), message.len())
}

impl Pair {
    fn receiver(&self) -> Receiver {
        Receiver::on(&self.driver)
    }

    async fn says(&mut self, bytes: &str) {
        self.server.write_all(bytes.as_bytes()).await.unwrap();
    }

    async fn hears(&mut self) -> (String, String) {
        let (channel, message) = timeout(PATIENCE, self.heard.recv()).await.unwrap().unwrap();
        (String::from_utf8(channel).unwrap(), String::from_utf8(message).unwrap())
    }

    async fn ends(&mut self) -> Trouble {
        timeout(PATIENCE, self.driver.ended()).await.unwrap()
    }
}

#[tokio::test]
async fn a_subscription_holds_when_what_was_sent_behind_it_is_answered() {
    let mut pair = pair_with(&options()).await;
    let receiver = pair.receiver();
    receiver.unsubscribe(&["old".to_owned()]).unwrap();
    receiver.subscribe(&["c1".to_owned(), "c2".to_owned()]).unwrap();
    receiver.subscribe(&[]).unwrap();
    let holding = tokio::spawn(async move { receiver.barrier().await });
    let sent = "*2\r\n$11\r\nUNSUBSCRIBE\r\n$3\r\nold\r\n*3\r\n$9\r\nSUBSCRIBE\r\n$2\r\nc1\r\n$2\r\nc2\r\n*1\r\n$4\r\nPING\r\n";
    assert_eq!(reads(&mut pair.server, "PING").await, sent);
    pair.says(">3\r\n$11\r\nunsubscribe\r\n$3\r\nold\r\n:0\r\n>3\r\n$9\r\nsubscribe\r\n$2\r\nc1\r\n:1\r\n").await;
    pair.says(&message("c1", "early")).await;
    assert_eq!(pair.hears().await, ("c1".to_owned(), "early".to_owned()));
    assert!(!holding.is_finished());
    pair.says(">3\r\n$9\r\nsubscribe\r\n$2\r\nc2\r\n:2\r\n+PONG\r\n").await;
    assert_eq!(holding.await.unwrap(), Ok(()));
}

#[tokio::test]
async fn messages_are_heard_whole_and_in_order_however_they_come() {
    let mut pair = pair_with(&options()).await;
    let large = "你好".repeat(100_000);
    let stream = ["one", "", &large, "two\r\n"].map(|text| message("c", text)).concat();
    for piece in [&stream.as_bytes()[..30], &stream.as_bytes()[30..71], &stream.as_bytes()[71..]] {
        pair.server.write_all(piece).await.unwrap();
        tokio::task::yield_now().await;
    }
    for expected in ["one", "", &large, "two\r\n"] {
        assert!(pair.hears().await == ("c".to_owned(), expected.to_owned()), "{}", expected.len());
    }
}

#[tokio::test]
async fn what_is_too_long_ends_the_connection() {
    let mut pair = pair_with(&options()).await;
    let head = ">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$999999999\r\n".to_owned();
    let sending = async { pair.server.write_all((head + &"x".repeat(17 << 20)).as_bytes()).await };
    // It may be closed before all is sent.
    let (ended, _) = tokio::join!(pair.driver.ended(), sending);
    assert_eq!(ended, Trouble::Unfit("an answer without an end".into()));
    assert!(pair.heard.recv().await.is_none());
}

#[tokio::test]
async fn a_script_that_the_server_does_not_know_is_run_by_its_text() {
    let mut pair = pair_with(&options()).await;
    let receiver = pair.receiver();
    let running = tokio::spawn(async move {
        let call = Call { script: &PRESENCE, keys: vec!["k".to_owned()], args: vec!["a".into(), 7_i64.into()] };
        receiver.call(&call).await
    });
    let by_digest = reads(&mut pair.server, "7").await;
    assert!(by_digest.starts_with(&format!("*6\r\n$7\r\nEVALSHA\r\n$40\r\n{}\r\n", PRESENCE.digest())), "{by_digest}");
    assert!(by_digest.ends_with("$1\r\n1\r\n$1\r\nk\r\n$1\r\na\r\n$1\r\n7\r\n"), "{by_digest}");
    pair.says("-NOSCRIPT No matching script.\r\n").await;
    assert!(reads(&mut pair.server, "7").await.starts_with("*6\r\n$4\r\nEVAL\r\n"));
    pair.says("*1\r\n:3\r\n").await;
    assert_eq!(running.await.unwrap(), Ok(Value::Array(vec![3_i64.into()])));
}

#[tokio::test]
async fn a_refused_subscription_is_nobodys_answer_and_ends_the_connection() {
    let mut pair = pair_with(&options()).await;
    let receiver = pair.receiver();
    receiver.subscribe(&["c".to_owned()]).unwrap();
    let holding = tokio::spawn(async move { receiver.barrier().await });
    reads(&mut pair.server, "PING").await;
    pair.says("-NOPERM not for you\r\n+PONG\r\n").await;
    assert_eq!(holding.await.unwrap(), Err(Error::Down("a".into())));
    assert_eq!(pair.ends().await, Trouble::Unfit("NOPERM not for you".into()));
}

#[tokio::test]
async fn a_quiet_server_is_asked_for_a_sign_of_life_and_given_up_without_one() {
    let (pulse, patience) = (Duration::from_millis(100), Duration::from_millis(300));
    let mut pair = pair_with(&Options { pulse, patience, ..options() }).await;
    for _ in 0..2 {
        assert_eq!(reads(&mut pair.server, "PING").await, "*1\r\n$4\r\nPING\r\n");
        pair.says("+PONG\r\n").await;
    }
    assert_eq!(pair.ends().await, Trouble::Silent(patience));
    assert_eq!(pair.receiver().barrier().await, Err(Error::Down("a".into())));
}

#[tokio::test]
async fn who_waits_behind_many_messages_waits_as_long_as_they_come() {
    let (pulse, patience) = (Duration::from_millis(100), Duration::from_millis(500));
    let mut pair = pair_with(&Options { pulse, patience, ..options() }).await;
    let receiver = pair.receiver();
    let holding = tokio::spawn(async move { receiver.barrier().await });
    reads(&mut pair.server, "PING").await;
    for _ in 0..15 {
        tokio::time::sleep(patience / 10).await;
        pair.says(&message("c", "x")).await;
        pair.hears().await;
    }
    pair.says("+PONG\r\n").await;
    assert_eq!(holding.await.unwrap(), Ok(()));
}

#[tokio::test]
async fn a_server_that_says_something_is_not_asked() {
    let pulse = Duration::from_secs(1);
    let mut pair = pair_with(&Options { pulse, ..options() }).await;
    for _ in 0..15 {
        tokio::time::sleep(pulse / 10).await;
        pair.says(&message("c", "x")).await;
        pair.hears().await;
    }
    assert_eq!(pair.server.try_read(&mut [0; 16]).unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

#[tokio::test]
async fn only_a_master_that_speaks_version_3_is_heard() {
    let patience = Duration::from_millis(200);
    let cases = [
        ("-ERR unknown command 'HELLO'\r\n*1\r\n$6\r\nmaster\r\n", {
            Trouble::Unfit("ERR unknown command 'HELLO'".into())
        }),
        (&WELL.replace("master", "replic"), Trouble::Role("replic".into())),
        (&WELL[..4], Trouble::Silent(patience)),
        ("nonsense\r\n", Trouble::Unfit("it does not speak RESP".into())),
    ];
    for (answers, trouble) in cases {
        let (opened, ..) = greeted(answers, &Options { patience, ..options() }).await;
        assert_eq!(opened.err(), Some(trouble), "{answers}");
    }
}
