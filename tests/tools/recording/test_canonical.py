"""What differs between runs gets a name; what matters stays."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neveridle.tools.recording.canonical import Names

SHA = "16c7e42f292c6912e7710c838347ae178b4a90ab"
OTHER = "0f1e2d3c4b5a69788796a5b4c3d2e1f0deadbeef"


def text(value: str, **roots: Path) -> str:
    return Names(roots).text(value)


@pytest.mark.parametrize(
    ("raw", "canonical"),
    [
        # times
        ("at 2025-11-22T14:08:55.123456+01:00!", "at ⟦time⟧!"),
        ("2025-11-22 14:08:55,123 INFO", "⟦time⟧ INFO"),
        ("2025-11-22T14:08:55Z", "⟦time⟧"),
        ("2025-11-22 14:08", "⟦time⟧"),
        ("Date:   Sat Nov 22 14:08:55 2025 +0100", "Date:   ⟦time⟧"),
        ("Date: Sat, 22 Nov 2025 14:08:55 GMT", "Date: ⟦time⟧"),
        ("-rw-r--r-- 1 a a 12 Nov  2 14:08 x.py", "-rw-r--r-- 1 a a 12 ⟦time⟧ x.py"),
        # durations
        ("3 passed in 0.12s", "3 passed in ⟦duration⟧"),
        ("3 passed in 71.20s (0:01:11)", "3 passed in ⟦duration⟧"),
        ("1.2 seconds later", "⟦duration⟧ later"),
        ("took 3 s", "took ⟦duration⟧"),
        ("Ran 3 tests in 4s", "Ran 3 tests in ⟦duration⟧"),
        ("finished in 12 seconds", "finished in ⟦duration⟧"),
        # ids
        ("id 123e4567-e89b-12d3-a456-426614174000", "id ⟦uuid:1⟧"),
        ("<Foo at 0x7f3a2b1c4d50>", "<Foo at ⟦address⟧>"),
        (f"commit {SHA}\n\n{OTHER} {SHA}", "commit ⟦hash:1⟧\n\n⟦hash:2⟧ ⟦hash:1⟧"),
        (f"{SHA[:7]} then {SHA}", "⟦hash:1~7⟧ then ⟦hash:1⟧"),
        ("index 1234567..89abcde 100644", "index ⟦hash:1~7⟧..⟦hash:2~7⟧ 100644"),
        ("[main 1234567] Say hello", "[main ⟦hash:1~7⟧] Say hello"),
        ("HEAD is now at 1234567 Say", "HEAD is now at ⟦hash:1~7⟧ Say"),
        ("a1b2c3d..e4f5a6b  main", "⟦hash:1~7⟧..⟦hash:2~7⟧  main"),
    ],
)
def test_what_differs_between_runs(raw: str, canonical: str) -> None:
    assert text(raw) == canonical


@pytest.mark.parametrize(
    "kept",
    [
        "timeout = 30",
        "sleep(1.5)",
        "wait 30 s before the second try",
        "retry in 5 seconds",
        "width: 1.5em; v1.2.3; 10.5%",
        "2025-11-22 is the deadline",
        "lunch at 12:30",
        "port 8080, pid 1234567, 10000000 rows",
        "deadbeef defaced effaced",
        "0x1f2e3d4c",
        "#1a2b3c4d",
        "0.1234567e9 3.1415926",
        "abc1234x x1234567a",
        "a1b2c3",
        "x['call_1']",
        "int32 sha256 utf8 base64",
        "1000000..2000000",
        "main.3f2a1b9c.js",
    ],
)
def test_what_matters_stays(kept: str) -> None:
    assert text(kept) == kept


def test_folders_are_named_and_the_inner_one_counts(tmp_path: Path) -> None:
    root = tmp_path / "my projects" / "ü"
    clone = root / ".neveridle" / "clone-7"
    raw = f"{clone}/src/a.py, {root}/b.py: in {clone}. -I{clone}/include {clone}-old"

    assert text(raw, root=root, workspace=clone) == (
        "⟦workspace⟧/src/a.py, ⟦root⟧/b.py: in ⟦workspace⟧. -I⟦workspace⟧/include "
        "⟦root⟧/.neveridle/clone-7-old"
    )


def test_the_root_of_the_file_system_is_no_folder_to_name() -> None:
    assert text("/ and /usr/bin", root=Path("/")) == "/ and /usr/bin"


def test_a_short_folder_inside_a_path_is_not_the_folder() -> None:
    assert text("src/srv/x /srv/x", root=Path("/srv")) == "src/srv/x ⟦root⟧/x"


def test_temporary_folders_are_numbered(tmp_path: Path) -> None:
    assert text("/tmp/tmpab12/x.py /tmp/other/y /tmp/tmpab12.") == "⟦tmp:1⟧/x.py ⟦tmp:2⟧/y ⟦tmp:1⟧."
    assert text("src/tmp/keep.py") == "src/tmp/keep.py"
    assert text("/var/folders/a1/b2c/T/xyz/f") == "⟦tmp:1⟧/f"
    assert text("C:\\Users\\Kim\\AppData\\Local\\Temp\\tmp1\\f") == "⟦tmp:1⟧\\f"
    one, two = f"/tmp/pytest-of-kim/pytest-{1}/test_a0/f", "/tmp/pytest-of-jo/pytest-23/test_a0/f"
    assert text(one) == text(two) == "⟦tmp:1⟧/f"


def test_an_answer_moves_to_another_folder_and_another_commit(tmp_path: Path) -> None:
    here, there = Names({"workspace": tmp_path / "one"}), Names({"workspace": tmp_path / "two"})
    here.text(f"{tmp_path}/one has {SHA} and {SHA[:7]}")
    there.text(f"{tmp_path}/two has {OTHER} and {OTHER[:7]}")

    answer = here.mask(f"git show {SHA[:7]} {SHA} -- {tmp_path}/one/a.py; see 0.5s abc1234")

    assert answer == "git show ⟦hash:1~7⟧ ⟦hash:1⟧ -- ⟦workspace⟧/a.py; see 0.5s abc1234"
    assert there.unmask(answer) == (
        f"git show {OTHER[:7]} {OTHER} -- {tmp_path}/two/a.py; see 0.5s abc1234"
    )


def test_names_without_a_value_stay() -> None:
    assert Names().unmask("⟦hash:9⟧ ⟦workspace⟧ ⟦time⟧ ⟦hash:0⟧") == (
        "⟦hash:9⟧ ⟦workspace⟧ ⟦time⟧ ⟦hash:0⟧"
    )


PIECES = st.one_of(
    st.sampled_from(
        [
            SHA,
            SHA[:7],
            OTHER,
            "/tmp/a",
            "/tmp/b/c",
            " ",
            "\n",
            ".",
            "/",
            "0.5s",
            "2025-11-22 14:08 ",
        ]
    ),
    st.text(max_size=8),
)


@given(st.lists(PIECES, max_size=10).map(" ".join))
def test_masking_can_be_undone(said: str) -> None:
    names = Names()
    names.text(said)

    assert names.unmask(names.mask(said)) == said


@given(st.lists(PIECES, max_size=10).map(" ".join))
def test_the_same_text_is_canonical_in_the_same_way(said: str) -> None:
    assert Names().text(said) == Names().text(said)
    once = Names().text(said)
    assert Names().text(once) == once
