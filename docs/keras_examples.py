"""Shows examples in docstrings as mkdocstrings does: a griffe extension, used when pages are built.

Docstrings end in `Example:` and lines of `>>>`, as Keras' own do. Griffe knows `Examples:`, with
the lines indented.
"""

import textwrap

import griffe


class KerasExamples(griffe.Extension):
    """Turns the one into the other."""

    def on_object(self, *, obj, **_):
        if obj.docstring:
            text, title, lines = obj.docstring.value.partition("\nExample:\n\n")
            if title:
                obj.docstring.value = f"{text}\nExamples:\n{textwrap.indent(lines, '    ')}"
