"""A split of a store on the device, cut there: a GPU does not wait for Python or the disk."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from super_resolution_gans.data.store import Record, Store

Window = tuple[int, int, int, bool, bool]
"""Place in the list of records, top, left, and whether it is mirrored laterally and axially."""


class Resident:
    """The pixels of some records in a device's memory.

    Args:
        pixels: flat, on the device; uint8, or int16 that holds the bits of uint16.
        table: int64 (records, 3): where each begins, its width and its height times width.
        channels: of every record.
    """

    def __init__(self, pixels: Tensor, table: NDArray[np.int64], channels: int) -> None:
        self._pixels, self._table, self._channels = pixels, table, channels

    @staticmethod
    def fits(store: Store, records: Sequence[Record], device: torch.device) -> bool:
        """Whether the device is a GPU that has at least twice the memory free that is needed."""
        if device.type != "cuda":
            return False
        free, _ = torch.cuda.mem_get_info(device)
        return 2 * store.pixels.itemsize * sum(_counts(store, records)) <= free

    @classmethod
    def of(cls, store: Store, records: Sequence[Record], device: torch.device) -> "Resident":
        """Copy the records over, one by one: the host never holds more than one."""
        counts = _counts(store, records)
        starts = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
        wide = store.pixels.itemsize == 2
        dtype = torch.int16 if wide else torch.uint8
        pixels = torch.empty(int(starts[-1]), dtype=dtype, device=device)
        for record, start, count in zip(records, starts[:-1].tolist(), counts, strict=True):
            stored = np.array(store.read(record)).reshape(-1)
            pixels[start : start + count] = torch.from_numpy(
                stored.view(np.int16) if wide else stored
            )
        sizes = np.array([(r.width, r.height * r.width) for r in records], dtype=np.int64)
        table = np.concatenate([starts[:-1, None], sizes], axis=1)
        return cls(pixels, table, store.channels)

    def cut(self, windows: Sequence[Window], side: tuple[int, int]) -> Tensor:
        """Cut windows of ``side``: float32 (N, C, *side) in [0, 1], one gather for all of them."""
        device = self._pixels.device
        w = np.array(windows, dtype=np.int64)
        start, width, plane = self._table[w[:, 0]].T
        columns = np.stack([start + w[:, 1] * width + w[:, 2], width, plane, w[:, 3], w[:, 4]])
        host = torch.from_numpy(columns)
        if device.type == "cuda":
            host = host.pin_memory()
        first, stride, plane_size, flip_lateral, flip_axial = host.to(
            device, non_blocking=True
        ).reshape(5, -1, 1, 1, 1)
        y = torch.arange(side[0], device=device).reshape(1, 1, -1, 1)
        x = torch.arange(side[1], device=device).reshape(1, 1, 1, -1)
        y = torch.where(flip_axial.bool(), side[0] - 1 - y, y)
        x = torch.where(flip_lateral.bool(), side[1] - 1 - x, x)
        channel = torch.arange(self._channels, device=device).reshape(1, -1, 1, 1)
        found = self._pixels[first + channel * plane_size + y * stride + x]
        if found.dtype == torch.int16:
            return (found.int() & 0xFFFF).float() / 65535
        return found.float() / 255


def _counts(store: Store, records: Sequence[Record]) -> list[int]:
    return [store.channels * r.height * r.width for r in records]
