"""Who is trained on and who is measured on: always whole people, never single scans."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from super_resolution_gans.data.inventory import Entry

Shares = tuple[float, float, float]  # train, val, test

_HELD_OUT = {"train": 0, "val": 1, "test": 2}  # any other split is held out even more


def assign_splits(
    entries: Sequence[Entry], shares: Shares = (0.8, 0.1, 0.1), seed: int = 0
) -> list[Entry]:
    """Give every entry without a split one, by person.

    A person who already has a split keeps it for their other scans. Splits of a manifest stay as
    they are. Splits that are only names of folders stay too, unless a person has scans in several:
    then all of theirs go to the one that is held out most (test before val before train), as in the
    older versions of Kermany's set, whose test folder shares people with its training folder.

    The remaining people are shuffled by a hash of their name. Every split with a share gets at
    least one of them while there are enough: train first, then val, then test.

    Raises:
        ValueError: if the shares are negative or do not sum to 1.
    """
    if min(shares) < 0 or not abs(sum(shares) - 1) <= 1e-6:
        raise ValueError(f"shares must be non-negative and sum to 1, not {shares}")
    held = {person: max(splits, key=_strictness) for person, splits in _splits(entries).items()}
    order = _shuffled({entry.person for entry in entries} - held.keys(), seed)
    train, val, _ = _counts(len(order), shares)
    held |= dict.fromkeys(order[:train], "train")
    held |= dict.fromkeys(order[train : train + val], "val")
    held |= dict.fromkeys(order[train + val :], "test")
    return [_placed(entry, held[entry.person]) for entry in entries]


def _placed(entry: Entry, split: str) -> Entry:
    # A person who is only a folder may well be many, so what is said of single files counts.
    yields = entry.split is None or (entry.split_by_folder and entry.patient is not None)
    return replace(entry, split=split) if yields else entry


def assign_folds(entries: Sequence[Entry], folds: int, held_out: int, seed: int = 0) -> list[Entry]:
    """k-fold by person: fold ``held_out`` (from 0) becomes ``val``, all others ``train``.

    No fold may see a person who has scans in another split than these two (``test``, ``ood``):
    those scans stay where they are, and the person's others go there as well.

    Raises:
        ValueError: if there are fewer people than folds, or the fold does not exist.
    """
    apart = {
        person: max(splits, key=_strictness)
        for person, splits in _splits(entries).items()
        if splits - {"train", "val"}
    }
    order = _shuffled({entry.person for entry in entries} - apart.keys(), seed)
    if not 2 <= folds <= len(order) or not 0 <= held_out < folds:
        raise ValueError(
            f"fold {held_out} of {folds} cannot be made of {len(order)} people; "
            "folds count from 0 and each needs a person"
        )
    placed = dict.fromkeys(order, "train") | dict.fromkeys(order[held_out::folds], "val") | apart
    stays = {None, "train", "val"}
    return [
        replace(entry, split=placed[entry.person]) if entry.split in stays else entry
        for entry in entries
    ]


def divided_people(entries: Sequence[Entry]) -> list[str]:
    """Known people with scans in more than one split: what is measured on them is too good."""
    known = [entry for entry in entries if entry.patient is not None]
    return sorted(person for person, splits in _splits(known).items() if len(splits) > 1)


def _splits(entries: Iterable[Entry]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for entry in entries:
        if entry.split is not None:
            found[entry.person].add(entry.split)
    return dict(found)


def _strictness(split: str) -> tuple[int, str]:
    return _HELD_OUT.get(split, len(_HELD_OUT)), split


def _counts(people: int, shares: Shares) -> list[int]:
    """Divide people by shares, largest remainders first, and leave no share without a person."""
    exact = [people * share for share in shares]
    counts = [int(number + 1e-9) for number in exact]
    by_remainder = sorted(range(3), key=lambda i: counts[i] - exact[i])
    for index in by_remainder[: people - sum(counts)]:
        counts[index] += 1
    for index, share in enumerate(shares):
        largest = max(range(3), key=lambda i: counts[i])
        if share > 0 and counts[index] == 0 and counts[largest] > 1:
            counts[index] += 1
            counts[largest] -= 1
    return counts


def _shuffled(people: Iterable[str], seed: int) -> list[str]:
    def key(name: str) -> bytes:
        return hashlib.sha256(f"{seed}:{name}".encode(errors="surrogatepass")).digest()

    return sorted(people, key=key)
