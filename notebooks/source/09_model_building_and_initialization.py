# %% [markdown]
# # 09 · Model building and initialization
#
# **After this you can** build the same model in three ways and say when to use which, read shapes and summaries, derive from algebra how a start spreads numbers through a deep network, choose between Glorot and He, and start from pretrained weights
#
# **Time** 45 min to read, 80 min to teach, 50 s to run
#
# **Before** [01 · Neural networks](01_neural_networks.ipynb), [05 · Gradient descent](05_gradient_descent.ipynb)
#
# **Data** digits (1,797 handwritten digits of 8×8 pixels, CC BY 4.0), mnist_5k (5,000 handwritten digits of 28×28 pixels, CC BY-SA 3.0)

# %%
from bmkit import data, models, plot, scratch, train
from bmkit.check import expect
from bmkit.exercises import ch09
import keras
import numpy as np
train.seed(0)

# %% [markdown]
# ## Step 2: build the model
#
# The data are ready (step 1). Before anything can be trained, two things must be decided: what the model *is*, and with which
# numbers it *starts*. Both are a few lines of code, and both can quietly make training impossible.
#
# Keras has three ways to write a model down. The shortest is a list of layers, each fed with the output of the one before:

# %%
sequential = keras.Sequential(name="sequential")
sequential.add(keras.Input((8, 8, 1)))  # (batch, 8, 8, 1): the batch axis is never written
sequential.add(keras.layers.Flatten(name="flatten"))  # (batch, 64)
sequential.add(keras.layers.Dense(32, activation="relu", name="hidden"))  # (batch, 32)
sequential.add(keras.layers.Dense(10, name="logits"))  # (batch, 10)
sequential.summary(line_length=70, print_fn=print)

# %% [markdown]
# Read a summary from top to bottom and ask two questions of every line. *Is this the shape I expect?* `None` is the batch, whose size
# is not fixed. *Is this the number of parameters I expect?* Here $(64+1)\cdot32 = 2080$ and $(32+1)\cdot10=330$. A layer that is far
# larger than you thought is a frequent find.
#
# The **functional** way treats each layer as a function. You call it on the output of another and keep the result under a name.
# From the names you can build any graph without loops, not only a chain:

# %%
inputs = keras.Input((8, 8, 1))
flat = keras.layers.Flatten()(inputs)
hidden = keras.layers.Dense(32, activation="relu")(flat)
functional = keras.Model(inputs, keras.layers.Dense(10)(hidden), name="functional")
print("from", functional.input_shape, "to", functional.output_shape)
expect("parameters, functional", functional.count_params(), equals=(64 + 1) * 32 + (32 + 1) * 10)

# %% [markdown]
# The **subclassed** way: write a Python class. Layers are made in `__init__`, and `call` says what happens to an input. Anything that
# Python can do is allowed there, loops and conditions too. The price: Keras cannot look inside `call`, so it knows shapes only
# once data have passed through.


# %%
class Reader(keras.Model):
    def __init__(self):
        super().__init__()
        self.flatten = keras.layers.Flatten()
        self.hidden = keras.layers.Dense(32, activation="relu")
        self.logits = keras.layers.Dense(10)

    def call(self, pictures):
        return self.logits(self.hidden(self.flatten(pictures)))


subclassed = Reader()
print("weights before the first picture:", len(subclassed.weights))
subclassed(np.zeros((1, 8, 8, 1)))
print("and after it:", [tuple(weight.shape) for weight in subclassed.weights])

# %% [markdown]
# Why no weights at first? The matrix of a dense layer has one row for each input, and nobody has said yet how many there are.
#
# Are the three one model? They have the same shapes, but each has drawn its own random weights. Give all three the same weights,
# and real digits, and compare: with each other and with the formula of [chapter 01](01_neural_networks.ipynb).

# %%
digits = data.load("digits")
pictures, labels = digits.arrays("train")
weights = sequential.get_weights()
by_chain, by_graph = np.array(sequential(pictures)), np.array(functional(pictures))
apart = np.abs(by_chain - by_graph).max()
expect("own random weights, largest difference", apart, at_least=0.1)

# %%
expected = scratch.mlp_forward(pictures.reshape(-1, 64), weights)  # (1077, 10)
for name, model in (("functional", functional), ("subclassed", subclassed)):
    model.set_weights(weights)
    expect(f"{name}, same weights", model(pictures), equals=sequential(pictures), tolerance=1e-6)
expect("bmkit.scratch", expected, equals=sequential(pictures), tolerance=1e-5)

# %% [markdown]
# So the way you write it is a matter of convenience:
#
# * **Sequential** for a plain chain: the shortest, and hard to get wrong.
# * **Functional** for everything with branches, several inputs or outputs, or shortcuts. Keras still knows every shape
#   beforehand, refuses what does not fit while you build it, and can cut the graph open to look at inner layers. All models of
#   `bmkit.models` are built so.
# * **Subclass** when what happens depends on the data or needs a loop of unknown length.
#
# Here is something a chain cannot say: a *shortcut*. The hidden values skip a layer and are added to its output. And we get a second
# model out of the same graph, which shows the hidden values, at no cost.

# %%
inputs = keras.Input((64,), name="pixels")
first = keras.layers.Dense(32, activation="relu")(inputs)
second = keras.layers.Dense(32, activation="relu")(first)
joined = keras.layers.Add()([first, second])  # (batch, 32)
with_shortcut = keras.Model(inputs, keras.layers.Dense(10)(joined))
inside = keras.Model(inputs, [first, second, joined])
a, b, both = (np.array(values) for values in inside(pictures[:5].reshape(5, 64)))
expect("what the shortcut does", both, equals=a + b, tolerance=1e-6)
try:
    keras.layers.Add()([first, keras.layers.Dense(31)(first)])
except ValueError:
    print("32 and 31 values cannot be added: refused while building, before any data")

# %% [markdown]
# ### Exercise 1 · Build a shortcut
#
# Write `shortcut(inputs, units, outputs)`: a functional model with two hidden ReLU layers of `units` neurons; the *sum* of both
# layers' outputs goes into a last layer of logits. *Medium, seven minutes; expected: a `keras.Model`.*


# %%
def shortcut(inputs, units, outputs):
    ...


ch09.shortcut.check(shortcut)

# %% [markdown]
# ## Step 3: initialise the parameters
#
# Training improves weights, so there must be some to begin with. The obvious first try is: all zero, nothing prejudged. Or, if
# zero sounds too empty, all the same small number. A hidden layer with eight neurons, all weights 0.1:
#
# ### Exercise 2 · Predict, then run
#
# After training, if the computer never rounded: **how many *different* neurons are there among the eight?** *Two minutes; expected: an integer.*

# %%
twins = ...
ch09.twins.check(twins)

# %%
def eight_neurons(start):
    model = keras.Sequential([keras.Input((8, 8, 1))])
    model.add(keras.layers.Flatten(dtype="float64"))  # 16 digits a number, in place of 7
    for units, activation in ((8, "tanh"), (10, None)):
        model.add(
            keras.layers.Dense(units, activation, kernel_initializer=start, dtype="float64")
        )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.005), loss, metrics=["accuracy"])
    return model


# %%
starts = {"zeros": "zeros", "random": "glorot_uniform"}
starts["constant"] = keras.initializers.Constant(0.1)
kernels, scores = {}, {}
for name, start in starts.items():
    small = eight_neurons(start)
    train.fit(small, digits.train, digits.validation, epochs=8)
    kernels[name] = small.get_weights()[0]  # (64, 8), one column a neuron
    scores[name] = train.evaluate(small, digits.validation)["accuracy"]

# %%
shown = np.concatenate([kernels["constant"].T, kernels["random"].T]).reshape(16, 8, 8)
titles = [f"constant {k}" for k in range(1, 9)] + [f"random {k}" for k in range(1, 9)]
plot.show(plot.images(shown, titles, columns=8, width=7.6))

# %% [markdown]
# *Figure. The weights of eight hidden neurons after training. Above, from the constant start: one neuron, eight times. Below, from a
# random start: eight different ones.*
# <details><summary>In words</summary>Two rows of eight small grey pictures. All pictures of the upper row are the same; those of the
# lower row differ from one another.</details><br>
#
# Equal neurons see the same inputs, give the same answers, and are used by the next layer in the same way. So they get the same
# gradient and take the same step. Nothing in the rule of training ever breaks the **symmetry**. With zeros it is worse: the hidden
# values are $\tanh(0)=0$, so the last matrix gets no gradient, and because that matrix is zero, nothing flows back to the first. Only
# the last biases learn, and they can only learn how frequent each digit is.


# %%
def neurons_apart(kernel):
    return np.abs(kernel - kernel[:, :1]).max()  # largest difference from the first neuron


apart = {name: neurons_apart(kernel) for name, kernel in kernels.items()}
expect("constant start, largest difference of neurons", apart["constant"], at_most=1e-6)
expect("random start, largest difference of neurons", apart["random"], at_least=0.5)
expect("zero start, largest weight after training", np.abs(kernels["zeros"]).max(), at_most=1e-6)
baseline = np.mean(digits.arrays("validation")[1] == np.bincount(labels).argmax())
expect("baseline: always the same digit, share right", baseline, at_most=0.12)
expect("zero start, share right", scores["zeros"], at_most=0.13)
expect("constant start, share right", scores["constant"], at_most=0.5)
expect("random start, share right", scores["random"], at_least=0.85)

# %% [markdown]
# ### An unstable balance
#
# Only almost the same: a computer *rounds*. Some processors add up the eight neurons' sums in different orders, so that the last digit
# of one neuron differs from the others'. That is why we counted with 16 digits here. Does such a trifle die out, or does it grow? Move a
# single weight of the fourth neuron by a tiny amount, and follow the largest difference over the epochs:

# %%
def distances_after(nudge):
    moved = eight_neurons(starts["constant"])
    weights = moved.get_weights()
    weights[0][20, 3] += nudge  # pixel 20, neuron 3
    moved.set_weights(weights)
    distances = [nudge]

    def note(epoch, logs):
        distances.append(neurons_apart(moved.get_weights()[0]))

    noting = keras.callbacks.LambdaCallback(on_epoch_end=note)
    train.fit(moved, digits.train, epochs=8, callbacks=[noting])
    return distances


distances = {nudge: distances_after(nudge) for nudge in (1e-7, 1e-5)}

# %%
figure, axes = plot.subplots(figsize=(6.0, 2.8))
for nudge, marker in zip(distances, plot.MARKERS):
    axes.semilogy(distances[nudge], marker=marker, mfc="none", label=f"moved by {nudge:g}")
axes.set(xlabel="epoch", ylabel="difference of neurons")
axes.legend()
plot.show(figure)
for nudge, followed in distances.items():
    growth = followed[-1] / nudge
    expect(f"moved by {nudge:g}: growth in eight epochs", growth, at_least=10)

# %% [markdown]
# *Figure. Two tiny nudges to one neuron of the constant start. On the logarithmic axis both differences rise from epoch to epoch: they
# multiply instead of dying out.*
# <details><summary>In words</summary>Two rising lines, one above the other, on a logarithmic axis. Each is nearly level at first and
# then climbs, by two powers of ten or more in all.</details><br>
#
# Equality is like a pencil that stands on its tip: exact arithmetic would keep it there, a breath makes it fall, and until it has fallen
# the steps are wasted on one neuron. With the usual 7 digits and a larger learning rate, rounding alone may be that breath, on one
# processor and not on another. So the eight may part by themselves in the end. A good start does not wait for that.

# %% [markdown]
# So weights must differ from the first step on, and the cheapest way to differ is chance. That leaves one question, and deep networks stand or fall with it:
# **how large** should the random numbers be?
#
# ## One layer: variances add up
#
# Draw every weight with mean 0 and variance $\sigma^2$, independent of the others and of the inputs. One neuron adds up $n$ products:
# $z=\sum_{j=1}^{n} w_j x_j$. Its mean over the draws is 0, so its variance is the mean of its square:
#
# $$\mathrm{E}[z^2] = \sum_{j}\sum_{k} \mathrm{E}[w_j w_k]\;\mathrm{E}[x_j x_k] = \sum_{j=1}^{n} \mathrm{E}[w_j^2]\;\mathrm{E}[x_j^2] = n\,\sigma^2\;\overline{x^2}$$
#
# * $\mathrm{E}$ is the mean over draws of the weights (and over examples),
# * for $j\neq k$ the factor $\mathrm{E}[w_jw_k]=\mathrm{E}[w_j]\,\mathrm{E}[w_k]$ is zero, and only the $n$ squares survive,
# * $\overline{x^2}$ is the mean square of the inputs, averaged over the $n$ of them.
#
# We call the root of a mean square the **spread**, $r$. One layer turns the spread $r_x$ into $r_z = \sigma\sqrt{n}\;r_x$. Real digits,
# standardised with training statistics, go through 256 random neurons:

# %%
flat, random = pictures.reshape(-1, 64), np.random.default_rng(0)
center, width = flat.mean(axis=0), flat.std(axis=0)
width[width < 0.01] = 1  # some pixels at the edge are hardly ever inked
x = ((flat - center) / width)[:500].astype(float)  # (500, 64)
figure, axes = plot.subplots(figsize=(6.4, 2.8))
for sigma, line in ((0.05, "-"), (0.125, "--"), (0.3, ":")):
    z = x @ random.normal(scale=sigma, size=(64, 256))  # (500, 256)
    bins, label = np.linspace(-6, 6, 121), f"σ = {sigma}"
    axes.hist(z.ravel(), bins, histtype="step", color="black", ls=line, lw=1.5, label=label)
    ratio = scratch.root_mean_square(z) / (sigma * np.sqrt(64) * scratch.root_mean_square(x))
    expect(f"{label}, spread of z over its prediction", ratio, at_least=0.9, at_most=1.1)
axes.set(xlabel="weighted sum z", ylabel="count")
axes.legend()
plot.show(figure)

# %% [markdown]
# *Figure. Weighted sums of real digits for three spreads of the weights: the wider the weights, the wider the sums, just as the
# formula says.*
# <details><summary>In words</summary>Three bell-shaped histograms around zero. For σ = 0.05 it is narrow and high, for 0.125
# wider, for 0.3 so wide that it fills the picture.</details><br>
#
# ## Many layers: a product
#
# [Chapter 02](02_deep_learning.ipynb) measured that slopes vanish or explode on their way back. Now we derive why, and for the way
# forward as well.
#
# Between two layers sits ReLU. The sums $z$ are as often positive as negative, because flipping the sign of all weights of a neuron
# is just as likely a draw. ReLU sets the negative half to zero and leaves the rest, so it keeps exactly **half** of the mean
# square: $\mathrm{E}[\mathrm{relu}(z)^2] = \tfrac12\,\mathrm{E}[z^2]$. Together, from layer $l-1$ to layer $l$,
#
# $$r_l = \sigma_l\sqrt{\tfrac12\,n_l}\;\; r_{l-1} \qquad\Longrightarrow\qquad r_L = r_0\,\prod_{l=1}^{L}\sigma_l\sqrt{\tfrac12\,n_l}$$
#
# A product of $L$ equal factors: below 1 it dies out, above 1 it explodes, and only **factor 1** lets the numbers through. That demands
#
# $$\sigma^2 = \frac{2}{n} \qquad\text{(He)}$$
#
# On the way back the same happens. Backpropagation multiplies the error signal $\delta$ of layer $l$ with the transposed matrix and
# with the slope of ReLU, which is 1 for one half and 0 for the other. Each $\delta$ is a sum over the $m_l$ neurons of the layer, so
# its spread changes by $\sigma_l\sqrt{\frac12 m_l}$ a layer: the same factor where layers are equally wide. Here are both directions:


# %%
def signals(x, labels, kernels, activation, slope):
    values, sums = [x], []
    for kernel in kernels[:-1]:
        sums.append(values[-1] @ kernel)  # (n, units); biases start at zero
        values.append(activation(sums[-1]))
    delta = scratch.softmax_cross_entropy_gradient(labels, values[-1] @ kernels[-1])
    deltas = []
    for z, kernel in zip(sums[::-1], kernels[:0:-1]):
        delta = (delta @ kernel.T) * slope(z)  # (n, units), one layer further back
        deltas.insert(0, delta)
    return values[1:], deltas


def relu_slope(z):
    return (z > 0).astype(float)

# %% [markdown]
# Twelve hidden layers of 256 neurons, 500 real digits, no training at all. Each start draws its weights with its own $\sigma$; the one
# called *constant* has all weights 0.05. Guess first: how large are the numbers in layer 12, if each layer shrinks them to a
# ninth?

# %%
fans = [64] + [256] * 12
shapes = list(zip(fans, [*fans[1:], 10]))  # (64, 256), eleven times (256, 256), (256, 10)
glorot = [scratch.glorot_uniform_limit(*shape) / np.sqrt(3) for shape in shapes]
he = [scratch.he_normal_std(fan) for fan in fans]
stds = {"2 × He": [2 * std for std in he], "He": he, "Glorot": glorot, "σ = 0.01": [0.01] * 13}
forward, backward, predicted = {}, {}, {}
for name, sigmas in stds.items():
    kernels = [random.normal(scale=s, size=shape) for s, shape in zip(sigmas, shapes)]
    values, deltas = signals(x, labels[:500], kernels, scratch.relu, relu_slope)
    forward[name] = np.array([scratch.root_mean_square(layer) for layer in values])
    backward[name] = np.array([scratch.root_mean_square(layer) for layer in deltas])
    predicted[name] = scratch.propagated_spread(scratch.root_mean_square(x), fans[:12], sigmas[:12])

# %%
figure, (left, right) = plot.subplots(1, 2, figsize=(8.6, 3.6))
for (name, spreads), marker, color in zip(forward.items(), plot.MARKERS, plot.COLORS):
    left.semilogy(range(1, 13), spreads, marker, color=color, mfc="none", label=name)
    left.semilogy(range(1, 13), predicted[name], color=color, ls="-")
    share = backward[name] / backward[name][-1]
    right.semilogy(range(1, 13), share, color=color, marker=marker, mfc="none")
left.set(xlabel="layer", ylabel="spread of activations (r)", title="forward")
right.set(xlabel="layer", ylabel="spread of δ, layer 12 = 1", title="backward")
figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=9)
plot.show(figure)
for name in forward:
    error = np.abs(np.log(forward[name] / predicted[name])).max()
    expect(f"{name}: measured and predicted apart by a factor of", np.exp(error), at_most=1.6)

# %% [markdown]
# *Figure. Marks are measured, lines predicted, the scale is logarithmic. Left, the activations on their way forward; right, the error
# signal on its way back, read from right to left. Only He stays level in both.*
# <details><summary>In words</summary>Two charts over layers 1 to 12 with logarithmic axes. Left: He is level near 1, Glorot sinks
# to about a hundredth, "2 × He" rises to some thousands, "σ = 0.01" falls to 10 to the minus 12; the marks lie on the predicted
# lines. Right, the same four drawn backward: He level, Glorot and "σ = 0.01" sinking towards layer 1, "2 × He" rising.</details><br>
#
# Algebra on half a page predicts twelve layers on real data. Now the bands, layer by layer, and the two starts without chance:

# %%
he_band = forward["He"] / scratch.root_mean_square(x)
steps = forward["Glorot"][1:] / forward["Glorot"][:-1]
expect("He, lowest layer's spread over the input's", he_band.min(), at_least=0.7)
expect("He, highest layer's spread over the input's", he_band.max(), at_most=1.4)
back = {name: deltas[0] / deltas[-1] for name, deltas in backward.items()}
expect("He, δ of layer 1 over layer 12", back["He"], at_least=0.6, at_most=1.7)
expect("Glorot with ReLU, least factor of a layer", steps.min(), at_least=0.55)
expect("Glorot with ReLU, largest factor of a layer", steps.max(), at_most=0.85)
expect("σ = 0.01, spread of layer 12", forward["σ = 0.01"][-1], at_most=1e-10)
expect("2 × He, spread of layer 12", forward["2 × He"][-1], at_least=1000)
constant = [np.full(shape, 0.05) for shape in shapes]
values, _ = signals(x, labels[:500], constant, scratch.relu, relu_slope)
growth = scratch.root_mean_square(values[5]) / scratch.root_mean_square(values[4])
expect("constant, difference between neurons", np.ptp(values[0], axis=1).max(), at_most=1e-9)
expect("constant, growth a layer", growth, equals=256 * 0.05, tolerance=1e-6)

# %% [markdown]
# The constant start needs no theory of chance: all neurons of a layer give the same number $h$, the next sum is $n\,c\,h$, and with
# $n=256$ and $c=0.05$ every layer multiplies by 12.8. (And zero? $0\cdot x = 0$, in every layer.)
#
# ## tanh and Glorot
#
# Before ReLU, tanh was the usual activation. Near zero it is almost the identity, $\tanh z\approx z$, so nothing is halved. Forward,
# factor 1 asks for $\sigma^2 = 1/n_{\text{in}}$. Backward, where the sum runs over the outputs, it asks for $\sigma^2 = 1/n_{\text{out}}$.
# Both at once is possible only if the layer is square. Glorot takes the middle:
#
# $$\sigma^2 = \frac{2}{n_{\text{in}}+n_{\text{out}}} \qquad\text{(Glorot)}$$
#
# It is usually drawn evenly from $[-a, a]$. Such numbers have the variance $\frac{1}{2a}\int_{-a}^{a}w^2\,dw = a^2/3$, so
# $a = \sqrt{3}\,\sigma = \sqrt{6/(n_{\text{in}}+n_{\text{out}})}$. This is what Keras does if you say nothing.
#
# ### Exercise 3 · Glorot's limit
#
# Write `glorot_limit(fan_in, fan_out)`: the $a$ above. *Easy, three minutes; expected: a number.*


# %%
def glorot_limit(fan_in, fan_out):
    ...


ch09.glorot_limit.check(glorot_limit)

# %% [markdown]
# Twelve tanh layers with Glorot's start, and with weights five times as wide. What happens to a neuron whose sums are too large, if its
# activation cannot exceed 1?

# %%
figure, row = plot.subplots(1, 3, figsize=(8.6, 2.6))
tanh, slope = {}, lambda z: 1 - np.tanh(z) ** 2
for axes, (name, factor) in zip(row, {"Glorot": 1, "Glorot × 5": 5, "Glorot ÷ 5": 0.2}.items()):
    kernels = [random.normal(scale=factor * s, size=shape) for s, shape in zip(glorot, shapes)]
    tanh[name], deltas = signals(x, labels[:500], kernels, np.tanh, slope)
    axes.hist(tanh[name][-1].ravel(), np.linspace(-1, 1, 42), color=plot.COLORS[4], edgecolor="black")
    axes.set(xlabel="activation in layer 12", ylabel="count", title=name)
plot.show(figure)
level = np.array([scratch.root_mean_square(layer) for layer in tanh["Glorot"]])
expect("Glorot with tanh, lowest spread of a layer", level.min(), at_least=0.15)
expect("Glorot with tanh, highest spread of a layer", level.max(), at_most=0.6)
expect("least factor of a layer", (level[1:] / level[:-1]).min(), at_least=0.75)
expect("× 5, share of |h| above 0.95", np.mean(np.abs(tanh["Glorot × 5"][-1]) > 0.95), at_least=0.4)
last = scratch.root_mean_square(tanh["Glorot ÷ 5"][-1])
expect("÷ 5, spread of layer 12", last, at_most=1e-6)

# %% [markdown]
# *Figure. Activations in the twelfth layer. Glorot leaves them spread between the ends; five times as wide pushes them against −1 and
# 1, where tanh is flat and no gradient passes; a fifth as wide leaves nothing but zero.*
# <details><summary>In words</summary>Three histograms from −1 to 1: a bell around zero; two towers at both ends with little between;
# a single tower at zero.</details><br>
#
# ### Does Keras do the same?
#
# Its initializers are the same formulas. We draw many weights and compare their statistics with `bmkit.scratch`, and check our backward
# pass against automatic differentiation, since all our gradient curves rest on it.

# %%
import tensorflow as tf

largest = np.abs(keras.initializers.GlorotUniform(seed=0)((300, 200))).max()
ours = scratch.glorot_uniform_limit(300, 200)
expect("GlorotUniform, largest weight over the limit", largest / ours, at_least=0.99, at_most=1.001)
ratio = np.std(keras.initializers.HeNormal(seed=0)((300, 200))) / scratch.he_normal_std(300)
expect("HeNormal, measured σ over ours", ratio, at_least=0.98, at_most=1.02)
model = models.mlp((64,), 10, hidden_units=(256, 256))
kernels = model.get_weights()[::2]
with tf.GradientTape() as tape:
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)(labels[:500], model(x))
automatic = tape.gradient(loss, model.trainable_variables[0])  # (64, 256)
_, deltas = signals(x, labels[:500], kernels, scratch.relu, relu_slope)
expect("gradient of the first matrix", automatic, equals=x.T @ deltas[0], tolerance=1e-6)

# %% [markdown]
# ## Does it matter for training?
#
# Same network of twelve layers (128 neurons each, ReLU), same digits, same optimizer and steps; only the start differs. Which curves do
# you expect to leave the baseline?

# %%
normal = keras.initializers.RandomNormal
starts = {"He": "he_normal", "Glorot": "glorot_uniform", "too small": normal(0, 0.01)}
starts |= {"too large": normal(0, 0.5), "zero": "zeros", "constant": keras.initializers.Constant(0.05)}
seen, truth = digits.arrays("validation")
standard = ((flat - center) / width, labels), ((seen.reshape(-1, 64) - center) / width, truth)
runs, finite = {}, {}
for name, start in starts.items():
    deep = keras.Sequential([keras.Input((64,))])
    for units, activation in [(128, "relu")] * 12 + [(10, None)]:
        deep.add(keras.layers.Dense(units, activation=activation, kernel_initializer=start))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    deep.compile(keras.optimizers.SGD(0.01), loss, metrics=["accuracy"], jit_compile=False)
    fitted = deep.fit(*standard[0], validation_data=standard[1], epochs=6, verbose=0)
    runs[name] = fitted.history["val_accuracy"]
    finite[name] = bool(np.isfinite(deep.get_weights()[0]).all())

# %%
figure, axes = plot.subplots(figsize=(6.8, 3.2))
for (name, accuracy), marker in zip(runs.items(), plot.MARKERS):
    axes.plot(range(1, 7), accuracy, marker=marker, mfc="none", label=name)
axes.axhline(baseline, color="black", lw=0.8, ls="-")
axes.set(xlabel="epoch", ylabel="validation share right", ylim=(0, 1))
axes.legend(fontsize=9, loc="upper left", bbox_to_anchor=(1, 1))
plot.show(figure)
expect("He after six epochs", max(runs["He"]), at_least=0.65)
print("weights are no longer numbers:", [name for name in finite if not finite[name]])
for name in ("Glorot", "too small", "too large", "zero", "constant"):
    expect(f"He ahead of {name} by", max(runs["He"]) - max(runs[name]), at_least=0.2)

# %% [markdown]
# *Figure. Twelve layers, six starts: He is on its way from the first epoch; none of the others gets far from the baseline.*
# <details><summary>In words</summary>Validation accuracy over six epochs. The curve of He climbs steeply. Glorot creeps a little
# above the thin line of the baseline; too small, too large, zero and constant stay on it.</details><br>
#
# Here Keras' own `fit` trained, and none of these runs raised an error, not even the one that is *too large* (`train.fit` would have). Its sums overflowed in the first epoch, and since then
# each of its weights is `nan`, "not a number". It answers 0 to every picture, which is right for one in ten. A network that does not learn looks, from outside, just like one that needs more time. So look at
# the spread *before* training: one forward pass tells.
#
# Is Glorot's start bad, then, although Keras uses it by default? In shallow networks its shrinking hardly matters, and with tanh it is the
# right one. In a deep plain ReLU network write `kernel_initializer="he_normal"`.
#
# ## A better start than chance: pretrained weights
#
# Random weights know nothing. Somebody may have trained a network on a *related* task already, and its weights know something. Suppose
# you must read the 8×8 digits, and of each digit only **one** is labelled: 10 pictures in all. But there is MNIST, digits of other
# writers in another country, scanned by other machines, with 3,600 labels. We cut away its border and shrink it to 8×8:

# %%
mnist = data.load("mnist_5k")


def shrink(pictures):
    inked = pictures[:, 4:24, 4:24, 0].repeat(2, axis=1).repeat(2, axis=2)  # (n, 40, 40)
    return inked.reshape(-1, 8, 5, 8, 5).mean(axis=(2, 4))[..., np.newaxis]  # (n, 8, 8, 1)


other, watched = ((shrink(x), y) for x, y in (mnist.arrays("train"), mnist.arrays("validation")))
few = [[np.flatnonzero(labels == digit)[draw] for digit in range(10)] for draw in range(3, 6)]
both = np.concatenate([other[0][:10], pictures[few[0]]])
plot.show(plot.images(both, columns=10, width=7.6, vmin=0, vmax=1))
print("labelled pictures of our own:", len(few[0]), " of the related task:", len(other[0]))

# %% [markdown]
# *Figure. Above, MNIST shrunk to 8×8 pixels; below, the ten labelled pictures of our own task. Alike, but not the same.*
# <details><summary>In words</summary>Two rows of ten coarse digits, white on black. Those of the upper row are slanted and soft, those
# of the lower row fill their field and stand upright.</details><br>
#
# Two networks of the same form train on the same 10 pictures, with the same optimizer and 30 steps each (10 pictures are one batch, so
# an epoch is a step). One starts from chance, the other from the weights that it learned on MNIST. The validation pictures only watch.
# Ten pictures are few and may be lucky ones, so we do all of it three times, with three different tens. Which start leads after 30
# steps, and does the other catch up?

# %%
def reader():
    model = models.mlp((8, 8, 1), 10, hidden_units=(64, 64))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.003), loss, metrics=["accuracy"])
    return model


source = reader()
train.fit(source, other, watched, epochs=8)
at_home, away = (train.evaluate(source, pile)["accuracy"] for pile in (watched, digits.validation))
expect("pretrained, share of MNIST right", at_home, at_least=0.85)
expect("pretrained, share of our digits right before any step", away, at_least=0.45)

# %%
curves, test = {"random": [], "pretrained": []}, {"random": [], "pretrained": []}
for ten in few:
    for name in curves:
        model = reader()
        if name == "pretrained":
            model.set_weights(source.get_weights())
        first = train.evaluate(model, digits.validation)["accuracy"]
        history = train.fit(model, (pictures[ten], labels[ten]), (seen, truth), epochs=30)
        curves[name].append([first, *history["val_accuracy"]])
        test[name].append(train.evaluate(model, digits.test)["accuracy"])

# %%
figure, axes = plot.subplots(figsize=(6.4, 3.0))
for (name, three), line, color in zip(curves.items(), plot.LINES, plot.COLORS):
    axes.plot(np.transpose(three), color=color, ls=line, lw=0.7, alpha=0.6)
    axes.plot(np.mean(three, axis=0), color=color, ls=line, lw=2.5, label=f"{name} start")
axes.set(xlabel="step", ylabel="validation share right", ylim=(0, 1))
axes.legend(loc="lower right")
plot.show(figure)
needed = {name: np.argmax([*(np.mean(three, axis=0) >= 0.45), True]) for name, three in curves.items()}
expect("steps to 45 % right, pretrained", needed["pretrained"], at_most=1)
expect("steps to 45 % right, random", needed["random"], at_least=6)
lead = np.mean(test["pretrained"]) - np.mean(test["random"])
expect("test set, pretrained start, mean share right", np.mean(test["pretrained"]), at_least=0.64)
expect("test set, its mean lead over the random start", lead, at_least=0.1)

# %% [markdown]
# *Figure. Share right over 30 steps: thin lines are the three tens, thick lines their mean. The pretrained start is ahead before the
# first step, and the random one does not catch up.*
# <details><summary>In words</summary>Validation accuracy over 30 steps. The random start climbs from about one tenth to about two
# thirds; the pretrained start begins near 0.6 and soon reaches 0.7 and more, above the other all the way.</details><br>
#
# The pretrained start needs fewer steps *and* ends higher, though neither network saw more than ten pictures of this task. It works
# because the tasks are related: Yosinski and colleagues measured how the gain shrinks as two tasks drift apart. So measure both
# starts, as we did. Chapter 19 does it with a network trained on photographs.
#
# ## Summary
#
# * Sequential, functional and subclassed are three ways to write one model: same weights, same output. Take the simplest that can say
#   what you need, and read the shapes in the summary.
# * Equal weights get equal gradients: a constant start makes eight neurons do the work of one, until a trifle such as rounding has
#   grown large enough to part them. With zeros only the last biases learn. Chance breaks the symmetry at once.
# * A layer multiplies the spread by $\sigma\sqrt{n}$, ReLU keeps half of the mean square, and layers multiply: the factor must be 1.
# * He, $\sigma^2 = 2/n_{\text{in}}$, for ReLU; Glorot, $\sigma^2 = 2/(n_{\text{in}}+n_{\text{out}})$, for tanh.
# * A pretrained start from a related task beats chance when labels are few.
#
# **Ask yourself**
#
# <details><summary>Biases start at zero everywhere. Why is that no problem?</summary>The weights already make the neurons different, so
# their gradients differ, and the biases go different ways from the first step on.</details>
# <details><summary>Your inputs are grey levels from 0 to 255, not standardised, and you use He. What happens?</summary>He keeps the
# spread that comes in. It starts at about 100, so the logits are about 100 too, and the first loss is huge. Scale the
# inputs.</details>
# <details><summary>A model of ten layers does not learn. How do you find out whether the start is to blame?</summary>Send one batch
# through and print the spread of every layer. If it shrinks or grows by the same factor from layer to layer, it is.</details><br>
#
# **Next** [10 · Training, validation, testing](10_training_validation_testing.ipynb) goes on with steps 4 to 6. Chapter 19, *ResNet*, uses the shortcut to go much deeper.
#
# **References**
#
# * X. Glorot, Y. Bengio (2010), Understanding the difficulty of training deep feedforward neural networks.
#   [PMLR](https://proceedings.mlr.press/v9/glorot10a.html)
# * K. He, X. Zhang, S. Ren, J. Sun (2015), Delving deep into rectifiers. [arXiv](https://arxiv.org/abs/1502.01852)
# * A. M. Saxe, J. L. McClelland, S. Ganguli (2013), Exact solutions to the nonlinear dynamics of learning in deep linear neural
#   networks. [arXiv](https://arxiv.org/abs/1312.6120)
# * J. Yosinski, J. Clune, Y. Bengio, H. Lipson (2014), How transferable are features in deep neural networks?
#   [arXiv](https://arxiv.org/abs/1411.1792)
