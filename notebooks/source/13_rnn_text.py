# %% [markdown]
# # 13 · Recurrent networks for text
#
# **After this you can** run a SimpleRNN, an LSTM and a GRU by hand, measure how the slope fades through time and say why gates help, set a gate so that a memory lasts, and judge honestly what reading in order gains on real reviews
#
# **Time** 50 min to read, 100 min to teach, 45 s to run
#
# **Before** [03 · Language, vision, speech](03_language_vision_speech.ipynb), [05 · Gradient descent](05_gradient_descent.ipynb)
#
# **Data** small_fine_foods (4,969 food reviews, MIT)

# %%
from bmkit import data, diagrams, models, plot, scratch, train
from bmkit.check import expect
from bmkit.exercises import ch13
import keras
import numpy as np
train.seed(0)

# %% [markdown]
# ## Same words, other meaning
#
# *Not good, but cheap.* *Good, but not cheap.* Four words each, the same four. One of them you would not eat. [Chapter
# 03](03_language_vision_speech.ipynb) ended with this pair: a model that counts words, or takes the mean of their
# vectors, gives both the same answer, whatever it has learned. It can do no other, because it never sees the order.
#
# How do *you* read? Word after word. After each you know a little more, and you need not keep the whole text in mind,
# only what it has told so far. A **recurrent network** does this. It has a **state** $h$, a short list of numbers. For
# each word it makes a new state from the old one and the word, always with the *same* weights. Drawn as a loop it is
# one box. Unrolled over time it is a chain, as long as the sentence.

# %%
pair = ["not good but cheap", "good but not cheap"]
words = sorted(set(" ".join(pair).split()))
tokens = np.array([[words.index(word) for word in text.split()] for text in pair])  # (2, 4)
table = np.random.default_rng(0).normal(size=(len(words), 3))  # any embedding
vectors = scratch.embedding_lookup(tokens, table)  # (2, 4, 3)
mean = scratch.masked_mean(vectors, np.ones((2, 4)))  # (2, 3)
expect("mean vector of the second sentence and the first", mean[1], equals=mean[0], tolerance=1e-12)
expect("places where the two differ", int((tokens[0] != tokens[1]).sum()), equals=3)
plot.show(diagrams.unrolled_rnn(pair[0].split(), "good to eat?"))

# %% [markdown]
# *Figure. Left, the loop: the state goes back into itself. Right, the same loop unrolled over four words. W and U are
# the same in every step.*
# <details><summary>In words</summary>Left, a grey box "state" with an arrow from "word" below it, labelled W, and an
# arrow from itself back to itself, labelled U. Right, a chain of boxes from h₀ = 0 over h₁ to h₄, joined by arrows
# labelled U; under each stands a word with an arrow W upwards: not, good, but, cheap. From h₄ an arrow leads to the
# question "good to eat?".</details><br>
#
# ### The formula: one step, repeated
#
# $$h_t = \tanh\!\big(x_t W + h_{t-1} U + b\big), \qquad h_0 = 0$$
#
# * $t$ counts the steps, here words; $x_t$ is the vector of word $t$, shape (features),
# * $h_t$ is the state after it, shape (units); $\tanh$ keeps each of its numbers between −1 and 1,
# * $W$ (features × units) lets the word in, $U$ (units × units) carries the old state on, $b$ is a bias.
#
# The last state has seen everything, so the answer is read from it, by a dense layer: $z = h_T\,V + c$. In NumPy the
# whole network is a loop of one line:


# %%
def simple_rnn(x, kernel, recurrent_kernel, bias):
    h, states = np.zeros((len(x), len(recurrent_kernel))), []
    for t in range(x.shape[1]):
        h = np.tanh(x[:, t] @ kernel + h @ recurrent_kernel + bias)  # (n, units)
        states.append(h)
    return np.stack(states, axis=1)  # (n, time, units)


layer = keras.layers.SimpleRNN(5, return_sequences=True)
layer.build(vectors.shape)
ours = simple_rnn(vectors, *layer.get_weights())  # (2, 4, 5)
expect("Keras SimpleRNN, states after every step", layer(vectors), equals=ours, tolerance=1e-5)
theirs = scratch.recurrent_outputs(scratch.simple_rnn_step, vectors, layer.get_weights())
expect("bmkit.scratch", theirs, equals=ours, tolerance=1e-12)
expect("the two sentences end apart by", abs(ours[0, -1] - ours[1, -1]).max(), at_least=0.01)

# %% [markdown]
# The weights are random, nothing has been learned, and already the two sentences end in different states. Order counts
# now.
#
# ### Exercise 1 · Read a sequence
#
# Write it for one sequence, without looking up: `read_sequence(x, kernel, recurrent_kernel, bias)` with `x` of shape
# `(time, features)`. Return the *last* state, shape `(units,)`. *Medium, six minutes.*


# %%
def read_sequence(x, kernel, recurrent_kernel, bias):
    ...


ch13.read_sequence.check(read_sequence)

# %% [markdown]
# ## Can it learn the difference?
#
# We need sentences in which *only* order tells. So we write them by rule: two adjectives, one of them about taste, one
# about price, in either order; one of the two is denied, with up to two small words between "not" and the adjective.
# The question is whether the *taste* is praised. Every bag of words occurs twice, once with each answer, so a counting
# model must be right in exactly half of the cases. Validation sentences have pairs of adjectives that training never
# saw together.
#
# The sentences have four to six words, and a batch is one block, so short ones are filled up with token 0 ([chapter
# 03](03_language_vision_speech.ipynb)). What must a recurrent network do with filling? Nothing: **where the mask says
# "not there", the state stays as it was.** The last column of states then holds the state after the last real word.
# `models.rnn` is embedding, recurrent layer with this mask, dense layer.

# %%
import itertools

tastes, prices = ["good", "tasty", "fresh", "sweet"], ["cheap", "fair", "small", "handy"]
between = ["", "so ", "really ", "really so "]
sentences, praised, unseen = [], [], []
for (a, taste), (b, price), gap, first in itertools.product(
    enumerate(tastes), enumerate(prices), between, (True, False)
):
    for yes in (True, False):
        one, two = f"{'' if yes else 'not ' + gap}{taste}", f"{'not ' + gap if yes else ''}{price}"
        sentences.append(f"{one} but {two}" if first else f"{two} but {one}")
        praised.append(yes)
        unseen.append((a + b) % 4 == 0)
praised, unseen = np.array(praised), np.array(unseen)
print(len(sentences), "sentences, four of them:\n", "; ".join(sentences[4:8]))

# %%
lexicon = ["", *sorted(set(" ".join(sentences).split()))]
x = np.zeros((len(sentences), max(len(text.split()) for text in sentences)), dtype="int32")  # (256, 6)
for row, text in zip(x, sentences):
    row[: len(text.split())] = [lexicon.index(word) for word in text.split()]
small = models.rnn((None,), 1, cell="simple_rnn", units=(16,), embedding=(len(lexicon), 8))
loss = keras.losses.BinaryCrossentropy(from_logits=True)
right = keras.metrics.BinaryAccuracy(threshold=0, name="accuracy")
small.compile(keras.optimizers.Adam(0.01), loss, metrics=[right])
sets = [(x[rows], praised[rows, np.newaxis]) for rows in (~unseen, unseen)]
history = train.fit(small, *sets, epochs=15)

# %%
from sklearn import linear_model

bags = np.array([np.bincount(row, minlength=len(lexicon))[1:] for row in x])  # (256, words)
counting = linear_model.LogisticRegression().fit(bags[~unseen], praised[~unseen])
expect("counting words, new pairs right", counting.score(bags[unseen], praised[unseen]), equals=0.5)
expect("SimpleRNN, new pairs right", max(history["val_accuracy"]), at_least=0.95)
table, *weights, head, bias = small.get_weights()
figure, axes = plot.subplots(figsize=(7.2, 2.9))
for text, marker in zip(["not so good but cheap", "good but not so cheap"], plot.MARKERS):
    tokens = np.array([[lexicon.index(word) for word in text.split()]])
    states = scratch.recurrent_outputs(scratch.simple_rnn_step, table[tokens], weights)[0]  # (5, 16)
    verdicts = scratch.sigmoid(states @ head + bias)[:, 0]
    axes.plot(range(1, 6), verdicts, marker=marker, label=text.replace(" ", " → "))
axes.set(xlabel="words read", ylabel="probability: praised", xticks=range(1, 6))
axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2)
plot.show(figure)

# %% [markdown]
# *Figure. The same five words in two orders. Ask the trained network for its verdict after every word: it ends near 0
# for one order and near 1 for the other.*
# <details><summary>In words</summary>Two curves over the number of words read, from one to five, with the probability
# that the taste is praised. At the end "not so good but cheap" is close to 0 and "good but not so cheap" close to 1; in
# between both move with each word.</details><br>
#
# Counting is right in half of the cases, as we built it to be. The recurrent network learns a rule and carries it over
# to pairs of adjectives it has never seen together. (The verdict after two words has no meaning yet: it was trained on
# whole sentences.)
#
# Now check the mask, by hand and in Keras: fill the sentences up with thirty more zeros. With the mask, nothing may
# change. Without it, the network goes on reading a word that is not there, and the answer depends on how much filling
# there is.

# %%
states = scratch.recurrent_outputs(scratch.simple_rnn_step, table[x], weights, mask=x != 0)
masked = states[:, -1] @ head + bias  # (256, 1)
longer = np.pad(x, ((0, 0), (0, 30)))  # (256, 36)
expect("masked by hand and Keras", small.predict(x, verbose=0), equals=masked, tolerance=1e-4)
expect("Keras, thirty more zeros", small.predict(longer, verbose=0), equals=masked, tolerance=1e-4)
states = scratch.recurrent_outputs(scratch.simple_rnn_step, table[longer], weights)  # (256, 36, 16)
unmasked = (states[:, 5:] @ head + bias)[..., 0] > 0  # (256, 31), answers with 0 to 30 more zeros
lowest = np.mean(unmasked == praised[:, np.newaxis], axis=0).min()
expect("mask forgotten, worst filling: share right", lowest, at_most=0.7)

# %% [markdown]
# ## How far back can it learn?
#
# Six words are few. To learn that the *first* word of a hundred matters, training must feel how the last state would
# change if an early state changed a little. That slope goes back through the chain, and every step multiplies it
# ([chapter 02](02_deep_learning.ipynb) saw the same through layers, but a layer's weights differ and a step's do not):
#
# $$\frac{\partial h_T}{\partial h_{T-k}} = J_T\,J_{T-1}\cdots J_{T-k+1}, \qquad J_t = \frac{\partial h_t}{\partial h_{t-1}} = \operatorname{diag}\!\big(1-h_t^2\big)\,U^\top$$
#
# * $J_t$ is the **Jacobian** of one step: row $i$, column $j$ tells how new number $i$ follows old number $j$,
# * $1-h_t^2$ is the slope of $\tanh$, at most 1; $\operatorname{diag}$ writes it on a diagonal,
# * $k$ is the distance in steps.
#
# The size of a matrix, $\lVert J\rVert$, is how much it can lengthen a vector at most (its largest singular value).
# Sizes of products are at most products of sizes, so
#
# $$\Big\lVert \frac{\partial h_T}{\partial h_{T-k}} \Big\rVert \;\le\; \prod_{t}\lVert J_t\rVert \;\le\; \lVert U\rVert^{\,k}$$
#
# If $\lVert U\rVert<1$ the slope **vanishes**, at least as fast as a power. If $\lVert U\rVert>1$ it *may* **explode**.
# For any cell the Jacobian can be measured by nudging each number of the state. We check it against the formula and
# against TensorFlow.
#
# Now a hundred steps. Each step is one of four symbols, one-hot, as in the task further down. $U$ is an orthogonal
# matrix (it turns vectors and keeps their length; this is how Keras starts it) times a **gain** of 0.8, 1 or 1.5. So
# $\lVert U\rVert$ is the gain.


# %%
def jacobian(step, weights, x, state):  # x (features,), state (1, units)
    nudges = 1e-5 * np.eye(state.size)
    rows = np.repeat(x[np.newaxis], state.size, axis=0)  # (units, features): all nudges in one call
    up, down = (step(rows, state + move, *weights) for move in (nudges, -nudges))
    return (up - down).T / 2e-5  # (new, old)


def chain(step, weights, x, units):  # the products J_T, J_T J_(T-1), …
    state, product, jacobians, products = np.zeros((1, units)), np.eye(units), [], []
    for row in x:
        jacobians.append(jacobian(step, weights, row, state))
        state = step(row[np.newaxis], state, *weights)
    for one in reversed(jacobians):
        product = product @ one
        products.append(product)
    return products


# %%
import tensorflow as tf

random = np.random.default_rng(0)
x = random.normal(size=(12, 8))  # 12 steps of 8 features
layer, h = keras.layers.SimpleRNN(16), tf.Variable(tf.zeros((1, 16)))
layer.build((1, 12, 8))
w, u, b = layer.get_weights()
with tf.GradientTape() as tape:
    last = layer(x[np.newaxis].astype("float32"), initial_state=h)
theirs = tape.jacobian(last, h).numpy()[0, :, 0]  # (16, 16), over all 12 steps
measured = chain(scratch.simple_rnn_step, (w, u, b), x, 16)
states = simple_rnn(x[np.newaxis], w, u, b)[0]
formula = np.linalg.multi_dot([np.diag(1 - h**2) @ u.T for h in states[::-1]])
expect("∂h₁₂/∂h₀ by the formula", formula, equals=measured[-1], tolerance=1e-6)
expect("∂h₁₂/∂h₀ by tf.GradientTape", theirs, equals=measured[-1], tolerance=1e-5)
symbols = np.eye(8)[random.integers(4, 8, size=100)]  # (100, 8), for what follows

# %%
turn, enter = np.linalg.qr(random.normal(size=(16, 16)))[0], random.uniform(-0.5, 0.5, size=(8, 16))
distance, sizes = np.arange(1, 101), {}
figure, axes = plot.subplots(figsize=(6.8, 3.4))
for gain, color in zip((0.8, 1.0, 1.5), plot.COLORS):
    products = chain(scratch.simple_rnn_step, (enter, gain * turn), symbols, 16)
    sizes[gain] = np.array([np.linalg.norm(product, 2) for product in products])
    axes.semilogy(distance, sizes[gain], color=color, ls="-", label=f"gain {gain}")
    axes.semilogy(distance, gain**distance, color=color, ls=":", lw=1.2)
    over = sizes[gain] / gain**distance
    expect(f"gain {gain}: largest size as a share of its bound", over.max(), at_most=1.0001)
axes.set(xlabel="distance (steps)", ylabel="size of the slope", ylim=(1e-16, 1e8))
axes.legend(loc="lower left")
plot.show(figure)
expect("gain 0.8: size at distance 100", sizes[0.8][99], at_most=1e-10)
expect("gain 1.5: size at distance 100 as a share of its bound", over[99], at_most=1e-6)

# %% [markdown]
# *Figure. Measured slopes of a SimpleRNN (solid) and their bounds (dotted). Gain 0.8 vanishes. Gain 1
# vanishes too, because tanh takes a little at each step. Gain 1.5 stays far below its exploding bound.*
# <details><summary>In words</summary>Size of the slope on a logarithmic axis against a distance from 1 to 100 steps.
# The curve for gain 0.8 falls below 1e-12; gain 1 falls from 1 to about 1e-6; gain 1.5 stays level near 10. Three
# thin dotted lines are the powers of the gain: one falls, one is level, one rises out of the picture.</details><br>
#
# A bound from above says "at most". Below 1 it *proves* that the slope vanishes. Above 1 it proves nothing: strongly
# driven tanh units are flat and eat up what the large matrix adds. What is left is neither small nor large but erratic,
# and that does not train well either. So there is no gain that is just right for all distances.
#
# ## A memory with gates
#
# The trouble is that *everything* in the state is mixed and squashed anew at each step. In 1997 Hochreiter and
# Schmidhuber gave the network a second line, the **memory** $c$, that is only multiplied and added to, and let learned
# **gates** decide: numbers between 0 (shut) and 1 (open).
#
# ### The formula: long short-term memory
#
# $$[z_i, z_f, z_g, z_o] = x_t W + h_{t-1} U + b$$
#
# $$c_t = \sigma(z_f)\odot c_{t-1} + \sigma(z_i)\odot\tanh(z_g), \qquad h_t = \sigma(z_o)\odot\tanh(c_t)$$
#
# * $z_i, z_f, z_g, z_o$ are four blocks of (units) numbers side by side, so $W$ is (features × 4 units) and $U$ (units × 4 units),
# * $\sigma$ is the sigmoid, so $f=\sigma(z_f)$ and the others lie between 0 and 1; $\odot$ multiplies place by place,
# * $f$ is called the *forget* gate although it is open when nothing is forgotten.


# %%
def lstm(x, kernel, recurrent_kernel, bias):
    h = c = np.zeros((len(x), len(recurrent_kernel)))
    for t in range(x.shape[1]):
        z = x[:, t] @ kernel + h @ recurrent_kernel + bias  # (n, 4·units)
        z_i, z_f, z_g, z_o = np.split(z, 4, axis=-1)  # each (n, units), in Keras' order
        c = scratch.sigmoid(z_f) * c + scratch.sigmoid(z_i) * np.tanh(z_g)
        h = scratch.sigmoid(z_o) * np.tanh(c)
    return h


sequences, layer = random.normal(size=(3, 9, 8)), keras.layers.LSTM(16)
layer.build(sequences.shape)
ours = lstm(sequences, *layer.get_weights())  # (3, 16)
expect("Keras LSTM, last state", layer(sequences), equals=ours, tolerance=1e-5)
theirs = scratch.recurrent_outputs(scratch.lstm_step, sequences, layer.get_weights())[:, -1]
expect("bmkit.scratch", theirs, equals=ours, tolerance=1e-12)
plot.show(diagrams.lstm_cell())

# %% [markdown]
# *Figure. One step of an LSTM. Along the top runs the memory: it is multiplied by the forget gate and added to, nothing
# else. The gates (grey) are computed from the word and the old state.*
# <details><summary>In words</summary>Top row from left to right: memory before, a product, a sum, new memory. Below,
# four boxes fed by the word and the old state: the forget gate leads to the product; the write gate and the candidate
# lead to the sum; the read gate leads to a box tanh(c)·o, which takes the new memory and gives the new state
# h.</details><br>
#
# ### Exercise 2 · Predict, then run
#
# That LSTM has 8 features and 16 units. **How many numbers does it learn?** *Two minutes; expected: an integer.*

# %%
lstm_parameters = ...
ch13.lstm_parameters.check(lstm_parameters)

# %% [markdown]
# How long does a memory last? Along the top line one step multiplies by $f$, so after $k$ steps $f^k$ is left (if the
# gates hold still). A tenth forgotten at each step is soon everything; a hundredth lasts. As a rule, about a third is
# left after $1/(1-f)$ steps.
#
# ### Exercise 3 · Predict, then run
#
# The forget gate stands at 0.9 and nothing new is written. **After how many steps is less than half of the memory left
# for the first time?** *One minute; expected: an integer.*
#
# Then move the sliders: *forget* is the gate $f$, and *write* lets later symbols in, here random ±1, which is noise to
# this memory.

# %%
half_life = ...
ch13.half_life.check(half_life)

# %%
noise = np.random.default_rng(3).choice([-1.0, 1.0], size=60)


def draw(forget, write):
    memory = [1.0]
    for step in range(60):
        memory.append(forget * memory[-1] + write * noise[step])
    figure, axes = plot.subplots(figsize=(6.8, 2.9))
    axes.plot(memory, label="memory c")
    axes.plot(forget ** np.arange(61.0), label="what is left of the first 1")
    axes.axvline(1 / (1 - forget), color="black", ls=":", lw=1)
    axes.set(xlabel="steps since a 1 was written", ylabel="memory", ylim=(-1.5, 2), xlim=(0, 60))
    axes.legend(loc="upper right")
    return figure


forgets, writes = [0.5, 0.73, 0.9, 0.97, 0.99], [0.0, 0.02, 0.1, 0.5]
expect("left after 1/(1 − f) steps, f = 0.97", 0.97 ** (1 / (1 - 0.97)), at_least=0.33, at_most=0.37)
plot.explore(draw, start={"forget": 0.9, "write": 0.02}, forget=forgets, write=writes)

# %% [markdown]
# *Figure. With the forget gate at 0.9 the first 1 is mostly gone after ten steps (dotted line). Which two gates
# together keep it for sixty?*
# <details><summary>In words</summary>Memory over sixty steps. A smooth dashed curve falls from 1 towards 0, at a third
# by ten steps, marked by a dotted upright line. The solid curve follows it with small jitter.</details><br>
#
# ### The GRU: the same idea with less
#
# The **gated recurrent unit** (2014) has no second line. One gate $z$ shares out between the old state and the
# candidate, so that writing and forgetting are one decision; a second gate $r$ decides how much of the old state the
# candidate looks at:
#
# $$h_t = z\odot h_{t-1} + (1-z)\odot\tanh\!\big(x_t W_g + b_g + r\odot(h_{t-1}U_g + b'_g)\big)$$
#
# with $z=\sigma(x_tW_z + b_z + h_{t-1}U_z + b'_z)$ and $r=\sigma(x_tW_r + b_r + h_{t-1}U_r + b'_r)$. Keras keeps two
# biases, $b$ for the input and $b'$ for the state. Papers differ in whether $z$ keeps or replaces; here it keeps.


# %%
def gru(x, kernel, recurrent_kernel, bias):
    h = np.zeros((len(x), len(recurrent_kernel)))
    for t in range(x.shape[1]):
        x_z, x_r, x_g = np.split(x[:, t] @ kernel + bias[0], 3, axis=-1)  # each (n, units)
        h_z, h_r, h_g = np.split(h @ recurrent_kernel + bias[1], 3, axis=-1)
        z, r = scratch.sigmoid(x_z + h_z), scratch.sigmoid(x_r + h_r)
        h = z * h + (1 - z) * np.tanh(x_g + r * h_g)
    return h


layer = keras.layers.GRU(16, bias_initializer="glorot_uniform")
layer.build(sequences.shape)
ours = gru(sequences, *layer.get_weights())  # (3, 16)
expect("Keras GRU, last state", layer(sequences), equals=ours, tolerance=1e-5)
theirs = scratch.recurrent_outputs(scratch.gru_step, sequences, layer.get_weights())[:, -1]
expect("bmkit.scratch", theirs, equals=ours, tolerance=1e-12)

# %% [markdown]
# Now measure the slope of all three over a hundred steps, at the start of training. The state of an LSTM is $h$ and $c$
# together. What matters is where the gate *stands* before anything is learned, and that is its bias: $\sigma(0)=0.5$,
# $\sigma(1)=0.73$ (Keras' choice for the forget gate), and for a memory of $T$ steps Tallec and Ollivier (2018) propose
# $b_f=\log(T-1)$, hence $f=1-\tfrac1T$, with $b_i=-b_f$, so that little is written. For $T=100$ that is 4.6.

# %%
def start(cell, keep, units=16):  # a fresh layer with its keeping gate set
    layer = {"LSTM": keras.layers.LSTM, "GRU": keras.layers.GRU}[cell](units)
    layer.build((None, None, 8))
    kernel, recurrent_kernel, bias = layer.get_weights()
    if cell == "LSTM":
        bias[:units] = -keep if keep > 1 else 0  # write
        bias[units : 2 * units] = keep  # forget
    else:
        bias[0, :units] = keep
    layer.set_weights([kernel, recurrent_kernel, bias])
    return layer


def lstm_flat(x, state, *weights):  # h and c side by side in one array
    return np.concatenate(scratch.lstm_step(x, np.split(state, 2, axis=-1), *weights), axis=-1)


keep = np.log(100 - 1)  # for a memory of 100 steps


# %%
faded, gates = {"SimpleRNN, gain 1": sizes[1]}, np.array([0.5, 0.73, 0.99])
expect("gates at 0, 1, log(T − 1)", scratch.sigmoid([0, 1, keep]), equals=gates, tolerance=2e-3)
for cell, bias in (("LSTM", 0), ("LSTM", 1), ("LSTM", keep), ("GRU", 0), ("GRU", keep)):
    step, units = {"LSTM": (lstm_flat, 32), "GRU": (scratch.gru_step, 16)}[cell]
    products = chain(step, start(cell, bias).get_weights(), symbols, units)
    faded[f"{cell}, bias {bias:.2g}"] = np.array([np.linalg.norm(one, 2) for one in products])
figure, axes = plot.subplots(figsize=(7.8, 3.4))
for (name, size), marker in zip(faded.items(), plot.MARKERS):
    axes.semilogy(distance, size, marker=marker, markevery=9, ms=5, label=name)
    least, most = (0.3, 1.3) if "4.6" in name else (0, 1e-14 if "bias 0" in name else 1e-4)
    expect(f"{name}: size at distance 100", size[99], at_least=least, at_most=most)
axes.set(xlabel="distance (steps)", ylabel="size of the slope", ylim=(1e-16, 10))
axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize=9)
plot.show(figure)

# %% [markdown]
# *Figure. A gate helps only when it stands open. With bias 0 an LSTM and a GRU forget faster than a SimpleRNN; with 4.6
# both carry the slope over a hundred steps.*
# <details><summary>In words</summary>Six curves on a logarithmic axis over distances of 1 to 100 steps. LSTM and GRU
# with bias 0 fall fastest, below 1e-14. SimpleRNN and LSTM with bias 1 end below 1e-4. LSTM and GRU with bias 4.6 end
# near one half.</details><br>
#
# This is worth a pause, for one often reads that an LSTM "has no vanishing gradient". It has a *place* where the slope
# need not vanish. Whether it does is a matter of the gate. So to the trial that counts: learning.
#
# ### The trial: remember the first symbol
#
# A sequence of $T$ symbols; the first is one of four, all others are noise. At the end: which was first? Knowing
# nothing gets a quarter right. There are a thousand sequences to learn from, 16 units each, the same optimizer, 6
# epochs. Predict for each of the five below: does it learn?

# %%
def recall(n, length, random):  # the answer is the first symbol, 0 to 3; the others, 4 to 7, are noise
    x = random.integers(4, 8, size=(n, length))
    x[:, 0] = answers = random.integers(0, 4, size=n)
    return np.eye(8, dtype="float32")[x], answers


trials = {("SimpleRNN", 10): None, ("SimpleRNN", 100): None, ("LSTM, bias 1", 100): 1}
trials |= {("LSTM, bias 4.6", 100): keep, ("GRU, bias 4.6", 100): keep}
learned, loss = {}, keras.losses.SparseCategoricalCrossentropy(from_logits=True)
for (name, length), bias in trials.items():
    seen, new = (recall(n, length, np.random.default_rng(n)) for n in (1000, 300))
    layer = start(name.split(",")[0], bias) if bias else keras.layers.SimpleRNN(16)
    model = keras.Sequential([keras.Input((length, 8)), layer, keras.layers.Dense(4)])
    model.compile(keras.optimizers.Adam(0.01, clipnorm=1.0), loss, metrics=["accuracy"])
    learned[f"{name}, {length} steps"] = train.fit(model, seen, new, epochs=6)["val_accuracy"]

# %%
figure, axes = plot.subplots(figsize=(7.8, 3.0))
for (name, shares), marker in zip(learned.items(), plot.MARKERS):
    axes.plot(range(1, len(shares) + 1), shares, marker=marker, label=name)
axes.axhline(0.25, color="black", lw=0.8, ls="-")
axes.set(xlabel="epoch", ylabel="new sequences right (share)", ylim=(0, 1.05), xticks=range(1, 7))
axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize=9)
plot.show(figure)
for name, shares in learned.items():
    if name in ("SimpleRNN, 100 steps", "LSTM, bias 1, 100 steps"):
        expect(f"{name}: best share", max(shares), at_most=0.6)
    else:
        expect(f"{name}: best share", max(shares), at_least=0.95)

# %% [markdown]
# *Figure. Ten steps are easy for a SimpleRNN. At a hundred it guesses, and so does an LSTM whose gate stands at 0.73;
# with the gate opened to 0.99, LSTM and GRU learn the task.*
# <details><summary>In words</summary>Share of right answers over six epochs, with a thin line at 0.25 for guessing.
# SimpleRNN at 10 steps is near 1 at once. SimpleRNN and LSTM with bias 1 at 100 steps stay on the thin line. LSTM and
# GRU with bias 4.6 climb to 1 within a few epochs.</details><br>
#
# The slopes foretold it. Note what this does *not* say: that a SimpleRNN cannot remember a hundred steps. Double the
# learning rate and the number of sequences, and with some seeds it gets half of them; at 50 steps it now and then
# learns the task. Other starts, such as the identity matrix with ReLU (Le and others, 2015), carry it further. What
# fails is *finding* the weights by a slope too small to feel.
#
# ## Real reviews
#
# Now the real thing: food reviews, five stars or fewer. The entrance is that of [chapter
# 08](08_data_preprocessing.ipynb): a `TextVectorization` layer with a vocabulary of 2,000 from the training reviews. A
# recurrent network works step by step, so its time grows with the length. We cut after 80 words: that touches three
# reviews in ten and loses three words in ten.
#
# ### What a number must be compared with
#
# Two rivals that know **no word at all**: the most frequent answer, and a logistic regression on the *look* of a review
# (its length, its exclamation and question marks, its capitals). And one that knows words but **no order**: TF-IDF with
# logistic regression, from [chapter 03](03_language_vision_speech.ipynb). The first two we should beat. Whether we beat
# the third is an honest question.

# %%
import re

reviews = data.load("small_fine_foods")
parts = {part: reviews.arrays(part) for part in ("train", "validation")}
texts = {part: [re.sub("<[^>]*>", " ", text) for text in x] for part, (x, _) in parts.items()}
vectorize = keras.layers.TextVectorization(max_tokens=2000, output_sequence_length=80)
vectorize.adapt(texts["train"])
numbers = {part: np.array(vectorize(texts[part])) for part in parts}  # (n, 80), 0 is filling
lengths = np.array([len(text.split()) for text in texts["train"]])
kept = np.minimum(lengths, 80).sum() / lengths.sum()
expect("reviews that fit into 80 words (share)", np.mean(lengths <= 80), at_least=0.68, at_most=0.74)
expect("words kept (share)", kept, at_least=0.7, at_most=0.85)

# %%
from sklearn import clone, feature_extraction, pipeline, preprocessing


def look(texts):
    rows = [(len(t.split()), t.count("!"), t.count("?"), sum(map(str.isupper, t))) for t in texts]
    size = np.array([1 + len(text) for text in texts])
    return np.column_stack([np.log1p(rows), size, np.array(rows)[:, 3] / size])  # (n, 6)


pipe, linear = pipeline.make_pipeline, linear_model.LogisticRegression(max_iter=1000)
seen = pipe(preprocessing.FunctionTransformer(look), preprocessing.StandardScaler(), linear)
counted = pipe(feature_extraction.text.TfidfVectorizer(min_df=3), linear)
rivals = {"look of the text": seen, "TF-IDF, no order": counted}
stars = {part: y for part, (_, y) in parts.items()}
share = {"most frequent answer": np.mean(stars["validation"] == 1)}
for name, rival in rivals.items():
    rival = clone(rival).fit(texts["train"], stars["train"])
    share[name], rivals[name] = rival.score(texts["validation"], stars["validation"]), rival
expect("most frequent answer", share["most frequent answer"], equals=0.65, tolerance=1e-9)

# %% [markdown]
# Our readers have an embedding of 32 numbers a word, a recurrent layer of 32 units and one logit. Two of them answer
# from the **last** state. The third takes the **largest** value that each unit had at any word. A unit can then raise
# its hand anywhere in the text and need not hold it up to the end. (Filling repeats the last state, so it changes no
# maximum.) Dropout, because 3,569 reviews are few ([chapter 06](06_regularization.ipynb)).


# %%
def reader(cell, answer_from):
    tokens = keras.Input((None,), dtype="int32")
    vectors = keras.layers.Dropout(0.3)(keras.layers.Embedding(2000, 32)(tokens))  # (batch, time, 32)
    states = cell(32, return_sequences=True)(vectors, mask=tokens != 0)  # (batch, time, 32)
    state = states[:, -1] if answer_from == "last" else keras.ops.max(states, axis=1)  # (batch, 32)
    return keras.Model(tokens, keras.layers.Dense(1)(keras.layers.Dropout(0.3)(state)))


cells = {"SimpleRNN, last state": keras.layers.SimpleRNN, "GRU, last state": keras.layers.GRU}
readers = {name: reader(cell, "last") for name, cell in cells.items()}
readers["GRU, largest values"] = reader(keras.layers.GRU, "largest")
like = models.rnn((None,), 1, cell="gru", units=(32,), embedding=(2000, 32))
like.set_weights(readers["GRU, last state"].get_weights())
ours, theirs = (model(numbers["train"][:20]) for model in (readers["GRU, last state"], like))
expect("bmkit.models.rnn", theirs, equals=np.array(ours), tolerance=1e-5)

# %%
fed = tf.data.Dataset.from_tensor_slices((numbers["train"], stars["train"][:, np.newaxis]))
fed = fed.shuffle(len(numbers["train"]), seed=0).batch(64)
held = numbers["validation"], stars["validation"][:, np.newaxis]
lowest, loss = {}, keras.losses.BinaryCrossentropy(from_logits=True)
for name, model in readers.items():
    shrinking = keras.optimizers.schedules.CosineDecay(0.006, 3 * len(fed))
    right = keras.metrics.BinaryAccuracy(threshold=0, name="accuracy")
    model.compile(keras.optimizers.Adam(shrinking), loss, metrics=[right])
    lowest[name] = min(train.fit(model, fed, held, epochs=3)["val_loss"])
    share[name] = train.evaluate(model, held)["accuracy"]
best = min(lowest, key=lowest.get)
print("chosen by validation loss:", best)

# %%
figure, axes = plot.subplots(figsize=(7.2, 2.8))
kinds = {"color": ["white", "white", *["0.8"] * 4], "hatch": [""] * 3 + ["//"] * 3}
axes.barh(list(share), list(share.values()), edgecolor="black", **kinds)
axes.axvline(share["most frequent answer"], color="black", lw=0.8, ls="--")
axes.invert_yaxis()
axes.set(xlabel="share of validation reviews right", ylabel=" ", xlim=(0.5, 0.9))
plot.show(figure)
blind = max(share["most frequent answer"], share["look of the text"])
expect("chosen reader, lead over the best that knows no word", share[best] - blind, at_least=0.06)
gain = lowest["SimpleRNN, last state"] - lowest["GRU, last state"]
expect("both last state: GRU's validation loss lower by (nats)", gain, at_least=0.005)
ahead = share["TF-IDF, no order"] - share[best]
expect("TF-IDF ahead of the chosen reader by", ahead, at_least=-0.04, at_most=0.06)
expect("blur of a share, 2 standard errors", 2 * np.sqrt(0.8 * 0.2 / 400), equals=0.04, tolerance=1e-9)

# %% [markdown]
# *Figure. White: rivals that know no word. Grey: TF-IDF, which knows words but no order. Hatched: networks that read in
# order. The best of them is about level with TF-IDF, not above it.*
# <details><summary>In words</summary>Six horizontal bars. Most frequent answer 0.65, the look of the text about the
# same, TF-IDF about 0.8, SimpleRNN about 0.7, GRU with last state about 0.75, GRU with largest values nearly
# 0.8.</details><br>
#
# Say it plainly. A recurrent network clearly beats what knows no word, and with 3,569 reviews to learn from it does
# *not* clearly beat a method that counts words and fits in a second. 400 validation reviews blur a share by about
# ±0.04, so "level" is all we may say. Wrap the GRU in `keras.layers.Bidirectional`, which reads from both ends, and see
# whether it helps.
#
# ## Does it use the order at all?
#
# Shuffle the words of each review and ask the trained reader again. If it were reading, it should suffer. Then the test
# set, once: chosen reader, rivals, and the shuffled test.

# %%
x_test, y_test = reviews.arrays("test")
texts["test"] = [re.sub("<[^>]*>", " ", text) for text in x_test]
numbers["test"] = np.array(vectorize(texts["test"]))  # (1000, words)
shuffled, random = numbers["test"].copy(), np.random.default_rng(0)
for row in shuffled:
    row[row != 0] = random.permutation(row[row != 0])
logits, mixed = (readers[best].predict(rows, verbose=0)[:, 0] for rows in (numbers["test"], shuffled))
right, rival = (logits > 0) == y_test, rivals["TF-IDF, no order"].predict(texts["test"]) == y_test
blind = max(np.mean(y_test == 1), rivals["look of the text"].score(texts["test"], y_test))
expect("test: chosen reader", right.mean(), at_least=0.74)
expect("test: its lead over the best that knows no word", right.mean() - blind, at_least=0.05)
expect("test: TF-IDF ahead of it by", rival.mean() - right.mean(), at_least=-0.03, at_most=0.06)
drop, changed = right.mean() - np.mean((mixed > 0) == y_test), np.mean((mixed > 0) != (logits > 0))
expect("words shuffled: accuracy lost", drop, at_least=-0.02, at_most=0.04)
expect("words shuffled: answers that change (share)", changed, at_least=0.02, at_most=0.2)

# %% [markdown]
# The shuffled reviews are unreadable to you, and the reader loses little. It *can* use order, as the first task proved;
# here it hardly does, for words alone say nearly all that so few examples can teach. That is why it is level with
# TF-IDF and no better, and it is the most useful line of this chapter: **a model that can see order is not thereby a
# model that uses it.** Measure it.
#
# ## Look at the errors
#
# Two test reviews that the reader got wrong although it was sure, one of each kind, short enough to print. The curve is
# its verdict after every word. They are taken from the data as the notebook runs, so with other weights you may see
# others.

# %%
counts, names = (numbers["test"] != 0).sum(axis=1), vectorize.get_vocabulary()
figure, column = plot.subplots(2, 1, figsize=(8.2, 5.8))
for axes, truth in zip(column, (0, 1)):
    short = np.flatnonzero(~right & (y_test == truth) & (counts >= 8) & (counts <= 32))
    one = short[np.abs(logits[short]).argmax()]  # the surest
    read = numbers["test"][one, : counts[one]]
    upto = np.tril(np.ones((len(read), len(read)), dtype=int)) * read  # row k: the first k + 1 words
    axes.plot(scratch.sigmoid(readers[best].predict(upto, verbose=0)[:, 0]), marker="o", ms=4)
    axes.axhline(0.5, color="black", lw=0.8, ls="-")
    shown = [names[k].replace("[UNK]", "?") for k in read]
    axes.set_xticks(range(len(read)), shown, rotation=60, ha="right")
    axes.set(title=f"in truth {('fewer than ', '')[truth]}five stars", ylabel="probability of 5 stars")
    axes.set(xlabel="words as the reader sees them", ylim=(-0.03, 1.03))
plot.show(figure)
expect("errors of the reader that TF-IDF makes too (share)", np.mean(~rival[~right]), at_least=0.4)

# %% [markdown]
# *Figure. The verdict after every word of two misread test reviews; a question mark stands for a word outside the
# vocabulary.*
# <details><summary>In words</summary>Two curves of the probability of five stars over the words of a review, which are
# written along the axis. In the upper one, in truth fewer than five stars, it ends high; in the lower one, in truth
# five stars, it ends low. Single words make it jump.</details><br>
#
# Read the words where the curve jumps. Typical causes are praise with four stars (the label is "fewer"), a complaint
# about *another* product in a review full of love, a word outside the vocabulary that carries the point. Two in five of
# these errors or more TF-IDF makes too: much of what is wrong lies in the question, not in the model. More data and
# pretrained weights help with the rest (chapter 18, planned).
#
# ## Summary
#
# * A recurrent network makes a new state of the old one and the next word, with the same weights at every step. **Order** counts.
# * Filling must leave the state as it was; a mask sees to that.
# * The slope through $k$ steps is a product of $k$ Jacobians: at most $\lVert U\rVert^k$ for a SimpleRNN. Measured, it vanished.
# * LSTM and GRU carry a memory that is multiplied by a **gate**. An open gate keeps the slope alive; a half-open one does not.
#   Set its bias for the length you need.
# * On 3,569 reviews the reader beats what knows no word, is about level with TF-IDF, and hardly uses the order. Shuffle to find out.
#
# **Ask yourself**
#
# <details><summary>Would counting pairs of neighbouring words have solved our sentences about taste?</summary>Yes. We
# put "so" and "really" behind "not" only, so "so good" tells as much as "not good". In real sentences "so good" also
# stands alone, and one would need longer and longer windows. The recurrent network has no window to choose.</details>
# <details><summary>Why not open every gate to 0.999 from the start?</summary>Then nothing is forgotten, and with the
# write gate open everything is added up: noise fills the memory. A task with short memory has to learn to close the
# gate first.</details>
# <details><summary>Your LSTM is 5 points better than a SimpleRNN. Does it use long memory?</summary>Perhaps not. Cut or
# shuffle the early part of the input and measure; a better score alone does not say why.</details><br>
#
# **Next** [14 · Recurrent networks for speech and series](14_rnn_speech_and_series.ipynb) reads frames of sound and forecasts.
#
# **References**
#
# * J. L. Elman (1990), Finding structure in time. [doi](https://doi.org/10.1207/s15516709cog1402_1)
# * S. Hochreiter, J. Schmidhuber (1997), Long short-term memory. [doi](https://doi.org/10.1162/neco.1997.9.8.1735)
# * R. Pascanu, T. Mikolov, Y. Bengio (2013), On the difficulty of training recurrent neural networks.
#   [arXiv](https://arxiv.org/abs/1211.5063)
# * K. Cho et al. (2014), Learning phrase representations using RNN encoder–decoder. [arXiv](https://arxiv.org/abs/1406.1078)
# * Q. V. Le, N. Jaitly, G. E. Hinton (2015), A simple way to initialize recurrent networks of rectified linear units.
#   [arXiv](https://arxiv.org/abs/1504.00941)
# * C. Tallec, Y. Ollivier (2018), Can recurrent neural networks warp time? [arXiv](https://arxiv.org/abs/1804.11188)
