//! What the API offers, as OpenAPI tells it.

use super::schema::*;
use std::sync::LazyLock;
use utoipa::ToSchema;
use utoipa::openapi::path::{
    HttpMethod, OperationBuilder, Parameter, ParameterBuilder, ParameterIn, PathItem, PathsBuilder,
};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, InfoBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, Required, ResponseBuilder,
    Schema, SecurityRequirement,
};

const JSON: &str = "application/json";
const PICTURES: &str = "pictures";

/// One operation.
pub(super) struct Operation {
    pub(super) name: &'static str,
    summary: &'static str,
    takes: Shape,
    answers: Shape,
}

/// A named schema, and those that it refers to.
struct Shape {
    name: fn() -> String,
    schema: fn() -> RefOr<Schema>,
    others: fn(&mut Vec<(String, RefOr<Schema>)>),
}

const fn shape<T: ToSchema>() -> Shape {
    Shape { name: || T::name().into_owned(), schema: T::schema, others: T::schemas }
}

const fn operation<Takes: ToSchema, Answers: ToSchema>(name: &'static str, summary: &'static str) -> Operation {
    Operation { name, summary, takes: shape::<Takes>(), answers: shape::<Answers>() }
}

/// What is no event.
const OTHERS: [Operation; 3] = [
    operation::<Login, LoggedIn>("login", "Sets the cookie that shows a token from then on"),
    operation::<Nothing, Yes>("logout", "Ends that cookie"),
    operation::<Picture, PictureKept>(
        PICTURES,
        "Takes a picture for a conversation; the answer has what a message of type image says of it",
    ),
];

/// The events that need no connection.
pub(super) const OPERATIONS: [Operation; 22] = [
    operation::<SendMessage, Sent>("sendMessage", "Sends a message that is kept; the same again is sent once"),
    operation::<Sync, Synced>("sync", "Brings a client to where the store is"),
    operation::<History, Entries>("history", "Entries of a conversation, by their numbers"),
    operation::<ReadMessage, MarkedRead>("readMessage", "Marks messages that were on the screen as read"),
    operation::<OneMessage, Recalled>("recallMessage", "Takes an own message back"),
    operation::<OneMessage, Deleted>("deleteMessage", "Deletes an entry for the caller alone"),
    operation::<ListConversations, Conversations>(
        "listConversations",
        "The caller's conversations, pinned ones first, then newest first",
    ),
    operation::<PinConversation, Set>("pinConversation", "Pins a conversation, or does not any more"),
    operation::<MuteConversation, Set>("muteConversation", "Mutes a conversation, or does not any more"),
    operation::<ClearUnread, Cleared>("clearUnread", "Counts nothing up to a number as unread any more"),
    operation::<SaveDraft, Set>("saveDraft", "Keeps what is written and not sent"),
    operation::<SearchUsers, People>("searchUsers", "Searches people whom the caller knows"),
    operation::<SearchMessages, Found>("searchMessages", "Searches the caller's messages, newest first"),
    operation::<Nothing, Contacts>("listContacts", "The caller's contacts"),
    operation::<AddContact, Listed>("addContact", "Adds a contact, or changes the remark"),
    operation::<OneUser, Listed>("removeContact", "Removes a contact"),
    operation::<GetProfiles, People>("getProfiles", "Names and pictures of people"),
    operation::<SetProfile, ProfileSet>("setProfile", "Sets the caller's name and picture"),
    operation::<QuickReplies, Items>("quickReplies", "What the caller says often: lists, saves or removes"),
    operation::<OneUser, Listed>("block", "Blocks somebody: neither may send to the other"),
    operation::<OneUser, Listed>("unblock", "Ends that"),
    operation::<Nothing, Blocked>("listBlocked", "Whom the caller has blocked"),
];

/// `openapi.json`.
pub(super) fn text() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| {
        // Its parts are ours, so nothing can be wrong with them that a test does not see.
        build().to_json().unwrap_or_default()
    });
    &TEXT
}

fn build() -> OpenApi {
    let mut components = ComponentsBuilder::new()
        .security_scheme("token", SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build()))
        .security_scheme("cookie", SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new("im_token"))))
        .security_scheme("development", SecurityScheme::ApiKey(ApiKey::Query(ApiKeyValue::new("userId"))));
    let mut paths = PathsBuilder::new();
    let all = || OTHERS.iter().chain(&OPERATIONS);
    let shapes = all().flat_map(|one| [&one.takes, &one.answers]);
    for shape in shapes.chain([&shape::<Failed>()]) {
        let mut named = vec![((shape.name)(), (shape.schema)())];
        (shape.others)(&mut named);
        components = components.schemas_from_iter(named);
    }
    for one in all() {
        paths = paths.path(format!("/api/v1/{}", one.name), path(one));
    }
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("Site IM")
                .version("1")
                .description(Some("The events of the protocol that need no connection, over HTTP."))
                .build(),
        )
        .paths(paths.build())
        .components(Some(components.build()))
        .security(Some(["token", "cookie", "development"].map(|name| SecurityRequirement::new(name, [""; 0]))))
        .build()
}

fn path(one: &Operation) -> PathItem {
    let content = |name: String| ContentBuilder::new().schema(Some(Ref::from_schema_name(name))).build();
    let is_picture = one.name == PICTURES;
    let takes = content((one.takes.name)());
    let takes = RequestBodyBuilder::new().content(if is_picture { "image/*" } else { JSON }, takes);
    let answer = ResponseBuilder::new().description("Done").content(JSON, content((one.answers.name)()));
    let refusal = ResponseBuilder::new().description("Not done").content(JSON, content(Failed::name().into_owned()));
    let operation = OperationBuilder::new()
        .operation_id(Some(one.name))
        .summary(Some(one.summary))
        .request_body(Some(takes.required(Some(Required::True)).build()))
        .response("200", answer.build())
        .response("default", refusal.build());
    let operation = if is_picture { operation.parameter(of_receiver()) } else { operation };
    PathItem::new(HttpMethod::Post, operation)
}

fn of_receiver() -> Parameter {
    ParameterBuilder::new()
        .name("to_user_id")
        .parameter_in(ParameterIn::Query)
        .required(Required::True)
        .description(Some("Whose conversation with the caller the picture is for"))
        .schema(Some(Ref::from_schema_name(UserKey::name())))
        .build()
}
