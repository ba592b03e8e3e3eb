# %% [markdown]
# # 12 · Convolutional networks for speech
#
# **After this you can** compute the spectrum of a sound by hand, turn a sound into a log-mel spectrogram and check it against Keras, build a network from the wave to the word, compare it with rivals, and test whether a nearest neighbour profits from knowing the speaker
#
# **Time** 50 min to read, 95 min to teach, 45 s to run
#
# **Before** [03 · Language, vision, speech](03_language_vision_speech.ipynb), [11 · Convolutional networks for images](11_cnn_images.ipynb)
#
# **Data** spoken_words (2,560 clips of ten words in 64 synthetic voices, made on your computer by eSpeak NG)

# %%
from bmkit import data, diagrams, models, plot, scratch, train
from bmkit.check import expect
from bmkit.exercises import ch12
import keras
import numpy as np

train.seed(0)

# %% [markdown]
# ## The same word, twice
#
# Say "yes" twice. Hardly a sample of the two recordings will agree, and yet everybody hears the same word. What is it that
# stays the same? [Chapter 03](03_language_vision_speech.ipynb) cut a sound into short frames and took somebody else's twelve
# numbers for each. This time we begin at the microphone and do every step ourselves.
#
# Each of our clips lasts one second. A speech synthesiser spoke ten command words in 64 voices and four accents of English, with
# different pitch and speed, at any place within the second, with some noise. **Synthetic** speech is more regular than real
# speech, and so the scores below are perhaps better than they would be in real life. The voices are split: the nine of validation
# and the nine of test are never heard in training.
#
# Load them, and listen to three: "yes", "yes" in another voice, and "no".

# %%
words = data.load("spoken_words")
clips, labels = words.arrays("train")
clips_val, labels_val = words.arrays("validation")
waves = clips["waveform"]  # (1840, 8000)
waves_val = clips_val["waveform"]  # (360, 8000)
names = words.description.classes
rate = 8000  # samples a second
print(*names)
print(f"{len(waves):,} training clips of {waves.shape[1]:,} samples")

# %%
from IPython.display import Audio, display

yes = waves[labels == names.index("yes")]
no = waves[labels == names.index("no")]
three = {"yes": yes[0], "yes, another voice": yes[40], "no": no[0]}
for wave in three.values():
    display(Audio(wave, rate=rate))

# %%
figure, row = plot.subplots(1, 3, figsize=(7.6, 2.2), sharey=True)
seconds = np.arange(rate) / rate
for axes, (name, wave) in zip(row, three.items()):
    axes.plot(seconds, wave, lw=0.5)
    axes.set(xlabel="time (s)", ylabel="pressure", title=name)
plot.show(figure)

# %% [markdown]
# *Figure. Pressure over time. Two voices say the same word, one says another one. Which two belong together is hard to see.*
# <details><summary>In words</summary>Three blue waves of one second each. Each is quiet but for noise, swells for a fifth to a
# half of a second, and dies away. They differ in where they begin, in height, in length and in fine detail.</details><br>
#
# Can a program see it? We ask the **nearest neighbour**: it answers with the word of the training clip whose
# samples are closest. All ten words are equally frequent, so guessing would be right in one case of ten. Guess the score of the
# nearest neighbour before you run.

# %%
from sklearn.neighbors import KNeighborsClassifier


def nearest_hits(seen, new):  # (360,): True where the word is right
    neighbour = KNeighborsClassifier(1)
    neighbour.fit(seen.reshape(len(seen), -1), labels)
    return neighbour.predict(new.reshape(len(new), -1)) == labels_val


nearest = {"raw samples": nearest_hits(waves, waves_val)}
share = nearest["raw samples"].mean()
expect("nearest neighbour on raw samples, share right", share, at_most=0.2)

# %% [markdown]
# Hardly better than a blind guess. Perhaps because of this: move a wave by half a period, and every hill meets a valley; the ear does not notice the
# difference. So let us compare what the ear compares: not *when* the pressure swings, but *how fast*.
#
# ## The way ahead
#
# The next three sections walk along this line, one box at a time. At its end the sound is a picture, and for pictures we have
# [chapter 11](11_cnn_images.ipynb).

# %%
places = {
    "wave": (0, 0),
    "frames": (1.5, 0),
    "spectrogram": (3.6, 0),
    "mel bands": (5.6, 0),
    "log-mel": (7.3, 0),
    "CNN": (9.0, 0),
    "logits": (10.2, 0),
}
arrows = [
    ("wave", "frames", "(8000,)"),
    ("frames", "spectrogram", "(51, 256)"),
    ("spectrogram", "mel bands", "(51, 129)"),
    ("mel bands", "log-mel", "(51, 32)"),
    ("log-mel", "CNN", "(32, 51, 1)"),
    ("CNN", "logits", "(10,)"),
]
figure = diagrams.boxes(places, arrows, shaded=["CNN"], figsize=(11.0, 1.2))
plot.show(figure)

# %% [markdown]
# *Figure. From the wave to the word. On each arrow stands the shape of what is passed on, for one clip.*
# <details><summary>In words</summary>Seven boxes in a row: wave, frames, spectrogram, mel bands, log-mel, CNN in grey, logits. The
# shapes on the arrows are (8000,), (51, 256), (51, 129), (51, 32), (32, 51, 1) and (10,).</details><br>
#
# ## How much of each tone is in it?
#
# Hold a tuning fork against a sound and ask: do they swing together? Multiply the two waves sample by sample and add up. If they
# agree, the products are positive and the sum is large; if not, they cancel. One does it twice, with a cosine and with a sine,
# because the sound may begin anywhere in its swing. Both sums for every tone $k$ are the **Fourier transform** of a frame:
#
# $$S[k] = \sum_{n=0}^{N-1} x[n]\,\Big(\cos\frac{2\pi k n}{N} - i\,\sin\frac{2\pi k n}{N}\Big), \qquad k = 0,\dots,\tfrac N2$$
#
# * $x[n]$ is sample $n$ of a frame of $N$ samples,
# * $k$ counts the **bins**: tone $k$ swings $k$ times within the frame, so its frequency is $k\,r/N$ hertz at $r$ samples a second,
# * $i$ only keeps the two sums apart; $|S[k]|^2$, the sum of their squares, is the **power** at that frequency.

# %%
clip = yes[0]
energy = np.convolve(clip**2, np.ones(256), "valid")  # of 256 samples each
start = int(energy.argmax())  # where the loudest frame begins
frame = clip[start : start + 256].astype(float)

n = np.arange(256)
k = np.arange(129)
angles = 2 * np.pi * np.outer(n, k) / 256  # (samples, bins)
cosine_sums = frame @ np.cos(angles)  # (129,)
sine_sums = frame @ np.sin(angles)

# %%
real, imaginary = keras.ops.rfft(frame)
expect("cosine sums, Keras", real, equals=cosine_sums, tolerance=1e-4)
expect("minus sine sums, Keras", imaginary, equals=-sine_sums, tolerance=1e-4)
spectrum = cosine_sums - 1j * sine_sums
fast = np.fft.rfft(frame)
expect("NumPy's fast Fourier transform", fast, equals=spectrum, tolerance=1e-9)

tone = np.cos(2 * np.pi * 500 * n / rate)  # 500 swings a second
power = np.abs(np.fft.rfft(tone)) ** 2
print("a tone of 500 Hz is found in bin", power.argmax())

# %% [markdown]
# ### Exercise 1 · Predict, then run
#
# The bins end at $k = N/2 = 128$, which is 4,000 Hz. But a tone of **5,000 Hz** can be sampled 8,000 times a second as well. **In
# which bin of a frame of 256 samples is it found?** Think first what the samples look like, and guess; then sample it and see. *Five minutes;
# expected: an integer.*

# %%
folded_tone = ...
ch12.folded_tone.check(folded_tone)

# %% [markdown]
# ### Why frames are faded in and out
#
# A tone that fits into the frame a whole number of times is found in one bin. Most tones do not fit. Where the frame is cut off,
# they break in the middle of a swing, and a break is a click that contains all tones. The remedy is to fade each frame in and out
# with a **window** before transforming it:
#
# $$w_n = \tfrac12 - \tfrac12\cos\frac{2\pi n}{N}$$
#
# $w_n$ is the weight of sample $n$: 0 at the ends, 1 in the middle (the *Hann* window).


# %%
def decibels_below_top(wave):
    power = np.abs(np.fft.rfft(wave)) ** 2
    decibels = 10 * np.log10(power / power.max())
    return np.maximum(decibels, -80)  # what is quieter is cut off


tone = np.cos(2 * np.pi * 515 * n / rate)  # 16.48 swings a frame: it does not fit
window = 0.5 - 0.5 * np.cos(2 * np.pi * n / 256)
cut_off = decibels_below_top(tone)
faded = decibels_below_top(tone * window)

hann = scratch.hann_window(256)
expect("bmkit.scratch", hann, equals=window, tolerance=1e-12)
far = k > 47  # above 1,500 Hz, three times as high as the tone
leak = np.mean(cut_off[far] - faded[far])
expect("far from the tone, cut off minus faded, dB", leak, at_least=30)

# %%
figure, axes = plot.subplots(figsize=(6.6, 2.8))
hertz = k * rate / 256
axes.plot(hertz, cut_off, label="cut off")
axes.plot(hertz, faded, label="faded in and out")
axes.set(xlabel="frequency (Hz)", ylabel="power (dB below the top)", ylim=(-85, 3))
axes.legend()
plot.show(figure)

# %% [markdown]
# *Figure. One pure tone of 515 Hz. Cut off, it seems to contain all tones; faded in and out, it stays near its place.*
# <details><summary>In words</summary>Power over frequency. Both curves have a peak at about 515 hertz. The solid one then falls
# slowly and stays above −40 decibels everywhere. The dashed one falls steeply to −80 decibels, where the picture is cut
# off.</details><br>
#
# ## The spectrogram: a spectrum for each moment
#
# Speech changes all the time, and one spectrum for the whole second would mix all sounds of the word. So cut the clip into
# overlapping frames, as in chapter 03, fade each, and transform each. That is the **short-time Fourier transform**:
#
# $$S[t, k] = \sum_{n=0}^{N-1} w_n\; x[t H + n]\; e^{-2\pi i k n/N}$$
#
# * $t$ counts the frames, and $H$ (the **hop**) is how many samples later the next one starts, here 160 or 20 ms,
# * $e^{-i\varphi}$ is short for $\cos\varphi - i\sin\varphi$: the bracket from above.
#
# In Keras this is `keras.ops.stft`. It first adds half a frame at each end, the mirror image of what is there, so that no sound
# at the rim is faded away. We do the same.

# %%
hop = 160
longer = np.pad(clip, 128, mode="reflect")  # (8256,)
frames = scratch.frame_signal(longer, 256, hop)  # (51, 256)
transformed = np.fft.rfft(frames * window)  # (51, 129)

real, imaginary = keras.ops.stft(clip, 256, hop, 256)
expect("Keras, cosine part", real, equals=transformed.real, tolerance=1e-4)
expect("Keras, sine part", imaginary, equals=transformed.imag, tolerance=1e-4)
house = scratch.short_time_fourier(clip, 256, hop, center=True)
expect("bmkit.scratch", house, equals=transformed, tolerance=1e-9)
print(len(clip), "samples become", transformed.shape, "= frames × bins")

# %% [markdown]
# How long should a frame be? A long one counts many swings and tells close tones apart. But whatever happens within it is blurred
# in time. In 256 samples, 32 ms, bins lie 31 Hz apart; in 64 samples, 8 ms, they lie 125 Hz apart. Both cannot be fine at once.
# Look for yourself: move the slider and watch the stripes.


# %%
def draw(word, samples):
    wave = waves[labels == names.index(word)][0]
    power = np.abs(scratch.short_time_fourier(wave, samples, 32)) ** 2
    picture = scratch.decibels(power).T  # (bins, frames)
    first = samples / 2 / rate  # the middle of the first frame, in seconds
    area = (first, 1 - first, 0, rate / 2)
    look = {"origin": "lower", "aspect": "auto", "cmap": "Greys"}
    figure, axes = plot.subplots(figsize=(6.8, 3.0))
    axes.imshow(picture, extent=area, **look)
    axes.set(xlabel="time (s)", ylabel="frequency (Hz)", xlim=(0, 1))
    milliseconds = 1000 * samples // rate
    title = f"frames of {milliseconds} ms, bins of {rate / samples:.0f} Hz"
    axes.set_title(title)
    axes.grid(False)
    return figure


choices = [32, 64, 128, 256, 512, 1024]
first = {"word": "yes", "samples": 256}
plot.explore(draw, start=first, word=list(names), samples=choices)

# %% [markdown]
# *Figure. A spectrogram: time to the right, frequency upwards, the darker the louder. The horizontal stripes are the overtones of the
# voice; the speckled grey around them is noise.*
# <details><summary>In words</summary>A grey picture. In the middle of the second stand dark horizontal stripes below 1,000 hertz, a
# fainter group near 2,000 hertz that falls a little, and faint traces above; around them is speckled grey.</details><br>
#
# With short frames the horizontal stripes turn into vertical ones: each is one beat of the vocal cords. With very long frames the word
# is smeared out in time. Speech is usually read with 20 to 35 ms.
#
# ## As the ear hears it
#
# A spectrogram treats all hertz alike. The ear does not: 100 and 200 Hz sound an octave apart, 3,000 and 3,100 Hz nearly the same.
# The **mel** scale stretches frequencies so that equal steps *sound* about equally large:
#
# $$m(f) = 1127\,\ln\!\Big(1+\frac{f}{700}\Big)$$
#
# Lay triangles of equal width on the mel axis, each rising from the middle of its left neighbour to its own and falling to the
# middle of its right one, and add up the power under each. From 129 bins we keep 32 **bands**.


# %%
def mel(hertz):
    return 1127 * np.log(1 + hertz / 700)


edges = np.linspace(mel(60), mel(4000), 34)  # the corners of 32 triangles, in mel
left = edges[:-2]
peak = edges[1:-1]
right = edges[2:]
bins = mel(hertz)[:, np.newaxis]  # (129, 1)
rising = (bins - left) / (peak - left)  # (129, 32)
falling = (right - bins) / (right - peak)
filters = np.maximum(0, np.minimum(rising, falling))  # one triangle a column

house = scratch.mel_filterbank(32, 256, rate, low=60)
expect("bmkit.scratch", house, equals=filters, tolerance=1e-9)
tops = filters.max(axis=0)
expect("lowest of the 32 tops", tops.min(), at_least=0.7, at_most=0.8)

# %%
figure, axes = plot.subplots(figsize=(6.8, 2.4))
axes.plot(hertz, filters[:, ::3], color="black", ls="-", lw=1)
axes.set(xlabel="frequency (Hz)", ylabel="weight")
plot.show(figure)

# %% [markdown]
# *Figure. Every third of the 32 triangles: narrow at low frequencies, wide at high ones. The tops of some lie between two bins,
# and there the drawn line ends below 1.*
# <details><summary>In words</summary>Eleven triangles side by side from 60 to 4,000 hertz, of heights between about 0.75 and 1, the last one ending before the edge.
# The left ones are narrow, and they grow wider to the right.</details><br>
#
# Loudness is stretched, too: ten times the power sounds only somewhat louder. So the power $P$ is written in **decibels**,
# $10\,\log_{10} P$, and the quietest is cut off 80 dB below the loudest of the clip. Put together, this is the **log-mel
# spectrogram**, the usual picture of speech. In Keras one layer makes it. It puts the bands first and the frames second, so that
# in the picture time runs to the right. By hand, by Keras and by `bmkit.scratch`:

# %%
settings = {
    "sampling_rate": rate,
    "fft_length": 256,
    "sequence_length": 256,
    "sequence_stride": hop,
    "num_mel_bins": 32,
    "min_freq": 60,
    "max_freq": 4000,
}
layer = keras.layers.MelSpectrogram(**settings)
picture = layer(clip[np.newaxis])[0]  # (32, 51)

power = np.abs(transformed) ** 2 @ filters  # (51, 32)
by_hand = 10 * np.log10(power)
by_hand = np.maximum(by_hand, by_hand.max() - 80)
expect("log-mel, by hand and Keras", picture, equals=by_hand.T, tolerance=1e-2)
options = {"length": 256, "hop": hop, "bands": 32, "low": 60}
house = scratch.log_mel_spectrogram(clip, rate, **options)
expect("bmkit.scratch", house, equals=by_hand, tolerance=1e-9)

# %% [markdown]
# ### Exercise 2 · Predict, then run
#
# The same clip is recorded with ten times the pressure: every sample times 10. **By how many decibels does its log-mel spectrogram
# rise?** *One minute; expected: a number. Mind what the power is made of.*

# %%
louder = ...
ch12.louder.check(louder)

# %% [markdown]
# ### Exercise 3 · Mend it
#
# This function should turn power into log-mel, without the cut at 80 dB. `power` has shape `(frames, bins)` and `filters`
# has shape `(bins, bands)`:
#
# ```python
# def log_mel(power, filters):
#     decibels = 10 * np.log10(power)
#     return decibels @ filters
# ```
#
# It has two faults. One gives wrong numbers, the other minus infinity where a bin is silent. Write it correctly; band powers below $10^{-10}$ count as $10^{-10}$. *Medium, five minutes; expected shape: (frames, bands).*


# %%
def log_mel(power, filters):
    ...


ch12.log_mel.check(log_mel)


# %%
# Now all clips.
def pictures_of(waves):  # (n, 32, 51) in decibels
    batches = [layer(batch) for batch in np.array_split(waves, 20)]
    return np.concatenate(batches)


pictures = pictures_of(waves)
pictures_val = pictures_of(waves_val)
mean = pictures.mean()  # of training only
std = pictures.std()


def scaled(pictures):  # (n, 32, 51, 1), without unit
    return ((pictures - mean) / std)[..., np.newaxis]


x = scaled(pictures)
x_val = scaled(pictures_val)
print("a batch of all training clips:", x.shape)

# %%
figure, grid = plot.subplots(2, 4, figsize=(7.8, 3.6), sharex=True, sharey=True)
look = {"origin": "lower", "aspect": "auto", "cmap": "Greys", "vmin": 0.5}
for column, word in zip(grid.T, ("yes", "no", "stop", "left")):
    of_word = x[labels == names.index(word)]
    for axes, which in zip(column, (0, 40)):
        axes.imshow(of_word[which, ..., 0], extent=(0, 1, 0, 32), **look)
        axes.set(title=f"{word}, clip {which}", xlabel="time (s)", ylabel="mel band")
        axes.grid(False)
plot.show(figure)

# %% [markdown]
# *Figure. Four words, two clips of each. The two clips of a word show similar patches, often at other times and in other bands: in "no"
# a stroke that falls, in "left" one that rises, each with a patch above it.*
# <details><summary>In words</summary>Two rows of four pictures, white with dark patches. "Yes" has a dark block at the bottom and
# a falling stroke above it, "stop" a broad block in the middle. The patches begin at different times, and some lie higher in the
# lower row.</details><br>
#
# The nearest neighbour again, now on these pictures. And one change more. **Words are not where you expect them**: each begins
# somewhere within the second, and the nearest neighbour compares place with place. The function below moves the middle of each
# sound to the middle of its picture. What will each step be worth?


# %%
def centred(pictures):  # (n, 32, 51) in decibels
    power = 10 ** (pictures / 10)
    loud = power.sum(axis=1)  # (n, 51), of all bands
    noise = np.median(loud, axis=1, keepdims=True)
    loud = np.maximum(loud - noise, 0)
    middles = loud @ np.arange(51) / loud.sum(axis=1)  # (n,), in frames
    moved = []
    for picture, middle in zip(pictures, middles):
        shift = 25 - int(np.round(middle))
        moved.append(np.roll(picture, shift, axis=1))
    return np.array(moved)


in_middle = scaled(centred(pictures))
in_middle_val = scaled(centred(pictures_val))
nearest["log-mel"] = nearest_hits(x, x_val)
nearest["log-mel, centred"] = nearest_hits(in_middle, in_middle_val)

# %% [markdown]
# A score needs an interval. The 40 clips of one voice resemble each other, so 360 clips are not 360 independent measurements. We
# take the share of each of the nine *voices* and draw nine voices with replacement, two thousand times (the **bootstrap**).


# %%
def by_voice(hits, voices):  # the share right of each voice
    shares = [hits[voices == voice].mean() for voice in np.unique(voices)]
    return np.array(shares)


def interval_of_mean(values):  # the mean, and 95 % of what was drawn
    random = np.random.default_rng(0)
    draws = random.choice(values, size=(2000, len(values)))
    low, high = np.percentile(draws.mean(axis=1), [2.5, 97.5])
    return values.mean(), low, high


voices_val = clips_val["voice"].astype(str)
rows = {}
for name, hits in nearest.items():
    shares = by_voice(hits, voices_val)
    rows[name] = {"share right": interval_of_mean(shares)}
plot.table(rows, corner="nearest neighbour, nine unheard voices")

# %%
raw = by_voice(nearest["raw samples"], voices_val)
as_recorded = by_voice(nearest["log-mel"], voices_val)
moved = by_voice(nearest["log-mel, centred"], voices_val)
_, low, _ = interval_of_mean(as_recorded - raw)
expect("log-mel minus raw samples, lower end", low, at_least=0.1)
_, low, _ = interval_of_mean(moved - as_recorded)
expect("gain by centring, lower end", low, at_least=0.02)

# %% [markdown]
# The same nearest neighbour and the same clips; only the picture has changed. A good way of *showing* data can be worth more than
# a good model.
#
# ## Must it know the speaker?
#
# Here is a trap. Hide a random fifth of the *training* clips, whose voices the nearest neighbour then knows from their other clips,
# and compare with the validation clips, whose voices are new:

# %%
from sklearn.metrics import pairwise_distances

hidden = np.random.default_rng(0).random(len(labels)) < 0.2
flat = in_middle.reshape(len(labels), -1)  # (1840, 1632)
neighbour = KNeighborsClassifier(1)
neighbour.fit(flat[~hidden], labels[~hidden])
share = neighbour.score(flat[hidden], labels[hidden])
gap = share - moved.mean()
expect("hidden clips minus clips of new voices", gap, at_least=0.03)
distances = pairwise_distances(flat)  # (1840, 1840)

# %% [markdown]
# So knowing the voice helps? Not so fast: two things differ between the two sets. One holds known voices, and it also holds
# *other* voices. To tell them apart, keep the clips and change only what the neighbour knows. For each of the 1,840 training clips we look for the nearest neighbour twice: with the clips of its voice and without them.
#
# A second trap waits here. Each voice says each word once in each of four accents. So another clip of the same voice *and* accent always holds another word, and can only mislead: it would make knowing the voice look useless. Therefore all clips of the own accent are left out, both times. The difference is taken voice by voice, for 46 voices.

# %%
voices = clips["voice"].astype(str)
accents = clips["accent"].astype(str)
same_voice = voices[:, np.newaxis] == voices  # (1840, 1840)
same_accent = accents[:, np.newaxis] == accents
same_word = labels[:, np.newaxis] == labels


def right_without(left_out):  # (1840, 1840) of bool → (1840,) of bool
    allowed = np.where(left_out, np.inf, distances)
    return labels[allowed.argmin(axis=1)] == labels


known = right_without(same_accent)
unheard = right_without(same_accent | same_voice)
shares_known = by_voice(known, voices)  # (46,)
shares_unheard = by_voice(unheard, voices)
gain, low, _ = interval_of_mean(shares_known - shares_unheard)
alike = np.sum(same_voice & same_accent & same_word, axis=1)
expect("clips of one voice, accent and word", alike.max(), equals=1)
expect("gain from knowing the voice, lower end", low, at_least=0.0)
expect("    gain over the first gap", gain / gap, at_most=0.5)
expect("best voice minus worst voice", np.ptp(shares_unheard), at_least=0.3)

# %%
rows = {
    "voice known": {"share right": interval_of_mean(shares_known)},
    "voice left out": {"share right": interval_of_mean(shares_unheard)},
    "difference": {"share right": interval_of_mean(shares_known - shares_unheard)},
}
plot.table(rows, corner="the same 1,840 clips, accent left out")

# %%
order = shares_unheard.argsort()
figure, axes = plot.subplots(figsize=(6.8, 2.6))
axes.plot(shares_unheard[order], ls="", marker="o", label="voice left out")
axes.plot(shares_known[order], ls="", marker="x", label="voice known")
axes.set(xlabel="46 voices, sorted", ylabel="share right", ylim=(0, 1.03))
axes.legend(loc="lower right")
plot.show(figure)

# %% [markdown]
# *Figure. One column for each voice, in the order of the share right without that voice. Where the two marks of a voice differ,
# the cross mostly lies higher; but the voices differ from each other far more.*
# <details><summary>In words</summary>46 columns with a round mark and a cross each. The round marks rise from about 0.4 at the
# left to about 0.8 at the right. Most crosses lie on their round mark or somewhat above it, up to about a tenth; a few lie
# below, one of them far.</details><br>
#
# Knowing the voice is worth a few points, and the interval lies above zero. But that is less than half of the first gap: most of it had another reason. One voice
# is understood far better than another, and the nine validation voices happen to be harder ones for the nearest neighbour.
# Perhaps the voice matters so little because one program pronounces the words for all of them; real people have habits of their own, and with them a random split may flatter much more. So we go on splitting by voice: it costs nothing, and it asks the question
# that a new user will ask.
#
# ### Exercise 4 · Change the experiment
#
# Does it matter that the *accent* is known? For `known` the own accent was left out. Leave out nothing but the clip itself (`np.eye(len(labels), dtype=bool)`). **By how much does the share right lie above that of `known`?** (A quarter of the clips comes back, too.) *Medium, six minutes; expected: a number with two decimals, measured by you.*

# %%
own_accent = ...
ch12.own_accent.check(own_accent)

# %% [markdown]
# ## A network that sees sound
#
# The picture has two axes like any picture, and what belongs together lies together: a hiss fills a patch, an overtone is a line.
# And what matters here matters there too, since the word may begin anywhere. So we take the convolutional network of chapter 11,
# with three blocks of convolution, ReLU and max pooling. `train.fit` is the `fit` of Keras with live progress; it leaves the
# model with the weights of the epoch that had the lowest validation loss.


# %%
def word_cnn():
    model = keras.Sequential([keras.Input((32, 51, 1))], name="word_cnn")
    for filters in (16, 32, 32):
        model.add(keras.layers.Conv2D(filters, 3, padding="same", activation="relu"))
        model.add(keras.layers.MaxPooling2D(2))
    model.add(keras.layers.Flatten())
    model.add(keras.layers.Dropout(0.4))
    model.add(keras.layers.Dense(64, activation="relu"))
    model.add(keras.layers.Dense(10))
    return model


word_cnn().summary(line_length=70, print_fn=print)

# %%
options = {"filters": (16, 32, 32), "dense_units": 64, "dropout": 0.4}
house = models.cnn((32, 51, 1), 10, **options)
counted = word_cnn().count_params()
expect("parameters, bmkit.models.cnn", house.count_params(), equals=counted)


def trained(model, x, x_val, epochs):
    steps = epochs * 58  # batches of 32 clips in an epoch
    falling = keras.optimizers.schedules.CosineDecay(0.003, steps)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(falling), loss, metrics=["accuracy"])
    train.fit(model, (x, labels), (x_val, labels_val), epochs=epochs)
    return model


def hits_of(model, x, labels):
    logits = model.predict(x, verbose=0)
    return logits.argmax(axis=1) == labels


cnn = trained(word_cnn(), x, x_val, epochs=9)

# %% [markdown]
# ### Exercise 5 · Build one that hears the wave
#
# A device gets waves, not pictures. Write `listener(samples, classes)`: a Keras model from waves of shape `(batch, samples)` to
# logits. Its first layer is `keras.layers.MelSpectrogram(**settings)`; then comes an axis for the channel at the end, a
# convolution of 8 filters of 3×3 with padding "same" and ReLU, 2×2 max pooling, the mean of each map over all its places
# (`GlobalAveragePooling2D`), and a dense layer. *Medium, ten minutes; the check sets weights of its own and looks at the logits.*


# %%
def listener(samples, classes):
    ...


ch12.listener.check(listener)

# %% [markdown]
# ### The rival without convolution
#
# The rival is a network with one hidden dense layer and dropout. How wide should it be? A narrow one may be too small and a wide
# one may overfit, so we let validation decide. It gets more epochs than the convolutional network did.


# %%
def dense_network(width):
    model = keras.Sequential([keras.Input((32, 51, 1)), keras.layers.Flatten()])
    model.add(keras.layers.Dense(width, activation="relu"))
    model.add(keras.layers.Dropout(0.3))
    model.add(keras.layers.Dense(10))
    return model


dense_networks = {}
for width in (64, 256, 512):
    dense_networks[width] = trained(dense_network(width), x, x_val, epochs=12)

# %%
shares_dense = {}
rows = {}
for width, model in dense_networks.items():
    share = hits_of(model, x_val, labels_val).mean()
    shares_dense[width] = share
    rows[f"dense, {width} units"] = {
        "parameters": model.count_params(),
        "share right": share,
    }
cnn_hits = hits_of(cnn, x_val, labels_val)
rows["convolutional"] = {"parameters": counted, "share right": cnn_hits.mean()}
plot.table(rows, corner="validation, words as recorded")
best_width = max(shares_dense, key=shares_dense.get)
dense = dense_networks[best_width]

# %% [markdown]
# A narrow network does worse, and the step from 256 to 512 units brings less. From here on "dense" is the one with the highest share.
#
# Why is the convolutional network ahead? Perhaps because a word that begins a tenth of a second later lights up other pixels, and
# for a dense layer that is another picture. If this is the reason, the lead must shrink when every word is moved to the middle
# beforehand. We train both again on the centred pictures:

# %%
cnn_centred = trained(word_cnn(), in_middle, in_middle_val, epochs=9)
model = dense_network(best_width)
dense_centred = trained(model, in_middle, in_middle_val, epochs=12)

# %%
hits_centred = {
    "nearest neighbour": nearest["log-mel, centred"],
    "dense": hits_of(dense_centred, in_middle_val, labels_val),
    "convolutional": hits_of(cnn_centred, in_middle_val, labels_val),
}
hits_recorded = {
    "nearest neighbour": nearest["log-mel"],
    "dense": hits_of(dense, x_val, labels_val),
    "convolutional": cnn_hits,
}
before = {}
after = {}
for name in hits_centred:
    before[name] = by_voice(hits_recorded[name], voices_val)
    after[name] = by_voice(hits_centred[name], voices_val)

# %%
rows = {}
for name in before:
    rows[name] = {
        "as recorded": interval_of_mean(before[name]),
        "centred": interval_of_mean(after[name]),
        "gain": interval_of_mean(after[name] - before[name]),
    }
lead_recorded = before["convolutional"] - before["dense"]
lead_centred = after["convolutional"] - after["dense"]
rows["convolutional minus dense"] = {
    "as recorded": interval_of_mean(lead_recorded),
    "centred": interval_of_mean(lead_centred),
}
plot.table(rows, corner="validation, share right")

# %%
_, low, _ = interval_of_mean(lead_recorded)
expect("lead over dense, as recorded, lower end", low, at_least=0.08)
remaining = lead_centred.mean()
expect("lead over dense, centred", remaining, at_least=-0.02, at_most=0.13)
part = remaining / lead_recorded.mean()
expect("    part of the lead as recorded", part, at_most=0.6)
_, low, _ = interval_of_mean(lead_recorded - lead_centred)
expect("what centring takes from the lead, lower end", low, at_least=0.01)
shares = list(shares_dense.values())
widest = shares[2] - shares[1]
expect("dense, 512 units minus 256", widest, at_least=-0.06, at_most=0.06)
expect("dense, best of the three minus 64", max(shares) - shares[0], at_least=0.02)
next_best = max(after["dense"].mean(), before["convolutional"].mean())
ahead = after["convolutional"].mean() - next_best
expect("convolutional, centred, minus the next best", ahead, at_least=0)

# %% [markdown]
# As recorded, the convolutional network leads by twenty to thirty points, although the dense network is the best of three widths and has many times as many parameters. With every word in the middle the dense network gains far more than the convolutional one, and more
# than half of the lead is gone. So the place of the word is the main reason for the lead, perhaps because for the convolution a word that begins later is the same pattern some pixels further, and a dense layer has to learn it anew for each place. What remains is a
# few points. Nine voices are few for that; the table says whether its interval holds zero. (Over five random starts the lead was four to eight points.)
#
# And do not forget who did the rest: centring is ten lines of NumPy, written by somebody who had looked at the data. The nearest
# neighbour gains from it, too.
#
# ## What it listens to
#
# The first block's feature maps, for one clip of "yes" by a voice it has never heard:

# %%
first_block = keras.Model(cnn_centred.inputs[0], cnn_centred.layers[1].output)
which = np.flatnonzero(labels_val == names.index("yes"))[:1]
maps = np.array(first_block(in_middle_val[which]))[0]  # (16, 25, 16)
strongest = np.argsort(-maps.max(axis=(0, 1)))[:9]
shown = [in_middle_val[which[0], :, :, 0]]
titles = ["log-mel"]
for number in strongest:
    shown.append(maps[:, :, number])
    titles.append(f"map {number}")
figure = plot.images(shown, titles, columns=5, width=7.6, origin="lower")
plot.show(figure)

# %% [markdown]
# *Figure. One clip (time to the right, frequency upwards) and the nine feature maps with the strongest answers. They are much
# alike: each is bright where the word is and dark elsewhere.*
# <details><summary>In words</summary>A log-mel picture of "yes", bright stripes in its middle, and nine coarser pictures with a
# bright upright patch in the same place on a dark ground. In some the patch is filled, in others it has stripes.</details><br>

# %%
values = maps[:, :, strongest].reshape(-1, 9)  # (places, maps)
alike = np.corrcoef(values.T)  # (9, 9)
pairs = alike[np.triu_indices(9, 1)]  # (36,)
expect("mean correlation of two of the nine maps", pairs.mean(), at_least=0.3)

# %% [markdown]
# It is tempting to say what each map listens for. Be careful: they overlap too much for that, as their correlation shows, and a
# name would be our guess.
#
# ## The test, once
#
# By validation the choice is the convolutional network on centred words. Open the test set, whose voices neither training nor any
# choice has met.

# %%
clips_test, labels_test = words.arrays("test")
in_middle_test = scaled(centred(pictures_of(clips_test["waveform"])))
voices_test = clips_test["voice"].astype(str)
answers = cnn_centred.predict(in_middle_test, verbose=0).argmax(axis=1)
cnn_test = by_voice(answers == labels_test, voices_test)
dense_hits = hits_of(dense_centred, in_middle_test, labels_test)
dense_test = by_voice(dense_hits, voices_test)
rows = {
    "convolutional": {"share right": interval_of_mean(cnn_test)},
    "dense": {"share right": interval_of_mean(dense_test)},
    "difference": {"share right": interval_of_mean(cnn_test - dense_test)},
}
plot.table(rows, corner="test, centred words, nine unheard voices")

# %%
expect("convolutional network, test", cnn_test.mean(), at_least=0.82)
lead = np.mean(cnn_test - dense_test)
expect("its lead over dense, test", lead, at_least=0, at_most=0.15)
spread = np.ptp(cnn_test)
expect("best voice minus worst voice", spread, at_least=0.1)

table = scratch.confusion_matrix(labels_test, answers, 10)
up = names.index("up")
off = names.index("off")
mixed_up = table[up, off] + table[off, up]
expect("times that up and off are taken for each other", mixed_up, at_least=4)

# %%
figure = plot.matrix(table, names, names, xlabel="network's answer", ylabel="spoken")
plot.show(figure)

# %% [markdown]
# *Figure. Most clips lie on the diagonal. "Up" and "off" are taken for each other more often than most words are.*
# <details><summary>In words</summary>A table of ten rows and ten columns, dark along the diagonal. Most fields beside it are
# zero; a few hold counts of one to about six, among them "up" as "off" and "off" as "up".</details><br>
#
# One number for all hides something. The test has nine voices with forty clips each. Is each understood equally well? Guess the
# worst.

# %%
figure, axes = plot.subplots(figsize=(6.6, 2.6))
look = {"color": plot.COLORS[4], "edgecolor": "black"}
axes.barh(range(1, 10), np.sort(cnn_test), **look)
axes.axvline(cnn_test.mean(), color="black", ls="--", label="mean of all")
axes.set(xlabel="share of the voice's clips right", ylabel="voice", xlim=(0, 1))
axes.set_yticks(range(1, 10))
axes.legend(loc="upper left", bbox_to_anchor=(1, 1), fontsize=9)
plot.show(figure)

# %% [markdown]
# *Figure. The same network, nine unheard voices: most are understood nearly always, two far less often.*
# <details><summary>In words</summary>Nine level bars, sorted, and a dashed upright line at their mean. The two lowest bars end
# well before the line, the upper ones reach 1 or nearly so.</details><br>
#
# A mean of this kind is made of people who are served well and people who are not. Report the worst voice beside the mean.
#
# ## What this does not show
#
# The voices are synthetic: one program pronounces each word in one way, without breath, room or traffic. Real people mumble, and
# a device hears words that are no commands at all; this network must answer with one of its ten. [Chapter 28](28_voice_commands.ipynb) adds noise,
# unknown words and silence, and counts false alarms. Centring needs the whole word, with quiet around it; in a conversation there
# is none.
#
# ## Summary
#
# * The Fourier transform asks a frame how strongly it swings with each tone; a window keeps the cuts at its ends from being heard
#   as clicks.
# * Frames, one after the other, give a spectrogram. Long frames are fine in frequency, short ones in time, never both.
# * Mel bands and decibels space frequency and loudness about as the ear does. The log-mel spectrogram is a picture.
# * On that picture the convolutional network of chapter 11 works unchanged. It beats the best of three dense networks by a wide margin when words begin anywhere, and by much less when every word has been moved to the middle.
# * Two groups of voices differ for many reasons. Whether a model profits from knowing the voice shows when the same clips are answered with and without it. Here knowing it was worth a few points to the nearest neighbour, less than half of what two groups of voices had suggested.
# * Split by voice all the same, and look at each voice, not only at the mean.
#
# **Ask yourself**
#
# <details><summary>Why does the log-mel picture forget whether a swing began upwards or downwards?</summary>It keeps the power,
# the sum of the squares of both sums. Where in its swing a tone begins only moves strength between the cosine and the sine
# part.</details>
# <details><summary>A convolution treats "two bands higher" like "two pixels to the right". Is that true of
# sound?</summary>Partly. A higher voice moves the overtones up, but not the resonances of the mouth, and a hiss at the bottom is
# another sound than a hiss at the top. The dense layers at the end know where a pattern was.</details>
# <details><summary>Your colleague's network scores 99 % on a random split of 20 speakers. What do you ask?</summary>How it does
# on a speaker whom it has never heard. Leave out each speaker in turn and ask about the same recordings again: then the
# difference is not one between speakers.</details><br>
#
# **Next** [13 · Recurrent networks for text](13_rnn_text.ipynb) reads sequences step by step.
#
# **References**
#
# * J. B. Allen, L. R. Rabiner (1977), A unified approach to short-time Fourier analysis and synthesis.
#   [doi](https://doi.org/10.1109/PROC.1977.10770)
# * S. B. Davis, P. Mermelstein (1980), Comparison of parametric representations for monosyllabic word recognition.
#   [doi](https://doi.org/10.1109/TASSP.1980.1163420)
# * O. Abdel-Hamid et al. (2014), Convolutional neural networks for speech recognition.
#   [doi](https://doi.org/10.1109/TASLP.2014.2339736)
# * P. Warden (2018), Speech commands: a dataset for limited-vocabulary speech recognition.
#   [arXiv](https://arxiv.org/abs/1804.03209)
