//! The people of the configuration: in development somebody is there to be, with a name.

use crate::api::Caller;
use crate::site::Site;
use chat::Command;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use types::{Identity, Platform, Role, UserKey};

/// One of `[[people]]`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    #[serde(rename(serialize = "user_id"))]
    pub user: UserKey,
    pub nickname: String,
    #[serde(default)]
    pub role: Role,
    #[serde(default)]
    pub avatar: String,
}

/// Makes them known, so that they can be written to before they ever came. Names that they gave themselves stay.
pub(crate) async fn introduce(site: Arc<Site>) {
    for person in site.config().people.clone() {
        let Person { user, nickname, role, avatar } = person;
        let identity = Identity { user: user.clone(), role, shop: None, device: None, platform: Platform::Pc };
        let caller = Caller::new(&site.config().server.process_id, identity);
        site.chat().meet(&user, None).await;
        let known = site.chat().nickname(&user).await;
        if known.is_some_and(|name| name.is_empty()) {
            let profile = serde_json::json!({ "nickname": nickname, "avatar": avatar }).to_string();
            let command = Command::parse("setProfile", Some(&profile), &[]);
            let Some(Ok(command)) = command else {
                tracing::warn!(%user, "what people says of a person is no profile");
                continue;
            };
            if let Err(error) = site.chat().handle(&caller, command).await {
                tracing::warn!(%user, reason = %error.failure().message, "a person of the configuration has no name yet");
            }
        }
    }
}
