"""Tying up tasks as a file ties up its issues, in memory."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from neveridle.board.beads.circles import circles
from neveridle.board.beads.issue import BLOCKS, PARENT
from neveridle.board.beads.report import Imported
from neveridle.board.beads.rule import Ties
from neveridle.board.beads.snapshot import Edge, Snapshot, grouped
from neveridle.board.lineage import PART_OF
from neveridle.board.links import LONGEST_KIND, REFUSED

NO_EDGE = f"{REFUSED}{BLOCKS}"
NO_PARENT = f"{REFUSED}{PARENT}"


@dataclass(slots=True)
class Refused:
    """What was left out because it would close a circle.

    Attributes:
        ways: by the task that cannot be tied up, a circle it would be in.
        before: tasks that were affected by such a circle before.
    """

    ways: dict[int, list[int]] = field(default_factory=dict[int, list[int]])
    before: set[int] = field(default_factory=set[int])


def tie_up(
    board: Snapshot,
    ids: Mapping[str, int],
    was: Ties,
    now: Ties,
    new: Collection[str],
    report: Imported,
) -> Refused:
    """Take over the ties that changed in a file, and all of those that are new.

    Args:
        board: is changed; what is inherited is worked out later.
        ids: the tasks of issues.
        was: the ties as they were read last.
        now: the ties as they are.
        new: issues whose tasks are new.
        report: is told of it.
    """
    no_edges, no_parents = board.of_kind(NO_EDGE), board.of_kind(NO_PARENT)
    alone = {ids[name] for name, other in was.edges if name == other and name in ids}
    found = Refused(before=board.families({task for task, _ in no_edges | no_parents} | alone))

    def there(edges: Iterable[tuple[str, str]]) -> set[Edge]:
        return {(ids[one], ids[two]) for one, two in edges if one in ids and two in ids}

    def added(old: Iterable[tuple[str, str]], fresh: Iterable[tuple[str, str]]) -> set[Edge]:
        known = set(old)
        return there(e for e in fresh if e not in known or e[0] in new or e[1] in new)

    edges = added(was.edges, now.edges) | (no_edges & there(now.edges))
    parents = added(was.parents, now.parents) | (no_parents & there(now.parents))
    gone = board.edges & there(was.edges - now.edges)
    orphaned = {(*edge, PART_OF) for edge in there(was.parents - now.parents)}
    board.edges -= gone
    board.links -= orphaned | {(*edge, NO_EDGE) for edge in no_edges}
    board.links -= {(*edge, NO_PARENT) for edge in no_parents}
    edges = {edge for edge in edges - board.edges if edge[0] != edge[1]}
    parents = {edge for edge in parents - board.of_kind(PART_OF) if edge[0] != edge[1]}
    bad_edges, bad_parents = circles(
        grouped(board.edges), board.above(), board.handed(), edges, parents
    )
    board.edges |= edges - bad_edges.keys()
    board.links |= {(*edge, PART_OF) for edge in parents - bad_parents.keys()}
    board.links |= {(*edge, NO_EDGE) for edge in bad_edges}
    board.links |= {(*edge, NO_PARENT) for edge in bad_parents}
    _link(board, ids, was, now, new)
    report.dependencies += len(edges - bad_edges.keys())
    report.released += len(gone)
    for (task, _), way in [*bad_edges.items(), *bad_parents.items()]:
        found.ways.setdefault(task, way)
    for name, other in now.edges:
        if name == other and name in ids:
            found.ways.setdefault(ids[name], [ids[name]] * 2)
    return found


def _link(
    board: Snapshot, ids: Mapping[str, int], was: Ties, now: Ties, new: Collection[str]
) -> None:
    """Take over the ties that hold nothing up."""
    for one, two, kind in was.links - now.links:
        if one in ids and two in ids:
            board.links.discard((ids[one], ids[two], kind))
    for one, two, kind in now.links:
        fresh = (one, two, kind) not in was.links or one in new or two in new
        if fresh and one != two and one in ids and two in ids and len(kind) <= LONGEST_KIND:
            board.links.add((ids[one], ids[two], kind))
