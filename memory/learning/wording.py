"""What a lesson says, apart from how: its words, identifiers, and words that turn a sense."""

from __future__ import annotations

import importlib
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

_TOKEN: Final = re.compile(
    r"`(?P<code>[^`\n]{1,200})`|(?P<word>[@#$]?-{0,2}\w+(?:['./:\\@+=-]+\w+)*(?:\(\))?)"
)


def _listed(text: str) -> frozenset[str]:
    """The words of a list that is written as one text."""
    return frozenset(text.split())


_COMMON: Final = _listed(
    "a an and any are as at be been being but by can could did do does done for had has have "
    "he her his how i if in is it its just let like make makes may might must of on or our "
    "shall she should so some such than that the their them then there these they this those "
    "too always use used uses using very was we were what when where which while who why will "
    "with would you your"
)
_TURNS: Final[dict[str, str]] = {
    word: sense
    for sense, words in {
        "not": "not no never none nobody nothing neither nor cannot avoid refrain forbid forbidden "
        "prevent skip ignore hardly stop dont wont cant isnt arent doesnt didnt shouldnt mustnt",
        "without": "without lacking",
        "unless": "unless except",
        "instead": "instead rather",
        "only": "only",
    }.items()
    for word in words.split()
}
"""Words by which a sentence means the opposite, or something else, by the sense they give it."""
_OPPOSED: Final = _listed(
    "before after until since first last enable disable add remove delete drop allow deny "
    "increase decrease raise lower more less most least max min maximum minimum true false "
    "open close start end install uninstall lock unlock sync async public private pass fail "
    "success failure old new local remote left right inside outside high low above below up "
    "down early late earlier later large small larger smaller big little bigger long short "
    "longer shorter newer older higher fast slow faster slower all off include exclude accept "
    "reject refuse upload download push pull read write import export encode decode mount "
    "unmount client server optional required safe unsafe synchronous asynchronous"
)
"""Words that have an opposite which stands in the same place."""
_ORDERING: Final = _listed(
    "before after until instead rather than from into to over unless then by"
)
"""Words whose two sides cannot be exchanged."""
_NUMBERS: Final = {
    word: str(number)
    for number, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve".split()  # noqa: SIM905 - a list to read
    )
    if number > 1  # "one" is mostly no number
}


@dataclass(frozen=True, slots=True)
class Wording:
    """What a text says.

    Attributes:
        stems: the stems of its words that are neither common nor identifiers.
        identifiers: paths, names, numbers and code, each once, in their order.
        turns: what turns its sense: negations, each as often as it stands there, and words
            that have an opposite, each once; sorted.
        parts: stems and identifiers, each once, in their order, cut where words such as
            ``before`` stand, whose two sides cannot be exchanged.
    """

    stems: frozenset[str]
    identifiers: tuple[str, ...]
    turns: tuple[str, ...]
    parts: tuple[tuple[str, ...], ...]


@lru_cache(maxsize=4_096)
def wording(text: str) -> Wording:
    """What ``text`` says."""
    stems: dict[str, None] = {}
    identifiers: dict[str, None] = {}
    turns: list[str] = []
    parts: list[list[str]] = [[]]

    def say(what: str, known: dict[str, None]) -> None:
        if what not in stems and what not in identifiers:
            parts[-1].append(what)
        known[what] = None

    for found in _TOKEN.finditer(text.replace("\u2019", "'")):
        code, token = found["code"], found["word"]
        if code is not None:
            name = " ".join(code.split())
            say(name, identifiers)
            continue
        if _is_identifier(token):
            say(token, identifiers)
            continue
        for word in re.split(r"[-./:\\@+=]+", token.lower()):
            plain = word.replace("'", "")
            if not plain:
                continue
            if plain in _ORDERING and (parts[-1] or len(parts) == 1):  # "rather than" cuts once
                parts.append([])
            if plain in _NUMBERS:
                say(_NUMBERS[plain], identifiers)
            elif plain in _TURNS or word.endswith("n't"):
                turns.append(_TURNS.get(plain, "not"))
            elif plain not in _COMMON:
                stem = _stem(plain)
                if stem in _opposed() and stem not in turns:
                    turns.append(stem)
                say(stem, stems)
    return Wording(
        frozenset(stems), tuple(identifiers), tuple(sorted(turns)), tuple(map(tuple, parts))
    )


def _is_identifier(token: str) -> bool:
    if token.startswith(("@", "#", "$", "--")) or token.endswith("()"):
        return True
    if any(c.isdigit() for c in token) or "_" in token or re.search(r"\w[./:\\@+=]+\w", token):
        return True
    if "'" in token:
        return False
    letters = token.replace("-", "")
    return len(letters) > 1 and any(c.isupper() for c in letters[1:])


@lru_cache(maxsize=16_384)
def _stem(word: str) -> str:
    # At the first look: importing this module loads no stemmer. It comes without types.
    stemmer: Any = importlib.import_module("Stemmer")
    return str(stemmer.Stemmer("english", 0).stemWord(word))


@lru_cache(maxsize=1)
def _opposed() -> frozenset[str]:
    return frozenset(_stem(word) for word in _OPPOSED)
