"""Plain text out of Markdown: lines, passages, comparison forms."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

# Only the line ends that Markdown knows: str.splitlines also splits at form feeds and more.
LINE_END = re.compile(r"\r\n|\n|\r")

_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_CODE = re.compile(r"(?<!`)(`+)(?!`).+?(?<!`)\1(?!`)", re.DOTALL)
_IMAGE = re.compile(r"!\[([^\[\]]*)\]\([^()\s]*(?:\s[^()]*)?\)")
_LINK = re.compile(r"\[([^\[\]]*)\](?:\((?:[^()]|\([^()]*\))*\)|\[[^\[\]]*\])")
_LINK_TARGET = re.compile(r"(?<=\])\((?:[^()]|\([^()]*\))*\)")
_TAG = re.compile(
    r"</?(?:a|b|br|code|del|details|div|em|font|i|img|input|ins|kbd|li|mark|p|s|small|span|strong"
    r"|sub|summary|sup|u|ul)\b[^<>]*>",
    re.IGNORECASE,
)
_EMPHASIS = re.compile(
    r"(?<![\w*\\])\*(?=[^\s*])([^*\n]*[^\s*\\])\*(?![\w*])"
    r"|(?<![\w\\])_(?=[^\s_])([^_\n]*[^\s_])_(?!\w)"
)
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Passage:
    """A run of source text and where each of its lines stands in the file.

    Attributes:
        text: the lines without list markers, quote marks and indentation, joined by ``\\n``.
        origins: for each line its 0-based line number and column in the file.
    """

    text: str
    origins: tuple[tuple[int, int], ...]

    def locate(self, offset: int) -> tuple[int, int]:
        """Give the 0-based line and column in the file of an offset into ``text``."""
        before = self.text[:offset]
        line, column = self.origins[before.count("\n")]
        return line, column + offset - (before.rfind("\n") + 1)


def split_lines(text: str) -> list[str]:
    """Split at ``\\n``, ``\\r\\n`` and ``\\r``; the line ends are left out."""
    return LINE_END.split(text)


def mask(text: str) -> str:
    """Blank out code, link targets and comments, keeping every offset."""
    for pattern in (_COMMENT, _CODE, _LINK_TARGET):
        text = pattern.sub(lambda m: re.sub(r"[^\n]", "\x00", m.group()), text)
    return text


def plain(text: str) -> str:
    """Remove Markdown markup and collapse white space."""
    text = _COMMENT.sub("", text)
    text = _IMAGE.sub("", text)
    text = _LINK.sub(r"\1", text)
    text = _TAG.sub("", text).replace("`", "")
    text = text.replace("**", "").replace("__", "").replace("~~", "")
    text = _ESCAPE.sub(r"\1", _EMPHASIS.sub(r"\1\2", text))
    return " ".join(html.unescape(text).split())


def fold(text: str) -> str:
    """Reduce to lower-case words, for comparing titles."""
    return " ".join(_WORD.findall(plain(text).casefold()))
