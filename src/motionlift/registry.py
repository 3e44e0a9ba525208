"""Finds what a package offers, one file a thing, without importing what nobody asked for.

A package such as `motionlift.formats` holds one public module for each thing it offers, and
each module holds one constant (`FORMAT`, `RECIPE`, ...). The name of a thing is the name of its
module, with dashes for underscores. Packages, and modules that begin with an underscore, are not
things.
"""

import difflib
import importlib
import pkgutil
from collections.abc import Iterator
from typing import Generic, TypeVar

from motionlift.errors import MotionliftError

Thing = TypeVar("Thing")


class Registry(Generic[Thing]):
    """The things of one package, by name.

    Args:
        package: dotted name of the package that holds one module a thing.
        constant: name of the constant that each module holds.
        kind: what one of them is called in messages, such as "recipe".
        error: raised for an unknown name.
    """

    def __init__(
        self, *, package: str, constant: str, kind: str, error: type[MotionliftError]
    ) -> None:
        self._package = package
        self._constant = constant
        self._kind = kind
        self._error = error
        # What a package offers does not change while it runs, and readers ask once a file.
        self._names: list[str] = []
        self._things: dict[str, Thing] = {}

    def names(self) -> list[str]:
        """All names, sorted; imports none of the modules behind them."""
        if not self._names:
            path = importlib.import_module(self._package).__path__
            stems = (module.name for module in pkgutil.iter_modules(path) if not module.ispkg)
            self._names = sorted(
                stem.replace("_", "-") for stem in stems if not stem.startswith("_")
            )
        return list(self._names)

    def get(self, name: str) -> Thing:
        """The thing of that name; an unknown name's error lists the known ones."""
        if name not in self._things:
            if name not in self.names():
                known = ", ".join(self.names())
                near = difflib.get_close_matches(name, self.names(), n=1)
                meant = f"; did you mean {near[0]}?" if near else ""
                raise self._error(f"no {self._kind} is named '{name}'; there are: {known}{meant}")
            module = importlib.import_module(f"{self._package}.{name.replace('-', '_')}")
            self._things[name] = getattr(module, self._constant)
        return self._things[name]

    def __iter__(self) -> Iterator[Thing]:
        return (self.get(name) for name in self.names())
