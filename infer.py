"""``python -m infer --modelPath M --inputPath IMAGE_OR_URL --outputPath OUT``, from a clone."""

import sys
from pathlib import Path

# Also where another version is installed: whoever stands in a clone means the clone.
sys.path.insert(0, str(Path(__file__).resolve().parent / "src"))

from super_resolution_gans.infer import main

if __name__ == "__main__":
    sys.exit(main())
