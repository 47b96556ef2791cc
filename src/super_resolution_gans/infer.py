"""The command line of versions 0.0.x: ``python -m super_resolution_gans.infer``.

``srgan upscale`` does more; this door keeps its three arguments, and has one more for addresses.
"""

import argparse
import sys
from collections.abc import Sequence

from super_resolution_gans.program import as_program


def main(arguments: Sequence[str] | None = None) -> int:
    """Super-resolve one image into one file, which is replaced if it exists.

    Returns:
        0; 1 if it failed, after one line on stderr. Wrong usage exits with 2.
    """
    with as_program():
        return _infer(arguments)


def _infer(arguments: Sequence[str] | None) -> int:
    parser = argparse.ArgumentParser(prog="infer", description="Super-resolve one image.")
    parser.add_argument(
        "--modelPath",
        default=None,
        help="a model.h5, another file of weights, or the name of a model (default: the shipped "
        "OCT model)",
    )
    parser.add_argument("--inputPath", required=True, help="an image, or an http(s) address")
    parser.add_argument(
        "--outputPath", required=True, help="the super-resolved image; its suffix is the format"
    )
    parser.add_argument(
        "--allow-private-addresses",
        action="store_true",
        help="fetch from this machine and local networks too, and through proxies",
    )
    given = parser.parse_args(arguments)

    from super_resolution_gans.prediction.catalogue import DEFAULT_MODEL
    from super_resolution_gans.prediction.errors import PredictionError
    from super_resolution_gans.prediction.files import upscale_files
    from super_resolution_gans.prediction.plan import make_plan
    from super_resolution_gans.prediction.upscale import load_upscaler
    from super_resolution_gans.scan import printable

    try:
        plan = make_plan([given.inputPath], given.outputPath)
        if plan.folder is not None:
            raise PredictionError(
                given.outputPath,
                "--outputPath is one image file, as in out.png; srgan upscale does folders",
            )
        upscaler = load_upscaler(DEFAULT_MODEL if given.modelPath is None else given.modelPath)
        allowed = given.allow_private_addresses
        outcomes = list(
            upscale_files(plan, upscaler, overwrite=True, allow_private_addresses=allowed)
        )
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; nothing was written", file=sys.stderr)
        return 130
    for outcome in outcomes:
        source, target = printable(outcome.source), printable(str(outcome.target))
        for sentence in outcome.warnings:
            print(f"warning: {source}: {sentence}", file=sys.stderr)
        if outcome.status == "failed":
            print(f"error: {source}: {outcome.reason}", file=sys.stderr)
        else:
            print(f"{source} -> {target} by {printable(upscaler.name)}")
    return int(any(outcome.status == "failed" for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main())
