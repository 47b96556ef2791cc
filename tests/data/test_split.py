"""People are never divided."""

from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from super_resolution_gans.data.inventory import Entry
from super_resolution_gans.data.split import assign_folds, assign_splits, divided_people

SPLITS = [None, "train", "val", "test", "ood"]


def entry(
    name: str, patient: str | None = None, split: str | None = None, folder: bool = False
) -> Entry:
    return Entry(Path(name), name, patient, split, split_by_folder=folder)


def by_person(entries: list[Entry]) -> dict[str, set[str | None]]:
    found: dict[str, set[str | None]] = defaultdict(set)
    for one in entries:
        found[one.person].add(one.split)
    return found


@st.composite
def cohorts(draw: st.DrawFn, splits: list[str | None]) -> list[Entry]:
    """Scans of some people, some known and some only by folder; a person's split is one of two."""
    entries = []
    for person in range(draw(st.integers(1, 12))):
        given_split = draw(st.sampled_from(splits))
        known = draw(st.booleans())
        for scan in range(draw(st.integers(1, 4))):
            split = given_split if draw(st.booleans()) else None
            name = f"f{person}/{scan}.png"
            entries.append(entry(name, f"p{person}" if known else None, split))
    return draw(st.permutations(entries))


@given(cohort=cohorts(SPLITS), seed=st.integers(0, 3))
def test_a_person_is_never_in_two_splits(cohort: list[Entry], seed: int) -> None:
    assigned = assign_splits(cohort, (0.6, 0.2, 0.2), seed)
    assert all(len(splits) == 1 and None not in splits for splits in by_person(assigned).values())
    for before, after in zip(cohort, assigned, strict=True):
        assert before.name == after.name
        assert before.split in (None, after.split)  # what was said stays
    assert divided_people(assigned) == []


@given(cohort=cohorts(SPLITS), folds=st.integers(2, 4), seed=st.integers(0, 3))
def test_every_person_is_held_out_by_exactly_one_fold(
    cohort: list[Entry], folds: int, seed: int
) -> None:
    try:
        rounds = [by_person(assign_folds(cohort, folds, k, seed)) for k in range(folds)]
    except ValueError:
        apart = {e.person for e in cohort if e.split in ("test", "ood")}
        assert len({e.person for e in cohort} - apart) < folds
        return
    sizes = []
    for found in rounds:
        assert all(len(splits) == 1 for splits in found.values())
        sizes.append(sum(splits == {"val"} for splits in found.values()))
    assert max(sizes) - min(sizes) <= 1
    for person in rounds[0]:
        splits = [next(iter(found[person])) for found in rounds]
        if splits[0] in ("test", "ood"):
            assert len(set(splits)) == 1
        else:
            assert sorted(splits) == ["train"] * (folds - 1) + ["val"]  # type: ignore[type-var]


@given(cohort=cohorts([None]), seed=st.integers(0, 5))
def test_assigning_is_a_pure_function_that_order_does_not_matter_to(
    cohort: list[Entry], seed: int
) -> None:
    forwards = {e.name: e.split for e in assign_splits(cohort, seed=seed)}
    backwards = {e.name: e.split for e in assign_splits(cohort[::-1], seed=seed)}
    assert forwards == backwards


@pytest.mark.parametrize(
    ("people", "shares", "expected"),
    [
        (1, (0.8, 0.1, 0.1), (1, 0, 0)),
        (2, (0.8, 0.1, 0.1), (1, 1, 0)),
        (3, (0.8, 0.1, 0.1), (1, 1, 1)),
        (5, (0.8, 0.1, 0.1), (3, 1, 1)),
        (10, (0.8, 0.1, 0.1), (8, 1, 1)),
        (100, (0.7, 0.15, 0.15), (70, 15, 15)),
        (7, (1.0, 0.0, 0.0), (7, 0, 0)),
        (4, (0.9, 0.1, 0.0), (3, 1, 0)),
        (1000, (0.29, 0.29, 0.42), (290, 290, 420)),
    ],
)
def test_shares_are_kept_and_none_is_empty_while_there_are_people(
    people: int, shares: tuple[float, float, float], expected: tuple[int, int, int]
) -> None:
    assigned = assign_splits([entry(f"{i}.png", str(i)) for i in range(people)], shares)
    splits = [one.split for one in assigned]
    assert tuple(splits.count(name) for name in ("train", "val", "test")) == expected


def test_another_person_moves_few_others() -> None:
    people = [entry(f"{i}.png", str(i)) for i in range(50)]
    before = {e.name: e.split for e in assign_splits(people)}
    after = {e.name: e.split for e in assign_splits([*people, entry("new.png", "new")])}
    assert sum(before[name] != after[name] for name in before) <= 2


def test_unknown_people_keep_their_folder_together() -> None:
    cohort = [entry(f"f{i}/{j}.png") for i in range(10) for j in range(3)]
    assigned = assign_splits(cohort, (0.5, 0.3, 0.2))
    assert all(len(splits) == 1 for splits in by_person(assigned).values())
    assert {one.split for one in assigned} == {"train", "val", "test"}


def test_people_of_the_same_name_in_two_datasets_are_two() -> None:
    cohort = [
        Entry(Path(f"{i}.png"), f"{i}.png", "1", split, dataset)
        for i, (dataset, split) in enumerate([("a", "train"), ("b", None), ("b", "test")])
    ]
    assert [one.split for one in assign_splits(cohort)] == ["train", "test", "test"]


def test_the_splits_of_a_manifest_win_and_divided_people_are_named() -> None:
    cohort = [
        entry("1.png", "p", "train"),
        entry("2.png", "p", "test"),
        entry("3.png", "p"),
        entry("4.png", "q", "train"),
        entry("u/5.png", None, "train"),
        entry("u/6.png", None, "test"),
    ]
    assigned = assign_splits(cohort)
    assert [e.split for e in assigned] == ["train", "test", "test", "train", "train", "test"]
    assert divided_people(assigned) == ["/p"]


def test_folders_that_divide_a_person_yield_to_the_one_held_out_most() -> None:
    cohort = [
        entry("train/CNV-1-1.jpeg", "1", "train", folder=True),
        entry("train/CNV-1-2.jpeg", "1", "train", folder=True),
        entry("test/CNV-1-3.jpeg", "1", "test", folder=True),
        entry("train/CNV-2-1.jpeg", "2", "train", folder=True),
        entry("val/CNV-2-2.jpeg", "2", "val", folder=True),
        entry("train/CNV-3-1.jpeg", "3", "train", folder=True),
        entry("train/x.jpeg", None, "train", folder=True),
    ]
    assert divided_people(cohort) == ["/1", "/2"]
    assigned = assign_splits(cohort)
    assert [e.split for e in assigned] == ["test"] * 3 + ["val"] * 2 + ["train"] * 2
    assert divided_people(assigned) == []


def test_folds_never_see_what_is_held_out_elsewhere() -> None:
    cohort = [entry(f"{i}.png", str(i)) for i in range(4)]
    cohort += [entry("t.png", "t", "test"), entry("t2.png", "t"), entry("o.png", "o", "ood")]
    for fold in range(2):
        assigned = {e.name: e.split for e in assign_folds(cohort, 2, fold)}
        assert (assigned["t.png"], assigned["t2.png"], assigned["o.png"]) == ("test", "test", "ood")


@pytest.mark.parametrize(
    "shares", [(0.5, 0.5, 0.5), (1.2, -0.1, -0.1), (0.0, 0.0, 0.0), (float("nan"), 0.5, 0.5)]
)
def test_shares_that_make_no_sense_are_refused(shares: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="sum to 1"):
        assign_splits([entry("a.png")], shares)


@pytest.mark.parametrize(("folds", "held_out"), [(1, 0), (4, 0), (2, 2), (2, -1), (0, 0)])
def test_folds_that_make_no_sense_are_refused(folds: int, held_out: int) -> None:
    with pytest.raises(ValueError, match="cannot be made of 3 people"):
        assign_folds([entry(f"{i}.png", str(i)) for i in range(3)], folds, held_out)


def test_names_that_are_no_text_can_be_split() -> None:
    assigned = assign_splits([entry("\udcff/a.png"), entry("b/b.png")], (0.5, 0.5, 0.0))
    assert {one.split for one in assigned} == {"train", "val"}
