# %% [markdown]
# # 02 · Deep learning
#
# **After this you can** trace a gradient back through a graph of operations, build a small automatic differentiator, write backpropagation for a network with one hidden layer, check it against TensorFlow, and measure what depth, width and training each contribute
#
# **Time** 55 min to read, 100 min to teach, 30 s to run
#
# **Before** [01 · Neural networks](01_neural_networks.ipynb), [04 · Loss functions](04_loss_functions.ipynb)
#
# **Data** digits (1,797 handwritten digits of 8×8 pixels, CC BY 4.0), mnist_5k (5,000 handwritten digits of 28×28 pixels, CC BY-SA 3.0)

# %%
from bmkit import data, diagrams, models, plot, scratch, train
from bmkit.check import expect
from bmkit.exercises import ch02
import keras
import numpy as np
train.seed(0)

# %% [markdown]
# ## Thousands of parameters
#
# A network is a function with adjustable numbers, its **parameters** ([chapter 01](01_neural_networks.ipynb)), and a loss says how
# wrong it is ([chapter 04](04_loss_functions.ipynb)). **Deep learning is adjusting the parameters of many layers so that the loss
# becomes small.** For each parameter we need to know one thing: if it grows a little, does the loss rise or fall, and how
# steeply? That is the derivative of the loss with respect to this parameter. All these derivatives together are the
# **gradient**. With the gradient in hand we move every parameter a little the right way, and repeat.
#
# One could change every parameter in turn and measure the loss. A network with a million parameters would then need a million
# runs for a single step. **Backpropagation** finds the whole gradient for the price of about two more runs. It is the chain
# rule with good bookkeeping, and a picture shows it best. Take one neuron with one input $x$, a weight $w$, a bias $b$ and a
# target $y$: the error is $e = w x + b - y$ and the loss $L = e^2$.

# %%
places = {
    "w = 3\ngradient 8": (0, 2),
    "x = 2\ngradient 12": (0, 0),
    "w·x = 6\ngradient 4": (1.2, 1),
    "b = −1\ngradient 4": (1.2, 2.6),
    "w·x + b = 5\ngradient 4": (2.4, 2),
    "y = 3\ngradient −4": (2.4, 0),
    "e = 2\ngradient 4": (3.6, 1),
    "L = e·e = 4\ngradient 1": (4.8, 1),
}
w, x, product, b, total, y, e, L = places
arrows = [(w, product, "2"), (x, product, "3"), (product, total, "1"), (b, total, "1")]
arrows += [(total, e, "1"), (y, e, "−1"), (e, L, "2 + 2")]
figure = diagrams.boxes(places, arrows, shaded=[w, b], figsize=(8.6, 3.6))
plot.show(figure)

# %% [markdown]
# *Figure. Forward (left to right) each box computes its number. Backward (right to left) each box gets its gradient: the gradient of
# the box ahead, times the factor on the arrow. The parameters are shaded.*
# <details><summary>In words</summary>A graph of eight boxes. w = 3 and x = 2 lead to w·x = 6; with b = −1 to w·x + b = 5; with y = 3
# to e = 2; and twice to L = e·e = 4. Gradients from right to left: L 1, e 4, y −4, w·x + b 4, b 4, w·x 4, w 8, x 12.</details><br>
#
# Read it from the right. $L$ changes with itself at the rate 1. In the product $e\cdot e$ a small change of one factor counts as
# much as the *other* factor is large, here 2. Since $e$ is both factors, $2+2=4$ arrives at $e$. Sums pass a gradient on
# unchanged. In the product $w\cdot x$ the gradient for $w$ is multiplied by $x = 2$, so $w$ gets 8: increase $w$ by 0.001, and
# the loss rises by about 0.008.
#
# ### The formula: the chain rule on a graph
#
# $$\frac{\partial L}{\partial u} \;=\; \sum_{v\,:\,u\to v} \frac{\partial L}{\partial v}\;\frac{\partial v}{\partial u}$$
#
# * $u$ is any number in the graph, and $v$ runs over the numbers computed directly from it, once for each arrow,
# * $\partial v/\partial u$ is the **local derivative**, the factor on the arrow; each operation knows its own,
# * along a path derivatives multiply; where paths meet, they add up.
#
# ### Exercise 1 · Predict, then run
#
# The same graph with $w=1$, $x=3$, $b=0$, $y=5$. **What is the derivative of $L$ with respect to $w$?** Take a pencil. *Three
# minutes; expected: a number.*

# %%
slope_of_w = ...
ch02.slope_of_w.check(slope_of_w)

# %% [markdown]
# ## Automatic differentiation
#
# TensorFlow, PyTorch and JAX all do this bookkeeping for us, which is called **automatic differentiation**. In
# TensorFlow a `GradientTape` records the operations, and
# `tape.gradient` walks back through them. The neuron of the picture:

# %%
import tensorflow as tf

w = tf.Variable(3.0)
b = tf.Variable(-1.0)
with tf.GradientTape() as tape:
    e = w * 2.0 + b - 3.0
    loss = e * e

gradients = tape.gradient(loss, [w, b])
print("loss", float(loss), " gradients of w and b:", [float(g) for g in gradients])
expect("gradients in the picture", gradients, equals=[8.0, 4.0], tolerance=1e-6)

# %% [markdown]
# How does it work? Every operation knows two things: its result, and its local derivatives. So we let numbers remember. A `Value`
# holds its number, its parents with the local derivatives, and, later, its gradient. Giving `+` and `*` a meaning for such
# values makes ordinary formulas build the graph by themselves.


# %%
class Value:
    def __init__(self, number, parents=()):
        self.number = number
        self.parents = parents  # pairs: a value, and the local derivative
        self.gradient = 0.0

    def __add__(self, other):
        parents = [(self, 1.0), (other, 1.0)]
        return Value(self.number + other.number, parents)

    def __mul__(self, other):
        parents = [(self, other.number), (other, self.number)]
        return Value(self.number * other.number, parents)

    def relu(self):
        local = float(self.number > 0)
        return Value(max(0.0, self.number), [(self, local)])


# %% [markdown]
# The way back visits each value *after* everything that was computed from it. Otherwise a gradient would be passed on before all
# its paths have arrived. So first put the values in order, parents before children; then walk through that order from its
# end.


# %%
def in_order(value, order, seen):
    if id(value) not in seen:
        seen.add(id(value))
        for parent, _ in value.parents:
            in_order(parent, order, seen)
        order.append(value)
    return order


def backward(result):
    result.gradient = 1.0
    for value in reversed(in_order(result, [], set())):
        for parent, local in value.parents:
            parent.gradient += local * value.gradient


# %% [markdown]
# The neuron of the picture again, written as an ordinary formula:

# %%
w = Value(3.0)
x = Value(2.0)
b = Value(-1.0)
minus_y = Value(-3.0)
e = w * x + b + minus_y
loss = e * e
backward(loss)
ours = [w.gradient, x.gradient, b.gradient, e.gradient]
print("loss", loss.number, " gradients of w, x, b, e:", *ours)
expect("gradients in the picture", ours, equals=[8.0, 12.0, 4.0, 4.0])

# %% [markdown]
# Some twenty-five lines, and they differentiate *any* formula made of sums, products and ReLU. To see that they are no toy, build a
# network of such values: two inputs, three hidden neurons with ReLU, one output. TensorFlow gets the same weights.

# %%
random = np.random.default_rng(2)
w1 = random.normal(size=(2, 3))
w2 = random.normal(size=(3, 1))
inputs = random.normal(size=(1, 2))

x1 = Value(inputs[0, 0])
x2 = Value(inputs[0, 1])
first = [[], []]
for row in range(2):
    first[row] = [Value(number) for number in w1[row]]
second = [Value(number) for number in w2[:, 0]]
output = Value(0.0)
for a, b, c in zip(first[0], first[1], second):
    hidden = (x1 * a + x2 * b).relu()
    output = output + hidden * c
backward(output * output)

# %%
variables = [tf.Variable(w1), tf.Variable(w2)]
with tf.GradientTape() as tape:
    hidden = tf.nn.relu(inputs @ variables[0])
    squared = (hidden @ variables[1]) ** 2
theirs = tape.gradient(squared, variables)

for row in range(2):
    ours = np.array([value.gradient for value in first[row]])
    print(f"row {row} of W₁:", ours.round(2))
    expect("by the tape", theirs[0][row], equals=ours, tolerance=1e-9)
ours = np.array([value.gradient for value in second])
print("W₂:", ours.round(2))
expect("by the tape", theirs[1][:, 0], equals=ours, tolerance=1e-9)

# %% [markdown]
# ### Exercise 2 · Predict, then run
#
# $L = a\cdot a + a$ with $a = 3$. **What gradient arrives at $a$?** Count the arrows. *One minute; expected: a number.*

# %%
used_twice = ...
ch02.used_twice.check(used_twice)

# %% [markdown]
# ## Backpropagation by hand
#
# One object for each number is too slow for real work; arrays do a whole layer at once. Here is a network for the digits with one
# hidden layer of 32 neurons, and the way back below it:

# %%
places = {}
for column, name in enumerate(("X", "Z₁", "H", "Z₂", "L")):
    places[name] = (1.5 * column, 1)
for column, name in enumerate(("∂L/∂W₁", "G₁", "∂L/∂H", "G₂")):
    places[name] = (1.5 * column, 0)
arrows = [
    ("X", "Z₁", "· W₁ + b₁\n(n, 64)"),
    ("Z₁", "H", "ReLU\n(n, 32)"),
    ("H", "Z₂", "· W₂ + b₂\n(n, 32)"),
    ("Z₂", "L", "loss\n(n, 10)"),
    ("L", "G₂", "one number"),
    ("G₂", "∂L/∂H", "· W₂ᵀ\n(n, 10)"),
    ("∂L/∂H", "G₁", "where Z₁ > 0\n(n, 32)"),
    ("G₁", "∂L/∂W₁", "Xᵀ ·\n(n, 32)"),
]
shaded = list(places)[5:]
plot.show(diagrams.boxes(places, arrows, shaded=shaded, figsize=(8.4, 2.6)))

# %% [markdown]
# *Figure. Forward above, backward below (shaded). Each arrow shows what is done and the shape of what it carries.*
# <details><summary>In words</summary>Above, five boxes in a row: X, Z₁, H, Z₂, L, joined by the first layer, ReLU, the second layer and
# the loss, with the shapes (n, 64), (n, 32), (n, 32) and (n, 10). From L an arrow leads back to G₂, and from there, times W₂ᵀ, to
# ∂L/∂H, where Z₁ > 0 to G₁, and times Xᵀ to ∂L/∂W₁.</details><br>
#
# $$Z_1 = X W_1 + b_1,\qquad H = \max(0, Z_1),\qquad Z_2 = H W_2 + b_2,\qquad L = \mathrm{CE}(y, Z_2)$$
#
# * $X$ holds one example in each row, shape (n, 64); $H$ the hidden values, (n, 32); $Z_2$ the logits, (n, 10),
# * $W_1$ (64, 32), $b_1$ (32), $W_2$ (32, 10) and $b_2$ (10) are the parameters; $y$ holds the n true digits.
#
# Now back. Write $G_2$ for $\partial L/\partial Z_2$ and $G_1$ for $\partial L/\partial Z_1$. $G_2$ is known from
# [chapter 04](04_loss_functions.ipynb): prediction minus truth, divided by $n$. For the weights, look at one logit,
# $Z_{2,ik} = \sum_j H_{ij}W_{2,jk} + b_{2,k}$. The weight $W_{2,jk}$ acts on logit $k$ of *every* example $i$, with local
# derivative $H_{ij}$. Add up these paths:
#
# $$\frac{\partial L}{\partial W_{2,jk}} = \sum_i H_{ij}\, G_{2,ik}, \qquad\text{that is}\qquad \frac{\partial L}{\partial W_2} = H^\top G_2, \qquad \frac{\partial L}{\partial b_2} = \sum_i G_{2,i}$$
#
# The hidden value $H_{ij}$ acts on all ten logits, with local derivatives $W_{2,jk}$, and ReLU lets a gradient pass where it let
# the value pass:
#
# $$\frac{\partial L}{\partial H} = G_2 W_2^\top, \qquad G_1 = \frac{\partial L}{\partial H}\odot[Z_1>0], \qquad \frac{\partial L}{\partial W_1} = X^\top G_1, \qquad \frac{\partial L}{\partial b_1} = \sum_i G_{1,i}$$
#
# $\odot$ multiplies place by place, and $[Z_1>0]$ is 1 where that holds and 0 elsewhere.


# %%
def forward(parameters, x):
    w1, b1, w2, b2 = parameters
    z1 = x @ w1 + b1  # (n, 64) → (n, 32)
    h = np.maximum(0, z1)
    z2 = h @ w2 + b2  # (n, 10), the logits
    return z1, h, z2


def gradients_of(parameters, x, labels):
    z1, h, z2 = forward(parameters, x)
    w2 = parameters[2]
    g2 = (scratch.softmax(z2) - np.eye(10)[labels]) / len(x)  # (n, 10)
    g1 = (g2 @ w2.T) * (z1 > 0)  # (n, 32)
    of_w1 = x.T @ g1  # (64, 32), the shape of W₁
    of_w2 = h.T @ g2  # (32, 10)
    return of_w1, g1.sum(axis=0), of_w2, g2.sum(axis=0)


# %% [markdown]
# A derivation is trusted when others agree. First TensorFlow's tape:

# %%
digits = data.load("digits")
x, labels = digits.arrays("train")
x = x.reshape(-1, 64).astype(float)
x_validation, truth = digits.arrays("validation")
x_validation = x_validation.reshape(-1, 64).astype(float)

random = np.random.default_rng(0)
start = [
    random.normal(scale=1 / 8, size=(64, 32)),
    np.zeros(32),
    random.normal(scale=1 / 6, size=(32, 10)),
    np.zeros(10),
]
ours = gradients_of(start, x, labels)
print("parameters:", sum(array.size for array in start))

# %%
variables = [tf.Variable(array) for array in start]
with tf.GradientTape() as tape:
    hidden = tf.nn.relu(x @ variables[0] + variables[1])
    logits = hidden @ variables[2] + variables[3]
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
    loss = tf.reduce_mean(losses)
theirs = tape.gradient(loss, variables)

names = ("W₁", "b₁", "W₂", "b₂")
for name, other, mine in zip(names, theirs, ours):
    expect(f"gradient of {name}, tape", other.numpy(), equals=mine, tolerance=1e-6)
expect("largest derivative of a bias", np.abs(ours[3]).max(), at_least=0.001)

# %% [markdown]
# Then `bmkit.scratch`, which has the same for any number of layers, and finite differences
# ([chapter 04](04_loss_functions.ipynb)) for each of the 320 weights of the second layer:

# %%
w1, b1, w2, b2 = start
layers = [(w1, b1), (w2, b2)]
received, z = scratch.forward_pass(layers, x)
slope = scratch.softmax_cross_entropy_gradient(labels, z)
first, second = scratch.backward_pass(layers, received, slope)
for name, other, mine in zip(names, (*first, *second), ours):
    expect(f"gradient of {name}, scratch", other, equals=mine, tolerance=1e-12)


def loss_with(w2):  # everything but W₂ stays as it is
    logits = received[1] @ w2 + b2
    return scratch.softmax_cross_entropy(labels, logits)


measured = scratch.numerical_gradient(loss_with, w2)
expect("gradient of W₂, finite differences", measured, equals=ours[2], tolerance=1e-6)

# %% [markdown]
# Finite differences for all 2,410 parameters, each moved up and down, take 4,820 forward runs. Going back takes two matrix products for each layer where
# going forward takes one, so about the work of *two* more runs, however many parameters there are. Without this bargain there
# would be no deep learning.
#
# ### Exercise 3 · One layer back
#
# Every dense layer passes its gradient back in the same way. Write `dense_backward(x, weights, slope)` for $Z = XW +
# b$, where `slope` is
# $\partial L/\partial Z$ with shape `(n, units)`. Return the gradients for the input, the weights and the bias, in this order.
# *Medium, eight minutes; expected: three arrays.*


# %%
def dense_backward(x, weights, slope):
    ...


ch02.dense_backward.check(dense_backward)

# %% [markdown]
# ## Training
#
# With the gradient in hand, each parameter moves a little *against* it, by the **learning rate** times the gradient. That is one
# step of **gradient descent** ([chapter 05](05_gradient_descent.ipynb) takes it apart). A step looks at a **batch** of 32
# digits. We take 680 steps by hand.

# %%
random = np.random.default_rng(1)
batches = random.integers(0, len(x), size=(680, 32))  # the rows of every step


def descend(parameters, rows, learning_rate=0.25):
    moved = []
    for array, g in zip(parameters, gradients_of(parameters, x[rows], labels[rows])):
        moved.append(array - learning_rate * g)
    return moved


path = [start]
for rows in batches:
    path.append(descend(path[-1], rows))

# %% [markdown]
# Now Keras takes the first hundred of these steps with the same network, from the same start, on the same batches. A dense layer is
# `keras.layers.Dense`, the plain step is the optimizer `SGD`, and `train_on_batch` takes one step. (Numbers have 64 bits
# here as in NumPy, so that rounding hides nothing.) Will its weights equal ours at step 100?

# %%
network = keras.Sequential(
    [
        keras.Input((64,), dtype="float64"),
        keras.layers.Dense(32, activation="relu", dtype="float64"),
        keras.layers.Dense(10, dtype="float64"),
    ]
)
network.set_weights(start)
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, dtype="float64")
network.compile(optimizer=keras.optimizers.SGD(0.25), loss=loss, run_eagerly=True)
for rows in batches[:100]:
    network.train_on_batch(x[rows], labels[rows])

for name, other, mine in zip(names, network.get_weights(), path[100]):
    expect(f"Keras after 100 steps, {name}", other, equals=mine, tolerance=1e-6)
farthest = np.abs(path[100][0] - start[0]).max()
expect("how far the farthest weight has moved by then", farthest, at_least=0.1)

# %%
def loss_of(parameters, inputs, answers):
    logits = forward(parameters, inputs)[2]
    return scratch.softmax_cross_entropy(answers, logits)


training_curve = []
validation_curve = []
for parameters in path[::10]:
    training_curve.append(loss_of(parameters, x, labels))
    validation_curve.append(loss_of(parameters, x_validation, truth))

logits = forward(path[-1], x_validation)[2]
right = np.mean(logits.argmax(axis=1) == truth)
constant = np.mean(truth == np.bincount(labels).argmax())
expect("most frequent digit, share right", constant, at_most=0.12)
expect("network by hand, share right", right, at_least=0.92)

# %%
figure, axes = plot.subplots(figsize=(6.4, 3.0))
axes.plot(range(0, 681, 10), training_curve, label="training")
axes.plot(range(0, 681, 10), validation_curve, label="validation")
axes.axhline(np.log(10), color="black", lw=0.8, ls="-")
axes.annotate("knows nothing: log 10", (400, 2.1), fontsize=9)
axes.set(xlabel="steps", ylabel="loss (nats)", ylim=(0, 2.6))
axes.legend(loc="center right")
plot.show(figure)

# %% [markdown]
# *Figure. A network trained with nothing but NumPy: the loss falls from knowing nothing to reading most digits, also those of the
# validation set.*
# <details><summary>In words</summary>Training and validation loss over 680 steps. Both start near 2.3, fall steeply for about 100
# steps and then slowly, with small jitter; validation ends a little above training.</details><br>
#
# There is no secret in `fit`: it repeats such steps. It only draws its batches differently: it shuffles the examples and takes each
# one once per epoch.
#
# ### Exercise 4 · Build a layer
#
# A layer of your own in Keras is a class with two methods: `build` makes the parameters once the input's shape is known, and `call`
# computes the output. Keras differentiates `call` by itself. This layer multiplies each input by a number of its own:
#
# ```python
# class Scale(keras.layers.Layer):
#     def build(self, input_shape):
#         self.scale = self.add_weight(shape=(input_shape[-1],), initializer="ones")
#
#     def call(self, inputs):
#         return inputs * self.scale
# ```
#
# Write `dense_layer(units)`, which returns a layer that computes $\max(0, XW+b)$, *without* `keras.layers.Dense`: first the weight
# `kernel`, shape `(inputs, units)`, then `bias`, shape `(units,)`. *Medium, ten minutes; expected: an object of a class derived
# from `keras.layers.Layer`.*


# %%
def dense_layer(units):
    ...


ch02.dense_layer.check(dense_layer)

# %% [markdown]
# ## Deep or wide?
#
# Why *deep* learning? Suppose you have about 4,800 parameters to spend. You can put them into one wide hidden layer or into many
# narrow ones. We try none (a linear classifier, our baseline), 1, 2, 4, 8 and 16 hidden layers, and last 16 layers of width 64, which
# have fourteen times as many parameters, and one narrow layer of 15. Each gets five learning rates and three random starts, 600 steps each. Draw your guess
# of the curve before you run. Does deeper mean better?

# %%
from itertools import pairwise


def random_layers(widths, random):
    layers = []
    for inputs, units in pairwise(widths):
        weights = random.normal(scale=np.sqrt(2 / inputs), size=(inputs, units))
        layers.append((weights, np.zeros(units)))
    return layers


def accuracy_of(hidden, learning_rate, seed):
    random = np.random.default_rng(seed)
    layers = random_layers((64, *hidden, 10), random)
    for _ in range(600):
        rows = random.integers(0, len(x), size=32)
        received, logits = scratch.forward_pass(layers, x[rows])
        slope = scratch.softmax_cross_entropy_gradient(labels[rows], logits)
        gradients = scratch.backward_pass(layers, received, slope)
        for place, (of_w, of_b) in enumerate(gradients):
            w, b = layers[place]
            layers[place] = (w - learning_rate * of_w, b - learning_rate * of_b)
    _, logits = scratch.forward_pass(layers, x_validation)
    return np.mean(logits.argmax(axis=1) == truth)


# %%
shapes = {
    "none": (),
    "1": (64,),
    "2": (41,) * 2,
    "4": (29,) * 4,
    "8": (21,) * 8,
    "16": (15,) * 16,
    "16 wide": (64,) * 16,
    "1 narrow": (15,),
}
for name, hidden in shapes.items():
    count = scratch.dense_parameters((64, *hidden, 10))
    print(f"{name:8} {count:7,} parameters")

# %%
rates = (0.01, 0.03, 0.1, 0.3, 1.0)
accuracies = {}
print("hidden layers, best rate, accuracy of three starts (here:")
for name, hidden in shapes.items():
    tried = np.zeros((5, 3))  # rates, starts
    for place in np.ndindex(5, 3):
        with np.errstate(all="ignore"):  # a large rate may overflow
            tried[place] = accuracy_of(hidden, rates[place[0]], seed=place[1])
    best = np.median(tried, axis=1).argmax()
    accuracies[name] = np.sort(tried[best])
    print(f"{name:8} rate {rates[best]:4}", accuracies[name].round(3))
print(")")

# %%
middle = {name: np.median(three) for name, three in accuracies.items()}
small = [middle["1"], middle["2"], middle["4"]]
lead = np.median(small) - middle["none"]
expect("1, 2 and 4, median lead over linear", lead, at_least=0.005)
expect("difference among 1, 2 and 4", np.ptp(small), at_most=0.03)
lead = middle["1"] - max(middle["2"], middle["4"])
expect("1, lead over the better of 2 and 4", lead, at_least=-0.01)
lead = middle["2"] - middle["16"]
expect("2 hidden layers, lead over 16", lead, at_least=0.1)
lead = middle["16 wide"] - middle["16"]
expect("16 wide layers, lead over 16 narrow", lead, at_least=0.1)
lead = middle["1 narrow"] - middle["16"]
expect("1 narrow layer, lead over 16", lead, at_least=0.1)

# %%
figure, axes = plot.subplots(figsize=(6.4, 3.2))
for place, three in enumerate(accuracies.values()):
    axes.plot([place] * 3, three, "o", color=plot.COLORS[1], mec="black", ls="")
axes.plot(range(6), list(middle.values())[:6], label="median, about 4,800 parameters")
axes.axhline(middle["none"], color="black", lw=0.8, ls="-")
axes.set(xlabel="hidden layers", ylabel="validation accuracy")
axes.set_xticks(range(8), list(shapes))
axes.legend(loc="lower left")
plot.show(figure)

# %% [markdown]
# *Figure. Three starts (dots) for each depth, at the best of five rates. One and two hidden
# layers lie above the linear classifier (thin line), four about on it; eight and sixteen narrow layers fall behind; sixteen wide ones mostly do
# not, nor does one narrow layer.*
# <details><summary>In words</summary>Validation accuracy over eight networks. The linear classifier lies near 0.95; one and two hidden
# layers near 0.97, four near 0.955; eight near 0.92 with one dot at 0.61; sixteen narrow layers between 0.34 and 0.61; sixteen wide ones near
# 0.95 with one dot at 0.76; one narrow layer near 0.94.</details><br>
#
# Not what the name promises! On these small pictures one hidden layer is enough: two and four are no better, and the differences among
# the three are about as small as those between starts. Many narrow layers fail to learn in 600 steps. Is it the depth or the width? The last two columns answer: sixteen layers
# of 64 neurons learn, and so does a single layer of 15. So it is the two together. *Perhaps* no later layer can bring back what one narrow layer has lost. Depth *can* pay where features are built from features, as perhaps in photographs ([chapter
# 19](19_resnet.ipynb)), *and* only if the gradient survives the way through the layers. That "if" can be measured.
#
# ## Gradients that vanish and explode
#
# On the way back every layer multiplies the gradient once more. Twenty factors of 0.7 leave less than a thousandth; twenty
# factors of 1.4 make it more than 800 times as large. For random weights with standard deviation
# $\gamma/\sqrt{\text{inputs}}$, in layers of equal width, a layer multiplies the mean *square* of the gradients by $\gamma^2$, and
# ReLU lets half of them pass. So their typical size (the **root mean square**) changes by
#
# $$\frac{\text{gradient before the layer}}{\text{gradient after the layer}} \;\approx\; \sqrt{\gamma^2\cdot\tfrac12}
# \;=\; \frac{\gamma}{\sqrt2}$$
#
# $\gamma$ ("gamma") is the **gain** of the initialization. With a sigmoid in place of ReLU it is worse: there the
# gradient is also multiplied
# by $\sigma(z)(1-\sigma(z))$, and that is at most a quarter.
#
# ### Exercise 5 · Predict, then run
#
# Each layer leaves a quarter of the gradient. **After how many such layers is at most a thousandth of it left?** *One
# minute; expected: an
# integer.*

# %%
layers_until = ...
ch02.layers_until.check(layers_until)

# %% [markdown]
# To measure it, send digits forward through twenty random layers and a random gradient back, and note its typical size at every
# layer:


# %%
def gradient_sizes(gain, kind="relu", seed=0, depth=20):
    random = np.random.default_rng(seed)
    values = [x[:200] - x[:200].mean(axis=0)]  # (200, 64)
    weights = [random.normal(scale=gain / 8, size=(64, 64)) for _ in range(depth)]
    for w in weights:
        z = values[-1] @ w
        values.append(scratch.relu(z) if kind == "relu" else scratch.sigmoid(z))
    g = random.normal(size=(200, 64))  # start with some gradient at the end
    sizes = []
    for w, value in zip(reversed(weights), reversed(values)):
        local = value > 0 if kind == "relu" else value * (1 - value)
        g = g * local
        sizes.append(np.sqrt(np.mean(g**2)))  # root mean square
        g = g @ w.T
    return np.array(sizes[::-1])  # from the first layer to the last


# %%
sizes = {
    "ReLU, gain 2": gradient_sizes(2),
    "ReLU, gain √2": gradient_sizes(np.sqrt(2), seed=1),
    "ReLU, gain 1": gradient_sizes(1, seed=2),
    "sigmoid, gain 1": gradient_sizes(1, "sigmoid"),
}
factors = {}
for name, size in sizes.items():
    factors[name] = (size[0] / size[-1]) ** (1 / 19)  # per layer, over 19 layers

gains = {"ReLU, gain 2": 2, "ReLU, gain √2": np.sqrt(2), "ReLU, gain 1": 1}
for name, gain in gains.items():
    ratio = factors[name] / (gain / np.sqrt(2))
    expect(f"{name}: factor per layer over γ/√2", ratio, at_least=0.9, at_most=1.1)
expect("sigmoid: factor per layer", factors["sigmoid, gain 1"], at_most=0.25)

# %%
figure, axes = plot.subplots(figsize=(6.8, 3.2))
for (name, size), marker in zip(sizes.items(), plot.MARKERS):
    axes.semilogy(range(1, 21), size / size[-1], marker=marker, ms=4, label=name)
axes.set(xlabel="layer, from the input", ylabel="gradient over the last layer's")
axes.set_xticks(range(1, 21, 2))
axes.legend(fontsize=9, loc="lower right")
plot.show(figure)

# %% [markdown]
# *Figure. Read from right to left: with gain 2 the gradient explodes, with gain 1 it vanishes, with gain √2 it keeps its size. Under
# sigmoids almost nothing arrives at the first layers.*
# <details><summary>In words</summary>Four lines over 20 layers on a logarithmic axis, all meeting at 1 on the right. To the left gain 2
# rises to several hundred, gain √2 stays near 1, gain 1 falls to about 0.001, and the sigmoid falls to about one part in a
# million millions.</details><br>
#
# Three lines follow the formula, each with weights of its own. The fourth shows one reason why deep networks of sigmoids were hard to train. The gain $\sqrt2$ is
# **He initialization** ([chapter 09](09_model_building_and_initialization.ipynb)); our deep networks above started with it. So a gradient that vanishes at the start is perhaps not why the narrow
# ones failed; at their width of 15 we did not measure it.
#
# ### Exercise 6 · Change the experiment
#
# What does a larger gain do to the sigmoid's gradient? Run `gradient_sizes(4, "sigmoid")` and compute the factor per layer as in the
# cell above. **What is it?** *Five minutes; expected: a number with two decimals, measured.*

# %%
sigmoid_factor = ...
ch02.sigmoid_factor.check(sigmoid_factor)

# %% [markdown]
# ## What the layers make of a picture
#
# A network with three hidden layers of 64 neurons learns to read real digits of 28×28 pixels. What is in its layers? A **linear
# probe** asks each of them: take the values of one layer for all pictures, freeze them, and fit a linear classifier on top. If
# it does well, the digit is written there in a form that a linear layer can read. Our probe is ridge regression
# ([chapter 06](06_regularization.ipynb)): least squares with a penalty on large weights. How strong the penalty should be
# depends on the values, so each probe chooses it for itself, on a fifth of its training pictures. (The network below has been trained on this fifth, too; it has not seen the
# validation pictures.)


# %%
def readings(values, penalties, fit, new):
    centred = values - values[fit].mean(axis=0)
    scaled = centred / values[fit].std()
    targets = np.eye(10)[digit[fit]] - 0.1
    square = scaled[fit].T @ scaled[fit]
    shares = []
    for penalty in penalties:
        damped = square + penalty * np.eye(len(square))
        weights = np.linalg.solve(damped, scaled[fit].T @ targets)
        predictions = (scaled[new] @ weights).argmax(axis=1)
        shares.append(np.mean(predictions == digit[new]))
    return shares


def probe(values):
    penalties = (10, 100, 1000, 10000)
    shares = readings(values, penalties, first_part, held_out)
    best = penalties[np.argmax(shares)]
    return readings(values, [best], seen, unseen)[0]


# %%
pictures = data.load("mnist_5k")
x_fit, y_fit = pictures.arrays("train")
x_new, y_new = pictures.arrays("validation")
pixels = np.concatenate([x_fit, x_new]).reshape(-1, 784).astype(float)
digit = np.concatenate([y_fit, y_new])
seen = np.arange(len(x_fit))
unseen = np.arange(len(x_fit), len(digit))
four_fifths = len(x_fit) * 4 // 5
first_part = seen[:four_fifths]
held_out = seen[four_fifths:]

of_pixels = probe(pixels)
expect("probe on the pixels, share right", of_pixels, at_least=0.85)

# %% [markdown]
# ### A surprise about random layers
#
# Before the trained network, a baseline: *one layer of random weights*, never trained. Does it make the digits easier or harder to
# read than the pixels? Write down your guess for layers of 64, 256, 784 and 2,000 neurons. Then run.

# %%
def random_layer(width, seed):
    random = np.random.default_rng(seed)
    weights = random.normal(scale=np.sqrt(2 / 784), size=(784, width))
    return scratch.relu((pixels - pixels.mean(axis=0)) @ weights)


widths = (64, 256, 784, 2000)
by_width = np.zeros((4, 3))  # widths, seeds
for place in np.ndindex(4, 3):
    by_width[place] = probe(random_layer(widths[place[0]], seed=place[1]))

narrow, _, same, wide = by_width.mean(axis=1)
expect("64 random neurons, behind the pixels", of_pixels - narrow, at_least=0.05)
expect("784 random neurons, lead over the pixels", same - of_pixels, at_least=0.02)
expect("2,000 random neurons, lead over the pixels", wide - of_pixels, at_least=0.03)

# %%
figure, axes = plot.subplots(figsize=(6.4, 3.0))
axes.semilogx(widths, by_width.mean(axis=1), marker="o", label="one random layer")
axes.axhline(of_pixels, color=plot.COLORS[3], ls="--", label="the 784 pixels")
axes.set(xlabel="neurons in the layer", ylabel="validation accuracy of the probe")
axes.set_xticks(widths, widths)
axes.minorticks_off()
axes.legend(loc="lower right")
plot.show(figure)

# %% [markdown]
# *Figure. A narrow random layer makes the digits harder to read than the pixels, a wide one makes them easier. Means of three
# seeds.*
# <details><summary>In words</summary>Probe accuracy over the number of random neurons. A dashed horizontal line at 0.88 marks the
# pixels. The curve starts at 0.79 for 64 neurons, crosses the line before 256, and reaches 0.93 at 784 and 0.94 at
# 2,000.</details><br>
#
# Were you surprised? Had we tried a width of 64 only, we would have taught a false law: "random layers lose what the pixels told". But
# why does the narrow layer lose? Are 64 numbers too few for 784 pixels? Two more probes tell. One reads 64 *chosen* directions, those
# in which the pictures vary most (**principal components**); the other 64 random directions, without ReLU.

# %%
centred = pixels - pixels[seen].mean(axis=0)
_, _, directions = np.linalg.svd(centred[seen], full_matrices=False)
of_chosen = probe(centred @ directions[:64].T)  # sorted: most variance first

without_relu = []
for seed in range(3):
    random = np.random.default_rng(seed)
    drawn = random.normal(scale=np.sqrt(2 / 784), size=(784, 64))
    without_relu.append(probe(centred @ drawn))
of_drawn = np.mean(without_relu)
drawn = random.normal(scale=np.sqrt(2 / 784), size=(784, 2000))
wide_drawn = probe(centred @ drawn)

expect("64 chosen directions, behind the pixels", of_pixels - of_chosen, at_most=0.03)
expect("64 random directions, behind the pixels", of_pixels - of_drawn, at_least=0.02)
expect("ReLU, behind the same directions", of_drawn - narrow, at_least=0.01)
lead = wide_drawn - of_pixels
expect("2,000 random directions, lead over the pixels", lead, at_most=0.02)
expect("2,000 neurons, with over without ReLU", wide - wide_drawn, at_least=0.03)

# %% [markdown]
# So 64 numbers are nearly enough, if they are chosen well. Random directions are chosen badly, and ReLU sets about half of their
# values to zero. In a wide layer the same ReLU helps: without it, 2,000 random
# directions read no better than the pixels. With it each neuron is a new feature that no linear classifier can make from the pixels, and
# with enough of them the probe finds a useful mixture. (These **random features** are a method of their own.)
#
# ### What training adds
#
# Then what is training good for? We probe the three hidden layers of a network with 64 neurons each, before and after it was trained:

# %%
network = models.mlp((28, 28, 1), 10, hidden_units=(64, 64, 64))
stages = [layer.output for layer in network.layers[2:5]]  # the three hidden layers
inside = keras.Model(network.inputs[0], stages)
everything = pixels.reshape(-1, 28, 28, 1)


def hidden_values():
    return [np.array(values) for values in inside(everything)]


untrained = hidden_values()
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
network.compile(keras.optimizers.Adam(0.002), loss, metrics=["accuracy"])
history = train.fit(network, pictures.train, pictures.validation, epochs=10)
trained = hidden_values()
best_epoch = max(history["val_accuracy"])
expect("network, validation accuracy, best epoch", best_epoch, at_least=0.9)

# %%
readable = {"trained": [of_pixels], "untrained": [of_pixels]}
for layer in range(3):
    readable["trained"].append(probe(trained[layer]))
    readable["untrained"].append(probe(untrained[layer]))
print("share read at pixels, layers 1, 2, 3 (here:")
for name, shares in readable.items():
    print(f"{name:10}", np.round(shares, 3))
print(")")
for layer in (1, 2, 3):
    lead = readable["trained"][layer] - readable["untrained"][layer]
    expect(f"layer {layer}, trained over untrained", lead, at_least=0.08)
last = readable["trained"][3]
expect("trained layer 3, lead over the pixels", last - of_pixels, at_least=0.02)
expect("2,000 random neurons, lead over it", wide - last, at_most=0.03)

# %%
figure, axes = plot.subplots(figsize=(6.4, 3.0))
for (name, shares), marker in zip(readable.items(), plot.MARKERS):
    axes.plot(range(4), shares, marker=marker, label=f"{name} network")
axes.set(xlabel="where the probe reads", ylabel="validation accuracy of the probe")
axes.set_xticks(range(4), ["pixels", "layer 1", "layer 2", "layer 3"])
axes.legend(loc="lower left")
plot.show(figure)

# %% [markdown]
# *Figure. At the same width of 64, training turns layers that are harder to read than the pixels into layers that are easier to
# read.*
# <details><summary>In words</summary>Probe accuracy at four places. Both lines start at the pixels at 0.88. The trained network rises to
# about 0.94 at layer 3; the untrained one falls to about 0.72.</details><br>
#
# After training, 64 numbers hold the digit about as readably as 2,000 random ones, in this one network. Training arranges the hidden values
# so that the question becomes *easy for the last layer*, which is linear. (The validation pictures also chose the
# network's best epoch, so the trained
# network's scores are a little flattered. So differences of a few points, such as layer 1 over the pixels, may be chance; the lead over
# the untrained layers is far larger.) This can be seen. Project
# the values of a layer on the
# two directions in which they vary most, its first two principal components, and mark the digits:

# %%
figure, row = plot.subplots(1, 3, figsize=(7.6, 2.9))
stations = [pixels, trained[0], trained[2]]
names = ("pixels", "layer 1", "layer 3")
for axes, name, values in zip(row, names, stations):
    centred = values[unseen] - values[unseen].mean(axis=0)
    _, _, ways = np.linalg.svd(centred, full_matrices=False)
    flat = centred @ ways[:2].T  # (n, 2)
    for number, marker in zip((0, 1, 4, 9), plot.MARKERS):
        cloud = flat[digit[unseen] == number]
        axes.plot(cloud[:, 0], cloud[:, 1], marker, ms=3, label=number)
    axes.set(title=name, xticks=[], yticks=[])
    axes.set(xlabel="first direction", ylabel="second direction")
row[0].legend(fontsize=8, title="digit", title_fontsize=8)
plot.show(figure)

# %% [markdown]
# *Figure. The same validation digits at three places of the trained network: 4 and 9 are mixed in the pixels; in
# layers 1 and 3 most of them lie apart. Fours and ones overlap.*
# <details><summary>In words</summary>Three scatter plots of the digits 0, 1, 4 and 9. In the pixels 0 and 1 form clouds of their own,
# and 4 and 9 lie mixed. In layer 1 most nines lie to one side of most fours, with the ones over
# both. In layer 3 the nines lie to one side, the fours to another, the ones between them and partly over the fours, and 0 far away.</details><br>
#
# Two directions show only a part. Over all directions: what share of the variance lies *between* the digits rather than within them?


# %%
def share_between(values):
    values = values[unseen]
    inside_groups = 0.0
    for number in range(10):
        group = values[digit[unseen] == number]
        inside_groups += np.sum((group - group.mean(axis=0)) ** 2)
    total = np.sum((values - values.mean(axis=0)) ** 2)
    return 1 - inside_groups / total  # of the variance


of_trained = share_between(trained[2])
of_untrained = share_between(untrained[2])
of_plain = share_between(pixels)
print("share of the variance between the digits (here:")
print(f"pixels             {of_plain:.2f}")
print(f"layer 3, untrained {of_untrained:.2f}")
print(f"layer 3, trained   {of_trained:.2f}")
print(")")
expect("layer 3, trained over untrained", of_trained / of_untrained, at_least=1.5)
expect("layer 3, trained over pixels", of_trained / of_plain, at_least=1.5)

# %% [markdown]
# In the pixels and in the untrained layer most of the variance lies *within* the digits: two sevens can look very different. Training has moved much of it
# between them.

# %% [markdown]
# ## Summary
#
# * Deep learning adjusts the parameters of many layers so that the loss becomes small; it needs the gradient, the derivative of the
#   loss for every parameter.
# * The chain rule gives it in one walk back through the graph: derivatives multiply along a path and add up where paths meet.
# * For a dense layer, back means $G W^\top$ to its input and $X^\top G$ to its weights, at about twice the price of forward.
# * Depth is not an aim in itself: it has to pay on your data, and the gradient has to survive it. With ReLU and
#   random weights, each of many equally wide layers multiplies the size of the gradient by about $\gamma/\sqrt2$.
# * A random layer makes digits harder to read if it is narrow and easier if it is wide. In our
#   network training made even narrow layers easy to read; a linear probe measured it.
#
# **Ask yourself**
#
# <details><summary>All weights and biases start at zero. What does backpropagation tell W₁?</summary>Nothing: the gradient at the
# hidden values is G₂W₂ᵀ = 0. And W₂ gets HᵀG₂ = 0, for H is zero as well. Only the last bias ever learns.</details>
# <details><summary>Why does backward need the values of the forward pass?</summary>The local derivatives depend on them: the one
# for a weight is the value it was multiplied with, and ReLU's is 0 or 1. That is why training needs more memory than
# **inference**, the use of a trained model.</details>
# <details><summary>A probe on layer 3 reads 94 % and the network itself reads 94 %. Does the network use more than the probe?</summary>
# Its last layer is a linear classifier on layer 3, trained by another loss. It can do little more than the probe does.</details><br>
#
# **Next** [03 · Language, vision, speech](03_language_vision_speech.ipynb) shows how sentences, pictures and sounds become
# tensors; [05 · Gradient descent](05_gradient_descent.ipynb) asks how large the steps should be.
#
# **References**
#
# * D. E. Rumelhart, G. E. Hinton, R. J. Williams (1986), Learning representations by back-propagating errors.
#   [doi](https://doi.org/10.1038/323533a0)
# * A. G. Baydin, B. A. Pearlmutter, A. A. Radul, J. M. Siskind (2018), Automatic differentiation in machine learning: a survey.
#   [arXiv](https://arxiv.org/abs/1502.05767)
# * A. Rahimi, B. Recht (2007), Random features for large-scale kernel machines.
#   [NeurIPS](https://papers.nips.cc/paper/3182-random-features-for-large-scale-kernel-machines)
# * K. He, X. Zhang, S. Ren, J. Sun (2015), Delving deep into rectifiers. [arXiv](https://arxiv.org/abs/1502.01852)
# * G. Alain, Y. Bengio (2016), Understanding intermediate layers using linear classifier probes.
#   [arXiv](https://arxiv.org/abs/1610.01644)
