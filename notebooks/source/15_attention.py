# %% [markdown]
# # 15 · Attention
#
# **After this you can** write scaled dot-product and multi-head attention in NumPy, mask filling and the future, tell a network about order, read an attention map without believing too much, and say what attention costs
#
# **Time** 50 min to read, 90 min to teach, 40 s to run
#
# **Before** [04 · Loss functions](04_loss_functions.ipynb), [13 · Recurrent networks for text](13_rnn_text.ipynb)
#
# **Data** mnist_5k (5,000 handwritten digits of 28×28 pixels, CC BY-SA 3.0), small_fine_foods (4,969 food reviews, MIT)

# %%
from bmkit import data, diagrams, layers, plot, scratch, train
from bmkit.check import expect
from bmkit.exercises import ch15
import keras
import numpy as np
train.seed(0)

# %% [markdown]
# ## Remember everything, or look it up?
#
# A recurrent network ([chapter 13](13_rnn_text.ipynb)) reads a text word by word and keeps one vector, its state. With 64 units it
# holds 64 numbers after the third word, and 64 numbers after the thousandth. Whatever a later step may need must have been squeezed
# into that one vector, before anyone knew what would be asked.
#
# You would not work like that. Asked about page 3, you turn to page 3. **Attention** does the same: keep the vectors of *all* steps, and
# look up what is needed when it is needed.
#
# Looking up is what a dictionary does. The one below says how warm it gets with wind from each direction (numbers made up for this
# page). It has a fault: ask for a wind from north-east, and it knows nothing. A person would answer: *between north and east, so about
# 8 °C*. To do that, the keys must be things that can be more or less alike.
#
# Let every key be an arrow. The **query** is an arrow too. How alike two arrows are is said by their **dot product**: large if they point
# the same way, zero across, negative against each other. Softmax ([chapter 04](04_loss_functions.ipynb)) makes weights of the dot
# products, and the answer is the weighted mean of *all* values. This is a **soft look-up**. A longer query arrow makes all scores
# larger, so the choice gets sharper. Turn the query and lengthen it. What does length 0 answer, and why?

# %%
warmth = {"north": 4.0, "east": 12.0, "south": 24.0, "west": 16.0}  # °C
print("north-east in the dictionary:", "north-east" in warmth)
bearings = np.radians([0, 90, 180, 270])
keys = np.stack([np.sin(bearings), np.cos(bearings)], axis=1)  # (4, 2), north is up


def draw(wind_from, length):
    query = length * np.array([np.sin(np.radians(wind_from)), np.cos(np.radians(wind_from))])
    weights = scratch.softmax(keys @ query)  # (4,)
    return diagrams.soft_lookup(query, keys, weights, values=warmth, unit="°C")


answer = scratch.softmax(keys @ np.array([3, 3]) / np.sqrt(2)) @ list(warmth.values())
expect("wind from north-east, length 3: the answer in °C", answer, at_least=8.0, at_most=8.5)
plot.explore(draw, start={"wind_from": 45, "length": 3}, wind_from=range(0, 360, 15), length=range(7))

# %% [markdown]
# *Figure. A soft look-up: the query arrow is compared with four keys; the more alike, the more weight; the answer is the weighted mean
# of the values.*
# <details><summary>In words</summary>Left, four thin black arrows to north, east, south and west and a thick orange query arrow to
# north-east. Right, four bars of weight: north and east are equally high, south and west nearly nothing; above
# them the answer, between the values of north and east.</details><br>
#
# ## The formula
#
# Now with $n$ queries and $m$ keys at once, each the row of a matrix:
#
# $$A = \mathrm{softmax}\!\left(\frac{Q K^{\top}}{\sqrt{d}}\right), \qquad \mathrm{out} = A\,V$$
#
# * $Q$ has shape $(n, d)$: row $i$ is the query of step $i$, $d$ numbers long,
# * $K$ has shape $(m, d)$: row $j$ is the key of step $j$; $QK^{\top}$ holds all $n \times m$ dot products, the **scores**,
# * softmax runs along each row, so each row of $A$, the **weights** of one query, sums to 1,
# * $V$ has shape $(m, d_v)$: row $j$ is what step $j$ has to say; row $i$ of *out* is a mean of these rows,
# * why there is a $\sqrt d$, we shall measure.
#
# Where do the three come from? From the steps themselves, by three learned matrices: $Q = XW_Q$, $K = XW_K$, $V = XW_V$. If all three are
# made of the same sequence $X$, so that its steps look at one another, it is called **self-attention**. If the queries come from another
# sequence, as in translation, it is **cross-attention**. The argument `allowed` will serve for masks.

# %%
def attention(queries, keys, values, allowed=True):
    scores = queries @ keys.swapaxes(-1, -2) / np.sqrt(queries.shape[-1])  # (…, n, m)
    scores = np.where(allowed, scores, -1e30)
    weights = scratch.softmax(scores)  # (…, n, m), each row sums to 1
    return weights @ values, weights  # (…, n, d_v)


random = np.random.default_rng(0)
q, k, v = (random.normal(size=shape) for shape in ((3, 4), (5, 4), (5, 2)))
out, weights = attention(q, k, v)
print(q.shape, "·", k.T.shape, "→ weights", weights.shape, "· values", v.shape, "→", out.shape)
expect("bmkit.scratch", scratch.dot_product_attention(q, k, v)[0], equals=out, tolerance=1e-12)
q32, k32, v32 = (array[np.newaxis].astype("float32") for array in (q, k, v))  # with a batch axis
layer = keras.layers.Attention()  # takes query, value, key in this order and does not divide
expect("keras.layers.Attention", layer([q32 / 2, v32, k32])[0], equals=out, tolerance=1e-5)

# %% [markdown]
# ## Why divide by √d
#
# A score is a sum of $d$ products. If the numbers in queries and keys have spread 1 and are independent, the variances add up
# ([chapter 09](09_model_building_and_initialization.ipynb)), and the score has the spread $\sqrt d$. Wider vectors make larger scores, by
# nothing but their width. And we just saw what larger scores do to a softmax. We measure two things for 32 random keys:
#
# * the **effective number of keys**, $e^{H}$ with the entropy $H=-\sum_j a_j \ln a_j$: 32 if all weights are equal, 1 if one key has all,
# * the **slope**: how strongly weights answer to scores. The derivatives are $\partial a_j/\partial s_k = a_j(\delta_{jk} - a_k)$, with
#   $\delta_{jk}=1$ for $j=k$ and 0 otherwise. Their absolute values add up to $2\,(1-\sum_j a_j^2)$; we take $1-\sum_j a_j^2$.
#
# Where the slope is zero, no gradient passes, and the queries cannot learn.

# %%
def effective_keys(weights):
    return np.exp(-(weights * np.log(weights + 1e-300)).sum(axis=-1))


sizes, measured = [4, 16, 64, 256, 1024], {}
for divided in (True, False):
    for d in sizes:
        q, k = random.normal(size=(500, d)), random.normal(size=(32, d))
        scores = q @ k.T / (np.sqrt(d) if divided else 1)  # (500, 32)
        weights = scratch.softmax(scores)
        spread, count = scratch.root_mean_square(scores), effective_keys(weights).mean()
        measured[divided, d] = spread, count, np.median(1 - (weights**2).sum(axis=1))

# %%
figure, row = plot.subplots(1, 3, figsize=(8.6, 2.8))
for column, (axes, name) in enumerate(zip(row, ("spread of the scores", "effective keys", "slope"))):
    for divided, marker, label in ((True, "o", "divided by √d"), (False, "s", "not divided")):
        curve = [measured[divided, d][column] for d in sizes]
        axes.semilogx(sizes, curve, marker=marker, label=label, base=2)
    axes.set(xlabel="size of a key (d)", ylabel=name, ylim=(0, None))
    axes.set_xticks(sizes, sizes)
figure.legend(*row[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=9)
plot.show(figure)
for d in sizes:
    expect(f"d = {d}: spread over √d", measured[False, d][0] / np.sqrt(d), at_least=0.85, at_most=1.15)
expect("not divided, effective keys at d = 1024", measured[False, 1024][1], at_most=1.3)
expect("not divided, median slope at d = 1024", measured[False, 1024][2], at_most=0.01)
expect("divided, fewest effective keys", min(measured[True, d][1] for d in sizes), at_least=15)
expect("divided, least median slope", min(measured[True, d][2] for d in sizes), at_least=0.85)

# %% [markdown]
# *Figure. Undivided scores grow with the size of the keys until one key takes all and the slope is gone. Divided by √d, nothing depends
# on the size.*
# <details><summary>In words</summary>Three charts over sizes from 4 to 1024. Dashed, not divided: the spread rises to 32, the
# effective keys fall from about 12 to 1, the slope falls from about 0.8 to 0. Solid, divided: all three are level, at 1, at about 20
# and above 0.9.</details><br>
#
# ## Masks: whom nobody may look at
#
# **Filling.** Sequences of a batch are filled up to one length ([chapter 03](03_language_vision_speech.ipynb)). Filling of zeros looks
# harmless here: its scores are 0. But a score of 0 is not a weight of 0. It is $e^0=1$ before dividing, which is why the query of
# length 0 gave all four winds the same weight. So the mask must act on the *scores*, before the softmax: forbidden ones become
# $-10^{30}$, and $e^{-10^{30}}$ is 0.
#
# **The future.** A network that learns to predict the next word must not see it. Step $i$ may look at steps $j \le i$ only: the **causal
# mask**, a triangle.
#
# ### Exercise 1 · No look ahead
#
# Write `causal_weights(scores)`: from scores of shape `(n, n)`, rows are those who ask, to weights of the same shape. `scratch.softmax`
# works along the rows. *Medium, eight minutes.*


# %%
def causal_weights(scores):
    ...


ch15.causal_weights.check(causal_weights)

# %% [markdown]
# What does a forgotten mask do? No error, no warning. We look for leaks as a customs officer would: change something that must not
# matter, and see whether the answer changes. First four real steps and three of filling; then the last step of six is replaced. The
# cell after that tries a half-hearted version: multiply the *weights* with the mask, after the softmax. In a picture it looks right. Is it?

# %%
steps = random.normal(size=(6, 8))
four, filled = steps[:4], np.pad(steps[:4], ((0, 3), (0, 0)))  # (4, 8) and (7, 8)
real = scratch.padding_mask([4], 7)  # (1, 7): the same for each query
alone, masked = attention(four, four, four)[0], attention(filled, filled, filled, real)[0]
expect("with mask, filling makes no difference", masked[:4], equals=alone, tolerance=1e-12)
both = [filled[np.newaxis] / np.sqrt(8), filled[np.newaxis]]  # queries; keys and values
expect("    the same in Keras", layer(both, mask=[None, real])[0][:4], equals=alone, tolerance=1e-5)
careless = attention(filled, filled, filled)[0][:4] - alone
share = np.linalg.norm(careless) / np.linalg.norm(alone)
expect("mask forgotten, answers are off by the share", share, at_least=0.05)
other, triangle = np.vstack([steps[:5], random.normal(size=8)]), scratch.causal_mask(6)
for name, mask in {"no mask": True, "causal mask": triangle}.items():
    before, after = (attention(x, x, x, mask)[0] for x in (steps, other))
    leaks = (np.abs(after - before)[:5] > 1e-9).any(axis=1).sum()  # of the five earlier steps
    expect(f"{name}: earlier steps that know the last one", leaks, equals=5 if mask is True else 0)

# %%
late = [scratch.softmax(x @ x.T / np.sqrt(8)) * triangle for x in (steps, other)]
leaks = (np.abs(late[0] @ steps - late[1] @ other)[:5] > 1e-9).any(axis=1).sum()
expect("masked too late: earlier steps that know the last one", leaks, equals=5)
allowed = {"no mask": True, "last two masked": scratch.padding_mask([4], 6), "causal": triangle}
figure, row = plot.subplots(1, 4, figsize=(8.6, 2.6))
maps = {name: attention(steps, steps, steps, mask)[1] for name, mask in allowed.items()}
for axes, (name, weights) in zip(row, (maps | {"causal, too late": late[0]}).items()):
    axes.imshow(weights, cmap="Greys", vmin=0, vmax=1)
    for step in range(6):
        axes.text(6.1, step, f"{weights[step].sum():.1f}", va="center", fontsize=8)
    axes.set(xlabel="looked at", ylabel="who looks", xticks=range(6), yticks=range(6), title=name)
    axes.grid(False)
plot.show(figure)
theirs = layer([steps[np.newaxis] / np.sqrt(8), steps[np.newaxis]], use_causal_mask=True)[0]
expect("causal mask, Keras", theirs, equals=maps["causal"] @ steps, tolerance=1e-5)

# %% [markdown]
# *Figure. The same six steps under four masks, dark is much weight; the number behind each row is its sum. A mask before the softmax
# leaves sums of 1; after it, weight is missing.*
# <details><summary>In words</summary>Four squares of six rows and six columns. No mask: grey here and there, the diagonal mostly darkest.
# Last two masked: their columns are white. Causal: white above the diagonal, every row sums to 1.0. Too late: white above the
# diagonal too, but the upper rows sum to less than 1.</details><br>
#
# The picture of the late mask looks right, and yet all five earlier steps know the last one: the softmax had already divided by
# a sum that contains the future. Leaks are treacherous. A model that can see the word it should predict reaches a splendid training loss, and
# a splendid validation loss too, because validation leaks in the same way. It fails only in use, where the future is not there yet.
#
# ## Several heads
#
# One softmax has one opinion. But a word may need to look at its verb for one reason and at its article for another, and the mean of both
# places is neither. So we let $h$ **heads** look at once, each with its own small queries, keys and values, and mix their
# answers:
#
# $$\mathrm{head}_r = \mathrm{attention}\big(XW_Q^{(r)},\; XW_K^{(r)},\; XW_V^{(r)}\big), \qquad \mathrm{out} = \big[\mathrm{head}_1, \dots, \mathrm{head}_h\big]\, W_O$$
#
# * $X$ has shape $(n, d)$: $n$ steps, $d$ numbers each, the **width** of the model,
# * $W_Q^{(r)}$, $W_K^{(r)}$, $W_V^{(r)}$ have shape $(d, d/h)$: head $r$ works with vectors of $d/h$ numbers,
# * the brackets put the heads' answers side by side, $d$ numbers again, and $W_O$, shape $(d, d)$, mixes them.
#
# The small matrices of all heads stand side by side in one $(d, d)$ matrix, so a program makes one product and cuts the result into heads.
#
# ### Exercise 2 · Cut into heads
#
# Write `split_heads(x, heads)`: from shape `(time, width)` to `(heads, time, width / heads)`; head 0 has the first columns. *Medium, five
# minutes. Beware: there is a wrong answer with the right shape.*


# %%
def split_heads(x, heads):
    ...


ch15.split_heads.check(split_heads)

# %%
def multi_head(x, matrices, heads):
    columns = [np.split(x @ matrix, heads, axis=1) for matrix in matrices[:3]]
    answers = [attention(q, k, v)[0] for q, k, v in zip(*columns)]  # heads × (time, width / heads)
    return np.concatenate(answers, axis=1) @ matrices[3]  # (time, width)


matrices = [random.normal(scale=0.25, size=(16, 16)) for _ in range(4)]
x = random.normal(size=(6, 16))
ours, batch = multi_head(x, matrices, heads=4), x[np.newaxis].astype("float32")
theirs = keras.layers.MultiHeadAttention(num_heads=4, key_dim=4)  # key_dim: numbers of one head
for layer in (theirs, layers.MultiHeadAttention(num_heads=4)):
    layer(batch, batch)  # makes the weights: a kernel and a bias, four times
    fresh = iter(matrices)  # biases start at zero and stay
    now = layer.get_weights()
    layer.set_weights([next(fresh).reshape(w.shape) if w.size == 256 else w for w in now])
    expect(type(layer).__module__.split(".")[0], layer(batch, batch)[0], equals=ours, tolerance=1e-5)
    expect("    parameters, 4 (d² + d)", layer.count_params(), equals=4 * (16**2 + 16))

# %% [markdown]
# Three implementations agree. Count the parameters: four matrices of $d^2$ numbers and four biases of $d$, *however many heads there
# are*. More heads are smaller heads. From here on we use the layers.
#
# ## Attention does not know order
#
# Look at the formula again: where in it does the *place* of a step stand? Nowhere. A step is found by what it is, not by where it is. Exchange
# the steps, and the answers are exchanged along, but not one number in them changes. To attention "the dog bites the man" and "the
# man bites the dog" are one and the same. Mathematicians say it is *equivariant* to permutations.

# %%
words = ["the", "dog", "bites", "the", "man"]
vectors = {word: random.normal(size=16) for word in words}
order = [0, 4, 2, 3, 1]
sentence = np.array([vectors[word] for word in words])  # (5, 16)
print(*words, "/", *(words[step] for step in order))
ours = multi_head(sentence, matrices, heads=4)
exchanged = multi_head(sentence[order], matrices, heads=4)
expect("exchanged in, exchanged out", exchanged, equals=ours[order], tolerance=1e-9)
expect("the mean does not notice", exchanged.mean(axis=0), equals=ours.mean(axis=0), tolerance=1e-9)


# %% [markdown]
# So we must write the place into the step. Adding the number of the step will not do: it grows without bound. Write it as a clock
# does: a second hand, a minute hand, an hour hand, each turning more slowly than the one before. **Sinusoidal positions** are the hands of
# $d/2$ clocks, added to the vector of the step:
#
# $$P_{t,\,2i} = \sin(\omega_i t), \qquad P_{t,\,2i+1} = \cos(\omega_i t), \qquad \omega_i = 10000^{-2i/d}$$
#
# * $t$ is the place, counted from 0; $i$ numbers the clocks, from 0 to $d/2-1$,
# * $\omega_i$ is how far hand $i$ turns in one step, in radians: 1 for the fastest, nearly $1/10000$ for the slowest.
#
# How alike are two places? Their dot product is a sum of $\sin\omega t\,\sin\omega t' + \cos\omega t\,\cos\omega t' = \cos\omega(t-t')$. It
# depends on the *distance* alone.

# %%
import keras_hub

angles = np.arange(64)[:, np.newaxis] * 10_000.0 ** (-np.arange(0, 32, 2) / 32)  # (64, 16)
places = np.stack([np.sin(angles), np.cos(angles)], axis=-1).reshape(64, 32)  # side by side: (64, 32)
expect("bmkit.scratch", scratch.sinusoidal_positions(64, 32), equals=places, tolerance=1e-9)
hub = keras_hub.layers.SinePositionEncoding()(np.zeros((1, 64, 32), "float32"))[0]
expect("KerasHub", hub, equals=places, tolerance=1e-5)
alike = places @ places.T  # (64, 64)
by_distance = [np.ptp(np.diagonal(alike, offset)) for offset in range(64)]
expect("same distance, same likeness, to within", max(by_distance), at_most=1e-9)
figure, row = plot.subplots(1, 2, figsize=(8.0, 3.0))
for axes, picture, name in zip(row, (places.T, alike), ("number of the vector", "place")):
    axes.imshow(picture, aspect="auto", cmap="Greys")
    axes.set(xlabel="place (t)", ylabel=name)
    axes.grid(False)
plot.show(figure)

# %% [markdown]
# *Figure. Left, each place is a column of 32 numbers, dark is 1 and white −1: fast clocks on top, slow ones below. Right, how alike two
# places are: dark along the diagonal, and the same along every parallel to it.*
# <details><summary>In words</summary>Left, 32 rows of stripes; the upper rows change from column to column, the lower ones, in
# turn grey (sine near 0) and black (cosine near 1), hardly at all. Right, a square with a dark diagonal that fades symmetrically to both sides.</details><br>
#
# One thing is not perfect. The place is added *before* queries and keys are made, and $W_Q$ and $W_K$ mix it with the meaning: the score of
# two words three steps apart still depends on where in the text they stand. **Rotary positions** (RoPE) come afterwards. They take
# the numbers of a query or key in pairs and *turn* each pair, like a hand, by $\omega_i t$:
#
# $$a' = a\,\cos\omega_i t - b\,\sin\omega_i t, \qquad b' = a\,\sin\omega_i t + b\,\cos\omega_i t$$
#
# * $(a, b)$ is pair $i$ of the query or key at place $t$, and $(a', b')$ the same pair, turned; values are not turned.
#
# If both arrows of a dot product are turned by the same angle, it does not change; only the *difference* of the turns counts. We take two
# random words, three steps apart, and slide them together along a text.

# %%
def rotary(x, places):
    frequencies = 10_000.0 ** (-np.arange(0, x.shape[-1], 2) / x.shape[-1])
    angles = places[:, np.newaxis] * frequencies  # (places, d / 2)
    a, b = np.split(x, 2, axis=-1)  # pair i: number i and number i + d/2
    turned = a * np.cos(angles) - b * np.sin(angles), a * np.sin(angles) + b * np.cos(angles)
    return np.concatenate(turned, axis=-1)


one, two, to_query, to_key = (random.normal(size=(n, 32)) for n in (1, 1, 32, 32))
t, clocks = np.arange(61), scratch.sinusoidal_positions(64, 32)  # the words stand at t and t + 3
turned = (rotary(one @ to_query, t) * rotary(two @ to_key, t + 3)).sum(axis=-1)  # (61,)
added = (((one + clocks[t]) @ to_query) * ((two + clocks[t + 3]) @ to_key)).sum(axis=-1)
block = random.normal(size=(1, 16, 32))
ours = rotary(block[0], np.arange(16))
expect("bmkit.scratch", scratch.rotary(block[0]), equals=ours, tolerance=1e-9)
hub = keras_hub.layers.RotaryEmbedding()(block.astype("float32"))[0]
expect("KerasHub", hub, equals=ours, tolerance=1e-5)

# %%
figure, (left, right) = plot.subplots(1, 2, figsize=(8.0, 2.9), width_ratios=(1, 2))
for place, shade in zip(range(6), np.linspace(0.8, 0, 6)):
    hand = rotary(np.array([[1.0, 0.0]]), np.array([place]))[0]
    left.annotate("", hand, (0, 0), arrowprops={"arrowstyle": "-|>", "color": str(shade)})
    left.text(*(1.15 * hand), place, ha="center", va="center")
left.set(xlim=(-1.3, 1.3), ylim=(-1.3, 1.3), aspect="equal", title="one pair, places 0 to 5")
left.axis("off")
right.plot(t, added / np.sqrt(32), label="positions added")
right.plot(t, turned / np.sqrt(32), label="rotary")
right.set(xlabel="place of the first word", ylabel="score")
right.legend(fontsize=9)
plot.show(figure)
expect("rotary: largest change of the score along the text", np.ptp(turned), at_most=1e-9)
expect("added: largest change of the score along the text", np.ptp(added) / np.sqrt(32), at_least=20)

# %% [markdown]
# *Figure. Left, a pair of numbers turns by the same angle with each place. Right, two words that keep their distance: with rotary
# positions their score is the same everywhere.*
# <details><summary>In words</summary>Left, six arrows of equal length from light to dark, turned counter-clockwise by 57 degrees each.
# Right, over places 0 to 60, a wavy solid line for added positions and a level dashed line for rotary ones.</details><br>
#
# ## Order at work: digits, row by row
#
# Does it matter in practice? [Chapter 03](03_language_vision_speech.ipynb) read a digit as 28 steps, each a row of 28 pixels, and a model
# blind to order stayed far behind. Now the rows may look at one another: four heads, the shortcut from
# [chapter 09](09_model_building_and_initialization.ipynb), a dense layer, the mean of all rows, logits. `LayerNormalization` keeps each
# step's numbers on one scale; chapter 16 takes it apart. We train it with positions and without. Guess the gap. Baselines: the most
# frequent digit, and the nearest training picture.

# %%
def row_reader(with_positions):
    x = inputs = keras.Input((28, 28, 1))
    x = keras.layers.Dense(64)(keras.layers.Reshape((28, 28))(x))  # (batch, 28, 64)
    if with_positions:
        x = x + scratch.sinusoidal_positions(28, 64).astype("float32")
    layer = keras.layers.MultiHeadAttention(num_heads=4, key_dim=16)
    looked, weights = layer(x, x, return_attention_scores=True)  # (batch, 4, 28, 28)
    x = keras.layers.LayerNormalization()(x + looked)
    x = keras.layers.Dense(128, activation="relu")(x)
    logits = keras.layers.Dense(10)(keras.layers.GlobalAveragePooling1D()(x))
    return keras.Model(inputs, logits), keras.Model(inputs, weights)


digits = data.load("mnist_5k", batch_size=64)
known, pictures = digits.arrays("train"), digits.arrays("validation")

# %%
from sklearn.neighbors import KNeighborsClassifier

nearest = KNeighborsClassifier(1).fit(known[0].reshape(-1, 784), known[1])
right = {"most frequent": np.mean(pictures[1] == np.bincount(known[1]).argmax())}
right["nearest picture"] = nearest.score(pictures[0].reshape(-1, 784), pictures[1])
row_readers, rows_look = {}, {}
for name in ("with positions", "without positions"):
    row_readers[name], rows_look[name] = row_reader(name == "with positions")
    shrinking = keras.optimizers.schedules.CosineDecay(0.006, 5 * len(digits.train))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    row_readers[name].compile(keras.optimizers.Adam(shrinking), loss, metrics=["accuracy"])
    train.fit(row_readers[name], digits.train, digits.validation, epochs=5)
    right[name] = train.evaluate(row_readers[name], digits.validation)["accuracy"]
# %% [markdown]
# The network is the same, with the same number of parameters; only one of the two was told where each row stands. Now the look itself. Choose a digit
# and a row, and see which rows each of the four heads looks at on behalf of that row.

# %%
gap = {name: right["with positions"] - share for name, share in right.items()}
expect("with positions, lead over the most frequent digit", gap["most frequent"], at_least=0.75)
expect("with positions, lead over without", gap["without positions"], at_least=0.08)
lead = gap["nearest picture"]
expect("with positions, lead over the nearest picture", lead, at_least=-0.07, at_most=0.05)
shown = pictures[0][:12]
looks = np.array(rows_look["with positions"](shown))  # (12, 4, 28, 28)


def draw(digit, row):
    return diagrams.looks_of_a_row(shown[digit, ..., 0], looks[digit], row)


plot.explore(draw, start={"digit": 4, "row": 8}, digit=range(12), row=range(28))

# %% [markdown]
# *Figure. A digit with one row framed, and how much weight each of four heads gives to each row on behalf of that row.*
# <details><summary>In words</summary>Left, a handwritten digit in white on black with a frame around row 8. Beside it, four charts
# with one level bar for each of the 28 rows; each head has its long bars at other rows.</details><br>
#
# Without positions the network cannot tell a digit from the same digit with its rows shuffled. With them it reads about as well as the
# nearest picture, no better: digits do not *need* attention, but on them one can see what it does.
#
# ## A map of a text, and what it proves
#
# Words are easier to judge. Was a review meant kindly? One learned query $u$, the same for every review, asks all words of the
# review, and the answer is their weighted mean:
#
# $$a_t = \mathrm{softmax}_t\big(c\; k_t\cdot u\big), \qquad z = \sum_t a_t\, v_t, \qquad k_t = e_t W_K,\; v_t = e_t W_V + b$$
#
# * $e_t$ is the embedding of word $t$, and $a_t$ how much the network looks at it; filling is masked,
# * $c$ is fixed and sets how sharp the look can easily get: $c=0$ is the plain mean, $c=1/\sqrt d$ the usual scale, $c=1$ no scale.
#
# Words become numbers as in [chapter 03](03_language_vision_speech.ipynb); a Keras layer does it here. Baselines: the most frequent verdict,
# and word counts weighted by rarity with logistic regression.

# %%
foods, wide = data.load("small_fine_foods"), keras.initializers.RandomNormal(stddev=1.0)
(texts, liked), (unseen, truth) = foods.arrays("train"), foods.arrays("validation")
encode = keras.layers.TextVectorization(5000, output_sequence_length=100)  # 0 is filling
encode.adapt(texts.astype(str))
known, fresh = (np.array(encode(part.astype(str))) for part in (texts, unseen))  # (n, 100)


def review_reader(sharpness):
    words = keras.Input((100,), dtype="int32")
    embedded = keras.layers.Dropout(0.5)(keras.layers.Embedding(5000, 64)(words))
    key, value = keras.layers.Dense(64, use_bias=False)(embedded), keras.layers.Dense(64)(embedded)
    query = keras.layers.Dense(1, use_bias=False, kernel_initializer=wide)  # its kernel is u
    weights = keras.layers.Softmax()(sharpness * query(key)[..., 0], mask=words != 0)  # (batch, 100)
    logits = keras.layers.Dense(2)(keras.ops.einsum("nt,ntf->nf", weights, value))
    return keras.Model(words, logits), keras.Model(words, weights)

# %%
from sklearn import feature_extraction, linear_model, pipeline

tfidf = feature_extraction.text.TfidfVectorizer(min_df=3)
counting = pipeline.make_pipeline(tfidf, linear_model.LogisticRegression(max_iter=1000))
counting.fit(texts, liked)
score = {"most frequent": np.mean(truth == np.bincount(liked).argmax())}
readers, maps = {}, {}
for name, sharpness in (("mean", 0.0), ("soft", 1 / 8), ("sharp", 1.0)):
    readers[name], look = review_reader(sharpness)
    shrinking = keras.optimizers.schedules.CosineDecay(0.005, 2 * (len(liked) // 32 + 1))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    readers[name].compile(keras.optimizers.Adam(shrinking), loss, metrics=["accuracy"])
    train.fit(readers[name], (known, liked), (fresh, truth), epochs=2)
    score[name] = train.evaluate(readers[name], (fresh, truth))["accuracy"]
    maps[name] = np.array(look(fresh)).astype(float)  # (400, 100)

# %%
vocabulary, lengths = encode.get_vocabulary(), (fresh > 0).sum(axis=1)
for name, (least, most) in {"mean": (0.99, 1.01), "soft": (0.75, 0.99), "sharp": (0.01, 0.33)}.items():
    lead = score[name] - score["most frequent"]
    expect(f"{name}: lead over the most frequent verdict", lead, at_least=0.06)
    behind = counting.score(unseen, truth) - score[name]
    expect("    word counts minus network", behind, at_least=-0.05, at_most=0.1)
    share = np.median(effective_keys(maps[name]) / lengths)
    expect("    median share of words in use", share, at_least=least, at_most=most)


def draw(network, review):
    words = [vocabulary[token] for token in fresh[review, : lengths[review]]]
    return diagrams.shaded_words(words, maps[network][review, : len(words)])


chosen = [3, 7, 11, 26, 40, 58, 77]
plot.explore(draw, start={"network": "sharp", "review": 7}, network=list(readers), review=chosen)

# %% [markdown]
# *Figure. A real review; the darker a word, the more the network looks at it. [UNK] is a word outside the vocabulary. Choose another
# network or another review.*
# <details><summary>In words</summary>A short text of several lines. A few words stand on black or dark grey, most on white.</details><br>
#
# First the honest news. All three clearly beat the most frequent verdict, but the plain mean does about as well as the soft look, and counting
# words does as well as both. For a verdict on a whole review little needs to be looked up. Still, two of the networks *did* learn to look. The
# effective number of words, our measure from above, tells how narrowly: soft still uses most of a review, sharp less than a third.
#
# Such pictures persuade. One is tempted to say: *it decided so because of these words*. But a picture is no proof. A claim
# about causes needs an experiment: **take the word away** and see whether the answer moves. Our measure is the change of the log-odds, the
# difference of the two logits; for comparison we take away a random word of the same review. Then two harder questions. Is the darkest
# word the one that matters **most**? (We take away every word of 100 reviews in turn.) And does **another network**, nearly as good, point
# at the same word?

# %%
def log_odds(name, rows):
    parts = [readers[name](part) for part in np.split(rows, len(rows) // 400)]
    return np.diff(np.concatenate(parts), axis=1)[:, 0]


def effect(name, rows, places):
    fewer = rows.copy()
    fewer[np.arange(len(rows)), places] = 0  # the mask takes the word out
    return np.abs(log_odds(name, fewer) - log_odds(name, rows))


moved = {}
for name in ("soft", "sharp"):
    moved[name, "most looked at"] = effect(name, fresh, maps[name].argmax(axis=1))
    moved[name, "random word"] = effect(name, fresh, random.integers(0, lengths))
    ratio = moved[name, "most looked at"].mean() / moved[name, "random word"].mean()
    expect(f"{name}: effect of the darkest word over a random one", ratio, at_least=3)

# %%
some = np.repeat(fresh[:100], 100, axis=0)  # (10000, 100): each review 100 times
each = effect("soft", some, np.tile(np.arange(100), 100)).reshape(100, 100)  # (reviews, words)
same = np.mean(each.argmax(axis=1) == maps["soft"][:100].argmax(axis=1))
expect("soft: reviews whose darkest word matters most", same, at_least=0.5, at_most=0.95)
agree = np.mean(maps["soft"].argmax(axis=1) == maps["sharp"].argmax(axis=1))
expect("reviews in which soft and sharp agree on the darkest word", agree, at_least=0.25, at_most=0.75)
figure, row = plot.subplots(1, 2, figsize=(8.2, 2.9))
for axes, name in zip(row, ("soft", "sharp")):
    for label, hatch, color in (("most looked at", "", plot.COLORS[4]), ("random word", "//", "white")):
        style = {"alpha": 0.8, "edgecolor": "black", "hatch": hatch, "color": color, "label": label}
        axes.hist(np.clip(moved[name, label], 0, 2.5), np.linspace(0, 2.5, 26), **style)
    axes.set(xlabel="change of the log-odds (nats)", ylabel="reviews", title=f"{name} network")
row[1].legend(fontsize=9)
plot.show(figure)

# %% [markdown]
# *Figure. How far the answer moves when one word is taken away: the word most looked at (filled) against a random word (hatched). The
# last bar holds everything beyond.*
# <details><summary>In words</summary>Two pairs of histograms of 400 reviews. In both, the hatched one stands at the left end near zero, and the
# filled one stretches to the right.</details><br>
#
# So the map is not idle: its darkest word moves the answer several times as much as a random one. But it is no explanation either.
# In some reviews another word matters more than the darkest one, and two networks of nearly the same accuracy often point at different words.
# A map shows **where a network looked**. Why it answered as it did is another question, because what a looked-at word *says* (its value)
# counts too, and because several looks can lead to the same answer. And this was the easy case, one layer with one query. In a deep network
# each "word" of the upper layers is a mixture already. Use maps to get ideas; test the ideas by experiment. Chapter 40 returns to it.
#
# ## The test, once
#
# We chose nothing on the test sets. Now they are opened: digits with positions and without, and the network for reviews with the usual scale.

# %%
on_test = {name: train.evaluate(model, digits.test)["accuracy"] for name, model in row_readers.items()}
expect("digits, test accuracy with positions", on_test["with positions"], at_least=0.86)
lead = on_test["with positions"] - on_test["without positions"]
expect("digits, lead over no positions", lead, at_least=0.08)
new, verdicts = foods.arrays("test")
soft = train.evaluate(readers["soft"], (np.array(encode(new.astype(str))), verdicts))["accuracy"]
expect("reviews, test accuracy of the soft network", soft, at_least=0.73)
behind = counting.score(new, verdicts) - soft
expect("reviews, word counts minus soft network", behind, at_least=-0.05, at_most=0.06)

# %% [markdown]
# ## What it costs
#
# Every step looks at every step: $n$ steps make $n^2$ scores. A recurrent network does the same work at each step, so $n$ times as much
# for $n$ steps. We let the machine count: run both with a product that keeps a tally of its multiplications (each comes with one
# addition). Width $d$ everywhere, one head; the softmax and the gates themselves are small change.


# %%
def product(a, b, tally):
    tally.append(a.size * b.shape[-1])  # one multiply-add for each number of a and column of b
    return a @ b


def run_attention(x, matrices, tally):
    q, k, v = (product(x, matrix, tally) for matrix in matrices[:3])  # 3 · n d²
    weights = scratch.softmax(product(q, k.T, tally) / np.sqrt(x.shape[1]))  # n² d
    return product(product(weights, v, tally), matrices[3], tally)  # n² d + n d²


def run_lstm(x, kernel, recurrent_kernel, tally):
    h, c = np.zeros((1, x.shape[1])), np.zeros((1, x.shape[1]))
    for step in x[:, np.newaxis]:  # n times 8 d²: four gates, from input and state
        z = product(step, kernel, tally) + product(h, recurrent_kernel, tally)
        i, f, g, o = np.split(z, 4, axis=1)
        c = scratch.sigmoid(f) * c + scratch.sigmoid(i) * np.tanh(g)
        h = scratch.sigmoid(o) * np.tanh(c)
    return h

# %%
d, tried, work = 16, range(50, 300, 50), {"attention": [], "LSTM": []}
square, wide = random.normal(size=(4, d, d)), random.normal(size=(2, d, 4 * d))
for n in tried:
    x, tallies = random.normal(size=(n, d)), ([], [])
    run_attention(x, square, tallies[0])
    run_lstm(x, *wide, tallies[1])
    for name, tally in zip(work, tallies):
        work[name].append(sum(tally))
counts = {"attention": scratch.attention_multiply_adds}
counts["LSTM"] = lambda n, d: scratch.lstm_multiply_adds(n, d, d)
for (name, count), bend in zip(counts.items(), (4 * d * 50**2, 0)):
    expect(f"{name}, bmkit.scratch", [count(n, d) for n in tried], equals=work[name])
    expect("    second differences, all three", np.diff(work[name], 2), equals=np.full(3, bend))
expect("at n = 2d an LSTM counts", counts["LSTM"](2 * d, d), equals=counts["attention"](2 * d, d))

# %% [markdown]
# The tally gives exactly
#
# $$\mathrm{attention}(n) = 2\,n^2 d + 4\,n\,d^2, \qquad \mathrm{LSTM}(n) = 8\,n\,d^2$$
#
# * $n$ is the number of steps, $d$ the width; $2n^2d$ is the looking (scores and means), $4nd^2$ the four matrices,
# * taken at evenly spaced lengths, the differences of the differences are all the same number: above zero for a **square** law, zero for
#   a **straight line**.
#
# Which part of attention weighs more, the looking or the matrices, depends on the length *and* the width.
#
# ### Exercise 3 · Predict, then run
#
# Attention of **width 512**. **At which length $n$ do the looking and the four matrices cost the same?** *Two minutes; expected: an
# integer.*

# %%
crossing = ...
ch15.crossing.check(crossing)

# %%
import timeit

import tensorflow as tf

layer, cell = keras.layers.MultiHeadAttention(num_heads=4, key_dim=32), keras.layers.LSTM(128)
calls = {"attention": tf.function(lambda x: layer(x, x)), "LSTM": tf.function(cell)}
figure, (left, right) = plot.subplots(1, 2, figsize=(8.2, 3.1))
long = [128, 256, 512, 1024, 2048]
for (name, call), marker in zip(calls.items(), "os"):
    names = [{"call": call, "x": tf.random.normal((1, n, 128))} for n in long]
    runs = [timeit.repeat("call(x)", globals=these, number=1, repeat=4) for these in names]
    left.semilogx(long, [counts[name](n, 128) / 1e6 for n in long], marker=marker, base=2)
    right.semilogx(long, 1000 * np.min(runs, axis=1), marker=marker, base=2)
left.set(xlabel="length (steps)", ylabel="multiply-adds (millions)", yscale="log", title="counted")
right.set(xlabel="length (steps)", ylabel="time (ms)", yscale="log", title="measured, here")
left.legend(["attention", "LSTM"])
plot.show(figure)

# %% [markdown]
# *Figure. Left, counted: the LSTM is a straight line of slope 1, attention bends towards slope 2; they cross at 256, twice the width.
# Right, seconds measured when this page was made.*
# <details><summary>In words</summary>Two charts with logarithmic axes over lengths from 128 to 2048. Left, the dashed line of the LSTM
# and the solid one of attention cross at 256; at 2048 attention is above. Right, measured times of both, rising with the
# length.</details><br>
#
# Below $n = 2d$ the matrices dominate, and attention even needs *fewer* multiplications than an LSTM. Above it the square takes over:
# for long texts twice the length is nearly four times the work, and the map itself, $n^2$ numbers for each head, fills the memory. Seconds tell one thing
# more. The LSTM must wait for step 1 before it can begin step 2; attention does all steps at once, in a few large products, which is what
# processors, and graphics cards above all, do best. That, as much as anything, is why it displaced recurrence.
#
# ## Summary
#
# * Attention is a soft look-up: queries against keys by dot product, softmax to weights, weighted mean of values, in NumPy as in Keras.
# * Scores grow with $\sqrt d$; undivided, the softmax saturates and no gradient passes.
# * A mask acts on the scores, before the softmax. A forgotten one raises no error; test it by changing what must not matter.
# * Several heads look in several ways, with the parameters of one: $4(d^2+d)$.
# * Attention is blind to order. Sinusoidal positions are added; rotary ones turn queries and keys, so that only distance counts.
# * A map shows where a network looked. Whether that mattered, only an experiment tells.
# * The work is $2n^2d + 4nd^2$, quadratic in the length; an LSTM's is linear, but step by step.
#
# **Ask yourself**
#
# <details><summary>Why is the softmax along the row, not along the column?</summary>A row belongs to one query: its weights must sum to 1,
# so that the answer is a mean. A key may be looked at by everybody, or by nobody.</details>
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
# * A. Vaswani et al. (2017), Attention is all you need. [arXiv](https://arxiv.org/abs/1706.03762)
# * J. Su et al. (2021), RoFormer: enhanced Transformer with rotary position embedding. [arXiv](https://arxiv.org/abs/2104.09864)
# * S. Jain, B. C. Wallace (2019), Attention is not explanation. [ACL](https://aclanthology.org/N19-1357/)
# * S. Wiegreffe, Y. Pinter (2019), Attention is not not explanation. [ACL](https://aclanthology.org/D19-1002/)
