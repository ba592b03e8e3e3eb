# %% [markdown]
# # 15 · Attention
#
# **After this you can** calculate attention by hand for one query and in NumPy for many, write it as a Keras layer, mask padding and the future and test for leaks, tell a network about order, say when looking up beats remembering, test what an attention map claims, and count what attention costs
#
# **Time** 60 min to read, 100 min to teach, 40 s to run
#
# **Before** [04 · Loss functions](04_loss_functions.ipynb), [13 · Recurrent networks for text](13_rnn_text.ipynb)
#
# **Data** mnist_5k (5,000 handwritten digits of 28×28 pixels, CC BY-SA 3.0), small_fine_foods (4,969 food reviews, MIT)

# %%
from bmkit import data, diagrams, plot, scratch, train
from bmkit.check import expect
from bmkit.exercises import ch15
import keras
import numpy as np
random = train.seed(0)

# %% [markdown]
# ## Remember everything, or look it up?
#
# A recurrent network ([chapter 13](13_rnn_text.ipynb)) reads a text word by word and keeps one vector, its state. With 64 units it
# holds 64 numbers after the third word, and 64 numbers after the thousandth. Whatever a later step may need must have been squeezed
# into that one vector, before anyone knew what would be asked.
#
# You would not work like that. Asked about page 3, you turn to page 3. **Attention** does the same: it keeps the vectors of *all*
# steps and looks up what is needed when it is needed.
#
# ### One query, four keys
#
# Looking up is what a dictionary does. Ours says how warm it gets with wind from each direction (the numbers are made up): north
# 4 °C, east 12 °C, south 24 °C, west 16 °C. Ask an ordinary dictionary for a wind from the north-east, and it knows
# nothing. A person would answer: between north and east, so about 8 °C. To do that, the keys must be things that can be
# more or less alike.
#
# So let every **key** be an arrow, and let the **query** be an arrow too. Their **dot product** says how well they agree: large if
# they point the same way, zero at a right angle, negative if they are opposed. Softmax ([chapter 04](04_loss_functions.ipynb))
# turns the four dot products into four weights that sum to 1. The answer is the weighted mean of the four **values**.

# %%
places = {
    "query": (0, 1),
    "keys": (1.4, 0),
    "dot products": (1.4, 1),
    "softmax": (2.8, 1),
    "weighted mean": (4.3, 1),
    "values": (4.3, 0),
    "answer": (6.4, 1),
}
arrows = [
    ("query", "dot products", "(2,)"),
    ("keys", "dot products", "(4, 2)"),
    ("dot products", "softmax", "(4,)"),
    ("softmax", "weighted mean", "(4,)"),
    ("values", "weighted mean", "(4,)"),
    ("weighted mean", "answer", "one number"),
]
given = ["query", "keys", "values"]
figure = diagrams.boxes(places, arrows, shaded=given, figsize=(8.0, 2.2))
plot.show(figure)

# %% [markdown]
# *Figure. One query looks up among four keys. The shapes are written on the arrows; the answer is a single number.*
# <details><summary>In words</summary>A chain of boxes. The query, shape (2,), and the keys, shape (4, 2), enter the dot products. These
# give four scores to softmax, which gives four weights to the weighted mean. There the four values come in, and one number, the
# answer, goes out. Query, keys and values are grey.</details><br>
#
# In a formula, with $q$ the query, $k_j$ the key and $v_j$ the value of entry $j$:
#
# $$s_j = q\cdot k_j, \qquad a_j = \frac{e^{s_j}}{\sum_{l} e^{s_l}}, \qquad \mathrm{answer} = \sum_j a_j\, v_j$$
#
# The dot products $s_j$ are called **scores** and the $a_j$ **attention weights**. Here is a query from north-east, three units long, one
# number after the other. Below it a picture to play with: turn the query and lengthen it. A longer query moves the scores further apart, so the
# choice becomes sharper. What does a query of length 0 answer, and why?

# %%
compass = np.array([[0, 1], [1, 0], [0, -1], [-1, 0]])  # keys: north, east, south, west
celsius = np.array([4.0, 12.0, 24.0, 16.0])  # values
query = 3 * np.array([1, 1]) / np.sqrt(2)

scores = compass @ query  # (4,)
powers = np.exp(scores)
weights = powers / powers.sum()  # (4,)
answer = weights @ celsius
print("scores        ", scores.round(2))
print("weights       ", weights.round(3))
print("weight · value", (weights * celsius).round(2))
print("answer        ", answer.round(2), "°C")


# %%
def draw(wind_from, length):
    angle = np.radians(wind_from)
    arrow = length * np.array([np.sin(angle), np.cos(angle)])
    shares = scratch.softmax(compass @ arrow)  # (4,)
    warmth = dict(zip(("north", "east", "south", "west"), celsius))
    return diagrams.soft_lookup(arrow, compass, shares, values=warmth, unit="°C")


bearings = range(0, 360, 15)
start = {"wind_from": 45, "length": 3}
plot.explore(draw, start=start, wind_from=bearings, length=range(7))

# %% [markdown]
# *Figure. A soft look-up. North and east share nearly all the weight, so the answer lies between their values.*
# <details><summary>In words</summary>Left, four thin black arrows to north, east, south and west and a thick orange query arrow to
# north-east. Right, four bars of weight: north and east are equally high, south and west nearly nothing; above
# them the answer, 8.2 °C.</details><br>
#
# This is called a **soft look-up**: it always has an answer, and a derivative everywhere, so gradient descent can learn all its parts.
#
# (If the two arrows have length 1, their dot product is the cosine of the angle between them, the **cosine similarity**. Attention does not normalize: the
# lengths are one more thing that a network can use.)
#
# ## Many queries at once
#
# A text has many steps, and each may ask. Write $n$ queries as the rows of one matrix $Q$ and $m$ keys as the rows of $K$:
#
# $$A = \mathrm{softmax}\!\left(\frac{Q K^{\top}}{\sqrt{d}}\right), \qquad \mathrm{out} = A\,V$$
#
# * $Q$ has shape $(n, d)$: row $i$ is the query of step $i$, $d$ numbers long,
# * $K$ has shape $(m, d)$: row $j$ is the key of step $j$; $QK^{\top}$ holds all $n \times m$ scores,
# * softmax runs along each row, so row $i$ of $A$ holds the weights of query $i$ and sums to 1,
# * $V$ has shape $(m, d_v)$: row $j$ is the value of step $j$; row $i$ of *out* is a mean of these rows,
# * dividing by $\sqrt d$ makes it **scaled dot-product attention**; we shall measure what that is good for.
#
# First one query, then all at once. The argument `allowed` will serve for masks.


# %%
def look_up(query, keys, values):
    scores = keys @ query / np.sqrt(len(query))  # (m,)
    return scratch.softmax(scores) @ values  # (d_v,)


def attention(queries, keys, values, allowed=True):
    d = queries.shape[-1]
    scores = queries @ keys.T / np.sqrt(d)  # (n, m)
    scores = np.where(allowed, scores, -1e30)
    weights = scratch.softmax(scores)  # (n, m), each row sums to 1
    return weights @ values, weights  # (n, d_v)


q = random.normal(size=(3, 4))
k = random.normal(size=(5, 4))
v = random.normal(size=(5, 2))
out, weights = attention(q, k, v)
one_by_one = np.array([look_up(query, k, v) for query in q])
print("weights", weights.shape, "· values", v.shape, "→ out", out.shape)
expect("one query at a time", one_by_one, equals=out, tolerance=1e-12)

# %%
reference = scratch.dot_product_attention(q, k, v)[0]
expect("bmkit.scratch", reference, equals=out, tolerance=1e-12)

batch_q = q[np.newaxis].astype("float32")  # (1, 3, 4): Keras wants a batch axis
batch_k = k[np.newaxis].astype("float32")
batch_v = v[np.newaxis].astype("float32")
keras_attention = keras.layers.Attention()
theirs = keras_attention([batch_q / np.sqrt(4), batch_v, batch_k])
expect("keras.layers.Attention", theirs[0], equals=out, tolerance=1e-5)

# %% [markdown]
# Beware: `keras.layers.Attention` takes a list in the order query, value, key, and does *not* divide by $\sqrt d$; so we divided the
# queries ourselves.
#
# ### Self-attention: where queries, keys and values come from
#
# From the steps themselves, by three learned matrices: $Q = XW_Q$, $K = XW_K$, $V = XW_V$. So a network learns what each step
# asks for, by what it can be found, and what it then says. If all three are made of the same sequence $X$, its steps look at one another: **self-attention**. If the
# queries come from another sequence, as in translation, it is **cross-attention**.

# %%
places = {
    "steps X": (0, 1),
    "queries X W_Q": (1.7, 2),
    "keys X W_K": (1.7, 1),
    "values X W_V": (1.7, 0),
    "scores": (3.6, 2),
    "weighted means": (3.6, 0),
    "out": (5.2, 0),
}
learned = list(places)[1:4]
arrows = [("steps X", name, "(n, w)") for name in learned]
arrows += [
    ("queries X W_Q", "scores", "(n, d)"),
    ("keys X W_K", "scores", "(n, d)"),
    ("scores", "weighted means", "softmax, (n, n)"),
    ("values X W_V", "weighted means", "(n, d_v)"),
    ("weighted means", "out", "(n, d_v)"),
]
figure = diagrams.boxes(places, arrows, shaded=learned, figsize=(8.0, 3.2))
plot.show(figure)

# %% [markdown]
# *Figure. Self-attention over n steps of w numbers. Only the grey boxes have weights to learn. The n × n field of scores is what grows with the square of n.*
# <details><summary>In words</summary>From the steps X, shape (n, w), three arrows lead to queries, keys and values. Queries and keys, each
# (n, d), enter the scores. Through softmax these, (n, n), become the weights of the weighted means,
# where the values, (n, d_v), come in. Out comes (n, d_v).</details><br>
#
# As a layer of our own it is short. Three `Dense` layers without bias are the three matrices:


# %%
class SelfAttention(keras.layers.Layer):
    def __init__(self, key_dim, value_dim):
        super().__init__()
        self.key_dim = key_dim
        self.query = keras.layers.Dense(key_dim, use_bias=False)
        self.key = keras.layers.Dense(key_dim, use_bias=False)
        self.value = keras.layers.Dense(value_dim, use_bias=False)

    def call(self, x):  # (batch, n, w)
        q = self.query(x)  # (batch, n, d)
        k = self.key(x)  # (batch, n, d)
        v = self.value(x)  # (batch, n, d_v)
        scores = q @ keras.ops.transpose(k, (0, 2, 1))  # (batch, n, n)
        weights = keras.ops.softmax(scores / self.key_dim**0.5)
        return weights @ v  # (batch, n, d_v)


# %%
x = random.normal(size=(2, 7, 6)).astype("float32")  # 2 sequences, 7 steps, 6 numbers
own_layer = SelfAttention(key_dim=4, value_dim=3)
theirs = own_layer(x)
print(x.shape, "→", theirs.shape, "with", own_layer.count_params(), "parameters")
w_query, w_key, w_value = own_layer.get_weights()
for number in range(2):
    steps = x[number]
    by_hand = attention(steps @ w_query, steps @ w_key, steps @ w_value)[0]
    expect(f"sequence {number}", theirs[number], equals=by_hand, tolerance=1e-5)

# %% [markdown]
# ### Exercise 1 · Build cross-attention
#
# Write `cross_attention(key_dim, value_dim)`: it returns a Keras layer that is called with two arguments, `layer(x, context)`. The queries
# come from `x`, shape `(batch, n, w)`, the keys and values from `context`, shape `(batch, m, c)`; the result has shape `(batch, n,
# value_dim)`. Three `Dense` layers without bias, scores divided by $\sqrt d$, as above. *Medium, ten minutes.*


# %%
def cross_attention(key_dim, value_dim):
    ...


ch15.cross_attention.check(cross_attention)

# %% [markdown]
# ## Why divide by √d
#
# A score is a sum of $d$ products. If the numbers in queries and keys are independent with standard deviation 1, the variances add up
# ([chapter 09](09_model_building_and_initialization.ipynb)), and the score has the standard deviation $\sqrt d$. Vectors of
# more numbers spread the scores further apart, and we just saw what that does to a softmax to a softmax. We measure two things for 32 random keys:
#
# * the **effective number of keys**, $e^{H}$ with the entropy $H=-\sum_j a_j \ln a_j$: 32 if all weights are equal, 1 if one key has all,
# * the **gradient** that gets through the softmax. The derivatives are $\partial a_j/\partial s_l = a_j(\delta_{jl} - a_l)$, with
#   $\delta_{jl}=1$ for $j=l$ and 0 otherwise. Their absolute values add up to $2\,(1-\sum_j a_j^2)$; we take half of it,
#   $1-\sum_j a_j^2$.
#
# Where that is zero, no gradient reaches the queries and keys, and they cannot learn.


# %%
def effective_keys(weights):
    logs = np.log(weights + 1e-300)
    return np.exp(-(weights * logs).sum(axis=-1))


def measure(d, divided=True, query_std=1.0):
    queries = random.normal(scale=query_std, size=(500, d))
    keys = random.normal(size=(32, d))
    scores = queries @ keys.T  # (500, 32)
    if divided:
        scores = scores / np.sqrt(d)
    weights = scratch.softmax(scores)
    through = 1 - (weights**2).sum(axis=1)
    return scores.std(), effective_keys(weights).mean(), np.median(through)


sizes = [4, 16, 64, 256, 1024]
scaled = np.array([measure(d) for d in sizes])  # (5, 3)
unscaled = np.array([measure(d, divided=False) for d in sizes])

# %%
growth = unscaled[:, 0] / np.sqrt(sizes)
expect("not divided: least standard deviation over √d", growth.min(), at_least=0.85)
expect("    and greatest", growth.max(), at_most=1.15)
expect("not divided: effective keys at d = 1024", unscaled[-1, 1], at_most=1.3)
expect("not divided: median gradient at d = 1024", unscaled[-1, 2], at_most=0.01)
expect("divided: fewest effective keys", scaled[:, 1].min(), at_least=15)
expect("divided: least median gradient", scaled[:, 2].min(), at_least=0.85)

# %%
titles = ["std of the scores", "effective keys", "gradient through"]
figure, row = plot.subplots(1, 3, figsize=(8.6, 2.8))
for axes, title, solid, dashed in zip(row, titles, scaled.T, unscaled.T):
    axes.semilogx(sizes, solid, marker="o", label="divided by √d", base=2)
    axes.semilogx(sizes, dashed, marker="s", label="not divided", base=2)
    axes.set(xlabel="size of a key (d)", ylabel=title, ylim=(0, None))
    axes.set_xticks(sizes, sizes)
handles, labels = row[0].get_legend_handles_labels()
figure.legend(handles, labels, loc="outside lower center", ncols=2, fontsize=9)
plot.show(figure)

# %% [markdown]
# *Figure. Scores that are not divided grow with the size of the keys, until one key takes nearly all and hardly any gradient gets through. Divided by √d,
# hardly anything depends on the size.*
# <details><summary>In words</summary>Three charts over sizes from 4 to 1024. Dashed, not divided: the standard deviation rises to 32, the
# effective keys fall from about 12 to 1, the gradient falls from about 0.9 to 0. Solid, divided: all three are level, at 1, at about 20
# and above 0.9.</details><br>
#
# ### Exercise 2 · Change the experiment
#
# The division takes out what the *size* of the vectors adds, and only that. A network can still learn large weights $W_Q$ and make its look-up
# as sharp as it likes. Let the queries have the standard deviation 4 instead of 1, at $d=64$ and divided by $\sqrt d$. **How many effective keys
# are left of 32?** Guess first, then let `measure` tell you. *Three minutes; expected: the number that you measured.*

# %%
sharp_keys = ...
ch15.sharp_keys.check(sharp_keys)

# %% [markdown]
# ## Masks: where nobody may look
#
# **Padding.** The sequences of a batch are padded to one length ([chapter 03](03_language_vision_speech.ipynb)). Padding of zeros
# looks harmless here, because its scores are 0. But a score of 0 is not a weight of 0: the score enters the softmax as
# $e^0=1$, which is why the query of
# length 0 gave all four winds the same weight. So a mask acts on the *scores*, before the softmax: forbidden ones become $-10^{30}$,
# and $e^{-10^{30}}$ is 0.
#
# **The future.** A network that learns to predict the next word must not see it. Step $i$ may look at the steps $j \le i$ only: the **causal
# mask**, a triangle.
#
# ### Exercise 3 · No look ahead
#
# Write `causal_weights(scores)`: from scores of shape `(n, n)`, where each row belongs to a query, to weights of the same shape.
# `scratch.softmax` works along the rows. *Medium, eight minutes.*


# %%
def causal_weights(scores):
    ...


ch15.causal_weights.check(causal_weights)

# %% [markdown]
# ### Looking for leaks
#
# A forgotten mask gives no error and no warning. We look for leaks as a customs officer would: change something that must not
# matter, and see whether the answer changes. First padding: four real steps, alone and followed by three steps of padding. Then
# the future: we replace the last of six steps. How many of the five steps *before* it notice? Three candidates: no mask, the causal mask,
# and a half-hearted version that multiplies the *weights* with the mask, after the softmax.

# %%
four = random.normal(size=(4, 8))
padded = np.pad(four, ((0, 3), (0, 0)))  # (7, 8)
real = np.arange(7) < 4  # (7,), the same for each query
alone = attention(four, four, four)[0]
masked = attention(padded, padded, padded, real)[0]
careless = attention(padded, padded, padded)[0]
expect("masked padding: no difference", masked[:4], equals=alone, tolerance=1e-12)

off = np.linalg.norm(careless[:4] - alone) / np.linalg.norm(alone)
expect("mask forgotten: answers are off by the share", off, at_least=0.05)
batch = padded[np.newaxis]
scaled_batch = batch / np.sqrt(8)
theirs = keras_attention([scaled_batch, batch], mask=[None, real[np.newaxis]])[0]
expect("masked in Keras: no difference", theirs[:4], equals=alone, tolerance=1e-5)


# %%
def no_mask(x):
    return attention(x, x, x)


def causal(x):
    return attention(x, x, x, np.tri(len(x), dtype=bool))


def too_late(x):
    weights = attention(x, x, x)[1]
    weights = weights * np.tri(len(x))
    return weights @ x, weights


def steps_that_notice(look):
    difference = np.abs(look(steps)[0] - look(other)[0])  # (6, 8)
    noticed = (difference > 1e-9).any(axis=1)
    return int(noticed[:5].sum())


# %%
steps = random.normal(size=(6, 8))
other = steps.copy()
other[5] = random.normal(size=8)
expect("no mask: steps that notice", steps_that_notice(no_mask), equals=5)
expect("causal mask: steps that notice", steps_that_notice(causal), equals=0)
expect("masked too late: steps that notice", steps_that_notice(too_late), equals=5)

batch = steps[np.newaxis]
scaled_batch = batch / np.sqrt(8)
theirs = keras_attention([scaled_batch, batch], use_causal_mask=True)[0]
ours = causal(steps)[0]
expect("use_causal_mask of Keras", theirs, equals=ours, tolerance=1e-5)

# %%
maps = {
    "no mask": no_mask(steps)[1],
    "causal mask": causal(steps)[1],
    "masked too late": too_late(steps)[1],
}
figure, row = plot.subplots(1, 3, figsize=(7.6, 2.8))
for axes, name in zip(row, maps):
    axes.imshow(maps[name], cmap="Greys", vmin=0, vmax=1)
    for step in range(6):
        total = maps[name][step].sum()
        axes.text(5.7, step, f"{total:.2f}", va="center", fontsize=8)
    axes.set(xlabel="key", ylabel="query", xticks=range(6), yticks=range(6))
    axes.set_title(name, fontsize=10)
    axes.grid(False)
plot.show(figure)

# %% [markdown]
# *Figure. The same six steps; dark is much weight, and the number behind each row is its sum. Masked before the softmax, every row sums to 1;
# masked after it, weight is missing in all rows but the last.*
# <details><summary>In words</summary>Three squares of six rows and six columns. No mask: grey here and there, the diagonal mostly darkest.
# Causal mask: white above the diagonal, every row sums to 1.00. Masked too late: white above the diagonal too, but the upper rows sum to less than
# 1.</details><br>
#
# Masked too late looks right in the picture, and yet all five earlier steps notice the last one: the softmax had already divided by
# a sum that contains the future. Such leaks are treacherous. A model that can see the word it should predict reaches a splendid training
# loss, and a splendid validation loss too, because validation leaks in the same way. The model fails in practice, where
# the future is not there yet.
#
# ### Exercise 4 · Mend it
#
# This function lets the words of each text look at one another and then takes the mean over the words. It runs, and its result has the right
# shape. But pad the texts with three more zeros, and the result changes.
#
# ```python
# def mean_look(tokens, vectors):  # (batch, n), 0 is padding; (batch, n, d)
#     mask = tokens == 0
#     look = keras.layers.Attention()
#     looked = look([vectors, vectors], mask=[None, mask])  # (batch, n, d)
#     return keras.ops.mean(looked, axis=1)  # (batch, d)
# ```
#
# Mend it: there are **two** faults. Leave `keras.layers.Attention()` without scale, as it is. *Medium, ten minutes; expected: a function that
# returns an array of shape `(batch, d)`.*


# %%
def mean_look(tokens, vectors):
    ...


ch15.mean_look.check(mean_look)

# %% [markdown]
# ## Several heads
#
# One softmax has one opinion. But a word may need to look at its verb for one reason and at its article for another,
# and one mean of the two may serve neither. So $h$ **heads** look at once, each with small queries, keys and values of its
# own. **Multi-head attention** puts their
# answers side by side and mixes them:
#
# $$\mathrm{head}_r = \mathrm{attention}\big(XW_Q^{(r)},\; XW_K^{(r)},\; XW_V^{(r)}\big), \qquad \mathrm{out} = \big[\mathrm{head}_1, \dots, \mathrm{head}_h\big]\, W_O$$
#
# * $X$ has shape $(n, d)$: $n$ steps, $d$ numbers each, the **width** of the model,
# * $W_Q^{(r)}$, $W_K^{(r)}$, $W_V^{(r)}$ have shape $(d, d/h)$: head $r$ works with vectors of $d/h$ numbers,
# * the brackets put the heads' answers side by side, $d$ numbers again, and $W_O$, shape $(d, d)$, mixes them.
#
# The small matrices of all heads stand side by side in one $(d, d)$ matrix, so a program makes one product and cuts the result into heads.


# %%
def multi_head(x, heads):
    q = np.split(x @ w_query, heads, axis=1)  # heads arrays of shape (n, d / heads)
    k = np.split(x @ w_key, heads, axis=1)
    v = np.split(x @ w_value, heads, axis=1)
    answers = [attention(q[r], k[r], v[r])[0] for r in range(heads)]
    return np.concatenate(answers, axis=1) @ w_output  # (n, d)


w_query, w_key, w_value, w_output = random.normal(scale=0.25, size=(4, 16, 16))
x = random.normal(size=(6, 16))
ours = multi_head(x, heads=4)
print(x.shape, "→", ours.shape)

# %%
batch = x[np.newaxis].astype("float32")  # (1, 6, 16)
keras_layer = keras.layers.MultiHeadAttention(num_heads=4, key_dim=4)
keras_layer(batch, batch)  # the first call makes the weights
print(*(weight.shape for weight in keras_layer.get_weights()))

no_bias = np.zeros((4, 4))
keras_layer.set_weights(
    [
        *(w_query.reshape(16, 4, 4), no_bias),
        *(w_key.reshape(16, 4, 4), no_bias),
        *(w_value.reshape(16, 4, 4), no_bias),
        *(w_output.reshape(4, 4, 16), np.zeros(16)),
    ]
)
theirs = keras_layer(batch, batch)[0]
expect("keras.layers.MultiHeadAttention", theirs, equals=ours, tolerance=1e-5)
counted = keras_layer.count_params()
expect("parameters, 4 (d² + d)", counted, equals=4 * (16**2 + 16))

# %% [markdown]
# The layer of Keras takes the number of heads and, as `key_dim`, the numbers of *one* head, $d/h$. It holds the same four matrices, cut into heads
# already, and four biases, which begin at zero: $4(d^2+d)$ parameters, *however many heads there are*. More heads are smaller heads. (Later
# chapters use the kit's `layers.MultiHeadAttention(num_heads)`, the same layer with a few more arguments.)
#
# ## Attention does not know order
#
# Look at the formula again: where does the *place* of a step appear in it? Nowhere. A step is found by what it is, not
# by where it is. Exchange
# the steps, and the answers are exchanged along with them, but not one number in them changes: self-attention is **equivariant** to permutations.
# The mean of its answers is the same for "the dog bites the man" and "the man bites the dog".

# %%
words = ["the", "dog", "bites", "the", "man"]
order = [0, 4, 2, 3, 1]
vectors = {word: random.normal(size=16) for word in words}
sentence = np.array([vectors[word] for word in words])  # (5, 16)
print(" ".join(words), "/", " ".join(words[step] for step in order))

ours = multi_head(sentence, heads=4)
exchanged = multi_head(sentence[order], heads=4)
expect("exchanged in, exchanged out", exchanged, equals=ours[order], tolerance=1e-9)
mean = ours.mean(axis=0)
expect("the mean does not notice", exchanged.mean(axis=0), equals=mean, tolerance=1e-9)

# %% [markdown]
# ### Positions that are added
#
# So the place must be written into the step, as a **positional encoding**. Adding the number of the place will not do:
# it grows without bound. Write it as a clock does, with a
# second hand, a minute hand and an hour hand, each turning more slowly than the one before. **Sinusoidal positions** are the hands of
# $d/2$ clocks, added to the vector of the step:
#
# $$P_{t,\,2i} = \sin(\omega_i t), \qquad P_{t,\,2i+1} = \cos(\omega_i t), \qquad \omega_i = 10000^{-2i/d}$$
#
# * $t$ is the place, counted from 0; $i$ numbers the clocks, from 0 to $d/2-1$,
# * $\omega_i$ is how far hand $i$ turns in one step, in radians: 1 for the fastest, $10000^{-(d-2)/d}$ for the slowest, about $1/5600$ for $d=32$.
#
# The dot product of two places is a sum of $\sin\omega t\,\sin\omega t' + \cos\omega t\,\cos\omega t' = \cos\omega(t-t')$. It
# depends on the *distance* alone.
#
# ### Positions that turn
#
# One thing is not perfect yet. The place is added *before* queries and keys are made, and $W_Q$ and $W_K$ mix it with
# the meaning: the score of
# two words three steps apart still depends on where in the text they stand. **Rotary positions** (RoPE) come afterwards. They take
# the numbers of a query or key in pairs and *turn* each pair, like a hand, by $\omega_i t$:
#
# $$a' = a\,\cos\omega_i t - b\,\sin\omega_i t, \qquad b' = a\,\sin\omega_i t + b\,\cos\omega_i t$$
#
# * $(a, b)$ is pair $i$ of the query or key at place $t$, and $(a', b')$ the same pair, turned; values are not turned.
#
# If both arrows of a dot product are turned by the same angle, it does not change; only the *difference* of the turns counts. To see it, we
# take two random words, three steps apart, and slide them together along a text. What does their score do?

# %%
import keras_hub

frequencies = 10_000.0 ** (-np.arange(0, 32, 2) / 32)  # (16,)
angles = np.arange(64)[:, np.newaxis] * frequencies  # (64, 16)
positions = np.empty((64, 32))
positions[:, 0::2] = np.sin(angles)
positions[:, 1::2] = np.cos(angles)

reference = scratch.sinusoidal_positions(64, 32)
expect("bmkit.scratch", reference, equals=positions, tolerance=1e-9)
hub = keras_hub.layers.SinePositionEncoding()(np.zeros((1, 64, 32), "float32"))
expect("KerasHub", hub[0], equals=positions, tolerance=1e-5)

products = positions @ positions.T  # (64, 64)
spans = [np.ptp(np.diagonal(products, offset)) for offset in range(64)]
expect("same distance, same product, to within", max(spans), at_most=1e-9)


# %%
def rotary(x, places):
    size = x.shape[-1]
    frequencies = 10_000.0 ** (-np.arange(0, size, 2) / size)  # (size / 2,)
    angles = places[:, np.newaxis] * frequencies
    cosine = np.cos(angles)
    sine = np.sin(angles)
    a, b = np.split(x, 2, axis=-1)  # pair i: number i and number i + size / 2
    turned = [a * cosine - b * sine, a * sine + b * cosine]
    return np.concatenate(turned, axis=-1)


block = random.normal(size=(1, 16, 32))
ours = rotary(block[0], np.arange(16))
expect("bmkit.scratch", scratch.rotary(block[0]), equals=ours, tolerance=1e-9)
hub = keras_hub.layers.RotaryEmbedding()(block.astype("float32"))
expect("KerasHub", hub[0], equals=ours, tolerance=1e-5)

# %%
t = np.arange(61)  # the words stand at t and t + 3
one = random.normal(size=(1, 32))
two = random.normal(size=(1, 32))
to_query = random.normal(size=(32, 32))
to_key = random.normal(size=(32, 32))

turned_query = rotary(one @ to_query, t)  # (61, 32)
turned_key = rotary(two @ to_key, t + 3)
rotary_scores = (turned_query * turned_key).sum(axis=1) / np.sqrt(32)  # (61,)
change = np.ptp(rotary_scores)
expect("rotary: change of the score along the text", change, at_most=1e-9)

added_query = (one + positions[t]) @ to_query
added_key = (two + positions[t + 3]) @ to_key
added_scores = (added_query * added_key).sum(axis=1) / np.sqrt(32)
change = np.ptp(added_scores)
expect("added: change of the score along the text", change, at_least=20)

# %%
figure, (left, right) = plot.subplots(1, 2, figsize=(8.0, 3.0))
left.imshow(positions.T, aspect="auto", cmap="Greys")
left.set(xlabel="place (t)", ylabel="number of the vector")
left.grid(False)
right.plot(t, added_scores, label="positions added")
right.plot(t, rotary_scores, label="rotary")
right.set(xlabel="place of the first word", ylabel="score")
right.legend(fontsize=9)
plot.show(figure)

# %% [markdown]
# *Figure. Left, sinusoidal positions: each place is a column of 32 numbers, dark is 1 and white −1; fast clocks on top, slow ones below. Right, the
# score of two words that keep their distance: with rotary positions it is the same everywhere.*
# <details><summary>In words</summary>Left, 32 rows of stripes; the upper rows change from column to column, the lower ones, in
# turn grey (sine near 0) and black (cosine near 1), hardly at all. Right, over places 0 to 60, a wavy solid line for added positions and a
# level dashed line for rotary ones.</details><br>
#
# ## Where attention wins: a dictionary of pictures
#
# Ten notes. On each stands a handwritten digit, every digit once and in random order, and beside it a **value**, a random number from 0 to
# 7. Then comes the question: *another* picture of one of the digits. Which value stood beside that digit? Nobody tells the network which
# picture is a 3. It is told values only, and these are drawn anew for each set of notes, so there is nothing to learn but which pictures are alike, and the *looking up*.
#
# The network is the first diagram of this chapter. One `Dense` layer reads question and notes alike. The question asks (query), the pictures on the notes
# are the keys, the numbers beside them the values. `MultiHeadAttention` with a single head does the rest.


# %%
digits = data.load("mnist_5k")


def two_of_one_digit(places, count):  # never the same picture twice
    first = random.integers(len(places), size=count)
    onward = random.integers(1, len(places), size=count)
    second = (first + onward) % len(places)
    return places[first], places[second]


def all_digits(labels, count):  # pictures for the notes, and others of the same digits
    notes = np.empty((count, 10), int)
    twins = np.empty((count, 10), int)
    for digit in range(10):
        places = np.flatnonzero(labels == digit)
        notes[:, digit], twins[:, digit] = two_of_one_digit(places, count)
    return notes, twins


# %%
def make_questions(split, count):
    pictures, labels = digits.arrays(split)
    blocks = pictures.reshape(-1, 14, 2, 14, 2)  # 2 × 2 pixels become one
    small = blocks.mean(axis=(2, 4)).reshape(-1, 196)

    notes, twins = all_digits(labels, count)
    order = np.tile(np.arange(10), (count, 1))
    order = random.permuted(order, axis=1)  # (count, 10), the digit on each note
    notes = np.take_along_axis(notes, order, axis=1)
    values = random.integers(8, size=(count, 10))

    rows = np.arange(count)
    asked = random.integers(10, size=count)  # the number of the note in question
    question = twins[rows, order[rows, asked]]
    one_hot = np.eye(8, dtype="float32")[values]
    x = (small[question][:, np.newaxis], small[notes], one_hot)
    return x, values[rows, asked], asked


x_train, y_train, _ = make_questions("train", 12_000)
x_valid, y_valid, asked_valid = make_questions("validation", 1000)
print(*(part.shape for part in x_train), "→", y_train.shape)


# %%
def attentive_reader():
    question = keras.Input((1, 196))
    notes = keras.Input((10, 196))
    values = keras.Input((10, 8))  # one-hot
    read = keras.layers.Dense(64, activation="relu")
    look = keras.layers.MultiHeadAttention(num_heads=1, key_dim=32)
    found, weights = look(
        query=read(question),  # (batch, 1, 64)
        key=read(notes),  # (batch, 10, 64)
        value=values,
        return_attention_scores=True,
    )
    logits = keras.layers.Dense(8)(keras.layers.Flatten()(found))
    inputs = [question, notes, values]
    return keras.Model(inputs, logits), keras.Model(inputs, weights)

# %% [markdown]
# Five rivals. First the trivial ones: **chance**, one in eight, and the **most frequent value** on the ten notes. Then a look-up
# *without* learned matrices: the value of the note whose **pixels** have the greatest cosine similarity with the question. Last two **recurrent networks**. In the first the same `Dense` layer reads, and a GRU goes over the ten notes, picture and value side by side, and then over the
# question. It has to keep ten pictures and ten values in its state before it hears which one is wanted.
#
# Is that its weakness? We test the reason, too. A second GRU hears the question *beside every note*. It sees the same examples, but it need not
# remember any picture: only the one value beside the right one.


# %%
def recurrent_reader(at_each_note):
    question = keras.Input((1, 196))
    notes = keras.Input((10, 196))
    values = keras.Input((10, 8))
    read = keras.layers.Dense(64, activation="relu")
    steps = keras.layers.Concatenate()([read(notes), values])  # (batch, 10, 72)
    if at_each_note:
        wanted = keras.ops.repeat(read(question), 10, axis=1)
        steps = keras.layers.Concatenate()([steps, wanted])  # (batch, 10, 136)
    else:
        no_value = keras.ops.zeros_like(question[:, :, :8])  # (batch, 1, 8)
        last = keras.layers.Concatenate()([read(question), no_value])
        steps = keras.layers.Concatenate(axis=1)([steps, last])  # (batch, 11, 72)
    state = keras.layers.GRU(64)(steps)
    return keras.Model([question, notes, values], keras.layers.Dense(8)(state))


# %%
import tensorflow as tf


def learn(model, x, y, learning_rate, epochs=2, batch_size=128):
    steps = epochs * len(y) // batch_size
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer = keras.optimizers.Adam(schedule)
    model.compile(optimizer, loss, metrics=["accuracy"])
    examples = tf.data.Dataset.from_tensor_slices((x, y))
    batches = examples.shuffle(len(y)).batch(batch_size)
    train.fit(model, batches, epochs=epochs)


attentive, attentive_map = attentive_reader()
networks = {
    "attention": attentive,
    "GRU, asked last": recurrent_reader(at_each_note=False),
    "GRU, asked at each note": recurrent_reader(at_each_note=True),
}
for name, model in networks.items():
    learn(model, x_train, y_train, learning_rate=0.01)


# %%
def share_right(right):  # with its 95 % interval
    low, high = scratch.wilson_interval(int(right.sum()), len(right))
    return float(right.mean()), low, high


question, notes, values = x_valid
rows = np.arange(len(y_valid))
frequent = values.sum(axis=1).argmax(axis=1)
products = (question * notes).sum(axis=-1)  # (1000, 10)
cosines = products / np.linalg.norm(notes, axis=-1)  # the question's length is the same
nearest = values[rows, cosines.argmax(axis=1)].argmax(axis=1)

right = {"most frequent value": frequent == y_valid}
right["cosine similarity"] = nearest == y_valid
for name, model in networks.items():
    right[name] = model.predict(x_valid, verbose=0).argmax(axis=1) == y_valid
table = {}
for name, hits in right.items():
    table[name] = {"questions answered": share_right(hits)}
table["chance"] = {"questions answered": 1 / 8}
plot.table(table, corner="1,000 questions, validation digits")

# %%
looked_at = attentive_map.predict(x_valid, verbose=0)[:, 0, 0]  # (1000, 10)
found = np.mean(looked_at.argmax(axis=1) == asked_valid)
shares = {name: right[name].mean() for name in right}
lead = shares["attention"] - shares["cosine similarity"]
expect("attention, questions answered", shares["attention"], at_least=0.75)
expect("    most weight on the right note", found, at_least=0.75)
expect("    lead over the cosine similarity of pixels", lead, at_least=0.2)
for name in ("GRU, asked last", "GRU, asked at each note"):
    gain = shares[name] - shares["most frequent value"]
    expect(f"{name}: lead over the most frequent value", gain, at_most=0.05)

# %% [markdown]
# Attention answers most questions. Neither recurrent network gets beyond the most frequent value: with these
# examples, two epochs and one learning rate they have not learned to look up. The reason that suggests itself,
# their small memory, cannot be the whole story: the second GRU hears the question beside every note, and it fails as well. What both lack is
# perhaps the comparison itself. An attention layer has the dot product of two
# pictures ready; a recurrent layer would have to build it from sums and gates, perhaps with many more examples. (Where memory itself is the
# limit, [chapter 16](16_transformer.ipynb) can prove it.)
#
# And learning was needed: a look-up by the cosine similarity of raw pixels is far behind. (The questions share 400 pictures, so the intervals of
# the table are too narrow for new pictures. The leads are far larger.)
#
# ### An attention map
#
# The weights of a query can be looked at: an **attention map**. Choose a question.

# %%
def draw(example):
    figure, row = plot.subplots(1, 11, figsize=(8.4, 1.6))
    row[0].imshow(question[example].reshape(14, 14))
    row[0].set_title("question", fontsize=9)
    for number, axes in enumerate(row[1:]):
        axes.imshow(notes[example, number].reshape(14, 14))
        weight = looked_at[example, number]
        value = values[example, number].argmax()
        axes.set_title(f"value {value}\n{weight:.2f}", fontsize=9)
    for axes in row:
        axes.axis("off")
    return figure


is_answer = values.argmax(axis=2) == y_valid[:, np.newaxis]  # (1000, 10)
is_single = (is_answer.sum(axis=1) == 1) & (looked_at.argmax(axis=1) == asked_valid)
first = int(np.flatnonzero(is_single)[0])  # the right value stands on one note only
plot.explore(draw, start={"example": first}, example=range(max(30, first + 1)))

# %% [markdown]
# *Figure. Above each note its value and the weight that the question gives it. In this example the greatest weight goes to the same digit in another handwriting. Over all validation
# questions that is so in more than three of four; look for one where it is not.*
# <details><summary>In words</summary>Eleven small digits. Above the first stands "question", above each of the ten notes a value and a weight. The note that
# shows the digit of the question has the greatest weight, and its value stands on no other note.</details><br>
#
# Here a map can be believed: a value reaches the answer only through its weight, and the right value is the whole
# answer. No case could be easier. Text is harder.
#
# ## Where it does not: the verdict of a review
#
# Now a text. Was a review favourable? One learned query $u$, the same for every review, asks all words of the review,
# and the answer is
# their weighted mean:
#
# $$a_t = \mathrm{softmax}_t\big(c\; k_t\cdot u\big), \qquad z = \sum_t a_t\, v_t, \qquad k_t = e_t W_K,\; v_t = e_t W_V + b$$
#
# * $e_t$ is the embedding of word $t$, and $a_t$ its weight; padding is masked,
# * $c$ is fixed and sets how sharp the look can easily become: $c=0$ is the plain mean, $c=1/\sqrt d$ the usual scale, $c=1$ no scale.
#
# Words become numbers as in [chapter 03](03_language_vision_speech.ipynb); a Keras layer does it here. The rival is the classical one: TF-IDF
# counts of words and pairs of words with logistic regression, with its *regularization* ([chapter
# 06](06_regularization.ipynb)) chosen on the validation reviews.

# %%
wide = keras.initializers.RandomNormal(stddev=1.0)


def review_reader(sharpness):
    words = keras.Input((100,), dtype="int32")
    embedded = keras.layers.Embedding(5000, 64)(words)
    embedded = keras.layers.Dropout(0.5)(embedded)
    keys = keras.layers.Dense(64, use_bias=False)(embedded)
    values = keras.layers.Dense(64)(embedded)
    query = keras.layers.Dense(1, use_bias=False, kernel_initializer=wide)
    scores = sharpness * query(keys)[:, :, 0]  # the kernel of this layer is u
    real = keras.ops.not_equal(words, 0)
    weights = keras.layers.Softmax()(scores, mask=real)
    mean = keras.layers.Dot(axes=1)([weights, values])  # (batch, 64)
    logits = keras.layers.Dense(2)(mean)
    return keras.Model(words, logits), keras.Model(words, weights)


# %%
foods = data.load("small_fine_foods")
texts, verdicts = foods.arrays("train")
texts_valid, verdicts_valid = foods.arrays("validation")
encode = keras.layers.TextVectorization(5000, output_sequence_length=100)
encode.adapt(texts.astype(str))
tokens = np.array(encode(texts.astype(str)))  # (3569, 100), 0 is padding
tokens_valid = np.array(encode(texts_valid.astype(str)))  # (400, 100)

sharpness = {"mean": 0.0, "soft": 1 / 8, "sharp": 1.0}  # 1/8 is 1/√64
readers = {}
weights_valid = {}
for name, c in sharpness.items():
    readers[name], look = review_reader(c)
    learn(readers[name], tokens, verdicts, learning_rate=0.005, batch_size=32)
    weights_valid[name] = look.predict(tokens_valid, verbose=0).astype(float)

# %%
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

words_and_pairs = TfidfVectorizer(min_df=3, ngram_range=(1, 2), sublinear_tf=True)
counts = words_and_pairs.fit_transform(texts)
counts_valid = words_and_pairs.transform(texts_valid)
regressions = {}
scores = {}
for strength in (1, 3, 10, 30):  # larger is less regularization
    model = LogisticRegression(C=strength, solver="liblinear")
    regressions[strength] = model.fit(counts, verdicts)
    scores[strength] = model.score(counts_valid, verdicts_valid)
classical = regressions[max(scores, key=scores.get)]

# %%
most_frequent = np.bincount(verdicts).argmax()
review_right = {"most frequent": verdicts_valid == most_frequent}
review_right["TF-IDF"] = classical.predict(counts_valid) == verdicts_valid
for name, model in readers.items():
    answers = model.predict(tokens_valid, verbose=0).argmax(axis=1)
    review_right[name] = answers == verdicts_valid


def difference(first, second):  # of two shares right on the same reviews, with interval
    each = first.astype(float) - second
    margin = 1.96 * each.std() / np.sqrt(len(each))
    return each.mean(), each.mean() - margin, each.mean() + margin


review_rows = {}
for name, hits in review_right.items():
    ahead = difference(hits, review_right["TF-IDF"])
    review_rows[name] = {"right": share_right(hits), "minus TF-IDF": ahead}
plot.table(review_rows, corner="400 validation reviews", digits=4)

# %%
lengths_valid = (tokens_valid > 0).sum(axis=1)
share_in_use = {}
for name, weights in weights_valid.items():
    share_in_use[name] = np.median(effective_keys(weights) / lengths_valid)
    hits = review_right[name]
    lead = np.mean(hits) - np.mean(review_right["most frequent"])
    expect(f"{name}: lead over the most frequent verdict", lead, at_least=0.06)
    ahead = np.mean(hits) - np.mean(review_right["TF-IDF"])
    expect("    lead over TF-IDF", ahead, at_most=0.03)

used = "median share of words in use"
expect(f"mean: {used}", share_in_use["mean"], at_least=0.99, at_most=1.01)
expect(f"soft: {used}", share_in_use["soft"], at_least=0.7, at_most=0.99)
expect(f"sharp: {used}", share_in_use["sharp"], at_most=0.5)

# %% [markdown]
# The networks clearly beat the most frequent verdict. But where the interval of a difference contains zero, network and counting are *not told
# apart*, and no network is clearly ahead. Nor do the networks differ by much: 400 reviews are not many to tell them
# apart. Perhaps little needs to be looked up for a verdict on a whole review: every word adds a little evidence, and
# that can be counted.
#
# Still, two of the networks *did* learn to look. The effective number of words, our measure from above, tells how narrowly: in the median review soft spreads its weight over most of
# the words, sharp over less than half of them.

# %%
vocabulary = encode.get_vocabulary()


def draw(network, review):
    length = lengths_valid[review]
    shown = [vocabulary[token] for token in tokens_valid[review, :length]]
    return diagrams.shaded_words(shown, weights_valid[network][review, :length])


chosen = [3, 7, 11, 26, 40, 58, 77]
start = {"network": "sharp", "review": 7}
plot.explore(draw, start=start, network=list(readers), review=chosen)

# %% [markdown]
# *Figure. A real review; the darker a word, the more weight it has. [UNK] is a word outside the vocabulary. Choose another
# network or another review.*
# <details><summary>In words</summary>A short text of several lines. A few words have a black or dark grey background,
# most a white one.</details><br>
#
# Such pictures persuade: *it decided so because of these words*. Again we ask by experiment: **take the word away** and see whether the answer moves.
# Our measure is the change of the log-odds, the difference of the two logits; for comparison we take away a random word of the same review.
# Then two harder questions. Is the darkest word the one that matters **most**? (We take away every word of 100 reviews in turn.) And does **another
# network**, about as good, point at the same word?


# %%
def log_odds(name, rows):
    logits = readers[name].predict(rows, batch_size=400, verbose=0)
    return logits[:, 1] - logits[:, 0]


def effect(name, places):  # of taking the words at these places away
    fewer = tokens_valid.copy()
    fewer[np.arange(400), places] = 0  # the mask takes the word out
    return np.abs(log_odds(name, fewer) - log_odds(name, tokens_valid))


darkest = {name: weights_valid[name].argmax(axis=1) for name in ("soft", "sharp")}
anywhere = random.integers(0, lengths_valid)
moved = {}
for name in darkest:
    moved[name] = effect(name, darkest[name])
    moved[name, "random"] = effect(name, anywhere)
    ratio = moved[name].mean() / moved[name, "random"].mean()
    expect(f"{name}: effect of the darkest word over a random one", ratio, at_least=3)

# %%
hundred = np.repeat(tokens_valid[:100], 100, axis=0)
places = np.tile(np.arange(100), 100)
hundred[np.arange(10_000), places] = 0
without_one = log_odds("soft", hundred).reshape(100, 100)  # (reviews, places)
whole = log_odds("soft", tokens_valid[:100])
strongest = np.abs(without_one - whole[:, np.newaxis]).argmax(axis=1)
same = np.mean(strongest == darkest["soft"][:100])
expect("soft: darkest word matters most", same, at_least=0.5, at_most=0.95)
agree = np.mean(darkest["soft"] == darkest["sharp"])
expect("soft and sharp agree on the darkest word", agree, at_least=0.25, at_most=0.75)

# %% [markdown]
# So the map does tell something: its darkest word moves the answer several times as much as a random one. But it is not
# an explanation.
# In some reviews another word matters more than the darkest one, and two networks of nearly the same accuracy often point at different words.
# A map shows **where a network looked**. Why it answered as it did is another question, because what a looked-at word *says* (its value)
# counts too, and because several looks can lead to the same answer. In a deep network each "word" of the upper layers is a mixture
# already. Use maps to get ideas; test the ideas by experiment. Chapter 40 (planned) returns to this question.
#
# ## The test, once
#
# We chose nothing on the test sets. Now they are opened: new pictures of digits, new reviews.

# %%
x_test, y_test, _ = make_questions("test", 1000)
answers = attentive.predict(x_test, verbose=0).argmax(axis=1)
answered = np.mean(answers == y_test)
expect("pictures: questions answered by attention", answered, at_least=0.75)

texts_test, verdicts_test = foods.arrays("test")
tokens_test = np.array(encode(texts_test.astype(str)))
counts_test = words_and_pairs.transform(texts_test)
counted = classical.predict(counts_test) == verdicts_test
answers = readers["soft"].predict(tokens_test, verbose=0).argmax(axis=1)
soft = answers == verdicts_test
ahead, low, high = difference(soft, counted)
expect("reviews: right, soft attention", soft.mean(), at_least=0.73)
expect("reviews: soft attention minus TF-IDF", ahead, at_most=0.03)
print(f"    95 % interval of that difference (here: {low:.3f} to {high:.3f})")

# %% [markdown]
# ## What it costs
#
# Every step looks at every step: $n$ steps make $n^2$ scores. A recurrent network does the same work at each step, so $n$ times as much
# for $n$ steps. We count multiplications (each comes with one addition), with the width $d$ everywhere; the softmax and the
# gates are small change. A matrix product of shapes (a, b) and (b, c) has $a\,b\,c$ of them.
#
# $$\mathrm{attention}(n) = 2\,n^2 d + 4\,n\,d^2, \qquad \mathrm{LSTM}(n) = 8\,n\,d^2$$
#
# * $n$ is the number of steps, $d$ the width; $2n^2d$ are the scores and the weighted means, $4nd^2$ the four matrices.
#
# Which part of attention weighs more depends on the length *and* the width.
#
# ### Exercise 5 · Predict, then run
#
# Attention of **width 512**. **At which length $n$ do the two parts, $2n^2d$ and $4nd^2$, cost the same?** *Two minutes; expected: an
# integer.*

# %%
crossing = ...
ch15.crossing.check(crossing)


# %%
def multiply_adds(a, b):  # of the product a @ b
    return a.size * b.shape[1]


def attention_work(n, d):
    x = np.zeros((n, d))
    matrix = np.zeros((d, d))
    weights = np.zeros((n, n))
    projections = 4 * multiply_adds(x, matrix)  # queries, keys, values, output
    scores = multiply_adds(x, x.T)
    means = multiply_adds(weights, x)
    return projections + scores + means


def lstm_work(n, d):  # a step: four gates, from the input and from the state
    step = np.zeros((1, d))
    gates = np.zeros((d, 4 * d))
    return n * 2 * multiply_adds(step, gates)


for n in (50, 256, 1000):
    counted = attention_work(n, 128)
    expect(f"n = {n}: 2 n² d + 4 n d²", counted, equals=2 * n**2 * 128 + 4 * n * 128**2)
    expect("    bmkit.scratch", scratch.attention_multiply_adds(n, 128), equals=counted)
    expect("    LSTM, 8 n d²", lstm_work(n, 128), equals=8 * n * 128**2)

# %% [markdown]
# Below $n = 2d$ attention even needs *fewer* multiplications than an LSTM of the same width. Above it the square takes over: for long texts twice
# the length is nearly four times the work, and the weights, $n^2$ numbers for each head, fill the memory. But an LSTM must wait for step 1
# before it can begin step 2; attention does all steps at once, in a few large products, which is what processors, and graphics
# cards above all, do best.
#
# ## Summary
#
# * Attention is a soft look-up: queries against keys by dot product, softmax to weights, weighted mean of values, in NumPy as in Keras.
# * Undivided scores grow with $\sqrt d$; the softmax saturates and hardly any gradient gets through.
# * A mask acts on the scores, before the softmax. A forgotten one raises no error; test it by changing what must not matter.
# * Several heads *can* look in several ways, with the parameters of one: $4(d^2+d)$.
# * Attention is blind to order. Sinusoidal positions are added; rotary ones turn queries and keys, so that only distance counts.
# * Where one thing must be found by what it is, attention won clearly here, against GRUs trained for the same two epochs at the same
#   learning rate; on the verdict of a review it was not told apart from counting.
# * A map shows where a network looked. Whether that mattered, only an experiment tells.
# * The work is $2n^2d + 4nd^2$, quadratic in the length; an LSTM's is linear, but step by step.
#
# **Ask yourself**
#
# <details><summary>Why is the softmax along the row, not along the column?</summary>A row belongs to one query: its weights must sum to 1,
# so that the answer is a mean. A key may be looked at by all queries, or by none.</details>
# <details><summary>Your causal model predicts the next word on validation data almost perfectly. What do you check
# first?</summary>Whether it sees that word: change the last step and look whether earlier outputs change.</details>
# <details><summary>A colleague shows a map and says: "so the network understands negation." What do you ask for?</summary>An experiment: take
# away the "not", or put one in, and compare with other words, other networks, and many sentences instead of one.</details><br>
#
# **Next** [16 · The Transformer](16_transformer.ipynb) stacks what you have built here, with shortcuts and dense layers between, and lets it translate.
#
# **References**
#
# * D. Bahdanau, K. Cho, Y. Bengio (2014), Neural machine translation by jointly learning to align and translate.
#   [arXiv](https://arxiv.org/abs/1409.0473)
# * O. Vinyals et al. (2016), Matching networks for one shot learning. [arXiv](https://arxiv.org/abs/1606.04080)
# * A. Vaswani et al. (2017), Attention is all you need. [arXiv](https://arxiv.org/abs/1706.03762)
# * S. Jain, B. C. Wallace (2019), Attention is not explanation. [ACL](https://aclanthology.org/N19-1357/)
# * S. Wiegreffe, Y. Pinter (2019), Attention is not not explanation. [ACL](https://aclanthology.org/D19-1002/)
# * J. Su et al. (2021), RoFormer: enhanced Transformer with rotary position embedding. [arXiv](https://arxiv.org/abs/2104.09864)
