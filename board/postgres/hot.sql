-- The board's hot paths on PostgreSQL. Each statement is named, and most are a whole path:
-- one statement, one transaction, one round trip.
--
-- The gate: ordinary writes and the statement `close` lock the table `clock` EXCLUSIVE, so
-- one such transaction runs at a time. Statements here that write tasks or attempts carry
-- a `FOR KEY SHARE` of it that reads no row: they share the gate among themselves, wait for
-- who closed it, and see all that he did, as locks are taken before the snapshot.
--
-- Plans: a statement is planned once, perhaps while the board was empty. `OFFSET 0` keeps a
-- subquery what it is, asked row by row along its key, where the planner would rather join,
-- and read a table whole. `= ANY(ARRAY(...))` is looked up in an index, and a column inside
-- an expression (`state || ''`) keeps the planner from an index that is the wrong one.
-- tests/board/test_board_plans.py holds them to it.

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
    WHERE s.task_id = t.id AND s.skill <> ALL(%(skills)s::text[]) OFFSET 0)
  AND NOT EXISTS (
    SELECT 1 FROM task_services AS n WHERE n.task_id = t.id AND (
      SELECT NOT v.usable
        AND (v.retry_at IS NULL OR v.retry_at > (SELECT now FROM board_clock))
      FROM services AS v WHERE v.name = n.service) OFFSET 0)
ORDER BY t.priority DESC, t.unblocks DESC, t.id
LIMIT 1

-- name: runnable
-- What each rung could give, in claiming order: whom to wake is decided from this.
SELECT r.id, r.source, r.assignee, r.skills
FROM unnest(%(sources)s::text[]) WITH ORDINALITY AS s (source, rank), LATERAL (
  SELECT t.id, t.source, t.assignee, t.skills, t.priority, t.unblocks FROM tasks AS t
  WHERE t.state = 'pending' AND t.open_blockers = 0 AND t.source = s.source
    AND NOT EXISTS (
      SELECT 1 FROM task_services AS n WHERE n.task_id = t.id AND (
        SELECT NOT v.usable
          AND (v.retry_at IS NULL OR v.retry_at > (SELECT now FROM board_clock))
        FROM services AS v WHERE v.name = n.service) OFFSET 0)
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
      WHERE s.task_id = t.id AND s.skill <> ALL(%(skills)s::text[]) OFFSET 0)
    AND NOT EXISTS (
      SELECT 1 FROM task_services AS n WHERE n.task_id = t.id AND (
        SELECT NOT v.usable
          AND (v.retry_at IS NULL OR v.retry_at > (SELECT now FROM board_clock))
        FROM services AS v WHERE v.name = n.service) OFFSET 0)
  ORDER BY t.priority DESC, t.unblocks DESC, t.id
  LIMIT 1
  FOR UPDATE OF t SKIP LOCKED
), taken AS (
  UPDATE tasks AS t SET state = 'in_progress', fence = t.fence + 1, waiting_on = '',
    waiting_until = NULL, blocked_owner = '', blocked_action = '',
    updated_at = (SELECT now FROM board_clock)
  WHERE t.id = (SELECT f.id FROM found AS f)
  RETURNING t.*
), previous AS (
  SELECT a.* FROM taken AS t, LATERAL (
    SELECT * FROM attempts AS a WHERE a.task_id = t.id AND a.fence = t.fence - 1 OFFSET 0) AS a
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

-- name: steady
-- The board's time never goes back. Where the server's clock was set back, or a standby with
-- another one took over, the board stays ahead of it and comes down by a tenth of the time
-- that passes; written every few seconds at most.
UPDATE clock_guard AS g SET
  ahead = CASE WHEN h.now + g.ahead < g.newest THEN g.newest - h.now
    ELSE g.ahead - least(greatest(g.ahead, 0), (h.now + g.ahead - g.newest) * 0.1) END,
  newest = CASE WHEN h.now + g.ahead < g.newest THEN g.newest
    ELSE h.now + g.ahead - least(greatest(g.ahead, 0), (h.now + g.ahead - g.newest) * 0.1) END
FROM (SELECT extract(epoch FROM clock_timestamp())::double precision AS now FROM clock
      WHERE scripted IS NULL) AS h
WHERE h.now + g.ahead < g.newest OR h.now + g.ahead > g.newest + %(often)s::double precision

-- name: renew
-- What an attempt has been worked on grows by what passed since the last heartbeat, and never
-- by more than a lease at once: a clock that jumped is not work.
WITH gate AS (
  SELECT 1 FROM clock WHERE false FOR KEY SHARE
), beat AS (
  UPDATE runs SET heartbeat_at = (SELECT now FROM board_clock)
  WHERE id = ANY(%(runs)s::text[]) AND coalesce(ended_at, -1) < 0
), worked AS (
  INSERT INTO work_times AS w (task_id, fence, seconds, until)
  SELECT a.task_id, a.fence,
    least(greatest(c.now - a.started_at, 0), %(lease)s::double precision), c.now
  FROM attempts AS a, board_clock AS c
  WHERE a.state = 'active' AND a.run = ANY(%(runs)s::text[])
  ON CONFLICT (task_id, fence) DO UPDATE SET
    seconds = w.seconds
      + least(greatest(excluded.until - w.until, 0), %(lease)s::double precision),
    until = excluded.until
)
UPDATE attempts SET lease_until = (SELECT now FROM board_clock) + %(lease)s::double precision
WHERE state = 'active' AND run = ANY(%(runs)s::text[])
RETURNING task_id, fence

-- name: complete
-- Refused (no attempt ended, so nothing else either) where the fence is stale or the attempt
-- has already ended. `chain` is the task and what was handed over to it, link by link.
-- Dependants are locked in the order of their ids, so that two completions never wait for
-- each other; the counter of wakeups, which all share, comes last.
-- Nothing is done either where an open sync point awaits the task, or one that it continues:
-- then an ordinary transaction has to do both, and asks with `within`.
WITH RECURSIVE gate AS (
  SELECT 1 FROM clock WHERE false FOR KEY SHARE
), lineage (id) AS (
  SELECT %(task)s::integer
  UNION ALL
  SELECT (SELECT t.continues FROM tasks AS t WHERE t.id = l.id) FROM lineage AS l
  WHERE l.id IS NOT NULL
), awaited AS MATERIALIZED (
  SELECT 1 FROM lineage AS l
  WHERE (SELECT y.state FROM sync_points AS y WHERE y.id = (
      SELECT s.point FROM sync_tasks AS s WHERE s.task_id = l.id)) = 'open'
    AND NOT %(within)s::boolean LIMIT 1
), ended AS (
  UPDATE attempts AS a SET state = 'completed', phase = 'reflected',
    ended_at = (SELECT now FROM board_clock)
  WHERE a.task_id = %(task)s AND a.fence = %(fence)s AND a.run = %(run)s
    AND a.state || '' = 'active' AND a.fence = (SELECT t.fence FROM tasks AS t WHERE t.id = %(task)s)
    AND NOT EXISTS (SELECT 1 FROM awaited)
  RETURNING a.task_id, a.agent, a.started_at, a.ended_at
), chain (id, link) AS (
  SELECT e.task_id, 0 FROM ended AS e
  UNION ALL
  SELECT p.id, c.link + 1 FROM chain AS c, LATERAL (
    SELECT p.id, p.state, p.waiting_on FROM tasks AS p
    WHERE p.id = (SELECT t.continues FROM tasks AS t WHERE t.id = c.id) OFFSET 0) AS p
  WHERE p.state = 'waiting' AND p.waiting_on = 'task:' || c.id
), done AS (
  UPDATE tasks AS t SET state = 'completed', unblocks = 0, waiting_on = '',
    completed_at = (SELECT e.ended_at FROM ended AS e),
    updated_at = (SELECT e.ended_at FROM ended AS e)
  WHERE t.id = ANY(ARRAY(SELECT c.id FROM chain AS c))
), held AS (
  SELECT d.task_id AS id, count(*) AS edges, max(c.link) AS link
  FROM chain AS c, LATERAL (
    SELECT d.task_id FROM task_edges AS d WHERE d.blocker_id = c.id OFFSET 0) AS d
  GROUP BY d.task_id
), locked AS MATERIALIZED (
  SELECT t.id FROM tasks AS t WHERE t.id = ANY(ARRAY(SELECT h.id FROM held AS h))
  ORDER BY t.id FOR UPDATE OF t
), freed AS (
  UPDATE tasks AS t SET open_blockers = t.open_blockers - h.edges
  FROM held AS h WHERE t.id = ANY(ARRAY(SELECT l.id FROM locked AS l)) AND h.id = t.id
  RETURNING t.id, t.open_blockers, t.state, h.link
), runnable AS (
  SELECT f.id, f.link FROM freed AS f WHERE f.open_blockers = 0 AND f.state = 'pending'
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
UNION ALL
SELECT NULL FROM awaited

-- name: event
INSERT INTO events (at, kind, agent, run, task_id, fence, data)
SELECT c.now, %(kind)s, %(agent)s, %(run)s, %(task)s, %(fence)s, %(data)s::json
FROM board_clock AS c

-- name: next_due
-- The next moment at which time alone makes something runnable. NULL: never.
SELECT min(due) FROM (
  SELECT greatest(min(lease_until), (SELECT max(held_until) FROM outages
    WHERE ended_at IS NULL)) AS due FROM attempts WHERE state = 'active'
    HAVING count(*) > 0
  UNION ALL
  SELECT min(waiting_until) FROM tasks WHERE state = 'waiting' AND waiting_until IS NOT NULL
  UNION ALL
  SELECT min(retry_at) FROM services AS v WHERE NOT usable AND EXISTS (
    SELECT 1 FROM task_services AS n JOIN tasks AS t ON t.id = n.task_id
    WHERE n.service = v.name AND t.state = 'pending')
  UNION ALL
  SELECT min(deadline) FROM sync_points WHERE state = 'open') AS moments

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

-- name: overdue
-- Whether an attempt's lease is over, whether a wait is, and the outage that lasts, if any.
SELECT EXISTS (SELECT 1 FROM attempts
    WHERE state = 'active' AND lease_until <= (SELECT now FROM board_clock)),
  EXISTS (SELECT 1 FROM tasks
    WHERE state = 'waiting' AND waiting_until <= (SELECT now FROM board_clock)),
  (SELECT json_build_array(id, began_at, held_until) FROM outages WHERE ended_at IS NULL
   ORDER BY id LIMIT 1),
  (SELECT now FROM board_clock)

-- name: heard
SELECT agent, max(heartbeat_at) FROM runs WHERE ended_at IS NULL GROUP BY agent
HAVING max(heartbeat_at) > (SELECT now FROM board_clock) - %(window)s::double precision

-- name: waived
SELECT silent FROM outages WHERE how IN ('by hand', 'held long enough')
AND ended_at > (SELECT now FROM board_clock) - %(window)s::double precision

-- name: begin_outage
INSERT INTO outages (began_at, held_until, silent, agents)
SELECT c.now, c.now + %(hold)s::double precision, %(silent)s::json, %(agents)s
FROM board_clock AS c

-- name: end_outage
UPDATE outages SET ended_at = (SELECT now FROM board_clock), how = %(how)s WHERE id = %(id)s
RETURNING ended_at - began_at

-- name: waive
INSERT INTO outages (began_at, ended_at, held_until, silent, agents, how)
SELECT c.now, c.now, c.now, %(silent)s::json, %(agents)s, %(how)s FROM board_clock AS c

-- name: tell
INSERT INTO messages (channel, author, content, at)
SELECT 'dev', 'team', %(content)s, c.now FROM board_clock AS c

-- name: expired
UPDATE attempts SET state = 'expired', ended_at = (SELECT now FROM board_clock)
WHERE state = 'active' AND lease_until <= (SELECT now FROM board_clock)
RETURNING task_id, fence, agent, run, started_at

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
RETURNING agent, started_at

-- name: held
SELECT task_id, fence FROM attempts WHERE state = 'active' AND run = %(run)s

-- name: return_task
UPDATE tasks SET state = 'pending', waiting_on = '', waiting_until = NULL,
  updated_at = (SELECT now FROM board_clock)
WHERE id = %(task)s AND state IN ('in_progress', 'waiting')
RETURNING open_blockers

-- name: stuck
-- What is not begun and waits for a task, directly or through others.
WITH RECURSIVE behind (id) AS (
  SELECT CAST(%(task)s AS integer)
  UNION
  SELECT e.task_id FROM behind AS b JOIN task_edges AS e ON e.blocker_id = b.id
  JOIN tasks AS t ON t.id = e.task_id WHERE t.state IN ('pending', 'waiting', 'blocked')
)
SELECT id FROM behind WHERE id <> %(task)s ORDER BY id

-- name: say
INSERT INTO messages (channel, author, content, at)
SELECT %(channel)s, %(author)s, %(content)s, c.now FROM board_clock AS c

-- name: block_task
UPDATE tasks SET state = 'blocked', blocked_owner = %(owner)s, blocked_action = %(action)s,
  updated_at = (SELECT now FROM board_clock)
WHERE id = %(task)s

-- name: controls
SELECT agent, mode, reason, "by", since FROM controls ORDER BY agent COLLATE "C", mode

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
  'outage', (SELECT row_to_json(x) FROM (
    SELECT began_at, held_until, silent, agents FROM outages WHERE ended_at IS NULL
    ORDER BY id LIMIT 1) AS x),
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
  'sync_points', (SELECT coalesce(json_agg(x), '[]') FROM (
    SELECT p.id, p.name, p.deadline, i.agent, i.status, i.reason
    FROM sync_points AS p JOIN check_ins AS i ON i.point = p.id
    WHERE p.state = 'open' AND i.status <> 'ready'
      AND (i.status = 'blocked' OR p.deadline <= (SELECT now FROM board_clock))
    ORDER BY p.deadline, p.id, i.place LIMIT 20) AS x),
  'model', (SELECT json_build_object(
      'calls', count(*),
      'input_tokens', coalesce(sum((data->>'input_tokens')::bigint), 0),
      'output_tokens', coalesce(sum((data->>'output_tokens')::bigint), 0),
      'nanos', coalesce(sum((data->>'cost')::bigint), 0),
      'unpriced', count(*) - count(data->>'cost'))
    FROM events
    WHERE kind = 'model.call' AND at >= (SELECT now FROM board_clock) - 86400))
