"""A feature extractor that learned on OCT instead of photographs, for the content loss.

    python benchmarks/oct_features.py STORE FEATURES.safetensors [--updates 2000]
    PYTHONPATH=benchmarks OCT_FEATURES=FEATURES.safetensors srgan train oct-srgan-x4 \
        --set content.features=oct_features:third_block ...

The network is the first three blocks of VGG16 with half the channels and one channel of input. It
learns to tell from a crop of 64 x 64 pixels whose scan it is, among the people of the train split
of STORE, dataset by dataset as often: which device, how noisy, which layers. How often it is right
is printed for the people it learned from, on crops that it has not seen. Its features are those of
the third block's last convolution (of VGG16, relu3_3).
"""

import argparse
import os
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from super_resolution_gans.data.crops import CropRules, CropSampler
from super_resolution_gans.data.store import open_store
from super_resolution_gans.degrade import DegradationRange

SIDE, BATCH = 64, 32
WIDTHS = ((32, 32), (64, 64), (128, 128, 128))
UNSEEN = 10_000_000  # the first update of the crops that only judge
PATH = "OCT_FEATURES"


class ThirdBlock(nn.Module):
    """(N, C, H, W) in [0, 1] -> (N, 128, H / 4, W / 4), of the first channel."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inputs = 1
        for block, widths in enumerate(WIDTHS):
            layers += [nn.MaxPool2d(2)] if block else []
            for width in widths:
                layers += [nn.Conv2d(inputs, width, 3, padding=1), nn.ReLU()]
                inputs = width
        self.layers = nn.Sequential(*layers)
        for layer in self.layers:
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight)

    def forward(self, image: Tensor) -> Tensor:
        """Features of images in [0, 1]."""
        features: Tensor = self.layers(4 * (image[:, :1] - 0.25))
        return features


def third_block() -> nn.Module:
    """What a recipe names: the network whose weights the variable OCT_FEATURES points to."""
    network = ThirdBlock()
    network.load_state_dict(load_file(os.environ[PATH]))
    return network


def main() -> None:
    """Train, judge, save."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("store", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--updates", type=int, default=2000)
    arguments = parser.parse_args()
    torch.manual_seed(1)
    sampler = CropSampler(
        open_store(arguments.store),
        "train",
        rules=CropRules(size=SIDE, datasets="equal"),
        degradation=DegradationRange(),
        scale=(4, 4),
        seed=1,
        device=torch.device("cpu"),
    )
    people = sorted({record.patient for record in sampler.records})

    def crops(step: int) -> tuple[Tensor, Tensor]:
        whose = [people.index(sampler.records[c.record].patient) for c in sampler.draw(step, BATCH)]
        return sampler.batch(step, BATCH)[1], torch.tensor(whose)

    network, last = ThirdBlock(), nn.Linear(WIDTHS[-1][-1], len(people))
    weights = [*network.parameters(), *last.parameters()]
    optimizer = torch.optim.Adam(weights, lr=1e-3)
    decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, arguments.updates)
    for step in range(arguments.updates):
        images, whose = crops(step)
        loss = F.cross_entropy(last(network(images).mean(dim=(2, 3))), whose)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        decay.step()
        if (step + 1) % 100 == 0:
            print(f"{step + 1:>6}/{arguments.updates}  loss {loss.item():.3f}", flush=True)
    right = 0
    with torch.no_grad():
        for step in range(UNSEEN, UNSEEN + 32):
            images, whose = crops(step)
            right += int((last(network(images).mean(dim=(2, 3))).argmax(dim=1) == whose).sum())
    print(f"{len(people)} people; right on {right / (32 * BATCH):.1%} of {32 * BATCH} other crops")
    save_file(network.state_dict(), arguments.out)


if __name__ == "__main__":
    main()
