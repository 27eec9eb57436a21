"""What bubblewrap keeps a command from."""

from __future__ import annotations

import os
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from neveridle.errors import SandboxMissing
from neveridle.tools.sandbox import Sandbox

Make = Callable[..., Awaitable[Sandbox]]


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


async def test_our_environment_is_not_seen_in_the_first_process_either(
    bubblewrap: Make, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    sandbox = await bubblewrap()

    result = await sandbox.run("cat /proc/*/environ", tree=tree)

    assert "HOME=/home/agent" in result.output
    assert "sk-secret" not in result.output


async def test_nothing_outside_the_tree_is_seen_or_written(
    bubblewrap: Make, tree: Path, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("hidden")
    (tree / "link").symlink_to(secret)
    sandbox = await bubblewrap()

    seen = await sandbox.run(f"cat '{secret}' link; ls ~ '{tmp_path}' /home /root", tree=tree)
    await sandbox.run(f"echo x > '{tmp_path}/planted'; echo x > /tmp/planted-outside", tree=tree)
    places = f"'{tmp_path}/y' /y /usr/y /etc/y /dev/y /lib/y"
    written = await sandbox.run(
        f"for f in {places}; do (: > $f) 2>/dev/null && echo wrote $f; done; true", tree=tree
    )

    assert "hidden" not in seen.output
    assert secret.read_text() == "hidden"
    assert names_in(tmp_path) == {"secret.txt", tree.name}
    assert "planted-outside" not in names_in(Path("/tmp"))
    assert "wrote /" not in written.output.replace(f"wrote {tmp_path}", "")
    assert (await sandbox.run("test -e /etc/ssl/private", tree=tree)).exit_code == 1


async def test_kernel_settings_cannot_be_written(bubblewrap: Make, tree: Path) -> None:
    """Root in a sandbox could otherwise name a program that the kernel runs outside."""
    sandbox = await bubblewrap()

    result = await sandbox.run(
        "test -w /proc/sys/kernel/core_pattern || test -w /proc/sysrq-trigger", tree=tree
    )

    assert result.exit_code == 1


async def test_home_and_tmp_are_fresh_and_writable(bubblewrap: Make, tree: Path) -> None:
    sandbox = await bubblewrap()
    command = (
        "ls -A ~ /tmp/left /dev/shm/left; echo x | tee ~/left /tmp/left > /dev/shm/left && whoami"
    )

    first = await sandbox.run(command, tree=tree)
    second = await sandbox.run(command, tree=tree)

    assert first.ok
    assert first.output == second.output
    assert "left" not in names_in(Path("/tmp"))


async def test_a_read_only_tree_stays_as_it_is(bubblewrap: Make, tree: Path) -> None:
    (tree / "kept").write_text("as it was")
    sandbox = await bubblewrap()

    result = await sandbox.run("cat kept; echo x > kept; rm kept", tree=tree, writable=False)

    assert result.exit_code != 0
    assert result.output.startswith("as it was")
    assert (tree / "kept").read_text() == "as it was"


async def test_processes_of_the_machine_are_invisible(bubblewrap: Make, tree: Path) -> None:
    sandbox = await bubblewrap()

    result = await sandbox.run(f"kill -0 {os.getpid()}; ls /proc | grep -c '^[0-9]'", tree=tree)

    assert int(result.output.split()[-1]) < 10


async def test_loopback_of_the_machine_is_out_of_reach_unless_allowed(
    bubblewrap: Make, tree: Path
) -> None:
    closed, opened = await bubblewrap(), await bubblewrap(network=True)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        command = (
            f"python3 -c 'import socket; socket.create_connection((\"127.0.0.1\", {port}), 5)'"
        )

        assert not (await closed.run(command, tree=tree)).ok
        assert (await opened.run(command, tree=tree)).ok

    own = "import socket; s = socket.create_server(('localhost', 0)); "
    own += "socket.create_connection(s.getsockname())"
    assert (await closed.run(f'python3 -c "{own}"', tree=tree)).ok


async def test_readable_folders_are_seen_and_not_written(
    bubblewrap: Make, tree: Path, tmp_path: Path
) -> None:
    tools = tmp_path / "toolchain"
    (tools / "bin").mkdir(parents=True)
    (tools / "bin" / "greet").write_text("#!/bin/sh\necho hello\n")
    (tools / "bin" / "greet").chmod(0o755)
    sandbox = await bubblewrap(readable=[tools, tmp_path / "absent"])

    result = await sandbox.run(f"greet; rm '{tools}/bin/greet'", tree=tree)

    assert result.output.startswith("hello\n")
    assert (tools / "bin" / "greet").exists()


async def test_a_sandbox_that_cannot_be_set_up_is_no_failed_command(
    bubblewrap: Make, tree: Path
) -> None:
    sandbox = await bubblewrap()

    with pytest.raises(SandboxMissing, match="could not confine"):
        await sandbox.run("true", tree=tree / "absent")


async def test_temporary_space_is_limited(bubblewrap: Make, tree: Path) -> None:
    sandbox = await bubblewrap(memory_mb=64)

    result = await sandbox.run("head -c 100000000 /dev/zero > /tmp/big", tree=tree)

    assert "No space left" in result.output
