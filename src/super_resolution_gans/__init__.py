"""SRGAN super-resolution for optical coherence tomography (OCT)."""

__version__ = "1.0.0.dev0"
