# %% [markdown]
# # 16 · The Transformer
#
# **After this you can** build a Transformer block by block, say what its shortcuts and norms are for, train an encoder and a decoder that read seven languages, look at what the decoder reads while it writes, find what the network has not learned, and prove why a state of fixed size must fail where attention does not
#
# **Time** 50 min to read, 100 min to teach, 60 s to run
#
# **Before** [15 · Attention](15_attention.ipynb)
#
# **Data** dates (16,800 days written in seven languages, Unicode License v3)

# %%
from bmkit import data, diagrams, generate, layers, models, plot, scratch, train
from bmkit.check import expect
from bmkit.exercises import ch16
import keras
import numpy as np
train.seed(0)

# %% [markdown]
# ## One machine that reads, one that writes
#
# *12 juin 1931*, *1931年6月12日*, *12 июн. 1931 г.* and *June 12, 1931* are the same day. A computer wants it as `1931-06-12`. This is a small
# translation, and it has what makes translation hard: the order of the parts changes, some parts are copied and some looked up, some
# words say nothing (the weekday), and the answer is as long as it wants to be, whatever the length of the question.
#
# So two machines are needed. The **encoder** reads the whole source and makes one vector of each of its characters. The **decoder**
# writes the answer from left to right. It looks at two things: at what it has written so far, and, by cross-attention ([chapter
# 15](15_attention.ipynb)), at the vectors of the encoder. Both are towers of the same **block**. That is the Transformer.

# %%
plot.show(diagrams.encoder_decoder("12 juin\n1931", "1931-0", "next:\n6"))
dates = data.load("dates")
(known, known_iso), (fresh, fresh_iso) = dates.arrays("train"), dates.arrays("validation")
languages = sorted(set(known["language"]))
for language in languages:
    row = int(np.argmax(known["language"] == language))
    print(language, "·", known["text"][row], "→", known_iso[row])
expect("days that stand in train and in validation", len(set(known_iso) & set(fresh_iso)), equals=0)

# %% [markdown]
# *Figure. A Transformer with one block on each side. Grey boxes look at other steps, white ones work on each step alone; arcs are
# shortcuts.*
# <details><summary>In words</summary>Above, the encoder: "12 juin 1931", embedding, attention, plus, perceptron, plus. Below, the decoder:
# "1931-0", embedding, causal attention, plus, cross-attention, plus, perceptron, plus, "next: 6". Arcs lead from before each attention or
# perceptron to the plus behind it. An arrow leads from the encoder's end to the cross-attention.</details><br>
#
# ## The block
#
# A block has two parts, and they share the work. **Attention gathers**: each step fetches what it needs from other steps. The **perceptron
# thinks**: two dense layers work on what is there, for each step alone, with the same weights for every step. And neither part
# *replaces* a step. Each adds a change to it:
#
# $$y = x + \mathrm{attention}\big(\mathrm{norm}(x)\big), \qquad z = y + \mathrm{perceptron}\big(\mathrm{norm}(y)\big)$$
#
# $$\mathrm{norm}(x) = \gamma\,\frac{x-\mu}{\sqrt{\sigma^2+\varepsilon}} + \beta, \qquad \mathrm{perceptron}(x) = \mathrm{gelu}(x W_1 + b_1)\,W_2 + b_2$$
#
# * $x$, $y$, $z$ have shape $(n, d)$: $n$ steps of $d$ numbers; a block gives back the shape it was given,
# * $\mu$ and $\sigma^2$ are mean and variance of the $d$ numbers of *one* step; $\gamma$ and $\beta$, $d$ numbers each, are learned; $\varepsilon = 10^{-5}$,
# * $W_1$ has shape $(d, 4d)$ and $W_2$ shape $(4d, d)$, with biases of $4d$ and $d$ numbers,
# * $\mathrm{gelu}(a) \approx a\,\Phi(a)$, where $\Phi$ is the share of the bell curve below $a$: a ReLU with a rounded corner.
#
# This **layer norm** differs from the batch norm of pictures: it asks no other step and no other example. So it does the same in training
# and in use, for one sentence as for a thousand, and filling cannot disturb it.
#
# ### Exercise 1 · The norm of a step
#
# Write `layer_norm(x, epsilon)` with $\gamma=1$ and $\beta=0$: from shape `(…, d)` to the same shape. *Easy, five minutes.*


# %%
def layer_norm(x, epsilon):
    ...


ch16.layer_norm.check(layer_norm)

# %%
def gelu(a):  # as GPT-2 computes it
    return a / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (a + 0.044715 * a**3)))


def block(x, attention, perceptron, norms, mask=None):
    (scale, shift), (scale2, shift2) = norms
    normed = scratch.layer_norm(x, scale, shift, 1e-5)
    looked, _ = scratch.multi_head_attention(normed, attention, mask)
    y = x + looked  # (batch, n, d)
    inside = scratch.layer_norm(y, scale2, shift2, 1e-5) @ perceptron[0] + perceptron[1]
    inside = gelu(inside)  # (batch, n, 4d)
    return y + inside @ perceptron[2] + perceptron[3]  # (batch, n, d)

# %% [markdown]
# The same block out of Keras' own layers, and `layers.TransformerBlock`, which later chapters use, with the same weights. All of them are
# drawn at random here, biases, scales and shifts too, so that a forgotten one would be noticed.

# %%
random = np.random.default_rng(0)
x = random.normal(size=(2, 7, 64)).astype("float32")
look = keras.layers.MultiHeadAttention(num_heads=4, key_dim=16)
norm1, norm2 = (keras.layers.LayerNormalization(epsilon=1e-5) for _ in range(2))
think = keras.Sequential([keras.layers.Dense(256), keras.layers.Dense(64)])
parts, triangle = (look, norm1, norm2, think), scratch.causal_mask(7)
for part in parts:
    part.build(x.shape, x.shape) if part is look else part.build(x.shape)
    part.set_weights([random.normal(scale=0.3, size=w.shape) for w in part.get_weights()])
y = x + look(norm1(x), norm1(x), use_causal_mask=True)
inside = keras.activations.gelu(think.layers[0](norm2(y)), approximate=True)
keras_block = y + think.layers[1](inside)

# %%
given = look.get_weights(), think.get_weights(), [norm1.get_weights(), norm2.get_weights()]
ours = block(x, *given, mask=triangle)
expect("Keras' own layers", keras_block, equals=ours, tolerance=1e-4)
theirs = scratch.transformer_block(x, *given, mask=triangle)
expect("bmkit.scratch", theirs, equals=ours, tolerance=1e-9)
ready = layers.TransformerBlock(num_heads=4, causal=True)
ready(x)  # makes its weights: the same numbers, each head's matrices side by side
order = [*given[0], *given[2][0], *given[2][1], *given[1]]
ready.set_weights([new.reshape(old.shape) for new, old in zip(order, ready.get_weights(), strict=True)])
expect("layers.TransformerBlock", ready(x), equals=ours, tolerance=1e-4)

# %% [markdown]
# ### Exercise 2 · Predict, then run
#
# **How many parameters has this block of width $d = 64$?** Attention has $4(d^2+d)$ ([chapter 15](15_attention.ipynb)); add the
# perceptron and the two norms. *Three minutes; expected: an integer.*

# %%
block_parameters = ...
ch16.block_parameters.check(block_parameters)

# %% [markdown]
# The larger a block is, the less the $13d$ matter, and of the $12d^2$ the perceptron has two thirds. Attention made the Transformer famous; most of
# its numbers are perceptrons, and much of what a large model knows is thought to sit there.
#
# ## What the shortcuts and the norms are for
#
# Leave one out, stack twelve untrained blocks, and see. Two things are measured at each depth:
#
# * the **slope** of an arbitrary loss by the steps at that depth, compared with the slope at the top: does the loss reach the bottom at all,
#   and does it get there in a sensible size?
# * the **likeness** of different steps of one sequence, the mean cosine between them: 0 when they are unrelated, as the random input is; 1
#   when all have become the same vector and nobody can tell them apart any more.
#
# Four ways: neither shortcut nor anything else past the parts; shortcuts without norms; the norm *after* the sum, as in the paper of 2017; the
# norm *first*, as above. Write down which one you expect to fail, and how.

# %%
WAYS = {
    "no shortcut": lambda x, part, norm: part(norm(x)),
    "no norm": lambda x, part, norm: x + part(x),
    "norm after": lambda x, part, norm: norm(x + part(x)),
    "norm first": lambda x, part, norm: x + part(norm(x)),
}


def tower(x, way):
    steps = [x]  # (4, 20, 32) at every depth
    for depth in range(12):
        look = keras.layers.MultiHeadAttention(num_heads=4, key_dim=8)
        think = keras.Sequential([keras.layers.Dense(128, activation="gelu"), keras.layers.Dense(32)])
        for part in (lambda s, look=look: look(s, s), think):
            x = WAYS[way](x, part, keras.layers.LayerNormalization())
        steps.append(x)
    return steps

# %%
import tensorflow as tf


def likeness(steps):
    unit = steps / np.linalg.norm(steps, axis=-1, keepdims=True)
    return np.mean((unit @ unit.swapaxes(1, 2))[:, ~np.eye(20, dtype=bool)])


slopes, alike = {}, {}
start, direction = (tf.constant(random.normal(size=(4, 20, 32)), "float32") for _ in range(2))
for way in WAYS:
    with tf.GradientTape() as tape:
        tape.watch(start)
        steps = tower(start, way)
        loss = tf.reduce_sum(steps[-1] * direction)  # any loss: what counts is how its slope travels
    size = np.array([np.linalg.norm(slope) for slope in tape.gradient(loss, steps)])
    slopes[way], alike[way] = size / size[-1], [likeness(step.numpy()) for step in steps]

# %%
figure, (left, right) = plot.subplots(1, 2, figsize=(8.6, 3.2))
for way, marker in zip(WAYS, "osv^"):
    left.semilogy(slopes[way], marker=marker, label=way)
    right.plot(alike[way], marker=marker)
left.set(xlabel="depth (blocks)", ylabel="slope, top = 1")
right.set(xlabel="depth (blocks)", ylabel="likeness of steps (cosine)", ylim=(-0.05, 1.05))
figure.legend(loc="outside lower center", ncols=4, fontsize=9)
plot.show(figure)
expect("no shortcut: likeness at the top", alike["no shortcut"][-1], at_least=0.99)
expect("no norm: slope at the bottom", slopes["no norm"][0], at_least=1e4)
expect("norm after: likeness at the top", alike["norm after"][-1], at_least=0.9)
expect("norm first: slope at the bottom", slopes["norm first"][0], at_least=1, at_most=8)
expect("norm first: likeness at the top", alike["norm first"][-1], at_most=0.85)

# %% [markdown]
# *Figure. Twelve untrained blocks. Without shortcuts all steps are the same vector after three blocks; without norms the slope grows more than
# ten thousandfold on its way down; with the norm first both stay in bounds.*
# <details><summary>In words</summary>Left, slopes on a logarithmic axis: without norms the line falls from far above 10,000 at depth 0 to 1
# at the top; the other three stay near 1. Right, likeness from 0 upwards: without shortcuts it is 1 from about depth 3 on, with
# the norm after it approaches 1 slowly, without norms and with the norm first it stays lower.</details><br>
#
# Each part has its own illness to prevent. Attention takes means, and means of means become all alike: without shortcuts the steps melt into
# one, and no training can part what is no longer different. Sums grow, and with them the slopes: without norms the first step of training
# would throw the lower weights out of the window. The norm *after* the sum tames the slopes too, but it shrinks what the shortcut
# brought at every block, and the steps melt slowly. That is why the models of 2017 needed careful warming up, and nearly all since 2019 put the norm
# first.
#
# ## Encoder and decoder
#
# Characters become numbers. For the answers 0 is filling, 1 *start* and 2 *end*; then the digits and the dash.
#
# How does one teach a writer? Let it write, and it goes astray at the third character; what shall it learn from the rest? So in training every
# place is given the *right* beginning and asked for the next character only. This is called **teacher forcing**. The decoder's input is the answer, moved
# one place to the right, and the causal mask keeps each place from seeing its own solution. All places are trained at once, in one pass.
#
# ### Exercise 3 · Moved by one
#
# Write `decoder_input(answers, start)`: from answers `(n, time)`, each ending in *end* and filling, to what the decoder is shown, same
# shape. *Easy, four minutes.*


# %%
def decoder_input(answers, start):
    ...


ch16.decoder_input.check(decoder_input)

# %%
alphabet, digits, START, END = sorted(set("".join(known["text"]))), "0123456789-", 1, 2
number = {letter: place for place, letter in enumerate(alphabet, start=2)}  # 0 is filling, 1 is unknown


def read(texts):
    rows = np.zeros((len(texts), 35), "int32")  # the longest text has 35 characters
    for row, text in zip(rows, texts):
        row[: len(text)] = [number.get(letter, 1) for letter in text]
    return rows


def spell(isos):
    answers = np.array([[*(digits.index(letter) + 3 for letter in iso), END] for iso in isos])
    return answers, np.pad(answers[:, :-1], ((0, 0), (1, 0)), constant_values=START)


(answers, shown), (fresh_answers, fresh_shown) = spell(known_iso), spell(fresh_iso)
print(len(alphabet), "different characters;", known["text"][0], "is", known_iso[0])
print("answer", answers[0], "and what the decoder is shown", shown[0])

# %% [markdown]
# Now the whole machine, from the layers that you know. Positions are rotary: queries and keys turn by their place, so only the distance
# counts. In cross-attention nothing turns; places in a source and in an answer have no common ruler.

# %%
def build(source_kinds, target_kinds, width=32, heads=4):
    source, written = (keras.Input((None,), dtype="int32") for _ in range(2))
    x = layers.TokenAndPosition(source_kinds, width, positions="rotary")(source)  # (batch, n, d)
    real = keras.ops.not_equal(source, 0)
    x = layers.TransformerBlock(heads, rotary=True)(x, padding_mask=real)
    x = keras.layers.LayerNormalization(epsilon=1e-5)(x)  # what leaves a tower is normed once more
    y = layers.TokenAndPosition(target_kinds, width, positions="rotary")(written)  # (batch, m, d)
    writer = layers.TransformerBlock(heads, causal=True, cross=True, rotary=True)
    y = writer(y, context=x, context_mask=real)
    y = keras.layers.LayerNormalization(epsilon=1e-5)(y)
    logits = keras.layers.Dense(target_kinds)(y)  # (batch, m, kinds)
    return keras.Model([source, written], logits)


kinds = len(alphabet) + 2, len(digits) + 3
mine, reader = build(*kinds), models.transformer(*kinds, width=32, depth=1, positions="rotary")
reader.set_weights(mine.get_weights())

# %%
few = [read(fresh["text"][:8]), fresh_shown[:8]]
logits = np.array(mine(few))  # (8, 11, 14)
encoder = next(layer for layer in mine.layers if isinstance(layer, layers.TransformerBlock))
counted = scratch.transformer_block_parameters(32)  # 12 d² + 13 d
expect("parameters of the encoder's block", encoder.count_params(), equals=counted)
expect("models.transformer", reader(few), equals=logits, tolerance=1e-5)
longer = [np.pad(few[0], ((0, 0), (0, 20))), few[1]]
expect("more filling changes nothing", mine(longer), equals=logits, tolerance=1e-4)
later = few[1].copy()
later[:, 6:] = 3  # another ending
changed = np.abs(np.array(mine([few[0], later])) - logits).max(axis=(0, 2)) > 1e-4  # (11,)
expect("first place that notices another ending from place 6 on", int(changed.argmax()), equals=6)

# %% [markdown]
# Nothing leaks. Now the rivals.
#
# * A **rule**, written by a person: the longest number is the year; if two others are left, they are month and day; else the one left is the
#   day, and the month is told by the word that goes with one month most faithfully in the training data.
# * A **recurrent pair** of the same size, trained on the same examples as often: one LSTM ([chapter 13](13_rnn_text.ipynb)) reads, and
#   another starts from its last state and writes. All that the writer knows of the source is that one state.

# %%
import collections
import re

months = collections.defaultdict(collections.Counter)  # from each word to the months it came with
for text, iso in zip(known["text"], known_iso):
    for word in re.findall(r"[^\W\d]+", text):
        months[word][iso[5:7]] += 1


def rule(text):
    numbers = re.findall(r"\d+", text)
    year = max(numbers, key=len)
    *month, day = (found for found in numbers if found != year)
    if not month:
        words = [months[word] for word in re.findall(r"[^\W\d]+", text)]
        likely = max(words, key=lambda seen: max(seen.values(), default=0) / (seen.total() or 1))
        month = [likely.most_common(1)[0][0]]
    return f"{year}-{int(month[0]):02}-{int(day):02}"

# %%
pair = models.rnn_encoder_decoder(*kinds, cell="lstm", width=32, units=46)
ratio = pair.count_params() / reader.count_params()
expect("parameters of the recurrent pair over the Transformer's", ratio, at_least=0.95, at_most=1.05)
rivals, curves = {"recurrent pair": pair, "Transformer": reader}, {}
known_rows = (read(known["text"]), shown), answers
fresh_rows = (read(fresh["text"]), fresh_shown), fresh_answers
rows = [tf.data.Dataset.from_tensor_slices(part) for part in (known_rows, fresh_rows)]
steps = 2 * len(rows[0]) // 52
for name, model in rivals.items():
    wave = {"warmup_target": 0.012, "warmup_steps": 100}
    rate = keras.optimizers.schedules.CosineDecay(0.0, steps - 100, **wave)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(rate), loss, metrics=["accuracy"])
    curves[name] = train.fit(model, rows[0].shuffle(12_600).batch(52), rows[1].batch(200), epochs=2)

# %% [markdown]
# The rate climbs from 0 for the first hundred steps and then falls to 0 in a half wave: Adam's averages are no good before they have seen
# some steps. Now both must *write*, without a teacher: `generate.translate` gives the decoder its own last character back, until it writes *end*. An
# answer counts only if every character is right.

# %%
def exact(name, texts, isos):
    if name == "rule":
        return np.array([rule(text) == iso for text, iso in zip(texts, isos)])
    written = generate.translate(rivals[name], read(texts), start=START, end=END, length=11)
    return (written == spell(isos)[0]).all(axis=1)


right = {name: exact(name, fresh["text"], fresh_iso) for name in ("rule", *rivals)}
figure, axes = plot.subplots(figsize=(7.6, 3.0))
for place, (name, hatch) in enumerate(zip(right, ("", "//", ".."))):
    shares = [right[name][fresh["language"] == language].mean() for language in languages]
    style = {"hatch": hatch, "edgecolor": "black", "color": plot.COLORS[[4, 1, 0][place]]}
    axes.bar(np.arange(7) + 0.28 * (place - 1), shares, 0.26, label=name, **style)
axes.set(xlabel="language", ylabel="whole dates right (share)", ylim=(0, 1.02))
axes.set_xticks(range(7), languages)
figure.legend(loc="outside lower center", ncols=3, fontsize=9)
plot.show(figure)

# %% [markdown]
# *Figure. Whole dates right on validation days, by language. The recurrent pair misses more than a quarter.*
# <details><summary>In words</summary>Seven groups of three bars, de, en, es, fr, ja, ru, zh. The bars of the rule and of the Transformer
# reach almost or fully to 1 in each language; those of the recurrent pair stand between about a third and two thirds.</details><br>

# %%
by_language = [right["Transformer"][fresh["language"] == language].mean() for language in languages]
expect("Transformer, whole dates", right["Transformer"].mean(), at_least=0.96)
expect("    in the worst language", min(by_language), at_least=0.92)
expect("rule, whole dates", right["rule"].mean(), at_least=0.995)
expect("recurrent pair, whole dates", right["recurrent pair"].mean(), at_least=0.3, at_most=0.7)
characters = curves["recurrent pair"]["val_accuracy"]
expect("    single characters with a teacher", characters[-1], at_least=0.9, at_most=0.98)
expect("    gain of the second round over the first", characters[1] - characters[0], at_least=0.02)

# %% [markdown]
# Be honest about the rule: ten lines of ordinary code are as good or better. Where you can write down how a thing is done, do so. But they
# were written by somebody who knows what a month is. The Transformer was told nothing, not even that there are seven languages; to add
# the eighth, one adds examples. And nobody has such a rule for sentences.
#
# The recurrent pair gets nearly every single character, and yet misses more than a quarter of the dates: ten characters in a row must
# *all* be right, and $0.95^{10}$ is 0.60. It is not unable, for it was still getting better; give it more rounds and see. But all that it read must pass
# through one state, and where each part stands in there has to be learned first. Cross-attention simply looks. Watch it. We take the
# decoder's block apart, with the layers it is made of.

# %%
encode = keras.Model(reader.inputs[0], reader.get_layer("encoded").output)
embed = [layer for layer in reader.layers if isinstance(layer, layers.TokenAndPosition)][1]
decoder = [layer for layer in reader.layers if isinstance(layer, layers.TransformerBlock)][1]
western = np.flatnonzero(np.isin(fresh["language"], ["de", "en", "es", "fr", "ru"]))[:30]
source, written = read(fresh["text"][western]), fresh_shown[western]
real, context = (source != 0)[:, np.newaxis], encode(source)
y = embed(written)
y = y + decoder.attention(decoder.norms[0](y), attention_mask=scratch.causal_mask(11)[np.newaxis])
asked = decoder.norms[1](y), context
change, looks = decoder.cross_attention(*asked, attention_mask=real, return_scores=True)
z = y + change  # looks: (30, 4 heads, 11 written, 35 read)
z = z + decoder.contract(gelu(decoder.expand(decoder.norms[2](z))))
whole = decoder(embed(written), context=context, context_mask=source != 0)
expect("the block, taken apart", z, equals=whole, tolerance=1e-4)

# %%
def draw(date):
    text, iso = (part[western[date]] for part in (fresh["text"], fresh_iso))
    figure, axes = plot.subplots(figsize=(8.0, 3.4))
    mean = np.mean(looks[date], axis=0)[:, : len(text)]  # (11, characters)
    axes.imshow(mean, cmap="Greys", vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(range(len(text)), text.replace(" ", "␣"))
    axes.set_yticks(range(11), [*iso, "end"])
    axes.set(xlabel="character read", ylabel="character to write")
    axes.grid(False)
    return figure


plot.explore(draw, start={"date": 3}, date=range(30))

# %% [markdown]
# *Figure. Where the decoder looks in the source before it writes each character, the mean of four heads; dark is much.*
# <details><summary>In words</summary>A grid. Columns are the characters of a written date, rows those of the answer, from the year's first
# digit to "end". Most rows have one or a few dark fields: the rows of the year under the year's digits or just beside, those of the month under the
# month's name, those of the day under its number.</details><br>
#
# Nobody told it where the year stands; it learned to look there from pairs of texts alone. Digit by digit it looks at the year, mostly at the
# right place or just beside it. So it seems to copy. Do you trust the picture?
#
# ## What it has not learned
#
# It reads days that it never saw, in seven languages. What about a *language* that it never saw? Dutch and Italian are near relatives of some of
# the seven; Korean is written in signs of which only the digits are known. And all days lay between 1900 and 2099. What about the century
# before?
#
# ### Exercise 4 · Predict, then run
#
# German dates, hundreds of them in training. The *century* is new: days from 1800 to 1899. **What share does it get right?** *Two minutes;
# expected: a number from 0 to 1.*

# %%
century = ...
ch16.century.check(century)

# %%
import datetime

from bmkit.data.texts import dates_of


def elsewhere(language, first_year):
    first = datetime.date(first_year, 1, 1).toordinal()
    days = [datetime.date.fromordinal(first + int(k)) for k in random.integers(0, 36_000, 100)]
    ways = [[way for way in dates_of(day, language) if len(way) <= 35] for day in days]
    return [random.choice(each) for each in ways], [day.isoformat() for day in days]


texts, isos = elsewhere("de", 1800)
written = generate.translate(rivals["Transformer"], read(texts[:3]), start=START, end=END, length=11)
for text, row in zip(texts, written):
    print(f"   {text} (here: {''.join(digits[k - 3] for k in row if k > END)})")
expect("German, 1800 to 1898", exact("Transformer", texts, isos).mean(), at_most=0.1)
for language, least, most in (("de", 0.93, 1), ("nl", 0.65, 1), ("it", 0.25, 0.99), ("ko", 0, 0.06)):
    share = exact("Transformer", *elsewhere(language, 1950)).mean()
    expect(f"{language}, 1950 to 2048", share, at_least=least, at_most=most)

# %% [markdown]
# It reads most of Dutch, which it never saw, and fails on the year 1850 in German, which it reads well. To us copying four digits is the
# easy part. But "the year begins with 19 or 20" was true of every example, so it learned that instead of copying. The picture did not say so:
# where a network looks is not yet what it does with what it sees ([chapter 15](15_attention.ipynb)). **A network learns what the examples
# force it to learn.** A score on days drawn like the training days, however high, says nothing about what they all had in common.
#
# ## Long memory
#
# One more trial, in which the length itself is the difficulty. A sequence holds $m$ **notes**: each is a name, twelve signs ±1, and a value, one of
# 16. The last step is a question: one of the names, without its value. What was its value? Names are drawn anew each time, so nothing can be learned by
# heart but the *looking up*.
#
# A recurrent network has to store all notes in its state *before* it hears the question. Let that be 56 numbers of 32 bits: it can be in
# $2^{56 \cdot 32}$ different states, 1,792 bits. How much is there to store?
#
# ### Exercise 5 · Predict, then run
#
# **How many bits are the values of 512 notes**, not counting the names? *Two minutes; expected: an integer.*

# %%
memory_bits = ...
ch16.memory_bits.check(memory_bits)

# %%
def notes(sequences, m):
    names = [random.choice(4096, m, replace=False) for _ in range(sequences)]
    values, asked = random.integers(16, size=(sequences, m)), random.integers(m, size=(sequences, 1))
    signs = (np.array(names)[..., np.newaxis] >> np.arange(12)) % 2 * 2 - 1  # (sequences, m, 12), ±1
    question = np.take_along_axis(signs, asked[..., np.newaxis], axis=1)  # (sequences, 1, 12)
    steps = np.concatenate([signs, question], axis=1)
    told = np.pad(np.eye(16)[values], ((0, 0), (0, 1), (0, 0)))  # (sequences, m + 1, 16), the last is 0
    answers = np.take_along_axis(values, asked, axis=1)[:, 0]
    return np.concatenate([steps, told], axis=-1).astype("float32"), answers


inputs = keras.Input((None, 28))
x = layers.TransformerBlock(num_heads=1)(keras.layers.Dense(32)(inputs))
x = keras.layers.LayerNormalization(epsilon=1e-5)(x[:, -1])  # the question's step answers
recall = {"Transformer": keras.Model(inputs, keras.layers.Dense(16)(x))}
recall["GRU"] = models.rnn((None, 28), 16, cell="gru", units=(56,))

# %% [markdown]
# Both have about 15,000 parameters. No positions are needed: a note says what it is wherever it stands. Both begin with two notes and go
# on to 32 and to 128, the same examples in the same order. They are asked about up to 512, four times more than either was trained on. Chance is
# one in 16.

# %%
import functools

ratio = recall["GRU"].count_params() / recall["Transformer"].count_params()
expect("parameters of the GRU over the Transformer's", ratio, at_least=0.95, at_most=1.1)
first, *others = [
    tf.data.Dataset.from_tensor_slices(notes(steps * batch, m)).batch(batch)
    for m, steps, batch in ((2, 120, 64), (32, 200, 64), (128, 60, 32))
]
lessons = functools.reduce(tf.data.Dataset.concatenate, others, first)
for name, model in recall.items():
    rate = keras.optimizers.schedules.CosineDecay(0.009, len(lessons))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(rate), loss, metrics=["accuracy"])
    train.fit(model, lessons, epochs=1)

# %%
lengths = [2, 4, 8, 16, 32, 64, 128, 256, 512]
trials, known_value = [notes(100, m) for m in lengths], {}
for name, model in recall.items():
    known_value[name] = [np.mean(model.predict_on_batch(x).argmax(axis=1) == y) for x, y in trials]
figure, axes = plot.subplots(figsize=(7.0, 3.2))
for name, marker in zip(known_value, "os"):
    axes.semilogx(lengths, known_value[name], marker=marker, base=2, label=name)
axes.axhline(1 / 16, color="0.5", ls=":", label="chance")
axes.set(xlabel="notes to remember", ylabel="questions answered", ylim=(0, 1.05), xticks=lengths)
axes.legend(loc="center right")
plot.show(figure)
at = dict(zip(lengths, zip(*known_value.values())))  # from notes to (Transformer, GRU)
expect("512 notes, Transformer", at[512][0], at_least=0.93)
expect("128 and 512 notes, GRU, the better", max(at[128][1], at[512][1]), at_most=0.2)
expect("two notes, GRU", at[2][1], at_least=0.25)

# %% [markdown]
# *Figure. Questions answered against the number of notes. The Transformer looks up among 512 as among two, though it was trained on 128 at
# most; the GRU has lost the thread at a few dozen.*
# <details><summary>In words</summary>The horizontal axis goes from 2 to 512 notes in doublings, written as powers of two. The Transformer's line stays near 1 throughout.
# The GRU's begins at about one half and falls to chance, one in 16, at about 64.</details><br>
#
# Here the recurrent network is not slow to learn; at 512 notes it *cannot*. The values alone need 2,048 bits and its state has 1,792. So there are
# more lists of values than states, and two different lists must end in the same state. Ask for a note in which they differ: for one of the two
# the answer is wrong. No training helps against counting. (In practice it fails far earlier, as the picture shows.) The Transformer's memory
# grows with the text, because the text *is* its memory. That is its strength and, at $n^2$ looks for $n$ steps, its price ([chapter
# 15](15_attention.ipynb)).
#
# ## The test, once
#
# We chose widths, rates and rounds by validation. Now the days of the test set are opened, for the two that are worth it.

# %%
new, new_iso = dates.arrays("test")
tested = {name: exact(name, new["text"], new_iso) for name in ("rule", "Transformer")}
expect("Transformer, whole dates, test", tested["Transformer"].mean(), at_least=0.96)
worst = min(tested["Transformer"][new["language"] == language].mean() for language in languages)
expect("    in the worst language", worst, at_least=0.92)
lead = tested["Transformer"].mean() - tested["rule"].mean()
expect("    lead over the rule", lead, at_least=-0.04, at_most=0.02)

# %% [markdown]
# ## Summary
#
# * A block gathers by attention and thinks by a perceptron; each adds a change to what is there, and $12d^2+13d$ parameters do it.
# * Without shortcuts the steps melt into one; without norms the slopes explode; the norm goes first.
# * The encoder reads everything at once, the decoder writes one token after another and looks back; teacher forcing trains all
#   places in one pass, and the causal mask keeps it honest.
# * On dates in seven languages it gets nearly all days right that it never saw; a recurrent pair of its size, trained as
#   long, misses more than a quarter.
# * It learned what the examples force it to learn: Dutch came for free, the nineteenth century did not.
# * A state of fixed size cannot hold what grows with the text. Attention keeps the text.
#
# **Ask yourself**
#
# <details><summary>Why can a decoder be trained on all places at once, but must write one after the other?</summary>In training the right
# beginning of each place is known beforehand. In use it has to be written first.</details>
# <details><summary>You stack forty blocks, and after training every position gives the same output. Which part do you check
# first?</summary>The shortcuts: without them attention's means make all steps alike within a few blocks.</details>
# <details><summary>A date reader gets 99 % on its test set and is sold to an archive of the 18th century. What should the buyer have
# asked?</summary>What all training and test examples have in common, and for a score on days that do not share it.</details><br>
#
# **Next** [17 · GPT](17_gpt.ipynb) keeps only the decoder, gives it real prose, and lets it write.
#
# **References**
#
# * A. Vaswani et al. (2017), Attention is all you need. [arXiv](https://arxiv.org/abs/1706.03762)
# * J. L. Ba, J. R. Kiros, G. E. Hinton (2016), Layer normalization. [arXiv](https://arxiv.org/abs/1607.06450)
# * R. Xiong et al. (2020), On layer normalization in the Transformer architecture. [arXiv](https://arxiv.org/abs/2002.04745)
# * Y. Dong, J.-B. Cordonnier, A. Loukas (2021), Attention is not all you need: pure attention loses rank doubly exponentially with
#   depth. [arXiv](https://arxiv.org/abs/2103.03404)
# * S. Arora et al. (2023), Zoology: measuring and improving recall in efficient language models. [arXiv](https://arxiv.org/abs/2312.04927)
