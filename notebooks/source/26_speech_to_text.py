# %% [markdown]
# # 26 · Speech to text
#
# **After this you can** count the errors of a transcript word by word, write the CTC loss as a sum over all alignments, decode a network's frames greedily and with a beam, train a reader of spoken digits and measure what an unseen voice costs, use a real recogniser and notice when it invents, and ship a reader in one file
#
# **Time** 55 min to read, 100 min to teach, 55 s to run
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

# %% [markdown]
# Nobody says single digits. So we **join** three to seven recordings of *one* speaker to a string, as if he had read a
# number aloud. That is easier than real speech: the words do not run into each other, and each begins as it was recorded.
#
# Two questions shall be kept apart: *new recordings* of known speakers, and speakers whom the network has never heard.
# Groups 1 and 2 are therefore left out of the training altogether. From the four others the network learns; of these the
# set has validation and test recordings too. Every validation or test recording goes into exactly one string, so that
# strings are independent of each other.

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
counts = {speaker: len(strings) for speaker, strings in test.items()}
print(len(validation), "validation strings; test strings of each speaker:", counts)

learned = np.isin(speakers, KNOWN) & (parts == "train")
frames = np.concatenate([recordings[row] for row in np.flatnonzero(learned)])
mean = frames.mean(axis=0)  # (13,), of the training recordings alone
std = frames.std(axis=0)


def frames_of(string):  # (time, 13), standardised
    joined = np.concatenate([recordings[row] for row in string])
    return (joined - mean) / std


def words_of(string):
    return [names[digit] for digit in said[string]]


# %%
figure, rows = plot.subplots(2, 1, figsize=(8.0, 4.2))
for axes, speaker in zip(rows, (0, 1)):
    string = test[speaker][0]
    look = {"cmap": "RdBu_r", "vmin": -3, "vmax": 3, "aspect": "auto"}
    axes.imshow(frames_of(string).T, **look)
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
# *Figure. CAPTION*
# <details><summary>In words</summary>WORDS</details><br>
#
# The network is shown the frames without the black lines. It gets the words in their order, and nothing else.
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

right = ["three one four one".split(), "five nine".split()]
heard = ["three four four one".split(), "five oh nine nine".split()]
ours = word_error_rate(right, heard)
sentences = [" ".join(words) for words in right]
transcripts = [" ".join(words) for words in heard]
expect("errors of six words", ours * 6, equals=3.0, tolerance=1e-9)
theirs = jiwer.wer(sentences, transcripts)
expect("jiwer", theirs, equals=ours, tolerance=1e-12)
reference = scratch.word_error_rate(right, heard)
expect("bmkit.scratch", reference, equals=ours, tolerance=1e-12)

# %% [markdown]
# The way back through the table tells *which* words were substituted, deleted or inserted. From the last cell we go to
# the neighbour from which its number came, until we are in the first one:


# %%
def aligned(reference, hypothesis):  # pairs; None where a word is missing
    table = edit_distances(reference, hypothesis)
    i = len(reference)
    j = len(hypothesis)
    pairs = []
    while i or j:
        differs = reference[i - 1 : i] != hypothesis[j - 1 : j]
        if i and j and table[i, j] == table[i - 1, j - 1] + differs:
            i -= 1
            j -= 1
            pairs.append((reference[i], hypothesis[j]))
        elif i and table[i, j] == table[i - 1, j] + 1:
            i -= 1
            pairs.append((reference[i], None))
        else:
            j -= 1
            pairs.append((None, hypothesis[j]))
    return pairs[::-1]


example = aligned(right[1], heard[1])
expect("bmkit.scratch", example == scratch.aligned(right[1], heard[1]), equals=True)
print(example)

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
expect("forward algorithm = all paths", forward_sum, equals=brute_force, tolerance=1e-12)

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
# *Figure. CAPTION*
# <details><summary>In words</summary>WORDS</details><br>
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
# A colleague's decoder reads telephone numbers well, but every doubled digit comes out once. It says:
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
