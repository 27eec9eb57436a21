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

-- name: steady
-- The board's time never goes back. Where the host's clock was set back, the board stays ahead
-- of it and comes down by a tenth of the time that passes; written every few seconds at most.
UPDATE clock_guard SET
  ahead = CASE WHEN h.now + ahead < newest THEN newest - h.now
    ELSE ahead - min(max(ahead, 0), (h.now + ahead - newest) * 0.1) END,
  newest = CASE WHEN h.now + ahead < newest THEN newest
    ELSE h.now + ahead - min(max(ahead, 0), (h.now + ahead - newest) * 0.1) END
FROM (SELECT (julianday('now') - 2440587.5) * 86400.0 AS now FROM clock
      WHERE scripted IS NULL) AS h
WHERE h.now + ahead < newest OR h.now + ahead > newest + :often

-- name: renew
UPDATE attempts SET lease_until = (SELECT now FROM board_clock) + :lease
WHERE state = 'active' AND run IN (SELECT value FROM json_each(:runs))
RETURNING task_id, fence

-- name: beat
UPDATE runs SET heartbeat_at = (SELECT now FROM board_clock)
WHERE ended_at IS NULL AND id IN (SELECT value FROM json_each(:runs))

-- name: awaited
-- Whether an open sync point awaits the completion of a task, or of one that it continues.
WITH RECURSIVE lineage (id, continues) AS (
  SELECT id, continues FROM tasks WHERE id = :task
  UNION ALL
  SELECT t.id, t.continues FROM lineage AS l JOIN tasks AS t ON t.id = l.continues)
SELECT 1 FROM lineage AS l JOIN sync_tasks AS s ON s.task_id = l.id
JOIN sync_points AS p ON p.id = s.point
WHERE p.state = 'open' LIMIT 1

-- name: worked
-- What an attempt has been worked on grows by what passed since the last heartbeat, and never
-- by more than a lease at once: a clock that jumped is not work.
INSERT INTO work_times (task_id, fence, seconds, until)
SELECT a.task_id, a.fence, min(max(c.now - a.started_at, 0), :lease), c.now
FROM attempts AS a, board_clock AS c
WHERE a.state = 'active' AND a.run IN (SELECT value FROM json_each(:runs))
ON CONFLICT (task_id, fence) DO UPDATE SET
  seconds = seconds + min(max(excluded.until - until, 0), :lease), until = excluded.until

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

-- name: next_due
-- The next moment at which time alone makes something runnable. NULL: never.
SELECT min(due) FROM (
  SELECT max(min(lease_until), coalesce((SELECT max(held_until) FROM outages
    WHERE ended_at IS NULL), 0)) AS due FROM attempts WHERE state = 'active'
  UNION ALL
  SELECT min(waiting_until) FROM tasks WHERE state = 'waiting' AND waiting_until IS NOT NULL
  UNION ALL
  SELECT min(retry_at) FROM services AS v WHERE NOT usable AND EXISTS (
    SELECT 1 FROM task_services AS n JOIN tasks AS t ON t.id = n.task_id
    WHERE n.service = v.name AND t.state = 'pending')
  UNION ALL
  SELECT min(deadline) FROM sync_points WHERE state = 'open')

-- name: points_due
-- And, as nothing else asks at each sweep, whether a call of a model was lost.
-- While there is an outage of ours nobody is counted as missing.
-- `chain` is what open sync points await, and what that was handed over to, link by link.
WITH RECURSIVE chain (point, participant, id) AS (
  SELECT s.point, s.participant, s.task_id FROM sync_points AS p
  JOIN sync_tasks AS s ON s.point = p.id WHERE p.state = 'open'
  UNION ALL
  SELECT c.point, c.participant, t.id FROM chain AS c JOIN tasks AS f ON f.id = c.id
  JOIN tasks AS t ON t.continues = f.id
  WHERE f.state = 'waiting' AND f.waiting_on = 'task:' || t.id)
SELECT NOT EXISTS (SELECT 1 FROM outages WHERE ended_at IS NULL)
  AND (EXISTS (SELECT 1 FROM sync_points
    WHERE state = 'open' AND deadline <= (SELECT now FROM board_clock))
  OR EXISTS (SELECT 1 FROM chain AS c JOIN tasks AS t ON t.id = c.id
    JOIN check_ins AS i ON i.point = c.point AND i.participant = c.participant
    WHERE t.state IN ('blocked', 'failed', 'cancelled') AND i.status = 'expected')),
  EXISTS (SELECT 1 FROM reservations WHERE until < (SELECT now FROM board_clock))

-- name: outage
SELECT id, began_at, held_until FROM outages WHERE ended_at IS NULL ORDER BY id LIMIT 1

-- name: heard
SELECT agent, max(heartbeat_at) FROM runs WHERE ended_at IS NULL GROUP BY agent
HAVING max(heartbeat_at) > (SELECT now FROM board_clock) - :window

-- name: waived
SELECT silent FROM outages WHERE how IN ('by hand', 'held long enough')
AND ended_at > (SELECT now FROM board_clock) - :window

-- name: begin_outage
INSERT INTO outages (began_at, held_until, silent, agents)
SELECT c.now, c.now + :hold, :silent, :agents FROM board_clock AS c

-- name: end_outage
UPDATE outages SET ended_at = (SELECT now FROM board_clock), how = :how WHERE id = :id
RETURNING ended_at - began_at

-- name: waive
INSERT INTO outages (began_at, ended_at, held_until, silent, agents, how)
SELECT c.now, c.now, c.now, :silent, :agents, :how FROM board_clock AS c

-- name: tell
INSERT INTO messages (channel, author, content, at)
SELECT 'dev', 'team', :content, c.now FROM board_clock AS c

-- name: expired
SELECT a.task_id, a.fence, a.agent, a.run, a.started_at FROM attempts AS a, board_clock AS c
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

-- name: stuck
-- What is not begun and waits for a task, directly or through others.
WITH RECURSIVE behind (id) AS (
  SELECT :task
  UNION
  SELECT e.task_id FROM behind AS b JOIN task_edges AS e ON e.blocker_id = b.id
  JOIN tasks AS t ON t.id = e.task_id WHERE t.state IN ('pending', 'waiting', 'blocked')
)
SELECT id FROM behind WHERE id <> :task ORDER BY id

-- name: say
INSERT INTO messages (channel, author, content, at)
SELECT :channel, :author, :content, c.now FROM board_clock AS c

-- name: block_task
UPDATE tasks SET state = 'blocked', blocked_owner = :owner, blocked_action = :action,
  updated_at = (SELECT now FROM board_clock)
WHERE id = :task

-- name: controls
SELECT agent, mode, reason, "by", since FROM controls ORDER BY agent, mode

-- name: status_tasks
SELECT state, source, count(*) FROM tasks GROUP BY state, source

-- name: status_agents
SELECT a.name, a.role,
  (SELECT max(r.heartbeat_at) FROM runs AS r WHERE r.agent = a.name AND r.ended_at IS NULL) AS seen,
  (SELECT x.task_id FROM attempts AS x WHERE x.agent = a.name AND x.state = 'active'
   ORDER BY x.started_at DESC LIMIT 1) AS task
FROM agents AS a ORDER BY a.name

-- name: status_outage
SELECT began_at, held_until, silent, agents FROM outages WHERE ended_at IS NULL LIMIT 1

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

-- name: status_points
-- What open sync points wait for, where somebody is blocked or the deadline has passed.
SELECT p.id, p.name, p.deadline, i.agent, i.status, i.reason
FROM sync_points AS p JOIN check_ins AS i ON i.point = p.id
WHERE p.state = 'open' AND i.status <> 'ready'
  AND (i.status = 'blocked' OR p.deadline <= (SELECT now FROM board_clock))
ORDER BY p.deadline, p.id, i.place LIMIT 20

-- name: status_model
SELECT count(*), coalesce(sum(json_extract(data, '$.input_tokens')), 0),
  coalesce(sum(json_extract(data, '$.output_tokens')), 0),
  coalesce(sum(json_extract(data, '$.cost')), 0), count(*) - count(json_extract(data, '$.cost'))
FROM events WHERE kind = 'model.call' AND at >= (SELECT now FROM board_clock) - 86400
