# %% [markdown]
# # 09 · Model building and initialization
#
# **After this you can** build the same model in three ways and say when to use which, read shapes and summaries, derive from algebra how numbers grow or shrink on their way through a deep network, choose between Glorot and He, normalize with BatchNormalization, and start from pretrained weights
#
# **Time** 45 min to read, 80 min to teach, 50 s to run
#
# **Before** [01 · Neural networks](01_neural_networks.ipynb), [02 · Deep learning](02_deep_learning.ipynb), [05 · Gradient descent](05_gradient_descent.ipynb), [06 · Regularization](06_regularization.ipynb)
#
# **Data** digits (1,797 handwritten digits of 8×8 pixels, CC BY 4.0), mnist_5k (5,000 handwritten digits of 28×28 pixels, CC BY-SA 3.0)

# %%
from bmkit import data, diagrams, models, plot, scratch, train
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
sequential.add(keras.Input((8, 8, 1)))  # the batch axis is never written
sequential.add(keras.layers.Flatten(name="flatten"))  # (batch, 64)
sequential.add(keras.layers.Dense(32, activation="relu", name="hidden"))  # (batch, 32)
sequential.add(keras.layers.Dense(10, name="logits"))  # (batch, 10)
sequential.summary(line_length=70, print_fn=print)

# %% [markdown]
# Read a summary from top to bottom and ask two questions of every line. *Is this the shape I expect?* `None` is the batch, whose size
# is not fixed. *Is this the number of parameters I expect?* Here $(64+1)\cdot32 = 2080$ and $(32+1)\cdot10=330$. Often
# one layer turns out far larger than you thought.
#
# The **functional** way treats each layer as a function. You call it on the output of another and keep the result under a name.
# From the names you can build any graph without loops, not only a chain:

# %%
inputs = keras.Input((8, 8, 1))
flat = keras.layers.Flatten()(inputs)
hidden = keras.layers.Dense(32, activation="relu")(flat)
logits = keras.layers.Dense(10)(hidden)
functional = keras.Model(inputs, logits, name="functional")
print("from", functional.input_shape, "to", functional.output_shape)
by_hand = (64 + 1) * 32 + (32 + 1) * 10
expect("parameters, functional", functional.count_params(), equals=by_hand)

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
by_chain = np.array(sequential(pictures))
by_graph = np.array(functional(pictures))
apart = np.abs(by_chain - by_graph).max()
expect("own random weights, largest difference", apart, at_least=0.1)

# %%
expected = scratch.mlp_forward(pictures.reshape(-1, 64), weights)  # (1077, 10)
functional.set_weights(weights)
subclassed.set_weights(weights)
by_graph = functional(pictures)
by_class = subclassed(pictures)
expect("functional, same weights", by_graph, equals=by_chain, tolerance=1e-6)
expect("subclassed, same weights", by_class, equals=by_chain, tolerance=1e-6)
expect("bmkit.scratch", expected, equals=by_chain, tolerance=1e-5)

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
some = pictures[:5].reshape(5, 64)
a, b, both = inside(some)
expect("what the shortcut does", both, equals=np.array(a + b), tolerance=1e-6)
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
    model.add(keras.layers.Flatten(dtype="float64"))  # 16 digits, in place of 7
    exact = {"kernel_initializer": start, "dtype": "float64"}
    model.add(keras.layers.Dense(8, "tanh", **exact))
    model.add(keras.layers.Dense(10, **exact))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.005), loss, metrics=["accuracy"])
    return model


# %%
starts = {"zeros": "zeros", "random": "glorot_uniform"}
starts["constant"] = keras.initializers.Constant(0.1)
kernels = {}
scores = {}
for name, start in starts.items():
    small = eight_neurons(start)
    train.fit(small, digits.train, digits.validation, epochs=8)
    kernels[name] = small.get_weights()[0]  # (64, 8), one column a neuron
    scores[name] = train.evaluate(small, digits.validation)["accuracy"]

# %%
shown = []
titles = []
for name in ("constant", "random"):
    for k in range(8):
        weights_of_one = kernels[name][:, k]
        shown.append(weights_of_one.reshape(8, 8))
        titles.append(f"{name} {k + 1}")
figure = plot.images(shown, titles, columns=8, width=7.6)
plot.show(figure)

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
    return np.abs(kernel - kernel[:, :1]).max()  # from the first neuron


apart = {name: neurons_apart(kernel) for name, kernel in kernels.items()}
largest = np.abs(kernels["zeros"]).max()
expect("constant start, largest difference of neurons", apart["constant"], at_most=1e-6)
expect("random start, largest difference of neurons", apart["random"], at_least=0.5)
expect("zero start, largest weight after training", largest, at_most=1e-6)

seen, truth = digits.arrays("validation")
favourite = np.bincount(labels).argmax()
baseline = np.mean(truth == favourite)
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
for nudge, followed in distances.items():
    growth = followed[-1] / nudge
    expect(f"moved by {nudge:g}: growth in eight epochs", growth, at_least=10)

# %%
figure, axes = plot.subplots(figsize=(6.0, 2.8))
for nudge, marker in zip(distances, plot.MARKERS):
    label = f"moved by {nudge:g}"
    axes.semilogy(distances[nudge], marker=marker, mfc="none", label=label)
axes.set(xlabel="epoch", ylabel="difference of neurons")
axes.legend()
plot.show(figure)

# %% [markdown]
# *Figure. Two tiny nudges to one neuron of the constant start. On the logarithmic axis both differences rise: they multiply instead of
# dying out, by quite different factors, perhaps because each run met its batches in another order.*
# <details><summary>In words</summary>Two rising lines, one above the other, on a logarithmic axis. Each is nearly level at first and
# then climbs, by two powers of ten or more in all.</details><br>
#
# Equality is like a pencil that stands on its tip: exact arithmetic would keep it there, a breath makes it fall, and
# until then the steps are wasted on what is in effect one neuron. With the usual 7 digits and a larger learning rate,
# rounding alone may be that breath, on one
# processor and not on another. So the eight may part by themselves in the end. A good initialization does not wait for that.
#
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
# The root of a mean square is the **root mean square** (RMS), $r$. One layer turns the RMS $r_x$ into $r_z = \sigma\sqrt{n}\;r_x$. Real digits,
# standardised with training statistics, go through 256 random neurons:

# %%
flat = pictures.reshape(-1, 64).astype(float)
random = np.random.default_rng(0)
center = flat.mean(axis=0)
width = flat.std(axis=0)
width[width < 0.01] = 1  # some pixels at the edge are hardly ever inked
x = (flat[:500] - center) / width  # (500, 64)
rms_x = scratch.root_mean_square(x)
sums = {}
for sigma in (0.05, 0.125, 0.3):
    w = random.normal(scale=sigma, size=(64, 256))
    sums[sigma] = x @ w  # (500, 256)
    predicted_rms = sigma * np.sqrt(64) * rms_x
    ratio = scratch.root_mean_square(sums[sigma]) / predicted_rms
    expect(f"σ = {sigma}, RMS of z over ours", ratio, at_least=0.9, at_most=1.1)

# %%
figure, axes = plot.subplots(figsize=(6.4, 2.8))
bins = np.linspace(-6, 6, 121)
for sigma, line in zip(sums, ("-", "--", ":")):
    look = {"histtype": "step", "color": "black", "ls": line, "lw": 1.5}
    axes.hist(sums[sigma].ravel(), bins, label=f"σ = {sigma}", **look)
axes.set(xlabel="weighted sum z", ylabel="count")
axes.legend()
plot.show(figure)

# %% [markdown]
# *Figure. Weighted sums of real digits for three standard deviations of the weights: the wider the weights, the wider the sums, just as the
# formula says.*
# <details><summary>In words</summary>Three bell-shaped histograms around zero. For σ = 0.05 it is narrow and high, for 0.125
# wider, for 0.3 so wide that it fills the picture.</details><br>
#
# ## Many layers: a product
#
# [Chapter 02](02_deep_learning.ipynb) measured that gradients vanish or explode on their way back. Now we derive why, and for the way
# forward as well. The way through one layer:

# %%
places = {
    "inputs x": (0, 0),
    "sum z": (1.3, 0),
    "activation h": (2.6, 0),
    "next layer": (3.9, 0),
}
arrows = [
    ("inputs x", "sum z", "RMS × σ√n"),
    ("sum z", "activation h", "RMS × √½"),
    ("activation h", "next layer", "(batch, units)"),
]
figure = diagrams.boxes(places, arrows, shaded=["sum z"], figsize=(7.6, 1.5))
plot.show(figure)

# %% [markdown]
# *Figure. One layer of n inputs changes the RMS twice: the weighted sum by σ√n, ReLU by √½.*
# <details><summary>In words</summary>Four boxes in a row: inputs x, sum z, activation h, next layer. The first arrow says RMS × σ√n, the
# second RMS × √½, the third (batch, units).</details><br>
#
# Between two layers sits ReLU. The sums $z$ are as often positive as negative, because flipping the sign of all weights of a neuron
# is just as likely a draw. ReLU sets the negative half to zero and leaves the rest, so it keeps exactly **half** of the mean
# square: $\mathrm{E}[\mathrm{relu}(z)^2] = \tfrac12\,\mathrm{E}[z^2]$. As in chapter 01, layer $l$ has $n_l$ neurons, and its inputs are
# the $n_{l-1}$ neurons of the layer before. Together, from layer $l-1$ to layer $l$,
#
# $$r_l = \sigma_l\sqrt{\tfrac12\,n_{l-1}}\;\; r_{l-1} \qquad\Longrightarrow\qquad r_L = r_0\,\prod_{l=1}^{L}\sigma_l\sqrt{\tfrac12\,n_{l-1}}$$
#
# A product of $L$ equal factors: below 1 it dies out, above 1 it explodes, and only **factor 1** lets the numbers
# through. That demands **He initialization**:
#
# $$\sigma_l^2 = \frac{2}{n_{l-1}} \qquad\text{(He)}$$
#
# On the way back the same happens. Backpropagation multiplies the gradient $\delta_l$ with respect to the sums of layer $l$ by the
# transposed matrix and by the derivative of ReLU, which is 1 for one half and 0 for the other. Each number of $\delta_{l-1}$ is a sum
# over the $n_l$ neurons of layer $l$, so its RMS changes by $\sigma_l\sqrt{\frac12 n_l}$ per layer: the same factor where layers are equally
# wide. Here are both directions:


# %%
def signals(x, labels, kernels, activation, slope):
    values = []
    derivatives = []
    for kernel in kernels[:-1]:
        z = x @ kernel  # (n, units); biases start at zero
        x = activation(z)
        values.append(x)
        derivatives.append(slope(z))
    logits = x @ kernels[-1]
    delta = scratch.softmax_cross_entropy_gradient(labels, logits)
    deltas = []
    for layer in range(len(values), 0, -1):  # from the last hidden layer back
        delta = (delta @ kernels[layer].T) * derivatives[layer - 1]  # (n, units)
        deltas.insert(0, delta)
    return values, deltas


def relu_slope(z):
    return (z > 0).astype(float)

# %% [markdown]
# Twelve hidden layers of 256 neurons, 500 real digits, no training at all. Each start draws its weights with its own $\sigma$; the one
# called *constant* has all weights 0.05. Guess first: how large are the numbers in layer 12, if each layer shrinks them to a
# ninth?

# %%
fans = [64] + [256] * 12
shapes = [(64, 256)] + [(256, 256)] * 11 + [(256, 10)]
glorot = []
for n_in, n_out in shapes:
    glorot.append(np.sqrt(2 / (n_in + n_out)))  # why, we shall see
he = np.array([scratch.he_normal_std(fan) for fan in fans])
stds = {
    "2 × He": 2 * he,
    "He": he,
    "Glorot": np.array(glorot),
    "σ = 0.01": np.full(13, 0.01),
}


def rms_of_each(layers):
    return np.array([scratch.root_mean_square(layer) for layer in layers])


def draw_kernels(sigmas):
    return [random.normal(scale=s, size=shape) for s, shape in zip(sigmas, shapes)]


# %%
forward = {}
backward = {}
predicted = {}
predicted_back = {}
for name, sigmas in stds.items():
    drawn = draw_kernels(sigmas)
    values, deltas = signals(x, labels[:500], drawn, scratch.relu, relu_slope)
    forward[name] = rms_of_each(values)
    backward[name] = rms_of_each(deltas)
    factors = sigmas[:12] * np.sqrt(np.array(fans[:12]) / 2)  # layers 1 to 12
    predicted[name] = rms_x * np.cumprod(factors)
    factors = sigmas[1:12] * np.sqrt(256 / 2)  # layers 2 to 12, 256 neurons each
    from_12 = np.cumprod(factors[::-1])[::-1]  # layers 1 to 11
    predicted_back[name] = np.append(from_12, 1.0)

# %%
figure, (left, right) = plot.subplots(1, 2, figsize=(8.6, 3.6))
layers = range(1, 13)
for name, marker, color in zip(forward, plot.MARKERS, plot.COLORS):
    marks = {"marker": marker, "color": color, "mfc": "none", "ls": "none"}
    measured = backward[name] / backward[name][-1]
    left.semilogy(layers, forward[name], label=name, **marks)
    left.semilogy(layers, predicted[name], color=color, ls="-")
    right.semilogy(layers, measured, **marks)
    right.semilogy(layers, predicted_back[name], color=color, ls="-")
left.set(xlabel="layer", ylabel="RMS of the activations", title="forward")
right.set(xlabel="layer", ylabel="RMS of δ, layer 12 = 1", title="backward")
handles, names = left.get_legend_handles_labels()
figure.legend(handles, names, loc="outside lower center", ncols=4, fontsize=9)
plot.show(figure)

# %% [markdown]
# *Figure. Marks are measured, lines predicted, the scale is logarithmic. Left, the activations on their way forward; right, the
# gradient on its way back, read from right to left. Only He stays level in both.*
# <details><summary>In words</summary>Two charts over layers 1 to 12 with logarithmic axes. Left: He is level near 1, Glorot sinks
# to about a hundredth, "2 × He" rises to some thousands, "σ = 0.01" falls to 10 to the minus 12. Right, the same four drawn
# backward: He level, Glorot and "σ = 0.01" sinking towards layer 1, "2 × He" rising. In both the marks lie on the predicted
# lines.</details>

# %%
def factor_apart(measured, predicted):
    ratio = measured / predicted
    return max(ratio.max(), 1 / ratio.min())


for name in forward:
    apart = factor_apart(forward[name], predicted[name])
    expect(f"{name}, forward: measured and predicted apart by", apart, at_most=2)
    measured = backward[name] / backward[name][-1]
    apart = factor_apart(measured, predicted_back[name])
    expect(f"{name}, backward: apart by a factor of", apart, at_most=2)

# %% [markdown]
# Half a page of algebra predicts what twelve layers do to real data, up to the luck of one draw. Now the bands, layer
# by layer, and the two starts without chance:

# %%
he_band = forward["He"] / scratch.root_mean_square(x)
he_back = backward["He"][0] / backward["He"][-1]
factors = forward["Glorot"][1:] / forward["Glorot"][:-1]
expect("He, lowest layer's RMS over the input's", he_band.min(), at_least=0.5)
expect("He, highest layer's RMS over the input's", he_band.max(), at_most=2)
expect("He, δ of layer 1 over layer 12", he_back, at_least=0.5, at_most=2)
expect("Glorot with ReLU, least factor of a layer", factors.min(), at_least=0.55)
expect("Glorot with ReLU, largest factor", factors.max(), at_most=0.85)
expect("σ = 0.01, RMS of layer 12", forward["σ = 0.01"][-1], at_most=1e-10)
expect("2 × He, RMS of layer 12", forward["2 × He"][-1], at_least=1000)

constant = [np.full(shape, 0.05) for shape in shapes]
values, _ = signals(x, labels[:500], constant, scratch.relu, relu_slope)
apart = np.ptp(values[0], axis=1).max()
rms = rms_of_each(values)
growth = rms[5] / rms[4]
expect("constant, difference between neurons", apart, at_most=1e-9)
expect("constant, growth per layer", growth, equals=256 * 0.05, tolerance=1e-6)

# %% [markdown]
# The constant start needs no theory of chance: all neurons of a layer give the same number $h$, the next sum is $n\,c\,h$, and with
# $n=256$ and $c=0.05$ every layer multiplies by 12.8. (And zero? $0\cdot x = 0$, in every layer.)
#
# ## tanh and Glorot
#
# Before ReLU, tanh was the usual activation. Near zero it is almost the identity, $\tanh z\approx z$, so nothing is halved. Forward,
# factor 1 asks for $\sigma^2 = 1/n_{\text{in}}$. Backward, where the sum runs over the outputs, it asks for $\sigma^2 = 1/n_{\text{out}}$.
# Both at once is possible only if the layer is square. **Glorot initialization**, also called *Xavier initialization*,
# takes the middle:
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
def tanh_slope(z):
    return 1 - np.tanh(z) ** 2


tanh = {}
for name, factor in {"Glorot": 1, "Glorot × 5": 5, "Glorot ÷ 5": 0.2}.items():
    drawn = draw_kernels(factor * stds["Glorot"])
    tanh[name], _ = signals(x, labels[:500], drawn, np.tanh, tanh_slope)

level = rms_of_each(tanh["Glorot"])
factors = level[1:] / level[:-1]
saturated = np.mean(np.abs(tanh["Glorot × 5"][-1]) > 0.95)
last = rms_of_each(tanh["Glorot ÷ 5"])[-1]
expect("Glorot with tanh, lowest RMS of a layer", level.min(), at_least=0.15)
expect("Glorot with tanh, highest RMS of a layer", level.max(), at_most=0.6)
expect("least factor of a layer", factors.min(), at_least=0.75)
expect("× 5, share of |h| above 0.95", saturated, at_least=0.4)
expect("÷ 5, RMS of layer 12", last, at_most=1e-6)

# %%
figure, row = plot.subplots(1, 3, figsize=(8.6, 2.6))
bins = np.linspace(-1, 1, 42)
for axes, name in zip(row, tanh):
    last_layer = tanh[name][-1].ravel()
    axes.hist(last_layer, bins, color=plot.COLORS[4], edgecolor="black")
    axes.set(xlabel="activation in layer 12", ylabel="count", title=name)
plot.show(figure)

# %% [markdown]
# *Figure. Activations in the twelfth layer. Glorot leaves them between the ends; five times as wide pushes them against −1 and
# 1, where tanh is flat; a fifth as wide leaves next to nothing.*
# <details><summary>In words</summary>Three histograms from −1 to 1: a bell around zero; two towers at both ends with little between;
# a single tower at zero.</details><br>
#
# ### Does Keras do the same?
#
# Its initializers are the same formulas. We draw many weights and compare their statistics with `bmkit.scratch`, and check our backward
# pass against automatic differentiation, since all our gradient curves rest on it.

# %%
import tensorflow as tf

drawn = np.array(keras.initializers.GlorotUniform(seed=0)((300, 200)))
share = np.abs(drawn).max() / scratch.glorot_uniform_limit(300, 200)
expect("GlorotUniform, largest over limit", share, at_least=0.99, at_most=1.001)
drawn = np.array(keras.initializers.HeNormal(seed=0)((300, 200)))
ratio = drawn.std() / scratch.he_normal_std(300)
expect("HeNormal, measured σ over ours", ratio, at_least=0.98, at_most=1.02)

model = models.mlp((64,), 10, hidden_units=(256, 256))
trained_kernels = model.get_weights()[::2]
loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
with tf.GradientTape() as tape:
    loss = loss_of(labels[:500], model(x))
automatic = tape.gradient(loss, model.trainable_variables[0])  # (64, 256)
_, deltas = signals(x, labels[:500], trained_kernels, scratch.relu, relu_slope)
by_hand = x.T @ deltas[0]
expect("gradient of the first matrix", automatic, equals=by_hand, tolerance=1e-6)

# %% [markdown]
# ## Does it matter for training?
#
# Same network of twelve layers (128 neurons each, ReLU), same digits, six epochs of plain SGD; only the start differs. A start
# may need its own learning rate ([chapter 05](05_gradient_descent.ipynb)), so each gets four of them, from 0.01 to 0.3.
# Which do you expect to get above the baseline?

# %%
def deep_network(start, normalized=False):
    model = keras.Sequential([keras.Input((64,))])
    for _ in range(12):
        model.add(keras.layers.Dense(128, kernel_initializer=start))
        if normalized:
            model.add(keras.layers.BatchNormalization())  # see below
        model.add(keras.layers.ReLU())
    model.add(keras.layers.Dense(10, kernel_initializer=start))
    return model


def compiled(model, optimizer):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    how = {"jit_compile": False, "steps_per_execution": 34}  # an epoch in one go
    model.compile(optimizer, loss, metrics=["accuracy"], **how)
    return model


known = (flat - center) / width  # (1077, 64)
asked = (seen.reshape(-1, 64) - center) / width  # (360, 64)


def after_six_epochs(model):
    how = {"validation_data": (asked, truth), "epochs": 6, "verbose": 0}
    return model.fit(known, labels, **how).history["val_accuracy"][-1]


# %%
race_starts = {
    "He": "he_normal",
    "Glorot": "glorot_uniform",
    "too small": keras.initializers.RandomNormal(0, 0.01),
    "too large": keras.initializers.RandomNormal(0, 0.5),
    "zero": "zeros",
    "constant": keras.initializers.Constant(0.05),
}
rates = [0.01, 0.03, 0.1, 0.3]
racer = compiled(deep_network("he_normal"), keras.optimizers.SGD())
reached = {}
finite = {}
for name, start in race_starts.items():
    weights = deep_network(start).get_weights()
    reached[name] = []
    for rate in rates:
        racer.set_weights(weights)
        racer.optimizer.learning_rate = rate
        reached[name].append(after_six_epochs(racer))
        finite[name, rate] = np.isfinite(racer.get_weights()[0]).all()

# %%
figure, axes = plot.subplots(figsize=(6.8, 3.2))
for name, marker in zip(reached, plot.MARKERS):
    axes.semilogx(rates, reached[name], marker=marker, mfc="none", label=name)
axes.axhline(baseline, color="black", lw=0.8, ls="-")
axes.set(xlabel="learning rate of SGD", ylabel="validation share right", ylim=(0, 1))
axes.set_xticks(rates, rates)
axes.legend(fontsize=9, loc="upper left", bbox_to_anchor=(1, 1))
plot.show(figure)

# %% [markdown]
# *Figure. Twelve layers, six starts, four learning rates. He learns well at the two smaller rates, Glorot slowly there and
# better at 0.1, and the other four at no rate. At the largest rate nothing is sure.*
# <details><summary>In words</summary>Share right over the learning rate. The curve of He is high at 0.01 and 0.03, in the stored picture at 0.1 as well, and falls at 0.3.
# Glorot's starts low and rises up to 0.1. Too small, too large, zero and constant lie on the thin line of
# the baseline at all rates.</details>

# %%
he = reached["He"]
glorot_start = reached["Glorot"]
lead = max(he) - max(glorot_start)
expect("He, least at the rates up to 0.03", min(he[:2]), at_least=0.6)
expect("Glorot at rate 0.01", glorot_start[0], at_most=0.45)
expect("Glorot at its own best rate", max(glorot_start), at_least=0.45)
expect("He's lead, each at its own best rate", lead, at_least=0.02)
for name in ("too small", "too large", "zero", "constant"):
    expect(f"{name}, at its own best rate", max(reached[name]), at_most=0.2)
lost = [name for name in race_starts if not finite[name, 0.01]]
print("weights are no longer numbers at rate 0.01:", lost)

# %% [markdown]
# With He both smaller rates will do (0.1 mostly as well, but one processor of ours lost a run there); Glorot needs a larger rate, perhaps to make up for its shrinking, and its best of the four
# stays behind. In shallow networks that perhaps matters less, and with tanh it was Glorot that kept the numbers level. In a deep plain ReLU network trained with plain SGD write `kernel_initializer="he_normal"`; with Adam, see exercise 4.
#
# ### Exercise 4 · Change the experiment
#
# All this was SGD. Adam gives each weight its own step size. Call `after_six_epochs` for a `deep_network("glorot_uniform")` that you
# compiled with `keras.optimizers.Adam(0.001)`. **Does it get more than 70 % right?** Write `"yes"` or `"no"`. *Medium, five minutes.*

# %%
with_adam = ...
ch09.with_adam.check(with_adam)

# %% [markdown]
# None of these runs raised an error, not even the one that is *too large* (`train.fit` would have). At the end its first matrix
# holds `nan`, "not a number". It answers 0 to every picture, which is right for one in ten.
# A network that does not learn looks, from outside, just like one that needs more time. So look at the RMS of every layer *before*
# training: one forward pass tells.
#
# ## Or normalize in between: BatchNormalization
#
# A good start gives every layer numbers of a good size *before* training. Why not see to it all the time? A layer for that stands
# between sum and activation in many deep networks since 2015. **Batch normalization** brings each neuron's sums to mean 0 and variance
# 1 over the batch, and lets the network learn another mean and another width if it wants them:
#
# $$\hat z_{ik} = \frac{z_{ik}-\mu_k}{\sqrt{v_k+\varepsilon}}, \qquad \mathrm{BN}(z)_{ik} = \gamma_k\,\hat z_{ik} + \beta_k$$
#
# * $i$ counts the examples of the batch and $k$ the neurons,
# * $\mu_k$ and $v_k$ are mean and variance of $z_{\cdot k}$ over the batch; $\varepsilon$ (0.001 in Keras) avoids a division by zero,
# * $\gamma_k$ and $\beta_k$ are learned; they start at 1 and 0.
#
# At inference there may be a single example, and it must not depend on who else is in the batch. So the layer keeps a running mean of the
# $\mu_k$ and $v_k$ during training, with the factor 0.99, and uses these:

# %%
z = random.normal(3, 5, size=(200, 4))
layer = keras.layers.BatchNormalization()
theirs = layer(z, training=True)
ours = (z - z.mean(axis=0)) / np.sqrt(z.var(axis=0) + 0.001)
expect("in training, Keras", theirs, equals=ours, tolerance=1e-4)
reference = scratch.batch_norm(z, z.mean(axis=0), z.var(axis=0))
expect("in training, bmkit.scratch", reference, equals=ours, tolerance=1e-12)

running_mean = 0.01 * z.mean(axis=0)  # it began at 0, and 99 % of that are left
running_variance = 0.99 * 1 + 0.01 * z.var(axis=0)  # it began at 1
ours = scratch.batch_norm(z, running_mean, running_variance)
theirs = layer(z, training=False)
expect("at inference, after one batch, Keras", theirs, equals=ours, tolerance=1e-4)

# %% [markdown]
# Now the race again with such a layer between each sum and its ReLU, for three of the starts:

# %%
racer = compiled(deep_network("he_normal", normalized=True), keras.optimizers.SGD())
normalized = {}
for name in ("He", "Glorot", "too small"):
    weights = deep_network(race_starts[name], normalized=True).get_weights()
    normalized[name] = []
    for rate in rates[1:]:
        racer.set_weights(weights)
        racer.optimizer.learning_rate = rate
        normalized[name].append(after_six_epochs(racer))

# %%
table = {}
for name in normalized:
    table[name] = {}
    for place, rate in enumerate(rates[1:]):
        table[name][f"plain, {rate}"] = reached[name][place + 1]
        table[name][f"normalized, {rate}"] = normalized[name][place]
plot.table(table, corner="start")

# %%
least = min(normalized["Glorot"])
expect("normalized Glorot, least at three rates", least, at_least=0.7)
least = min(normalized["He"])
expect("normalized He, least at three rates", least, at_least=0.7)
rescued = normalized["too small"][-1]
expect("too small, normalized, at the largest rate", rescued, at_least=0.35)

# %% [markdown]
# Glorot now learns well at all three rates, He copes with rate 0.3, and even *too small* moves at the largest. But it does
# not always help: compare He at rate 0.03 in the table. On the way forward the normalization undoes the size of the
# weights before it; as *too small* still
# lags, that is not the whole story. The ResNet of [chapter 19](19_resnet.ipynb) has such a layer after every
# convolution. Batch normalization has a price: in very small batches
# $\mu$ and $v$ are poor estimates, and training and inference compute different things, which is a common source of errors.
#
# ## A better start than chance: pretrained weights
#
# Random weights know nothing. Somebody may have trained a network on a *related* task already, and its weights know
# something. To start from them is called **transfer learning**. Suppose you must read the 8×8 digits, and of each digit
# only **one** is labelled: 10 pictures in all. But there is MNIST, digits of other
# writers in another country, scanned by other machines, with 3,600 labels. We cut away its border and shrink it to 8×8:

# %%
mnist = data.load("mnist_5k")


def shrink(pictures):
    inked = pictures[:, 4:24, 4:24, 0]  # (n, 20, 20)
    doubled = inked.repeat(2, axis=1).repeat(2, axis=2)  # (n, 40, 40)
    blocks = doubled.reshape(-1, 8, 5, 8, 5)
    small = blocks.mean(axis=(2, 4))  # (n, 8, 8)
    return small[..., np.newaxis]


their_pictures, their_labels = mnist.arrays("train")
other = (shrink(their_pictures), their_labels)
more_pictures, more_labels = mnist.arrays("validation")
watched = (shrink(more_pictures), more_labels)
few = []
for draw in range(6):  # the first picture of each digit, the second, …
    few.append([np.flatnonzero(labels == digit)[draw] for digit in range(10)])
print("labelled pictures of our own:", len(few[0]))
print("labelled pictures of the related task:", len(other[0]))
both = np.concatenate([other[0][:10], pictures[few[0]]])
plot.show(plot.images(both, columns=10, width=7.6, vmin=0, vmax=1))

# %% [markdown]
# *Figure. Above, MNIST shrunk to 8×8 pixels; below, the ten labelled pictures of our own task. Alike, but not the same.*
# <details><summary>In words</summary>Two rows of ten coarse digits, white on black. Those of the upper row are slanted and soft, those
# of the lower row fill their field and stand upright.</details><br>
#
# Two networks of the same form train on the same 10 pictures, with the same optimizer and 30 steps each (10 pictures are one batch, so
# an epoch is a step). One starts from random weights, the other from the weights that it learned on MNIST. We use
# Keras' own `fit`, which keeps
# the last weights: the validation pictures only watch. (`train.fit` would choose the best epoch by 360 labels, which
# nobody with only ten labels has.) Ten pictures are few and may be lucky ones, so we do all of it six times, with six
# different tens. Which
# start leads after 30 steps, and does the other catch up?

# %%
def reader():
    model = models.mlp((8, 8, 1), 10, hidden_units=(64, 64))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer = keras.optimizers.Adam(0.003)
    model.compile(optimizer, loss, metrics=["accuracy"], jit_compile=False)
    return model


source = reader()
train.fit(source, other, watched, epochs=8)
at_home = train.evaluate(source, watched)["accuracy"]
away = train.evaluate(source, digits.validation)["accuracy"]
expect("pretrained, share of MNIST right", at_home, at_least=0.85)
expect("pretrained, share of our digits right before any step", away, at_least=0.45)

# %%
curves = {"random": [], "pretrained": []}
test = {"random": [], "pretrained": []}
how = {"batch_size": 10, "epochs": 30, "verbose": 0}
how |= {"validation_data": (seen, truth), "validation_batch_size": 360}
for ten in few:
    for name in curves:
        model = reader()
        if name == "pretrained":
            model.set_weights(source.get_weights())
        first = train.evaluate(model, digits.validation)["accuracy"]
        fitted = model.fit(pictures[ten], labels[ten], **how)
        curves[name].append([first, *fitted.history["val_accuracy"]])
        test[name].append(train.evaluate(model, digits.test)["accuracy"])

# %%
figure, axes = plot.subplots(figsize=(6.4, 3.0))
for name, line, color in zip(curves, plot.LINES, plot.COLORS):
    axes.plot(np.transpose(curves[name]), color=color, ls=line, lw=0.7, alpha=0.6)
    mean = np.mean(curves[name], axis=0)
    axes.plot(mean, color=color, ls=line, lw=2.5, label=f"{name} start")
axes.set(xlabel="step", ylabel="validation share right", ylim=(0, 1))
axes.legend(loc="lower right")
plot.show(figure)

# %% [markdown]
# *Figure. Share right over 30 steps: thin lines are the six tens, thick lines their mean. The pretrained start is ahead before the
# first step, and the random one does not catch up within 30.*
# <details><summary>In words</summary>Validation accuracy over 30 steps. The random start climbs from about one tenth to about
# 0.6; the pretrained start begins near 0.6 and soon reaches 0.7 and more, above the other all the way.</details>

# %%
random_mean = np.mean(curves["random"], axis=0)
pretrained_mean = np.mean(curves["pretrained"], axis=0)
expect("pretrained, mean share right after one step", pretrained_mean[1], at_least=0.45)
expect("random, mean share right after five steps", random_mean[5], at_most=0.45)
leads = np.array(test["pretrained"]) - np.array(test["random"])
on_average = np.mean(test["pretrained"])
expect("test set, pretrained start, mean share right", on_average, at_least=0.64)
expect("test set, its mean lead over the random start", leads.mean(), at_least=0.08)
expect("tens with which it leads, of six", np.sum(leads > 0), at_least=5)

# %% [markdown]
# Within these 30 steps the pretrained start needs fewer *and* ends higher, though neither network saw more than ten pictures of this task. It works
# perhaps because the tasks are related: Yosinski and colleagues measured how the gain shrinks as two tasks drift apart. So measure both
# starts, as we did. [Chapter 19](19_resnet.ipynb) does it with a network trained on photographs.
#
# ## Summary
#
# * Sequential, functional and subclassed are three ways to write one model: same weights, same output. Take the simplest that can say
#   what you need, and read the shapes in the summary.
# * Equal weights get equal gradients: a constant start makes eight neurons do the work of one, until a tiny difference,
#   such as one of rounding, has grown large enough to separate them. With zeros only the last biases learn. Chance
#   breaks the symmetry at once.
# * A layer with $n$ inputs multiplies the RMS by $\sigma\sqrt{n}$, ReLU keeps half of the mean square, and layers multiply: the factor must be 1.
# * He, $\sigma^2 = 2/n_{\text{in}}$, keeps the size with ReLU; Glorot, $\sigma^2 = 2/(n_{\text{in}}+n_{\text{out}})$, for tanh.
# * **BatchNormalization** between sum and activation brings every neuron to mean 0 and variance 1 over the batch; then He and Glorot
#   both did well, and a far too small start still lagged. At inference it uses running means.
# * A pretrained start from a related task was far ahead of a random one with ten labels and 30 steps.
#
# **Ask yourself**
#
# <details><summary>Biases start at zero everywhere. Why is that no problem?</summary>The weights already make the neurons different, so
# their gradients differ, and the biases go different ways from the first step on.</details>
# <details><summary>Your inputs are grey levels from 0 to 255, not standardised, and you use He. What happens?</summary>He keeps the
# RMS that comes in. It starts at about 100, so the logits are about 100 too, and the first loss is huge. Scale the
# inputs.</details>
# <details><summary>A model of ten layers does not learn. How do you find out whether the start is to blame?</summary>Send one batch
# through and print the RMS of every layer. If it shrinks or grows by the same factor from layer to layer, it is.</details><br>
#
# **Next** [10 · Training, validation, testing](10_training_validation_testing.ipynb) goes on with steps 4 to 6. [19 · ResNet](19_resnet.ipynb) uses the shortcut to go much deeper.
#
# **References**
#
# * X. Glorot, Y. Bengio (2010), Understanding the difficulty of training deep feedforward neural networks.
#   [PMLR](https://proceedings.mlr.press/v9/glorot10a.html)
# * K. He, X. Zhang, S. Ren, J. Sun (2015), Delving deep into rectifiers. [arXiv](https://arxiv.org/abs/1502.01852)
# * S. Ioffe, C. Szegedy (2015), Batch normalization: accelerating deep network training by reducing internal covariate shift.
#   [arXiv](https://arxiv.org/abs/1502.03167)
# * A. M. Saxe, J. L. McClelland, S. Ganguli (2013), Exact solutions to the nonlinear dynamics of learning in deep linear neural
#   networks. [arXiv](https://arxiv.org/abs/1312.6120)
# * J. Yosinski, J. Clune, Y. Bengio, H. Lipson (2014), How transferable are features in deep neural networks?
#   [arXiv](https://arxiv.org/abs/1411.1792)
