//! One message to everybody on a process, until the last one has it, and then the next.

use super::pairs::Ears;
use super::scenario::Figure;
use super::site::{EVERYBODY, Site};
use crate::line::Line;
use anyhow::ensure;
use std::sync::Arc;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(10);
/// Between two, so that a server rests as it would.
const PAUSE: Duration = Duration::from_millis(20);

pub(super) async fn measure(site: &Site, sockets: usize, seconds: Duration) -> anyhow::Result<Vec<Figure>> {
    let (ears, greeting) = (Arc::new(Ears::new()), site.kind().greeting());
    let event = format!("42[\"{EVERYBODY}\"");
    let mut lines = Vec::with_capacity(sockets);
    for number in 0..sockets {
        let (ears, event) = (ears.clone(), event.clone());
        let hear = move |packet: &[u8]| {
            if packet.starts_with(event.as_bytes()) {
                ears.hear(packet);
            }
        };
        lines.push(Line::open_to(site.address(number), &(10_000 + number).to_string(), greeting, hear).await?);
    }
    let speaker = Line::open_to(site.address(0), "9", greeting, |_| {}).await?;
    let say = async |times: u64| -> anyhow::Result<Duration> {
        let begun = Instant::now();
        let at = ears.now().as_micros();
        let text = "x".repeat(64);
        speaker
            .send(&format!(r#"421["exchange",{{"target":"{EVERYBODY}","payload":{{"at":{at},"text":"{text}"}}}}]"#))
            .await?;
        while ears.heard() < times * sockets as u64 {
            ensure!(begun.elapsed() < PATIENCE, "{} of {sockets} heard it", ears.heard() % sockets as u64);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok(begun.elapsed())
    };
    let mut times = 0;
    for _ in 0..3 {
        times += 1;
        say(times).await?;
    }
    let (cpu, begun, warm) = (site.cpu()?, Instant::now(), times);
    let mut lasted = Vec::new();
    while begun.elapsed() < seconds {
        times += 1;
        lasted.push(say(times).await?.as_secs_f64() * 1e3);
        tokio::time::sleep(PAUSE).await;
    }
    let delivered = (times - warm) * sockets as u64;
    let cpu = site.cpu()?.saturating_sub(cpu).as_micros() as f64 / delivered.max(1) as f64;
    Ok(vec![
        Figure::least("CPU us/delivery", cpu),
        Figure::least("until the last has it, ms", crate::median(lasted.into_iter())),
    ])
}
