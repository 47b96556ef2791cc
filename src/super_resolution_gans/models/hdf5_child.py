"""Reads the weights of one HDF5 file under strict rules: a program, which `hdf5.py` starts.

    python -I -S hdf5_child.py FILE SEARCH_PATH(JSON)

The HDF5 library crashes on, or loops over, some damaged files, and follows links to any file on
the disk. So it runs here: under limits of memory and processor time, on one file that is opened
before the right to open others is given up. Standard output gets one line of JSON (``attributes``,
``groups``,
``tensors``: path, shape; or ``error``), then all tensors as little-endian float32 in that order.
"""

import codecs
import json
import os
import signal
import sys
from typing import Any

MOST_BYTES = 256 << 20  # of all tensors together, as float32
MOST_OBJECTS = 8_192
DEEPEST = 24
LONGEST_TEXT = 8 << 20
_MEMORY = 1 << 30
_SECONDS = 1.0  # of processor time, once h5py is loaded
_BYTES_A_SECOND = 40e6  # slower than any disk or gzip worth waiting for
_DENSEST = 20  # weights hardly compress, so what unpacks to more was made to hurt
_FREE = 1 << 20  # ... except small constant tensors
_ATTRIBUTES = ("model_config", "keras_version", "backend")
_LISTS = ("layer_names", "weight_names")
_FLOATS = ("F16LE", "F16BE", "F32LE", "F32BE", "F64LE", "F64BE")
_FILTERS = {1: "gzip", 2: "shuffle", 3: "fletcher32"}

_ONLY = "only what is in the file itself is read"


class RefusedError(Exception):
    """The file breaks a rule; the message says which, and where."""


def main() -> None:
    """See the module."""
    path, search = sys.argv[1], json.loads(sys.argv[2])
    # Nothing but the answer may reach standard output.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.path += search
    _limit("RLIMIT_CORE", 0)
    _limit("RLIMIT_AS", _MEMORY)
    _limit("RLIMIT_FSIZE", MOST_BYTES + 2 * LONGEST_TEXT)
    try:
        import h5py  # noqa: F401
    except ImportError as error:
        _answer(out, {"error": f"h5py cannot be loaded ({error}): pip install h5py"})
        return
    try:
        _allow(_SECONDS)
        reader = _Reader(path)
        reader.walk()
        _allow(_SECONDS + reader.bytes / _BYTES_A_SECOND)
        tensors = [reader.read(name) for name in reader.shapes]
        shapes = list(reader.shapes.items())
        header = {"attributes": reader.attributes, "groups": reader.groups, "tensors": shapes}
        _answer(out, header)
        for tensor in tensors:
            out.write(tensor)
    except RefusedError as error:
        _answer(out, {"error": str(error)})
    except MemoryError:
        _answer(out, {"error": "needs too much memory to read"})
    except Exception as error:  # whatever h5py makes of a damaged file
        _answer(out, {"error": f"not a readable HDF5 file ({_plain(error)})"})
    out.flush()


def _limit(name: str, value: int) -> None:
    """Windows has none of these limits, and some systems refuse some of them."""
    try:
        import resource

        resource.setrlimit(getattr(resource, name), (value, value))
    except (ImportError, AttributeError, ValueError, OSError):
        pass


def _allow(seconds: float) -> None:
    """From here, so much processor time; the signal ends the process inside the library too."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_PROF, seconds)


def _answer(out: Any, header: dict[str, Any]) -> None:
    out.write(json.dumps(header).encode() + b"\n")


def _plain(error: Exception) -> str:
    text = str(error.args[0]) if error.args else ""  # str() of a KeyError adds quotes
    return " ".join(text.split())[:200] or type(error).__name__


class _Reader:
    """One open file: what it holds, checked before any of it is read."""

    def __init__(self, path: str) -> None:
        import h5py

        self._h5 = h5py
        self._size = os.path.getsize(path)  # noqa: PTH202 - pathlib costs a third of the start
        self._file = h5py.h5f.open(os.fsencode(path), h5py.h5f.ACC_RDONLY)
        codecs.lookup("ascii")  # which h5py would load later, and could not
        _limit("RLIMIT_NOFILE", 0)  # no other file can be opened any more, whatever a link says
        self.attributes: dict[str, dict[str, Any]] = {}
        self.groups: list[str] = []
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.bytes = 0
        self._objects = 0
        self._datasets: dict[str, Any] = {}

    def walk(self) -> None:
        """Look at everything below ``model_weights``, or below the root if there is none."""
        root = self._h5.h5g.open(self._file, b"/")
        names = self._links(root, "")
        self._read_attributes(root, "")
        if b"model_weights" in names:
            self._children(root, "", [b"model_weights"], 1)
        else:
            training = (b"optimizer", b"optimizer_weights", b"metrics")
            self._children(root, "", [name for name in names if name not in training], 1)

    def read(self, path: str) -> Any:
        """The tensor as an array of little-endian float32."""
        import numpy as np

        tensor = np.empty(self.shapes[path], "<f4")
        if tensor.size:
            everything = self._h5.h5s.ALL
            self._datasets[path].read(everything, everything, tensor)
        return tensor

    def _links(self, group: Any, path: str) -> list[bytes]:
        """Names in a group, each a hard link; none of them has been opened."""
        self._objects += group.get_num_objs()
        if self._objects > MOST_OBJECTS:
            raise RefusedError(f"holds more than {MOST_OBJECTS:,} objects")
        names: list[bytes] = list(group)
        for name in names:
            kind = group.links.get_info(name).type
            if kind != self._h5.h5l.TYPE_HARD:
                soft = kind == self._h5.h5l.TYPE_SOFT
                what = "a soft link" if soft else "a link to another file"
                raise RefusedError(f"{_joined(path, name)} is {what}; {_ONLY}")
        return names

    def _group(self, found: Any, path: str, depth: int) -> None:
        if depth > DEEPEST:
            raise RefusedError(f"its groups are nested more than {DEEPEST} deep")
        if isinstance(found, self._h5.h5d.DatasetID):
            self._dataset(found, path)
        elif isinstance(found, self._h5.h5g.GroupID):
            self.groups.append(path)
            self._read_attributes(found, path)
            self._children(found, path, self._links(found, path), depth + 1)
        else:
            raise RefusedError(f"{path} is neither a group nor a dataset")

    def _children(self, group: Any, path: str, names: list[bytes], depth: int) -> None:
        for name in names:
            self._group(self._h5.h5o.open(group, name), _joined(path, name), depth)

    def _dataset(self, data: Any, path: str) -> None:
        """Refuse whatever is not plain floating-point numbers inside this file."""
        h5 = self._h5
        plan = data.get_create_plist()
        layout = plan.get_layout()
        if layout not in (h5.h5d.COMPACT, h5.h5d.CONTIGUOUS, h5.h5d.CHUNKED):
            raise RefusedError(f"{path} is a virtual dataset; {_ONLY}")
        if plan.get_external_count():
            raise RefusedError(f"{path} lies in another file; {_ONLY}")
        for place in range(plan.get_nfilters()):
            number = plan.get_filter(place)[0]
            if number not in _FILTERS:
                known = ", ".join(_FILTERS.values())
                raise RefusedError(f"{path} is packed by HDF5 filter {number}; {known} are read")
        kind, itemsize = data.get_type(), data.get_type().get_size()
        if not any(kind.equal(getattr(h5.h5t, f"IEEE_{name}")) for name in _FLOATS):
            raise RefusedError(f"{path} does not hold floating-point numbers of 2, 4 or 8 bytes")
        space = data.get_space()
        shape = space.get_simple_extent_dims()
        if space.get_simple_extent_type() == h5.h5s.NULL or len(shape) > 4:
            raise RefusedError(f"{path} has {len(shape)} dimensions; 4 at most are read")
        self._weigh(data, path, shape, itemsize, layout)
        self._datasets[path], self.shapes[path] = data, shape

    def _weigh(
        self, data: Any, path: str, shape: tuple[int, ...], itemsize: int, layout: int
    ) -> None:
        """Refuse sizes that are too large, or that the file does not have the bytes for."""
        count = 1
        for length in shape:
            count *= length
        self.bytes += 4 * count
        if self.bytes > MOST_BYTES:
            raise RefusedError(f"{path}: more than {MOST_BYTES >> 20} MiB of weights")
        stored, offset = data.get_storage_size(), data.get_offset()
        if count and not stored:
            raise RefusedError(f"{path} has shape {list(shape)} and stores nothing")
        if stored > self._size or (offset or 0) + stored > self._size:
            raise RefusedError(f"{path} reaches beyond the end of the file")
        if layout != self._h5.h5d.CHUNKED:
            if stored < count * itemsize:
                raise RefusedError(f"{path} has shape {list(shape)} and stores {stored} bytes")
        elif count * itemsize > max(_FREE, _DENSEST * stored):
            raise RefusedError(f"{path} has shape {list(shape)} and stores {stored} bytes")

    def _read_attributes(self, group: Any, path: str) -> None:
        found: dict[str, Any] = {}
        for name in _ATTRIBUTES:
            if self._h5.h5a.exists(group, name.encode()):
                found[name] = self._text(group, name, path)
        for stem in _LISTS:
            if self._h5.h5a.exists(group, stem.encode()):
                found[stem] = self._text(group, stem, path, listed=True)
            # Keras splits lists that are too long for one attribute.
            elif self._h5.h5a.exists(group, f"{stem}0".encode()):
                parts: list[str] = []
                while self._h5.h5a.exists(group, (name := f"{stem}{len(parts)}").encode()):
                    parts.append(name)
                found[stem] = [x for p in parts for x in self._text(group, p, path, listed=True)]
        if found:
            self.attributes[path] = found

    def _text(self, group: Any, name: str, path: str, *, listed: bool = False) -> Any:
        """One text, or a list of texts; anything else is refused before it is read."""
        place = f"attribute {name} of {path or '/'}"
        stored = self._h5.h5a.open(group, name.encode())
        shape = stored.get_space().get_simple_extent_dims()
        if len(shape) != listed or (listed and shape[0] > MOST_OBJECTS):
            raise RefusedError(f"{place} has shape {list(shape)}")
        if listed and shape[0] == 0:
            return []
        kind = stored.get_type()
        if not isinstance(kind, self._h5.h5t.TypeStringID):
            raise RefusedError(f"{place} is no text")
        if stored.get_storage_size() > LONGEST_TEXT:
            raise RefusedError(f"{place} is longer than {LONGEST_TEXT >> 20} MiB")
        value = self._h5.Group(group).attrs[name]
        texts = [
            text.decode("utf-8", "backslashreplace") if isinstance(text, bytes) else str(text)
            for text in (value if listed else [value])
        ]
        if sum(map(len, texts)) > LONGEST_TEXT:
            raise RefusedError(f"{place} is longer than {LONGEST_TEXT >> 20} MiB")
        return texts if listed else texts[0]


def _joined(path: str, name: bytes) -> str:
    text = name.decode("utf-8", "backslashreplace")
    return f"{path}/{text}" if path else text


if __name__ == "__main__":
    main()
