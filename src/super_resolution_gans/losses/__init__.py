"""Losses: pure functions of tensors.

Images are float32 (N, C, H, W) in [0, 1]; a loss weight that was tuned for [-1, 1] must be
multiplied by 4 (squared errors) or 2 (absolute errors, total variation) here. Features and logits
are handed in; what makes them is not known here.
"""

from super_resolution_gans.losses.adversarial import (
    ADVERSARIAL,
    AdversarialPair,
    Logits,
    hinge_discriminator,
    hinge_generator,
    least_squares_discriminator,
    least_squares_generator,
    r1_penalty,
    relativistic_discriminator,
    relativistic_generator,
    vanilla_discriminator,
    vanilla_generator,
)
from super_resolution_gans.losses.content import (
    LEDIG_SCALE,
    charbonnier,
    consistency,
    l1,
    mse,
    perceptual,
    total_variation,
)
from super_resolution_gans.losses.spectrum import grid, spectrum, texture
from super_resolution_gans.losses.subpixel import subpixel_bias

__all__ = [
    "ADVERSARIAL",
    "LEDIG_SCALE",
    "AdversarialPair",
    "Logits",
    "charbonnier",
    "consistency",
    "grid",
    "hinge_discriminator",
    "hinge_generator",
    "l1",
    "least_squares_discriminator",
    "least_squares_generator",
    "mse",
    "perceptual",
    "r1_penalty",
    "relativistic_discriminator",
    "relativistic_generator",
    "spectrum",
    "subpixel_bias",
    "texture",
    "total_variation",
    "vanilla_discriminator",
    "vanilla_generator",
]
