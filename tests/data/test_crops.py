"""Batches: the right pixels, and the same ones whoever asks and whenever."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from super_resolution_gans.data.augment import Augmentation
from super_resolution_gans.data.crops import Crop, CropRules, CropSampler, margin
from super_resolution_gans.data.inventory import DataError, Entry
from super_resolution_gans.data.resident import Resident
from super_resolution_gans.data.store import Store, pack
from super_resolution_gans.degrade import DegradationRange, crop_to_multiple, downsample

Scale = tuple[int, int]
MakeStore = Callable[..., Store]
CPU = torch.device("cpu")
PLAIN = DegradationRange()
ROUGH = DegradationRange(blur=(0.2, 1.5), speckle=(0.1, 0.2), noise=(0.01, 0.05))


@pytest.fixture
def make_store(tmp_path: Path) -> MakeStore:
    """Pack arrays into a store; ``low`` are their LR twins, ``splits`` theirs in order."""

    def made(
        images: list[NDArray[Any]],
        low: list[NDArray[Any]] | None = None,
        splits: list[str] | None = None,
        **options: Any,
    ) -> Store:
        folder = tmp_path / f"scans{len(list(tmp_path.iterdir()))}"
        (folder / "low").mkdir(parents=True)
        entries = []
        for i, image in enumerate(images):
            name, twin = f"{i}.png", folder / "low" / f"{i}.png"
            Image.fromarray(image).save(folder / name)
            if low is not None:
                Image.fromarray(low[i]).save(twin)
            split = splits[i] if splits else "train"
            entries.append(Entry(folder / name, name, None, split, low_path=twin if low else None))
        return pack(entries, folder / "store", **options)

    return made


@pytest.fixture
def store(make_store: MakeStore, draw: Any) -> Store:
    sizes = [(160, 200), (120, 90), (97, 131), (160, 200)]
    images = [draw(*size, seed=i) for i, size in enumerate(sizes)]
    return make_store(images, splits=["train", "train", "train", "val"])


def sampler(
    store: Store,
    degradation: DegradationRange | None = PLAIN,
    split: str = "train",
    seed: int = 1,
    augmentation: Augmentation | None = None,
    **rules: Any,
) -> CropSampler:
    return CropSampler(
        store,
        split,
        rules=CropRules(**{"size": 48, **rules}),
        degradation=degradation,
        scale=(4, 4) if degradation is None else degradation.scale,
        seed=seed,
        device=CPU,
        augmentation=augmentation,
    )


def digest(batches: list[tuple[torch.Tensor, torch.Tensor]]) -> str:
    parts = [half.numpy().tobytes() for batch in batches for half in batch]
    return hashlib.sha256(b"".join(parts)).hexdigest()


def test_a_batch_has_the_stated_shape_type_and_range(store: Store) -> None:
    for scale in ((4, 4), (2, 6), (1, 4), (3, 3)):
        low, high = sampler(store, replace(PLAIN, scale=scale)).batch(0, 5)
        assert high.shape == (5, 1, 48, 48)
        assert low.shape == (5, 1, 48 // scale[0], 48 // scale[1])
        for half in (low, high):
            assert half.dtype == torch.float32
            assert half.is_contiguous()
            assert 0 <= half.min() <= half.max() <= 1


@pytest.mark.parametrize("degradation", [PLAIN, ROUGH])
def test_a_batch_is_a_pure_function_of_seed_and_step(
    store: Store, degradation: DegradationRange
) -> None:
    forwards = sampler(store, degradation)
    ordered = [forwards.batch(step, 4) for step in range(4)]
    again = sampler(store, degradation)
    backwards = [again.batch(step, 4) for step in (3, 2, 1, 0)][::-1]
    assert digest(ordered) == digest(backwards)
    assert digest([forwards.batch(2, 4)]) == digest([ordered[2]])
    distinct = {digest([batch]) for batch in ordered}
    distinct.add(digest([sampler(store, degradation, seed=2).batch(0, 4)]))
    assert len(distinct) == 5


def test_drawing_leaves_the_global_random_states_alone(store: Store) -> None:
    state = torch.get_rng_state()
    legacy = np.random.get_state()[1]  # noqa: NPY002
    sampler(store, ROUGH).batch(0, 4)
    assert torch.equal(torch.get_rng_state(), state)
    assert np.array_equal(np.random.get_state()[1], legacy)  # noqa: NPY002


def test_which_crops_belong_to_a_step_does_not_change_between_versions(
    make_store: MakeStore,
) -> None:
    """A run that goes on after an update of the package must see the crops it would have seen."""
    y, x = np.mgrid[:100, :120]
    store = make_store([((x + 2 * y) % 200).astype(np.uint8), (y * 2).astype(np.uint8)])
    drawn = sampler(store, flip_axial=True)
    assert drawn.draw(7, 3) == [
        Crop(1, 10, 4, True, True),
        Crop(0, 14, 18, False, True),
        Crop(0, 13, 10, True, False),
    ]
    assert drawn.draw(100_000, 1) == [Crop(1, 19, 23, True, True)]
    pixels = (drawn.batch(7, 3)[1] * 255).round().to(torch.uint8).numpy()
    assert hashlib.sha256(pixels.tobytes()).hexdigest() == (
        "a5fd90ecd06e6f6c036a828d356b21eeee4053a111518c1a1cf4be795c373510"
    )


@pytest.mark.parametrize("degradation", [PLAIN, ROUGH])
@pytest.mark.parametrize("parts", [[1] * 6, [4, 2], [3, 3]])
def test_parts_of_a_batch_are_the_whole(
    store: Store, degradation: DegradationRange, parts: list[int]
) -> None:
    whole = sampler(store, degradation).batch(5, 6)
    first, found = 0, []
    for count in parts:
        found.append(sampler(store, degradation).batch(5, count, first=first, total=6))
        first += count
    for half in range(2):
        assert torch.equal(torch.cat([part[half] for part in found]), whole[half])


def test_without_augmentation_batches_are_what_they_were(store: Store) -> None:
    neutral = Augmentation(gamma=(1.0, 1.0), gain=(1.0, 1.0), rotation=0.0, speckle=(0.0, 0.0))
    batches = [sampler(store, ROUGH).batch(step, 4) for step in range(3)]
    varied = [sampler(store, ROUGH, augmentation=neutral).batch(step, 4) for step in range(3)]
    assert digest(batches) == digest(varied)
    assert [sampler(store).draw(step, 4) for step in range(3)] == [
        sampler(store, augmentation=Augmentation(gamma=(0.5, 2.0))).draw(step, 4)
        for step in range(3)
    ]


VARIED = Augmentation(gamma=(0.7, 1.4), gain=(0.8, 1.2), rotation=6, speckle=(0.0, 0.2))


@pytest.mark.parametrize("parts", [[1] * 6, [4, 2]])
def test_parts_of_a_varied_batch_are_the_whole(store: Store, parts: list[int]) -> None:
    def varied(count: int, first: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
        drawn = sampler(store, ROUGH, augmentation=VARIED)
        return drawn.batch(5, count, first=first, total=6)

    whole, first, found = varied(6), 0, []
    for count in parts:
        found.append(varied(count, first))
        first += count
    for half in range(2):
        assert torch.equal(torch.cat([part[half] for part in found]), whole[half])


@pytest.mark.parametrize("scale", [(4, 4), (1, 4), (2, 6)])
def test_lr_is_made_of_the_varied_hr(store: Store, scale: Scale) -> None:
    degradation = DegradationRange(scale, levels=0)
    drawn = sampler(store, degradation, augmentation=VARIED)
    plain = sampler(store, degradation)
    for step in range(3):
        low, high = drawn.batch(step, 4)
        assert high.shape == (4, 1, 48, 48)
        assert 0 <= high.min() <= high.max() <= 1
        assert not torch.equal(high, plain.batch(step, 4)[1])
        # Away from the edges, which LR saw more of.
        inside = downsample(high, scale)[..., 3:-3, 3:-3]
        torch.testing.assert_close(low[..., 3:-3, 3:-3], inside, atol=2e-6, rtol=0)


def test_a_gain_is_that_of_the_same_pixels(store: Store) -> None:
    low, high = sampler(store, augmentation=Augmentation(gain=(0.5, 0.5))).batch(0, 8)
    plain_low, plain_high = sampler(store).batch(0, 8)
    assert torch.equal(high, plain_high * 0.5)
    torch.testing.assert_close(low, plain_low * 0.5, atol=1.01 / 255, rtol=0)


def test_padding_stays_white_under_a_gain(make_store: MakeStore, draw: Any) -> None:
    store = make_store(padded(draw))
    darker = Augmentation(gain=(0.5, 0.5))
    drawn, plain = (sampler(store, augmentation=a, padding_share=0.5) for a in (darker, None))
    padding = 0
    for step in range(10):
        high, expected = drawn.batch(step, 8)[1], plain.batch(step, 8)[1]
        white = expected >= 254 / 255
        assert torch.equal(high, torch.where(white, expected, expected * 0.5))
        padding += int(white.sum())
    assert padding > 1000


def test_a_rotated_crop_needs_a_larger_scan(make_store: MakeStore, draw: Any) -> None:
    store = make_store([draw(70, 70)])
    sampler(store)
    with pytest.raises(DataError, match="as large as a crop with its margin, 76 x 76"):
        sampler(store, augmentation=Augmentation(rotation=7))


def test_ready_made_pairs_are_not_varied(make_store: MakeStore, draw: Any) -> None:
    store = make_store([draw(96, 96)], low=[draw(24, 24)])
    sampler(store, None, augmentation=Augmentation())
    with pytest.raises(DataError, match="ready-made would not follow HR"):
        sampler(store, None, augmentation=Augmentation(gain=(0.9, 1.1)))


def test_crops_are_the_pixels_of_the_store(store: Store) -> None:
    drawn = sampler(store, flip_lateral=False)
    crops = drawn.draw(0, 8)
    _, high = drawn.batch(0, 8)
    for crop, cut in zip(crops, high, strict=True):
        top, left = crop.top + 8, crop.left + 8
        expected = store.read(drawn.records[crop.record])[:, top : top + 48, left : left + 48]
        assert np.array_equal(cut.numpy(), expected.astype(np.float32) / np.float32(255))


@pytest.mark.parametrize("scale", [(4, 4), (1, 4), (2, 6), (3, 3)])
@pytest.mark.parametrize(
    ("kernel", "blur"),
    [("bicubic", 0.0), ("bicubic", 0.7), ("bicubic", 2.0), ("area", 0.7), ("decimate", 0.0)],
)
def test_lr_is_what_degrading_the_whole_scan_and_cutting_there_gives(
    store: Store, scale: Scale, kernel: Any, blur: float
) -> None:
    degradation = DegradationRange(scale, (kernel,), (blur, blur), levels=0)
    drawn = sampler(store, degradation, flip_lateral=False)
    (mv, mh), (v, h) = margin(degradation, scale), scale
    for step in range(3):
        low, _ = drawn.batch(step, 4)
        for crop, cut in zip(drawn.draw(step, 4), low, strict=True):
            whole = torch.from_numpy(store.read(drawn.records[crop.record]) / np.float32(255))
            # LR pixels of the crop begin where it begins: let those of the scan do so as well.
            whole = whole[None, :, crop.top % v :, crop.left % h :]
            degraded = degradation.sample(0)(crop_to_multiple(whole, scale))[0]
            y, x = (crop.top + mv) // v, (crop.left + mh) // h
            expected = degraded[:, y : y + 48 // v, x : x + 48 // h]
            torch.testing.assert_close(cut, expected, atol=2e-6, rtol=0)


def test_margins_are_those_of_the_kernel_and_the_blur() -> None:
    assert margin(None, (4, 4)) == (0, 0)
    assert margin(PLAIN, (4, 4)) == (8, 8)
    assert margin(replace(PLAIN, scale=(1, 4)), (1, 4)) == (2, 8)
    assert margin(replace(PLAIN, blur=(0, 1.5)), (4, 4)) == (16, 16)


def padded(draw: Any) -> list[NDArray[np.uint8]]:
    """Scans with wedges, strips thinner than a block, and an odd size."""
    wedge, strip, both = draw(160, 200), draw(160, 200, seed=1), draw(131, 149, seed=2)
    y, x = np.mgrid[:160, :200]
    wedge[x > 2 * y + 90] = 255
    strip[:3] = 255
    strip[:, 195:] = 254
    y, x = np.mgrid[:131, :149]
    both[y > 0.3 * x + 105] = 255
    return [wedge, strip, both]


@pytest.mark.parametrize("degradation", [PLAIN, replace(PLAIN, blur=(0.0, 1.0))])
def test_no_crop_touches_white_padding_not_even_with_its_margin(
    make_store: MakeStore, draw: Any, degradation: DegradationRange
) -> None:
    store = make_store(padded(draw))
    drawn = sampler(store, degradation, background_share=0.5)
    side = 48 + 2 * margin(degradation, (4, 4))[0]
    seen = set()
    for step in range(60):
        for crop in drawn.draw(step, 8):
            window = (slice(crop.top, crop.top + side), slice(crop.left, crop.left + side))
            cut = store.read(drawn.records[crop.record])[0][window]
            assert cut.shape == (side, side)
            assert cut.max() < 254
            seen.add(crop.record)
    assert seen == {0, 1, 2}


def test_the_stated_share_of_crops_shows_an_edge_of_padding(
    make_store: MakeStore, draw: Any
) -> None:
    store = make_store(padded(draw))
    drawn = sampler(store, padding_share=0.25)
    shares = []
    for step in range(60):
        for crop in drawn.draw(step, 8):
            window = (slice(crop.top, crop.top + 64), slice(crop.left, crop.left + 64))
            shares.append((store.read(drawn.records[crop.record])[0][window] >= 254).mean())
    assert np.mean([share > 0 for share in shares]) == pytest.approx(0.25, abs=0.06)
    assert max(shares) < 0.8


def test_a_share_of_padding_changes_nothing_where_there_is_none(store: Store) -> None:
    assert sampler(store, padding_share=1.0).draw(0, 20) == sampler(store).draw(0, 20)


def test_scans_that_are_padding_everywhere_are_an_error(make_store: MakeStore) -> None:
    store = make_store([np.full((100, 100), 255, np.uint8)])
    with pytest.raises(DataError, match="white padding nearly everywhere"):
        sampler(store).batch(0, 1)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_background_is_about_the_share_asked_for(make_store: MakeStore, share: float) -> None:
    rng = np.random.default_rng(0)
    scan = rng.integers(0, 60, (600, 100), np.uint8)  # speckle, and one band of tissue
    scan[20:100] = 80 + 120 * (np.arange(80)[:, None] // 10 % 2)
    drawn = sampler(make_store([scan]), background_share=share)
    crops = [crop for step in range(60) for crop in drawn.draw(step, 8)]
    background = np.mean([crop.top >= 100 for crop in crops])
    anywhere = 437 / 537  # of the places that a crop can have
    assert background == pytest.approx(share * anywhere, abs=0.06)


def test_places_are_even_over_scans_by_their_size(make_store: MakeStore, draw: Any) -> None:
    store = make_store([draw(100, 100), draw(100, 200, seed=1)])
    drawn = sampler(store, background_share=1)
    crops = [crop for step in range(60) for crop in drawn.draw(step, 8)]
    share = (200 - 63) / (200 - 63 + 100 - 63)
    assert np.mean([crop.record for crop in crops]) == pytest.approx(share, abs=0.06)
    assert {crop.top for crop in crops} == set(range(37))


@pytest.mark.parametrize(("lateral", "axial"), [(True, False), (False, True), (True, True)])
@pytest.mark.parametrize("ready", [False, True])
def test_flips_flip_both_halves_and_only_as_asked(
    make_store: MakeStore, draw: Any, lateral: bool, axial: bool, ready: bool
) -> None:
    image = draw(160, 200)
    low = np.ascontiguousarray(image[1::4, 1::4])
    degradation = None if ready else DegradationRange(kernels=("area",), levels=0)
    store = make_store([image], low=[low] if ready else None)
    flipped = sampler(store, degradation, flip_lateral=lateral, flip_axial=axial)
    straight = sampler(store, degradation, flip_lateral=False, flip_axial=False)
    seen = set()
    for step in range(8):
        batches = zip(*flipped.batch(step, 4), *straight.batch(step, 4), strict=True)
        for crop, (l1, h1, l0, h0) in zip(flipped.draw(step, 4), batches, strict=True):
            turned = [axis for axis, on in ((2, crop.flip_lateral), (1, crop.flip_axial)) if on]
            assert torch.equal(h1, h0.flip(turned))
            torch.testing.assert_close(l1, l0.flip(turned), atol=1e-6, rtol=0)
            seen.add((crop.flip_lateral, crop.flip_axial))
    assert seen == {(a, b) for a in {False, lateral} for b in {False, axial}}


@pytest.mark.parametrize("scale", [(4, 4), (1, 4), (2, 3)])
def test_ready_made_pairs_stay_aligned(make_store: MakeStore, draw: Any, scale: Scale) -> None:
    images = [draw(144, 180, seed=i) for i in range(2)]
    low = []
    for image in images:
        shrunk = downsample(torch.from_numpy(image / np.float32(255))[None, None], scale, "area")
        low.append((shrunk[0, 0].numpy() * 255).round().astype(np.uint8))
    store = make_store(images, low=low)
    drawn = CropSampler(
        store, "train", rules=CropRules(size=48), degradation=None, scale=scale, seed=3, device=CPU
    )
    for step in range(5):
        low_batch, high_batch = drawn.batch(step, 6)
        expected = downsample(high_batch, scale, "area")
        torch.testing.assert_close(low_batch, expected, atol=0.51 / 255, rtol=0)


def test_pairs_that_do_not_fit_the_scale_are_named(make_store: MakeStore, draw: Any) -> None:
    store = make_store([draw(96, 96)], low=[draw(48, 48)])
    with pytest.raises(DataError, match=r"0\.png: LR 48 x 48 times \(4, 4\) is not HR 96 x 96"):
        sampler(store, None)


def test_pairs_must_be_there_to_be_used(store: Store) -> None:
    with pytest.raises(DataError, match="no ready-made LR twins"):
        sampler(store, None)


def test_small_scans_are_left_out_and_named_if_none_is_left(
    make_store: MakeStore, draw: Any
) -> None:
    store = make_store([draw(63, 200), draw(64, 64, seed=1), draw(40, 40, seed=2)])
    drawn = sampler(store)
    assert [record.name for record in drawn.records] == ["1.png"]
    assert drawn.left_out == 2
    assert drawn.batch(0, 3)[1].shape == (3, 1, 48, 48)  # one place only
    with pytest.raises(DataError) as caught:
        sampler(store, size=64)
    assert "with its margin, 80 x 80; the nearest of 3 is 1.png, 64 x 64" in str(caught.value)


def test_an_empty_split_is_said_with_what_there_is_and_the_cure(store: Store) -> None:
    with pytest.raises(
        DataError, match=r"no scans in split 'test' \(only train, val\); pack again"
    ):
        sampler(store, split="test")


def test_splits_are_kept_apart(store: Store) -> None:
    assert [record.name for record in sampler(store, split="val").records] == ["3.png"]


@pytest.mark.parametrize("size", [0, -48, 50])
def test_sizes_that_are_no_multiple_of_the_scale_are_refused(store: Store, size: int) -> None:
    with pytest.raises(DataError, match="no multiple of scale"):
        sampler(store, size=size)


@pytest.mark.parametrize(("dtype", "channels"), [("u1", 1), ("u1", 3), ("<u2", 1)])
def test_cutting_on_the_device_gives_the_same_pixels(
    make_store: MakeStore, draw: Any, dtype: str, channels: int
) -> None:
    images = [draw(80, 70 + 9 * i, seed=i) for i in range(4)]
    if dtype == "<u2":
        images = [image.astype(np.uint16) * 257 + 3 for image in images]
    if channels == 3:
        images = [np.stack([image, 255 - image, image // 2], axis=2) for image in images]
    splits = ["train", "val", "train", "train"]
    store = make_store(images, splits=splits, channels=channels)
    drawn = sampler(store, ROUGH, flip_axial=True, size=32)
    before = [drawn.batch(step, 6) for step in range(3)]
    drawn._resident = Resident.of(store, drawn.records, CPU)
    after = [drawn.batch(step, 6) for step in range(3)]
    for (low0, high0), (low1, high1) in zip(before, after, strict=True):
        assert torch.equal(high0, high1)
        assert torch.equal(low0, low1)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_cuts_the_same_pixels_and_degrades_them_alike(store: Store) -> None:
    on_gpu = CropSampler(
        store, "train", rules=CropRules(size=48), degradation=PLAIN, scale=(4, 4), seed=1,
        device=torch.device("cuda"),
    )  # fmt: skip
    for step in range(3):
        low, high = on_gpu.batch(step, 8)
        low_expected, high_expected = sampler(store).batch(step, 8)
        torch.testing.assert_close(high.cpu(), high_expected, atol=1e-7, rtol=0)
        torch.testing.assert_close(low.cpu(), low_expected, atol=1.01 / 255, rtol=0)
        assert ((low.cpu() - low_expected).abs() > 1e-6).float().mean() < 1e-3


def test_crops_come_from_the_datasets_that_the_rules_name(store: Store) -> None:
    records = [r._replace(dataset="a" if r.height == 160 else "b") for r in store.records]
    parted = replace(store, records=tuple(records))
    drawing = sampler(parted, datasets={"b": 1.0})
    chosen = {drawing.records[c.record].dataset for s in range(20) for c in drawing.draw(s, 4)}
    assert chosen == {"b"}
    with pytest.raises(DataError, match="names 'c', but there are only a, b"):
        sampler(parted, datasets={"c": 1.0})
