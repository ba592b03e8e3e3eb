# %% [markdown]
# # 14 · Recurrent networks for speech and series
#
# **After this you can** carry a recurrent state past padding, batch sequences of different lengths cheaply, train a network that decides while someone is still speaking, hold out whole speakers, forecast a seasonal series without looking into the future, and tell whether the network was worth it
#
# **Time** 55 min to read, 100 min to teach, 45 s to run
#
# **Before** [13 · Recurrent networks for text](13_rnn_text.ipynb)
#
# **Data** japanese_vowels (640 utterances of nine men as cepstrum coefficients, CC BY 4.0), electricity_demand (4,032 half-hours of England and Wales, GPL-3)

# %%
from bmkit import data, plot, scratch, train
from bmkit.check import expect
from bmkit.exercises import ch14
import keras
import numpy as np
train.seed(0)

# %% [markdown]
# ## A state that waits
#
# [Chapter 13](13_rnn_text.ipynb) built the recurrent cells and gave them words. This chapter gives the same GRU two
# kinds of data that are ordered in time. **Speech** comes as many short recordings of different lengths, with one
# answer for each. A **time
# series** is one long recording, and the question is what comes next. For each question a simple rival is measured beside the network, and here
# the rival mostly does as well or better.
#
# We begin with the nine men of [chapter 03](03_language_vision_speech.ipynb), who say the vowels *a* and *e*. Each frame of sound
# has become 12 numbers, and there is a new frame every 6.4 ms. An array needs rows of equal length, so short utterances are
# **padded** with frames of zeros at the end.

# %%
vowels = data.load("japanese_vowels")
frames, who = vowels.arrays("train")
frames_val, who_val = vowels.arrays("validation")
real = frames.any(axis=-1)  # (216, 29): True for a real frame, False for padding
real_val = frames_val.any(axis=-1)
lengths = real.sum(axis=1)
print(frames.shape, "frames in an utterance:", lengths.min(), "to", lengths.max())

frame_mean = frames[real].mean(axis=0)  # (12,), of real frames of training only
frame_std = frames[real].std(axis=0)


def normalised(frames):  # (n, 29, 12); padding stays zero
    mask = frames.any(axis=-1, keepdims=True)
    return ((frames - frame_mean) / frame_std * mask).astype("float32")


x = normalised(frames)
x_val = normalised(frames_val)

# %%
figure, row = plot.subplots(1, 2, figsize=(7.0, 2.6), sharey=True)
look = {"cmap": "RdBu_r", "vmin": -3, "vmax": 3, "aspect": "auto"}
for axes, which in zip(row, (lengths.argmin(), lengths.argmax())):
    axes.imshow(x[which].T, **look)
    axes.axvline(lengths[which] - 0.5, color="black")
    axes.set(xlabel="frame", ylabel="coefficient")
    axes.set_title(f"{lengths[which]} frames")
    axes.grid(False)
plot.show(figure)

# %% [markdown]
# *Figure. The shortest and the longest training utterance in rows of 29 frames. Right of the black line is padding.*
# <details><summary>In words</summary>Two grids of red and blue fields, 12 coefficients high and 29 frames wide. In the left one only
# the first 7 columns are coloured and the rest is white; in the right one 26 columns are coloured.</details><br>
#
# The set keeps no waveforms, but the 12 cepstrum coefficients of a frame tell how the speaker's mouth shaped the sound.
# The next cell puts that shape on an
# artificial voice of 125 Hz: a click every 80 samples, each followed by the echo that the coefficients describe. Every
# frame is held four times as long as it was. Listen to the longest utterance:


# %%
from IPython.display import Audio, display


def voiced(cepstra):  # (frames, 12) → a wave of 10,000 samples a second
    wave = np.zeros(256 * len(cepstra) + 512)
    for start in range(0, 256 * len(cepstra), 80):
        coefficients = np.zeros(512)
        coefficients[1:13] = cepstra[start // 256]
        echo = np.fft.irfft(np.exp(np.fft.rfft(coefficients)))  # (512,)
        wave[start : start + 512] += echo
    return wave


longest = lengths.argmax()
display(Audio(voiced(frames[longest][real[longest]]), rate=10_000))

# %% [markdown]
# What should a recurrent network do in a frame that is not there? Nothing:
#
# $$h_{i,t} = m_{i,t}\;\mathrm{step}\big(x_{i,t},\, h_{i,t-1}\big) + \big(1-m_{i,t}\big)\, h_{i,t-1}$$
#
# * $i$ counts the utterances and $t$ the frames; $h_{i,t}$ is the state, with $h_{i,-1}=0$,
# * $\mathrm{step}$ is one step of a cell, here of the GRU,
# * $m_{i,t}$, the **mask**, is 1 for a real frame. For padding it is 0, and the old state is *copied*.
#
# So the last state of the row is the state after the last real frame. In Keras the layer `Masking` makes the mask (a frame of
# zeros is padding) and passes it on, and every recurrent layer obeys it. The formula in NumPy, with the weights of that layer, must give the same
# states, and more padding must change nothing:

# %%
gru = keras.layers.GRU(8)
masked = keras.Sequential([keras.Input((None, 12)), keras.layers.Masking()])
masked.add(gru)
weights = gru.get_weights()  # kernel, recurrent kernel, bias
state = np.zeros((len(x), 8))
for t in range(29):
    new = scratch.gru_step(x[:, t], state, *weights)
    state = np.where(real[:, t, np.newaxis], new, state)  # padding copies the old state

longer = np.pad(x, ((0, 0), (0, 31), (0, 0)))  # 60 frames
reference = scratch.recurrent_outputs(scratch.gru_step, x, weights, real)[:, -1]
expect("last state, Keras with Masking", masked(x), equals=state, tolerance=1e-5)
expect("the same, padded to 60 frames", masked(longer), equals=state, tolerance=1e-5)
expect("last state, bmkit.scratch", reference, equals=state, tolerance=1e-9)

# %% [markdown]
# ### Exercise 1 · Without a mask
#
# Someone ran a network *without* a mask and kept its states after every step. Padding stood at the end of some
# sequences and **at the front of others**. Write `last_real(states, mask)`: `states` has shape `(n, time, units)`,
# `mask` has shape `(n, time)`; return the
# state after each sequence's last real step, shape `(n, units)`. *Medium, six minutes.*


# %%
def last_real(states, mask):
    ...


ch14.last_real.check(last_real)

# %% [markdown]
# ## Who speaks?
#
# A GRU of 32 units reads the frames, and a dense layer makes nine logits of its last state. The test utterances come from the
# *same* nine men on other occasions, so this is recognition of known people.


# %%
def speaker_network():
    inputs = keras.Input((None, 12))
    hidden = keras.layers.Masking()(inputs)
    hidden = keras.layers.Dropout(0.1)(hidden)
    state = keras.layers.GRU(32)(hidden)  # (batch, 32)
    return keras.Model(inputs, keras.layers.Dense(9)(state))


cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def compiled(model, rate, steps, loss=cross_entropy):
    schedule = keras.optimizers.schedules.CosineDecay(rate, steps)
    model.compile(optimizer=keras.optimizers.Adam(schedule), loss=loss)
    return model


reader = compiled(speaker_network(), rate=0.01, steps=84)  # 12 epochs of 7 batches
history = train.fit(reader, (x, who), (x_val, who_val), epochs=12)

# %% [markdown]
# How good that is, we shall ask below, beside its rivals. First we turn to two properties of the state:
# it can be *lost*, and it can be *asked at any time*.
#
# ## What a forgotten mask costs
#
# We take the trained GRU and leave out only its mask. Then we pad the validation utterances further and further. The mean of
# chapter 03 faded with every frame of padding. What will the last state do? And does it matter whether the padding
# stands after the utterance ("post") or before it ("pre")? Keras pads both ways with one function. Guess four curves first: the GRU with its mask; the mean frame, padded behind; and the GRU without a mask, padded behind and in front.

# %%
from sklearn import linear_model

mean_frame = linear_model.LogisticRegression(max_iter=1000)
mean_frame.fit(scratch.masked_mean(x, real), who)
utterances = []
for frames_of_one, mask in zip(x_val, real_val):
    utterances.append(frames_of_one[mask])  # (its length, 12)


def padded(length, side):  # (54, length, 12)
    options = {"maxlen": length, "padding": side, "dtype": "float32"}
    return keras.utils.pad_sequences(utterances, **options)


gru_layer = reader.layers[-2]
dense_layer = reader.layers[-1]
bare = keras.Sequential([keras.Input((None, 12)), gru_layer, dense_layer])  # no Masking

# %%
padded_lengths = [29, 40, 60, 100, 200]
shares = {"GRU with mask": [], "mean frame": [], "GRU": [], "GRU, padding in front": []}
for length in padded_lengths:
    behind = padded(length, "post")
    logits = np.array(bare(behind))  # (54, 9)
    logits_of = {
        "GRU with mask": reader(behind),
        "mean frame": mean_frame.predict_proba(behind.mean(axis=1)),
        "GRU": logits,
        "GRU, padding in front": bare(padded(length, "pre")),
    }
    for name, values in logits_of.items():
        shares[name].append(np.mean(np.argmax(values, axis=1) == who_val))

# %%
figure, axes = plot.subplots(figsize=(6.8, 3.0))
for (name, values), marker in zip(shares.items(), plot.MARKERS):
    label = name if name == "GRU with mask" else f"{name}, no mask"
    axes.plot(padded_lengths, values, marker=marker, label=label)
axes.set(xlabel="padded to (frames)", ylabel="share right", ylim=(0, 1.05))
axes.legend(fontsize=9, loc="center right")
plot.show(figure)

# %% [markdown]
# *Figure. The same weights with and without the mask. At the very length it was trained with, the GRU without a mask is already
# below the mean frame. With the padding in front it loses almost nothing: the two curves at the top coincide.*
# <details><summary>In words</summary>Share right over the length, from 29 to 200 frames. The GRU with mask is level near 1, and so
# is the GRU without a mask when the padding comes first. The mean frame without a mask starts near 0.8, the GRU a
# little below 0.5; they sink
# to about 0.1 and 0.2.</details><br>

# %%
kept = np.ptp(shares["GRU with mask"])
expect("with mask, highest minus lowest", kept, at_most=0.001)
lead = shares["mean frame"][0] - shares["GRU"][0]
expect("29 frames, no mask: mean frame minus GRU", lead, at_least=0.1)
expect("100 frames, no mask: GRU", shares["GRU"][3], at_most=0.35)
in_front = min(shares["GRU, padding in front"])
expect("padding in front, no mask: GRU", in_front, at_least=0.85)

# %% [markdown]
# Padding *dilutes* a mean: it becomes smaller but keeps its direction. A state is *overwritten*: each frame of zeros is a step like
# any other, $h \leftarrow \mathrm{step}(0, h)$, one for which the network was never trained, and it moves the state away from what the
# speech had made of it. Programs without masks therefore pad in front: the zeros come first, and the speech comes last.
#
# ## What padding costs even with a mask
#
# A mask saves the answer, not the work: padded frames are computed and thrown away. All $n_b$ utterances of a batch $b$ are padded to
# the longest of them. With $\ell_i$ the length of utterance $i$, the share of the work that is wasted is
#
# $$w = 1 - \frac{\sum_i \ell_i}{\sum_b n_b \cdot \max_{i\in b} \ell_i}$$
#
# It depends on which utterances share a batch. **Bucketing** puts utterances of similar length together. In `tf.data` plain batches and
# buckets are one call each; both pad a batch to its own longest element. Guess what share each of them wastes.

# %%
import tensorflow as tf

stream = tf.data.Dataset.from_tensor_slices((x, lengths))
stream = stream.map(lambda utterance, length: utterance[:length])  # without padding
plain = stream.shuffle(216, seed=0).padded_batch(16)
buckets = stream.shuffle(216, seed=0).bucket_by_sequence_length(
    element_length_func=lambda utterance: tf.shape(utterance)[0],
    bucket_boundaries=[10, 12, 14, 16, 18, 20, 22, 24],  # shorter than 10, 10 or 11, …
    bucket_batch_sizes=[16] * 9,
)


def wasted_share(batches):
    masks = [np.any(batch, axis=-1) for batch in batches]  # (utterances, longest) each
    computed = sum(mask.size for mask in masks)
    spoken = sum(mask.sum() for mask in masks)
    return 1 - spoken / computed


formula = scratch.padding_share(lengths, batch_size=16)
in_order = wasted_share(stream.padded_batch(16))
expect("in the order given, bmkit.scratch", in_order, equals=formula, tolerance=1e-9)
expect("wasted in random order", wasted_share(plain), at_least=0.2)
expect("wasted in buckets", wasted_share(buckets), at_most=0.1)

# %%
figure, row = plot.subplots(1, 2, figsize=(7.2, 2.4), sharex=True)
for axes, batches, name in zip(row, (plain, buckets), ("random order", "bucket")):
    batch = next(iter(batches))
    is_speech = np.any(batch, axis=-1)
    axes.imshow(is_speech, cmap="Greys", vmin=-0.5, vmax=1, aspect="auto")
    axes.set(title=name, xlabel="frame", ylabel="utterance")
    axes.grid(False)
plot.show(figure)

# %% [markdown]
# *Figure. One batch each. Dark is speech, light is padding.*
# <details><summary>In words</summary>Two rectangles of sixteen rows. In random order the dark bars end at very different frames, and a good part
# of the rectangle is light. From a bucket they end within a few frames of each other, and nearly all is dark.</details><br>
#
# Why not sort all utterances by length and cut the batches then? They would be the same in every epoch, and batches should be
# random. In buckets the order stays that of the shuffled stream.
#
# ## Deciding while he speaks
#
# A voice assistant cannot wait for the end of an utterance; it does not even know where the end will be. A recurrent network has a state
# after every frame, so it can be asked at any time: apply the dense layer to *each* state. In Keras that is
# `return_sequences=True`. The network above was trained with one loss at the end of each utterance. A second one is trained with a loss at *every* frame.
# (The mask is passed on to the loss, so padding is not counted.)
#
# Guess before you run: which of the two is better after one frame, and which at the end?


# %%
def frame_network():
    inputs = keras.Input((None, 12))
    hidden = keras.layers.Masking()(inputs)
    hidden = keras.layers.Dropout(0.1)(hidden)
    states = keras.layers.GRU(32, return_sequences=True)(hidden)  # (batch, time, 32)
    return keras.Model(inputs, keras.layers.Dense(9)(states))  # (batch, time, 9)


every_frame = compiled(frame_network(), rate=0.01, steps=84)
who_each = np.repeat(who[:, np.newaxis], 29, axis=1)  # (216, 29)
who_each_val = np.repeat(who_val[:, np.newaxis], 29, axis=1)
history = train.fit(every_frame, (x, who_each), (x_val, who_each_val), epochs=12)

at_the_end = frame_network()  # the network trained before, asked at every frame
at_the_end.set_weights(reader.get_weights())

# %% [markdown]
# The rivals. Logistic regression on the mean frame knows no order of the frames. Nor does a classical method of speaker recognition, older than the GRU. It gives each man $k$ a normal distribution of frames and adds up how well it explains what was heard so far:
#
# $$\mathrm{score}_k(t) = \sum_{u\le t} \log \mathcal N\big(x_u;\, \mu_k, \Sigma_k\big)$$
#
# with $\mu_k$ and $\Sigma_k$ the mean and covariance of the frames in his training utterances. It has a score after every frame without any
# further training. All choices are made, so we open the test set, 370 utterances of the *same* nine men on other occasions.

# %%
from scipy import stats

voices = []
for man in range(9):
    own = x[who == man]
    own = own[own.any(axis=-1)]  # all his real frames, (frames, 12)
    voices.append(stats.multivariate_normal(own.mean(axis=0), np.cov(own.T)))


def gaussian_scores(x):  # score of each man after each frame, (n, time, 9)
    each = [voice.logpdf(x) for voice in voices]
    mask = x.any(axis=-1, keepdims=True)
    return np.cumsum(np.stack(each, axis=-1) * mask, axis=1)


frames_test, who_test = vowels.arrays("test")
x_test = normalised(frames_test)
scores = {
    "Gaussian voices": gaussian_scores(x_test),
    "GRU, loss at the end": np.array(at_the_end(x_test)),
    "GRU, loss at every frame": np.array(every_frame(x_test)),
}
right = {}
for name, values in scores.items():
    right[name] = values.argmax(axis=2) == who_test[:, np.newaxis]  # (370, 29)

# %%
figure, axes = plot.subplots(figsize=(6.8, 3.2))
heard = 25.6 + 6.4 * np.arange(29)  # ms: a frame lasts 25.6, the next begins 6.4 later
for (name, values), marker in zip(right.items(), plot.MARKERS):
    axes.plot(heard, values.mean(axis=0), marker=marker, ms=4, label=name)
axes.set(xlabel="heard so far (ms)", ylabel="share right", ylim=(0, 1.03))
axes.legend(loc="lower right", fontsize=9)
plot.show(figure)

# %%
def share_right(right):  # with the interval of chapter 10
    low, high = scratch.wilson_interval(right.sum(), len(right))
    return right.mean(), low, high


means_test = scratch.masked_mean(x_test, x_test.any(axis=-1))
mean_right = share_right(mean_frame.predict(means_test) == who_test)
rows = {"mean frame": {"1 frame": None, "5 frames": None, "end": mean_right}}
for name, values in right.items():
    rows[name] = {
        "1 frame": share_right(values[:, 0]),
        "5 frames": share_right(values[:, 4]),
        "end": share_right(values[:, -1]),
    }
plot.table(rows, corner="test, share right")

# %% [markdown]
# *Figure. After one frame the network with a loss at every frame names about four utterances in five right, the other network about
# half as many. After a tenth of a second all three curves are close together.
# Mind that an utterance which has ended keeps its last answer: a third have ended by then, and more than half soon after. Perhaps
# that is why the network trained on the end catches up there.*
# <details><summary>In words</summary>Share of 370 test utterances right over the milliseconds heard. The Gaussian voices and the GRU with the loss
# at every frame begin near 0.8 and rise slowly. The GRU with the loss at the end begins between 0.3 and 0.5 and meets them after
# about a tenth of a second. All end between 0.9 and 1.</details><br>

# %%
voices_right = right["Gaussian voices"].mean(axis=0)
late = right["GRU, loss at the end"].mean(axis=0)
early = right["GRU, loss at every frame"].mean(axis=0)
lead = np.mean(early[:5] - late[:5])
expect("loss at every frame, after one frame", early[0], at_least=0.7)
expect("lead of the loss at every frame, five frames", lead, at_least=0.25)
price = late[-1] - early[-1]
expect("lead of the loss at the end, at the end", price, at_most=0.07)
each = right["GRU, loss at the end"][:, -1].astype(float)
each -= right["GRU, loss at every frame"][:, -1]  # 1, 0 or -1, (370,)
margin = 1.96 * each.std() / np.sqrt(len(each))
print(f"    its interval (here: {price - margin:.3f} to {price + margin:.3f})")
expect("Gaussian voices, at the end", voices_right[-1], at_least=0.93)

# %% [markdown]
# Train a network on the question that it will be asked. There may be a price: the loss at every frame shares its effort among all frames, and the line above says by how much the network that was trained on the end leads there. Where its interval holds zero, the two are *not told apart*. If some moments matter more than others, weight the
# frames (`sample_weight`). And a classical method does as well all the way: the Gaussian voices simply add up what they hear.
#
# ### Exercise 2 · Build a labeller that reads both ways
#
# A recording that is complete can be read from both ends. `keras.layers.Bidirectional` wraps a recurrent layer: a copy of the layer
# reads from the end, and the two outputs are joined. Write `labeller(units, classes)`, which returns a Keras model from frames
# `(batch, time, 12)` to logits for **every** frame, `(batch, time, classes)`: one GRU of `units` units in each direction, then a dense
# layer. Frames of zeros at the end are padding, and however many there are, the logits of the real frames must not change. *Medium,
# ten minutes; the check sets weights of its own and looks at the logits.*


# %%
def labeller(units, classes):
    ...


ch14.labeller.check(labeller)

# %% [markdown]
# ## People never heard before
#
# "Who speaks?" cannot be asked about a stranger. The set has no other labels, but one can be made: take every recording twice, once as it is and once **backwards**. Everyone says *a* and then *e*; is this recording the right way round? Now the speakers can be held out (only the mean and standard deviation
# that normalise the frames still come from all nine): five men to train
# with, two others for validation, two others again for the test. And now the order is everything: a mean frame is the *same*
# forwards and backwards.


# %%
def backwards(utterance):  # (29, 12); the padding stays at the end
    is_real = utterance.any(axis=-1)
    return np.concatenate([utterance[is_real][::-1], utterance[~is_real]])


def both_directions(x):
    turned = np.array([backwards(utterance) for utterance in x])
    directions = np.repeat([1, 0], len(x))  # 1: the right way round
    return np.concatenate([x, turned]), directions


is_known = who < 5
is_stranger = (who == 5) | (who == 6)
is_unheard = who_test >= 7
x_known, y_known = both_directions(x[is_known])
x_strangers, y_strangers = both_directions(x[is_stranger])
x_unheard, y_unheard = both_directions(x_test[is_unheard])

# %%
inputs = keras.Input((None, 12))
state = keras.layers.GRU(16)(keras.layers.Masking()(inputs))
direction = keras.Model(inputs, keras.layers.Dense(2)(state))
compiled(direction, rate=0.01, steps=48)  # 6 epochs of 8 batches
strangers = (x_strangers, y_strangers)
history = train.fit(direction, (x_known, y_known), strangers, epochs=6)


def mean_of_frames(x):
    return scratch.masked_mean(x, x.any(axis=-1))


def last_minus_first(x):
    last = x.any(axis=-1).sum(axis=1) - 1
    return x[np.arange(len(x)), last] - x[:, 0]


# %%
direction_answers = {"GRU": np.argmax(direction(x_unheard), axis=1)}
views = {"mean frame": mean_of_frames, "last frame minus first": last_minus_first}
for name, view in views.items():
    rival = linear_model.LogisticRegression().fit(view(x_known), y_known)
    direction_answers[name] = rival.predict(view(x_unheard))

forwards, turned = np.split(mean_of_frames(x_unheard), 2)
expect("mean frames, forwards and backwards", turned, equals=forwards, tolerance=1e-5)
direction_right = {}
for name, answer in direction_answers.items():
    direction_right[name] = np.mean(answer == y_unheard)
expect("GRU, unheard men", direction_right["GRU"], at_least=0.8)
difference = direction_right["last frame minus first"]
expect("last frame minus first, unheard men", difference, at_least=0.95)

# %%
rows = {}
for name, answer in direction_answers.items():
    rows[name] = {"share right": share_right(answer == y_unheard)}
plot.table(rows, corner="forwards or backwards, two unheard men")

# %% [markdown]
# The GRU found by itself that the order matters, and what it found holds for two men whom it has never heard. (The intervals count each recording twice, and there are only two men: they are too narrow. The 0.500 of the mean frame is exact by construction.) But someone who *knows* that the direction shows at the two ends needs only one subtraction and a linear model. A network can pay
# where nobody knows where to look.
#
# ## A series: what comes next?
#
# Every half-hour somebody must say how much electricity England and Wales will need, so that power stations can be told in time.
# The series has twelve weeks of the summer of 2000, from Monday 5 June on, in megawatts (MW). It is split by **time**: eight weeks for
# training, two for validation, and two that stay closed until the end. In any other split a model would learn from the future of
# what it has to forecast.

# %%
DAY = 48  # half-hours
WEEK = 7 * DAY
NOW = 8 * WEEK  # training ends here
LATER = 10 * WEEK  # validation ends here
series = data.load("electricity_demand")
demand = np.concatenate([series.arrays("train")[1], series.arrays("validation")[1]])
demand = demand.astype(float)

figure, axes = plot.subplots(figsize=(7.2, 2.6))
axes.plot(np.arange(2 * WEEK) / DAY, demand[: 2 * WEEK] / 1000)
axes.set(xlabel="day (0 is Monday, 5 June 2000)", ylabel="demand (1,000 MW)")
axes.set_xticks(range(15))
plot.show(figure)

# %% [markdown]
# *Figure. Two weeks. One day resembles the next and one week the next: five high days, two low ones.*
# <details><summary>In words</summary>A curve between about 19 and 39 thousand megawatts with fourteen humps, low at night. Days 5, 6,
# 12 and 13, the weekends, are lower than the others.</details><br>
#
# With $y_t$ the demand in half-hour $t$ and $\hat y_{t+h}$ the forecast made at time $t$ for $h$ steps ahead ($h$ is
# the **forecast horizon**), the **seasonal naive**
# forecast repeats the last season:
#
# $$\hat y_{t+h} = y_{t+h-s}, \qquad s = 48 \text{ (yesterday)} \quad\text{or}\quad s = 336 \text{ (a week ago)}$$
#
# It costs nothing and is often hard to beat, so errors are measured in its units. The **mean absolute scaled error** divides the mean
# absolute error of a forecast by that of the seasonal naive forecast on the *training* series of $n$ steps:
#
# $$\mathrm{MASE} = \frac{\frac1m\sum_{j=1}^{m} |y_j-\hat y_j|}{\frac{1}{n-s}\sum_{t=s+1}^{n} |y_t-y_{t-s}|}$$
#
# with $j$ counting the $m$ forecasts. Below 1 a forecast is better than the seasonal naive one usually was. MASE has no unit, so a town
# and a country can be compared; beside it we keep the mean absolute error in MW, which a power station understands.
#
# ### Exercise 3 · MASE
#
# Write `mase(y, forecast, history, season)`: `history` is the training series, `season` is $s$. *Medium, five minutes; expected: one number.*


# %%
def mase(y, forecast, history, season):
    ...


ch14.mase.check(mase)

# %%
training = demand[:NOW]
usual_changes = training[WEEK:] - training[:-WEEK]
scale = np.abs(usual_changes).mean()  # MW: this is MASE 1

half_hours = np.arange(NOW, LATER)  # the validation half-hours
truth = demand[half_hours]
week_ago = demand[half_hours - WEEK]
naive = np.abs(truth - week_ago).mean() / scale
formula = scratch.mean_absolute_scaled_error(truth, week_ago, training, WEEK)
first_day = scratch.seasonal_naive(training, season=WEEK, horizon=DAY)
expect("a week ago, MASE on validation", naive, at_least=1.2, at_most=1.6)
expect("bmkit.scratch", formula, equals=naive, tolerance=1e-9)
expect("seasonal naive, first day", first_day, equals=week_ago[:DAY])
first_week, second_week = np.abs(truth - week_ago).reshape(2, WEEK).mean(axis=1) / scale
expect("first validation week", first_week, at_most=1.0)
expect("second validation week", second_week, at_least=1.8, at_most=2.2)

# %% [markdown]
# On the two validation weeks "a week ago" has a larger error than it had in training: in the first of them it is no worse than usual, in the second the demand is higher than the week before, and the error is about twice the usual. A series drifts, and what is measured in one fortnight need not hold in the next.
#
# ## Windows that do not look ahead
#
# A network learns from many examples, but we have one series. So the series is cut into **windows**: `past` steps that
# a model may see, then `horizon` steps that it must forecast, then the same again one half-hour later.
#
# The standard call is `keras.utils.timeseries_dataset_from_array`. It takes the series and, for each window, the target that belongs to
# the window's *first* step: with 48 past steps that is the series shifted by 48. It gives one target a window. For a whole day ahead
# `scratch.forecast_windows` of the kit cuts past and future in one call. For one step ahead both must agree:

# %%
standard = keras.utils.timeseries_dataset_from_array(
    training[:-1], targets=training[DAY:], sequence_length=DAY, batch_size=2640
)
standard_pasts, standard_targets = next(iter(standard))  # (2640, 48) and (2640,)
pasts, futures = scratch.forecast_windows(training, past=DAY, horizon=1)
expect("pasts of both calls", standard_pasts, equals=pasts)
expect("targets of both calls", standard_targets, equals=futures[:, 0])
side_by_side = np.lib.stride_tricks.sliding_window_view(training, DAY + 1)  # (2640, 49)
expect("the same windows by NumPy", side_by_side[:, :DAY], equals=pasts)

# %%
# Windows of positions instead of values: every feature can then be looked up.
numbers = np.arange(LATER)
past, future = scratch.forecast_windows(numbers[:NOW], DAY, DAY)  # (2593, 48) each
past_val, future_val = scratch.forecast_windows(numbers[NOW - DAY :], DAY, DAY)
expect("first half-hour that validation forecasts", future_val.min(), equals=NOW)

# The wrong way: hide some of the training windows at random.
order = np.random.default_rng(0).permutation(len(past))
hidden = future[order[:500]]
kept = future[order[500:]]
leaked = np.isin(hidden, kept).mean()
expect("random split: hidden half-hours in training", leaked, at_least=0.99)

# %% [markdown]
# The past of a validation window may reach into the training weeks. That is no leak: by then it has happened. The last claim shows the leak of [chapter 07](07_cross_validation.ipynb). Windows overlap, so shuffling them before the split puts nearly
# every half-hour of the hidden windows into training as well. Cut the *series* first and the windows afterwards.
#
# ### Exercise 4 · Mend the split
#
# This function should return training and validation windows so that training sees nothing from step `first` on, and
# validation forecasts each stretch of steps from `first` on that fits, with its past allowed to reach back before `first`. It leaks:
#
# ```python
# def split_windows(series, past, horizon, first):
#     x, y = scratch.forecast_windows(series, past, horizon)
#     return x[:first], y[:first], x[first:], y[first:]
# ```
#
# Write it correctly. *Medium, ten minutes; expected: four arrays, as above.*


# %%
def split_windows(series, past, horizon, first):
    ...


ch14.split_windows.check(split_windows)

# %% [markdown]
# ## Half an hour ahead
#
# The strong classical rival is a weighted sum of earlier values, a linear **autoregression** with the lags $L$, fitted by least squares:
#
# $$\hat y_{t+1} = b + \sum_{l\in L} w_l\, y_{t+1-l}$$
#
# Our GRU reads one day, 48 steps. Each step holds the scaled demand and the *calendar of the next half-hour*, which is known in
# advance: sines and cosines of the time of day (one and two waves a day), and the weekday as a one-hot row. At every step it is asked for the next
# change, so each window asks 48 questions. The autoregression comes with the 48 lags of one day, and with nine lags around
# now, a day ago and a week ago.


# %%
def calendar(t):  # half-hours of any shape → (…, 11)
    angle = 2 * np.pi * t / DAY
    once = [np.sin(angle), np.cos(angle)]  # a day
    twice = [np.sin(2 * angle), np.cos(2 * angle)]
    weekday = np.eye(7)[t // DAY % 7]
    waves = np.stack(once + twice, axis=-1)
    return np.concatenate([waves, weekday], axis=-1)


demand_mean = training.mean()
demand_std = training.std()
change_std = np.diff(training).std() / demand_std  # the usual size of a change


def scaled(demand):
    return (demand - demand_mean) / demand_std


def network_steps(demand):  # (time, 12)
    clock = calendar(np.arange(1, len(demand) + 1))  # of the next half-hour
    return np.column_stack([scaled(demand), clock]).astype("float32")


# %%
steps = network_steps(demand)
z = scaled(demand)
change = np.diff(z) / change_std
change = change[:, np.newaxis]  # (time - 1, 1)
day_before = half_hours[:, np.newaxis] - np.arange(DAY, 0, -1)  # (672, 48)
known = past[::3]
held = day_before[::8]

next_change = keras.Sequential([keras.Input((None, 12))])
next_change.add(keras.layers.GRU(32, return_sequences=True))
next_change.add(keras.layers.Dense(1))
compiled(next_change, rate=0.01, steps=448, loss="mse")  # 16 epochs of 28 batches
training_pair = (steps[known], change[known])
validation_pair = (steps[held], change[held])
history = train.fit(next_change, training_pair, validation_pair, epochs=16)

answers = np.array(next_change(steps[day_before]))  # (672, 48, 1)
changes = answers[:, -1, 0] * change_std * demand_std  # (672,) in MW
gru_forecast = demand[half_hours - 1] + changes

# %%
def lag_columns(values, lags, half_hours):  # (half-hours, 1 + lags)
    columns = [values[half_hours - lag] for lag in lags]
    return np.column_stack([np.ones(len(half_hours)), *columns])


def autoregression(values, lags, half_hours):  # fitted on training, (half-hours,)
    known = np.arange(WEEK + 1, NOW)
    columns = lag_columns(values, lags, known)
    weights = np.linalg.lstsq(columns, values[known], rcond=None)[0]
    return lag_columns(values, lags, half_hours) @ weights


one_day = range(1, 49)
nine_lags = [1, 2, 3, 47, 48, 49, 335, 336, 337]
mean_week = training.reshape(8, WEEK).mean(axis=0)  # (336,) in MW
usual = mean_week[np.arange(LATER) % WEEK]
deviation = demand - usual

# %%
known = np.arange(WEEK + 1, NOW)
columns = lag_columns(demand, one_day, known)
columns = np.column_stack([columns, calendar(known)])
weights = np.linalg.lstsq(columns, demand[known], rcond=None)[0]
columns = lag_columns(demand, one_day, half_hours)
columns = np.column_stack([columns, calendar(half_hours)])
with_calendar = columns @ weights

# %%
corrections = autoregression(deviation, one_day, half_hours)
one_step = {
    "half an hour ago": demand[half_hours - 1],
    "a week ago": week_ago,
    "linear, one day": autoregression(demand, one_day, half_hours),
    "linear, one day and calendar": with_calendar,
    "GRU, one day": gru_forecast,
    "mean week + linear": usual[half_hours] + corrections,
    "linear, nine lags": autoregression(demand, nine_lags, half_hours),
}
errors = {}
rows = {}
for name, forecast in one_step.items():
    error = float(np.abs(forecast - truth).mean())
    errors[name] = error
    rows[name] = {"mean absolute error (MW)": error, "MASE": error / scale}
plot.table(rows, corner="half an hour ahead, validation", digits=2)

# %%
gru_error = errors["GRU, one day"]
linear = errors["linear, one day"]
expect("GRU over linear, one day", gru_error / linear, at_most=0.9)
gain = linear / errors["linear, one day and calendar"]
expect("linear over linear with calendar", gain, at_least=0.98, at_most=1.02)
by_hand = errors["mean week + linear"]
expect("mean week + linear over GRU", by_hand / gru_error, at_most=0.95)
nine = errors["linear, nine lags"]
expect("linear with nine lags over GRU", nine / gru_error, at_most=0.85)

# %% [markdown]
# On these two weeks the GRU beats the linear model that reads the same day. The calendar alone is not the reason: the linear model
# gains nothing from it. A sum cannot say that the morning begins later on Sundays: that is a
# *product* of weekday and hour. But such products can be made by hand. Subtract the mean week of the training data, forecast the *deviation* with the same 48 lags, and the linear model is ahead of the GRU. The linear model with nine lags, only ten numbers, is shown the same hours a week ago, which the GRU is not, and does better still.
#
# ### Exercise 5 · Change the experiment
#
# How much of that comes from the week? Give `autoregression` the six lags up to a day only (1, 2, 3, 47, 48, 49). **How many times as large as
# with nine lags is the mean absolute error on validation?** *Easy, five minutes; expected: a number with two decimals, measured by you.*

# %%
without_week = ...
ch14.without_week.check(without_week)

# %% [markdown]
# ## A day ahead: directly or step by step
#
# Tomorrow's plan needs 48 half-hours at once. There are two ways. **Recursive**: take the one-step model, forecast, append the
# forecast as if it had happened, and go on. **Direct**: a network with 48 outputs. (Ours forecasts the change since the same half-hour yesterday; the one-step model forecasts the change since now. It is also trained with another loss and on fewer windows. So this compares two forecasters, not the two ways alone.)
#
# $$\text{recursive: } \hat y_{t+h} = f\big(\dots, y_t, \hat y_{t+1}, \dots, \hat y_{t+h-1}\big) \qquad \text{direct: } (\hat y_{t+1},\dots,\hat y_{t+48}) = g(\dots, y_t)$$
#
# Which will be better after half an hour, and which after a day?


# %%
def recursive(demand, past):  # (windows, 48) in MW
    window = network_steps(demand)[past]  # (windows, 48, 12)
    last = past[:, -1]
    value = scaled(demand)[last]
    forecasts = []
    for ahead in range(1, DAY + 1):
        change = np.array(next_change(window))[:, -1, 0]
        value = value + change * change_std  # for the half-hour last + ahead
        forecasts.append(value)
        clock = calendar(last + ahead + 1)
        step = np.column_stack([value, clock]).astype("float32")
        window = np.concatenate([window[:, 1:], step[:, np.newaxis]], axis=1)
    return demand_mean + demand_std * np.stack(forecasts, axis=1)


# %%
known = past[::5]
held = past_val[::8]

direct_network = keras.Sequential([keras.Input((None, 12))])
direct_network.add(keras.layers.GRU(32))
direct_network.add(keras.layers.Dense(DAY))
compiled(direct_network, rate=0.01, steps=272, loss="mae")  # 16 epochs of 17 batches
targets = z[future[::5]] - z[known]  # the change since yesterday
targets_held = z[future_val[::8]] - z[held]
training_pair = (steps[known], targets)
validation_pair = (steps[held], targets_held)
history = train.fit(direct_network, training_pair, validation_pair, epochs=16)


def direct(demand, past):
    changes = np.array(direct_network(network_steps(demand)[past]))
    return demand[past] + demand_std * changes


# %% [markdown]
# The classical rival is a forecast by **differencing**: *as a week
# ago, corrected by how much yesterday differed from its own week ago*, and by what went wrong just now,
#
# $$\hat y_{t+h} = y_{t+h-336} + \big(y_{t+h-48} - y_{t+h-384}\big) + \varphi^h\, u_t, \qquad u_t = y_t - y_{t-48} - y_{t-336} + y_{t-384}$$
#
# * $u_t$ is the series **differenced twice**: the error of the first two terms at the present moment,
# * $\varphi$, a single learned number, says how slowly such an error fades (least squares of $u_{t+1}$ on $u_t$).


# %%
def differenced_twice(demand, t):
    yesterday = t - DAY
    weekly_change = demand[t] - demand[t - WEEK]
    change_yesterday = demand[yesterday] - demand[yesterday - WEEK]
    return weekly_change - change_yesterday


u = differenced_twice(demand, np.arange(WEEK + DAY, NOW))
phi = (u[:-1] @ u[1:]) / (u[:-1] @ u[:-1])


def differenced(demand, past, future):
    last = past[:, -1:]  # (windows, 1)
    fading = phi ** np.arange(1, DAY + 1) * differenced_twice(demand, last)
    correction = demand[past] - demand[past - WEEK]
    return demand[future - WEEK] + correction + fading


def day_forecasts(demand, past, future):  # (windows, 48) in MW, by each method
    return {
        "a week ago": demand[future - WEEK],
        "GRU, recursive": recursive(demand, past),
        "GRU, direct": direct(demand, past),
        "differenced": differenced(demand, past, future),
    }


# %%
hourly = np.arange(0, len(past_val), 2)  # one forecast an hour
forecasts_val = day_forecasts(demand, past_val[hourly], future_val[hourly])
came = demand[future_val[hourly]]  # (windows, 48)
errors_val = {name: np.abs(values - came) for name, values in forecasts_val.items()}

figure, axes = plot.subplots(figsize=(7.2, 3.4))
ahead = np.arange(1, DAY + 1) / 2
for name, values in errors_val.items():
    axes.plot(ahead, values.mean(axis=0), label=name)
axes.set(xlabel="hours ahead", ylabel="mean absolute error (MW)", ylim=(0, 1000))
axes.set_xticks(range(0, 25, 4))
axes.legend(fontsize=9, ncols=3, loc="upper left")
plot.show(figure)

# %% [markdown]
# *Figure. The recursive GRU begins low, and its error grows over the day. The direct GRU is nearly level. The forecast by
# differencing, with one learned number, lies below the direct GRU all day.*
# <details><summary>In words</summary>Mean absolute error over up to 24 hours ahead. "A week ago" is a horizontal line
# near 750 megawatts. The recursive GRU starts low and climbs to that line. The direct GRU stays
# between 400 and 530. The differenced forecast lies lowest, below 350.</details><br>

# %%
by_hour = {name: values.mean(axis=0) for name, values in errors_val.items()}  # (48,)
day_error = {name: values.mean() for name, values in errors_val.items()}
step_by_step = by_hour["GRU, recursive"]
at_once = by_hour["GRU, direct"]
first = step_by_step[0] / at_once[0]
expect("half an hour ahead, recursive over direct", first, at_most=0.7)
growth = step_by_step[-1] / step_by_step[0]
expect("recursive, last half-hour over first", growth, at_least=2.5)
growth = at_once[-1] / at_once[0]
expect("direct, last half-hour over first", growth, at_most=1.5)
lead = day_error["GRU, direct"] / day_error["a week ago"]
expect("GRU, direct, over a week ago", lead, at_most=0.75)
lead = day_error["differenced"] / day_error["GRU, direct"]
expect("differenced over GRU, direct", lead, at_most=0.85)

# %%
def draw(day, hour):
    made = DAY * day + 2 * hour  # half-hours after the end of training
    figure, axes = plot.subplots(figsize=(7.2, 3.2))
    around = np.arange(made - DAY, made + DAY)
    came = demand[NOW + around] / 1000
    look = {"color": "black", "ls": "-", "lw": 2}
    axes.plot((around - made + 1) / 2, came, label="what came", **look)
    colors = (plot.COLORS[0], plot.COLORS[1], plot.COLORS[3], plot.COLORS[5])
    for name, color in zip(forecasts_val, colors):
        forecast = forecasts_val[name][made // 2] / 1000
        axes.plot(np.arange(1, DAY + 1) / 2, forecast, color=color, label=name)
    axes.axvline(0.25, color="0.5", ls="-", lw=1)
    axes.set(xlabel="hours after the forecast was made", ylabel="demand (1,000 MW)")
    axes.set_ylim(18, 43)
    axes.legend(fontsize=8.5, ncols=2, loc="upper left")
    return figure


start = {"day": 8, "hour": 6}
plot.explore(draw, start=start, day=range(13), hour=range(0, 24, 3))

# %% [markdown]
# *Figure. Forecasts made at six on a Tuesday morning, and what came. "A week ago" is far off on this day. Move the sliders: find an
# hour at which the recursive GRU goes astray, and one at which the differenced forecast does.*
# <details><summary>In words</summary>Demand over 48 hours. Left of the grey line, at the moment of the forecast, the known day; right of
# it the day that came, and four forecasts of it as thinner coloured lines.</details><br>
#
# ## The closed weeks, opened once
#
# The differenced forecast has the lowest error on validation, so it is chosen. Now the last two weeks, 14 to 27 August. Errors of
# neighbouring half-hours resemble one another, so the interval must not treat them as 672 independent measurements. We take one
# mean error for each of the fourteen days and draw *days* with replacement (the **bootstrap**). (Neighbouring days resemble one another too, so the interval is perhaps still too narrow.)

# %%
_, closed_weeks = series.arrays("test")
all_demand = np.concatenate([demand, closed_weeks])
numbers = np.arange(LATER - DAY, len(all_demand))
past_test, future_test = scratch.forecast_windows(numbers, DAY, DAY)
came_test = all_demand[future_test]
errors_test = {}
for name, values in day_forecasts(all_demand, past_test, future_test).items():
    errors_test[name] = np.abs(values - came_test)  # (577, 48) in MW

# %%
def by_day(errors, future):  # mean error of each forecast day, (14,)
    day = future // DAY
    return np.array([errors[day == number].mean() for number in np.unique(day)])


def interval_of_mean(values):  # 95 %, drawn with replacement
    random = np.random.default_rng(0)
    draws = random.choice(values, size=(2000, len(values)))
    low, high = np.percentile(draws.mean(axis=1), [2.5, 97.5])
    return values.mean(), low, high


rows = {}
for name, values in errors_test.items():
    days = by_day(values, future_test) / scale
    validation = float(day_error[name] / scale)
    rows[name] = {"validation": validation, "test": interval_of_mean(days)}
plot.table(rows, corner="MASE, a day ahead", digits=2)

# %%
test_days = {}
for name, values in errors_test.items():
    test_days[name] = by_day(values, future_test) / scale
best = test_days["differenced"]
expect("days", len(best), equals=14)
for name in ("a week ago", "GRU, direct"):
    _, low, high = interval_of_mean(test_days[name] - best)
    expect(f"{name} minus differenced, lower end", low, at_most=0)
    expect("    upper end, so not told apart", high, at_least=0)

# %% [markdown]
# The result is sobering, and useful for that reason. On validation the differenced forecast was far ahead of the
# others. On the test weeks neither "a week
# ago" nor the direct GRU can be told apart from it: both intervals contain zero. Perhaps there was less drift to follow
# ("a week ago" itself was better there), and a correction
# that follows drift also adds up the noise of the weeks that it compares. The choice was made on two weeks, and two weeks are few.
#
# Perhaps eight weeks of one series are too little for a network. And ours read one day only, while the best formulas use last week too; a GRU with last week beside it was not tried. Networks that win forecasting competitions are often trained on thousands of series at once, and *with* the season taken out by a formula: Smyl's winner of the M4 competition was such a hybrid.
#
# ## Summary
#
# * A recurrent state **waits**: where the mask is 0, the old state is copied. Without the mask, padding overwrites the
#   state, and no error message tells you so.
# * Batches of similar length save most of the work that a mask cannot save.
# * A network decides early if it was **trained at every frame**. Whether that costs anything at the end depends on the start.
# * Who speaks can be told without the order of the frames, and there classical methods do as well. The direction of a recording cannot, and there a GRU finds the answer without being told where to look; one subtraction finds it too, for someone who knows where.
# * A series is split by time and then cut into windows. Windows shuffled before the split leak nearly everything.
# * Here the **recursive** forecast was sharp at first and drifted; the **direct** one kept its level. Seasonal naive forecasts, lags and differences are
#   rivals that have to be beaten, in MASE and in the unit of the data.
#
# **Ask yourself**
#
# <details><summary>Your bidirectional network scores better. May it serve in a live caption?</summary>Not as it is: its backward half needs
# the end of the sentence before it can say anything. Either wait for the end, or use a forward network.</details>
# <details><summary>A colleague reports MASE 0.2 for a forecast of the next half-hour. Impressive?</summary>Look at the horizon and at the season
# of the scale. Half an hour ahead nine lags nearly reach that here; at so short a horizon even a linear sum of 48 lags has 0.4 when it is measured against "a week ago".</details>
# <details><summary>A GRU that reads one day fails on Mondays. Why, and what are two cures?</summary>The day before is a Sunday. Show it the
# calendar or a lag of a week; or take the weekly season out by a difference before it sees the series.</details><br>
#
# **Next** [15 · Attention](15_attention.ipynb) looks back at every step at once instead of carrying a state.
#
# **References**
#
# * D. A. Reynolds, R. C. Rose (1995), Robust text-independent speaker identification using Gaussian mixture speaker models.
#   [doi](https://doi.org/10.1109/89.365379)
# * M. Schuster, K. K. Paliwal (1997), Bidirectional recurrent neural networks. [doi](https://doi.org/10.1109/78.650093)
# * J. W. Taylor (2003), Short-term electricity demand forecasting using double seasonal exponential smoothing.
#   [doi](https://doi.org/10.1057/palgrave.jors.2601589)
# * R. J. Hyndman, A. B. Koehler (2006), Another look at measures of forecast accuracy.
#   [doi](https://doi.org/10.1016/j.ijforecast.2006.03.001)
# * S. Ben Taieb, G. Bontempi, A. F. Atiya, A. Sorjamaa (2012), A review and comparison of strategies for multi-step ahead time
#   series forecasting. [doi](https://doi.org/10.1016/j.eswa.2012.01.039)
# * S. Smyl (2020), A hybrid method of exponential smoothing and recurrent neural networks for time series forecasting.
#   [doi](https://doi.org/10.1016/j.ijforecast.2019.03.017)
