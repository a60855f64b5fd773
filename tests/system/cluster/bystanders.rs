//! Two people of another Redis node who talk all the while, and must notice nothing.

use crate::window::Window;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tests::Server;
use tokio::task::JoinHandle;

/// They talk quickly, within the rate of events that a user has.
const PAUSE: Duration = Duration::from_millis(20);

pub(super) struct Bystanders {
    stop: Arc<AtomicBool>,
    talk: JoinHandle<u32>,
}

impl Bystanders {
    /// They talk until [`noticed_nothing`](Self::noticed_nothing).
    pub(super) async fn between(one: &Server, other: &Server, users: &[String; 2]) -> Self {
        let mut speaker = Window::open(one, &users[0]).await;
        let mut listener = Window::open(other, &users[1]).await;
        let (stop, target) = (Arc::new(AtomicBool::new(false)), format!("user:{}", users[1]));
        let stopping = stop.clone();
        let talk = tokio::spawn(async move {
            let mut said = 0;
            while !stopping.load(Ordering::SeqCst) {
                speaker.done("exchange", json!({ "target": target, "payload": said })).await;
                assert_eq!(listener.next("exchange").await["data"]["payload"], said, "each once, in order");
                said += 1;
                tokio::time::sleep(PAUSE).await;
            }
            said
        });
        Self { stop, talk }
    }

    pub(super) async fn noticed_nothing(self) {
        self.stop.store(true, Ordering::SeqCst);
        let said = self.talk.await.expect("everything was granted and came");
        assert!(said > 0);
    }
}
