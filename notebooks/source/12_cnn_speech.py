# %% [markdown]
# # 12 · Convolutional networks for speech
#
# **After this you can** compute the spectrum of a sound by hand, turn a sound into a picture that the ear would draw, check it against Keras, train a convolutional network that understands spoken words from voices it has never heard, and say what it cannot do
#
# **Time** 45 min to read, 90 min to teach, 35 s to run
#
# **Before** [03 · Language, vision, speech](03_language_vision_speech.ipynb), [11 · Convolutional networks for images](11_cnn_images.ipynb)
#
# **Data** spoken_words (2,560 clips of ten words in 64 synthetic voices, made on your computer by eSpeak NG)

# %%
from bmkit import data, models, plot, scratch, train
from bmkit.check import expect
from bmkit.exercises import ch12
import keras
import numpy as np
train.seed(0)

# %% [markdown]
# ## The same word, twice
#
# Say "yes" twice. No two samples of the two recordings will be equal, and yet everybody hears the same word. What is it that
# stays the same? [Chapter 03](03_language_vision_speech.ipynb) cut a sound into short frames and took somebody else's twelve
# numbers for each. This time we begin at the microphone and do every step ourselves.
#
# Our clips last one second each. A speech synthesiser spoke ten command words in 64 voices and four accents of English, at
# different pitches and speeds, somewhere within the second, with some noise. **Synthetic** speech is more regular than real
# speech, and the scores below are better than real life for that reason. But nothing in the method depends on it. The
# voices are split: those of validation and test are never heard in training.

# %%
words = data.load("spoken_words")
(clips, labels), (new_clips, new_labels) = words.arrays("train"), words.arrays("validation")
waves, new_waves = clips["waveform"], new_clips["waveform"]
names, rate = words.description.classes, 8000  # samples a second
print(*names)
print("training clips:", len(waves), " samples a clip:", waves.shape[1])
say = {word: waves[labels == names.index(word)] for word in ("yes", "no")}
shown = {"yes": say["yes"][0], "yes, another voice": say["yes"][40], "no": say["no"][0]}
figure, row = plot.subplots(1, 3, figsize=(8.4, 2.4), sharey=True)
for axes, (name, clip) in zip(row, shown.items()):
    axes.plot(np.arange(len(clip)) / rate, clip, lw=0.5)
    axes.set(xlabel="time (s)", ylabel="pressure", title=name)
plot.show(figure)

# %% [markdown]
# *Figure. Pressure over time. Two voices say the same word, one says another one. Which two belong together is hard to see.*
# <details><summary>In words</summary>Three blue waves of one second each. Each is quiet but for noise, swells for about a third of a
# second, and dies away. They differ in where they begin, in height and in fine detail.</details><br>
#
# Can a program see it? Take the most patient of all, the nearest neighbour: it answers with the word of the training clip whose
# samples are closest. Guess its score among ten words before you run.

# %%
from sklearn.neighbors import KNeighborsClassifier


def nearest_score(seen, new):
    flat = [part.reshape(len(part), -1) for part in (seen, new)]
    return KNeighborsClassifier(1).fit(flat[0], labels).score(flat[1], new_labels)


chance = np.mean(new_labels == np.bincount(labels).argmax())
score = {"raw samples": nearest_score(waves, new_waves)}
expect("always the same word, share right", chance, at_most=0.11)
expect("nearest neighbour on raw samples, share right", score["raw samples"], at_most=0.2)

# %% [markdown]
# Little better than a blind guess. Move a wave by half a period and every hill meets a valley; the ear does not even notice. So
# compare what the ear compares: not *when* the pressure swings, but *how fast*.
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
clip = say["yes"][0]
middle = int(np.argmax(np.convolve(clip**2, np.ones(256), "valid")))  # the loudest 256 samples
frame = clip[middle : middle + 256].astype(float)
turns = np.outer(np.arange(256), np.arange(129)) / 256  # (samples, bins)
spectrum = frame @ np.cos(2 * np.pi * turns) - 1j * frame @ np.sin(2 * np.pi * turns)  # (129,)
expect("NumPy's fast Fourier transform", np.fft.rfft(frame), equals=spectrum, tolerance=1e-9)
tone = np.cos(2 * np.pi * 500 * np.arange(256) / rate)  # 500 swings a second
print("a tone of 500 Hz is found in bin", np.abs(np.fft.rfft(tone)).argmax())

# %% [markdown]
# ### Exercise 1 · Predict, then run
#
# A frame has 256 samples, taken 8,000 times a second. **In which bin do you find a tone of 1,000 Hz?** *One minute; expected: an
# integer.*

# %%
bin_of_tone = ...
ch12.bin_of_tone.check(bin_of_tone)

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
tone = np.cos(2 * np.pi * 515 * np.arange(256) / rate)  # 16.48 swings a frame: it does not fit
window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(256) / 256)
bare, faded = (scratch.decibels(np.abs(np.fft.rfft(wave)) ** 2) for wave in (tone, tone * window))
figure, axes = plot.subplots(figsize=(6.6, 2.8))
axes.plot(np.arange(129) * rate / 256, bare - bare.max(), label="cut off")
axes.plot(np.arange(129) * rate / 256, faded - faded.max(), label="faded in and out")
axes.set(xlabel="frequency (Hz)", ylabel="power (dB below the top)", ylim=(-85, 3))
axes.legend()
plot.show(figure)
expect("bmkit.scratch", scratch.hann_window(256), equals=window, tolerance=1e-12)
far = slice(48, 129)  # 1,500 Hz and more, three times as high as the tone
expect("leakage far away, cut off minus faded, dB", (bare - faded)[far].mean(), at_least=30)

# %% [markdown]
# *Figure. One pure tone of 515 Hz. Cut off, it seems to contain all tones; faded in and out, it stays where it belongs.*
# <details><summary>In words</summary>Power over frequency. Both curves have a peak at about 515 hertz. The solid one then falls
# slowly and stays above −50 decibels everywhere. The dashed one falls at once to the bottom of the picture.</details><br>
#
# ## The spectrogram: a spectrum for each moment
#
# Speech changes all the time, so one spectrum for the whole second would mix all sounds of the word. Cut the clip into overlapping
# frames, as in chapter 03, fade each, transform each. That is the **short-time Fourier transform**:
#
# $$S[t, k] = \sum_{n=0}^{N-1} w_n\; x[t H + n]\; e^{-2\pi i k n/N}$$
#
# * $t$ counts the frames, and $H$ (*hop*) is how many samples the next one starts later,
# * $e^{-i\varphi}$ is short for $\cos\varphi - i\sin\varphi$: the bracket from above.

# %%
pieces = scratch.frame_signal(clip, 256, 128) * window  # (61, 256)
ours = np.fft.rfft(pieces)  # (61, 129)
lengths = {"sequence_length": 256, "sequence_stride": 128, "fft_length": 256}
real, imaginary = keras.ops.stft(clip, center=False, **lengths)
expect("Keras, cosine part", real, equals=ours.real, tolerance=1e-4)
expect("Keras, sine part", imaginary, equals=ours.imag, tolerance=1e-4)
reference = scratch.short_time_fourier(clip, length=256, hop=128)
expect("bmkit.scratch", reference, equals=ours, tolerance=1e-9)
print(len(clip), "samples become", ours.shape, "= frames × bins")

# %% [markdown]
# How long should a frame be? A long one counts many swings and tells close tones apart. But whatever happens within it is blurred
# in time. In 256 samples, 32 ms, bins lie 31 Hz apart; in 64 samples, 8 ms, they lie 125 Hz apart. Both cannot be fine at once.
# Look for yourself: move the slider and watch the stripes.


# %%
def draw(word, samples):
    clip = waves[labels == names.index(word)][0]
    power = np.abs(scratch.short_time_fourier(clip, samples, 32)) ** 2  # (frames, bins)
    figure, axes = plot.subplots(figsize=(6.8, 3.2))
    area = (samples / 2 / rate, 1 - samples / 2 / rate, 0, rate / 2)
    axes.imshow(scratch.decibels(power).T, origin="lower", aspect="auto", cmap="Greys", extent=area)
    axes.set(xlabel="time (s)", ylabel="frequency (Hz)", xlim=(0, 1))
    lasts, bin_width = f"{1000 * samples / rate:.0f} ms", f"{rate / samples:.0f} Hz"
    axes.set_title(f"frames of {samples} samples: {lasts} long, {bin_width} a bin")
    axes.grid(False)
    return figure


start = {"word": "yes", "samples": 256}
plot.explore(draw, start=start, word=list(names), samples=[32, 64, 128, 256, 512, 1024])

# %% [markdown]
# *Figure. A spectrogram: time to the right, frequency upwards, the darker the louder. The level stripes are the overtones of the
# voice; the even grey around them is noise.*
# <details><summary>In words</summary>A grey picture. In the middle of the second stands a group of dark level stripes, darkest below,
# which bend a little; around it is even grey.</details><br>
#
# With short frames the level stripes turn into upright ones: each is one beat of the vocal cords. With very long frames words melt.
# Speech is usually read with 20 to 30 ms, long enough for the pitch and short enough for the mouth.
#
# ## As the ear hears it
#
# A spectrogram treats all hertz alike. The ear does not: 100 and 200 Hz sound an octave apart, 3,000 and 3,100 Hz nearly the same.
# The **mel** scale stretches frequencies so that equal steps *sound* equally large:
#
# $$m(f) = 1127\,\ln\!\Big(1+\frac{f}{700}\Big)$$
#
# Lay triangles of equal width on the mel axis, each rising from the middle of its left neighbour to its own and falling to the
# middle of its right one, and add up the power under each. From 129 bins we keep 40 **bands**.

# %%
def mel(hertz):
    return 1127 * np.log(1 + hertz / 700)


edges = np.linspace(mel(60), mel(4000), 42)  # the corners of 40 triangles, in mel
bins = mel(np.arange(129) * rate / 256)[:, np.newaxis]  # (129, 1)
rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])  # (129, 40)
falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
filters = np.maximum(0, np.minimum(rising, falling))  # (129, 40), one triangle a column
expect("bmkit.scratch", scratch.mel_filterbank(40, 256, rate, low=60), equals=filters, tolerance=1e-9)
figure, axes = plot.subplots(figsize=(6.8, 2.4))
axes.plot(np.arange(129) * rate / 256, filters[:, ::4], color="black", ls="-", lw=1)
axes.set(xlabel="frequency (Hz)", ylabel="weight")
plot.show(figure)

# %% [markdown]
# *Figure. Every fourth of the 40 triangles: narrow where the ear is keen, wide where it is not.*
# <details><summary>In words</summary>Ten triangles of height one side by side from 60 to 4,000 hertz. The left ones are narrow, and
# each is wider than the one before.</details><br>
#
# ### Exercise 2 · One triangle
#
# Write `triangle(frequency, left, peak, right)`: 1 at `peak`, falling in straight lines to 0 at `left` and `right`, and 0 beyond.
# `frequency` has shape `(n,)`, and so has the answer. *Medium, five minutes.*


# %%
def triangle(frequency, left, peak, right):
    ...


ch12.triangle.check(triangle)

# %% [markdown]
# Loudness is stretched, too: ten times the power sounds only somewhat louder. So the power $P$ is written in **decibels**,
# $10\,\log_{10} P$, and the quietest is cut off 80 dB below the loudest of the clip. Put together, this is the **log-mel
# spectrogram**, the usual picture of speech.
#
# ### Exercise 3 · Predict, then run
#
# The same clip is recorded with ten times the pressure: every sample times 10. **By how many decibels does its log-mel spectrogram
# rise?** *One minute; expected: a number. Mind what the power is made of.*

# %%
louder = ...
ch12.louder.check(louder)

# %%
bands = {"num_mel_bins": 40, "min_freq": 60, "max_freq": 4000}
layer = keras.layers.MelSpectrogram(sampling_rate=rate, **lengths, **bands)


def pictures_of(waves):
    batches = [layer(part) for part in np.array_split(waves, 20)]  # each (clips, bands, frames)
    return np.concatenate(batches).transpose(0, 2, 1)[..., np.newaxis]  # (clips, frames, bands, 1)


ours = scratch.log_mel_spectrogram(clip, rate, length=256, hop=128, bands=40, low=60)
expect("Keras and bmkit.scratch, decibels", layer(clip[np.newaxis])[0], equals=ours.T, tolerance=1e-2)
seen, new = pictures_of(waves), pictures_of(new_waves)
center, spread = seen.mean(), seen.std()
x, x_new = (seen - center) / spread, (new - center) / spread
print("a clip of", waves.shape[1], "samples is now a picture of", x.shape[1:3], "= frames × bands")

# %%
figure, grid = plot.subplots(2, 4, figsize=(8.4, 4.2), sharex=True, sharey=True)
for column, word in zip(grid.T, ("yes", "no", "stop", "left")):
    for axes, which in zip(column, (0, 40)):
        picture = x[labels == names.index(word)][which, ..., 0]
        look = {"origin": "lower", "aspect": "auto", "cmap": "Greys", "vmin": 0.5}
        axes.imshow(picture.T, extent=(0, 1, 0, 40), **look)
        axes.set(title=f"{word}, clip {which}", xlabel="time (s)", ylabel="mel band")
        axes.grid(False)
plot.show(figure)
score["log-mel pictures"] = nearest_score(x, x_new)
gain = score["log-mel pictures"] - score["raw samples"]
expect("nearest neighbour, gain over raw samples", gain, at_least=0.25)

# %% [markdown]
# *Figure. Four words, two clips of each. The words are shapes now: the same in both rows, shifted in time and in pitch.*
# <details><summary>In words</summary>Two rows of four grey pictures. Dark level stripes form the vowel of each word; their course,
# and what stands before and after them, is alike in both rows, but begins at another time and lies at another height.</details><br>
#
# The same nearest neighbour, the same clips. Only the picture has changed, and the score has more than doubled. A good way of
# *showing* data can be worth more than a good model.
#
# ## Two warnings before we train
#
# **Words are not where you expect them.** Each begins somewhere within the second, and the nearest neighbour compares place with
# place. Move the middle of each sound to the middle of its picture, and see what that alone is worth.
#
# **Voices know their friends.** Each voice says each word four times. If clips were split at random, the same voice would be on both
# sides. How much would that flatter? We hide a random fifth of the *training* clips and compare with the validation clips, whose
# voices are all new. Guess both numbers.

# %%
def centred(pictures):
    power = (10 ** (pictures[..., 0] / 10)).sum(axis=2)  # (clips, frames), of all bands
    power = np.maximum(power - np.median(power, axis=1, keepdims=True), 0)  # without the noise
    middle = power @ np.arange(power.shape[1]) / power.sum(axis=1)  # (clips,), in frames
    shifts = power.shape[1] // 2 - np.round(middle).astype(int)
    return np.array([np.roll(picture, shift, axis=0) for picture, shift in zip(pictures, shifts)])


score["centred pictures"] = nearest_score(centred(seen), centred(new))
gain = score["centred pictures"] - score["log-mel pictures"]
expect("nearest neighbour, gain by centring", gain, at_least=0.08)
flat, hidden = centred(seen).reshape(len(x), -1), np.random.default_rng(0).random(len(x)) < 0.2
known = KNeighborsClassifier(1).fit(flat[~hidden], labels[~hidden])
friends = known.score(flat[hidden], labels[hidden])
expect("nearest neighbour, voices it knows", friends, at_least=0.65)
expect("flattery: known minus unheard voices", friends - score["centred pictures"], at_least=0.03)

# %% [markdown]
# The same model and the same task, and much better among friends. Whoever builds a telephone service wants the other number.
#
# ## A network that sees sound
#
# The picture has two axes like any picture, and what belongs together lies together: a hiss fills a patch, an overtone is a
# line. And what matters here matters there too: the word may begin anywhere. So we take the convolutional network of
# [chapter 11](11_cnn_images.ipynb) as it is: three blocks of convolution, ReLU and pooling. We centre *nothing*. Its rival is a
# network without convolution that gets **as many parameters**. Both keep their best epoch by validation. Predict the winner, and by
# how much.

# %%
def compiled(model, epochs):
    steps = keras.optimizers.schedules.CosineDecay(0.003, epochs * (len(x) // 32 + 1))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(steps), loss, metrics=["accuracy"])
    return model


shape, epochs = x.shape[1:], 10
cnn = models.cnn(shape, 10, filters=(16, 32, 32), dense_units=64, dropout=0.4)
width = round(cnn.count_params() / (x[0].size + 1 + 10))  # one hidden layer with as many parameters
pair = {"convolutional": cnn, "dense": models.mlp(shape, 10, hidden_units=(width,), dropout=0.3)}
ratio = pair["dense"].count_params() / cnn.count_params()
expect("parameters, dense over convolutional", ratio, at_least=0.97, at_most=1.03)
runs = {}
for name, model in pair.items():
    runs[name] = train.fit(compiled(model, epochs), (x, labels), (x_new, new_labels), epochs=epochs)

# %%
figure = plot.history(runs, "accuracy")
figure.set_size_inches(7.8, 3.2)
figure.axes[0].legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize=9)
figure.axes[0].axhline(score["centred pictures"], color="black", lw=0.8)
plot.show(figure)
best = {name: max(run["val_accuracy"]) for name, run in runs.items()}
expect("convolutional network, unheard voices, share right", best["convolutional"], at_least=0.82)
lead = best["convolutional"] - best["dense"]
expect("its lead over the dense network", lead, at_least=0.3)
lead = best["convolutional"] - score["centred pictures"]
expect("its lead over the nearest neighbour on centred pictures", lead, at_least=0.15)

# %% [markdown]
# *Figure. Same pictures, as many parameters. The thin line is the nearest neighbour, and for it the words were centred.*
# <details><summary>In words</summary>Accuracy over ten epochs, training dashed, validation solid. The convolutional network's
# curves climb above 0.8. The dense network's curves stay below the thin line, which lies at about 0.6.</details><br>
#
# The dense network is not too small; it is asked the wrong question. A word that begins a tenth of a second later lights up other
# pixels, and for a dense layer that is another word. It would have to learn each word anew for each place and each pitch. For the
# convolution it is the same pattern, some pixels further.
#
# ## What it listens to
#
# The first block's feature maps, for one clip of "yes" by a voice it has never heard:

# %%
first = keras.Model(cnn.inputs[0], cnn.layers[1].output)
one = np.flatnonzero(new_labels == names.index("yes"))[:1]
maps = np.array(first(x_new[one]))[0]  # (frames / 2, bands / 2, 16)
loud = np.argsort(-maps.max(axis=(0, 1)))[:9]
shown = [x_new[one][0, ..., 0].T[::-1], *(maps[..., k].T[::-1] for k in loud)]
titles = ["log-mel", *(f"map {k}" for k in loud)]
figure = plot.images(shown, titles, columns=5, width=7.6)
plot.show(figure)
expect("feature maps of the first block", maps.shape[-1], equals=16)

# %% [markdown]
# *Figure. One clip (time to the right, frequency upwards) and the nine feature maps that answer most strongly: each keeps another
# side of the sound, such as the stripes themselves, their upper or lower edges, or the moment of onset.*
# <details><summary>In words</summary>A log-mel picture of "yes" with bright stripes in its middle, and nine coarser pictures, black but
# for that place; in some the whole block is bright, in others only narrow stripes or one side of it.</details><br>
#
# ## The test, once
#
# The choice is made: by validation, the convolutional network. Open the test set, whose voices neither training nor any choice has
# met, and look at *which* words it takes for which.

# %%
test_clips, test_labels = words.arrays("test")
x_test = (pictures_of(test_clips["waveform"]) - center) / spread
answers = cnn.predict(x_test, verbose=0).argmax(axis=1)
table = scratch.confusion_matrix(test_labels, answers, 10)
figure = plot.matrix(table, names, names, xlabel="heard by the network", ylabel="spoken")
plot.show(figure)
right = np.trace(table) / len(test_labels)
expect("test clips by unheard voices, share right", right, at_least=0.75)
rival = train.evaluate(pair["dense"], (x_test, test_labels))["accuracy"]
expect("its lead over the dense network", right - rival, at_least=0.25)

# %% [markdown]
# *Figure. Most clips lie on the diagonal. The errors are not spread evenly: words that share a sound are taken for each other.*
# <details><summary>In words</summary>A table of ten rows and ten columns, dark along the diagonal. Most fields beside it are
# empty; a few hold small counts.</details><br>
#
# One number for all hides something. The test has nine voices with forty clips each. Is each understood equally well? Guess the
# worst.

# %%
voices = np.unique(test_clips["voice"])
hits = {voice: np.mean((answers == test_labels)[test_clips["voice"] == voice]) for voice in voices}
order = sorted(voices, key=hits.get)
figure, axes = plot.subplots(figsize=(6.6, 2.8))
axes.barh(range(len(order)), [hits[voice] for voice in order], color=plot.COLORS[4], edgecolor="black")
axes.axvline(right, color="black", ls="--", label="mean of all")
axes.set(xlabel="share of the voice's clips right", ylabel="voice", xlim=(0, 1))
axes.set_yticks(range(len(order)), [f"voice {k}" for k in range(1, len(order) + 1)])
axes.legend(loc="upper left", bbox_to_anchor=(1, 1), fontsize=9)
plot.show(figure)
expect("test voices", len(order), equals=9)
expect("best understood minus worst understood voice", hits[order[-1]] - hits[order[0]], at_least=0.1)

# %% [markdown]
# *Figure. The same network, nine unheard voices: some are understood almost always, some far less often.*
# <details><summary>In words</summary>Nine level bars from short below to long above, and a dashed upright line at their
# mean. The shortest bar ends well before the line, the longest reach nearly 1.</details><br>
#
# A mean of this kind is made of people who are served well and people who are not. Report the worst voice beside the mean.
#
# ## What this does not show
#
# The voices are synthetic: one program pronounces each word in one way, without breath, room or traffic. Real people mumble, and a
# device hears words that are no commands at all; this network must answer with one of its ten. Chapter 28 (planned) adds
# noise, unknown words and silence, and counts false alarms.
#
# ## Summary
#
# * The Fourier transform asks a frame how strongly it swings with each tone; a window keeps the edges from being heard as clicks.
# * Frames, one after the other, give a spectrogram. Long frames are fine in frequency, short ones in time, never both.
# * Mel bands and decibels space frequency and loudness as the ear does. The log-mel spectrogram is a picture.
# * On that picture the convolutional network of chapter 11 works unchanged and beats a dense network of the same size, because words begin anywhere.
# * Split by voice: a random split tells how well a system knows its friends. And look at each voice, not only at the mean.
#
# **Ask yourself**
#
# <details><summary>Why does the log-mel picture forget whether a swing began upwards or downwards?</summary>It keeps the power, the sum
# of the squares of both sums. Where in its swing a tone begins only moves strength between the cosine and the sine
# part.</details>
# <details><summary>A convolution treats "two bands higher" like "two pixels to the right". Is that true of sound?</summary>Partly. A higher
# voice moves the overtones up, but not the resonances of the mouth, and a hiss at the bottom is another sound than a hiss at the top.
# The dense layers at the end know where a pattern was.</details>
# <details><summary>Your colleague's network scores 99 % on a random split of 20 speakers. What do you ask?</summary>How it does on a
# speaker whom it has never heard. Then split by speaker, and measure again.</details><br>
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
