"""What starting costs: `import super_resolution_gans`, `srgan --help`, against `import torch`.

Prints the median of several fresh processes, less that of an empty Python, and the ratio to
importing torch, which every other super-resolution tool does before it prints its help.
"""

import platform
import statistics
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

RUNS = 7
SRGAN = str(Path(sys.executable).with_name("srgan"))
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "import super_resolution_gans": [sys.executable, "-c", "import super_resolution_gans"],
    "srgan --help": [SRGAN, "--help"],
    "import torch": [sys.executable, "-c", "import torch"],
}


def median_seconds(command: list[str]) -> float:
    """Wall time of a whole process, median of several runs after one that warms the disk cache."""
    times = []
    for _ in range(RUNS + 1):
        start = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])


def main() -> None:
    """Measure and print."""
    seconds = {name: median_seconds(command) for name, command in COMMANDS.items()}
    print(f"{platform.platform()}, Python {platform.python_version()}, torch {version('torch')}")
    print(f"{'':<32}{'seconds':>9}{'of import torch':>18}")
    for name, value in seconds.items():
        print(f"{name:<32}{value:>9.3f}{value / seconds['import torch']:>18.2f}")


if __name__ == "__main__":
    main()
