"""Files on a branch: GridFS, whose objects PyMongo makes for itself."""

from __future__ import annotations

import gridfs
import pytest
from gridfs.errors import NoFile

from argon import Branch, Project, WALDatabase

_LONG = bytes(range(256)) * 3000


def test_files_are_on_their_branch_and_in_their_time(project: Project, main: Branch) -> None:
    db = WALDatabase(main)
    files = gridfs.GridFS(db)
    first = files.put(_LONG, filename="a.bin", kind="x")
    second = files.put(b"short", filename="b.txt")
    assert files.get(first).read() == _LONG
    assert sorted(files.list()) == ["a.bin", "b.txt"]
    assert [found.filename for found in files.find({"kind": "x"})] == ["a.bin"]
    assert files.find_one({"filename": "b.txt"}).read() == b"short"
    before = main.head_lsn

    feature = gridfs.GridFS(WALDatabase(project.create_branch("feature")))
    feature.delete(first)
    feature.put(b"newer", filename="b.txt")
    assert feature.get_last_version("b.txt").read() == b"newer"
    assert not feature.exists(first)
    assert files.get_last_version("b.txt").read() == b"short"
    assert files.get(first).read() == _LONG

    files.delete(second)
    with pytest.raises(NoFile):
        files.get(second)
    past = gridfs.GridFS(db.at(lsn=before))
    assert past.get(second).read() == b"short"
    assert sorted(found.filename for found in past.find()) == ["a.bin", "b.txt"]
    restored = gridfs.GridFS(WALDatabase(main.restore(lsn=before)))
    assert restored.get(second).read() == b"short"
    assert restored.put(b"more", filename="c.txt")


def test_buckets(project: Project, main: Branch) -> None:
    bucket = gridfs.GridFSBucket(WALDatabase(main), bucket_name="images", chunk_size_bytes=1000)
    with bucket.open_upload_stream("a", metadata={"n": 1}) as upload:
        upload.write(_LONG[:2500])
        upload.write(_LONG[2500:5000])
    assert bucket.open_download_stream_by_name("a").read() == _LONG[:5000]
    bucket.rename(upload._id, "b")
    assert [found.name for found in bucket.find({"metadata.n": 1})] == ["b"]
    other = gridfs.GridFSBucket(WALDatabase(project.create_branch("feature")), bucket_name="images")
    other.delete(upload._id)
    assert list(other.find({})) == []
    assert bucket.open_download_stream(upload._id).read() == _LONG[:5000]


def test_files_of_an_open_commit_are_seen_in_it_alone(main: Branch) -> None:
    db = WALDatabase(main)
    gridfs.GridFS(db).put(b"before", filename="a")
    with db.commit(message="files") as group:
        files = gridfs.GridFS(group)
        files.put(_LONG, filename="b")
        assert sorted(found.filename for found in files.find()) == ["a", "b"]
        assert [found.filename for found in gridfs.GridFS(db).find()] == ["a"]
    assert gridfs.GridFS(db).get_last_version("b").read() == _LONG
