"""A shop behind FastAPI, with a branch of the data for each request that names one.

A header says on which branch a request works, so that a pull request's preview
or a test run has data of its own and the rest of the service is as it was::

    pip install 'argon[embedded]' fastapi uvicorn
    uvicorn examples.fastapi_service:app
    curl -X POST localhost:8000/branches/preview
    curl -X POST localhost:8000/items -H 'X-Argon-Branch: preview' \
        -H 'Content-Type: application/json' -d '{"name": "lamp", "price": 30}'
    curl localhost:8000/items                                  # main: nothing
    curl localhost:8000/items -H 'X-Argon-Branch: preview'     # the lamp
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from bson import ObjectId
from fastapi import Depends, FastAPI, Header, HTTPException, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from argon.aio import AsyncArgon, AsyncWALDatabase
from argon.errors import ArgonError, Conflict, InvalidName, NotFound, PointNotFound

PROJECT = "shop"


class Item(BaseModel):
    """What the shop sells."""

    name: str
    price: float = Field(gt=0)


def make_app(argon: AsyncArgon | None = None) -> FastAPI:
    """Make the service.

    Args:
        argon: Where the data is; by default the server of the settings, or an embedded one.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with argon or AsyncArgon() as opened:
            if PROJECT not in [project.name for project in await opened.projects()]:
                await opened.create_project(PROJECT)
            app.state.argon = opened
            app.state.client = opened.client()
            yield

    app = FastAPI(title="Shop", lifespan=lifespan)
    app.add_exception_handler(ArgonError, _explain)

    @app.post("/items", status_code=201)
    async def add(item: Item, db: Database) -> dict[str, str]:
        result = await db.items.insert_one(item.model_dump())
        return {"id": str(result.inserted_id)}

    @app.get("/items")
    async def show(db: Database, at: Annotated[int | None, Query()] = None) -> list[dict[str, Any]]:
        seen = db if at is None else db.at(lsn=at)
        return [_shown(item) async for item in seen.items.find().sort("name")]

    @app.put("/items/{item_id}/price")
    async def reprice(item_id: str, price: float, db: Database) -> dict[str, Any]:
        async with db.commit(message=f"reprice {item_id}", author="service") as txn:
            changed = await txn.items.find_one_and_update(
                {"_id": ObjectId(item_id)}, {"$set": {"price": price}}, return_document=True
            )
            if changed is None:
                raise HTTPException(404, f"there is no item {item_id}")
            await txn.prices.insert_one({"item": changed["_id"], "price": price})
        return _shown(changed)

    @app.post("/branches/{name}", status_code=201)
    async def fork(name: str, request: Request) -> dict[str, Any]:
        project = await request.app.state.argon.project(PROJECT)
        branch = await project.create_branch(name)
        return {"branch": branch.name, "base_lsn": branch.base_lsn}

    @app.delete("/branches/{name}", status_code=204)
    async def forget(name: str, request: Request) -> None:
        await (await request.app.state.argon.project(PROJECT)).delete_branch(name)

    @app.get("/head")
    async def head(db: Database) -> dict[str, int]:
        return {"lsn": await db.branch.head_lsn}

    return app


async def _database(
    request: Request, x_argon_branch: Annotated[str, Header()] = "main"
) -> AsyncWALDatabase[Any]:
    """Return the branch that the request is about; it is looked up with its first use."""
    database: AsyncWALDatabase[Any] = request.app.state.client[f"{PROJECT}@{x_argon_branch}"]
    return database


Database = Annotated[AsyncWALDatabase[Any], Depends(_database)]


def _shown(item: dict[str, Any]) -> dict[str, Any]:
    return {**item, "_id": str(item["_id"])}


async def _explain(_request: Request, error: Exception) -> JSONResponse:
    """Answer with what Argon says is wrong, which names the value and what to do."""
    status = 500
    if isinstance(error, NotFound | PointNotFound):
        status = 404
    elif isinstance(error, InvalidName):
        status = 400
    elif isinstance(error, Conflict):
        status = 409
    return JSONResponse({"error": str(error)}, status)


app = make_app()
