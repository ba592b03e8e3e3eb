# %% [markdown]
# # 02 · Deep learning
#
# **After this you can** trace a slope back through a graph of operations, build a small automatic differentiator, write backpropagation for a network of any depth, check it against TensorFlow, and say what depth buys and what it costs
#
# **Time** 50 min to read, 90 min to teach, 25 s to run
#
# **Before** [01 · Neural networks](01_neural_networks.ipynb), [04 · Loss functions](04_loss_functions.ipynb)
#
# **Data** digits (1,797 handwritten digits of 8×8 pixels, CC BY 4.0), mnist_5k (5,000 handwritten digits of 28×28 pixels, CC BY-SA 3.0)

# %%
from bmkit import data, models, plot, scratch, train
from bmkit.check import expect
from bmkit.exercises import ch02
import keras
import numpy as np
train.seed(0)

# %% [markdown]
# ## A thousand knobs
#
# A network is a function with adjustable numbers ([chapter 01](01_neural_networks.ipynb)), and a loss says how wrong it is
# ([chapter 04](04_loss_functions.ipynb)). **Deep learning is adjusting the parameters of many layers so that the loss becomes
# small.** Imagine every parameter as a knob. For each we need to know one thing: if I turn it up a little, does the loss rise
# or fall, and how steeply? With these slopes in hand we turn every knob a little the right way, and repeat.
#
# One could try every knob in turn. A network with a million knobs would then need a million runs for a single step.
# **Backpropagation** finds all slopes together, for the price of about two runs more. It is the chain rule with good
# bookkeeping, and a picture shows it best. Take one neuron with one input $x$, a weight $w$, a bias $b$ and a target $y$:
# the miss is $e = w x + b - y$ and the loss $L = e^2$.

# %%
nodes = {"w": (0, 2, 3, 8), "x": (0, 0, 2, 12), "w·x": (1, 1, 6, 4), "b": (1, 3, -1, 4)}
nodes |= {"w·x + b": (2, 2, 5, 4), "y": (2, 0, 3, -4), "e": (3, 1, 2, 4), "L = e·e": (4, 1, 4, 1)}
arrows = [("w", "w·x", "2"), ("x", "w·x", "3"), ("w·x", "w·x + b", "1"), ("b", "w·x + b", "1")]
arrows += [("w·x + b", "e", "1"), ("y", "e", "−1"), ("e", "L = e·e", "2 + 2")]
figure, axes = plot.subplots(figsize=(7.4, 3.6))
for start, end, factor in arrows:
    (x0, y0, *_), (x1, y1, *_) = nodes[start], nodes[end]
    axes.annotate("", (x1, y1), (x0, y0), arrowprops={"arrowstyle": "-|>", "shrinkB": 30})
    axes.text((x0 + x1) / 2, (y0 + y1) / 2 + 0.13, factor, ha="center", va="bottom", fontsize=10)
for name, (column, row, number, slope) in nodes.items():
    text, box = f"{name} = {number}\nslope {slope}", {"boxstyle": "round", "fc": "white", "ec": "black"}
    axes.text(column, row, text.replace("-", "−"), ha="center", va="center", fontsize=10, bbox=box)
axes.set(xlim=(-0.45, 4.45), ylim=(-0.6, 3.6))
axes.axis("off")
plot.show(figure)

# %% [markdown]
# *Figure. Forward (left to right) each box computes its number. Back (right to left) each box gets its slope: the slope of the
# box ahead, times the factor on the arrow.*
# <details><summary>In words</summary>A graph of eight boxes. w = 3 and x = 2 lead to w·x = 6; with b = −1 to w·x + b = 5; with y = 3
# to e = 2; and twice to L = e·e = 4. Slopes from right to left: L 1, e 4, y −4, w·x + b 4, b 4, w·x 4, w 8, x 12.</details><br>
#
# Read it from the right. $L$ changes with itself at slope 1. In the product $e\cdot e$ a small change of one factor counts as
# much as the *other* factor is large, here 2. Since $e$ is both factors, $2+2=4$ arrives at $e$. Sums pass a slope on
# unchanged. In the product $w\cdot x$ the slope for $w$ is multiplied by $x = 2$, so $w$ gets 8: turn $w$ up by 0.001, and the
# loss rises by about 0.008.
#
# ### The formula: the chain rule on a graph
#
# $$\frac{\partial L}{\partial u} \;=\; \sum_{v\,:\,u\to v} \frac{\partial L}{\partial v}\;\frac{\partial v}{\partial u}$$
#
# * $u$ is any number in the graph, and $v$ runs over the numbers computed directly from it, once for each arrow,
# * $\partial v/\partial u$ is the **local slope**, the factor on the arrow; each operation knows its own,
# * along a path slopes multiply; where paths meet, they add up.
#
# ### Exercise 1 · Predict, then run
#
# The same graph with $w=1$, $x=3$, $b=0$, $y=5$. **What is the slope of $L$ with respect to $w$?** Take a pencil. *Three
# minutes; expected: a number.*

# %%
slope_of_w = ...
ch02.slope_of_w.check(slope_of_w)

# %% [markdown]
# ## Let the computer keep the books
#
# Every operation in the graph knows two things: its result, and the local slopes towards what it was made from. So we let numbers
# remember. A `Value` holds its number, its parents with the local slopes, and, later, the slope of the loss. Giving `+` and
# `*` a meaning for such values makes ordinary formulas build the graph by themselves.


# %%
class Value:
    def __init__(self, number, parents=()):
        self.number, self.parents, self.slope = number, parents, 0.0

    def __add__(self, other):
        return Value(self.number + other.number, [(self, 1.0), (other, 1.0)])

    def __mul__(self, other):
        return Value(self.number * other.number, [(self, other.number), (other, self.number)])

    def relu(self):
        return Value(max(0.0, self.number), [(self, float(self.number > 0))])


# %% [markdown]
# The way back visits each number *after* everything that was computed from it. Otherwise a slope would be passed on before all
# its paths have arrived. So first put the numbers in order, parents before children; then walk through that order from its
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
    result.slope = 1.0
    for value in reversed(in_order(result, [], set())):
        for parent, local_slope in value.parents:
            parent.slope += local_slope * value.slope


# %% [markdown]
# The neuron of the picture, written as an ordinary formula. Its slopes must be those in the boxes above.

# %%
w, x, b, minus_y = Value(3.0), Value(2.0), Value(-1.0), Value(-3.0)
e = w * x + b + minus_y
loss = e * e
backward(loss)
ours = [w.slope, x.slope, b.slope, e.slope]
print("loss", loss.number, " slopes of w, x, b, e:", *ours)
drawn = [nodes[name][3] for name in ("w", "x", "b", "e")]
expect("slopes in the picture", drawn, equals=np.array(ours))

# %% [markdown]
# Twenty lines, and they differentiate *any* formula made of sums, products and ReLU. TensorFlow's `GradientTape`, PyTorch's
# `autograd` and JAX's `grad` do the same with arrays in place of single numbers. To see that ours is no toy, build a network of
# such values: two inputs, three hidden neurons with ReLU, one output. TensorFlow gets the same weights.

# %%
import tensorflow as tf

random = np.random.default_rng(2)
w1, w2, inputs = random.normal(size=(2, 3)), random.normal(size=(3, 1)), random.normal(size=(1, 2))
(a, b), c = [[Value(n) for n in row] for row in w1], [Value(n) for n in w2[:, 0]]
x1, x2 = (Value(n) for n in inputs[0])
hidden = [(x1 * a[k] + x2 * b[k]).relu() for k in range(3)]
output = hidden[0] * c[0] + hidden[1] * c[1] + hidden[2] * c[2]
backward(output * output)
first, second = tf.Variable(w1), tf.Variable(w2)
with tf.GradientTape() as tape:
    squared = (tf.nn.relu(inputs @ first) @ second) ** 2
theirs = tape.gradient(squared, [first, second])
ours = np.array([[v.slope for v in row] for row in (a, b, c)])  # (3, 3)
both = np.vstack([theirs[0].numpy(), theirs[1].numpy().T])
expect("nine slopes by tf.GradientTape", both, equals=ours, tolerance=1e-9)

# %% [markdown]
# ### Exercise 2 · Predict, then run
#
# $L = a\cdot a + a$ with $a = 3$. **What slope arrives at $a$?** Count the arrows. *One minute; expected: a number.*

# %%
used_twice = ...
ch02.used_twice.check(used_twice)

# %% [markdown]
# ## Backpropagation by hand
#
# One object for each number is too slow for real work; arrays do a whole layer at once. Here is the network for the digits with
# one hidden layer. First forward:
#
# $$Z_1 = X W_1 + b_1,\qquad H = \max(0, Z_1),\qquad Z_2 = H W_2 + b_2,\qquad L = \mathrm{CE}(y, Z_2)$$
#
# * $X$ holds one example a row, shape (n, 64); $H$ the hidden values, (n, hidden); $Z_2$ the logits, (n, 10),
# * $W_1$ (64, hidden), $b_1$ (hidden), $W_2$ (hidden, 10) and $b_2$ (10) are the knobs; $y$ holds the n true digits.
#
# Then back, from the loss to the first weight. Write $G_2$ for $\partial L/\partial Z_2$ and $G_1$ for
# $\partial L/\partial Z_1$. $G_2$ is known from [chapter 04](04_loss_functions.ipynb): forecast minus truth, over $n$. For the
# weights, look at one logit, $Z_{2,ik} = \sum_j H_{ij}W_{2,jk} + b_{2,k}$. The knob $W_{2,jk}$ acts on logit $k$ of *every*
# example $i$, with local slope $H_{ij}$. Add up these paths:
#
# $$\frac{\partial L}{\partial W_{2,jk}} = \sum_i H_{ij}\, G_{2,ik}, \qquad\text{that is}\qquad \frac{\partial L}{\partial W_2} = H^\top G_2, \qquad \frac{\partial L}{\partial b_2} = \sum_i G_{2,i}$$
#
# The hidden value $H_{ij}$ acts on all ten logits, with local slopes $W_{2,jk}$, and ReLU lets a slope pass where it let the
# value pass:
#
# $$\frac{\partial L}{\partial H} = G_2 W_2^\top, \qquad G_1 = \frac{\partial L}{\partial H}\odot[Z_1>0], \qquad \frac{\partial L}{\partial W_1} = X^\top G_1, \qquad \frac{\partial L}{\partial b_1} = \sum_i G_{1,i}$$
#
# $\odot$ multiplies place by place, and $[Z_1>0]$ is 1 where that holds and 0 elsewhere.


# %%
def forward(knobs, x):
    w1, b1, w2, b2 = knobs
    z1 = x @ w1 + b1  # (n, 64) → (n, hidden)
    h = np.maximum(0, z1)
    return z1, h, h @ w2 + b2  # logits (n, 10)


def slopes(knobs, x, labels):
    z1, h, z2 = forward(knobs, x)
    g2 = (scratch.softmax(z2) - np.eye(10)[labels]) / len(x)  # (n, 10) forecast minus truth
    g1 = (g2 @ knobs[2].T) * (z1 > 0)  # (n, hidden)
    return x.T @ g1, g1.sum(axis=0), h.T @ g2, g2.sum(axis=0)  # each of the shape of its knobs


# %% [markdown]
# A derivation is trusted when others agree: TensorFlow's tape, `bmkit.scratch` (which has the same for any depth), and
# nudging the knobs one by one, here all 320 weights of the second layer.

# %%
digits = data.load("digits")
(x, labels), (x_seen, truth) = (digits.arrays(part) for part in ("train", "validation"))
x, x_seen = x.reshape(-1, 64).astype(float), x_seen.reshape(-1, 64).astype(float)
random = np.random.default_rng(0)
knobs = [random.normal(size=(64, 32)) / 8, np.zeros(32), random.normal(size=(32, 10)) / 6, np.zeros(10)]
ours = slopes(knobs, x, labels)
variables = [tf.Variable(knob) for knob in knobs]
with tf.GradientTape() as tape:
    logits = tf.nn.relu(x @ variables[0] + variables[1]) @ variables[2] + variables[3]
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits))
theirs = tape.gradient(loss, variables)
for name, mine, other in zip(("W₁", "b₁", "W₂", "b₂"), ours, theirs):
    expect(f"tf.GradientTape, slopes of {name}", other.numpy(), equals=mine, tolerance=1e-6)
expect("largest slope", max(np.abs(mine).max() for mine in ours), at_least=0.01)

# %%
layers = [(knobs[0], knobs[1]), (knobs[2], knobs[3])]
received, z = scratch.forward_pass(layers, x)
slope = scratch.softmax_cross_entropy_gradient(labels, z)
first, second = scratch.backward_pass(layers, received, slope)
for name, mine, other in zip(("W₁", "b₁", "W₂", "b₂"), ours, (*first, *second)):
    expect(f"bmkit.scratch, slopes of {name}", other, equals=mine, tolerance=1e-12)


def loss_with(w2):  # everything but W₂ stays as it is
    return scratch.softmax_cross_entropy(labels, received[1] @ w2 + knobs[3])


nudged = scratch.numerical_gradient(loss_with, knobs[2])  # up and down, each weight by itself
expect("nudging each weight of W₂", nudged, equals=ours[2], tolerance=1e-6)
expect("knobs in all", sum(knob.size for knob in knobs), equals=2410)

# %% [markdown]
# Nudging all 2,410 knobs takes 4,820 forward runs. Going back takes two matrix products a layer where going forward takes
# one, so about the work of *two* more runs, however many knobs there are. Without this bargain there would be no deep learning.
#
# ### Exercise 3 · One layer back
#
# Every dense layer goes back alike. Write `dense_backward(x, weights, slope)` for $Z = XW + b$, where `slope` is
# $\partial L/\partial Z$ with shape `(n, units)`. Return the slopes for the input, the weights and the bias, in this order.
# *Medium, eight minutes; expected: three arrays.*


# %%
def dense_backward(x, weights, slope):
    ...


ch02.dense_backward.check(dense_backward)

# %% [markdown]
# ## Turn all knobs at once
#
# Slopes in hand, each knob turns a little *against* its slope, by the **learning rate** times the slope. That is one step of
# gradient descent ([chapter 05](05_gradient_descent.ipynb) takes it apart). A step looks at a batch of 32 digits. We take 680
# steps by hand. Then Keras takes the first hundred of them with the same network, from the same start, on the same batches.
# Will its weights still equal ours at step 100?

# %%
batches = random.integers(0, len(x), size=(680, 32))  # the rows of every step
path, piles = [knobs], {"training": (x, labels), "validation": (x_seen, truth)}
curves = {name: [] for name in piles}
for rows in batches:
    turns = slopes(path[-1], x[rows], labels[rows])
    path.append([knob - 0.25 * turn for knob, turn in zip(path[-1], turns)])
    for name, (inputs, answers) in piles.items():
        curves[name].append(scratch.softmax_cross_entropy(answers, forward(path[-1], inputs)[2]))

# %% [markdown]
# Now Keras. `train_on_batch` takes one step, and SGD is its name for the plain step. The numbers have 64 bits here as in NumPy,
# so that rounding hides nothing.

# %%
network = keras.Sequential([keras.Input((64,), dtype="float64")])
network.add(keras.layers.Dense(32, activation="relu", dtype="float64"))
network.add(keras.layers.Dense(10, dtype="float64"))
network.set_weights(knobs)
fused = keras.losses.SparseCategoricalCrossentropy(from_logits=True, dtype="float64")
network.compile(keras.optimizers.SGD(0.25), fused, run_eagerly=True)
for rows in batches[:100]:
    network.train_on_batch(x[rows], labels[rows])
for name, mine, other in zip(("W₁", "b₁", "W₂", "b₂"), path[100], network.get_weights()):
    expect(f"Keras after 100 steps, {name}", other, equals=mine, tolerance=1e-6)
farthest = np.abs(path[100][0] - knobs[0]).max()
expect("how far the farthest knob has turned by then", farthest, at_least=0.1)

# %%
figure, axes = plot.subplots(figsize=(6.4, 3.0))
for name, losses in curves.items():
    axes.plot(range(1, 681), losses, label=name)
axes.axhline(np.log(10), color="black", lw=0.8, ls="-")
axes.annotate("knows nothing: log 10", (400, 2.1), fontsize=9)
axes.set(xlabel="steps", ylabel="loss (nats)", ylim=(0, 2.6))
axes.legend(loc="center right")
plot.show(figure)
most_frequent = np.mean(truth == np.bincount(labels).argmax())
right = np.mean(forward(path[-1], x_seen)[2].argmax(axis=1) == truth)
expect("baseline: the most frequent digit, share right", most_frequent, at_most=0.12)
expect("validation accuracy by hand", right, at_least=0.92)

# %% [markdown]
# *Figure. A network trained with nothing but NumPy: the loss falls from knowing nothing to reading most digits, unseen ones
# too.*
# <details><summary>In words</summary>Training and validation loss over 680 steps. Both start near 2.3, fall steeply for about 100
# steps and then slowly, with small jitter; validation ends a little above training.</details><br>
#
# And after a hundred steps the weights of Keras still agree with ours to six decimals. There is no secret in `fit`: it is these
# lines, well packed.
#
# ## Deep or wide?
#
# Why *deep* learning? Suppose you have about 4,800 knobs to spend. You can put them into one wide hidden layer or into many
# narrow ones. We try none (a linear classifier, our baseline), 1, 2, 4, 8 and 16 hidden layers. Each gets two
# learning rates and three random starts, 1,000 steps each. Draw your guess of the curve before you run. Does deeper mean
# better?


# %%
from itertools import pairwise


def accuracy_of(hidden, rate, seed):
    random, widths = np.random.default_rng(seed), (64, *hidden, 10)
    layers = []
    for a, b in pairwise(widths):
        layers.append((random.normal(size=(a, b)) * np.sqrt(2 / a), np.zeros(b)))
    for _ in range(1000):
        rows = random.integers(0, len(x), size=32)
        received, z = scratch.forward_pass(layers, x[rows])
        slope = scratch.softmax_cross_entropy_gradient(labels[rows], z)
        turns = scratch.backward_pass(layers, received, slope)
        layers = [(w - rate * dw, b - rate * db) for (w, b), (dw, db) in zip(layers, turns)]
    return np.mean(scratch.forward_pass(layers, x_seen)[1].argmax(axis=1) == truth)


# %%
scores, count = {}, {}
for hidden in ((), (64,), (41,) * 2, (29,) * 4, (21,) * 8, (15,) * 16):
    depth = len(hidden)
    count[depth] = scratch.dense_parameters((64, *hidden, 10))
    with np.errstate(all="ignore"):  # a large rate may overflow in the deepest network
        tried = [[accuracy_of(hidden, rate, seed) for seed in range(3)] for rate in (0.03, 0.1)]
    scores[depth] = max(tried, key=np.median)  # each depth at its better rate
print("knobs by hidden layers:", count)
middle = {depth: np.median(accuracies) for depth, accuracies in scores.items()}
for depth in (1, 2, 4):
    expect(f"{depth} hidden layers, lead over linear", middle[depth] - middle[0], at_least=0.01)
expect("difference among 1, 2 and 4", np.ptp([middle[depth] for depth in (1, 2, 4)]), at_most=0.03)
expect("2 hidden layers, lead over 8", middle[2] - middle[8], at_least=0.01)
expect("2 hidden layers, lead over 16", middle[2] - middle[16], at_least=0.1)

# %%
figure, axes = plot.subplots(figsize=(6.4, 3.2))
axes.plot(range(6), list(middle.values()), label="median of three starts")
for place, accuracies in enumerate(scores.values()):
    axes.plot([place] * 3, accuracies, "o", color=plot.COLORS[1], mec="black", ls="")
axes.axhline(middle[0], color="black", lw=0.8, ls="-")
axes.set(xlabel="hidden layers, at about 4,800 knobs", ylabel="share of unseen digits right")
axes.set_xticks(range(6), ["none (650 knobs)", *list(scores)[1:]])
axes.legend(loc="lower left")
plot.show(figure)

# %% [markdown]
# *Figure. One to four hidden layers beat the linear classifier (thin line) and hardly differ; eight fall behind, and sixteen
# thin layers do not learn properly at all.*
# <details><summary>In words</summary>Accuracy over six depths. The linear classifier lies near 0.93; one, two and four hidden layers
# near 0.95 to 0.96; eight near 0.93; sixteen far below, with widely scattered dots.</details><br>
#
# Not what the name promises! On these small pictures depth beyond two layers buys nothing, and much depth fails, though the knobs
# are as many. Depth pays where features are built from features, as in photographs or language, *and* if the signal survives
# the way through the layers. That "if" is worth a measurement.
#
# ## Slopes that vanish and explode
#
# On the way back every layer multiplies the slope once more. Twenty factors of 0.7 leave less than a thousandth; twenty
# factors of 1.4 make it more than 800 times as large. For random weights with standard deviation
# $\gamma/\sqrt{\text{inputs}}$, in layers of equal width, a layer multiplies the mean *square* of the slopes by $\gamma^2$, and
# ReLU lets half of them pass. So their typical size changes by
#
# $$\frac{\text{slope before the layer}}{\text{slope behind the layer}} \;\approx\; \sqrt{\gamma^2\cdot\tfrac12} \;=\; \frac{\gamma}{\sqrt2}$$
#
# $\gamma$ ("gamma") is the **gain** of the start. Without ReLU but with a sigmoid it is worse: there the slope is also multiplied
# by $\sigma(z)(1-\sigma(z))$, and that is at most a quarter.
#
# ### Exercise 4 · Predict, then run
#
# Each layer leaves a quarter of the slope. **Behind how many such layers is it at most a thousandth?** *One minute; expected: an
# integer.*

# %%
layers_until = ...
ch02.layers_until.check(layers_until)

# %% [markdown]
# To measure it, send digits forward through twenty random layers and a random slope back, and note its typical size at every layer:


# %%
def slope_sizes(gain, kind="ReLU", depth=20):
    random, values = np.random.default_rng(0), [x[:200] - x[:200].mean(axis=0)]
    weights = [random.normal(size=(64, 64)) * gain / 8 for _ in range(depth)]
    for w in weights:
        z = values[-1] @ w
        values.append(scratch.relu(z) if kind == "ReLU" else scratch.sigmoid(z))
    slope, sizes = random.normal(size=(200, 64)), []  # start with some slope at the end
    for w, value in zip(reversed(weights), reversed(values)):
        slope = slope * ((value > 0) if kind == "ReLU" else value * (1 - value))
        sizes.append(np.sqrt(np.mean(slope**2)))
        slope = slope @ w.T
    return np.array(sizes[::-1])  # from the first layer to the last


# %%
cases = {"ReLU, gain 2": (2, "ReLU"), "ReLU, gain √2": (np.sqrt(2), "ReLU")}
cases |= {"ReLU, gain 1": (1, "ReLU"), "sigmoid, gain 1": (1, "sigmoid")}
sizes = {name: slope_sizes(*case) for name, case in cases.items()}
figure, axes = plot.subplots(figsize=(6.8, 3.4))
for (name, size), marker in zip(sizes.items(), plot.MARKERS):
    axes.semilogy(range(1, 21), size / size[-1], marker=marker, ms=4, label=name)
axes.set(xlabel="layer, from the input", ylabel="slope over the last layer's", xticks=range(1, 21, 2))
axes.legend(fontsize=9, loc="lower right")
plot.show(figure)
per_layer = {name: (size[0] / size[-1]) ** (1 / 19) for name, size in sizes.items()}
for name, (gain, kind) in list(cases.items())[:3]:
    ratio = per_layer[name] / (gain / np.sqrt(2))
    expect(f"{name}: factor a layer over γ/√2", ratio, at_least=0.9, at_most=1.1)
expect("sigmoid: factor a layer", per_layer["sigmoid, gain 1"], at_most=0.25)

# %% [markdown]
# *Figure. Read from right to left: with gain 2 the slope explodes, with gain 1 it vanishes, with gain √2 it keeps its size. Under
# sigmoids the first layers hear nothing.*
# <details><summary>In words</summary>Four lines over 20 layers on a logarithmic axis, all meeting at 1 on the right. To the left gain 2
# rises to several hundred, gain √2 stays near 1, gain 1 falls to about 0.001, and the sigmoid falls to about one part in a
# million millions.</details><br>
#
# Three lines follow the formula, and the fourth shows why deep networks of sigmoids were for long thought untrainable. The gain $\sqrt2$ is
# *He initialisation* ([chapter 09](09_model_building_and_initialization.ipynb)). It is what our deep networks above had, so it
# is not the whole answer: their layers were thin, and information lost in one thin layer never comes back. Residual
# connections (chapter 19, planned) mend that.
#
# ## What the layers make of a picture
#
# A network with three hidden layers learns to read real digits of 28×28 pixels. What is in its layers? A **linear probe** asks
# each of them. Take the values of one layer for all pictures, freeze them, and fit the simplest classifier on top. If it does
# well, the digit is written there in plain, that is: linearly readable. As a baseline the same is done with the same network
# *before* training. Predict: does a layer of random weights make the digits easier or harder to read?

# %%
pictures = data.load("mnist_5k")
network = models.mlp((28, 28, 1), 10, hidden_units=(64, 64, 64))
stages = keras.Model(network.inputs[0], [layer.output for layer in network.layers[1:5]])  # pixels first
(x_fit, y_fit), (x_new, y_new) = pictures.arrays("train"), pictures.arrays("validation")
before = [[np.array(stage) for stage in stages(part)] for part in (x_fit, x_new)]
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
network.compile(keras.optimizers.Adam(0.002), loss, metrics=["accuracy"])
history = train.fit(network, pictures.train, pictures.validation, epochs=10)
after = [[np.array(stage) for stage in stages(part)] for part in (x_fit, x_new)]
print("values a picture:", [stage.shape[1] for stage in after[0]])


# %%
def probe(seen, new):
    mean, spread = seen.mean(axis=0), seen.std(axis=0) + 1e-3
    seen, new = ((part.astype(float) - mean) / spread for part in (seen, new))
    square = seen.T @ seen + 10 * np.eye(seen.shape[1])  # least squares, slightly damped (chapter 06)
    weights = np.linalg.solve(square, seen.T @ (np.eye(10)[y_fit] - 0.1))  # (values, 10)
    return np.mean((new @ weights).argmax(axis=1) == y_new)


readable = {"trained": [probe(*pair) for pair in zip(*after)]}
readable["untrained"] = [probe(*pair) for pair in zip(*before)]

# %%
figure, axes = plot.subplots(figsize=(6.4, 3.0))
for (name, shares), marker in zip(readable.items(), plot.MARKERS):
    axes.plot(range(4), shares, marker=marker, label=f"{name} network")
axes.set(xlabel="where the probe reads", ylabel="share of unseen digits right", ylim=(0.5, 1))
axes.set_xticks(range(4), ["pixels", "layer 1", "layer 2", "layer 3"])
axes.legend(loc="lower left")
plot.show(figure)
trained, untrained = readable["trained"], readable["untrained"]
expect("linear probe on the pixels", trained[0], at_least=0.8, at_most=0.88)
expect("trained layer 1, lead over the pixels", trained[1] - trained[0], at_least=0.04)
expect("trained layer 3, lead over the pixels", trained[3] - trained[0], at_least=0.05)
expect("untrained layer 3, behind the pixels", untrained[0] - untrained[3], at_least=0.1)
expect("network, best validation accuracy", max(history["val_accuracy"]), at_least=0.91)

# %% [markdown]
# *Figure. After training, one hidden layer is enough to make the digits far easier to read than in the pixels, and it stays so.
# Random layers make them harder to read, each a little more.*
# <details><summary>In words</summary>Share of right readings at four places. Both lines start at the pixels near 0.84. The trained
# network rises to above 0.9 at layer 1 and stays there; the untrained one falls steadily to below 0.75.</details><br>
#
# So depth by itself does nothing good: each random layer loses some of what the pixels told. What training does is to arrange the
# hidden values such that the question becomes *easy for the last layer*, which is linear. One can see it. Project the values of
# a layer on the two directions in which they vary most (its principal components), and colour the digits:

# %%
figure, row = plot.subplots(1, 3, figsize=(7.6, 2.9))
for axes, place, name in zip(row, (0, 1, 3), ("pixels", "layer 1", "layer 3")):
    centred = after[1][place] - after[1][place].mean(axis=0)
    flat = centred @ np.linalg.svd(centred, full_matrices=False)[2][:2].T  # (n, 2)
    for digit, color, marker in zip((0, 1, 4, 9), plot.COLORS, plot.MARKERS):
        axes.plot(*flat[y_new == digit].T, marker, color=color, ms=3, ls="", label=digit)
    axes.set(title=name, xlabel="first direction", ylabel="second", xticks=[], yticks=[])
row[0].legend(fontsize=8, title="digit", title_fontsize=8)
plot.show(figure)
apart = []
for values in after[1]:
    groups = [values[y_new == digit] for digit in range(10)]
    inside = np.mean([((group - group.mean(axis=0)) ** 2).sum(axis=1).mean() for group in groups])
    apart.append(1 - inside / ((values - values.mean(axis=0)) ** 2).sum(axis=1).mean())
expect("share of spread between digits, layer 3 over pixels", apart[3] / apart[0], at_least=1.5)

# %% [markdown]
# *Figure. The same unseen digits at three places of the trained network: in the pixels the clouds overlap, in layer 3 they have
# moved apart.*
# <details><summary>In words</summary>Three scatter plots of the digits 0, 1, 4 and 9. Left, clouds that overlap widely. In particular 4
# and 9 cannot be told apart. In layer 1 they begin to separate; in layer 3 the four digits fill four different corners.</details><br>
#
# ## Summary
#
# * Deep learning adjusts the parameters of many layers so that the loss becomes small; it needs the slope of the loss for every
#   parameter.
# * The chain rule gives them all in one walk back through the graph: slopes multiply along a path and add up where paths meet.
# * For a dense layer, back means $G W^\top$ to its input and $X^\top G$ to its weights, at about twice the price of forward.
# * Depth is no aim in itself: it has to pay on your data, and the slopes have to survive it. With ReLU a layer multiplies them by
#   about $\gamma/\sqrt2$.
# * Training arranges the hidden values so that the answer becomes linearly readable; a probe measures it.
#
# **Ask yourself**
#
# <details><summary>All weights start at zero, W₁ and W₂ alike. What does backpropagation tell W₁?</summary>Nothing: the slope at the
# hidden values is G₂W₂ᵀ = 0. And W₂ gets HᵀG₂ = 0, for H is zero as well. Only the last bias ever learns.</details>
# <details><summary>Why does backward need the values of the forward pass?</summary>The local slopes depend on them: the slope
# for a weight is the value it was multiplied with, and ReLU's is 0 or 1. That is why training needs more memory than
# use.</details>
# <details><summary>A probe on layer 3 reads 94 % and the network itself reads 94 %. Does the network use more than the probe?</summary>
# Its last layer is a linear classifier on layer 3, trained by another loss. It can do little else than what the
# probe does.</details><br>
#
# **Next** [03 · Language, vision, speech](03_language_vision_speech.ipynb) shows how sentences, pictures and sounds become
# tensors; [05 · Gradient descent](05_gradient_descent.ipynb) asks how far to turn the knobs.
#
# **References**
#
# * D. E. Rumelhart, G. E. Hinton, R. J. Williams (1986), Learning representations by back-propagating errors.
#   [doi](https://doi.org/10.1038/323533a0)
# * A. G. Baydin, B. A. Pearlmutter, A. A. Radul, J. M. Siskind (2018), Automatic differentiation in machine learning: a survey.
#   [arXiv](https://arxiv.org/abs/1502.05767)
# * K. He, X. Zhang, S. Ren, J. Sun (2015), Delving deep into rectifiers. [arXiv](https://arxiv.org/abs/1502.01852)
# * G. Alain, Y. Bengio (2016), Understanding intermediate layers using linear classifier probes.
#   [arXiv](https://arxiv.org/abs/1610.01644)
