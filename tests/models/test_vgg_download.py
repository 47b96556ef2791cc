"""Fetching VGG weights, from a server on this machine: checked before opened, kept once."""

import hashlib
import io
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from super_resolution_gans.models.checkpoint import ModelFileError
from super_resolution_gans.models.features import load_features
from super_resolution_gans.models.vgg_download import cache_folder, download_vgg
from super_resolution_gans.models.vgg_weights import OFFICIAL, OfficialFile


def _official() -> bytes:
    """What torchvision serves, but only its first convolution and a scrap of the classifier."""
    random = torch.Generator().manual_seed(0)
    tensors = {
        "features.0.weight": torch.randn(64, 3, 3, 3, generator=random),
        "features.0.bias": torch.zeros(64),
        "classifier.0.weight": torch.zeros(4, 4),
    }
    buffer = io.BytesIO()
    torch.save(tensors, buffer)
    return buffer.getvalue()


CONTENT = _official()


class _Handler(BaseHTTPRequestHandler):
    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/vgg.pth")
            self.end_headers()
            return
        found = self.path in ("/vgg.pth", "/torn")
        self.send_response(200 if found else 404)
        self.send_header("Content-Length", str(len(CONTENT)) if found else "0")
        self.end_headers()
        if found:
            self.wfile.write(CONTENT if self.path == "/vgg.pth" else CONTENT[:1000])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("NO_PROXY", "*")
    _Handler.asked = []
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as http:
        thread = threading.Thread(target=http.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()
        thread.join()


def source(url: str, **changes: object) -> OfficialFile:
    digest = hashlib.sha256(CONTENT).hexdigest()
    values = {"url": url, "sha256": digest, "size": len(CONTENT), **changes}
    return OfficialFile(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize("address", ["/vgg.pth", "/moved"])
def test_convolutions_are_kept_with_their_statistics_and_the_rest_is_not(
    address: str, server: str, tmp_path: Path
) -> None:
    path = download_vgg("vgg19", tmp_path / "cache" / "deep", source(server + address))
    assert [p.name for p in path.parent.iterdir()] == ["vgg19.safetensors"]
    with safe_open(path, framework="pt") as stored:
        assert sorted(stored.keys()) == ["features.0.bias", "features.0.weight"]
        assert "0.485" in stored.metadata()["norm"]
    network = load_features("vgg19.relu1_1", path)
    served = torch.load(io.BytesIO(CONTENT), weights_only=True)["features.0.weight"]
    assert torch.equal(network.convolutions[0].weight, served)
    assert network.mean.flatten().tolist() == pytest.approx([0.485, 0.456, 0.406])


def test_what_is_there_is_not_fetched_again(server: str, tmp_path: Path) -> None:
    first = download_vgg("vgg16", tmp_path, source(server + "/vgg.pth"))
    content = first.read_bytes()
    assert download_vgg("vgg16", tmp_path, source(server + "/vgg.pth")) == first
    assert first.read_bytes() == content
    assert _Handler.asked == ["/vgg.pth"]


@pytest.mark.parametrize(
    ("address", "changes", "reason"),
    [
        ("/vgg.pth", {"sha256": "0" * 64}, "SHA-256"),
        ("/vgg.pth", {"size": 10}, "not the file it should be"),
        ("/vgg.pth", {"size": 10**9}, "not the file it should be"),
        ("/torn", {}, "cannot be downloaded"),
        ("/nothing", {}, "HTTP 404"),
    ],
)
def test_another_file_is_refused_and_nothing_is_kept(
    address: str, changes: dict[str, object], reason: str, server: str, tmp_path: Path
) -> None:
    with pytest.raises(ModelFileError, match=reason) as refused:
        download_vgg("vgg19", tmp_path, source(server + address, **changes))
    assert "\n" not in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_is_not_there_gives_one_line_with_the_cure(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="give its path"):
        download_vgg("vgg19", tmp_path, source("http://127.0.0.1:1/vgg.pth"))
    assert list(tmp_path.iterdir()) == []


def test_official_files_carry_the_start_of_their_hash_in_their_names() -> None:
    for network, official in OFFICIAL.items():
        assert official.url.endswith(f"/{network}-{official.sha256[:8]}.pth")
        assert len(official.sha256) == 64


def test_the_cache_folder_can_be_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SRGAN_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "srgan"
    monkeypatch.setenv("SRGAN_CACHE", str(tmp_path / "mine"))
    assert cache_folder() == tmp_path / "mine"
