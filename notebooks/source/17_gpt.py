# %% [markdown]
# # 17 · GPT
#
# **After this you can** cut text into tokens by byte-pair encoding, train a decoder that guesses the next token, say what a perplexity means and when two of them may be compared, choose how to sample, count what a cache saves, and tell writing from copying
#
# **Time** 55 min to read, 110 min to teach, 75 s to run
#
# **Before** [16 · The Transformer](16_transformer.ipynb)
#
# **Data** docstrings (5,687 docstrings of five Python packages, 2.0 MB of English prose; BSD-3-Clause, Apache-2.0 and Matplotlib licence)

# %%
from bmkit import data, diagrams, generate, models, plot, pretrained, scratch, train
from bmkit.check import expect
from bmkit.exercises import ch17
import keras
import numpy as np
train.seed(0)

# %% [markdown]
# ## One question, asked again and again
#
# *The capital of France is …* You know what comes next. A **language model** answers this one question: given a text so far, how likely
# is each piece to come next? To write, ask it, choose a piece, append it, and ask again. That is all a chat program does.
#
# Nobody has to label anything. Any text is full of such questions, each with its answer right behind it. **GPT**, the *generative
# pre-trained Transformer*, is the decoder half of chapter 16, trained on this question alone. In this chapter you build one from the
# first byte to the last sampled word, train it, and run a real one with the same few lines.
#
# The text to learn from is the prose inside five Python packages: what their authors wrote to explain functions. All docstrings of a
# file are in one split, so validation and test come from files that training never saw.

# %%
docs = data.load("docstrings")
texts = {part: docs.arrays(part)[0].tolist() for part in ("train", "validation")}
for part, rows in texts.items():
    print(f"{part:10}  {len(rows):5,} docstrings  {sum(map(len, rows)):9,} characters")
print("one of them:", texts["train"][0])
words = {word for row in texts["train"] for word in scratch.split_words(row)}
fresh = [word for row in texts["validation"] for word in scratch.split_words(row)]
unknown = np.mean([word not in words for word in fresh if word.strip().isalpha()])
expect("words of validation that training never had (share)", unknown, at_least=0.02, at_most=0.04)

# %% [markdown]
# ## Pieces: neither letters nor words
#
# What is a piece? **Letters** are few, but then a text is a long sequence, and attention pays for length squared
# ([chapter 15](15_attention.ipynb)). **Words** make short sequences, but three words in a hundred of a new file are unknown, and in a
# language that joins words, as German does, far more.
#
# **Byte-pair encoding** takes the middle way. Begin with single bytes: 256 tokens, and no text is ever unknown. Then look which two
# neighbours stand side by side most often, and make the pair a token of its own. Repeat. Frequent words end up as one token, rare ones
# stay in parts. In symbols, the next pair is
#
# $$(a, b)^{*} = \arg\max_{(a,\,b)} \; \sum_{w} n_w \; c_w(a, b)$$
#
# * $w$ runs over the different words, each with the space before it; pairs never reach across words,
# * $n_w$ is how often word $w$ stands in the text, and $c_w(a,b)$ how often $a$ is followed by $b$ in it.
#
# Two small functions do it. Tokens are numbers: 0 to 255 are the bytes, and merge number $i$ makes token $256+i$.

# %%
from collections import Counter
from itertools import pairwise


def commonest_pair(words):  # words: from a tuple of tokens to how often it comes
    pairs = Counter()
    for word, times in words.items():
        for pair in pairwise(word):
            pairs[pair] += times
    return min(pairs, key=lambda pair: (-pairs[pair], pair))  # a tie: the smaller numbers


def join(word, pair, token):
    joined = []
    for piece in word:
        whole = joined and (joined[-1], piece) == pair
        joined[len(joined) - bool(whole) :] = [token if whole else piece]
    return tuple(joined)


# %%
text = "\n\n".join(texts["train"])
counted = Counter(scratch.split_words(text)).items()
words, by_hand = {tuple(scratch.bpe_encode(word, [])): times for word, times in counted}, []
for number in range(20):
    pair = commonest_pair(words)
    words = {join(word, pair, 256 + number): times for word, times in words.items()}
    by_hand.append(pair)
pieces = [piece.decode() for piece in scratch.bpe_vocabulary(by_hand)[256:]]
print("the first tokens of two letters and more:", *map(repr, pieces))
merges = scratch.bpe_train(text, 767)
expect("bmkit.scratch, the first 20 merges", merges[:20], equals=np.array(by_hand))

# %% [markdown]
# The first token of two letters is a space with a *t*, and soon whole words come. `scratch.bpe_train` does the same, only faster, because
# it counts anew only what a merge has changed. Do *real* tokenizers do this? Let the `tokenizers` library, which serves most of today's
# language models, learn from the same text.

# %%
import json

import tokenizers

library = tokenizers.Tokenizer(tokenizers.models.BPE())
library.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
options = {"initial_alphabet": library.pre_tokenizer.alphabet(), "show_progress": False}
trainer = tokenizers.trainers.BpeTrainer(vocab_size=1023, **options)
library.train_from_iterator([text], trainer)
number, learned = library.get_vocab(), json.loads(library.to_str())["model"]["merges"]
theirs = [(number[a], number[b]) for a, b in learned]
expect("all 767 merges, tokenizers library", theirs, equals=np.array(merges))
sample = texts["validation"][0]
ours = scratch.bpe_encode(sample, merges)
expect("a text in tokens, tokenizers library", library.encode(sample).ids, equals=ours)
expect("and back", scratch.bpe_decode(ours, merges) == sample, equals=True)

# %% [markdown]
# ### Exercise 1 · Cut a new word
#
# Merges were learned in an order, and a new word is cut in that order: first the first merge, wherever it fits, then the second, and
# so on. Write `encode_word(tokens, merges)`: from a list of byte tokens to a list of tokens; merge number $i$ makes token $256+i$.
# *Medium, eight minutes. Beware: taking the longest known piece from the left is something else.*


# %%
def encode_word(tokens, merges):
    ...


ch17.encode_word.check(encode_word)

# %%
sentence = "Compute the gradient of the subsampled loss, then normalize it."
held_text = "\n\n".join(texts["validation"])
counts = [0, 10, 30, 100, 300, 767]
shares = [len(scratch.bpe_encode(held_text, merges[:n])) / len(held_text) for n in counts]
figure, axes = plot.subplots(figsize=(6.4, 2.4))
axes.plot(counts, shares, marker="o")
axes.set(xlabel="merges", ylabel="tokens per character", ylim=(0, 1.05))
plot.show(figure)
names = [token.decode("utf-8", "replace") for token in scratch.bpe_vocabulary(merges)]
cut_by = {n: scratch.bpe_encode(sentence, merges[:n]) for n in (0, 30, 300, 767)}
cuts = {f"{n} merges": [names[token] for token in tokens] for n, tokens in cut_by.items()}
plot.show(diagrams.cut_text(cuts))
expect("0 merges: tokens per character", shares[0], equals=1.0)
expect("767 merges: characters per token", 1 / shares[-1], at_least=2.7, at_most=3.0)
expect("767 merges: tokens of the sentence", len(cut_by[767]), equals=23)

# %% [markdown]
# *Figure. Above, each merge shortens the text, the first ones most. Below, one sentence that stands nowhere in the data, cut after 0,
# 30, 300 and 767 merges; a dot is a space, the number of tokens stands on the right.*
# <details><summary>In words</summary>Above, a curve over 0 to 767 merges. It begins at one token per character, falls steeply to
# about 0.58 at 100 merges, and flattens to 0.35 at 767. Below, four rows with the same sentence on changing greys. In the first every
# letter is a piece; further down the pieces get longer; in the last "·the", "·gradient" and "·of" are single pieces.</details><br>
#
# Frequent words end up whole. *Subsampled* and *normalize* come in parts, but nothing is unknown.
#
# ## A row of questions
#
# We write all texts one behind the other, with one more token between them that says *a text ends here*: 1,024 tokens in all. Then we cut
# windows of 257 tokens. The first 256 are the input, the last 256 the targets: **the input, one step later**. So a window holds 256
# questions: what follows the first token? what follows the first two? The decoder answers all at once.
#
# That is fair only if position $t$ cannot see the tokens after it, for one of them is its answer. The causal mask of
# [chapter 15](15_attention.ipynb) sees to it. The rest is chapter 16 without its encoder: `models.gpt` looks tokens up, sends them
# through causal blocks, and ends in one score for each token of the vocabulary:
#
# $$h^{0} = E[x], \qquad h^{l} = \mathrm{block}_l\big(h^{l-1}\big), \qquad z = \mathrm{norm}\big(h^{L}\big)\,W + b, \qquad p(\,\cdot \mid x_{\le t}) = \mathrm{softmax}(z_t)$$
#
# * $x$ holds the tokens, shape (time); $E$ is the table of vectors, shape (vocabulary, width): here 1,024 × 128,
# * $h^{l}$ has shape (time, width); $L=4$ blocks; order comes in by rotary positions inside them,
# * $z$, the logits, has shape (time, vocabulary), and row $t$ is the guess for token $t+1$.
#
# We look for leaks as in chapter 15: change the last token, and no earlier answer may move. Then count the parameters by hand: a
# block has $4(d^2+d)$ for attention, $8d^2+5d$ for its two dense layers and $4d$ for two norms.

# %%
END = 256 + len(merges)


def stream(rows):
    tokens = [END]
    for row in library.encode_batch(rows):
        tokens += [*row.ids, END]
    return np.array(tokens)


def cut(tokens, stride):
    windows = np.lib.stride_tricks.sliding_window_view(tokens, 257)[::stride]
    return windows[:, :-1], windows[:, 1:]  # inputs and targets, both (windows, 256)


streams = {part: stream(rows) for part, rows in texts.items()}
x, y = cut(streams["train"], 64)
print("train", streams["train"].shape, "→ inputs", x.shape, "and targets", y.shape)
print(*(f"{names[a]!r}→{names[b]!r}" for a, b in zip(x[0, 1:9], y[0, 1:9])))

# %%
model = models.gpt(END + 1, 256, width=128, depth=4, num_heads=4, positions="rotary")
other = x[:1].copy()
other[0, -1] = END
before, after = (model.predict(tokens, verbose=0)[0] for tokens in (x[:1], other))  # (256, 1024)
expect("answers before the last token", after[:-1], equals=before[:-1], tolerance=1e-5)
expect("the last answer moves by", np.abs(after[-1] - before[-1]).max(), at_least=0.01)
d, V = 128, END + 1
by_hand = 4 * scratch.transformer_block_parameters(d) + V * d + 2 * d + d * V + V
expect("parameters", model.count_params(), equals=by_hand)

# %% [markdown]
# ## How surprised? Perplexity
#
# The loss is the cross-entropy of [chapter 04](04_loss_functions.ipynb), with a vocabulary of classes. How surprised is the model at the
# token that came? By $-\ln p$: nothing if it was certain, much if it held the token for unlikely. The mean over all tokens, and its
# exponential, the **perplexity**:
#
# $$\mathcal{L} = -\frac{1}{N}\sum_{t=1}^{N} \ln p(x_{t} \mid x_{<t}), \qquad \mathrm{PPL} = e^{\mathcal{L}} = \Big(\prod_{t} p(x_t \mid x_{<t})\Big)^{-1/N}$$
#
# * $N$ is the number of guesses, $\mathcal{L}$ has the unit nats per token,
# * the product is the probability of the *whole text*, by the chain rule of probability; its $N$-th root is a geometric mean.
#
# Read a perplexity as *between how many equally likely tokens the model wavers*. Who knows nothing and gives each of 1,024 tokens the
# same chance has a perplexity of exactly 1,024.
#
# ## What counting can do
#
# Before any network: how far does *counting* get? Ask how often a token came at all (**unigram**), how often after the one before it
# (**bigram**), after the two before it (**trigram**), and so on. Longer contexts know more, but most long contexts of a new text
# never came. So each guess leans on the next shorter one. Take a little, the **discount** $\delta$, off every count and hand what is
# collected to the shorter guess:
#
# $$p_n(w \mid h) = \frac{\max(c(hw) - \delta,\, 0) + \delta\, u(h)\; p_{n-1}(w \mid h')}{c(h)}, \qquad p_0 = \frac{1}{V}$$
#
# * $h$ are the $n-1$ tokens before $w$, and $h'$ is $h$ without its first token,
# * $c(hw)$ and $c(h)$ count in the training text; $u(h)$ is how many different tokens followed $h$,
# * each of these $u(h)$ tokens gave up $\delta$, so all guesses still sum to 1. If $c(h)=0$, then $p_n = p_{n-1}$.
#
# Before neural networks, such models with such smoothing were the state of the art for decades. `scratch.ngram_probabilities` is this
# formula. We choose $\delta$ and the longest run $n$ on validation.
#
# ### Exercise 2 · Predict, then run
#
# Half of the time a model is certain, and right. The other half it wavers between 16 tokens, all equally likely, one of them right.
# **What is its perplexity?** *Two minutes; expected: a number.*

# %%
wavering = ...
ch17.wavering.check(wavering)

# %%
tables = scratch.ngram_counts(streams["train"], 5, V)


def counting_surprise(tokens, order, discount):  # nats at each token but the first
    padded = np.pad(tokens, (4, 0), constant_values=END)
    runs = np.lib.stride_tricks.sliding_window_view(padded, 5)[1:]
    return -np.log(scratch.ngram_probabilities(runs, tables[:order], V, discount=discount))


pairs, new = [(n, d) for n in range(1, 6) for d in (0.75, 0.85, 0.95)], streams["validation"]
losses = {(n, d): counting_surprise(new, n, d).mean() for n, d in pairs}
best_order, best_discount = min(losses, key=losses.get)
print("chosen: runs of", best_order, "tokens, discount", best_discount)
ngram = [np.exp(losses[n, best_discount]) for n in range(1, 6)]
expect("unigram, perplexity", ngram[0], at_least=360, at_most=390)
expect("trigram, perplexity", ngram[2], at_least=24, at_most=26)
expect("five tokens, perplexity above four by", ngram[4] - ngram[3], at_least=0.1)

# %%
tokens = [END, *scratch.bpe_encode("Return the number of samples in the data set.", merges)]
figure, (left, right) = plot.subplots(1, 2, figsize=(8.6, 3.1), width_ratios=(1, 1.6))
left.semilogy(range(1, 6), ngram, marker="o")
left.set(xlabel="length of the runs (tokens)", ylabel="perplexity per token", xticks=range(1, 6))
left.set_yticks([25, 50, 100, 200, 400], [25, 50, 100, 200, 400])
left.minorticks_off()
for n in (1, best_order):
    surprise = counting_surprise(tokens, n, best_discount)
    mean = f"mean {surprise.mean():.1f} nats, perplexity {np.exp(surprise.mean()):.0f}"
    right.plot(surprise, marker="os"[n > 1], ms=4, label=f"runs of {n}: {mean}")
came = [names[token].replace(" ", "·") for token in tokens[1:]]
right.set_xticks(range(len(came)), came, rotation=60, ha="right")
right.set(xlabel="the token that came", ylabel="surprise (nats)")
right.legend(loc="lower center", bbox_to_anchor=(0.5, 1), fontsize=9)
plot.show(figure)

# %% [markdown]
# *Figure. Left, perplexity on validation against the length of the counted runs: beyond four tokens nothing is gained. Right, a
# sentence token by token: context takes most of the surprise away, but not in all places.*
# <details><summary>In words</summary>Left, a curve that falls from about 370 for single tokens to about 48 for two and 24 for three,
# and then stays level. Right, two lines over the tokens of a sentence: for single tokens mostly between 3 and 9, for four tokens
# mostly between 0 and 4.</details><br>
#
# From 1,024 to 23 by counting alone. That is what the network has to beat, with 1.06 million parameters against 600,000 counted runs.
#
# ## Training, live
#
# Half a minute is too short for a language model, so here is only the beginning: 100 batches of 4 windows, 102,400 tokens, a sixth of
# the text. Adam ([chapter 05](05_gradient_descent.ipynb)) with gradients cut to length 1, a learning rate that climbs and falls in a
# cosine. No epoch reads all of the text; `take(20)` makes an "epoch" of twenty batches, so that we can watch. The baselines are drawn
# as lines.

# %%
import tensorflow as tf

loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
fed = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(len(x), seed=0).batch(4).take(20)
shrinking = keras.optimizers.schedules.CosineDecay(0.0, 80, warmup_target=4e-3, warmup_steps=20)
model.compile(keras.optimizers.Adam(shrinking, beta_2=0.99, global_clipnorm=1.0), loss)
history = train.fit(model, fed, cut(streams["validation"][:6000], 256), epochs=5)
figure, axes = plot.subplots(figsize=(6.8, 3.2))
axes.semilogy(range(1, 6), np.exp(history["val_loss"]), marker="o", label="this network")
for place, name in enumerate(("unigram", "bigram", "trigram")):
    axes.axhline(ngram[place], color="black", lw=0.9, ls=plot.LINES[place + 1], label=name)
axes.set(xlabel="times twenty batches", ylabel="validation perplexity", xticks=range(1, 6))
axes.set_yticks([25, 50, 100, 200, 400], [25, 50, 100, 200, 400])
axes.minorticks_off()
axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
plot.show(figure)

# %% [markdown]
# *Figure. In the first seconds of training the network passes the unigram and falls towards the bigram.*
# <details><summary>In words</summary>A curve over five times twenty batches that falls from about 350 to about 95, and three level
# lines: unigram near 370, bigram near 48, trigram near 25.</details><br>
#
# It has learned which tokens are common and which may follow one another. To beat the trigram it needs more time, and nothing else.
# So the kit did exactly this for a quarter of an hour: the same model, with a little dropout, 4,500 batches, by the command that
# stands in its description. The result is a file of 2 MB, 16 bits a weight, hashed before it is opened. Its header holds the
# architecture as JSON, which Keras reads in its safe mode: nothing inside the file can be run.

# %%
trained = pretrained.load("gpt_docstrings")
print(data.describe("gpt_docstrings"))
expect("its merges and ours", np.array(trained.tokenizer.merges), equals=np.array(merges))
expect("its parameters", trained.model.count_params(), equals=model.count_params())
trained.model.compile(loss=loss)
held = cut(streams["validation"], 256)  # (220, 256) each
short, long = np.exp(min(history["val_loss"])), np.exp(train.evaluate(trained.model, held)["loss"])
expect("after 100 batches: perplexity on the first 6,000 tokens", short, at_most=150)
expect("    unigram over this network", ngram[0] / short, at_least=2.5)
expect("trained longer: validation perplexity", long, at_most=19)
expect("    trigram over this network", ngram[2] / long, at_least=1.25)

# %% [markdown]
# ## Compare what can be compared
#
# A perplexity *per token* says nothing without its tokens. Cut text into smaller pieces and each piece is easier to guess, so the
# perplexity falls, though nobody has become wiser. What does not depend on the cut is the surprise about the **whole text**. Divide
# it by something that everybody counts alike, the characters:
#
# $$\text{nats per character} = \mathcal{L} \cdot \frac{\text{tokens}}{\text{characters}}$$
#
# Watch both for the same kind of model, counting with the best length of runs, on the same text, cut by 0, 100 and 767 merges.

# %%
import functools

per_token, per_character, tried = [], [], [0, 100, 767]
for count in tried:
    known, new = (np.array(scratch.bpe_encode(part, merges[:count])) for part in (text, held_text))
    runs, size = np.lib.stride_tricks.sliding_window_view(new, 6), 256 + count
    table = scratch.ngram_counts(known, 6, size)
    guess = functools.partial(scratch.ngram_probabilities, runs, discount=0.85)
    least = min(-np.log(guess(table[:n], size)).mean() for n in range(1, 7))
    per_token.append(np.exp(least))
    per_character.append(least * len(new) / len(held_text))
letters = sum(map(len, texts["validation"])) / len(streams["validation"])  # characters per token
gpt_per_character = np.log(long) / letters
expect("perplexity per token, 767 merges over 0", per_token[-1] / per_token[0], at_least=4)
expect("nats per character, 0 merges over 767", per_character[0] / per_character[-1], at_least=1.05)
expect("    counting over our GPT", per_character[-1] / gpt_per_character, at_least=1.04)

# %%
figure, (left, right) = plot.subplots(1, 2, figsize=(8.0, 2.9))
left.plot(tried, per_token, marker="o")
left.set(xlabel="merges", ylabel="perplexity per token", ylim=(0, None))
right.plot(tried, per_character, marker="o", label="counting")
star = {"marker": "*", "ms": 13, "ls": "", "color": plot.COLORS[3]}
right.plot([767], [gpt_per_character], label="our GPT", **star)
right.set(xlabel="merges", ylabel="nats per character", ylim=(0, 1.35))
right.legend(loc="lower left")
plot.show(figure)

# %% [markdown]
# *Figure. Left, per token, more merges look worse and worse. Right, per character, they are better. The star is our GPT, longer trained.*
# <details><summary>In words</summary>Left, perplexity per token rises from below 5 at 0 merges to above 20 at 767. Right, nats per
# character fall a little with the merges; the star of our GPT lies below the curve.</details><br>
#
# So compare perplexities only between models with the *same* tokens on the *same* text. For all others use nats (or bits) per character.
#
# ## The test, once
#
# Discount, length of the runs, and when to stop training were chosen on validation. Now the test files, opened for the first time.

# %%
unseen = stream(docs.arrays("test")[0].tolist())
means = {n: counting_surprise(unseen, n, best_discount).mean() for n in (1, 2, 3, best_order)}
on_test = {f"counting, runs of {n}": np.exp(mean) for n, mean in means.items()}
on_test["GPT"] = np.exp(train.evaluate(trained.model, cut(unseen, 256))["loss"])
figure, axes = plot.subplots(figsize=(6.8, 2.6))
bars = axes.barh(list(on_test), list(on_test.values()), color=[*["0.8"] * 4, "C0"], ec="black")
axes.bar_label(bars, fmt="%.0f", padding=3)
axes.invert_yaxis()
axes.set(xlabel="perplexity per token, test data", ylabel=" ", xscale="log", xlim=(10, 600))
axes.set_xticks([10, 20, 50, 100, 200, 500], [10, 20, 50, 100, 200, 500])
axes.minorticks_off()
plot.show(figure)
expect("test: trigram over the GPT", np.exp(means[3]) / on_test["GPT"], at_least=1.25)
lead = np.exp(means[best_order]) / on_test["GPT"]
expect("test: best counting over the GPT", lead, at_least=1.2)

# %% [markdown]
# *Figure. Perplexity on files that no model was trained on; grey: the models that count.*
# <details><summary>In words</summary>Five level bars on a logarithmic axis. Counting single tokens near 385, two tokens near 50,
# three 26, four 25; the GPT is shortest, near 20.</details><br>
#
# ## Writing: from a guess to a token
#
# The model gives 1,024 probabilities; a text needs *one* token. Always take the likeliest? That is **greedy** decoding. It is
# repeatable, and dull: it soon runs in circles. Draw by chance? Then now and then an odd token comes, and the text has to live with
# it. In between there are three knobs. They change the logits $z$ before the draw:
#
# $$p_v = \frac{e^{z_v/\tau}}{\sum_{u} e^{z_u/\tau}}$$
#
# * **temperature** $\tau$: below 1 the likely tokens gain, above 1 the unlikely ones; $\tau\to 0$ is greedy,
# * **top-k**: only the $k$ likeliest tokens stay,
# * **top-p**, or nucleus sampling: the likeliest tokens stay until together they reach the probability $p$: few where the model is sure,
#   many where it wavers.
#
# ### Exercise 3 · Top-p
#
# Write the third knob before you see it at work: `top_p(probabilities, p)`, from shape `(vocabulary,)` to the same shape. Keep the
# smallest set of the likeliest tokens that reaches the sum $p$, set the others to 0, and let the rest sum to 1 again. *Medium, eight
# minutes.*


# %%
def top_p(probabilities, p):
    ...


ch17.top_p.check(top_p)

# %%
def chances(logits, temperature=1.0, top_k=None):
    scores = logits / temperature
    least = np.sort(scores)[-top_k] if top_k else -np.inf
    return scratch.softmax(np.where(scores >= least, scores, -np.inf))


start = np.array([[END, *scratch.bpe_encode("The shape of the", merges)]])
logits = trained.model.predict(start, verbose=0)[0, -1].astype(float)  # (1024,)
for knobs in ({"temperature": 0.5}, {"top_k": 5}, {"temperature": 2.0, "top_k": 20}):
    theirs = scratch.sampling_probabilities(logits, **knobs)
    expect(f"bmkit.scratch, {knobs}", theirs, equals=chances(logits, **knobs), tolerance=1e-12)
top = functools.partial(scratch.sampling_probabilities, logits, top_p=0.6)
mass = chances(logits)[top() > 0]
expect("top-p 0.6 keeps", mass.sum(), at_least=0.6)
expect("    without its last token", mass.sum() - mass.min(), at_most=0.6)
wider = (top(temperature=2.0) > 0).sum() / (top(temperature=0.5) > 0).sum()
expect("top-p 0.6: tokens kept at temperature 2 over those at 0.5", wider, at_least=5)

# %%
likeliest = np.argsort(-logits)[:16]
labels = [[*names, "end"][token].replace(" ", "·") for token in likeliest]


def draw(temperature, top_k, top_p):
    panels = {"as guessed": {}, f"temperature {temperature}": {"temperature": temperature}}
    panels |= {f"top-k {top_k}": {"top_k": top_k}, f"top-p {top_p}": {"top_p": top_p}}
    figure, row = plot.subplots(1, 4, figsize=(8.8, 3.5), sharey=True, sharex=True)
    for axes, (name, knobs) in zip(row, panels.items()):
        after = scratch.sampling_probabilities(logits, **knobs)
        axes.barh(range(16), after[likeliest], color=plot.COLORS[0])
        axes.set(xlabel=f"probability\n({(after > 0).sum():,} tokens left)", ylabel=" ", title=name)
    row[0].set(yticks=range(16), yticklabels=labels, ylim=(15.6, -0.6))
    return figure


start_at, shares = {"temperature": 0.5, "top_k": 5, "top_p": 0.6}, [0.3, 0.6, 0.8, 0.9, 1.0]
warmth = [0.2, 0.5, 0.8, 1.0, 1.5, 2.0]
plot.explore(draw, start=start_at, temperature=warmth, top_k=[1, 2, 5, 10, 16], top_p=shares)

# %% [markdown]
# *Figure. One guess, what follows "The shape of the", as it is and under each knob: temperature sharpens, the other two cut the tail
# off. Below each, how many tokens can still be drawn.*
# <details><summary>In words</summary>Four charts of level bars for the 16 likeliest tokens. As guessed: a few long bars and a tail.
# Temperature 0.5: the first bars grow, the tail nearly vanishes, yet all 1,024 tokens have a chance. Top-k 5: five bars are left.
# Top-p 0.6: those that together reach 0.6.</details><br>
#
# Now let it write. `generate.generate` asks the question again and again, for any model that offers two functions; `CachedDecoder`
# offers them for our GPT, how, we shall see. What it writes differs from machine to machine, for a tiny difference in one probability
# can turn one token, and then all that follow. So the texts stand in "(here: …)", which is not compared. Round brackets show as
# square ones.

# %%
import textwrap

decoder = models.CachedDecoder(trained.model)
write = functools.partial(generate.generate, decoder.model_step, decoder.start_cache)
styles = {"greedy": {"temperature": 0}, "temperature 1": {}}
styles["temperature 1.7"] = {"temperature": 1.7}
styles["temperature 0.8, top-p 0.9"] = {"temperature": 0.8, "top_p": 0.9}
for name, knobs in styles.items():
    choose = functools.partial(generate.sample, random=np.random.default_rng(2), **knobs)
    new = write(start, 90, choose=choose, stop=END)[0]
    told = trained.tokenizer.decode(new[1:]).translate(str.maketrans("()", "[]"))
    print(textwrap.fill(f"{name} (here: {told})", 88), end="\n\n")
walk = write(np.array([[END]]), 250)[0]  # greedy, and not stopped at the end of a text
different = len({tuple(walk[place : place + 4]) for place in range(248)}) / 248
expect("greedy: runs of four tokens that differ (share)", different, at_most=0.8)

# %% [markdown]
# Read them as a critic. The words are right, the grammar mostly, the manner that of documentation. And yet hardly a sentence tells
# anything. The model knows how such texts *go*, not what a function *does*. Greedy text walks in circles, hot text falls apart.
#
# ## What was computed before need not be computed again
#
# To write token 257, the model reads 256 tokens. To write token 258, it reads 257 tokens, and 256 of them are the same as before. Have
# their numbers changed? No: a causal step looks back only, so nothing that comes later can change it. Of the earlier steps the new
# one needs their keys and values, and nothing else. So keep these: a **cache of keys and values**, KV cache for short. Then only the
# *new* token passes through the layers.
#
# Count multiply-adds for the token at place $t$, as in [chapter 15](15_attention.ipynb). In a block, one token passes $4d^2$ in
# attention and $8d^2$ in the dense layers, and each look at one token costs $2d$, score and mean:
#
# $$\text{with cache} = A + B\,t, \qquad \text{without} = A\,t + B\,t^2, \qquad A = 12\,L\,d^2 + V d, \quad B = 2\,L\,d$$
#
# * $L$ is the number of blocks, $d$ the width, $V$ the vocabulary,
# * $A$ is what one token costs in all layers, $B$ what one look costs; without a cache $t$ tokens pass, and each looks at $t$.
#
# ### Exercise 4 · Predict, then run
#
# **By what factor does the cache reduce the multiply-adds for token 256?** *Two minutes; expected: an integer.*

# %%
saving = ...
ch17.saving.check(saving)

# %%
import time

A, B, t = 12 * 4 * d**2 + V * d, 2 * 4 * d, np.arange(1, 257)
kernels = sum(np.prod(weight.shape) for weight in trained.model.weights if weight.name == "kernel")
expect("A: all kernels of the model together", int(kernels), equals=A)
whole = 4 * (scratch.attention_multiply_adds(256, d) + 8 * 256 * d**2) + 256 * V * d
expect("without cache, token 256, bmkit.scratch", A * 256 + B * 256**2, equals=whole)


def noted(logits):  # the likeliest token, and when it came
    stamps[cache].append(time.perf_counter())
    return logits.argmax(axis=-1)


plain, stamps = {}, {}
for cache in (True, False):
    stamps[cache] = [time.perf_counter()]
    plain[cache] = write(start[:, :1], 256, choose=noted, cache=cache)
expect("greedy texts with and without cache", plain[True], equals=plain[False])

# %%
figure, (left, right) = plot.subplots(1, 2, figsize=(8.4, 3.0))
left.semilogy(t, (A * t + B * t**2) / 1e6, label="without cache")
left.semilogy(t, (A + B * t) / 1e6, label="with cache")
left.set(xlabel="token", ylabel="multiply-adds (millions)", title="counted")
left.legend()
taken = {cache: 1000 * np.diff(stamps[cache]).reshape(16, 16) for cache in stamps}  # ms
spent = {cache: np.median(times, axis=1) for cache, times in taken.items()}  # of 16 tokens
for cache, marker in ((False, "o"), (True, "s")):
    right.plot(t[8::16], spent[cache], marker=marker, ms=4)
right.set(xlabel="token", ylabel="time (ms)", title="measured, here", ylim=(0, None))
plot.show(figure)
faster = spent[False][-1] / spent[True][-1]
print(f"with the cache, token 256 came sooner by a factor (here: {faster:.1f})")

# %% [markdown]
# *Figure. Left, counted: the cache saves the factor t at token t. Right, measured: the time without a cache grows with the length,
# with it it stays nearly level.*
# <details><summary>In words</summary>Left, two curves on a logarithmic axis: without cache rising from 1 million to 300 million, with
# cache nearly level at 1 million. Right, times: without cache rising with the token, with cache low and level.</details><br>
#
# The count says 256, the clock says a few. For one token of so small a model, the products are not what takes the time: starting a few
# hundred operations is. The larger the model, the nearer the clock comes to the count. The price is memory: keys and values of every
# layer for every token, $2Ld$ numbers each.
#
# ## The same lines, a real model
#
# Does this scale? **SmolLM2** has the same plan: byte pairs, causal blocks, rotary positions, a cache. It has 30 blocks of width 576,
# 49,152 tokens, 134.5 million parameters, and it read about two trillion tokens, three million times as much as ours.
# `generate.generate` is the same.
#
# And who is less surprised by docstrings? The tokens differ, so only nats per character will do. We take eight test docstrings of middle
# length, and give each model the end of a text before the first token, as in its training.

# %%
smol = pretrained.load("smollm2")
prompt = smol.tokenizer.encode("The capital of France is")
new = generate.generate(smol.step, smol.start_cache, np.array(prompt), 8)[len(prompt) :]
answer = smol.tokenizer.decode(new)
expect("the greedy answer begins with ' Paris'", answer.startswith(" Paris"), equals=True)
told = answer.strip().translate(str.maketrans("\n()", " []"))
print(f"The capital of France is (here: {told})")

# %%
def text_surprise(logits, tokens):  # nats of a whole text; row t of the logits guesses token t + 1
    guesses = scratch.log_softmax(np.asarray(logits, float))[:-1]
    return -guesses[np.arange(len(tokens) - 1), tokens[1:]].sum()


some = [row for row in docs.arrays("test")[0] if 400 <= len(row) <= 650][:8]
per_letter = {"our GPT": [], "SmolLM2": []}
for row in some:
    mine, its = ([END, *scratch.bpe_encode(row, merges)], [0, *smol.tokenizer.encode(row)])
    logits_of = {"our GPT": (trained.model.predict(np.array([mine]), verbose=0)[0], mine)}
    logits_of["SmolLM2"] = smol.logits([its])[0], its
    for name, (scores, tokens) in logits_of.items():
        per_letter[name].append(text_surprise(scores, tokens) / len(row))
ours, theirs = (np.array(nats) for nats in per_letter.values())
expect("nats per character, our GPT", ours.mean(), at_least=0.85, at_most=1.1)
expect("    over SmolLM2", ours.mean() / theirs.mean(), at_least=1.1, at_most=1.6)
expect("docstrings that surprise SmolLM2 less", (theirs < ours).sum(), at_least=7)

# %% [markdown]
# SmolLM2 wins, as it should. But look how *little* a hundredfold of parameters and a millionfold of text gain on this narrow field:
# who has read nothing but docstrings is good at docstrings, and at nothing else. Ask ours for the capital of France.
#
# And an honest doubt: SmolLM2 read much of the public code of the world, so it has probably read these very docstrings. They are held
# out for our model, not for it. For any large model this is the first question to ask of a test: **was it in the training text?**
#
# ## Does it write, or does it copy?
#
# A model with a million parameters could know its text by heart. We count how many runs of $k$ tokens in a text stand word for word in
# the training text, for growing $k$. A number alone says little, so we compare: our GPT at temperature 1 and at 0.7, the counting
# model (it offers the same two functions, so the same code writes with it), and *people*, that is, the validation docstrings.

# %%
def count_step(tokens, memory, position):  # the memory is what was read so far
    seen = tokens if memory is None else np.concatenate([memory, tokens], axis=1)
    context = np.pad(seen, ((0, 0), (3, 0)), constant_values=END)[:, -3:]  # (batch, 3)
    runs = np.column_stack([np.repeat(context, V, axis=0), np.tile(np.arange(V), len(context))])
    guesses = scratch.ngram_probabilities(runs, tables[:4], V, discount=best_discount)
    return np.log(guesses).reshape(len(context), 1, V), seen


writers = {"GPT, temperature 1": (write, 1.0), "GPT, temperature 0.7": (write, 0.7)}
counter = functools.partial(generate.generate, count_step, lambda batch, length: None)
writers["counting"] = counter, 1.0
written = {"people": streams["validation"]}
for name, (writer, temperature) in writers.items():
    chance = {"temperature": temperature, "random": np.random.default_rng(0)}
    choose = functools.partial(generate.sample, **chance)
    written[name] = writer(np.full((24, 1), END), 120, choose=choose)[:, 1:].ravel()

# %%
lengths = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48]
found = scratch.copied_shares([*written.values()], streams["train"], lengths)
copied = dict(zip(written, found))
figure, axes = plot.subplots(figsize=(7.4, 3.2))
for name, marker in zip(copied, plot.MARKERS):
    axes.semilogx(lengths, copied[name], marker=marker, label=name)
axes.set(xlabel="length of the run (tokens)", ylabel="share found in training", yscale="log")
axes.set(xticks=lengths, xticklabels=lengths, ylim=(5e-4, 1.5))
axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize=9)
axes.minorticks_off()
plot.show(figure)
expect("runs of 16, people", copied["people"][7], at_least=0.03)
expect("    GPT at temperature 1", copied["GPT, temperature 1"][7], at_most=0.01)
more = copied["counting"][4] - copied["GPT, temperature 1"][4]
expect("runs of 6, counting more than GPT by", more, at_least=0.1)

# %% [markdown]
# *Figure. How many runs of a text stand in the training text, by their length. People repeat themselves over dozens of tokens; the
# GPT hardly over twelve.*
# <details><summary>In words</summary>Four falling curves over lengths from 1 to 48. At 4 tokens the counting model is highest and the
# GPT at temperature 1 lowest. From 8 tokens on people are highest, with a tail that reaches beyond 24; the others are near zero
# there.</details><br>
#
# A surprise: it is *people* who copy most. The same passage stands in many functions, word for word, in files of all three splits.
# Our GPT is too small and read too briefly to know such passages by heart; the counting model glues four-token pieces together.
# Larger models, trained longer on text that repeats itself, do learn whole pages by heart, private ones among them (Carlini and
# others, 2021). So ask the question of *your* model, and with a comparison, as here.
#
# ## What it cannot do
#
# * It continues. It has no aim, no facts to look up and no notion of true and false; a likely sentence is not a true one.
# * It sees at most what its window holds. We trained on 256 tokens; what lies further back does not exist for it.
# * A low perplexity means text of *this* kind is no surprise. It says nothing about answers being right or harmless.
# * To follow an instruction, as SmolLM2-Instruct does, a second training on questions with answers is needed (chapter 44).
#
# ## Summary
#
# * Byte-pair encoding joins the commonest neighbours again and again; ours learned the merges of the `tokenizers` library.
# * A decoder with a causal mask answers one question at every position at once: what comes next? The text is its own answer key.
# * Perplexity is $e$ to the mean surprise. Compare it on equal tokens only; else take nats per character.
# * Counting with good smoothing is a strong rival: 100 batches do not reach it, a quarter of an hour beats it by a clear margin.
# * Temperature reshapes a guess, top-k and top-p cut its tail off. A cache of keys and values saves the factor $t$ in products at
#   token $t$.
# * Before you admire a text or a score, ask what was in the training text.
#
# **Ask yourself**
#
# <details><summary>Your colleague's model has perplexity 12, yours 30, on the same text. Who is better?</summary>Nobody can tell
# before you know the tokens. With 2 characters a token against 4 the nats per character are ln 12 / 2 = 1.24 and ln 30 / 4 = 0.85:
# yours.</details>
# <details><summary>Why does a BERT, whose every step sees both sides, not need a cache of keys and values, and could not use
# one?</summary>It reads a whole text once and does not append to it. And in it a new token would change all earlier steps, so nothing
# old could be kept.</details>
# <details><summary>Greedy takes the likeliest token each time. Is the text the likeliest text?</summary>No. A less likely first token
# may open the way to a far likelier rest. Beam search keeps several beginnings (chapter 20), and even the likeliest text is often a
# dull one.</details><br>
#
# **Next** [18 · BERT](18_bert.ipynb) lets every step see both sides, hides words instead, and is tuned to classify.
#
# **References**
#
# * R. Sennrich, B. Haddow, A. Birch (2016), Neural machine translation of rare words with subword units.
#   [ACL](https://aclanthology.org/P16-1162/)
# * H. Ney, U. Essen, R. Kneser (1994), On structuring probabilistic dependences in stochastic language modelling.
#   [doi](https://doi.org/10.1006/csla.1994.1001)
# * A. Radford et al. (2019), Language models are unsupervised multitask learners.
#   [PDF](https://cdn.openai.com/better-language-models/language_models_are_unsupervised_multitask_learners.pdf)
# * A. Holtzman et al. (2020), The curious case of neural text degeneration. [arXiv](https://arxiv.org/abs/1904.09751)
# * R. Pope et al. (2022), Efficiently scaling transformer inference. [arXiv](https://arxiv.org/abs/2211.05102)
# * N. Carlini et al. (2021), Extracting training data from large language models. [arXiv](https://arxiv.org/abs/2012.07805)
# * L. Ben Allal et al. (2025), SmolLM2: when Smol goes big. [arXiv](https://arxiv.org/abs/2502.02737)
