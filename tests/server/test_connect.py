"""Which server is used, which is refused, and what messages show of its address."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymongo import MongoClient

from argon.errors import ServerError, StandaloneServer
from argon.server import EmbeddedServer, check_server, redact_uri, resolve_uri
from argon.server.directory import DataDirectory
from argon.server.launch import free_port
from argon.server.locate import find_mongod


@pytest.fixture
def standalone(data_dir: Path) -> Iterator[str]:
    """The URI of a mongod that is no replica set."""
    (data_dir / "db").mkdir(parents=True)
    port = free_port(None)
    mongod = subprocess.Popen(
        [
            *(find_mongod(DataDirectory(data_dir)), "--dbpath", data_dir / "db", "--port", str(port)),
            *("--bind_ip", "127.0.0.1", "--nounixsocket"),
        ],
        stdout=subprocess.DEVNULL,
    )
    yield f"mongodb://127.0.0.1:{port}/"
    mongod.kill()
    mongod.wait()


def hello(uri: str) -> dict[str, Any]:
    with MongoClient[dict[str, Any]](uri) as client:
        return client.admin.command("hello")


def test_a_standalone_is_refused_with_the_commands_that_make_it_a_replica_set(standalone: str) -> None:
    with pytest.raises(StandaloneServer) as raised:
        check_server(hello(standalone), standalone)
    message = str(raised.value)
    host = standalone.removeprefix("mongodb://").rstrip("/")
    for part in ("shutdownServer()", "mongod --replSet rs0", "rs.initiate(", f'host: "{host}"'):
        assert part in message


def test_a_replica_set_will_do(mongod_uri: str) -> None:
    check_server(hello(mongod_uri), mongod_uri)


def test_a_sharded_cluster_will_do() -> None:
    check_server({"msg": "isdbgrid", "maxWireVersion": 21}, "mongodb://router/")


def test_a_member_that_was_not_initiated_is_told_so() -> None:
    with pytest.raises(StandaloneServer, match="never initiated"):
        check_server({"isreplicaset": True, "maxWireVersion": 17}, "mongodb://127.0.0.1/")


@pytest.mark.parametrize("wire_version", [6, 13, 15])
def test_servers_without_clustered_collections_are_refused(wire_version: int) -> None:
    with pytest.raises(ServerError, match=r"clustered collections.*MongoDB 5\.3"):
        check_server({"setName": "rs0", "maxWireVersion": wire_version}, "mongodb://h/")


def test_refusals_show_no_password() -> None:
    too_old, standalone = {"maxWireVersion": 6}, {"maxWireVersion": 17}
    for answer in (too_old, standalone, {**standalone, "isreplicaset": True}):
        with pytest.raises(ServerError) as raised:
            check_server(answer, "mongodb://ann:s3cret@h:27018/?authSource=admin")
        assert "s3cret" not in str(raised.value)
        assert "h:27018" in str(raised.value)


def test_a_given_uri_comes_before_the_environment_and_that_before_the_embedded_server(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARGON_DATA_DIR", str(data_dir))
    monkeypatch.setenv("ARGON_MONGODB_URI", "mongodb://environment/")
    assert resolve_uri("mongodb://given/") == "mongodb://given/"
    assert resolve_uri() == "mongodb://environment/"
    assert not data_dir.exists()
    monkeypatch.setenv("ARGON_MONGODB_URI", "")
    assert resolve_uri() == EmbeddedServer().status().uri


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("mongodb://h1,h2:27018/db?replicaSet=rs0", "mongodb://h1,h2:27018/db?replicaSet=rs0"),
        ("mongodb://ann@h/", "mongodb://ann@h/"),
        ("mongodb://ann:secret@h1,h2/?w=1", "mongodb://ann:***@h1,h2/?w=1"),
        ("mongodb+srv://ann:secret@cluster.example.net", "mongodb+srv://ann:***@cluster.example.net"),
        ("mongodb://h/?tls=true&tlsCertificateKeyFilePassword=x&w=1", None),
    ],
)
def test_only_secrets_are_hidden(uri: str, shown: str | None) -> None:
    assert redact_uri(uri) == (shown or "mongodb://h/?tls=true&tlsCertificateKeyFilePassword=***&w=1")


@given(st.text(min_size=1))
def test_no_password_is_shown_even_where_it_was_not_escaped(password: str) -> None:
    for spelled in (password, quote_plus(password)):
        marked = f"<{spelled}>"
        assert marked not in redact_uri(f"mongodb://ann:{marked}@host:27017/db?replicaSet=rs0")
