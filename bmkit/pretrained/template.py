"""The chat template of a model: a text of Jinja that came with its weights, and is allowed to lay out a talk only."""

from typing import Any

from bmkit.data import DataError

__all__ = ["chat_template"]

MOST_LETTERS = 10_000
# Nothing here multiplies, calls, assigns or counts: what comes out grows with the talk and with the template only.
ALLOWED = {"Template", "Output", "TemplateData", "For", "If", "Name", "Const", "Getitem", "Getattr", "Compare"}
ALLOWED |= {"Operand", "Add", "Concat", "And", "Or", "Not"}


def chat_template(text: str) -> Any:
    """Compile a chat template, unless it does more than a talk needs.

    A sandbox keeps a template from reaching out of itself, but not from computing without end (`9 ** 9 ** 9`, loops in
    loops). Here each construct must be on a short list, and the only loop is the one over the messages.

    Args:
        text: Jinja source.

    Returns:
        The template; its `render` takes `messages` and `add_generation_prompt`.

    Raises:
        bmkit.data.DataError: the template is too long, damaged, or uses something else.

    Example:
        >>> template = chat_template("{% for message in messages %}<{{ message['content'] }}>{% endfor %}")
        >>> template.render(messages=[{"content": "hi"}, {"content": "there"}])
        '<hi><there>'

    Reference:
        Jinja, sandbox, https://jinja.palletsprojects.com/en/stable/sandbox/
    """
    from jinja2 import nodes
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    try:
        if len(text) > MOST_LETTERS:
            raise ValueError(f"it has more than {MOST_LETTERS:,} letters")
        for node in _every(environment.parse(text)):
            if type(node).__name__ not in ALLOWED:
                raise ValueError(f"it uses {type(node).__name__}")
            if isinstance(node, nodes.Getattr) and node.attr.startswith("_"):
                raise ValueError("it uses a private attribute")
            if isinstance(node, nodes.For):
                _check_loop(node, nodes)
        return environment.from_string(text)
    except Exception as error:  # parser and compiler fail in ways of their own
        raise DataError(
            f"the chat template of the model cannot be used ({type(error).__name__}: {ascii(str(error)[:200])[1:-1]}); "
            "one loop over the messages, conditions and sums of texts are allowed. Nothing of it was run."
        ) from error


def _every(node: Any) -> Any:
    """Yield a node and all below it."""
    yield node
    for child in node.iter_child_nodes():
        yield from _every(child)


def _check_loop(loop: Any, nodes: Any) -> None:
    """Refuse a loop over anything but the messages, and a loop within a loop."""
    over_messages = isinstance(loop.iter, nodes.Name) and loop.iter.name == "messages"
    if loop.recursive or not over_messages or next(loop.find_all(nodes.For), None):
        raise ValueError("it has a loop that is not one over the messages")
