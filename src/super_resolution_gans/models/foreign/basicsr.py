"""The two SRGAN-like generators of BasicSR: MSRResNet, and ESRGAN's RRDBNet. Images in [0, 1]."""

from super_resolution_gans.models.foreign.draft import IMAGE, Draft, UnfitError
from super_resolution_gans.models.foreign.family import Family

_RESIDUAL_SHARE = 0.2  # of what each dense block and each group of three adds


def _msrresnet(draft: Draft) -> None:
    """Residual blocks without normalisation; what they make is added to the bilinear image."""

    def active(x: int) -> int:
        return draft("leaky_relu", x, slope=0.1)

    x = active(draft.conv("conv_first", IMAGE))
    width, scale = draft.width(x), 1
    for block in range(draft.count("body.{}.conv1.weight")):
        y = draft("relu", draft.conv(f"body.{block}.conv1", x, out=width))
        x = draft("add", x, draft.conv(f"body.{block}.conv2", y, out=width))
    for step in range(draft.count("upconv{}.weight", first=1)):
        source = f"upconv{step + 1}"
        scale *= draft.factor(source, width)
        x = active(draft.shuffled(source, x, width))
    x = draft.conv("conv_last", active(draft.conv("conv_hr", x, out=width)), out=draft.channels)
    draft("add", x, draft("bilinear", IMAGE, factor=scale))


def _rrdbnet(draft: Draft) -> None:
    """Residuals in residuals of dense blocks; nearest-neighbour upsampling twice."""
    takes, makes = draft.channels, draft.shape("conv_last.weight", 4)[0]
    if takes != makes:
        raise UnfitError(
            f"conv_first.weight takes {takes} channels for images of {makes}: the scale is less "
            "than 4, by rearranged pixels; only x4 is read"
        )
    x = first = draft.conv("conv_first", IMAGE)
    for block in range(draft.count("body.{}.rdb1.conv1.weight")):
        y = x
        for dense in (1, 2, 3):
            y = _dense_block(draft, f"body.{block}.rdb{dense}", y)
        x = draft("add", draft("affine", y, scale=_RESIDUAL_SHARE), x)
    x = draft("add", first, draft.conv("conv_body", x, out=draft.width(first)))
    for source in ("conv_up1", "conv_up2"):
        x = draft.conv(source, draft("nearest", x, factor=2), out=draft.width(first))
        x = draft("leaky_relu", x, slope=0.2)
    x = draft("leaky_relu", draft.conv("conv_hr", x, out=draft.width(first)), slope=0.2)
    draft.conv("conv_last", x, out=draft.channels)


def _dense_block(draft: Draft, part: str, x: int) -> int:
    """Each convolution sees all results before it; the fifth returns to the width."""
    joined = x
    for step in (1, 2, 3, 4):
        y = draft("leaky_relu", draft.conv(f"{part}.conv{step}", joined), slope=0.2)
        joined = draft("concat", joined, y)
    y = draft.conv(f"{part}.conv5", joined, out=draft.width(x))
    return draft("add", draft("affine", y, scale=_RESIDUAL_SHARE), x)


MSRRESNET = Family(
    "MSRResNet (BasicSR)",
    (
        "conv_first.weight", "body.0.conv1.weight", "body.0.conv2.weight", "upconv1.weight",
        "conv_hr.weight", "conv_last.weight",
    ),
    _msrresnet,
    older=((r"^recon_trunk\.", "body."), (r"^HRconv\.", "conv_hr.")),
)  # fmt: skip
RRDBNET = Family(
    "RRDBNet (ESRGAN, Real-ESRGAN)",
    (
        "conv_first.weight", "body.0.rdb1.conv1.weight", "body.0.rdb1.conv5.weight",
        "body.0.rdb3.conv5.weight", "conv_body.weight", "conv_up1.weight", "conv_up2.weight",
        "conv_hr.weight", "conv_last.weight",
    ),
    _rrdbnet,
    older=(
        (r"^RRDB_trunk\.(\d+)\.RDB(\d)\.", r"body.\1.rdb\2."), (r"^trunk_conv\.", "conv_body."),
        (r"^upconv([12])\.", r"conv_up\1."), (r"^HRconv\.", "conv_hr."),
    ),
)  # fmt: skip
