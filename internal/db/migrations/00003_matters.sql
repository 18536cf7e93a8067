-- +goose Up

CREATE TABLE projects (
    id           TEXT   NOT NULL PRIMARY KEY,
    number       TEXT   NOT NULL UNIQUE,
    entity       TEXT   NOT NULL,
    municipality TEXT   NOT NULL,
    name         TEXT   NOT NULL,
    place        TEXT   NOT NULL DEFAULT '',
    starts_at    BIGINT NOT NULL DEFAULT 0,
    survey_id    TEXT   NOT NULL DEFAULT '',     -- the survey result it began from
    form_hash    TEXT   NOT NULL,                -- the version of the common form
    answers      TEXT   NOT NULL DEFAULT '{}',   -- common data
    version      BIGINT NOT NULL DEFAULT 1,
    created_by   TEXT   NOT NULL,
    created_at   BIGINT NOT NULL,
    changed_at   BIGINT NOT NULL
);

CREATE TABLE members (
    project_id TEXT   NOT NULL REFERENCES projects (id),
    person_id  TEXT   NOT NULL REFERENCES people (id),
    role       TEXT   NOT NULL,                  -- owner, editor, reader, helper
    since      BIGINT NOT NULL,
    PRIMARY KEY (project_id, person_id)
);
CREATE INDEX members_person ON members (person_id);

CREATE TABLE invitations (
    id         TEXT   NOT NULL PRIMARY KEY,
    token_hash TEXT   NOT NULL UNIQUE,
    project_id TEXT   NOT NULL REFERENCES projects (id),
    role       TEXT   NOT NULL,
    email      TEXT   NOT NULL,
    lang       TEXT   NOT NULL,
    invited_by TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_by    TEXT   NOT NULL DEFAULT '',
    used_at    BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX invitations_project ON invitations (project_id);

CREATE TABLE matters (
    id            TEXT   NOT NULL PRIMARY KEY,
    number        TEXT   NOT NULL UNIQUE,
    project_id    TEXT   NOT NULL REFERENCES projects (id),
    offer_id      TEXT   NOT NULL,
    authority_id  TEXT   NOT NULL,
    type_id       TEXT   NOT NULL,
    kind          TEXT   NOT NULL,
    way           TEXT   NOT NULL,
    form_id       TEXT   NOT NULL,
    form_hash     TEXT   NOT NULL,
    answers       TEXT   NOT NULL DEFAULT '{}',  -- the draft, or the draft of a completion
    version       BIGINT NOT NULL DEFAULT 1,
    status        TEXT   NOT NULL,
    outcome       TEXT   NOT NULL DEFAULT '',
    status_at     BIGINT NOT NULL,
    holder        TEXT   NOT NULL,               -- applicant, authority, other_authority, nobody: folded from the ledger
    holder_since  BIGINT NOT NULL,
    due_at        BIGINT NOT NULL DEFAULT 0,     -- until when the holder holds it; 0 when no date binds
    sort_at       BIGINT NOT NULL,               -- due_at, or far away plus holder_since: oldest and most urgent first
    handler_id    TEXT   NOT NULL DEFAULT '',
    identifier    TEXT   NOT NULL DEFAULT '',    -- the authority's diary number
    started_at    BIGINT NOT NULL DEFAULT 0,     -- start of handling
    sent_at       BIGINT NOT NULL DEFAULT 0,
    notice_email  TEXT   NOT NULL DEFAULT '',    -- redirect of notices; '' for the join's address
    consent_at    BIGINT NOT NULL DEFAULT 0,     -- consent to early viewing
    follows_id    TEXT   NOT NULL DEFAULT '',
    other_authority TEXT NOT NULL DEFAULT '',    -- the one that holds it when another authority does
    name          TEXT   NOT NULL DEFAULT '',    -- of the project, as it was last sent
    place         TEXT   NOT NULL DEFAULT '',    -- likewise
    starts_at     BIGINT NOT NULL DEFAULT 0,     -- likewise: when what is undertaken begins
    head          BIGINT NOT NULL DEFAULT 0,     -- the number of its last ledger entry
    head_applicant BIGINT NOT NULL DEFAULT 0,    -- the last entry that the authority has to see
    head_authority BIGINT NOT NULL DEFAULT 0,    -- the last entry that the applicant has to see
    removed_at    BIGINT NOT NULL DEFAULT 0,     -- when its content was removed, after its time
    created_at    BIGINT NOT NULL,
    changed_at    BIGINT NOT NULL
);
CREATE INDEX matters_project ON matters (project_id, status); -- with the status: else SQLite may take matters_changed for a project's drafts
CREATE INDEX matters_inbox ON matters (offer_id, holder, sort_at, id) WHERE status <> 'draft';
CREATE INDEX matters_handler ON matters (handler_id, holder, sort_at, id) WHERE handler_id <> '';
CREATE INDEX matters_transferred ON matters (offer_id, sort_at, id) WHERE status = 'transferred';
CREATE INDEX matters_changed ON matters (status, changed_at);
CREATE INDEX matters_consent ON matters (offer_id, consent_at) WHERE status = 'draft' AND consent_at <> 0;

-- What a draft was at each save: the base of a three-way merge of two tabs.
CREATE TABLE draft_versions (
    subject  TEXT   NOT NULL,                    -- a matter's or a project's id
    version  BIGINT NOT NULL,
    answers  TEXT   NOT NULL,
    saved_by TEXT   NOT NULL,
    saved_at BIGINT NOT NULL,
    PRIMARY KEY (subject, version)
);

-- What was sent: never changed. body is the exact text that hash is over.
CREATE TABLE submissions (
    id        TEXT   NOT NULL PRIMARY KEY,
    matter_id TEXT   NOT NULL REFERENCES matters (id),
    n         BIGINT NOT NULL,
    body      TEXT   NOT NULL,
    hash      TEXT   NOT NULL,
    sent_by   TEXT   NOT NULL,
    sent_at   BIGINT NOT NULL,
    UNIQUE (matter_id, n)
);

CREATE TABLE completion_requests (
    id          TEXT   NOT NULL PRIMARY KEY,
    matter_id   TEXT   NOT NULL REFERENCES matters (id),
    n           BIGINT NOT NULL,
    fields      TEXT   NOT NULL,                 -- JSON list of field paths; the words of the request say the rest
    text        TEXT   NOT NULL,
    due_at      BIGINT NOT NULL,
    asked_by    TEXT   NOT NULL,
    asked_at    BIGINT NOT NULL,
    answered_at BIGINT NOT NULL DEFAULT 0,
    UNIQUE (matter_id, n)
);

-- A thread is the applicant's with the authority, or two authorities'.
CREATE TABLE messages (
    id           TEXT   NOT NULL PRIMARY KEY,
    matter_id    TEXT   NOT NULL REFERENCES matters (id),
    thread       TEXT   NOT NULL,                -- applicant, or authority:<id of the other one>
    side         TEXT   NOT NULL,                -- applicant, or authority:<id>
    person_id    TEXT   NOT NULL,
    text         TEXT   NOT NULL,
    sent_at      BIGINT NOT NULL
);
CREATE INDEX messages_matter ON messages (matter_id, sent_at);
CREATE INDEX messages_thread ON messages (thread, sent_at);

CREATE TABLE decisions (
    matter_id  TEXT   NOT NULL PRIMARY KEY REFERENCES matters (id),
    outcome    TEXT   NOT NULL,
    text       TEXT   NOT NULL,
    decided_by TEXT   NOT NULL,
    decided_at BIGINT NOT NULL
);

-- Up to which ledger entry a person has seen a matter.
CREATE TABLE seen (
    person_id TEXT   NOT NULL,
    matter_id TEXT   NOT NULL,
    n         BIGINT NOT NULL,
    at        BIGINT NOT NULL,
    PRIMARY KEY (person_id, matter_id)
);

-- Notices: sent, delivered to the mail server, opened, acted. No content.
CREATE TABLE notices (
    id         TEXT   NOT NULL PRIMARY KEY,
    matter_id  TEXT   NOT NULL,
    n          BIGINT NOT NULL,                  -- the ledger entry it tells of
    deed       TEXT   NOT NULL,
    audience   TEXT   NOT NULL,                  -- applicant, authority, deputy
    authority_id TEXT NOT NULL DEFAULT '',       -- the authority it is for
    person_id  TEXT   NOT NULL DEFAULT '',
    created_at BIGINT NOT NULL,
    handed_at  BIGINT NOT NULL DEFAULT 0,        -- accepted by the mail server
    opened_at  BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX notices_matter ON notices (matter_id, n);

-- Words to find a matter by, for each authority: number, name, place, identifier.
CREATE TABLE words (
    offer_id  TEXT NOT NULL,
    word      TEXT NOT NULL,
    matter_id TEXT NOT NULL,
    PRIMARY KEY (offer_id, word, matter_id)
);

-- The demo's mailbox: what would have been mailed.
CREATE TABLE mailbox (
    id      TEXT   NOT NULL PRIMARY KEY,
    at      BIGINT NOT NULL,
    sent_to TEXT   NOT NULL,
    subject TEXT   NOT NULL,
    body    TEXT   NOT NULL,
    idem_key TEXT  NOT NULL UNIQUE
);
