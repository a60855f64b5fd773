-- Keep in step with ../mysql. Times are milliseconds since 1970; keys of users are plain ASCII.

-- What tells this store from any other.
CREATE TABLE identity (
    id TEXT NOT NULL PRIMARY KEY
) WITHOUT ROWID;
INSERT INTO identity VALUES (lower(hex(randomblob(16))));

CREATE TABLE users (
    user_key   TEXT    NOT NULL PRIMARY KEY,
    nickname   TEXT    NOT NULL DEFAULT '',
    avatar     TEXT    NOT NULL DEFAULT '',
    -- Rises with every change of the user's contacts and blocked users.
    lists_rev  INTEGER NOT NULL DEFAULT 0,
    created_ms INTEGER NOT NULL
) WITHOUT ROWID;

-- Of two people: kind 1, their keys in order. Of a group: kind 2, its id and nothing.
CREATE TABLE conversations (
    conversation_id INTEGER NOT NULL PRIMARY KEY,
    kind            INTEGER NOT NULL,
    first           TEXT    NOT NULL,
    second          TEXT    NOT NULL,
    -- Of its newest entry; 0 without any.
    last_seq        INTEGER NOT NULL DEFAULT 0,
    last_message_id INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX conversations_by_members ON conversations (kind, first, second);

-- A conversation as one of its members has it.
CREATE TABLE members (
    conversation_id INTEGER NOT NULL,
    user_key        TEXT    NOT NULL,
    -- The other side.
    peer            TEXT    NOT NULL,
    last_message_id INTEGER NOT NULL DEFAULT 0,
    unread          INTEGER NOT NULL DEFAULT 0,
    -- Up to here nothing counts as unread, read or not.
    cleared_seq     INTEGER NOT NULL DEFAULT 0,
    pinned          INTEGER NOT NULL DEFAULT 0,
    muted           INTEGER NOT NULL DEFAULT 0,
    draft           TEXT    NOT NULL DEFAULT '',
    rev             INTEGER NOT NULL DEFAULT 0,
    changed_ms      INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (conversation_id, user_key)
) WITHOUT ROWID;
-- The list of a user's conversations, newest first, pinned ones before.
CREATE INDEX members_listed ON members (user_key, pinned, last_message_id);
-- What changed for a user since some time.
CREATE INDEX members_changed ON members (user_key, changed_ms);

CREATE TABLE messages (
    conversation_id INTEGER NOT NULL,
    conv_seq        INTEGER NOT NULL,
    message_id      INTEGER NOT NULL,
    from_user       TEXT    NOT NULL,
    kind            INTEGER NOT NULL,
    -- JSON; empty once recalled.
    body            TEXT    NOT NULL,
    -- The number of the entry that took it back; 0 if none did.
    recalled        INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (conversation_id, conv_seq)
) WITHOUT ROWID;
CREATE UNIQUE INDEX messages_by_id ON messages (message_id);

-- When the other side had an entry on the screen.
CREATE TABLE read_marks (
    conversation_id INTEGER NOT NULL,
    conv_seq        INTEGER NOT NULL,
    read_ms         INTEGER NOT NULL,
    PRIMARY KEY (conversation_id, conv_seq)
) WITHOUT ROWID;
CREATE INDEX read_marks_by_time ON read_marks (conversation_id, read_ms);

-- Entries that a user deleted for himself.
CREATE TABLE deletions (
    user_key        TEXT    NOT NULL,
    conversation_id INTEGER NOT NULL,
    conv_seq        INTEGER NOT NULL,
    deleted_ms      INTEGER NOT NULL,
    PRIMARY KEY (user_key, conversation_id, conv_seq)
) WITHOUT ROWID;

-- What a sender's device called a message, so that the same sent again is the same message.
CREATE TABLE duplicates (
    from_user       TEXT    NOT NULL,
    temp_message_id TEXT    NOT NULL,
    message_id      INTEGER NOT NULL,
    conversation_id INTEGER NOT NULL,
    conv_seq        INTEGER NOT NULL,
    -- Of receiver, type and body.
    digest          BLOB    NOT NULL,
    PRIMARY KEY (from_user, temp_message_id)
) WITHOUT ROWID;
CREATE INDEX duplicates_by_age ON duplicates (message_id);

-- One row a batch: what was committed and must be published, as references.
CREATE TABLE outbox (
    outbox_id   INTEGER NOT NULL PRIMARY KEY,
    worker_id   INTEGER NOT NULL,
    incarnation TEXT    NOT NULL,
    -- When every node had confirmed; 0 before.
    stamped_ms  INTEGER NOT NULL DEFAULT 0,
    entries     BLOB    NOT NULL
);
CREATE INDEX outbox_unstamped ON outbox (outbox_id) WHERE stamped_ms = 0;

-- Who gives out ids. Nobody gives out one above his ceiling, and a successor begins there.
CREATE TABLE workers (
    worker_id   INTEGER NOT NULL PRIMARY KEY,
    process     TEXT    NOT NULL,
    incarnation TEXT    NOT NULL,
    lease_until INTEGER NOT NULL,
    ceiling_ms  INTEGER NOT NULL,
    renewed_ms  INTEGER NOT NULL
);

CREATE TABLE blocks (
    user_key   TEXT    NOT NULL,
    blocked    TEXT    NOT NULL,
    created_ms INTEGER NOT NULL,
    PRIMARY KEY (user_key, blocked)
) WITHOUT ROWID;

CREATE TABLE contacts (
    user_key   TEXT    NOT NULL,
    contact    TEXT    NOT NULL,
    remark     TEXT    NOT NULL DEFAULT '',
    created_ms INTEGER NOT NULL,
    PRIMARY KEY (user_key, contact)
) WITHOUT ROWID;

-- What a user says often, ready to be sent.
CREATE TABLE quick_replies (
    user_key   TEXT    NOT NULL,
    reply_id   TEXT    NOT NULL,
    folder     TEXT    NOT NULL DEFAULT '',
    shortcut   TEXT    NOT NULL DEFAULT '',
    body       TEXT    NOT NULL,
    created_ms INTEGER NOT NULL,
    PRIMARY KEY (user_key, reply_id)
) WITHOUT ROWID;

-- How far a follower of the messages has come.
CREATE TABLE followers (
    name     TEXT    NOT NULL PRIMARY KEY,
    position INTEGER NOT NULL
) WITHOUT ROWID;

-- Texts as words that both engines' full-text indices take; the row is the message's id.
CREATE VIRTUAL TABLE words USING fts5 (terms, content = '', contentless_delete = 1, tokenize = 'ascii');
