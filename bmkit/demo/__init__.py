"""The learner's own input: a text, a picture or a sound goes to the chapter's function, and the answer stands below.

A chapter calls one of these in its cell *Your own input*; ``python3 -m bmkit demo NN`` opens the same cell alone.

>>> text(str.upper, ["A cat sleeps."])
Your text: A cat sleeps.
A CAT SLEEPS.
"""

from bmkit.demo.inputs import Refusal
from bmkit.demo.panel import Panel, collected, picture, sound, text

__all__ = ["Panel", "Refusal", "collected", "picture", "sound", "text"]
