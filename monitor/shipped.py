"""The configuration, rules and runbooks that ship with the package."""

from __future__ import annotations

from pathlib import Path


def shipped_folder(name: str) -> Path:
    """
    Return the shipped ``config``, ``rules`` or ``docs/runbooks``: inside an installed package, or beside it in a checkout.

    Raises
    ------
    FileNotFoundError
        If neither is there.
    """
    package = Path(__file__).parent
    for place in (package / "_desk" / name, package.parent / name):
        if place.is_dir():
            return place
    raise FileNotFoundError(f"{name}/ did not come with this package")
