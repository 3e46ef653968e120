"""Names and hooks on the asynchronous face."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import pytest

from argon import Project
from argon.aio import AsyncArgon, AsyncWALDatabase
from argon.errors import BranchNotFound, BranchProtected, HookRefused
from argon.hooks import Proposal


async def test_defaults_protection_and_expiry(aargon: AsyncArgon, shop: Project) -> None:
    project = await aargon.project(shop.name)
    trunk = await project.create_branch("trunk", message="new")
    await project.set_default_branch("trunk")
    assert await project.default_branch == "trunk"
    assert (await project.branch()).name == "trunk"
    await AsyncWALDatabase(await aargon.branch(shop.name)).items.insert_one({"_id": 1})
    await aargon.client()[shop.name].items.insert_one({"_id": 2})
    assert await AsyncWALDatabase(trunk).items.count_documents({}) == 2
    await project.set_protected("tru*")
    with pytest.raises(BranchProtected):
        await AsyncWALDatabase(trunk).items.insert_one({"_id": 3})
    with pytest.raises(BranchProtected):
        async with AsyncWALDatabase(trunk).commit() as group:
            await group.items.insert_one({"_id": 3})
    await AsyncWALDatabase(trunk.forced(), message="hotfix").items.insert_one({"_id": 3})
    assert (await trunk.log(limit=1))[0].message == "hotfix"
    await project.unset_protected("tru*")
    assert await project.protected() == []
    brief = await project.create_branch("brief", ttl="1h")
    assert brief.expires_at is not None
    await brief.set_expiry()
    await project.delete_branch("brief", message="done")
    with pytest.raises(BranchNotFound):
        await project.branch("brief")


async def test_hooks_may_be_coroutines_and_hold_up_nobody(aargon: AsyncArgon, shop: Project) -> None:
    project = await aargon.project(shop.name)
    main = await project.branch("main")
    db = AsyncWALDatabase(main)
    await db.items.insert_one({"_id": 1})
    feature = await project.create_branch("feature")
    await AsyncWALDatabase(feature).items.insert_one({"_id": 2})

    @main.on_merge
    async def slow(proposal: Proposal) -> str | None:
        await asyncio.wait_for(db.items.insert_one({"_id": len(proposal.changes) + 10}), 30)
        return "not yet"

    with pytest.raises(HookRefused, match="not yet"):
        await main.merge("feature")
    await project.remove_hook(slow)
    code = "import sys; sys.exit('no' if 'bad' in sys.stdin.read() else 0)"
    await project.add_hook("pre-commit", [sys.executable, "-c", code])
    aargon.engine.run_hooks = True
    with pytest.raises(HookRefused, match="no"):
        await db.items.insert_one({"_id": "bad"})
    await main.merge("feature")
    found: Any = await db.items.distinct("_id")
    assert found == [1, 2, 11]
