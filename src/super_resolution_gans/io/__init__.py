"""The outside world -> Scan -> the outside world."""

from super_resolution_gans.io.errors import FetchError, ReadError, WriteError
from super_resolution_gans.io.read import read_scan
from super_resolution_gans.io.write import can_hold, write_scan

__all__ = ["FetchError", "ReadError", "WriteError", "can_hold", "read_scan", "write_scan"]
