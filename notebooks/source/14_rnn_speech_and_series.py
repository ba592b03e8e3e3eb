# %% [markdown]
# # 14 · Recurrent networks for speech and series
#
# **After this you can** carry a recurrent state past filling, say what a forgotten mask and careless batches cost, let a network decide while someone is still speaking, forecast a seasonal series one step and one day ahead without looking into the future, and tell whether the network was worth it
#
# **Time** 45 min to read, 90 min to teach, 45 s to run
#
# **Before** [13 · Recurrent networks for text](13_rnn_text.ipynb)
#
# **Data** japanese_vowels (640 utterances of nine men as cepstrum coefficients, CC BY 4.0), electricity_demand (4,032 half-hours of England and Wales, GPL-3)

# %%
from bmkit import data, models, plot, scratch, train
from bmkit.check import expect
from bmkit.exercises import ch14
import keras
import numpy as np
train.seed(0)

# %% [markdown]
# ## Two kinds of time
#
# [Chapter 13](13_rnn_text.ipynb) built the recurrent cells and gave them words. Words are steps, but nothing ticks between them.
# This chapter takes two sequences that a clock made. The first is **speech**: many short recordings, each of another length, and
# one answer for each. The second is a **series**: one single, endless recording, and the question what comes next. The cell is the
# same GRU in both. What changes is everything around it: masks and batches for the one, windows and honest rivals for the other.
#
# We begin with the nine men of [chapter 03](03_language_vision_speech.ipynb), who say *a*, *e*. A frame has 12 numbers, and a new
# one comes every 6.4 ms. Who speaks? The test utterances are the *same* men on other occasions, so this is
# recognition of known people. Whether a network can say anything about people it has never heard, we ask further down.

# %%
vowels = data.load("japanese_vowels")
frames, who = vowels.arrays("train")
spoken = frames[frames.any(axis=-1)]  # (all frames, 12), no filling


def entrance(frames):  # centred and scaled by the training frames; filling stays zero
    is_real = frames.any(axis=-1, keepdims=True)
    return ((frames - spoken.mean(axis=0)) / spoken.std(axis=0) * is_real).astype("float32")


frames_val, who_val = vowels.arrays("validation")
x, x_val = entrance(frames), entrance(frames_val)
real, real_val = x.any(axis=-1), x_val.any(axis=-1)  # the masks, (216, 29) and (54, 29)
lengths = real.sum(axis=1)
print(x.shape, x_val.shape, "frames in an utterance:", lengths.min(), "to", lengths.max())

# %% [markdown]
# ## A state that waits
#
# The shortest of these utterances has 7 frames, the block 29. What shall a recurrent network do in the frames that are not there? Nothing:
#
# $$h_{i,t} = m_{i,t}\;\mathrm{step}\big(x_{i,t},\, h_{i,t-1}\big) + \big(1-m_{i,t}\big)\, h_{i,t-1}$$
#
# * $i$ counts the utterances, $t$ the frames; $h_{i,t}$ is the state, $h_{i,-1}=0$,
# * $\mathrm{step}$ is one step of a cell, here of the GRU,
# * $m_{i,t}$ is 1 for a real frame. For filling it is 0, and the old state is **copied**.
#
# So the last state of the block is the state after the last real frame, wherever that was. In Keras the layer `Masking` makes
# the mask (a frame of zeros is filling) and hands it on; every recurrent layer obeys.

# %%
gru = keras.layers.GRU(8)
masked = keras.Sequential([keras.Input((None, 12)), keras.layers.Masking(), gru])
weights = gru.get_weights()  # kernel, recurrent kernel, bias
state = np.zeros((len(x), 8))
for t in range(29):
    new = scratch.gru_step(x[:, t], state, *weights)
    state = np.where(real[:, t, np.newaxis], new, state)  # filling copies the old state
longer = np.pad(x, ((0, 0), (0, 31), (0, 0)))  # filled up to 60 frames
expect("last state, Keras with Masking", masked(x), equals=state, tolerance=1e-5)
expect("the same, filled up to 60 frames", masked(longer), equals=state, tolerance=1e-5)
states = scratch.recurrent_outputs(scratch.gru_step, x, weights, real)  # (216, 29, 8), all states
expect("last state, bmkit.scratch", states[:, -1], equals=state, tolerance=1e-12)

# %% [markdown]
# ### Exercise 1 · Without a mask
#
# Someone ran a network *without* a mask and kept its states after every step. Nothing is lost while the filling stands behind:
# the right states are still in there. Write `last_real(states, mask)`: shapes `(n, time, units)` and `(n, time)` in, the state
# after each sequence's last real step out, `(n, units)`. *Medium, six minutes.*


# %%
def last_real(states, mask):
    ...


ch14.last_real.check(last_real)

# %% [markdown]
# ## Who speaks?
#
# A GRU of 32 units reads the frames, and a dense layer makes nine logits of its last state. A **bidirectional** one has a second GRU
# that reads from the end, and the dense layer sees both last states. Their rivals: always the most frequent
# man, the mean frame with logistic regression (chapter 03), and a classical method, older than
# these networks. It gives each man $k$ a normal distribution of frames, and adds up how well it explains what was heard:
#
# $$\mathrm{score}_k(t) = \sum_{u\le t} \log \mathcal N\big(x_u;\, \mu_k, \Sigma_k\big)$$
#
# with $\mu_k$ and $\Sigma_k$ the mean and covariance of his training frames. The order of the frames does not count for it.

# %%
from scipy import stats
from sklearn import linear_model

by_man = [x[who == man][real[who == man]] for man in range(9)]  # all frames of a man
voices = [stats.multivariate_normal(part.mean(axis=0), np.cov(part.T)) for part in by_man]


def gaussian(x):  # score of each man after each frame, (n, time, 9)
    each = np.stack([voice.logpdf(x) for voice in voices], axis=-1)
    return np.cumsum(each * x.any(axis=-1, keepdims=True), axis=1)


entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
mean_frame = linear_model.LogisticRegression(max_iter=1000).fit(scratch.masked_mean(x, real), who)
right = {"most frequent man": np.mean(who_val == np.bincount(who).argmax())}
right["mean frame"] = mean_frame.score(scratch.masked_mean(x_val, real_val), who_val)
right["Gaussian voices"] = np.mean(gaussian(x_val)[:, -1].argmax(axis=1) == who_val)

# %%
def learn(model, known, held, loss, epochs, rate=0.01):
    shrinking = keras.optimizers.schedules.CosineDecay(rate, epochs * (len(known[0]) // 32 + 1))
    model.compile(keras.optimizers.Adam(shrinking), loss)
    train.fit(model, known, held, epochs=epochs)
    return model


networks = {}
for name, both in (("GRU", False), ("GRU, both ways", True)):
    network = models.rnn((None, 12), 9, cell="gru", units=(32,), bidirectional=both, dropout=0.1)
    networks[name] = learn(network, (x, who), (x_val, who_val), entropy, epochs=12)
    right[name] = np.mean(np.argmax(networks[name](x_val), axis=1) == who_val)

# %%
four = [share for name, share in right.items() if name != "most frequent man"]
least_lead = min(four) - right["most frequent man"]
expect("lowest of the four above the most frequent man", least_lead, at_least=0.75)
expect("all four, highest minus lowest", np.ptp(four), at_most=0.08)

# %% [markdown]
# Whoever looks at the frames recognises nearly everyone; one utterance of the 54 is two points, so the four methods cannot be
# told apart. The order of the frames says little about who speaks, and methods that forget the order do as well. An honest
# table says so. But the state of a recurrent network has two peculiarities that a mean has not, and both matter wherever such
# networks are used: it can be *lost*, and it can be *asked at any time*.
#
# ## What a forgotten mask costs
#
# Take the trained GRU and switch only its mask off. Then fill the validation utterances up further and further. In chapter 03 the
# mean faded with each frame of filling. What will the last state do, fade as well? Or something worse? And does it matter whether the filling stands behind the
# utterance or in front of it?

# %%
weights = networks["GRU"].get_weights()  # GRU: kernel, recurrent kernel, bias; dense: kernel, bias


def logits(weights, x, mask=None):  # after each frame, (n, time, 9), in NumPy
    return scratch.recurrent_outputs(scratch.gru_step, x, weights[:3], mask) @ weights[3] + weights[4]


behind = [np.pad(x_val, ((0, 0), (0, n), (0, 0))) for n in (0, 11, 31, 71, 171)]
in_front = [np.stack([np.roll(u, -m.sum(), axis=0) for u, m in zip(b, real_val)]) for b in behind]
runs = {"GRU with mask": [logits(weights, b, b.any(axis=-1))[:, -1] for b in behind]}
expect("with mask, Keras", networks["GRU"](x_val), equals=runs["GRU with mask"][0], tolerance=1e-4)
runs["mean frame, mask forgotten"] = [mean_frame.predict_proba(b.mean(axis=1)) for b in behind]
runs["GRU, mask forgotten"] = [logits(weights, b)[:, -1] for b in behind]
runs["the same, filling in front"] = [logits(weights, b)[:, -1] for b in in_front]
runs = {name: np.array(run) for name, run in runs.items()}  # (5, 54, 9)
share = {name: np.mean(run.argmax(axis=2) == who_val, axis=1) for name, run in runs.items()}

# %%
figure, axes = plot.subplots(figsize=(6.8, 3.0))
for (name, values), marker in zip(share.items(), plot.MARKERS):
    axes.plot([29, 40, 60, 100, 200], values, marker=marker, label=name)
axes.set(xlabel="filled up to (frames)", ylabel="share right", ylim=(0, 1.05))
axes.legend(fontsize=9, loc="center right")
plot.show(figure)
kept, mean, lost, front = share.values()
expect("with mask, spread over all lengths", np.ptp(kept), at_most=0.001)
expect("mean minus GRU, 29 frames, both without mask", mean[0] - lost[0], at_least=0.1)
expect("mask forgotten, 100 frames", lost[3], at_most=0.35)
expect("filling in front, mask forgotten", front.min(), at_least=0.85)
spread = runs["GRU, mask forgotten"].std(axis=1).mean(axis=1)  # of the logits, over the utterances
expect("logits' spread at 200 frames over that at 29", spread[4] / spread[0], at_most=0.3)

# %% [markdown]
# *Figure. The same weights, with and without the mask. At the very length it was trained with, the bare GRU already loses
# more than the bare mean; soon it gives everyone the same answer. With the filling in front it hardly notices.*
# <details><summary>In words</summary>Share right over the length, from 29 to 200 frames. The GRU with mask is flat near 1, and so
# is the bare one with filling in front. The bare mean starts near 0.8, the bare GRU near 0.5; both sink to about 0.1.</details><br>
#
# A mean is *diluted* by filling: shorter, but still pointing the same way. A state is *overwritten*. Each frame of zeros is a
# step like any other, $h \leftarrow \mathrm{step}(0, h)$, and under repetition this map runs to where it no longer changes, whoever spoke. That
# is the last claim: the logits of 54 utterances draw together. Filling in front is the cure of
# programs that know no masks: first the state goes wherever zeros lead it, then comes the speech, and the speech comes last.
#
# ## What filling costs even with a mask
#
# A mask saves the answer, not the work: the frames that are not there are computed, then thrown away. In a batch $b$ of $n_b$
# utterances, all are filled up to the longest. With $\ell_i$ the length of utterance $i$, the wasted share is
#
# $$w = 1 - \frac{\sum_i \ell_i}{\sum_b n_b \cdot \max_{i\in b} \ell_i}$$
#
# It depends on who sits beside whom. Put utterances of about equal length into the same batch (**bucketing**), and little is filled.
#
# How much is it here, and how much can sorting save? First a guess, then we count.


# %%
def table_of(lengths):  # 2 computed and real, 1 computed for nothing, 0 not computed
    batches = np.split(lengths, range(16, len(lengths), 16))
    longest = np.repeat([batch.max() for batch in batches], 16)[: len(lengths)]
    return sum((np.arange(29) < ends[:, np.newaxis]).astype(int) for ends in (longest, lengths))


mixed = np.random.default_rng(0).permutation(lengths)
figure, row = plot.subplots(1, 2, figsize=(7.0, 3.0))
for axes, (name, order) in zip(row, {"in random order": mixed, "sorted": np.sort(lengths)}.items()):
    table = table_of(order)
    axes.imshow(table, cmap="Blues", aspect="auto", vmax=2.6, interpolation="nearest")
    axes.set(title=name, xlabel="frame", ylabel="utterance (batches of 16)")
    axes.grid(False)
    share = np.mean(table[table > 0] == 1)
    expect(f"{name}: bmkit.scratch", scratch.filling_share(order, 16), equals=share, tolerance=1e-12)
    print(f"    computed for nothing: {100 * share:.0f} %")
plot.show(figure)

# %% [markdown]
# *Figure. Light blue is computed and thrown away, white is not computed at all. Sorting the utterances nearly empties the light part.*
# <details><summary>In words</summary>Two pictures, 216 utterances from top to bottom, frames from left to right. Left, a ragged dark
# edge, and light blocks that reach far beyond it. Right, a smooth dark staircase with thin light rims.</details><br>
#
# `tf.data.Dataset.bucket_by_sequence_length` does this for you. One caution: sorted batches are always the
# same batches, and no longer random. Practice sorts roughly and shuffles the batches.
#
# ## Deciding while he speaks
#
# A voice assistant cannot wait for the end; it does not even know where the end will be. A recurrent network has a state after
# every frame, so we may ask it at any time: put the dense layer on *each* state. Will a network that was trained on
# the end of the utterances know anything after two frames?
#
# Guess three curves for the first five frames, *before* you run the next two cells. One is the GRU from
# above. One is a second GRU, trained with the loss at *every* frame instead of the last. The third needs no training for it: the
# sum of the Gaussian voices is a score after every frame by itself.

# %%
inputs = keras.Input((None, 12))
states = keras.layers.GRU(32, return_sequences=True)(keras.layers.Masking()(inputs))
asked = keras.Model(inputs, keras.layers.Dense(9)(states))  # (batch, time, 9); the mask goes with it
every = (np.repeat(names[:, np.newaxis], 29, axis=1) for names in (who, who_val))
asked = learn(asked, (x, next(every)), (x_val, next(every)), entropy, epochs=12)


def online(x, who):  # share right after each frame, (29,)
    mask, scores = x.any(axis=-1), {"Gaussian voices": gaussian(x)}
    scores["GRU, asked at the end"] = logits(weights, x, mask)
    scores["GRU, asked at every frame"] = logits(asked.get_weights(), x, mask)
    return {name: (z.argmax(axis=2) == who[:, np.newaxis]).mean(axis=0) for name, z in scores.items()}

# %%
frames_test, who_test = vowels.arrays("test")
x_test = entrance(frames_test)
validated, tested = online(x_val, who_val), online(x_test, who_test)
figure, axes = plot.subplots(figsize=(6.4, 3.0))
for (name, curve), marker in zip(tested.items(), plot.MARKERS):
    axes.plot(25.6 + 6.4 * np.arange(29), curve, marker=marker, ms=4, label=name)
axes.set(xlabel="heard so far (ms)", ylabel="share right", ylim=(0, 1.03))
axes.legend(loc="lower right", fontsize=9)
plot.show(figure)
_, at_end, at_every = (curve[:5].mean() for curve in validated.values())
expect("first five frames, asked at every frame minus at the end", at_every - at_end, at_least=0.25)
voices_right, _, gru_right = tested.values()
expect("test, GRU asked at every frame, after one frame", gru_right[0], at_least=0.7)
expect("test, GRU asked at every frame, at the end", gru_right[-1], at_least=0.9)
expect("    Gaussian voices minus that", voices_right[-1] - gru_right[-1], at_least=-0.04, at_most=0.08)

# %% [markdown]
# *Figure. The test, opened after all choices. One frame, a fortieth of a second, is enough to name most of the nine men, if the
# network was asked so early in training. The one that was only ever asked at the end is lost at the beginning.*
# <details><summary>In words</summary>Share of 370 test utterances right over milliseconds heard. Gaussian voices and the GRU asked at every
# frame begin far above the other GRU and rise to nearly 1. The GRU asked at the end begins low and reaches them only
# after more than a tenth of a second.</details><br>
#
# Train a network on the question that it will be asked. The bidirectional one is out of this race: half of it begins at the end.
# And once more the classical method, which adds up frame by frame, is at least as good.
#
# ### People never heard before
#
# *Who speaks* cannot be asked about a stranger. The set has no other labels, but one can be made: play half of the recordings
# **backwards**. Everyone says *a* then *e*; is this recording the right way round? Now the speakers can be held out: five men to
# train with, two others to validate, two others again to test. And now order is everything. A mean frame is the *same* number
# forwards and backwards, so it must be right in exactly half of the cases.

# %%
def both_ways(x, who, men):
    x = x[np.isin(who, men)]
    flipped = [np.concatenate([u[u.any(axis=-1)][::-1], u[~u.any(axis=-1)]]) for u in x]
    return np.concatenate([x, flipped]), np.repeat([1, 0], len(x))


known, strangers = both_ways(x, who, range(5)), both_ways(x, who, [5, 6])
direction = models.rnn((None, 12), 2, cell="gru", units=(16,))
learn(direction, known, strangers, entropy, epochs=6)
views = {"mean frame": lambda x: scratch.masked_mean(x, x.any(axis=-1))}
views["last frame minus first"] = lambda x: x[np.arange(len(x)), x.any(-1).sum(1) - 1] - x[:, 0]
for (name, view), bounds in zip(views.items(), ({"equals": 0.5}, {"at_least": 0.95})):
    linear = linear_model.LogisticRegression().fit(view(known[0]), known[1])
    expect(f"{name}, strangers", linear.score(view(strangers[0]), strangers[1]), **bounds)
for men, (u, true) in {"strangers": strangers, "test": both_ways(x_test, who_test, [7, 8])}.items():
    expect(f"GRU, {men}", np.mean(np.argmax(direction(u), axis=1) == true), at_least=0.8)

# %% [markdown]
# The GRU found the order by itself and carries it over to strangers. And again honesty: who *knows* that the direction hides
# in the ends needs one subtraction and a linear model. A network pays when nobody knows where to look.
#
# ## A series: what comes next?
#
# Every half-hour, somebody must say how much electricity England and Wales will want, so that power stations can be told.
# The series has twelve weeks of summer 2000, from Monday 5 June on, in megawatts (MW). The split is by **time**: eight weeks to learn, two to choose, two
# closed until the end. Any other split would let a model learn from the future of what it must foretell.

# %%
DAY, WEEK = 48, 7 * 48  # half-hours
series = data.load("electricity_demand")
demand = np.concatenate([series.arrays(split)[1] for split in ("train", "validation")]).astype(float)
NOW = 8 * WEEK  # all before is for training
figure, axes = plot.subplots(figsize=(7.2, 2.6))
axes.plot(np.arange(2 * WEEK) / DAY, demand[: 2 * WEEK] / 1000)
axes.set(xlabel="day (0 is Monday, 5 June 2000)", ylabel="demand (1,000 MW)", xticks=range(15))
plot.show(figure)
expect("half-hours for training", NOW, equals=len(series.arrays("train")[1]))
expect("half-hours for validation", len(demand) - NOW, equals=2 * WEEK)

# %% [markdown]
# *Figure. Two weeks. Days look like days and weeks like weeks: five high ones, two low ones.*
# <details><summary>In words</summary>A curve between about 20 and 37 thousand megawatts with fourteen humps, low at night. Days 5, 6,
# 12 and 13, the weekends, are lower than the others.</details><br>
#
# Such a series nearly foretells itself. With $y_t$ the demand in half-hour $t$ and $\hat y_{t+h}$ the forecast made at time $t$ for $h$
# steps ahead, the **seasonal naive** forecast says: as it was one season ago.
#
# $$\hat y_{t+h} = y_{t+h-s}, \qquad s = 48 \text{ (yesterday)} \quad\text{or}\quad s = 336 \text{ (a week ago)}$$
#
# It costs nothing and is hard to beat, so the field measures in its units. The **mean absolute scaled error** divides a
# forecast's mean miss by the miss that the seasonal naive forecast made on the *training* series of $n$ steps:
#
# $$\mathrm{MASE} = \frac{\frac1m\sum_{j=1}^{m} |y_j-\hat y_j|}{\frac{1}{n-s}\sum_{t=s+1}^{n} |y_t-y_{t-s}|}$$
#
# with $j$ counting the $m$ forecasts. Below 1 is better than the baseline usually was. It has no unit, so a town and a country can be compared; beside it
# we keep the plain mean miss in MW, which the power station understands.
#
# ### Exercise 2 · MASE
#
# Write `mase(y, forecast, history, season)`. *Medium, five minutes; expected: one number.*


# %%
def mase(y, forecast, history, season):
    ...


ch14.mase.check(mase)

# %%
hours = np.arange(NOW, len(demand))  # the validation half-hours
rivals = {"half an hour ago": demand[hours - 1], "yesterday": demand[hours - DAY]}
rivals["a week ago"] = demand[hours - WEEK]
one_step = {name: np.abs(demand[hours] - said).mean() for name, said in rivals.items()}
scale = np.abs(demand[WEEK:NOW] - demand[: NOW - WEEK]).mean()  # MW, what MASE 1 means
expect("a week ago, MASE", one_step["a week ago"] / scale, at_least=1.2, at_most=1.6)
same = scratch.mean_absolute_scaled_error(demand[hours], demand[hours - WEEK], demand[:NOW], WEEK)
expect("bmkit.scratch", same, equals=one_step["a week ago"] / scale, tolerance=1e-9)
week_ago = scratch.seasonal_naive(demand[:NOW], season=WEEK, horizon=DAY)  # all of the first day
expect("seasonal naive by bmkit.scratch", week_ago, equals=rivals["a week ago"][:DAY])

# %% [markdown]
# In these two validation weeks "a week ago" misses by more than it usually did in training: around the end of July demand sinks, then
# rises again. Keep that in mind. A series drifts, and what is measured in one fortnight need not hold in the next.
#
# ## Windows that do not look ahead
#
# A network learns from many examples, and we have one series. So it is cut into **windows**: `past` steps that a forecast may
# see, then `horizon` steps that it must foretell, then the same again one half-hour later.
#
# ### Exercise 3 · Predict, then run
#
# The training series has 2,688 half-hours. **How many windows of one day past and one day ahead lie wholly inside?** *Two minutes; expected: an integer.*

# %%
windows = ...
ch14.windows.check(windows)

# %%
past, future = scratch.forecast_windows(np.arange(NOW), DAY, DAY)  # half-hours' numbers, (windows, 48)
past_val, future_val = scratch.forecast_windows(np.arange(NOW - DAY, len(demand)), DAY, DAY)
expect("first half-hour foretold minus last one seen", (future[:, 0] - past[:, -1]).min(), equals=1)
expect("last half-hour that training sees", max(past.max(), future.max()), equals=NOW - 1)
expect("first half-hour that validation foretells", future_val.min(), equals=NOW)
order = np.random.default_rng(0).permutation(len(past))  # the wrong way: hide a random fifth
hidden, kept = np.split(order, [len(order) // 5])
leaked = np.isin(future[hidden], np.concatenate([past[kept], future[kept]])).mean()
expect("random split: share of hidden half-hours that training knows", leaked, at_least=0.99)

# %% [markdown]
# The last claim is the leak of [chapter 07](07_cross_validation.ipynb) in its purest form. Windows overlap, so whoever shuffles them before the
# split trains on nearly every half-hour that he later claims to foretell. Cut the *series* first, then the windows. (The past of a
# validation window may reach into training data. That is no leak: by then it has happened.)
#
# ## Half an hour ahead
#
# The honest strong rival is a weighted sum of earlier values, a linear **autoregression**: $\hat y_{t+1} = b + \sum_{l\in L} w_l\, y_{t+1-l}$
# with lags $L$, found by least squares. Our GRU reads one day, 48 steps. Each step is the scaled demand and the *calendar of the
# half-hour to come*, which is no secret: sine and cosine of the time of day, and the weekday as a one-hot row. At every step it is asked
# for the next change, which makes 48 questions of each window: the speakers have taught us that.


# %%
def calendar(t):  # (…, 11)
    angle = 2 * np.pi * np.stack([t, 2 * t], axis=-1) / DAY
    return np.concatenate([np.sin(angle), np.cos(angle), np.eye(7)[t // DAY % 7]], axis=-1)


def views_of(demand):  # scaled demand; with the calendar of the next half-hour; change to the next
    z = (demand - center) / spread
    steps = np.c_[z, calendar(np.arange(len(z)) + 1)].astype("float32")  # (time, 12)
    return z, steps, np.append(np.diff(z), 0)[:, np.newaxis] / grain


center, spread = demand[:NOW].mean(), demand[:NOW].std()  # learned from training only
grain = np.diff(demand[:NOW]).std() / spread  # the usual size of a change
z, steps, change = views_of(demand)
day = hours[:, np.newaxis] - np.arange(DAY, 0, -1)  # the 48 half-hours before each one of validation
layers = [keras.Input((None, 12)), keras.layers.GRU(32, return_sequences=True), keras.layers.Dense(1)]
data_of = [(steps[rows], change[rows]) for rows in (past[::3], day[::8])]
next_change = learn(keras.Sequential(layers), *data_of, "mse", epochs=16)

# %%
def linear_miss(lags, with_calendar):  # MW, on the validation half-hours
    columns = [np.ones(len(demand)), *(np.roll(demand, lag) for lag in lags)]
    columns += [*calendar(np.arange(len(demand)))[:, :-1].T] * with_calendar
    known, asked = np.split(np.stack(columns, axis=1)[WEEK + 1 :], [NOW - WEEK - 1])
    return np.abs(asked @ np.linalg.lstsq(known, demand[WEEK + 1 : NOW])[0] - demand[hours]).mean()


said = z[hours - 1] + np.array(next_change(steps[day]))[:, -1, 0] * grain
gru = one_step["GRU, one day"] = np.abs(said - z[hours]).mean() * spread
same = one_step["linear, one day"] = linear_miss(range(1, 49), with_calendar=True)
nine = one_step["nine lags"] = linear_miss([1, 2, 3, 47, 48, 49, 335, 336, 337], with_calendar=False)
print(*(f"{name} (here: {miss:.0f} MW)" for name, miss in one_step.items()), sep="\n")
expect("GRU over linear, which sees the same", gru / same, at_most=0.9)
expect("linear with nine lags over GRU", nine / gru, at_most=0.85)
expect("linear with nine lags, MASE", nine / scale, at_most=0.3)

# %% [markdown]
# Both halves of this result are worth remembering. A linear model *adds* what it sees; that the morning begins later on Sundays than on
# working days is a *product* of weekday and hour, which the GRU can form. But the week itself had only to be shown, and
# then ten numbers sufficed.
#
# ### One long run
#
# Must the GRU read a whole day again for each new half-hour? Trained was it on pieces of 48 steps, since the gradient through
# thousands would be slow and would vanish anyway (**truncated** backpropagation). In *use* nothing forbids to keep the state: one
# step per half-hour, for weeks. Keras calls a layer that does so between batches `stateful`.

# %%
weights = next_change.get_weights()
stateful = keras.Sequential([keras.Input((DAY, 12), batch_size=1), keras.layers.GRU(32, stateful=True)])
stateful.set_weights(weights[:3])
for start in range(0, NOW, DAY):
    state = stateful(steps[np.newaxis, start : start + DAY])  # goes on where the last piece ended
run = scratch.recurrent_outputs(scratch.gru_step, steps[np.newaxis, :-1], weights[:3])[0]  # (time, 32)
expect("pieces with kept state, one long run", state[0], equals=run[NOW - 1], tolerance=1e-4)
said_in_one_run = z[hours - 1] + (run[hours - 1] @ weights[3] + weights[4])[:, 0] * grain
kept = np.abs(said_in_one_run - z[hours]).mean() * spread
expect("miss, kept state over fresh windows", kept / gru, at_least=0.95, at_most=1.05)

# %% [markdown]
# Ten weeks in one run, and it forecasts as well as with fresh windows: what it remembers beyond a day neither helps nor hurts here. The
# trap is the opposite case: a stateful layer that nobody resets carries one customer's state into the next customer's series.
#
# ## A day ahead: directly or step by step
#
# Tomorrow's plan needs 48 half-hours at once. There are two ways. **Recursive**: take the one-step model, forecast, feed the
# forecast back as if it had happened, and go on. **Direct**: a network with 48 outputs.
#
# $$\text{recursive: } \hat y_{t+h} = f\big(\dots, y_t, \hat y_{t+1}, \dots, \hat y_{t+h-1}\big) \qquad \text{direct: } (\hat y_{t+1},\dots,\hat y_{t+48}) = g(\dots, y_t)$$
#
# The first is sharp at the start and feeds on its own errors. Which will be better after half an hour, which after a day?

# %%
def recursive(past):  # (windows, 48) in MW
    state = scratch.recurrent_outputs(scratch.gru_step, steps[past], weights[:3])[:, -1]
    value, said = z[past[:, -1]], []
    for h in range(1, DAY + 1):
        value = value + grain * (state @ weights[3] + weights[4])[:, 0]  # for t + h
        said.append(value)
        step = np.c_[value, calendar(past[:, -1] + h + 1)]
        state = scratch.gru_step(step, state, *weights[:3])
    return center + spread * np.stack(said, axis=1)


direct = models.rnn((DAY, 12), DAY, cell="gru", units=(32,))
pairs = [(past[::5], future[::5]), (past_val[::8], future_val[::8])]
learn(direct, *((steps[p], z[f] - z[p]) for p, f in pairs), "mae", epochs=16)  # change since yesterday
said = {"a week ago": lambda past, future: demand[future - WEEK]}
said["GRU, recursive"] = lambda past, future: recursive(past)
said["GRU, direct"] = lambda p, f: demand[p] + spread * np.array(direct(steps[p]))

# %% [markdown]
# And the rivals. A linear model with the same inputs, 48 outputs. And a forecast that is plain common
# sense: *as a week ago, corrected by how much yesterday differed from its own week ago*, and by what went wrong just now,
#
# $$\hat y_{t+h} = y_{t+h-336} + \big(y_{t+h-48} - y_{t+h-384}\big) + \varphi^h\, u_t, \qquad u_t = y_t - y_{t-48} - y_{t-336} + y_{t-384}$$
#
# * $u_t$ is the series **differenced twice**: how wrong that common sense is at the moment,
# * $\varphi$, one single learned number, says how slowly such a surprise fades (least squares of $u_{t+1}$ on $u_t$).
#
# Finally a GRU that gets $u$ instead of the raw demand and foretells $u$: season by hand, the rest learned.

# %%
def surprises_of(demand):  # u in MW; scaled, with the calendar of the next half-hour (time, 12)
    u = np.zeros(len(demand))  # the first eight days have none
    weekly = demand[WEEK:] - demand[:-WEEK]
    u[WEEK + DAY :] = weekly[DAY:] - weekly[:-DAY]
    return u, np.c_[u / u[:NOW].std(), calendar(np.arange(len(u)) + 1)].astype("float32")


u, surprises = surprises_of(demand)
phi = (u[: NOW - 1] @ u[1:NOW]) / (u[: NOW - 1] @ u[: NOW - 1])
learned = models.rnn((DAY, 12), DAY, cell="gru", units=(32,))
some = np.flatnonzero(past[:, 0] >= WEEK + DAY)[::3]
pairs, usual = [(past[some], future[some]), (past_val[::8], future_val[::8])], u[:NOW].std()
learn(learned, *((surprises[p], u[f] / usual) for p, f in pairs), "mae", epochs=4, rate=0.003)
common_sense = {"one number": lambda p, f: u[p[:, -1:]] * phi ** np.arange(1, DAY + 1)}
common_sense["GRU"] = lambda p, f: usual * np.array(learned(surprises[p]))

# %%
def forecasts(past, future):  # (windows, 48) in MW, by each rival
    table = {name: say(past, future) for name, say in said.items()}
    table["linear"] = center + spread * (np.c_[z[past], calendar(past[:, 0])] @ matrix)
    base = demand[past] + demand[future - WEEK] - demand[past - WEEK]
    more = {f"{name}, differenced": base + say(past, future) for name, say in common_sense.items()}
    return table | more


matrix = np.linalg.lstsq(np.c_[z[past], calendar(past[:, 0])], z[future])[0]  # (59, 48)
foretold = forecasts(past_val, future_val)
miss = {name: np.abs(values - demand[future_val]) for name, values in foretold.items()}
figure, axes = plot.subplots(figsize=(7.2, 3.4))
for (name, values), style, color in zip(miss.items(), plot.LINES, plot.COLORS):
    axes.plot(np.arange(1, DAY + 1) / 2, values.mean(axis=0), ls=style, color=color, label=name)
axes.set(xlabel="hours ahead", ylabel="mean miss (MW)", ylim=(0, 1900), xticks=range(0, 25, 4))
axes.legend(fontsize=9, ncols=3, loc="upper left")
plot.show(figure)

# %% [markdown]
# *Figure. The recursive GRU is sharp at first, then its own errors carry it away. The direct one is blunt at first and holds its
# level. With the season taken out by hand, one learned number does as well as a network of 6,000.*
# <details><summary>In words</summary>Mean miss over up to 24 hours ahead. The linear model rises steeply, far above all others. A week ago is a
# level line near 750 megawatts. The recursive GRU starts low and climbs towards that line and beyond. The direct GRU stays nearly level
# between 400 and 500. The two differenced forecasts lie together, lowest of all, below 350.</details><br>

# %%
mean = {name: values.mean() for name, values in miss.items()}
best = min(mean, key=mean.get)
print(*(f"{name} (here: MASE {value / scale:.2f})" for name, value in mean.items()), sep="\n")
once, at_once = (miss[f"GRU, {way}"].mean(axis=0) for way in ("recursive", "direct"))  # (48,) each
expect("half an hour ahead, recursive over direct", once[0] / at_once[0], at_most=0.7)
expect("recursive, last half-hour over first", once[-1] / once[0], at_least=2.5)
expect("direct, last half-hour over first", at_once[-1] / at_once[0], at_most=1.5)
expect("direct over linear with the same inputs", mean["GRU, direct"] / mean["linear"], at_most=0.5)
expect("direct over a week ago", mean["GRU, direct"] / mean["a week ago"], at_most=0.75)
one, many = mean["one number, differenced"], mean["GRU, differenced"]
expect("one number over direct", one / mean["GRU, direct"], at_most=0.85)
expect("network over one number, both differenced", many / one, at_least=0.9, at_most=1.15)
expect("learned numbers in that network", learned.count_params(), equals=6000)

# %%
thousands = demand / 1000  # of MW


def draw(day, hour):
    made = DAY * day + 2 * hour  # half-hours after the end of training
    figure, axes = plot.subplots(figsize=(7.2, 3.2))
    around = np.arange(made - DAY, made + DAY)
    came = thousands[NOW + around]
    axes.plot((around - made) / 2, came, color="black", ls="-", lw=2, label="what came")
    names = ["a week ago", "GRU, recursive", "GRU, direct", "one number, differenced"]
    for name, color, style in zip(names, (*plot.COLORS[:2], *plot.COLORS[3:]), plot.LINES[1:]):
        axes.plot(np.arange(DAY) / 2, foretold[name][made] / 1000, color=color, ls=style, label=name)
    axes.axvline(-0.25, color="0.5", ls="-", lw=1)
    axes.set(xlabel="hours after the forecast was made", ylabel="demand (1,000 MW)", ylim=(18, 43))
    axes.legend(fontsize=8.5, ncols=3, loc="upper left")
    return figure


plot.explore(draw, start={"day": 8, "hour": 6}, day=range(13), hour=range(0, 24, 3))

# %% [markdown]
# *Figure. Forecasts made at six on a Tuesday morning, and what came. "A week ago" is far off on this day. Move the sliders: find an origin
# at which the recursive GRU goes astray, and one at which the differenced forecast does.*
# <details><summary>In words</summary>Demand over 48 hours. Left of the grey line, at the moment of the forecast, the known day; right of
# it the day that came, and four forecasts of it as broken lines.</details><br>
#
# ## The closed weeks, opened once
#
# Everything is chosen: the forecast with the lowest validation miss goes into the report. Now the last two weeks of August. And since a
# number does not say *where* it errs, we look at its errors by time of day.

# %%
parts = [series.arrays(split)[1] for split in ("train", "validation", "test")]
demand = np.concatenate(parts).astype(float)
z, steps, _ = views_of(demand)
u, surprises = surprises_of(demand)
p, f = scratch.forecast_windows(np.arange(10 * WEEK - DAY, len(demand)), DAY, DAY)
tested = {name: np.abs(said - demand[f]) for name, said in forecasts(p, f).items()}  # MW
print(*(f"{name} (here: MASE {miss.mean() / scale:.2f})" for name, miss in tested.items()), sep="\n")
chosen, week, gru = (tested[name].mean() for name in (best, "a week ago", "GRU, direct"))
expect("chosen forecast over a week ago", chosen / week, at_most=0.9)
expect("GRU, direct, over chosen forecast", gru / chosen, at_least=0.85, at_most=1.25)

# %%
figure, axes = plot.subplots(figsize=(6.8, 2.8))
for name, days in {"Monday to Friday": range(5), "weekend": [5, 6]}.items():
    curve = [tested[best][(f % DAY == k) & np.isin(f // DAY % 7, days)].mean() for k in range(DAY)]
    axes.plot(np.arange(DAY) / 2, curve, label=name)
axes.set(xlabel="time of day (hours)", ylabel="mean miss (MW)", xticks=range(0, 25, 4), ylim=(0, None))
axes.legend(fontsize=9)
plot.show(figure)

# %% [markdown]
# *Figure. Where the chosen forecast errs. The evening is hardest, on working days and on weekends.*
# <details><summary>In words</summary>Mean miss in megawatts over the 24 hours of the day, one curve for Monday to Friday and one for the
# weekend. Both are lowest at night and have their peak at about 19 to 20 hours; the weekend's is the higher one from noon on.</details><br>
#
# Why the evening? In late August dusk comes earlier every day, and with it the hour at which the lights go on. This is our guess, not a
# finding, but it can be tried: give the models the time of sunset. An error that has a pattern is a feature that is missing.
#
# The report is sobering, and that is its use. On validation the twice differenced forecast was far ahead of the direct GRU; on the
# test weeks it is only a little ahead. In August there was less drift to follow, "a week ago" alone was much better than before, and a
# difference that follows drift also adds up the noise of the weeks it compares. Two weeks chose, and two weeks are few. What held on both: with the same inputs the GRU beats the linear model by
# far, and a forecast is worth reporting only beside "a week ago".
#
# With one series of eight weeks a network has little to learn from. Where networks win, they are trained on thousands of
# series at once, and even there often *with* the season taken out by hand: Smyl's winner of the M4 competition was such a hybrid.
#
# ## Summary
#
# * A recurrent state **waits**: where the mask is 0, the old state is copied. Without the mask filling overwrites the state, which is
#   worse than diluting a mean, and no error tells you.
# * Batches of about equal length save the work that a mask cannot save.
# * A network can decide at every step, if it was **trained at every step**.
# * A series is split by time, then cut into windows. Windows shuffled before the split leak nearly everything.
# * **Recursive** forecasts are sharp at first and drift, **direct** ones are steady. Seasonal naive forecasts, lags and differences are
#   rivals that have to be beaten, in MASE and in the unit of the data.
#
# **Ask yourself**
#
# <details><summary>Your bidirectional network scores better. May it serve in a live caption?</summary>Not as it is: its backward half needs
# the end of the sentence before it can say anything. Either wait for the end, or use a forward network.</details>
# <details><summary>A colleague reports MASE 0.2 for a forecast of the next half-hour. Impressive?</summary>Look at the horizon and the season of the
# scale. Half an hour ahead nine lags reach that here; against "a week ago" everything that knows the last value looks good.</details>
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
