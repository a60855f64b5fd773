//! A client that was away: 1,000 missed messages in 50 conversations, until it has all of them.

use super::site::Site;
use crate::line::Line;
use anyhow::{Context, ensure};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

const CONVERSATIONS: usize = 50;
const MISSED: usize = 20;
/// How often the same client comes back to the same.
const TIMES: usize = 20;
const USER: &str = "9";

struct Asker {
    line: Line,
    answers: mpsc::Receiver<Value>,
}

impl Asker {
    async fn open(site: &Site, user: &str) -> anyhow::Result<Self> {
        let (tell, answers) = mpsc::channel(1_000);
        let hear = move |packet: &[u8]| {
            let answer = packet.strip_prefix(b"431").and_then(|answer| serde_json::from_slice::<Value>(answer).ok());
            if let Some(mut answer) = answer {
                // Nobody waits any more when a run ends.
                tell.try_send(answer[0].take()).ok();
            }
        };
        Ok(Self { line: Line::open(site.address(0), user, hear).await?, answers })
    }

    async fn ask(&mut self, event: &str, payload: &Value) -> anyhow::Result<Value> {
        self.line.send(&format!("421{}", json!([event, payload]))).await?;
        let answer = tokio::time::timeout(Duration::from_secs(10), self.answers.recv()).await?;
        let answer = answer.context("the connection ended")?;
        ensure!(answer["ok"] == true, "{event}: {answer}");
        Ok(answer)
    }
}

pub(super) async fn run(runs: usize) -> anyhow::Result<()> {
    for (what, clustered) in [("one process, SQLite", false), ("two processes, MariaDB", true)] {
        let mut all = Vec::new();
        let mut rounds = 0;
        for _ in 0..runs.max(1) {
            let site = if clustered { Site::clustered().await? } else { Site::alone().await? };
            let (median, asked) = measure(&site).await?;
            all.push(median);
            rounds = asked;
        }
        let median = crate::median(all.into_iter());
        let missed = CONVERSATIONS * MISSED;
        println!(
            "{what}: sync of {missed} messages in {CONVERSATIONS} conversations: {median:.1} ms, {rounds} round trips"
        );
    }
    Ok(())
}

async fn measure(site: &Site) -> anyhow::Result<(f64, usize)> {
    let mut client = Asker::open(site, USER).await?;
    let mut others = Vec::new();
    for number in 0..CONVERSATIONS {
        others.push(Asker::open(site, &(10_000 + number).to_string()).await?);
    }
    // Each conversation is known before the client goes.
    let say = async |others: &mut [Asker], name: String| -> anyhow::Result<()> {
        for (number, other) in others.iter_mut().enumerate() {
            let message = json!({
                "temp_message_id": format!("{name}-{number}"), "chat_type": "p2p", "to_user_id": USER, "type": "text",
                "message": "您好，请问这款还有货吗？今天能发出吗？",
            });
            other.ask("sendMessage", &message).await?;
        }
        Ok(())
    };
    say(&mut others, "first".into()).await?;
    let known = client.ask("sync", &json!({})).await?;
    drop(client);
    for number in 0..MISSED {
        say(&mut others, number.to_string()).await?;
    }
    let heads = |answer: &Value, heads: &mut BTreeMap<String, u64>| {
        for one in answer["conversations"].as_array().into_iter().flatten() {
            heads.entry(one["conversation_id"].as_str().unwrap_or_default().to_owned()).or_insert(1);
        }
    };
    let mut times = Vec::new();
    let mut rounds = 0;
    for _ in 0..TIMES {
        let mut client = Asker::open(site, USER).await?;
        let start = Instant::now();
        let mut answer = client.ask("sync", &json!({"token": known["token"], "v": known["v"]})).await?;
        let (mut has, mut got) = (BTreeMap::new(), 0);
        rounds = 1;
        while answer["more"] == true {
            heads(&answer, &mut has);
            let more = json!({"token": known["token"], "cursor": answer["cursor"], "heads": has, "limit": 1_000});
            answer = client.ask("sync", &more).await?;
            for message in answer["messages"].as_array().into_iter().flatten() {
                let conversation = message["conversation_id"].as_str().unwrap_or_default().to_owned();
                let seq = message["conv_seq"].as_u64().unwrap_or_default();
                let head = has.entry(conversation).or_default();
                *head = seq.max(*head);
                got += 1;
            }
            rounds += 1;
        }
        times.push(start.elapsed().as_secs_f64() * 1e3);
        ensure!(got == CONVERSATIONS * MISSED, "{got} messages came");
    }
    Ok((crate::median(times.into_iter()), rounds))
}
