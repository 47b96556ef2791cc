"""Two networks that are small for what they do: IMDN and CARN."""

from collections.abc import Callable

from super_resolution_gans.models.foreign.draft import IMAGE, Draft, UnfitError
from super_resolution_gans.models.foreign.family import Family

_SLOPE = 0.05  # of IMDN's leaky ReLU


def _imdn(draft: Draft) -> None:
    """Information multi-distillation (Hui et al. 2019); images in [0, 1]."""
    x = first = draft.conv("fea_conv", IMAGE)
    blocks = []
    for block in range(1, 1 + draft.count("IMDB{}.c1.weight", first=1)):
        x = _distillation(draft, f"IMDB{block}", x)
        blocks.append(x)
    joined = draft("concat", *blocks) if len(blocks) > 1 else x
    x = draft.conv("c.0", joined, out=draft.width(first), kernel=1)
    x = draft.conv("LR_conv", draft("leaky_relu", x, slope=_SLOPE), out=draft.width(first))
    draft.shuffled("upsampler.0", draft("add", x, first), draft.channels)


def _distillation(draft: Draft, part: str, x: int) -> int:
    """Three times some channels are kept and the rest goes on; then channels are weighed."""
    width, kept, y = draft.width(x), [], x
    share = draft.shape(f"{part}.c4.weight", 4)[0]
    if share >= width:
        raise UnfitError(f"{part}.c4.weight keeps {share} channels of {width}")
    for step in (1, 2, 3):
        y = draft("leaky_relu", draft.conv(f"{part}.c{step}", y, out=width), slope=_SLOPE)
        kept.append(draft("take", y, first=1, last=share))
        y = draft("take", y, first=share + 1, last=width)
    y = draft("concat", *kept, draft.conv(f"{part}.c4", y))
    contrast = draft("add", draft("image_deviation", y), draft("image_mean", y))
    inner = draft("relu", draft.conv(f"{part}.cca.conv_du.0", contrast, kernel=1))
    weights = draft.conv(f"{part}.cca.conv_du.2", inner, out=draft.width(y), kernel=1)
    y = draft("multiply", y, draft("sigmoid", weights))
    return draft("add", draft.conv(f"{part}.c5", y, out=width, kernel=1), x)


def _carn(draft: Draft) -> None:
    """Cascading residuals (Ahn et al. 2018), also CARN-M; images in [0, 1] less their mean."""
    x = draft.conv("entry", _mean_shift(draft, "sub_mean", IMAGE))
    width = draft.width(x)

    def cascade(part: str, x: int) -> int:
        return _cascade(draft, part, x, lambda inner, y: _residual(draft, inner, y))

    x = _cascade(draft, "", x, cascade)
    x = draft.conv("exit", _enlarged(draft, x, width), out=draft.channels)
    _mean_shift(draft, "add_mean", x)


def _mean_shift(draft: Draft, part: str, x: int) -> int:
    channels = draft.channels
    weights = draft.numbers(f"{part}.shifter.weight", channels, channels, 1, 1)
    if any(value for i, value in enumerate(weights) if i % (channels + 1)):
        name = draft.spelling(f"{part}.shifter.weight")
        raise UnfitError(f"{name} mixes channels, where others only shift them")
    shift = draft.numbers(f"{part}.shifter.bias", channels)
    return draft("affine", x, scale=weights[:: channels + 1], shift=shift)


def _cascade(draft: Draft, part: str, x: int, inner: Callable[[str, int], int]) -> int:
    """Three times: a part of it, joined to all there was before, back to the width by 1x1."""
    width, joined = draft.width(x), x
    for step in (1, 2, 3):
        # CARN-M shares one part's weights among all three.
        shared = not draft.has(f"{part}b{step}.body.0.weight") and draft.has(
            f"{part}b1.body.0.weight"
        )
        joined = draft("concat", joined, inner(f"{part}b{1 if shared else step}.", x))
        x = draft("relu", draft.conv(f"{part}c{step}.body.0", joined, out=width, kernel=1))
    return x


def _residual(draft: Draft, part: str, x: int) -> int:
    """Two convolutions, or two in groups and one 1x1."""
    width = draft.width(x)
    y = draft("relu", draft.conv(f"{part}body.0", x, out=width))
    y = draft.conv(f"{part}body.2", y, out=width)
    if draft.has(f"{part}body.4.weight"):
        y = draft.conv(f"{part}body.4", draft("relu", y), out=width, kernel=1)
    return draft("relu", draft("add", y, x))


def _enlarged(draft: Draft, x: int, width: int) -> int:
    """By the only scale of the file, or the largest of several."""
    ways = [f"upsample.{way}.body" for way in ("up", "up4", "up3", "up2")]
    chosen = next((way for way in ways if draft.has(f"{way}.0.weight")), None)
    if chosen is None:
        raise UnfitError("upsample.up.body.0.weight is missing")
    step = 0  # convolution, ReLU, shuffle: the convolutions are three places apart
    while draft.has(f"{chosen}.{3 * step}.weight"):
        source, step = f"{chosen}.{3 * step}", step + 1
        factor = draft.factor(source, width)
        x = draft("shuffle", draft("relu", draft.conv(source, x)), factor=factor)
    for way in ways:
        if way != chosen:
            draft.pass_over(f"{way}.")
    return x


IMDN = Family(
    "IMDN",
    (
        "fea_conv.weight", "IMDB1.c1.weight", "IMDB1.c2.weight", "IMDB1.c4.weight",
        "IMDB1.c5.weight", "IMDB1.cca.conv_du.0.weight", "c.0.weight", "LR_conv.weight",
        "upsampler.0.weight",
    ),
    _imdn,
)  # fmt: skip
CARN = Family(
    "CARN",
    (
        "entry.weight", "sub_mean.shifter.weight", "add_mean.shifter.weight",
        "b1.b1.body.0.weight", "b1.c1.body.0.weight", "b2.b1.body.0.weight", "c1.body.0.weight",
        "exit.weight",
    ),
    _carn,
)  # fmt: skip
