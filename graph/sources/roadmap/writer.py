"""Writing a status back into a roadmap by the smallest edit."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from neveridle.errors import NotFound
from neveridle.graph.sources.roadmap.keys import keys_of
from neveridle.graph.sources.roadmap.reader import read_roadmap, scan
from neveridle.graph.sources.roadmap.text import LINE_END
from neveridle.graph.sources.roadmap.vocabulary import LOOSE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from neveridle.graph.sources.roadmap.item import Status
    from neveridle.graph.sources.roadmap.scan import Found, Scan
    from neveridle.graph.sources.roadmap.status import Kind

_SIGNS: dict[Status, str] = {"todo": "📋", "in_progress": "🚧", "done": "✅", "dropped": "🚫"}
_WORDS: dict[Status, str] = {
    "todo": "planned",
    "in_progress": "in progress",
    "done": "done",
    "dropped": "dropped",
}
_AFTER_SIGN = re.compile(r"[ \t*_(]*")
_LONGEST_CELL = 25

Edit = tuple[int, int, str, str]
"""0-based line and column, what stands there, what shall stand there."""


def mark(text: str, key: str, status: Status) -> str:
    """Say in the text of a roadmap that one item has a status.

    One line changes at most, everything else stays as it is to the byte. The style is the
    file's own: its box characters, its emoji, the words of its status column. Where the item's
    form has no way to say the status (a plain bullet; "in progress" among plain checkboxes),
    or where it is said already, the text comes back unchanged.

    Args:
        text: the roadmap as it stands.
        key: the item's ``RoadmapItem.key``.
        status: what is to be said of it.

    Raises:
        NotFound: no item of this text has that key.
    """
    state = scan(text)
    item = dict(zip(keys_of(state.found), state.found, strict=True)).get(key)
    if item is None:
        raise NotFound(
            f"The roadmap has no item with the key {key!r}.",
            remedy="It was removed or renamed; read the roadmap again.",
        )
    if item.status == status:
        return text
    edit = _edit(item, status, state)
    if edit is None:
        return text
    changed = _apply(text, edit)
    # The reader is the judge: an edit that it would not understand is not made.
    if any(other.key == key and other.status == status for other in read_roadmap(changed)):
        return changed
    return text


def _apply(text: str, edit: Edit) -> str:
    line, column, old, new = edit
    ends = [match.end() for match in LINE_END.finditer(text)]
    start = (ends[line - 1] if line else 0) + column
    return text[:start] + new + text[start + len(old) :]


def _edit(item: Found, status: Status, state: Scan) -> Edit | None:
    said = item.mark
    if item.cell is not None:
        cell = _cell_edit(item, status, state)
        if cell:
            return cell
    if said is None:
        return _insertion(item, status, state)
    new = _wording(item, said.kind, said.raw, status, state)
    if new is None:
        return None
    return said.line, said.column, said.raw, new


def _cell_edit(item: Found, status: Status, state: Scan) -> Edit | None:
    """Write a status cell the way the same table already says that status."""
    cell = item.cell
    if cell is None:
        return None
    line, column = cell.locate(0)
    peers = [
        other.cell.text
        for other in state.found
        if other.order == item.order
        and other.status == status
        and other.mark
        and other.cell
        and 0 < len(other.cell.text) <= _LONGEST_CELL
        and not re.search(r"\d", other.cell.text.replace("100%", ""))
    ]
    whole = item.mark is None or _covers(cell.text, item.mark.raw)
    if whole and peers:
        word = _commonest(peers)
        return line, column, cell.text, word if cell.text else f"{word} "
    if item.mark is None:
        word = _recase(_WORDS[status], "Done")
        return line, column, cell.text, word if cell.text else f"{word} "
    if item.mark.kind == "sign":
        after = cell.text[cell.text.find(item.mark.raw) + len(item.mark.raw) :]
        gap = _AFTER_SIGN.match(after)
        told = LOOSE.match(after, gap.end()) if gap else None
        sign = _wording(item, "sign", item.mark.raw, status, state)
        if told and sign:
            word = _wording(item, "word", told.group(), status, state) or _WORDS[status]
            old = item.mark.raw + after[: told.end()]
            new = sign + after[: told.start()] + _recase(word, told.group())
            return item.mark.line, item.mark.column, old, new
    return None


def _covers(cell: str, raw: str) -> bool:
    """Tell whether a cell says nothing but its status."""
    rest = cell.replace(raw, "", 1)
    return not re.sub(r"[\W_]", "", LOOSE.sub("", rest, count=1))


def _insertion(item: Found, status: Status, state: Scan) -> Edit | None:
    """Mark an unmarked item the way its neighbours in the same list are marked."""
    fronts: list[str] = []
    ends: list[str] = []
    for other in state.found:
        text = other.passage.text
        if other.order != item.order or not other.mark or other.mark.status != status:
            continue
        if other.mark.kind not in ("sign", "word") or other.cut == (0, 0) or "\n" in text:
            continue
        if other.cut[0] == 0:
            fronts.append(text[: other.cut[1]].rstrip() + " ")
        elif other.cut[1] == len(text):
            ends.append(text[other.cut[0] :])
    line, column = item.passage.locate(0)
    if fronts:
        return line, column, "", _commonest(fronts)
    if ends and "\n" not in item.passage.text:
        return line, column + len(item.passage.text), "", _commonest(ends)
    return None


def _wording(item: Found, kind: Kind, raw: str, status: Status, state: Scan) -> str | None:
    """Choose the sign, box or word for a status: the list's own, the file's, the usual one."""
    if kind == "strike":
        return None
    if raw.endswith("%"):
        return {"done": "100%", "todo": "0%"}.get(status)
    others = [o for o in state.found if o.mark and o.mark.kind == kind and o.mark.status == status]
    near = [o.mark.raw for o in others if o.order == item.order and o.mark]
    used = near or [o.mark.raw for o in others if o.mark]
    known = [token for token, meant in state.legend.own.items() if meant == status]
    if kind == "box":
        usual = {"done": "[x]", "todo": "[ ]"}.get(status)
        boxes = [token for token in known if token.startswith("[")]
        return _commonest(used) if used else next(iter(boxes), usual)
    if kind == "sign":
        signs = [token for token in known if not token.startswith("[")]
        return _commonest(used) if used else next(iter(signs), _SIGNS[status])
    return _recase(_commonest(used) if used else _WORDS[status], raw)


def _commonest(words: Iterable[str]) -> str:
    return Counter(words).most_common(1)[0][0]


def _recase(word: str, like: str) -> str:
    """Write a word in capitals, with one capital, or in small letters, like another."""
    if like.isupper() and len(like) > 1:
        return word.upper()
    if like[:1].isupper():
        return word[:1].upper() + word[1:]
    return word.lower()
