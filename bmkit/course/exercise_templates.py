"""What `new exercise` writes: an exercise for bmkit/exercises, and its cells in the chapter."""

__all__ = ["BUILD", "BUILD_CELLS", "EXERCISES", "FUNCTION", "FUNCTION_CELLS", "QUESTION", "QUESTION_CELLS"]

BUILD = '''

def _«name»(factor):
    class Layer(keras.layers.Layer):
        def call(self, x):
            return factor * x  # WHAT THE LAYER DOES

    return Layer()


def _«name»_mistaken(factor):
    class Mistaken(keras.layers.Layer):
        def call(self, x):
            return factor + x  # WHAT IS OFTEN WRITTEN INSTEAD

    return Mistaken()


def _«name»_seen(layer) -> np.ndarray:
    """Apply the layer: what comes out tells which one it is."""
    return keras.ops.convert_to_numpy(layer(np.array([[1.0, -2.0, 3.0], [0.0, 0.5, 1.0]], "float32")))


«name» = Exercise(
    "ch«number».«name»",
    _«name»,
    [(0.5,), (3.0,), (-1.0,)],
    hints=["A NUDGE: WHICH CLASS TO DERIVE FROM.", "WHAT TO WRITE IN call, ALMOST."],
    mistakes=[(_«name»_mistaken, "WHAT WENT WRONG, AND WHAT TO DO, IN ONE SENTENCE.")],
    probe=_«name»_seen,
    tolerance=1e-5,
)
'''

BUILD_CELLS = """
# %% [markdown]
# ### Exercise «n» · WHAT TO BUILD, IN A FEW WORDS
#
# WHICH layer, from WHAT it is made, WHAT it does to an input of WHICH shape. *Ten minutes.*


# %%
def «name»(factor):
    ...


ch«number».«name».check(«name»)
"""

EXERCISES = '''\
"""Exercises of chapter «number», «title»."""

import numpy as np

from bmkit.backend import keras
from bmkit.check import Exercise, Question

__all__ = []
'''

FUNCTION = """

def _«name»(x):
    return x.sum(axis=-1)  # WHAT IS RIGHT: a function of bmkit.scratch, or a few lines


def _«name»_mistaken(x):
    return x.sum(axis=0)  # WHAT IS OFTEN WRITTEN INSTEAD


«name» = Exercise(
    "ch«number».«name»",
    _«name»,
    [(np.arange(6.0).reshape(2, 3),), (np.ones((4, 5)),), (np.array([[1.0, -2.0], [0.5, 3.0], [0.0, 1.0]]),)],
    hints=["A NUDGE: WHAT TO LOOK AT.", "WHAT TO WRITE, ALMOST."],
    mistakes=[(_«name»_mistaken, "WHAT WENT WRONG, AND WHAT TO DO, IN ONE SENTENCE.")],
)
"""

FUNCTION_CELLS = """
# %% [markdown]
# ### Exercise «n» · WHAT TO DO, IN A FEW WORDS
#
# WHAT goes in, WHAT comes out, of WHICH shape. *Easy, two minutes.* `ch«number».«name».hint()` gives a hint.


# %%
def «name»(x):
    ...


ch«number».«name».check(«name»)
"""

QUESTION = """

«name» = Question(
    "ch«number».«name»",
    3.0,
    why="WHY 3.0 IS RIGHT, IN ONE SENTENCE.",
    hints=["A NUDGE: WHAT TO LOOK AT.", "WHAT TO COMPUTE, ALMOST."],
    mistakes={2.0: "WHAT IS WRONG WITH THIS FREQUENT ANSWER."},
)
"""

QUESTION_CELLS = """
# %% [markdown]
# ### Exercise «n» · Predict, then run
#
# WHAT WILL HAPPEN? Decide before you compute. *One minute; expected: a number.*

# %%
«name» = ...
ch«number».«name».check(«name»)
"""
