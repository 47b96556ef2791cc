"""The official VGG weights: fetched once, checked, and cut down to their convolutions."""

import hashlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from safetensors.torch import save_file

from super_resolution_gans.models.checkpoint import ModelFileError
from super_resolution_gans.models.vgg import convolutions
from super_resolution_gans.models.vgg_weights import (
    OFFICIAL,
    OfficialFile,
    Statistics,
    load_state_dict,
    tensor_names,
)

if TYPE_CHECKING:
    import httpx

_SILENCE_SECONDS = 30.0


def download_vgg(
    network: str, folder: str | os.PathLike[str], source: OfficialFile | None = None
) -> Path:
    """Fetch the official weights once, and keep their convolutions as ``<network>.safetensors``.

    The download (half a gigabyte, of which 80 MB at most are kept) is checked by its SHA-256 before
    it is opened. Where the file is there already, nothing is fetched.

    Args:
        network: ``vgg16`` or ``vgg19``.
        folder: where to keep it; made if missing.
        source: None is :data:`OFFICIAL`.

    Returns:
        The path of the file, for ``read_vgg``.

    Raises:
        ModelFileError: if it cannot be fetched or is not the file it should be; nothing is kept.
        OSError: if ``folder`` cannot be written.
    """
    source = source or OFFICIAL[network]
    kept = Path(folder) / f"{network}.safetensors"
    if kept.is_file():
        return kept
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept.parent, prefix=f".{network}.") as temporary:
        fetched, reduced = Path(temporary) / "fetched.pth", Path(temporary) / "reduced"
        _fetch(source, fetched)
        names = {
            name for convolution in convolutions(network) for name in tensor_names(convolution)
        }
        tensors = {
            name: tensor.contiguous()
            for name, tensor in load_state_dict(fetched).items()
            if name in names
        }
        metadata = {"source": source.url, "norm": Statistics().as_text(), "licence": "BSD-3-Clause"}
        save_file(tensors, reduced, metadata=metadata)
        with reduced.open("rb") as file:
            os.fsync(file.fileno())
        reduced.replace(kept)
    return kept


def cache_folder() -> Path:
    """Where downloads are kept: ``$SRGAN_CACHE``, else ``srgan`` in the user's cache folder."""
    if chosen := os.environ.get("SRGAN_CACHE"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "srgan"


def _fetch(source: OfficialFile, path: Path) -> None:
    import httpx

    digest = hashlib.sha256()
    received = 0
    plain = {"Accept-Encoding": "identity"}  # the digest is of the file as it is
    try:
        with (
            httpx.stream(
                "GET", source.url, headers=plain, timeout=_SILENCE_SECONDS, follow_redirects=True
            ) as answer,
            path.open("wb") as file,
        ):
            _check_answer(source, answer)
            for piece in answer.iter_raw(1 << 20):
                received += len(piece)
                if received > source.size:
                    break
                digest.update(piece)
                file.write(piece)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ModelFileError(
            source.url,
            f"cannot be downloaded ({str(error) or type(error).__name__}); "
            "fetch it by other means and give its path",
        ) from error
    if received != source.size or digest.hexdigest() != source.sha256:
        raise ModelFileError(
            source.url, "the download is not the file it should be (size or SHA-256 differs)"
        )


def _check_answer(source: OfficialFile, answer: "httpx.Response") -> None:
    if answer.status_code != 200:
        raise ModelFileError(
            source.url,
            f"cannot be downloaded (HTTP {answer.status_code}); fetch it by other "
            "means and give its path",
        )
