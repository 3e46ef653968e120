"""MongoEngine on a branch: documents, references, queries, and its way of choosing a client."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from argon import Argon
from argon.driver.client import WALClient

mongoengine: Any = pytest.importorskip("mongoengine")
from mongoengine.context_managers import switch_db  # noqa: E402
from mongoengine.errors import DoesNotExist, NotUniqueError, ValidationError  # noqa: E402


class Address(mongoengine.EmbeddedDocument):  # type: ignore[misc]
    city = mongoengine.StringField(required=True)


class Author(mongoengine.Document):  # type: ignore[misc]
    name = mongoengine.StringField(unique=True)
    address = mongoengine.EmbeddedDocumentField(Address)
    meta: ClassVar[dict[str, Any]] = {"db_alias": "shop"}


class Post(mongoengine.Document):  # type: ignore[misc]
    title = mongoengine.StringField()
    author = mongoengine.ReferenceField(Author, reverse_delete_rule=mongoengine.CASCADE)
    tags = mongoengine.ListField(mongoengine.StringField())
    votes = mongoengine.IntField(default=0)
    meta: ClassVar[dict[str, Any]] = {
        "db_alias": "shop",
        "indexes": ["title", ("author", "-votes")],
        "ordering": ["title"],
    }


@pytest.fixture
def shop(mongod_uri: str, store: str) -> Iterator[Argon]:
    options = {"host": mongod_uri, "mongo_client_class": WALClient, "argon_database": store}
    mongoengine.connect("shop", alias="shop", **options)
    with Argon(mongod_uri, database=store) as argon:
        ann = Author(name="Ann", address=Address(city="Graz")).save()
        Author(name="Bob").save()
        for number in range(4):
            Post(title=f"post {number}", author=ann, tags=["a", f"t{number % 2}"], votes=number).save()
        argon.project("shop").create_branch("feature")
        mongoengine.register_connection("feature", "shop@feature", **options)
        yield argon
    mongoengine.disconnect_all()


def test_it_works_on_the_main_branch(shop: Argon) -> None:
    ann = Author.objects.get(name="Ann")
    assert ann.address.city == "Graz"
    assert [post.votes for post in Post.objects(author=ann, votes__gte=1).order_by("-votes")] == [3, 2, 1]
    assert Post.objects(tags="t1").count() == 2
    assert Post.objects.sum("votes") == 6
    assert sorted(Post.objects.distinct("tags")) == ["a", "t0", "t1"]
    assert Post.objects.first().author.name == "Ann"
    assert Post.objects(title="post 1").update_one(inc__votes=10, push__tags="x") == 1
    assert Post.objects.get(title="post 1").tags == ["a", "t1", "x"]
    assert Post.objects(title="new").modify(upsert=True, new=True, set__votes=7).votes == 7
    assert list(Post.objects.aggregate([{"$match": {"votes": {"$gt": 5}}}, {"$count": "n"}])) == [{"n": 2}]
    with pytest.raises(NotUniqueError):
        Author(name="Ann").save()
    with pytest.raises(ValidationError):
        Author(name="Cid", address=Address()).save()
    Author.objects.get(name="Ann").delete()
    assert Post.objects.count() == 1, "the posts of a deleted author go with her"


def test_a_branch_diverges_and_the_past_stays(shop: Argon) -> None:
    main = shop.project("shop").branch("main")
    before = main.head_lsn
    with switch_db(Post, "feature") as there:
        there.objects(title="post 0").update_one(set__votes=100)
        there(title="only here").save()
        assert sorted(post.votes for post in there.objects) == [0, 1, 2, 3, 100]
    assert sorted(post.votes for post in Post.objects) == [0, 1, 2, 3]
    Post.objects(title="post 3").delete()

    options = Post._get_collection().database
    past = options.at(lsn=before)["post"]
    assert past.count_documents({}) == 4
    restored = main.restore(lsn=before)
    options.client[f"shop@{restored.name}"]["post"].delete_many({})
    assert past.count_documents({}) == 4
    assert Post.objects.count() == 3
    with pytest.raises(DoesNotExist):
        Post.objects.get(title="only here")
