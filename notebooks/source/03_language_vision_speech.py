# %% [markdown]
# # 03 · Language, vision, speech
#
# **After this you can** draw how the fields of this course are connected, turn a sentence, a picture and a sound into a tensor of the same form, handle sequences of different lengths with a mask, and train one small classifier on all three
#
# **Time** 40 min to read, 75 min to teach, 40 s to run
#
# **Before** [01 · Neural networks](01_neural_networks.ipynb)
#
# **Data** small_fine_foods (4,969 food reviews, MIT), mnist_5k (5,000 handwritten digits of 28×28 pixels, CC BY-SA 3.0), japanese_vowels (640 utterances of nine men as cepstrum coefficients, CC BY 4.0)

# %%
from bmkit import data, models, plot, scratch, train
from bmkit.check import expect
from bmkit.exercises import ch03
import keras
import numpy as np
train.seed(0)

# %% [markdown]
# ## Three fields, one machine
#
# For decades people who worked on language, on pictures and on speech had little to say to one another: grammars here, edges
# there, acoustics elsewhere. Today they share their models, and often the very same code. This chapter shows why. All
# three turn their input into the same thing, a **tensor** (an array of numbers), and from there on one and the same
# model can read it.
#
# First the map. Five names come up wherever large models are discussed, and they are not all names for the same kind of
# thing. *Neural networks*
# are a kind of **model** ([chapter 01](01_neural_networks.ipynb)). *Deep learning* is a **method**: train such models, with many
# layers, from examples. *Natural language processing*, *image recognition* and *speech recognition* are **fields of problems**,
# told apart by what comes in and what is wanted. We draw it, boxes first and then what connects them.

# %%
fields = {
    (0, 3): "speech recognition\nsound in, words out",
    (1, 3): "natural language processing\nwords in, their use out",
    (2, 3): "image recognition\npictures in, names out",
    (1, 1.9): "a tensor: numbers along the axes  (example, step, feature)",
    (1, 0.9): "deep learning\nthe method: many layers, trained from examples",
    (1, 0): "neural networks\nthe model: weighted sums, again and again",
}
into = {"frames": [(0, 2.75), (0.5, 2.02)], "words": [(1, 2.75), (1, 2.02)]}
into |= {"rows of pixels": [(2, 2.75), (1.5, 2.02)], "what it learns from": [(1, 1.78), (1, 1.13)]}
into["what it is made of"] = [(1, 0.23), (1, 0.67)]
across = {"text": [(0.26, 3), (0.64, 3)], "captions": [(1.36, 3), (1.71, 3)]}
across["sound drawn as a picture"] = [(0, 3.25), (2, 3.25)]

# %%
limits = {"xlim": (-0.45, 2.45), "ylim": (-0.3, 3.8)}
figure, axes = plot.subplots(figsize=(8.4, 4.4), subplot_kw=limits)
for links, line in ((into, "-"), (across, "--")):
    for name, (start, end) in links.items():
        arc = start[1] == 3.25  # the one arrow that passes over a box
        style = {"arrowstyle": "-|>" if line == "-" else "<|-|>", "ls": line, "fc": "black"}
        style |= {"connectionstyle": f"arc3,rad={-0.14 * arc}", "shrinkA": 0, "shrinkB": 0}
        axes.annotate("", end, start, arrowprops=style)
        x, y = np.mean([start, end], axis=0) + np.array([0, 0.37 * arc])
        axes.text(x, y, name, fontsize=9, ha="center", va="center", backgroundcolor="white")
for (x, y), text in fields.items():
    box = {"boxstyle": "round,pad=0.45", "facecolor": "white" if y == 3 else "0.88"}
    axes.text(x, y, text, ha="center", va="center", fontsize=9.5, bbox=box)
axes.axis("off")
plot.show(figure)

# %% [markdown]
# *Figure. Three fields of problems (white) rest on one method and one kind of model (grey). The tensor joins them.
# Solid arrows: what goes into what. Dashed arrows: what the fields hand to one another.*
# <details><summary>In words</summary>Top row, three white boxes: speech recognition, natural language processing, image
# recognition. Solid arrows labelled frames, words, rows of pixels lead from them down into one grey box, a tensor with axes
# example, step and feature. It leads down to deep learning, the method, which is made of neural networks, the model. Dashed
# double arrows join the fields: text between speech and language, captions between language and pictures, sound drawn as a
# picture between speech and pictures.</details><br>
#
# Borders are open. Turning speech into words ends in language, so some count it as a part of language processing; a photograph
# of a street has words in it; and a sound can be drawn as a picture and read by a network for pictures. In this chapter we
# walk down the three arrows into the tensor, with real data on each.
#
# ## A sentence becomes a tensor
#
# A model can only multiply and add, and words can be neither multiplied nor added. The way from words to numbers has three
# steps: cut the text into **tokens** (here simply words), look each up in a fixed **vocabulary** to get its number, and give
# each number a **vector**. The vocabulary comes from the training reviews alone. Number 0 is kept for *nothing here*, number 1
# for any word that is not in the vocabulary.

# %%
import collections
import re

reviews, _ = data.load("small_fine_foods").arrays("train")


def words(text):
    return re.findall(r"[a-z']+", text.lower())


counts = collections.Counter(word for review in reviews for word in words(review))
vocabulary = ["", "?"] + [word for word, count in counts.most_common() if count >= 3]
number = {word: place for place, word in enumerate(vocabulary)}
sentence = words(reviews[1533])
tokens = np.array([number.get(word, 1) for word in sentence])
print(*sentence)
print(*tokens)

# %% [markdown]
# One real sentence, fifteen words, fifteen numbers. Frequent words have small numbers: *the* is 2. But these numbers are
# *names*. That "best" is 83 and "jerky" 661 does not make jerky eight times as much as best, and a model must not treat it so.
# The way out is to write token number $v$ as a row of zeros with a single one at place $v$: a **one-hot** row. All words are
# then equally far apart, and nothing is claimed that is not known.
#
# Such rows are as long as the vocabulary. Multiplied with a matrix $E$, they become short:
#
# $$e_t = o_t\,E = E[\text{token}_t]$$
#
# * $t$ counts the steps, here the words of the sentence, and $o_t$ is the one-hot row of word $t$,
# * $E$ has one row for each word of the vocabulary and one column for each feature; it is learned like any other weight,
# * $e_t$ is the **embedding** of word $t$: the product picks one row of $E$, so a program may just as well look it up.

# %%
table = np.random.default_rng(0).normal(size=(len(vocabulary), 4))
rows = scratch.one_hot(tokens, len(vocabulary))  # (15, vocabulary)
embedded = rows @ table  # (15, 4)
layer = keras.layers.Embedding(*table.shape)
layer.build()
layer.set_weights([table])
expect("a look-up, NumPy", table[tokens], equals=embedded, tolerance=1e-12)
expect("a look-up, Keras", layer(tokens), equals=embedded, tolerance=1e-5)

# %%
own = np.sort(tokens)  # only the columns of this sentence's own words, for the eye
known = [vocabulary[k] for k in own]
parts = {"one-hot rows": rows[:, own], "table E": table[own], "embedded": embedded}
figure, row = plot.subplots(1, 3, figsize=(7.0, 3.3), width_ratios=(3, 1.2, 1.2))
for axes, (title, picture), names in zip(row, parts.items(), (sentence, known, sentence)):
    axes.imshow(picture, cmap="Greys", aspect="auto")
    axes.set(title=title, xlabel="feature", ylabel="word")
    axes.set_yticks(range(15), names, fontsize=8)
    axes.grid(False)
row[0].set_xticks(range(15), known, rotation=90, fontsize=8)
row[0].set(xlabel="word of the vocabulary")
plot.show(figure)

# %% [markdown]
# *Figure. A sentence as a matrix: each one-hot row picks one row of the table. Only the fifteen columns of this sentence's own
# words are drawn; the others hold zeros.*
# <details><summary>In words</summary>Left, a square of fifteen rows and columns with one dark field in each row. In the middle,
# a table of fifteen rows and four columns in many greys. Right, the same rows of the table in the order of the
# sentence.</details><br>
#
# ### Exercise 1 · One-hot rows
#
# Write `one_hot(tokens, size)`: `tokens` has shape `(time,)`, the answer `(time, size)`. *Easy, three minutes.*


# %%
def one_hot(tokens, size):
    ...


ch03.one_hot.check(one_hot)

# %% [markdown]
# ## A picture becomes a tensor
#
# A picture is a grid of numbers already, so there seems nothing to do. But compare it with the sentence: fifteen steps, four
# numbers each. Read a picture from top to bottom as one reads a page: each *row of pixels* is a step, its pixels are the
# features. A digit of MNIST is a sequence of 28 vectors of 28 numbers. We scale them from −1 (paper) to 1 (ink), for a reason
# that comes with the mask below.

# %%
digits, names = data.load("mnist_5k").arrays("train")
digit = 2 * digits[4, ..., 0] - 1  # (28, 28, 1) → (28, 28), from −1 to 1
figure, (left, right) = plot.subplots(1, 2, figsize=(6.6, 3.1), width_ratios=(1, 1.4))
left.imshow(digit)
left.set(xlabel="column (pixels)", ylabel="row (pixels)", title="a picture")
left.grid(False)
for step in range(4, 25, 2):
    right.plot(0.8 * digit[step] - step, color="black", ls="-", lw=1.2)
right.set(xlabel="feature (column)", ylabel="step (row)", title="a sequence of vectors")
right.set_yticks(range(-24, -3, 4), range(24, 3, -4))
plot.show(figure)
print("a", names[4], "as", digit.shape, "=", len(digit), "steps of", digit.shape[1], "features")

# %% [markdown]
# *Figure. The same digit as a picture and as steps: each curve is one row of pixels, high where there is ink.*
# <details><summary>In words</summary>Left, a handwritten digit in white on black. Right, eleven stacked curves, every second
# row of the picture; bumps in the curves follow the strokes of the digit from top to bottom.</details><br>
#
# ## A sound becomes a tensor
#
# Sound is air pressure over time, measured thousands of times a second. A single sample says nothing; what the ear hears is how
# fast the pressure swings, and that takes a stretch of time. So the sound is cut into short overlapping pieces, **frames**, long
# enough to hear a pitch in and short enough for the mouth to hold still:
#
# $$\mathrm{frame}[t, i] = \mathrm{signal}[t\cdot \mathrm{hop} + i], \qquad 0 \le i < \mathrm{length}$$
#
# * $t$ counts the frames, $i$ the samples inside one,
# * *length* is how many samples a frame has, *hop* how many samples later the next one starts.
#
# Our speech data are nine men who said the Japanese vowels *a*, *e* in one breath. The set keeps **no waveforms**. It was
# sampled 10,000 times a second, cut into frames of 256 samples (25.6 ms) with a hop of 64 (6.4 ms), and of each frame it keeps
# 12 numbers. To see a wave at all we make one in the next cell, and it is **synthetic**: a voice of 125 Hz, a sum of overtones.
# The loudness of each overtone is taken from one real frame, by a formula that comes next.

# %%
frames, speaker = data.load("japanese_vowels").arrays("train")
real_frame, rate, pitch = frames[24, 2], 10_000, 125  # 12 coefficients; samples a second; hertz
overtones = np.arange(pitch, rate / 2, pitch)  # 125, 250, … Hz
hills = np.cos(2 * np.pi * np.outer(np.arange(1, 13), overtones) / rate)  # (12, 39)
loudness = np.exp(real_frame @ hills)  # (39,)
reference = np.exp(scratch.cepstral_envelope(real_frame, overtones, rate))
expect("loudness, bmkit.scratch", loudness, equals=reference, tolerance=1e-9)
seconds = np.arange(1000) / rate  # a tenth of a second
wave = np.cos(2 * np.pi * np.outer(seconds, overtones)) @ loudness  # (1000,), synthetic
pieces = np.array([wave[start : start + 256] for start in range(0, 1000 - 256 + 1, 64)])  # (12, 256)
expect("frames, bmkit.scratch", scratch.frame_signal(wave, 256, 64), equals=pieces, tolerance=1e-12)
expect("frames, Keras", keras.ops.extract_sequences(wave, 256, 64), equals=pieces, tolerance=1e-9)
figure, axes = plot.subplots(figsize=(7.0, 2.7))
axes.plot(1000 * seconds, wave / abs(wave).max(), lw=0.8)
for step in range(len(pieces)):
    axes.plot([6.4 * step, 6.4 * step + 25.6], [-0.5 - 0.09 * step] * 2, color="black", ls="-", lw=3)
axes.set(xlabel="time (ms)", ylabel="pressure (no unit)", yticks=(0, 0.5, 1))
plot.show(figure)

# %% [markdown]
# *Figure. A synthetic voice (blue) and its twelve frames (black bars): each is 25.6 ms long and starts 6.4 ms after the one
# before.*
# <details><summary>In words</summary>A wave with a sharp peak every 8 milliseconds and small ripples beside it. Below it twelve
# black bars of equal length, each shifted a little to the right and overlapping its neighbours by three quarters.</details><br>
#
# To hear it, run `from IPython.display import Audio; Audio(np.tile(wave[:960], 10), rate=10_000)` in a new cell.
#
# ### Exercise 2 · Predict, then run
#
# One full second, 10,000 samples, is cut in the same way: frames of 256, hop 64, only whole frames. **How many frames?** *Two
# minutes; expected: an integer.*

# %%
frames_a_second = ...
ch03.frames_a_second.check(frames_a_second)

# %% [markdown]
# ### From 256 samples to 12 coefficients (may be skipped)
#
# The throat gives the pitch; tongue and lips form a tube that makes some overtones louder than others. That *shape of the
# spectrum* is what tells vowels and speakers apart, and it is smooth, so a few cosines can draw it:
#
# $$\log |H(f)| = \sum_{n=1}^{12} c_n \cos\!\left(\frac{2\pi n f}{r}\right)$$
#
# * $f$ is the frequency in hertz, $r$ the samples a second, $|H(f)|$ how strongly the mouth passes that frequency,
# * $c_1 \dots c_{12}$ are the **cepstrum coefficients**: small $n$ are broad hills, large $n$ fine ones,
# * $c_0$, the overall loudness, is left out.
#
# The set's authors found the $c_n$ by linear prediction (LPC). For our synthetic wave least squares will do: measure each
# overtone in each frame and ask which cosines explain the logarithms. Do we get back the twelve numbers that we started from?

# %%
spectrum = abs(np.fft.rfft(pieces * np.hanning(256), 1280))  # (12, 641), one value every 7.8125 Hz
measured = np.log(spectrum[:, 16 * np.arange(1, len(overtones) + 1)])  # (12, 39), at the overtones
cosines = np.cos(2 * np.pi * np.outer(overtones, np.arange(13)) / rate)  # (39, 13), c₀ as well
found = np.linalg.lstsq(cosines, measured.T)[0].T[:, 1:]  # (12, 12)
print("wave", wave.shape, "→ frames", pieces.shape, "→ coefficients", found.shape)
expect("coefficients out, minus those put in", abs(found - real_frame).max(), at_most=0.01)

# %% [markdown]
# We do: 256 numbers per frame have become 12, and these 12 hold the shape of the spectrum. Now the real thing: one
# real utterance as the set stores it, and the spectra that its coefficients stand for. In Japanese as in English, *a* is
# spoken with the tongue low and back, *e* with the tongue higher and in front. The first hill of the spectrum should therefore
# fall, and the second rise. Can you see it?

# %%
utterance = frames[24][frames[24].any(axis=-1)]  # (16, 12), without the padding
hertz = np.arange(0, 5001, 25)
shape = scratch.cepstral_envelope(utterance, hertz, rate)  # (16, 201)
figure, row = plot.subplots(1, 2, figsize=(7.0, 2.8))
for axes, values, low, high in ((row[0], utterance, 0.5, 12.5), (row[1], shape, 0, 5000)):
    axes.imshow(values.T, cmap="Greys", aspect="auto", origin="lower", extent=(0, 16 * 6.4, low, high))
    axes.grid(False)
row[0].set(xlabel="time (ms)", ylabel="coefficient", title="stored: 12 numbers a frame")
row[1].set(xlabel="time (ms)", ylabel="frequency (Hz)", title="the spectrum they stand for")
plot.show(figure)
last = frames.any(axis=-1).sum(axis=1) - 3  # the third frame from the end of each utterance
for part, moment in (("start", 2), ("end", last)):
    average = frames[np.arange(len(frames)), moment].mean(axis=0)  # (12,), over all utterances
    curve = scratch.cepstral_envelope(average, hertz, rate)
    print(f"{part}:", hertz[12 + curve[12:41].argmax()], hertz[48 + curve[48:97].argmax()], "Hz")

# %% [markdown]
# *Figure. A real utterance. Dark in the right picture are the strong frequencies: the lowest band sinks, the second one climbs
# from a to e.*
# <details><summary>In words</summary>Two grey pictures over 102 milliseconds. Left, twelve stripes of coefficients; the lowest
# ones vary most. Right, frequency from 0 to 5,000 hertz; one dark band below 1,000 hertz falls a little, another rises from
# about 1,600 to about 2,200 hertz.</details><br>
#
# You have just seen a mouth move, in twelve numbers a frame. Averaged over all training utterances the first hill falls from
# 775 to 550 Hz and the second rises from 1,425 to 1,975 Hz, as phonetics says it should.
#
# ## Three tensors, one form
#
# Reviews and utterances differ in length, but a batch is one block of numbers. So shorter ones are **padded** with vectors of
# zeros, and reviews are cut after 100 words. Our rule for all three: *a step whose numbers are all zero is not there*. That is
# why paper is −1: a row without ink is a row too. Coefficients are centred and scaled by what the training frames say.

# %%
spoken = frames[frames.any(axis=-1)]  # (all frames, 12), no padding


def of_sentences(texts):
    numbers = [[number.get(word, 1) for word in words(text)[:100]] for text in texts]
    return np.array([row + [0] * (100 - len(row)) for row in numbers])  # (n, 100), 0 is padding


def of_pictures(pictures):
    return 2 * pictures[..., 0] - 1  # (n, 28, 28)


def of_speech(frames):
    real = frames.any(axis=-1, keepdims=True)
    return ((frames - spoken.mean(axis=0)) / spoken.std(axis=0) * real).astype("float32")  # (n, 29, 12)

# %%
entrances = {"small_fine_foods": of_sentences, "mnist_5k": of_pictures, "japanese_vowels": of_speech}
sets = {}
for name, entrance in entrances.items():
    rows = {split: data.load(name).arrays(split) for split in ("train", "validation")}
    sets[name] = {split: (entrance(x), y) for split, (x, y) in rows.items()}
picture, sound = sets["mnist_5k"]["train"][0], sets["japanese_vowels"]["train"][0]
shown = {"a sentence": embedded, "a picture": picture[4], "an utterance": sound[24]}
figure, row = plot.subplots(1, 3, figsize=(7.0, 2.8), width_ratios=(1, 2, 1.2))
for axes, (title, values) in zip(row, shown.items()):
    axes.imshow(values, cmap="Greys", aspect="auto")
    axes.set(title=title, xlabel=f"feature (of {values.shape[1]})", ylabel="step")
    axes.yaxis.get_major_locator().set_params(integer=True)
    axes.grid(False)
plot.show(figure)

# %% [markdown]
# *Figure. All three are steps from top to bottom, features from left to right; only the digit gives itself away to the
# eye. The even grey at the foot of the utterance is padding.*
# <details><summary>In words</summary>Three grey matrices side by side: 15 steps of 4 features, 28 steps of 28 features in which
# a digit is visible, and 29 steps of 12 features whose last thirteen steps are one even grey.</details><br>
#
# The same in a table. The last number of each tensor is the length of one step's vector; for words it is the width of the table $E$
# that the model will learn (32). Read the third column from top to bottom: after this first step only the numbers
# differ, never the *number of axes*.

# %%
facts = {
    "small_fine_foods": ("sentence", "text", "word", 32, "liked or not"),
    "mnist_5k": ("picture", "pixels", "row of pixels", 28, "which digit"),
    "japanese_vowels": ("speech", "coefficients", "frame", 12, "which speaker"),
}
lines = [["kind", "what is stored", "tensor (n, time, features)", "one step", "wanted (classes)"]]
for name, (kind, given, step, features, wanted) in facts.items():
    x, y = sets[name]["train"]
    tensor, wanted = f"({len(x)}, {x.shape[1]}, {features})", f"{wanted} ({y.max() + 1})"
    lines.append([kind, given, tensor, step, wanted])
figure, axes = plot.subplots(figsize=(7.6, 1.7))
table = axes.table(lines, bbox=(0, 0, 1, 1), cellLoc="left", colWidths=[0.13, 0.17, 0.29, 0.18, 0.23])
table.auto_set_font_size(False)
axes.axis("off")
plot.show(figure)

# %% [markdown]
# *Figure. Three kinds of training data, one kind of tensor: three axes, in the same order.*
# <details><summary>In words</summary>A table. Sentence: text, tensor 3569 × 100 × 32, one step is a word, wanted: liked or not,
# 2 classes. Picture: pixels, 3600 × 28 × 28, a row of pixels, which digit, 10 classes. Speech: coefficients, 216 × 29 × 12, a
# frame, which speaker, 9 classes.</details><br>
#
# Mind the last column. Our speech task is not *what* was said (all said the same) but *who* said it. It is a neighbour of
# speech recognition, on the same kind of data. [Chapter 12](12_cnn_speech.ipynb) goes from sound to words; so do [26](26_speech_to_text.ipynb) and [28](28_voice_commands.ipynb).
#
# ## The mask
#
# To classify a sequence we need one vector for the whole, whatever its length. The simplest is the mean over the steps. But
# padding is not data. A **mask** says which steps are real, and the mean runs over those:
#
# $$\bar x_{i} = \frac{\sum_{t} m_{i,t}\; x_{i,t}}{\max\!\big(1, \sum_{t} m_{i,t}\big)}$$
#
# * $i$ counts the examples, $t$ the steps, $x_{i,t}$ is the vector of one step,
# * $m_{i,t}$ is 1 where the step is real and 0 where it is padding,
# * the 1 in the denominator keeps an empty sequence from dividing by zero.
#
# ### Exercise 3 · A mean that knows what is real
#
# Write `masked_mean(vectors, mask)`: shapes `(n, time, features)` and `(n, time)` in, `(n, features)` out. *Medium, eight
# minutes.*


# %%
def masked_mean(vectors, mask):
    ...


ch03.masked_mean.check(masked_mean)

# %%
mask = sound.any(axis=-1)  # (216, 29)
ours = scratch.masked_mean(sound, mask)  # (216, 12)
theirs = keras.layers.GlobalAveragePooling1D()(sound, mask=mask)
expect("masked mean, Keras", theirs, equals=ours, tolerance=1e-5)
more = np.pad(sound, ((0, 0), (0, 31), (0, 0)))  # padded to 60 steps instead of 29
again = scratch.masked_mean(more, more.any(axis=-1))
expect("masked mean, more padding", again, equals=ours, tolerance=1e-9)
plain = sound.mean(axis=1)
factor = abs(plain).sum() / abs(more.mean(axis=1)).sum()
expect("the plain mean shrinks by the factor", factor, equals=60 / 29, tolerance=1e-3)


def mean_frame(frames):  # one vector for each utterance: a rival will need it below
    return scratch.masked_mean(of_speech(frames), frames.any(axis=-1))


# %% [markdown]
# Nothing about the voices changed, only how far the block was padded, and the plain mean halved. No error, no warning.
# What that costs a trained model, we shall see.
#
# ## One body for all
#
# Here is the whole classifier. A **convolution** along the steps turns `window` neighbouring vectors at once into 64
# numbers; the masked mean turns all steps into one vector; two dense layers turn that vector into logits:
#
# $$h_t = \mathrm{relu}\Big(b + \sum_{u=0}^{w-1} x_{t+u-\lfloor w/2 \rfloor}\, W_u\Big), \qquad z = \mathrm{dense}\big(\mathrm{relu}(\mathrm{dense}(\bar h))\big)$$
#
# * $w$ is the window, $W_u$ a matrix (features × 64) for each place $u$ in it, $b$ a bias,
# * $\bar h$ is the masked mean of all $h_t$, and $z$ are the logits.
#
# With $w=1$ each step is looked at alone.


# %%
ops = keras.ops


def body(features, classes, window, masked=True):
    x = inputs = keras.Input((None, features))
    real = ops.cast(ops.any(x != 0, axis=-1, keepdims=True), "float32")  # (batch, time, 1)
    real = real if masked else ops.ones_like(real)
    x = keras.layers.Conv1D(64, window, padding="same", activation="relu")(x)  # (batch, time, 64)
    x = ops.sum(x * real, axis=1) / ops.maximum(ops.sum(real, axis=1), 1)  # (batch, 64)
    x = keras.layers.Dense(64, activation="relu")(x)
    return keras.Model(inputs, keras.layers.Dense(classes)(x))


ours, theirs = body(12, 9, window=5), models.sequence_classifier((None, 12), 9, window=5)
theirs.set_weights(ours.get_weights())
expect("bmkit.models.sequence_classifier", theirs(sound[:20]), equals=ours(sound[:20]), tolerance=1e-5)
expect("the same, padded to 60 steps", ours(more[:20]), equals=ours(sound[:20]), tolerance=1e-4)

# %% [markdown]
# Only words need something in front: their embedding table. Its row for token 0 is multiplied by zero, so that padding
# is zero here too.
#
# Now the rivals, without which no number below would mean anything. For each kind of data there is a baseline that
# always gives the most frequent class, and one **classical** method that took minutes to set up: for sentences, word
# counts weighted by rarity (**TF-IDF**) with **logistic regression** (a network of one layer); for digits, the nearest
# training picture; for speech, logistic regression on the mean
# coefficients of the utterance.

# %%
from sklearn import feature_extraction, linear_model, neighbors, pipeline, preprocessing


def pipe(view, model):
    return pipeline.make_pipeline(preprocessing.FunctionTransformer(view), model)


tfidf = feature_extraction.text.TfidfVectorizer(min_df=3)
linear, nearest = linear_model.LogisticRegression, neighbors.KNeighborsClassifier
classical = {
    "small_fine_foods": pipeline.make_pipeline(tfidf, linear(max_iter=1000)),
    "mnist_5k": pipe(lambda x: x.reshape(len(x), -1), nearest(1)),
    "japanese_vowels": pipe(mean_frame, linear(max_iter=1000)),
}
score = {}
for name, rival in classical.items():
    x, y, x_new, y_new = *data.load(name).arrays("train"), *data.load(name).arrays("validation")
    majority = np.mean(y_new == np.bincount(y).argmax())
    score[name] = {"most frequent class": majority, "classical": rival.fit(x, y).score(x_new, y_new)}

# %% [markdown]
# Now train the body, twice on each: once with a window of 5 steps, once with a window of 1, which cannot know the order. The
# step of the optimizer shrinks to zero, so that each training comes to rest ([chapter 05](05_gradient_descent.ipynb)). Guess
# before you run: where will order matter most, in sentences, in pictures or in speech?

# %%
trained = {}
for name, epochs in zip(facts, (3, 12, 25)):
    features = facts[name][3]
    x, y = sets[name]["train"]
    for window in (1, 5):
        model = body(features, len(np.unique(y)), window)
        if name == "small_fine_foods":
            tokens = keras.Input((None,), dtype="int32")
            vectors = keras.layers.Embedding(len(vocabulary), features)(tokens)
            model = keras.Model(tokens, model(vectors * ops.cast(tokens != 0, "float32")[..., None]))
        shrinking = keras.optimizers.schedules.CosineDecay(0.006, epochs * (len(y) // 32 + 1))
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.Adam(shrinking), loss, metrics=["accuracy"])
        train.fit(model, (x, y), sets[name]["validation"], epochs=epochs)
        right = train.evaluate(model, sets[name]["validation"])["accuracy"]
        trained[name, window] = model
        score[name][f"body, window {window}"] = right

# %%
figure, axes = plot.subplots(figsize=(6.8, 2.8))
for k, (label, hatch) in enumerate(zip(score["mnist_5k"], ("", "..", "//", "xx"))):
    heights = [score[name][label] for name in facts]
    color = ("white", plot.COLORS[4], plot.COLORS[1], plot.COLORS[0])[k]
    places, ink = np.arange(3) + 0.2 * (k - 1.5), {"hatch": hatch, "edgecolor": "black"}
    axes.bar(places, heights, 0.2, color=color, label=label, **ink)
axes.set_xticks(range(3), ["sentences: liked?", "pictures: which digit?", "speech: who?"])
axes.set(xlabel="data and question", ylabel="share of validation right", ylim=(0, 1.02))
axes.legend(ncols=4, loc="lower center", bbox_to_anchor=(0.5, 1), fontsize=9, columnspacing=1)
plot.show(figure)

# %% [markdown]
# *Figure. One body, three kinds of data. The wider window helps much with pictures; with sentences and speech
# the next table shows no clear gain. The
# classical methods are hard to beat.*
# <details><summary>In words</summary>Three groups of four bars: most frequent class, classical method, body with window 1, body
# with window 5. For sentences the last three are about level, well above the first. For pictures the classical bar is highest,
# window 5 is close below it and window 1 far below. For speech the last three are all close to 1.</details><br>
#
# How much of that is luck? There are 400 sentences, 400 pictures, but only 54 utterances. Both bodies answered the same examples, so we
# compare them example by example: $d_i$ is 1 where only the first is right, −1 where only the second is, else 0. The mean of the
# $d_i$ is the lead, and with $s$ their standard deviation, lead $\pm\,1.96\, s/\sqrt n$ is a **confidence interval**,
# which holds the true lead about 95 times in 100. If it contains 0, the two are *not told apart*.


# %%
def lead(first, second):  # two arrays, True where an answer is right
    d = first.astype(float) - second.astype(float)
    half = 1.96 * d.std() / np.sqrt(len(d))
    return d.mean(), d.mean() - half, d.mean() + half



# %%
intervals = {}
for name, (kind, *_) in facts.items():
    x, y = sets[name]["validation"]
    narrow = trained[name, 1].predict(x, verbose=0).argmax(axis=1) == y
    wide = trained[name, 5].predict(x, verbose=0).argmax(axis=1) == y
    intervals[kind] = {"examples": len(y), "lead of window 5": lead(wide, narrow)}
plot.table(intervals, corner="validation")

# %%
for name, (kind, *_) in facts.items():
    above = score[name]["body, window 5"] - score[name]["most frequent class"]
    expect(f"{kind}: window 5 above the most frequent class", above, at_least=0.06)
low = {kind: intervals[kind]["lead of window 5"][1] for kind in intervals}
expect("pictures: lower end of the interval", low["picture"], at_least=0.05)
expect("sentences: lower end", low["sentence"], at_most=0.02)
expect("speech: lower end", low["speech"], at_most=0.02)

# %% [markdown]
# So a window of 5 helps with pictures. For sentences and speech the lower end lies at two points or below: no clear gain is shown.
#
# Two things deserve a pause. First, the *same* few lines read reviews, digits and voices, each clearly better than the most
# frequent class. That is what the map claims. Second, the same lines are *nowhere far ahead*: counting words, the mean
# frame and the nearest picture keep up with this network, as the test will confirm. It fits all three kinds of data and
# uses what is special to none. Chapters 11 to 16 build networks that do.
#
# And order? For reviews, *which* words occur perhaps says nearly all that this body can use. A vowel pair is always spoken in the same
# order, so speakers perhaps differ in the sounds rather than in their sequence. But single rows of pixels, without their neighbours, say less about
# a digit, perhaps because strokes show only across rows.
#
# ### Exercise 4 · Predict, then run
#
# Take the body with **window 1**, trained on digits. We put the 28 rows of each of the 400 validation pictures into a
# random order. **How many of its 400 answers change?** *Two minutes; expected: an integer.*

# %%
changed = ...
ch03.changed.check(changed)

# %%
x, y = sets["mnist_5k"]["validation"]
order = np.random.default_rng(0).permutation(28)
share = {}
for window in (1, 5):
    before, after = (trained["mnist_5k", window].predict(rows, verbose=0) for rows in (x, x[:, order]))
    share[window] = np.mean(before.argmax(axis=1) != after.argmax(axis=1))
plot.show(plot.images([*x[:8], *x[:8, order]], columns=8, vmin=-1, vmax=1))
expect("window 1: share of answers that change", share[1], at_most=0.005)
expect("window 5: share of answers that change", share[5], at_least=0.3)

# %% [markdown]
# *Figure. Eight digits, and below them the same with their rows shuffled: to a body with window 1 both are the same.*
# <details><summary>In words</summary>Upper row, eight handwritten digits. Lower row, the same pictures with their rows in
# another order: horizontal dashes that no one can read.</details><br>
#
# ## What a forgotten mask costs
#
# Take the trained speech body, weights untouched, and switch off only its mask. Then pad the utterances further and further,
# as happens by itself when a longer recording gets into the batch. What do you expect, a slow decay or none?

# %%
x, y = sets["japanese_vowels"]["validation"]
with_mask, unmasked = trained["japanese_vowels", 5], body(12, 9, 5, masked=False)
unmasked.set_weights(with_mask.get_weights())
filled_to, right = [29, 40, 60, 100, 150, 200], {}
figure, axes = plot.subplots(figsize=(6.4, 2.9))
for label, model, marker in (("with mask", with_mask, "o"), ("mask forgotten", unmasked, "s")):
    longer = (np.pad(x, [(0, 0), (0, steps - 29), (0, 0)]) for steps in filled_to)
    answers = [model.predict(filled, verbose=0).argmax(axis=1) for filled in longer]
    right[label] = np.mean(np.array(answers) == y, axis=1)
    axes.plot(filled_to, right[label], marker=marker, label=label)
axes.set(xlabel="padded to (steps)", ylabel="share of speakers right", ylim=(0, 1.05))
axes.legend()
plot.show(figure)
expect("with mask, range over all lengths", np.ptp(right["with mask"]), at_most=0.02)
expect("mask forgotten, 200 steps", right["mask forgotten"][-1], at_most=0.6)

# %% [markdown]
# *Figure. The same weights with and without the mask. With it the amount of padding does not matter; without it the
# answers depend on what else is in the batch.*
# <details><summary>In words</summary>Share of right speakers over the length to which utterances are padded, from 29 to 200
# steps. The curve with mask is flat near 1; the other starts lower and falls far.</details><br>
#
# ## The test, once
#
# Of the two windows we take, for each kind of data, the one that did better on validation, and open the three test sets, once.
# The men of the speech test are the same nine, recorded on other occasions.

# %%
rights = {}
leads = {}
for name, (kind, *_) in facts.items():
    x, y = data.load(name).arrays("test")
    narrow_score = score[name]["body, window 1"]
    best = 5 if score[name]["body, window 5"] >= narrow_score else 1
    answers = trained[name, best].predict(entrances[name](x), verbose=0).argmax(axis=1)
    rights[kind] = answers == y
    by_rival = classical[name].predict(x) == y
    leads[kind] = {
        "examples": len(y),
        "classical, right": by_rival.mean(),
        "body, right": rights[kind].mean(),
        "lead of the classical": lead(by_rival, rights[kind]),
    }
plot.table(leads, corner="test")

# %%
for kind, least in (("sentence", 0.72), ("picture", 0.83), ("speech", 0.9)):
    expect(f"{kind}: test accuracy of the body", np.mean(rights[kind]), at_least=least)
for kind in rights:
    high = leads[kind]["lead of the classical"][2]
    expect(f"{kind}: upper end of the classical lead", high, at_least=-0.03)

# %%
table = scratch.confusion_matrix(y, answers, 9)  # of speech, which came last
who = [str(k) for k in range(1, 10)]
plot.show(plot.matrix(table, who, who, xlabel="speaker heard by the body", ylabel="true speaker"))

# %% [markdown]
# *Figure. Nine speakers, 370 test utterances: almost all on the diagonal.*
# <details><summary>In words</summary>A table of nine rows and nine columns. The fields on the diagonal hold from two dozen to
# almost ninety utterances; off the diagonal are a few small counts.</details><br>
#
# ## Summary
#
# * Neural networks are a model, deep learning is a method, language, vision and speech are fields of problems. They meet in the
#   **tensor** (example, step, feature).
# * A sentence becomes tokens, numbers, one-hot rows, embeddings; an embedding is a look-up, and a look-up is a product.
# * A picture is a sequence of rows; a sound is cut into overlapping **frames**, each described by a few numbers.
# * Sequences of different lengths are padded, and a **mask** keeps the padding out. Forgetting it raises no error.
# * The same small body learned all three tasks, and was nowhere far ahead of a classical method made for the one task.
#
# **Ask yourself**
#
# <details><summary>Why not feed the token numbers 83 and 661 into the network as they are?</summary>They are names. As
# quantities they would claim that one word is eight times the other and that words with near numbers are alike.</details>
# <details><summary>Your model gives another answer for the same sentence when that sentence is in another batch. What do you
# suspect?</summary>A forgotten mask: the other batch has a longer sentence, so yours is padded further, and the padding
# counts.</details>
# <details><summary>What does a window of 1 with a mean over the steps know of "not good, but cheap" and "good, but not
# cheap"?</summary>Nothing that tells them apart: they hold the same words, and it sees only which words there are.</details><br>
#
# **Next** [04 · Loss functions](04_loss_functions.ipynb), the number that all three trainings made smaller.
#
# **References**
#
# * R. Collobert et al. (2011), Natural language processing (almost) from scratch.
#   [JMLR](https://www.jmlr.org/papers/v12/collobert11a.html)
# * Y. Bengio, R. Ducharme, P. Vincent, C. Jauvin (2003), A neural probabilistic language model.
#   [JMLR](https://www.jmlr.org/papers/v3/bengio03a.html)
# * B. S. Atal (1974), Effectiveness of linear prediction characteristics of the speech wave for automatic speaker
#   identification and verification. [doi](https://doi.org/10.1121/1.1914702)
# * M. Kudo, J. Toyama, M. Shimbo (1999), Multidimensional curve classification using passing-through regions; data:
#   [doi](https://doi.org/10.24432/C5NS47)
# * L. R. Rabiner, R. W. Schafer (2007), Introduction to digital speech processing. [doi](https://doi.org/10.1561/2000000001)
