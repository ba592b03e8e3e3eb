# %% [markdown]
# # 06 · Regularization
#
# **After this you can** recognise a model that learns by heart, write the L1 and L2 penalties with their gradients, explain why one makes weights small and the other makes them zero, build dropout by hand, tell overfitting from underfitting, and choose how strongly to regularize
#
# **Time** 45 min to read, 80 min to teach, 40 s to run
#
# **Before** [04 · Loss functions](04_loss_functions.ipynb), [05 · Gradient descent](05_gradient_descent.ipynb)
#
# **Data** small_fine_foods (4,969 food reviews, MIT), diabetes (442 patients, no licence stated)

# %%
from bmkit import data, plot, scratch, train
from bmkit.check import expect
from bmkit.exercises import ch06
import keras
import numpy as np
train.seed(0)

# %% [markdown]
# ## A network that learns by heart
#
# Give a pupil six hundred questions with their answers, and two kinds of learning will get all six hundred right:
# understanding, and learning by heart (*memorizing*). Only new questions tell them apart. A network has the same
# choice, and if it has more weights than
# there are questions, learning by heart is easy.
#
# Our questions are 600 food reviews: did the writer give the top rating? We show the network a **bag of words**: for each of the
# 999 most frequent words, and one column for all others, a 1 if the review has it and a 0 if not. 400 validation reviews and 800 more of the published
# training set serve as the new questions.

# %%
texts, great = data.load("small_fine_foods").arrays("train")
more_texts, more_great = data.load("small_fine_foods").arrays("validation")
bag = keras.layers.TextVectorization(1000, output_mode="multi_hot")
bag.adapt(list(texts[:600]))  # the words come from training reviews only
x = np.array(bag(list(texts[:600])))  # (600, 1000)
y = great[:600]
new_x = np.array(bag([*more_texts, *texts[600:1400]]))  # (1200, 1000)
new_y = np.concatenate([more_great, great[600:1400]])
print(x.shape, new_x.shape)


def entropy(truth):  # the loss of the best constant prediction, chapter 04
    return scratch.binary_cross_entropy(truth, np.full(len(truth), truth.mean()))


# %%
def network(penalty=None, rate=0.0):
    train.seed(0)  # every variant starts from the same weights
    model = keras.Sequential([keras.Input((1000,)), keras.layers.Dropout(rate)])
    model.add(keras.layers.Dense(32, activation="relu", kernel_regularizer=penalty))
    model.add(keras.layers.Dropout(rate))
    model.add(keras.layers.Dense(2, kernel_regularizer=penalty))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    kind = keras.metrics.SparseCategoricalCrossentropy
    bare = kind("cross_entropy", from_logits=True)  # the loss without any penalty
    optimizer = keras.optimizers.Adam(0.002)
    model.compile(optimizer, loss, metrics=["accuracy", bare], jit_compile=False)
    return model


free = network()
expect("weights per review", free.count_params() / len(y), at_least=50)
history = free.fit(x, y, validation_data=(new_x, new_y), epochs=20, verbose=0).history
runs = {"free": history}

# %% [markdown]
# More than fifty weights per review. We train with Keras' own `fit`, because it leaves the network as the last epoch made it;
# `train.fit` would go back to the epoch of the lowest validation loss. `network` has two **hyperparameters** that stay
# at zero for now: `penalty` and `rate`. They are what this chapter is about. How will the loss on new reviews develop while the
# loss on known ones goes to zero?

# %%
figure = plot.history(runs, "cross_entropy", unit="nats")
baseline = entropy(new_y)
axes = figure.axes[0]
axes.axhline(baseline, color="black", lw=0.8)
axes.annotate("always the same prediction", (11, baseline + 0.02), fontsize=9)
plot.show(figure)

# %% [markdown]
# *Figure. On known reviews the loss falls to zero. On new reviews it falls for a few epochs, then rises, past the
# baseline that reads nothing.*
# <details><summary>In words</summary>Loss over 20 epochs. The dashed training curve falls to zero. The solid validation curve
# dips below a thin line in the first epochs, then climbs steadily and ends far above that line.</details>

# %%
known_loss = history["cross_entropy"]
unseen_loss = history["val_cross_entropy"]
expect("last training loss, nats", known_loss[-1], at_most=0.05)
excess = unseen_loss[-1] - baseline
expect("last validation loss above the baseline", excess, at_least=0.1)
expect("lowest one below the baseline", baseline - min(unseen_loss), at_least=0.05)
expect("epoch of the lowest validation loss", 1 + np.argmin(unseen_loss), at_most=8)
expect("training accuracy at the end", history["accuracy"][-1], at_least=0.98)
gain = history["val_accuracy"][-1] - new_y.mean()
expect("validation accuracy over always 'great'", gain, at_least=0.03)

# %% [markdown]
# This is **overfitting**. Note how it looks: the network still names the class better than the baseline, but it has
# become so *sure* of itself that its mistakes cost more than giving every review the same probability. The distance
# between the two curves is the
# **generalization gap**. To **regularize** means to make learning by heart harder than understanding. There are many ways; four
# of them are used everywhere.
#
# ## Way 1: a penalty on the weights
#
# To learn one review by heart the network must react strongly to its particular mix of words, and a strong reaction needs large
# weights. So we add a **penalty**, a price that each weight pays for its size. The number to minimise becomes
#
# $$J(w) = L(w) + \lambda\,\Omega(w), \qquad \Omega_{\mathrm{L2}}(w) = \sum_j w_j^2, \qquad \Omega_{\mathrm{L1}}(w) = \sum_j |w_j|$$
#
# * $L$ is the loss on the data and $w$ all the weights that are penalized, with $j$ counting them (biases usually are not),
# * $\lambda\ge 0$, the **strength**, says how strong the penalty is; at $\lambda=0$ nothing has changed,
# * $\Omega$ is the penalty; the two differ in one thing only, which turns out to matter a lot.
#
# Gradient descent sees the penalty through its gradient:
#
# $$\frac{\partial}{\partial w_j}\,\lambda\,\Omega_{\mathrm{L2}} = 2\lambda\,w_j, \qquad
# \frac{\partial}{\partial w_j}\,\lambda\,\Omega_{\mathrm{L1}} = \lambda\,\mathrm{sign}(w_j)$$

# %%
import tensorflow as tf

weights = np.array([[3.0, -4.0], [0.5, 0.0]])
strength = 0.01
price_l1 = strength * np.abs(weights).sum()
price_l2 = strength * (weights**2).sum()
gradient_l1 = strength * np.sign(weights)
gradient_l2 = 2 * strength * weights


def of_keras(regularizer):
    variable = tf.Variable(weights)
    with tf.GradientTape() as tape:
        price = regularizer(variable)
    return price, tape.gradient(price, variable)


# %%
price, gradient = of_keras(keras.regularizers.L1(strength))
ours = scratch.l1_penalty_gradient(weights, strength)
expect("L1 price, Keras", price, equals=price_l1, tolerance=1e-7)
expect("L1 gradient, Keras", gradient, equals=gradient_l1, tolerance=1e-7)
expect("L1 gradient, bmkit.scratch", ours, equals=gradient_l1)

price, gradient = of_keras(keras.regularizers.L2(strength))
ours = scratch.l2_penalty_gradient(weights, strength)
expect("L2 price, Keras", price, equals=price_l2, tolerance=1e-7)
expect("L2 gradient, Keras", gradient, equals=gradient_l2, tolerance=1e-7)
expect("L2 gradient, bmkit.scratch", ours, equals=gradient_l2)

# %% [markdown]
# ### Exercise 1 · The gradient of both
#
# Some people use both penalties at once (the *elastic net*). Write `penalty_slope(w, l1, l2)`: the gradient of
# $\lambda_1\sum|w_j| + \lambda_2\sum w_j^2$ for an array `w` of any shape, with $\mathrm{sign}(0)=0$. *Easy, three minutes; expected shape: that of `w`.*


# %%
def penalty_slope(w, l1, l2):
    ...


ch06.penalty_slope.check(penalty_slope)

# %% [markdown]
# ### Small, or zero?
#
# L2 pulls in proportion to the weight: the smaller it already is, the gentler the pull. L1 pulls with the same force all the
# way. What happens near zero? Take one weight $w$ that the data would like to be at $v=0.8$, say with a loss
# $\tfrac12(w-v)^2$, and add either penalty. Where is the lowest point of the sum? Guess before you look.

# %%
w = np.linspace(-0.6, 1.4, 2001)
v = 0.8
data_loss = 0.5 * (w - v) ** 2
with_l1 = data_loss + np.abs(w)  # at λ = 1
with_l2 = data_loss + w**2
lowest_l1 = w[with_l1.argmin()]
lowest_l2 = w[with_l2.argmin()]
expect("lowest point with L1 at λ = 1", lowest_l1, equals=0, tolerance=1e-9)
expect("lowest point with L2 at λ = 1", lowest_l2, equals=v / 3, tolerance=1e-3)

# %%
figure, row = plot.subplots(1, 2, figsize=(7.2, 2.9), sharey=True)
prices = {"L2": w**2, "L1": np.abs(w)}
for axes, (name, price) in zip(row, prices.items()):
    for one, line, color in zip((0.0, 0.4, 1.0), plot.LINES, plot.COLORS):
        total = data_loss + one * price
        lowest = w[total.argmin()]
        axes.plot(w, total, ls=line, color=color, label=f"λ = {one:g}")
        axes.plot(lowest, total.min(), "o", color=color, ls="none")
    axes.set(xlabel="weight w", ylabel="loss + price", ylim=(-0.1, 1.6))
    axes.set_title(f"{name} price")
row[0].legend()
plot.show(figure)

# %% [markdown]
# *Figure. The dots are the lowest points. L2 moves them towards zero, never quite there. L1 has a kink at zero, and with enough
# strength the lowest point falls into it.*
# <details><summary>In words</summary>Two panels with three curves each. Left, three smooth parabolas whose lowest points move
# left from 0.8 to about 0.44 and 0.27. Right, three curves, two with a corner at zero; their lowest points are 0.8, 0.4 and
# exactly 0.</details><br>
#
# Both lowest points can be computed. With L2 set the derivative to zero: $(w-v)+2\lambda w=0$, so $w=v/(1+2\lambda)$, a
# *fraction* of $v$. With L1 look at each side of the kink. For $w>0$ the derivative $(w-v)+\lambda$ is zero at $w=v-\lambda$,
# which is on that side only if $v>\lambda$; likewise for $w<0$. Otherwise the loss falls towards zero from both sides,
# and its lowest point is at zero. Together this is the **soft threshold**:
#
# $$S(v,\lambda) = \mathrm{sign}(v)\,\max(|v|-\lambda,\;0)$$
#
# * $v$ is what the data alone would choose, $\lambda$ how far it is pulled towards zero,
# * whatever is smaller than $\lambda$ becomes exactly 0: the weight is *switched off*.
#
# ### Exercise 2 · The soft threshold
#
# Write `soft_threshold(v, strength)` for an array `v`. No loop is needed. *Medium, five minutes; expected shape: that of `v`.*


# %%
def soft_threshold(v, strength):
    ...


ch06.soft_threshold.check(soft_threshold)

# %% [markdown]
# ### Exercise 3 · Predict, then run
#
# The data alone would like four weights to be 2, −0.3, 0.1 and −1. With L1 at $\lambda=0.5$, each with the loss above, **how many
# of the four become exactly zero?** And with L2, would it be the same? *One minute; expected: the number for L1.*

# %%
switched_off = ...
ch06.switched_off.check(switched_off)

# %% [markdown]
# ## On real patients: which columns matter?
#
# We predict the course of diabetes from ten measurements. We make the task harder: to each patient we add **50 columns
# of pure noise**, as if
# someone had measured fifty irrelevant things. A good method should notice that. All columns are scaled to mean 0 and
# standard deviation 1, so that the same penalty is fair for all, and the target is centred, so that no intercept is
# needed.
#
# For a weighted sum with the L2 penalty, called **ridge regression**, the lowest point has a closed form. Set the gradient of
# $\frac1n\lVert Xw-y\rVert^2+\lambda\lVert w\rVert^2$ to zero: $\frac2nX^\top(Xw-y)+2\lambda w=0$, and solve for $w$:
#
# $$w = (X^\top X + n\lambda I)^{-1}X^\top y$$
#
# * $X$ has one row for each patient and one column for each measurement, $(n, d)$; $y$ has shape $(n,)$, $w$ has $(d,)$,
# * $I$ is the identity matrix of shape $(d, d)$: it adds $n\lambda$ along the diagonal.

# %%
from sklearn.linear_model import Lasso, Ridge

measured, scores = data.load("diabetes").arrays("train")
measured_new, scores_new = data.load("diabetes").arrays("validation")
random = np.random.default_rng(0)
patients = np.c_[measured, random.normal(size=(266, 50))]  # (266, 60)
others = np.c_[measured_new, random.normal(size=(88, 50))]  # (88, 60)
center = patients.mean(axis=0)
deviation = patients.std(axis=0)
patients = (patients - center) / deviation
others = (others - center) / deviation
course = scores - scores.mean(dtype=float)
their_course = scores_new - scores.mean(dtype=float)

# %%
n, d = patients.shape
curvature = patients.T @ patients + n * 0.1 * np.eye(d)
by_hand = np.linalg.solve(curvature, patients.T @ course)  # without the inverse
ours = scratch.ridge(patients, course, 0.1)
expect("bmkit.scratch", ours, equals=by_hand, tolerance=1e-9)
sklearn = Ridge(alpha=n * 0.1, fit_intercept=False)  # counts λ without the 1/n
sklearn.fit(patients, course)
expect("scikit-learn", sklearn.coef_, equals=by_hand, tolerance=1e-6)

# %% [markdown]
# L1 has no closed form, because of its kinks. But for one weight at a time there is one: with all others fixed, the
# loss in $w_j$ is a parabola, and the soft threshold gives the lowest point of its sum with the penalty. Go through the
# columns again and again until nothing
# moves. This is **coordinate descent**, and the method is called the **lasso**:
#
# $$w_j \leftarrow \frac{S\big(\tfrac1n x_j^\top r_j,\;\lambda\big)}{\tfrac1n\lVert x_j\rVert^2}, \qquad r_j = y-\sum_{i\ne j}x_i w_i$$
#
# * $x_j$ is column $j$, shape $(n,)$; $r_j$ is what the other columns leave unexplained,
# * the numerator asks how well column $j$ goes with that rest, and ignores it if it is no better than $\lambda$,
# * the loss here is $\frac1{2n}\lVert Xw-y\rVert^2$, as in scikit-learn; so $\lambda$ has another scale than for ridge.


# %%
def lasso(x, y, strength, sweeps=100):
    weights = np.zeros(x.shape[1])
    for _ in range(sweeps):
        for j in range(x.shape[1]):
            column = x[:, j]
            rest = y - x @ weights + column * weights[j]  # (n,), what the others leave
            pull = scratch.soft_threshold(column @ rest / len(x), strength)
            weights[j] = pull / np.mean(column**2)
    return weights


ours = lasso(patients, course, 5.0)
reference = scratch.lasso(patients, course, 5.0)
sklearn = Lasso(alpha=5.0, fit_intercept=False, tol=1e-8)
sklearn.fit(patients, course)
expect("scikit-learn", sklearn.coef_, equals=ours, tolerance=1e-4)
expect("bmkit.scratch", reference, equals=ours, tolerance=1e-4)
print("weights that are exactly zero:", np.sum(ours == 0), "of", len(ours))

# %% [markdown]
# Now move the strength and watch the weights. The ten bars on the left are the real measurements, the fifty on the right are noise. With
# hardly any strength the noise columns get weights as well: each explains a few patients by accident, which is learning by heart
# in its plainest form.

# %%
measurements = ["age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"]
strengths = {"L1": np.geomspace(0.5, 50, 25), "L2": np.geomspace(0.005, 50, 25)}
methods = {"L1": scratch.lasso, "L2": scratch.ridge}
paths = {}
for price, method in methods.items():
    fits = [method(patients, course, one) for one in strengths[price]]
    paths[price] = np.array(fits)  # (25, 60)


# %%
def draw(price, step):
    weights = paths[price][step]
    shape = {"figsize": (7.4, 3.0), "width_ratios": (2, 3), "sharey": True}
    figure, (left, right) = plot.subplots(1, 2, **shape)
    left.bar(measurements, weights[:10], color=plot.COLORS[0])
    right.bar(range(1, 51), weights[10:], color=plot.COLORS[1], hatch="//")
    left.tick_params(axis="x", rotation=60)
    left.set(xlabel="measurement", ylabel="weight (score per std)", ylim=(-35, 40))
    right.set(xlabel="column of noise", ylabel="weight (score per std)")
    zeros = np.sum(weights == 0)
    title = f"{price}, λ = {strengths[price][step]:.2g}: {zeros} of 60 weights are zero"
    figure.suptitle(title, fontsize=11)
    return figure


start = {"price": "L1", "step": 14}
plot.explore(draw, start=start, price=["L1", "L2"], step=range(25))

# %% [markdown]
# *Figure. The lasso at a medium strength: few weights are left, and most of these belong to real measurements (left). Try: the
# price L2 at the same step, and of both the weakest strength, step 0, and the strongest, step 24.*
# <details><summary>In words</summary>Two bar charts of weights. Among the ten measurements a few bars stand out, bmi and s5 the
# tallest. Almost all of the fifty noise columns have no bar at all.</details><br>
#
# The whole story at a glance is the **path** of every weight as the strength grows:

# %%
figure, row = plot.subplots(1, 2, figsize=(7.4, 3.2), sharey=True)
thick = {"color": plot.COLORS[0], "lw": 1.8, "ls": "-"}
thin = {"color": plot.COLORS[1], "lw": 0.7, "ls": "-"}
for axes, name in zip(row, ("L2", "L1")):
    path = paths[name]
    axes.plot(strengths[name], path[:, 10:], **thin)
    axes.plot(strengths[name], path[:, :10], **thick)
    axes.plot([], **thick, label="measurements")
    axes.plot([], **thin, label="noise (thin)")
    axes.set(xscale="log", xlabel="strength λ", ylabel="weight (score per std)")
    axes.set_title(name)
row[0].legend(fontsize=9)
plot.show(figure)

# %% [markdown]
# *Figure. With L2 the weights fade together in the end, some after growing first, and none is exactly zero at any of
# the 25 strengths. With
# L1 one after another is switched off, the noise and some measurements early.*
# <details><summary>In words</summary>Two panels of lines over a logarithmic strength. Left, all lines glide smoothly towards
# zero, a few rise or change their sign before. Right, the thin noise lines reach zero early and stay there, while two thick lines reach it only near the right end.</details>

# %%
kept = paths["L1"][14] != 0
zeros = np.sum(paths["L2"] == 0)
expect("L2, weights that are exactly zero at any strength", zeros, equals=0)
real = kept[:10].sum()
print("L1 keeps", real, "of 10 measurements and", kept[10:].sum(), "of 50 of noise")

# %% [markdown]
# Which strength is right? The patients that the weights were fitted to cannot say: for them, no penalty is best. Other patients can.

# %%
fitted = {}
errors = {}
for name, path in paths.items():
    fitted[name] = np.mean((path @ patients.T - course) ** 2, axis=1)  # (25,)
    errors[name] = np.mean((path @ others.T - their_course) ** 2, axis=1)
mean_patient = np.mean(their_course**2)  # predicting the mean for everybody

# %%
figure, row = plot.subplots(1, 2, figsize=(7.4, 3.0), sharey=True)
red = plot.COLORS[3]
for axes, name in zip(row, ("L2", "L1")):
    best = errors[name].argmin()
    axes.plot(strengths[name], fitted[name], ls="--", label="training")
    axes.plot(strengths[name], errors[name], ls="-", color=red, label="validation")
    axes.plot(strengths[name][best], errors[name][best], "o", color=red)
    axes.axhline(mean_patient, color="black", lw=0.8)
    axes.set(xscale="log", xlabel="strength λ", ylabel="squared error (score²)")
    axes.set_title(name)
row[0].legend(loc="upper left")
plot.show(figure)

# %% [markdown]
# *Figure. Training error can only rise with the strength. Validation error falls first, then rises: in between lies the strength to
# take (dot). The thin line is the baseline, the mean patient.*
# <details><summary>In words</summary>Two panels. In both, the dashed training curve rises steadily, the solid validation curve
# is a valley with a dot at its bottom, and both end near a thin horizontal line at the right.</details>

# %%
best = {name: errors[name].argmin() for name in errors}  # steps, of 0 … 24
expect("L1, step of the lowest validation error", best["L1"], at_least=1, at_most=23)
expect("L2, step of the lowest validation error", best["L2"], at_least=1, at_most=23)
lowest = errors["L1"].min()
expect("L1, lowest over the baseline", lowest / mean_patient, at_most=0.7)
alive = np.sum(paths["L1"][best["L1"], 10:] != 0)
expect("noise columns alive where L1 predicts best", alive, at_least=1)

# %% [markdown]
# A caution: where the lasso predicts best, some noise columns are still alive. It chooses columns that help the prediction, and
# it is no proof that a column matters.
#
# Left of the valley the model **overfits**: it is too free and fits accidents, and the two curves lie far apart. In statistics this is
# high **variance**: other patients would have given quite other weights. Right
# of it, the model **underfits**: it is constrained too much and misses what is real, and *both* errors are high. This is high **bias**
# (not the bias of a neuron): the weights are wrong in the same way for any patients. Every
# way to regularize has such a
# hyperparameter, and it is always set like this: on rows that the weights have not seen.
# [Chapter 07](07_cross_validation.ipynb) tells how to do it when rows are few.
#
# ## Way 2: dropout
#
# A team in which everybody relies on one star fails when the star is ill. Coaches know a cure: in each training session
# a random half sits out. **Dropout** does this to neurons. In each training step every activation is *dropped*, that
# is, set to
# zero, with probability $p$, and those that stay are scaled up, so that the sum is the same on average:
#
# $$\tilde h_j = \frac{m_j}{1-p}\,h_j, \qquad m_j = \begin{cases}1 & \text{with probability } 1-p\\ 0 & \text{with probability } p\end{cases}$$
#
# * $h_j$ is the activation of neuron $j$, $\tilde h_j$ ("h tilde") what the next layer gets,
# * $m_j$ is a coin thrown anew for every neuron, example and step; $p$ is the **rate**,
# * $\mathbb E[\tilde h_j] = (1-p)\cdot\frac{h_j}{1-p} + p\cdot 0 = h_j$, where $\mathbb E$ is the mean over all coins: nothing changes on average, so that the finished network
#   needs no correction. At **inference**, when the trained network is used, all $m_j$ are 1 and $p$ is 0: dropout is gone.

# %%
h = np.array([1.0, 2.0, 0.0, 4.0, 8.0])
coins = np.random.default_rng(0).random((20_000, 5))
keep = coins >= 0.4  # rate 0.4: a coin for each of 20,000 steps
silenced = h * keep / (1 - 0.4)  # (20000, 5)
print(silenced[:3].round(2))
many = np.tile(h, (20_000, 1))
ours = scratch.dropout(many, 0.4, keep)
expect("bmkit.scratch", ours, equals=silenced, tolerance=1e-12)
off = np.abs(silenced.mean(axis=0) - h)
expect("mean minus h at most, NumPy", off.max(), at_most=0.2)

# %%
layer = keras.layers.Dropout(0.4, seed=0)
theirs = np.array(layer(many, training=True))
off = np.abs(theirs.mean(axis=0) - h)
values = np.unique(theirs[:, 4])
expect("mean minus h at most, Keras", off.max(), at_most=0.2)
expect("values that Keras gives for 8", values, equals=[0, 8 / 0.6], tolerance=1e-4)
expect("at inference, Keras", layer(many, training=False), equals=many)

# %% [markdown]
# ### Exercise 4 · Predict, then run
#
# A neuron's activation is 3. Dropout has rate 0.25. In a step in which the neuron is *kept*, **what does the next layer get?**
# *One minute; expected: a number.*

# %%
louder = ...
ch06.louder.check(louder)

# %% [markdown]
# ## All of them on the reviews
#
# Back to the network that learned by heart. Same weights at the start, same data, same number of steps; only the regularization
# differs: L2, L1, and dropout with rate 0.6 on the words and on the hidden layer. Each strength is the best of four or five
# that we tried on the new reviews, so these reviews are *validation* data from here on. A fourth network has an L2
# penalty more than three times as strong. Which will have the smallest gap? Which the lowest loss on new reviews?

# %%
settings = {
    "L2": (keras.regularizers.L2(0.03), 0.0),
    "L1": (keras.regularizers.L1(0.006), 0.0),
    "dropout": (None, 0.6),
    "L2, too strong": (keras.regularizers.L2(0.1), 0.0),
}
models = {"free": free}
for name, setting in settings.items():
    models[name] = network(*setting)
    run = models[name].fit(x, y, epochs=20, verbose=0)
    runs[name] = run.history

# %% [markdown]
# Here is a trap. The training loss in the history of `fit` is measured while dropout is at work, and the validation
# loss is not. To subtract one from the other is to compare two different networks. So we measure both sets in the same
# way, with `evaluate`, after training:

# %%
known = {name: train.evaluate(model, (x, y)) for name, model in models.items()}
unseen = {name: train.evaluate(model, (new_x, new_y)) for name, model in models.items()}
results = {}
for name in models:
    results[name] = {
        "loss, known": known[name]["cross_entropy"],
        "loss, new": unseen[name]["cross_entropy"],
        "gap": unseen[name]["cross_entropy"] - known[name]["cross_entropy"],
        "share of new right": unseen[name]["accuracy"],
    }
plot.table(results, corner="network")

# %%
in_history = runs["dropout"]["cross_entropy"][-1]
twice = in_history - known["dropout"]["cross_entropy"]
expect("dropout, training loss in the history minus evaluated", twice, at_least=0.08)

# %%
places = np.arange(len(models))
seen_losses = [known[name]["cross_entropy"] for name in models]
new_losses = [unseen[name]["cross_entropy"] for name in models]
figure, axes = plot.subplots(figsize=(7.0, 3.0))
axes.bar(places - 0.2, seen_losses, 0.38, color=plot.COLORS[4], label="known")
axes.bar(places + 0.2, new_losses, 0.38, color=plot.COLORS[3], hatch="//", label="new")
axes.axhline(entropy(new_y), color="black", lw=0.8, label="always the same prediction")
axes.set(xlabel="regularization", ylabel="cross-entropy (nats)", ylim=(0, 1.2))
axes.set_xticks(places, models)
axes.legend()
plot.show(figure)

# %% [markdown]
# *Figure. Both sets of reviews, measured with the finished networks. L2, L1 and dropout lose on known reviews and win
# on new ones, where they
# end below the thin line. With too strong an L2 penalty both bars are high: the smallest gap, and no use.*
# <details><summary>In words</summary>Five pairs of bars. For the free network the bar of known reviews is almost invisible and
# the one of new reviews towers above a thin line. For L2, L1 and dropout the first bar has grown and the second has shrunk to
# below the line. For "L2, too strong" both bars are nearly as high as the line.</details>

# %%
new_loss = {name: unseen[name]["cross_entropy"] for name in models}
gap = {name: new_loss[name] - known[name]["cross_entropy"] for name in models}
gain = {}
for name in ("L2", "L1", "dropout"):
    gain[name] = new_loss["free"] - new_loss[name]
    margin = new_loss[name] - entropy(new_y)
    lead = unseen[name]["accuracy"] - unseen["free"]["accuracy"]
    share = gap[name] / gap["free"]
    expect(f"gap with {name} over gap without", share, at_most=0.5)
    expect(f"new reviews, loss of free minus {name}, nats", gain[name], at_least=0.2)
    expect(f"new reviews, loss of {name} minus the baseline", margin, at_most=-0.02)
    expect(f"new reviews, accuracy of {name} minus free", lead, at_least=-0.05)

# %%
smallest = min(gain.values())
apart = max(gain.values()) - smallest
expect("difference of the three over their gain", apart / smallest, at_most=0.25)
closer = min(gap["L2"], gap["L1"], gap["dropout"]) - gap["L2, too strong"]
expect("least gap of the three minus that of L2, too strong", closer, at_least=0.05)
worse = new_loss["L2, too strong"] - new_loss["L2"]
expect("new reviews, loss of L2, too strong, minus L2", worse, at_least=0.02)
named = models["L2, too strong"].predict(new_x, verbose=0).argmax(axis=1)
expect("its share of answers 'great'", named.mean(), at_least=0.9)

# %% [markdown]
# With each of the three the gap has shrunk by more than half, the share of right answers lost less than five points, and the
# mistakes cost less. The training loss got worse, and that is no failure: it is the price. Which of the three is
# best? We leave that open: on these 1,200 reviews their losses differ by less than a quarter of what each of them gained.
#
# And the gap is not what we are after. "L2, too strong" has by far the smallest, because it has hardly learned anything: it
# **underfits**, and says "great" to nearly every review. Choose by the loss on new data, never by the gap.
#
# ### Exercise 5 · Change the experiment
#
# Turn it up further. Train `network(keras.regularizers.L2(1.0))` for 20 epochs as above and measure it with `train.evaluate` on the
# new reviews. **Which share does it get right?** Compare with `new_y.mean()`. *Medium, five minutes; expected: a number between 0
# and 1, to two decimals.*

# %%
far_too_strong = ...
ch06.far_too_strong.check(far_too_strong)

# %% [markdown]
# ## Way 3: stop in time
#
# Look at the first figure again. For a few epochs the free network was good. **Early stopping** watches the validation loss,
# stops when it has not improved for some epochs (the *patience*) and goes back to the best weights. Early stopping
# saves time, and it needs validation rows. `train.fit` does it:

# %%
stopped = network()
run = train.fit(stopped, (x, y), (new_x, new_y), epochs=20, patience=3)
expect("epochs run", len(run["loss"]), at_most=14)
back = train.evaluate(stopped, (new_x, new_y))["cross_entropy"]
lowest = min(run["val_cross_entropy"])
later = new_loss["free"]
below = entropy(new_y) - back
expect("its loss minus the lowest of the run", back - lowest, equals=0, tolerance=1e-3)
expect("loss, free to the end minus stopped, nats", later - back, at_least=0.25)
expect("baseline minus the loss of the stopped one, nats", below, at_least=0.05)

# %% [markdown]
# Keras' own name for it is the callback `keras.callbacks.EarlyStopping(patience=3, restore_best_weights=True)`; [chapter
# 10](10_training_validation_testing.ipynb) shows it. Note that the epoch was *chosen* by these reviews, so this loss is "validation,
# best epoch" and a little flattered.
#
# Why does it work? Perhaps because weights start small and grow from step to step: few steps keep them small, as a penalty does.
# At least the first half of that can be seen in the sum of all squared weights, $\Omega_{\mathrm{L2}}$:


# %%
def squares(model):
    return sum(float(np.sum(np.square(weight))) for weight in model.get_weights())


start = squares(network())
early = squares(stopped)
late = squares(free)
print(f"start, stopped, free (here: {start:.0f}, {early:.0f}, {late:.0f})")
share = (early - start) / (late - start)
expect("growth up to the stop over growth to the end", share, at_most=0.5)

# %% [markdown]
# ## Way 4: weight decay, and a trap in Adam
#
# With plain gradient descent the L2 penalty multiplies each weight by $1-2\eta\lambda$ in every step ($\eta$ is the learning rate):
# $w-\eta\cdot2\lambda w$. Hence its other name, **weight decay**. With Adam ([chapter 05](05_gradient_descent.ipynb)) the two are
# not the same. Adam divides each gradient by its own size. If the data say nothing about a weight, so that its gradient
# comes from the penalty alone, a penalty a hundred times as strong changes next to *nothing*. AdamW therefore shrinks
# the weights itself, beside the
# gradient: $w\leftarrow w-\eta\,\delta\,w$ with a decay $\delta$. Watch one step from $w=1$ for a low and a high strength:

# %%
def first_step(optimizer, gradient):
    weight = keras.Variable(1.0)
    optimizer.apply([keras.ops.convert_to_tensor(gradient)], [weight])
    return 1.0 - float(weight)


for strength in (0.01, 1.0):
    gradient = float(scratch.l2_penalty_gradient(1.0, strength))
    decaying = keras.optimizers.AdamW(0.01, weight_decay=2 * strength)
    by_sgd = first_step(keras.optimizers.SGD(0.01), gradient)
    by_adam = first_step(keras.optimizers.Adam(0.01), gradient)
    by_adamw = first_step(decaying, 0.0)
    print(f"λ = {strength}: SGD {by_sgd:.5f}  Adam {by_adam:.5f}  AdamW {by_adamw:.5f}")
    shrink = 0.02 * strength  # 2ηλ
    expect("SGD shrinks by 2ηλ", by_sgd, equals=shrink, tolerance=1e-6)
    expect("AdamW shrinks by 2ηλ", by_adamw, equals=shrink, tolerance=1e-6)
    expect("Adam goes its own step", by_adam, equals=0.01, tolerance=1e-5)

# %% [markdown]
# So L2 with Adam still regularizes, as our figure showed, but its strength does not mean what it means elsewhere. Most
# large *language models* are trained with AdamW.
#
# ## The test, once
#
# The validation reviews have had a say: they chose the strengths. So only now do we open the test reviews, which are
# about other products than all reviews before. Two candidates: the free network as 20 epochs of Keras' `fit` left it,
# and dropout. (The stopped network, level with dropout on
# validation, is not in this race.)

# %%
test_texts, test_y = data.load("small_fine_foods").arrays("test")
test_x = np.array(bag(list(test_texts)))
free_test = train.evaluate(models["free"], (test_x, test_y))
dropout_test = train.evaluate(models["dropout"], (test_x, test_y))
gained = free_test["cross_entropy"] - dropout_test["cross_entropy"]
expect("test loss, free minus dropout, nats", gained, at_least=0.2)
under = entropy(test_y) - dropout_test["cross_entropy"]
expect("baseline minus test loss of dropout, nats", under, at_least=0.03)
lead = dropout_test["accuracy"] - free_test["accuracy"]
expect("test accuracy, dropout minus free", lead, at_least=-0.04)

# %% [markdown]
# ## Summary
#
# * A model with more weights than examples can learn by heart: it **overfits**, and the **gap** between training and validation loss
#   shows it. Measure both with `evaluate`. A small gap alone is no aim: a model that **underfits** has one too.
# * **L2** pulls in proportion to a weight and makes all of them small; **L1** pulls with constant force and makes many exactly
#   zero, if the method uses the soft threshold, as the lasso does. Adam on Keras' L1 does not: there, do not expect exact zeros.
# * **Dropout** sets random activations to zero in training, scales the others up, and is gone at inference.
# * **Early stopping** goes back to the best epoch. **Weight decay** is L2 for plain gradient descent; with Adam use AdamW.
# * Each has a hyperparameter, set on rows that the weights have not seen: too little regularization fits accidents, too
#   much misses what is real.
#
# **Ask yourself**
#
# <details><summary>Training and validation loss are both high and close together. More regularization?</summary>No. There is no gap
# to close: the model underfits. It is regularized too strongly, or it is too small. Lower the strength first.</details>
# <details><summary>Why must columns be scaled before L1 or L2?</summary>The penalty is on the weight. A length in
# millimetres needs a weight a thousand times smaller than in metres, so it would be penalized far less for the same
# effect.</details>
# <details><summary>Your validation loss is lower than your training loss. A mistake?</summary>Not with dropout: training
# loss is measured with neurons dropped, validation loss with all of them. It is also a mean over the whole epoch, whereas validation
# comes at its end, with better weights.</details><br>
#
# **Next** [07 · Cross-validation](07_cross_validation.ipynb): how to choose a hyperparameter, and how to measure, when rows are few.
#
# **References**
#
# * R. Tibshirani (1996), Regression shrinkage and selection via the lasso.
#   [doi](https://doi.org/10.1111/j.2517-6161.1996.tb02080.x)
# * A. E. Hoerl, R. W. Kennard (1970), Ridge regression: biased estimation for nonorthogonal problems.
#   [doi](https://doi.org/10.1080/00401706.1970.10488634)
# * N. Srivastava, G. Hinton, A. Krizhevsky, I. Sutskever, R. Salakhutdinov (2014), Dropout: a simple way to prevent neural
#   networks from overfitting. [JMLR](https://jmlr.org/papers/v15/srivastava14a.html)
# * J. Friedman, T. Hastie, R. Tibshirani (2010), Regularization paths for generalized linear models via coordinate descent.
#   [doi](https://doi.org/10.18637/jss.v033.i01)
# * I. Loshchilov, F. Hutter (2019), Decoupled weight decay regularization. [arXiv](https://arxiv.org/abs/1711.05101)
