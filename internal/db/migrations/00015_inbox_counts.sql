-- +goose Up

-- With the status in them, the tabs of the inbox are counted from the indexes
-- alone: else SQLite reads each counted matter to see once more that it is no draft.
DROP INDEX matters_inbox;
CREATE INDEX matters_inbox ON matters (offer_id, holder, sort_at, id, status) WHERE status <> 'draft';
DROP INDEX matters_handler;
CREATE INDEX matters_handler ON matters (handler_id, holder, sort_at, id, offer_id, status) WHERE handler_id <> '';

-- And in this one, or SQLite takes matters_inbox, which covers more, before it.
DROP INDEX matters_other;
CREATE INDEX matters_other ON matters (offer_id, holder, sort_at, id, status)
    WHERE status <> 'draft' AND holder = 'other_authority' AND status <> 'transferred';
