"""The outside world -> Scan -> the outside world."""

from super_resolution_gans.io.address import is_address, shown
from super_resolution_gans.io.colour import stored_in_colour
from super_resolution_gans.io.encode import WRITABLE_SUFFIXES
from super_resolution_gans.io.errors import (
    ExistsError,
    FetchError,
    ReadError,
    SelectionError,
    WriteError,
)
from super_resolution_gans.io.finite import Fill
from super_resolution_gans.io.names import ends_in, suffix_of, with_suffix
from super_resolution_gans.io.read import READABLE_SUFFIXES, is_scan_folder, read_scan
from super_resolution_gans.io.select import Selection, parse_selection
from super_resolution_gans.io.write import can_hold, check_target, write_scan

__all__ = [
    "READABLE_SUFFIXES",
    "WRITABLE_SUFFIXES",
    "ExistsError",
    "FetchError",
    "Fill",
    "ReadError",
    "Selection",
    "SelectionError",
    "WriteError",
    "can_hold",
    "check_target",
    "ends_in",
    "is_address",
    "is_scan_folder",
    "parse_selection",
    "read_scan",
    "shown",
    "stored_in_colour",
    "suffix_of",
    "with_suffix",
    "write_scan",
]
