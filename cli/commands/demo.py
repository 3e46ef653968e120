"""``argon demo``: the guided tour on real data."""

from __future__ import annotations

import click
from platformdirs import user_cache_path

from argon.errors import ProjectNotFound
from argon_cli.context import Context, pass_context
from argon_cli.options import global_options
from argon_cli.output import iso
from argon_cli.tour.cities import write_cities
from argon_cli.tour.stage import Stage

PROJECT = "demo"
ICELAND = '{"country": "IS"}'
LARGEST = ("--sort", "population:-1", "--limit", "3", "--fields", "name,population")


@click.command("demo")
@global_options
@pass_context
def demo(context: Context) -> None:
    """Take the guided tour on real data: 34,006 cities, in about a minute.

    It makes the project demo and leaves it to play with. Everything it does
    is shown as you would type it.
    """
    file, count = write_cities(user_cache_path("argon", appauthor=False))
    _clear_the_way(context)
    stage = Stage(context)
    _fill(stage, str(file), count)
    _branch(stage, context)
    _travel(stage, context)
    _restore(stage, context)
    _farewell(stage, context)


def _clear_the_way(context: Context) -> None:
    try:
        context.argon.project(PROJECT)
    except ProjectNotFound:
        return
    context.confirm(f"Project {PROJECT} is there from an earlier tour. Delete it and begin anew?")
    context.argon.delete_project(PROJECT)


def _fill(stage: Stage, file: str, count: int) -> None:
    stage.say(f"1. A project is a database under version control. This one gets {count:,} real cities.")
    stage.run("project", "create", PROJECT)
    stage.run("import", file, "--collection", "cities", "-p", f"{PROJECT}@main")
    stage.run("find", "cities", ICELAND, *LARGEST, "-p", f"{PROJECT}@main")


def _branch(stage: Stage, context: Context) -> None:
    stage.say("2. A branch is a pointer: nothing is copied, and it can be written to at once.")
    stage.run("branch", "create", "growth", "-p", f"{PROJECT}@main")
    stage.say("   Programs write to it through PyMongo's own collections.")
    if context.flags.uri or context.flags.database:
        stage.know(argon=context.argon)  # a URI on the screen could show a password
        stage.python("from argon import WALDatabase")
    else:
        stage.python("from argon import Argon, WALDatabase", "argon = Argon()")
    stage.python(
        f"project = argon.project({PROJECT!r})",
        'growth = WALDatabase(project.branch("growth")).collection("cities")',
        'growth.update_many({"country": "IS"}, {"$mul": {"population": 2}}).modified_count',
        'main = WALDatabase(project.branch("main")).collection("cities")',
        'main.update_one({"name": "Reykjavík"}, {"$inc": {"population": 1}}).modified_count',
    )
    stage.say("   Each side sees its own: Iceland on growth, and on main.")
    stage.run("find", "cities", ICELAND, *LARGEST, "-p", f"{PROJECT}@growth")
    stage.run("find", "cities", ICELAND, *LARGEST, "-p", f"{PROJECT}@main")


def _travel(stage: Stage, context: Context) -> None:
    stage.say("3. Every write has an address, its LSN, and a time. Here are the newest on main.")
    stage.run("log", "--limit", "3", "-p", f"{PROJECT}@main")
    _, before = context.argon.project(PROJECT).branch("main").log(limit=2)
    stage.say(f"   Main as it was before the last write, at LSN {before.lsn}: filter and sort as ever.")
    stage.run("find", "cities", ICELAND, *LARGEST, "--at", str(before.lsn), "-p", f"{PROJECT}@main")
    stage.say("   The same, by time: the moment of the import's last document.")
    stage.run("find", "cities", ICELAND, *LARGEST, "--at", iso(before.timestamp), "-p", f"{PROJECT}@main")


def _restore(stage: Stage, context: Context) -> None:
    lsn = context.argon.project(PROJECT).branch("main").head_lsn
    stage.say("4. An accident: every city of more than a million people is deleted from main.")
    stage.python('main.delete_many({"population": {"$gt": 1_000_000}}).deleted_count', "argon.close()")
    stage.run("count", "cities", "-p", f"{PROJECT}@main")
    stage.say(f"   LSN {lsn} was the last good one. Restoring to it makes a new branch, without copying.")
    stage.run("branch", "restore", "main", "--lsn", str(lsn), "--name", "rescued", "-p", PROJECT)
    stage.run("count", "cities", "-p", f"{PROJECT}@rescued")
    stage.run("find", "cities", *LARGEST, "-p", f"{PROJECT}@rescued")


def _farewell(stage: Stage, context: Context) -> None:
    stage.say("5. The log has it all, the accident too; main still is as the accident left it.")
    stage.run("log", "main", "--limit", "5", "-p", PROJECT)
    stage.run("branch", "list", "-p", PROJECT)
    stage.say("The project demo is yours to play with. What to try next:")
    for command, purpose in (
        (f"argon use {PROJECT}@rescued", "work on the rescued branch, without -p from here on"),
        ('argon find cities \'{"timezone": "Asia/Tokyo"}\' --sort population:-1', "ask about other places"),
        ('argon export tokyo.json -c cities --query \'{"timezone": "Asia/Tokyo"}\'', "take documents out"),
        ("argon branch restore main --lsn 20000", "half way through the import, as a branch"),
        ("argon verify", "hold the log against what is stored"),
        (f"argon project delete {PROJECT}", "when you have seen enough"),
    ):
        click.echo(f"  {command}\n      {purpose}")
    given = [flag for flag in ("uri", "database") if getattr(context.flags, flag)]
    if given:
        click.echo(f"Give each of them {' and '.join(f'--{flag}' for flag in given)}, as you gave the tour.")
