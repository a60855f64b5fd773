//! A pipe, as the publisher has it, against a server that says what it is told to say, also in pieces, late, or wrongly.

#![allow(clippy::unwrap_used)] // a test that meets an error has failed

use super::super::link::Target;
use super::super::publisher::Publisher;
use super::super::script::RAISE;
use super::*;
use redis_protocol::resp2::decode::decode;
use redis_protocol::resp2::types::OwnedFrame;
use secrecy::SecretString;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::timeout;

/// Far longer than anything takes.
const PATIENCE: Duration = Duration::from_secs(10);

/// A publisher and the server's end of its connection.
struct Pair {
    driver: Driver<u64>,
    server: TcpStream,
}

fn options(patience: Duration) -> Options {
    let ask = Arc::new(|_| -> futures_util::future::BoxFuture<'static, bool> { Box::pin(async { false }) });
    Options { patience, ..Options::new(Arc::new(|_| {}), ask) }
}

fn node() -> NodeName {
    "a".into()
}

/// Connects to a server that introduces itself so.
async fn introduced(introduction: &str, patience: Duration) -> (Result<Driver<u64>, Trouble>, TcpStream, Vec<u8>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = Target { host: "127.0.0.1".to_owned(), port: listener.local_addr().unwrap().port() };
    let password = SecretString::from("open sesame");
    let (node, options) = (node(), options(patience));
    let opening = Publisher::open(&node, &target, Some(&password), "r1", &options);
    let serving = async {
        let (mut server, _) = listener.accept().await.unwrap();
        let mut asked = Vec::new();
        while !asked.ends_with(b"server\r\n") {
            server.read_buf(&mut asked).await.unwrap();
        }
        server.write_all(introduction.as_bytes()).await.unwrap();
        (server, asked)
    };
    let (opened, (server, asked)) = tokio::join!(opening, serving);
    (opened, server, asked)
}

const WELL: &str = "+OK\r\n$25\r\n# Server\r\nrun_id:r1\r\nx:y\r\n\r\n";

async fn pair_with(patience: Duration) -> Pair {
    let (driver, server, _) = introduced(WELL, patience).await;
    Pair { driver: driver.unwrap(), server }
}

async fn pair() -> Pair {
    pair_with(PATIENCE).await
}

impl Pair {
    /// Publishes, without waiting for the answer.
    fn publishes(&self, message: &str) -> tokio::task::JoinHandle<Result<usize, Error>> {
        let (publisher, message) = (Publisher::on(&self.driver), message.to_owned());
        tokio::spawn(async move { publisher.publish("c", message.as_bytes()).await })
    }

    /// Reads up to the command that ends with this part.
    async fn reads(&mut self, last: &str) -> String {
        let mut bytes = Vec::new();
        while !bytes.ends_with(format!("\r\n{last}\r\n").as_bytes()) {
            timeout(PATIENCE, self.server.read_buf(&mut bytes)).await.unwrap().unwrap();
        }
        String::from_utf8(bytes).unwrap()
    }

    async fn says(&mut self, bytes: &str) {
        self.server.write_all(bytes.as_bytes()).await.unwrap();
    }

    async fn ends(&mut self) -> Trouble {
        timeout(PATIENCE, self.driver.ended()).await.unwrap()
    }
}

fn down<T>() -> Result<T, Error> {
    Err(Error::Down(node()))
}

#[tokio::test]
async fn answers_go_to_their_commands_also_when_they_come_in_pieces() {
    let mut pair = pair().await;
    let publishing = ["one", "two", "three"].map(|message| pair.publishes(message));
    let asked = pair.reads("three").await;
    assert!(asked.starts_with("*3\r\n$7\r\nPUBLISH\r\n$1\r\nc\r\n$3\r\none\r\n*3\r\n"), "{asked}");
    for piece in [":", "7\r", "\n:12\r\n:", "0\r\n"] {
        pair.says(piece).await;
        tokio::task::yield_now().await;
    }
    let mut received = Vec::new();
    for one in publishing {
        received.push(one.await.unwrap().unwrap());
    }
    assert_eq!(received, [7, 12, 0]);
}

#[tokio::test]
async fn a_refusal_is_for_one_and_the_others_go_on() {
    let mut pair = pair().await;
    let publishing = ["one", "two"].map(|message| pair.publishes(message));
    pair.reads("two").await;
    pair.says("-NOPERM no such channel for you\r\n:1\r\n").await;
    let [refused, done] = publishing;
    let reason = "NOPERM no such channel for you".into();
    assert_eq!(refused.await.unwrap(), Err(Error::Refused { node: node(), reason }));
    assert_eq!(done.await.unwrap(), Ok(1));
}

#[tokio::test]
async fn a_version_is_raised_with_the_text_of_a_script_that_the_server_does_not_know() {
    let mut pair = pair().await;
    let publisher = Publisher::on(&pair.driver);
    let raising = tokio::spawn(async move { publisher.raise("k", [b"c", b"m", b"g", b"9"]).await });
    let by_digest = pair.reads("9").await;
    assert!(by_digest.contains(&format!("EVALSHA\r\n$40\r\n{}\r\n$1\r\n1\r\n$1\r\nk\r\n", RAISE.digest())));
    pair.says("-NOSCRIPT No matching script.\r\n").await;
    let by_text = pair.reads("9").await;
    assert!(by_text.starts_with("*8\r\n$4\r\nEVAL\r\n") && by_text.ends_with("$1\r\nm\r\n$1\r\ng\r\n$1\r\n9\r\n"));
    pair.says(":41\r\n").await;
    assert_eq!(raising.await.unwrap(), Ok(41));
}

#[tokio::test]
async fn who_waits_when_the_connection_ends_is_told_and_so_is_who_comes_later() {
    let ends = [
        "-READONLY You can't write against a read only replica.\r\n",
        "+OK\r\n",
        ":x\r\n",
        "$1\r\n1\r\n",
        ":1\r\n:1\r\n:1\r\n",
        "",
    ];
    for end in ends {
        let mut pair = pair().await;
        let publishing = ["one", "two"].map(|message| pair.publishes(message));
        pair.reads("two").await;
        pair.says(end).await;
        pair.server.shutdown().await.unwrap();
        let trouble = pair.ends().await;
        assert_eq!(trouble == Trouble::Lost, end.is_empty(), "{trouble:?}");
        let [first, second] = publishing;
        let served = end.starts_with(":1");
        assert_eq!(first.await.unwrap(), if served { Ok(1) } else { down() });
        assert_eq!(second.await.unwrap(), if served { Ok(1) } else { down() });
        assert_eq!(pair.publishes("three").await.unwrap(), down());
    }
}

#[tokio::test]
async fn an_answer_without_an_end_ends_the_connection() {
    let mut pair = pair().await;
    let publishing = pair.publishes("one");
    pair.reads("one").await;
    pair.says(&format!("-{}", "x".repeat(4096))).await;
    assert_eq!(pair.ends().await, Trouble::Unfit("an answer without an end".into()));
    assert_eq!(publishing.await.unwrap(), down());
}

#[tokio::test]
async fn a_server_that_owes_answers_and_says_nothing_is_given_up() {
    let patience = Duration::from_millis(200);
    let mut pair = pair_with(patience).await;
    let answered = pair.publishes("one");
    pair.reads("one").await;
    pair.says(":1\r\n").await;
    assert_eq!(answered.await.unwrap(), Ok(1));
    // Nothing is owed: that nobody speaks is no fault.
    assert!(timeout(3 * patience, pair.driver.ended()).await.is_err());
    let owed = pair.publishes("two");
    assert_eq!(pair.ends().await, Trouble::Silent(patience));
    assert_eq!(owed.await.unwrap(), down());
}

#[tokio::test]
async fn who_waits_too_long_is_told_while_a_server_that_is_slow_goes_on() {
    let patience = Duration::from_millis(400);
    let mut pair = pair_with(patience).await;
    let early = ["one", "two", "three", "four"].map(|message| pair.publishes(message));
    pair.reads("four").await;
    let mut outcomes = Vec::new();
    for (number, one) in early.into_iter().enumerate() {
        tokio::time::sleep(patience * 3 / 5).await;
        pair.says(&format!(":{number}\r\n")).await;
        outcomes.push(one.await.unwrap());
    }
    assert_eq!(outcomes, [Ok(0), down(), down(), down()]);
    // The answers that came too late were nobody else's.
    let late = pair.publishes("five");
    pair.reads("five").await;
    pair.says(":9\r\n").await;
    assert_eq!(late.await.unwrap(), Ok(9));
}

#[tokio::test]
async fn closing_it_tells_who_waits_and_closes_the_socket() {
    let mut pair = pair().await;
    let waiting = pair.publishes("one");
    pair.reads("one").await;
    let publisher = Publisher::on(&pair.driver);
    let draining = tokio::spawn({
        let publisher = publisher.clone();
        async move { publisher.drained().await }
    });
    pair.reads("DBSIZE").await;
    assert!(!draining.is_finished());
    pair.driver.close().await;
    assert_eq!(waiting.await.unwrap(), down());
    draining.await.unwrap();
    assert_eq!(publisher.publish("c", b"two").await, down());
    assert_eq!(
        timeout(PATIENCE, pair.server.read_u8()).await.unwrap().unwrap_err().kind(),
        std::io::ErrorKind::UnexpectedEof
    );
}

/// Answers each PUBLISH with the number that is its message.
async fn echo(mut server: TcpStream) {
    let (mut bytes, mut answers) = (Vec::new(), String::new());
    while server.read_buf(&mut bytes).await.unwrap() > 0 {
        while let Some((OwnedFrame::Array(command), length)) = decode(&bytes).unwrap() {
            bytes.drain(..length);
            let Some(OwnedFrame::BulkString(message)) = command.last() else { panic!("{command:?}") };
            answers += &format!(":{}\r\n", str::from_utf8(message).unwrap());
        }
        server.write_all(answers.as_bytes()).await.unwrap();
        answers.clear();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_publish_at_once_each_gets_his_own_answer() {
    let Pair { driver, server } = pair().await;
    let serving = tokio::spawn(echo(server));
    let publishing = (0..50).map(|from| {
        let publisher = Publisher::on(&driver);
        tokio::spawn(async move {
            for number in (from * 200)..(from * 200 + 200) {
                assert_eq!(publisher.publish("c", number.to_string().as_bytes()).await, Ok(number));
            }
        })
    });
    for one in publishing.collect::<Vec<_>>() {
        timeout(PATIENCE, one).await.unwrap().unwrap();
    }
    driver.close().await;
    serving.await.unwrap();
}

#[tokio::test]
async fn more_than_there_is_room_for_is_refused_and_what_was_taken_arrives_whole() {
    let mut pair = pair().await;
    let message = "x".repeat(1 << 20);
    let publishing: Vec<_> = (0..ROOM >> 20).map(|_| pair.publishes(&message)).collect();
    let mut refused = 0;
    // The last does not fit, with what the others take beside their bytes; it is refused at once.
    let (mut bytes, whole) = (0, message.len() * (publishing.len() - 1));
    let mut buffer = vec![0; 1 << 20];
    while bytes < whole {
        bytes += timeout(PATIENCE, pair.server.read(&mut buffer)).await.unwrap().unwrap();
    }
    pair.says(&":1\r\n".repeat(publishing.len() - 1)).await;
    for one in publishing {
        match one.await.unwrap() {
            Ok(received) => assert_eq!(received, 1),
            Err(error) => {
                assert_eq!(error, Error::Down(node()));
                refused += 1;
            }
        }
    }
    assert_eq!(refused, 1);
    let again = pair.publishes("again");
    pair.says(":2\r\n").await;
    assert_eq!(again.await.unwrap(), Ok(2));
}

#[tokio::test]
async fn only_the_server_that_is_meant_is_published_to() {
    let (opened, _, asked) = introduced(WELL, PATIENCE).await;
    assert!(opened.is_ok());
    let greeting = "*3\r\n$4\r\nAUTH\r\n$7\r\ndefault\r\n$11\r\nopen sesame\r\n*2\r\n$4\r\nINFO\r\n$6\r\nserver\r\n";
    assert_eq!(String::from_utf8(asked).unwrap(), greeting);
    let patience = Duration::from_millis(200);
    let cases = [
        ("+OK\r\n$11\r\nrun_id:r2\r\n\r\n", Trouble::Stranger),
        ("+OK\r\n$0\r\n\r\n", Trouble::Stranger),
        ("-WRONGPASS invalid password\r\n", Trouble::Unfit("WRONGPASS invalid password".into())),
        ("HTTP/1.1 400 Bad Request\r\n\r\n", Trouble::Unfit("it does not speak RESP".into())),
        ("+OK\r\n", Trouble::Silent(patience)),
    ];
    for (introduction, trouble) in cases {
        let (opened, ..) = introduced(introduction, patience).await;
        assert_eq!(opened.err(), Some(trouble));
    }
}
