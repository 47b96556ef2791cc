"""What the shell completes: names that the package knows. Neither torch nor numpy is loaded.

Where none begins like the word, shells complete names of files.
"""

from collections.abc import Callable, Mapping

Completion = Callable[[str], list[tuple[str, str]]]


def _beginning(names: Mapping[str, str], incomplete: str) -> list[tuple[str, str]]:
    """Names and what they are in a few words, of those that begin so."""
    return [(name, text) for name, text in names.items() if name.startswith(incomplete)]


def _one_of(*names: str) -> Completion:
    """Completes these, which need no explanation."""
    return lambda incomplete: _beginning(dict.fromkeys(names, ""), incomplete)


def models(incomplete: str) -> list[tuple[str, str]]:
    """Shipped models and interpolations."""
    from super_resolution_gans.prediction.catalogue import INTERPOLATIONS

    interpolations = dict.fromkeys(INTERPOLATIONS, "interpolation")
    return shipped_models(incomplete) + _beginning(interpolations, incomplete)


def shipped_models(incomplete: str) -> list[tuple[str, str]]:
    """Shipped models."""
    from super_resolution_gans.prediction.catalogue import SHIPPED

    return _beginning(SHIPPED, incomplete)


def recipes(incomplete: str) -> list[tuple[str, str]]:
    """Recipes of the package; what they are would have to be read in each of them."""
    from importlib.resources import files

    folder = files("super_resolution_gans") / "recipes"
    found = sorted(file.name for file in folder.iterdir() if file.name.endswith(".yaml"))
    return _beginning({name.removesuffix(".yaml"): "" for name in found}, incomplete)


# Spelled out, since the modules that know them load torch; a test compares.
engines = _one_of("auto", "torch", "openvino", "onnxruntime")
precisions = _one_of("auto", "float32", "bfloat16", "float16")
devices = _one_of("auto", "cpu", "cuda", "mps")
