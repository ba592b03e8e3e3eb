# %% [markdown]
# # 04 · Loss functions
#
# **After this you can** choose the loss that fits a task, write it in NumPy and in Keras, derive it from a likelihood, derive its gradient, explain why softmax and cross-entropy are fused, and recognise three ways in which a loss goes wrong without an error
#
# **Time** 50 min to read, 90 min to teach, 20 s to run
#
# **Before** [00 · Start here](00_start_here.ipynb)
#
# **Data** insteval (73,421 ratings of university lecturers, GPL-2 or later), small_fine_foods (4,969 food reviews, MIT), digits (1,797 handwritten digits, CC BY 4.0)

# %%
from bmkit import data, diagrams, plot, scratch, train
from bmkit.check import expect
from bmkit.exercises import ch04
import keras
import numpy as np
train.seed(0)

# %% [markdown]
# ## One number for "how wrong"
#
# A model makes predictions; some are close, some are far off. To improve it, a computer must decide between two settings of
# the model's parameters, and for that it needs *one* number: the **loss**. Training makes that number small, so the
# choice of the loss decides what the model will care about.

# %%
places = {
    "inputs x": (0, 0),
    "model": (1.2, 0),
    "loss function": (2.6, 0),
    "targets y": (2.6, 1),
    "loss": (3.8, 0),
}
arrows = [
    ("inputs x", "model", "(n, inputs)"),
    ("model", "loss function", "ŷ: (n,)"),
    ("targets y", "loss function", "y: (n,)"),
    ("loss function", "loss", "one number"),
]
figure = diagrams.boxes(places, arrows, shaded=["loss function"], figsize=(7.6, 2.0))
plot.show(figure)

# %% [markdown]
# *Figure. A loss function takes what the model said and what was true, for n examples, and gives one number.*
# <details><summary>In words</summary>Inputs, shape (n, inputs), enter a model. Its n predictions and the n targets enter the shaded
# box, the loss function, from which one number leaves.</details><br>
#
# We start with the simplest wish: *be close to a number*. Students of a Swiss university rated their lecturers from 1 to 5.
# Suppose you may give one single guess for all of them. Any guess is wrong for most of them. The difference between a
# guess and a rating is its **error**, or *miss*. How do we add the errors up? If we simply added the differences, +1
# and −1 would cancel and a wild guess could score zero. **Squaring** makes every error count. Draw each error as a
# square, and the loss is the average area, the **mean squared error**.

# %%
_, ratings = data.load("insteval").arrays("train")
five = np.array([1.0, 2.0, 4.0, 4.0, 5.0])  # five of them, for the picture
guess = 2.5
misses = five - guess
values, counts = np.unique(ratings, return_counts=True)
print(len(ratings), "ratings; misses of five:", misses)

# %%
look = {"color": plot.COLORS[4], "edgecolor": "black"}
places = [0, 1.3, 2.6, 4.4, 6.7]
figure, (left, right) = plot.subplots(1, 2, figsize=(7.2, 3.2), width_ratios=(2, 3))
left.bar(values, counts, **look)
left.set(xlabel="rating", ylabel="number of ratings", xticks=values)
right.bar(places, misses, bottom=guess, width=np.abs(misses), **look)
right.plot(places, five, "o", color="black", label="ratings")
right.axhline(guess, color=plot.COLORS[3], label="the guess")
right.set(xlabel="five students", ylabel="rating", xticks=[], aspect="equal")
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
# In NumPy, `mean` runs over the only axis. In Keras the loss is called `keras.losses.MeanSquaredError`. Never trust a formula that
# was written only once: `expect` compares ours with Keras and with the kit's reference, and stops the notebook if a claim does
# not hold.


# %%
def mean_squared_error(y_true, y_pred):
    return np.mean((y_pred - y_true) ** 2)  # (n,) and (n,) → one number


guesses = np.full_like(ratings, guess)
ours = mean_squared_error(ratings, guesses)
keras_loss = keras.losses.MeanSquaredError()
print("areas of the five squares:", misses**2)
expect("Keras", keras_loss(ratings, guesses), equals=ours, tolerance=1e-5)
reference = scratch.mean_squared_error(ratings, guesses)
expect("bmkit.scratch", reference, equals=ours, tolerance=1e-5)

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
# Now let the real ratings answer. We try every guess between 1 and 5 and draw the loss of each: once for squared errors
# and, as a rival, once for plain distances $|\hat y_i - y_i|$, the *mean absolute error*.

# %%
tried = np.linspace(1, 5, 161)  # steps of 0.025
squared = np.array([np.mean((ratings - c) ** 2) for c in tried])
absolute = np.array([np.mean(np.abs(ratings - c)) for c in tried])
best_squared = tried[squared.argmin()]
best_absolute = tried[absolute.argmin()]
expect("best squared guess", best_squared, equals=ratings.mean(), tolerance=0.0126)
expect("best absolute guess", best_absolute, equals=np.median(ratings), tolerance=1e-9)
above = squared.min() - ratings.var()
expect("lowest squared loss minus the variance", above, at_most=2e-4)

# %%
figure, axes = plot.subplots(figsize=(6.4, 3.0))
for losses, name in ((squared, "squared (MSE)"), (absolute, "absolute (MAE)")):
    line = axes.plot(tried, losses, label=name)[0]
    dot = tried[losses.argmin()]
    axes.plot(dot, losses.min(), "o", color=line.get_color(), ms=9)
axes.set(xlabel="the one guess for all ratings", ylabel="loss (rating², rating)")
axes.legend()
plot.show(figure)

# %% [markdown]
# *Figure. Each loss has its own best guess (the dots): squared errors lead to the mean, plain distances to the median.*
# <details><summary>In words</summary>Two valley-shaped curves over guesses from 1 to 5. The squared loss is a smooth parabola
# that is lowest a little above 3; the absolute loss is made of straight pieces with a corner at 3.</details><br>
#
# This is worth a pause. The data did not change, only the loss did, and the best prediction moved. Squaring asks for the
# **mean**, absolute distance for the **median**. And at its lowest point the squared loss is the **variance** of the ratings.
# That is what knowing nothing costs: the **baseline** that every model of these ratings has to beat.
#
# ### Why squares? Maximum likelihood
#
# Is there a reason to square, or is it a habit? Suppose that a rating is the prediction plus noise, and that the noise has a normal
# distribution with **standard deviation** $\sigma$, the root of its variance. Then a model gives every possible rating
# a probability density:
#
# $$p(y \mid \hat y) = \frac{1}{\sqrt{2\pi}\,\sigma}\; e^{-(y-\hat y)^2/2\sigma^2}$$
#
# Multiply these densities over all examples, and you get the **likelihood**: how probable the model makes the data that were in fact
# observed. To choose the parameters with the largest likelihood is called **maximum likelihood**, and most losses of this course come
# from it. Take the logarithm, which turns the product into a sum, and change the sign:
#
# $$-\frac1n\log\prod_{i=1}^n p(y_i \mid \hat y_i) \;=\; \frac{1}{2\sigma^2}\,\mathrm{MSE} \;+\; \text{a constant}$$
#
# So minimising squares *is* maximising a likelihood with normal noise. (Noise with heavier tails, the Laplace distribution, leads to
# the absolute distance in the same way.) The logarithm has a second reason. Watch the product of many densities:

# %%
misses = ratings.astype(float) - 3.0  # the guess is 3 for all
densities = np.exp(-(misses**2) / 2) / np.sqrt(2 * np.pi)  # σ = 1
print("product of the first 5, 200, 20,000 densities:")
for count in (5, 200, 20_000):
    print(f"{count:6}  {np.prod(densities[:count]):.3g}")

surprise = -np.mean(np.log(densities))
constant = np.log(2 * np.pi) / 2
by_squares = np.mean(misses**2) / 2 + constant
expect("negative log-likelihood", surprise, equals=by_squares, tolerance=1e-9)

# %% [markdown]
# The product is far too small for a floating-point number and becomes exactly 0: no model could be compared with another. The sum of
# logarithms has no such problem.
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
expect("that loss", broken, equals=2 * few.var(), tolerance=1e-9)
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
# The derivatives with respect to all predictions together are the **gradient**. It pulls far-off predictions hard and
# close ones gently. A derivative found on paper is checked by **finite differences**:
# nudge one number by a tiny $h$ both ways and see how much the loss changes.


# %%
def numerical_gradient(loss, at, h=1e-6):
    gradient = np.zeros_like(at)
    for index in np.ndindex(at.shape):
        step = np.zeros_like(at)
        step[index] = h
        gradient[index] = (loss(at + step) - loss(at - step)) / (2 * h)
    return gradient


def loss_of_five(y_pred):
    return mean_squared_error(five, y_pred)


start = np.full(5, guess)
by_hand = 2 * (start - five) / 5
measured = numerical_gradient(loss_of_five, start)
print("by hand:", by_hand)
expect("by finite differences", measured, equals=by_hand, tolerance=1e-8)
reference = scratch.numerical_gradient(loss_of_five, start)
expect("finite differences, bmkit.scratch", reference, equals=measured, tolerance=1e-8)

# %% [markdown]
# ## Yes or no: the price of surprise
#
# Many questions have the answers yes and no: did this customer like the food? A good model says *how sure* it is: it
# gives a probability $p$ that the answer is yes. What should a prediction of 0.9 cost if the answer is yes? Little. And
# if the answer is no? Much, and the surer the model was, the more. Maximum likelihood gives the price: the negative
# logarithm $-\log p$ of the probability that was given to *what
# then happened*. It is called the **surprise**. It is 0 for a certainty that comes true and has no upper limit for a certainty that
# fails. A rival with an upper limit is the squared error $(1-p)^2$, in our figures the *squared miss*; its mean over
# all examples is known as the **Brier score**.

# %%
print("surprise at p = 0.5, 0.1, 0.01:", -np.log([0.5, 0.1, 0.01]).round(2), "nats")
p = np.linspace(0.001, 1, 400)
figure, axes = plot.subplots(figsize=(6.4, 3.0))
axes.plot(p, -np.log(p), label="surprise  −log p")
axes.plot(p, (1 - p) ** 2, label="squared miss  (1 − p)²")
axes.set(xlabel="probability given to what then happened", ylabel="price", ylim=(0, 5))
axes.legend()
plot.show(figure)

# %% [markdown]
# *Figure. To be sure and wrong (far left) costs without limit under surprise, but never more than 1 under the squared miss.*
# <details><summary>In words</summary>Two falling curves over the probability from 0 to 1; both reach 0 at probability 1.
# Towards 0 the surprise climbs out of the picture, while the squared miss levels off at 1.</details><br>
#
# ### The formula: binary cross-entropy
#
# The mean surprise over all examples has the name **cross-entropy**:
#
# $$\mathrm{BCE}(y, p) = -\frac1n\sum_{i=1}^{n}\Big[\,y_i\log p_i + (1-y_i)\log(1-p_i)\,\Big]$$
#
# * $y_i$ is 1 for yes and 0 for no, so only one of the two terms remains,
# * $p_i$ is the predicted probability of *yes*, $1-p_i$ that of *no*,
# * the unit is the **nat**; divide by $\log 2$ for bits,
# * $n$ times this loss is the negative **log-likelihood** of the answers under the predicted probabilities.
#
# The code keeps $p$ a little away from 0 and 1, where a logarithm would become infinite. Remember that clip: it will bite us soon.


# %%
def binary_cross_entropy(y_true, p, epsilon=1e-7):
    p = np.clip(p, epsilon, 1 - epsilon)
    of_yes = y_true * np.log(p)
    of_no = (1 - y_true) * np.log(1 - p)
    return -np.mean(of_yes + of_no)


answers = np.array([1.0, 0.0, 1.0])
forecasts = np.array([0.9, 0.2, 0.4])
ours = binary_cross_entropy(answers, forecasts)
print("surprises:", -np.log([0.9, 0.8, 0.4]).round(3), " mean:", ours.round(3))
keras_loss = keras.losses.BinaryCrossentropy()
expect("Keras", keras_loss(answers, forecasts), equals=ours, tolerance=1e-6)
reference = scratch.binary_cross_entropy(answers, forecasts)
expect("bmkit.scratch", reference, equals=ours, tolerance=1e-12)

# %% [markdown]
# ### What does knowing nothing cost?
#
# Before a model reads a single review, one prediction is always possible: the same probability for every review. Squares asked
# for the mean. What does surprise ask for? We try all constants on the labels of real food reviews (1 = the customer gave
# the top rating), and the squared miss beside it.

# %%
_, great = data.load("small_fine_foods").arrays("train")
share = great.mean()
constants = np.linspace(0.01, 0.99, 99)  # steps of 0.01
surprises = []
squares = []
for c in constants:
    forecasts = np.full(len(great), c)
    surprises.append(binary_cross_entropy(great, forecasts))
    squares.append(np.mean((great - c) ** 2))

entropy = -share * np.log(share) - (1 - share) * np.log(1 - share)
cheapest = constants[np.argmin(surprises)]
expect("cheapest constant under surprise", cheapest, equals=share, tolerance=0.0051)
cheapest_square = constants[np.argmin(squares)]
expect("and under squares", cheapest_square, equals=share, tolerance=0.0051)
above = min(surprises) - entropy
expect("its surprise above the entropy, nats", above, at_least=0, at_most=1e-4)
expect("entropy of these labels, nats", entropy, at_least=0.63, at_most=0.66)

# %%
figure, axes = plot.subplots(figsize=(6.4, 2.8))
axes.plot(constants, surprises, label="cross-entropy (nats)")
axes.plot(constants, squares, label="squared miss")
axes.axvline(share, color="black", ls=":", label="share of great reviews")
axes.set(xlabel="one probability for all reviews", ylabel="loss", ylim=(0, 2))
axes.legend(loc="upper center", fontsize=9)
plot.show(figure)

# %% [markdown]
# *Figure. Under both losses the cheapest constant prediction is the honest one, the share of reviews that really are great.*
# <details><summary>In words</summary>Two valley-shaped curves over one constant probability, the cross-entropy above the squared miss.
# Both are lowest where a dotted vertical line marks the share of great reviews, at about two thirds.</details><br>
#
# Both losses reward honesty: claiming more or less than the true share costs more. Such losses are called **proper
# scoring rules**. The lowest
# cross-entropy of a constant is the **entropy** of the labels, $H = -q\log q-(1-q)\log(1-q)$ with $q$ the share of yes. A
# classifier whose loss is above $H$ gives worse *probabilities* than that constant. Its *accuracy* may be fine all the
# same: the classifier can be right more often and yet be far too sure. Ten reviews, six great, and a model that is
# right on eight, always with 99.9 %:

# %%
answers = np.array([1, 1, 1, 1, 1, 1, 0, 0, 0, 0])
too_sure = np.array([0.999] * 5 + [0.001] * 4 + [0.999])
constant_forecast = np.full(10, 0.6)
print("answers  ", answers)
print("forecasts", too_sure)
right = np.mean((too_sure > 0.5) == answers)
expect("share right, too sure", right, equals=0.8)
loss = binary_cross_entropy(answers, too_sure)
entropy_of_ten = binary_cross_entropy(answers, constant_forecast)
expect("its loss over the entropy", loss / entropy_of_ten, at_least=2)

# %% [markdown]
# So look at both: accuracy says how often the larger probability was right, cross-entropy whether the probabilities can be believed.
#
# ### Exercise 3 · Change the experiment
#
# Take the plain distance $|y - c|$ as the loss of a constant prediction $c$ for the labels `great`, instead of the squared miss, and
# try all `constants` again. **Which constant is cheapest now?** *Three minutes; expected: the number that you measured.*

# %%
cheapest_distance = ...
ch04.cheapest_distance.check(cheapest_distance)

# %% [markdown]
# ## From scores to probabilities: the logit
#
# A network's last layer adds up products, and such a sum can be any number, so it is not a probability. The network
# therefore produces a free number, the **logit** $z$, and the **sigmoid** squashes it to lie between 0 and 1:
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
truth = np.logaddexp(0, z.astype(float))  # log(1 + exp(z)), computed with care
print("logit     ", z)
print("naive loss", naive.round(1))
print("true loss ", truth.round(1))

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
by_probability = keras.losses.BinaryCrossentropy(reduction=None)
by_logit = keras.losses.BinaryCrossentropy(from_logits=True, reduction=None)
clipped = np.array(by_probability(no, 1 / (1 + np.exp(-z))))
fused = np.array(by_logit(no, z))
expect("clipped loss at z = 40", clipped[-1], at_least=15, at_most=17)
expect("fused loss at z = 40", fused[-1], equals=40, tolerance=1e-3)

# %%
small = np.exp(-np.abs(z))  # between 0 and 1
large = np.maximum(z, 0) - z * no
by_hand = large + np.log1p(small)  # (226, 1)
expect("fused loss and the formula", fused, equals=by_hand[:, 0], tolerance=1e-5)
mean = scratch.binary_cross_entropy_from_logits(no, z)
expect("their mean, bmkit.scratch", mean, equals=by_hand.mean(), tolerance=1e-5)

# %%
figure, axes = plot.subplots(figsize=(6.4, 2.8))
axes.plot(z, clipped, label="sigmoid, clip, logarithm")
axes.plot(z, fused, label="straight from the logit")
axes.set(xlabel="logit z, when the truth is no", ylabel="cross-entropy (nats)")
axes.legend()
plot.show(figure)

# %% [markdown]
# *Figure. Clipping hides how wrong a confident mistake is: beyond a logit of 16 its loss no longer grows.*
# <details><summary>In words</summary>Two curves rise together until the logit reaches 16. From there the clipped one stays
# flat, while the fused one goes on in a straight line up to 40.</details><br>
#
# This is why every model in this course ends in **logits** and every loss says `from_logits=True`.
#
# ### Its gradient is the error itself
#
# Differentiate $\log(1+e^{z})-zy$: the first term gives $e^z/(1+e^z)=\sigma(z)$, the second $-y$. What remains is the
# prediction minus the truth:
#
# $$\frac{\partial\,\mathrm{BCE}}{\partial z} = \sigma(z) - y$$
#
# The *squared* miss of the same probability brings one more factor from the chain rule, $\sigma'(z)=\sigma(z)(1-\sigma(z))$, and
# that factor is almost 0 exactly where the model is sure, also where it is sure and wrong.

# %%
z = np.linspace(-10, 10, 201)
sigma = scratch.sigmoid(z)
slope_surprise = sigma - 1
slope_squares = 2 * (sigma - 1) * sigma * (1 - sigma)
expect("pull of cross-entropy at −10", abs(slope_surprise[0]), at_least=0.999)
expect("pull of the squared miss at −10", abs(slope_squares[0]), at_most=0.001)


def surprise_of_yes(z):
    return scratch.binary_cross_entropy_from_logits(np.ones(201), z)


measured = numerical_gradient(surprise_of_yes, z) * 201  # one example each
expect("by finite differences", measured, equals=slope_surprise, tolerance=1e-6)

# %%
figure, axes = plot.subplots(figsize=(6.4, 2.8))
axes.plot(z, slope_surprise, label="cross-entropy")
axes.plot(z, slope_squares, label="squared miss")
axes.set(xlabel="logit z, when the truth is yes", ylabel="derivative of the loss")
axes.legend(loc="lower right")
plot.show(figure)

# %% [markdown]
# *Figure. Far left the model is sure and wrong: cross-entropy pulls with full strength, the squared miss hardly at all.*
# <details><summary>In words</summary>Derivative of two losses over the logit when the truth is yes. Cross-entropy goes from −1 on
# the left to 0 on the right. The squared miss is near 0 at both ends and only dips in the middle.</details><br>
#
# ## One of many: softmax
#
# With $K$ classes the network gives $K$ logits. To become probabilities, they must be made positive and must sum to 1.
# An exponential does the first, a division the second, and the two together are the **softmax**:
#
# $$\mathrm{softmax}(z)_k = \frac{e^{z_k}}{\sum_{j=1}^{K} e^{z_j}}$$
#
# $k$ and $j$ run over the classes. *Differences* of logits become *ratios* of probabilities.

# %%
z = np.array([2.0, 1.0, 0.0, -1.0])
powers = np.exp(z)
shares = powers / powers.sum()
print("softmax:", shares.round(2))

# %%
figure, row = plot.subplots(1, 3, figsize=(6.6, 2.4))
names = ("logits z", "exp(z)", "softmax(z)")
for axes, name, heights in zip(row, names, (z, powers, shares)):
    axes.bar(["a", "b", "c", "d"], heights, color=plot.COLORS[4], edgecolor="black")
    axes.set(title=name, xlabel="class", ylabel="value")
plot.show(figure)

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
shifted = np.exp(big - big.max())
print("stable:", (shifted / shifted.sum()).round(3))

random = np.random.default_rng(0)
rows = random.normal(scale=50, size=(100, 10))
largest = rows.max(axis=1, keepdims=True)
powers = np.exp(rows - largest)
ours = powers / powers.sum(axis=1, keepdims=True)  # (100, 10), each row sums to 1
expect("Keras", keras.ops.softmax(rows), equals=ours, tolerance=1e-6)
expect("bmkit.scratch", scratch.softmax(rows), equals=ours, tolerance=1e-12)

# %% [markdown]
# ### Exercise 4 · A softmax that cannot overflow
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
# This is *prediction minus truth*, once more. Keras has two names for two ways to write the truth: `Sparse…` takes
# class numbers, the other takes **one-hot** rows, with 1 at the true class and 0 elsewhere.

# %%
labels = np.array([2, 0])
z = np.array([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]])
one_hot = np.eye(3)[labels]  # (2, 3), a 1 at the true class
true_logits = z[np.arange(2), labels]
largest = z.max(axis=1)
powers = np.exp(z - largest[:, np.newaxis])  # (2, 3)
log_sums = largest + np.log(powers.sum(axis=1))  # (2,), the lse of each row
ours = np.mean(log_sums - true_logits)
sparse = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
dense = keras.losses.CategoricalCrossentropy(from_logits=True)
expect("Keras, class numbers", sparse(labels, z), equals=ours, tolerance=1e-6)
expect("Keras, one-hot rows", dense(one_hot, z), equals=ours, tolerance=1e-6)
reference = scratch.softmax_cross_entropy(labels, z)
expect("bmkit.scratch", reference, equals=ours, tolerance=1e-12)


# %%
def cross_entropy(z):
    return scratch.softmax_cross_entropy(labels, z)


gradient = (scratch.softmax(z) - one_hot) / 2  # prediction minus truth, mean of 2
measured = numerical_gradient(cross_entropy, z)
print(gradient.round(3))
expect("by finite differences", measured, equals=gradient, tolerance=1e-8)

# %% [markdown]
# ### Exercise 5 · The gradient
#
# Write `softmax_gradient(labels, z)`, the gradient of the *mean* cross-entropy with respect to the logits. `labels` has shape
# `(n,)`; `z` and the answer have shape `(n, classes)`. You may use `scratch.softmax`. *Harder, ten minutes.*


# %%
def softmax_gradient(labels, z):
    ...


ch04.softmax_gradient.check(softmax_gradient)

# %% [markdown]
# ### Exercise 6 · Predict, then run
#
# A classifier for 10 digits starts with all weights at zero, so all its logits are equal. **What is its cross-entropy before
# any training, whatever the data?** This is a number to know by heart: a first loss far from it means a bug. *Two minutes;
# expected: a number, to two decimals.*

# %%
first_loss = ...
ch04.first_loss.check(first_loss)

# %% [markdown]
# ## Two losses at work on real digits
#
# Cross-entropy or squared probabilities: which trains the better classifier? A linear model of the digits, 64 pixels to 10 logits,
# takes 400 steps from zero under each loss. A loss sets the size of the gradient, and therefore which **learning rate**
# suits it, the factor that turns a gradient into a step. So each runs at six rates, with three seeds for the batches.
# For the squared miss the chain rule leads through the softmax:
# $\partial L/\partial z_k = 2\,p_k\big[(p_k - y_k) - \sum_j p_j (p_j-y_j)\big]$. Guess before you run: which one wins?

# %%
digits = data.load("digits")
x, labels = digits.arrays("train")
x = x.reshape(-1, 64)
x_validation, truth = digits.arrays("validation")
x_validation = x_validation.reshape(-1, 64)


def surprise_gradient(labels, z):
    return scratch.softmax(z) - np.eye(10)[labels]  # prediction minus truth


def squares_gradient(labels, z):
    p = scratch.softmax(z)
    miss = p - np.eye(10)[labels]
    mean_miss = np.sum(p * miss, axis=1, keepdims=True)
    return 2 * p * (miss - mean_miss)


# %%
def accuracy_of(gradient, learning_rate, start):
    random = np.random.default_rng(start)
    weights = np.zeros((64, 10))
    for _ in range(400):
        rows = random.integers(0, len(x), 32)
        slope = gradient(labels[rows], x[rows] @ weights) / 32  # (32, 10)
        weights = weights - learning_rate * x[rows].T @ slope
    predictions = np.argmax(x_validation @ weights, axis=1)
    return np.mean(predictions == truth)


rates = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
rivals = {"cross-entropy": surprise_gradient, "squared miss": squares_gradient}
scores = {}
for name, gradient in rivals.items():
    scores[name] = np.zeros((6, 3))  # rates, starts
    for rate, start in np.ndindex(6, 3):
        score = accuracy_of(gradient, rates[rate], start)
        scores[name][rate, start] = score

# %%
best = {}
print("validation accuracy, mean of three starts (here:")
print("learning rate ", *[f"{rate:7g}" for rate in rates])
for name, table in scores.items():
    means = table.mean(axis=1)
    best[name] = means.max()
    print(f"{name:14}", *[f"{mean:7.3f}" for mean in means])
print(")")
expect("cross-entropy at its best rate", best["cross-entropy"], at_least=0.92)
expect("squared miss at its best rate", best["squared miss"], at_least=0.92)
distance = abs(best["cross-entropy"] - best["squared miss"])
expect("distance of the two", distance, at_most=0.02)
at_one_rate = (scores["cross-entropy"] - scores["squared miss"])[1].mean()
expect("lead of cross-entropy, both at rate 0.1", at_one_rate, at_least=0.04)
at_large_rate = (scores["cross-entropy"] - scores["squared miss"])[5].mean()
expect("its lead, both at rate 10", at_large_rate, at_least=0.3)

# %%
figure, axes = plot.subplots(figsize=(6.4, 3.0))
for (name, table), marker in zip(scores.items(), plot.MARKERS):
    axes.semilogx(rates, table.mean(axis=1), marker=marker, label=name)
axes.set(xlabel="learning rate", ylabel="validation accuracy", ylim=(0.6, 1))
axes.legend(loc="lower center")
plot.show(figure)

# %% [markdown]
# *Figure. At rates up to 0.3 cross-entropy is ahead; at rates of 1 and 3 the two are equal; at 10 the squared miss fails.*
# <details><summary>In words</summary>Validation accuracy over the learning rate on a logarithmic axis. Cross-entropy rises from 0.9 to
# about 0.95 and stays there. The squared miss starts below 0.8, meets cross-entropy at rate 1, stays level until 3, and leaves the picture downwards
# before 10.</details><br>
#
# At its own best rate each reaches about 0.95, and with three starts the two are *not told apart*. At rate 0.1, however,
# cross-entropy is clearly ahead, and a comparison at that one rate would have taught a false lesson. What speaks for
# cross-entropy here is its wide range of good rates. At rate 10 it still works, but the squared miss does not: *perhaps* a large step
# makes the model sure and wrong, where the gradient of the squared miss is almost 0.
#
# ### Exercise 7 · Build a loss
#
# A Keras loss of your own is a class with one method, `call`, that returns one loss for each example:
#
# ```python
# class Squares(keras.losses.Loss):
#     def call(self, y_true, y_pred):
#         return (y_pred - y_true) ** 2
#
# loss = Squares()          # model.compile(loss=loss) would take it
# ```
#
# A shop pays more for a missing loaf of bread than for one left over. The **pinball loss** of a miss $d = y - \hat y$ is $q\,d$ where
# the forecast was too low ($d>0$), and $(1-q)\,(-d)$ where it was too high, with $0<q<1$. Write `pinball(q)`, which returns such a
# Keras loss. *Medium, ten minutes; expected: an object of a class derived from `keras.losses.Loss`.*


# %%
def pinball(q):
    ...


ch04.pinball.check(pinball)

# %% [markdown]
# ### Silent failure 3: the forgotten flag
#
# Perhaps the most frequent bug in Keras code raises no error: the model ends in logits, but `from_logits=True` was left out, so the
# loss takes logits for probabilities. We train the same Keras model twice, first with the flag and then without. All weights start
# at zero. Can the first loss, the number of exercise 6, tell the two apart?

# %%
def linear_classifier(loss, start="zeros"):
    layer = keras.layers.Dense(10, kernel_initializer=start)
    model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), layer])
    optimizer = keras.optimizers.SGD(learning_rate=1.0)
    model.compile(optimizer=optimizer, loss=loss, metrics=["accuracy"])
    return model


right_loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
wrong_loss = keras.losses.SparseCategoricalCrossentropy()
with_flag = linear_classifier(right_loss)
without_flag = linear_classifier(wrong_loss)
for name, model in (("with", with_flag), ("without", without_flag)):
    first = train.evaluate(model, digits.train)["loss"]
    expect(f"first loss {name} the flag", first, equals=np.log(10), tolerance=1e-3)

# %% [markdown]
# Both are log 10, so the first loss did *not* catch the bug. Why? Zero logits, taken for probabilities, are clipped to
# $10^{-7}$, all ten alike; Keras divides by their sum, and each class has probability 1/10 again. But the derivative of
# a clipped number is zero, so the model never receives a gradient. What gives the bug away is the *second* look: the
# loss must fall. First Keras' own `fit` for one
# epoch, then the kit's `train.fit`, which shows its progress, for the curves:

# %%
without_flag.fit(digits.train, epochs=1, shuffle=False, verbose=0)
second = train.evaluate(without_flag, digits.train)["loss"]
expect("loss after an epoch", second, equals=np.log(10), tolerance=1e-3)

runs = {}
runs["with the flag"] = train.fit(with_flag, digits.train, digits.validation, epochs=6)
runs["without"] = train.fit(without_flag, digits.train, digits.validation, epochs=6)

# %%
most_frequent = np.bincount(labels).max() / len(labels)
accuracy = train.evaluate(with_flag, digits.validation)["accuracy"]
expect("with the flag, validation accuracy", accuracy, at_least=0.92)
accuracy = train.evaluate(without_flag, digits.validation)["accuracy"]
lead = accuracy - most_frequent
expect("without it, lead over the most frequent digit", lead, at_most=0.01)

random_start = linear_classifier(wrong_loss, start="glorot_uniform")
first = train.evaluate(random_start, digits.train)["loss"]
expect("first loss without the flag, random start", first, at_least=4)

# %%
figure = plot.history(runs, "loss", unit="nats")
plot.show(figure)

# %% [markdown]
# *Figure. With the flag the loss falls from the first epoch on. Without it the loss stays at log 10 for ever.*
# <details><summary>In words</summary>Loss over six epochs, training dashed and validation solid. With the flag both curves fall below
# 0.3 nats. Without it both lie on one horizontal line at 2.3.</details><br>
#
# From a *random* start the first loss does tell: it is far above log 10, because some logits are negative and become
# probabilities of $10^{-7}$. So there are two habits: compare the first loss with log 10, and look whether it falls.
#
# ## Summary
#
# * A loss turns all errors into one number. **MSE** asks for the mean, MAE for the median, cross-entropy and squared probabilities
#   for honest probabilities.
# * Squares and cross-entropy are negative log-likelihoods: of normal noise and of the labels.
# * Knowing nothing has a price: the variance of the targets, or the entropy of the labels. Compare every model with it.
# * For cross-entropy the gradient with respect to the logits is *prediction minus truth*. For squared probabilities it is
#   smaller, and almost 0 where the model is sure and wrong. Both can be trained well, each at its own learning rate.
# * Fusing softmax (or sigmoid) with the logarithm keeps the loss finite and its gradient different from zero.
# * Three silent failures: a stray axis, a clip, a forgotten `from_logits=True`.
#
# **Ask yourself**
#
# <details><summary>Your binary classifier starts with a loss of 4.2 nats. What do you suspect?</summary>An untrained classifier
# should start near log 2 = 0.69. A loss of 4.2 means that it is already sure and wrong: unscaled inputs, a bad
# initialization, or logits and probabilities mixed up.</details>
# <details><summary>You predict delivery times and a few parcels take months. Which loss?</summary>With MSE those few pull every
# prediction up, because squares ask for the mean. If the typical parcel matters, take MAE, which asks for the
# median.</details>
# <details><summary>Why not train on accuracy itself?</summary>Accuracy does not change when a weight moves a little, so
# its gradient is zero almost everywhere and gives no direction. Cross-entropy has a gradient everywhere and rewards
# honest probabilities.</details><br>
#
# **Next** [05 · Gradient descent](05_gradient_descent.ipynb) walks down these valleys; [02 · Deep learning](02_deep_learning.ipynb)
# finds the gradient through many layers.
#
# **References**
#
# * R. A. Fisher (1922), On the mathematical foundations of theoretical statistics (maximum likelihood).
#   [doi](https://doi.org/10.1098/rsta.1922.0009)
# * C. M. Bishop (2006), *Pattern Recognition and Machine Learning*, sections 4.3 and 5.2.
#   [PDF](https://www.microsoft.com/en-us/research/publication/pattern-recognition-machine-learning/)
# * I. Goodfellow, Y. Bengio, A. Courville (2016), *Deep Learning*, section 6.2. [Online](https://www.deeplearningbook.org)
# * P. Blanchard, D. J. Higham, N. J. Higham (2021), Accurately computing the log-sum-exp and softmax functions.
#   [doi](https://doi.org/10.1093/imanum/draa038)
# * T. Gneiting, A. E. Raftery (2007), Strictly proper scoring rules. [doi](https://doi.org/10.1198/016214506000001437)
