# %% [markdown]
# # 01 · Neural networks
#
# **After this you can** compute a neuron, a layer and a whole network by hand, explain why one neuron draws one straight line, show what a hidden layer adds, choose an activation, and count parameters
#
# **Time** 40 min to read, 75 min to teach, 25 s to run
#
# **Before** [00 · Start here](00_start_here.ipynb)
#
# **Data** breast_cancer (569 tumours, CC BY 4.0), digits (1,797 handwritten digits of 8×8 pixels, CC BY 4.0)

# %%
from bmkit import data, diagrams, models, plot, scratch, train
from bmkit.check import expect
from bmkit.exercises import ch01
import keras
import numpy as np
train.seed(0)

# %% [markdown]
# ## A weighted vote
#
# A doctor looks at cells from a tumour under the microscope. Are the nuclei large? Does the picture look uneven? Neither sign
# alone decides, but both count, and one counts more than the other. That is all a **neuron** does: it weighs its inputs, adds
# them up, and compares the sum with a threshold.
#
# Our data are 569 real tumours. For each we take two measurements of its cell nuclei, their mean radius and their texture
# (how much the grey level varies), and ask: is the tumour malignant? The two come in different units, so their weights
# could not be compared with each other. We therefore **standardise**: subtract the mean and divide by the **standard
# deviation**, the root of the mean squared distance from the mean. Mean and standard deviation are computed from the
# *training* rows only; nothing about the other rows may enter what the model learns from.

# %%
tumours = data.load("breast_cancer")
names = tumours.description.features
columns = [names.index("mean radius"), names.index("mean texture")]
raw, benign = tumours.arrays("train")
two_columns = raw[:, columns]  # (n, 2)
center = two_columns.mean(axis=0)
deviation = two_columns.std(axis=0)


def standardised(split):
    x, benign = tumours.arrays(split)
    is_malignant = benign == 0
    return (x[:, columns] - center) / deviation, is_malignant


x, malignant = standardised("train")
x_seen, malignant_seen = standardised("validation")
means = x.mean(axis=0)
expect("training mean of each column", means, equals=np.zeros(2), tolerance=1e-5)
baseline = max(malignant_seen.mean(), 1 - malignant_seen.mean())
expect("share right of always saying the same", baseline, at_least=0.6, at_most=0.65)


# %%
def scatter(axes, x, yes, names):
    axes.plot(*x[~yes].T, "o", color=plot.COLORS[0], ms=4, mfc="none", label=names[0])
    axes.plot(*x[yes].T, "s", color=plot.COLORS[3], ms=4, label=names[1])
    axes.legend(fontsize=9, loc="upper right")


figure, axes = plot.subplots(figsize=(5.6, 3.8))
scatter(axes, x, malignant, ("benign", "malignant"))
axes.set_xlabel("mean radius (standard deviations)")
axes.set_ylabel("texture (standard deviations)")
plot.show(figure)

# %% [markdown]
# *Figure. Each mark is a tumour. Malignant ones tend to the right and a little upwards, and the two kinds overlap.*
# <details><summary>In words</summary>A scatter plot of texture over mean radius, both in standard deviations. Open circles,
# benign, fill the left half; filled squares, malignant, the right half; in the middle they mix.</details><br>
#
# ### The formula: one neuron
#
# One neuron as a drawing; every arrow carries one number:

# %%
places = {
    "radius x₁": (0, 1),
    "texture x₂": (0, 0),
    "sum + bias b": (1.2, 0.5),
    "sigmoid": (2.3, 0.5),
    "malignant?": (3.4, 0.5),
}
arrows = [
    ("radius x₁", "sum + bias b", "× w₁"),
    ("texture x₂", "sum + bias b", "× w₂"),
    ("sum + bias b", "sigmoid", "z"),
    ("sigmoid", "malignant?", "p"),
]
shaded = ["sum + bias b", "sigmoid"]
plot.show(diagrams.boxes(places, arrows, shaded=shaded, figsize=(7.4, 2.0)))

# %% [markdown]
# *Figure. A neuron (grey): two inputs, each times its weight; their sum and the bias make z, and the sigmoid turns z
# into a probability.*
# <details><summary>In words</summary>Two boxes at the left, radius and texture. An arrow with a weight leads from each to a grey box,
# sum plus bias. From there an arrow z leads to a grey box, sigmoid, and an arrow p to "malignant?".</details><br>
#
# $$z = \sum_{j=1}^{d} w_j x_j + b = \mathbf{w}\cdot\mathbf{x} + b, \qquad p = \sigma(z) = \frac{1}{1+e^{-z}}$$
#
# * $x_1,\dots,x_d$ are the inputs of one example, here $d=2$: radius and texture,
# * $w_j$ is the **weight** of input $j$: how much it counts, and in which direction,
# * $b$ is the **bias**, the vote that is cast before any input is seen; $-b$ is the threshold,
# * $z$ is the sum, any number; the **sigmoid** $\sigma$ squashes it to a probability $p$ of *yes* between 0 and 1. Its 0.5 is at
#   $z=0$, so the verdict depends on the sign of $z$ alone.
#
# Two tumours by hand, then the same neuron in Keras, where it is a `Dense` layer with one unit:

# %%
w = np.array([3.0, 1.0])
b = -0.5
two = np.array([[1.0, 0.5], [-1.0, 0.5]])  # (examples, inputs)
z = two @ w + b  # 3·1 + 1·0.5 − 0.5 = 3.0   and   3·(−1) + 1·0.5 − 0.5 = −3.0
p = 1 / (1 + np.exp(-z))
print("z:", z, " p:", p.round(3))

layer = keras.layers.Dense(1, activation="sigmoid")
layer.build((None, 2))
layer.set_weights([w.reshape(2, 1), np.array([b])])
theirs = layer(two)[:, 0]
reference = scratch.neuron(two, w, b)
expect("Keras", theirs, equals=p, tolerance=1e-6)
expect("bmkit.scratch", reference, equals=p, tolerance=1e-12)

# %% [markdown]
# ### Exercise 1 · Write a neuron
#
# Write `neuron(x, w, b)`: `x` of shape `(n, inputs)`, `w` of shape `(inputs,)`, `b` a number; return the probability of *yes* for
# each row. You may use `scratch.sigmoid`. *Easy, three minutes; expected shape: `(n,)`.*


# %%
def neuron(x, w, b):
    ...


ch01.neuron.check(neuron)

# %% [markdown]
# ## Why one neuron draws one line
#
# The neuron changes its mind where $z = 0$. Which points are these? Take two of them, $\mathbf a$ and $\mathbf c$, and subtract:
#
# $$\mathbf w\cdot\mathbf a + b = 0, \quad \mathbf w\cdot\mathbf c + b = 0 \quad\Longrightarrow\quad \mathbf w\cdot(\mathbf a-\mathbf c) = 0$$
#
# The direction from one point to the other is at a right angle to $\mathbf w$. With two inputs, all such points form a
# **straight line**;
# with three a plane; with more we say *hyperplane*. The weights say which way the line faces. And the bias? Start at a point of
# the line and walk a distance $t$ in the direction of $\mathbf w$, that is, by $t\,\mathbf w/\lVert\mathbf w\rVert$:
#
# $$z = \mathbf w\cdot\Big(\mathbf a + t\,\frac{\mathbf w}{\lVert\mathbf w\rVert}\Big) + b = 0 + t\,\lVert\mathbf w\rVert \quad\Longrightarrow\quad t = \frac{z}{\lVert\mathbf w\rVert}$$
#
# So $z$ measures how far a point is from the line, and on which side. At the origin $z=b$: the bias pushes the line away from it,
# by $|b|/\lVert\mathbf w\rVert$. Below, $\lVert\mathbf w\rVert = 1$. Move the line yourself. How many tumours can you get right?

# %%
def draw(direction, bias):
    angle = np.radians(direction)
    w = np.array([np.cos(angle), np.sin(angle)])  # length 1
    right = np.mean((x @ w + bias > 0) == malignant)
    figure, axes = plot.subplots(figsize=(5.2, 4.2))
    scatter(axes, x, malignant, ("benign", "malignant"))
    foot = -bias * w  # the point of the line that is nearest to the origin
    along = np.array([-w[1], w[0]])
    axes.axline(foot, foot + along, color="black", ls="-")
    axes.annotate("", foot + w, foot, arrowprops={"arrowstyle": "->", "lw": 2})
    axes.set_xlabel("mean radius (standard deviations)")
    axes.set_ylabel("texture (standard deviations)")
    axes.set(xlim=(-3.2, 5), ylim=(-3.2, 5), aspect="equal")
    axes.set_title(f"{right:.1%} right")
    return figure


directions = list(range(0, 360, 15))
biases = [number / 4 for number in range(-8, 9)]
begin = {"direction": 75, "bias": 0.5}
plot.explore(draw, start=begin, direction=directions, bias=biases)

# %% [markdown]
# *Figure. The line where the neuron hesitates, and the arrow of its weights towards "malignant". Turn `direction` (degrees) and
# shift with `bias` until as many tumours as possible are classified correctly; the best is above 88 %.*
# <details><summary>In words</summary>The tumours again, with a nearly horizontal line through them and an arrow at a right angle to
# it. This first setting is a bad one: many benign tumours lie on the side of the arrow.</details><br>
#
# Did you notice that on these tumours a slanted line gets a few more right than the best vertical one (radius alone)?
# And that half a turn, with the other sign of the bias, gives the same line and
# the opposite verdicts? Here is the search that you did by hand, over every position of the two sliders:

# %%
best_share = 0
best_with_radius = 0
for direction in directions:
    angle = np.radians(direction)
    along = x @ [np.cos(angle), np.sin(angle)]
    for bias in biases:
        share = np.mean((along + bias > 0) == malignant)
        if direction == 0:
            best_with_radius = max(best_with_radius, share)
        if share > best_share:
            best_share = share
            best_place = (direction, bias)
tried = len(directions) * len(biases)
print("best of", tried, "positions, direction and bias:", *best_place)
expect("its share right, in training", best_share, at_least=0.88)
lead = best_share - best_with_radius
expect("its lead over the best with radius alone", lead, at_least=0.005)

# %% [markdown]
# ### Let training place the line
#
# Trying every position works for two inputs. For thirty there are more positions than anyone could try. Training walks
# downhill on a loss instead; [chapter 04](04_loss_functions.ipynb) says which loss and why. With nothing between input
# and output, a network is just one neuron per output:

# %%
def trained(model, train_set, validation_set, epochs=12, learning_rate=0.1):
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    right = keras.metrics.BinaryAccuracy("accuracy", threshold=0.0)  # yes where z > 0
    model.compile(keras.optimizers.Adam(learning_rate), loss, metrics=[right])
    train.fit(model, train_set, validation_set, epochs=epochs)
    return train.evaluate(model, validation_set)["accuracy"]


one = models.mlp((2,), 1, hidden_units=())
seen = (x_seen, malignant_seen[:, np.newaxis])
accuracy = trained(one, (x, malignant[:, np.newaxis]), seen, epochs=8)
expect("one neuron, validation accuracy, best epoch", accuracy, at_least=0.84)
expect("its lead over always saying the same", accuracy - baseline, at_least=0.2)

# %% [markdown]
# One neuron, three parameters, and it is far ahead of the baseline (the unseen tumours also chose the epoch, so the score is a little flattered): this question *is* nearly a matter of one line. (No doctor
# should rely on it. About one verdict in ten is wrong, and every missed tumour is a person.)
#
# ## A question that no neuron can answer
#
# Now handwritten digits, and only three of them: 0, 1 and 8. **Is it an 8?** Look at the middle of the picture, the field of
# 4×2 pixels framed below. A 0 has paper there, a 1 has ink. And an 8?

# %%
digits = data.load("digits")


def eights(split):
    pictures, labels = digits.arrays(split)
    few = np.isin(labels, (0, 1, 8))
    labels = labels[few]
    pictures = pictures[few, :, :, 0]  # (n, 8, 8)
    middle = pictures[:, 2:6, 3:5].mean(axis=(1, 2))
    bottom = pictures[:, 7].mean(axis=1)
    ink = np.stack([middle, bottom], axis=1)  # (n, 2)
    return ink, labels, pictures


ink, labels, pictures = eights("train")
in_middle = {digit: ink[labels == digit, 0] for digit in (0, 8, 1)}
typical = {digit: np.median(in_middle[digit]) for digit in in_middle}
expect("ink in the middle of a 0", typical[0], at_most=0.1)
expect("ink in the middle of an 8", typical[8], at_least=0.6, at_most=0.7)
expect("ink in the middle of a 1", typical[1], at_least=0.8)

# %%
figure, row = plot.subplots(1, 4, figsize=(7.6, 2.2), width_ratios=(1, 1, 1, 2.6))
colors = (plot.COLORS[0], plot.COLORS[3], plot.COLORS[1])
lines = ("--", "-", ":")
bins = np.linspace(0, 1, 21)
across = [2.5, 4.5, 4.5, 2.5, 2.5]  # the frame around the middle
down = [1.5, 1.5, 5.5, 5.5, 1.5]
for axes, digit, color, line in zip(row, in_middle, colors, lines):
    average = pictures[labels == digit].mean(axis=0)
    axes.imshow(average, vmin=0, vmax=1)
    axes.plot(across, down, color=color, ls="-")
    axes.set_title(f"average {digit}", fontsize=10)
    axes.axis("off")
    look = {"histtype": "step", "color": color, "lw": 1.8, "ls": line}
    row[3].hist(in_middle[digit], bins, label=digit, **look)
row[3].set(xlabel="ink in the middle (0 = paper, 1 = full)", ylabel="digits")
row[3].legend(fontsize=9)
plot.show(figure)

# %% [markdown]
# *Figure. The eights lie between the zeros and the ones: some ink in the middle, but not as much as a 1.*
# <details><summary>In words</summary>Left, the average 0, 8 and 1 with a frame around the middle. Right, a histogram of the ink in
# that frame: zeros are piled up near 0, eights between 0.5 and 0.8, ones mostly above 0.7.</details><br>
#
# "Yes" lies **between** two kinds of "no". Imagine the straight path from the average 0, $\mathbf a$, to the average 1, $\mathbf c$.
# A point on it is $(1-t)\,\mathbf a + t\,\mathbf c$ with $t$ from 0 to 1, and the neuron's sum there is
#
# $$\mathbf w\cdot\big[(1-t)\,\mathbf a + t\,\mathbf c\big] + b \;=\; (1-t)\,\underbrace{(\mathbf w\cdot\mathbf a + b)}_{z_a} + t\,\underbrace{(\mathbf w\cdot\mathbf c + b)}_{z_c}$$
#
# because $b = (1-t)\,b + t\,b$. Along the path $z$ is a ramp.
#
# ### Exercise 2 · Predict, then run
#
# A neuron says no to both: $z_a=-3$ and $z_c=-1$. **What is $z$ at three quarters of the way, $t = ¾$?** *One minute; expected: a
# number.*

# %%
between = ...
ch01.between.check(between)

# %% [markdown]
# That is a proof. A weighted mean of two negative numbers is negative, so a neuron that says no to $\mathbf a$ and no
# to $\mathbf c$ says no to everything between them. And the average 8 lies almost exactly there. We ask 10,000 random
# neurons, and then train one. What do
# you expect it to reach, if "never an 8" is right for about two thirds of these digits?

# %%
zero = ink[labels == 0].mean(axis=0)  # (2,)
one_ = ink[labels == 1].mean(axis=0)
eight = ink[labels == 8].mean(axis=0)
on_the_way = zero / 4 + one_ * 3 / 4
off = np.abs(eight - on_the_way).max()
expect("average 8 to the point at ¾ of the way", off, at_most=0.05)

random = np.random.default_rng(0)
w = random.normal(size=(2, 10_000))
b = random.normal(size=10_000)
no_to_both = (zero @ w + b < 0) & (one_ @ w + b < 0)
yes_between = on_the_way @ w + b > 0
torn = no_to_both & yes_between
expect("random neurons that say no to 0 and 1", no_to_both.sum(), at_least=2000)
expect("those of them that say yes in between", torn.sum(), equals=0)

# %%
ink_seen, labels_seen, _ = eights("validation")
ink_center = ink.mean(axis=0)
ink_deviation = ink.std(axis=0)
inputs = (ink - ink_center) / ink_deviation
inputs_seen = (ink_seen - ink_center) / ink_deviation
train_set = (inputs, (labels == 8)[:, np.newaxis])
validation_set = (inputs_seen, (labels_seen == 8)[:, np.newaxis])
never = np.mean(labels_seen != 8)
single = models.mlp((2,), 1, hidden_units=())
reached = trained(single, train_set, validation_set)
expect("baseline: never an 8, share right", never, at_least=0.63, at_most=0.7)
expect("its lead over never an 8", reached - never, at_most=0.03)

# %% [markdown]
# It is hardly better than never saying "8", if at all, and here it is worse: the neuron was trained to make the *loss*
# small, not the number of errors, and even
# its loss is little below that of a constant prediction. So it knows next to nothing. Did the
# training fail? We try many thousand lines on the training digits, and take the best:

# %%
spots = train_set[0]  # (320, 2)
wanted = train_set[1][:, 0]  # (320,), True for an 8
share = 0
for angle in np.radians(np.arange(0, 360, 3)):
    along = spots @ [np.cos(angle), np.sin(angle)]
    for threshold in np.linspace(-3, 3, 121):
        share = max(share, np.mean((along > threshold) == wanted))
lead = share - np.mean(~wanted)
expect("best of 14,520 lines, lead over never an 8", lead, at_most=0.05)

p = wanted.mean()  # the best constant probability: the share of eights
constant = -p * np.log(p) - (1 - p) * np.log(1 - p)  # its loss
loss = train.evaluate(single, train_set)["loss"]
expect("the neuron's loss over that of a constant", loss / constant, at_least=0.85)

# %% [markdown]
# Even the best of these lines is only a few points better than never saying "8". It has to cut through the cloud of
# points somewhere, and wherever it does, zeros or ones end up on the side of the eights. More training would not help:
# no setting of the three parameters could do it. Minsky and Papert
# published arguments of this kind in 1969, and for years few people worked on neurons.
#
# ## Two lines are better than one
#
# But *you* know how to ask: "Is there **enough** ink in the middle? And **not too much**?" Each is a question for one neuron. A third
# neuron looks only at their two answers and says yes if both do. Let us build it by hand, with $m$ the ink in the middle:
#
# $$h_1 = \sigma(20\,m - 8), \qquad h_2 = \sigma(16 - 20\,m), \qquad z = h_1 + h_2 - 1.5$$
#
# $h_1$ switches on above $m = 0.4$ and $h_2$ switches off above $m = 0.8$. Their sum is near 2 only in between.

# %%
into_hidden = np.array([[20.0, -20.0], [0.0, 0.0]])  # (2 inputs, 2 hidden)
biases_hidden = np.array([-8.0, 16.0])
into_output = np.array([[1.0], [1.0]])  # (2 hidden, 1 output)
bias_output = np.array([-1.5])
by_hand = [into_hidden, biases_hidden, into_output, bias_output]
hidden = scratch.sigmoid(ink_seen @ into_hidden + biases_hidden)  # (n, 2)
z = hidden @ into_output + bias_output  # (n, 1)
in_short = scratch.mlp_forward(ink_seen, by_hand, scratch.sigmoid)
expect("bmkit.scratch", in_short, equals=z, tolerance=1e-12)
says_eight = z[:, 0] > 0
right = np.mean(says_eight == (labels_seen == 8))
expect("two hidden neurons made by hand, share right", right, at_least=0.78)

# %%
m = np.linspace(0, 1, 201)
h1 = scratch.sigmoid(20 * m - 8)
h2 = scratch.sigmoid(16 - 20 * m)
figure, axes = plot.subplots(figsize=(7.4, 2.8))
axes.plot(m, h1, label="h₁: enough ink")
axes.plot(m, h2, label="h₂: not too much")
axes.plot(m, h1 + h2, label="h₁ + h₂", lw=2.5)
axes.axhline(1.5, color="0.5", ls=":", label="threshold 1.5")
axes.set(xlabel="ink in the middle", ylabel="answer", ylim=(-0.05, 2.2))
axes.legend(fontsize=9, loc="upper left", bbox_to_anchor=(1, 1))
plot.show(figure)

# %% [markdown]
# *Figure. Neither hidden answer can pick out the middle. Their sum can: it passes the threshold only between 0.4 and 0.8.*
# <details><summary>In words</summary>Over the ink in the middle, one curve rises from 0 to 1 near 0.4, another falls from 1 to 0
# near 0.8. Their sum is 1 at both ends and 2 in between, above a dotted line at 1.5.</details><br>
#
# Neurons that sit between input and output are called **hidden**. Neurons side by side form a **layer**, here a *hidden
# layer*, and layers one after another form a *multi-layer perceptron* (MLP).
#
# ### The formula: a layer
#
# Write the weights of one neuron as a column, and the columns side by side as a matrix. Then one product computes every neuron
# for every example:
#
# $$H = \varphi(X W + \mathbf b), \qquad H_{ik} = \varphi\Big(\sum_{j} X_{ij} W_{jk} + b_k\Big)$$
#
# * $X$ has one row for each example ($i$) and one column for each input ($j$),
# * $W$ has one row for each input and one column for each neuron ($k$); $\mathbf b$ has one bias for each neuron and is
#   added to every row,
# * $\varphi$, the **activation**, is applied to each number by itself; $H$ has one row for each example and one column
#   for each neuron.
#
# The next layer takes $H$ where this one took $X$. The last one has no activation: its numbers are the *logits*.


# %%
def layer(x, w, b):
    return x @ w + b  # (n, inputs) @ (inputs, neurons) + (neurons,) → (n, neurons)


w1 = random.normal(size=(2, 5))
b1 = random.normal(size=5)
w2 = random.normal(size=(5, 3))
b2 = random.normal(size=3)
hidden = np.maximum(0, layer(ink, w1, b1))  # (320, 5)
logits = layer(hidden, w2, b2)  # (320, 3)
print("inputs", ink.shape, "→ hidden", hidden.shape, "→ logits", logits.shape)
network = models.mlp((2,), 3, hidden_units=(5,))
network.set_weights([w1, b1, w2, b2])
expect("Keras", network(ink), equals=logits, tolerance=1e-5)
ours = scratch.mlp_forward(ink, [w1, b1, w2, b2])
expect("bmkit.scratch", ours, equals=logits, tolerance=1e-12)

# %% [markdown]
# ### Exercise 3 · A forward pass
#
# Write `forward(x, w1, b1, w2, b2)`: one hidden layer with the activation **ReLU** (*rectified linear unit*),
# $\varphi(z) = \max(0, z)$, then the logits. *Medium, five minutes;
# expected shape: `(n, outputs)`.*


# %%
def forward(x, w1, b1, w2, b2):
    ...


ch01.forward.check(forward)

# %% [markdown]
# ## Why there must be an activation
#
# Leave $\varphi$ out, and two layers are
#
# $$(X W_1 + \mathbf b_1)\,W_2 + \mathbf b_2 \;=\; X\,(W_1 W_2) + (\mathbf b_1 W_2 + \mathbf b_2),$$
#
# again one matrix and one bias: **one** layer, straight lines only, however many you stack. The bend makes the difference. Three
# bends are common:

# %%
first = layer(ink, w1, b1)
without = layer(first, w2, b2)
as_one = ink @ (w1 @ w2) + (b1 @ w2 + b2)
expect("two layers without activation", without, equals=as_one, tolerance=1e-9)

z = np.linspace(-4, 4, 201)
bends = {"relu": scratch.relu(z), "sigmoid": scratch.sigmoid(z), "tanh": np.tanh(z)}
for name, values in bends.items():
    theirs = keras.activations.get(name)(z)
    expect(f"Keras, {name}", theirs, equals=values, tolerance=1e-6)

# %%
figure, axes = plot.subplots(figsize=(6.4, 2.8))
for name, values in bends.items():
    axes.plot(z, values, label=name)
axes.set(xlabel="weighted sum z", ylabel="activation φ(z)", ylim=(-1.2, 2.2))
axes.legend()
plot.show(figure)

# %% [markdown]
# *Figure. Three ways to bend: ReLU has one corner, sigmoid and tanh level off on both sides.*
# <details><summary>In words</summary>ReLU is 0 for negative sums and rises as a straight line from 0. The sigmoid rises from 0 to
# 1, tanh from −1 to 1, both in the shape of an S.</details><br>
#
# **ReLU** is the usual choice for hidden layers: cheap, and its derivative does not vanish for large sums. **tanh** and **sigmoid** level
# off, and a neuron far out on either side learns slowly; [chapter 04](04_loss_functions.ipynb) meets a gradient that has vanished so.
# The sigmoid keeps its place at the end, where a probability is wanted.
#
# ## Let training find the lines
#
# Now eight hidden neurons with ReLU, on the same digits and the same two inputs, for as many epochs as the single neuron.

# %%
network = models.mlp((2,), 1, hidden_units=(8,))
with_hidden = trained(network, train_set, validation_set)
expect("numbers to learn in one neuron", single.count_params(), equals=3)
expect("numbers to learn with eight hidden", network.count_params(), equals=33)
expect("eight hidden neurons, share right", with_hidden, at_least=0.87)
expect("their lead over one neuron", with_hidden - reached, at_least=0.18)
expect("their lead over the baseline", with_hidden - never, at_least=0.18)
w1, b1, w2, b2 = network.get_weights()
ours = scratch.mlp_forward(inputs, [w1, b1, w2, b2])
theirs = network(inputs)
expect("NumPy's forward pass and the network", ours, equals=theirs, tolerance=1e-5)

# %%
def regions(axes, logit, title):
    side = np.linspace(-2.4, 3, 181)
    places = np.stack(np.meshgrid(side, side), axis=-1)  # (181, 181, 2)
    z = logit(places)[..., 0]
    axes.contourf(side, side, z, levels=[0, 1e9], colors=[plot.COLORS[4]], alpha=0.5)
    eights_at = inputs[labels == 8]
    others_at = inputs[labels != 8]
    axes.plot(*eights_at.T, "s", color=plot.COLORS[3], ms=2.5, label="8")
    hollow = {"color": plot.COLORS[0], "ms": 3, "mfc": "none", "mew": 0.7}
    axes.plot(*others_at.T, "o", label="0 or 1", **hollow)
    axes.set_xlabel("ink in the middle (s.d.)")
    axes.set_ylabel("ink in the bottom row (s.d.)")
    axes.set(title=title, xlim=(-2.4, 3), ylim=(-2.4, 3))


def one_neuron(places):
    return scratch.mlp_forward(places, single.get_weights())


def two_by_hand(places):
    unscaled = places * ink_deviation + ink_center  # by_hand knows ink, not s.d.
    return scratch.mlp_forward(unscaled, by_hand, scratch.sigmoid)


def eight_trained(places):
    return scratch.mlp_forward(places, [w1, b1, w2, b2])


# %%
figure, row = plot.subplots(1, 3, figsize=(9.0, 3.3))
regions(row[0], one_neuron, "one neuron")
regions(row[1], two_by_hand, "two hidden, by hand")
regions(row[2], eight_trained, "eight hidden, trained")
row[2].legend(fontsize=9)
plot.show(figure)

# %% [markdown]
# *Figure. Where each model says "8" (shaded). One neuron has one edge and fails; two hidden neurons make a strip; training bends the
# edges around the eights.*
# <details><summary>In words</summary>Three maps of the same digits over ink in the middle and ink in the bottom row. Left, the
# shaded region is bounded by one straight line. Middle, it is a vertical strip. Right, it has several bent edges and fits the
# filled squares closely.</details><br>
#
# ### What the hidden neurons respond to
#
# Each hidden neuron has its own line, where its ReLU has its corner: on one side its output is 0, on the other it grows
# with the distance from the line. The output adds the answers up, each with its own weight. So along any straight path
# the sum $z$ is made of
# straight pieces, and it **bends only where the path crosses a hidden neuron's line**. Watch it on a path from left to right:

# %%
from_left = np.linspace(-2.4, 3, 201)
path = np.stack([from_left, np.zeros(201)], axis=1)  # (201, 2)
answers = scratch.relu(path @ w1 + b1) * w2[:, 0]  # (201, 8): each neuron's part of z
z = answers.sum(axis=1) + b2

figure, (left, right) = plot.subplots(1, 2, figsize=(8.0, 3.3))
regions(left, eight_trained, "each neuron's line")
for w, b in zip(w1.T, b1):
    foot = -b * w / (w @ w)
    along = np.array([-w[1], w[0]])
    left.axline(foot, foot + along, color="black", lw=0.9)
dashed = {"color": plot.COLORS[5], "ls": "--"}
left.axhline(0, lw=2, **dashed)
right.plot(from_left, answers, color="0.6", ls="-", lw=0.9)
right.plot(from_left, z, lw=2.5, label="their sum z", **dashed)
right.axhline(0, color="black", lw=0.8)
right.set(xlabel="ink in the middle (s.d.), along the path", ylabel="added to z")
right.legend()
plot.show(figure)

# %% [markdown]
# *Figure. Left, the hidden neurons' lines, and a dashed path. Right, what each hidden neuron adds along that path (grey), and the sum, which is
# above zero only among the eights.*
# <details><summary>In words</summary>Left, the region of "8" with thin straight lines across it; the region's edges bend where
# a line crosses them. Right, grey curves of one or two straight pieces each, some rising, some falling, some level, and their thick dashed sum,
# which rises above zero in the middle and falls below it on both sides.</details><br>
#
# Here is the same network drawn as a graph, the way networks are usually drawn. Each dot is a number, each line a weight.

# %%
def draw_network(axes, weights):
    kernels = weights[::2]
    for column, kernel in enumerate(kernels):
        inputs_here, neurons = kernel.shape
        thickness = 4 * np.abs(kernel) / np.abs(kernel).max()
        for j, k in np.ndindex(kernel.shape):
            ends = [inputs_here / 2 - j, neurons / 2 - k]
            line = {"color": plot.COLORS[3], "ls": "--"}
            if kernel[j, k] > 0:
                line = {"color": plot.COLORS[0], "ls": "-"}
            axes.plot([column, column + 1], ends, lw=thickness[j, k], **line)
    sizes = [len(kernel) for kernel in kernels] + [1]
    for column, size in enumerate(sizes):
        heights = size / 2 - np.arange(size)
        across = np.full(size, column)
        axes.plot(across, heights, "o", ms=15, mfc="white", mec="black")


# %%
figure, row = plot.subplots(1, 3, figsize=(8.0, 3.4), width_ratios=(1, 2, 2))
drawn = (single.get_weights(), by_hand, [w1, b1, w2, b2])
for axes, weights in zip(row, drawn):
    draw_network(axes, weights)
    axes.set(xlim=(-0.3, len(weights) / 2 + 0.3), ylim=(-3.5, 4.5))
    axes.axis("off")
plot.show(figure)

# %% [markdown]
# *Figure. One neuron, two hidden by hand, eight hidden by training. Inputs left, output right: solid blue lines are positive weights, dashed red ones negative; thickness is strength, compared within one layer.*
# <details><summary>In words</summary>Three graphs. The first has two dots joined to one. The second has two inputs, two hidden
# dots and one output; the lower input has no visible lines, since its weights are 0. The third has eight hidden dots in a column,
# each joined to both inputs and to the output by solid or dashed lines of different thickness.</details><br>
#
# ### Counting parameters
#
# A layer from $n_{l-1}$ numbers to $n_l$ neurons has one weight for each pair and one bias for each neuron:
#
# $$P = \sum_{l=1}^{L} (n_{l-1} + 1)\, n_l$$
#
# with $n_0$ inputs and $L$ layers. One neuron with two inputs has $2+1=3$, our network $(2+1)\cdot8+(8+1)\cdot1=33$.
# This is the "size" in which models are compared, from our 33 to the billions of a large *language model*.
#
# ### Exercise 4 · Count them
#
# Write `count(sizes)` for a list such as `[2, 8, 1]`: inputs, hidden layers, outputs. *Easy, three minutes; expected: an integer.*


# %%
def count(sizes):
    ...


ch01.count.check(count)

# %% [markdown]
# ## All 64 pixels
#
# Two inputs let us draw maps. Real tasks have many more; then nothing can be drawn, but nothing else changes. Take all
# ten digits and all
# 64 pixels, and ask: **is the number even?** What should the even digits have in common that one weighted sum could see? A 4 looks more
# like a 9 than like a 2. One neuron first, then 64 hidden ones. Guess both scores.

# %%
def odd_or_even(split):
    pictures, labels = digits.arrays(split)
    return pictures, (labels % 2 == 0)[:, np.newaxis]


parity = odd_or_even("train")
parity_seen = odd_or_even("validation")
parity_test = odd_or_even("test")
alone = models.mlp((8, 8, 1), 1, hidden_units=())
wide = models.mlp((8, 8, 1), 1, hidden_units=(64,))
start = wide.get_weights()[0]  # (64, 64), before training; needed below
by_alone = trained(alone, parity, parity_seen, epochs=15, learning_rate=0.01)
by_wide = trained(wide, parity, parity_seen, epochs=15, learning_rate=0.01)
even = np.mean(parity_seen[1])
most_frequent = max(even, 1 - even)
expect("baseline: always the same, share right", most_frequent, at_most=0.56)
expect("one neuron, share right", by_alone, at_least=0.85, at_most=0.94)
expect("64 hidden neurons, share right", by_wide, at_least=0.94)
expect("their lead over one neuron", by_wide - by_alone, at_least=0.025)

# %% [markdown]
# With 64 inputs one neuron, trained once at one rate, gets surprisingly far, perhaps because in 64 directions there is a lot of room for a flat
# cut. So try the simple model first; the hidden layer must be worth its parameters. Here it is.
#
# And what do its neurons respond to? A hidden neuron has one weight for each pixel, so its weights *are* a picture. Then, once, the
# test set.

# %%
kernel, _, out, _ = wide.get_weights()  # kernel (64, 64), one column a neuron
votes = out[:, 0]  # (64,)
loudest = np.argsort(-np.abs(votes))[:8]
titles = ["votes even" if votes[k] > 0 else "votes odd" for k in loudest]
patterns = kernel[:, loudest].T.reshape(8, 8, 8)
limit = np.abs(patterns).max()
look = {"columns": 8, "width": 7.6, "vmin": -limit, "vmax": limit}
figure = plot.images(patterns, titles, **look)
plot.show(figure)

# %% [markdown]
# *Figure. The weights of the eight hidden neurons with the largest output weights: ink on white pixels raises a
# neuron's sum, ink on black ones lowers it.*
# <details><summary>In words</summary>Eight coarse grey pictures with lighter and darker patches in different places; no two are
# alike, and none is a whole digit.</details>

# %%
alike = []
for before, after in zip(start.T, kernel.T):
    table = np.corrcoef(before, after)  # (2, 2)
    alike.append(table[0, 1])
median = np.median(alike)
expect("correlation of a kernel with its start, median", median, at_least=0.2)
measured = train.evaluate(alone, parity_test)
single_test = measured["accuracy"]
measured = train.evaluate(wide, parity_test)
hidden_test = measured["accuracy"]
expect("test set, 64 hidden neurons, share right", hidden_test, at_least=0.93)
lead = hidden_test - single_test
expect("test set, their lead over one neuron", lead, at_least=0.03)

# %% [markdown]
# None of them is a digit, and most look like noise. Much of it *is* noise: after training the kernels are still correlated with the
# random numbers that they started from. The answers of many such neurons, summed up by the output, are enough. How
# training changes the
# weights is the subject of the next chapters.
#
# ## Summary
#
# * A neuron is a weighted sum, a bias and an activation: $\varphi(\mathbf w\cdot\mathbf x + b)$. Its verdict changes
#   along one straight line, at a right angle to its weights.
# * Between two noes of a neuron there is no yes, so it cannot pick out what lies in the middle. We saw it fail on real digits.
# * A hidden layer draws several lines, and the output adds them up. Without an activation it would all collapse into one line.
# * A layer is $\varphi(XW + \mathbf b)$: NumPy and Keras agree to five digits after the point. It has $(n_{l-1}+1)\,n_l$ parameters.
#
# **Ask yourself**
#
# <details><summary>Could one single hidden neuron pick out the eights?</summary>No. Its answer depends on one weighted sum and, with
# ReLU, sigmoid or tanh, never turns back. The output can only cut it once: one straight edge again. It takes two.</details>
# <details><summary>You multiply all weights and biases of a trained neuron by ten. What changes?</summary>Not one verdict: the line
# stays where it is. But the neuron becomes far surer of everything, of its mistakes too, and its loss grows.</details>
# <details><summary>Why standardise with the mean of the training rows, not of all rows?</summary>The validation and
# test rows stand for data that we have not seen. If they help to choose mean and standard deviation, the score no
# longer tells how the model does on unseen data.</details><br>
#
# **Next** [04 · Loss functions](04_loss_functions.ipynb) says what it is that training makes small. With it in hand,
# [02 · Deep learning](02_deep_learning.ipynb) shows how training finds the weights and what more layers bring.
#
# **References**
#
# * F. Rosenblatt (1958), The perceptron: a probabilistic model for information storage and organization in the brain.
#   [doi](https://doi.org/10.1037/h0042519)
# * M. Minsky, S. Papert (1969), *Perceptrons*. [doi](https://doi.org/10.7551/mitpress/11301.001.0001)
# * G. Cybenko (1989), Approximation by superpositions of a sigmoidal function. [doi](https://doi.org/10.1007/BF02551274)
# * D. E. Rumelhart, G. E. Hinton, R. J. Williams (1986), Learning representations by back-propagating errors.
#   [doi](https://doi.org/10.1038/323533a0)
# * I. Goodfellow, Y. Bengio, A. Courville (2016), *Deep Learning*, chapter 6. [Online](https://www.deeplearningbook.org)
