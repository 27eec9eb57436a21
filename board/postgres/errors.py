"""What PostgreSQL's errors mean for the board, and which of them pass by themselves."""

from __future__ import annotations

import re
from urllib.parse import unquote

import psycopg
from psycopg import errors

from neveridle.board.address import shown
from neveridle.errors import BoardUnusable, DiskFull

TRIES = 10
"""How often a transaction is begun again after it lost against another one."""

PASSING = (errors.SerializationFailure, errors.DeadlockDetected)
"""The transaction was undone, and nothing is wrong with it: it may be run again."""


def of(error: BaseException) -> psycopg.Error | None:
    """psycopg's error, also where SQLAlchemy wrapped it; None: it is another one."""
    cause = getattr(error, "orig", None) or error
    return cause if isinstance(cause, psycopg.Error) else None


def explain(error: psycopg.Error, url: str) -> Exception:
    """The error of ours that says what to do about one of PostgreSQL's."""
    where, said = shown(url), _said(error, url)
    if isinstance(error, errors.DiskFull):
        msg = f"No space is left for the board at {where}."
        return DiskFull(msg, remedy="Free some space; everything acknowledged so far is kept.")
    if isinstance(error, PASSING):
        msg = f"The board at {where} is too busy: {TRIES} tries lost against other processes."
        return BoardUnusable(msg, remedy="Try again; look for what else writes to its database.")
    if isinstance(error, errors.LockNotAvailable):
        msg = f"The board at {where} was locked by another process for too long."
        return BoardUnusable(msg, remedy="Look in pg_stat_activity for a transaction that hangs.")
    msg = f"The board at {where} cannot be used: {said}"
    if isinstance(error, errors.InvalidCatalogName):
        return BoardUnusable(msg, remedy="Make the database first, as with `createdb`.")
    if isinstance(
        error, (errors.InvalidPassword, errors.InvalidAuthorizationSpecification)
    ) or re.search(r"password|authentication|role ", said):
        return BoardUnusable(msg, remedy="Look at user and password in team.board.")
    if isinstance(error, (errors.InsufficientPrivilege, errors.ReadOnlySqlTransaction)):
        remedy = "Its user needs to write there, and to make tables once; a standby takes no board."
        return BoardUnusable(msg, remedy=remedy)
    if isinstance(error, (errors.DataCorrupted, errors.IndexCorrupted)):
        return BoardUnusable(msg, remedy="Restore the database from a copy, or rebuild its index.")
    if isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError)):
        if "does not exist" in said:
            return BoardUnusable(msg, remedy="Make the database first, as with `createdb`.")
        return BoardUnusable(msg, remedy="Look at the server, the network and team.board.")
    if isinstance(error, psycopg.ProgrammingError) and error.sqlstate is None:
        return BoardUnusable(msg, remedy="Look at the URL: postgresql://USER@HOST/DATABASE.")
    return error


def _said(error: psycopg.Error, url: str) -> str:
    """The first line of what the server said, without the password."""
    lines = str(error).strip().splitlines()
    first = lines[0] if lines else type(error).__name__
    userinfo = url.partition("://")[2].rpartition("@")[0]
    secrets = {userinfo.partition(":")[2], *re.findall(r"(?i)password=([^&\s]*)", url)}
    for secret in filter(None, {*secrets, *map(unquote, secrets)}):
        first = first.replace(secret, "***")
    return first.rstrip(".") + "."
