"""Which scans crops come from."""

from collections import Counter

import numpy as np
import pytest

from super_resolution_gans.data.groups import Groups

NAMES = ["large", "large", "small", "other"]
POSITIONS = [600, 300, 100, 1000]
PADDED = [False, False, True, False].__getitem__


def drawn(groups: Groups, count: int = 4000) -> Counter[int]:
    generator = np.random.Generator(np.random.Philox(key=[1, 2]))
    return Counter(groups.draw(generator).record(generator) for _ in range(count))


def test_without_shares_scans_come_up_by_their_area() -> None:
    found = drawn(Groups(NAMES, POSITIONS, PADDED, None))
    for record, positions in enumerate(POSITIONS):
        assert found[record] / 4000 == pytest.approx(positions / 2000, abs=0.03)


def test_without_shares_one_number_is_drawn_for_a_crop() -> None:
    """Batches of runs before there were shares are made again as they were."""
    generator, alone = (np.random.Generator(np.random.Philox(key=[3, 4])) for _ in range(2))
    group = Groups(NAMES, POSITIONS, PADDED, None).draw(generator)
    record = group.record(generator)
    assert record == int(np.searchsorted(np.cumsum(POSITIONS), alone.integers(2000), side="right"))
    assert generator.random() == alone.random()


def test_equal_shares_show_every_dataset_as_often_and_its_scans_by_area() -> None:
    found = drawn(Groups(NAMES, POSITIONS, PADDED, "equal"))
    assert (found[0] + found[1]) / 4000 == pytest.approx(1 / 3, abs=0.03)
    assert found[0] / (found[0] + found[1]) == pytest.approx(2 / 3, abs=0.04)
    assert found[2] / 4000 == pytest.approx(1 / 3, abs=0.03)


def test_weights_say_how_often_and_what_has_none_is_left_out() -> None:
    found = drawn(Groups(NAMES, POSITIONS, PADDED, {"small": 3, "large": 1, "other": 0}))
    assert found[2] / 4000 == pytest.approx(0.75, abs=0.03)
    assert found[3] == 0
    assert drawn(Groups(NAMES, POSITIONS, PADDED, {"small": 0.1})) == Counter({2: 4000})


def test_a_group_knows_of_its_own_padding() -> None:
    generator = np.random.Generator(np.random.Philox(key=[1, 2]))
    assert Groups(NAMES, POSITIONS, PADDED, None).draw(generator).shows_padding
    assert Groups(NAMES, POSITIONS, PADDED, {"small": 1}).draw(generator).shows_padding
    assert not Groups(NAMES, POSITIONS, PADDED, {"large": 1}).draw(generator).shows_padding


@pytest.mark.parametrize(
    ("shares", "reason"),
    [
        ({"smal": 1.0}, "names 'smal', but there are only large, other, small"),
        ({"small": 0.0}, "every weight is 0"),
        ({}, "every weight is 0"),
    ],
)
def test_shares_that_cannot_be_are_refused(shares: dict[str, float], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Groups(NAMES, POSITIONS, PADDED, shares)


def test_of_a_group_no_more_scans_are_looked_at_than_need_be() -> None:
    """In a large store that would mean reading all of its block means before training."""
    asked: list[int] = []

    def padded(record: int) -> bool:
        asked.append(record)
        return record == 1

    Groups(NAMES, POSITIONS, padded, None)
    assert asked == [0, 1]
