"""What source may not say: everything by which a file could run code, found by its syntax tree."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src"
NOT_IMPORTED = {
    "pickle", "_pickle", "cPickle", "pickletools", "marshal", "dill", "cloudpickle", "shelve",
    "joblib", "jsonpickle", "keras", "tensorflow", "torchvision",
}  # fmt: skip
NOT_CALLED = {"eval", "exec", "compile", "__import__"}  # as builtins
NOT_NAMED = {
    "os.system", "os.popen", "torch.jit.load", "builtins.eval",
    "builtins.exec", "builtins.compile", "builtins.__import__", "yaml.load", "yaml.load_all",
    "yaml.full_load", "yaml.unsafe_load", "yaml.unsafe_load_all", "yaml.full_load_all",
    "torch.serialization.load", "torch.serialization.add_safe_globals",
    "torch.serialization.safe_globals", "torch.hub.load", "torch.package.PackageImporter",
}  # fmt: skip
NOT_TRUE = {"allow_pickle", "shell"}


def offences(source: str) -> list[str]:
    """What is forbidden in a module's source, as ``line: what``."""
    tree = ast.parse(source)
    known = _imported(tree)
    found = []
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        found += [f"{line}: {what}" for what in _offences(node, known)]
    return sorted(set(found))


def _imported(tree: ast.AST) -> dict[str, str]:
    """Name in the module -> what it is called where it comes from."""
    known = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                known[alias.asname or top] = alias.name if alias.asname else top
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                known[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return known


def _offences(node: ast.AST, known: dict[str, str]) -> Iterator[str]:
    if isinstance(node, ast.Import | ast.ImportFrom):
        yield from _imports(node)
    elif isinstance(node, ast.Attribute | ast.Name):
        if (name := _name(node, known)) in NOT_NAMED:
            yield name
    elif isinstance(node, ast.Call):
        yield from _call(node, known)


def _imports(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    if isinstance(node, ast.Import):
        modules = [alias.name for alias in node.names]
    else:
        modules = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
    for module in modules:
        if set(module.split(".")) & NOT_IMPORTED:
            yield f"import of {module}"


def _call(node: ast.Call, known: dict[str, str]) -> Iterator[str]:
    name = _name(node.func, known)
    if isinstance(node.func, ast.Name) and node.func.id in NOT_CALLED:
        yield f"{node.func.id}()"
    keywords = {keyword.arg: keyword.value for keyword in node.keywords}
    for key in NOT_TRUE & keywords.keys():
        if not _is(keywords[key], False):
            yield f"{key} other than False"
    if None in keywords and name in {"torch.load", "numpy.load", "subprocess.run"}:
        yield f"{name}(**...)"
    if name == "torch.load" and not _is(keywords.get("weights_only"), True):
        yield "torch.load without weights_only=True"
    if name == "numpy.load" and len(node.args) > 2:
        yield "numpy.load with allow_pickle by position"


def _is(node: ast.AST | None, value: bool) -> bool:
    return isinstance(node, ast.Constant) and node.value is value


def _name(node: ast.AST, known: dict[str, str]) -> str:
    """Dotted, by the imports: ``t.load`` is ``torch.load`` after ``import torch as t``."""
    if isinstance(node, ast.Attribute):
        return f"{_name(node.value, known)}.{node.attr}"
    return known.get(node.id, node.id) if isinstance(node, ast.Name) else "?"


@pytest.mark.parametrize(
    "snippet",
    [
        "import pickle", "import pickle as p", "from pickle import loads", "import _pickle",
        "import marshal", "import dill", "import cloudpickle", "import shelve", "import joblib",
        "import os, pickle", "def f():\n    import pickle", "from torch.utils import pickle",
        "if True:\n    import keras", "import tensorflow as tf", "from tensorflow import keras",
        "from tensorflow.keras.models import load_model", "import torchvision.models",
        "from torchvision import models", "import pickletools", "from multiprocessing import dill",
        "eval('1')", "exec(code)", "compile(s, '', 'eval')", "__import__('os')", "f(eval(x))",
        "import builtins\nbuiltins.eval('1')", "from builtins import exec as e\ne('')",
        "import numpy as np\nnp.load(path, allow_pickle=True)",
        "import numpy as np\nnp.load(path, allow_pickle=anything)",
        "import numpy as np\nnp.load(path, None, True)", "np.save(path, x, allow_pickle=1)",
        "from numpy import load\nload(path, None, True)",
        "import yaml\nyaml.load(text)", "import yaml\nyaml.load(text, Loader=yaml.SafeLoader)",
        "import yaml as y\ny.unsafe_load(text)", "from yaml import load\nload(text)",
        "import yaml\nread = yaml.full_load",
        "import subprocess\nsubprocess.run('ls', shell=True)", "Popen('ls', shell=flag)",
        "import os\nos.system('ls')", "import os as o\no.popen('ls')",
        "from os import system\nsystem('ls')", "from os import popen as p\np('ls')",
        "import os\nrun = os.system",
        "import torch\ntorch.load(path)", "import torch\ntorch.load(path, weights_only=False)",
        "import torch\ntorch.load(path, weights_only=safe)",
        "import torch\ntorch.load(path, **how)",
        "import torch as t\nt.load(path)", "from torch import load\nload(path)",
        "import torch\ntorch.load(path, 'cpu', None, weights_only=None)",
        "import torch\ntorch.jit.load(path)", "from torch import jit\njit.load(path)",
        "from torch.jit import load\nload(path)", "import torch.jit as j\nj.load(path)",
        "import torch\ntorch.serialization.add_safe_globals([x])",
        "import torch\ntorch.hub.load('x', 'y')",
    ],
)  # fmt: skip
def test_the_checker_finds(snippet: str) -> None:
    assert offences(snippet)
    indented = "\n        ".join(snippet.splitlines())
    assert offences(f"class A:\n    async def f(self):\n        {indented}")


@pytest.mark.parametrize(
    "snippet",
    [
        "import torch\ntorch.load(path, map_location='cpu', weights_only=True)",
        "import numpy as np\nnp.load(path)",
        "import numpy as np\nnp.load(path, allow_pickle=False)",
        "import yaml\nyaml.safe_load(text)", "import re\nre.compile('x')", "network.eval()",
        "import torch\ntorch.compile(network)", "import subprocess\nsubprocess.run(['ls'])",
        "import json\njson.load(file)", "'import pickle'", "# eval('1')\nx = 1",
        "subprocess.run(['ls'], shell=False)", "self.exec(1)", "import os\nos.replace(a, b)",
    ],
)  # fmt: skip
def test_the_checker_leaves_alone(snippet: str) -> None:
    assert offences(snippet) == []


def test_nothing_in_the_source_can_run_what_a_file_says() -> None:
    modules = sorted(SOURCE.rglob("*.py"))
    assert len(modules) > 100
    found = {
        str(path.relative_to(SOURCE)): bad
        for path in modules
        if (bad := offences(path.read_text(encoding="utf-8")))
    }
    assert found == {}
