-- The board's hot paths on PostgreSQL. Each statement is named, and most are a whole path:
-- one statement, one transaction, one round trip.
--
-- The gate: ordinary writes and the statement `close` lock the table `clock` EXCLUSIVE, so
-- one such transaction runs at a time. Statements here that write tasks or attempts carry
-- a `FOR KEY SHARE` of it that reads no row: they share the gate among themselves, wait for
-- who closed it, and see all that he did, as locks are taken before the snapshot.

-- name: close
LOCK TABLE clock IN EXCLUSIVE MODE

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
WHERE t.state = 'pending' AND t.open_blockers = 0 AND t.source = %(source)s
  AND (t.assignee IS NULL OR t.assignee = %(agent)s)
  AND NOT EXISTS (
    SELECT 1 FROM task_skills AS s
    WHERE s.task_id = t.id AND s.skill <> ALL(%(skills)s::text[]))
  AND NOT EXISTS (
    SELECT 1 FROM task_services AS n JOIN services AS v ON v.name = n.service
    WHERE n.task_id = t.id AND NOT v.usable
      AND (v.retry_at IS NULL OR v.retry_at > (SELECT now FROM board_clock)))
ORDER BY t.priority DESC, t.unblocks DESC, t.id
LIMIT 1

-- name: runnable
-- What each rung could give, in claiming order: whom to wake is decided from this.
SELECT r.id, r.source, r.assignee, r.skills
FROM unnest(%(sources)s::text[]) WITH ORDINALITY AS s (source, rank), LATERAL (
  SELECT t.id, t.source, t.assignee, t.skills, t.priority, t.unblocks FROM tasks AS t
  WHERE t.state = 'pending' AND t.open_blockers = 0 AND t.source = s.source
    AND NOT EXISTS (
      SELECT 1 FROM task_services AS n JOIN services AS v ON v.name = n.service
      WHERE n.task_id = t.id AND NOT v.usable
        AND (v.retry_at IS NULL OR v.retry_at > (SELECT now FROM board_clock)))
  ORDER BY t.priority DESC, t.unblocks DESC, t.id
  LIMIT %(limit)s) AS r
ORDER BY s.rank, r.priority DESC, r.unblocks DESC, r.id

-- name: claim
-- An attempt that did not fail is resumed by the next one: same number, phase and findings.
WITH gate AS (
  SELECT 1 FROM clock WHERE false FOR KEY SHARE
), found AS MATERIALIZED (
  SELECT t.id FROM tasks AS t
  WHERE t.state = 'pending' AND t.open_blockers = 0 AND t.source = %(source)s
    AND (t.assignee IS NULL OR t.assignee = %(agent)s)
    AND NOT EXISTS (
      SELECT 1 FROM task_skills AS s
      WHERE s.task_id = t.id AND s.skill <> ALL(%(skills)s::text[]))
    AND NOT EXISTS (
      SELECT 1 FROM task_services AS n JOIN services AS v ON v.name = n.service
      WHERE n.task_id = t.id AND NOT v.usable
        AND (v.retry_at IS NULL OR v.retry_at > (SELECT now FROM board_clock)))
  ORDER BY t.priority DESC, t.unblocks DESC, t.id
  LIMIT 1
  FOR UPDATE OF t SKIP LOCKED
), taken AS (
  UPDATE tasks AS t SET state = 'in_progress', fence = t.fence + 1, waiting_on = '',
    waiting_until = NULL, blocked_owner = '', blocked_action = '',
    updated_at = (SELECT now FROM board_clock)
  FROM found AS f WHERE t.id = f.id
  RETURNING t.*
), previous AS (
  SELECT a.* FROM taken AS t JOIN attempts AS a ON a.task_id = t.id AND a.fence = t.fence - 1
), resumed AS (
  SELECT * FROM previous WHERE state IN ('parked', 'released', 'expired', 'blocked')
), begun AS (
  INSERT INTO attempts (task_id, fence, run, agent, number, resumes, phase, state, lease_until,
    started_at, branch, base, "commit", outcome, evidence)
  SELECT t.id, t.fence, %(run)s, %(agent)s, coalesce(r.number, p.number + 1, 1), r.fence,
    coalesce(r.phase, 'claimed'), 'active', t.updated_at + %(lease)s::double precision,
    t.updated_at, coalesce(r.branch, ''), coalesce(r.base, ''), coalesce(r."commit", ''),
    r.outcome, r.evidence
  FROM taken AS t LEFT JOIN previous AS p ON true LEFT JOIN resumed AS r ON true
  RETURNING *
), logged AS (
  INSERT INTO events (at, kind, agent, run, task_id, fence, data)
  SELECT b.started_at, 'task.claimed', b.agent, b.run, b.task_id, b.fence,
    json_build_object('source', %(source)s::text, 'number', b.number, 'resumes', b.resumes)
  FROM begun AS b
)
SELECT t.*, b.*, p.* FROM taken AS t JOIN begun AS b ON true LEFT JOIN previous AS p ON true

-- name: renew
WITH gate AS (
  SELECT 1 FROM clock WHERE false FOR KEY SHARE
), beat AS (
  UPDATE runs SET heartbeat_at = (SELECT now FROM board_clock)
  WHERE ended_at IS NULL AND id = ANY(%(runs)s::text[])
)
UPDATE attempts SET lease_until = (SELECT now FROM board_clock) + %(lease)s::double precision
WHERE state = 'active' AND run = ANY(%(runs)s::text[])
RETURNING task_id, fence

-- name: complete
-- Refused (no attempt ended, so nothing else either) where the fence is stale or the attempt
-- has already ended. `chain` is the task and what was handed over to it, link by link.
-- Dependants are locked in the order of their ids, so that two completions never wait for
-- each other; the counter of wakeups, which all share, comes last.
WITH RECURSIVE gate AS (
  SELECT 1 FROM clock WHERE false FOR KEY SHARE
), ended AS (
  UPDATE attempts AS a SET state = 'completed', phase = 'reflected',
    ended_at = (SELECT now FROM board_clock)
  WHERE a.task_id = %(task)s AND a.fence = %(fence)s AND a.run = %(run)s AND a.state = 'active'
    AND a.fence = (SELECT t.fence FROM tasks AS t WHERE t.id = %(task)s)
  RETURNING a.task_id, a.agent, a.started_at, a.ended_at
), chain (id, link) AS (
  SELECT e.task_id, 0 FROM ended AS e
  UNION ALL
  SELECT p.id, c.link + 1 FROM chain AS c JOIN tasks AS t ON t.id = c.id
  JOIN tasks AS p ON p.id = t.continues
  WHERE p.state = 'waiting' AND p.waiting_on = 'task:' || t.id
), done AS (
  UPDATE tasks AS t SET state = 'completed', unblocks = 0, waiting_on = '',
    completed_at = e.ended_at, updated_at = e.ended_at
  FROM chain AS c, ended AS e WHERE t.id = c.id
), held AS (
  SELECT d.task_id AS id, count(*) AS edges, max(c.link) AS link
  FROM chain AS c JOIN task_edges AS d ON d.blocker_id = c.id GROUP BY d.task_id
), locked AS MATERIALIZED (
  SELECT t.id FROM tasks AS t WHERE t.id IN (SELECT id FROM held) ORDER BY t.id FOR UPDATE OF t
), freed AS (
  UPDATE tasks AS t SET open_blockers = t.open_blockers - h.edges
  FROM locked AS l JOIN held AS h ON h.id = l.id WHERE t.id = l.id
  RETURNING t.id, t.open_blockers, t.state, h.link
), runnable AS (
  SELECT f.id, f.link FROM freed AS f WHERE f.open_blockers = 0 AND f.state = 'pending'
), learned AS (
  INSERT INTO memories (agent, kind, text, tags, source, importance, trusted, at, task_id,
    fence_number)
  SELECT l->>'agent', l->>'kind', l->>'text', l->'tags', l->>'source',
    (l->>'importance')::double precision, (l->>'trusted')::boolean, e.ended_at,
    %(task)s, %(fence)s
  FROM ended AS e, CAST(%(learning)s AS json) AS l WHERE l IS NOT NULL
  ON CONFLICT (task_id, fence_number, kind) DO NOTHING
), logged AS (
  INSERT INTO events (at, kind, agent, run, task_id, fence, data)
  SELECT e.ended_at, said.kind, said.agent, said.run, said.task, said.fence, said.data
  FROM ended AS e, LATERAL (
    SELECT c.link, 0 AS step, 'task.completed' AS kind, e.agent, %(run)s AS run, c.id AS task,
      CASE c.link WHEN 0 THEN %(fence)s::integer END AS fence,
      CASE c.link WHEN 0 THEN json_build_object('started_at', e.started_at)
        ELSE json_build_object('through', %(task)s::integer) END AS data
    FROM chain AS c
    UNION ALL
    SELECT r.link, 1, 'task.unblocked', NULL, NULL, r.id, NULL,
      json_build_object('by', (SELECT c.id FROM chain AS c WHERE c.link = r.link))
    FROM runnable AS r
  ) AS said
  ORDER BY said.link, said.step, said.task
), woken AS (
  UPDATE wakeups SET version = version + 1 WHERE EXISTS (SELECT 1 FROM runnable)
)
SELECT ARRAY(SELECT r.id FROM runnable AS r ORDER BY r.link, r.id) FROM ended

-- name: event
INSERT INTO events (at, kind, agent, run, task_id, fence, data)
SELECT c.now, %(kind)s, %(agent)s, %(run)s, %(task)s, %(fence)s, %(data)s::json
FROM board_clock AS c

-- name: next_due
-- The next moment at which time alone makes something runnable. NULL: never.
SELECT min(due) FROM (
  SELECT min(lease_until) AS due FROM attempts WHERE state = 'active'
  UNION ALL
  SELECT min(waiting_until) FROM tasks WHERE state = 'waiting' AND waiting_until IS NOT NULL
  UNION ALL
  SELECT min(retry_at) FROM services
  WHERE NOT usable AND retry_at > (SELECT now FROM board_clock)) AS moments

-- name: overdue
SELECT EXISTS (SELECT 1 FROM attempts
    WHERE state = 'active' AND lease_until <= (SELECT now FROM board_clock))
  OR EXISTS (SELECT 1 FROM tasks
    WHERE state = 'waiting' AND waiting_until <= (SELECT now FROM board_clock))

-- name: expired
UPDATE attempts SET state = 'expired', ended_at = (SELECT now FROM board_clock)
WHERE state = 'active' AND lease_until <= (SELECT now FROM board_clock)
RETURNING task_id, fence, agent, run

-- name: due
SELECT id FROM tasks
WHERE state = 'waiting' AND waiting_until <= (SELECT now FROM board_clock)
ORDER BY waiting_until, id

-- name: count_expiration
UPDATE tasks SET expirations = expirations + 1 WHERE id = %(task)s RETURNING expirations

-- name: release_attempt
UPDATE attempts SET state = 'released', ended_at = (SELECT now FROM board_clock)
WHERE task_id = %(task)s AND fence = %(fence)s AND run = %(run)s AND state = 'active'
  AND fence = (SELECT fence FROM tasks WHERE id = %(task)s)
RETURNING agent

-- name: held
SELECT task_id, fence FROM attempts WHERE state = 'active' AND run = %(run)s

-- name: return_task
UPDATE tasks SET state = 'pending', waiting_on = '', waiting_until = NULL,
  updated_at = (SELECT now FROM board_clock)
WHERE id = %(task)s AND state IN ('in_progress', 'waiting')
RETURNING open_blockers

-- name: block_task
UPDATE tasks SET state = 'blocked', blocked_owner = %(owner)s, blocked_action = %(action)s,
  updated_at = (SELECT now FROM board_clock)
WHERE id = %(task)s

-- name: status
-- One statement, so that all of it is of one moment.
SELECT json_build_object(
  'now', (SELECT now FROM board_clock),
  'tasks', (SELECT coalesce(json_agg(x), '[]') FROM (
    SELECT state, source, count(*) AS count FROM tasks
    GROUP BY state, source ORDER BY state, source) AS x),
  'agents', (SELECT coalesce(json_agg(x), '[]') FROM (
    SELECT a.name, a.role,
      (SELECT max(r.heartbeat_at) FROM runs AS r
       WHERE r.agent = a.name AND r.ended_at IS NULL) AS heartbeat_at,
      (SELECT y.task_id FROM attempts AS y WHERE y.agent = a.name AND y.state = 'active'
       ORDER BY y.started_at DESC LIMIT 1) AS task
    FROM agents AS a ORDER BY a.name COLLATE "C") AS x),
  'processes', (SELECT coalesce(json_agg(x), '[]') FROM (
    SELECT host, pid, count(*) AS agents, min(started_at) AS started_at,
      max(heartbeat_at) AS heartbeat_at
    FROM runs WHERE ended_at IS NULL
    GROUP BY host, pid ORDER BY max(heartbeat_at) DESC, host, pid LIMIT 100) AS x),
  'blocked', (SELECT coalesce(json_agg(x), '[]') FROM (
    SELECT id, title, blocked_owner AS owner, blocked_action AS action
    FROM tasks WHERE state = 'blocked' ORDER BY priority DESC, id LIMIT 20) AS x),
  'stuck', (SELECT coalesce(json_agg(x), '[]') FROM (
    SELECT t.id, t.title, b.id AS "on", b.state AS on_state
    FROM tasks AS b JOIN task_edges AS e ON e.blocker_id = b.id
    JOIN tasks AS t ON t.id = e.task_id
    WHERE b.state IN ('failed', 'cancelled') AND t.state = 'pending' AND t.open_blockers > 0
    ORDER BY t.priority DESC, t.id, b.id LIMIT 20) AS x),
  'model', (SELECT json_build_object(
      'calls', count(*),
      'input_tokens', coalesce(sum((data->>'input_tokens')::bigint), 0),
      'output_tokens', coalesce(sum((data->>'output_tokens')::bigint), 0))
    FROM events
    WHERE kind = 'model.call' AND at >= (SELECT now FROM board_clock) - 86400))
