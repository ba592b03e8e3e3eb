"""An executed notebook as one web page that asks for nothing from outside: formulas are MathML, not a script's work."""

from html import escape

from latex2mathml.converter import convert
from nbconvert import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath, MathInlineParser
from nbconvert.preprocessors import TagRemovePreprocessor

from bmkit.course.presenting import HIDDEN

__all__ = ["html"]


def html(notebook, *, present: bool = False) -> str:
    """Turn a notebook into a web page.

    Args:
        notebook: an `nbformat` notebook; text cells hold Markdown with formulas between dollars.
        present: whether the code of cells that only check or draw is left out, for the front of a class.

    Returns:
        The page, which browsers show without a network.
    """
    # Without these two addresses the page asks for nothing from outside.
    exporter = HTMLExporter(mathjax_url="", require_js_url="", filters={"markdown2html": _markdown})
    exporter.register_preprocessor(TagRemovePreprocessor(remove_input_tags={HIDDEN}), enabled=present)
    page, _ = exporter.from_notebook_node(notebook)
    return page


def _markdown(text: str) -> str:
    renderer = _MathML(escape=False)
    return MarkdownWithMath(renderer=renderer, inline=_Inline(hard_wrap=False)).render(text)


class _Inline(MathInlineParser):
    """Find formulas as nbconvert does, but take two prices for prices: Pandoc's rule for dollars.

    Reference:
        Pandoc, extension tex_math_dollars, https://pandoc.org/MANUAL.html#math
    """

    DOLLARS = r"(?<![$\\])\$(?![\s$])(?P<math_inline_tex>(?:[^$\\]|\\[\s\S])+?)(?<!\s)\$(?!\d)"
    SPECIFICATION = {**MathInlineParser.SPECIFICATION, "inline_math_tex": DOLLARS}  # noqa: RUF012 - as nbconvert has it


class _MathML(IPythonRenderer):
    """Write formulas as MathML. What is a formula the Markdown parser tells: not in code, not after a backslash."""

    def inline_math(self, body: str) -> str:
        return _formula(body, "inline")

    def block_math(self, body: str) -> str:
        return _formula(body, "block")

    def latex_environment(self, name: str, body: str) -> str:
        return _formula(rf"\begin{{{name}}}{body}\end{{{name}}}", "block")


def _formula(body: str, display: str) -> str:
    try:
        return convert(body, display=display)
    except Exception:  # each of the library's errors has a class of its own; a reader can still read the source
        return f"<code>{escape(body)}</code>"
