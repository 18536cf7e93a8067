-- +goose Up

-- The inbox's matters of which another authority was asked. Those that were
-- transferred are held by another too, and grow without end; holder is named
-- again so that SQLite takes this index before matters_inbox.
CREATE INDEX matters_other ON matters (offer_id, holder, sort_at, id)
    WHERE status <> 'draft' AND holder = 'other_authority' AND status <> 'transferred';
