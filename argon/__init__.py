"""Branches, time travel and undo for MongoDB."""

from argon.driver.argon import Argon
from argon.driver.branch import Branch
from argon.driver.client import WALClient
from argon.driver.collection import WALCollection
from argon.driver.database import WALDatabase
from argon.driver.gc_service import GCService
from argon.driver.materializer import Materializer
from argon.driver.project import Project
from argon.materializer import VerifyReport

__version__ = "0.1.0"

__all__ = [
    "Argon",
    "Branch",
    "GCService",
    "Materializer",
    "Project",
    "VerifyReport",
    "WALClient",
    "WALCollection",
    "WALDatabase",
    "__version__",
]
