"""Where a text that is longer than the model reads at once is cut."""

from __future__ import annotations

from collections.abc import Sequence

_ENDS = frozenset(".!?…")
_ENDS_ALONE = frozenset("。！？｡؟।۔")  # noqa: RUF001 - other scripts; no blank follows these
_AFTER = "\"'”’»)]"  # noqa: RUF001 - it closes a quotation

Span = tuple[int, int]


def spans(text: str, offsets: Sequence[Span], limit: int) -> list[Span]:
    """Ranges of tokens, each ``limit`` at most, that cover all of them, in order.

    The ranges are of about the same length. They end where a sentence does, or else a word,
    unless neither ends near: in the last quarter of a range, or as far beyond as there is room.

    Args:
        text: what was tokenized.
        offsets: for each token, where in the text it begins and ends.
        limit: tokens that the model reads at once; at least 1.
    """
    found: list[Span] = []
    start, total = 0, len(offsets)
    while total - start > limit:
        left = total - start
        even = -(-left // -(-left // limit))
        least, most = start + max(1, even - even // 4), start + limit
        end = _best(text, offsets, start + even, least, most)
        found.append((start, end))
        start = end
    found.append((start, total))
    return found


def _best(text: str, offsets: Sequence[Span], wish: int, least: int, most: int) -> int:
    word: int | None = None
    for end in sorted(range(least, most + 1), key=lambda at: abs(at - wish)):
        kind = _break(text, offsets[end - 1], offsets[end])
        if kind == 2:
            return end
        if kind == 1 and word is None:
            word = end
    return wish if word is None else word


def _break(text: str, before: Span, after: Span) -> int:
    """2: a sentence ends between the two tokens; 1: a word; 0: neither."""
    said = text[max(0, before[1] - 3) : before[1]].rstrip(_AFTER)[-1:]
    if said in _ENDS_ALONE and said:
        return 2
    # Some tokenizers count the blank before a word as a part of its token.
    between = text[before[1] : after[0] + 1] if after[0] >= before[1] else ""
    if "\n" in between:
        return 2
    if not any(character.isspace() for character in between):
        return 0
    return 2 if said in _ENDS and said else 1
