"""The rooms of the house: what is above uses what is below, and no file is too long to read."""

import ast
import pathlib

PACKAGE = pathlib.Path(__file__).parents[1] / "keras_seattn"
# From the bottom to the top; a room uses those that come before it. docs/development.md draws them.
ROOMS = (
    "version", "errors", "arguments", "processes", "files", "folder_lock", "progress", "onednn",
    "stopping", "raised", "settings", "configuration", "labels", "description", "preprocessing",
    "layers", "checkpoints", "applications",
    "data",
    "export", "prediction", "pages", "checking", "evaluation", "explain", "training", "tuning",
    "doctor", "commands", "__main__",
)  # fmt: skip


def files():
    return [path for path in PACKAGE.rglob("*.py") if path.parent != PACKAGE or path.stem in ROOMS]


def imports(path):
    """The names of the package's modules that a file imports, such as `data.decoding`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("keras_seattn"):
            for name in node.names:
                yield f"{node.module}.{name.name}".split(".", 1)[1]
        elif isinstance(node, ast.Import):
            names = [name.name for name in node.names]
            yield from (name.split(".", 1)[1] for name in names if name.startswith("keras_seattn."))


def test_no_arrow_runs_up():
    wrong = []
    for path in files():
        room = path.relative_to(PACKAGE).with_suffix("").parts[0]
        for name in imports(path):
            used = name.split(".")[0]
            if used in ROOMS and ROOMS.index(used) > ROOMS.index(room):
                wrong.append(f"{path.relative_to(PACKAGE)} imports {name}")
    assert not wrong


def test_every_room_has_its_place():
    found = {path.relative_to(PACKAGE).with_suffix("").parts[0] for path in PACKAGE.rglob("*.py")}
    assert found - {"__init__"} == set(ROOMS)


def test_no_file_is_over_350_lines():
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in files()}
    assert {str(path) for path, lines in lengths.items() if lines > 350} == set()
