"""Several stores become one: `motionlift data merge`."""

import contextlib
from collections.abc import Mapping, Set
from collections.abc import Sequence as Several
from dataclasses import replace
from pathlib import Path

from motionlift.data.finish import finish
from motionlift.data.store import Sequence, SourceRecord, Store
from motionlift.data.store_writer import ShardWriter
from motionlift.errors import StoreError
from motionlift.files import written_beside


def merge_stores(paths: Several[Path], out: Path) -> Store:
    """A new store at `out` of all sequences of the stores, in their order.

    A file that stands in several stores, with the same content, is taken once. Different files of
    one name are told apart by the name of their store.

    Raises:
        StoreError: if a store cannot be read, their frame rates differ, a file is of another split
            in another store, or names cannot be told apart.
    """
    stores = [Store.open(path) for path in paths]
    _check(stores)
    sequences: list[Sequence] = []
    sources: list[SourceRecord] = []
    known: set[tuple[str, str]] = set()
    with written_beside(out) as beside, contextlib.closing(ShardWriter(beside)) as shards:
        for store in stores:
            _check_splits(store, sequences)
            names = _new_names(store, taken={each.name for each in sequences}, known=known)
            known |= {(each.name, each.sha256) for each in store.sequences if each.sha256}
            for each in store.sequences:
                if each.name in names:
                    place = shards.add(store.positions(each), store.visibility(each))
                    sequences.append(
                        replace(each, name=names[each.name], shard=place[0], start=place[1])
                    )
            sources += _sources(store, names, known=sources)
        finish(
            beside,
            shards,
            sequences=sequences,
            fps=stores[0].fps,
            sources=sources,
            settings={
                "merged": [str(store.path.resolve()) for store in stores],
                "unlisted": [
                    file
                    for store in stores
                    for file in store.header["settings"].get("unlisted", [])
                ],
            },
        )
    return Store.open(out)


def _check_splits(store: Store, before: Several[Sequence]) -> None:
    """A file that is taken once is of one split."""
    splits = {(each.name, each.sha256): each.split for each in before if each.sha256}
    for each in store.sequences:
        split = splits.get((each.name, each.sha256), each.split)
        if split != each.split:
            raise StoreError(
                f"{store.path}: {each.name} is of the split '{each.split}', in a store before it "
                f"of '{split}'; build one of them with the other's table"
            )


def _new_names(store: Store, *, taken: Set[str], known: Set[tuple[str, str]]) -> dict[str, str]:
    """What each of the store's sequences is called in the merged one; not those that are there.

    Args:
        taken: names in the merged store so far.
        known: name and hash, in the stores before this one, of the files that they came from.
    """
    names: dict[str, str] = {}
    for each in store.sequences:
        if (each.name, each.sha256) in known:
            continue
        if each.name not in taken:
            names[each.name] = each.name
        else:
            names[each.name] = f"{store.path.resolve().name}/{each.name}"
            if names[each.name] in taken:
                raise StoreError(f"{store.path}: two stores of this name have a {each.name}")
    return names


def _sources(
    store: Store, names: Mapping[str, str], *, known: Several[SourceRecord]
) -> list[SourceRecord]:
    """The store's records with the sequences' new names; not those that are known already."""
    seen = {(each.file, each.sha256) for each in known}
    return [
        replace(each, sequences=tuple(names[name] for name in each.sequences if name in names))
        for each in store.sources()
        if (each.file, each.sha256) not in seen
    ]


def _check(stores: Several[Store]) -> None:
    if len(stores) < 2:
        raise StoreError("merging takes two stores or more")
    rates = {store.fps for store in stores}
    if len(rates) > 1:
        found = ", ".join(f"{store.path}: {store.fps:g}" for store in stores)
        raise StoreError(f"stores of different frame rates cannot be merged ({found})")
