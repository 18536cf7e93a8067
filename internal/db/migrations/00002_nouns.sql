-- +goose Up

-- Content that editors write (forms, surveys, the catalogue): every version
-- ever used stays, because drafts, submissions and survey results name theirs.
CREATE TABLE content (
    kind      TEXT   NOT NULL,           -- form, survey, catalogue
    id        TEXT   NOT NULL,
    hash      TEXT   NOT NULL,           -- the version
    body      TEXT   NOT NULL,
    loaded_at BIGINT NOT NULL,
    PRIMARY KEY (kind, id, hash)
);

CREATE TABLE content_current (
    kind TEXT NOT NULL,
    id   TEXT NOT NULL,
    hash TEXT NOT NULL,
    since BIGINT NOT NULL,
    PRIMARY KEY (kind, id)
);

-- A join: an authority offers a matter type in a territory.
CREATE TABLE offers (
    id             TEXT   NOT NULL PRIMARY KEY,  -- <authority>/<matter type>
    authority_id   TEXT   NOT NULL,
    type_id        TEXT   NOT NULL,
    way            TEXT   NOT NULL,              -- light, interface, conditional
    territory      TEXT   NOT NULL,              -- JSON list of municipality codes, or "national"
    notice_email   TEXT   NOT NULL,
    deputy_email   TEXT   NOT NULL DEFAULT '',
    deputy_hours   BIGINT NOT NULL DEFAULT 16,   -- working hours unopened before the deputy is told
    url            TEXT   NOT NULL DEFAULT '',
    words          TEXT   NOT NULL DEFAULT '{}', -- the authority's own wording of statuses
    entities       TEXT   NOT NULL DEFAULT '',   -- JSON list of the service entities it is for; '' for all of the type's
    active         BIGINT NOT NULL DEFAULT 1
);
CREATE INDEX offers_authority ON offers (authority_id);

-- Where an offer stands, a row for each municipality; '*' for the whole
-- country. It repeats offers.territory so that the few offers of a place are
-- found among the thousands of the country: see catalogue.OffersIn.
CREATE TABLE offer_places (
    municipality TEXT NOT NULL,
    offer_id     TEXT NOT NULL REFERENCES offers (id),
    PRIMARY KEY (municipality, offer_id)
);
CREATE INDEX offer_places_offer ON offer_places (offer_id);

CREATE TABLE people (
    id         TEXT   NOT NULL PRIMARY KEY,
    name       TEXT   NOT NULL,
    email      TEXT   NOT NULL,
    lang       TEXT   NOT NULL,
    demo       TEXT   NOT NULL DEFAULT '',       -- the role a demo identity plays, '' for real people
    created_at BIGINT NOT NULL
);

-- What a person may do for an authority, or for the hub (authority_id '').
CREATE TABLE grants (
    person_id    TEXT   NOT NULL REFERENCES people (id),
    authority_id TEXT   NOT NULL,
    role         TEXT   NOT NULL,                -- officer, robot, lead, service
    types        TEXT   NOT NULL DEFAULT '',     -- JSON list of matter types; '' for all of them
    granted_at   BIGINT NOT NULL,
    PRIMARY KEY (person_id, authority_id, role)
);
CREATE INDEX grants_authority ON grants (authority_id);

CREATE TABLE survey_results (
    id           TEXT   NOT NULL PRIMARY KEY,    -- unguessable: the address is the right to see it
    survey_id    TEXT   NOT NULL,
    survey_hash  TEXT   NOT NULL,
    municipality TEXT   NOT NULL,
    starts_on    TEXT   NOT NULL DEFAULT '',     -- 2027-06-01, '' when not known yet
    answers      TEXT   NOT NULL,
    created_at   BIGINT NOT NULL
);

CREATE TABLE attachments (
    id           TEXT   NOT NULL PRIMARY KEY,
    project_id   TEXT   NOT NULL,
    matter_id    TEXT   NOT NULL DEFAULT '',     -- '' for the project's common data
    place        TEXT   NOT NULL,                -- answer, message, decision, request
    field        TEXT   NOT NULL DEFAULT '',     -- the form's field it answers
    name         TEXT   NOT NULL,
    size         BIGINT NOT NULL,
    received     BIGINT NOT NULL DEFAULT 0,
    content_type TEXT   NOT NULL DEFAULT '',
    hash         TEXT   NOT NULL DEFAULT '',     -- sha256 of the bytes; '' while uploading
    state        TEXT   NOT NULL,                -- uploading, ready, infected, removed
    uploaded_by  TEXT   NOT NULL,
    side         TEXT   NOT NULL,                -- applicant, or authority:<id>
    created_at   BIGINT NOT NULL
);
CREATE INDEX attachments_matter ON attachments (matter_id, place);
CREATE INDEX attachments_project ON attachments (project_id);
CREATE INDEX attachments_hash ON attachments (hash);
CREATE INDEX attachments_uploading ON attachments (created_at) WHERE state = 'uploading';
