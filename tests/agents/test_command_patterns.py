"""Command patterns: no way of writing the same command comes around one."""

from __future__ import annotations

import shlex
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neveridle.agents.command_patterns import LONGEST, WORDS, asked_by

PUSH = ("git push*",)


def asked(command: str) -> bool:
    return bool(asked_by(command, PUSH))


@st.composite
def spelt(draw: st.DrawFn) -> str:
    """``git push …``, its words quoted and spaced in some way."""
    words = ["git", "push", *draw(st.lists(st.sampled_from(["origin", "-f", "a b", "x;y"])))]

    def one(word: str) -> str:
        how = draw(st.integers(0, 4))
        if how == 0 or not word.isalpha():
            return shlex.quote(word)
        if how == 1:
            return f'"{word}"'
        if how == 2:
            return f"{word[0]}''{word[1:]}"
        return word if how == 3 else f"{word[0]}\\{word[1:]}"

    space = st.sampled_from([" ", "  ", "\t", " \\\n "])
    line = one(words[0])
    for word in words[1:]:
        line += draw(space) + one(word)
    return draw(st.sampled_from(["", "/usr/bin/"])) + line if line.startswith("git") else line


@st.composite
def hidden(draw: st.DrawFn) -> str:
    """The command within chains, behind prefixes and in shells of shells."""
    line = draw(spelt())
    before = st.sampled_from(["true", "echo 'a b'", "cd web", "printf '%s' \"x;y\""])
    for _ in range(draw(st.integers(0, 3))):
        match draw(st.integers(0, 5)):
            case 0:
                joint = draw(st.sampled_from(["; ", ";", " && ", "&&", " || ", "\n", " | ", "&"]))
                line = f"{draw(before)}{joint}{line}"
            case 1:
                joint = draw(st.sampled_from(["; ", " && ", " || ", "\n", " | ", " & "]))
                line = f"{line}{joint}{draw(before)}"
            case 2:
                prefix = ["A=1", "A='1 2' B=", "env A=1", "sudo -u me", "exec", "nohup", "time",
                          "timeout 5", "xargs", "command", "! "]  # fmt: skip
                line = f"{draw(st.sampled_from(prefix))} {line}"
            case 3:
                shell = draw(st.sampled_from(["sh -c", "/bin/sh -ec", "bash -lc", "eval", "su -c"]))
                line = f"{shell} {shlex.quote(line)}"
            case 4:
                line = draw(
                    st.sampled_from(["( {} )", "{{ {}; }}", "$( {} )", "if true; then {}; fi"])
                ).format(line)
            case _:
                line = f"   {line}  "
    return line


@given(hidden())
def test_the_same_command_is_asked_about_however_it_is_written(command: str) -> None:
    assert asked(command)


WORD = st.text(st.sampled_from("abcdeghilmnoprtu-./=_'\"\\ ;|&()"), max_size=12)


@given(st.lists(WORD, max_size=8).map(" ".join))
def test_what_names_no_pushing_is_not_asked_about_and_nothing_breaks(command: str) -> None:
    letters = "".join(one for one in command if one.isalpha())
    if "push" not in letters:
        assert not asked(command)


@pytest.mark.parametrize(
    ("command", "yes"),
    [
        ("git pull", False),
        ("gitpush", False),
        ("git status; git commit -m 'pushed'", False),
        ("git$IFS'push'", True),
        ("git${IFS}push", True),
        ("env -S'git push'", True),
        ("bash --rcfile='git push'", True),
        ("$'git' push", True),
        ("cat <<EOF\ngit push\nEOF", True),
        ("x='git push'; $x", True),
        ("`git push`", True),
        ("echo \"a; git push", True),  # quotes that do not close
        ("echo 'git push'", True),  # rather too often
        ("sh -c " + shlex.quote("sh -c " + shlex.quote("sh -c " + shlex.quote("git push"))), True),
    ],
)  # fmt: skip
def test_by_example(command: str, yes: bool) -> None:
    assert asked(command) is yes


def test_patterns_are_compared_with_their_spaces_as_one_and_case_counts() -> None:
    assert asked_by("rm  -rf /", ["ls*", "*rm   -rf*"]) == "*rm   -rf*"
    assert asked_by("GIT push", PUSH) == ""
    assert asked_by("ls", ["", "  "]) == ""
    assert asked_by("anything", []) == ""


def test_what_is_too_long_to_look_through_is_asked_about() -> None:
    assert asked("x" * (LONGEST + 1))
    assert asked("x " * (WORDS + 1))
    deep = "x y"
    for _ in range(12):
        deep = f"sh -c {shlex.quote(deep)}"
        if len(deep) > LONGEST // 4:
            break
    assert asked(deep)


@pytest.mark.skipif(shutil.which("sh") is None, reason="needs a shell")
@pytest.mark.parametrize("prefix", ["sh -c ", "eval ", "A=1 sh -c "])
def test_the_examples_are_what_a_shell_runs(prefix: str) -> None:
    line = prefix + shlex.quote('g""it  "push" x')
    line = f'git() {{ echo ran "$@"; }}; {line}' if prefix == "eval " else line
    ran = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False)
    assert asked(line)
    if prefix == "eval ":
        assert ran.stdout == "ran push x\n"
