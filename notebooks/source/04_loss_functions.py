# %% [markdown]
# # 04 · Loss functions
#
# **After this you can** choose the loss that fits a task, write it in NumPy and in Keras, derive its gradient, explain why softmax and cross-entropy are fused, and recognise three ways in which a loss goes wrong without an error
#
# **Time** 40 min to read, 75 min to teach, 25 s to run
#
# **Before** [00 · Start here](00_start_here.ipynb)
#
# **Data** insteval (73,421 ratings of university lecturers, GPL-2 or later), small_fine_foods (4,969 food reviews, MIT), digits (1,797 handwritten digits, CC BY 4.0)

# %%
from bmkit import data, plot, scratch, train
from bmkit.check import expect
from bmkit.exercises import ch04
import keras
import numpy as np
train.seed(0)

# %% [markdown]
# ## One number for "how wrong"
#
# A model makes predictions; some are close, some are far off. To improve it, a computer must decide between two settings of
# the model's parameters, and for that it needs *one* number: the **loss**. Training is nothing but walking downhill on that
# number. So whoever picks the loss decides what the model will care about. A model trained on the wrong loss is not a bad
# model. It is a good model of the wrong wish.
#
# We start with the simplest wish: *be close to a number*. Students of a Swiss university rated their lecturers from 1 to 5.
# Suppose you may give one single guess for all of them. Any guess misses most ratings. How do we add the misses up? If we
# simply added the differences, +1 and −1 would cancel and a wild guess could score zero. **Squaring** makes every miss
# count. Draw each miss as a square, and the loss is the average area.

# %%
_, ratings = data.load("insteval").arrays("train")
guess, five = 2.5, np.array([1.0, 2.0, 4.0, 4.0, 5.0])
places, misses = np.array([0, 1.3, 2.6, 4.4, 6.7]), five - guess
figure, (left, right) = plot.subplots(1, 2, figsize=(7.2, 3.2), width_ratios=(2, 3))
left.bar(*np.unique(ratings, return_counts=True), color=plot.COLORS[4], edgecolor="black")
left.set(xlabel="rating", ylabel="number of ratings", title="all ratings", xticks=range(1, 6))
right.bar(places, misses, bottom=guess, width=abs(misses), color=plot.COLORS[4], edgecolor="black")
right.plot(places, five, "o", color="black", label="ratings")
right.axhline(guess, color=plot.COLORS[3], label="the guess")
right.set(xlabel="five students", ylabel="rating", xticks=[], aspect="equal", title="five misses")
right.legend(loc="lower right", fontsize=9)
plot.show(figure)

# %% [markdown]
# *Figure. All five ratings are frequent, so no guess can suit everyone. On the right each miss is a square: the farthest
# rating weighs by far the most.*
# <details><summary>In words</summary>Left, a bar chart of ratings 1 to 5 with bars of similar height. Right, five ratings 1,
# 2, 4, 4 and 5 around a horizontal line at 2.5; from each rating a square reaches to the line, and the square of rating 5 is
# the largest.</details><br>
#
# ### The formula: mean squared error
#
# $$\mathrm{MSE}(y, \hat y) \;=\; \frac{1}{n}\sum_{i=1}^{n} (\hat y_i - y_i)^2$$
#
# * $n$ is the number of examples and $i$ counts them,
# * $y_i$ is what was true and $\hat y_i$ ("y hat") what the model said, both in the same unit,
# * the result is in that unit *squared*, and it is 0 only if every prediction is exact.
#
# In NumPy, `mean` runs over the only axis. Never trust a formula that was written only once: `expect` compares ours with the
# kit's reference and with Keras, and stops the notebook if a claim does not hold.


# %%
def mean_squared_error(y_true, y_pred):
    return np.mean((y_pred - y_true) ** 2)  # (n,) and (n,) → one number


print("areas:", misses**2, " mean area:", mean_squared_error(five, np.full(5, guess)))
guesses = np.full_like(ratings, guess)
ours = mean_squared_error(ratings, guesses)
expect("bmkit.scratch", scratch.mean_squared_error(ratings, guesses), equals=ours, tolerance=1e-5)
expect("Keras", keras.losses.MeanSquaredError()(ratings, guesses), equals=ours, tolerance=1e-5)

# %% [markdown]
# ### Exercise 1 · Write it yourself
#
# Write `mse` without looking up: two arrays of the same shape go in, one number comes out. *Easy, two minutes.* Run the cell
# as it is first: it says "not attempted". `ch04.mse.hint()` gives a hint, a second call a stronger one, and
# `ch04.mse.solution()` prints the reference.


# %%
def mse(y_true, y_pred):
    ...


ch04.mse.check(mse)

# %% [markdown]
# ### Exercise 2 · Predict, then run
#
# Four ratings: 1, 1, 1 and 5. You may give one guess $c$ for all four. **Which $c$ has the lowest mean squared error?**
# Decide before you compute: 1, like most of them? 3, halfway? Something else? *One minute; expected: a number.*

# %%
best_guess = ...
ch04.best_guess.check(best_guess)

# %% [markdown]
# ### What a loss asks for
#
# Now let the real ratings answer. We try every guess between 1 and 5 and draw the loss of each: once for squared misses and,
# as a rival, once for plain distances $|\hat y_i - y_i|$, the *mean absolute error*.

# %%
tried = np.linspace(1, 5, 161)  # steps of 0.025
squared = np.array([np.mean((ratings - c) ** 2) for c in tried])
absolute = np.array([np.mean(np.abs(ratings - c)) for c in tried])
figure, axes = plot.subplots(figsize=(6.4, 3.0))
for losses, name in ((squared, "squared (MSE)"), (absolute, "absolute (MAE)")):
    line = axes.plot(tried, losses, label=name)[0]
    axes.plot(tried[losses.argmin()], losses.min(), "o", color=line.get_color(), ms=9)
axes.set(xlabel="the one guess for all ratings", ylabel="loss (rating², rating)")
axes.legend()
plot.show(figure)
mean, median = ratings.mean(), np.median(ratings)
expect("best squared guess, distance to the mean", abs(tried[squared.argmin()] - mean), at_most=0.0126)
expect("best absolute guess and median", tried[absolute.argmin()], equals=median, tolerance=1e-9)
expect("lowest squared loss minus the variance", squared.min() - ratings.var(), at_most=2e-4)

# %% [markdown]
# *Figure. Each loss has its own best guess (the dots): squared misses lead to the mean, plain distances to the median.*
# <details><summary>In words</summary>Two valley-shaped curves over guesses from 1 to 5. The squared loss is a smooth parabola
# that is lowest a little above 3; the absolute loss is made of straight pieces with a corner at 3.</details><br>
#
# This is worth a pause. The data did not change, only the loss did, and the best prediction moved. Squaring asks for the
# **mean**, absolute distance for the **median**. And at its lowest point the squared loss *is* the variance of the ratings.
# That is what knowing nothing costs: the **baseline** that every model of these ratings has to beat.
#
# ### Silent failure 1: the stray axis
#
# A Keras model with one output returns shape `(n, 1)`, while targets often have shape `(n,)`. NumPy does not complain. It
# *broadcasts*: every prediction is compared with every target, $n^2$ pairs instead of $n$. Here is a model that predicts
# **perfectly**, and its loss by the broken formula. What do you expect to see?

# %%
few = ratings[:1000].astype(float)
perfect = few[:, np.newaxis]  # (n,) → (n, 1), as a model would return it
print(perfect.shape, "minus", few.shape, "gives", (perfect - few).shape)
broken = mean_squared_error(few, perfect)
expect("loss of a perfect model, computed wrongly", broken, at_least=2.0)
expect("that loss minus twice the variance", abs(broken - 2 * few.var()), at_most=1e-9)
try:
    scratch.mean_squared_error(few, perfect)
except ValueError as error:
    print("bmkit.scratch refuses:", error)

# %% [markdown]
# Not zero, but exactly twice the variance, because the broken formula averages the squared difference of two ratings drawn
# at random. No error was raised, and training on it would teach the model to ignore its input. So compare shapes first.
#
# ### Which way is down? The gradient of the MSE
#
# To improve a prediction we must know how the loss changes when $\hat y_i$ moves a little. Only one term of the sum contains
# $\hat y_i$, and the derivative of a square is twice its inside:
#
# $$\frac{\partial\,\mathrm{MSE}}{\partial \hat y_i} = \frac{2}{n}\,(\hat y_i - y_i)$$
#
# Far-off predictions are pulled hard, close ones gently. A derivative found on paper is checked by **finite differences**:
# nudge one number by a tiny $h$ both ways and see how much the loss changes.


# %%
def numerical_gradient(loss, at, h=1e-6):
    gradient = np.zeros_like(at)
    for index in np.ndindex(at.shape):
        step = np.zeros_like(at)
        step[index] = h
        gradient[index] = (loss(at + step) - loss(at - step)) / (2 * h)
    return gradient


start = np.full(5, guess)
by_hand = 2 * (start - five) / 5
measured = numerical_gradient(lambda y_pred: mean_squared_error(five, y_pred), start)
print("by hand:", by_hand)
expect("by hand and by finite differences", measured, equals=by_hand, tolerance=1e-8)
again = scratch.numerical_gradient(lambda y_pred: mean_squared_error(five, y_pred), start)
expect("finite differences, bmkit.scratch", again, equals=measured, tolerance=1e-8)

# %% [markdown]
# ## Yes or no: the price of surprise
#
# Many answers are verdicts: did this customer like the food? A good model says *how sure* it is: a probability $p$ that the
# answer is yes. What should a forecast of 0.9 cost if the answer is yes? Little. And if it is no? Much, and the surer the
# forecast, the more. The fair price is the **surprise** $-\log p$, where $p$ is the probability that was given to *what then
# happened*. It is 0 for a certainty that comes true and has no upper limit for a certainty that fails.

# %%
p = np.linspace(0.001, 1, 400)
figure, axes = plot.subplots(figsize=(6.4, 3.0))
axes.plot(p, -np.log(p), label="surprise  −log p")
axes.plot(p, (1 - p) ** 2, label="squared miss  (1 − p)²")
axes.set(xlabel="probability given to what then happened", ylabel="price", ylim=(0, 5))
axes.legend()
plot.show(figure)
print("surprise at p = 0.5, 0.1, 0.01:", -np.log([0.5, 0.1, 0.01]).round(2), "nats")

# %% [markdown]
# *Figure. To be sure and wrong (far left) costs without limit under surprise, but never more than 1 under the squared miss.*
# <details><summary>In words</summary>Two falling curves over the probability from 0 to 1; both reach 0 at probability 1.
# Towards 0 the surprise climbs out of the picture, while the squared miss levels off at 1.</details><br>
#
# ### The formula: binary cross-entropy
#
# $$\mathrm{BCE}(y, p) = -\frac1n\sum_{i=1}^{n}\Big[\,y_i\log p_i + (1-y_i)\log(1-p_i)\,\Big]$$
#
# * $y_i$ is 1 for yes and 0 for no, so exactly one of the two terms is alive,
# * $p_i$ is the forecast probability of *yes*, $1-p_i$ that of *no*,
# * the unit is the **nat**; divide by $\log 2$ for bits.
#
# The code keeps $p$ a little away from 0 and 1, where the logarithm has no end. Remember that clip: it will bite us soon.


# %%
def binary_cross_entropy(y_true, p, epsilon=1e-7):
    p = np.clip(p, epsilon, 1 - epsilon)
    return -np.mean(y_true * np.log(p) + (1 - y_true) * np.log(1 - p))


y, forecast = np.array([1.0, 0.0, 1.0]), np.array([0.9, 0.2, 0.4])
ours = binary_cross_entropy(y, forecast)
print("surprises:", -np.log([0.9, 0.8, 0.4]).round(3), " mean:", ours.round(3))
expect("bmkit.scratch", scratch.binary_cross_entropy(y, forecast), equals=ours, tolerance=1e-12)
expect("Keras", keras.losses.BinaryCrossentropy()(y, forecast), equals=ours, tolerance=1e-6)

# %% [markdown]
# ### What does knowing nothing cost?
#
# Before a model reads a single review, one forecast is always possible: the same probability for every review. Squares asked
# for the mean. What does surprise ask for? We try all constants on the labels of real food reviews (1 = the customer gave
# the top rating).

# %%
_, great = data.load("small_fine_foods").arrays("train")
tried = np.linspace(0.01, 0.99, 99)  # steps of 0.01
price = np.array([binary_cross_entropy(great, np.full(len(great), c)) for c in tried])
q = great.mean()
entropy = -q * np.log(q) - (1 - q) * np.log(1 - q)
figure, axes = plot.subplots(figsize=(6.4, 2.8))
axes.plot(tried, price)
axes.axvline(q, color=plot.COLORS[1], ls="--")
axes.annotate("share of great reviews", (q - 0.01, 1.8), ha="right")
axes.set(xlabel="one probability for all reviews", ylabel="cross-entropy (nats)", ylim=(0.5, 2))
plot.show(figure)
expect("cheapest constant, distance to the share", abs(tried[price.argmin()] - q), at_most=0.0051)
expect("its price above the entropy, nats", price.min() - entropy, at_least=0, at_most=1e-4)
expect("entropy of these labels, nats", entropy, at_least=0.63, at_most=0.66)

# %% [markdown]
# *Figure. The cheapest constant forecast is the honest one, the share of reviews that really are great.*
# <details><summary>In words</summary>A valley-shaped curve of cross-entropy over one constant probability. It is lowest where a
# dashed vertical line marks the share of great reviews, at about two thirds.</details><br>
#
# The loss rewards honesty: claiming more or less than the true share costs more. Its lowest value is the **entropy** of the
# labels, $H = -q\log q-(1-q)\log(1-q)$ with $q$ the share of yes. A classifier whose loss is not below $H$ has learned
# nothing, whatever its accuracy looks like.
#
# ## From scores to probabilities: the logit
#
# A network's last layer adds up products, and a sum can be any number. It cannot be a probability. So the network produces a
# free **logit** $z$, and the sigmoid squashes it:
#
# $$p = \sigma(z) = \frac{1}{1+e^{-z}} \qquad\Longleftrightarrow\qquad z = \log\frac{p}{1-p}$$
#
# $z$ is the logarithm of the odds: $z=0$ means even odds. The obvious way to the loss is sigmoid first, logarithm second.
# Networks calculate with 32-bit numbers. Look at what a confident mistake costs then ($y=0$, large $z$):

# %%
z = np.array([5, 15, 17, 20, 100], dtype="float32")
p = 1 / (1 + np.exp(-z))
with np.errstate(divide="ignore"):
    naive = -np.log(1 - p)
print("logit     ", z)
print("naive loss", naive.round(1))
print("true loss ", np.logaddexp(0, z.astype(float)).round(1))

# %% [markdown]
# ### Silent failure 2: the clip
#
# At $z=17$ the sigmoid is so close to 1 that a 32-bit number *is* 1. Then $1-p=0$ and the loss is infinite: one such example
# fills a network with `nan`. Keras clips $p$ to prevent that, and thereby makes the loss **flat** beyond $z\approx16$: the
# worse the mistake, the less the model is told about it. The way out is algebra. Write the loss in $z$, and simplify first:
#
# $$-y\log\sigma(z)-(1-y)\log(1-\sigma(z)) \;=\; \log(1+e^{z})-zy \;=\; \max(z,0) - zy + \log\!\big(1+e^{-|z|}\big)$$
#
# The first step uses $\log\sigma(z) = z-\log(1+e^{z})$ and $\log(1-\sigma(z)) = -\log(1+e^{z})$. The second pulls the large part
# out of the exponential, so that $e^{-|z|}$ lies between 0 and 1 and cannot overflow.

# %%
z = np.linspace(-5, 40, 226, dtype="float32")[:, np.newaxis]
no = np.zeros_like(z)
clipped = np.array(keras.losses.BinaryCrossentropy(reduction=None)(no, 1 / (1 + np.exp(-z))))
fused = np.array(keras.losses.BinaryCrossentropy(from_logits=True, reduction=None)(no, z))
figure, axes = plot.subplots(figsize=(6.4, 2.8))
axes.plot(z, clipped, label="sigmoid, clip, logarithm")
axes.plot(z, fused, label="straight from the logit")
axes.set(xlabel="logit z, when the truth is no", ylabel="cross-entropy (nats)")
axes.legend()
plot.show(figure)
expect("loss at z = 40 by way of the probability", clipped[-1], at_least=15, at_most=17)
expect("loss at z = 40 straight from the logit", fused[-1], equals=40, tolerance=1e-3)
by_hand = scratch.binary_cross_entropy_from_logits([0.0], [40.0])
expect("loss at z = 40 by bmkit.scratch", by_hand, equals=40, tolerance=1e-9)

# %% [markdown]
# *Figure. Clipping hides how wrong a confident mistake is: beyond a logit of 16 its loss no longer grows.*
# <details><summary>In words</summary>Two curves rise together until the logit reaches 16. From there the clipped one stays
# flat, while the fused one goes on in a straight line up to 40.</details><br>
#
# This is why every model in this course ends in **logits** and every loss says `from_logits=True`.
#
# ### Its gradient is the miss itself
#
# Differentiate $\log(1+e^{z})-zy$: the first term gives $e^z/(1+e^z)=\sigma(z)$, the second $-y$. What remains is the forecast
# minus the truth:
#
# $$\frac{\partial\,\mathrm{BCE}}{\partial z} = \sigma(z) - y$$
#
# The *squared* miss of the same probability brings one more factor from the chain rule, $\sigma'(z)=\sigma(z)(1-\sigma(z))$, and
# that factor is almost 0 exactly where the model is sure. Which of the two would you rather learn from?

# %%
z = np.linspace(-10, 10, 201)
sigma = scratch.sigmoid(z)
slopes = {"cross-entropy": sigma - 1, "squared miss": 2 * (sigma - 1) * sigma * (1 - sigma)}
figure, axes = plot.subplots(figsize=(6.4, 2.8))
for name, slope in slopes.items():
    axes.plot(z, slope, label=name)
axes.set(xlabel="logit z, when the truth is yes", ylabel="slope of the loss")
axes.legend(loc="lower right")
plot.show(figure)
expect("pull of cross-entropy at z = −10", abs(slopes["cross-entropy"][0]), at_least=0.999)
expect("pull of the squared miss at z = −10", abs(slopes["squared miss"][0]), at_most=0.001)
always = np.ones(201)
measured = numerical_gradient(lambda z: scratch.binary_cross_entropy_from_logits(always, z), z) * 201
expect("slope by finite differences", measured, equals=slopes["cross-entropy"], tolerance=1e-6)

# %% [markdown]
# *Figure. Far left the model is sure and wrong: cross-entropy pulls with full strength, the squared miss has gone silent.*
# <details><summary>In words</summary>Slope of two losses over the logit when the truth is yes. Cross-entropy goes from −1 on
# the left to 0 on the right. The squared miss is near 0 at both ends and only dips in the middle.</details><br>
#
# ## One of many: softmax
#
# With $K$ classes the network gives $K$ logits. To make probabilities of them, none may be negative and together they must be
# one. The exponential settles the first, a division the second:
#
# $$\mathrm{softmax}(z)_k = \frac{e^{z_k}}{\sum_{j=1}^{K} e^{z_j}}$$
#
# $k$ and $j$ run over the classes. *Differences* of logits become *ratios* of probabilities.

# %%
z = np.array([2.0, 1.0, 0.0, -1.0])
steps = {"logits z": z, "exp(z)": np.exp(z), "softmax(z)": np.exp(z) / np.exp(z).sum()}
figure, row = plot.subplots(1, 3, figsize=(6.6, 2.4))
for axes, (name, heights) in zip(row, steps.items()):
    axes.bar(["a", "b", "c", "d"], heights, color=plot.COLORS[4], edgecolor="black")
    axes.set(title=name, xlabel="class", ylabel="value")
plot.show(figure)
print("softmax:", steps["softmax(z)"].round(2))

# %% [markdown]
# *Figure. From scores to shares: the exponential removes the sign and stretches the lead, the division makes the sum 1.*
# <details><summary>In words</summary>Three bar charts for classes a to d: the logits 2, 1, 0 and −1; their exponentials, all
# positive; the softmax, the same shape scaled so that the bars add up to 1.</details><br>
#
# The danger is the exponential: 32-bit numbers overflow at $e^{89}$. But softmax sees only differences, so we may subtract any
# $m$ from all logits. Multiply numerator and denominator by $e^{-m}$ and nothing changes:
#
# $$\frac{e^{z_k}}{\sum_j e^{z_j}} = \frac{e^{-m}e^{z_k}}{e^{-m}\sum_j e^{z_j}} = \frac{e^{z_k-m}}{\sum_j e^{z_j-m}}, \qquad m = \max_j z_j$$
#
# With $m$ the largest logit the largest exponent is 0: nothing overflows, and we never divide by 0.

# %%
big = np.array([1000.0, 1001.0, 1002.0])
with np.errstate(all="ignore"):
    print("naive: ", np.exp(big) / np.exp(big).sum())
print("stable:", (np.exp(big - 1002) / np.exp(big - 1002).sum()).round(3))
rows = np.random.default_rng(0).normal(scale=50, size=(100, 10))
ours = np.exp(rows - rows.max(axis=1, keepdims=True))
ours = ours / ours.sum(axis=1, keepdims=True)  # (100, 10), each row sums to 1
expect("Keras", keras.ops.softmax(rows), equals=ours, tolerance=1e-6)
expect("bmkit.scratch", scratch.softmax(rows), equals=ours, tolerance=1e-12)

# %% [markdown]
# ### Exercise 3 · A softmax that cannot overflow
#
# Write `softmax(z)` for logits of shape `(n, classes)`: each **row** becomes probabilities. The cases contain logits of 1000.
# *Medium, five minutes; expected shape: that of `z`.*


# %%
def softmax(z):
    ...


ch04.softmax.check(softmax)

# %% [markdown]
# ### The formula: categorical cross-entropy, and why it is fused with softmax
#
# The price is again the surprise at what happened. With $y_i$ the *number* of the true class,
# $\mathrm{CE} = -\frac1n\sum_i\log p_{i,y_i}$. Take that logarithm on paper, and the exponential in the numerator disappears:
#
# $$-\log p_{y} \;=\; -\log\frac{e^{z_y}}{\sum_j e^{z_j}} \;=\; \underbrace{m+\log\sum_j e^{z_j-m}}_{\mathrm{lse}(z)} \;-\; z_y$$
#
# No probability is ever formed, so none can round to 0. That is the first reason. The second is the gradient: the derivative
# of $\mathrm{lse}(z)$ with respect to $z_k$ is exactly $\mathrm{softmax}(z)_k$, and $-z_y$ adds $-1$ at the true class only:
#
# $$\frac{\partial\,\mathrm{CE}_i}{\partial z_{k}} = p_{k} - [k = y_i]$$
#
# *Forecast minus truth*, once more. Keras has two names for two ways to write the truth: `Sparse…` takes class numbers, the
# other one-hot rows.

# %%
labels, z = np.array([2, 0]), np.array([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]])
one_hot = np.eye(3)[labels]
ours = np.mean(scratch.log_sum_exp(z) - z[np.arange(2), labels])
sparse = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
dense = keras.losses.CategoricalCrossentropy(from_logits=True)
expect("Keras, class numbers", sparse(labels, z), equals=ours, tolerance=1e-6)
expect("Keras, one-hot rows", dense(one_hot, z), equals=ours, tolerance=1e-6)
gradient = (scratch.softmax(z) - one_hot) / 2  # forecast minus truth, averaged over 2 examples
measured = numerical_gradient(lambda z: scratch.softmax_cross_entropy(labels, z), z)
print(gradient.round(3))
expect("gradient by finite differences", measured, equals=gradient, tolerance=1e-8)

# %% [markdown]
# ### Exercise 4 · The gradient
#
# Write `softmax_gradient(labels, z)`, the gradient of the *mean* cross-entropy with respect to the logits. `labels` has shape
# `(n,)`; `z` and the answer have shape `(n, classes)`. You may use `scratch.softmax`. *Harder, ten minutes.*


# %%
def softmax_gradient(labels, z):
    ...


ch04.softmax_gradient.check(softmax_gradient)

# %% [markdown]
# ### Exercise 5 · Predict, then run
#
# A classifier for 10 digits starts with all weights at zero, so all its logits are equal. **What is its cross-entropy before
# any training, whatever the data?** This is the number to know by heart: a first loss far from it means a bug. *Two minutes;
# expected: a number, to two decimals.*

# %%
first_loss = ...
ch04.first_loss.check(first_loss)

# %% [markdown]
# ## Three losses at work on real digits
#
# The same linear classifier, the same digits, optimizer and seed; only the loss differs:
#
# * **fused**: cross-entropy straight from the logits,
# * **squared**: softmax, then the squared miss against one-hot truth,
# * **forgotten flag**: logits handed to a cross-entropy that takes them for probabilities, because `from_logits=True` was left
#   out. It is **silent failure 3**, perhaps the most frequent bug in Keras code, and it raises no error.
#
# Guess before you run: which one wins? Does the third learn at all? One thing can be checked before the first step: with zero
# weights the fused loss must be $\log 10$, the answer to exercise 5.

# %%
digits = data.load("digits")


def squared_miss(labels, z):
    one_hot = keras.ops.one_hot(keras.ops.reshape(labels, (-1,)), 10)
    return keras.ops.mean((keras.ops.softmax(z) - one_hot) ** 2, axis=-1)


losses = {
    "fused": keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    "squared": squared_miss,
    "forgotten flag": keras.losses.SparseCategoricalCrossentropy(),
}

# %%
runs, accuracy = {}, {}
for name, loss in losses.items():
    start = keras.layers.Dense(10, kernel_initializer="zeros")
    model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), start])
    model.compile(keras.optimizers.SGD(0.1), loss, metrics=["accuracy"])
    if name == "fused":
        first = train.evaluate(model, digits.train)["loss"]
        expect("first loss of the fused classifier, nats", first, equals=np.log(10), tolerance=1e-3)
    runs[name] = train.fit(model, digits.train, digits.validation, epochs=12)
    accuracy[name] = train.evaluate(model, digits.validation)["accuracy"]

# %%
labels = digits.arrays("train")[1]
baseline = np.bincount(labels).max() / len(labels)
figure = plot.history(runs, "accuracy", unit="share of digits right")
figure.axes[0].axhline(baseline, color="black", lw=0.8)
figure.axes[0].annotate("always the same digit", (9, baseline + 0.02), fontsize=9)
plot.show(figure)
expect("baseline: share of the most frequent digit", baseline, at_most=0.11)
expect("fused, validation accuracy", accuracy["fused"], at_least=0.90)
expect("fused ahead of squared by", accuracy["fused"] - accuracy["squared"], at_least=0.04)
expect("forgotten flag ahead of the baseline by", accuracy["forgotten flag"] - baseline, at_most=0.01)

# %% [markdown]
# *Figure. Same model, same data, same steps: only the loss differs. The fused loss soon leads, the squared one stays behind,
# and the forgotten flag never leaves the baseline.*
# <details><summary>In words</summary>Accuracy over twelve epochs for three losses, training dashed and validation solid. The
# two learning losses rise within two epochs; from then on the fused one is above the squared one, which gets no better. The
# forgotten flag lies on the thin line of the baseline.</details><br>
#
# The forgotten flag did not even beat "always the same digit", although nothing looked wrong in the code. Zero logits, taken
# for probabilities, are clipped, and a clipped value has no slope: the model never receives a gradient. That is why the
# habit of exercise 5 pays: the first loss would not have been 2.3.
#
# ## Summary
#
# * A loss turns all misses into one number; **MSE** asks for the mean, MAE for the median, cross-entropy for honest
#   probabilities.
# * Knowing nothing has a price: the variance of the targets, or the entropy of the labels. Compare every model with it.
# * For cross-entropy the gradient with respect to the logits is *forecast minus truth*. For squared probabilities it dies
#   where the model is sure and wrong.
# * Fusing softmax (or sigmoid) with the logarithm keeps the loss finite and the gradient alive.
# * Three silent failures: a stray axis, a clip, a forgotten `from_logits=True`.
#
# **Ask yourself**
#
# <details><summary>Your binary classifier starts with a loss of 4.2 nats. What do you suspect?</summary>An untrained classifier
# should start near log 2 = 0.69. A loss of 4.2 means that it is already sure and wrong: unscaled inputs, a bad
# initialisation, or logits and probabilities mixed up.</details>
# <details><summary>You predict delivery times and a few parcels take months. Which loss?</summary>With MSE those few pull every
# prediction up, because squares ask for the mean. If the typical parcel matters, take MAE, which asks for the
# median.</details>
# <details><summary>Why not train on accuracy itself?</summary>Accuracy does not change when a weight moves a little, so its slope
# is zero almost everywhere and gives no direction. Cross-entropy has a slope everywhere and rewards honest
# probabilities.</details><br>
#
# **Next** [05 · Gradient descent](05_gradient_descent.ipynb) walks down these valleys; [02 · Deep learning](02_deep_learning.ipynb)
# finds the slope through many layers.
#
# **References**
#
# * C. M. Bishop (2006), *Pattern Recognition and Machine Learning*, sections 4.3 and 5.2.
#   [PDF](https://www.microsoft.com/en-us/research/publication/pattern-recognition-machine-learning/)
# * I. Goodfellow, Y. Bengio, A. Courville (2016), *Deep Learning*, section 6.2. [Online](https://www.deeplearningbook.org)
# * P. Blanchard, D. J. Higham, N. J. Higham (2021), Accurately computing the log-sum-exp and softmax functions.
#   [doi](https://doi.org/10.1093/imanum/draa038)
# * T. Gneiting, A. E. Raftery (2007), Strictly proper scoring rules. [doi](https://doi.org/10.1198/016214506000001437)
