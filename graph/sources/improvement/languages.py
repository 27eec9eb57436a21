"""What comments and strings look like, by family of languages."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Final

# Strings are known so that a comment sign in one is none. A quote that is not closed where its
# language says it must be matches nothing, and counts as an ordinary character.
_DOUBLE = r'"(?:\\.|[^"\\\n])*"'
_SINGLE = r"'(?:\\.|[^'\\\n])*'"
_RAW_DOUBLE = r'"[^"\n]*"'
_RAW_SINGLE = r"'[^'\n]*'"
# In YAML and the like a quote after a letter is an apostrophe.
_QUOTED = rf"(?<!\w){_RAW_SINGLE}"
_TRIPLE_DOUBLE = r'"""[\s\S]*?(?:"""|\Z)'
_TRIPLE_SINGLE = r"'''[\s\S]*?(?:'''|\Z)"
_BACKTICK = r"`(?:\\[\s\S]|[^`\\])*`"
_RAW_BACKTICK = r"`[^`]*`"
# In C, Rust and Java a quote may also begin a lifetime or part digits.
_CHARACTER = r"'(?:\\[^\n]{1,10}?|[^'\\\n])'"

_BLOCK = r"/\*[\s\S]*?(?:\*/|\Z)"
_SLASHES = r"//[^\n]*"
_DASHES = r"--[^\n]*"
_MARKUP = r"<!--[\s\S]*?(?:-->|\Z)"
# In most languages `#` may also stand inside a word: `$#`, `${x#y}`, `a#b`.
_HASH = r"(?:(?<=[\s;])|^)#[^\n]*"


def _tokens(strings: list[str], comments: list[str]) -> str:
    return "|".join([*strings, f"(?P<comment>{'|'.join(comments)})"])


TOKENS: Final[dict[str, str]] = {
    "python": _tokens([_TRIPLE_DOUBLE, _TRIPLE_SINGLE, _DOUBLE, _SINGLE], [r"#[^\n]*"]),
    "hash": _tokens([_DOUBLE, _QUOTED], [_HASH]),
    "c": _tokens([_DOUBLE, _CHARACTER], [_SLASHES, _BLOCK]),
    "go": _tokens([_DOUBLE, _CHARACTER, _RAW_BACKTICK], [_SLASHES, _BLOCK]),
    "script": _tokens([_DOUBLE, _SINGLE, _BACKTICK], [_SLASHES, _BLOCK]),
    "php": _tokens([_DOUBLE, _SINGLE], [_SLASHES, _BLOCK, r"(?:(?<=\s)|^)#(?!\[)[^\n]*"]),
    "css": _tokens([_DOUBLE, _SINGLE], [_BLOCK]),
    "component": _tokens([_DOUBLE, _SINGLE, _BACKTICK], [_MARKUP, r"(?<!:)//[^\n]*", _BLOCK]),
    "sql": _tokens([_RAW_DOUBLE, _RAW_SINGLE], [_DASHES, _BLOCK]),
    "lua": _tokens([_DOUBLE, _SINGLE], [r"--\[\[[\s\S]*?(?:\]\]|\Z)", _DASHES]),
    "haskell": _tokens([_DOUBLE, _CHARACTER], [_DASHES, r"\{-[\s\S]*?(?:-\}|\Z)"]),
    "percent": _tokens([], [r"(?<!\\)%[^\n]*"]),
    "semicolon": _tokens([_DOUBLE], [r";[^\n]*"]),
    "quote": _tokens([_RAW_DOUBLE], [r"'[^\n]*"]),
    "markup": _tokens([], [_MARKUP]),
}
"""For each family a pattern (with MULTILINE) whose group ``comment`` is a comment."""

_SUFFIXES: Final = {
    "python": "py pyi pyx pxd bzl star gd",
    "hash": "sh bash zsh fish ksh rb rake gemspec pl pm r jl ex exs cr nim tcl awk yml yaml toml"
    " cfg conf mk cmake tf hcl nix graphql gql ps1 psm1 dockerfile coffee",
    "c": "c h cc cpp cxx hh hpp hxx m mm java kt kts scala cs rs swift zig d proto dart groovy"
    " gradle glsl vert frag cu sol v sv fs fsx",
    "go": "go",
    "script": "js jsx ts tsx mjs cjs mts cts",
    "php": "php",
    "css": "css",
    "component": "vue svelte astro scss sass less",
    "sql": "sql",
    "lua": "lua",
    "haskell": "hs elm purs adb ads",
    "percent": "tex sty erl hrl",
    "semicolon": "lisp cl el clj cljs cljc edn scm rkt asm s",
    "quote": "vb bas",
    "markup": "html htm xhtml xml xsl xslt xaml",
}
_BY_SUFFIX: Final = {
    f".{suffix}": family for family, suffixes in _SUFFIXES.items() for suffix in suffixes.split()
}
_HASH_NAMES: Final = frozenset(
    {"dockerfile", "containerfile", "makefile", "gnumakefile", "rakefile", "gemfile", "justfile"}
    | {"vagrantfile", "procfile", "cmakelists.txt", ".gitignore", ".dockerignore", ".editorconfig"}
)


def family_of(path: str) -> str:
    """The family of a file by its name, a key of ``TOKENS``; empty where we know no comments."""
    pure = PurePosixPath(path.lower())
    return "hash" if pure.name in _HASH_NAMES else _BY_SUFFIX.get(pure.suffix, "")
