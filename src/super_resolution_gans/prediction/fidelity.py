"""How much a model may invent: mixtures of an SRGAN and an SRResNet of its kin."""

import os
from dataclasses import dataclass, replace
from pathlib import Path

from super_resolution_gans.models.checkpoint import Model
from super_resolution_gans.models.interpolate import MixtureError, between, check_fidelity
from super_resolution_gans.models.load import EXPORTED, load_model
from super_resolution_gans.prediction.catalogue import FAITHFUL, INTERPOLATIONS, find_weights
from super_resolution_gans.prediction.downsampling import declared
from super_resolution_gans.prediction.errors import PredictionError
from super_resolution_gans.prediction.provenance import Provenance, sha256

Name = str | os.PathLike[str]


@dataclass(frozen=True)
class Partner:
    """The faithful network that a model is mixed with; made by :func:`find_partner`.

    Attributes:
        path: its weights.
        fidelity: its share, 0 to 1.
    """

    path: Path
    fidelity: float

    def told(self, story: Provenance) -> Provenance:
        """The provenance of the model by itself, with what it was mixed with, and by its name."""
        return replace(
            story,
            model=f"{story.model} at fidelity {self.fidelity:g}",
            fidelity=float(self.fidelity),
            faithful_sha256=sha256(self.path),
        )


def read_model(path: Path, partner: Partner | None = None) -> Model:
    """The network of a file of weights and its card, mixed with its partner if there is one.

    The card is that of the model; at a fidelity of 1, that of its partner. A mixture of models that
    declare different downsamplings declares none.

    Raises:
        ModelFileError: if a file cannot be read.
        PredictionError: if they cannot be mixed; the message names both files.
    """
    model = load_model(path)
    if partner is None:
        return model
    faithful, share = load_model(partner.path), partner.fidelity
    try:
        network = between(faithful.network, model.network, share)
    except MixtureError as error:
        raise PredictionError(f"{path} and {partner.path}", f"cannot be mixed: {error}") from error
    card = faithful.card if share == 1 else model.card
    if 0 < share < 1 and declared(faithful.card) != declared(model.card):
        card = {**card, "downsampling": None}
    return Model(network, card)


def find_partner(name: Name, fidelity: float | None, faithful: Name | None) -> Partner | None:
    """What a model is to be mixed with, by the arguments of ``load_upscaler``; nothing is loaded.

    Args:
        name: of the model that invents, or its file.
        fidelity: 0 (all of the model's) to 1 (all of its partner's); None: no mixture.
        faithful: the partner's name or file; by default the catalogue's (``catalogue.FAITHFUL``).

    Returns:
        None if nothing is to be mixed.

    Raises:
        PredictionError: if there is no partner, or it or the model has no weights to be mixed.
    """
    if fidelity is None:
        if faithful is not None:
            raise PredictionError(faithful, "a faithful partner needs a fidelity, 0 to 1")
        return None
    try:
        check_fidelity(fidelity)
    except MixtureError as error:
        raise PredictionError(name, str(error)) from None
    partner = FAITHFUL.get(os.fspath(name)) if faithful is None else faithful
    for given in (name,) if partner is None else (name, partner):
        if given in INTERPOLATIONS:
            raise PredictionError(given, "is an interpolation: fidelity is for networks")
        if Path(given).suffix.lower() in EXPORTED:
            raise PredictionError(
                given, "is an exported model: fidelity needs files of weights, before the export"
            )
    if partner is None:
        known = ", ".join(FAITHFUL)
        raise PredictionError(
            name,
            f"fidelity needs the faithful model it was trained from (--faithful, faithful=); only "
            f"{known} has one by itself",
        )
    return Partner(find_weights(partner), fidelity)
