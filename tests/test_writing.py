"""No file is written around `files.py`, by which each is whole or not at all."""

import ast
import pathlib
import re

PACKAGE = pathlib.Path(__file__).parents[1] / "keras_seattn"
OPEN = re.compile(r"(.*\.)?(open|fdopen|File)")
WRITE = re.compile(
    r"""(os|shutil)\.(replace|renames?|link|copy\w*|move)
    | (json|pickle|marshal)\.dump
    | (?!files\.).*\.(write_text|write_bytes|savefig|savez\w*|savetxt|tofile|to_csv|imwrite|imsave)
    | .*\.(rename|touch)
    | (?!(result|comparison|index|remembered|self|self\.(state|oracle))\.save).*\.(save\w*|export)
    | .*\b(TFRecordWriter|CSVLogger|ModelCheckpoint|TensorBoard|urlretrieve)
    | .*\b(create_file_writer|write_file)""",
    re.VERBOSE,
)
# What writes into a file that its caller replaces, or what is no result. File, function: why.
OTHERS = {
    "applications/convert.py _save_weights": "a partial file",
    "applications/video_network.py describe_weights": "its caller's file",
    "applications/video_network.py save_weights": "its caller's file, as Keras does",
    "checkpoints/pytorch.py write": "memory",
    "commands/__init__.py main": "the null device",
    "data/encoding.py __enter__": "a partial file",
    "data/tfio/ffmpeg4.py _unpack": "a temporary folder",
    "export/formats.py write_description": "a partial file",
    "export/writing.py _name_groups": "a partial file",
    "export/writing.py _tidy_openvino": "a partial file",
    "folder_lock.py _create": "made by one process alone, which is what a lock is",
    "pages/__init__.py gallery": "memory",
    "training/run_folder.py __init__": "curves, which TensorFlow appends to and are made anew",
    "tuning/workers.py run_workers": "what workers print",
}


def is_write(call):
    name = ast.unparse(call.func)
    if OPEN.fullmatch(name):
        words = [*call.args, *(word.value for word in call.keywords if word.arg == "mode")]
        modes = [word.value for word in words if isinstance(word, ast.Constant)]
        return any(re.fullmatch(r"[wax]\w?\+?\w?|r\w?\+\w?", str(mode)) for mode in modes)
    return bool(WRITE.fullmatch(name))


def writers(node, function="module"):
    """The functions in which something is written, but for what a `with replacing(...)` holds."""
    if isinstance(node, ast.With) and any("replacing(" in ast.unparse(i) for i in node.items):
        return
    if isinstance(node, ast.FunctionDef):
        function = node.name
    if isinstance(node, ast.Call) and is_write(node):
        yield function
    for child in ast.iter_child_nodes(node):
        yield from writers(child, function)


def files():
    return [path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "files.py"]


def test_every_write_goes_through_the_helper():
    found = {
        f"{path.relative_to(PACKAGE).as_posix()} {function}"
        for path in files()
        for function in writers(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert found == set(OTHERS)


def test_what_the_search_for_writes_finds():
    code = """
open(p, "w"); open(p, mode="ab"); path.open("x"); av.open(p, "w"); h5py.File(p, "r+")
p.write_bytes(b); figure.savefig(p); model.save(p); model.save_weights(p); np.savez(p)
torch.save(x, p); onnx.save(m, p); shutil.copyfile(a, b); os.replace(a, b); t.to_csv(p)
picture.save(p); json.dump(x, f); tf.io.TFRecordWriter(p); callbacks.CSVLogger(p)
"""
    assert len(list(writers(ast.parse(code)))) == 19
    harmless = """
open(p); open(p, "rb"); text.replace("a", "w"); dataclasses.replace(x, a=1); av.open(p, "r")
with replacing(path) as partial:
    model.save(partial)
"""
    assert not list(writers(ast.parse(harmless)))


def test_bars_are_drawn_by_one_room():
    using = [path.name for path in files() if "import tqdm" in path.read_text(encoding="utf-8")]
    assert using == ["progress.py"]
