"""Fixtures for reading and writing."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def dicom_objects() -> ModuleType:
    """The module beside this one: test files are imported by path, and know no neighbours."""
    path = Path(__file__).with_name("dicom_objects.py")
    spec = importlib.util.spec_from_file_location("dicom_objects", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
