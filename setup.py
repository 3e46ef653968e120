"""The list of packages, which pyproject.toml cannot express: ``cli/`` installs as ``argon_cli``."""

from setuptools import find_packages, setup

setup(
    packages=[
        *find_packages(include=["argon", "argon.*"]),
        "argon_cli",
        *(f"argon_cli.{name}" for name in find_packages("cli")),
    ],
    package_dir={"argon_cli": "cli"},
    package_data={"argon": ["py.typed"], "argon_cli": ["py.typed"]},
)
