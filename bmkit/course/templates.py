"""What `new` writes: the form that every chapter, exercise and data set has, as plain text.

What stands in «…» is replaced by `new`; what is in CAPITALS is filled in by the author, and refused until then.
"""

import re

__all__ = [
    "CHAPTER",
    "IDEA",
    "SUMMARY",
    "unfilled",
]

# Each phrase in CAPITALS of the templates holds one of these words, and no finished text does.
MARK = re.compile(r"\b(ANSWER|AUTHOR|HOW|NUDGE|QUESTION|STATEMENT|TITLE|VERB|WHAT|WHERE|WHICH|WHY|YEAR)\b")

CHAPTER = """\
# %% [markdown]
# # «number» · «title»
#
# **After this you can** VERB, VERB and VERB
#
# **Time** 30 min to read, 60 min to teach, 30 s to run
#
# **Before** «before»
#
# **Data** digits (1,797 handwritten digits, CC BY 4.0)

# %%
from bmkit import data, plot, train
from bmkit.check import expect
from bmkit.exercises import ch«number»
import keras
import numpy as np
random = train.seed(0)

# %% [markdown]
# ## WHAT IS ASKED, IN FIVE WORDS
#
# WHY anybody needs this chapter, and WHAT they do without it. WHICH data we use, looked at before anything is computed:

# %%
pictures, labels = data.load("digits").arrays("train")  # (rows, 8, 8, 1), (rows,)
x = pictures.reshape(len(pictures), -1)  # (rows, 64)

# %%
titles = [str(label) for label in labels[:8]]
plot.show(plot.images(pictures[:8], titles))

# %% [markdown]
# *Figure. WHAT TO SEE, IN ONE LINE.*
# <details><summary>In words</summary>WHAT THE PICTURE SHOWS, FOR THOSE WHO CANNOT SEE IT.</details>
"""

IDEA = """
# %% [markdown]
# ## WHICH IDEA, IN FIVE WORDS («n»)
#
# WHY it is needed, before any formula; then WHAT we do about it.
#
# $$y = \\sum_i x_i$$
#
# * $x$ is WHAT, of shape (batch, features), in WHICH UNIT,
# * $y$ is WHAT, of shape (batch,).
#
# In NumPy, a shape where it changes:


# %%
def by_hand_«n»(x):
    return np.sum(x, axis=-1)  # (batch, features) → (batch,)


# %% [markdown]
# The same with Keras. WHY both must agree:

# %%
theirs = keras.ops.sum(x, axis=-1)
expect("Keras and WHAT BY HAND («n»)", theirs, equals=by_hand_«n»(x), tolerance=1e-4)

# %%
ink = by_hand_«n»(x)
expect("WHAT IS CLAIMED («n»)", ink.mean(), at_least=1)

# %%
figure, axes = plot.subplots()
axes.plot(labels, ink, ".")
axes.set(xlabel="WHAT (UNIT)", ylabel="WHAT (UNIT)")
plot.show(figure)

# %% [markdown]
# *Figure. WHAT TO SEE, IN ONE LINE.*
# <details><summary>In words</summary>WHAT THE PICTURE SHOWS, FOR THOSE WHO CANNOT SEE IT.</details>
"""

SUMMARY = """
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
# * AUTHOR (YEAR), TITLE. [WHERE](https://doi.org/)
# * AUTHOR (YEAR), TITLE. [WHERE](https://doi.org/)
# * AUTHOR (YEAR), TITLE. [WHERE](https://doi.org/)
"""


def unfilled(name: str, text: str) -> list[str]:
    """Find the CAPITALS of the templates that are still in a text.

    Args:
        name: of the file, for the sentence.
        text: what it holds.

    Returns:
        One sentence, or none.

    Example:
        >>> unfilled("47_x.py", "# **After this you can** VERB, VERB and run")
        ['47_x.py still has CAPITALS to fill in: line 1: # **After this you can** VERB, VERB and run']
        >>> unfilled("47_x.py", "An LSTM is no GRU.")
        []
    """
    lines = [f"line {n}: {line.strip()[:60]}" for n, line in enumerate(text.splitlines(), start=1) if MARK.search(line)]
    more = f" and {len(lines) - 3} more" if len(lines) > 3 else ""
    return [f"{name} still has CAPITALS to fill in: {'; '.join(lines[:3])}{more}"] if lines else []
