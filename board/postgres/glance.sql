-- name: stamp
SELECT (SELECT now FROM board_clock), (SELECT version FROM wakeups),
  (SELECT coalesce(max(id), 0) FROM events)

-- name: glance
-- One statement, so that all of it is of one moment.
SELECT json_build_object(
  'controls', (SELECT coalesce(json_agg(x), '[]') FROM (
    SELECT agent, mode, reason, "by", since FROM controls ORDER BY agent COLLATE "C", mode) AS x),
  'doing', (SELECT coalesce(json_agg(x), '[]') FROM (
    SELECT x.agent, x.task_id AS task, t.title, t.source AS rung, x.phase, x.started_at AS since,
      x.number
    FROM attempts AS x JOIN tasks AS t ON t.id = x.task_id WHERE x.state = 'active'
    ORDER BY x.agent COLLATE "C", x.started_at DESC, x.task_id LIMIT 1000) AS x),
  'living', (SELECT coalesce(json_object_agg(x.agent, x.since), '{}') FROM (
    SELECT agent, max(started_at) AS since FROM runs WHERE ended_at IS NULL GROUP BY agent) AS x),
  'stopped', (SELECT coalesce(json_agg(x), '[]') FROM (
    SELECT agent, at, data->>'code' AS code, data->>'message' AS message,
      data->>'remedy' AS remedy
    FROM events
    WHERE kind = 'agent.stopped'
      AND at >= (SELECT min(started_at) FROM runs WHERE ended_at IS NULL)
    ORDER BY at DESC, id DESC LIMIT 500) AS x),
  'services', (SELECT coalesce(json_agg(x), '[]') FROM (
    SELECT s.name, s.state, s.reason, s.failures, s.opened_at, s.retry_at,
      (SELECT count(*) FROM task_services AS y JOIN tasks AS t ON t.id = y.task_id
       WHERE y.service = s.name AND t.state IN ('pending', 'waiting')) AS tasks
    FROM services AS s WHERE s.state <> 'closed' ORDER BY s.name COLLATE "C" LIMIT 100) AS x),
  'budgets', (SELECT coalesce(json_agg(x), '[]') FROM (
    SELECT scope, "window", ends_at, tokens, nanos, calls, held_tokens, held_nanos, closed_at,
      cap_tokens, cap_nanos
    FROM budgets
    WHERE (ends_at IS NULL OR ends_at > (SELECT now FROM board_clock))
      AND (scope IN ('day', 'improvement', 'team') OR scope LIKE 'agent:%'
        OR closed_at IS NOT NULL)
    ORDER BY scope COLLATE "C", "window" COLLATE "C" LIMIT 300) AS x),
  'inbox_counts', (SELECT coalesce(json_agg(x), '[]') FROM (
    SELECT kind, level, count(*) AS count FROM inbox WHERE state = 'open'
    GROUP BY kind, level ORDER BY kind, level) AS x),
  'inbox', (SELECT coalesce(json_agg(x), '[]') FROM (
    SELECT id, kind, level, title, action, agent, task_id AS task, created_at, "count"
    FROM inbox WHERE state = 'open'
    ORDER BY (level = 'EMERGENCY')::int DESC, id DESC LIMIT 5) AS x),
  'events', (SELECT coalesce(json_agg(x), '[]') FROM (
    SELECT e.id, e.at, e.kind, e.agent, e.task_id AS task, e.data, t.title, t.source
    FROM events AS e LEFT JOIN tasks AS t ON t.id = e.task_id
    WHERE e.id > (SELECT coalesce(max(id), 0) FROM events) - 2000
      AND e.kind = ANY(ARRAY(SELECT jsonb_array_elements_text(%(kinds)s::jsonb)))
    ORDER BY e.id DESC LIMIT 20) AS x))
