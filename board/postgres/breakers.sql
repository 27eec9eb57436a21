-- The breakers on PostgreSQL, where they are looked at or changed often.
-- What writes waits at the gate; see docs/design/board.md.

-- name: read
-- One row at least, for the time.
SELECT v.name, v.state, v.failures, v.opened_at, v.retry_at, v.probe_until, v.reason,
  v.credentials, v.version, b.now, k.scripted IS NOT NULL AS scripted
FROM clock AS k CROSS JOIN board_clock AS b LEFT JOIN services AS v ON true

-- name: count
WITH gate AS (SELECT 1 FROM clock WHERE false FOR KEY SHARE)
INSERT INTO services (name, failures, version)
SELECT %(service)s, 1, 1 WHERE %(threshold)s::integer > 1
ON CONFLICT (name) DO UPDATE SET failures = services.failures + 1, version = services.version + 1
WHERE services.state = 'closed' AND services.failures + 1 < %(threshold)s::integer
RETURNING failures

-- name: clear
WITH gate AS (SELECT 1 FROM clock WHERE false FOR KEY SHARE)
UPDATE services SET failures = 0, version = version + 1
WHERE name = %(service)s AND state = 'closed' AND failures > 0
RETURNING failures

-- name: waiting
SELECT n.service, count(*) FROM task_services AS n JOIN tasks AS t ON t.id = n.task_id
WHERE t.state IN ('pending', 'waiting') GROUP BY n.service
