import os
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from super_resolution_gans.evaluation.mos.codes import read_code
from super_resolution_gans.evaluation.mos.rating import Rating
from super_resolution_gans.evaluation.mos.schema import StoreError
from super_resolution_gans.evaluation.mos.store import (
    NotKeptError,
    OtherRatingError,
    Store,
    TurnError,
)

STUDY = "a study"
CHILD = Path(__file__).with_name("rating_child.py")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ratings.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with Store(path, STUDY) as opened:
        yield opened


def test_what_is_rated_is_read_again(store: Store, path: Path) -> None:
    assert store.join("Ana", "dark room")[0] == 0
    second, code = store.join()
    store.rate(second, 0, "b" * 16, 4, {"real": "computed"}, 1.25)
    store.rate(0, 0, "a" * 16, 5, {}, 2.0)
    store.rate(second, 1, "a" * 16, 1, {"real": "real"}, 0.0)

    expected = [
        Rating(0, "a" * 16, 5, {}, 0, 2.0),
        Rating(1, "b" * 16, 4, {"real": "computed"}, 0, 1.25),
        Rating(1, "a" * 16, 1, {"real": "real"}, 1, 0.0),
    ]
    assert list(store.ratings()) == expected
    with Store(path, None, write=False) as reader:  # while the other is open
        assert list(reader.ratings()) == expected
        assert reader.raters() == 2
    rater = store.rater(code)
    assert rater is not None
    assert (rater.number, rater.rated, rater.calibrated) == (1, 2, False)
    assert store.integrity() == "ok"


def test_a_commit_is_synced_and_the_file_is_for_its_owner_only(store: Store, path: Path) -> None:
    store.join()
    connection = store._connection
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    for file in path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


def test_a_code_is_nowhere_in_the_files(store: Store, path: Path) -> None:
    _, code = store.join("somebody")
    kept = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert b"somebody" in kept
    assert code.encode() not in kept
    assert code.replace("-", "").encode() not in kept


def test_the_same_rating_again_changes_nothing(store: Store) -> None:
    rater, _ = store.join()
    for seconds in (1.0, 99.0):  # a browser that tries again may have counted on
        store.rate(rater, 0, "a" * 16, 3, {"one": "yes", "two": "no"}, seconds)
        store.rate(rater, 0, "a" * 16, 3, {"two": "no", "one": "yes"}, seconds)
    assert list(store.ratings()) == [
        Rating(rater, "a" * 16, 3, {"one": "yes", "two": "no"}, 0, 1.0)
    ]


@pytest.mark.parametrize(
    ("item", "value", "answers"),
    [("a" * 16, 4, {"one": "yes"}), ("b" * 16, 3, {"one": "yes"}), ("a" * 16, 3, {"one": "no"})],
)
def test_the_first_rating_stands(
    store: Store, item: str, value: int, answers: dict[str, str]
) -> None:
    rater, _ = store.join()
    store.rate(rater, 0, "a" * 16, 3, {"one": "yes"}, 1.0)
    with pytest.raises(OtherRatingError):
        store.rate(rater, 0, item, value, answers, 1.0)
    assert [(row.item, row.value) for row in store.ratings()] == [("a" * 16, 3)]


def test_no_position_is_left_out(store: Store) -> None:
    rater, _ = store.join()
    with pytest.raises(TurnError):
        store.rate(rater, 1, "a" * 16, 3, {}, 1.0)
    assert not list(store.ratings())


@pytest.mark.parametrize("value", [0, 6, -1, 2.5])
def test_a_value_is_one_to_five(store: Store, value: int) -> None:
    rater, _ = store.join()
    with pytest.raises(ValueError, match="1 to 5"):
        store.rate(rater, 0, "a" * 16, value, {}, 1.0)


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), -1.0])
def test_seconds_are_a_duration(store: Store, seconds: float) -> None:
    rater, _ = store.join()
    with pytest.raises(ValueError, match="seconds"):
        store.rate(rater, 0, "a" * 16, 3, {}, seconds)


def test_a_rater_who_never_joined_cannot_rate(store: Store) -> None:
    with pytest.raises(NotKeptError):
        store.rate(7, 0, "a" * 16, 3, {}, 1.0)
    assert not list(store.ratings())


def test_calibration_and_comment_are_kept(store: Store) -> None:
    rater, code = store.join("Ana", "before")
    store.calibrated(rater)
    store.comment(rater, "after")
    found = store.rater(code)
    assert found is not None
    assert (found.name, found.comment, found.calibrated) == ("Ana", "after", True)


def test_codes_are_understood_as_people_write_them(store: Store) -> None:
    number, code = store.join()
    for typed in (code, code.lower(), code.replace("-", ""), f"  {code.replace('-', ' ')} "):
        rater = store.rater(typed)
        assert rater is not None
        assert rater.number == number
    assert read_code("oil0–0000 0000-00ab") == "0110-0000-0000-00AB"
    for wrong in ("", "x", code[:-1], code + "0", "U" * 16, "é" * 16, code[:-1] + "\0"):
        assert store.rater(wrong) is None
    other = code[:-1] + ("0" if code[-1] != "0" else "1")
    assert store.rater(other) is None


def test_many_threads_lose_and_double_nothing(store: Store) -> None:
    raters = [store.join()[0] for _ in range(12)]

    def rate(rater: int) -> None:
        for position in range(40):
            store.rate(rater, position, f"{position:016x}", 1 + (rater + position) % 5, {}, 0.1)

    # Each rater twice at the same time: as a browser whose requests are sent again.
    def rate_twice(rater: int) -> None:
        for position in range(40):
            given = (rater, position, f"{position:016x}", 1 + (rater + position) % 5, {}, 0.1)
            both = [threading.Thread(target=store.rate, args=given) for _ in range(2)]
            for thread in both:
                thread.start()
            for thread in both:
                thread.join()

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(rate, raters[:6]))
        list(pool.map(rate_twice, raters[6:]))
    rows = [(row.rater, row.position, row.value) for row in store.ratings()]
    assert rows == [(rater, at, 1 + (rater + at) % 5) for rater in raters for at in range(40)]
    assert store.integrity() == "ok"


def test_two_stores_on_one_file_do_not_disturb_each_other(store: Store, path: Path) -> None:
    with Store(path, STUDY) as other, ThreadPoolExecutor(2) as pool:

        def work(one: Store) -> list[int]:
            numbers = []
            for _ in range(20):
                rater, _ = one.join()
                one.rate(rater, 0, "a" * 16, 3, {}, 0.1)
                numbers.append(rater)
            return numbers

        first, second = pool.map(work, (store, other))
    assert sorted(first + second) == list(range(40))
    assert [row.rater for row in store.ratings()] == list(range(40))


def _child(path: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, str(CHILD), str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_what_was_acknowledged_outlives_a_kill(path: Path) -> None:
    for turn in range(3):
        with _child(path) as child:
            assert child.stdout is not None
            said = [child.stdout.readline().strip() for _ in range(30 + 17 * turn)]
            child.send_signal(signal.SIGKILL)
            said += [line.strip() for line in child.stdout if line.endswith("\n")]
        acknowledged = len(said) - 1  # the first line says who it is
        with Store(path, STUDY) as store:
            assert store.integrity() == "ok"
            rows = [row for row in store.ratings() if row.rater == turn]
        assert [row.position for row in rows[:acknowledged]] == list(range(acknowledged))
        assert len(rows) - acknowledged in (0, 1)  # one may have been kept and not yet said


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits another process")
def test_a_full_disk_is_said_and_the_rest_is_kept_once_there_is_room(path: Path) -> None:
    import resource

    with _child(path) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdout.readline()
        # No file of that process may grow beyond this: writes fail as on a full disk.
        resource.prlimit(child.pid, resource.RLIMIT_FSIZE, (150_000, resource.RLIM_INFINITY))
        acknowledged = []
        for line in child.stdout:
            if line.startswith("refused"):
                break
            acknowledged.append(int(line))
        assert "cannot be written" in line
        assert acknowledged == list(range(len(acknowledged)))
        assert acknowledged
        with Store(path, None, write=False) as store:
            assert [row.position for row in store.ratings()] == acknowledged
        resource.prlimit(
            child.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        )
        child.stdin.write("go on\n")
        child.stdin.flush()
        assert int(child.stdout.readline()) == len(acknowledged)
        child.kill()
    with Store(path, STUDY) as store:
        assert store.integrity() == "ok"


def test_a_folder_that_cannot_be_written_is_one_line() -> None:
    # As a user who is not root, whom permissions do not hold; in a folder that others may enter.
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o555)
        code = (
            "import sys\n"
            "from pathlib import Path\n"
            "from super_resolution_gans.evaluation.mos.store import Store\n"
            "import os\n"
            "if os.geteuid() == 0: os.setuid(65534)\n"
            "Store(Path(sys.argv[1]) / 'ratings.sqlite', 'x')\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, folder], capture_output=True, text=True, check=False
        )
        Path(folder).chmod(0o755)
    (said,) = (line for line in done.stderr.splitlines() if "StoreError: " in line)
    assert said.endswith("ratings.sqlite: cannot be written: Permission denied")


def test_the_file_of_another_study_is_refused(store: Store, path: Path) -> None:
    store.join()
    with pytest.raises(StoreError, match="another study"):
        Store(path, "another")
    with pytest.raises(StoreError, match="another study"):
        Store(path, "another", write=False)
    assert store.raters() == 1


@pytest.mark.parametrize("content", [b"not a database, only some text " * 50, os.urandom(5000)])
def test_what_is_no_database_is_refused_and_left_alone(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    for write in (True, False):
        with pytest.raises(StoreError, match=r"ratings\.sqlite: .*not a database"):
            Store(path, STUDY, write=write)
    assert path.read_bytes() == content


def test_somebody_elses_database_is_refused_and_left_alone(path: Path) -> None:
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE mine (x)")
    other.commit()
    other.close()
    content = path.read_bytes()
    for write in (True, False):
        with pytest.raises(StoreError, match="not"):
            Store(path, STUDY, write=write)
    assert path.read_bytes() == content


def test_a_newer_layout_is_refused(store: Store, path: Path) -> None:
    store.join()
    store._connection.execute("PRAGMA user_version = 2")
    with pytest.raises(StoreError, match="layout 2"):
        Store(path, STUDY)


def test_no_ratings_yet(path: Path) -> None:
    with pytest.raises(StoreError, match="no ratings yet"):
        Store(path, None, write=False)
    assert not path.exists()


def test_damage_is_found(path: Path) -> None:
    with Store(path, STUDY) as store:
        for _ in range(400):
            store.join("x" * 100)
    content = bytearray(path.read_bytes())
    content[4096 * 5 : 4096 * 6] = os.urandom(4096)
    path.write_bytes(content)
    with Store(path, STUDY) as store:
        assert store.integrity() != "ok"
