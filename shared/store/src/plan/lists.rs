//! A user's own lists: who is blocked, who is a contact, what is said often; and the user's name and picture.

use super::{Outcome, Planner};
use crate::model::{Done, QuickReply, Request};
use crate::outbox::Reference;
use types::{Event, Failure, List, ListChange, ListOp, Listed, Profile, UserKey};

impl Planner<'_> {
    pub(super) fn meet(&mut self, request: &Request) -> Outcome {
        if self.loaded.known.insert(request.by.clone()) {
            self.writes.users.insert(request.by.clone());
        }
        Ok((Done::Met, Vec::new()))
    }

    pub(super) fn block(&mut self, request: &Request, user: &UserKey, blocked: bool) -> Outcome {
        let key = (request.by.clone(), user.clone());
        let changes = match blocked {
            true => self.loaded.blocks.insert(key.clone()),
            false => self.loaded.blocks.remove(&key),
        };
        if !changes {
            return Ok((Done::Listed { lists_rev: self.lists_rev(&request.by) }, Vec::new()));
        }
        self.writes.blocks.insert(key, blocked);
        Ok(self.listed(request, List::Blocked, blocked, user, None))
    }

    pub(super) fn contact(&mut self, request: &Request, user: &UserKey, remark: Option<&str>) -> Outcome {
        let key = (request.by.clone(), user.clone());
        let known = match remark {
            Some(remark) => self.loaded.contacts.insert(key.clone(), remark.into()),
            None => self.loaded.contacts.remove(&key),
        };
        if known.as_deref() == remark {
            return Ok((Done::Listed { lists_rev: self.lists_rev(&request.by) }, Vec::new()));
        }
        if remark.is_some() && !self.loaded.known.contains(user) {
            self.loaded.contacts.remove(&key);
            return Err(Failure::not_found(format!("there is no user {user}")).into());
        }
        self.writes.contacts.insert(key, remark.map(Into::into));
        Ok(self.listed(request, List::Contacts, remark.is_some(), user, remark))
    }

    pub(super) fn profile(&mut self, request: &Request, nickname: &str, avatar: &str) -> Outcome {
        let user_id = request.by.clone();
        self.writes.profiles.insert(user_id.clone(), (nickname.into(), avatar.into()));
        self.writes.references.push(Reference::Profile(user_id.clone()));
        let profile = Profile { user_id: user_id.clone(), nickname: nickname.into(), avatar: avatar.into() };
        Ok((Done::Profiled, vec![(user_id, Event::Profile(profile))]))
    }

    pub(super) fn reply(&mut self, request: &Request, id: &str, reply: Option<&QuickReply>) -> Outcome {
        self.writes.replies.insert((request.by.clone(), id.into()), reply.cloned());
        Ok(self.changed(request, None))
    }

    fn listed(
        &mut self,
        request: &Request,
        list: List,
        added: bool,
        user: &UserKey,
        remark: Option<&str>,
    ) -> (Done, Vec<(UserKey, Event)>) {
        let op = if added { ListOp::Add } else { ListOp::Remove };
        let change = ListChange { list, op, user_id: user.clone(), remark: remark.map(Into::into) };
        self.changed(request, Some(change))
    }

    /// The user's lists are others now.
    fn changed(&mut self, request: &Request, change: Option<ListChange>) -> (Done, Vec<(UserKey, Event)>) {
        let lists_rev = self.lists_rev(&request.by) + 1;
        self.loaded.lists_revs.insert(request.by.clone(), lists_rev);
        self.writes.lists_revs.insert(request.by.clone(), lists_rev);
        self.writes.references.push(Reference::Lists(request.by.clone()));
        let event = Listed { lists_rev, change, socketid: request.socket.clone() };
        (Done::Listed { lists_rev }, vec![(request.by.clone(), Event::Listed(event))])
    }

    fn lists_rev(&self, user: &UserKey) -> u64 {
        self.loaded.lists_revs.get(user).copied().unwrap_or_default()
    }
}
