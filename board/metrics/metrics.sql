-- What metrics are read from. Each statement is written once for both databases: {…} stands
-- for what only one of them says, see reading.py.

-- name: now
SELECT now FROM board_clock

-- name: first
SELECT at FROM events ORDER BY id LIMIT 1

-- name: keys
-- The kinds of model calls there are: as many steps along the index as there are kinds.
WITH RECURSIVE kinds (spent) AS (
  SELECT min(spent) FROM events {by_spent} WHERE kind = 'model.call'
  UNION ALL
  SELECT (SELECT min(e.spent) FROM events AS e {by_spent}
    WHERE e.kind = 'model.call' AND e.spent > k.spent)
  FROM kinds AS k WHERE k.spent IS NOT NULL)
SELECT spent FROM kinds WHERE spent IS NOT NULL

-- name: spent
-- Where an answer does not say how many of its requests were repeats, all but the first were.
SELECT count(*), sum(calls), sum(coalesce(retries, calls - 1)), coalesce(sum(input_tokens), 0), coalesce(sum(output_tokens), 0),
  coalesce(sum(cost), 0), count(cost)
FROM events {by_spent}
WHERE kind = 'model.call' AND spent = :spent AND at >= :since AND at < :until

-- name: services
SELECT coalesce(sum(calls), 0), coalesce(sum(retries), 0) FROM events {by_services}
WHERE kind = 'service.calls' AND at >= :since AND at < :until

-- name: ends
-- What ended since the window began, and was there before the window ended.
SELECT at, id, kind, agent, run, task_id, fence, started_at FROM events {by_ends}
WHERE {endings} AND at >= :since AND (at < :until OR started_at < :until)
ORDER BY at, id

-- name: details
SELECT id, data FROM events WHERE id {among}

-- name: claims
SELECT task_id, min(at) FROM events {by_claims}
WHERE kind = 'task.claimed' AND task_id {among} GROUP BY task_id

-- name: alive
-- Runs of which no end is known.
SELECT id, agent, started_at, heartbeat_at FROM runs
WHERE ended_at IS NULL AND started_at < :until AND heartbeat_at > :since

-- name: active
SELECT run, agent, task_id, started_at FROM attempts
WHERE state = 'active' AND started_at < :until
