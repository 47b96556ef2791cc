"""SRGAN super-resolution for optical coherence tomography (OCT)."""
