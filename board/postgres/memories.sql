-- Memory on PostgreSQL. Each statement is a whole path: one transaction, one round trip.

-- name: add
-- The counter is taken first and held to the commit, so revisions become visible in their
-- order. Parameters are arrays with one element for each memory.
WITH counter AS MATERIALIZED (
  UPDATE memory_revision SET revision = revision + %(count)s::bigint
  RETURNING revision - %(count)s::bigint AS before, (SELECT now FROM board_clock) AS now
), given AS MATERIALIZED (
  SELECT nextval('memories_id_seq') AS id, c.before + g.n AS revision, c.now, g.*
  FROM counter AS c, unnest(
    %(at)s::double precision[], %(agent)s::text[], %(kind)s::text[], %(text)s::text[],
    %(tags)s::text[], %(source)s::text[], %(importance)s::double precision[],
    %(trusted)s::boolean[], %(visibility)s::text[], %(origin)s::text[], %(episode_id)s::bigint[],
    %(position)s::integer[], %(author)s::text[], %(task_id)s::integer[],
    %(fence_number)s::integer[], %(digest)s::text[], %(signals)s::boolean[], %(model)s::text[],
    %(terms)s::bytea[], %(dense)s::bytea[], %(tokens)s::bytea[]
  ) WITH ORDINALITY AS g (at, agent, kind, text, tags, source, importance, trusted, visibility,
    origin, episode_id, position, author, task_id, fence_number, digest, signals, model, terms,
    dense, tokens, n)
), stored AS (
  INSERT INTO memories (id, revision, stored_at, at, agent, kind, text, tags, source, importance,
    trusted, visibility, origin, episode_id, position, author, task_id, fence_number, digest)
  SELECT id, revision, now, coalesce(at, now), agent, kind, text, tags::json, source, importance,
    trusted, visibility, origin, episode_id, position, author, task_id, fence_number, digest
  FROM given
), signalled AS (
  INSERT INTO memory_signals (memory_id, model, terms, dense)
  SELECT id, model, terms, dense FROM given WHERE signals
), tokened AS (
  INSERT INTO memory_tokens (memory_id, tokens)
  SELECT id, tokens FROM given WHERE tokens IS NOT NULL
)
SELECT id FROM given

-- name: get
SELECT {text} FROM memories AS m WHERE m.id = ANY(%(ids)s::bigint[])

-- name: tokens
SELECT t.memory_id, t.tokens FROM memory_tokens AS t WHERE t.memory_id = ANY(%(ids)s::bigint[])

-- name: revision
SELECT revision, pruned_to FROM memory_revision

-- name: changes
-- The signals are looked up row by row along their key, whatever the planner believes of them.
SELECT {bare}, s.model, s.terms, s.dense
FROM memories AS m LEFT JOIN memory_signals AS s ON s.memory_id = m.id
WHERE m.revision > %(after)s::bigint ORDER BY m.revision LIMIT %(limit)s::bigint
