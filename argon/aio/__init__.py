"""The asynchronous face, on PyMongo's AsyncMongoClient and on Motor: what does I/O is awaited."""

from argon.aio.argon import AsyncArgon
from argon.aio.branch import AsyncBranch
from argon.aio.client import AsyncWALClient
from argon.aio.collection import AsyncWALCollection
from argon.aio.database import AsyncWALDatabase
from argon.aio.gc_service import AsyncGCService
from argon.aio.materializer import AsyncMaterializer
from argon.aio.project import AsyncProject
from argon.materializer import VerifyReport

__all__ = [
    "AsyncArgon",
    "AsyncBranch",
    "AsyncGCService",
    "AsyncMaterializer",
    "AsyncProject",
    "AsyncWALClient",
    "AsyncWALCollection",
    "AsyncWALDatabase",
    "VerifyReport",
]
