-- The breakers on SQLite, where they are looked at or changed often.

-- name: read
-- One row at least, for the time.
SELECT v.*, b.now AS "now", k.scripted IS NOT NULL AS scripted
FROM clock AS k JOIN board_clock AS b LEFT JOIN services AS v ON true

-- name: number
SELECT coalesce(max(version), 0) FROM services

-- name: count
INSERT INTO services (name, failures, version)
SELECT :service, 1, :number WHERE :threshold > 1
ON CONFLICT (name) DO UPDATE SET failures = failures + 1, version = :number
WHERE state = 'closed' AND failures + 1 < :threshold
RETURNING failures

-- name: clear
UPDATE services SET failures = 0, version = :number
WHERE name = :service AND state = 'closed' AND failures > 0
RETURNING failures

-- name: waiting
SELECT n.service, count(*) FROM task_services AS n JOIN tasks AS t ON t.id = n.task_id
WHERE t.state IN ('pending', 'waiting') GROUP BY n.service
