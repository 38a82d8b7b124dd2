"""Shows docstrings as mkdocstrings expects them: a griffe extension, used when pages are built.

They end in `Example:` and lines of `>>>`, as Keras' own do, where griffe knows `Examples:` with the
lines indented. And those of the networks are put together when they are imported.
"""

import importlib
import inspect
import textwrap

import griffe


class KerasExamples(griffe.Extension):
    """Turns the one into the other."""

    def on_object(self, *, obj, **_) -> None:
        if obj.docstring is None:
            return
        if "\n{arguments}\n" in obj.docstring.value:
            module = importlib.import_module(obj.module.path)
            obj.docstring.value = inspect.getdoc(getattr(module, obj.name))
        text, title, lines = obj.docstring.value.partition("\nExample:\n\n")
        if title:
            obj.docstring.value = f"{text}\nExamples:\n{textwrap.indent(lines, '    ')}"
