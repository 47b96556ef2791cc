"""The curves of a run as one picture."""

from collections import defaultdict
from pathlib import Path

from super_resolution_gans.io.atomic import replacing
from super_resolution_gans.training.logbook import NAME, read_metrics

_LABELS = {"loss": "loss", "psnr": "PSNR (dB)", "ssim": "SSIM (Wang)"}
# Formats, and what of their metadata would change from one day or version to the next.
_FORMATS = {".png": "Software", ".svg": "Date", ".pdf": "CreationDate"}

Curve = tuple[list[int], list[float]]


def draw_curves(run: Path, target: Path) -> None:
    """Draw every logged quantity of ``run`` against updates into ``target`` (PNG, SVG or PDF).

    Losses are drawn on a logarithmic axis. Training and validation curves are named. An existing
    file is replaced.

    Raises:
        ValueError: if the folder holds no metrics, or the suffix is unknown.
        OSError: if the picture cannot be written.
    """
    if target.suffix.lower() not in _FORMATS:
        raise ValueError(f"{target}: pictures of curves are {', '.join(_FORMATS)}")
    curves: dict[str, dict[str, Curve]] = defaultdict(dict)
    for row in read_metrics(run):
        split = str(row["split"])
        for name, value in row.items():
            if name not in {"update", "split"} and isinstance(value, int | float):
                updates, values = curves[name].setdefault(split, ([], []))
                updates.append(row["update"])
                values.append(float(value))
    if not curves:
        raise ValueError(f"{run}: holds no metrics ({NAME}); is it the folder of a run?")

    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.2 * len(curves), 3.8), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, (name, by_split) in zip(
        figure.subplots(1, len(curves), squeeze=False)[0], curves.items(), strict=True
    ):
        for split, (updates, values) in by_split.items():
            axes.plot(updates, values, label=split, linewidth=1.2)
        axes.set_xlabel("updates")
        axes.set_ylabel(_LABELS.get(name, name))
        if "loss" in name and all(v > 0 for _, values in by_split.values() for v in values):
            axes.set_yscale("log")
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)
    figure.suptitle(run.resolve().name)
    suffix = target.suffix.lower()
    with replacing(target) as file, rc_context({"svg.hashsalt": "curves"}):
        figure.savefig(file, format=suffix[1:], dpi=120, metadata={_FORMATS[suffix]: None})
