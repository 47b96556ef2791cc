"""A run that is killed again and again, as a program: RECIPE STORE OUT [MODEL [VGG [SECONDS]]].

MODEL and VGG are what ``srgan train`` takes as --init and --vgg.

Children are forked, so that ten kills cost one start of Python. Three kinds of moment: between the
discriminator's step and the generator's, in the middle of writing a checkpoint, and whenever
within SECONDS (0.6 unless told) of the start.
OUT/kills.json says how often which kind was met.
"""

import io
import json
import os
import random
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from typing import IO, Any

import torch

from super_resolution_gans.training import checkpoint
from super_resolution_gans.training.adversarial import AdversarialStep
from super_resolution_gans.training.recipe import load_recipe
from super_resolution_gans.training.run import train


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_between_the_players(countdown: int) -> None:
    original = AdversarialStep.learn
    left = [countdown]

    def learn(self: AdversarialStep, *args: Any) -> Any:
        answer = original(self, *args)
        left[0] -= 1
        if left[0] == 0:
            die()
        return answer

    AdversarialStep.learn = learn  # type: ignore[method-assign]


def die_while_saving(countdown: int) -> None:
    original = torch.save
    left = [countdown]

    def save(state: Any, file: IO[bytes]) -> None:
        left[0] -= 1
        if left[0]:
            original(state, file)
            return
        whole = io.BytesIO()
        original(state, whole)
        file.write(whole.getvalue()[: len(whole.getvalue()) // 2])
        file.flush()
        die()

    checkpoint.torch.save = save  # type: ignore[attr-defined]


def child(arguments: list[str], kind: str, countdown: int) -> int:
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        if kind == "between":
            die_between_the_players(countdown)
        elif kind == "saving":
            die_while_saving(countdown)
        recipe, store, out, *files = arguments
        init, vgg = [*files[:2], None, None][:2]
        train(load_recipe(recipe), store, out, init=init, vgg=vgg, device="cpu")
        status = 0
    finally:
        os._exit(status)


def main(arguments: list[str]) -> None:
    chance = random.Random()
    seconds = float(arguments[5]) if len(arguments) > 5 else 0.6
    kinds = ["between"] * 4 + ["saving"] * 3 + ["whenever"] * 3
    chance.shuffle(kinds)
    met: Counter[str] = Counter()
    for kind in kinds:
        pid = child(arguments, kind, chance.randint(1, 4 if kind == "saving" else 20))
        if kind == "whenever":
            time.sleep(chance.uniform(0.05, seconds))
            os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        if os.WIFSIGNALED(status):
            met[kind] += 1
        elif os.WEXITSTATUS(status):
            sys.exit("a child failed")
    _, status = os.waitpid(child(arguments, "none", 0), 0)
    (Path(arguments[2]) / "kills.json").write_text(json.dumps(met), encoding="utf-8")
    sys.exit(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main(sys.argv[1:])
