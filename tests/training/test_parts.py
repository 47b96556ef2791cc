"""A batch in parts is the batch, wherever nothing looks at a batch as a whole."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from super_resolution_gans.models.generator import SRResNet
from super_resolution_gans.training.adversarial import AdversarialStep, Judge
from super_resolution_gans.training.checkpoint import TrainingError
from super_resolution_gans.training.content import ContentLoss
from super_resolution_gans.training.guard import Guard
from super_resolution_gans.training.parts import mean, split, unnoticed
from super_resolution_gans.training.recipe import Recipe, parse_recipe
from super_resolution_gans.training.run import train
from super_resolution_gans.training.sections import AdversarialSection, ContentSection
from super_resolution_gans.training.steps import PretrainStep
from super_resolution_gans.training.view import Draws

fabric_module = pytest.importorskip("lightning.fabric", reason="needs the extra [train]")

RATE = 1e-3


class Taste(nn.Module):
    """A discriminator that looks at every image by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 4, 3, stride=2), nn.LeakyReLU(0.2), nn.Conv2d(4, 1, 3, stride=2)
        )

    def forward(self, image: Tensor, generator: torch.Generator | None = None) -> Tensor:
        del generator
        answer: Tensor = self.layers(image)
        return answer


def make_step(phase: str, parts: int, frozen: bool = True, **section: Any) -> PretrainStep:
    fabric = fabric_module.Fabric(accelerator="cpu", devices=1)
    torch.manual_seed(0)
    generator, judge = SRResNet(blocks=1, width=8), Judge(Taste())
    wrapped, optimizer = fabric.setup(
        generator, torch.optim.SGD(generator.parameters(), lr=RATE, momentum=0.9)
    )
    content = ContentLoss(ContentSection(), None, fabric.autocast, (4, 4))
    inputs = (wrapped, optimizer, fabric.backward, content, 0.9, generator)
    common: dict[str, Any] = {
        "guard": Guard(fabric),
        "draws": Draws(1),
        "hold": fabric.no_backward_sync,
        "accumulate": parts,
        "freeze_batch_norm": frozen,
    }
    if phase == "pretrain":
        return PretrainStep(*inputs, **common)
    judge_wrapped, judge_optimizer = fabric.setup(
        judge, torch.optim.SGD(judge.parameters(), lr=RATE, momentum=0.9)
    )
    return AdversarialStep(
        *inputs,
        **common,
        judge=judge_wrapped,
        discriminator=judge.discriminator,
        discriminator_optimizer=judge_optimizer,
        section=AdversarialSection(weight=0.5, **section),
        autocast=fabric.autocast,
    )


def batches(count: int) -> list[tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(7)
    high = torch.rand(count, 8, 1, 32, 32, generator=generator)
    return [(torch.nn.functional.avg_pool2d(one, 4), one) for one in high]


def trained(step: PretrainStep) -> tuple[list[dict[str, Tensor]], dict[str, Tensor]]:
    logged = [step.update(n, low, high, 0.05) for n, (low, high) in enumerate(batches(4))]
    weights = dict(step.plain.state_dict())
    if isinstance(step, AdversarialStep):
        weights |= step.discriminator.state_dict()
    return logged, weights


@pytest.mark.parametrize("parts", [2, 4, 8])
@pytest.mark.parametrize(
    ("phase", "section"), [("pretrain", {}), ("adversarial", {}), ("adversarial", {"r1": 1.0})]
)
def test_parts_of_a_batch_move_weights_as_the_batch_does(
    phase: str, section: dict[str, float], parts: int
) -> None:
    begun = dict(make_step(phase, 1).plain.state_dict())
    logged, whole = trained(make_step(phase, 1, **section))
    logged_in_parts, in_parts = trained(make_step(phase, parts, **section))
    moved = max(float((whole[n] - begun[n]).abs().max()) for n in begun if n in whole)
    assert moved > 1e-3
    for name, tensor in whole.items():
        assert torch.allclose(in_parts[name], tensor, rtol=1e-5, atol=1e-6), name
    for one, other in zip(logged, logged_in_parts, strict=True):
        assert one.keys() == other.keys()
        for name, value in one.items():
            assert torch.allclose(other[name], value, rtol=1e-4, atol=1e-6), name


def test_batchnorm_sees_parts_and_its_statistics_move_once_a_part() -> None:
    step = make_step("pretrain", 4, frozen=False)
    (low, high), twin = batches(1)[0], make_step("pretrain", 1, frozen=False).plain
    step.update(0, low, high, 0.0)
    twin.train()
    for part in low.chunk(4):
        twin(part)
    found, wanted = step.plain.body[0].norm1, twin.body[0].norm1
    assert torch.allclose(found.running_mean, wanted.running_mean)
    assert int(found.num_batches_tracked) == 4


def test_the_generator_is_noticed_once_a_part_though_it_runs_twice() -> None:
    step = make_step("adversarial", 4, frozen=False)
    step.update(0, *batches(1)[0], RATE)
    assert int(step.plain.body[0].norm1.num_batches_tracked) == 4


def test_a_run_that_is_not_noticed_gives_the_same_and_leaves_nothing() -> None:
    torch.manual_seed(0)
    network = SRResNet(blocks=1, width=4).train()
    low = torch.rand(4, 1, 8, 8)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    with unnoticed(network):
        unseen = network(low)
    assert all(torch.equal(before[n], t) for n, t in network.state_dict().items())
    assert torch.equal(network(low), unseen)
    assert not all(torch.equal(before[n], t) for n, t in network.state_dict().items())


def test_parts_are_equal_numbered_and_end() -> None:
    low, high = torch.arange(6.0).reshape(6, 1, 1, 1), torch.zeros(6, 1, 4, 4)
    parts = split(low, high, 3)
    assert [part.low.flatten().tolist() for part in parts] == [[0, 1], [2, 3], [4, 5]]
    assert [(part.number, part.last) for part in parts] == [(0, False), (1, False), (2, True)]
    assert float(mean([{"a": torch.tensor(1.0)}, {"a": torch.tensor(4.0)}])["a"]) == 2.5


def test_what_is_drawn_belongs_to_the_part_whoever_computes_it() -> None:
    def first(draws: Draws, part: int) -> float:
        return float(torch.rand(1, generator=draws.generator(5, 1, part)))

    assert first(Draws(3), 1) == first(Draws(3, 1), 0)
    assert first(Draws(3), 1) != first(Draws(3), 0)


def test_a_recipe_accumulates_and_says_so(tiny: Recipe, store_path: Any, tmp_path: Any) -> None:
    values = tiny.model_dump(mode="json")
    values["schedules"]["cpu"].update(accumulate=2, updates=2)
    where: list[str] = []
    outcome = train(
        parse_recipe(values, "parts"),
        store_path,
        tmp_path / "run",
        device="cpu",
        on_start=lambda _start, _updates, line: where.append(line),
    )
    assert outcome.finished
    assert "batch 4 in parts of 2" in where[0]
    values["schedules"]["cpu"].update(accumulate=3)
    with pytest.raises(TrainingError, match="4 cannot be shared by 1 process in 3 parts each"):
        train(parse_recipe(values, "parts"), store_path, tmp_path / "no", device="cpu")
    assert not (tmp_path / "no").exists()
