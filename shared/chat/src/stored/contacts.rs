//! `listContacts`, `addContact {user_id, remark?}`, `removeContact {user_id}`: whom a user knows.

use super::send::unexpected;
use crate::command::read;
use crate::reply::Known;
use crate::{Chat, Error, Reply, Window};
use serde::Deserialize;
use store::{Change, Done};
use types::{Code, Failure, UserKey, without_lone_surrogates};

/// `listContacts`.
#[derive(Debug, Deserialize)]
pub struct ListContacts {}

/// `addContact`.
#[derive(Debug, Deserialize)]
pub struct AddContact {
    user_id: UserKey,
    /// What the user calls the contact.
    remark: Option<Box<str>>,
}

/// `removeContact`.
#[derive(Debug, Deserialize)]
pub struct RemoveContact {
    user_id: UserKey,
}

const MAX_REMARK_CHARS: usize = 64;

impl ListContacts {
    pub(crate) fn parse(payload: &str) -> Result<Self, Failure> {
        read("listContacts", "{}", payload)
    }
}

impl AddContact {
    pub(crate) fn parse(payload: &str) -> Result<Self, Failure> {
        let repaired = without_lone_surrogates(payload);
        let payload = repaired.as_deref().unwrap_or(payload);
        let command: Self = read("addContact", "{user_id: \"<user key>\", remark?}", payload)?;
        if command.remark.as_ref().is_some_and(|remark| remark.chars().count() > MAX_REMARK_CHARS) {
            return Err(Failure::new(Code::TooLarge, format!("a remark has at most {MAX_REMARK_CHARS} letters")));
        }
        Ok(command)
    }
}

impl RemoveContact {
    pub(crate) fn parse(payload: &str) -> Result<Self, Failure> {
        read("removeContact", "{user_id: \"<user key>\"}", payload)
    }
}

impl Chat {
    pub(crate) async fn list_contacts(&self, window: &dyn Window) -> Result<Reply, Error> {
        let contacts = self.store()?.contacts(&window.identity().user).await?;
        let known = contacts.into_iter().map(|contact| Known::new(contact.profile, Some(contact.remark)));
        Ok(Reply::Contacts { contacts: known.collect() })
    }

    pub(crate) async fn add_contact(&self, window: &dyn Window, command: AddContact) -> Result<Reply, Error> {
        let AddContact { user_id: user, remark } = command;
        let remark = remark.unwrap_or_default();
        if user == window.identity().user {
            return Err(Failure::bad_request("nobody is a contact of themselves").into());
        }
        self.change_contacts(window, Change::AddContact { user, remark }).await
    }

    pub(crate) async fn remove_contact(&self, window: &dyn Window, command: RemoveContact) -> Result<Reply, Error> {
        self.change_contacts(window, Change::RemoveContact { user: command.user_id }).await
    }

    async fn change_contacts(&self, window: &dyn Window, change: Change) -> Result<Reply, Error> {
        let (done, v) = self.change(window, change).await?;
        let Done::Listed { lists_rev } = done else { return Err(unexpected()) };
        Ok(Reply::Listed { lists_rev, v })
    }
}
