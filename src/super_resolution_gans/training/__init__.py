"""Recipes, steps and the one loop that trains them."""
