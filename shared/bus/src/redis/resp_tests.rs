#![allow(clippy::unwrap_used)] // a test that meets an error has failed

use super::*;

/// What was said, as a test can compare it.
#[derive(Debug, PartialEq)]
enum Said {
    Message(Vec<u8>, Vec<u8>),
    Answer(Result<Value, Error>),
    Notice,
}

fn node() -> NodeName {
    "a".into()
}

/// All that is whole in these bytes, and how many of them that is.
fn all(bytes: &[u8]) -> Result<(Vec<Said>, usize), Trouble> {
    let (mut said, mut at) = (Vec::new(), 0);
    while let Some((next, length)) = heard(&bytes[at..], &node())? {
        at += length;
        said.push(match next {
            Heard::Message { channel, message } => Said::Message(channel.to_vec(), message.to_vec()),
            Heard::Answer(answer) => Said::Answer(answer),
            Heard::Notice => Said::Notice,
        });
    }
    Ok((said, at))
}

fn told(channel: &str, message: &str) -> Said {
    Said::Message(channel.into(), message.into())
}

#[test]
fn what_a_server_says_is_read_wherever_it_is_cut() {
    let said: [(&[u8], Said); 9] = [
        (b">3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n", Said::Notice),
        (b">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$3\r\none\r\n", told("c", "one")),
        (b">3\r\n$7\r\nmessage\r\n$2\r\nc2\r\n$0\r\n\r\n", told("c2", "")),
        (b"+PONG\r\n", Said::Answer(Ok("PONG".into()))),
        (b">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$11\r\n>3\r\n$7\r\n\xe4\xbd\xa0\r\n", told("c", ">3\r\n$7\r\n你")),
        (
            b"*3\r\n:-7\r\n_\r\n*1\r\n$2\r\nab\r\n",
            Said::Answer(Ok(Value::Array(vec![Value::Integer(-7), Value::Null, Value::Array(vec!["ab".into()])]))),
        ),
        (b"$2\r\n\xff\xfe\r\n", Said::Answer(Ok(Value::Bytes(bytes::Bytes::from_static(b"\xff\xfe"))))),
        (b"-ERR not for you\r\n", Said::Answer(Err(Error::Refused { node: node(), reason: "ERR not for you".into() }))),
        (b"%1\r\n$5\r\nproto\r\n:3\r\n", Said::Answer(Ok(Value::Null))),
    ];
    let stream: Vec<u8> = said.iter().flat_map(|(bytes, _)| bytes.iter().copied()).collect();
    let mut ends = vec![0];
    ends.extend(said.iter().scan(0, |end, (bytes, _)| {
        *end += bytes.len();
        Some(*end)
    }));
    let expected: Vec<Said> = said.into_iter().map(|(_, said)| said).collect();
    for cut in 0..=stream.len() {
        let (said, length) = all(&stream[..cut]).unwrap();
        let whole = ends.iter().filter(|end| **end <= cut).count() - 1;
        assert_eq!(said, expected[..whole], "cut at {cut}");
        assert_eq!(length, ends[whole], "cut at {cut}");
    }
}

#[test]
fn what_is_no_resp_is_of_no_use() {
    let beginnings = [
        ">3\r\n$7\r\nmessage\r\n$x\r\n",
        ">3\r\n$7\r\nmessage\r\n$-1\r\n",
        ">3\r\n$7\r\nmessage\r\n$99999999999999",
        ">3\r\n$7\r\nmessage\r\n:1\r\n$3\r\none\r\n",
        ">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$3\r\nfour\r\n",
        "HTTP/1.1 400 Bad Request\r\n\r\n",
    ];
    for bytes in beginnings {
        assert_eq!(all(bytes.as_bytes()).err(), Some(gibberish()), "{bytes:?}");
    }
}

#[test]
fn a_server_that_does_not_serve_is_of_no_use() {
    for refusal in ["LOADING Redis is loading the dataset in memory", "NOPERM no such channel for you"] {
        assert_eq!(all(format!("-{refusal}\r\n").as_bytes()).err(), Some(Trouble::Unfit(refusal.into())));
    }
}
