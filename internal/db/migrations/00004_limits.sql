-- +goose Up

-- The class of the statutory time limit that the last sending settled, and
-- when: folded from the ledger. See catalogue.Class.Ref.
ALTER TABLE matters ADD COLUMN limit_class TEXT NOT NULL DEFAULT '';
ALTER TABLE matters ADD COLUMN limit_at BIGINT NOT NULL DEFAULT 0;
