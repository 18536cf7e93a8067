-- +goose Up

-- The log of deeds: see package ledger. Append-only.
CREATE TABLE ledger (
    stream  TEXT   NOT NULL,             -- matter:<id>, project:<id>, authority:<id>, hub
    n       BIGINT NOT NULL,             -- 1, 2, 3 … without gaps
    at      BIGINT NOT NULL,
    actor   TEXT   NOT NULL,             -- person:<id>, robot:<id>, hub
    side    TEXT   NOT NULL,             -- applicant, authority, hub
    deed    TEXT   NOT NULL,
    data    TEXT   NOT NULL,             -- JSON, the exact bytes that were hashed
    prev    TEXT   NOT NULL,
    hash    TEXT   NOT NULL,
    PRIMARY KEY (stream, n)
);
CREATE INDEX ledger_at ON ledger (at);

-- The last entry of every stream: what the next one is chained to.
CREATE TABLE ledger_heads (
    stream TEXT   NOT NULL PRIMARY KEY,
    n      BIGINT NOT NULL,
    hash   TEXT   NOT NULL
);

-- Who looked at whose data and why: beside the chain, append-only.
CREATE TABLE reads (
    id        TEXT   NOT NULL PRIMARY KEY,
    at        BIGINT NOT NULL,
    actor     TEXT   NOT NULL,
    authority TEXT   NOT NULL,
    matter_id TEXT   NOT NULL,
    what      TEXT   NOT NULL,
    why       TEXT   NOT NULL
);
CREATE INDEX reads_matter ON reads (matter_id, at);

-- Work after commit: see package outbox.
CREATE TABLE outbox (
    id          TEXT   NOT NULL PRIMARY KEY,
    kind        TEXT   NOT NULL,
    idem_key    TEXT   NOT NULL UNIQUE,
    payload     TEXT   NOT NULL,
    state       TEXT   NOT NULL,         -- waiting, done, dead
    not_before  BIGINT NOT NULL,
    attempts    BIGINT NOT NULL DEFAULT 0,
    last_error  TEXT   NOT NULL DEFAULT '',
    created_at  BIGINT NOT NULL,
    finished_at BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX outbox_waiting ON outbox (not_before, id) WHERE state = 'waiting';
CREATE INDEX outbox_dead ON outbox (finished_at) WHERE state = 'dead';
CREATE INDEX outbox_done ON outbox (finished_at) WHERE state = 'done';

CREATE TABLE counters (
    name  TEXT   NOT NULL PRIMARY KEY,
    value BIGINT NOT NULL
);

CREATE TABLE sessions (
    token  TEXT   NOT NULL PRIMARY KEY,  -- sha256 of what the cookie holds
    data   BYTEA  NOT NULL,
    expiry BIGINT NOT NULL,
    ended  BIGINT NOT NULL DEFAULT 0     -- signed out: stays until expiry, so that nothing brings it back
);
CREATE INDEX sessions_expiry ON sessions (expiry);
