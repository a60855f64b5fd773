//! People and words.

use super::{Site, eventually, shorts, text, user};
use store::{Change, Done, Profile, QuickReply, Send};
use types::{Code, MessageType};

pub(crate) async fn contacts_and_blocked_users_are_kept(site: Site) {
    site.meet(&["8", "m7", "m8"]).await;
    let add = |who: &str, remark: &str| Change::AddContact { user: user(who), remark: remark.into() };
    site.done("8", add("m8", "")).await;
    site.done("8", add("m7", "好店")).await;
    assert_eq!(site.refused("8", add("404", "")).await, Code::NotFound);
    let contacts = site.store.contacts(&user("8")).await.unwrap();
    let found: Vec<_> = contacts.iter().map(|one| (one.profile.user.as_str(), &*one.remark)).collect();
    assert_eq!(found, [("m7", "好店"), ("m8", "")]);
    assert_eq!(site.store.lists_rev(&user("8")).await, Ok(2));
    site.done("8", Change::RemoveContact { user: user("m8") }).await;
    assert_eq!(site.store.contacts(&user("8")).await.unwrap().len(), 1);
    assert!(site.store.contacts(&user("m7")).await.unwrap().is_empty());

    site.done("m7", Change::Block { user: user("8") }).await;
    site.done("m7", Change::Block { user: user("8") }).await;
    let blocked = site.store.blocked(&user("m7")).await.unwrap();
    assert_eq!(blocked.len(), 1);
    assert!(blocked[0].0 == user("8") && blocked[0].1.abs_diff(site.store.now_ms()) < 60_000);
    assert_eq!(site.store.lists_rev(&user("m7")).await, Ok(1));
    site.done("m7", Change::Unblock { user: user("8") }).await;
    assert!(site.store.blocked(&user("m7")).await.unwrap().is_empty());
}

pub(crate) async fn profiles_are_kept_and_found(site: Site) {
    site.meet(&["8", "9", "m7", "m8"]).await;
    let named = Change::SetProfile { nickname: "小明_100%".into(), avatar: "/a.png".into() };
    site.done("8", named).await;
    let profiles = site.store.profiles(&[user("8"), user("9"), user("404")]).await.unwrap();
    let profile = Profile { user: user("8"), nickname: "小明_100%".into(), avatar: "/a.png".into() };
    assert!(profiles.contains(&profile) && profiles.len() == 2);
    site.say("8", "m7", "x").await;
    site.done("m7", Change::AddContact { user: user("9"), remark: "大客户".into() }).await;
    let search = async |text: &str| {
        let found = site.store.search_users(&user("m7"), text, 9).await.unwrap();
        found.into_iter().map(|profile| profile.user.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(search("明").await, ["8"]);
    assert_eq!(search("_100%").await, ["8"]);
    assert_eq!(search("客户").await, ["9"]);
    assert_eq!(search("9").await, ["9"]);
    for nobody in ["%", "__", "404", "' OR 1=1 --", "m8"] {
        // The sign itself is in one name.
        let wanted: &[&str] = if nobody == "%" { &["8"] } else { &[] };
        assert_eq!(search(nobody).await, wanted, "{nobody}");
    }
    assert!(site.store.search_users(&user("m8"), "明", 9).await.unwrap().is_empty(), "a stranger finds nobody");
}

pub(crate) async fn quick_replies_are_kept_by_folder(site: Site) {
    site.meet(&["m7", "m8"]).await;
    let reply = |id: &str, folder: &str, text: &str| QuickReply {
        id: id.into(),
        folder: folder.into(),
        shortcut: "hi".into(),
        text: text.into(),
    };
    let saved = async |one: &QuickReply| site.done("m7", Change::SaveReply(one.clone())).await;
    assert_eq!(saved(&reply("r1", "售后", "您好")).await, Done::Listed { lists_rev: 1 });
    saved(&reply("r2", "", "在的")).await;
    saved(&reply("r1", "售前", "您好，在的")).await;
    let kept = site.store.quick_replies(&user("m7")).await.unwrap();
    assert_eq!(kept, [reply("r2", "", "在的"), reply("r1", "售前", "您好，在的")]);
    assert_eq!(site.done("m7", Change::RemoveReply { id: "r2".into() }).await, Done::Listed { lists_rev: 4 });
    assert_eq!(site.store.quick_replies(&user("m7")).await.unwrap().len(), 1);
    site.done("m8", Change::RemoveReply { id: "r1".into() }).await;
    assert_eq!(site.store.quick_replies(&user("m7")).await.unwrap().len(), 1, "everybody has their own");
}

pub(crate) async fn words_are_found_by_those_who_may_see_them(site: Site) {
    site.meet(&["8", "9", "m7"]).await;
    let first = site.say("8", "m7", "请问可以退货吗？Please").await;
    site.say("m7", "8", "可以退款，不能退 货").await;
    let other = site.say("9", "m7", "退货地址").await;
    let taken_back = site.say("8", "m7", "退货单号").await;
    site.done("8", Change::Recall { message: taken_back.message_id, within_ms: 60_000 }).await;
    let search = async |who: &str, text: &str, within| {
        let (found, _) = site.store.search_messages(&user(who), text, within, None, 9).await.unwrap();
        shorts(&found)
    };
    eventually("the last message is indexed", async || (search("m7", "地址", None).await.len() == 1).then_some(()))
        .await;
    assert_eq!(search("m7", "退货", None).await, ["1 退货地址", "1 请问可以退货吗？Please"]);
    assert_eq!(search("m7", "退货", Some(first.conversation_id)).await, ["1 请问可以退货吗？Please"]);
    assert_eq!(search("8", "退货", None).await, ["1 请问可以退货吗？Please"], "another's conversation is not searched");
    assert_eq!(search("8", "退货", Some(other.conversation_id)).await, [""; 0]);
    assert_eq!(search("m7", "LEASE", None).await, ["1 请问可以退货吗？Please"]);
    assert_eq!(search("m7", "款", None).await, ["2 可以退款，不能退 货"]);
    assert_eq!(search("m7", "退款 可以", None).await, ["2 可以退款，不能退 货"]);
    for nothing in ["", "\"", "* OR", "没有", "单号"] {
        assert_eq!(search("m7", nothing, None).await, [""; 0], "{nothing}");
    }
    let (page, more) = site.store.search_messages(&user("m7"), "退货", None, None, 1).await.unwrap();
    assert_eq!((shorts(&page), more), (vec!["1 退货地址".to_owned()], true));
    let below = Some(other.message_id);
    let (page, more) = site.store.search_messages(&user("m7"), "退货", None, below, 1).await.unwrap();
    assert_eq!((page.len(), more), (1, false));
}

pub(crate) async fn strangers_are_refused_where_only_contacts_may_write(site: Site) {
    site.meet(&["8", "9"]).await;
    let send = |name: &str| {
        Change::Send(Send {
            to: user("9"),
            temp_message_id: name.into(),
            kind: MessageType::Text,
            body: "\"hi\"".into(),
            as_asked: None,
            only_as_contact: true,
        })
    };
    assert_eq!(site.refused("8", send("t1")).await, Code::Forbidden);
    site.done("8", Change::AddContact { user: user("9"), remark: "".into() }).await;
    assert_eq!(site.refused("8", send("t2")).await, Code::Forbidden, "it is the receiver who decides");
    site.done("9", Change::AddContact { user: user("8"), remark: "".into() }).await;
    site.done("8", send("t3")).await;
    site.done("9", text("8", "t4", "hi")).await;
}
