"""Jobs in threads, their results in order: the network works while images are measured."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")


def in_order(jobs: Iterable[Callable[[], Result]], workers: int = 1) -> Iterator[Result]:
    """What each job returns, in the order of the jobs.

    Args:
        jobs: taken one by one, in the thread of the caller; what it takes to make one happens
            while those before it run.
        workers: how many run at once, each in a thread. With 1 there are no threads: a job runs
            when it is taken.

    Raises:
        Whatever a job raises, in its turn; later ones are then not begun.
    """
    if workers == 1:
        for job in jobs:
            yield job()
        return
    waiting: deque[Future[Result]] = deque()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="measure")
    try:
        for job in jobs:
            waiting.append(pool.submit(job))
            while waiting and (len(waiting) > workers or waiting[0].done()):
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
