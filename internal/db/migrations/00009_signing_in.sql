-- +goose Up

-- What providers call a person. What identifies somebody is sealed; it is found
-- through a keyed hash. Both name the key they were made with.
CREATE TABLE identifiers (
    id         TEXT   NOT NULL PRIMARY KEY,
    person_id  TEXT   NOT NULL REFERENCES people (id),
    kind       TEXT   NOT NULL,              -- personal_code, foreign, or subject:<connection>
    found_by   TEXT   NOT NULL,              -- keyed hash
    sealed     TEXT   NOT NULL,
    since      BIGINT NOT NULL,
    used_at    BIGINT NOT NULL,
    UNIQUE (kind, found_by)
);
CREATE INDEX identifiers_person ON identifiers (person_id);

-- Sign-ins under way: from when the browser is sent to a provider until it is
-- back. A state is used once.
CREATE TABLE attempts (
    state      TEXT   NOT NULL PRIMARY KEY,  -- sha256 of what the browser carries
    browser    TEXT   NOT NULL,              -- sha256 of the cookie of the browser that began it
    connection TEXT   NOT NULL,
    purpose    TEXT   NOT NULL,              -- sign_in, anew, for (acting for another)
    person_id  TEXT   NOT NULL DEFAULT '',   -- who is signed in already, for anew and for
    next       TEXT   NOT NULL,              -- the page to go to
    memo       TEXT   NOT NULL,              -- sealed: the provider's memo
    answer     TEXT   NOT NULL DEFAULT '',   -- sealed: what the provider said
    refused    TEXT   NOT NULL DEFAULT '',   -- or why it is no sign-in
    began_at   BIGINT NOT NULL,
    answered_at BIGINT NOT NULL DEFAULT 0,
    used_at    BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX attempts_began ON attempts (began_at);

-- Messages of providers that were used: none is taken twice.
CREATE TABLE used_messages (
    id       TEXT   NOT NULL PRIMARY KEY,    -- sha256 of issuer and message id
    until_at BIGINT NOT NULL
);
CREATE INDEX used_messages_until ON used_messages (until_at);

-- Whose session it is and how it began, beside what the session holds: so that
-- its owner can list and end it, and a provider end it without a cookie.
ALTER TABLE sessions ADD COLUMN person_id TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN role TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN authority_id TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN connection TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN provider_key TEXT NOT NULL DEFAULT '';   -- sha256 of issuer and NameID
ALTER TABLE sessions ADD COLUMN provider_index TEXT NOT NULL DEFAULT ''; -- sha256 of the SessionIndex
ALTER TABLE sessions ADD COLUMN agent TEXT NOT NULL DEFAULT '';          -- the browser, roughly
ALTER TABLE sessions ADD COLUMN began_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN seen_at BIGINT NOT NULL DEFAULT 0;
CREATE INDEX sessions_person ON sessions (person_id) WHERE person_id <> '';
CREATE INDEX sessions_provider ON sessions (provider_key) WHERE provider_key <> '';

-- For whom somebody acts: a company or another person, by Suomi.fi-valtuudet.
CREATE TABLE principals (
    id       TEXT   NOT NULL PRIMARY KEY,
    kind     TEXT   NOT NULL,                -- company, person
    name     TEXT   NOT NULL,
    business_id TEXT NOT NULL DEFAULT '',    -- of a company: public
    found_by TEXT   NOT NULL,                -- keyed hash of the business id or the personal code
    sealed   TEXT   NOT NULL,
    since    BIGINT NOT NULL,
    UNIQUE (kind, found_by)
);
ALTER TABLE projects ADD COLUMN principal_id TEXT NOT NULL DEFAULT '';
CREATE INDEX projects_principal ON projects (principal_id, changed_at) WHERE principal_id <> '';

-- Where a role comes from and until when it lasts; who takes over the open work
-- when it ends.
ALTER TABLE grants ADD COLUMN granted_by TEXT NOT NULL DEFAULT '';
ALTER TABLE grants ADD COLUMN until_at BIGINT NOT NULL DEFAULT 0;

CREATE TABLE successors (
    person_id    TEXT NOT NULL,
    authority_id TEXT NOT NULL,
    successor_id TEXT NOT NULL,
    PRIMARY KEY (person_id, authority_id)
);

-- When and by which way somebody last came in as an authority's own.
CREATE TABLE last_uses (
    person_id    TEXT   NOT NULL,
    authority_id TEXT   NOT NULL,
    connection   TEXT   NOT NULL,
    at           BIGINT NOT NULL,
    PRIMARY KEY (person_id, authority_id)
);

-- Officers who came in by a way that names their authority and asked for a role.
CREATE TABLE access_requests (
    person_id    TEXT   NOT NULL REFERENCES people (id),
    authority_id TEXT   NOT NULL,
    connection   TEXT   NOT NULL,
    asked_at     BIGINT NOT NULL,
    answered_at  BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (person_id, authority_id)
);
CREATE INDEX access_requests_open ON access_requests (authority_id, asked_at) WHERE answered_at = 0;

-- By which ways an authority's officers come in. No row: by all that serve it.
CREATE TABLE authority_ways (
    authority_id TEXT   NOT NULL,
    connection   TEXT   NOT NULL,
    from_at      BIGINT NOT NULL DEFAULT 0,
    until_at     BIGINT NOT NULL DEFAULT 0,  -- 0 for no end
    PRIMARY KEY (authority_id, connection)
);
