"""procrastinate, as a peer of the board: run by the peers' own interpreter.

``setup URL -`` makes its tables, ``fill URL COUNT`` that many jobs. ``work URL NAME`` takes
part in a contest, see ``bench.worker``.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import time

import procrastinate

done = 0


def application(url: str) -> procrastinate.App:
    """An application whose one job notes that it ran."""
    connector = procrastinate.PsycopgConnector(conninfo=url, min_size=1, max_size=3)
    app = procrastinate.App(connector=connector)

    @app.task(name="bench.note", queue="bench")
    async def note(number: int) -> None:
        global done
        done += 1

    return app


async def setup(url: str, _: str) -> None:
    """The tables."""
    app = application(url)
    async with app.open_async():
        await app.schema_manager.apply_schema_async()


async def fill(url: str, count: str) -> None:
    """The jobs."""
    app = application(url)
    async with app.open_async():
        await app.tasks["bench.note"].batch_defer_async(*({"number": n} for n in range(int(count))))


async def work(url: str, _: str) -> None:
    """Rounds until no job is left; more jobs at once in one process made it slower."""
    global done
    app = application(url)
    async with app.open_async():
        print("ready", flush=True)
        for _ in sys.stdin:
            done, begin = 0, time.time()
            await app.run_worker_async(
                queues=["bench"], wait=False, listen_notify=False, install_signal_handlers=False
            )
            said = {"begin": begin, "end": time.time(), "took": [0.0] * done}
            print(json.dumps(said), flush=True)


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    verb, address, more = sys.argv[1:]
    asyncio.run({"setup": setup, "fill": fill, "work": work}[verb](address, more))
