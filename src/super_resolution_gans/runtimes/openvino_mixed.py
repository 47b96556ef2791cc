"""bfloat16 in OpenVINO with a float32 input, first convolution and last sum.

Asked for bfloat16, its CPU plugin rounds the image before the first convolution and the image that
comes out, which show as steps; a node cannot be exempted. Both are worked around in the graph.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def keep_ends(openvino: Any, model: Any) -> None:
    """Rewrite ``model`` in place; in float32 it still computes what it did, to rounding.

    - The image x becomes the channels (h, x - h, h), h the bfloat16 nearest to x, and the first
      kernel w becomes (H, H, w - H) likewise. Products of two bfloat16 are exact in the float32
      sums, so that the convolution is as if in float32, but for a term of 2^-16.
    - PReLU with slopes of 1 after the last convolution. It changes nothing, and is computed on its
      float32 sums because only the image follows.
    """
    convolutions = [op for op in model.get_ordered_ops() if op.get_type_name() == "Convolution"]
    if not convolutions:
        return
    operations = openvino.opset13
    _float32_sum(operations, convolutions[-1])
    (image,) = model.get_parameters()
    users = image.output(0).get_target_inputs()
    if len(users) == 1 and next(iter(users)).get_node() == convolutions[0]:
        _float32_image(operations, image, convolutions[0])
    model.validate_nodes_and_infer_types()


def _float32_image(operations: Any, image: Any, convolution: Any) -> None:
    kernel: NDArray[np.float32] = convolution.input_value(1).get_node().get_data()
    high = _to_bfloat16(kernel)
    split = np.concatenate([high, high, _to_bfloat16(kernel - high)], axis=1)
    rounded = operations.convert(operations.convert(image, "bf16"), "f32")
    rest = operations.subtract(image, rounded)
    parts = operations.concat([rounded, rest, rounded], 1)
    convolution.input(0).replace_source_output(parts.output(0))
    convolution.input(1).replace_source_output(operations.constant(split).output(0))


def _float32_sum(operations: Any, convolution: Any) -> None:
    users = [user.get_node() for user in convolution.output(0).get_target_inputs()]
    biased = next((node for node in users if node.get_type_name() == "Add"), convolution)
    targets = list(biased.output(0).get_target_inputs())
    channels = convolution.get_output_partial_shape(0)[1].get_length()
    slopes = operations.constant(np.ones(channels, np.float32))
    same = operations.prelu(biased, slopes)
    for target in targets:
        target.replace_source_output(same.output(0))


def _to_bfloat16(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """The nearest bfloat16, as float32; ties to even, finite values."""
    bits = values.view(np.uint32)
    nearest = (bits + 0x7FFF + ((bits >> 16) & 1)) & np.uint32(0xFFFF0000)
    rounded: NDArray[np.float32] = nearest.astype(np.uint32).view(np.float32)
    return rounded
