"""``srgan doctor``: what is installed here, and whether upscaling works with it."""
