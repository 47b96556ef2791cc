"""SRGAN as three repositories define it."""

from super_resolution_gans.models.foreign.draft import IMAGE, Draft, UnfitError
from super_resolution_gans.models.foreign.family import Family


def _lornatang(draft: Draft) -> None:
    """Ledig et al., figure 4; images in [0, 1]. Its clamp to [0, 1] is left to who shows them."""
    head = draft.conv("conv1.0", IMAGE, kernel=draft.kernel("conv1.0"))
    x = first = draft.prelu("conv1.1", head)
    width = draft.width(first)
    for block in range(draft.count("trunk.{}.rcb.0.weight")):
        part = f"trunk.{block}.rcb"
        y = draft.batch_norm(f"{part}.1", draft.conv(f"{part}.0", x, out=width, normed=True))
        y = draft.prelu(f"{part}.2", y)
        y = draft.conv(f"{part}.3", y, out=width, normed=True)
        x = draft("add", draft.batch_norm(f"{part}.4", y), x)
    x = draft.batch_norm("conv2.1", draft.conv("conv2.0", x, out=width, normed=True))
    x = draft("add", first, x)
    for block in range(draft.count("upsampling.{}.upsample_block.0.weight")):
        part = f"upsampling.{block}.upsample_block"
        x = draft.prelu(f"{part}.2", draft.shuffled(f"{part}.0", x, width))
    draft.conv("conv3", x, out=draft.channels, kernel=draft.kernel("conv3"))


def _leftthomas(draft: Draft) -> None:
    """Blocks are counted through; images in [0, 1], and (tanh + 1) / 2 at the end."""
    head = draft.conv("block1.0", IMAGE, kernel=draft.kernel("block1.0"))
    x = first = draft.prelu("block1.1", head)
    width, residual = draft.width(first), draft.count("block{}.conv1.weight", first=2)
    for block in range(2, 2 + residual):
        part = f"block{block}"
        y = draft.batch_norm(f"{part}.bn1", draft.conv(f"{part}.conv1", x, out=width))
        y = draft.conv(f"{part}.conv2", draft.prelu(f"{part}.prelu", y), out=width)
        x = draft("add", x, draft.batch_norm(f"{part}.bn2", y))
    part = f"block{2 + residual}"
    x = draft.conv(f"{part}.0", x, out=width)
    # The repository's first networks had a PReLU here.
    normed = draft.has(f"{part}.1.running_mean")
    x = draft.batch_norm(f"{part}.1", x) if normed else draft.prelu(f"{part}.1", x)
    x, part = draft("add", first, x), f"block{3 + residual}"
    enlarging = draft.count(f"{part}.{{}}.conv.weight")
    for step in range(enlarging):
        x = draft.prelu(f"{part}.{step}.prelu", draft.shuffled(f"{part}.{step}.conv", x, width))
    tail = f"{part}.{enlarging}"
    x = draft.conv(tail, x, out=draft.channels, kernel=draft.kernel(tail))
    draft("affine", draft("tanh", x), scale=0.5, shift=0.5)


def _fast(draft: Draft) -> None:
    """Normalised by the image (or by BatchNorm in later files); images in [-1, 1]."""
    image = draft("affine", IMAGE, scale=2.0, shift=-1.0)
    x = first = draft.prelu("neck.1", draft.conv("neck.0", image))
    width = draft.width(first)

    def norm(source: str, x: int) -> int:
        if draft.has(f"{source}.running_mean"):
            return draft.batch_norm(source, x)
        return draft("instance_norm", x)

    def conv(source: str, x: int) -> int:
        return draft.conv(source, x, out=width, kernel=draft.kernel(source), normed=True)

    for block in range(draft.count("stem.{}.conv1.weight")):
        part = f"stem.{block}"
        y = draft.prelu(f"{part}.relu1", norm(f"{part}.bn1", conv(f"{part}.conv1", x)))
        x = draft("add", norm(f"{part}.bn2", conv(f"{part}.conv2", y)), x)
    x = norm("bottleneck.1", conv("bottleneck.0", x))
    x = draft("add", x, first)
    steps = draft.count("upsampling.{}.conv.weight")
    if not steps:
        raise UnfitError("nothing in it enlarges")
    for step in range(steps):
        part = f"upsampling.{step}"
        x = draft.prelu(f"{part}.relu", draft.shuffled(f"{part}.conv", x, width))
    x = draft("tanh", draft.conv("head.0", x, out=draft.channels))
    draft("affine", x, scale=0.5, shift=0.5)


LORNATANG = Family(
    "SRGAN-PyTorch (Lornatang)",
    (
        "conv1.0.weight", "conv1.1.weight", "trunk.0.rcb.0.weight", "trunk.0.rcb.3.weight",
        "conv2.0.weight", "conv2.1.weight", "upsampling.0.upsample_block.0.weight", "conv3.weight",
    ),
    _lornatang,
    older=((r"^conv_block([123])\.", r"conv\1."),),
)  # fmt: skip
LEFTTHOMAS = Family(
    "SRGAN (leftthomas)",
    (
        "block1.0.weight", "block1.1.weight", "block2.conv1.weight", "block2.bn1.weight",
        "block2.prelu.weight", "block2.conv2.weight", "block2.bn2.weight",
    ),
    _leftthomas,
)  # fmt: skip
FAST_SRGAN = Family(
    "Fast-SRGAN",
    (
        "neck.0.weight", "neck.1.weight", "stem.0.conv1.weight", "stem.0.relu1.weight",
        "stem.0.conv2.weight", "bottleneck.0.weight", "upsampling.0.conv.weight", "head.0.weight",
    ),
    _fast,
)  # fmt: skip
