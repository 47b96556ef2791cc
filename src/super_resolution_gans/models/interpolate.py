"""A generator between two: their weights interpolated (Wang et al. 2018, arXiv 1809.00219, 3.4).

It works where one network was trained further from the other, as SRGAN is from SRResNet: then the
straight line between their weights is a line of networks that all super-resolve.
"""

import copy

import torch
from torch import Tensor

from super_resolution_gans.models.upsampler import Upsampler

# Pairs that were trained one from the other have 0.96 and more; others, from other random numbers,
# next to 0 (docs/trust.md).
_LEAST_KINSHIP = 0.3


class MixtureError(ValueError):
    """Two networks cannot be mixed; the message is the reason, in one line, without names."""


def between(faithful: Upsampler, inventive: Upsampler, fidelity: float) -> Upsampler:
    """The network whose weights are ``fidelity`` times the one's plus the rest times the other's.

    Parameters and running statistics of BatchNorm alike. A network that learned amounts of noise
    mixes with one that has none, as if that had amounts of zero. Both networks are those of
    ``load_model``, before anything is folded for inference.

    Args:
        faithful: the network at 1, of the smaller error (SRResNet).
        inventive: the network at 0, of the likelier texture (SRGAN).
        fidelity: 0 to 1.

    Returns:
        At 1 and 0 the one or the other network itself; in between a new one, in the mode
        (training, evaluation) of ``inventive``.

    Raises:
        MixtureError: if ``fidelity`` is not from 0 to 1, the networks are not of one architecture,
            a weight is not finite, or they have nothing in common: neither was trained from the
            other, nor both from a third.
    """
    check_fidelity(fidelity)
    _check_architectures(faithful, inventive)
    one, other = faithful.state_dict(), inventive.state_dict()
    for state, what in ((one, "faithful"), (other, "inventive")):
        for name, tensor in state.items():
            if not bool(torch.isfinite(tensor).all()):
                raise MixtureError(f"{name} of the {what} one holds NaN or infinite values")
    if kinship(faithful, inventive) < _LEAST_KINSHIP:
        raise MixtureError(
            "their weights have nothing in common; one must have been trained from the other, or "
            "both from a third"
        )
    if fidelity in (0, 1):
        return faithful if fidelity == 1 else inventive
    noisy = inventive if len(other) >= len(one) else faithful
    mixture = copy.deepcopy(noisy).train(inventive.training)
    mixture.load_state_dict(
        {name: _mixed(one.get(name), other.get(name), fidelity) for name in mixture.state_dict()}
    )
    return mixture


@torch.no_grad()
def kinship(one: Upsampler, other: Upsampler) -> float:
    """The cosine of the angle between all kernels of the one network and those of the other.

    Both are of one architecture. 1: alike but for a factor; next to 0: nothing in common.
    """
    none = torch.zeros(0, dtype=torch.float64)
    first, second = (
        torch.cat([none, *(p.double().flatten() for p in network.parameters() if p.dim() == 4)])
        for network in (one, other)
    )
    size = float(first.norm() * second.norm())
    return float(first @ second) / size if size else 1.0


def check_fidelity(fidelity: float) -> None:
    """Raise :class:`MixtureError` unless it is a number from 0 to 1."""
    # A comparison with NaN is false.
    if not 0 <= fidelity <= 1:
        raise MixtureError(
            f"fidelity {fidelity!r} is not a number from 0 (inventive) to 1 (faithful)"
        )


def _check_architectures(faithful: Upsampler, inventive: Upsampler) -> None:
    if faithful.scale != inventive.scale:
        factors = ["x".join(map(str, network.scale)) for network in (faithful, inventive)]
        raise MixtureError(f"the faithful one upscales {factors[0]}, the inventive {factors[1]}")
    if faithful.channels != inventive.channels:
        raise MixtureError(
            f"the faithful one has {_channels(faithful)}, the inventive {_channels(inventive)}"
        )
    plans = [
        {key: value for key, value in network.architecture().items() if key != "noise"}
        for network in (faithful, inventive)
    ]
    if plans[0] != plans[1]:
        raise MixtureError(
            "not of one architecture: the faithful one is "
            f"{faithful.title()}, the inventive {inventive.title()}"
        )


def _channels(network: Upsampler) -> str:
    return f"{network.channels} channel" + ("" if network.channels == 1 else "s")


def _mixed(faithful: Tensor | None, inventive: Tensor | None, fidelity: float) -> Tensor:
    """In float64, so that equal numbers stay so; None is noise that was never learned."""
    present = inventive if inventive is not None else faithful
    assert present is not None
    if not present.is_floating_point():  # BatchNorm's count of batches
        return present
    one, other = (
        torch.zeros_like(present, dtype=torch.float64) if tensor is None else tensor.double()
        for tensor in (faithful, inventive)
    )
    return (fidelity * one + (1 - fidelity) * other).to(present.dtype)
