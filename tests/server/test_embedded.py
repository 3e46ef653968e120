"""The embedded server's life, with real processes."""

from __future__ import annotations

import os
import re
import resource
import signal
import socketserver
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from argon.errors import EmbeddedServerError
from argon.server import EmbeddedServer
from argon.server.directory import DataDirectory
from argon.server.launch import free_port
from argon.server.locate import find_mongod
from argon.server.process import Process, identify
from argon.server.state import read_state

START = """\
import pathlib, sys
from argon.server import EmbeddedServer
print(EmbeddedServer(pathlib.Path(sys.argv[1])).start(), flush=True)
"""


class Stranger(socketserver.TCPServer):
    """Another program's server."""

    allow_reuse_address = True


def starter(data_dir: Path, then: str) -> subprocess.Popen[str]:
    """Another process that starts the server."""
    return subprocess.Popen(
        [sys.executable, "-c", START + then, str(data_dir)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def pid_of(server: EmbeddedServer) -> int:
    pid = server.status().pid
    assert pid is not None
    return pid


def kill(server: EmbeddedServer) -> Process:
    process = identify(pid_of(server))
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    while process.is_alive:
        time.sleep(0.001)
    return process


def write(uri: str, number: int) -> None:
    with (
        MongoClient[dict[str, Any]](uri) as client,
        client.start_session() as session,
        session.start_transaction(),  # which a replica set alone has
    ):
        client.shop.orders.insert_one({"_id": number}, session=session)


def written(uri: str) -> list[int]:
    with MongoClient[dict[str, Any]](uri) as client:
        return [each["_id"] for each in client.shop.orders.find().sort("_id")]


def starts(server: EmbeddedServer) -> int:
    """How many times a mongod began to run on the server's data."""
    return server.status().log_path.read_text().count('"msg":"MongoDB starting"')


def test_a_server_is_started_once_found_again_stopped_and_keeps_its_data(server: EmbeddedServer) -> None:
    assert not server.status().running
    assert not server.stop()

    uri = server.start()
    write(uri, 1)
    status = server.status()
    assert (status.running, status.uri, status.data_dir) == (True, uri, server.data_dir)
    assert status.version
    assert EmbeddedServer(server.data_dir).start() == uri
    assert pid_of(server) == status.pid

    process = identify(pid_of(server))
    assert process is not None
    assert server.stop()
    assert not process.is_alive
    stopped = server.status()
    assert (stopped.running, stopped.pid, stopped.uri) == (False, None, None)
    assert stopped.version == status.version

    again = server.start()
    assert again == uri, "clients that are still open should find the server where it was"
    assert written(again) == [1]


def test_only_this_machine_can_reach_it(server: EmbeddedServer) -> None:
    with MongoClient[dict[str, Any]](server.start()) as client:
        options = client.admin.command("getCmdLineOpts")["parsed"]
    assert options["net"]["bindIp"] == "127.0.0.1"
    assert server.data_dir.stat().st_mode & 0o077 == 0


@pytest.mark.skipif(not Path("/proc/self/limits").exists(), reason="no other system tells the limits")
def test_it_may_open_as_many_files_as_the_user_whatever_the_client_may(server: EmbeddedServer) -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(1024, before[0]), before[1]))
    try:
        server.start()
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == min(1024, before[0])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    found = re.search(r"Max open files +(\d+)", Path(f"/proc/{pid_of(server)}/limits").read_text())
    assert found is not None
    assert int(found[1]) == min(64_000, before[1])


def test_processes_that_start_at_once_share_one_server(data_dir: Path, server: EmbeddedServer) -> None:
    starters = [starter(data_dir, "pass") for _ in range(4)]
    uris = {each.communicate(timeout=60)[0].strip() for each in starters}
    assert uris == {server.status().uri}
    assert starts(server) == 1


def test_it_outlives_the_client_that_started_it_and_a_ctrl_c_meant_for_that(
    data_dir: Path, server: EmbeddedServer
) -> None:
    client = starter(data_dir, "sys.stdin.read()")
    assert client.stdout is not None
    uri = client.stdout.readline().strip()
    process = identify(pid_of(server))
    os.killpg(client.pid, signal.SIGINT)
    client.communicate(timeout=60)
    assert process is not None
    assert process.is_alive
    write(uri, 1)
    assert identify(pid_of(server)) == process


def test_after_a_crash_of_the_server_the_next_start_has_every_acknowledged_write(
    server: EmbeddedServer,
) -> None:
    uri = server.start()
    with MongoClient[dict[str, Any]](uri) as client:
        client.shop.orders.insert_many([{"_id": number} for number in range(100)])
        kill(server)
        assert not server.status().running
        assert server.start() == uri
        assert client.shop.orders.count_documents({}) == 100


def test_a_server_whose_note_is_lost_is_found_and_taken_over(server: EmbeddedServer) -> None:
    uri = server.start()
    pid = pid_of(server)
    DataDirectory(server.data_dir).state.unlink()
    assert server.status().uri == uri
    assert server.start() == uri
    assert pid_of(server) == pid
    assert server.stop()


def test_a_port_that_was_taken_meanwhile_is_given_up(server: EmbeddedServer) -> None:
    first = server.start()
    write(first, 1)
    killed = kill(server)
    while not killed.has_ended:
        time.sleep(0.001)
    state = read_state(DataDirectory(server.data_dir))
    assert state is not None
    with Stranger(("127.0.0.1", state.port), socketserver.BaseRequestHandler) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        second = server.start()
        assert second != first
        write(second, 2)  # by way of the replica set, which must know its member's new address
        other.shutdown()
    assert written(second) == [1, 2]


def test_damaged_data_is_an_error_with_what_the_log_says(server: EmbeddedServer) -> None:
    server.start()
    kill(server)
    (server.data_dir / "db" / "WiredTiger.wt").write_bytes(b"not what it was" * 1000)
    with pytest.raises(EmbeddedServerError, match="ARGON_DATA_DIR") as raised:
        server.start()
    message = str(raised.value)
    assert str(server.status().log_path) in message
    assert "WiredTiger" in message
    assert not server.status().running


def test_data_that_another_server_has_open_is_left_to_it(server: EmbeddedServer) -> None:
    directory = DataDirectory(server.data_dir)
    directory.prepare()
    subprocess.run(
        [
            *(find_mongod(directory), "--port", str(free_port(None)), "--bind_ip", "127.0.0.1"),
            *("--fork", "--nounixsocket", "--dbpath", directory.database, "--logpath", directory.log),
        ],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    other = identify(int((directory.database / "mongod.lock").read_text()))
    assert other is not None
    try:
        with pytest.raises(EmbeddedServerError, match="Another server has"):
            server.start()
        assert other.is_alive
        assert not server.stop()
    finally:
        os.kill(other.pid, signal.SIGKILL)


@pytest.mark.parametrize(
    "note",
    [
        "",
        "{",
        "[]",
        '{"port": 1}',
        '{"port": 1, "version": "6.0.5", "process": {"pid": 1}}',
        '{"port": 1, "version": "6.0.5", "process": {"pid": THIS, "started": "long ago"}}',
        '{"port": 1, "version": "6.0.5", "process": {"pid": 4194999, "started": "long ago"}}',
    ],
)
def test_a_stale_or_damaged_note_is_no_running_server(server: EmbeddedServer, note: str) -> None:
    server.data_dir.mkdir()
    (server.data_dir / "server.json").write_text(note.replace("THIS", str(os.getpid())))
    # A lock file of a mongod that died, its process id used again by this process.
    (server.data_dir / "db").mkdir()
    (server.data_dir / "db" / "mongod.lock").write_text(f"{os.getpid()}\n")
    assert not server.status().running
    assert not server.stop()


def test_a_start_gets_over_what_a_crash_and_a_reboot_leave(server: EmbeddedServer) -> None:
    server.data_dir.mkdir()
    (server.data_dir / "server.json").write_text(
        f'{{"port": 1, "version": "6.0.5", "process": {{"pid": {os.getpid()}, "started": "long ago"}}}}'
    )
    (server.data_dir / "server.lock").touch()
    (server.data_dir / "db").mkdir()
    (server.data_dir / "db" / "mongod.lock").write_text(f"{os.getpid()}\n")
    write(server.start(), 1)


def test_a_directory_that_cannot_be_written_is_named_with_the_way_to_another(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EmbeddedServerError, match="ARGON_DATA_DIR") as raised:
        EmbeddedServer(tmp_path / "file" / "data").start()
    assert str(tmp_path / "file" / "data") in str(raised.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_directory_without_permission_is_refused(server: EmbeddedServer) -> None:
    server.data_dir.mkdir(mode=0o500)
    with pytest.raises(EmbeddedServerError, match="ARGON_DATA_DIR"):
        server.start()


def test_the_directory_can_be_chosen_by_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARGON_DATA_DIR", str(tmp_path / "chosen"))
    assert EmbeddedServer().data_dir == tmp_path / "chosen"


def test_a_process_is_known_by_more_than_its_id() -> None:
    this = identify(os.getpid())
    assert this is not None
    assert this.is_alive
    assert not Process(os.getpid(), "another time").is_alive


def test_a_process_that_ended_is_dead_even_before_its_parent_asks() -> None:
    child = subprocess.Popen(["true"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert identify(child.pid) is None
    child.wait()
