"""Several processes on this machine, started and started again by torchrun's own machinery."""

import logging
import os
import uuid
from collections.abc import Callable
from typing import Any

from super_resolution_gans.program import processors
from super_resolution_gans.training.checkpoint import TrainingError


class SignalledError(TrainingError):
    """The launcher was told to stop, and has handed that on; ``number`` is the signal."""

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by signal {number}")
        self.number = number


def launch(
    work: Callable[..., int], arguments: tuple[Any, ...], *, processes: int, max_restarts: int
) -> int:
    """Run ``work(*arguments)`` in so many processes; returns the largest status they returned.

    A process that dies, or leaves by SystemExit, ends the others, and all are started again, up to
    ``max_restarts`` times. Threads of PyTorch are shared out, unless OMP_NUM_THREADS says how many.

    Raises:
        TrainingError: if a process died once more; the message names it.
        SignalledError: if this process got SIGINT or SIGTERM; the others have ended.
    """
    from torch.distributed.elastic.multiprocessing import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    for name in ("agent.server.api", "multiprocessing.api"):
        # They tell in many lines what is told here in one.
        logging.getLogger(f"torch.distributed.elastic.{name}").setLevel(logging.CRITICAL)
    threads = max(1, processors() // processes)
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=processes,
        run_id=uuid.uuid4().hex,
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        max_restarts=max_restarts,
        monitor_interval=0.1,
        start_method="spawn",
    )
    try:
        statuses: dict[int, int] = elastic_launch(config, work)(*arguments)
    except ChildFailedError as error:
        rank, failure = error.get_first_failure()
        how = failure.signal_name() if failure.exitcode < 0 else f"status {failure.exitcode}"
        raise TrainingError(
            f"rank {rank} ended by {how}, after {max_restarts} restarts (--max-restarts); the "
            "same command goes on from the last checkpoint"
        ) from error
    except SignalException as error:
        raise SignalledError(int(error.sigval)) from error
    return max(statuses.values())
