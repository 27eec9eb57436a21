-- name: stamp
-- What tells that the rest has to be read again.
SELECT (SELECT now FROM board_clock), (SELECT version FROM wakeups),
  (SELECT coalesce(max(id), 0) FROM events)

-- name: doing
SELECT x.agent, x.task_id, t.title, t.source, x.phase, x.started_at, x.number
FROM attempts AS x JOIN tasks AS t ON t.id = x.task_id WHERE x.state = 'active'
ORDER BY x.agent, x.started_at DESC, x.task_id LIMIT 1000

-- name: living
SELECT agent, max(started_at) FROM runs WHERE ended_at IS NULL GROUP BY agent ORDER BY agent

-- name: stopped
SELECT agent, at, data FROM events
WHERE kind = 'agent.stopped' AND at >= (SELECT min(started_at) FROM runs WHERE ended_at IS NULL)
ORDER BY at DESC, id DESC LIMIT 500

-- name: services
SELECT s.name, s.state, s.reason, s.failures, s.opened_at, s.retry_at,
  (SELECT count(*) FROM task_services AS x JOIN tasks AS t ON t.id = x.task_id
   WHERE x.service = s.name AND t.state IN ('pending', 'waiting')) AS tasks
FROM services AS s WHERE s.state <> 'closed' ORDER BY s.name LIMIT 100

-- name: budgets
SELECT scope, "window", ends_at, tokens, nanos, calls, held_tokens, held_nanos, closed_at,
  cap_tokens, cap_nanos
FROM budgets
WHERE (ends_at IS NULL OR ends_at > (SELECT now FROM board_clock))
  AND (scope IN ('day', 'improvement', 'team') OR scope BETWEEN 'agent:' AND 'agent;'
    OR closed_at IS NOT NULL)
ORDER BY scope, "window" LIMIT 300

-- name: inbox_counts
SELECT kind, level, count(*) FROM inbox WHERE state = 'open' GROUP BY kind, level
ORDER BY kind, level

-- name: inbox_newest
SELECT id, kind, level, title, action, agent, task_id, created_at, "count" FROM inbox
WHERE state = 'open' ORDER BY level = 'EMERGENCY' DESC, id DESC LIMIT 5

-- name: last_events
-- Only among the newest: a log of millions is not read for those that are shown.
SELECT e.id, e.at, e.kind, e.agent, e.task_id, e.data, t.title, t.source
FROM events AS e LEFT JOIN tasks AS t ON t.id = e.task_id
WHERE e.id > (SELECT coalesce(max(id), 0) FROM events) - 2000
  AND e.kind IN (SELECT value FROM json_each(:kinds))
ORDER BY e.id DESC LIMIT 20
