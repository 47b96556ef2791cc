"""What the judges see, and when."""

import pytest
import torch

from super_resolution_gans.training.view import Draws, seen


def test_both_images_are_cut_at_the_same_place() -> None:
    image = torch.rand(2, 1, 32, 32)
    sr, hr = seen((image, image.clone()), 7, 3, Draws(1))
    assert torch.equal(sr, hr)
    assert sr.shape == (2, 1, 25, 25)


def test_without_jitter_nothing_is_cut() -> None:
    pair = (torch.rand(1, 1, 8, 8), torch.rand(1, 1, 8, 8))
    assert seen(pair, 0, 3, Draws(1)) is pair


def test_every_offset_comes_up_and_none_beyond() -> None:
    shifts = {Draws(1).shift(update, 3) for update in range(400)}
    assert shifts == {(down, right) for down in range(4) for right in range(4)}


def test_draws_are_functions_of_seed_update_rank_and_purpose() -> None:
    def first(seed: int, update: int, rank: int, purpose: int) -> float:
        generator = Draws(seed, rank).generator(update, purpose)
        return float(torch.rand(1, generator=generator))

    assert first(1, 2, 0, 0) == first(1, 2, 0, 0)
    assert len({first(1, 2, 0, 0), first(2, 2, 0, 0), first(1, 3, 0, 0)}) == 3
    assert len({first(1, 2, 0, 0), first(1, 2, 1, 0), first(1, 2, 0, 1)}) == 3


@pytest.mark.parametrize("rank", [0, 1])
def test_processes_that_share_a_batch_cut_it_alike(rank: int) -> None:
    assert Draws(4, rank).shift(11, 15) == Draws(4).shift(11, 15)
