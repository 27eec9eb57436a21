"""The benchmark's database: plain JSON, fresh for each run, compared by its hash."""

from __future__ import annotations

import hashlib
import json
import pickle
from collections.abc import Callable, Mapping, Sequence, Set
from pathlib import Path
from typing import Any, Final, cast

from neveridle.errors import DatasetInvalid

LARGEST: Final = 500_000_000
"""Bytes of one file that are read."""
PLAIN: Final = frozenset({str, int, float, bool, type(None)})


class Database:
    """The tables as they are at the start; each run gets its own.

    Args:
        tables: by name.

    Raises:
        DatasetInvalid: they cannot be copied.
    """

    def __init__(self, tables: Mapping[str, Any]) -> None:
        self.tables = sorted(str(name) for name in tables)
        try:
            self._kept = pickle.dumps(dict(tables), pickle.HIGHEST_PROTOCOL)
        except (pickle.PicklingError, TypeError, AttributeError, RecursionError) as error:
            msg = f"The database holds what cannot be copied: {error}."
            raise DatasetInvalid(msg, remedy="It must be plain data, as in JSON.") from error

    def fresh(self) -> dict[str, Any]:
        """A database that nobody has written to."""
        # Made above, in this process, from the files: nothing from outside is unpickled.
        return cast("dict[str, Any]", pickle.loads(self._kept))

    @classmethod
    def from_folder(cls, folder: Path, *, domain: str = "") -> Database:
        """Read every ``.json`` file of a folder as a table.

        The domain that all names begin with (``airline_flights.json``) is dropped. Where
        they begin with several, those of ``domain`` are read.

        Args:
            folder: where they lie.
            domain: what the tools are for, such as ``airline``, or a dotted name that has it.

        Raises:
            DatasetInvalid: there are none, or they cannot be read; says which file.
        """
        try:
            files = sorted(path for path in folder.glob("*.json") if path.is_file())
        except OSError as error:
            msg = f"{folder} cannot be read: {error.strerror or error}."
            raise DatasetInvalid(msg) from error
        if not files:
            below = sorted({path.parent.name for path in folder.glob("*/*.json")})
            hint = f" There are some in {', '.join(below[:5])}." if below else ""
            msg = f"{folder} holds no .json files: there is no database.{hint}"
            raise DatasetInvalid(msg, remedy="Give the folder of the tables with --data.")
        return cls({name: _read(path) for name, path in _named(files, domain, folder).items()})

    @classmethod
    def from_function(cls, load: Callable[[], Any]) -> Database:
        """What a package's own ``load_data()`` gives.

        Raises:
            DatasetInvalid: it fails, or gives no tables by name.
        """
        try:
            tables = load()
        except Exception as error:  # the user's code may raise anything
            msg = f"The package's load_data() failed: {type(error).__name__}: {error}."
            raise DatasetInvalid(msg, remedy="Give a folder with --data.") from error
        if not isinstance(tables, dict):
            msg = f"The package's load_data() gives {type(tables).__name__}, not tables by name."
            raise DatasetInvalid(msg, remedy="Give a folder with --data.")
        return cls(cast("dict[str, Any]", tables))


def digest(data: Any) -> str:
    """The hash that tau-bench tells databases by: SHA-256 of nested, sorted tuples as text.

    Raises:
        DatasetInvalid: it holds what has no such hash.
    """
    try:
        return hashlib.sha256(str(_sorted(data)).encode()).hexdigest()
    except RecursionError:
        msg = "The database is nested too deeply, or holds itself: it has no hash."
        raise DatasetInvalid(msg, remedy=_REMEDY) from None
    except (TypeError, ValueError) as error:
        msg = f"The database holds what cannot be hashed: {error}."
        raise DatasetInvalid(msg, remedy=_REMEDY) from error


_REMEDY: Final = "A tool left something in it that is no plain data, as in JSON."


def _sorted(item: Any) -> Any:
    if type(item) in PLAIN:  # most of them, by far
        return item
    if isinstance(item, dict):
        pairs = sorted(cast("Mapping[Any, Any]", item).items(), key=_first)
        return tuple([(key, _sorted(value)) for key, value in pairs])
    if isinstance(item, (list, tuple)):
        return tuple([_sorted(one) for one in cast("Sequence[Any]", item)])
    if isinstance(item, (set, frozenset)):
        return tuple(sorted([_sorted(one) for one in cast("Set[Any]", item)]))
    # The text of any other object may have its address in it: no two would be equal.
    msg = f"a {type(item).__name__}"
    raise TypeError(msg)


def _first(pair: tuple[Any, Any]) -> Any:
    return pair[0]


def _named(files: list[Path], domain: str, folder: Path) -> dict[str, Path]:
    domains = {path.stem.partition("_")[0] for path in files}
    if not all("_" in path.stem.strip("_") for path in files):
        return {path.stem: path for path in files}
    if len(domains) > 1:
        wanted = {one for one in domains if one in _words(domain)}
        if len(wanted) != 1:
            said = ", ".join(sorted(domains))
            msg = f"{folder} holds tables of several domains: {said}."
            raise DatasetInvalid(msg, remedy="Give a folder with those of one domain.")
        domains = wanted
    prefix = f"{domains.pop()}_"
    return {p.stem.removeprefix(prefix): p for p in files if p.stem.startswith(prefix)}


def _words(text: str) -> set[str]:
    return set("".join(one if one.isalnum() else " " for one in text).split())


def _read(path: Path) -> Any:
    try:
        if path.stat().st_size > LARGEST:
            msg = f"{path} has more than {LARGEST:,} bytes."
            raise DatasetInvalid(msg)
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror or error}."
        raise DatasetInvalid(msg) from error
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        msg = f"{path} is no JSON: {error}."
        raise DatasetInvalid(msg, remedy="It may be cut off: get it again.") from error
