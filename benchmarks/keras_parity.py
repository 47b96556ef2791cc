"""How far our output is from Keras's, on files that `tools/keras_golden.py` wrote.

    python benchmarks/keras_parity.py FOLDER [MODEL.h5 ...]

Each NAME.h5 has a NAME.npz in FOLDER: `in_*` images in the range that Keras's network takes,
`out_*` what Keras made of them. Models that lie elsewhere are given after the folder.
"""

import sys
from pathlib import Path

import numpy as np
import torch

from super_resolution_gans.models.keras_model import load_keras

RANGES = {"[-1, 1]": (-1, 1), "[0, 1]": (0, 1), "0..255": (0, 255)}


def main(folder: Path, models: list[Path]) -> None:
    print("| model | image | largest difference in [0, 1] | mean |")
    print("|---|---|---|---|")
    for path in sorted(folder.glob("*.h5")) + models:
        model = load_keras(path)
        source = model.card["source"]
        (low, high), (dark, light) = (RANGES[source[key]] for key in ("takes", "makes"))
        with np.load(folder / f"{path.stem}.npz", allow_pickle=False) as stored:
            for name in (name for name in stored.files if name.startswith("in")):
                image = torch.from_numpy((stored[name] - low) / np.float32(high - low))
                with torch.inference_mode():
                    made = model.network(image.permute(2, 0, 1)[None])[0].permute(1, 2, 0).numpy()
                theirs = (stored[name.replace("in", "out")] - dark) / (light - dark)
                difference = np.abs(made - theirs)
                height, width, channels = stored[name].shape
                print(
                    f"| {path.stem} | {height}x{width}x{channels} | {difference.max():.1e} "
                    f"| {difference.mean():.1e} |"
                )


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(argument) for argument in sys.argv[2:]])
