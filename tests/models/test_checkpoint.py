"""Generators on disk: exact, atomic, and safe with files of strangers."""

import json
import os
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from super_resolution_gans.models.checkpoint import (
    ModelFileError,
    load_generator,
    save_generator,
)
from super_resolution_gans.models.generator import SRResNet

ARCHITECTURE = {"name": "srresnet", "channels": 1, "scale": [2, 2], "blocks": 1, "width": 2}


@pytest.fixture
def network() -> SRResNet:
    torch.manual_seed(0)
    made = SRResNet(1, (2, 2), blocks=1, width=2)
    made(torch.rand(2, 1, 5, 5))  # statistics that are not 0 and 1
    return made.eval()


@pytest.fixture
def saved(network: SRResNet, tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    save_generator(network, path)
    return path


def rewritten(path: Path, *, metadata: Any = None, **changes: torch.Tensor | None) -> Path:
    """The file again, with other metadata or tensors (None removes one)."""
    tensors = load_file(path)
    for name, tensor in changes.items():
        if tensor is None:
            del tensors[name.replace("__", ".")]
        else:
            tensors[name.replace("__", ".")] = tensor
    if metadata is None:
        metadata = {"format": 1, "architecture": ARCHITECTURE, "card": {}}
    text = metadata if isinstance(metadata, str) else json.dumps(metadata)
    out = path.with_name("changed.safetensors")
    save_file(tensors, out, metadata={"srgan": text})
    return out


def refusal(path: str | os.PathLike[str]) -> str:
    with pytest.raises(ModelFileError) as caught:
        load_generator(path)
    message = str(caught.value)
    assert message.isprintable()
    assert len(message) < 2000
    return message


@pytest.mark.parametrize(
    ("channels", "scale"), [(1, (4, 4)), (3, (2, 2)), (1, (1, 4)), (2, (3, 3)), (1, (2, 6))]
)
def test_a_generator_comes_back_exactly(
    tmp_path: Path, channels: int, scale: tuple[int, int]
) -> None:
    made = SRResNet(channels, scale, blocks=2, width=4)
    made(torch.rand(2, channels, 5, 5))
    made.eval()
    save_generator(made, tmp_path / "m.safetensors")
    loaded = load_generator(tmp_path / "m.safetensors").network
    assert (loaded.channels, loaded.scale, loaded.blocks, loaded.width) == (channels, scale, 2, 4)
    image = torch.rand(1, channels, 6, 5)
    assert torch.equal(loaded(image), made(image))
    for name, tensor in made.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            assert torch.equal(loaded.state_dict()[name], tensor), name
    assert not loaded.training
    assert not any(p.requires_grad for p in loaded.parameters())


def test_a_generator_with_noise_comes_back_and_others_say_nothing_of_it(tmp_path: Path) -> None:
    made = SRResNet(1, (2, 2), blocks=1, width=2, noise=True)
    with torch.no_grad():
        made.body_noise[0].amount.fill_(0.5)
    save_generator(made.eval(), tmp_path / "noisy.safetensors")
    loaded = load_generator(tmp_path / "noisy.safetensors").network
    assert loaded.noise
    image = torch.rand(1, 1, 6, 5)
    drawn = [n(image, torch.Generator().manual_seed(1)) for n in (made, loaded)]
    assert torch.equal(*drawn)
    save_generator(SRResNet(1, (2, 2), blocks=1, width=2), tmp_path / "plain.safetensors")
    assert b"noise" not in (tmp_path / "plain.safetensors").read_bytes()
    assert not load_generator(tmp_path / "plain.safetensors").network.noise


def test_an_unclear_word_on_noise_is_refused(saved: Path) -> None:
    metadata = {"format": 1, "architecture": {**ARCHITECTURE, "noise": "loud"}, "card": {}}
    assert "noise is true or false, not 'loud'" in refusal(rewritten(saved, metadata=metadata))


def test_a_generator_without_batch_norm_comes_back_and_others_say_nothing_of_it(
    tmp_path: Path,
) -> None:
    made = SRResNet(1, (2, 2), blocks=1, width=2, norm="none").eval()
    save_generator(made, tmp_path / "none.safetensors")
    loaded = load_generator(tmp_path / "none.safetensors").network
    assert loaded.architecture() == {**made.architecture(), "norm": "none"}
    image = torch.rand(1, 1, 6, 5)
    assert torch.equal(loaded(image), made(image))
    plain = SRResNet(1, (2, 2), blocks=1, width=2)
    assert set(plain.architecture()) == {"name", "channels", "scale", "blocks", "width"}


@pytest.mark.parametrize("norm", [3, None, True, "instance", ["none"], {"batch": 1}, "x" * 9999])
def test_a_norm_that_is_not_known_is_refused(saved: Path, norm: object) -> None:
    metadata = {"format": 1, "architecture": {**ARCHITECTURE, "norm": norm}, "card": {}}
    reason = refusal(rewritten(saved, metadata=metadata))
    assert f"architecture cannot be built (norm is batch or none, not {norm!r}"[:80] in reason


@pytest.mark.parametrize("norm", ["batch", "none"])
def test_weights_of_the_other_norm_do_not_fit(tmp_path: Path, norm: str) -> None:
    path = tmp_path / "mixed.safetensors"
    save_generator(SRResNet(1, (2, 2), blocks=1, width=2, norm=norm), path)
    other = {"batch": "none", "none": "batch"}[norm]
    architecture = SRResNet(1, (2, 2), blocks=1, width=2, norm=other).architecture()
    metadata = {"format": 1, "architecture": architecture, "card": {}}
    assert "weights do not fit: missing" in refusal(rewritten(path, metadata=metadata))


def test_float16_files_are_half_as_large_and_close(tmp_path: Path) -> None:
    made = SRResNet(width=16, blocks=2).eval()
    save_generator(made, tmp_path / "full.safetensors")
    save_generator(made, tmp_path / "half.safetensors", dtype=torch.float16)
    sizes = [(tmp_path / f"{name}.safetensors").stat().st_size for name in ("half", "full")]
    assert sizes[0] < 0.6 * sizes[1]
    loaded = load_generator(tmp_path / "half.safetensors").network
    assert all(p.dtype == torch.float32 for p in loaded.parameters())
    image = torch.rand(1, 1, 8, 8)
    torch.testing.assert_close(loaded(image), made(image), atol=5e-3, rtol=0)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(card=st.dictionaries(st.text(), json_values, max_size=4))
@settings(max_examples=12, deadline=None)
def test_the_card_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, card: dict[str, Any]
) -> None:
    path = tmp_path_factory.mktemp("card") / "m.safetensors"
    save_generator(SRResNet(1, (2, 2), blocks=1, width=1), path, card)
    assert load_generator(path).card == card


def test_saving_and_loading_change_neither_network_nor_random_state(
    network: SRResNet, saved: Path
) -> None:
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    random = torch.get_rng_state()
    save_generator(network, saved, dtype=torch.float16)
    load_generator(saved)
    assert torch.equal(torch.get_rng_state(), random)
    assert all(torch.equal(network.state_dict()[name], tensor) for name, tensor in before.items())


def test_a_failing_write_leaves_the_old_file_and_nothing_else(
    network: SRResNet, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = saved.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        save_generator(network, saved, {"new": True})
    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved]


def test_a_card_that_json_cannot_hold_writes_nothing(network: SRResNet, tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        save_generator(network, tmp_path / "m.safetensors", {"x": object()})
    assert not list(tmp_path.iterdir())


def test_statistics_too_large_for_float16_are_refused_by_name(
    network: SRResNet, saved: Path
) -> None:
    before = saved.read_bytes()
    network.body_norm.running_var.fill_(1e6)  # type: ignore[union-attr]
    with pytest.raises(ModelFileError, match=r"body_norm\.running_var is not finite in .*float16"):
        save_generator(network, saved, dtype=torch.float16)
    assert saved.read_bytes() == before
    save_generator(network, saved)  # float32 holds them


def test_weights_that_are_not_finite_are_neither_saved_nor_loaded(
    network: SRResNet, saved: Path
) -> None:
    for value in (float("nan"), float("inf")):
        weight = load_file(saved)["tail.weight"].clone()
        weight[0, 0, 0, 0] = value
        changed = rewritten(saved, tail__weight=weight)
        assert "tail.weight holds NaN or infinite values" in refusal(changed)
    network.tail.weight.data[0, 0, 0, 0] = float("nan")
    with pytest.raises(ModelFileError, match=r"tail\.weight is not finite"):
        save_generator(network, saved)


def test_negative_variances_are_refused(saved: Path) -> None:
    changed = rewritten(saved, body_norm__running_var=torch.tensor([1.0, -1e-3]))
    assert "body_norm.running_var holds negative variances" in refusal(changed)


def test_missing_and_unknown_tensors_are_listed(saved: Path) -> None:
    changed = rewritten(saved, tail__weight=None, tail__bias=None, spare__part=torch.ones(1))
    assert refusal(changed).endswith(
        "weights do not fit: missing tail.bias, tail.weight, unknown spare.part"
    )
    many = {f"extra{i}": torch.ones(1) for i in range(9)}
    assert "extra0, extra1, extra2 and 6 more" in refusal(rewritten(saved, **many))


def test_wrong_shapes_and_types_are_named(saved: Path) -> None:
    changed = rewritten(saved, tail__bias=torch.ones(2))
    assert refusal(changed).endswith("tail.bias has shape [2], expected [1]")
    changed = rewritten(saved, tail__bias=torch.ones(1, dtype=torch.int32))
    assert refusal(changed).endswith("tail.bias has type I32, expected floating point")
    for dtype in (torch.float64, torch.bfloat16):
        load_generator(rewritten(saved, tail__bias=torch.ones(1, dtype=dtype)))


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        ("{", "cannot be understood"),
        ("[" * 100_000, "cannot be understood"),
        ('"text"', "cannot be understood"),
        ({"format": 2}, "has model format 2; this version reads 1"),
        ({"format": 1, "card": {}}, "'architecture'"),
        ({"format": 1, "architecture": [], "card": {}}, "must be objects"),
        ({"format": 1, "architecture": {}, "card": {}}, "does not say its 'name'"),
        ({"format": 1, "architecture": {"name": "x\n" * 9999}, "card": {}}, "unknown architecture"),
        ({"format": 1, "architecture": ARCHITECTURE | {"width": 10**9}, "card": {}}, "1000000000"),
        ({"format": 1, "architecture": ARCHITECTURE | {"width": 2.0}, "card": {}}, "2.0 is not"),
        ({"format": 1, "architecture": ARCHITECTURE | {"width": True}, "card": {}}, "True is not"),
        ({"format": 1, "architecture": ARCHITECTURE | {"scale": [2]}, "card": {}}, "cannot be"),
        ({"format": 1, "architecture": ARCHITECTURE | {"scale": [1, 1]}, "card": {}}, "(1, 1)"),
        ({"format": 1, "architecture": ARCHITECTURE | {"scale": "44"}, "card": {}}, "cannot be"),
    ],
)
def test_metadata_that_makes_no_sense_is_refused(saved: Path, metadata: Any, reason: str) -> None:
    assert reason in refusal(rewritten(saved, metadata=metadata))


def test_a_file_without_our_metadata_is_refused(tmp_path: Path) -> None:
    save_file({"weight": torch.ones(1)}, tmp_path / "other.safetensors")
    assert "no srgan metadata" in refusal(tmp_path / "other.safetensors")


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    assert "no such file" in refusal(tmp_path / "missing.safetensors")
    assert "not a file" in refusal(tmp_path)
    assert "cannot be read" in refusal(tmp_path / ("n" * 300))
    (tmp_path / "empty").touch()
    assert "not a readable safetensors file" in refusal(tmp_path / "empty")


def test_where_nothing_can_be_written_the_file_is_named_and_not_its_temporary_one(
    tmp_path: Path,
) -> None:
    path = tmp_path / "no such folder" / "a.safetensors"
    with pytest.raises(FileNotFoundError) as raised:
        save_generator(SRResNet(blocks=1, width=8), path)
    assert raised.value.filename == str(path)


@pytest.mark.parametrize("name", ["new\nline.safetensors", "bell\x07", "right\u202eleft"])
def test_odd_names_are_shown_escaped_on_one_line(
    tmp_path: Path, network: SRResNet, name: str
) -> None:
    path = tmp_path / name
    path.write_bytes(b"nothing")
    assert name.encode("unicode_escape").decode() in refusal(path)
    assert name.encode("unicode_escape").decode() in refusal(path.with_name(name + "?"))
    save_generator(network, path)
    load_generator(path)


def test_odd_tensor_names_are_shown_escaped_on_one_line(saved: Path) -> None:
    assert "unknown \\x1b[31mred" in refusal(rewritten(saved, **{"\x1b[31mred": torch.ones(1)}))


CHILD = """
import json, resource, sys, time
from pathlib import Path
from super_resolution_gans.models.checkpoint import ModelFileError, load_generator
Path("before").touch()
used = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
for path in sys.argv[1:]:
    start, memory = time.monotonic(), used()
    try:
        load_generator(path)
        outcome = "loaded"
    except ModelFileError as error:
        outcome = str(error)
    seconds, grown = time.monotonic() - start, used() - memory
    print(json.dumps([Path(path).name, outcome, seconds, grown]), flush=True)
"""


def load_all_in_a_child(paths: list[Path], folder: Path) -> list[tuple[str, str, float, int]]:
    """(name, message, seconds, MiB that memory grew by) of each file."""
    done = subprocess.run(
        [sys.executable, "-c", CHILD, *map(str, paths)],
        cwd=folder, capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [tuple(json.loads(line)) for line in done.stdout.splitlines()]


def test_hostile_files_are_refused_in_one_line_within_limits(shared: Path, tmp_path: Path) -> None:
    made = shared / "corpus" / "made"
    paths = sorted([*made.glob("safetensors/*"), *made.glob("pth/*"), *made.glob("h5/*")])
    paths += sorted((shared / "corpus" / "pngsuite").glob("basn*.png"))[:4]
    assert len(paths) > 25
    results = load_all_in_a_child(paths, tmp_path)
    assert [name for name, *_ in results] == [path.name for path in paths]
    for name, outcome, seconds, grown in results:
        assert outcome != "loaded", name
        assert outcome.isprintable(), name
        assert outcome.startswith(str(made.parent)), name
        assert seconds < 20, name
        assert grown < 512, name
    assert list(tmp_path.iterdir()) == [tmp_path / "before"]  # no SRGAN_CANARY_EXECUTED


def bomb(path: Path, header: bytes, length: int | None = None, body: bytes = b"") -> Path:
    path.write_bytes(struct.pack("<Q", len(header) if length is None else length) + header + body)
    return path


def test_claims_of_size_cost_no_memory(saved: Path, tmp_path: Path) -> None:
    huge = ARCHITECTURE | {"channels": 64, "blocks": 256, "width": 1024, "scale": [31, 31]}
    shape = {"dtype": "F32", "shape": [1 << 20, 1 << 20], "data_offsets": [0, 4]}
    unit = '"t%07d":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}'
    many = "{" + ",".join(unit % i for i in range(200_000)) + "}"
    paths = [
        rewritten(saved, metadata={"format": 1, "architecture": huge, "card": {}}),
        bomb(tmp_path / "shape", json.dumps({"tail.weight": shape}).encode(), body=b"\0" * 4),
        bomb(tmp_path / "header", b"{}", length=1 << 40),
        bomb(tmp_path / "many", many.encode()),
    ]
    results = load_all_in_a_child(paths, tmp_path)
    assert [name for name, *_ in results] == [path.name for path in paths]
    for name, outcome, seconds, grown in results:
        assert outcome != "loaded", name
        assert seconds < 20, name
        assert grown < 512, name


@pytest.mark.parametrize("length", range(0x80, 0x800, 0x100))
def test_a_header_whose_length_looks_like_a_pickle_is_still_ours(tmp_path, length):
    from super_resolution_gans.models.load import load_model

    path = tmp_path / "padded.safetensors"
    save_generator(SRResNet(blocks=1, width=4), path)
    payload = path.read_bytes()
    size = int.from_bytes(payload[:8], "little")
    # Spaces at the end of the header are allowed; now its length begins with 0x80.
    padded = size + (length - size) % 0x1000
    header = payload[8 : 8 + size].ljust(padded)
    path.write_bytes(padded.to_bytes(8, "little") + header + payload[8 + size :])
    assert path.read_bytes()[:1] == b"\x80"
    assert load_model(path).network.blocks == 1
