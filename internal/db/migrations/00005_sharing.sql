-- +goose Up

-- With which other authorities of its project the applicant shares, now, what
-- was sent in a matter. The ledger tells when it was shared and when that ended.
CREATE TABLE shares (
    matter_id    TEXT   NOT NULL REFERENCES matters (id),
    authority_id TEXT   NOT NULL,
    since        BIGINT NOT NULL,
    PRIMARY KEY (matter_id, authority_id)
);
