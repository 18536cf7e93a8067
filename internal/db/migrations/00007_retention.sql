-- +goose Up

-- How many months the content of an ended matter stays after its last deed.
ALTER TABLE offers ADD COLUMN keep_months BIGINT NOT NULL DEFAULT 24;

-- Ended matters that still have their content, by their last deed: those whose
-- time is up are found without reading the rest.
CREATE INDEX matters_ended ON matters (offer_id, changed_at)
    WHERE status IN ('finished', 'withdrawn', 'dismissed', 'transferred') AND sent_at <> 0 AND removed_at = 0;
