-- Permits on PostgreSQL. `take` is two statements sent as one message, and so one transaction:
-- a statement sees what was committed before it began, and so `take` has to begin once the
-- lock is held.

-- name: take
SELECT pg_advisory_xact_lock(%(lock)s);
WITH clock_now AS MATERIALIZED (
  SELECT now FROM board_clock
), asked AS MATERIALIZED (
  SELECT g.name, g.line, g.cap, g.n
  FROM unnest(%(names)s::text[], %(lines)s::text[], %(caps)s::bigint[])
    WITH ORDINALITY AS g (name, line, cap, n)
), no_room AS MATERIALIZED (
  SELECT a.name FROM asked AS a, clock_now AS c
  WHERE (SELECT count(*) FROM permits AS p WHERE p.name = a.name AND p.until > c.now)
    + (SELECT count(*) FROM permits AS p WHERE p.name = a.line AND p.until > c.now
        AND p.run <> %(run)s AND p.id < coalesce((
          SELECT min(m.id) FROM permits AS m
          WHERE m.name = a.line AND m.run = %(run)s AND m.until > c.now), 9223372036854775807))
    >= a.cap
), gone AS (
  DELETE FROM permits AS p USING clock_now AS c
  WHERE p.name = ANY(%(names)s::text[] || %(lines)s::text[]) AND (p.until <= c.now
    OR (p.run = %(run)s AND p.name = ANY(%(lines)s::text[]) AND NOT EXISTS (SELECT 1 FROM no_room)))
), stayed AS (
  UPDATE permits AS p SET until = c.now + %(waits)s::double precision FROM clock_now AS c
  WHERE p.name = ANY(%(lines)s::text[]) AND p.run = %(run)s AND p.until > c.now
    AND EXISTS (SELECT 1 FROM no_room) AND %(waits)s > 0
  RETURNING p.name
), joined AS (
  INSERT INTO permits (name, run, until)
  SELECT a.line, %(run)s, c.now + %(waits)s::double precision FROM asked AS a, clock_now AS c
  WHERE EXISTS (SELECT 1 FROM no_room) AND %(waits)s > 0
    AND a.line NOT IN (SELECT s.name FROM stayed AS s)
), taken AS (
  INSERT INTO permits (name, run, until)
  SELECT a.name, %(run)s, c.now + %(seconds)s::double precision FROM asked AS a, clock_now AS c
  WHERE NOT EXISTS (SELECT 1 FROM no_room) ORDER BY a.n
  RETURNING id
)
SELECT id FROM taken

-- name: give_back
DELETE FROM permits WHERE id = ANY(%(ids)s::bigint[])

-- name: renew
UPDATE permits SET until = (SELECT now FROM board_clock) + %(seconds)s::double precision
WHERE id = ANY(%(ids)s::bigint[]) AND until > (SELECT now FROM board_clock)
RETURNING id
