"""The outside world -> Scan -> the outside world."""

from super_resolution_gans.io.address import is_address, shown
from super_resolution_gans.io.errors import ExistsError, FetchError, ReadError, WriteError
from super_resolution_gans.io.finite import Fill
from super_resolution_gans.io.read import READABLE_SUFFIXES, read_scan
from super_resolution_gans.io.write import can_hold, check_target, write_scan

__all__ = [
    "READABLE_SUFFIXES",
    "ExistsError",
    "FetchError",
    "Fill",
    "ReadError",
    "WriteError",
    "can_hold",
    "check_target",
    "is_address",
    "read_scan",
    "shown",
    "write_scan",
]
