"""How commands speak."""

import io
from pathlib import Path

import pytest
import typer
from rich.console import Console
from rich.progress import Progress

from super_resolution_gans.cli.messages import error, one_line, parse_scale, say, warn


def test_what_is_said_during_a_progress_bar_is_printed_above_it() -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=80)
    with Progress(console=console) as bar:
        bar.add_task("working", total=2)
        bar.refresh()
        say("[red]said[/red]")
        warn("warned")
        error("failed")
    text = screen.getvalue()
    for line in ("[red]said[/red]", "warned", "error: failed"):
        # At the start of a line that rich has just cleared.
        assert f"\x1b[2K{line}\n" in text


def test_an_error_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    error("two\nlines")
    assert capsys.readouterr() == ("", "error: two lines\n")


def test_an_error_of_the_system_names_its_file() -> None:
    assert one_line(OSError(2, "No such file", "a.png")) == "a.png: No such file"


def test_a_file_where_a_folder_is_to_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "out").touch()
    with pytest.raises(OSError, match="exists") as raised:
        (tmp_path / "out").mkdir(exist_ok=True)
    assert one_line(raised.value) == f"{tmp_path / 'out'}: a file of this name exists already"


@pytest.mark.parametrize(("text", "factors"), [("4", (4, 4)), ("1x4", (1, 4)), ("64X2", (64, 2))])
def test_a_scale_is_vertical_then_lateral(text: str, factors: tuple[int, int]) -> None:
    assert parse_scale(text) == factors


@pytest.mark.parametrize("text", ["", "1", "1x1", "0", "65", "4.0", "-4", "4x", "x4", "4 x 4", "²"])
def test_what_enlarges_nothing_or_is_no_scale_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="from 2 to 64"):
        parse_scale(text)
