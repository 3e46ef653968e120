"""The example service: a branch of the data for each request that names one."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from httpx import ASGITransport, AsyncClient

from argon import Argon
from argon.aio import AsyncArgon

EXAMPLE = Path(__file__).parents[2] / "examples" / "fastapi_service.py"


@pytest.fixture
async def http(argon: Argon, mongod_uri: str) -> AsyncIterator[AsyncClient]:
    """A client of the running service."""
    spec = importlib.util.spec_from_file_location("fastapi_service", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    app = module.make_app(AsyncArgon(mongod_uri, database=argon.database))
    async with (
        app.router.lifespan_context(app),
        AsyncClient(transport=ASGITransport(app), base_url="http://shop") as client,
    ):
        yield client


def on(branch: str) -> dict[str, str]:
    return {"X-Argon-Branch": branch}


async def names(http: AsyncClient, **request: Any) -> list[str]:
    reply = await http.get("/items", **request)
    assert reply.status_code == 200, reply.text
    return [item["name"] for item in reply.json()]


async def test_requests_work_on_the_branch_that_they_name(http: AsyncClient) -> None:
    assert (await http.post("/items", json={"name": "chair", "price": 40})).status_code == 201
    assert (await http.post("/branches/preview")).status_code == 201
    await http.post("/items", json={"name": "lamp", "price": 30}, headers=on("preview"))
    assert await names(http) == ["chair"]
    assert await names(http, headers=on("preview")) == ["chair", "lamp"]
    assert (await http.delete("/branches/preview")).status_code == 204
    gone = await http.get("/items", headers=on("preview"))
    assert (gone.status_code, "preview" in gone.json()["error"]) == (404, True)


async def test_the_past_of_the_shop(http: AsyncClient) -> None:
    item = (await http.post("/items", json={"name": "chair", "price": 40})).json()["id"]
    before = (await http.get("/head")).json()["lsn"]
    assert (await http.put(f"/items/{item}/price", params={"price": 55})).json()["price"] == 55
    [now] = (await http.get("/items")).json()
    [then] = (await http.get("/items", params={"at": before})).json()
    assert (now["price"], then["price"]) == (55, 40)
    assert (await http.get("/items", params={"at": 10**9})).status_code == 404


async def test_mistakes_get_answers(http: AsyncClient) -> None:
    assert (await http.get("/items", headers=on("no such name!"))).status_code == 400
    assert (await http.post("/branches/main")).status_code == 409
    missing = await http.put("/items/" + "0" * 24 + "/price", params={"price": 1})
    assert missing.status_code == 404
    assert (await http.get("/head")).status_code == 200


async def test_many_requests_on_many_branches_at_once(http: AsyncClient) -> None:
    branches = [f"b{number}" for number in range(5)]
    await asyncio.gather(*(http.post(f"/branches/{branch}") for branch in branches))
    requests = [
        http.post("/items", json={"name": f"{number:03}", "price": 1}, headers=on(branches[number % 5]))
        for number in range(100)
    ]
    replies = await asyncio.gather(*requests)
    assert {reply.status_code for reply in replies} == {201}
    for place, branch in enumerate(branches):
        expected = [f"{number:03}" for number in range(place, 100, 5)]
        assert await names(http, headers=on(branch)) == expected
    assert await names(http) == []
