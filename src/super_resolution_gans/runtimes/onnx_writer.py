"""Collects the nodes of an ONNX graph."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from torch import Tensor

from super_resolution_gans.models.upsampler import Scale
from super_resolution_gans.runtimes.libraries import library

# 17 is the last in which ReduceMean has its axes as an attribute: nothing newer is needed, and
# runtimes from 2022 on read it.
OPSET, IR_VERSION = 17, 8


class Writer:
    """Nodes and weights in the order in which they are asked for, named by their number."""

    def __init__(self) -> None:
        self._onnx = library("onnx")
        self.nodes: list[Any] = []
        self.weights: list[Any] = []

    def node(self, operation: str, *inputs: str, **attributes: Any) -> str:
        """Add a node with one output; returns its name. An empty input is one left out."""
        name = f"{operation}_{len(self.nodes) + 1}"
        self.nodes.append(
            self._onnx.helper.make_node(operation, list(inputs), [name], name, **attributes)
        )
        return name

    def weight(self, values: Tensor | ArrayLike, dtype: type = np.float32) -> str:
        """Add a constant; returns its name."""
        array = values.detach().cpu().float().numpy() if isinstance(values, Tensor) else values
        name = f"weight_{len(self.weights) + 1}"
        self.weights.append(
            self._onnx.numpy_helper.from_array(np.array(array, dtype, order="C"), name)
        )
        return name

    def shuffle(self, x: str, channels: int, factor: Scale, *, in_blocks: bool = False) -> str:
        """(N, channels*v*h, H, W) -> (N, channels, v*H, h*W).

        In the order of PyTorch's shuffle, or with all channels of a sub-pixel side by side.
        """
        vertical, lateral = factor
        if vertical == lateral:
            mode = "DCR" if in_blocks else "CRD"
            return self.node("DepthToSpace", x, blocksize=vertical, mode=mode)
        two, four = self.weight([2], np.int64), self.weight([4], np.int64)
        size = self.node("Slice", self.node("Shape", x), two, four)
        split = [vertical, lateral, channels] if in_blocks else [channels, vertical, lateral]
        apart = self.weight([-1, *split], np.int64)
        x = self.node("Reshape", x, self.node("Concat", apart, size, axis=0))
        x = self.node("Transpose", x, perm=[0, 3, 4, 1, 5, 2] if in_blocks else [0, 1, 4, 2, 5, 3])
        larger = self.node("Mul", size, self.weight(factor, np.int64))
        together = self.weight([-1, channels], np.int64)
        return self.node("Reshape", x, self.node("Concat", together, larger, axis=0))

    def model(self, channels: int, metadata: dict[str, str]) -> Any:
        """The whole as a ModelProto, whose result is that of the last node.

        ``image`` -> ``upscaled``, float32, NCHW, all but the channels dynamic.
        """
        helper, float32 = self._onnx.helper, self._onnx.TensorProto.FLOAT
        self.nodes[-1].output[0] = "upscaled"
        graph = helper.make_graph(
            self.nodes,
            "upsampler",
            [helper.make_tensor_value_info("image", float32, ["n", channels, "h", "w"])],
            [helper.make_tensor_value_info("upscaled", float32, ["n", channels, "vh", "lw"])],
            self.weights,
        )
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="SuperResolution-GANs",
        )
        helper.set_model_props(model, metadata)
        return model
