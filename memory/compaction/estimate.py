"""How many tokens a text has, estimated without a tokenizer's tables.

The text is split into pieces exactly as cl100k does before it merges bytes, and each piece
costs what pieces of its kind and length cost on average. Numbers, spaces and short words are
then right, not estimated, and what is learnt (``coefficients.py``) is little.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

from neveridle.memory.compaction.coefficients import BLOCKS, OWN, PIECES, SCRIPTS, WEIGHED

LONGEST: Final = 400_000
"""Characters that are looked at; of a longer text, samples of so many in all."""
_SAMPLES: Final = 50

_PIECE: Final = re.compile(
    r"'(?:[sdmt]|ll|ve|re)|[^\r\n\w]?[^\W\d_]+|_[^\W\d_]+|\d{1,3}"
    r"| ?(?:[^\s\w]|_)+[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s",
    re.IGNORECASE,
)
_WORD: Final = re.compile(r"[^\W\d_]+")
_HUMP: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
_RUSSIAN: Final = re.compile("[ыэ]")
_NOT_RUSSIAN: Final = re.compile("[іїєґқңғүұөәѓќљњџћђјў]")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ENGLISH: Final = _words(
    "the of and to a in is that it for you was with on as this be are have not or by from at if"
)
_ROMANCE: Final = _words(
    "de la que los las por para con una del les des est dans pour une qui sur pas avec le il che "
    "non sono della di per um uma em não da sau să pe nu ou et ce au ne este din care sunt"
)
_OTHER: Final = _words(
    "der die und das ist nicht den von zu mit ein eine auf dem het een van niet voor dat te zijn "
    "att det som inte av til ikke er på nie jest się że ve bir bu için ile ja että se az és egy "
    "hogy nem je jsou nebo och en vagy olan vai ole sekä på för med"
)


def estimate_tokens(text: str) -> int:
    """How many tokens ``text`` has, within a tenth of cl100k on ordinary text.

    Linear in the text up to ``LONGEST`` characters, and constant beyond.
    """
    if not text:
        return 0
    if len(text) <= LONGEST:
        return max(1, round(_estimate(text)))
    # Evenly spread samples: an enormous text is mostly alike, and must not cost seconds.
    size, step = LONGEST // _SAMPLES, len(text) / _SAMPLES
    parts = (text[int(at * step) : int(at * step) + size] for at in range(_SAMPLES))
    return round(sum(map(_estimate, parts)) * len(text) / (size * _SAMPLES))


def _estimate(text: str) -> float:
    family = _family(text)
    russian = _is_russian(text)
    return sum(
        count * _cost(piece, family, russian=russian)
        for piece, count in Counter(_PIECE.findall(text)).items()
    )


def _family(text: str) -> str:
    """Of which languages with Latin letters a text is: ``romance``, ``other``; empty: English."""
    words = _WORD.findall(text.lower())
    romance = sum(word in _ROMANCE for word in words)
    other = sum(word in _OTHER for word in words)
    strange = romance + other + sum(not word.isascii() for word in words)
    english = sum(word in _ENGLISH for word in words)
    if strange <= english or strange <= 0.08 * len(words):
        return ""
    return "romance" if romance > other else "other"


def _is_russian(text: str) -> bool:
    """Words in Russian have far more tokens of their own than others in Cyrillic."""
    own = len(_RUSSIAN.findall(text))
    return own > 0 and own * 2 > len(_NOT_RUSSIAN.findall(text))


def _cost(piece: str, family: str, *, russian: bool) -> float:
    if piece.isspace() or piece[0].isdigit():
        return 1.0
    if not piece.isascii():
        return _cost_in_script(piece, family, russian=russian)
    if not piece[-1].isalpha():
        signs = piece.strip()
        return _look_up("marks same" if len(set(signs)) == 1 else "marks", len(signs))
    if piece[0] == "'" and len(piece) <= 3:
        return 1.0
    word = piece if piece[0].isalpha() else piece[1:]
    if len(word) > 20 and len(set(word)) == 1:
        return 1 + len(word) / 8
    lead = "bare" if word is piece else "word" if piece[0] == " " else "mark"
    style = "lower" if word.islower() else "Capital" if word[1:].islower() else "miXed"
    if word.isupper():
        style = "UPPER" if len(word) > 1 else "Capital"
    if style == "miXed":
        humps = len(_HUMP.findall(word))
        if humps * 3 > len(word) > 4:  # a random string, not words written together
            return 0.85 * len(word)
        lead = "word" if lead == "word" else "bare"
    elif family and style != "UPPER":
        return _look_up(f"{family} {lead}", len(word))
    return _look_up(f"{lead} {style}", len(word))


def _look_up(kind: str, length: int) -> float:
    *table, further = PIECES[kind]
    if length <= len(table):
        return table[length - 1]
    cost = table[-1] + further * (min(length, 20) - len(table))
    return cost + 0.55 * max(0, length - 20)  # no word is so long


def _cost_in_script(piece: str, family: str, *, russian: bool) -> float:
    body = piece.strip() or piece
    scripts = Counter(_script(ord(sign)) for sign in body if ord(sign) > 127)
    script = scripts.most_common(1)[0][0] if scripts else "latin"
    size = len(body)
    if script in WEIGHED:
        twice = 3 if script == "emoji" else 2
        size = sum(1 if ord(sign) < 128 or sign in OWN else twice for sign in body)
    elif script == "cyrillic" and russian:
        script = "russian"
    elif script == "latin" and family == "romance":
        script = "romance"
    first, second = SCRIPTS[script]
    return max(1.0, first + second * size)


def _script(code: int) -> str:
    return next(name for end, name in BLOCKS if code < end)
