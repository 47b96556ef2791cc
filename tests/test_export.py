"""Export: what is in the files, that they are the same each time, and right, or not there."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from super_resolution_gans import export
from super_resolution_gans.export import BOUND, ExistsError, ExportError, export_model
from super_resolution_gans.models.checkpoint import save_generator
from super_resolution_gans.models.generator import SRResNet
from super_resolution_gans.models.load import load_model
from super_resolution_gans.models.upsampler import Upsampler
from super_resolution_gans.prediction.catalogue import WEIGHTS
from super_resolution_gans.runtimes.exported import read_exported
from super_resolution_gans.runtimes.libraries import LibraryError, library
from super_resolution_gans.runtimes.sessions import Session, onnx_session, openvino_session
from super_resolution_gans.version import __version__

SHIPPED = WEIGHTS / "oct-srgan-x4.safetensors"
KINDS = {"onnx": ".onnx", "openvino": ".xml"}
SESSIONS = {"onnx": onnx_session, "openvino": openvino_session}
kinds = pytest.mark.parametrize("kind", KINDS)


def network(**numbers: object) -> SRResNet:
    torch.manual_seed(0)
    return SRResNet(blocks=1, width=8, **numbers).eval()  # type: ignore[arg-type]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "in" / "small.safetensors"
    path.parent.mkdir()
    save_generator(network(), path, {"licence": "CC0", "name": "é"})
    return path


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


@kinds
def test_the_shipped_model_gives_what_it_gives_in_torch_at_any_size(kind: str, out: Path) -> None:
    done = export_model(SHIPPED, out / f"m{KINDS[kind]}", kind)
    assert done.difference <= BOUND == 1e-4
    session = SESSIONS[kind](read_exported(done.files[0]))
    shipped = load_model(SHIPPED).network
    batch = np.random.default_rng(1).random((2, 1, 11, 30), np.float32)
    with torch.inference_mode():
        expected = shipped(torch.from_numpy(batch)).numpy()
    np.testing.assert_allclose(session(batch), expected, rtol=0, atol=1e-5)


@kinds
def test_a_network_without_batch_norm_gives_what_it_gives_in_torch(kind: str, out: Path) -> None:
    bare = network(norm="none")
    exported = read_exported(export_model(bare, out / f"m{KINDS[kind]}", kind).files[0])
    assert exported.facts.architecture["norm"] == "none"
    batch = np.random.default_rng(1).random((2, 1, 9, 14), np.float32)
    with torch.inference_mode():
        expected = bare(torch.from_numpy(batch)).numpy()
    np.testing.assert_allclose(SESSIONS[kind](exported)(batch), expected, rtol=0, atol=1e-5)


@kinds
def test_the_story_of_the_model_is_in_the_file(kind: str, model: Path, out: Path) -> None:
    facts = read_exported(export_model(model, out / f"m{KINDS[kind]}", kind).files[0]).facts
    original = load_model(model)
    assert facts.name == "small"
    assert (facts.channels, facts.scale) == (1, (4, 4))
    assert facts.receptive_radius == original.network.receptive_radius()
    assert facts.architecture == json.loads(json.dumps(original.network.architecture()))
    assert facts.card == {"licence": "CC0", "name": "é"}
    assert facts.package_version == __version__
    assert "research use only" in facts.use


def test_the_digest_of_the_weights_is_that_of_their_values(model: Path, out: Path) -> None:
    def digest(source: Path | Upsampler, name: str) -> str:
        done = export_model(source, out / f"{name}.onnx")
        return read_exported(done.files[0]).facts.weights_sha256

    changed = network()
    with torch.no_grad():
        changed.tail.bias += 1e-6
    assert digest(model, "a") == digest(network(), "b") != digest(changed, "c")


@kinds
def test_the_same_model_gives_the_same_bytes(kind: str, model: Path, out: Path) -> None:
    one = export_model(model, out / f"one{KINDS[kind]}", kind).files
    export_model(network(scale=(2, 2)), out / f"between{KINDS[kind]}", kind)
    two = export_model(model, out / f"two{KINDS[kind]}", kind).files
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]


def test_onnx_runtime_s_metadata_has_it_too(model: Path, out: Path) -> None:
    done = export_model(model, out / "m.onnx")
    session = library("onnxruntime").InferenceSession(done.files[0])
    stored = json.loads(session.get_modelmeta().custom_metadata_map["srgan"])
    assert stored["card"]["licence"] == "CC0"


@kinds
def test_a_network_in_training_mode_is_exported_and_left_as_it_is(kind: str, out: Path) -> None:
    training = network().train()
    before = {name: tensor.clone() for name, tensor in training.state_dict().items()}
    export_model(training, out / f"m{KINDS[kind]}", kind)
    assert training.training
    for name, tensor in training.state_dict().items():
        assert torch.equal(tensor, before[name]), name


@kinds
def test_a_result_that_differs_leaves_nothing_behind(
    kind: str, model: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(network: Upsampler, session: Session) -> float:
        return true(network, lambda batch: session(batch) + np.float32(2e-4))

    true = export.largest_difference
    monkeypatch.setattr(export, "largest_difference", wrong)
    with pytest.raises(ExportError, match=r"not written, .* differs from torch by 0\.0002"):
        export_model(model, out / f"m{KINDS[kind]}", kind)
    assert not list(out.iterdir())


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_never_passes(bad: float) -> None:
    small = network()

    def session(batch):
        with torch.inference_mode():
            upscaled = small(torch.from_numpy(batch)).numpy()
        upscaled[..., -1, -1] = bad
        return upscaled

    assert export.largest_difference(small, session) == float("inf")


@kinds
def test_a_failed_write_leaves_nothing_behind(
    kind: str, model: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        export_model(model, out / f"m{KINDS[kind]}", kind)
    assert not list(out.iterdir())


@kinds
def test_existing_files_are_replaced_only_when_asked(kind: str, model: Path, out: Path) -> None:
    target = out / f"m{KINDS[kind]}"
    last = target if kind == "onnx" else target.with_suffix(".bin")
    last.write_bytes(b"precious")
    with pytest.raises(ExistsError, match="exists already"):
        export_model(model, target, kind)
    assert [path.name for path in out.iterdir()] == [last.name]
    assert last.read_bytes() == b"precious"
    export_model(model, target, kind, overwrite=True)
    assert read_exported(target).scale == (4, 4)


@pytest.mark.parametrize(
    ("target", "kind", "reason"),
    [
        ("m.onnx", "tflite", "no such kind"),
        ("m.xml", "onnx", r"must end in \.onnx"),
        ("m.onnx", "openvino", r"must end in \.xml"),
        ("folder.onnx", "onnx", "is a folder"),
    ],
)
def test_wrong_targets_are_refused(
    target: str, kind: str, reason: str, model: Path, out: Path
) -> None:
    (out / "folder.onnx").mkdir()
    with pytest.raises(ExportError, match=reason):
        export_model(model, out / target, kind, overwrite=True)


def test_an_exported_file_is_not_exported_again(model: Path, out: Path) -> None:
    export_model(model, out / "m.onnx")
    with pytest.raises(ValueError, match="is an exported model"):
        export_model(out / "m.onnx", out / "n.onnx")


@kinds
def test_a_missing_library_leaves_nothing_behind(
    kind: str, model: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> None:
        raise LibraryError(f"{name}: is not installed")

    monkeypatch.setattr("super_resolution_gans.runtimes.sessions.library", missing)
    with pytest.raises(LibraryError, match="is not installed"):
        export_model(model, out / f"m{KINDS[kind]}", kind)
    assert not list(out.iterdir())
