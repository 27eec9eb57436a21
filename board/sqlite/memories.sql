-- Memory on SQLite. Each statement is named; memories.py puts them together.

-- name: reserve
-- Who has a revision holds the counter until its commit, so revisions come in their order.
UPDATE memory_revision SET revision = revision + :count
RETURNING revision - :count + 1, (SELECT now FROM board_clock)

-- name: insert
INSERT INTO memories (revision, stored_at, at, agent, kind, text, tags, source, importance,
  trusted, visibility, origin, episode_id, position, author, task_id, fence_number, digest)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- name: insert_signals
INSERT INTO memory_signals (memory_id, model, terms, dense) VALUES (?, ?, ?, ?)

-- name: insert_tokens
INSERT INTO memory_tokens (memory_id, tokens) VALUES (?, ?)

-- name: get
SELECT {text} FROM json_each(?) AS j JOIN memories AS m ON m.id = j.value

-- name: tokens
SELECT t.memory_id, t.tokens FROM json_each(?) AS j JOIN memory_tokens AS t ON t.memory_id = j.value

-- name: revision
SELECT revision, pruned_to FROM memory_revision

-- name: changes
SELECT {bare}, s.model, s.terms, s.dense
FROM memories AS m LEFT JOIN memory_signals AS s ON s.memory_id = m.id
WHERE m.revision > ? ORDER BY m.revision LIMIT ?
