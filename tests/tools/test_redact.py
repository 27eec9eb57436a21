"""Secrets leave; everything else stays as it was."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neveridle.tools.redact import SECRET, redact

# Put together here, so that no scanner takes this file for a leak.
KEYS = {
    "openai": "sk-" + "proj-abcDEF123456ghiJKL7890",
    "anthropic": "sk-" + "ant-api03-Zm9vYmFyYmF6cXV4-12345_AA",
    "github": "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a",
    "github app": "ghs_" + "16C7e42F292c6912E7710c838347Ae178B4a",
    "github fine-grained": "github_" + "pat_11ABCDEFG0abcdefghijkl_mnopqrstuv",
    "linear": "lin_" + "api_abcdefghijklmnopqrstuvwxyz012345",
    "slack": "xox" + "b-123456789012-abcdefABCDEF",
    "aws": "AKIA" + "IOSFODNN7EXAMPLE",
    "google": "AIza" + "SyA-1234567890abcdefghijklmnopqrstu",
    "jwt": "eyJ" + "hbGciOiJIUzI1NiJ9.eyJ" + "zdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N",
}


@pytest.mark.parametrize("kind", KEYS)
def test_a_known_key_is_replaced_wherever_it_stands(kind: str) -> None:
    key = KEYS[kind]
    for text in (key, f"key={key}", f'{{"k": "{key}"}}', f"see {key}, and\n{key}."):
        assert key not in redact(text)
        assert redact(text) == text.replace(key, SECRET)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("Authorization: Bearer abcdefgh", "Authorization: Bearer <secret>"),
        ("authorization: Basic dXNlcjpwYXNz", "authorization: Basic <secret>"),
        (
            "https://logs.example/1?sv=2&sig=a%2Fb0123456789abcdef%3D&se=3",
            "https://logs.example/1?sv=2&sig=<secret>&se=3",
        ),
        (
            "https://s3.example/1?X-Amz-Signature=0123456789abcdef",
            "https://s3.example/1?X-Amz-Signature=<secret>",
        ),
        ("{'Authorization': 'Bearer a1b2c3d4e5'}", "{'Authorization': 'Bearer <secret>'}"),
        ("Authorization: 0123456789abcdef0123", "Authorization: <secret>"),
        ("x-api-key: 0123456789abcdef0123", "x-api-key: <secret>"),
        ("sent Bearer a1b2c3d4e5f6 there", "sent Bearer <secret> there"),
        ("https://bob:hunter22@host/x", "https://bob:<secret>@host/x"),
    ],
)
def test_credentials_in_headers_and_urls(text: str, clean: str) -> None:
    assert redact(text) == clean


def test_a_private_key_loses_its_body() -> None:
    begin, end = "-----BEGIN RSA PRIVATE " + "KEY-----", "-----END RSA PRIVATE " + "KEY-----"

    assert redact(f"{begin}\nMIIabc\ndef\n{end}\n") == f"{begin}{SECRET}{end}\n"


@pytest.mark.parametrize(
    "text",
    [
        'headers = {"Authorization": f"Bearer {token}"}',
        'headers["Authorization"] = "Bearer " + api_token',
        "Bearer authentication is required",
        "The Authorization: header carries it",
        "pip install sk-learn-contrib-packages",
        "commit 16c7e42f292c6912e7710c838347ae178b4a1234",
        "https://example.com:8080/path@2",
        "f'postgres://{user}:{password}@{host}/db'",
        "task_token = count_tokens(text)",
    ],
)
def test_code_and_prose_stay_as_they_are(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize("name", ["ACME_KEY", "ACME_TOKEN", "ACME_SECRET", "ACME_PASSWORD"])
def test_values_of_secret_variables(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "correct horse")
    monkeypatch.setenv("LONGER_KEY", "correct horse battery")
    monkeypatch.setenv("SHORT_KEY", "seven77")
    monkeypatch.setenv("ACME_NAME", "not hidden")

    text = "correct horse battery; correct horse; seven77; not hidden"
    assert redact(text) == f"{SECRET}; {SECRET}; seven77; not hidden"


def test_a_value_that_is_the_placeholder_does_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ODD_KEY", SECRET)

    assert redact("Authorization: Bearer abcdefgh") == "Authorization: Bearer <secret>"


_PIECES = st.one_of(
    st.sampled_from([*KEYS.values(), "Authorization: ", "Bearer ", "sk-", "ghp_", "://a:b@", " "]),
    st.text(max_size=12),
)


@given(st.lists(_PIECES, max_size=12).map("".join))
def test_redacting_twice_is_redacting_once(text: str) -> None:
    once = redact(text)

    assert redact(once) == once
