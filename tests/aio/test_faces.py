"""The same scenarios on all faces, and on plain MongoDB, which says what is right."""

from __future__ import annotations

import pytest

from argon.errors import PointNotFound, ReadOnlyView

from .faces import Face, do, outcome
from .scenarios import PEOPLE, SCENARIOS, everything

_expected: dict[str, str] = {}


@pytest.mark.parametrize("name", SCENARIOS)
async def test_all_faces_answer_as_mongodb_does(
    name: str, face: Face, request: pytest.FixtureRequest
) -> None:
    if name not in _expected:
        _expected[name] = await outcome(SCENARIOS[name], request.getfixturevalue("plain_db"))
    assert await outcome(SCENARIOS[name], face.db) == _expected[name]


async def test_branches_the_past_and_the_log(face: Face) -> None:
    users = face.db.users
    await do(users.insert_many(PEOPLE))
    lsn = face.branch.head_lsn if face.name == "sync" else await face.branch.head_lsn
    project = await do(face.argon.project(face.project))
    feature = await do(project.create_branch("feature"))
    await do(face.database(feature).users.delete_many({}))
    await do(users.update_one({"_id": 1}, {"$set": {"age": 0}}))
    assert (await do(users.at(lsn=lsn).find_one({"_id": 1})))["age"] == 31
    assert await everything(face.db.at(lsn=lsn).users) == PEOPLE
    with pytest.raises(ReadOnlyView):
        await do(face.db.at(lsn=lsn).users.insert_one({}))
    with pytest.raises(PointNotFound):
        await do(face.db.at(lsn=10**12))
    assert await do(face.database(feature).users.count_documents({})) == 0
    restored = await do(face.branch.restore(lsn=lsn))
    assert await everything(face.database(restored).users) == PEOPLE
    assert [branch.name for branch in await do(project.branches())] == ["main", "feature", restored.name]
    [entry] = await do(face.branch.log(limit=1))
    assert (entry.operation, entry.document_id) == ("update", 1)
    report = await do(project.verify())
    assert not report.problems


async def test_a_client_of_projects(face: Face) -> None:
    client, other = face.client, f"other_{face.project}"
    await do(client[other].users.insert_one({"_id": 1}))
    assert {other, face.project} <= set(await do(client.list_database_names()))
    assert {other, face.project} <= {one["name"] for one in await do(client.list_databases())}
    assert (await do(client.admin.command("ping")))["ok"] == 1
    assert (await do(client.server_info()))["version"]
    await do(client.drop_database(other))
    assert await do(client[other].users.count_documents({})) == 0
    await do(client[other].users.insert_one({"_id": 2}))
    assert await everything(client[other].users) == [{"_id": 2}]


async def test_an_index_in_a_transaction_is_part_of_it(face: Face) -> None:
    items = face.client[face.project].items
    session = await do(face.client.start_session())
    await do(session.start_transaction())
    await do(items.create_index("a", session=session))
    await do(items.insert_one({"_id": 1}, session=session))
    await do(session.abort_transaction())
    assert await do(items.list_indexes()) == []
    await do(session.start_transaction())
    await do(items.create_index("a", session=session))
    await do(session.commit_transaction())
    await do(session.end_session())
    assert [index["name"] for index in await do(items.list_indexes())] == ["_id_", "a_1"]
