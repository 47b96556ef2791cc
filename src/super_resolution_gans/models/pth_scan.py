"""What a pickle would build, found out without building any of it.

``torch.load(weights_only=True)`` runs no code of a file's, but it allocates what a file declares
and hashes what a file calls a key. So its instructions are first walked here over placeholders:
only those a state dict is made of, only storages of a stated size, only words and numbers as keys.
"""

import io
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

LONGEST = 2 << 20  # bytes of instructions; 1,400 tensors take 200 KB
_MOST_INSTRUCTIONS = 300_000
_ITEM_SIZES = {
    "Double": 8, "Float": 4, "Half": 2, "BFloat16": 2,
    "Long": 8, "Int": 4, "Short": 2, "Char": 1, "Byte": 1, "Bool": 1,
}  # fmt: skip
_TENSORS = {f"torch._utils._rebuild_{x}" for x in ("tensor", "tensor_v2", "parameter")}
_NAMED = {"float16", "bfloat16", "float32", "float64", "int64", "int32", "strided"}
_CALLABLE = _TENSORS | {"collections.OrderedDict", "collections.Counter", "torch.Size"}
_KNOWN = _CALLABLE | {f"torch.{x}Storage" for x in _ITEM_SIZES} | {f"torch.{x}" for x in _NAMED}


class ScanError(ValueError):
    """The instructions are damaged, or build more than a state dict."""


@dataclass(frozen=True, eq=False)
class _Named:
    """A class or function that is asked for by name."""

    name: str


class _Thing:
    """Something that is neither word, number nor tuple."""


_DICT, _LIST, _OTHER = _Thing(), _Thing(), _Thing()
_CONSTANTS: Mapping[int, Any] = {
    ord("N"): None, 0x88: True, 0x89: False, ord(")"): (), ord("}"): _DICT, ord("]"): _LIST,
}  # fmt: skip


@dataclass
class Scan:
    """What one pickle makes: its value, if that is a number, and the bytes of each storage."""

    value: Any = None
    storages: dict[str, int] = field(default_factory=dict)


def scan(stream: BinaryIO, most: int = _MOST_INSTRUCTIONS) -> Scan:
    """Walk one pickle, up to its end, of ``most`` instructions.

    Raises:
        ScanError: if it is damaged, too long, or asks for what is no part of a state dict.
    """
    try:
        return _Machine(stream).run(most)
    except (IndexError, KeyError, TypeError, UnicodeError, struct.error) as error:
        raise ScanError("its instructions are damaged") from error


class _Machine:
    """The stack, the marks and the memo of one pickle, over placeholders."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self._found = stream, Scan()
        self._stack: list[Any] = []
        self._marks: list[list[Any]] = []
        self._memo: dict[int, Any] = {}

    def run(self, most: int) -> Scan:
        for _ in range(most):
            code = self._read(1)[0]
            if code == ord("."):
                self._found.value = self._stack.pop()
                return self._found
            if code in _CONSTANTS:
                self._stack.append(_CONSTANTS[code])
            elif code in _INSTRUCTIONS:
                _INSTRUCTIONS[code](self)
            else:
                raise ScanError(f"holds instruction {code:#04x}, which no state dict has")
        raise ScanError(f"holds more than {most:,} instructions")

    def _read(self, length: int) -> bytes:
        data = self._stream.read(length)
        if len(data) != length:
            raise ScanError("its instructions end early, or are too long")
        return data

    def _number(self, form: str) -> int:
        value: int = struct.unpack(form, self._read(struct.calcsize(form)))[0]
        return value

    def _push(self, value: Any) -> None:
        self._stack.append(value)

    def _top(self, kind: _Thing) -> None:
        if self._stack[-1] is not kind:
            raise ScanError("puts entries into what cannot hold them")

    def _marked(self) -> list[Any]:
        items, self._stack = self._stack, self._marks.pop()
        return items

    def protocol(self) -> None:
        if (protocol := self._read(1)[0]) != 2:
            raise ScanError(f"is written in pickle protocol {protocol}; torch.save's own is 2")

    def name(self) -> None:
        module, name = (self._stream.readline(200)[:-1].decode() for _ in range(2))
        if f"{module}.{name}" not in _KNOWN:
            raise ScanError(
                f"asks for {module}.{name}, which is no part of a state dict; nothing was executed"
            )
        self._push(_Named(f"{module}.{name}"))

    def text(self, form: str) -> None:
        self._push(self._read(self._number(form)).decode("utf-8", "surrogatepass"))

    def long(self) -> None:
        self._push(int.from_bytes(self._read(self._read(1)[0]), "little", signed=True))

    def real(self) -> None:
        self._push(struct.unpack(">d", self._read(8))[0])

    def mark(self) -> None:
        self._marks.append(self._stack)
        self._stack = []

    def marked_tuple(self) -> None:
        self._push(tuple(self._marked()))  # after the marked items are gone

    def short_tuple(self, length: int) -> None:
        if len(self._stack) < length:
            raise IndexError
        self._stack[-length:] = [tuple(self._stack[-length:])]

    def put(self, form: str) -> None:
        self._memo[self._number(form)] = self._stack[-1]

    def get(self, form: str) -> None:
        self._push(self._memo[self._number(form)])

    def append(self) -> None:
        self._stack.pop()
        self._top(_LIST)

    def extend(self) -> None:
        self._marked()
        self._top(_LIST)

    def set_item(self) -> None:
        _, key = self._stack.pop(), self._stack.pop()
        self._entries([key])

    def set_items(self) -> None:
        items = self._marked()
        if len(items) % 2:
            raise IndexError
        self._entries(items[::2])

    def _entries(self, keys: list[Any]) -> None:
        self._top(_DICT)
        # The hash of tuples within tuples can take for ever.
        if not all(type(key) in (str, int) for key in keys):
            raise ScanError("has keys that are neither words nor numbers")

    def call(self) -> None:
        arguments, called = self._stack.pop(), self._stack.pop()
        if type(called) is not _Named or type(arguments) is not tuple:
            raise ScanError("calls what is no function")
        if called.name not in _CALLABLE:
            raise ScanError(f"calls {called.name}, which makes no part of a state dict")
        if called.name.startswith("collections."):
            counts = called.name.endswith("Counter") and len(arguments) == 1
            if arguments and not (counts and arguments[0] is _DICT):
                raise ScanError(f"calls {called.name} in a way no state dict does")
            self._push(_DICT)
        else:
            self._push(_OTHER)

    def build(self) -> None:
        if self._stack.pop() is not _DICT:
            raise ScanError("sets attributes in a way no state dict does")
        self._top(_DICT)

    def storage(self) -> None:
        kind, of, key, location, count, *view = self._stack.pop()
        size = _ITEM_SIZES.get(of.name[len("torch.") : -len("Storage")]) if of else None
        texts = all(type(text) is str for text in (kind, key, location))
        if size is None or not texts or kind != "storage" or type(count) is not int:
            raise ScanError("declares a storage in a way no state dict does")
        if view not in ([], [None]) or count < 0:
            raise ScanError("declares a storage in a way no state dict does")
        if self._found.storages.setdefault(key, count * size) != count * size:
            raise ScanError(f"declares storage {key!r} twice, with two sizes")
        self._push(_OTHER)


_INSTRUCTIONS: Mapping[int, Callable[[_Machine], None]] = {
    0x80: _Machine.protocol,
    ord("c"): _Machine.name,
    ord("X"): lambda m: m.text("<I"),
    ord("U"): lambda m: m.text("<B"),
    ord("J"): lambda m: m._push(m._number("<i")),
    ord("K"): lambda m: m._push(m._number("<B")),
    ord("M"): lambda m: m._push(m._number("<H")),
    0x8A: _Machine.long,
    ord("G"): _Machine.real,
    ord("("): _Machine.mark,
    ord("t"): _Machine.marked_tuple,
    0x85: lambda m: m.short_tuple(1),
    0x86: lambda m: m.short_tuple(2),
    0x87: lambda m: m.short_tuple(3),
    ord("q"): lambda m: m.put("<B"),
    ord("r"): lambda m: m.put("<I"),
    ord("h"): lambda m: m.get("<B"),
    ord("j"): lambda m: m.get("<I"),
    ord("a"): _Machine.append,
    ord("e"): _Machine.extend,
    ord("s"): _Machine.set_item,
    ord("u"): _Machine.set_items,
    ord("R"): _Machine.call,
    ord("b"): _Machine.build,
    ord("Q"): _Machine.storage,
}


def scan_bytes(data: bytes) -> Scan:
    """:func:`scan` of one pickle in memory."""
    return scan(io.BytesIO(data))
