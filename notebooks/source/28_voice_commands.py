# %% [markdown]
# # 28 · Voice commands
#
# **After this you can** turn a stream of frames into windows and scores and triggers, draw a DET curve by hand, say how many hours without an alarm prove how little, measure what an unheard speaker and noise cost, and ship a network in 8-bit integers that fits a device
#
# **Time** 50 min to read, 90 min to teach, 45 s to run
#
# **Before** [12 · Convolutional networks for speech](12_cnn_speech.ipynb)
#
# **Data** spoken_digits (3,000 recordings of six people, CC BY-SA 4.0), spoken_words (2,560 clips of ten words in 64 synthetic voices, made on your computer by eSpeak NG)

# %%
from bmkit import console, data, demo, diagrams, plot, pretrained, scratch, ship, train
from bmkit.check import expect
from bmkit.exercises import ch28
import keras
import numpy as np
random = train.seed(0)

# %% [markdown]
# ## A lift without buttons
#
# Whoever carries two bags, sits in a wheelchair or wears sterile gloves would like to tell the lift where to go: *one*, *two*, *three*
# or *four*. A microphone and a chip for the price of a coffee can do it, and no sound has to leave the building. The field
# calls it **keyword spotting**: a small network listens all day, and answers to a few words only.
#
# It can fail in two ways. A **miss**: you say *three* and nothing happens, so you say it again. A **false alarm**: somebody in the lift says *nine
# o'clock*, and you ride to floor one. A false alarm is worse, and there is a second reason to fear it: people command the lift a few times an hour,
# but they talk in it all day. We shall count a false alarm as five misses.
#
# So the device needs more than a classifier of words. It needs four things, and we shall write each of them:

# %%
places = {
    "frames": (0, 0),
    "window": (1.6, 0),
    "network": (3.4, 0),
    "mean of 3": (5.1, 0),
    "trigger": (6.8, 0),
    "the lift": (8.4, 0),
}
arrows = [
    ("frames", "window", "(13,)"),
    ("window", "network", "(40, 13)"),
    ("network", "mean of 3", "(5,)"),
    ("mean of 3", "trigger", "(5,)"),
    ("trigger", "the lift", "a floor"),
]
figure = diagrams.boxes(places, arrows, shaded=["network"], figsize=(9.4, 1.2))
plot.show(figure)

# %% [markdown]
# *Figure. From the stream to the ride. Forty frames arrive each second; ten times a second the network looks at the last forty of them.*
# <details><summary>In words</summary>Six boxes in a row: frames, window, network in grey, mean of 3, trigger, the lift. On the arrows stand the
# shapes (13,), (40, 13), (5,), (5,) and the words "a floor".</details><br>
#
# ### The data
#
# Six people said each of the ten digits fifty times. Of every recording we have one **frame** for each 25 milliseconds, with
# 13 mel-frequency cepstral coefficients (MFCC, [chapter 03](03_language_vision_speech.ipynb)). *One* to *four* are our keywords. The other
# digits are the talk in the lift. And two of them, *zero* and *nine*, we keep away from all training and validation: a lift hears words that no engineer
# has thought of.

# %%
KEYWORDS = (1, 2, 3, 4)
NEVER_HEARD = (0, 9)
recordings = data.load("spoken_digits")
parts = {}
for part in ("train", "validation", "test"):
    x, digit = recordings.arrays(part)
    parts[part] = x | {"digit": digit}
    print(f"{part:12}{len(digit):6,} recordings of at most {x['mfcc'].shape[1]} frames")
everything = {}
for name in parts["train"]:
    everything[name] = np.concatenate([rows[name] for rows in parts.values()])


def some(rows, chosen):
    return {name: values[chosen] for name, values in rows.items()}


def heard(rows):  # without the digits that are kept away
    return some(rows, ~np.isin(rows["digit"], NEVER_HEARD))


# %%
figure, grid = plot.subplots(2, 3, figsize=(7.8, 3.6), sharex=True, sharey=True)
look = {"aspect": "auto", "cmap": "RdBu_r", "vmin": -2.5, "vmax": 2.5, "origin": "lower"}
of_speech = everything["mfcc"][everything["mfcc"].any(axis=2)]  # (frames, 13)
for row, digit in zip(grid, (2, 4)):
    for axes, speaker in zip(row, (0, 1, 2)):
        is_one = (everything["digit"] == digit) & (everything["speaker"] == speaker)
        one = some(everything, np.flatnonzero(is_one)[:1])
        frames = one["mfcc"][0, : one["length"][0]]
        picture = (frames - of_speech.mean(axis=0)) / of_speech.std(axis=0)
        axes.imshow(picture.T, **look)
        axes.set(xlabel="frame of 25 ms", ylabel="coefficient")
        axes.set_title(f"{recordings.description.classes[digit]}, group {speaker}")
        axes.grid(False)
plot.show(figure)

# %% [markdown]
# *Figure. FIGURE2*
# <details><summary>In words</summary>FIGURE2</details><br>
#
# Know the defects of these data before you trust a number:
#
# * There is no sound, only coefficients. Nobody can listen to an error.
# * The parcel does not say who speaks. The column `speaker` holds six groups that a clustering found; groups 3 and 5 are alike and share some recordings.
#   We shall test unheard speakers on groups 0, 1 and 2, which it tells apart well.
# * Each recording is cut off close to the word, and each person had a microphone of their own. So *who speaks* and *which microphone* are one thing here.
# * Six people are few, and nobody knows their age, sex or mother tongue.

# %%
loudness = {}
frames_by_speaker = {}
for speaker in range(6):
    mine = some(everything, everything["speaker"] == speaker)
    real = mine["mfcc"][mine["mfcc"].any(axis=2)]  # (frames, 13)
    frames_by_speaker[speaker] = real
    loudness[speaker] = np.median(real[:, 0]) / np.sqrt(128)  # decibels
    seconds = 0.025 * np.median(mine["length"])
    print(f"group {speaker}: {len(mine['digit'])} recordings, median {seconds:.2f} s")
apart = max(loudness.values()) - min(loudness.values())
expect("loudest group over quietest (dB)", apart, at_least=15, at_most=25)

# %% [markdown]
# The first coefficient is the mean loudness of a frame (in decibels, times $\sqrt{128}$; why, you see in a moment). One group is louder than another by
# some 18 dB, a matter of microphone and distance. No listener would take that for a difference between *two* and *four*; a network might.
#
# ### From a wave to these frames
#
# Our network shall hear *you* in the end, and you send a wave. So we have to make the same coefficients from a wave. The recipe stands in a
# [sister project](https://github.com/eonu/torch-fsdd) of the parcel's author: torchaudio's MFCC at 8,000 samples a second. It is the path of [chapter
# 12](12_cnn_speech.ipynb) with one more step. Frames of 400 samples, 200 apart; power; 128 mel bands, with triangles that are straight in *hertz*; decibels; and then
# the **discrete cosine transform**, which writes a column of 128 decibels as a sum of waves and keeps the 13 slowest:
#
# $$c_k = \sqrt{\tfrac{2}{B}}\;s_k \sum_{b=0}^{B-1} d_b \cos\frac{\pi k (b+\frac12)}{B}, \qquad s_0=\tfrac{1}{\sqrt2},\quad s_{k>0}=1$$
#
# * $d_b$ is the loudness of band $b$ in decibels, and $B = 128$ is the number of bands,
# * $c_0$ is their sum over $\sqrt{128}$, or $\sqrt{128}$ times their mean; $c_1$ says whether low or high bands are louder, and so on.

# %%
RATE = 8000  # samples a second
BANDS = 128
edges = np.linspace(0, scratch.hertz_to_mel(4000), BANDS + 2)
edges = scratch.mel_to_hertz(edges)  # the corners of the triangles
hertz = np.linspace(0, 4000, 201)[:, np.newaxis]  # (201, 1)
rising = (hertz - edges[:-2]) / (edges[1:-1] - edges[:-2])
falling = (edges[2:] - hertz) / (edges[2:] - edges[1:-1])
filters = np.maximum(0, np.minimum(rising, falling))  # (201, 128)
bands = np.arange(BANDS)[:, np.newaxis] + 0.5
cosines = np.cos(np.pi * bands * np.arange(13) / BANDS) * np.sqrt(2 / BANDS)
cosines[:, 0] /= np.sqrt(2)  # (128, 13)


def mfcc(wave):  # (frames, 13), one for each 25 ms
    spectrum = scratch.short_time_fourier(wave, 400, 200, center=True)
    power = np.abs(spectrum) ** 2 @ filters  # (frames, 128)
    return scratch.decibels(power) @ cosines


# %%
from scipy import fft

noise = random.normal(scale=0.1, size=2 * RATE)
frames = mfcc(noise)  # (81, 13)
power = np.abs(scratch.short_time_fourier(noise, 400, 200, center=True)) ** 2
columns = scratch.decibels(power @ filters)  # (81, 128)
theirs = fft.dct(columns, norm="ortho", axis=1)[:, :13]
expect("SciPy's cosine transform", frames, equals=theirs, tolerance=1e-6)
louder = mfcc(10 * noise) - frames
expect("ten times the pressure, first coefficient", louder[0, 0], equals=226.3, tolerance=0.1)
expect("the other coefficients", np.abs(louder[:, 1:]).max(), at_most=1e-6)

# %% [markdown]
# Ten times the pressure is 20 dB more in every band. It changes the first coefficient and *no other*. More generally, whatever a microphone or a room does to each band, day
# in, day out, adds the same constant to every frame. We shall use that.
#
# ## Windows
#
# The network looks at 40 frames, one second. For training we cut windows in which a recording begins at a random place, and fill the rest with a pause. What is a pause? We
# have no recorded silence, so we draw frames from the quietest twentieth of *that speaker's* frames. A true pause would be smoother than this.
#
# In a stream most windows hold a word only in part. So each recording gives three windows: two with the whole word, and one
# with half of it or less, which counts as *nothing*. What the network has to say is 0 for nothing and other words, 1 to 4 for the keywords.


# %%
SPAN = 40  # frames of a window


def quiet_frames(frames):
    loudness = frames[:, 0]
    return frames[loudness <= np.quantile(loudness, 0.05)]


def windows_with(rows, starts):  # recording k begins at frame starts[k] of its window
    pauses = {}
    for speaker in np.unique(rows["speaker"]):
        mine = rows["mfcc"][rows["speaker"] == speaker]
        pauses[speaker] = quiet_frames(mine[mine.any(axis=2)])
    windows = np.zeros((len(starts), SPAN, 13), "float32")
    for k, start in enumerate(starts):
        pause = pauses[rows["speaker"][k]]
        long = pause[random.integers(len(pause), size=3 * SPAN)]
        word = rows["mfcc"][k, : min(rows["length"][k], SPAN)]
        first = SPAN + start
        long[first : first + len(word)] = word
        windows[k] = long[SPAN : 2 * SPAN]
    return windows


# %%
def whole_words(rows):
    lengths = np.minimum(rows["length"], SPAN)
    return windows_with(rows, random.integers(0, SPAN - lengths + 1))


def parts_of_words(rows):  # at the left or right edge of the window
    lengths = np.minimum(rows["length"], SPAN)
    seen = random.integers(0, lengths // 2 + 1)
    at_the_right = random.random(len(lengths)) < 0.5
    return windows_with(rows, np.where(at_the_right, SPAN - seen, seen - lengths))


def answers(rows):
    return np.where(np.isin(rows["digit"], KEYWORDS), rows["digit"], 0)


def examples(rows):  # three windows for each recording, and the right answers
    x = np.concatenate([whole_words(rows), whole_words(rows), parts_of_words(rows)])
    y = np.concatenate([answers(rows), answers(rows), 0 * answers(rows)])
    return x, y


# %% [markdown]
# ## The measure: two errors, one curve
#
# A window gets a score $s$: the probability that it holds *any* keyword. With a threshold $\theta$,
#
# $$\text{miss rate}(\theta) = \frac{\#\{\text{keywords with } s < \theta\}}{\#\text{keywords}}, \qquad \text{false alarm rate}(\theta) = \frac{\#\{\text{others with } s \ge \theta\}}{\#\text{others}}$$
#
# A low threshold alarms at everything, a high one misses everything, and whoever names one of the two numbers alone says nothing. All thresholds together give the
# **DET curve** (detection error tradeoff): misses over false alarms, both on axes that spread out the small rates. It holds the same facts as the ROC curve of
# [chapter 08](08_data_preprocessing.ipynb), drawn for systems that are rarely wrong.


# %%
def error_rates(is_keyword, scores, thresholds):
    misses = []
    alarms = []
    for threshold in thresholds:
        misses.append(np.mean(scores[is_keyword] < threshold))
        alarms.append(np.mean(scores[~is_keyword] >= threshold))
    return np.array(alarms), np.array(misses)


# %% [markdown]
# ## The rivals
#
# The trivial device says *nothing*, always. It has no false alarm, and misses everything. The classical method for
# short words describes a window by the **mean and the spread** of each coefficient, 26 numbers, and gives them to logistic
# regression. Its penalty is tuned on validation.

# %%
from sklearn import linear_model, metrics, pipeline, preprocessing


def means_and_spreads(windows):
    return np.concatenate([windows.mean(axis=1), windows.std(axis=1)], axis=1)


def linear_spotter(learn, watch, prepare):
    best = None
    lowest = np.inf
    for strength in (0.01, 0.1, 1, 10):
        linear = linear_model.LogisticRegression(C=strength, max_iter=300)
        model = pipeline.make_pipeline(preprocessing.StandardScaler(), linear)
        model.fit(means_and_spreads(prepare(learn[0])), learn[1])
        chances = model.predict_proba(means_and_spreads(prepare(watch[0])))
        loss = metrics.log_loss(watch[1], chances)
        if loss < lowest:
            lowest = loss
            best = model

    def scores(windows):  # (n, 5)
        return best.predict_proba(means_and_spreads(prepare(windows)))

    return scores


# %% [markdown]
# ## The network
#
# Three convolutions over time, and the maximum over time of each of the 48 numbers that they find: wherever the word stands in the window, the answer is
# the same. It is small on purpose, because it has to live on a chip.


# %%
def spotter(words):
    return keras.Sequential(
        [
            keras.Input((SPAN, 13)),
            keras.layers.Conv1D(32, 5, padding="same", activation="relu"),
            keras.layers.MaxPooling1D(2),  # (batch, 20, 32)
            keras.layers.Conv1D(48, 5, padding="same", activation="relu"),
            keras.layers.MaxPooling1D(2),  # (batch, 10, 48)
            keras.layers.Conv1D(48, 3, padding="same", activation="relu"),
            keras.layers.GlobalMaxPooling1D(),  # (batch, 48)
            keras.layers.Dropout(0.3),
            keras.layers.Dense(words, activation="softmax"),
        ]
    )


def trained(learn, watch, words, epochs):
    network = spotter(words)
    steps = epochs * -(-len(learn[0]) // 64)
    rate = keras.optimizers.schedules.CosineDecay(0.003, steps)
    network.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy")
    batches = tf.data.Dataset.from_tensor_slices(learn)
    batches = batches.shuffle(len(learn[0]), seed=0).batch(64)
    train.fit(network, batches, watch, epochs=epochs)
    return network


# %% [markdown]
# Before the network sees a window, we take the mean over its forty frames away from each coefficient (**cepstral mean subtraction**): the constant that a microphone adds is gone.
# Whether that helps, we shall measure. Then each coefficient is divided by its standard deviation in training.


# %%
import tensorflow as tf


def as_it_is(windows):
    return windows


def without_mean(windows):
    return windows - windows.mean(axis=1, keepdims=True)


def network_spotter(learn, watch, prepare, epochs):
    x = prepare(learn[0])
    middle = x.mean(axis=(0, 1))  # (13,)
    spread = x.std(axis=(0, 1))

    def scaled(windows):
        return (prepare(windows) - middle) / spread

    network = trained((scaled(learn[0]), learn[1]), (scaled(watch[0]), watch[1]), 5, epochs)

    def scores(windows):  # (n, 5)
        return network.predict(scaled(windows), batch_size=256, verbose=0)

    return scores, network, spread


# %%
learn = examples(heard(parts["train"]))
watch = examples(heard(parts["validation"]))
print("windows:", len(learn[0]), "to learn from,", len(watch[0]), "to watch")
linear_scores = linear_spotter(learn, watch, without_mean)
linear_raw_scores = linear_spotter(learn, watch, as_it_is)
network_scores, network, spread = network_spotter(learn, watch, without_mean, epochs=8)
print(f"{network.count_params():,} weights")

# %% [markdown]
# The test recordings, each in one window, scored by all three. First the curve by hand and by scikit-learn:

# %%
test = parts["test"]
test_windows = whole_words(test)
truth = answers(test)
is_keyword = truth > 0
scored = {
    "means and spreads": linear_raw_scores(test_windows),
    "spreads, mean removed": linear_scores(test_windows),
    "network": network_scores(test_windows),
}
curves = {}
for name, chances in scored.items():
    any_keyword = 1 - chances[:, 0]
    theirs = metrics.det_curve(is_keyword, any_keyword)
    ours = error_rates(is_keyword, any_keyword, theirs[2])
    expect(f"scikit-learn, {name}", ours, equals=theirs[:2], tolerance=1e-9)
    curves[name] = ours

# %%
figure, axes = plot.subplots(figsize=(6.4, 3.8))
for name, (alarms, misses) in curves.items():
    axes.plot(np.maximum(alarms, 1e-3), np.maximum(misses, 1e-3), label=name)
axes.set(xscale="log", yscale="log", xlim=(1e-3, 1), ylim=(1e-3, 1))
axes.set(xlabel="false alarm rate", ylabel="miss rate")
axes.legend()
plot.show(figure)

# %% [markdown]
# *Figure. FIGURE3*
# <details><summary>In words</summary>FIGURE3</details><br>
