# %% [markdown]
# # 00 · Start here
#
# **After this you can** run a chapter and check your answers in it, train a first network on real handwritten digits, judge it against a baseline, and find your way through the course
#
# **Time** 25 min to read, 45 min to teach, 15 s to run
#
# **Before** nothing but a little Python
#
# **Data** digits (1,797 handwritten digits of 8×8 pixels, CC BY 4.0)

# %%
from bmkit import data, diagrams, models, plot, scratch, train
from bmkit.check import expect
from bmkit.exercises import ch00
import keras
import numpy as np
keras.utils.set_random_seed(0)
train.seed(0)

# %% [markdown]
# ## What this is
#
# This course teaches you to build applications with large AI models, from the first *neuron* to a *language model* that
# answers questions about these very chapters. Everything runs on one laptop without a graphics card, and after the
# set-up without a
# network. Nearly all data are real, and a chapter says so where they are not. (The map below shows which chapters are
# ready and which are planned.)
#
# You are reading a *notebook*: text and code in turn. Click on a code cell and press **Shift+Enter**: the cell runs, its result
# appears below it, and the next cell is selected. Run them in order from the top, because later cells use what earlier ones
# made. If you get lost, choose *Run → Restart Kernel and Run All Cells*. This copy is yours: change anything and see what
# happens.
#
# The cell above loads what the chapter needs. Its last two lines do the same: they start all random numbers at a fixed place, so that
# every run draws the same ones. The first is Keras; the second is short for it, and every chapter begins with it.
#
# Now a look at your machine. `✓` is good and `·` only tells; any other line says what to do.

# %%
from bmkit.course import doctor

print(*doctor.summary(), sep="\n")

# %% [markdown]
# What is printed in `(here: …)` depends on the machine and may differ on yours. Every other printed line is the same on
# every machine. This is tested: each notebook is run again and again. Pictures and tables of trained networks may
# differ in detail.
#
# ## First, look at the data
#
# The "hello, world" of machine learning is reading handwritten digits. Before any model, look at what it will get.

# %%
digits = data.load("digits")
pictures, labels = digits.arrays("train")
print(data.describe("digits"))
titles = [str(label) for label in labels[:16]]
plot.show(plot.images(pictures[:16], titles, columns=8, vmin=0, vmax=1))

# %% [markdown]
# *Figure. Sixteen digits as the model gets them: 8×8 pixels, ink drawn white, and above each what its writer meant.*
# <details><summary>In words</summary>Two rows of eight small, coarse grey pictures of digits. Most are easy to read for a
# person, a few are not.</details><br>
#
# The data are split into three sets. The model learns from the **training** set. We watch it on the **validation** set
# while we try things out. The **test** set stays closed until the very end, because whatever we looked at while
# deciding can no longer surprise us.
#
# To a computer a picture is an array of numbers, from 0 for paper to 1 for full ink. Here is one digit, times 9 and
# rounded so that you can read it:

# %%
first = pictures[0]
print("one picture has shape", first.shape, "and is a", labels[0])
figures = (9 * first[:, :, 0]).round()  # one figure a pixel, for the eye
print(figures.astype(int))

# %% [markdown]
# ### Exercise 1 · Predict, then run
#
# Exercises look like this: a task, and a cell that runs as it stands. Run it first; it will say `○ not attempted`. Then replace
# the `...` and run it again. A wrong answer gets a reason, not just a cross. `ch00.numbers.hint()` in a new cell gives
# a hint, `ch00.numbers.solution()` the answer.
#
# A network reads pictures in groups, called *batches*. **How many numbers are in a batch of 32 such pictures?** *One
# minute; expected: an integer.*

# %%
numbers = ...
ch00.numbers.check(numbers)

# %% [markdown]
# ## What would knowing nothing achieve?
#
# A result means nothing until it is compared with something. Two **baselines** cost almost no work:
#
# * always answer with the most frequent digit,
# * average all training pictures of each digit, and answer with the digit whose average is nearest.
#
# The second is a real, if simple, model. Guess how many of 100 unseen digits it gets right.

# %%
averages = []
for digit in range(10):
    averages.append(pictures[labels == digit].mean(axis=0))  # (8, 8, 1)
titles = [str(digit) for digit in range(10)]
plot.show(plot.images(averages, titles, columns=10, vmin=0, vmax=1))

# %% [markdown]
# *Figure. The average of all training pictures of each digit: blurred, some to a smear, but no two alike.*
# <details><summary>In words</summary>Ten soft grey pictures, one for each digit from 0 to 9; 0, 3 and 6 are easy to read, 1 and
# 8 are hardly more than a pale column.</details>


# %%
def nearest_average(pictures):
    answers = []
    for picture in pictures:
        distances = [np.sum((picture - average) ** 2) for average in averages]
        answers.append(np.argmin(distances))
    return np.array(answers)


seen, truth = digits.arrays("validation")
answers = nearest_average(seen)
nearest = np.mean(answers == truth)
favourite = np.bincount(labels).argmax()  # the digit that is most frequent in training
most_frequent = np.mean(truth == favourite)
reference = scratch.nearest_average(pictures, labels, seen)
expect("bmkit.scratch", reference, equals=answers)
expect("most frequent digit, share right", most_frequent, at_most=0.12)
expect("nearest average, share right", nearest, at_least=0.85, at_most=0.95)

# %% [markdown]
# About nine out of ten, with hardly any learning! To report "90 % right" for a network on these data is to report
# nothing. Make this comparison a habit; every chapter makes it.
#
# ### Exercise 2 · Write your own ruler
#
# The share of right answers is called **accuracy**. Write `accuracy(y_true, y_pred)` for two arrays of class numbers. *Easy,
# three minutes; expected: one number from 0 to 1.*


# %%
def accuracy(y_true, y_pred):
    ...


ch00.accuracy.check(accuracy)

# %% [markdown]
# ## A first network
#
# A network is a function with many adjustable numbers, its **parameters**. Ours has two layers. The first computes 32 weighted
# sums of all 64 pixels and sets negative ones to zero. The second computes 10 weighted sums of those 32, one score for
# each digit:
#
# $$h = \max(0,\; x W_1 + b_1), \qquad z = h W_2 + b_2$$
#
# * $x$ holds the 64 pixels, $h$ the 32 hidden values, $z$ the 10 scores; the largest score wins,
# * $W_1$ ($64\times32$), $b_1$ (32), $W_2$ ($32\times10$) and $b_2$ (10) are the parameters that training adjusts.
#
# In Keras a network is a list of layers. `models.mlp` is short for exactly this list:

# %%
network = keras.Sequential(
    [
        keras.Input((8, 8, 1)),
        keras.layers.Flatten(),  # 8×8 pixels become 64 numbers in a row
        keras.layers.Dense(32, activation="relu"),  # 32 weighted sums, none negative
        keras.layers.Dense(10),  # 10 weighted sums, the scores
    ]
)
in_short = models.mlp((8, 8, 1), 10, hidden_units=(32,))
in_short.set_weights(network.get_weights())
scores = network(pictures[:5])
expect("models.mlp", in_short(pictures[:5]), equals=scores, tolerance=1e-6)

# %% [markdown]
# You can compute it in two lines of NumPy, and Keras gives the same numbers:

# %%
w1, b1, w2, b2 = network.get_weights()
x = pictures[:5].reshape(5, 64)
hidden = np.maximum(0, x @ w1 + b1)  # (5, 32)
scores = hidden @ w2 + b2  # (5, 10)
theirs = network(pictures[:5])
counted = 64 * 32 + 32 + 32 * 10 + 10
expect("NumPy and Keras", scores, equals=theirs, tolerance=1e-5)
expect("parameters", network.count_params(), equals=counted)

# %%
shares = []
for start in range(20):
    untrained = models.mlp((8, 8, 1), 10, hidden_units=(32,))  # other random parameters
    answers = np.argmax(untrained(seen), axis=1)
    shares.append(np.mean(answers == truth))
untrained_share = np.mean(shares)
expect("20 untrained networks, mean", untrained_share, at_least=0.05, at_most=0.15)

# %% [markdown]
# Untrained networks are, on average, no better than guessing one of ten, because their parameters are random.
# **Training** shows it pictures in small batches and
# changes every parameter a little, in the direction that makes the **loss** smaller, the number that says how wrong the
# network is ([chapter 04](04_loss_functions.ipynb)). One pass over all training pictures is an *epoch*. Keras takes two
# steps: say how to train (`compile`), then train (`fit`). Here is one epoch:

# %%
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
network.compile(keras.optimizers.Adam(0.003), loss, metrics=["accuracy"])
network.set_weights([w1, b1, w2, b2])  # begin untrained, when run again too
how = {"epochs": 1, "shuffle": False, "verbose": 0}  # the pipeline shuffles by itself
network.fit(digits.train, validation_data=digits.validation, **how)
measured = network.evaluate(digits.validation, verbose=0, return_dict=True)
after_one = measured["accuracy"]
expect("share right after one epoch", after_one, at_least=0.3)

# %% [markdown]
# For the other epochs we write `train.fit`. It calls `fit` as above, and adds two things: you see the loss while it runs, and at the
# end the network gets back the parameters of its best epoch, the one with the lowest loss on validation data.

# %%
network.set_weights([w1, b1, w2, b2])  # from the start again
optimizer = keras.optimizers.Adam(0.003)  # a new one, for Adam remembers its steps
network.compile(optimizer, loss, metrics=["accuracy"])
history = train.fit(network, digits.train, digits.validation, epochs=25)
gain = history["val_loss"][0] / min(history["val_loss"])
expect("validation loss, first over lowest", gain, at_least=2)

# %%
figure = plot.history({"network": history}, "accuracy", unit="share right")
figure.axes[0].axhline(nearest, color="black", lw=0.8)
figure.axes[0].annotate("nearest average", (13, nearest - 0.05), fontsize=9)
plot.show(figure)

# %% [markdown]
# *Figure. Within a few epochs the network passes the baseline, also on digits that it was not trained on.*
# <details><summary>In words</summary>Accuracy over 25 epochs, training dashed and validation solid. Both rise steeply, cross the
# thin line of the nearest-average baseline, and level off close to 1.</details><br>
#
# Now, once, the test data. `expect` is how this course makes claims: it measures, compares with a bound, and stops the notebook if
# the claim does not hold.

# %%
x_test, y_test = digits.arrays("test")
measured = network.evaluate(digits.test, verbose=0, return_dict=True)
test_accuracy = measured["accuracy"]
in_short = train.evaluate(network, digits.test)["accuracy"]
off = in_short - test_accuracy
expect("train.evaluate minus evaluate", off, equals=0, tolerance=1e-6)
baseline = np.mean(nearest_average(x_test) == y_test)
expect("test accuracy of the network", test_accuracy, at_least=0.94)
expect("its lead over the nearest average", test_accuracy - baseline, at_least=0.03)

# %% [markdown]
# ### Which digits does it mix up?
#
# One number hides a lot. This table, the **confusion matrix**, counts what the network read for each true digit. A
# perfect network would have all its counts on the diagonal.

# %%
predicted = np.argmax(network.predict(x_test, verbose=0), axis=1)
table = np.zeros((10, 10), dtype=int)
np.add.at(table, (y_test, predicted), 1)  # +1 at [true, read] for each
reference = scratch.confusion_matrix(y_test, predicted, 10)
expect("bmkit.scratch", reference, equals=table)
on_diagonal = np.trace(table) / table.sum()
off = on_diagonal - test_accuracy
expect("share on the diagonal minus test accuracy", off, equals=0, tolerance=1e-6)

# %%
axis_names = {"xlabel": "what the network read", "ylabel": "true digit"}
plot.show(plot.matrix(table, titles, titles, **axis_names))

# %% [markdown]
# *Figure. Almost all counts lie on the diagonal; the few others show which digits look alike to the network.*
# <details><summary>In words</summary>A table of ten rows and ten columns. The fields on the diagonal are dark;
# off the diagonal there are only a few small counts.</details><br>
#
# ### Draw your own
#
# Now it is your network. Change the drawing below: `#` is ink, `+` is half ink, `.` is paper. Run the cell and see what the
# network reads. Can you draw a digit that you can read and it cannot?
#
# The ten scores become probabilities by **softmax**: *e* to the power of each score, divided by the sum of all ten.

# %%
drawing = """
..+##+..
.+#..#+.
.#+..+#.
.#....#.
.#....#.
.#+..+#.
.+#..#+.
..+##+..
"""
marks = np.array([list(line) for line in drawing.split()])  # (8, 8)
ink = 1.0 * (marks == "#") + 0.5 * (marks == "+")
scores = np.array(network(ink.reshape(1, 8, 8, 1)))
powers = np.exp(scores - scores.max())  # less the largest: nothing overflows
probabilities = powers[0] / powers.sum()
in_short = scratch.softmax(scores)[0]
expect("bmkit.scratch", in_short, equals=probabilities, tolerance=1e-6)
read = probabilities.argmax()
print(f"the network reads (here: {read}, with probability {probabilities[read]:.2f})")

# %% [markdown]
# ### Exercise 3 · Predict, then run
#
# Hand the network a picture that is no digit at all: pure noise. A function called *softmax* ([chapter
# 04](04_loss_functions.ipynb)) turns its ten scores into probabilities that add up to 1. **Can it answer "none of
# these"?** Write `"yes"` or `"no"`. *One minute.*

# %%
can_refuse = ...
ch00.can_refuse.check(can_refuse)

# %%
noise = np.random.default_rng(0).uniform(size=(1000, 8, 8, 1))
probabilities = scratch.softmax(network.predict(noise, verbose=0))
surest = probabilities.max(axis=1)
figure, axes = plot.subplots(figsize=(6.4, 2.4))
axes.hist(surest, bins=20, range=(0, 1), color=plot.COLORS[4], edgecolor="black")
axes.set(xlabel="probability of the digit it names", ylabel="pictures of noise")
plot.show(figure)

# %% [markdown]
# *Figure. Shown nothing but noise, the network names a digit, and most of the time gives it more than one half.*
# <details><summary>In words</summary>A histogram of the highest probability for 1,000 pictures of noise. Most of the
# bars lie to the right of one half.</details>

# %%
sure = np.mean(surest > 0.5)
expect("share of noise named with more than 0.5", sure, at_least=0.5)

# %% [markdown]
# It never learned that there is anything but digits. Real applications must deal with that; much of Part V of this course (planned) will be
# about it.
#
# ## The map
#
# The chapters build on each other, but not in one line. Filled boxes are ready, the others are planned. Behind the arrow
# in each box stand the chapters to read before it.

# %%
from bmkit.course import chapters

plot.show(diagrams.course_map(chapters.chapters()))

# %% [markdown]
# *Figure. The course: eight parts from left to right, in each box the chapters that come before it.*
# <details><summary>In words</summary>Nine columns of boxes, one box for each chapter: Concepts, Formulas, The six steps, Algorithms,
# Applications (two columns), Tools, Challenges and trends, Frequent questions. The README lists all chapters with links.</details><br>
#
# How every chapter goes: first *why*, then the **formula** with every symbol named, then **NumPy** in a few lines, then the same in
# **Keras** and a check that both agree, a **picture**, and an **exercise**. When a cell asks you to guess, do guess.
# Being wrong before you look helps you to remember.
#
# ## Summary
#
# * A notebook runs from top to bottom with Shift+Enter; `✓`, `✗` and `○` are its three verdicts.
# * Data are split into three sets: training, validation, and a test set that is opened once.
# * A network is a function with parameters; training adjusts them to make a loss smaller.
# * Every result is compared with a baseline, and claims are checked by `expect`.
#
# **Ask yourself**
#
# <details><summary>A model has 97 % accuracy. Is it good?</summary>You cannot know without a baseline. If 97 % of the examples
# belong to one class, it may have learned nothing.</details>
# <details><summary>Why not judge the network on the pictures it was trained on?</summary>It may have memorised them. What we want
# to know is how it does on pictures it has never seen.</details>
# <details><summary>You ran a cell in the middle and got a NameError. What happened?</summary>The cell that defines that name has
# not run in this session. Run the cells above it first.</details><br>
#
# **Next** [01 · Neural networks](01_neural_networks.ipynb), what the two layers of this chapter really compute. In a hurry?
# [04 · Loss functions](04_loss_functions.ipynb) needs nothing but this chapter.
#
# **References**
#
# * E. Alpaydin, C. Kaynak (1998), Optical recognition of handwritten digits, UCI Machine Learning Repository.
#   [doi](https://doi.org/10.24432/C50P49)
# * D. E. Rumelhart, G. E. Hinton, R. J. Williams (1986), Learning representations by back-propagating errors.
#   [doi](https://doi.org/10.1038/323533a0)
# * F. Chollet (2021), *Deep Learning with Python*, second edition, chapter 2.
#   [Publisher](https://www.manning.com/books/deep-learning-with-python-second-edition)
