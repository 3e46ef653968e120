"""Beanie on PyMongo's AsyncMongoClient, ODMantic on Motor."""

from __future__ import annotations

from typing import Any, ClassVar

import pydantic
import pytest
from bson import ObjectId
from motor.motor_asyncio import AsyncIOMotorClient

from argon.aio import AsyncArgon, AsyncWALDatabase

beanie: Any = pytest.importorskip("beanie")
odmantic: Any = pytest.importorskip("odmantic")


class Product(beanie.Document):  # type: ignore[misc]
    name: str
    price: int = 0
    tags: list[str] = pydantic.Field(default_factory=list)

    class Settings:
        name = "products"
        indexes: ClassVar[list[Any]] = ["name", [("price", -1)]]


async def test_beanie(mongod_uri: str, store: str) -> None:
    async with AsyncArgon(mongod_uri, database=store) as argon:
        client = argon.client()
        await beanie.init_beanie(database=client["shop"], document_models=[Product])
        await Product.insert_many([Product(name=f"p{number}", price=number) for number in range(5)])
        found = await Product.find(Product.price > 1).sort("-price").limit(2).to_list()
        assert [product.name for product in found] == ["p4", "p3"]
        await Product.find_one(Product.name == "p1").update({"$set": {"price": 10}, "$push": {"tags": "x"}})
        first = await Product.find_one(Product.name == "p1")
        assert (first.price, first.tags) == (10, ["x"])
        assert await Product.find(Product.price >= 3).count() == 3
        assert await Product.find().sum(Product.price) == 19
        project = await argon.project("shop")
        before = await (await project.branch("main")).log(limit=1)
        await project.create_branch("feature")

        await beanie.init_beanie(database=client["shop@feature"], document_models=[Product])
        await Product.find(Product.price < 4).delete()
        await Product(name="feature").insert()
        assert sorted([one.name async for one in Product.find()]) == ["feature", "p1", "p4"]

        await beanie.init_beanie(database=client["shop"], document_models=[Product])
        assert await Product.count() == 5
        await Product.delete_all()
        past = client["shop"].at(lsn=before[0].lsn)
        assert await past.products.count_documents({}) == 5
        restored = await (await project.branch("main")).restore(lsn=before[0].lsn)
        await beanie.init_beanie(database=AsyncWALDatabase(restored), document_models=[Product])
        assert await Product.count() == 5


class Tree(odmantic.Model):  # type: ignore[misc]
    kind: str
    height: float = 1.0


async def test_odmantic(mongod_uri: str, store: str) -> None:
    async with AsyncArgon(database=store, client=AsyncIOMotorClient(mongod_uri)) as argon:
        client = argon.client()
        engine = odmantic.AIOEngine(client=client, database="park")
        await engine.save_all([Tree(kind="oak", height=number) for number in range(4)])
        tall = await engine.find(Tree, Tree.height >= 2, sort=Tree.height.desc())
        assert [tree.height for tree in tall] == [3.0, 2.0]
        tree = await engine.find_one(Tree, Tree.height == 0)
        tree.kind = "elm"
        await engine.save(tree)
        assert await engine.count(Tree, Tree.kind == "elm") == 1
        project = await argon.project("park")
        main = await project.branch("main")
        [before] = await main.log(limit=1)
        await project.create_branch("feature")

        feature = odmantic.AIOEngine(client=client, database="park@feature")
        assert await feature.remove(Tree, Tree.kind == "oak") == 3
        assert await feature.count(Tree) == 1
        assert await engine.count(Tree) == 4
        assert isinstance((await feature.find_one(Tree)).id, ObjectId)

        assert await engine.remove(Tree) == 4
        trees = client["park"].at(lsn=before.lsn)[+Tree]
        assert await trees.count_documents({}) == 4
        assert (await trees.find_one({"height": 0}))["kind"] == "elm"
        restored = await main.restore(lsn=before.lsn)
        again = odmantic.AIOEngine(client=client, database=f"park@{restored.name}")
        assert sorted([tree.kind async for tree in again.find(Tree)]) == ["elm", "oak", "oak", "oak"]
        assert await engine.count(Tree) == 0
