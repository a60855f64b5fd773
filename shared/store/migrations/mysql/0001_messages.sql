-- Keep in step with ../sqlite. Times are milliseconds since 1970; keys of users are plain ASCII.

-- What tells this store from any other.
CREATE TABLE identity (
    id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY
) ENGINE = InnoDB;
INSERT INTO identity VALUES (UUID());

CREATE TABLE users (
    user_key   VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    nickname   VARCHAR(64) NOT NULL DEFAULT '',
    avatar     VARCHAR(512) NOT NULL DEFAULT '',
    -- Rises with every change of the user's contacts and blocked users.
    lists_rev  BIGINT NOT NULL DEFAULT 0,
    created_ms BIGINT NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Of two people: kind 1, their keys in order. Of a group: kind 2, its id and nothing.
CREATE TABLE conversations (
    conversation_id BIGINT NOT NULL PRIMARY KEY,
    kind            TINYINT NOT NULL,
    first           VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    second          VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    -- Of its newest entry; 0 without any.
    last_seq        BIGINT NOT NULL DEFAULT 0,
    last_message_id BIGINT NOT NULL DEFAULT 0,
    UNIQUE KEY conversations_by_members (kind, first, second)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- A conversation as one of its members has it.
CREATE TABLE members (
    conversation_id BIGINT NOT NULL,
    user_key        VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    -- The other side.
    peer            VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    last_message_id BIGINT NOT NULL DEFAULT 0,
    unread          BIGINT NOT NULL DEFAULT 0,
    -- Up to here nothing counts as unread, read or not.
    cleared_seq     BIGINT NOT NULL DEFAULT 0,
    pinned          TINYINT NOT NULL DEFAULT 0,
    muted           TINYINT NOT NULL DEFAULT 0,
    draft           TEXT NOT NULL DEFAULT (''),
    rev             BIGINT NOT NULL DEFAULT 0,
    changed_ms      BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (conversation_id, user_key),
    -- The list of a user's conversations, newest first, pinned ones before.
    KEY members_listed (user_key, pinned, last_message_id),
    -- What changed for a user since some time.
    KEY members_changed (user_key, changed_ms)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE messages (
    conversation_id BIGINT NOT NULL,
    conv_seq        BIGINT NOT NULL,
    message_id      BIGINT NOT NULL,
    from_user       VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    kind            TINYINT UNSIGNED NOT NULL,
    -- JSON; empty once recalled.
    body            MEDIUMTEXT NOT NULL,
    -- The number of the entry that took it back; 0 if none did.
    recalled        BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (conversation_id, conv_seq),
    UNIQUE KEY messages_by_id (message_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- When the other side had an entry on the screen.
CREATE TABLE read_marks (
    conversation_id BIGINT NOT NULL,
    conv_seq        BIGINT NOT NULL,
    read_ms         BIGINT NOT NULL,
    PRIMARY KEY (conversation_id, conv_seq),
    KEY read_marks_by_time (conversation_id, read_ms)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Entries that a user deleted for himself.
CREATE TABLE deletions (
    user_key        VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    conversation_id BIGINT NOT NULL,
    conv_seq        BIGINT NOT NULL,
    deleted_ms      BIGINT NOT NULL,
    PRIMARY KEY (user_key, conversation_id, conv_seq)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What a sender's device called a message, so that the same sent again is the same message.
CREATE TABLE duplicates (
    from_user       VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    temp_message_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    message_id      BIGINT NOT NULL,
    conversation_id BIGINT NOT NULL,
    conv_seq        BIGINT NOT NULL,
    -- Of receiver, type and body.
    digest          BINARY(16) NOT NULL,
    PRIMARY KEY (from_user, temp_message_id),
    KEY duplicates_by_age (message_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- One row a batch: what was committed and must be published, as references.
CREATE TABLE outbox (
    outbox_id   BIGINT NOT NULL PRIMARY KEY,
    worker_id   SMALLINT NOT NULL,
    incarnation VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    -- When every node had confirmed; 0 before.
    stamped_ms  BIGINT NOT NULL DEFAULT 0,
    entries     MEDIUMBLOB NOT NULL,
    KEY outbox_unstamped (stamped_ms, outbox_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Who gives out ids. Nobody gives out one above his ceiling, and a successor begins there.
CREATE TABLE workers (
    worker_id   SMALLINT NOT NULL PRIMARY KEY,
    process     VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    incarnation VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    lease_until BIGINT NOT NULL,
    ceiling_ms  BIGINT NOT NULL,
    renewed_ms  BIGINT NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE blocks (
    user_key   VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    blocked    VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (user_key, blocked)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE contacts (
    user_key   VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    contact    VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    remark     VARCHAR(64) NOT NULL DEFAULT '',
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (user_key, contact)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What a user says often, ready to be sent.
CREATE TABLE quick_replies (
    user_key   VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    reply_id   VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    folder     VARCHAR(64) NOT NULL DEFAULT '',
    shortcut   VARCHAR(64) NOT NULL DEFAULT '',
    body       TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (user_key, reply_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- How far a follower of the messages has come.
CREATE TABLE followers (
    name     VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    position BIGINT NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Texts as words that both engines' full-text indices take; the row is the message's id.
CREATE TABLE words (
    message_id BIGINT NOT NULL PRIMARY KEY,
    words      MEDIUMTEXT CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    FULLTEXT KEY words_found (words)
) ENGINE = InnoDB;
