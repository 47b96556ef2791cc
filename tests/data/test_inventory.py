"""Which files are scans, whose they are, and what a manifest says of them."""

from pathlib import Path
from typing import Any

import pytest

from super_resolution_gans.data.inventory import DataError, Entry, find_entries

Write = Any


def refusal(source: Path, *arguments: Any) -> str:
    with pytest.raises(DataError) as caught:
        find_entries(source, *arguments)
    assert str(caught.value).isprintable()
    return str(caught.value)


def manifest(folder: Path, text: str, name: str = "manifest.csv") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "patient"),
    [
        ("CNV-1016042-1.jpeg", "1016042"),
        ("DME-82328-7.jpeg", "82328"),
        ("DRUSEN-9894035-12.png", "9894035"),
        ("NORMAL-1384-2.tif", "1384"),
        ("NORMAL4.jpeg", None),
        ("normal-1384-2.jpeg", None),
        ("CNV-1016042-1-copy.jpeg", None),
        ("XCNV-1016042-1.jpeg", None),
    ],
)
def test_the_person_is_read_from_kermany_s_names(
    tmp_path: Path, name: str, patient: str | None
) -> None:
    (tmp_path / name).touch()
    (entry,) = find_entries(tmp_path)
    assert entry.patient == patient
    assert entry.person == (f"/{patient}" if patient else "/folder .")


def test_one_person_has_scans_in_several_classes(tmp_path: Path) -> None:
    for name in ("train/CNV/CNV-7-1.jpeg", "train/DME/DME-7-1.jpeg"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    assert {entry.person for entry in find_entries(tmp_path)} == {"/7"}


def test_folders_named_after_splits_are_splits(tmp_path: Path) -> None:
    for folder in ("train/CNV", "Val/CNV", "TEST", "validation", "other/training"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "a.png").touch()
    found = {entry.name: entry.split for entry in find_entries(tmp_path)}
    assert found == {
        "TEST/a.png": "test",
        "Val/CNV/a.png": "val",
        "other/training/a.png": "train",
        "train/CNV/a.png": "train",
        "validation/a.png": "val",
    }


def test_hidden_files_and_other_suffixes_are_passed_over(tmp_path: Path) -> None:
    for name in ("a.png", ".b.png", "._a.png", "c.txt", "d", "e.PNG", ".git/f.png", "g.dcm.gz"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()
    assert [entry.name for entry in find_entries(tmp_path)] == ["a.png", "e.PNG"]


def test_a_hidden_folder_may_itself_be_the_source(tmp_path: Path) -> None:
    (tmp_path / ".scans").mkdir()
    (tmp_path / ".scans" / "a.png").touch()
    assert len(find_entries(tmp_path / ".scans")) == 1


def test_a_pattern_finds_people_in_other_names(tmp_path: Path) -> None:
    (tmp_path / "visit_P07_left.png").touch()
    (entry,) = find_entries(tmp_path, r"_(?P<patient>P\d+)_")
    assert entry.patient == "P07"


def test_patterns_without_the_group_or_sense_are_refused(tmp_path: Path) -> None:
    assert "needs a group (?P<patient>...)" in refusal(tmp_path, r"P\d+")
    assert "not a regular expression" in refusal(tmp_path, r"(?P<patient>\n(")


def test_nothing_usable_is_said_in_one_line(tmp_path: Path) -> None:
    text = refusal(tmp_path)
    assert "holds no scans (looked for " in text
    assert " .png " in text
    assert "no such folder" in refusal(tmp_path / "missing")
    assert "new\\nline: no such folder" in refusal(tmp_path / "new\nline")
    (tmp_path / "scan.png").touch()
    assert "no such folder or manifest" in refusal(tmp_path / "scan.png")


def test_a_manifest_says_person_split_and_dataset(tmp_path: Path) -> None:
    text = (
        "\ufeffpath,dataset,patient,split,role\n"
        "b/CNV-1-1.png,duke,P1,Test,average\n"
        "a.png,,unknown,,\n"
        "c.png,duke, P1 ,ood,\n"
        "\n"
        "d.png,x,7,validation,\n"
    )
    entries = find_entries(manifest(tmp_path, text))
    assert entries == find_entries(tmp_path)
    assert entries == [
        Entry(tmp_path / "a.png", "a.png"),
        Entry(tmp_path / "b/CNV-1-1.png", "b/CNV-1-1.png", "P1", "test", "duke", None, "average"),
        Entry(tmp_path / "c.png", "c.png", "P1", "ood", "duke"),
        Entry(tmp_path / "d.png", "d.png", "7", "val", "x"),
    ]
    assert [entry.person for entry in entries] == ["/folder .", "duke/P1", "duke/P1", "x/7"]


def test_a_manifest_names_lr_twins(tmp_path: Path) -> None:
    (entry,) = find_entries(manifest(tmp_path, "path,lr_path\nhr/a.png,lr/a.png\n", "m.csv"))
    assert entry.low_path == tmp_path / "lr/a.png"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"file,patient\na.png,1\n", "has no column 'path'"),
        (b"", "has no column 'path'"),
        (b"path\n", "holds no scans"),
        (b"path\n\xff\xfe\n", "cannot be read"),
        (b'path\n"' + b"x" * 200_000 + b'"\n', "cannot be read"),
    ],
)
def test_manifests_that_cannot_be_used_are_refused(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    (tmp_path / "m.csv").write_bytes(content)
    assert reason in refusal(tmp_path / "m.csv")


def test_the_shared_manifest_is_understood(shared: Path) -> None:
    entries = find_entries(shared / "data" / "oct")
    assert len(entries) == 509
    assert all(entry.path.is_file() for entry in entries)
    people = {"train": 28, "val": 2, "test": 21, "ood": 3}
    assert {
        split: len({entry.person for entry in entries if entry.split == split}) for split in people
    } == people


def pairs(folder: Path, high: list[str], low: list[str]) -> None:
    for kind, names in (("HR", high), ("LR", low)):
        for name in names:
            (folder / kind / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / kind / name).touch()


def test_pairs_are_found_by_name_with_or_without_the_factor(tmp_path: Path) -> None:
    high = ["a.png", "b.png", "s/c.png", "d[1].png", "e.tif", "f_x4.png"]
    low = ["a.png", "bx4.png", "s/c_x4.png", "d[1]x2.png", "e.png", "f_x4.png", "unused.png"]
    pairs(tmp_path, high, low)
    found = {
        entry.name: str(entry.low_path.relative_to(tmp_path / "LR"))
        for entry in find_entries(tmp_path)
        if entry.low_path is not None
    }
    assert found == dict(zip(high, low[:6], strict=True))


def test_the_nearest_name_wins(tmp_path: Path) -> None:
    pairs(tmp_path, ["a.png", "ax4.png", "b.png"], ["a.png", "ax4.png", "b.png", "b.tif"])
    found = [entry.low_path for entry in find_entries(tmp_path)]
    assert found == [tmp_path / "LR" / name for name in ("a.png", "ax4.png", "b.png")]


def test_hr_names_carry_the_person_and_folders_the_split(tmp_path: Path) -> None:
    pairs(tmp_path, ["test/CNV-12-1.png"], ["test/CNV-12-1x4.png"])
    (entry,) = find_entries(tmp_path)
    assert (entry.patient, entry.split) == ("12", "test")


@pytest.mark.parametrize(
    ("low", "reason"),
    [
        (["b.png"], "no LR twin"),
        (["sub/a.png"], "no LR twin"),
        (["a.txt"], "no LR twin"),
        ([".a.png"], "no LR twin"),
        (["ax2.png", "ax4.png"], "2 LR twins"),
    ],
)
def test_missing_and_doubtful_twins_are_errors(tmp_path: Path, low: list[str], reason: str) -> None:
    pairs(tmp_path, ["a.png"], low)
    assert reason in refusal(tmp_path)


def test_finding_the_twins_of_many_pairs_lists_the_folder_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"{i:03d}.png" for i in range(300)]
    pairs(tmp_path, names, names)
    listed: list[Path] = []
    rglob = Path.rglob

    def counted(self: Path, pattern: str) -> Any:
        listed.append(self)
        return rglob(self, pattern)

    monkeypatch.setattr(Path, "rglob", counted)
    monkeypatch.setattr(Path, "glob", lambda *_: pytest.fail("a listing for each pair"))
    assert len(find_entries(tmp_path)) == 300
    assert len(listed) == 2


def test_errors_show_odd_names_escaped_on_one_line() -> None:
    message = str(DataError("a\nb\x1b[31m", "first\nsecond\x07"))
    assert message == "a\\nb\\x1b[31m: first second\\x07"
