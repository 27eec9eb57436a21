-- Budgets on SQLite. Each statement is named; budgets.py puts them together, one transaction
-- per path.

-- name: overrun
SELECT tokens, nanos FROM budgets
WHERE scope = ? AND "window" = '' AND ends_at > (SELECT now FROM board_clock)

-- name: window
SELECT {columns} FROM budgets WHERE scope = ? AND "window" = ?

-- name: begin
INSERT INTO budgets (scope, "window", ends_at) VALUES (?, ?, ?)

-- name: hold
UPDATE budgets SET held_tokens = held_tokens + ?, held_nanos = held_nanos + ?,
  closed_at = NULL, cap_tokens = NULL, cap_nanos = NULL
WHERE scope = ? AND "window" = ?

-- name: reserve
INSERT INTO reservations (run, agent, task_id, fence, purpose, model, tokens, nanos, scopes,
  made_at, until)
SELECT :run, :agent, :task, :fence, :purpose, :model, :tokens, :nanos, :details, c.now,
  c.now + :seconds
FROM board_clock AS c

-- name: close
UPDATE budgets SET closed_at = (SELECT now FROM board_clock), cap_tokens = ?, cap_nanos = ?
WHERE scope = ? AND "window" = ?

-- name: take
DELETE FROM reservations WHERE id = ?
RETURNING tokens, nanos, scopes, model, agent, run, task_id, fence

-- name: lost
SELECT id FROM reservations WHERE until < (SELECT now FROM board_clock) ORDER BY until LIMIT ?

-- name: book
UPDATE budgets SET tokens = tokens + ?, nanos = nanos + ?, calls = calls + ?,
  held_tokens = held_tokens - ?, held_nanos = held_nanos - ?
WHERE scope = ? AND "window" = ?

-- name: learn
-- What was forgotten by now is not compared with.
INSERT INTO budgets (scope, "window", ends_at, tokens, nanos, calls)
SELECT :scope, '', c.now + :remembered, :tokens, :nanos, 1 FROM board_clock AS c WHERE true
ON CONFLICT (scope, "window") DO UPDATE SET
  tokens = CASE WHEN ends_at > (SELECT now FROM board_clock)
    THEN max(tokens, excluded.tokens) ELSE excluded.tokens END,
  nanos = CASE WHEN ends_at > (SELECT now FROM board_clock)
    THEN max(nanos, excluded.nanos) ELSE excluded.nanos END,
  calls = calls + 1, ends_at = excluded.ends_at

-- name: event
INSERT INTO events (at, kind, agent, run, task_id, fence, data)
SELECT c.now, :kind, :agent, :run, :task, :fence, :data FROM board_clock AS c

-- name: closed
SELECT {columns} FROM budgets
WHERE closed_at IS NOT NULL AND (ends_at IS NULL OR ends_at > (SELECT now FROM board_clock))
ORDER BY scope, "window"

-- name: running
SELECT {columns} FROM budgets
WHERE ends_at > (SELECT now FROM board_clock) AND substr(scope, 1, 8) <> 'overrun:'
UNION ALL
SELECT {columns} FROM budgets WHERE scope = 'team' AND "window" = ''
ORDER BY 1, 2
