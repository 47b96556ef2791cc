"""Who is trained on and who is measured on: always whole people, never single scans."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace

from super_resolution_gans.data.inventory import Entry

Shares = tuple[float, float, float]  # train, val, test


def assign_splits(
    entries: Sequence[Entry], shares: Shares = (0.8, 0.1, 0.1), seed: int = 0
) -> list[Entry]:
    """Give every entry without a split one, by person; splits that entries come with stay.

    A person who already has a split somewhere keeps it for their other scans. The remaining people
    are shuffled by a hash of their name, so adding a person never moves more than a few others.

    Raises:
        ValueError: if the shares are negative or do not sum to 1.
    """
    if min(shares) < 0 or abs(sum(shares) - 1) > 1e-6:
        raise ValueError(f"shares must be non-negative and sum to 1, not {shares}")
    fixed = {entry.person: entry.split for entry in entries if entry.split}
    order = _shuffled({entry.person for entry in entries} - fixed.keys(), seed)
    first = round(len(order) * shares[0])
    second = first + round(len(order) * shares[1])
    assigned = dict.fromkeys(order[:first], "train")
    assigned |= dict.fromkeys(order[first:second], "val")
    assigned |= dict.fromkeys(order[second:], "test")
    known = {**assigned, **fixed}
    return [
        entry if entry.split else replace(entry, split=known[entry.person]) for entry in entries
    ]


def assign_folds(entries: Sequence[Entry], folds: int, held_out: int, seed: int = 0) -> list[Entry]:
    """k-fold by person: fold ``held_out`` (from 0) becomes ``val``, all others ``train``.

    Entries that come as ``test`` stay ``test``: no fold may see them.

    Raises:
        ValueError: if there are fewer people than folds, or the fold does not exist.
    """
    order = _shuffled({entry.person for entry in entries if entry.split != "test"}, seed)
    if not 2 <= folds <= len(order) or not 0 <= held_out < folds:
        raise ValueError(
            f"fold {held_out} of {folds} cannot be made of {len(order)} people; "
            "folds count from 0 and each needs a person"
        )
    held = set(order[held_out::folds])
    return [
        entry
        if entry.split == "test"
        else replace(entry, split="val" if entry.person in held else "train")
        for entry in entries
    ]


def _shuffled(people: Iterable[str], seed: int) -> list[str]:
    return sorted(people, key=lambda name: hashlib.sha256(f"{seed}:{name}".encode()).digest())
