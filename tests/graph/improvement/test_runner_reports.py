from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neveridle.graph.sources.improvement.runner_reports import failed_tests

PYTEST_VERBOSE = """
tests/test_a.py::test_fine PASSED                                        [ 33%]
tests/test_a.py::test_sum[a b] FAILED                                    [ 66%]
tests/test_a.py::test_set_up ERROR                                       [100%]
=========================== 1 failed, 1 passed, 1 error in 0.05s ============
"""
PYTEST_XDIST = """
[gw1] [ 50%] FAILED tests/test_a.py::test_one
[gw0] [100%] PASSED tests/test_a.py::test_two
=========================== short test summary info ============================
\x1b[31mFAILED\x1b[0m tests/test_a.py::\x1b[1mtest_one\x1b[0m - assert 1 == 2
SUBFAILED[msg] (i='0') tests/test_x.py::U::test_sub - AssertionError: 0 != 1
ERROR tests/test_broken.py - ImportError while importing test module
\x1b[31m2 failed, 1 error in 4.29s\x1b[0m
"""
UNITTEST = """
======================================================================
FAIL: test_old (test_x.U)
----------------------------------------------------------------------
ERROR: test_new (pkg.test_x.U.test_new) [msg] (i=0)
ERROR: test_y (unittest.loader._FailedTest.test_y)
Ran 2 tests in 0.001s
"""
GO = """
--- FAIL: TestSum (0.00s)
    --- FAIL: TestSum/negative (0.00s)
        sum_test.go:12: got 1
FAIL
FAIL\texample.org/math\t0.003s
ok  \texample.org/text\t0.002s
# example.org/broken
FAIL\texample.org/broken [build failed]
FAIL
"""
CARGO = """
running 3 tests
test tests::ok ... ok
test tests::sp - should panic ... FAILED
test tests::it_fails ... FAILED

failures:
    tests::it_fails

test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out
"""
JEST = """
 PASS  src/b.test.ts
 FAIL  src/a.test.ts (5.2 s)
  ● Console

    console.log
  ● cart \u203a adds two

    expect(received).toBe(expected)
 FAIL  src/broken.test.ts
  ● Test suite failed to run

Tests:       1 failed, 3 passed, 4 total
"""
VITEST = """
 \u276f src/a.test.ts (2 tests | 1 failed) 5ms
 FAIL  src/a.test.ts > cart > adds two
AssertionError: expected 2 to be 3
 FAIL  src/broken.test.ts [ src/broken.test.ts ]
 Test Files  2 failed (2)
      Tests  1 failed | 1 passed (2)
"""
TAP = """TAP version 13
ok 1 - fine
not ok 2 - adds up
not ok 3 - known # TODO later
not ok 4 - away # SKIP
not ok
1..5
"""
NODE = """TAP version 13
# Subtest: cart
    # Subtest: is \\# one
    not ok 1 - is \\# one
      ---
      location: '/tmp/a.test.js:6:27'
      failureType: 'testCodeFailure'
      ...
    1..1
not ok 1 - cart
  ---
  type: 'suite'
  location: '/tmp/a.test.js:6:1'
  failureType: 'subtestsFailed'
  ...
1..1
# fail 1
"""
ANGLE = "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}"


@pytest.mark.parametrize(
    ("output", "names"),
    [
        (PYTEST_VERBOSE, ["tests/test_a.py::test_sum", "tests/test_a.py::test_set_up"]),
        (
            PYTEST_XDIST,
            ["tests/test_a.py::test_one", "tests/test_x.py::U::test_sub", "tests/test_broken.py"],
        ),
        (UNITTEST, ["test_x.U.test_old", "pkg.test_x.U.test_new", "test_y"]),
        (GO, ["example.org/math.TestSum", "example.org/broken"]),
        (CARGO, ["tests::sp", "tests::it_fails"]),
        (JEST, [f"src/a.test.ts {ANGLE} cart {ANGLE} adds two", "src/broken.test.ts"]),
        (VITEST, ["src/a.test.ts > cart > adds two", "src/broken.test.ts"]),
        (TAP, ["adds up"]),
        (NODE, ["cart > is # one"]),
        (PYTEST_XDIST + GO, [
            "tests/test_a.py::test_one", "tests/test_x.py::U::test_sub", "tests/test_broken.py",
            "example.org/math.TestSum", "example.org/broken",
        ]),
        ("Everything is fine: 0 failed, 12 passed in 3 s", []),
        ("FAILED to connect to the database\nFAIL: bad (request)\nnot ok 1 - x", []),
        ("", []),
    ],
    ids=lambda value: value.strip()[:12] if isinstance(value, str) else "",
)  # fmt: skip
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_names(output: str, names: list[str], end: str) -> None:
    found = failed_tests(output.replace("\n", end))
    assert [test.name for test in found] == names


def test_paths() -> None:
    assert [test.path for test in failed_tests(NODE)] == ["/tmp/a.test.js"]
    assert [test.path for test in failed_tests(JEST)] == ["src/a.test.ts", "src/broken.test.ts"]


_PIECES = st.sampled_from(
    [
        *(PYTEST_VERBOSE + PYTEST_XDIST + UNITTEST + GO + CARGO).split("\n"),
        *(JEST + VITEST + TAP + NODE).split("\n"),
    ]
) | st.text(max_size=40)


@given(st.lists(_PIECES, max_size=40), st.sampled_from(["\n", "\r\n", "\r", " "]))
def test_never_raises_and_names_each_once(pieces: list[str], end: str) -> None:
    found = failed_tests(end.join(pieces))
    assert len(set(found)) == len(found)
    assert all(test.name and "\n" not in test.name for test in found)
