# %% [markdown]
# # 26 · Speech to text
#
# **After this you can** count the errors of a transcript word by word, write the CTC loss as a sum over all alignments, decode a network's frames greedily and with a beam, train a reader of spoken digits, hold it against the classical methods and measure what an unseen voice costs, use a real recogniser and notice when it invents, and ship a reader in one file
#
# **Time** 60 min to read, 110 min to teach, 60 s to run
#
# **Before** [12 · Convolutional networks for speech](12_cnn_speech.ipynb) · [14 · Recurrent networks for speech and series](14_rnn_speech_and_series.ipynb)
#
# **Data** spoken_digits (3,000 recordings of ten words by six people, as cepstral coefficients, CC BY-SA 4.0), two_cities (44 s of Dickens read aloud, MIT)

# %%
from bmkit import data, demo, diagrams, generate, plot, pretrained, scratch, ship, train
from bmkit.check import expect
from bmkit.exercises import ch26
import keras
import numpy as np
random = train.seed(0)

# %% [markdown]
# ## Write down what is said
#
# Somebody reads a meter aloud with both hands on the ladder. Somebody who does not hear follows a lecture by its
# captions. A doctor dictates. In each case a program has to turn sound into words, **automatic speech recognition**.
#
# What does an error cost? In a caption a wrong word is a nuisance. In a string of digits, a meter reading or a telephone
# number, *one* wrong digit spoils the whole. In a doctor's letter a word that nobody said may do harm, and it is the
# kind of error that readers do not notice, because the sentence looks right. Keep this in mind when we come to the real
# recogniser.
#
# We shall do it twice. First we train a small network of our own, live, on strings of spoken digits: there we can see
# every part of it. Then we take Whisper, a network that others trained on 680,000 hours of speech, and ask the same
# questions of it.
#
# ### The data, and what is wrong with them
#
# Six people said each of the ten digits fifty times. Of each recording the set keeps **cepstral coefficients**, 13 numbers
# a frame ([chapter 14](14_rnn_speech_and_series.ipynb) used such numbers), and two things are missing:
#
# * *The sound.* The coefficients cannot be played, so nobody can listen to an error, and Whisper cannot be tried on them.
# * *The speaker.* His or her column was **inferred** by a clustering, not written down. Groups 0, 1, 2 and 4 come
#   out alike by several ways of clustering; groups 3 and 5 are two similar voices that share perhaps 26 of their 1,000
#   recordings.
#
# Nobody says single digits. So we **join** three to seven recordings of *one* speaker to a string, as if he had read a
# number aloud. That is easier than real speech: the words do not run into each other, and each begins as it was recorded.
#
# Two questions shall be kept apart: *new recordings* of known speakers, and speakers whom no method has ever heard.
# Groups 1 and 2 are therefore left out of the training altogether. From the four others we learn; of these the
# set has validation and test recordings too. Every validation or test recording goes into at most one string, so that
# no two strings share a recording.
#
# How shall we choose a setting that is good for *strangers* without looking at these two? We **leave one known speaker out**,
# learn from the other three, and read the one left out; and so with each of the four. That is a stand-in, and an imperfect one: what
# the recordings of a set have in common stays the same, and groups 3 and 5 share a little of their voices. We shall see how far it is off.

# %%
digits = data.load("spoken_digits")
names = digits.description.classes  # zero, one, …, nine
recordings = []  # the frames of each, (its length, 13)
said = []
speakers = []
parts = []
for part in ("train", "validation", "test"):
    x, y = digits.arrays(part)
    for frames, length in zip(x["mfcc"], x["length"]):
        recordings.append(frames[:length])
    said.extend(y)
    speakers.extend(x["speaker"])
    parts.extend([part] * len(y))
said = np.array(said)
speakers = np.array(speakers)
parts = np.array(parts)
lengths = np.array([len(frames) for frames in recordings])
print(len(recordings), "recordings;", lengths.min(), "to", lengths.max(), "frames")
print("of each speaker:", *np.bincount(speakers))

# %%
UNSEEN = (1, 2)
KNOWN = (0, 3, 4, 5)
LONGEST = 160  # frames of a string
cutter = np.random.default_rng(26)  # of validation and test: the same for everybody


def cut_into_strings(rows):  # each recording once, in random order
    rows = cutter.permutation(rows)
    strings = []
    while len(rows) >= 3:
        string = rows[: cutter.integers(3, 8)]
        while lengths[string].sum() > LONGEST:
            string = string[:-1]
        strings.append(string)
        rows = rows[len(string) :]
    return strings


def rows_of(speaker, *chosen):
    return np.flatnonzero((speakers == speaker) & np.isin(parts, chosen))


# %%
validation = []
test = {}  # strings of each speaker
for speaker in KNOWN:
    validation += cut_into_strings(rows_of(speaker, "validation"))
    test[speaker] = cut_into_strings(rows_of(speaker, "test"))
for speaker in UNSEEN:
    test[speaker] = cut_into_strings(rows_of(speaker, "train", "validation", "test"))
groups = {"known speakers": []}
for speaker, strings in test.items():
    if speaker in UNSEEN:
        groups[f"stranger {speaker}"] = strings
    else:
        groups["known speakers"] += strings
left_out = {}  # strings of each known speaker, for choosing settings
for speaker in KNOWN:
    left_out[speaker] = cut_into_strings(rows_of(speaker, "train"))[:6]
counts = {speaker: len(strings) for speaker, strings in test.items()}
print(len(validation), "validation strings; test strings of each speaker:", counts)

# %%
learned = np.isin(speakers, KNOWN) & (parts == "train")


def joined(string):  # (time, 13)
    return np.concatenate([recordings[row] for row in string])


def scaled(frames, voice):  # by mean and standard deviation of a voice's frames
    return (frames - voice.mean(axis=0)) / voice.std(axis=0)


def frames_of(string):  # (time, 13), scaled by the string itself
    return scaled(joined(string), joined(string))


def words_of(string):
    return [names[digit] for digit in said[string]]


everybody = joined(np.flatnonzero(learned))  # all training frames
voice = {speaker: joined(rows_of(speaker, "train")) for speaker in KNOWN}
largest = 0
for frames in voice.values():
    difference = np.abs(scaled(frames, everybody).mean(axis=0)).max()
    largest = max(largest, difference)
expect("largest mean of a speaker (standard deviations)", largest, at_least=0.3)

# %%
figure, rows = plot.subplots(2, 1, figsize=(8.0, 4.2))
for axes, speaker in zip(rows, (0, 1)):
    string = test[speaker][0]
    look = {"cmap": "RdBu_r", "vmin": -3, "vmax": 3, "aspect": "auto"}
    axes.imshow(scaled(joined(string), everybody).T, **look)
    ends = np.cumsum(lengths[string])
    for end in ends[:-1]:
        axes.axvline(end - 0.5, color="black", lw=1)
    middles = ends - lengths[string] / 2
    for middle, word in zip(middles, words_of(string)):
        axes.text(middle, -1, word, ha="center", fontsize=9)
    axes.set(xlabel="frame", ylabel="coefficient")
    axes.grid(False)
plot.show(figure)

# %% [markdown]
# *Figure. A string of speaker 0 above, one of speaker 1 below: 13 coefficients a frame, red above the training mean, blue below
# it. The black lines are where recordings were joined. Compare the two fours: they resemble each other, but not cell by cell.*
# <details><summary>In words</summary>Two coloured grids, 13 coefficients high and some 60 to 90 frames wide, cut by black lines
# into four and five words, whose names stand above: two, one, six, four; and five, four, one, nine, eight. In both
# fours coefficient 3 is blue for several frames. In the lower string coefficient 0 is red almost from beginning to end.</details><br>
#
# Look at coefficient 0 of the lower string: nearly the whole row has the same colour. A microphone and a room
# each multiply the spectrum, and since cepstral coefficients are made of logarithms, that *adds* a constant to each of them. The
# classical remedy is **cepstral mean and variance normalization** (CMVN): subtract from a string its own mean, and divide by its
# own standard deviation. Every string that is *read* is scaled in this way, and so are those that the network learns from. The two classical
# methods learn from single recordings, and one word is too short for a mean: these are scaled by all training frames of their speaker.
# Exercise 4 measures what such scaling is worth. A network is then shown these frames without the black lines, and of the text
# the words in their order, nothing else.

#
# ## What counts as an error?
#
# The transcript may have more words than were said, or fewer, so they cannot be compared place by place. We first lay both
# texts side by side with as few differences as possible. A difference is a **substitution** (another word), a
# **deletion** (a word is missing) or an **insertion** (a word that nobody said). Their least number is the **edit
# distance**, and it is found by a table. Its cell $(i, j)$ holds the distance of the first $i$ words that were said from
# the first $j$ words that were recognised:
#
# $$D_{i,j} = \min\big(D_{i-1,j-1} + [r_i \ne h_j],\;\; D_{i-1,j} + 1,\;\; D_{i,j-1} + 1\big), \qquad D_{i,0} = i,\; D_{0,j} = j$$
#
# * $r_i$ is word $i$ of the reference, $h_j$ word $j$ of the hypothesis; $[\,\cdot\,]$ is 1 if it is true, else 0,
# * the three terms end in a pair, in a deletion, in an insertion.
#
# The **word error rate** (WER) adds up the errors of *all* texts and divides by all words that were said:
#
# $$\text{WER} = \frac{S + D + I}{N}$$
#
# It is not a percentage of anything: with many insertions it exceeds 1.
#
# The way back through the table tells *which* words were substituted, deleted or inserted. From the last cell we go to
# the neighbour from which its number came, until we are in the first one. (`bmkit.scratch.aligned` does that, and gives pairs.)


# %%
def edit_distances(reference, hypothesis):
    table = np.zeros((len(reference) + 1, len(hypothesis) + 1), int)
    table[:, 0] = np.arange(len(reference) + 1)
    table[0] = np.arange(len(hypothesis) + 1)
    for i, right in enumerate(reference, start=1):
        for j, heard in enumerate(hypothesis, start=1):
            pair = table[i - 1, j - 1] + (right != heard)
            deletion = table[i - 1, j] + 1
            insertion = table[i, j - 1] + 1
            table[i, j] = min(pair, deletion, insertion)
    return table


def word_error_rate(references, hypotheses):
    errors = 0
    for reference, hypothesis in zip(references, hypotheses):
        errors += edit_distances(reference, hypothesis)[-1, -1]
    return errors / sum(map(len, references))


# %%
import jiwer

sentences = ["three one four one", "five nine"]
transcripts = ["three four four one", "five oh nine nine"]
right = [text.split() for text in sentences]
heard = [text.split() for text in transcripts]
ours = word_error_rate(right, heard)
expect("errors of six words", ours * 6, equals=3.0, tolerance=1e-9)
theirs = jiwer.wer(sentences, transcripts)
expect("jiwer", theirs, equals=ours, tolerance=1e-12)
reference = scratch.word_error_rate(right, heard)
expect("bmkit.scratch", reference, equals=ours, tolerance=1e-12)
pairs = scratch.aligned(right[1], heard[1])
different = sum(one != other for one, other in pairs)
last = edit_distances(right[1], heard[1])[-1, -1]
expect("pairs that differ", different, equals=int(last))
print(pairs)

# %% [markdown]
# ## Nobody knows when
#
# The network will read a string and give for each frame a probability to each of the ten digits. To learn, it needs to
# be told what is right in *each frame*. But we only know the words. Was "three" said in frames 1 to 20, or 3 to 17? People
# can mark such borders by hand, and for years they did; it takes many times as long as the recording lasts.
#
# **Connectionist temporal classification** (CTC) does without them. It needs one more class, the **blank** (–), which
# means "nothing new here", and one rule for reading the classes of the frames, a **path**: first merge repeats, then
# drop the blanks.
#
# | path, one class a frame | without repeats | without blanks |
# |---|---|---|
# | – one one – two two | – one – two | one two |
# | one – – – – two | one – two | one two |
# | one one – two two – | one – two – | one two |
# | one – two – two two | one – two – two | one two two |
#
# Many paths spell the same words, and each is an **alignment** of the words with the frames. The blank has a second duty:
# it keeps "two – two", which is two words, apart from "two two", which is one.


# %%
BLANK = 0


def ctc_collapse(path):
    labels = []
    previous = BLANK
    for label in path:
        if label != BLANK and label != previous:
            labels.append(int(label))
        previous = label
    return labels


expect("one – two – two two", ctc_collapse([1, 0, 2, 0, 2, 2]), equals=[1, 2, 2])
path = random.integers(0, 3, size=50)
expect("bmkit.scratch", scratch.ctc_collapse(path), equals=ctc_collapse(path))

# %% [markdown]
# ### Exercise 1 · Predict, then run
#
# Of all paths of **four** frames over –, one and two, how many spell "one one"? Decide first, on paper. Then let
# `itertools.product` write down all paths. *Easy, four minutes; expected: a whole number.*

# %%
paths = ...
ch26.paths.check(paths)

# %% [markdown]
# ### The loss: all alignments at once
#
# Which alignment should the network learn? CTC does not choose. The probability of the words is the sum over *all* paths
# that spell them, and the loss is its negative logarithm:
#
# $$P(y \mid x) = \sum_{\pi\,:\,\text{spells } y}\; \prod_{t=1}^{T} p_t(\pi_t), \qquad L = -\ln P(y \mid x)$$
#
# * $x$ are the frames, $y$ the words, $\pi$ a path with class $\pi_t$ in frame $t$, and $T$ the number of frames,
# * $p_t(k)$ is the network's probability of class $k$ in frame $t$, a softmax over all classes.
#
# For six frames and three classes we can simply try all $3^6 = 729$ paths.

# %%
import itertools

p = scratch.softmax(random.normal(size=(6, 3)))  # (frames, classes): –, one, two
target = [1, 2, 2]  # one two two


def probability_of(path):
    return np.prod(p[np.arange(len(path)), list(path)])


every_path = list(itertools.product(range(3), repeat=6))
spelling = [path for path in every_path if ctc_collapse(path) == target]
brute_force = sum(probability_of(path) for path in spelling)
print(len(every_path), "paths,", len(spelling), "of them spell: one two two")

# %% [markdown]
# Six frames are few. Our strings will have 80 outputs and eleven classes, and $11^{80}$ is more than there are atoms in
# the universe. But the paths share their beginnings. Write the words with blanks around them, – one – two – two –, and
# call each of these places a **state**. A path that spells the words walks through the states: in each frame it stays
# where it is, or goes on to the next state, or jumps over a blank, *if* the labels on both sides of it differ. The sum
# over all beginnings that end in state $s$ after frame $t$ follows from the sums one frame before. This is the **forward
# algorithm**:
#
# $$\alpha_t(s) = p_t(\ell_s)\,\big(\alpha_{t-1}(s) + \alpha_{t-1}(s-1) + j_s\,\alpha_{t-1}(s-2)\big)$$
#
# * $\ell_s$ is the label of state $s$, a blank for every other one; $\alpha_1(s) = p_1(\ell_s)$ for the first two states and 0 for the rest,
# * $j_s$ is 1 if the jump is allowed: $\ell_s$ is no blank, and $\ell_{s-2}$ is another label.
#
# A path may end in the last label or in the blank after it, so $P(y\mid x)$ is the sum of the last two.


# %%
def forward(p, target):  # p: (frames, classes) → (frames, states)
    states = [BLANK]
    for label in target:
        states += [label, BLANK]
    alpha = np.zeros((len(p), len(states)))
    alpha[0, :2] = p[0, states[:2]]
    for t in range(1, len(p)):
        for s, label in enumerate(states):
            before = alpha[t - 1, s]
            if s >= 1:
                before += alpha[t - 1, s - 1]
            if s >= 2 and label not in (BLANK, states[s - 2]):
                before += alpha[t - 1, s - 2]
            alpha[t, s] = p[t, label] * before
    return alpha


alpha = forward(p, target)  # (6, 7)
forward_sum = alpha[-1, -2:].sum()
expect("forward = all paths", forward_sum, equals=brute_force, tolerance=1e-12)

# %%
best = max(spelling, key=probability_of)
in_states = [0 if best[0] == BLANK else 1]
for before, label in itertools.pairwise(best):
    step = 0 if label == before else 1
    if label != before and BLANK not in (before, label):
        step = 2  # the jump over a blank
    in_states.append(in_states[-1] + step)
states = ["–", "one", "–", "two", "–", "two", "–"]
figure = diagrams.ctc_lattice(states, alpha, path=in_states)
figure.axes[0].set_title("α, shape (6 frames, 7 states)", fontsize=10)
plot.show(figure)

# %% [markdown]
# *Figure. The lattice of "one two two" in six frames. A circle holds α, the sum over all beginnings that reach it; thin
# arrows are the steps that are allowed, and what lies on no complete path is pale. From "one" a path may jump to "two";
# from "two" to the second "two" it may not. The thick orange path is the likeliest one.*
# <details><summary>In words</summary>A grid of circles, seven states down (–, one, –, two, –, two, –) and six frames across. Eighteen
# circles on the diagonal band from the upper left to the lower right hold numbers and are joined by arrows that go straight,
# one state down, or two states down from "one" to the first "two". The other circles are empty and pale.</details><br>
#
# The work grows with frames times states, 6 × 7 instead of 729 here. In Keras the loss is one call. It takes **logits**,
# makes the softmax itself, and computes with logarithms, because a product of many probabilities soon is too small for
# a computer's numbers. (`bmkit.scratch.ctc_loss` does the same.)

# %%
logits = np.log(p)[np.newaxis].astype("float32")  # (1, 6, 3); any constant may be added
labels = np.array([target], "int32")  # (1, 3)
number_of_labels = np.array([3], "int32")
number_of_frames = np.array([6], "int32")
theirs = keras.ops.ctc_loss(
    labels, logits, number_of_labels, number_of_frames, mask_index=BLANK
)
ours = -np.log(forward_sum)
expect("keras.ops.ctc_loss", np.array(theirs)[0], equals=ours, tolerance=1e-4)
in_scratch = scratch.ctc_loss(np.log(p), target)
expect("bmkit.scratch.ctc_loss", in_scratch, equals=ours, tolerance=1e-9)

# %% [markdown]
# ### From probabilities to words
#
# Training wants the probability of words that are known. Afterwards we want the words. The quick way is **greedy
# decoding**: take the likeliest class of each frame and read the path. But the best *path* need not spell the best
# *words*, because the words have the sum of all their paths. Two frames are enough to see it. The blank has .6 in both,
# "one" .4:
#
# * the best path is – –, with probability .36, and spells nothing,
# * "one" is spelled by three paths, one –, – one and one one: .24 + .24 + .16 = .64.
#
# The **prefix beam search** adds up as it goes. It keeps the best beginnings of the *words* (prefixes), not of paths, and
# for each of them two sums: of its paths that end in a blank, and of those that end in its last label. Why two? If "two"
# comes next, "two" after a blank is a new word, but after "two" it is the same word, spoken on.


# %%
from collections import defaultdict


def ctc_beam_search(p, beams=8):
    kept = {(): np.array([1.0, 0.0])}  # sums that end in a blank, in a label
    for frame in p:
        grown = defaultdict(lambda: np.zeros(2))
        for labels, sums in kept.items():
            total = sums.sum()
            grown[labels][0] += total * frame[BLANK]
            if labels:
                grown[labels][1] += sums[1] * frame[labels[-1]]
            for label in range(1, len(frame)):
                is_repeat = labels[-1:] == (label,)
                before = sums[0] if is_repeat else total
                grown[(*labels, label)][1] += before * frame[label]
        ranked = sorted(grown, key=lambda labels: -grown[labels].sum())
        kept = {labels: grown[labels] for labels in ranked[:beams]}
    best = ranked[0]
    return list(best), kept[best].sum()


# %%
two_frames = np.array([[0.6, 0.4], [0.6, 0.4]])
greedy = ctc_collapse(two_frames.argmax(axis=1))
in_beam, total = ctc_beam_search(two_frames)
expect("greedy decoding reads", greedy, equals=[])
expect("beam search reads", in_beam, equals=[1])
expect("sum of its paths", total, equals=0.64, tolerance=1e-9)

spelled = defaultdict(float)
for path in every_path:
    spelled[tuple(ctc_collapse(path))] += probability_of(path)
likeliest = max(spelled, key=spelled.get)
in_beam, total = ctc_beam_search(p, beams=1000)
expect("a beam with room for all", tuple(in_beam), equals=likeliest)
expect("its sum", total, equals=spelled[likeliest], tolerance=1e-12)
narrow, _ = scratch.ctc_beam_search(np.log(p))
expect("bmkit.scratch", narrow, equals=ctc_beam_search(p)[0])

# %% [markdown]
# ### Exercise 2 · Mend it
#
# A colleague's program reads telephone numbers well, but every doubled digit comes out once. It says:
#
# ```python
# def decode(path):
#     spoken = [label for label in path if label != 0]
#     return [label for label, _ in itertools.groupby(spoken)]
# ```
#
# Find the fault and mend it. The function takes the classes of the frames, 0 for the blank, and returns a list. *Easy, four minutes.*


# %%
def decode(path):
    ...


ch26.decode.check(decode)

# %% [markdown]
# ## Three rivals
#
# The **trivial** rival hears nothing and always writes the same: of all constants of three digits the one that is best on the
# validation strings. (Silence, "", has a WER of 1: every word is a deletion.)
#
# The classical rivals are older than networks that read. Both search for the cheapest way through time. Imagine the
# sound of each word as a chain of *cells*. In each frame of the string we are in one cell. Until the next frame we stay in it,
# go one cell on, or skip one. At the end of a chain a new word may begin, for a fixed penalty. If $d(x_t, c)$ tells how badly
# frame $x_t$ fits cell $c$, the costs of the cheapest way through all frames come out as in the forward algorithm above,
# only with a minimum in place of the sum. This is the **one-stage algorithm**, which cuts and recognises at once:
#
# $$C_t(c) = d(x_t, c) + \min\big(C_{t-1}(c),\; C_{t-1}(c-1),\; C_{t-1}(c-2)\big)$$
#
# * $C_t(c)$ is the cost of the cheapest way that is in cell $c$ in frame $t$,
# * in the first cell of a chain the second term is the cheapest *end* of any chain one frame before, plus the penalty.
#
# What are the cells?
#
# * **Dynamic time warping** (DTW) keeps all training recordings as *templates*. A cell is one frame of one of them, and $d$ is the squared Euclidean
#   distance. Nothing is learned, and everything is kept.
# * A **hidden Markov model** (HMM) has one chain for each word, of 15 states. A state is a Gaussian: for each coefficient a mean and a variance.
#   $d$ is the negative logarithm of its density (without the constant),
#   $\tfrac12 \sum_k \big( (x_k - \mu_k)^2 / \sigma_k^2 + \ln \sigma_k^2 \big)$.
#   The Gaussians are learned: cut each recording of a word into 15 equal pieces, compute means and variances,
#   cut each recording anew where it is cheapest, and so on, three times (`bmkit.scratch.gaussian_states`). (A full HMM also
#   has probabilities for staying and going on. We leave them out: for ours all steps cost the same.)
#
# The penalty is chosen with a known speaker left out, of three that lie far apart; where two tie, the smaller one is taken. The number of states
# and the weight of the deltas are not varied here.
#
# A frame alone does not tell where the sound is going. So to the 13 coefficients we add their derivatives in time, **deltas**.
# Networks with convolutions do not need them: they see the neighbours.


# %%
def search(costs, starts, ends, words, penalty):  # costs: (time, cells)
    total = np.full(costs.shape[1], np.inf, costs.dtype)
    begun = np.zeros(costs.shape[1], "int32")  # when the word in this cell began
    cheapest = 0  # of all ways that end a word in the frame before
    written = [[]]  # after each frame, the words of that way
    for t, row in enumerate(costs):
        from_last = np.roll(total, 1)
        from_last[starts] = cheapest + penalty  # a new word
        from_skipped = np.roll(total, 2)
        from_skipped[np.append(starts, starts + 1)] = np.inf
        begun_last = np.roll(begun, 1)
        begun_last[starts] = t
        best = np.minimum(np.minimum(total, from_last), from_skipped)
        moved = np.where(best == from_last, begun_last, np.roll(begun, 2))
        begun = np.where(best == total, begun, moved)
        total = best + row
        word = total[ends].argmin()
        cheapest = total[ends[word]]
        written.append([*written[begun[ends[word]]], int(words[word])])
    return written[-1]


# %%
def with_deltas(frames):  # (time, 26)
    return np.concatenate([frames, 2 * np.gradient(frames, axis=0)], axis=1)


def examples(group, digit):  # rows of the training recordings of a word
    is_in = learned & np.isin(speakers, group)
    return np.flatnonzero(is_in & (said == digit))


def detailed(row):  # (time, 26), scaled by all frames of its speaker
    return with_deltas(scaled(recordings[row], voice[speakers[row]]))


def dtw_of(group):
    chosen = np.concatenate([examples(group, digit) for digit in range(10)])
    sounds = [detailed(row) for row in chosen]
    cells = np.concatenate(sounds).astype("float32")  # (cells, 26)
    of_cells = (cells**2).sum(axis=1)
    ends = np.cumsum(lengths[chosen]) - 1  # the last cell of each template

    def costs_of(frames):  # squared distances, (time, cells)
        frames = frames.astype("float32")
        of_frames = (frames**2).sum(axis=1, keepdims=True)
        return of_frames + of_cells - 2 * frames @ cells.T

    return costs_of, ends - lengths[chosen] + 1, ends, said[chosen]


# %%
STATES = 15


def hmm_of(group):
    means = []
    variances = []
    for digit in range(10):
        sounds = [detailed(row) for row in examples(group, digit)]
        chain = scratch.gaussian_states(sounds, STATES)
        means.extend(chain[0])
        variances.extend(chain[1])
    means = np.array(means)  # (150, 26)
    variances = np.array(variances)

    def costs_of(frames):  # (time, 150)
        squares = (frames[:, np.newaxis] - means) ** 2 / variances
        return 0.5 * (squares + np.log(variances)).sum(axis=-1)

    ends = STATES * np.arange(1, 11) - 1
    return costs_of, ends - STATES + 1, ends, np.arange(10)


# %%
def counts_of(strings, transcripts):  # errors and words of each string
    counts = []
    for string, transcript in zip(strings, transcripts):
        table = edit_distances(said[string], transcript)
        counts.append([table[-1, -1], len(string)])
    return np.array(counts)


def rate(counts):
    return counts[:, 0].sum() / counts[:, 1].sum()


references = [" ".join(words_of(string)) for string in validation]
constants = list(itertools.product(names, repeat=3))
on_validation = []
for constant in constants:
    texts = [" ".join(constant)] * len(references)
    on_validation.append(jiwer.wer(references, texts))
best_constant = constants[np.argmin(on_validation)]
CONSTANT = [names.index(word) for word in best_constant]
print("the best constant:", *best_constant)


# %%
def spot(model, strings, penalty):
    transcripts = []
    for string in strings:
        costs = model[0](with_deltas(frames_of(string)))
        transcripts.append(search(costs, *model[1:], penalty))
    return transcripts


penalties = (5, 20, 80)
PENALTY = {}
promised = {}  # mean WER of those left out, at the best penalty
for make in (dtw_of, hmm_of):
    errors = np.zeros((len(KNOWN), len(penalties)))
    for row, speaker in enumerate(KNOWN):
        model = make([one for one in KNOWN if one != speaker])
        strings = left_out[speaker]
        for column, penalty in enumerate(penalties):
            counts = counts_of(strings, spot(model, strings, penalty))
            errors[row, column] = rate(counts)
    PENALTY[make] = penalties[errors.mean(axis=0).argmin()]
    promised[make] = errors.mean(axis=0).min()
    print(make.__name__, "WER, left out × penalty (here:", errors.round(3), ")")

# %% [markdown]
# ## A network that reads
#
# Our network is a stack of convolutions along time ([chapter 12](12_cnn_speech.ipynb)). The first one has stride 2, so there is an
# output for every other frame, 80 for a string. With three residual blocks ([chapter 19](19_resnet.ipynb))
# each output sees 37 frames, about two words. The last layer gives eleven logits, the blank first.

# %%
chain = {
    "frames": (0, 0),
    "conv 5\nstride 2": (1.6, 0),
    "conv 5\nReLU": (3.1, 0),
    "3 × residual\nconv 5": (4.8, 0),
    "dense": (6.4, 0),
    "logits": (7.7, 0),
}
shapes = ["(160, 13)", "(80, 64)", "(80, 64)", "(80, 64)", "(80, 11)"]
arrows = list(zip(chain, list(chain)[1:], shapes))
figure = diagrams.boxes(chain, arrows, figsize=(8.8, 1.3))
plot.show(figure)

# %% [markdown]
# *Figure. The reader. On the arrows stand frames × numbers a frame; the batch is left out.*
# <details><summary>In words</summary>A chain of boxes: frames, a convolution of width 5 with stride 2, one without, three residual
# convolutions, a dense layer, logits. On the arrows: (160, 13), (80, 64), (80, 64), (80, 64), (80, 11).</details><br>
#
# The training strings are drawn once, before training, from the 1,400 training recordings of the four known speakers, and each is changed.
# It is read faster or slower. All its coefficients are scaled, moved and blurred by random numbers, as another microphone might do. And it is
# said with another *throat*: in a short vocal tract all resonances lie higher, as if somebody had stretched the axis of frequency
# (**vocal tract length perturbation**). Cepstral coefficients are the cosine transform of a spectrum. So we go back to the spectrum,
# read it at $f$ times the frequency, and transform again. All of that is linear, one matrix of 13 × 13 for each factor
# $f$ (`bmkit.scratch.vocal_tract_warp`); a string gets a random one between .9 and 1.1. (The set does not tell how its
# axis was made; we take mel, up to 4,000 Hz.) How strong all this should be was tried beforehand with a known speaker left out; that is not shown here.
#
# Strings are padded with frames of zeros, and there the network must not be asked for anything. The loss wants to know
# how many of the 80 outputs are real, so we give it eight numbers for each string: up to seven labels (the rest is 0, as the
# blank) and the number of real outputs. What the network says after them is not read.


# %%
def convolution(filters, **options):
    return keras.layers.Conv1D(filters, 5, padding="same", activation="relu", **options)


def residual(h):
    update = keras.layers.LayerNormalization()(h)
    update = convolution(64)(update)
    update = keras.layers.Dropout(0.3)(update)
    return keras.layers.Add()([h, update])


def digit_reader():
    inputs = keras.Input((LONGEST, 13))
    h = inputs
    for strides in (2, 1):
        h = convolution(64, strides=strides)(h)  # (batch, 80, 64)
        h = keras.layers.BatchNormalization()(h)
        h = keras.layers.Dropout(0.3)(h)
    for _ in range(3):
        h = residual(h)
    return keras.Model(inputs, keras.layers.Dense(11)(h))  # (batch, 80, 11)


# %%
import tensorflow as tf


def as_arrays(strings, sounds):
    x = np.zeros((len(strings), LONGEST, 13), "float32")
    y = np.zeros((len(strings), 8), "int32")
    for place, (string, frames) in enumerate(zip(strings, sounds)):
        x[place, : len(frames)] = frames
        y[place, : len(string)] = said[string] + 1  # 0 is the blank
        y[place, -1] = (len(frames) + 1) // 2  # real outputs
    return x, y


def ctc(targets, logits):
    targets = keras.ops.cast(targets, "int32")  # Keras hands them over as floats
    labels = targets[:, :-1]
    words = keras.ops.sum(keras.ops.cast(labels != BLANK, "int32"), axis=-1)
    outputs = targets[:, -1]
    return keras.ops.ctc_loss(labels, logits, words, outputs, mask_index=BLANK)


# %%
def disturbed(string):  # another throat, speed, microphone, and noise
    throat = scratch.vocal_tract_warp(random.uniform(0.9, 1.1))
    frames = joined(string) @ throat.T
    length = int(len(frames) * random.uniform(0.8, 1.2))
    times = np.arange(len(frames))
    read_at = np.linspace(0, len(frames) - 1, min(length, LONGEST))
    frames = np.array([np.interp(read_at, times, column) for column in frames.T]).T
    scale = random.normal(1, 0.1, size=13)
    shift = random.normal(0, 0.4, size=13)
    noise = random.normal(0, 0.8, size=frames.shape)
    return scaled(frames, frames) * scale + shift + noise


drawn = []
while len(drawn) < 2500:
    speaker = random.choice(KNOWN)
    string = random.choice(rows_of(speaker, "train"), random.integers(3, 8))
    if lengths[string].sum() <= LONGEST:
        drawn.append(string)

# %%
EPOCHS = 4
reader = digit_reader()
sounds = [disturbed(string) for string in drawn]
x, y = as_arrays(drawn, sounds)
batches = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(2500, seed=0).batch(16)
sounds = [frames_of(string) for string in validation]
held = as_arrays(validation, sounds)
schedule = keras.optimizers.schedules.CosineDecay(0.003, EPOCHS * len(batches))
reader.compile(keras.optimizers.Adam(schedule), ctc)
history = train.fit(reader, batches, held, epochs=EPOCHS)


# %%
def probabilities(strings):  # of each (its real outputs, 11)
    x, y = as_arrays(strings, [frames_of(string) for string in strings])
    p = scratch.softmax(reader.predict(x, verbose=0))  # (strings, 80, 11)
    return [rows[:outputs] for rows, outputs in zip(p, y[:, -1])]


def read(strings, beams=None):
    transcripts = []
    for p in probabilities(strings):
        labels = ctc_collapse(p.argmax(axis=-1))
        if beams:
            labels, _ = ctc_beam_search(p, beams)
        transcripts.append([label - 1 for label in labels])
    return transcripts


by_greedy = read(validation)
by_beam = read(validation, beams=4)
differ = sum(one != other for one, other in zip(by_greedy, by_beam))
on_validation = rate(counts_of(validation, by_greedy))
print(f"WER on validation (here: {on_validation:.3f})")
expect("strings that the beam reads otherwise", differ, at_most=4)

# %% [markdown]
# What does the network say frame by frame? Guess before you look: how many frames of a word carry its label?

# %%
string = test[0][0]
figure, axes = plot.subplots(figsize=(8.0, 2.8))
p = probabilities([string])[0]  # (outputs, 11)
axes.plot(p[:, BLANK], color="0.6", ls="-", label="blank")
spoken_digits = np.unique(said[string])
for digit, color in zip(spoken_digits, plot.COLORS):
    axes.plot(p[:, digit + 1], color=color, ls="-", label=names[digit])
for end in np.cumsum(lengths[string])[:-1]:
    axes.axvline(end / 2, color="black", lw=0.8, ls=":")
axes.set(xlabel="output (every other frame)", ylabel="probability")
axes.legend(fontsize=8, ncols=4, loc="upper center", bbox_to_anchor=(0.5, 1.28))
plot.show(figure)

# %% [markdown]
# *Figure. One string of speaker 0, whose recordings were joined at the dotted lines. Each word is a short spike; nearly
# everywhere else the network says "nothing new". Nobody told it where the words are.*
# <details><summary>In words</summary>Probability over some 40 outputs. The grey curve of the blank is high but for a few dips, in each word
# one. In each dip another curve rises for few outputs, in the order of the words: two, one, six, four.</details><br>
#
# Where the network is sure of nearly every frame, the best path mostly spells the best words, and a beam changes
# little: of the validation strings it reads at most one in ten otherwise. A beam earns its price where another source of knowledge joins in: a dictionary, a list of valid numbers, a language model ([chapter 17](17_gpt.ipynb)) can be asked about each prefix while it grows.
#
# ### Exercise 3 · Build a reader
#
# Write `small_reader(features, labels)`: a convolution of 32 filters, 5 frames wide, stride 2, ReLU; a second one of 32
# filters, 5 wide, ReLU, without stride; then the logits that a CTC loss needs. It should read strings of any length.
# *Medium, eight minutes; expected: a Keras model from `(batch, time, features)` to half the time, rounded up; not compiled.*


# %%
def small_reader(features, labels):
    ...


ch26.small_reader.check(small_reader)

# %% [markdown]
# ## The real thing
#
# Whisper was trained on 680,000 hours of sound with transcripts from the web (its English versions on the English part of it). It does not use CTC: it is an encoder and a
# **decoder** ([chapter 16](16_transformer.ipynb)) that *writes* a text about what the encoder heard, token by token. Ours is the smallest,
# tiny.en, with 37.8 million parameters, 400 times as many as our reader. Its weights come as a file of another library,
# and `bmkit.pretrained` puts them into KerasHub's layers.
#
# Whisper reads sound, and our digits have none. So we take a passage that a person reads aloud, the beginning of
# *A Tale of Two Cities*. Listen to it first.
#
# Whisper's decoder is a language model ([chapter 17](17_gpt.ipynb)) that looks at the sound. Its prompt is two marks,
# "a transcript begins" and "no times". Then the same loop as ever: the likeliest token is appended and read again, and
# keys and values of what was read before are kept, so that each step reads one token only. The encoder has worked once,
# at the beginning.
#
# Whisper was trained on windows of 30 s, shorter sounds filled up with silence. The kit reads only five seconds of this silence, to
# save time. Here we read all of it; below we shall see why.
#
# Whisper writes capitals, commas and full stops, which nobody said and the WER is not meant to count. So both texts are
# **normalised** first. What belongs to that is a decision, and it moves the number: is "it's" the same as "it is", is "7" the same
# as "seven"? We keep it short: small letters, dashes become spaces, and all that is no letter goes.


# %%
from IPython.display import Audio, display
from scipy import signal

RATE = 16_000  # samples a second, as Whisper wants them
whisper = pretrained.load("whisper_tiny_en")
passage = data.recording("two_cities")
samples = signal.resample_poly(passage.samples, RATE, passage.sample_rate)
first = samples[: 30 * RATE].astype("float32")
display(Audio(first[: 4 * RATE], rate=RATE))
print(passage.text[:100], "…")

# %%
def whole_window(sound):  # 30 s at RATE
    return np.pad(sound, (0, max(0, 30 * RATE - len(sound))))


def write_down(sound, most_tokens=150):
    heard = whisper.listen(sound, RATE)  # the encoder, once
    tokens = list(heard.prompt)
    cache = heard.start_cache(1, len(tokens) + most_tokens)
    new = np.array([tokens])  # (1, steps)
    position = 0
    for _ in range(most_tokens):
        logits, cache = heard.step(new, cache, position)
        position = len(tokens)
        token = int(logits[0, -1].argmax())
        if token == heard.stop:
            break
        tokens.append(token)
        new = np.array([[token]])
    return whisper.text(tokens), heard.no_speech


by_hand, no_speech = write_down(whole_window(first))
print(by_hand)

# %%
import re
import zlib


def normalised(text):
    text = text.lower().replace("—", " ").replace("-", " ")
    return re.sub("[^a-z ]", "", text).split()


def compression(text):  # of use further below
    return len(text.encode()) / len(zlib.compress(text.encode()))


spoken = passage.text.partition("—in short")[0]  # what is read in 30 s
raw = scratch.word_error_rate([spoken.split()], [by_hand.split()])
clean = scratch.word_error_rate([normalised(spoken)], [normalised(by_hand)])
print(len(normalised(spoken)), "words")
expect("Whisper, as written: WER", raw, at_least=0.05)
expect("Whisper, normalised: WER", clean, equals=0.0)

# %% [markdown]
# Not one word is wrong. (One passage by one trained reader in a quiet room, and a text that the network has perhaps read
# many times: this is as easy as speech can be. One text has no interval. And the reference was cut by hand where 30 s of sound end: words that
# Whisper dropped at the very end would go unnoticed.)
#
# The decisions of a normaliser are in the number. Whisper likes to write figures, and ours throws figures away: "seven fifteen" would count as two
# deletions if Whisper wrote "7.15". Whoever compares recognisers has to spell out numbers first.
#
# ## The test, opened once
#
# Now the test strings, each group of speakers by itself. Beside the WER stands the share of *strings with an error*: of a telephone number, one
# wrong digit is enough. For the intervals we draw *strings* with replacement and compute
# the WER of each draw (the **bootstrap**, as in [chapter 14](14_rnn_speech_and_series.ipynb)). They tell how far these
# numbers would move with other strings of the *same* speakers. About other speakers they say nothing: six people are six.

# %%
def interval(counts):  # WER and 95 %, strings drawn with replacement
    draws = np.random.default_rng(0)
    rows = draws.integers(len(counts), size=(2000, len(counts)))
    sums = counts[rows].sum(axis=1)  # (2000, 2)
    rates = sums[:, 0] / sums[:, 1]
    low, high = np.percentile(rates, [2.5, 97.5])
    return float(rate(counts)), float(low), float(high)


def lead(ahead, behind):  # WER of the second minus that of the first, and 95 %
    fewer = behind[:, 0] - ahead[:, 0]
    words = ahead[:, 1]
    draws = np.random.default_rng(0)
    rows = draws.integers(len(words), size=(2000, len(words)))  # the same for both
    leads = fewer[rows].sum(axis=1) / words[rows].sum(axis=1)
    low, high = np.percentile(leads, [2.5, 97.5])
    middle = fewer.sum() / words.sum()
    return float(middle), float(low), float(high)


# %%
dtw = dtw_of(KNOWN)
hmm = hmm_of(KNOWN)
counts = {}  # of each group and method
read_by_network = {}
for group, strings in groups.items():
    read_by_network[group] = read(strings)
    transcripts = {
        "constant": [CONSTANT] * len(strings),
        "DTW": spot(dtw, strings, PENALTY[dtw_of]),
        "HMM": spot(hmm, strings, PENALTY[hmm_of]),
        "CTC network": read_by_network[group],
        "    with beam": read(strings, beams=4),
    }
    for name, texts in transcripts.items():
        counts[group, name] = counts_of(strings, texts)
for name in transcripts:
    both = [counts[f"stranger {speaker}", name] for speaker in UNSEEN]
    counts["strangers", name] = np.concatenate(both)


# %%
rows = {}
columns = (*groups, "strangers")
for name in transcripts:
    rows[name] = {group: interval(counts[group, name]) for group in columns}
    for group in ("known speakers", "strangers"):
        wrong = counts[group, name][:, 0] > 0
        column = f"strings with an error, {group}"
        rows[name][column] = float(wrong.mean())
leads = {}
for rival in ("constant", "DTW", "HMM", "    with beam"):
    for group in columns:
        pair = [counts[group, name] for name in ("CTC network", rival)]
        leads[rival, group] = lead(*pair)
    line = {group: leads[rival, group] for group in columns}
    rows[f"{rival.strip()} minus CTC network"] = line
rows["Whisper tiny.en"] = {"read passage": float(clean)}
plot.table(rows, corner="word error rate", digits=3)


# %%
for name, most in {"DTW": 0.04, "HMM": 0.04, "CTC network": 0.06}.items():
    known = rate(counts["known speakers", name])
    expect(f"{name}, known speakers, new recordings: WER", known, at_most=most)
    least = min(rate(counts[f"stranger {one}", name]) for one in UNSEEN)
    expect("    stranger who is read better: cost", least - known, at_least=0.1)
    wrong = counts["strangers", name][:, 0] > 0
    expect("    strings with an error, strangers", wrong.mean(), at_least=0.5)
for group in columns:
    expect(f"constant, {group}: lower end", leads["constant", group][1], at_least=0.2)
expect("HMM, strangers: lower end", leads["HMM", "strangers"][1], at_most=0)
expect("HMM, known speakers: upper end", leads["HMM", "known speakers"][2], at_least=0)
beam = leads["    with beam", "strangers"][0]
expect("beam, strangers: change of the WER", abs(beam), at_most=0.03)
for name, make in {"DTW": dtw_of, "HMM": hmm_of}.items():
    beyond = rows[name]["strangers"][1] - promised[make]
    expect(f"{name}, strangers: lower end above the left out", beyond, at_least=0)
times = reader.count_params() / (2 * 26 * 10 * STATES)
expect("numbers of the network, times those of the HMM", times, at_least=10)

# %% [markdown]
# Whisper stands in a column of its own: it cannot read coefficients, and the digits have no sound.
#
# On new recordings of speakers whom they know, all three methods that listen make few errors: the network at most six in a hundred words,
# the classical ones at most four. The network is far ahead of the best constant, for known speakers and for strangers.
#
# How to read the rows "minus": they hold the WER of the rival minus that of the network. Where the interval lies above zero, the network leads;
# where it lies below, the rival is ahead; where it holds zero, the two are **not told apart**. At home, with known speakers, the HMM is not shown
# ahead of the network: either the network makes fewer errors in this run, or the two are not told apart; the printed interval
# tells which. With both strangers together it is the other way round: the network is not shown ahead of the HMM. (The intervals know about
# strings alone. They do not hold what another training with another seed would change.)
#
# The comparison is not quite even. The HMM and DTW learn from single recordings: they were told where each word begins and ends, and the
# network was not. The network alone learned from strings with another throat, speed and noise. The HMM has 7,800 numbers, the network more than
# ten times as many. Perhaps networks took over because they go on learning where there are hundreds of hours and thousands of voices. We
# cannot show that here; here, for a stranger's voice, the small model is not shown to be worse.
#
# On strangers all three fail far more often, and in more than half of the strings there is an error. None of them could serve a stranger.
# **Our stand-in was too hopeful**: with a known speaker left out, DTW and the HMM made fewer errors than with the strangers: the whole interval of the strangers' rate lies above the rate with the known speaker left out. The stand-in served to choose
# a penalty, but not to forecast an error rate; four voices are no sample of all voices.
# Mean and variance are normalised, so it is not only a microphone that adds a constant. The set does not tell voice, dialect and
# microphone apart.
#
# The beam moves the rate of the strangers by three hundredths at most, so most of their errors stay with it.
#
# ### The worst ten
#
# A number does not tell what goes wrong. We print the ten test strings with most errors for their length, and then sort all
# errors of the unseen speakers into their kinds.

# %%
worst = []
for group, strings in groups.items():
    for string, transcript in zip(strings, read_by_network[group]):
        pairs = scratch.aligned(said[string].tolist(), transcript)
        wrong = [pair for pair in pairs if pair[0] != pair[1]]
        worst.append((len(wrong) / len(string), group, pairs))
worst.sort(key=lambda one: -one[0])


def written(pair):  # as: six→eight, −nine, +two
    right, heard = pair
    if right == heard:
        return names[right]
    if heard is None:
        return f"−{names[right]}"
    if right is None:
        return f"+{names[heard]}"
    return f"{names[right]}→{names[heard]}"


print("what was said → what was read, − missing, + invented (here:")
for _, group, pairs in worst[:10]:
    print(group, "|", *[written(pair) for pair in pairs])
print(")")

# %%
kinds = {"substitution": 0, "deletion": 0, "insertion": 0}
wrong = np.zeros((10, 10), int)  # said, read
for _, group, pairs in worst:
    for right, heard in pairs:
        if group == "known speakers" or right == heard:
            continue
        if right is None:
            kinds["insertion"] += 1
        elif heard is None:
            kinds["deletion"] += 1
        else:
            kinds["substitution"] += 1
            wrong[right, heard] += 1
print("errors on unseen speakers (here:", kinds, ")")
insertions = kinds["insertion"] / sum(kinds.values())
expect("insertions, share of the errors", insertions, at_most=0.15)
substitutions = kinds["substitution"] / sum(kinds.values())
expect("substitutions, share of the errors", substitutions, at_least=0.5)
right, heard = divmod(wrong.argmax(), 10)
print("most frequent confusion (here:", names[right], "→", names[heard], ")")

# %% [markdown]
# Most errors on strangers are words taken for others, some words are missing, few are added. A reader who counts the digits will notice a
# missing one; a wrong one leaves no trace.
#
# ### What Whisper invents
#
# A CTC network can be silent: it answers blanks. Whisper's usual decoding, ours too, *forbids* an empty text: the mark that ends it may not
# come first, so some word is always written. (What Whisper would do without that rule we do not ask here.) What will it be after four seconds of
# silence, of noise, of the hum of a mains cable? And what if a sentence
# is cut off in the middle, and the window after it holds less silence than in training?
#
# Two numbers can warn us. Whisper itself gives a probability that **nobody speaks**, at the very first step. And a text that goes
# round in circles can be **compressed** well: the ratio of its length to that of its `zlib` file is high. (Whisper's
# authors use both, and distrust a text from a ratio of 2.4 on.)

# %%
time = np.arange(4 * RATE) / RATE
hiss = np.random.default_rng(0).normal(size=len(time))
clips = {
    "silence": 0 * time,
    "white noise": np.clip(0.1 * hiss, -1, 1),
    "hum of 50 Hz": 0.3 * np.sin(2 * np.pi * 50 * time),
}
invented = {}
nobody = {}
print(f"nobody speaks, text (here: passage {no_speech:.2f} )")
for name, sound in clips.items():
    text, nobody[name] = write_down(whole_window(sound), most_tokens=40)
    invented[name] = normalised(text)
    print(f"{name:14}(here: {nobody[name]:.2f}  {text} )")
with_words = sum(map(bool, invented.values()))
expect("sounds of three that nobody spoke and that get words", with_words, at_least=2)
end = whisper.token("<|endoftext|>")
expect("the end mark may not come first", end in whisper.never_first, equals=True)
least = min(nobody.values())
expect("nobody speaks, lowest of the three", least, at_least=0.6)

# %%
loops = np.zeros(2, int)  # after 5 s of silence, in the whole window
speech = [no_speech]
for seconds in np.arange(2.8, 5.5, 0.5):  # six cuts
    cut = first[: int(seconds * RATE)]
    short, in_short = write_down(cut, most_tokens=40)  # 5 s of silence
    whole, in_whole = write_down(whole_window(cut), most_tokens=40)
    speech += [in_short, in_whole]
    loops += [compression(short) > 2.4, compression(whole) > 2.4]
    if compression(short) > 2.4:
        print(f"cut at (here: {seconds:.1f} s: {short}")
        print(f"    whole window: {whole} )")

expect("nobody speaks, highest of the speech", max(speech), at_most=0.6)
expect("loops of six cuts, with 5 s of silence", loops[0], at_least=1)
expect("loops of six cuts, in the whole window", loops[1], equals=0)
expect("compression, passage", compression(by_hand), at_most=2.4)
expect("    and not far below", compression(by_hand), at_least=1.9)

# %% [markdown]
# Nobody spoke, and words are written all the same, as the rule wants it. For these three sounds the first number gives it away: it is over .6, and
# below .6 in the passage and in all cuts. (For Whisper's authors that is one of two conditions: they drop a text only if its tokens are
# improbable, too.)
#
# The cuts show another failure, the **loop**: the same sentence again and again, until Whisper is stopped. Somebody does speak there, so the first
# number is silent, and the compression tells. All six cuts were read both ways: in the shortened window some loop, in the whole window
# none does. In training every window had 30 s. So with these cuts the loops come with the shortened window, a saving of computing time.
# Whoever shortens what a network reads has to test what that does. (The passage itself is not far below the limit of 2.4:
# Dickens writes "it was the" again and again. A limit on repetition punishes whoever repeats himself.)
# Neither number notices a sentence that is merely wrong.
#
# ## Limits and harm
#
# * **Invented sentences.** Koenecke and others (2024) gave thousands of recordings, among them people with aphasia, who pause often and long,
#   to Whisper. About one transcript in a hundred held phrases that nobody had said, and more than a third of these could do harm, as invented
#   violence or false names. Never let a transcript replace the recording where something depends on it.
# * **Groups.** Our reader fails more often on a voice it has not heard, and a real one does on dialects it has heard little of. Koenecke and
#   others (2020) gave the same kind of interviews to five commercial recognisers: WER .19 for white speakers and .35 for
#   Black speakers. An average over both would have hidden it. Report error rates by group, and say which groups are missing.
# * **Consent.** A voice is as personal as a face: it tells who speaks, and it can be imitated. Ask before you record, say
#   where the recording goes, and delete what is not needed. Everything in this chapter stays on your computer.
# * **Being overheard.** A recogniser that costs nothing makes it cheap to write down what everybody says, at work or on
#   the telephone. In many countries that is forbidden without the consent of all.
# * **Languages and dialects.** tiny.en knows English alone, and writes English whatever it hears. The digits are spoken by
#   six people, perhaps all of them men, none of them a child: the set does not say.
#
# ## Your own input
#
# Record a sentence of your own, or choose a file. The recogniser is asked first whether anybody speaks. And if the input is
# no speech at all, or no sound? Each of these gets one clear sentence; the cell after the next tries them.

# %%
def transcript_of(sound):
    heard = whisper.listen(whole_window(sound), RATE)
    if heard.no_speech > 0.6:
        return "Nobody seems to speak here; say something and try again."
    tokens = generate.generate(heard, heard.prompt, 150, stop=heard.stop)
    text = whisper.text(tokens)
    if compression(text) > 2.4:
        return f"The text repeats itself much; compare it with what you said: {text}"
    return f"Whisper writes: {text}"


silence = np.zeros(2 * RATE, "float32")
silence[0] = 0.001  # a click, no more
examples = {"a passage of Dickens": first[: 6 * RATE], "silence": silence}
demo.sound(transcript_of, examples, rate=RATE)

# %%
from bmkit.demo.inputs import sound_of
from bmkit.errors import Error


def refusal(function, *given, **options):
    try:
        function(*given, **options)
    except Error as error:
        return str(error)
    return "no refusal"


print("silence:", transcript_of(np.zeros(2 * RATE, "float32")))
print("0 seconds:", refusal(whisper.listen, np.zeros(0), RATE))
print("0 seconds, demo:", refusal(sound_of, b"", rate=RATE, most_seconds=30))
print("a rate of 3:", refusal(whisper.listen, silence, 3))
channel = signal.resample_poly(first[: 2 * RATE], 441, 160)
stereo = np.stack([channel, channel], axis=1)  # 2 s at 44,100 Hz
heard_frames = whisper.features(stereo, 44_100)  # 100 a second, and 5 s of silence
expect("frames of 2 s of stereo at 44,100 Hz", len(heard_frames), equals=700)

# %% [markdown]
# ## Ship it
#
# The reader of digits is small enough for a telephone. What an application needs besides the network are the longest length and the names of
# the digits; each string is scaled by its own mean and standard deviation. (Longer strings are refused with one sentence. A coefficient that never changes
# cannot be scaled: no recording has one, and this reader does not look for it.) All of it goes into one file. `open_reader` is what the
# application would call. It is opened in a *new* Python process that knows nothing of this notebook, and must give the same answers.


# %%
def open_reader(path):
    import numpy as np
    from bmkit import scratch, ship

    parts = ship.unpack(path)

    def answer(frames):  # (time, 13) cepstral coefficients
        if len(frames) > parts["longest"]:
            raise ValueError(f"The string has more than {parts['longest']} frames.")
        x = np.zeros((1, parts["longest"], 13), "float32")
        x[0, : len(frames)] = (frames - frames.mean(axis=0)) / frames.std(axis=0)
        logits = np.array(parts["network"](x))[0]  # (80, 11)
        path = logits[: (len(frames) + 1) // 2].argmax(axis=-1)
        labels = scratch.ctc_collapse(path)
        return " ".join(parts["names"][label - 1] for label in labels)

    return answer


# %%
import pathlib
import tempfile

folder = tempfile.TemporaryDirectory()
file = pathlib.Path(folder.name) / "digit_reader.zip"
ship.pack(file, {"network": reader, "longest": LONGEST, "names": list(names)})
tried = test[0][:5] + test[1][:5]
raw = []
here = []
for string, transcript in zip(tried, read(tried)):
    raw.append(joined(string))
    here.append(" ".join(names[digit] for digit in transcript))
trial = ship.try_out(open_reader, file, raw)
expect("the same answers in a new process", trial.answers == here, equals=True)
expect("size (MB)", trial.megabytes, at_most=1.2)
p95 = trial.p95_milliseconds
print(f"ten strings, nearly all read within (here: {p95:.0f}) ms each")
folder.cleanup()

# %% [markdown]
# ### Exercise 4 · Change the experiment
#
# What is this scaling worth? Scale all frames, those that the HMM learns from (`detailed`) and those that it reads (`frames_of`), by the mean and the
# standard deviation of `everybody` instead. **What is the WER of the HMM for the strings of stranger 1, `test[1]`, now?** Take the
# same penalty as before, and compare with the table. (Nothing is chosen by this number, so the test may be asked once more. Afterwards run
# the two cells again as they were.)
# *Medium, ten minutes; expected: a number with two decimals, measured by you.*

# %%
mean_left_in = ...
ch26.mean_left_in.check(mean_left_in)

# %% [markdown]
# ## Summary
#
# * The **word error rate** counts substitutions, deletions and insertions of the best alignment over the words that were said, all texts together.
# * **CTC** adds up all alignments of the words with the frames. The forward algorithm does it in frames times states.
# * Greedy decoding reads the best path. The best words may be others; a **prefix beam search** adds up their paths.
# * Joined digits are read with a WER of at most .06 where the speakers are known, by the network and by two classical methods, and much worse for a voice that was never heard. At home the hidden Markov model, with less than a tenth of the network's numbers, is not shown ahead of it; with strangers the network is not shown ahead of the model. The printed intervals tell whether the two are told apart.
# * Settings for strangers are chosen by leaving one known speaker out, never by looking at the strangers of the test. As a forecast for them it was too hopeful here.
# * Whisper writes down half a minute of Dickens without an error. Since the usual decoding forbids an empty text, it also writes where nobody speaks, and in a shortened window it can go round in circles: ask for `no_speech`, and look how well the text can be compressed.
#
# **Ask yourself**
#
# <details><summary>A hasty string of seven digits has 20 frames, and so the network has ten outputs for it. Can CTC read
# "five five five five five five five" there?</summary>No. Between two equal labels a path needs a blank: seven fives take at
# least 13 outputs. The loss of that string would be infinite. Look at the shortest strings before you choose a
# stride.</details>
# <details><summary>A recogniser has a WER of 3 %, measured over its maker's test set. What would you ask before a hospital buys
# it?</summary>Who speaks in the test set, in which rooms, about what, and how the texts were normalised; then for the rate by group,
# and for the words that were invented. And measure it on recordings of the people who will use it, with their consent.</details>
# <details><summary>Why may the number of states not be chosen by the word error rate of strangers 1 and 2?</summary>Then the test would have helped
# to make the model, and its number would no longer tell what to expect of a third stranger. A known speaker who is left out
# stands for the stranger when we choose, though the error rate measured on him was too hopeful here; the two strangers are asked once, at the end.</details><br>
#
# **Next** [27 · Speech synthesis](27_speech_synthesis.ipynb) turns it round. It uses Whisper and the word error rate to find out whether a voice can
# be understood.
#
# **References**
#
# * T. K. Vintsyuk (1968), Speech discrimination by dynamic programming. [doi](https://doi.org/10.1007/BF01074755)
# * H. Ney (1984), The use of a one-stage dynamic programming algorithm for connected word recognition.
#   [doi](https://doi.org/10.1109/TASSP.1984.1164320)
# * L. R. Rabiner (1989), A tutorial on hidden Markov models and selected applications in speech recognition. [doi](https://doi.org/10.1109/5.18626)
# * N. Jaitly, G. E. Hinton (2013), Vocal tract length perturbation (VTLP) improves speech recognition. ICML workshop on deep learning for audio, speech and language processing.
# * A. Graves, S. Fernández, F. Gomez, J. Schmidhuber (2006), Connectionist temporal classification. [doi](https://doi.org/10.1145/1143844.1143891)
# * A. Y. Hannun, A. L. Maas, D. Jurafsky, A. Y. Ng (2014), First-pass large vocabulary continuous speech recognition using
#   bi-directional recurrent DNNs. [arXiv](https://arxiv.org/abs/1408.2873)
# * A. Radford et al. (2022), Robust speech recognition via large-scale weak supervision. [arXiv](https://arxiv.org/abs/2212.04356)
# * A. Koenecke et al. (2020), Racial disparities in automated speech recognition. [doi](https://doi.org/10.1073/pnas.1915768117)
# * A. Koenecke et al. (2024), Careless Whisper: speech-to-text hallucination harms. [doi](https://doi.org/10.1145/3630106.3658996)
