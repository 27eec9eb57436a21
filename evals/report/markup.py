"""A page that needs nothing besides itself: elements, style, and a few lines of script.

What is not ``Raw`` is escaped, so that a title is a title whatever it holds. A content security
policy lets the page's own script run, by its hash, and lets it load nothing from anywhere.
"""

from __future__ import annotations

import base64
import hashlib
from html import escape
from typing import Final

EMPTY: Final = frozenset(("meta", "br", "line", "rect", "circle"))


class Raw(str):
    """Markup that was made here, of escaped text."""

    __slots__ = ()


def el(tag: str, *children: str | None, **attributes: str | float | None) -> Raw:
    """One element.

    Args:
        tag: its name.
        children: markup, or text, which is escaped; None is left out.
        attributes: an underscore at the end is dropped, others become hyphens; None is left out.
    """
    said = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(str(value))}"'
        for name, value in attributes.items()
        if value is not None
    )
    if tag in EMPTY:
        return Raw(f"<{tag}{said}/>")
    return Raw(f"<{tag}{said}>{joined(*children)}</{tag}>")


def joined(*children: str | None) -> Raw:
    """Several pieces, one after the other."""
    return Raw("".join(
        one if isinstance(one, Raw) else escape(one) for one in children if one is not None
    ))  # fmt: skip


def page(title: str, *body: str | None) -> str:
    """A whole page."""
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", http_equiv="Content-Security-Policy", content=policy),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", name="referrer", content="no-referrer"),
        el("title", title),
        el("style", Raw(STYLE)),
    )
    script = el("script", Raw(SCRIPT))
    whole = el("html", head, el("body", el("h1", title), *body, script), lang="en")
    return f"<!doctype html>\n{whole}\n"


def table(heads: list[str], rows: list[list[str]], *, kind: str = "") -> Raw:
    """A table that scrolls by itself where the screen is narrow."""
    top = el("thead", el("tr", *(el("th", head, scope="col") for head in heads)))
    body = el("tbody", *(el("tr", *(el("td", cell) for cell in row)) for row in rows))
    return el("div", el("table", top, body, class_=kind or None), class_="wide")


def badge(word: str) -> Raw:
    """A word in the colour of what it says."""
    return el("span", word, class_=f"badge is-{word.replace(' ', '-')}")


def filters(words: list[tuple[str, int]]) -> Raw:
    """Buttons that show only what is of one kind; all are shown where no script runs."""
    buttons = [el("button", f"all {sum(count for _, count in words)}", type="button",
                  data_only="", aria_pressed="true")]  # fmt: skip
    buttons += [
        el("button", f"{word} {count}", type="button", data_only=word, aria_pressed="false")
        for word, count in words
    ]
    return el("p", *buttons, class_="filters", role="group", aria_label="Show only")


# No "<" and no "&" in either: they stand in the page as they are.
SCRIPT: Final = """
"use strict";
const buttons = document.querySelectorAll("button[data-only]");
for (const button of buttons) {
  button.addEventListener("click", () => {
    const only = button.dataset.only;
    for (const one of buttons) one.setAttribute("aria-pressed", String(one === button));
    for (const item of document.querySelectorAll("[data-kind]"))
      item.hidden = only !== "" ? item.dataset.kind !== only : false;
  });
}
"""
STYLE: Final = """
:root { color-scheme: light dark; --good: #1a7f37; --bad: #cf222e; --odd: #8250df;
  --dim: #6e7781; --warn: #9a6700; --line: #d0d7de; --soft: #f6f8fa; --text: #1f2328;
  --back: #fff; }
@media (prefers-color-scheme: dark) { :root { --good: #3fb950; --bad: #f85149; --odd: #bc8cff;
  --dim: #8d96a0; --warn: #d29922; --line: #30363d; --soft: #161b22; --text: #e6edf3;
  --back: #0d1117; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 70rem; color: var(--text); background: var(--back);
  font: 16px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0;
  border-bottom: 1px solid var(--line); overflow-wrap: normal; }
.wide { overflow-x: auto; max-width: 100%; }
details { border: 1px solid var(--line); border-radius: .4rem; margin: .4rem 0; }
summary { padding: .5rem .75rem; cursor: pointer; background: var(--soft); border-radius: .4rem; }
details > div { padding: .5rem .75rem; }
button { font: inherit; color: inherit; background: var(--soft); border: 1px solid var(--line);
  border-radius: .4rem; padding: .3rem .7rem; margin: 0 .4rem .4rem 0; cursor: pointer; }
button[aria-pressed="true"] { border-color: var(--text); font-weight: 600; }
[hidden] { display: none; }
.badge { font-weight: 600; margin-right: .5rem; }
.dim { color: var(--dim); }
svg { max-width: 100%; height: auto; display: block; margin: .5rem 0; }
.wide svg { min-width: 36rem; } /* scrolls: its letters must stay readable */
svg text { fill: var(--text); font: 13px system-ui, sans-serif; }
.axis { stroke: var(--line); }
.is-passed, .is-better { color: var(--good); } .is-failed, .is-worse { color: var(--bad); }
.is-error, .is-mixed { color: var(--odd); } .is-new, .is-gone, .is-unknown { color: var(--warn); }
.is-skipped, .is-same, .is-within-noise, .is-changed { color: var(--dim); }
svg .is-passed, svg .is-better { fill: var(--good); stroke: var(--good); }
svg .is-failed, svg .is-worse { fill: var(--bad); stroke: var(--bad); }
svg .is-error, svg .is-mixed { fill: var(--odd); stroke: var(--odd); }
svg .is-skipped, svg .is-same, svg .is-within-noise, svg .is-changed, svg .is-unknown {
  fill: var(--dim); stroke: var(--dim); }
"""
