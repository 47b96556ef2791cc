"""What generator and discriminator play for, on logits; D(x) = sigmoid(logit).

Each function takes the logits of one discriminator, of any shape, or those of several as a
sequence, each of which counts alike; expectations are means over batch and positions, in float32.
Logits have no value range, so that weights such as the paper's 1e-3 compare with the content loss
alone: for an MSE in [0, 1], four times smaller than the paper's, it is 2.5e-4.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

Logits = Tensor | Sequence[Tensor]


@dataclass(frozen=True)
class AdversarialPair:
    """The losses of the two players.

    ``discriminator(real, fake)`` and ``generator(fake)`` are scalars to be made small;
    ``generator(fake, real)`` where ``relativistic``, so that others need not run D on HR again.
    """

    discriminator: Callable[[Logits, Logits], Tensor]
    generator: Callable[..., Tensor]
    relativistic: bool = False


def vanilla_discriminator(real: Logits, fake: Logits) -> Tensor:
    """-E log D(real) - E log(1 - D(fake)) (Goodfellow et al. 2014, eq. 1); 2 ln 2 at chance."""
    return _mean(_minus_log, real) + _mean(_minus_log_complement, fake)


def vanilla_generator(fake: Logits) -> Tensor:
    """-E log D(fake), the non-saturating form (Ledig et al. 2017, eq. 6); ln 2 at chance.

    The paper sums over the batch; this is the mean.
    """
    return _mean(_minus_log, fake)


def least_squares_discriminator(real: Logits, fake: Logits) -> Tensor:
    """E (real - 1)^2 / 2 + E fake^2 / 2, of logits (Mao et al. 2017, eq. 9)."""
    return _mean(lambda x: (x - 1) ** 2 / 2, real) + _mean(lambda x: x**2 / 2, fake)


def least_squares_generator(fake: Logits) -> Tensor:
    """E (fake - 1)^2 / 2, of logits (Mao et al. 2017, eq. 9)."""
    return _mean(lambda x: (x - 1) ** 2 / 2, fake)


def hinge_discriminator(real: Logits, fake: Logits) -> Tensor:
    """E max(0, 1 - real) + E max(0, 1 + fake), of logits (Lim and Ye 2017; Miyato et al. 2018)."""
    return _mean(lambda x: F.relu(1 - x), real) + _mean(lambda x: F.relu(1 + x), fake)


def hinge_generator(fake: Logits) -> Tensor:
    """-E fake, of logits; it has no lower bound (Lim and Ye 2017; Miyato et al. 2018)."""
    return _mean(torch.neg, fake)


def relativistic_discriminator(real: Logits, fake: Logits) -> Tensor:
    """-E log s(real - E fake) - E log(1 - s(fake - E real)), s the sigmoid; 2 ln 2 at chance.

    The relativistic average of Jolicoeur-Martineau 2018 (arXiv 1807.00734, RaSGAN), as in ESRGAN.
    """
    real_relative, fake_relative = _relative(real, fake)
    return vanilla_discriminator(real_relative, fake_relative)


def relativistic_generator(fake: Logits, real: Logits) -> Tensor:
    """-E log s(fake - E real) - E log(1 - s(real - E fake)): the discriminator's, players swapped.

    Gradients flow through both; only those of ``fake`` reach the generator.
    """
    return relativistic_discriminator(fake, real)


ADVERSARIAL = {
    "vanilla": AdversarialPair(vanilla_discriminator, vanilla_generator),
    "least_squares": AdversarialPair(least_squares_discriminator, least_squares_generator),
    "hinge": AdversarialPair(hinge_discriminator, hinge_generator),
    "relativistic": AdversarialPair(
        relativistic_discriminator, relativistic_generator, relativistic=True
    ),
}


def r1_penalty(logits: Logits, real: Tensor) -> Tensor:
    """E |d D(x) / d x|^2 at real images (Mescheder et al. 2018, eq. 9, without its gamma / 2).

    D(x) is the logit of an image, the mean where it has several. The gradient is by images in
    [0, 1], where its square is four times that in [-1, 1]: a gamma from there is divided by 4 here.

    Args:
        logits: the discriminator's answer to ``real``.
        real: (N, C, H, W), with ``requires_grad`` set before the discriminator saw it.

    Returns:
        A scalar that can be differentiated by the discriminator's parameters.

    Raises:
        ValueError: if ``real`` does not ask for a gradient.
    """
    if not real.requires_grad:
        raise ValueError("r1_penalty: call real.requires_grad_() before the discriminator sees it")
    maps = _maps(logits)
    score = torch.stack([x.float().flatten(1).mean(dim=1).sum() for x in maps]).mean()
    (gradient,) = torch.autograd.grad(score, real, create_graph=True)
    return (gradient**2).flatten(1).sum(dim=1).mean()


def _minus_log(logit: Tensor) -> Tensor:
    return F.softplus(-logit)


def _minus_log_complement(logit: Tensor) -> Tensor:
    return F.softplus(logit)


def _maps(logits: Logits) -> Sequence[Tensor]:
    return [logits] if isinstance(logits, Tensor) else logits


def _mean(of: Callable[[Tensor], Tensor], logits: Logits) -> Tensor:
    return torch.stack([of(x.float()).mean() for x in _maps(logits)]).mean()


def _relative(real: Logits, fake: Logits) -> tuple[list[Tensor], list[Tensor]]:
    """Logits less the mean logit of the other kind, discriminator by discriminator."""
    pairs = [(r.float(), f.float()) for r, f in zip(_maps(real), _maps(fake), strict=True)]
    return [r - f.mean() for r, f in pairs], [f - r.mean() for r, f in pairs]
