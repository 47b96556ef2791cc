"""Measures of how alike two images are; numpy in, numbers out."""
