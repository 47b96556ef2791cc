"""Other people's generators as plain modules, written from their papers and tensor names.

Each takes and gives what its repository does; ``to_unit`` and ``from_unit`` say what that is.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def conv(taken: int, made: int, side: int = 3, *, groups: int = 1, bias: bool = True) -> nn.Conv2d:
    return nn.Conv2d(taken, made, side, padding=side // 2, groups=groups, bias=bias)


class Peer(nn.Module):
    """A network whose images are in [0, 1], unless it says otherwise."""

    def from_unit(self, image: Tensor) -> Tensor:
        return image

    def to_unit(self, image: Tensor) -> Tensor:
        return image

    def on_unit(self, image: Tensor) -> Tensor:
        """The network between images in [0, 1]."""
        return self.to_unit(self(self.from_unit(image)))


class Lornatang(Peer):
    """SRResNet of SRGAN-PyTorch, without the clamp at its end."""

    class Block(nn.Module):
        def __init__(self, width: int) -> None:
            super().__init__()
            self.rcb = nn.Sequential(
                conv(width, width, bias=False), nn.BatchNorm2d(width), nn.PReLU(),
                conv(width, width, bias=False), nn.BatchNorm2d(width),
            )  # fmt: skip

        def forward(self, x: Tensor) -> Tensor:
            return x + self.rcb(x)

    class Enlarge(nn.Module):
        def __init__(self, width: int) -> None:
            super().__init__()
            self.upsample_block = nn.Sequential(
                conv(width, 4 * width), nn.PixelShuffle(2), nn.PReLU()
            )

        def forward(self, x: Tensor) -> Tensor:
            return self.upsample_block(x)

    def __init__(self, width: int = 8, blocks: int = 2, steps: int = 2, channels: int = 3) -> None:
        super().__init__()
        self.conv1 = nn.Sequential(conv(channels, width, 9), nn.PReLU())
        self.trunk = nn.Sequential(*(self.Block(width) for _ in range(blocks)))
        self.conv2 = nn.Sequential(conv(width, width, bias=False), nn.BatchNorm2d(width))
        self.upsampling = nn.Sequential(*(self.Enlarge(width) for _ in range(steps)))
        self.conv3 = conv(width, channels, 9)

    def forward(self, x: Tensor) -> Tensor:
        first = self.conv1(x)
        return self.conv3(self.upsampling(self.conv2(self.trunk(first)) + first))


class Leftthomas(Peer):
    """SRGAN whose blocks are numbered through; (tanh + 1) / 2."""

    class Residual(nn.Module):
        def __init__(self, width: int) -> None:
            super().__init__()
            self.conv1, self.bn1 = conv(width, width), nn.BatchNorm2d(width)
            self.prelu = nn.PReLU()
            self.conv2, self.bn2 = conv(width, width), nn.BatchNorm2d(width)

        def forward(self, x: Tensor) -> Tensor:
            return x + self.bn2(self.conv2(self.prelu(self.bn1(self.conv1(x)))))

    class Enlarge(nn.Module):
        def __init__(self, width: int) -> None:
            super().__init__()
            self.conv, self.prelu = conv(width, 4 * width), nn.PReLU()

        def forward(self, x: Tensor) -> Tensor:
            return self.prelu(F.pixel_shuffle(self.conv(x), 2))

    def __init__(
        self, width: int = 64, blocks: int = 5, steps: int = 2, *, normed: bool = True
    ) -> None:
        super().__init__()
        self.last = blocks + 3
        self.block1 = nn.Sequential(conv(3, width, 9), nn.PReLU())
        for number in range(2, blocks + 2):
            self.add_module(f"block{number}", self.Residual(width))
        after = nn.BatchNorm2d(width) if normed else nn.PReLU()
        self.add_module(f"block{blocks + 2}", nn.Sequential(conv(width, width), after))
        enlarging = [self.Enlarge(width) for _ in range(steps)]
        self.add_module(f"block{self.last}", nn.Sequential(*enlarging, conv(width, 3, 9)))

    def forward(self, x: Tensor) -> Tensor:
        first = x = self.block1(x)
        for number in range(2, self.last):
            x = self.get_submodule(f"block{number}")(x)
        return (torch.tanh(self.get_submodule(f"block{self.last}")(first + x)) + 1) / 2


class FastSRGAN(Peer):
    """Residual blocks normalised by the image, or by BatchNorm; images in [-1, 1]."""

    class Residual(nn.Module):
        def __init__(self, width: int, batch: bool) -> None:
            super().__init__()
            norm = nn.BatchNorm2d if batch else nn.InstanceNorm2d
            # The later files with BatchNorm have depthwise convolutions, and then 1x1.
            self.conv1 = conv(width, width, groups=width if batch else 1, bias=False)
            self.bn1, self.relu1 = norm(width), nn.PReLU()
            self.conv2, self.bn2 = conv(width, width, 1 if batch else 3, bias=False), norm(width)

        def forward(self, x: Tensor) -> Tensor:
            return x + self.bn2(self.conv2(self.relu1(self.bn1(self.conv1(x)))))

    class Enlarge(nn.Module):
        def __init__(self, width: int) -> None:
            super().__init__()
            self.conv, self.relu = conv(width, 4 * width), nn.PReLU()

        def forward(self, x: Tensor) -> Tensor:
            return self.relu(F.pixel_shuffle(self.conv(x), 2))

    def __init__(self, width: int = 64, blocks: int = 8, *, batch: bool = False) -> None:
        super().__init__()
        self.neck = nn.Sequential(conv(3, width), nn.PReLU())
        self.stem = nn.Sequential(*(self.Residual(width, batch) for _ in range(blocks)))
        norm = nn.BatchNorm2d if batch else nn.InstanceNorm2d
        self.bottleneck = nn.Sequential(conv(width, width, bias=False), norm(width))
        self.upsampling = nn.Sequential(self.Enlarge(width), self.Enlarge(width))
        self.head = nn.Sequential(conv(width, 3), nn.Tanh())

    def forward(self, x: Tensor) -> Tensor:
        first = self.neck(x)
        return self.head(self.upsampling(self.bottleneck(self.stem(first)) + first))

    def from_unit(self, image: Tensor) -> Tensor:
        return 2 * image - 1

    def to_unit(self, image: Tensor) -> Tensor:
        return (image + 1) / 2


class IMDN(Peer):
    """Information multi-distillation with contrast-aware channel attention."""

    class Attention(nn.Module):
        def __init__(self, width: int, reduction: int) -> None:
            super().__init__()
            self.conv_du = nn.Sequential(
                conv(width, width // reduction, 1), nn.ReLU(),
                conv(width // reduction, width, 1), nn.Sigmoid(),
            )  # fmt: skip

        def forward(self, x: Tensor) -> Tensor:
            mean = x.mean((2, 3), keepdim=True)
            deviation = ((x - mean) ** 2).mean((2, 3), keepdim=True) ** 0.5
            return x * self.conv_du(deviation + mean)

    class Block(nn.Module):
        def __init__(self, width: int, reduction: int) -> None:
            super().__init__()
            self.kept = width // 4
            rest = width - self.kept
            self.c1, self.c2, self.c3 = conv(width, width), conv(rest, width), conv(rest, width)
            self.c4, self.c5 = conv(rest, self.kept), conv(width, width, 1)
            self.cca = IMDN.Attention(width, reduction)

        def forward(self, x: Tensor) -> Tensor:
            kept, rest = [], x
            for layer in (self.c1, self.c2, self.c3):
                y = F.leaky_relu(layer(rest), 0.05)
                kept.append(y[:, : self.kept])
                rest = y[:, self.kept :]
            return self.c5(self.cca(torch.cat([*kept, self.c4(rest)], 1))) + x

    def __init__(
        self, width: int = 64, blocks: int = 6, scale: int = 4, reduction: int = 16
    ) -> None:
        super().__init__()
        self.blocks = blocks
        self.fea_conv = conv(3, width)
        for number in range(1, blocks + 1):
            self.add_module(f"IMDB{number}", self.Block(width, reduction))
        self.c = nn.Sequential(conv(width * blocks, width, 1), nn.LeakyReLU(0.05))
        self.LR_conv = conv(width, width)
        self.upsampler = nn.Sequential(conv(width, 3 * scale**2), nn.PixelShuffle(scale))

    def forward(self, x: Tensor) -> Tensor:
        first = x = self.fea_conv(x)
        results = []
        for number in range(1, self.blocks + 1):
            x = self.get_submodule(f"IMDB{number}")(x)
            results.append(x)
        return self.upsampler(self.LR_conv(self.c(torch.cat(results, 1))) + first)


class CARN(Peer):
    """Cascades in a cascade; ``groups`` makes CARN-M, whose blocks share one residual."""

    class Shift(nn.Module):
        def __init__(self, sign: int) -> None:
            super().__init__()
            self.shifter = nn.Conv2d(3, 3, 1)
            self.shifter.weight.data = torch.eye(3).reshape(3, 3, 1, 1)
            self.shifter.bias.data = sign * torch.tensor([0.4488, 0.4371, 0.4040])

        def forward(self, x: Tensor) -> Tensor:
            return self.shifter(x)

    class Residual(nn.Module):
        def __init__(self, width: int, groups: int) -> None:
            super().__init__()
            layers = [
                conv(width, width, groups=groups), nn.ReLU(), conv(width, width, groups=groups)
            ]  # fmt: skip
            grouped = [nn.ReLU(), conv(width, width, 1)] if groups > 1 else []
            self.body = nn.Sequential(*layers, *grouped)

        def forward(self, x: Tensor) -> Tensor:
            return F.relu(self.body(x) + x)

    class Join(nn.Module):
        def __init__(self, taken: int, made: int) -> None:
            super().__init__()
            self.body = nn.Sequential(conv(taken, made, 1), nn.ReLU())

        def forward(self, x: Tensor) -> Tensor:
            return self.body(x)

    class Block(nn.Module):
        def __init__(self, width: int, groups: int) -> None:
            super().__init__()
            for step in (1, 2, 3):
                if groups == 1 or step == 1:
                    self.add_module(f"b{step}", CARN.Residual(width, groups))
                self.add_module(f"c{step}", CARN.Join((step + 1) * width, width))

        def forward(self, x: Tensor) -> Tensor:
            parts = dict(self.named_children())
            joined = x
            for step in (1, 2, 3):
                joined = torch.cat([joined, parts.get(f"b{step}", parts["b1"])(x)], 1)
                x = parts[f"c{step}"](joined)
            return x

    class Enlarge(nn.Module):
        def __init__(self, width: int, factors: list[int], groups: int) -> None:
            super().__init__()
            layers: list[nn.Module] = []
            for factor in factors:
                made = width * factor**2
                layers += [conv(width, made, groups=groups), nn.ReLU(), nn.PixelShuffle(factor)]
            self.body = nn.Sequential(*layers)

        def forward(self, x: Tensor) -> Tensor:
            return self.body(x)

    def __init__(
        self, width: int = 8, scale: int = 4, *, groups: int = 1, several: bool = False
    ) -> None:
        super().__init__()
        self.sub_mean, self.add_mean = self.Shift(-1), self.Shift(1)
        self.entry, self.exit = conv(3, width), conv(width, 3)
        for step in (1, 2, 3):
            self.add_module(f"b{step}", self.Block(width, groups))
            self.add_module(f"c{step}", self.Join((step + 1) * width, width))
        factors = {2: [2], 3: [3], 4: [2, 2], 8: [2, 2, 2]}
        self.upsample = nn.Module()
        for chosen in (2, 3, 4) if several else (scale,):
            self.name = f"up{chosen}" if several else "up"
            self.upsample.add_module(self.name, self.Enlarge(width, factors[chosen], groups))

    def forward(self, x: Tensor) -> Tensor:
        joined = x = self.entry(self.sub_mean(x))
        for step in (1, 2, 3):
            joined = torch.cat([joined, self.get_submodule(f"b{step}")(x)], 1)
            x = self.get_submodule(f"c{step}")(joined)
        return self.add_mean(self.exit(self.upsample.get_submodule(self.name)(x)))


class MSRResNet(Peer):
    """BasicSR's SRResNet without BatchNorm, upon the bilinear image."""

    class Block(nn.Module):
        def __init__(self, width: int) -> None:
            super().__init__()
            self.conv1, self.conv2 = conv(width, width), conv(width, width)

        def forward(self, x: Tensor) -> Tensor:
            return x + self.conv2(F.relu(self.conv1(x)))

    def __init__(self, width: int = 8, blocks: int = 2, scale: int = 4) -> None:
        super().__init__()
        self.scale, self.factors = scale, {2: [2], 3: [3], 4: [2, 2]}[scale]
        self.conv_first = conv(3, width)
        self.body = nn.Sequential(*(self.Block(width) for _ in range(blocks)))
        for step, factor in enumerate(self.factors, 1):
            self.add_module(f"upconv{step}", conv(width, width * factor**2))
        self.conv_hr, self.conv_last = conv(width, width), conv(width, 3)

    def forward(self, image: Tensor) -> Tensor:
        x = self.body(F.leaky_relu(self.conv_first(image), 0.1))
        for step, factor in enumerate(self.factors, 1):
            x = F.pixel_shuffle(self.get_submodule(f"upconv{step}")(x), factor)
            x = F.leaky_relu(x, 0.1)
        base = F.interpolate(image, scale_factor=self.scale, mode="bilinear", align_corners=False)
        return self.conv_last(F.leaky_relu(self.conv_hr(x), 0.1)) + base


class RRDBNet(Peer):
    """ESRGAN's generator, x4."""

    class Dense(nn.Module):
        def __init__(self, width: int, growth: int) -> None:
            super().__init__()
            for step in range(1, 6):
                made = width if step == 5 else growth
                self.add_module(f"conv{step}", conv(width + (step - 1) * growth, made))

        def forward(self, x: Tensor) -> Tensor:
            seen = [x]
            for step in range(1, 5):
                layer = self.get_submodule(f"conv{step}")
                seen.append(F.leaky_relu(layer(torch.cat(seen, 1)), 0.2))
            return x + 0.2 * self.get_submodule("conv5")(torch.cat(seen, 1))

    class Block(nn.Module):
        def __init__(self, width: int, growth: int) -> None:
            super().__init__()
            self.rdb1, self.rdb2, self.rdb3 = (RRDBNet.Dense(width, growth) for _ in range(3))

        def forward(self, x: Tensor) -> Tensor:
            return x + 0.2 * self.rdb3(self.rdb2(self.rdb1(x)))

    def __init__(self, width: int = 8, blocks: int = 2, growth: int = 4, taken: int = 3) -> None:
        super().__init__()
        self.conv_first = conv(taken, width)
        self.body = nn.Sequential(*(self.Block(width, growth) for _ in range(blocks)))
        self.conv_body = conv(width, width)
        self.conv_up1, self.conv_up2 = conv(width, width), conv(width, width)
        self.conv_hr, self.conv_last = conv(width, width), conv(width, 3)

    def forward(self, image: Tensor) -> Tensor:
        first = self.conv_first(image)
        x = first + self.conv_body(self.body(first))
        for layer in (self.conv_up1, self.conv_up2):
            x = F.leaky_relu(layer(F.interpolate(x, scale_factor=2, mode="nearest")), 0.2)
        return self.conv_last(F.leaky_relu(self.conv_hr(x), 0.2))
