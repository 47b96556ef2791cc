"""Writes Keras generators with what Keras makes of an image: the golden files of the tests.

For development only; the package itself never imports Keras. It needs TensorFlow in an environment
of its own, Python 3.11 (Keras 2) and any later TensorFlow (Keras 3):

    python3.11 -m venv /tmp/keras2 && /tmp/keras2/bin/pip install 'tensorflow-cpu==2.15.*'
    python3.11 -m venv /tmp/keras3 && /tmp/keras3/bin/pip install 'tensorflow-cpu>=2.16'
    /tmp/keras2/bin/python tools/keras_golden.py golden tests/models/golden
    /tmp/keras3/bin/python tools/keras_golden.py golden tests/models/golden

Full size, for `benchmarks/keras_parity.py` (nothing of it belongs in the repository):

    /tmp/keras2/bin/python tools/keras_golden.py full /tmp/parity
    /tmp/keras2/bin/python tools/keras_golden.py subpixel WEIGHTS.h5 /tmp/parity

Each model NAME.h5 has a NAME.npz: `in_0`, `in_1`, ... are images (height, width, channels) in the
range the network was trained with, `out_0`, ... what Keras makes of them.
"""

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

layers = keras.layers
VERSION = int(keras.__version__.partition(".")[0])
SMALL = [(5, 7), (8, 8), (12, 9)]
LARGE = [(17, 40), (64, 64), (96, 72), (128, 128)]


def anonymous(function: Any) -> Any:
    """Keras stores the code of a Lambda, and with it the path of this file, which nobody needs."""
    function.__code__ = function.__code__.replace(co_filename="keras_golden.py")
    return function


def first_generation(channels: int, blocks: int, width: int, wide: int) -> Any:
    """The generator of versions 0.0.x: ReLU before BatchNorm, nearest upsampling, tanh."""

    def block(x: Any) -> Any:
        y = layers.Conv2D(width, 3, padding="same")(x)
        y = layers.Activation("relu")(y)
        y = layers.BatchNormalization(momentum=0.8)(y)
        y = layers.Conv2D(width, 3, padding="same")(y)
        y = layers.BatchNormalization(momentum=0.8)(y)
        return layers.Add()([y, x])

    image = layers.Input((None, None, channels))
    head = layers.Activation("relu")(layers.Conv2D(width, 9, padding="same")(image))
    x = head
    for _ in range(blocks):
        x = block(x)
    x = layers.Conv2D(width, 3, padding="same")(x)
    x = layers.BatchNormalization(momentum=0.8)(x)
    x = layers.Add()([x, head])
    for _ in range(2):
        x = layers.UpSampling2D(2)(x)
        x = layers.Conv2D(wide, 3, padding="same")(x)
        x = layers.Activation("relu")(x)
    return keras.Model(image, layers.Conv2D(channels, 9, padding="same", activation="tanh")(x))


def relative(channels: int, blocks: int, width: int, wide: int) -> Any:
    """A relative: PReLU behind BatchNorm and behind UpSampling2D, LeakyReLU, Dropout."""
    image = layers.Input((24, 24, channels))
    head = layers.PReLU(shared_axes=[1, 2])(layers.Conv2D(width, 9, padding="same")(image))
    x = head
    for _ in range(blocks):
        y = layers.Conv2D(width, 3, padding="same", use_bias=False)(x)
        y = layers.BatchNormalization(epsilon=2e-2)(y)
        y = layers.PReLU(shared_axes=[1, 2])(y)
        y = layers.Conv2D(width, 3, padding="same")(y)
        x = layers.Add()([x, layers.BatchNormalization(scale=False)(y)])
    x = layers.Conv2D(width, 3, padding="same")(x)
    x = layers.Add()([head, layers.BatchNormalization(center=False)(x)])
    x = layers.Dropout(0.1)(x)
    x = layers.Conv2D(wide, 3, padding="same")(x)
    x = layers.UpSampling2D(2)(x)
    x = layers.PReLU(shared_axes=[1, 2])(x)
    x = layers.Conv2D(wide, 3, padding="same")(x)
    x = layers.UpSampling2D(2, interpolation="bilinear")(x)
    x = layers.LeakyReLU(0.2)(x)
    x = layers.Conv2D(channels, 9, padding="same")(x)
    return keras.Model(image, layers.Activation("tanh")(x))


def subpixel(channels: int, blocks: int, width: int, wide: int) -> Any:
    """The sub-pixel family: PReLU, depth_to_space, image 0..255 in and out by Lambda layers."""
    shape = (None, None, channels)
    image = layers.Input(shape)
    x = layers.Lambda(anonymous(lambda x: x / 255.0))(image)
    x = head = layers.PReLU(shared_axes=[1, 2])(layers.Conv2D(width, 9, padding="same")(x))
    for _ in range(blocks):
        y = layers.Conv2D(width, 3, padding="same")(x)
        y = layers.BatchNormalization(momentum=0.8)(y)
        y = layers.PReLU(shared_axes=[1, 2])(y)
        y = layers.Conv2D(width, 3, padding="same")(y)
        x = layers.Add()([x, layers.BatchNormalization(momentum=0.8)(y)])
    x = layers.Conv2D(width, 3, padding="same")(x)
    x = layers.Add()([head, layers.BatchNormalization()(x)])
    for _ in range(2):
        x = layers.Conv2D(wide, 3, padding="same")(x)
        x = layers.Lambda(
            anonymous(lambda x: tf.nn.depth_to_space(x, 2)), output_shape=(None, None, wide // 4)
        )(x)
        x = layers.PReLU(shared_axes=[1, 2])(x)
    x = layers.Conv2D(channels, 9, padding="same", activation="tanh")(x)
    rescaled = layers.Lambda(anonymous(lambda x: (x + 1) * 127.5), output_shape=shape)
    return keras.Model(image, rescaled(x))


def sequential(channels: int, *_: int) -> Any:
    """A small network in a row: rescaling in and out, no tanh, a shuffle at the end."""
    head: list[Any] = [
        layers.Input((None, None, channels)),
        layers.Rescaling(1 / 255),
        layers.Conv2D(8, 5, padding="same", activation="relu"),
        layers.Conv2D(4 * channels, 3, padding="same"),
    ]
    shuffle = layers.Lambda(
        anonymous(lambda x: tf.nn.depth_to_space(x, 2)), output_shape=(None, None, channels)
    )
    return keras.Sequential([*head, shuffle, layers.Rescaling(255.0)])


def fill(model: Any, seed: int, low: float, high: float) -> None:
    """Random weights, and statistics of BatchNorm that follow from them, as training would."""
    draw = np.random.default_rng(seed)
    ways: dict[str, Callable[[Any, Any], Any]] = {
        "kernel": lambda noise, shape: noise / np.sqrt(np.prod(shape[:-1])),
        "bias": lambda noise, _: 0.1 * noise,
        "alpha": lambda noise, _: 0.2 + 0.2 * noise,
        "gamma": lambda noise, _: 1 + 0.3 * noise,
        "beta": lambda noise, _: 0.2 * noise,
        "moving_mean": lambda noise, _: 0.3 * noise,
        "moving_variance": lambda noise, _: np.exp(0.7 * noise),
    }
    for layer in model.layers:
        values = []
        for weight in layer.weights:
            kind = weight.name.split("/")[-1].partition(":")[0]
            values.append(ways[kind](draw.standard_normal(weight.shape), weight.shape))
        layer.set_weights(values)
    for _ in range(20):
        shape = (2, 24, 24, model.inputs[0].shape[-1])
        model(draw.uniform(low, high, shape).astype(np.float32), training=True)


def answers(model: Any, sizes: list[tuple[int, int]], low: float, high: float) -> dict[str, Any]:
    """Images and what the model makes of them; a fixed input shape is widened first."""
    channels = model.inputs[0].shape[-1]
    draw, arrays = np.random.default_rng(1), {}
    for place, (height, width) in enumerate(sizes):
        image = draw.uniform(low, high, (height, width, channels)).astype(np.float32)
        arrays[f"in_{place}"] = image
        arrays[f"out_{place}"] = np.asarray(model(image[None], training=False))[0]
    return arrays


MAKERS: dict[str, tuple[Callable[..., Any], float, float]] = {
    "first": (first_generation, -1, 1),
    "relative": (relative, -1, 1),
    "subpixel": (subpixel, 0, 255),
    "sequential": (sequential, 0, 255),
}


def golden(folder: Path) -> None:
    """Every small model, in each of the ways this Keras saves."""
    for seed, (name, (make, low, high)) in enumerate(MAKERS.items()):
        model = make(3 if name == "subpixel" else 1, 2 if name == "first" else 1, 8, 16)
        fill(model, seed, low, high)
        stem = f"{name}_keras{VERSION}"
        model.save(folder / f"{stem}.h5")
        if name in ("first", "subpixel"):
            kind = ".weights.h5" if VERSION == 3 else "_weights.h5"
            model.save_weights(str(folder / f"{stem}{kind}"))
        if name == "first" and VERSION == 3:
            model.save(folder / f"{stem}.keras")
        sizes = [(24, 24)] if name == "relative" else SMALL
        np.savez(folder / f"{stem}.npz", **answers(model, sizes, low, high))


def full(folder: Path) -> None:
    """The generator of 0.0.x as it was: 16 blocks of 64, one and three channels."""
    for channels in (1, 3):
        model = first_generation(channels, 16, 64, 256)
        fill(model, channels, -1, 1)
        stem = f"full{channels}_keras{VERSION}"
        model.save(folder / f"{stem}.h5")
        np.savez(folder / f"{stem}.npz", **answers(model, LARGE, -1, 1))


def with_weights(weights: Path, folder: Path) -> None:
    """What Keras makes of images with a weights-only file of the sub-pixel family, full size."""
    model = subpixel(3, 16, 64, 256)
    model.load_weights(str(weights))
    np.savez(folder / f"{weights.stem}.npz", **answers(model, LARGE, 0, 255))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["golden", "full", "subpixel"])
    parser.add_argument("paths", nargs="+", type=Path)
    given = parser.parse_args()
    folder = given.paths[-1]
    folder.mkdir(parents=True, exist_ok=True)
    if given.what == "subpixel":
        for weights in given.paths[:-1]:
            with_weights(weights, folder)
    else:
        {"golden": golden, "full": full}[given.what](folder)


if __name__ == "__main__":
    main()
