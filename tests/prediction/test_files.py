"""Files in, files out, with a journal; one failure never stops the rest."""

import json

import numpy as np
import pytest
import tifffile
from PIL import Image

from super_resolution_gans.io import FetchError, shown
from super_resolution_gans.prediction import PredictionError, files, load_upscaler
from super_resolution_gans.prediction.files import upscale_files
from super_resolution_gans.prediction.journal import JOURNAL_NAME, Journal
from super_resolution_gans.prediction.plan import make_plan


@pytest.fixture(scope="module")
def nearest():
    return load_upscaler("nearest", scale=2)


def draw(path, *shape, dtype=np.uint8, seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.random.default_rng(seed).integers(0, np.iinfo(dtype).max, shape or (5, 6), dtype)
    if path.suffix in (".tif", ".tiff"):
        tifffile.imwrite(path, values, photometric="minisblack")
    else:
        Image.fromarray(values).save(path, **({"lossless": True} if path.suffix == ".webp" else {}))
    return values


def run(sources, out, upscaler, **settings):
    return list(upscale_files(make_plan(sources, out), upscaler, **settings))


def statuses(outcomes):
    return [outcome.status for outcome in outcomes]


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def journal(folder):
    return [json.loads(line) for line in (folder / JOURNAL_NAME).read_text().splitlines()]


def doubled(values):
    return values.repeat(2, axis=-2).repeat(2, axis=-1)


def test_one_image_becomes_one_file_and_nothing_else(tmp_path, nearest):
    values = draw(tmp_path / "a.png")
    (outcome,) = run([tmp_path / "a.png"], tmp_path / "new" / "b.png", nearest)
    assert (outcome.status, outcome.before, outcome.after) == ("done", (1, 5, 6), (1, 10, 12))
    np.testing.assert_array_equal(Image.open(tmp_path / "new" / "b.png"), doubled(values))
    assert names(tmp_path / "new") == ["b.png"]


def test_sixteen_bits_and_slices_stay(tmp_path, nearest):
    values = draw(tmp_path / "a.tif", 3, 5, 6, dtype=np.uint16)
    run([tmp_path / "a.tif"], tmp_path / "b.tif", nearest)
    stored = tifffile.imread(tmp_path / "b.tif")
    assert stored.dtype == np.uint16
    np.testing.assert_array_equal(stored, doubled(values))


def test_a_folder_is_done_with_failures_named_and_the_rest_finished(tmp_path, nearest):
    scans, out = tmp_path / "scans", tmp_path / "out"
    draw(scans / "a.png")
    (scans / "b.png").write_bytes(b"")
    (scans / "c.jpg").write_bytes((scans / "a.png").read_bytes()[:50])
    draw(scans / "eye" / "d.webp")
    (scans / "notes.txt").write_text("no image")
    outcomes = run([scans], out, nearest)
    assert statuses(outcomes) == ["done", "failed", "failed", "done"]
    assert sorted(p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file()) == [
        "a.png",
        "eye/d.webp",
        JOURNAL_NAME,
    ]
    for outcome in outcomes[1:3]:
        assert outcome.reason
        assert "\n" not in outcome.reason
        assert outcome.source not in outcome.reason


def test_the_journal_says_what_was_done_with_what_and_without_times(tmp_path, grey_model):
    import hashlib

    draw(tmp_path / "in" / "a.png")
    (tmp_path / "in" / "b.png").write_bytes(b"")
    upscaler = load_upscaler(grey_model, device="cpu")
    run([tmp_path / "in"], tmp_path / "one", upscaler)
    run([tmp_path / "in"], tmp_path / "two", upscaler)
    done, failed = journal(tmp_path / "one")
    assert done == {
        "status": "done",
        "input": str(tmp_path / "in" / "a.png"),
        "input_sha256": hashlib.sha256((tmp_path / "in" / "a.png").read_bytes()).hexdigest(),
        "output": "a.png",
        **json.loads(json.dumps(upscaler.provenance.as_dict())),
    }
    assert (failed["status"], failed["output"]) == ("failed", "b.png")
    assert failed["reason"]
    one, two = (tmp_path / name for name in ("one", "two"))
    assert (one / JOURNAL_NAME).read_bytes() == (two / JOURNAL_NAME).read_bytes()
    assert (one / "a.png").read_bytes() == (two / "a.png").read_bytes()


def test_what_exists_is_skipped_unless_it_is_to_be_overwritten(tmp_path, nearest):
    draw(tmp_path / "in" / "a.png")
    out = tmp_path / "out"
    run([tmp_path / "in"], out, nearest)
    good = (out / "a.png").read_bytes()
    (out / "a.png").write_bytes(b"old")
    (skipped,) = run([tmp_path / "in"], out, nearest)
    assert skipped.status == "skipped"
    assert (out / "a.png").read_bytes() == b"old"
    assert statuses(run([tmp_path / "in"], out, nearest, overwrite=True)) == ["done"]
    assert (out / "a.png").read_bytes() == good
    assert [entry["status"] for entry in journal(out)] == ["done", "skipped", "done"]


def test_an_input_is_never_written_to(tmp_path, nearest):
    draw(tmp_path / "a.png")
    draw(tmp_path / "other" / "a.png", seed=1)
    before = (tmp_path / "a.png").read_bytes()
    (itself,) = run([tmp_path / "a.png"], tmp_path / "a.png", nearest, overwrite=True)
    both = [tmp_path / "other" / "a.png", tmp_path / "a.png"]
    outcomes = run(both, tmp_path, nearest, overwrite=True)
    (tmp_path / "link.png").symlink_to(tmp_path / "a.png")
    (linked,) = run([tmp_path / "a.png"], tmp_path / "link.png", nearest, overwrite=True)
    assert statuses([itself, *outcomes, linked]) == ["failed"] * 4
    assert "would overwrite the input" in itself.reason
    assert (tmp_path / "a.png").read_bytes() == before


def test_a_suffix_that_cannot_hold_the_result_changes_and_says_so(tmp_path, nearest):
    Image.fromarray(np.zeros((4, 5), np.uint8)).save(tmp_path / "a.gif")
    (outcome,) = run([tmp_path / "a.gif"], f"{tmp_path}/out/", nearest)
    assert outcome.target == tmp_path / "out" / "a.png"
    assert ".gif cannot hold the result" in outcome.note
    (again,) = run([tmp_path / "a.gif"], f"{tmp_path}/out/", nearest)
    assert again.status == "skipped"


def test_two_results_never_share_a_name_even_if_a_suffix_changes(tmp_path, nearest):
    draw(tmp_path / "in" / "a.png")
    Image.fromarray(np.zeros((4, 5), np.uint8)).save(tmp_path / "in" / "a.gif")
    outcomes = run([tmp_path / "in"], tmp_path / "out", nearest)
    assert statuses(outcomes) == ["failed", "done"]
    assert "already that of" in outcomes[0].reason


def test_a_format_chosen_by_the_user_that_cannot_hold_the_result_is_an_error(tmp_path, nearest):
    draw(tmp_path / "a.tif", 2, 5, 6)
    (outcome,) = run([tmp_path / "a.tif"], tmp_path / "b.jpg", nearest)
    assert outcome.status == "failed"
    assert not (tmp_path / "b.jpg").exists()


def test_an_unexpected_error_is_one_line_and_the_rest_goes_on(tmp_path, nearest, monkeypatch):
    draw(tmp_path / "in" / "a.png")
    draw(tmp_path / "in" / "b.png")
    read = files.read_scan

    def failing(source, **limits):
        if source.endswith("a.png"):
            raise TypeError("two\nlines")
        return read(source, **limits)

    monkeypatch.setattr(files, "read_scan", failing)
    first, second = run([tmp_path / "in"], tmp_path / "out", nearest)
    assert first.reason == "unexpected TypeError: two lines"
    assert second.status == "done"


def test_too_little_memory_is_one_line(tmp_path, nearest, monkeypatch):
    def failing(_, **_limits):
        raise MemoryError

    draw(tmp_path / "a.png")
    monkeypatch.setattr(files, "read_scan", failing)
    (outcome,) = run([tmp_path / "a.png"], tmp_path / "b.png", nearest)
    assert "memory" in outcome.reason


def test_an_interrupt_leaves_a_journal_of_whole_lines_and_no_partial_file(
    tmp_path, grey_model, monkeypatch
):
    for name in "abc":
        draw(tmp_path / "in" / f"{name}.png")
    upscaler = load_upscaler(grey_model, device="cpu")
    outcomes = upscale_files(make_plan([tmp_path / "in"], tmp_path / "out"), upscaler)
    work, calls = upscaler._engine.upscale, []

    def interrupt(windows):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return work(windows)

    monkeypatch.setattr(upscaler._engine, "upscale", interrupt)
    assert next(outcomes).source.endswith("a.png")
    # The second is computed, and so it is finished and reported.
    assert next(outcomes).source.endswith("b.png")
    with pytest.raises(KeyboardInterrupt):
        next(outcomes)
    assert names(tmp_path / "out") == ["a.png", "b.png", JOURNAL_NAME]
    assert [entry["output"] for entry in journal(tmp_path / "out")] == ["a.png", "b.png"]


def test_a_torn_last_line_of_a_journal_does_not_swallow_the_next(tmp_path):
    (tmp_path / JOURNAL_NAME).write_bytes(b'{"status": "do')
    with Journal(tmp_path) as lines:
        lines.append({"status": "done"})
    text = (tmp_path / JOURNAL_NAME).read_text()
    assert text.splitlines() == ['{"status": "do', '{"status": "done"}']


def test_secrets_in_an_address_stay_out_of_messages_and_journal(tmp_path, nearest, monkeypatch):
    def failing(source, **_limits):
        raise FetchError(shown(source), "no network")

    monkeypatch.setattr(files, "read_scan", failing)
    (outcome,) = run(["https://me:pass@host/a.png?token=1"], f"{tmp_path}/", nearest)
    assert (outcome.source, outcome.reason) == ("https://host/a.png", "no network")
    text = (tmp_path / JOURNAL_NAME).read_text()
    assert "https://host/a.png" in text
    assert "pass" not in text
    assert "token" not in text


def test_a_journal_that_cannot_be_written_is_one_line(tmp_path, nearest):
    draw(tmp_path / "in" / "a.png")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / JOURNAL_NAME).mkdir()
    with pytest.raises(PredictionError, match="cannot be written"):
        run([tmp_path / "in"], tmp_path / "out", nearest)


def test_progress_counts_tiles(tmp_path, nearest):
    draw(tmp_path / "a.tif", 3, 128, 128)
    seen = []
    run(
        [tmp_path / "a.tif"],
        tmp_path / "b.tif",
        nearest,
        on_batch=lambda _, done, total: seen.append((done, total)),
    )
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_what_cannot_be_written_is_said_before_the_work_is_done(tmp_path, grey_model, monkeypatch):
    draw(tmp_path / "a.png")
    draw(tmp_path / "b.tif", dtype=np.uint16)
    (tmp_path / "file").write_bytes(b"")
    upscaler = load_upscaler(grey_model, device="cpu")

    def working(_):
        raise AssertionError("worked in vain")

    monkeypatch.setattr(upscaler._engine, "upscale", working)
    for source, out, reason in (
        ("a.png", "out.xyz", "known are .png"),
        ("b.tif", "out.jpg", "JPEG cannot hold uint16"),
        ("a.png", "file/out.png", "file: this folder cannot be made"),
        ("a.png", "x" * 300 + ".png", "cannot be written"),
    ):
        (outcome,) = run([tmp_path / source], tmp_path / out, upscaler)
        assert outcome.status == "failed"
        assert reason in outcome.reason
    assert names(tmp_path) == ["a.png", "b.tif", "file"]


def test_only_a_file_is_a_result_that_exists(tmp_path, nearest):
    draw(tmp_path / "in" / "a.png")
    (tmp_path / "out" / "a.png").mkdir(parents=True)
    (outcome,) = run([tmp_path / "in"], tmp_path / "out", nearest)
    assert (outcome.status, outcome.reason) == (
        "failed",
        f"{tmp_path / 'out' / 'a.png'}: a folder, not a file",
    )


def test_a_result_that_another_process_has_made_meanwhile_is_skipped(
    tmp_path, nearest, monkeypatch
):
    draw(tmp_path / "in" / "a.png")
    read = files.read_scan

    def reading(source, **limits):
        (tmp_path / "out" / "a.png").write_bytes(b"of another process")
        return read(source, **limits)

    monkeypatch.setattr(files, "read_scan", reading)
    (outcome,) = run([tmp_path / "in"], tmp_path / "out", nearest)
    assert outcome.status == "skipped"
    assert "exists by now" in outcome.reason
    assert (tmp_path / "out" / "a.png").read_bytes() == b"of another process"


def test_a_folder_of_results_that_cannot_be_made_is_named(tmp_path, nearest):
    draw(tmp_path / "in" / "a.png")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(PredictionError, match=r"file.out: this folder cannot be made"):
        run([tmp_path / "in"], tmp_path / "file" / "out", nearest)


def test_what_a_killed_process_left_is_no_input(tmp_path, nearest):
    draw(tmp_path / "in" / "a.png")
    (tmp_path / "in" / ".srgan-0123456789abcdef.tmp").write_bytes(b"half")
    assert statuses(run([tmp_path / "in"], tmp_path / "out", nearest)) == ["done"]
