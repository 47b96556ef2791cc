"""How many there are of something, in words."""


def plural(count: int, noun: str) -> str:
    """``1 person``, ``2 people``, ``3 images``."""
    several = "people" if noun == "person" else f"{noun}s"
    return f"{count} {noun if count == 1 else several}"
