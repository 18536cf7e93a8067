-- +goose Up

-- Officers whose role rests on a mandate (Suomi.fi-valtuudet), and when the
-- register last said that it holds.
CREATE TABLE officer_mandates (
    person_id    TEXT   NOT NULL REFERENCES people (id),
    authority_id TEXT   NOT NULL,
    connection   TEXT   NOT NULL,
    granted      BIGINT NOT NULL,             -- 1: the mandate names the granting body alone, the role rests on a grant too
    since_at     BIGINT NOT NULL,
    confirmed_at BIGINT NOT NULL,
    handed_at    BIGINT NOT NULL DEFAULT 0,   -- not confirmed for too long: the open work was handed over
    PRIMARY KEY (person_id, authority_id)
);
CREATE INDEX officer_mandates_authority ON officer_mandates (authority_id);
CREATE INDEX officer_mandates_unheard ON officer_mandates (confirmed_at) WHERE handed_at = 0;
CREATE INDEX grants_until ON grants (until_at) WHERE until_at <> 0;

-- Which role of an authority has ended, why and for which matter types it was:
-- one that ended by mistake can be given back as it was.
ALTER TABLE last_uses ADD COLUMN ended_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE last_uses ADD COLUMN ended_deed TEXT NOT NULL DEFAULT '';
ALTER TABLE last_uses ADD COLUMN ended_types TEXT NOT NULL DEFAULT '';
