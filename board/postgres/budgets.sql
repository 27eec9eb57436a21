-- Budgets on PostgreSQL. Each statement is a whole path: one transaction, one round trip.
--
-- Nothing here waits at the gate: rows of budgets are only ever changed under their own locks,
-- which everybody takes in the order in which reservations list them. A reservation is locked
-- before its windows, so the sweep, which takes many, leaves those aside that are taken.

-- name: begin
-- In order, as who inserts the same window waits for us.
INSERT INTO budgets (scope, "window", ends_at)
SELECT g.scope, g."window", g.ends_at
FROM unnest(%(scopes)s::text[], %(windows)s::text[], %(ends)s::double precision[])
  WITH ORDINALITY AS g (scope, "window", ends_at, n)
ORDER BY g.n
ON CONFLICT DO NOTHING

-- name: reserve
-- As `fit` in budget.py has it. One row always: how many windows there are, which is the first
-- that has no room (0: none), how many may have it later, and the reservation.
-- `locked` are the windows as they stand now, whatever the snapshot holds.
WITH factor AS MATERIALIZED (
  SELECT greatest(coalesce(max(o.tokens), 0), 1000000) AS tokens,
    greatest(coalesce(max(o.nanos), 0), 1000000) AS nanos
  FROM budgets AS o WHERE o.scope = %(overrun)s AND o."window" = ''
    AND o.ends_at > (SELECT now FROM board_clock)
), worst AS MATERIALIZED (
  SELECT ceil(%(tokens)s::numeric * f.tokens / 1000000)::bigint AS tokens,
    ceil(%(nanos)s::numeric * f.nanos / 1000000)::bigint AS nanos
  FROM factor AS f
), locked AS MATERIALIZED (
  SELECT g.n, g.limit_tokens, g.limit_nanos, b.*
  FROM unnest(%(scopes)s::text[], %(windows)s::text[], %(limit_tokens)s::bigint[],
      %(limit_nanos)s::bigint[])
    WITH ORDINALITY AS g (in_scope, in_window, limit_tokens, limit_nanos, n)
  JOIN budgets AS b ON b.scope = g.in_scope AND b."window" = g.in_window
  ORDER BY g.n FOR UPDATE OF b
), judged AS MATERIALIZED (
  SELECT l.n, CASE
    WHEN l.closed_at IS NOT NULL AND NOT (
      (l.cap_tokens IS NOT NULL AND coalesce(l.limit_tokens > l.cap_tokens, true))
      OR (l.cap_nanos IS NOT NULL AND coalesce(l.limit_nanos > l.cap_nanos, true))) THEN 'never'
    WHEN l.tokens + w.tokens > l.limit_tokens OR l.nanos + w.nanos > l.limit_nanos THEN 'never'
    WHEN l.tokens + l.held_tokens + w.tokens > l.limit_tokens
      OR l.nanos + l.held_nanos + w.nanos > l.limit_nanos THEN 'later'
    ELSE 'fits' END AS fit
  FROM locked AS l, worst AS w
), verdict AS MATERIALIZED (
  SELECT count(*) AS found, coalesce(min(j.n) FILTER (WHERE j.fit = 'never'), 0) AS never,
    count(*) FILTER (WHERE j.fit = 'later') AS later
  FROM judged AS j
), held AS (
  UPDATE budgets AS b SET held_tokens = b.held_tokens + w.tokens,
    held_nanos = b.held_nanos + w.nanos, closed_at = NULL, cap_tokens = NULL, cap_nanos = NULL
  FROM locked AS l, worst AS w, verdict AS v
  WHERE b.scope = l.scope AND b."window" = l."window"
    AND v.found = %(count)s::bigint AND v.never = 0 AND v.later = 0
), made AS (
  INSERT INTO reservations (run, agent, task_id, fence, purpose, model, tokens, nanos, scopes,
    made_at, until)
  SELECT %(run)s::text, %(agent)s::text, %(task)s::integer, %(fence)s::integer,
    %(purpose)s::text, %(model)s::text, w.tokens, w.nanos, %(details)s::json, c.now,
    c.now + %(seconds)s::double precision
  FROM worst AS w, verdict AS v, board_clock AS c
  WHERE v.found = %(count)s::bigint AND v.never = 0 AND v.later = 0
  RETURNING id
), closing AS (
  UPDATE budgets AS b SET closed_at = (SELECT now FROM board_clock),
    cap_tokens = l.limit_tokens, cap_nanos = l.limit_nanos
  FROM locked AS l, verdict AS v
  WHERE b.scope = l.scope AND b."window" = l."window"
    AND v.found = %(count)s::bigint AND l.n = v.never
    AND (l.closed_at IS NULL OR l.cap_tokens IS DISTINCT FROM l.limit_tokens
      OR l.cap_nanos IS DISTINCT FROM l.limit_nanos)
  RETURNING b.scope, b."window", b.tokens, b.nanos, b.cap_tokens, b.cap_nanos, b.ends_at,
    b.closed_at
), logged AS (
  INSERT INTO events (at, kind, agent, run, task_id, fence, data)
  SELECT d.closed_at, 'budget.reached', %(agent)s::text, %(run)s::text, %(task)s::integer,
    %(fence)s::integer,
    json_build_object('scope', d.scope, 'window', d."window", 'tokens', d.tokens,
      'nanos', d.nanos, 'cap_tokens', d.cap_tokens, 'cap_nanos', d.cap_nanos, 'until', d.ends_at)
  FROM closing AS d
)
SELECT v.found, v.never, v.later, (SELECT m.id FROM made AS m) FROM verdict AS v

-- name: settle
-- With `calls` 0 the call was never made, and nothing is learnt or logged.
WITH taken AS MATERIALIZED (
  DELETE FROM reservations WHERE id = %(id)s::bigint
  RETURNING tokens, nanos, scopes, model, agent, run, task_id, fence,
    (scopes #>> '{{promised,0}}')::numeric AS promised_tokens,
    (scopes #>> '{{promised,1}}')::numeric AS promised_nanos
), locked AS MATERIALIZED (
  SELECT b.scope, b."window"
  FROM taken AS t, json_array_elements(t.scopes -> 'windows') WITH ORDINALITY AS s (pair, n),
    budgets AS b
  WHERE b.scope = s.pair ->> 0 AND b."window" = s.pair ->> 1
  ORDER BY s.n FOR UPDATE OF b
), booked AS (
  UPDATE budgets AS b SET tokens = b.tokens + %(tokens)s::bigint,
    nanos = b.nanos + %(nanos)s::bigint, calls = b.calls + %(calls)s::bigint,
    held_tokens = b.held_tokens - t.tokens, held_nanos = b.held_nanos - t.nanos
  FROM taken AS t, locked AS l WHERE b.scope = l.scope AND b."window" = l."window"
), lesson AS (
  SELECT t.model,
    CASE WHEN %(tokens)s::numeric > t.promised_tokens AND t.promised_tokens > 0
      THEN least(ceil(%(tokens)s::numeric * {margin} / t.promised_tokens), {most})
      ELSE {once} END::bigint AS tokens,
    CASE WHEN %(nanos)s::numeric > t.promised_nanos AND t.promised_nanos > 0
      THEN least(ceil(%(nanos)s::numeric * {margin} / t.promised_nanos), {most})
      ELSE {once} END::bigint AS nanos
  FROM taken AS t WHERE %(calls)s::bigint > 0
), learnt AS (
  INSERT INTO budgets AS b (scope, "window", ends_at, tokens, nanos, calls)
  SELECT 'overrun:' || x.model, '', c.now + {remembered}, x.tokens, x.nanos, 1
  FROM lesson AS x, board_clock AS c WHERE greatest(x.tokens, x.nanos) > {once}
  ON CONFLICT (scope, "window") DO UPDATE SET
    tokens = CASE WHEN b.ends_at > (SELECT now FROM board_clock)
      THEN greatest(b.tokens, excluded.tokens) ELSE excluded.tokens END,
    nanos = CASE WHEN b.ends_at > (SELECT now FROM board_clock)
      THEN greatest(b.nanos, excluded.nanos) ELSE excluded.nanos END,
    calls = b.calls + 1, ends_at = excluded.ends_at
), logged AS (
  INSERT INTO events (at, kind, agent, run, task_id, fence, data)
  SELECT c.now, 'model.call', t.agent, t.run, t.task_id, t.fence, %(event)s::json
  FROM taken AS t, board_clock AS c WHERE %(calls)s::bigint > 0
)
SELECT count(*) FROM taken

-- name: lose
-- All of them at once: sums by window, so that each window is locked once, and in order.
WITH late AS MATERIALIZED (
  SELECT r.id FROM reservations AS r WHERE r.until < (SELECT now FROM board_clock)
  ORDER BY r.until LIMIT {lost} FOR UPDATE SKIP LOCKED
), taken AS MATERIALIZED (
  DELETE FROM reservations AS r WHERE r.id = ANY(ARRAY(SELECT l.id FROM late AS l))
  RETURNING r.id, r.tokens, r.nanos, r.scopes, r.model, r.agent, r.run, r.task_id, r.fence
), sums AS MATERIALIZED (
  SELECT s.pair ->> 0 AS scope, s.pair ->> 1 AS "window", sum(t.tokens)::bigint AS tokens,
    sum(t.nanos)::bigint AS nanos, count(*) AS calls
  FROM taken AS t, json_array_elements(t.scopes -> 'windows') AS s (pair)
  GROUP BY 1, 2
), locked AS MATERIALIZED (
  SELECT b.scope, b."window", s.tokens, s.nanos, s.calls
  FROM sums AS s JOIN budgets AS b ON b.scope = s.scope AND b."window" = s."window"
  ORDER BY s.scope COLLATE "C", s."window" COLLATE "C" FOR UPDATE OF b
), booked AS (
  UPDATE budgets AS b SET tokens = b.tokens + l.tokens, nanos = b.nanos + l.nanos,
    calls = b.calls + l.calls, held_tokens = b.held_tokens - l.tokens,
    held_nanos = b.held_nanos - l.nanos
  FROM locked AS l WHERE b.scope = l.scope AND b."window" = l."window"
), logged AS (
  INSERT INTO events (at, kind, agent, run, task_id, fence, data)
  SELECT c.now, 'budget.call_lost', t.agent, t.run, t.task_id, t.fence,
    json_build_object('model', t.model, 'tokens', t.tokens, 'nanos', t.nanos)
  FROM taken AS t, board_clock AS c ORDER BY t.id
)
SELECT count(*) FROM taken

-- name: standing
SELECT {columns}
FROM unnest(%(scopes)s::text[], %(windows)s::text[]) WITH ORDINALITY AS g (of_scope, of_window, n),
  LATERAL (SELECT * FROM budgets AS b
    WHERE b.scope = g.of_scope AND b."window" = g.of_window OFFSET 0) AS b
ORDER BY g.n

-- name: closed
SELECT {columns} FROM budgets
WHERE closed_at IS NOT NULL AND (ends_at IS NULL OR ends_at > (SELECT now FROM board_clock))
ORDER BY scope, "window"

-- name: running
SELECT {columns} FROM budgets
WHERE ends_at > (SELECT now FROM board_clock) AND substr(scope, 1, 8) <> 'overrun:'
UNION ALL
SELECT {columns} FROM budgets WHERE scope = 'team' AND "window" = ''
ORDER BY 1, 2
