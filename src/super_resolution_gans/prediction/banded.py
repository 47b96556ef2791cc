"""Symmetric banded systems: Cholesky's factor once, then any number of right-hand sides."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class BandedCholesky:
    """L of a positive definite matrix L L^T with ``reach`` diagonals on each side of the main one.

    Attributes:
        below: (n, reach): row i of L left of its diagonal, zeros where the matrix has no column.
        inverse: (n,): one over the diagonal of L.
    """

    below: Array
    inverse: Array

    @classmethod
    def of(cls, diagonals: Array) -> "BandedCholesky":
        """Factor a matrix M given as (reach + 1, n): ``diagonals[j, i]`` is M[i, i + j].

        Raises:
            ValueError: if the matrix is not positive definite.
        """
        reach, n = diagonals.shape[0] - 1, diagonals.shape[1]
        below, inverse = np.zeros((n, reach)), np.empty(n)
        for i in range(n):
            row = below[i]
            for j in range(max(0, i - reach), i):
                # Columns that both rows have, each counted from its own row's first.
                shift = i - j
                common = row[: reach - shift] @ below[j, shift:]
                row[j - i + reach] = (diagonals[shift, j] - common) * inverse[j]
            square = diagonals[0, i] - row @ row
            if not square > 0:
                raise ValueError(f"a matrix of {n} rows is not positive definite at row {i}")
            inverse[i] = square**-0.5
        return cls(below, inverse)

    def solve(self, right: Array) -> Array:
        """(n, m) -> the (n, m) that the matrix turns into ``right``, which is not changed."""
        reach = self.below.shape[1]
        if reach == 0:
            return right * (self.inverse**2)[:, np.newaxis]
        n, m = right.shape
        # Rows of zeros before and after spare the loops their ends.
        padded = np.zeros((n + 2 * reach, m))
        solution = padded[reach : reach + n]
        for i in range(n):
            rest = right[i] - self.below[i] @ padded[i : i + reach]
            np.multiply(rest, self.inverse[i], out=solution[i])
        above = _columns(self.below)
        for i in reversed(range(n)):
            rest = solution[i] - above[i] @ padded[i + reach + 1 : i + 2 * reach + 1]
            np.multiply(rest, self.inverse[i], out=solution[i])
        return solution


def _columns(below: Array) -> Array:
    """Column i of L below its diagonal as row i: (n, reach)."""
    n, reach = below.shape
    above = np.zeros_like(below)
    for j in range(1, reach + 1):
        above[: max(0, n - j), j - 1] = below[j:, reach - j]
    return above
