"""What measuring costs before the first image."""

import subprocess
import sys
from pathlib import Path

import super_resolution_gans.metrics

NEEDS_TORCH = {"perceptual", "dists", "tensors"}


def test_all_measures_but_the_learned_ones_load_numpy_alone():
    folder = Path(super_resolution_gans.metrics.__file__).parent
    names = sorted({path.stem for path in folder.glob("[a-z]*.py")} - NEEDS_TORCH)
    assert len(names) > 10
    modules = ", ".join(f"super_resolution_gans.metrics.{name}" for name in names)
    code = f"import sys, {modules}; print([m for m in ('torch', 'scipy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
