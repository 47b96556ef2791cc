"""A run under torchrun, as a program: RECIPE STORE OUT MODEL; every process writes its weights."""

import os
import sys
from pathlib import Path
from typing import Any

import torch

from super_resolution_gans.training import run
from super_resolution_gans.training.recipe import load_recipe


def main() -> None:
    recipe, store, out, init = sys.argv[1:]
    original = run.fit

    def fit(step: Any, *args: Any, **keywords: Any) -> int:
        done = original(step, *args, **keywords)
        weights = {**step.plain.state_dict(), **step.discriminator.state_dict()}
        rank = os.environ.get("RANK", "0")
        torch.save(weights, Path(out) / f"weights-{rank}.pt")
        return done

    run.fit = fit  # type: ignore[attr-defined]
    run.train(load_recipe(recipe), store, out, init=init, device="cpu")


if __name__ == "__main__":
    main()
