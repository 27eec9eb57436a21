-- The board's hot paths on SQLite. Each statement is named; hot.py puts them together,
-- one transaction per path.

-- name: now
SELECT now FROM board_clock

-- name: clock
SELECT b.now, c.scripted IS NOT NULL FROM board_clock AS b, clock AS c

-- name: version
SELECT version FROM wakeups

-- name: wake
UPDATE wakeups SET version = version + 1

-- name: peek
-- The best runnable task of a rung for an agent. Walks ix_tasks_runnable in order.
SELECT t.id FROM tasks AS t
WHERE t.state = 'pending' AND t.open_blockers = 0 AND t.source = :source
  AND (t.assignee IS NULL OR t.assignee = :agent)
  AND NOT EXISTS (
    SELECT 1 FROM task_skills AS s
    WHERE s.task_id = t.id AND s.skill NOT IN (SELECT value FROM json_each(:skills)))
  AND NOT EXISTS (
    SELECT 1 FROM task_services AS n JOIN services AS v ON v.name = n.service
    WHERE n.task_id = t.id AND NOT v.usable
      AND (v.retry_at IS NULL OR v.retry_at > (SELECT now FROM board_clock)))
ORDER BY t.priority DESC, t.unblocks DESC, t.id
LIMIT 1

-- name: runnable
-- What a rung could give, in claiming order: whom to wake is decided from this.
SELECT t.id, t.source, t.assignee, t.skills FROM tasks AS t
WHERE t.state = 'pending' AND t.open_blockers = 0 AND t.source = :source
  AND NOT EXISTS (
    SELECT 1 FROM task_services AS n JOIN services AS v ON v.name = n.service
    WHERE n.task_id = t.id AND NOT v.usable
      AND (v.retry_at IS NULL OR v.retry_at > (SELECT now FROM board_clock)))
ORDER BY t.priority DESC, t.unblocks DESC, t.id
LIMIT :limit

-- name: take
UPDATE tasks SET state = 'in_progress', fence = fence + 1, waiting_on = '', waiting_until = NULL,
  blocked_owner = '', blocked_action = '', updated_at = (SELECT now FROM board_clock)
WHERE id = :task
RETURNING *

-- name: attempt
SELECT * FROM attempts WHERE task_id = :task AND fence = :fence

-- name: begin_attempt
INSERT INTO attempts (task_id, fence, run, agent, number, resumes, phase, state, lease_until,
  started_at, branch, base, "commit", outcome, evidence)
SELECT :task, :fence, :run, :agent, :number, :resumes, :phase, 'active', c.now + :lease, c.now,
  :branch, :base, :commit, :outcome, :evidence
FROM board_clock AS c
RETURNING *

-- name: event
INSERT INTO events (at, kind, agent, run, task_id, fence, data)
SELECT c.now, :kind, :agent, :run, :task, :fence, :data FROM board_clock AS c

-- name: renew
UPDATE attempts SET lease_until = (SELECT now FROM board_clock) + :lease
WHERE state = 'active' AND run IN (SELECT value FROM json_each(:runs))
RETURNING task_id, fence

-- name: beat
UPDATE runs SET heartbeat_at = (SELECT now FROM board_clock)
WHERE ended_at IS NULL AND id IN (SELECT value FROM json_each(:runs))

-- name: end_attempt
-- Refused (no row) where the fence is stale or the attempt has already ended.
UPDATE attempts SET state = :state, phase = :phase, ended_at = (SELECT now FROM board_clock)
WHERE task_id = :task AND fence = :fence AND run = :run AND state = 'active'
  AND fence = (SELECT fence FROM tasks WHERE id = :task)
RETURNING agent, started_at

-- name: complete_task
UPDATE tasks SET state = 'completed', unblocks = 0, waiting_on = '', completed_at = (SELECT now FROM board_clock),
  updated_at = (SELECT now FROM board_clock)
WHERE id = :task
RETURNING continues

-- name: unblock_dependants
UPDATE tasks SET open_blockers = open_blockers - 1
WHERE id IN (SELECT task_id FROM task_edges WHERE blocker_id = :task)
RETURNING id, open_blockers, state

-- name: waiting_parent
SELECT id FROM tasks WHERE id = :task AND state = 'waiting' AND waiting_on = :on

-- name: add_memory
INSERT INTO memories (agent, kind, text, tags, source, importance, trusted, at, indexed, task_id, fence_number)
SELECT :agent, :kind, :text, :tags, :source, :importance, :trusted, c.now, 0, :task, :fence FROM board_clock AS c
WHERE true
ON CONFLICT (task_id, fence_number, kind) DO NOTHING

-- name: next_due
-- The next moment at which time alone makes something runnable. NULL: never.
SELECT min(due) FROM (
  SELECT min(lease_until) AS due FROM attempts WHERE state = 'active'
  UNION ALL
  SELECT min(waiting_until) FROM tasks WHERE state = 'waiting' AND waiting_until IS NOT NULL
  UNION ALL
  SELECT min(retry_at) FROM services
  WHERE NOT usable AND retry_at > (SELECT now FROM board_clock))

-- name: expired
SELECT a.task_id, a.fence, a.agent, a.run FROM attempts AS a, board_clock AS c
WHERE a.state = 'active' AND a.lease_until <= c.now

-- name: due
SELECT t.id FROM tasks AS t, board_clock AS c
WHERE t.state = 'waiting' AND t.waiting_until <= c.now

-- name: expire_attempt
UPDATE attempts SET state = 'expired', ended_at = (SELECT now FROM board_clock)
WHERE task_id = :task AND fence = :fence AND state = 'active'

-- name: count_expiration
UPDATE tasks SET expirations = expirations + 1 WHERE id = :task RETURNING expirations

-- name: return_task
UPDATE tasks SET state = 'pending', waiting_on = '', waiting_until = NULL,
  updated_at = (SELECT now FROM board_clock)
WHERE id = :task AND state IN ('in_progress', 'waiting')
RETURNING open_blockers

-- name: block_task
UPDATE tasks SET state = 'blocked', blocked_owner = :owner, blocked_action = :action,
  updated_at = (SELECT now FROM board_clock)
WHERE id = :task

-- name: status_tasks
SELECT state, source, count(*) FROM tasks GROUP BY state, source

-- name: status_agents
SELECT a.name, a.role,
  (SELECT max(r.heartbeat_at) FROM runs AS r WHERE r.agent = a.name AND r.ended_at IS NULL) AS seen,
  (SELECT x.task_id FROM attempts AS x WHERE x.agent = a.name AND x.state = 'active'
   ORDER BY x.started_at DESC LIMIT 1) AS task
FROM agents AS a ORDER BY a.name

-- name: status_processes
SELECT host, pid, count(*), min(started_at), max(heartbeat_at) FROM runs WHERE ended_at IS NULL
GROUP BY host, pid ORDER BY max(heartbeat_at) DESC, host, pid LIMIT 100

-- name: status_blocked
SELECT id, title, blocked_owner, blocked_action FROM tasks WHERE state = 'blocked'
ORDER BY priority DESC, id LIMIT 20

-- name: status_stuck
-- Tasks that cannot run because one they wait for is over without being completed.
SELECT t.id, t.title, b.id, b.state
FROM tasks AS b JOIN task_edges AS e ON e.blocker_id = b.id JOIN tasks AS t ON t.id = e.task_id
WHERE b.state IN ('failed', 'cancelled') AND t.state = 'pending' AND t.open_blockers > 0
ORDER BY t.priority DESC, t.id, b.id LIMIT 20

-- name: status_model
SELECT count(*), coalesce(sum(json_extract(data, '$.input_tokens')), 0),
  coalesce(sum(json_extract(data, '$.output_tokens')), 0)
FROM events WHERE kind = 'model.call' AND at >= (SELECT now FROM board_clock) - 86400
