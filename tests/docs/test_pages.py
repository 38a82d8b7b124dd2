"""What README.md and the pages in docs/ say runs, on small stand-ins for data and models.

A comment before a block says why it is not run: `<!-- needs: UCF-101 -->`. Then its names,
arguments and flags are checked. `<!-- from: FILE -->` says that the block is a quotation.
"""

import ast
import collections
import inspect
import pathlib
import re
import shlex
import typing

import pytest
import stand_ins

import keras_seattn

# What a user is warned of, such as a new head, is part of an example.
pytestmark = pytest.mark.filterwarnings("default")

ROOT = pathlib.Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
# What commands get besides, to be done in seconds; a later flag wins.
SMALL_NETWORK = "--frames 4 --size 16 --width 1 --epochs 1 --batch-size 16".split()
SMALL = {
    "train": SMALL_NETWORK,
    "search": [*SMALL_NETWORK, "--max-trials", "1"],
    "records": ["--workers", "1"],
}
DONE = set()  # commands that were run, for pages repeat some
PACKAGES = {".pth": "torch", ".xml": "openvino"}


class Block(typing.NamedTuple):
    """A fenced block of a page: where it begins, its text, and what a comment says."""

    line: int
    text: str
    needs: str
    source: str


def blocks(page, language):
    text = page.read_text(encoding="utf-8")
    pattern = r"(?:^<!-- (needs|from): ([^\n]+) -->\n)?^```(\w+)\n(.*?)^```$"
    found = []
    for match in re.finditer(pattern, text, re.MULTILINE | re.DOTALL):
        mark, words, kind, content = match.groups()
        if kind == language:
            said = {"needs": "", "from": "", mark: words}
            line = text.count("\n", 0, match.start(4))
            found.append(Block(line, content, said["needs"], said["from"]))
    return found


def test_the_rooms_of_the_reference_are_there_when_they_are_used():
    rooms = {page.stem for page in (ROOT / "docs" / "api").glob("*.md")}
    assert rooms <= set(keras_seattn.__all__)


def with_blocks(language):
    pages = [page for page in PAGES if blocks(page, language)]
    return pytest.mark.parametrize("page", pages, ids=[str(p.relative_to(ROOT)) for p in pages])


def lines(block):
    """The command lines of a block, as words without the variables set before them."""
    for line in block.text.replace("\\\n", " ").splitlines():
        for part in re.split(r" && ", line.partition(" #")[0]):
            words = shlex.split(part, comments=True)
            while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
                del words[0]
            if words:
                yield words


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where a reader works."""
    monkeypatch.chdir(tmp_path)
    stand_ins.make_small(monkeypatch)
    return tmp_path


@with_blocks("python")
def test_python(page, folder, eagerly):
    names = {"__name__": "page"}  # A page is read from top to bottom.
    for block in blocks(page, "python"):
        if block.source:
            quoted = [line.strip() for line in block.text.splitlines()]
            there = [line.strip() for line in (ROOT / block.source).read_text().splitlines()]
            assert not set(quoted) - set(there)
            continue
        # As far down as it stands in the page, for tracebacks.
        code = "\n" * block.line + block.text
        if block.needs:
            check_names(ast.parse(code))
        else:
            stand_ins.files_for(block.text, folder)
            exec(compile(code, page, "exec"), names)


def check_names(tree):
    """Names of `keras_seattn` are there, and take the arguments that they are called with."""
    for node in ast.walk(tree):
        function = node.func if isinstance(node, ast.Call) else node
        text = ast.unparse(function)
        if not re.fullmatch(r"keras_seattn(\.\w+)+", text):
            continue
        value = keras_seattn
        for name in text.split(".")[1:]:
            value = getattr(value, name)
        if isinstance(node, ast.Call):
            named = {keyword.arg: None for keyword in node.keywords}
            inspect.signature(value).bind_partial(*node.args, **named)


@with_blocks("bash")
def test_what_commands_and_files_are_called(page):
    commands = pytest.importorskip("keras_seattn.commands")
    extras = re.search(
        r"\[project.optional-dependencies\](.*?)\n\n", read("pyproject.toml"), re.DOTALL
    )[1]
    for block in blocks(page, "bash"):
        for words in lines(block):
            if words[0] == "keras-seattn":
                commands.parser_of(words[1]).parse_args(words[2:])
            elif words[0] == "python" and words[1].endswith(".py"):
                source = read(words[1])
                assert all(word in source for word in words if word.startswith("--"))
            elif words[:2] == ["pip", "install"]:
                for extra in re.findall(r"\.\[(\w+)\]", " ".join(words)):
                    assert f"{extra} = " in extras


def read(file):
    return (ROOT / file).read_text(encoding="utf-8")


@with_blocks("bash")
def test_commands(page, folder, eagerly):
    commands = pytest.importorskip("keras_seattn.commands")
    for block in blocks(page, "bash"):
        if block.needs:
            continue
        for words in lines(block):
            if words[0] != "keras-seattn" or tuple(words) in DONE:
                continue
            DONE.add(tuple(words))
            text = re.sub(r"--output \S+", "", " ".join(words))
            for sign, package in PACKAGES.items():
                if sign in text:
                    pytest.importorskip(package)
            stand_ins.files_for(text, folder)
            assert not commands.main([*words[1:], *SMALL.get(words[1], [])])


def test_every_command_is_run_or_marked_and_listed():
    commands = pytest.importorskip("keras_seattn.commands")
    table = read("docs/commands.md")
    assert re.findall(r"^\| `keras-seattn (\w+)`", table, re.MULTILINE) == list(commands.COMMANDS)
    shown = {
        words[1]
        for page in PAGES
        for block in blocks(page, "bash")
        for words in lines(block)
        if words[0] == "keras-seattn"
    }
    assert shown == set(commands.COMMANDS)


def test_links_to_files():
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page}: {target}"


def test_the_rooms_are_as_the_picture_shows():
    picture = blocks(ROOT / "docs/development.md", "mermaid")[0].text
    below = collections.defaultdict(set)
    for upper, lower in re.findall(r"(\w+) --> (\w+)", picture):
        below[upper].add(lower)

    def reached(room, above=()):
        assert room not in above, f"{room} is below itself"
        return {room}.union(*(reached(lower, (*above, room)) for lower in below[room]))

    package = ROOT / "keras_seattn"
    rooms = {path.parent.name for path in package.glob("*/__init__.py")}
    for path in package.glob("*/**/*.py"):
        room = path.relative_to(package).parts[0]
        for imported in imports(path) & rooms:
            assert imported in reached(room), f"{path} imports {imported}"
    assert rooms <= set().union(*(reached(room) for room in list(below)))


def imports(path):
    """The rooms that a file imports."""
    modules = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            modules.update(f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            modules.update(alias.name for alias in node.names)
    return {name.split(".")[1] for name in modules if name.startswith("keras_seattn.")}
