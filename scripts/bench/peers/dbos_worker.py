"""DBOS, as a peer of the board: run by the peers' own interpreter.

``setup URL -`` makes its tables, ``fill URL COUNT`` enqueues that many workflows in one
transaction. ``work URL NAME:COUNT`` takes part in a contest, see ``bench.worker``, with so many
workflows at once; when a round began and ended is what its own tables say.
"""

from __future__ import annotations

import json
import os
import sys
import time

import psycopg
import sqlalchemy as sa
from dbos import DBOS, DBOSClient

POLL = 0.001
LEFT = "SELECT count(*) FROM dbos.workflow_status WHERE status IN ('ENQUEUED', 'PENDING')"
SPAN = """
SELECT min(started_at_epoch_ms) / 1000.0, max(updated_at) / 1000.0
FROM dbos.workflow_status WHERE name = 'note' AND started_at_epoch_ms > %s
"""
LAST = "SELECT coalesce(max(updated_at), 0) FROM dbos.workflow_status WHERE name = 'note'"
done = 0


@DBOS.workflow(name="note")
def note(number: int) -> None:
    """Note that it ran."""
    global done
    done += 1


def launch(url: str, name: str) -> None:
    """Start what works on the queue."""
    DBOS(
        config={
            "name": "bench",
            "system_database_url": url,
            "application_version": "1",
            "executor_id": name,
            "log_level": "ERROR",
        }
    )
    DBOS.launch()
    at_once = int(name.rpartition(":")[2])
    DBOS.register_queue("bench", worker_concurrency=at_once, polling_interval_sec=POLL)


def setup(url: str, _: str) -> None:
    """The tables."""
    launch(url, "setup:1")
    DBOS.destroy()


def fill(url: str, count: str) -> None:
    """The workflows, all at once."""
    client = DBOSClient(system_database_url=url)
    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    options = {"queue_name": "bench", "workflow_name": "note", "app_version": "1"}
    with engine.begin() as connection:
        for number in range(int(count)):
            client.enqueue_in_transaction(connection, options, number)
    engine.dispose()
    client.destroy()


def work(url: str, name: str) -> None:
    """Rounds until no workflow is left."""
    global done
    launch(url, name)
    with psycopg.connect(url, autocommit=True) as connection:
        last = connection.execute(LAST).fetchone()[0]
        print("ready", flush=True)
        for _ in sys.stdin:
            while connection.execute(LEFT).fetchone()[0]:
                time.sleep(0.1)
            begin, end = map(float, connection.execute(SPAN, [last]).fetchone())
            mine, done, last = done, 0, end * 1000
            print(json.dumps({"begin": begin, "end": end, "took": [0.0] * mine}), flush=True)
    sys.stdout.flush()
    os._exit(0)  # its threads end with it


if __name__ == "__main__":
    verb, address, more = sys.argv[1:]
    {"setup": setup, "fill": fill, "work": work}[verb](address, more)
