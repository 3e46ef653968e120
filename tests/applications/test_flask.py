"""A Flask application, with Flask-PyMongo's helpers for files, that chooses the branch by a header."""

from __future__ import annotations

import io
from typing import Any

import pytest

from argon import Argon

flask: Any = pytest.importorskip("flask")
flask_pymongo: Any = pytest.importorskip("flask_pymongo")


def application(argon: Argon) -> Any:
    app = flask.Flask(__name__)
    client = argon.client()

    def mongo() -> Any:
        helper = flask_pymongo.PyMongo()
        helper.cx, helper.db = client, client[flask.request.headers.get("X-Branch", "shop")]
        return helper

    @app.post("/users")
    def create() -> Any:
        return {"id": str(mongo().db.users.insert_one(flask.request.get_json()).inserted_id)}

    @app.get("/users")
    def find() -> Any:
        return {"names": sorted(user["name"] for user in mongo().db.users.find())}

    @app.post("/files/<name>")
    def upload(name: str) -> Any:
        return {"id": str(mongo().save_file(name, io.BytesIO(flask.request.get_data())))}

    @app.get("/files/<name>")
    def download(name: str) -> Any:
        return mongo().send_file(name)

    return app.test_client()


def test_an_application_with_a_branch_for_each_request(argon: Argon) -> None:
    web = application(argon)
    feature = {"X-Branch": "shop@feature"}
    web.post("/users", json={"name": "Ann"})
    web.post("/files/a.txt", data=b"one")
    project = argon.project("shop")
    before = project.branch("main").head_lsn
    project.create_branch("feature")
    web.post("/users", json={"name": "Bob"}, headers=feature)
    web.post("/files/a.txt", data=b"two", headers=feature)
    web.post("/users", json={"name": "Cid"})
    assert web.get("/users").get_json() == {"names": ["Ann", "Cid"]}
    assert web.get("/users", headers=feature).get_json() == {"names": ["Ann", "Bob"]}
    assert web.get("/files/a.txt").data == b"one"
    assert web.get("/files/a.txt", headers=feature).data == b"two"
    restored = project.branch("main").restore(lsn=before)
    back = {"X-Branch": f"shop@{restored.name}"}
    assert web.get("/users", headers=back).get_json() == {"names": ["Ann"]}
