"""The content loss: which terms, how heavy."""

from contextlib import nullcontext

import pytest
import torch
from torch import nn

from super_resolution_gans import losses
from super_resolution_gans.degrade import downsample
from super_resolution_gans.models.features import OwnFeatures
from super_resolution_gans.training.content import ContentLoss
from super_resolution_gans.training.sections import ContentSection


class Doubles(nn.Module):
    def forward(self, image: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"a": 2 * image, "b": 10 * image}


def extractor() -> OwnFeatures:
    return OwnFeatures(Doubles(), "doubles", {"a": 1.0, "b": 0.5})


def content(features: bool = True, **section: object) -> ContentLoss:
    return ContentLoss(
        ContentSection(**section),  # type: ignore[arg-type]
        extractor() if features else None,
        nullcontext,
        (4, 4),
    )


def pair(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(2, 1, 16, 16, generator=generator), torch.rand(
        2, 1, 16, 16, generator=generator
    )


def test_every_term_carries_its_weight() -> None:
    sr, hr = pair()
    terms = content(
        pixel="l1", pixel_weight=3, features_weight=2, features_scale=1, total_variation=0.1,
        spectrum=0.2, grid=0.3, texture=0.4, consistency=0.5, subpixel_bias=0.6,
    ).terms((sr, hr), (sr, hr))  # fmt: skip
    mean_square = losses.mse(sr, hr)
    assert float(terms["pixel"]) == pytest.approx(3 * float(losses.l1(sr, hr)))
    assert float(terms["features"]) == pytest.approx(2 * float((4 + 50) * mean_square), rel=1e-5)
    assert float(terms["tv"]) == pytest.approx(0.1 * float(losses.total_variation(sr)))
    assert float(terms["spectrum"]) == pytest.approx(0.2 * float(losses.spectrum(sr, hr)))
    assert float(terms["texture"]) == pytest.approx(0.4 * float(losses.texture(sr, hr)))
    shrunk = 255 * float(losses.l1(downsample(sr, (4, 4)), downsample(hr, (4, 4))))
    assert float(terms["consistency"]) == pytest.approx(0.5 * shrunk)
    bias = float(losses.subpixel_bias(sr, hr, (4, 4)))
    assert float(terms["subpixel_bias"]) == pytest.approx(0.6 * bias)
    assert float(terms["grid"]) == pytest.approx(0.3 * float(losses.grid(sr, hr, (4, 4))))


def test_a_weight_of_nothing_leaves_the_term_out() -> None:
    terms = content(pixel_weight=0, features_weight=0, total_variation=1).terms(pair(), pair())
    assert set(terms) == {"tv"}


def test_features_are_of_what_is_seen_and_pixels_of_the_whole() -> None:
    terms = content(features_scale=1).terms(pair(0), pair(1))
    assert float(terms["pixel"]) == pytest.approx(float(losses.mse(*pair(0))))
    assert float(terms["features"]) == pytest.approx(54 * float(losses.mse(*pair(1))), rel=1e-5)


def test_measured_terms_begin_at_their_weights() -> None:
    loss = content(pixel_weight=0.2, features_weight=1, weighing="measured")
    assert loss.measures
    means = loss.measure([pair(0), pair(1)])
    assert not loss.measures
    assert means["pixel"] == pytest.approx(
        (float(losses.mse(*pair(0))) + float(losses.mse(*pair(1)))) / 2
    )
    found = [loss.terms(pair(i), pair(i)) for i in range(2)]
    assert sum(float(t["pixel"]) for t in found) / 2 == pytest.approx(0.2)
    assert sum(float(t["features"]) for t in found) / 2 == pytest.approx(1.0 + 0.5)


def test_measured_weights_do_not_depend_on_the_scale_of_the_extractor() -> None:
    small, large = (content(weighing="measured", features_scale=scale) for scale in (1e-3, 1e3))
    small.measure([pair()])
    large.measure([pair()])
    other = pair(5)
    assert float(small.terms(other, other)["features"]) == pytest.approx(
        float(large.terms(other, other)["features"]), rel=1e-4
    )


def test_the_gradient_reaches_sr_through_the_extractor_and_not_hr() -> None:
    sr, hr = pair()
    sr.requires_grad_()
    hr.requires_grad_()
    content(pixel_weight=0).terms((sr, hr), (sr, hr))["features"].backward()
    assert sr.grad is not None
    assert hr.grad is None
