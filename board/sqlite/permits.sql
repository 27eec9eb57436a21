-- Permits on SQLite. Each statement is named; permits.py puts them together.

-- name: clear
DELETE FROM permits WHERE name IN (:name, :line) AND until <= (SELECT now FROM board_clock)

-- name: ahead
-- Those at work, and those who wait and came first.
SELECT (SELECT count(*) FROM permits WHERE name = :name)
  + (SELECT count(*) FROM permits AS p WHERE p.name = :line AND p.run <> :run AND p.id < coalesce(
      (SELECT min(id) FROM permits WHERE name = :line AND run = :run), 9223372036854775807))

-- name: take
INSERT INTO permits (name, run, until) SELECT :name, :run, now + :seconds FROM board_clock

-- name: leave
DELETE FROM permits WHERE name = :line AND run = :run

-- name: stay
UPDATE permits SET until = (SELECT now FROM board_clock) + :waits
WHERE name = :line AND run = :run

-- name: join
INSERT INTO permits (name, run, until) SELECT :line, :run, now + :waits FROM board_clock

-- name: give_back
DELETE FROM permits WHERE id IN (SELECT value FROM json_each(?))

-- name: renew
UPDATE permits SET until = (SELECT now FROM board_clock) + ?
WHERE id IN (SELECT value FROM json_each(?)) AND until > (SELECT now FROM board_clock)
