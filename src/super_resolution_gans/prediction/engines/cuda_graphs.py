"""A network's kernels recorded once for each size of window, and started together from then on."""

import logging
from collections import Counter, OrderedDict
from collections.abc import Callable

import torch
from torch import Tensor

log = logging.getLogger(__name__)

# Recording costs several runs, and each record keeps the memory of one.
_AFTER, _MOST = 3, 2


class Graphs:
    """A function of one CUDA tensor that is replayed for shapes that come again and again.

    A result is overwritten by the next call with the same shape. What cannot be recorded runs as it
    would have without.

    Args:
        function: from a tensor on the device to one on the device; no other inputs, no host work.
    """

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        self._function = function
        self._seen: Counter[torch.Size] = Counter()
        self._records: OrderedDict[torch.Size, tuple[torch.cuda.CUDAGraph, Tensor, Tensor]] = (
            OrderedDict()
        )
        self._works = True

    def __call__(self, batch: Tensor) -> Tensor:
        """(N, C, H, W) -> whatever the function makes of it."""
        shape = batch.shape
        if shape not in self._records:
            self._seen[shape] += 1
            if self._seen[shape] < _AFTER or not self._works or not self._record(batch):
                return self._function(batch)
        self._records.move_to_end(shape)
        graph, given, made = self._records[shape]
        given.copy_(batch)
        graph.replay()
        return made

    def _record(self, batch: Tensor) -> bool:
        while len(self._records) >= _MOST:
            self._records.popitem(last=False)
        given = batch.clone(memory_format=torch.preserve_format)
        stream = torch.cuda.Stream(device=batch.device)  # type: ignore[no-untyped-call]
        try:
            stream.wait_stream(torch.cuda.current_stream(batch.device))
            with torch.cuda.stream(stream):  # libraries set themselves up outside the record
                self._function(given)
            torch.cuda.current_stream(batch.device).wait_stream(stream)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                made = self._function(given)
        except RuntimeError as error:
            log.debug("kernels are not recorded: %s", error)
            self._works = False
            return False
        self._records[batch.shape] = graph, given, made
        return True
