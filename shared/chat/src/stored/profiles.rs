//! `getProfiles {user_ids}` and `setProfile {nickname, avatar}`: names and pictures.

use super::Hooked;
use super::send::unexpected;
use crate::command::read;
use crate::reply::Known;
use crate::{Chat, Error, Reply, Window};
use serde::Deserialize;
use store::{Change, Done};
use types::{Code, Failure, UserKey, without_lone_surrogates};

/// `getProfiles`.
#[derive(Debug, Deserialize)]
pub struct GetProfiles {
    user_ids: Vec<UserKey>,
}

/// `setProfile`.
#[derive(Debug, Deserialize)]
pub struct SetProfile {
    nickname: Box<str>,
    /// The address of a picture; empty for none.
    avatar: Option<Box<str>>,
}

const MOST: usize = 200;
const MAX_NICKNAME_CHARS: usize = 32;
const MAX_AVATAR_BYTES: usize = 512;

impl GetProfiles {
    pub(crate) fn parse(payload: &str) -> Result<Self, Failure> {
        let command: Self = read("getProfiles", "{user_ids: [\"<user key>\", …]}", payload)?;
        if command.user_ids.len() > MOST {
            return Err(Failure::new(Code::TooLarge, format!("getProfiles takes at most {MOST} users")));
        }
        Ok(command)
    }
}

impl SetProfile {
    pub(crate) fn parse(payload: &str) -> Result<Self, Failure> {
        let repaired = without_lone_surrogates(payload);
        let payload = repaired.as_deref().unwrap_or(payload);
        let Self { nickname, avatar } = read("setProfile", "{nickname, avatar?}", payload)?;
        let nickname = nickname.trim();
        let picture = avatar.as_deref().unwrap_or_default();
        if nickname.chars().count() > MAX_NICKNAME_CHARS || picture.len() > MAX_AVATAR_BYTES {
            let sizes = format!("at most {MAX_NICKNAME_CHARS} letters, an avatar {MAX_AVATAR_BYTES} bytes");
            return Err(Failure::new(Code::TooLarge, format!("a nickname has {sizes}")));
        }
        if nickname.chars().any(char::is_control) {
            return Err(Failure::bad_request("a nickname has no control characters"));
        }
        // A page puts it where a browser would follow it: no other scheme, and no address of another host without one.
        let is_path = picture.starts_with('/') && !picture.starts_with("//") && !picture.contains('\\');
        let is_address = picture.starts_with("https://") || picture.starts_with("http://");
        let is_plain = picture.bytes().all(|byte| byte.is_ascii_graphic());
        if !picture.is_empty() && !(is_plain && (is_path || is_address)) {
            return Err(Failure::bad_request("an avatar is the address of a picture: http(s)://… or /…"));
        }
        Ok(Self { nickname: nickname.into(), avatar })
    }
}

impl Chat {
    /// Those that exist, of those that the user may reach.
    pub(crate) async fn get_profiles(&self, window: &dyn Window, command: GetProfiles) -> Result<Reply, Error> {
        let mut users = command.user_ids;
        users.retain(|user| self.policy.allows(window.identity(), user));
        let profiles = self.store()?.profiles(&users).await?;
        Ok(Reply::Profiles { users: profiles.into_iter().map(|profile| Known::new(profile, None)).collect() })
    }

    /// What a user is called, empty for no name; `None` when that is not known.
    pub async fn nickname(&self, user: &UserKey) -> Option<Box<str>> {
        let profiles = self.store().ok()?.profiles(std::slice::from_ref(user)).await.ok()?;
        profiles.into_iter().next().map(|profile| profile.nickname)
    }

    /// What the user is called from now on, for the user's own windows and for those that watch the user.
    pub(crate) async fn set_profile(&self, window: &dyn Window, command: SetProfile) -> Result<Reply, Error> {
        let SetProfile { mut nickname, avatar } = command;
        let user = &window.identity().user;
        if let Some(kept) = &self.kept {
            match kept.hook.check(user, user, &nickname) {
                Hooked::Pass => {}
                Hooked::Replace(other) => nickname = other.into(),
                Hooked::Refuse(reason) => return Err(Failure::new(Code::Refused, reason).into()),
            }
        }
        let (done, v) =
            self.change(window, Change::SetProfile { nickname, avatar: avatar.unwrap_or_default() }).await?;
        let Done::Profiled = done else { return Err(unexpected()) };
        Ok(Reply::Profiled { v })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(nickname: &str, avatar: &str) -> Result<SetProfile, Failure> {
        SetProfile::parse(&serde_json::json!({ "nickname": nickname, "avatar": avatar }).to_string())
    }

    #[test]
    fn a_name_is_short_and_loses_its_edges() {
        assert_eq!(&*parse("  小明 ", "").unwrap().nickname, "小明");
        assert_eq!(parse(&"名".repeat(33), "").unwrap_err().code, Code::TooLarge);
        assert_eq!(parse("a\u{0}b", "").unwrap_err().code, Code::BadRequest);
    }

    #[test]
    fn a_picture_is_an_address_that_a_page_may_show() {
        for good in ["", "/blobs/1.png", "https://img.example/1.png"] {
            assert!(parse("x", good).is_ok(), "{good}");
        }
        for bad in ["javascript:alert(1)", "data:image/png;base64,AA", "//evil.example/x", "/\\evil.example", "x.png"] {
            assert_eq!(parse("x", bad).unwrap_err().code, Code::BadRequest, "{bad}");
        }
        assert_eq!(parse("x", &format!("/{}", "x".repeat(512))).unwrap_err().code, Code::TooLarge);
    }
}
