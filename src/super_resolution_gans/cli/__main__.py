"""``python -m super_resolution_gans.cli`` is ``srgan``."""

from super_resolution_gans.cli import main

main()
