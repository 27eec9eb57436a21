"""How PostgreSQL fills the typed facts of an event: a trigger, in PL/pgSQL.

Generated columns would say it more plainly, but their expressions are prepared anew at every
insert, of whatever kind; those of a trigger are kept by the session. What it costs goes by the
number of its expressions, and patterns cost most: so numbers are told by their characters.

Part of ``neveridle.board.schema``; migration 0006 has its own copy, which is frozen.
"""

from __future__ import annotations

from typing import Final

from neveridle.board.fact_kinds import ENDS, NAME, NEWEST, TOP, listed

DIGITS: Final = len(str(TOP))
FILLED: Final = ("model.call", "service.calls", *ENDS)
"""The kinds of events that have facts."""


def _number(column: str, key: str, *, least: str = "", otherwise: str = "") -> str:
    return f"""
    raw := d -> '{key}';
    NEW.{column} := CASE WHEN length(raw) <= {DIGITS} AND ltrim(raw, '0123456789') = ''{least}
      THEN raw::bigint{otherwise} END;"""


def _name(value: str) -> str:
    return f"""CASE WHEN left({value}, 1) = '"' THEN left(btrim({value}, '"'), {NAME}) END"""


# ``->`` gives what is written, so text is still in its quotes, and no number is rounded.
# An escape such as \u0000 cannot be unpacked on PostgreSQL, nor half a surrogate pair: it is read
# as a space, and names only where nothing is escaped at all. E'' means the same in every session.
FACTS_FUNCTION: Final = rf"""
CREATE FUNCTION event_facts() RETURNS trigger LANGUAGE plpgsql AS $facts$
DECLARE
  d json;
  raw text;
  rung text;
  purpose text;
  model text;
  escaped boolean := false;
BEGIN
  IF NEW.kind NOT IN {listed(FILLED)} THEN
    RETURN NEW;
  END IF;
  d := NEW.data;
  IF strpos(d::text, chr(92)) > 0 THEN
    escaped := true;
    d := regexp_replace(d::text, E'\\\\u(0000|d[89a-f][0-9a-f]{{2}})', E'\\\\u0020', 'gi');
  END IF;
  IF NEW.kind = 'model.call' THEN
    {_number("input_tokens", "input_tokens")}
    {_number("output_tokens", "output_tokens")}
    {_number("cost", "cost")}
    {_number("calls", "tries", least=" AND raw <> '0'", otherwise=" ELSE 1")}
    {_number("retries", "retries")}
    IF NOT escaped THEN
      rung := d -> 'rung';
      purpose := d -> 'purpose';
      model := d -> 'model';
    END IF;
    NEW.spent := concat(replace(left(NEW.agent, {NAME}), chr(31), ' '), chr(31), {_name("rung")},
      chr(31), {_name("purpose")}, chr(31), {_name("model")}, chr(31),
      CASE WHEN NEW.task_id IS NULL THEN 'idle' END);
  ELSIF NEW.kind = 'service.calls' THEN
    {_number("calls", "calls")}
    {_number("retries", "retries")}
  ELSE
    raw := d -> 'started_at';
    IF raw ~ E'^[0-9]{{1,15}}(\\.[0-9]{{1,30}})?([eE][+-]?[0-9]{{1,2}})?$' THEN
      NEW.started_at := CASE WHEN raw::double precision BETWEEN 1 AND {NEWEST}
        THEN raw::double precision END;
    END IF;
  END IF;
  RETURN NEW;
END $facts$
"""

FACTS_TRIGGER: Final = (
    "CREATE TRIGGER event_facts BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION event_facts()"
)
