"""Scans in, the same pixels out; and nothing half-made is ever opened."""

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from super_resolution_gans.data import decode
from super_resolution_gans.data.blocks import block_means
from super_resolution_gans.data.inventory import DataError, Entry
from super_resolution_gans.data.store import Store, open_store, pack
from super_resolution_gans.io import ReadError
from super_resolution_gans.scan import Scan

Write = Any


def entry(path: Path, split: str | None = "train", **more: Any) -> Entry:
    return Entry(path, path.name, split=split, **more)


def refusal(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        open_store(path)
    assert str(caught.value).isprintable()
    assert str(caught.value).startswith(str(path))
    return str(caught.value)


@pytest.fixture
def store(write: Write, tmp_path: Path) -> Store:
    entries = [entry(write(f"{i}.png"), split) for i, split in enumerate(["train", "train", "val"])]
    return pack(entries, tmp_path / "store")


def test_eight_bit_pixels_come_back_exactly(write: Write, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, size, np.uint8) for size in ((9, 17), (1, 1), (24, 8))]
    entries = [entry(write(f"{i}.png", image)) for i, image in enumerate(images)]
    store = pack(entries, tmp_path / "store")
    assert (store.channels, store.levels, store.has_pairs) == (1, 255, False)
    for record, image in zip(store.records, images, strict=True):
        assert np.array_equal(store.read(record), image[None])
        assert np.array_equal(store.blocks_of(record), block_means(image[None]))
        assert record.sha256 == hashlib.sha256(image.tobytes()).hexdigest()


def test_sixteen_bit_pixels_come_back_exactly(write: Write, tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 65536, (31, 30), np.uint16)
    store = pack([entry(write("deep.png", image))], tmp_path / "store")
    assert store.levels == 65535
    assert store.pixels.dtype == np.dtype("<u2")
    assert np.array_equal(store.read(store.records[0]), image[None])


def test_one_deep_scan_makes_the_whole_store_deep_and_errors_are_told_once(
    write: Write, tmp_path: Path
) -> None:
    shallow = np.arange(256, dtype=np.uint8).reshape(16, 16)
    deep = np.arange(256, dtype=np.uint16).reshape(16, 16)
    (tmp_path / "bad.png").write_bytes(b"no")
    paths = [write("a.png", shallow), tmp_path / "bad.png", write("b.png", deep)]
    told: list[str] = []
    store = pack([entry(path) for path in paths], tmp_path / "store", on_error=told.append)
    assert store.levels == 65535
    assert np.array_equal(store.read(store.records[0])[0], shallow.astype(np.uint16) * 257)
    assert np.array_equal(store.read(store.records[1])[0], deep)
    assert len(told) == 1


def test_colour_becomes_luminance_or_stays(write: Write, tmp_path: Path) -> None:
    colour = np.random.default_rng(0).integers(0, 256, (10, 12, 3), np.uint8)
    path = write("colour.png", colour)
    grey = pack([entry(path)], tmp_path / "grey")
    expected = np.rint(colour @ np.array([0.299, 0.587, 0.114]))
    assert np.array_equal(grey.read(grey.records[0])[0], expected)
    kept = pack([entry(path)], tmp_path / "kept", channels=3)
    assert np.array_equal(kept.read(kept.records[0]), colour.transpose(2, 0, 1))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_grey_that_is_stored_as_colour_stays_what_it_is(
    write: Write, tmp_path: Path, dtype: Any
) -> None:
    top = np.iinfo(dtype).max
    grey = np.linspace(0, top, 256).round().astype(dtype).reshape(16, 16)
    three = np.repeat(grey[..., None], 3, axis=2)
    tifffile.imwrite(tmp_path / "three.tif", three, photometric="rgb")
    store = pack([entry(tmp_path / "three.tif")], tmp_path / "store")
    assert np.array_equal(store.read(store.records[0])[0], grey)
    replicated = pack([entry(write("grey.png", grey))], tmp_path / "three", channels=3)
    assert np.array_equal(replicated.read(replicated.records[0]), three.transpose(2, 0, 1))


def test_every_page_of_a_volume_is_a_slice(tmp_path: Path) -> None:
    volume = np.random.default_rng(0).integers(0, 256, (5, 12, 14), np.uint8)
    tifffile.imwrite(tmp_path / "volume.tif", volume, photometric="minisblack")
    store = pack([entry(tmp_path / "volume.tif", patient="p")], tmp_path / "store")
    assert [record.slice for record in store.records] == list(range(5))
    assert {record.patient for record in store.records} == {"/p"}
    for record, page in zip(store.records, volume, strict=True):
        assert np.array_equal(store.read(record)[0], page)


def test_order_and_content_do_not_depend_on_the_number_of_threads(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = [entry(write(f"{i:02d}.png")) for i in range(40)]
    digests = set()
    for threads in (1, 7):
        monkeypatch.setattr(decode, "processors", lambda threads=threads: threads)
        store = pack(entries, tmp_path / str(threads))
        assert [record.name for record in store.records] == [one.name for one in entries]
        digests.add((store.digest, store.pixels.tobytes(), store.block_grid.tobytes()))
    assert len(digests) == 1


def test_records_know_person_dataset_and_split(write: Write, tmp_path: Path) -> None:
    entries = [
        entry(write("a.png"), "val", patient="p", dataset="d"),
        entry(write("b.png"), None),
        entry(write("c.png"), "ood"),
    ]
    store = pack(entries, tmp_path / "store")
    assert [(r.split, r.patient, r.dataset) for r in store.records] == [
        ("val", "d/p", "d"), ("train", "/folder .", ""), ("ood", "/folder .", ""),
    ]  # fmt: skip
    assert [record.name for record in store.of_split("ood")] == ["c.png"]


def test_ready_made_twins_are_stored_beside_their_scans(write: Write, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    high, low = (
        rng.integers(0, 256, (2, 16, 20), np.uint8),
        rng.integers(0, 256, (2, 4, 5), np.uint8),
    )
    entries = [
        entry(write(f"{i}.png", high[i]), low_path=write(f"low/{i}.png", low[i])) for i in range(2)
    ]
    store = pack(entries, tmp_path / "store")
    assert store.has_pairs
    for i, record in enumerate(store.records):
        assert np.array_equal(store.read(record)[0], high[i])
        assert np.array_equal(store.read_low(record)[0], low[i])
    write("low/1.png", 255 - low[1])
    assert pack(entries, tmp_path / "other").digest != store.digest


def test_a_deep_twin_makes_the_store_deep(write: Write, tmp_path: Path) -> None:
    low = np.arange(20, dtype=np.uint16).reshape(4, 5)
    one = entry(write("a.png", np.zeros((16, 20), np.uint8)), low_path=write("low.png", low))
    store = pack([one], tmp_path / "store")
    assert np.array_equal(store.read_low(store.records[0])[0], low)


def test_twins_with_other_numbers_of_slices_are_refused(tmp_path: Path) -> None:
    for name, slices in (("a.tif", 3), ("b.tif", 2)):
        volume = np.zeros((slices, 8, 8), np.uint8)
        tifffile.imwrite(tmp_path / name, volume, photometric="minisblack")
    one = entry(tmp_path / "a.tif", low_path=tmp_path / "b.tif")
    with pytest.raises(DataError, match="has 3 slices, its LR twin has 2"):
        pack([one], tmp_path / "store")


def test_a_scan_without_twin_has_none_to_read(store: Store) -> None:
    with pytest.raises(DataError, match="has no LR twin"):
        store.read_low(store.records[0])


def test_unreadable_scans_are_named_and_left_out(write: Write, tmp_path: Path) -> None:
    (tmp_path / "empty.png").touch()
    (tmp_path / "wrong\n.png").write_bytes(b"GIF8")
    cut = write("cut.png").read_bytes()[:100]
    (tmp_path / "cut.png").write_bytes(cut)
    names = ["a.png", "empty.png", "wrong\n.png", "cut.png", "missing.png", "b.png"]
    write("a.png"), write("b.png")
    told: list[str] = []
    done: list[int] = []
    store = pack(
        [entry(tmp_path / name) for name in names],
        tmp_path / "store",
        on_error=told.append,
        on_progress=done.append,
    )
    assert [record.name for record in store.records] == ["a.png", "b.png"]
    assert len(told) == 4
    assert all(line.isprintable() for line in told)
    assert all(
        name in line for name, line in zip(names[1:], told, strict=False) if "\n" not in name
    )
    assert done == [1, 2, 3, 4, 5, 6]


def test_without_a_listener_the_first_unreadable_scan_ends_it(write: Write, tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(b"no")
    with pytest.raises(DataError, match=r"bad\.png"):
        pack([entry(write("a.png")), entry(tmp_path / "bad.png")], tmp_path / "store")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "bad.png"]


def test_nothing_readable_makes_no_store(tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(b"no")
    with pytest.raises(DataError, match="none of the scans could be read") as caught:
        pack([entry(tmp_path / "bad.png")], tmp_path / "store", on_error=lambda _: None)
    assert caught.value.source == str(tmp_path / "store")
    assert [path.name for path in tmp_path.iterdir()] == ["bad.png"]


class Failing:
    """A lazy scan whose second slice cannot be read."""

    shape = (3, 8, 8)

    def read(self, index: int, rows: slice, columns: slice) -> Any:
        if index == 1:
            raise ReadError("lazy.tif", "a tile is damaged")
        return np.zeros((8, 8), np.float32)[rows, columns]


def test_a_scan_that_fails_in_the_middle_leaves_no_trace(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = [entry(write("a.png")), entry(tmp_path / "lazy.tif"), entry(write("b.png"))]
    plain = pack([entries[0], entries[2]], tmp_path / "plain")
    real = decode.read_scan

    def read(path: Path) -> Scan:
        return Scan(Failing()) if path.suffix == ".tif" else real(path)

    monkeypatch.setattr(decode, "read_scan", read)
    told: list[str] = []
    store = pack(entries, tmp_path / "store", on_error=told.append)
    assert told == ["lazy.tif: a tile is damaged"]
    assert store.digest == plain.digest
    assert store.pixels.tobytes() == plain.pixels.tobytes()
    assert store.block_grid.tobytes() == plain.block_grid.tobytes()


def test_nothing_is_overwritten_unasked(store: Store, write: Write, tmp_path: Path) -> None:
    before = store.digest
    with pytest.raises(DataError, match="exists already"):
        pack([entry(write("new.png"))], store.path)
    assert open_store(store.path).digest == before
    replaced = pack([entry(write("new.png"))], store.path, overwrite=True)
    assert [record.name for record in replaced.records] == ["new.png"]
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").touch()
    for target in (tmp_path / "precious", write("precious.png")):
        with pytest.raises(DataError, match="is not a store, and is not overwritten"):
            pack([entry(write("new.png"))], target, overwrite=True)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


class CrashError(Exception):
    pass


@pytest.mark.parametrize("moment", ["while packing", "when all is written", "at the last step"])
def test_a_crash_leaves_the_old_store_and_nothing_else(
    store: Store, write: Write, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    before = sorted(path.name for path in store.path.parent.iterdir())
    new = [entry(write(f"{i}.png")) for i in range(3)]

    def crash(*_: Any) -> None:
        raise CrashError

    listener = None
    if moment == "while packing":
        listener = crash
    elif moment == "when all is written":
        monkeypatch.setattr(json, "dumps", crash)
    else:
        rename = Path.rename

        def renamed(self: Path, target: Path) -> Path:
            if target == store.path and (self / "index.json").is_file() and self.name != "old":
                raise CrashError
            return rename(self, target)

        monkeypatch.setattr(Path, "rename", renamed)
    for target in (store.path, store.path.with_name("fresh")):
        if moment == "at the last step" and target != store.path:
            continue
        with pytest.raises(CrashError):
            pack(new, target, overwrite=True, on_progress=listener)
    assert sorted(path.name for path in store.path.parent.iterdir()) == before
    monkeypatch.undo()
    assert open_store(store.path).digest == store.digest


def test_a_full_disk_is_said_in_one_line(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DataError, match=r"store: cannot be written \(No space left on device\)"):
        pack([entry(write("a.png"))], tmp_path / "store")
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_an_opened_store_cannot_be_changed(store: Store) -> None:
    with pytest.raises(ValueError, match="read-only"):
        store.pixels[0] = 0
    with pytest.raises(ValueError, match="read-only"):
        store.read(store.records[0])[...] = 0


def test_the_digest_changes_with_pixels_people_and_splits(write: Write, tmp_path: Path) -> None:
    path = write("a.png")

    def digest(name: str, **changes: Any) -> str:
        return pack([Entry(path, "a.png", **changes)], tmp_path / name).digest

    digests = [
        digest("1", split="train"),
        digest("2", split="val"),
        digest("3", split="train", patient="p"),
    ]
    assert digest("same", split="train") == digests[0]
    Image.fromarray(255 - np.asarray(Image.open(path))).save(path)
    digests.append(digest("4", split="train"))
    assert len(set(digests)) == 4


def test_names_that_are_no_text_can_be_packed(write: Write, tmp_path: Path) -> None:
    path = write("a.png").rename(tmp_path / "\udcff\n.png")
    store = pack([entry(path)], tmp_path / "store")
    assert store.records[0].name == "\udcff\n.png"
    assert len(store.digest) == 64


def test_what_is_no_store_is_refused_with_the_cure(tmp_path: Path) -> None:
    for path in (tmp_path / "missing", tmp_path):
        assert "srgan data pack DIR -o STORE" in refusal(path)
    (tmp_path / "file").touch()
    assert "srgan data pack DIR -o STORE" in refusal(tmp_path / "file")


def truncate(path: Path, by: int) -> None:
    os.truncate(path, path.stat().st_size - by)


def edits() -> Iterator[Any]:
    """Ways of damaging the index."""
    column = ["name", "slice", "patient", "dataset", "split", "height", "width", "offset", "blocks"]
    for name, value in [
        ("offset", -1), ("offset", "0"), ("offset", 10**12), ("offset", 1.5), ("height", 0),
        ("height", 10**9), ("blocks", 10**9), ("slice", None), ("width", True),
    ]:  # fmt: skip
        yield pytest.param(
            lambda index, name=name, value=value: index["records"][1].__setitem__(
                column.index(name), value
            ),
            id=f"{name}={value}",
        )
    for key, value in [
        ("dtype", "O"), ("dtype", "<f4"), ("channels", 2), ("channels", "1"), ("records", []),
        ("records", [[1]]), ("records", 3), ("records", None), ("columns", ["name"]),
    ]:  # fmt: skip
        yield pytest.param(
            lambda index, key=key, value=value: index.__setitem__(key, value), id=f"{key}={value}"
        )


@pytest.mark.parametrize("edit", list(edits()))
def test_an_index_that_makes_no_sense_is_refused(store: Store, edit: Any) -> None:
    file = store.path / "index.json"
    index = json.loads(file.read_text())
    edit(index)
    file.write_text(json.dumps(index))
    assert "is damaged" in refusal(store.path)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "3", "null", '{"format": 2}', "[" * 100_000, "\\u0000", '"\udcff"']
)
def test_an_index_that_is_no_index_is_refused(store: Store, text: str) -> None:
    (store.path / "index.json").write_bytes(text.encode(errors="surrogateescape"))
    assert "is damaged" in refusal(store.path)


def test_another_format_is_refused_with_the_cure(store: Store) -> None:
    file = store.path / "index.json"
    file.write_text(file.read_text().replace('"format": 2', '"format": 3'))
    assert "has store format 3, not 2; pack again" in refusal(store.path)


@pytest.mark.parametrize("name", ["pixels.bin", "blocks.bin"])
def test_files_of_another_size_are_refused(store: Store, name: str) -> None:
    file = store.path / name
    content = file.read_bytes()
    for changed in (content[:-1], content + b"\0", b""):
        file.write_bytes(changed)
        assert "is damaged" in refusal(store.path)
    file.unlink()
    assert "is not a store" in refusal(store.path)


def test_stores_of_the_first_format_open_with_the_digest_they_had(store: Store) -> None:
    index = {
        "format": 1,
        "channels": 1,
        "dtype": "|u1",
        "records": [record._asdict() for record in store.records],
    }
    (store.path / "index.json").write_text(json.dumps(index))
    old = open_store(store.path)
    assert old.records == store.records
    lines = [
        f"{r.name}\t{r.slice}\t{r.patient}\t{r.split}\t{r.height}x{r.width}\t{r.sha256}"
        for r in store.records
    ]
    assert old.digest == hashlib.sha256("\n".join(lines).encode()).hexdigest()
    assert old.digest != store.digest
