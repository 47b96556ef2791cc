"""The sections of a recipe: what each may hold, and what it holds if nothing is said."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from super_resolution_gans.degrade import Kernel
from super_resolution_gans.losses import LEDIG_SCALE


def _ordered(interval: tuple[float, float]) -> tuple[float, float]:
    if interval[0] > interval[1]:
        raise ValueError("an interval is [low, high], the lower number first")
    return interval


Factor = Annotated[int, Field(ge=1, le=32)]
Scale = tuple[Factor, Factor]
Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Interval = Annotated[tuple[Weight, Weight], AfterValidator(_ordered)]
Factors = Annotated[tuple[Positive, Positive], AfterValidator(_ordered)]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]
Precision = Literal["32-true", "bf16-mixed", "16-mixed"]


class Section(BaseModel):
    """Frozen, and without keys that nobody knows."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ModelSection(Section):
    """The generator (SRResNet); ``noise`` is injected into its features, by learned amounts.

    ``norm``: ``none`` leaves BatchNorm out, see ``models/generator.py``.
    """

    channels: Literal[1, 3] = 1
    scale: Scale = (4, 4)
    blocks: Annotated[int, Field(ge=1, le=256)] = 16
    width: Annotated[int, Field(ge=1, le=1024)] = 64
    noise: bool = False
    norm: Literal["batch", "none"] = "batch"


class DegradationSection(Section):
    """How LR is made from HR; intervals are drawn from uniformly, once an update."""

    kernels: Annotated[tuple[Kernel, ...], Field(min_length=1)] = ("bicubic",)
    blur: Interval = (0.0, 0.0)
    speckle: Interval = (0.0, 0.0)
    noise: Interval = (0.0, 0.0)
    levels: Annotated[int, Field(ge=0, le=65535)] = 255


class CropSection(Section):
    """Which crops are trained on; ``size`` in HR pixels.

    ``datasets``: ``equal`` to draw each dataset of the store as often, or {name: weight} of those
    to draw from; by their area if not given.
    """

    size: Annotated[int, Field(ge=8, le=1024)] = 96
    background_share: Share = 0.1
    padding_share: Share = 0.0
    flip_lateral: bool = True
    flip_axial: bool = False
    datasets: Literal["equal"] | dict[str, Weight] | None = None


class AugmentSection(Section):
    """How crops are varied before LR is made of them, each by itself; see ``data/augment.py``.

    ``gamma`` and ``gain`` are intervals of a power and a factor of grey levels, ``rotation`` is in
    degrees to either side, ``speckle`` an interval of contrasts, ``padding`` the share of crops
    that get an edge of white padding. Not with ``pairs: ready``, where ``padding`` says nothing.
    """

    gamma: Factors = (1.0, 1.0)
    gain: Factors = (1.0, 1.0)
    rotation: Annotated[float, Field(ge=0, le=45)] = 0.0
    speckle: Interval = (0.0, 0.0)
    padding: Share = 0.0


class ContentSection(Section):
    """What ties SR to HR: a pixel loss, features of a network, or both; a weight of 0 leaves out.

    ``pixel_weight`` and ``total_variation`` are for images in [0, 1]: those of a paper that works
    in [-1, 1] are 4 (MSE) or 2 (L1, total variation) times as large here.

    ``features``: a layer of VGG (``vgg19.relu2_2``), several of one network, several with weights,
    or the import path of a module of your own (``package.module:factory``). They are compared by
    ``features_distance`` after multiplication by ``features_scale`` (the paper's 1/12.75).

    ``spectrum`` and ``grid``: weights of the differences of power spectra in decades^2, over all
    frequencies and at those of a grid; see ``losses.spectrum``. ``subpixel_bias``: of the variance
    of the error between the pixels of a block, in grey levels^2 (of 8 bit). ``texture``: of the
    difference of power spectra in the same place, in decades^2. ``consistency``: of the mean
    difference after both images are shrunk by antialiased bicubic, in grey levels.

    ``weighing``: ``fixed`` takes the weights as they are. ``measured`` divides the pixel loss and
    each layer by what they are at the start of the phase, so that every weight is a share of the
    content loss and another extractor needs no other weights.
    """

    pixel: Literal["mse", "l1", "charbonnier"] = "mse"
    pixel_weight: Weight = 1.0
    features: str | tuple[str, ...] | dict[str, Weight] | None = None
    features_weight: Weight = 1.0
    features_distance: Literal["mse", "l1"] = "mse"
    features_scale: Positive = LEDIG_SCALE
    total_variation: Weight = 0.0
    spectrum: Weight = 0.0
    grid: Weight = 0.0
    subpixel_bias: Weight = 0.0
    texture: Weight = 0.0
    consistency: Weight = 0.0
    weighing: Literal["fixed", "measured"] = "fixed"


class DiscriminatorSection(Section):
    """Who tells SR from HR; see ``models/discriminator.py``.

    ``dense`` is of the paper's discriminator, ``layers`` of the others, ``scales`` of
    ``multiscale``; ``noise`` is a standard deviation in units of the image.
    """

    kind: Literal["paper", "patch", "multiscale"] = "paper"
    width: Annotated[int, Field(ge=1, le=1024)] = 64
    dense: Annotated[int, Field(ge=1, le=65536)] = 1024
    layers: Annotated[int, Field(ge=1, le=8)] = 3
    scales: Annotated[int, Field(ge=1, le=8)] = 3
    spectral: bool = False
    noise: Share = 0.0


class AdversarialSection(Section):
    """The game of phase 2.

    ``weight`` multiplies the generator's adversarial loss, and rises to that from 0 over the first
    ``ramp`` updates. ``r1`` is the weight of the gradient penalty on HR in [0, 1] (0: none; a
    quarter of one for [-1, 1]). The discriminator learns at ``discriminator_rate`` times the
    generator's rate of the moment.
    """

    loss: Literal["vanilla", "least_squares", "hinge", "relativistic"] = "vanilla"
    weight: Weight = 1e-3
    ramp: Annotated[int, Field(ge=0)] = 0
    r1: Weight = 0.0
    discriminator_rate: Positive = 1.0
    discriminator_betas: tuple[Share, Share] = (0.9, 0.999)
    discriminator: DiscriminatorSection = DiscriminatorSection()


class Schedule(Section):
    """How long and how fast; a recipe has one for the CPU and one for a GPU.

    ``decay``: the learning rate rises linearly over ``warmup`` updates, then stays (``none``), is a
    tenth from half of the updates on (``half``, as the paper's SRGAN), or falls along half a cosine
    to a hundredth (``cosine``).

    ``batch`` is that of an update, over all processes. Each process computes its share of it in
    ``accumulate`` parts, for want of memory; see docs/training-scale.md for what then differs.
    """

    updates: Count = 100_000
    batch: Count = 16
    accumulate: Count = 1
    learning_rate: Positive = 1e-4
    warmup: Annotated[int, Field(ge=0)] = 0
    decay: Literal["none", "half", "cosine"] = "none"
    precision: Precision | Literal["auto"] = "auto"
    compile: bool = False
    log_every: Count = 100
    validate_every: Count = 1000
    checkpoint_every: Count = 1000
    panel_every: Count = 5000


class Schedules(Section):
    """One schedule per kind of device."""

    cpu: Schedule = Schedule()
    gpu: Schedule = Schedule()
