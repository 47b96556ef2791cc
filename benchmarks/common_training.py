"""SRGAN training as it is commonly written in PyTorch: what `train_step.py` compares with.

Float32, NCHW, no compilation; a DataLoader of two workers whose dataset opens an image file for
every crop and makes LR with Pillow's bicubic resize; `PixelShuffle` at full size; the losses are
read on the host in every update, as a progress bar needs them; the generator's half lets gradients
flow into the discriminator, whose optimizer clears them before they are used. Written for this
comparison after the habits of the public SRGAN repositories; copied from none.
"""

import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset


class Scans(Dataset[tuple[Tensor, Tensor]]):
    """A random crop of a random scan, and Pillow's bicubic miniature of it."""

    def __init__(self, files: list[Path], size: int, scale: int, length: int) -> None:
        self.files, self.size, self.scale, self.length = files, size, scale, length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        with Image.open(self.files[index % len(self.files)]) as file:
            image = file.convert("L")
        left = random.randint(0, image.width - self.size)
        top = random.randint(0, image.height - self.size)
        high = image.crop((left, top, left + self.size, top + self.size))
        if random.random() < 0.5:
            high = high.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        side = self.size // self.scale
        low = high.resize((side, side), Image.Resampling.BICUBIC)
        return to_tensor(low), to_tensor(high)


def to_tensor(image: Image.Image) -> Tensor:
    """(1, H, W) in [0, 1]."""
    return torch.from_numpy(np.asarray(image, dtype=np.float32) / 255)[None]


class Block(nn.Module):
    """A residual block of figure 4."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(width)
        self.act = nn.PReLU(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.norm2(self.conv2(self.act(self.norm1(self.conv1(x)))))


class Stage(nn.Module):
    """Convolution, pixel shuffle, PReLU."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, 4 * width, 3, padding=1)
        self.shuffle = nn.PixelShuffle(2)
        self.act = nn.PReLU(width)

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.shuffle(self.conv(x)))


class Generator(nn.Module):
    """SRResNet in its published order; parameters are named as in our SRResNet."""

    def __init__(self, blocks: int = 16, width: int = 64) -> None:
        super().__init__()
        self.head, self.head_act = nn.Conv2d(1, width, 9, padding=4), nn.PReLU(width)
        self.body = nn.Sequential(*(Block(width) for _ in range(blocks)))
        self.body_conv = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.body_norm = nn.BatchNorm2d(width)
        self.upsampler = nn.Sequential(Stage(width), Stage(width))
        self.tail = nn.Conv2d(width, 1, 9, padding=4)

    def forward(self, x: Tensor) -> Tensor:
        first = self.head_act(self.head(x))
        x = first + self.body_norm(self.body_conv(self.body(first)))
        return self.tail(self.upsampler(x)) * 0.5 + 0.5


def loader(files: list[Path], batch: int, size: int, updates: int) -> Iterator[list[Tensor]]:
    """Batches of (LR, HR) for so many updates."""
    scans = Scans(files, size, 4, updates * batch)
    return iter(DataLoader(scans, batch, shuffle=True, num_workers=2, drop_last=True))


def pretrain(
    generator: nn.Module, batches: Iterator[list[Tensor]], device: torch.device, rate: float
) -> Iterator[float]:
    """Phase 1, one update an item: the loss."""
    optimizer = torch.optim.Adam(generator.parameters(), lr=rate)
    criterion = nn.MSELoss()
    generator.train()
    for low, high in batches:
        low, high = low.to(device), high.to(device)
        optimizer.zero_grad()
        loss = criterion(generator(low), high)
        loss.backward()
        optimizer.step()
        yield loss.item()


def play(
    generator: nn.Module,
    discriminator: nn.Module,
    features: nn.Module,
    batches: Iterator[list[Tensor]],
    device: torch.device,
    rate: float,
) -> Iterator[tuple[float, float]]:
    """Phase 2 with one layer of features, one update an item: both losses."""
    optimizer_g = torch.optim.Adam(generator.parameters(), lr=rate)
    optimizer_d = torch.optim.Adam(discriminator.parameters(), lr=rate)
    bce = nn.BCEWithLogitsLoss()
    generator.train()
    discriminator.train()
    for low, high in batches:
        low, high = low.to(device), high.to(device)
        fake = generator(low)

        optimizer_d.zero_grad()
        real_logits, fake_logits = discriminator(high), discriminator(fake.detach())
        loss_d = bce(real_logits, torch.ones_like(real_logits))
        loss_d = loss_d + bce(fake_logits, torch.zeros_like(fake_logits))
        loss_d.backward()
        optimizer_d.step()

        optimizer_g.zero_grad()
        (sr,), (hr,) = features(fake).values(), features(high).values()
        logits = discriminator(fake)
        content = F.mse_loss(sr / 12.75, hr / 12.75)
        loss_g = content + 1e-3 * bce(logits, torch.ones_like(logits))
        loss_g.backward()
        optimizer_g.step()
        yield loss_d.item(), loss_g.item()
