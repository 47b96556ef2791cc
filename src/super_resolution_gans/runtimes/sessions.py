"""Networks and exported files, ready to run: NCHW float32 arrays in and out, on the CPU.

Both libraries use as many threads as torch does, and are set up so that the same input gives the
same bits.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray

from super_resolution_gans.models.checkpoint import ModelFileError
from super_resolution_gans.models.upsampler import Upsampler
from super_resolution_gans.runtimes.exported import Exported
from super_resolution_gans.runtimes.libraries import LibraryError, library
from super_resolution_gans.runtimes.onnx_graph import onnx_bytes
from super_resolution_gans.runtimes.openvino_mixed import keep_ends

Session = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""(n, c, h, w) -> (n, c, v*h, l*w); MemoryError if it does not fit."""


def onnx_session(source: Upsampler | Exported) -> Session:
    """ONNX Runtime, in float32.

    Raises:
        ModelFileError: if it cannot use the file.
        LibraryError: if it is not installed.
        ValueError: if the network cannot be exported.
    """
    onnxruntime = library("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = torch.get_num_threads(), 1
    options.use_deterministic_compute = True
    options.log_severity_level = 4  # what goes wrong is raised
    graph = source.graph if isinstance(source, Exported) else onnx_bytes(source)
    try:
        session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its classes have no common base
        if isinstance(source, Exported):
            raise ModelFileError(source.path, f"ONNX Runtime cannot use it ({error})") from error
        raise

    def run(batch: NDArray[np.float32]) -> NDArray[np.float32]:
        with _memory_errors():
            upscaled: NDArray[np.float32] = session.run(["upscaled"], {"image": batch})[0]
        return upscaled

    return run


def openvino_session(source: Upsampler | Exported, precision: str = "float32") -> Session:
    """OpenVINO's CPU plugin, in float32, or in bfloat16 but for the first and last convolution.

    Raises:
        ModelFileError: if it cannot use the file.
        LibraryError: if it is not installed, or this processor has no bfloat16.
        ValueError: if the network cannot be exported.
    """
    openvino = library("openvino")
    core, short = openvino.Core(), precision == "bfloat16"
    if short and "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        raise LibraryError("OpenVINO: has no bfloat16 on this processor")
    try:
        if isinstance(source, Exported):
            model = core.read_model(source.graph, source.weights or b"")
        else:
            model = core.read_model(onnx_bytes(source))
        if short:
            keep_ends(openvino, model)
        compiled = core.compile_model(
            model,
            "CPU",
            {
                "INFERENCE_PRECISION_HINT": "bf16" if short else "f32",
                "EXECUTION_MODE_HINT": "ACCURACY",
                "PERFORMANCE_HINT": "LATENCY",
                "NUM_STREAMS": 1,
                "INFERENCE_NUM_THREADS": torch.get_num_threads(),
                "ENABLE_CPU_PINNING": False,  # processes side by side would share one core
            },
        )
    except RuntimeError as error:
        if isinstance(source, Exported):
            raise ModelFileError(source.path, f"OpenVINO cannot use it ({error})") from error
        raise
    request, lock = compiled.create_infer_request(), threading.Lock()

    def run(batch: NDArray[np.float32]) -> NDArray[np.float32]:
        with lock, _memory_errors():  # a request serves one caller at a time
            # Not infer(): with one thread it loses exceptions (2026.4), and the result before
            # would be taken for this one.
            request.start_async([batch], share_inputs=True)
            request.wait()
            upscaled: NDArray[np.float32] = request.get_output_tensor(0).data.copy()
        return upscaled

    return run


@contextmanager
def _memory_errors() -> Iterator[None]:
    """Each library has an exception of its own for it, which says more besides."""
    try:
        yield
    except Exception as error:
        text = str(error).lower()
        if any(sign in text for sign in ("failed to allocate", "bad_alloc", "bad allocation")):
            raise MemoryError from error
        raise
