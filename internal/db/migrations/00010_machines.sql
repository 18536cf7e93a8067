-- +goose Up

-- Authorities' own systems and software robots.
CREATE TABLE machines (
    id           TEXT   NOT NULL PRIMARY KEY,
    authority_id TEXT   NOT NULL,
    kind         TEXT   NOT NULL,                -- system, robot
    name         TEXT   NOT NULL,
    types        TEXT   NOT NULL DEFAULT '',     -- JSON list of matter types; '' for all of them
    added_at     BIGINT NOT NULL,
    withdrawn_at BIGINT NOT NULL DEFAULT 0,
    refused_at   BIGINT NOT NULL DEFAULT 0       -- when a refusal was last written to the ledger: once a minute at most
);
CREATE INDEX machines_authority ON machines (authority_id, added_at);

-- What a machine shows who it is by. Nothing secret is here.
CREATE TABLE machine_credentials (
    id           TEXT   NOT NULL PRIMARY KEY,
    machine_id   TEXT   NOT NULL REFERENCES machines (id),
    kind         TEXT   NOT NULL,                -- key, certificate, name
    mark         TEXT   NOT NULL,                -- what it is known by, the same for the same key, certificate or name
    key_id       TEXT   NOT NULL DEFAULT '',     -- kid of a key
    jwk          TEXT   NOT NULL DEFAULT '',     -- public key
    fingerprint  TEXT   NOT NULL,                -- to be compared by people: SHA-256 of the certificate, or the key's thumbprint
    issuer       TEXT   NOT NULL DEFAULT '',     -- of a certificate
    subject      TEXT   NOT NULL DEFAULT '',
    from_at      BIGINT NOT NULL DEFAULT 0,
    until_at     BIGINT NOT NULL DEFAULT 0,      -- 0 for no end
    issued_at    BIGINT NOT NULL,
    issued_by    TEXT   NOT NULL,
    replaces     TEXT   NOT NULL DEFAULT '',
    withdrawn_at BIGINT NOT NULL DEFAULT 0,
    used_at      BIGINT NOT NULL DEFAULT 0       -- by the minute
);
CREATE INDEX machine_credentials_machine ON machine_credentials (machine_id, issued_at);
CREATE UNIQUE INDEX machine_credentials_mark ON machine_credentials (mark) WHERE withdrawn_at = 0;

-- Access tokens: short-lived, opaque; only their hashes are kept.
CREATE TABLE machine_tokens (
    hash          TEXT   NOT NULL PRIMARY KEY,
    credential_id TEXT   NOT NULL REFERENCES machine_credentials (id),
    bound_to      TEXT   NOT NULL DEFAULT '',    -- SHA-256 of the client certificate it works with (RFC 8705); '' for any
    expires_at    BIGINT NOT NULL
);
CREATE INDEX machine_tokens_credential ON machine_tokens (credential_id);
CREATE INDEX machine_tokens_expires ON machine_tokens (expires_at);
