"""A study on disk: read as it was written, kept from others, and refused if it is not one."""

import json
import stat

import pytest

from super_resolution_gans.evaluation.mos.study import (
    NAME,
    REAL,
    Question,
    Study,
    StudyError,
    item_id,
    keyed,
)


def test_is_read_as_it_was_written(studies, tmp_path):
    study = studies(questions=[REAL, Question("q1", "Layers?", ("yes", "no"))])
    study.save(tmp_path)
    assert Study.load(tmp_path) == study


def test_only_the_owner_may_read_it(studies, tmp_path):
    studies().save(tmp_path)
    assert stat.S_IMODE((tmp_path / NAME).stat().st_mode) == 0o600


def test_is_never_written_over(studies, tmp_path):
    studies().save(tmp_path)
    with pytest.raises(FileExistsError):
        studies(seed="other").save(tmp_path)
    assert Study.load(tmp_path).seed == "s"


def test_a_folder_without_one(tmp_path):
    with pytest.raises(
        StudyError, match=r"is no study \(it has no study.json\); srgan mos prepare"
    ):
        Study.load(tmp_path)


ASKED = {"key": "q1", "text": "?", "choices": ["yes", "no"]}
EXAMPLE = {"id": "e" * 16, "image": "i0", "method": "HR", "role": "calibration"}


def edited(change):
    def edit(document):
        change(document)
        return json.dumps(document)

    return edit


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda _: "no JSON", "is no study"),
        (lambda _: "[]", "is no study"),
        (edited(lambda d: d.pop("seed")), r"is no study \(seed: Field required\)"),
        (edited(lambda d: d.update(format=2)), "format 2, which this version does not know"),
        (edited(lambda d: d["items"][0].update(id="../../etc/passwd")), "16 hexadecimal digits"),
        (edited(lambda d: d["items"][0].update(id="A" * 16)), "16 hexadecimal digits"),
        (edited(lambda d: d["items"].append(d["items"][0])), "two items have one id"),
        (edited(lambda d: d["items"][0].update(role="boss")), "is no study"),
        (edited(lambda d: d["items"][0].update(method="x")), "of x, which is no method"),
        (edited(lambda d: d["items"][-1].update(repeat_of="0" * 16)), "a repeat repeats nothing"),
        (edited(lambda d: d.update(words=["bad"])), "1 words for 5 scores"),
        (edited(lambda d: d.update(zoom=0)), "zoom is 0, not 1 to 8"),
        (edited(lambda d: d.update(zoom=10**9)), "zoom is 1000000000, not 1 to 8"),
        (edited(lambda d: d.update(size=[0, 4])), "size or upscaling is no pair"),
        (edited(lambda d: d.update(upscaling=[4, -4])), "size or upscaling is no pair"),
        (edited(lambda d: d["methods"].append(d["methods"][0])), "two methods have one name"),
        (edited(lambda d: d["methods"].pop(0)), "has no methods nearest and HR"),
        (edited(lambda d: d.update(questions=[ASKED, ASKED])), "two questions have one key"),
        (edited(lambda d: d.update(questions=[ASKED | {"choices": ["a"]}])), "than two choices"),
        (edited(lambda d: d.update(questions=[ASKED | {"choices": ["a"] * 2}])), "twice"),
        (edited(lambda d: d["items"].append(d["items"][0] | {"id": "0" * 16})), "two items are"),
        (edited(lambda d: d["items"][-1].update(image="i7")), "a repeat repeats nothing"),
        (edited(lambda d: d["items"].append(EXAMPLE)), "an example has no score from 1 to 5"),
        (edited(lambda d: d["items"].append(EXAMPLE | {"score": 6})), "an example has no score"),
    ],
)
def test_what_is_none_is_refused_in_one_line(studies, tmp_path, edit, said):
    studies().save(tmp_path)
    path = tmp_path / NAME
    path.write_text(edit(json.loads(path.read_text())))
    with pytest.raises(StudyError, match=said) as caught:
        Study.load(tmp_path)
    assert "\n" not in str(caught.value)
    assert NAME in str(caught.value)


def test_ids_need_the_seed_and_keep_parts_apart():
    ids = {
        item_id(seed, image, method, role)
        for seed in ("a", "b")
        for image in ("x", "xy")
        for method in ("yz", "z")
        for role in ("rated", "repeat")
    }
    assert len(ids) == 16
    assert keyed("s", "ab", "c") != keyed("s", "a", "bc")
    # Pinned: a rater who comes back after an update must find the same list.
    assert item_id("s", "i0", "nearest", "rated") == "bde8c46c453422b7"
