-- +goose Up

-- A draft is the last of its versions and is written nowhere else: some kilobytes
-- of answers in the rows of matters and projects were written again with every
-- status, and stood in the way of whatever is read after them.
INSERT INTO draft_versions (subject, version, answers, saved_by, saved_at)
SELECT id, version, answers, '', changed_at FROM matters WHERE removed_at = 0
ON CONFLICT (subject, version) DO NOTHING;
INSERT INTO draft_versions (subject, version, answers, saved_by, saved_at)
SELECT id, version, answers, '', changed_at FROM projects WHERE answers <> '{}' -- they have theirs already; what has not is not lost here
ON CONFLICT (subject, version) DO NOTHING;
ALTER TABLE matters DROP COLUMN answers;
ALTER TABLE projects DROP COLUMN answers;
