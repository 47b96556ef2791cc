"""What is said about a training, and when nothing is."""

from typing import Any

import pytest

from super_resolution_gans.training.health import CONDITIONS, Health

GOOD = {
    "loss": 1.2,
    "gradient": 3.0,
    "term_pixel": 0.2,
    "term_features": 0.9,
    "term_adversarial": 0.03,
    "discriminator": 1.3,
    "accuracy": 0.64,
    "sr_mean": 0.301,
    "hr_mean": 0.300,
    "sr_deviation": 0.13,
    "hr_deviation": 0.14,
    "skipped": 0.0,
}
WRONG: dict[str, dict[str, float]] = {
    "won": {"accuracy": 0.995},
    "blind": {"accuracy": 0.51, "sr_deviation": 0.1},
    "dominated": {"term_adversarial": 2.0},
    "idle": {"term_adversarial": 1e-6},
    "flat": {"sr_deviation": 0.05},
    "shifted": {"sr_mean": 0.35},
    "exploding": {"gradient": 90.0},
    "vanishing": {"gradient": 1e-10},
    "skipping": {"skipped": 0.25},
}
SPAN = 50


def watch(health: Health, *phases: tuple[int, dict[str, float]]) -> list[tuple[int, str]]:
    """(update, sentence) over log points every fifty updates: (how many, what differs)."""
    said, done = [], 0
    for count, differs in phases:
        for _ in range(count):
            done += SPAN
            said += [(done, s) for s in health.observe(done, {**GOOD, **differs}, SPAN)]
    return said


def test_every_condition_is_tried_here() -> None:
    assert {c.name for c in CONDITIONS} == set(WRONG)


def test_a_healthy_game_is_silent() -> None:
    drifting: list[dict[str, float]] = [
        {"gradient": 3 + i % 7, "accuracy": 0.55 + 0.002 * i, "term_adversarial": 0.02 + 0.001 * i}
        for i in range(100)
    ]
    assert watch(Health(), *((1, values) for values in drifting)) == []


def test_a_healthy_first_phase_is_silent() -> None:
    health = Health()
    for done in range(50, 5000, 50):
        means = {"loss": 5e-3, "gradient": 0.1, "term_pixel": 5e-3, "skipped": 0.0}
        assert health.observe(done, means, SPAN) == []


@pytest.mark.parametrize("name", sorted(WRONG))
def test_what_is_wrong_is_said_once_when_it_has_lasted_and_again_when_it_is_over(name: str) -> None:
    (condition,) = [c for c in CONDITIONS if c.name == name]
    enough = -(-condition.after // SPAN)
    said = watch(Health(), (20, {}), (enough + 2, WRONG[name]), (3, {}))
    assert [done for done, _ in said] == [SPAN * (20 + enough), SPAN * (20 + enough + 3)]
    assert said[1][1] == condition.over
    assert "{" not in said[0][1]


@pytest.mark.parametrize("name", sorted(n for n in WRONG if n not in {"exploding", "skipping"}))
def test_what_passes_quickly_is_not_said(name: str) -> None:
    (condition,) = [c for c in CONDITIONS if c.name == name]
    short = condition.after // SPAN - 1
    assert watch(Health(), (20, {}), (short, WRONG[name]), (1, {}), (short, WRONG[name])) == []


def test_what_lasts_is_said_again_after_ten_times_as_long() -> None:
    said = watch(Health(), (110, WRONG["won"]))
    assert [done for done, _ in said] == [500, 5000]
    assert "accuracy 0.99 for 500 updates" in said[0][1] or "accuracy 1.00" in said[0][1]


def test_a_blind_discriminator_is_well_where_sr_is_as_sharp_as_hr() -> None:
    assert watch(Health(), (100, {"accuracy": 0.5, "sr_deviation": 0.14})) == []


def test_a_resumed_run_says_what_an_uninterrupted_one_would() -> None:
    phases: list[tuple[int, dict[str, float]]] = [(20, {}), (8, WRONG["won"])]
    through = Health()
    watch(through, *phases)
    resumed = Health()
    state: dict[str, Any] = through.state()
    resumed.load_state(state)
    assert watch(through, (5, WRONG["won"])) == watch(resumed, (5, WRONG["won"])) != []


def test_a_log_point_at_which_everything_was_skipped_is_no_surprise() -> None:
    assert len(Health().observe(50, {"skipped": 1.0}, SPAN)) == 1


def test_a_grid_is_said_when_it_is_validated_and_resets_nothing_else() -> None:
    health = Health()
    first = watch(health, (8, WRONG["won"]))
    assert health.examine({"psnr": 25.0, "grid_excess": 0.6}) == []
    (sentence,) = health.examine({"psnr": 25.0, "grid_excess": 1.4})
    assert "+1.4 decades" in sentence
    assert health.examine({"psnr": 25.0, "grid_excess": 1.5}) == []
    second = watch(health, (2, WRONG["won"]))
    assert [s for _, s in first + second if "has won" in s]
    assert health.examine({"psnr": 25.0, "grid_excess": 0.2}) == [
        "the grid on the validation split has faded"
    ]
