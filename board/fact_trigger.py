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


def _number(raw: str) -> str:
    return (
        f"CASE WHEN length({raw}) <= {DIGITS} AND ltrim({raw}, '0123456789') = ''"
        f" THEN {raw}::bigint END"
    )


def _name(value: str) -> str:
    return f"""CASE WHEN left({value}, 1) = '"' THEN left(btrim({value}, '"'), {NAME}) END"""


# An escape such as \u0000 cannot be unpacked on PostgreSQL, nor half a surrogate pair: it is read
# as a space, and names only where nothing is escaped at all. E'' means the same in every session.
_UNESCAPED: Final = (
    "CASE WHEN strpos(NEW.data::text, chr(92)) = 0 THEN NEW.data ELSE regexp_replace("
    r"NEW.data::text, E'\\\\u(0000|d[89a-f][0-9a-f]{2})', E'\\\\u0020', 'gi')::json END"
)
# ``->`` gives what is written: text is still in its quotes, and no number is rounded.
FACTS_FUNCTION: Final = rf"""
CREATE FUNCTION event_facts() RETURNS trigger LANGUAGE plpgsql AS $facts$
DECLARE
  d json;
  raw text;
  input text;
  output text;
  price text;
  tries text;
  rung text;
  purpose text;
  model text;
BEGIN
  IF NEW.kind = 'model.call' THEN
    IF strpos(NEW.data::text, chr(92)) > 0 THEN
      d := {_UNESCAPED};
    ELSE
      d := NEW.data;
      rung := d -> 'rung';
      purpose := d -> 'purpose';
      model := d -> 'model';
    END IF;
    input := d -> 'input_tokens';
    output := d -> 'output_tokens';
    price := d -> 'cost';
    tries := d -> 'tries';
    -- Nearly always all are as they should be: then they are looked at together.
    IF greatest(length(input), length(output), length(price), length(tries)) <= {DIGITS}
      AND ltrim(input || output || price || tries, '0123456789') = '' AND tries <> '0' THEN
      NEW.input_tokens := input;
      NEW.output_tokens := output;
      NEW.cost := price;
      NEW.calls := tries;
    ELSE
      NEW.input_tokens := {_number("input")};
      NEW.output_tokens := {_number("output")};
      NEW.cost := {_number("price")};
      NEW.calls := coalesce(nullif({_number("tries")}, 0), 1);
    END IF;
    raw := d -> 'retries';
    NEW.retries := {_number("raw")};
    NEW.spent := concat(replace(left(NEW.agent, {NAME}), chr(31), ' '), chr(31), {_name("rung")},
      chr(31), {_name("purpose")}, chr(31), {_name("model")}, chr(31),
      CASE WHEN NEW.task_id IS NULL THEN 'idle' END);
  ELSIF NEW.kind = 'service.calls' THEN
    d := {_UNESCAPED};
    raw := d -> 'calls';
    NEW.calls := {_number("raw")};
    raw := d -> 'retries';
    NEW.retries := {_number("raw")};
  ELSIF NEW.kind IN {listed(ENDS)} THEN
    d := {_UNESCAPED};
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
