# %% [markdown]
# # 17 · GPT
#
# **After this you can** cut text into tokens by byte-pair encoding, build and train a decoder that predicts the next token, say what a perplexity means and when two of them may be compared, compare a language model with good counting, write the sampling loop and the cache of keys and values, and tell writing from copying
#
# **Time** 65 min to read, 120 min to teach, 60 s to run
#
# **Before** [16 · The Transformer](16_transformer.ipynb)
#
# **Data** docstrings (5,687 docstrings of five Python packages, 2.0 MB of English prose; BSD-3-Clause, Apache-2.0 and Matplotlib licence)

# %%
from bmkit import data, diagrams, generate, layers, models, plot, pretrained
from bmkit import scratch, train
from bmkit.check import expect
from bmkit.exercises import ch17
import keras
import numpy as np
train.seed(0)

# %% [markdown]
# ## One question, asked again and again
#
# *The capital of France is …* You know what comes next. A **language model** answers this one question: given the text so far, how
# likely is each piece of text to come next? To write, ask it, choose a piece, append it, and ask again. A chat program writes its
# answers in just this way.
#
# Nobody has to label anything. Any text is full of such questions, each with its answer right after it. **GPT**, the *generative
# pre-trained Transformer*, is the decoder half of [chapter 16](16_transformer.ipynb), trained on this question alone. In this
# chapter you build one from the first byte to the last sampled word, compare it with good counting, and run a large one
# with the same few lines.
#
# We learn from the prose inside five Python packages, in which their authors explain functions. All docstrings of a file are in
# one split, so validation and test come from files that training never saw.

# %%
import re

docs = data.load("docstrings")
texts = {}
for part in ("train", "validation"):
    texts[part] = docs.arrays(part)[0].tolist()
    letters = sum(map(len, texts[part]))
    print(f"{part:10}  {len(texts[part]):5,} docstrings  {letters:9,} characters")
print("one of them:", texts["train"][0])

text = "\n\n".join(texts["train"])
held_text = "\n\n".join(texts["validation"])

# %%
WORD = (
    r"'(?:s|t|re|ve|m|ll|d)"  # an ending, as in don't
    r"| ?[^\W\d_]+"  # a word, with the space before it
    r"| ?\d+"  # a number
    r"| ?(?:[^\s\w]|_)+"  # signs
    r"|\s+(?!\S)|\s+"  # spaces
)
by_hand = re.findall(WORD, texts["train"][0])
same = scratch.split_words(texts["train"][0]) == by_hand
expect("words of bmkit.scratch", same, equals=True)


def plain_words(text):
    pieces = [piece.strip().lower() for piece in scratch.split_words(text)]
    return [piece for piece in pieces if piece.isalpha()]


read_before = set(plain_words(text))
unknown = np.mean([word not in read_before for word in plain_words(held_text)])
expect("share of unknown words, validation", unknown, at_least=0.01, at_most=0.03)

# %% [markdown]
# ## Tokens: neither letters nor words
#
# What is a piece of text? **Letters** are few, but then a text is a long sequence, and the cost of attention grows with the square of
# the length ([chapter 15](15_attention.ipynb)). **Words** make short sequences, but two words in a hundred of new files are
# unknown, and probably more in a language that joins words, as German does.
#
# **Byte-pair encoding** (BPE) takes the middle way. Begin with single bytes: 256 **tokens**, and no text is ever unknown. Then find
# the two neighbours that stand side by side most often, and make this pair a token of its own. Repeat. Frequent words end up as one
# token, rare ones stay in parts. In symbols, the next pair is
#
# $$(a, b)^{*} = \arg\max_{(a,\,b)} \; \sum_{w} n_w \; c_w(a, b)$$
#
# * $w$ runs over the different words, each with the space before it; pairs never reach across words,
# * $n_w$ is how often word $w$ occurs in the text, and $c_w(a,b)$ how often $a$ is followed by $b$ in it.
#
# Two functions do it. The first finds the pair, the second joins it in one word. We try them on four words, with letters as tokens.
# `scratch.bpe_train` does the same, only faster, because it counts anew only what a merge has changed. Its tokens are
# numbers: 0 to 255 are the bytes, and merge number $i$ makes token $256+i$.

# %%
from collections import Counter, defaultdict
from itertools import pairwise


def commonest_pair(words):  # words: from a tuple of tokens to how often it comes
    pairs = Counter()
    for word, times in words.items():
        for pair in pairwise(word):
            pairs[pair] += times
    most = max(pairs.values())
    return min(pair for pair in pairs if pairs[pair] == most)  # a tie: the first


def join(word, pair, token):
    joined = []
    for piece in word:
        if joined and (joined[-1], piece) == pair:
            joined[-1] = token  # it takes the place of both
        else:
            joined.append(piece)
    return tuple(joined)


# %%
how_often = {" stop": 5, " stops": 2, " top": 3, " spot": 4}
words = {tuple(word): times for word, times in how_often.items()}
by_hand = []
for _ in range(4):
    pair = commonest_pair(words)
    token = pair[0] + pair[1]
    by_hand.append(token)
    words = {join(word, pair, token): times for word, times in words.items()}
    cut_words = ["|".join(word).replace(" ", "·") for word in words]
    print(f"new token {token!r:7}", *cut_words)

sample = "".join(word * times for word, times in how_often.items())
vocabulary = scratch.bpe_vocabulary(scratch.bpe_train(sample, 4))
theirs = " ".join(token.decode() for token in vocabulary[256:])
expect("new tokens of bmkit.scratch", theirs == " ".join(by_hand), equals=True)

# %% [markdown]
# Here | is a cut and · a space. The space belongs to the word, so "·top" at the beginning of a word and "top" inside one can become different tokens, like "·stop" here.
#
# ### Exercise 1 · Cut a new word
#
# Merges were learned in an order, and a new word is cut in that order: first merge 0, wherever it fits, then merge 1, and so on.
# Write `encode_word(tokens, merges)`: from a list of byte tokens to a list of tokens; merge number $i$ makes token $256+i$.
# *Medium, eight minutes. Beware: taking the longest known piece from the left is something else.*


# %%
def encode_word(tokens, merges):
    ...


ch17.encode_word.check(encode_word)

# %% [markdown]
# Is this what *real* tokenizers do? The `tokenizers` library serves many of today's language models. We let it learn 767 merges from the training text,
# cut into words at the same places, and so does `scratch.bpe_train`.

# %%
import json
import tokenizers

merges = scratch.bpe_train(text, 767)
names = [token.decode("utf-8", "replace") for token in scratch.bpe_vocabulary(merges)]
print("the first new tokens:", *[repr(name) for name in names[256:271]])

library = tokenizers.Tokenizer(tokenizers.models.BPE())
bytes_first = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
library.pre_tokenizer = bytes_first
options = {"initial_alphabet": bytes_first.alphabet(), "show_progress": False}
trainer = tokenizers.trainers.BpeTrainer(vocab_size=256 + 767, **options)
library.train_from_iterator([text], trainer)

number_of = library.get_vocab()
learned = json.loads(library.to_str())["model"]["merges"]
theirs = [(number_of[a], number_of[b]) for a, b in learned]
expect("all 767 merges, tokenizers library", theirs, equals=np.array(merges))
row = texts["validation"][0]
ours = scratch.bpe_encode(row, merges)
expect("a text in tokens, tokenizers library", library.encode(row).ids, equals=ours)
again = "".join(names[token] for token in ours)
expect("and back", again == row, equals=True)

# %%
sentence = "Compute the gradient of the subsampled loss, then normalize it."
cuts = {}
for n in (0, 30, 300, 767):
    tokens = scratch.bpe_encode(sentence, merges[:n])
    cuts[f"{n} merges"] = [names[token] for token in tokens]
plot.show(diagrams.cut_text(cuts))

# %% [markdown]
# *Figure. One sentence that occurs nowhere in the data, cut after 0, 30, 300 and 767 merges; a dot is a space, the
# number of tokens is given on the right.*
# <details><summary>In words</summary>Four rows with the same sentence on changing greys. In the first every letter is a piece;
# further down the pieces get longer; in the last "·the", "·of" and "·then" are single pieces. The numbers of tokens are 63, 46, 31
# and 23.</details><br>
#
# Frequent words end up whole. *Subsampled* and *normalize* come in parts, but nothing is unknown.
#
# ## A row of questions
#
# We write all texts one after another, with one more token between them that says *a text ends here*: 1,024 tokens in all. Then we cut windows of 257 tokens, a new one every 64 tokens, so that each token comes in four of them. The first 256 are the input, the last 256 the targets: **the input, one step later**. So a window holds 256
# questions: what follows the first token? what follows the first two? The decoder answers all of them at once.
#
# That is fair only if position $t$ cannot see the tokens after it, for one of them is its answer. The causal mask of
# [chapter 15](15_attention.ipynb) sees to it. The rest is chapter 16 without its encoder:

# %%
places = {
    "tokens": (0, 0),
    "embedding": (1.25, 0),
    "causal block\n(4 of them)": (2.6, 0),
    "layer norm": (4.0, 0),
    "dense": (5.2, 0),
    "softmax": (6.4, 0),
}
row = list(places)
shapes = ["(256,)", "(256,\n128)", "(256,\n128)", "(256,\n128)", "(256,\n1024)"]
arrows = [(*ends, shape) for ends, shape in zip(pairwise(row), shapes)]
plot.show(diagrams.boxes(places, arrows, shaded=row[2:3], figsize=(9.2, 1.4)))

# %% [markdown]
# *Figure. A GPT, with the shapes for one window. Only in the shaded blocks does a token look at others, and never ahead.*
# <details><summary>In words</summary>Six boxes in a row: tokens, embedding, causal block (four of them, shaded), layer norm, dense,
# softmax. The arrows carry the shapes (256,), (256, 128) three times, and (256, 1024).</details><br>
#
# $$h^{0} = \sqrt{d}\,E[x], \qquad h^{l} = \mathrm{block}_l\big(h^{l-1}\big), \qquad z = \mathrm{norm}\big(h^{L}\big)\,W + b, \qquad p(\,\cdot \mid x_{\le t}) = \mathrm{softmax}(z_t)$$
#
# * $x$ holds the tokens, shape (time,); $E$ is the table of vectors, shape (vocabulary, width $d$): here 1,024 × 128,
# * $h^{l}$ has shape (time, width); $L=4$ blocks; order comes in by rotary positions inside them,
# * $z$, the logits, has shape (time, vocabulary), and row $t$ is the prediction of token $t+1$.
#
# In Keras that is one line for each box, with the layers of chapter 16. `models.gpt` is these lines with some arguments. With the same
# weights both give the same logits. Then we look for leaks as in chapter 15: change the last token, and no earlier answer
# may move.

# %%
END = 256 + len(merges)
V = END + 1  # 1,024 tokens
names = [*names[:END], "end"]


def stream(rows):
    tokens = [END]
    for row in library.encode_batch(rows):
        tokens += [*row.ids, END]
    return np.array(tokens)


def cut(tokens, stride, length=256):
    windows = np.lib.stride_tricks.sliding_window_view(tokens, length + 1)
    windows = windows[::stride]
    return windows[:, :-1], windows[:, 1:]  # inputs and targets, both (windows, length)


streams = {part: stream(rows) for part, rows in texts.items()}
x, y = cut(streams["train"], stride=64)
print("train", streams["train"].shape, "→ inputs", x.shape, "and targets", y.shape)
for given, wanted in zip(x[0, 1:6], y[0, 1:6]):
    print(f"after {names[given]!r} comes {names[wanted]!r}")

# %%
tokens = keras.Input((None,), dtype="int32")
h = layers.TokenAndPosition(V, 128, positions="rotary")(tokens)
for _ in range(4):
    h = layers.TransformerBlock(num_heads=4, causal=True, rotary=True)(h)
h = keras.layers.LayerNormalization(epsilon=1e-5)(h)
logits = keras.layers.Dense(V)(h)
by_hand = keras.Model(tokens, logits)

model = models.gpt(V, 256, width=128, depth=4, num_heads=4, positions="rotary")
model.set_weights(by_hand.get_weights())
ours = by_hand.predict(x[:1], verbose=0)[0]  # (256, 1024)
theirs = model.predict(x[:1], verbose=0)[0]
expect("logits of models.gpt", theirs, equals=ours, tolerance=1e-4)
other = x[:1].copy()
other[0, -1] = END
after = model.predict(other, verbose=0)[0]
expect("answers before the last token", after[:-1], equals=theirs[:-1], tolerance=1e-5)
expect("the last answer moves", np.abs(after[-1] - theirs[-1]).max(), at_least=0.01)

# %% [markdown]
# ### Exercise 2 · Build a decoder
#
# Build a small one yourself, this time from Keras' own layers. Write `tiny_gpt(vocabulary_size, width, num_heads)`, which returns a
# `keras.Model`: tokens of shape `(batch, time)` go through an `Embedding`, then through one `MultiHeadAttention` with a causal mask
# whose result is *added* to its input, and a `Dense` layer gives logits of shape `(batch, time, vocabulary_size)`. Leave out
# positions, norms and the feed-forward part. *Medium, ten minutes; expected: a model, not compiled.*


# %%
def tiny_gpt(vocabulary_size, width, num_heads):
    ...


ch17.tiny_gpt.check(tiny_gpt)

# %% [markdown]
# ## How surprised? Perplexity
#
# The loss is the cross-entropy of [chapter 04](04_loss_functions.ipynb), with the vocabulary as its classes. How surprised is the model
# by the token that came? By $-\ln p$: nothing if it was certain, much if it held the token to be unlikely. Take the mean over all
# tokens, and $e$ to the power of it is the **perplexity**:
#
# $$\mathcal{L} = -\frac{1}{N}\sum_{t=1}^{N} \ln p(x_{t} \mid x_{<t}), \qquad \mathrm{PPL} = e^{\mathcal{L}} = \Big(\prod_{t} p(x_t \mid x_{<t})\Big)^{-1/N}$$
#
# * $N$ is the number of tokens predicted; $\mathcal{L}$ is in nats per token,
# * the product is the probability of the *whole text*, by the chain rule of probability; its $N$-th root is a geometric mean.
#
# Read a perplexity of 20 as *as unsure as if it had to choose among 20 equally likely tokens*. A model that knows nothing and gives each
# of the 1,024 tokens the same probability has a perplexity of exactly 1,024.
#
# ### Exercise 3 · Predict, then run
#
# Half of the time a model is certain, and right. The other half it wavers between 16 tokens, all equally likely, one of them right.
# **What is its perplexity?** *Two minutes; expected: a number.*

# %%
wavering = ...
ch17.wavering.check(wavering)

# %% [markdown]
# ## What counting can do
#
# Before any network: how far does *counting* get? Count how often each token came after the one before it, after the two before it,
# and so on. A run of $n$ tokens is called an **n-gram**. Long contexts know more, but most long contexts of a new text were never
# counted. So every prediction leans on the next shorter one. Take a little, the **discount**, off every count, and hand what is
# collected to the shorter prediction:
#
# $$p_n(w \mid h) = \frac{c(hw) - D\big(c(hw)\big) + g(h)\; p_{n-1}(w \mid h')}{\sum_v c(hv)}, \qquad g(h) = \sum_v D\big(c(hv)\big), \qquad p_0 = \frac{1}{V}$$
#
# * $h$ are the $n-1$ tokens before $w$, and $h'$ is $h$ without its first token,
# * $D(c)$ is one of three discounts, for counts of 1, of 2, and of 3 and more; they follow from how many n-grams came once, twice, three
#   and four times. $g(h)$ is what was given up after $h$, so the probabilities still sum to 1; where $h$ was never counted, $p_n = p_{n-1}$,
# * $c(hw)$ for the *longest* n-grams is how often $hw$ came. For all shorter ones it is **how many different tokens came before** $hw$.
#
# The last point is the idea of Kneser and Ney. "The" without a space before it begins a text or a line. It comes 2,053 times, but after
# four different tokens only; "·this" comes less often, but after 156 different ones. After a context that knows neither, "·this" is the better
# guess. In this form, **modified Kneser–Ney smoothing** (Chen and Goodman, 1998), counting was the standard of the field for over a
# decade.
#
# Here it is for pairs of tokens, with a dictionary. For longer n-grams `scratch.ngram_counts` counts by sorting,
# `scratch.kneser_ney` takes the discounts off, and `scratch.kneser_ney_probabilities` predicts. We try lengths up to seven, and validation decides.

# %%
row = streams["train"].tolist()
pairs = Counter(pairwise(row))
times = Counter(row)
kinds_before = Counter(b for a, b in pairs)  # how many different tokens come before b
for name in ("The", " this"):
    token = names.index(name)
    kinds = kinds_before[token]
    print(f"{name!r:7} {times[token]:,} times, after {kinds} different tokens")


def discount_of(table):
    came = Counter(table.values())  # how many came once, twice, …
    y = came[1] / (came[1] + 2 * came[2])
    one = 1 - 2 * y * came[2] / came[1]
    two = 2 - 3 * y * came[3] / came[2]
    three = 3 - 4 * y * came[4] / came[3]
    return [0.0, one, two, three]  # for counts of 0, 1, 2, and 3 and more


def leaning(count, total, given, discounts, shorter):
    return (count - discounts[min(count, 3)] + given * shorter) / total


# %%
of_pairs = discount_of(pairs)
of_tokens = discount_of(kinds_before)
given_by_tokens = sum(of_tokens[min(count, 3)] for count in kinds_before.values())

context = names.index(" of")
followers = {b: count for (a, b), count in pairs.items() if a == context}
total = sum(followers.values())
given = sum(of_pairs[min(count, 3)] for count in followers.values())
after_of = np.zeros(V)
for w in range(V):
    kinds = kinds_before[w]
    shorter = leaning(kinds, len(pairs), given_by_tokens, of_tokens, 1 / V)
    after_of[w] = leaning(followers.get(w, 0), total, given, of_pairs, shorter)

up_to_pairs = scratch.kneser_ney(scratch.ngram_counts(streams["train"], 2, V), V)
runs = np.column_stack([np.full(V, context), np.arange(V)])  # "of" and each token
theirs = scratch.kneser_ney_probabilities(runs, up_to_pairs, V)
expect("after ' of', bmkit.scratch", theirs, equals=after_of, tolerance=1e-12)
expect("their sum", after_of.sum(), equals=1.0, tolerance=1e-9)

# %%
import time


def runs_of_seven(tokens):  # each token but the first, behind the six before it
    padded = np.pad(tokens, (6, 0), constant_values=END)
    return np.lib.stride_tricks.sliding_window_view(padded, 7)[1:]


def counting_surprise(tokens, smoothed):  # nats at each token but the first
    runs = runs_of_seven(tokens)
    return -np.log(scratch.kneser_ney_probabilities(runs, smoothed, V))


started = time.perf_counter()
counts = scratch.ngram_counts(streams["train"], 7, V)
seconds = time.perf_counter() - started
different = sum(len(table.runs) for table in counts)
print(f"{different:,} different n-grams, counted in (here: {seconds:.1f}) seconds")
ngram = {}
row = {}
for order in range(1, 8):
    smoothed = scratch.kneser_ney(counts[:order], V)
    surprise = counting_surprise(streams["validation"], smoothed)
    ngram[order] = np.exp(surprise.mean())
    row[f"n = {order}"] = ngram[order]
plot.table({"validation perplexity": row}, corner="n-grams", digits=1)

# %% [markdown]
# From 1,024 to 18 in a few seconds, by counting alone; beyond five tokens little is gained. That is what the network has to beat, with
# 1.06 million parameters against two million counted n-grams.
#
# ## Training, live
#
# A minute or so is too short for a language model, so here is only the beginning: 100 batches of 4 windows, 102,400 tokens, a sixth of
# the text. We use Adam ([chapter 05](05_gradient_descent.ipynb)) with gradients clipped to length 1 and a learning rate that warms up
# and then falls in a cosine. `take(20)` makes an "epoch" of twenty batches, so that we can watch. (`train.fit` is `model.fit` with a
# live curve.)

# %%
import tensorflow as tf

batches = tf.data.Dataset.from_tensor_slices((x, y))
batches = batches.shuffle(len(x), seed=0).batch(4).take(20)
held = cut(streams["validation"][:6000], stride=256)

schedule = keras.optimizers.schedules.CosineDecay
rate = schedule(0.0, 80, warmup_target=4e-3, warmup_steps=20)
optimizer = keras.optimizers.Adam(rate, beta_2=0.99, global_clipnorm=1.0)
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
model.set_weights(by_hand.get_weights())  # so that this cell can be run again
model.compile(optimizer, loss)
history = train.fit(model, batches, held, epochs=5)
learned = np.exp(history["val_loss"])  # perplexity after each twenty batches
expect("unigram, perplexity", ngram[1], at_least=360, at_most=390)
expect("n-grams of 5 over those of 7", ngram[5] / ngram[7], at_most=1.03)
expect("perplexity after 100 batches", learned[-1], at_most=150)
expect("unigram over this network", ngram[1] / learned[-1], at_least=2.5)
expect("this network over trigram", learned[-1] / ngram[3], at_least=2)

# %%
figure, axes = plot.subplots(figsize=(6.8, 3.2))
axes.semilogy(range(1, 6), learned, marker="o", label="this network")
lines = {"unigram": 1, "bigram": 2, "trigram": 3}
for name, order in lines.items():
    look = {"color": "black", "lw": 0.9, "ls": plot.LINES[order]}
    axes.axhline(ngram[order], label=name, **look)
axes.set(xlabel="times twenty batches", ylabel="validation perplexity")
axes.set_xticks(range(1, 6))
axes.set_yticks([20, 50, 100, 200, 400], [20, 50, 100, 200, 400])
axes.minorticks_off()
axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
plot.show(figure)

# %% [markdown]
# *Figure. After twenty batches the network is just below the unigram; then it falls towards the bigram. (The curve is measured on the
# first 6,000 validation tokens, the lines on all of them.)*
# <details><summary>In words</summary>A curve over five times twenty batches that falls from about 350 to about 93, and
# three horizontal lines: unigram near 370, bigram near 46, trigram near 22.</details><br>
#
# It has learned which tokens are common and something about which follow one another. More needs more time. So the kit trained the same
# model, with a little *dropout* ([chapter 06](06_regularization.ipynb)), for a quarter of an hour: 4,500 batches, by
# the command in its description. The result is a file of
# 2 MB with 16 bits for each weight. (Its hash is checked before it is opened, and its architecture is JSON that Keras reads in its safe
# mode, so nothing inside the file can be run.)

# %%
from bmkit.data.weights import weight_files
from safetensors.numpy import load_file

with weight_files("gpt_docstrings") as folder:
    stored = load_file(folder / "gpt_docstrings.safetensors")
in_order = sorted(name for name in stored if name.startswith("weight"))
model.set_weights([stored[name] for name in in_order])
ours = model.predict(x[:1], verbose=0)

trained = pretrained.load("gpt_docstrings")  # the same, with its tokenizer
theirs = trained.model.predict(x[:1], verbose=0)
expect("logits of pretrained.load", theirs, equals=ours, tolerance=1e-4)
print(data.describe("gpt_docstrings"))
its_merges = np.array(trained.tokenizer.merges)
expect("its merges and ours", its_merges, equals=np.array(merges))
expect("its parameters", trained.model.count_params(), equals=1_056_512)
trained.model.compile(loss=loss)


def perplexity_with(length):  # windows of so many tokens of validation
    inputs, targets = cut(streams["validation"][:20_000], length, length)
    return np.exp(trained.model.evaluate(inputs, targets, verbose=0))


# %% [markdown]
# ### Exercise 4 · Change the experiment
#
# Does it use more than the last few tokens? In a window of 256 tokens a prediction sees 128 tokens on average, in one of 8 between 4 and 5. Measure with windows of 8. **By
# what factor is the perplexity higher than with windows of 256?** *Five minutes; expected: a number, measured, to one decimal.*

# %%
short_context = ...
ch17.short_context.check(short_context)

# %% [markdown]
# ## Who predicts better?
#
# Now the GPT against counting, on the same tokens of the same text. To be fair to the GPT, its windows overlap by half: then every
# token but the first 128 has at least 128 tokens before it. Both surprises are known *for each token*, so we take the difference
# token by token. How sure is its mean? The tokens of one docstring are alike, so the interval comes from drawing whole docstrings anew
# (a **bootstrap**): 2,000 times we draw as many docstrings as there are, with repetition, and take the mean of what was drawn. (Docstrings of one file are alike, too, so the interval is perhaps rather too narrow.)


# %%
def gpt_surprise(tokens):  # nats at each token but the first
    padded = np.pad(tokens, (0, 256), constant_values=END)
    inputs, targets = cut(padded[: len(tokens) + 255], stride=128)
    rows = []
    for first in range(0, len(inputs), 32):
        logits = trained.model.predict_on_batch(inputs[first : first + 32])
        came = targets[first : first + 32, :, np.newaxis]
        log_p = np.take_along_axis(scratch.log_softmax(logits), came, axis=-1)
        rows.append(-log_p[:, :, 0])
    surprise = np.concatenate(rows)  # (windows, 256)
    later = surprise[1:, 128:].ravel()  # of each further window the second half
    return np.concatenate([surprise[0], later])[: len(tokens) - 1]


def interval(differences, docstring):  # 95 %, docstrings drawn anew
    sums = np.bincount(docstring, differences)
    sizes = np.bincount(docstring)
    random = np.random.default_rng(0)
    drawn = random.integers(0, len(sums), size=(2000, len(sums)))
    means = sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return differences.mean(), low, high


# %%
new = streams["validation"]
docstring = np.cumsum(new == END)[:-1] - 1  # which one each token belongs to
best = min(ngram, key=ngram.get)  # the length with the least perplexity
smoothed = scratch.kneser_ney(counts[:best], V)
counting = counting_surprise(new, smoothed)
gpt = gpt_surprise(new)
for name, surprise in (("n-grams", counting), ("GPT", gpt)):
    perplexity = np.exp(surprise.mean())
    expect(f"{name}, perplexity", perplexity, at_least=18, at_most=18.5)
mean, low, high = interval(counting - gpt, docstring)
print(f"n-grams minus GPT, nats a token (here: {mean:.3f}, {low:.3f} to {high:.3f})")
expect("lower end", low, at_most=0)
expect("upper end", high, at_least=0)

# %% [markdown]
# A draw! The interval contains zero: on this text the two are *not told apart*. A quarter of an hour of training against a second of
# counting, and no gain? Not so fast. Equal means can hide different strengths. We suspect two, and look at both on the test set:
#
# * Docstrings repeat: the same passage describes the same argument in many files. Where counting has met the *whole* context, it
#   knows the passage by heart. So we sort the test tokens by the **longest context that was counted**: how many of the tokens just before
#   it stand, in this order, somewhere in training?
# * A docstring repeats *itself*. A counted table cannot know what stood two lines above. But this is easily remedied by
#   a small table of the docstring's own n-grams, a **cache** in the sense of Kuhn and De Mori (1990): wherever the last
#   two tokens stood
#   before in this docstring, half of the prediction goes to what followed them there.
#
# ## The test, once
#
# The length of the n-grams and the moment to stop training were chosen on validation; the two numbers of the cache, two tokens and one
# half, we set by hand before the test. Now the test files are opened for the
# first time. Besides the two rivals we try the cache with each of them, the plain mean of both probabilities, and the mean with
# the cache. Each is compared with the n-grams alone.


# %%
def remembered(tokens):  # what followed the same two tokens in this docstring
    shares = np.full(len(tokens), np.nan)
    followers = defaultdict(Counter)
    for t in range(2, len(tokens)):
        if tokens[t - 1] == END:  # a new docstring begins: forget
            followers = defaultdict(Counter)
        seen = followers[tokens[t - 2], tokens[t - 1]]
        if seen:
            shares[t] = seen[tokens[t]] / seen.total()
        seen[tokens[t]] += 1
    return shares[1:]


def with_cache(surprise, shares):
    p = np.exp(-surprise)
    mixed = np.where(np.isnan(shares), p, (p + shares) / 2)
    return -np.log(mixed)


# %%
texts_of_test = docs.arrays("test")[0].tolist()
unseen = stream(texts_of_test)
docstring = np.cumsum(unseen == END)[:-1] - 1
shares = remembered(unseen.tolist())


def mean_of(first, second):  # the surprise of the mean of two predictions
    return -np.log((np.exp(-first) + np.exp(-second)) / 2)


counting = counting_surprise(unseen, smoothed)
gpt = gpt_surprise(unseen)
rivals = {"n-grams": counting, "GPT": gpt}
rivals["n-grams and cache"] = with_cache(counting, shares)
rivals["GPT and cache"] = with_cache(gpt, shares)
rivals["mean of n-grams and GPT"] = mean_of(counting, gpt)
rivals["mean of both, and cache"] = with_cache(mean_of(counting, gpt), shares)

# %%
gains = {}
rows = {}
for name, surprise in rivals.items():
    gains[name] = interval(counting - surprise, docstring)
    mean, low, high = gains[name]
    rows[name] = {"perplexity": np.exp(surprise.mean())}
    if name != "n-grams":
        told_apart = low > 0 or high < 0
        rows[name]["gain over n-grams (nats a token)"] = (mean, low, high)
        rows[name]["verdict"] = "told apart" if told_apart else "not told apart"
plot.table(rows, corner="test", digits=2)

# %% [markdown]
# Read the table twice. GPT and n-grams are not told apart, and n-grams with their cache are ahead of the GPT alone: the
# intervals of the two gains do not touch. The cache helps the GPT about as much as the n-grams. So although attention
# *can* look back at everything in its window, this small model seems to make little use of it to copy. (Or the cache only remembers more than the model's 256 tokens; we did not separate the
# two.) And the mean of both is
# clearly better than either, so they are surprised by different tokens. Who is better where? We sort by the longest counted context:

# %%
def as_text(tokens):  # one sign a token, so that a run of tokens is a piece of text
    return "".join(map(chr, tokens))


read = as_text(streams["train"])
runs = runs_of_seven(unseen)
known = np.zeros(len(runs), int)  # will be 1 to 6 tokens
for length in range(1, 7):
    counted = {read[t : t + length] for t in range(len(read))}
    contexts = [as_text(run[6 - length : 6]) for run in runs]
    known[[context in counted for context in contexts]] = length
reference = scratch.longest_known_contexts(runs, counts, V)
expect("bmkit.scratch", reference, equals=known)

# %%
by_length = {}
for length in range(1, 7):
    here = known == length
    by_length[length] = interval((counting - gpt)[here], docstring[here])
short = known < 6
of_short = interval((counting - gpt)[short], docstring[short])
over_gpt = interval(gpt - rivals["mean of n-grams and GPT"], docstring)
by_cache = np.mean(gpt - rivals["GPT and cache"])

expect("GPT, lower end of its gain", gains["GPT"][1], at_most=0)
expect("GPT, upper end", gains["GPT"][2], at_least=0)
mean, low, high = gains["n-grams and cache"]
expect("n-grams and cache, lower end", low, at_least=0.05)
expect("the cache's gain, GPT over n-grams", by_cache / mean, at_least=0.7, at_most=1.2)
expect("mean of both, lower end", gains["mean of n-grams and GPT"][1], at_least=0.1)
expect("mean of both, gain over the GPT, lower end", over_gpt[1], at_least=0.1)
expect("share of tokens with six known before", np.mean(~short), at_most=0.2)
expect("these: gain of the GPT, upper end", by_length[6][2], at_most=-0.2)
expect("all others: gain of the GPT, lower end", of_short[1], at_least=0.04)

# %%
figure, axes = plot.subplots(figsize=(6.4, 2.9))
for length, (mean, low, high) in by_length.items():
    axes.plot([length, length], [low, high], "-", color="black", lw=1.5)
    axes.plot(length, mean, "o", color=plot.COLORS[0])
axes.axhline(0, color="0.5", lw=0.8)
axes.set_xlabel("longest counted context (tokens)")
axes.set_ylabel("gain of the GPT\n(nats a token)")
axes.set_xticks(range(1, 7), ["1", "2", "3", "4", "5", "6 or more"])
plot.show(figure)

# %% [markdown]
# *Figure. Where counting has met the last six tokens together, it is far ahead. Almost everywhere else the GPT is ahead, by a little. Bars:
# 95 % of the bootstrap.*
# <details><summary>In words</summary>Six points with bars over contexts of 1 to 6 tokens. For 1 token the bar reaches across zero; for 2 to 5
# tokens the points lie near 0.1 above zero, and their bars do not reach it; for 6 or more the point lies near −0.33, far
# below zero.</details><br>
#
# That is one difference between the two. Counting knows *passages*. For four tokens in five, however, the six tokens before are new as a whole.
# There counting must fall back on shorter contexts, and the GPT is ahead: perhaps because similar words have similar vectors, so that
# what was learned of one serves for the other. (We measured the gain, not its cause.) On the cost of training, counting
# wins: a few seconds against a quarter of an hour.
#
# ## Writing: from a prediction to a token
#
# The model gives 1,024 probabilities; a text needs *one* token. Always take the likeliest? That is **greedy** decoding. It is
# repeatable, but it soon runs in circles. Draw at random? Then now and then an odd token comes, and the rest of the text has to live
# with it. In between there are three settings. They change the probabilities before the draw, the first by way of the logits $z$:
#
# $$p_v = \frac{e^{z_v/\tau}}{\sum_{u} e^{z_u/\tau}}$$
#
# * **temperature** $\tau$: below 1 the likely tokens gain, above 1 the unlikely ones; $\tau\to 0$ is greedy,
# * **top-k**: only the $k$ likeliest tokens stay,
# * **top-p**, or **nucleus sampling**: the likeliest tokens stay until together they reach the probability $p$: few
#   where the model is sure,
#   many where it is not.
#
# ### Exercise 5 · Top-p
#
# Write the third before you see it at work: `top_p(probabilities, p)`, from shape `(vocabulary,)` to the same shape. Keep the
# smallest set of the likeliest tokens that reaches the sum $p$, set the others to 0, and let the rest sum to 1 again. *Medium, eight
# minutes.*
#
# The cell after it has all three settings in one function, and compares it with `scratch.sampling_probabilities`.


# %%
def top_p(probabilities, p):
    ...


ch17.top_p.check(top_p)

# %%
def chances(logits, temperature=1.0, top_k=1024, top_p=1.0):
    p = scratch.softmax(logits / temperature)
    order = np.argsort(-p)  # the likeliest first
    ranked = p[order]
    ranked[top_k:] = 0
    ranked = ranked / ranked.sum()
    if top_p < 1:
        before = np.cumsum(ranked) - ranked  # what the likelier have together
        ranked[before >= top_p] = 0
    kept = np.zeros(V)
    kept[order] = ranked / ranked.sum()
    return kept


start = [END, *scratch.bpe_encode("The shape of the", merges)]
logits = trained.model.predict(np.array([start]), verbose=0)[0, -1]
logits = logits.astype(float)
tried = [{"temperature": 2.0}, {"top_k": 5}, {"temperature": 0.5, "top_p": 0.6}]
for settings in tried:
    theirs = scratch.sampling_probabilities(logits, **settings)
    ours = chances(logits, **settings)
    expect(f"bmkit.scratch, {settings}", theirs, equals=ours, tolerance=1e-12)

# %%
likeliest = np.argsort(-logits)[:16]
labels = [names[token].replace(" ", "·") for token in likeliest]


def draw(temperature, top_k, top_p):
    panels = {"as predicted": {}}
    panels[f"temperature {temperature}"] = {"temperature": temperature}
    panels[f"top-k {top_k}"] = {"top_k": top_k}
    panels[f"top-p {top_p}"] = {"top_p": top_p}
    figure, row = plot.subplots(1, 4, figsize=(8.8, 3.5), sharey=True, sharex=True)
    for axes, name in zip(row, panels):
        after = scratch.sampling_probabilities(logits, **panels[name])
        axes.barh(range(16), after[likeliest], color=plot.COLORS[0])
        label = f"probability\n({np.sum(after > 0):,} tokens left)"
        axes.set(xlabel=label, ylabel=" ", title=name)
    row[0].set(yticks=range(16), yticklabels=labels, ylim=(15.6, -0.6))
    return figure


at_first = {"temperature": 0.5, "top_k": 5, "top_p": 0.6}
warmth = [0.2, 0.5, 0.8, 1.0, 1.5, 2.0]
parts = [0.3, 0.6, 0.8, 0.9, 1.0]
ks = [1, 2, 5, 10, 16]
plot.explore(draw, start=at_first, temperature=warmth, top_k=ks, top_p=parts)

# %% [markdown]
# *Figure. One prediction, what follows "The shape of the", as it is and under each setting: a temperature below 1 sharpens, the other two cut the
# tail off. Below each, how many tokens can still be drawn.*
# <details><summary>In words</summary>Four charts of horizontal bars for the 16 likeliest tokens. As predicted: a few
# long bars and a tail.
# Temperature 0.5: the first bars grow, the tail nearly vanishes, yet all 1,024 tokens have a chance. Top-k 5: five bars are left.
# Top-p 0.6: those that together reach 0.6.</details><br>
#
# Now let it write. The loop is short. Ask the model; take the logits of the last position; make probabilities; draw; append. To draw, lay the
# probabilities end to end on a line from 0 to 1 and drop a random number on it: the token on whose piece it falls is drawn. (The input is padded
# to 128 tokens so that TensorFlow sees one shape only. The padding comes *after* the text, where the causal mask hides it.)
#
# `generate.generate` is this loop for any **decoder**, an object with two methods: `start_cache(batch, length)` makes an empty cache,
# and `step(tokens, cache, position)` reads tokens and gives logits and the cache. `ReadAgain` has no real cache: it keeps the text
# itself and reads all of it again. With the same random numbers both must write the same tokens.
#
# What the model writes differs from machine to machine, because a tiny difference in one probability can change one token, and then all that
# follow. (So the tests of this course do not compare what is printed in "here:". Round brackets are shown as square ones.)


# %%
def last_logits(seen):  # tokens (batch, time) → logits (batch, vocabulary)
    padded = np.full((len(seen), 128), END)
    padded[:, : seen.shape[1]] = seen
    logits = trained.model.predict_on_batch(padded)  # (batch, 128, vocabulary)
    return logits[:, seen.shape[1] - 1]


def continue_text(tokens, new_tokens, random, **settings):
    tokens = list(tokens)
    for _ in range(new_tokens):
        logits = last_logits(np.array([tokens]))[0]
        p = chances(logits.astype(float), **settings)
        edges = np.cumsum(p)  # where each token's piece of the line ends
        tokens.append(np.sum(edges <= random.random()))
        if tokens[-1] == END:
            break
    return np.array(tokens)


# %%
import functools


class ReadAgain:
    def start_cache(self, batch, length):
        return np.zeros((batch, 0), int)

    def step(self, tokens, seen, position):
        tokens = np.concatenate([seen, tokens], axis=1)
        return last_logits(tokens)[:, np.newaxis], tokens


settings = {"temperature": 0.8, "top_p": 0.9}
mine = continue_text(start, 40, np.random.default_rng(2), **settings)
random = np.random.default_rng(2)
choose = functools.partial(generate.sample, random=random, **settings)
prompt = np.array(start)
theirs = generate.generate(ReadAgain(), prompt, 40, choose=choose, stop=END)
expect("tokens of generate.generate", theirs, equals=mine)

# %%
import textwrap

styles = {
    "greedy": {"top_k": 1},
    "temperature 1": {},
    "temperature 1.7": {"temperature": 1.7},
    "temperature 0.8, top-p 0.9": {"temperature": 0.8, "top_p": 0.9},
}
square = str.maketrans("\n()", " []")
for name, settings in styles.items():
    new = continue_text(start, 70, np.random.default_rng(2), **settings)
    told = trained.tokenizer.decode(new[1:]).translate(square)
    print(textwrap.fill(f"{name} (here: {told})", 88))
    print()

# %% [markdown]
# Read them as a critic. Up to temperature 1 nearly all words are real, short stretches are grammatical, and the manner is that of documentation. And yet hardly a sentence
# tells anything. The model knows how such texts *go*, not what a function *does*. At high temperature the text falls apart.
#
# ### Exercise 6 · Mend the draw
#
# A colleague's draw runs without an error and yet writes nonsense. It has two faults:
#
# ```python
# def pick(logits, temperature, number):  # number: random, from 0 to 1
#     chances = scratch.softmax(logits) / temperature
#     edges = np.cumsum(chances)
#     return int(np.sum(edges <= number)) + 1
# ```
#
# Copy it and mend it. *Medium, six minutes; expected: a token's number.*


# %%
def pick(logits, temperature, number):
    ...


ch17.pick.check(pick)

# %% [markdown]
# ## What was computed before need not be computed again
#
# To write token 257, the model reads 256 tokens. To write token 258, it reads 257 tokens, and 256 of them are the same as before. Have
# their vectors changed? No: a causal position looks back only, so nothing that comes later can change it. Of the earlier positions the new
# one needs their keys and values, and nothing else. So we keep these in a **cache of keys and values**, the **KV
# cache** for short. Then only
# the *new* token passes through the layers.

# %%
places = {"new token x": (0, 1), "query": (1.2, 2), "key": (1.2, 1), "value": (1.2, 0)}
places["cache of keys"] = (3.0, 1)
places["cache of values"] = (3.0, 0)
places["weights"] = (4.9, 1.6)
places["mean of values"] = (6.4, 0.6)
arrows = [
    ("new token x", "query"),
    ("new token x", "key", "(128,)"),
    ("new token x", "value"),
    ("key", "cache of keys", "write at t\n(4, 32)"),
    ("value", "cache of values", "write at t\n(4, 32)"),
    ("query", "weights", "(4, 32)"),
    ("cache of keys", "weights", "read 0…t\n(4, t+1, 32)"),
    ("cache of values", "mean of values", "read 0…t\n(4, t+1, 32)"),
    ("weights", "mean of values", "(4, t+1)"),
]
shaded = ["cache of keys", "cache of values"]
plot.show(diagrams.boxes(places, arrows, shaded=shaded, figsize=(9.2, 3.2)))

# %% [markdown]
# *Figure. Attention in one block at position t, with 4 heads of 32 numbers. Only the shaded boxes survive the step.*
# <details><summary>In words</summary>From the new token, shape (128,), arrows lead to its query, key and value. Key and value, (4, 32) each,
# are written into two shaded boxes, the caches, at place t. From the cache of keys all keys from 0 to t, shape (4, t+1, 32), and the query, (4, 32), go
# to the weights, (4, t+1). These and all values from 0 to t, (4, t+1, 32), give the mean of values.</details><br>
#
# We write it in NumPy, with the weights of the trained model. `look` is the picture, `step` the whole model for *one* token:

# %%
everything = trained.model.layers  # input, embedding, four blocks, norm, dense
table = everything[1].get_weights()[0]  # (1024, 128)
blocks = everything[2:6]


def dense(layer, x):
    kernel, bias = layer.get_weights()
    return x @ kernel + bias


def norm(layer, x):
    scale, shift = layer.get_weights()
    return scratch.layer_norm(x, scale, shift, epsilon=1e-5)


def turned(x, t):  # rotary position t, heads of 32 numbers
    return scratch.rotary(x.reshape(4, 1, 32), start=t)[:, 0]  # (4, 32)


# %%
def look(attention, x, t, cache):  # x (128,), cache (2, 4, time, 32)
    query = dense(attention.query_dense, x)
    key = dense(attention.key_dense, x)
    value = dense(attention.value_dense, x)
    cache[0, :, t] = turned(key, t)  # write
    cache[1, :, t] = value.reshape(4, 32)
    keys = cache[0, :, : t + 1]  # read (4, t + 1, 32)
    values = cache[1, :, : t + 1]
    scores = np.einsum("hs,hts->ht", turned(query, t), keys) / np.sqrt(32)
    weights = scratch.softmax(scores)  # (4, t + 1)
    mean = np.einsum("ht,hts->hs", weights, values)  # (4, 32)
    return dense(attention.output_dense, mean.reshape(128))


def step(token, t, caches):  # caches (4 blocks, 2, 4, time, 32)
    x = table[token] * np.sqrt(128)
    for block, cache in zip(blocks, caches):
        first, second = block.norms
        x = x + look(block.attention, norm(first, x), t, cache)
        hidden = dense(block.expand, norm(second, x))
        x = x + dense(block.contract, scratch.gelu(hidden))
    return dense(everything[7], norm(everything[6], x))  # (1024,)


# %%
tokens = streams["validation"][:64]
caches = np.zeros((4, 2, 4, 64, 32))
stepwise = np.zeros((64, V))
for t in range(64):
    stepwise[t] = step(tokens[t], t, caches)
at_once = trained.model.predict(tokens[np.newaxis], verbose=0)[0]  # (64, 1024)
expect("logits of all 64 at once", at_once, equals=stepwise, tolerance=1e-3)

decoder = models.CachedDecoder(trained.model)
cache = decoder.start_cache(1, 64)
_, cache = decoder.step(tokens[np.newaxis, :63], cache, 0)
theirs, cache = decoder.step(tokens[np.newaxis, 63:], cache, 63)
expect("logits of CachedDecoder", theirs[0, 0], equals=stepwise[63], tolerance=1e-3)
expect("its cache", cache[0], equals=caches, tolerance=1e-3)

write = functools.partial(generate.generate, decoder)
walk = write(np.array([END]), 250)  # the likeliest token each time
fours = np.lib.stride_tricks.sliding_window_view(walk, 4)
different = len(np.unique(fours, axis=0)) / len(fours)
expect("greedy: share of runs of four that are new", different, at_most=0.8)

# %%
def milliseconds(function, *arguments):  # the median of nine, after one to warm up
    taken = []
    for _ in range(10):
        started = time.perf_counter()
        function(*arguments)
        taken.append(1000 * (time.perf_counter() - started))
    return np.median(taken[1:])


window = streams["validation"][np.newaxis, :256]
cache = decoder.start_cache(1, 256)
rows = {"without cache": {}, "with cache": {}}
for t in (32, 64, 128, 256):
    again = milliseconds(trained.model.predict_on_batch, window[:, :t])
    rows["without cache"][f"token {t}"] = again
    one = milliseconds(decoder.step, window[:, t - 1 : t], cache, t - 1)
    rows["with cache"][f"token {t}"] = one
plot.table(rows, corner="milliseconds", digits=1)

# %% [markdown]
# One token at a time, with the cache, gives the same logits as all at once, by hand and with `models.CachedDecoder`, which has
# the two methods that `generate.generate` asks for. (Its first use here also shows what greedy decoding does: over 250 tokens it walks in circles.)
#
# What is saved? Count multiply-adds for the token at position $t$, as in [chapter 15](15_attention.ipynb). In a block, one token costs
# $4d^2$ in attention and $8d^2$ in the dense layers, and each look at one token costs $2d$, for score and mean:
#
# $$\text{with cache} = A + B\,t, \qquad \text{without} = A\,t + B\,t^2, \qquad A = 12\,L\,d^2 + V d, \quad B = 2\,L\,d$$
#
# * $L$ is the number of blocks, $d$ the width, $V$ the vocabulary,
# * $A$ is what one token costs in all layers, $B$ what one look costs; without a cache $t$ tokens pass, and each looks at $t$.
#
# So the cache saves the factor $t$: 256 at token 256. The clock (the table; measured when this page was made) says far less. For one token of so small a model, most of the time perhaps goes
# into starting a few hundred operations, not into products. The price is memory: $2Ld$ numbers for each token. A
# model with 32 blocks of width 4,096 and numbers of 16 bits keeps 4.3 gigabytes for one text of 8,192 tokens.
#
# ## The same lines, a large model
#
# Does this scale? **SmolLM2** has the same plan: byte pairs, causal blocks, rotary positions, a cache. It has 30 blocks of width 576,
# 49,152 tokens and 134.5 million parameters, and it read about two trillion tokens, three million times the length of our text (of which ours read each token about eight times).
# `generate.generate` is the same.
#
# And which of the two is less surprised by docstrings? Here a perplexity *per token* says nothing, because the tokens
# differ. Cut a text into smaller pieces and each piece is easier to predict, though the model has not become better.
# What does not depend on the cut is the surprise of
# the **whole text**. Divide it by something that everybody counts alike, the characters:
#
# $$\text{nats per character} = \mathcal{L} \cdot \frac{\text{tokens}}{\text{characters}}$$
#
# We take the first eight test docstrings of 400 to 650 characters, and give each model the end of a text before the first token, as in its training.

# %%
smol = pretrained.load("smollm2")
prompt = np.array(smol.tokenizer.encode("The capital of France is"))
new = generate.generate(smol, prompt, 8)
answer = smol.tokenizer.decode(new[len(prompt) :])
expect("the answer begins with Paris", answer.startswith(" Paris"), equals=True)
print(f"The capital of France is (here: {answer.strip().translate(square)})")

# %%
some = [row for row in texts_of_test if 400 <= len(row) <= 650][:8]
letters = np.array([len(row) for row in some])
names_of_all = ("n-grams", "n-grams and cache", "our GPT", "SmolLM2")
nats = {name: [] for name in names_of_all}  # of each whole docstring
tokens_of_smol = 0
tokens_of_ours = 0
for row in some:
    mine = np.array([END, *scratch.bpe_encode(row, merges)])
    its = np.array([0, *smol.tokenizer.encode(row)])
    tokens_of_ours += len(mine) - 1
    tokens_of_smol += len(its) - 1
    counted = counting_surprise(mine, smoothed)
    memory = with_cache(counted, remembered(mine.tolist()))
    logits_of_smol = np.asarray(smol.logits([its])[0], float)
    nats_of_smol = scratch.softmax_cross_entropy(its[1:], logits_of_smol[:-1])
    nats["n-grams"].append(counted.sum())
    nats["n-grams and cache"].append(memory.sum())
    nats["our GPT"].append(gpt_surprise(mine).sum())
    nats["SmolLM2"].append(nats_of_smol * (len(its) - 1))

# %%
least = np.array(nats["SmolLM2"])
per_token = {}
per_character = {}
print("tokens, perplexity per token, nats per character, SmolLM2 better (here:")
for name in names_of_all:
    own = np.array(nats[name])
    tokens = tokens_of_smol if name == "SmolLM2" else tokens_of_ours
    per_token[name] = np.exp(own.sum() / tokens)
    per_character[name] = own.sum() / letters.sum()
    measured = f"{tokens:6,}{per_token[name]:8.2f}{per_character[name]:7.2f}"
    print(f"{name:18}{measured}{np.sum(least < own):4} of 8")
print(")")
ratio = per_character["our GPT"] / per_character["SmolLM2"]
expect("nats per character, ours over SmolLM2", ratio, at_least=1.1)
ratio = per_token["our GPT"] / per_token["SmolLM2"]
expect("perplexity per token, ours over SmolLM2", ratio, at_most=1)
better = np.sum(least < np.array(nats["our GPT"]))
expect("docstrings where SmolLM2 is better", better, at_least=7)

# %% [markdown]
# SmolLM2 wins, on seven of the eight at least: a hundredfold of parameters and a millionfold of text save about a fifth
# of the surprise. In this narrow field a model that has read nothing but docstrings is not hopeless. For everything
# else, ask ours for the capital of France.
#
# And an honest doubt: SmolLM2 read much of the public code of the world, so it has probably read these very docstrings. They are held
# out for our model, not for it. For any large model this is the first question to ask of a test: **was it in the training text?**
#
# ## Does it write, or does it copy?
#
# A model with a million parameters could know its text by heart. We count how many runs of $k$ tokens in a text stand word for word in
# the training text, for growing $k$. A number alone says little, so we compare: our GPT at temperature 1 and at 0.7, n-grams (which
# have the same two methods, so the same loop writes with them), and *people*, that is, the validation docstrings.


# %%
class Counts(ReadAgain):  # its cache, too, is the text itself
    def step(self, tokens, seen, position):
        tokens = np.concatenate([seen, tokens], axis=1)
        padded = np.pad(tokens, ((0, 0), (6, 0)), constant_values=END)
        context = np.repeat(padded[:, -6:], V, axis=0)  # (batch · V, 6)
        candidates = np.tile(np.arange(V), len(tokens))
        runs = np.column_stack([context, candidates])
        p = scratch.kneser_ney_probabilities(runs, smoothed, V)
        return np.log(p).reshape(len(tokens), 1, V), tokens


count_and_write = functools.partial(generate.generate, Counts())
writers = {"GPT, temperature 1": (write, 1.0), "GPT, temperature 0.7": (write, 0.7)}
writers["n-grams"] = (count_and_write, 1.0)
written = {"people": streams["validation"]}
for name, (writer, temperature) in writers.items():
    random = np.random.default_rng(0)
    choose = functools.partial(generate.sample, temperature=temperature, random=random)
    new = writer(np.full((12, 1), END), 120, choose=choose)
    written[name] = new[:, 1:].ravel()

# %%
lengths = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48]
pieces = list(written.values())
found = scratch.copied_shares(pieces, streams["train"], lengths)
copied = dict(zip(written, found))
people = copied["people"]
eight = lengths.index(8)
counted = {read[t : t + 8] for t in range(len(read))}
own = as_text(written["people"])
eights = [own[t : t + 8] for t in range(len(own) - 7)]
share = np.mean([run in counted for run in eights])
expect("people, runs of 8, bmkit.scratch", people[eight], equals=share)
sixteen = lengths.index(16)
others = [copied[name] for name in writers]
most_of_eight = max(shares[eight] for shares in others)
most_of_sixteen = max(shares[sixteen] for shares in others)
expect("runs of 8, people over the others", people[eight] / most_of_eight, at_least=1.2)
expect("runs of 16, people", people[sixteen], at_least=0.03)
ahead = people[sixteen] - most_of_sixteen
expect("runs of 16, people minus the most of the others", ahead, at_least=0.005)

# %%
figure, axes = plot.subplots(figsize=(7.4, 3.2))
for name, marker in zip(copied, plot.MARKERS):
    axes.semilogx(lengths, copied[name], marker=marker, label=name)
axes.set(xlabel="length of the run (tokens)", ylabel="share found in training")
axes.set(yscale="log", ylim=(5e-4, 1.5))
axes.set_xticks(lengths, lengths)
axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize=9)
axes.minorticks_off()
plot.show(figure)

# %% [markdown]
# *Figure. How many runs of a text occur in the training text, by their length. People repeat one another over dozens of tokens; the models, in
# this one draw of 1,440 tokens from each, hardly beyond twelve (in other draws the n-grams reach sixteen). A line that leaves the picture at the bottom has no such run at the next
# length.*
# <details><summary>In words</summary>Four falling curves over lengths from 1 to 48 on logarithmic axes. Up to 4 tokens the GPT at temperature
# 0.7 is highest; from 8 tokens on people are, with a tail that reaches beyond 24.</details><br>
#
# A surprise: from eight tokens on it is *people* who copy most. The same passage can occur in files of training and of validation, word for word.
# Perhaps that is what counting lived on in the test. Perhaps the GPT is too small, or read too briefly, to know such passages by heart, and perhaps the n-grams,
# when they write, soon draw a token that leads out of a passage. (We did not test it.)
# Larger models, trained longer on text that repeats itself, do learn passages by heart, private data among them (Carlini and
# others, 2021). So ask the question of *your* model, and with a comparison, as here.
#
# ## What it cannot do
#
# * It continues. It has no aim, no facts to look up and no notion of true and false; a likely sentence is not a true one.
# * We trained it on windows of 256 tokens, so it has never learned to look further back.
# * A low perplexity means that text of *this* kind is no surprise. It says nothing about answers being right or harmless.
# * To follow an instruction, as SmolLM2-Instruct does, a second training on questions with answers is needed (chapter 44, planned).
#
# ## Summary
#
# * Byte-pair encoding joins the commonest neighbours again and again; ours learned the merges of the `tokenizers` library.
# * A decoder with a causal mask answers one question at every position at once: what comes next? The text is its own answer key.
# * Perplexity is $e$ to the mean surprise. Compare it on equal tokens only; else take nats per character.
# * Counting with modified Kneser–Ney smoothing is a strong rival: our GPT of a quarter of an hour is *not told apart* from it, and a small
#   cache puts counting ahead. Without it, counting wins where the last six tokens were read before, the GPT nearly everywhere else, and the
#   mean of both beats either.
# * Temperature reshapes a prediction, top-k and top-p cut its tail off. A cache of keys and values saves the factor $t$ in products at
#   token $t$.
# * Before you admire a text or a score, ask what was in the training text.
#
# **Ask yourself**
#
# <details><summary>Your colleague's model has perplexity 12, yours 30, on the same text. Whose is better?</summary>Nobody can tell
# before you know the tokens. With 2 characters a token against 4 the nats per character are ln 12 / 2 = 1.24 and ln 30 / 4 = 0.85:
# yours.</details>
# <details><summary>Why does a BERT, in which every position sees both sides, have no use for a cache of keys and values?</summary>It reads a
# whole text once and does not append to it. And in it a new token would change all earlier positions, so nothing
# old could be kept.</details>
# <details><summary>Greedy takes the likeliest token each time. Is the text the likeliest text?</summary>No. A less likely first token
# may open the way to a far likelier rest. Beam search keeps several beginnings ([chapter 20](20_machine_translation.ipynb)), and even the likeliest text is often a
# dull one.</details>
# <details><summary>Two models have the same perplexity. Does it matter which one you take?</summary>Perhaps much. They may be good at different
# tokens, as here. Look at the differences token by token, sorted by something you understand, and try their mean.</details><br>
#
# **Next** [18 · BERT](18_bert.ipynb) lets every position see both sides, hides words instead, and is tuned to classify.
#
# **References**
#
# * R. Sennrich, B. Haddow, A. Birch (2016), Neural machine translation of rare words with subword units.
#   [ACL](https://aclanthology.org/P16-1162/)
# * R. Kneser, H. Ney (1995), Improved backing-off for m-gram language modeling.
#   [doi](https://doi.org/10.1109/ICASSP.1995.479394)
# * S. F. Chen, J. Goodman (1998), An empirical study of smoothing techniques for language modeling.
#   [arXiv](https://arxiv.org/abs/cmp-lg/9606011) (the version of 1996; the modified form is in the report TR-10-98 of Harvard)
# * R. Kuhn, R. De Mori (1990), A cache-based natural language model for speech recognition.
#   [doi](https://doi.org/10.1109/34.56193)
# * A. Radford et al. (2019), Language models are unsupervised multitask learners.
#   [PDF](https://cdn.openai.com/better-language-models/language_models_are_unsupervised_multitask_learners.pdf)
# * A. Holtzman et al. (2020), The curious case of neural text degeneration. [arXiv](https://arxiv.org/abs/1904.09751)
# * R. Pope et al. (2022), Efficiently scaling transformer inference. [arXiv](https://arxiv.org/abs/2211.05102)
# * N. Carlini et al. (2021), Extracting training data from large language models. [arXiv](https://arxiv.org/abs/2012.07805)
# * L. Ben Allal et al. (2025), SmolLM2: when Smol goes big. [arXiv](https://arxiv.org/abs/2502.02737)
