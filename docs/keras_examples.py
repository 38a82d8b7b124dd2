"""Shows docstrings as mkdocstrings expects them: a griffe extension, used when pages are built.

They end in `Example:` and lines of `>>>`, as Keras' own do, where griffe knows `Examples:` with the
lines indented. And those of the networks are put together when they are imported, as are their
arguments.
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
            builder = getattr(module, obj.name)
            obj.docstring.value = inspect.getdoc(builder)
            obj.parameters = griffe.Parameters(*map(_parameter, _parameters_of(builder)))
            obj.returns = "keras.Model"
        text, title, lines = obj.docstring.value.partition("\nExample:\n\n")
        if title:
            obj.docstring.value = f"{text}\nExamples:\n{textwrap.indent(lines, '    ')}"


def _parameters_of(function):
    return inspect.signature(function).parameters.values()


def _parameter(parameter):
    """What griffe would have read of a parameter."""
    return griffe.Parameter(
        parameter.name,
        kind=griffe.ParameterKind.positional_or_keyword,
        annotation=inspect.formatannotation(parameter.annotation),
        default=repr(parameter.default),
    )
