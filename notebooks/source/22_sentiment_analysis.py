# %% [markdown]
# # 22 · Sentiment analysis
#
# **After this you can** build a reader of opinions from counts of words, from an embedding or from a pretrained encoder, compute the measures of the field by hand, judge a language without one label in it, tell whether a probability means what it says and mend it by temperature scaling, probe a reader for negation and for a new domain, and ship it in one file
#
# **Time** 50 min to read, 90 min to teach, 40 s to run
#
# **Before** [13 · Recurrent networks for text](13_rnn_text.ipynb), [18 · BERT](18_bert.ipynb)
#
# **Data** small_fine_foods (4,969 English reviews, MIT), chinese_reviews (16,815 Chinese reviews; optional: load, do not redistribute), weights of multilingual-e5-small (MIT)

# %%
from bmkit import data, demo, plot, pretrained, scratch, ship, train
from bmkit.check import expect
from bmkit.exercises import ch22
import keras
import numpy as np
random = train.seed(0)

# %% [markdown]
# ## Ten thousand opinions, one reader
#
# A hotel gets a hundred reviews a day, in several languages. Nobody reads them all, and the one that says *there was mould in the bathroom*
# should not wait. **Sentiment analysis** asks of each text: is its writer content or not?
#
# What does an error cost? A complaint taken for praise is not read, and the guest is lost. Praise taken for a complaint costs a minute of
# somebody's time. The two are not equal, and where to draw the line depends on the cost of each (below we draw it). For that a bare *yes* or *no* is useless: we need a
# **probability** that means what it says. Of the texts with a probability of 0.8, eight in ten should be praise. Whether that holds is half of this chapter.
#
# ### The data
#
# We read two sets: English reviews of food, *five stars* or *fewer* ([chapter 13](13_rnn_text.ipynb)), and Chinese reviews of hotels, books and
# computers, *positive* or *negative*.

# %%
import re

PARTS = ("train", "validation", "test")
foods = data.load("small_fine_foods")
mixed = data.load("chinese_reviews")
english = {}
chinese = {}
liked = {}  # labels of the English reviews
praised = {}  # labels of the Chinese ones
for part in PARTS:
    texts, liked[part] = foods.arrays(part)
    english[part] = [re.sub(r"<[^>]*>", " ", text) for text in texts]
    chinese[part], praised[part] = mixed.arrays(part)
    counts = f"{len(liked[part]):6,} English {len(praised[part]):7,} Chinese"
    print(f"{part:11}{counts}")
for row in (3, 5):
    print(liked["train"][row], "·", english["train"][row][:84])
    print(praised["train"][row], "·", chinese["train"][row][:24])

# %% [markdown]
# Both sets have defects that you should know before you believe any number:
#
# * *Fewer than five stars* is not *bad*: a review of four stars may be full of praise.
# * Long Chinese reviews were cut into lines, and each line got the label of the whole. *The net is too slow* may stand under *positive*.
# * So pieces of one review, of one hotel by one writer, can stand in the training *and* in the test lines. We cannot tell which belong together, and all readers profit from it, perhaps most those with many lines.
# * As published, half of the Chinese lines repeat another line.
#
# ### What repeated lines do
#
# The last defect is the worst. `chinese_reviews_raw` is the set as it was published, split at random. A reader that understands
# nothing and only *remembers* is enough: if the line stands in the training set, it repeats the label, else it gives the more frequent one.


# %%
def remembered(known, known_labels, asked, labels):
    memory = dict(zip(known, known_labels))
    usual = np.median(known_labels)
    answers = [memory.get(text, usual) for text in asked]
    return np.mean(np.array(answers) == labels)


as_published = data.load("chinese_reviews_raw")
raw = {part: as_published.arrays(part) for part in ("train", "test")}
share = remembered(*raw["train"], *raw["test"])
expect("remembered, as published", share, at_least=0.9)
known = (chinese["train"], praised["train"])
share = remembered(*known, chinese["test"], praised["test"])
expect("remembered, no repeats", share, at_most=0.55)

# %% [markdown]
# More than nine in ten right, without understanding a word; and about half once the repeated lines are out. This is **data leakage**
# ([chapter 07](07_cross_validation.ipynb)), and with a real model it looks like skill. Further down we let one count the cost. From here on we use the set without repeats, and
# the rule is: *remove duplicates before you split*.
#
# ### Exercise 1 · Change the experiment
#
# What counts as a repeat? `chinese_reviews` calls two lines the same if they share 20 signs in a row. Suppose we were stricter: two lines that *begin* with the
# same $k$ signs are the same. **Which share of its 1,000 test lines has a twin in the training set for $k = 5$?** Set `twins` to the measured share. *Easy, three minutes; expected: a number.*


# %%
def share_of_twins(signs):
    beginnings = {text[:signs] for text in chinese["train"]}
    found = [text[:signs] in beginnings for text in chinese["test"]]
    return np.mean(found)


expect("twins by the first 20 signs", share_of_twins(20), at_most=0.02)
twins = ...
ch22.twins.check(twins)

# %% [markdown]
# ## Three measures
#
# A reader gives each text a probability $p$, and its **verdict** is *positive* if $p > 0.5$. Three numbers say how good it is:
#
# * **accuracy**, the share of right verdicts;
# * **macro-F1**: for each class the $F_1$, which is twice the right verdicts over all that were given plus all that should have been given, and then the mean over both classes. A rare class
#   counts as much as a frequent one;
# * **ROC AUC**, the area under the *ROC curve* ([chapter 08](08_data_preprocessing.ipynb)): the chance that a positive text has a higher $p$ than a negative one. It needs no
#   threshold:
#
# $$F_1^{(k)} = \frac{2\,\#(\hat y = k \wedge y = k)}{\#(\hat y = k) + \#(y = k)}, \qquad \mathrm{AUC} = \frac{1}{n_1 n_0}\sum_{i:\,y_i=1}\ \sum_{j:\,y_j=0}\Big([p_i > p_j] + \tfrac12 [p_i = p_j]\Big)$$
#
# Here $n_1$ and $n_0$ count the positive and the negative texts, and a pair with equal $p$ counts one half.
#
# The oldest reader is a list of words: the **balance** of a text is the number of its good words minus that of its bad ones. Nothing is learned but what one word more is worth and where the line lies, $p = \sigma(a \cdot \text{balance} + b)$, with two numbers fitted on the training reviews. We use
# it as the first baseline, and to hold our measures against those of scikit-learn.


# %%
def accuracy(labels, p):
    return np.mean((p > 0.5) == labels)


def macro_f1(labels, p):
    verdicts = p > 0.5
    found = []
    for kind in (0, 1):
        right = np.sum((verdicts == kind) & (labels == kind))
        given = np.sum(verdicts == kind)
        wanted = np.sum(labels == kind)
        found.append(2 * right / (given + wanted))
    return np.mean(found)


def roc_auc(labels, p):
    above = p[labels == 1][:, np.newaxis] - p[labels == 0]  # (n1, n0)
    return np.mean(above > 0) + np.mean(above == 0) / 2


# %%
from sklearn import metrics
from sklearn.linear_model import LogisticRegression

good_words = "good great best love delicious excellent perfect favorite tasty"
bad_words = "bad worst not disappointed terrible awful stale waste horrible"


def balance(texts):  # (n, 1)
    worth = dict.fromkeys(good_words.split(), 1) | dict.fromkeys(bad_words.split(), -1)
    found = []
    for text in texts:
        words = re.findall(r"\w+", text.lower())
        found.append([sum(worth.get(word, 0) for word in words)])
    return np.array(found)


def by_list(texts):
    return line.predict_proba(balance(texts))[:, 1]


line = LogisticRegression().fit(balance(english["train"]), liked["train"])
labels = liked["validation"]
p = by_list(english["validation"])
theirs = metrics.f1_score(labels, p > 0.5, average="macro")
expect("macro-F1 of scikit-learn", macro_f1(labels, p), equals=theirs, tolerance=1e-9)
theirs = metrics.roc_auc_score(labels, p)
expect("ROC AUC of scikit-learn", roc_auc(labels, p), equals=theirs, tolerance=1e-9)

# %% [markdown]
# ## Counting words and pairs
#
# The list becomes a model as soon as the *data* say how much each word weighs. A text becomes a **bag of words** ([chapter 06](06_regularization.ipynb)): how often does each word occur, in any order? With
# pairs of neighbours as well, **bigrams**, *not good* is a feature of its own. Each text is then a long vector $x$, one number for each **n-gram** of the vocabulary, and **logistic
# regression** gives the probability:
#
# $$p = \sigma(w^\top x + b), \qquad \sigma(z) = \frac{1}{1+e^{-z}}$$
#
# Here $w$ holds one weight for each n-gram and $z = w^\top x + b$ is the **logit**.
#
# Four refinements make it a strong rival, and all are old (Pang and others, 2002, began with less). A second *good* in a text says less than the first: take $1 + \ln(\text{count})$. An n-gram that stands in many texts says
# little: multiply by its rarity (**TF-IDF**, [chapter 03](03_language_vision_speech.ipynb); in scikit-learn the factor is 1 for an n-gram of every text and larger for all others). Long texts should not count for more: scale each $x$ to length 1. And the weights are held small by a penalty: what is minimised is $\frac12\|w\|^2 + C \sum_i \mathcal{L}_i$, with $\mathcal{L}_i$ the **cross-entropy** of a text, $-\ln$ of the probability that was given to its
# class (this solver adds $\frac12 b^2$ to the penalty). The length of the n-grams and $C$ are chosen on the validation reviews, by the cross-entropy as well, because we want probabilities and not only verdicts. We let $C$ grow from 1 until that gets no better.

# %%
from sklearn.feature_extraction.text import TfidfVectorizer


def tuned(count, texts, labels, others, other_labels):
    x = count.fit_transform(texts)
    fresh = count.transform(others)
    best = np.inf
    for strength in (1, 3, 10, 30, 100, 300, 1000):
        model = LogisticRegression(C=strength, solver="liblinear")
        model.fit(x, labels)
        found = metrics.log_loss(other_labels, model.predict_proba(fresh))
        if found >= best:
            break
        best = found
        chosen = model
    return best, count, chosen


# %%
known = (english["train"], liked["train"])
fresh = (english["validation"], liked["validation"])
best = np.inf
for n in (1, 2):
    count = TfidfVectorizer(ngram_range=(1, n), min_df=2, sublinear_tf=True)
    found, count, model = tuned(count, *known, *fresh)
    if found < best:
        best = found
        longest = n
        count_english = count
        words_model = model


def by_words(texts):
    return words_model.predict_proba(count_english.transform(texts))[:, 1]


expect("longest n-gram that was chosen", longest, equals=2)
weights = words_model.coef_[0]
order = np.argsort(weights)
ends = np.concatenate([order[:12], order[-12:]])
grams = count_english.get_feature_names_out()[ends]
expect("against five stars: not", "not" in grams[:12], equals=True)
expect("for five stars: great, best", {"great", "best"} <= {*grams[12:]}, equals=True)

# %%
figure, axes = plot.subplots(figsize=(8.4, 3.2))
colors = [plot.COLORS[3]] * 12 + [plot.COLORS[0]] * 12
axes.bar(range(24), weights[ends], color=colors, edgecolor="black")
axes.set_xticks(range(24), grams, rotation=60, ha="right", fontsize=9)
axes.set(xlabel="n-gram", ylabel="weight")
axes.axhline(0, color="black", lw=0.8)
plot.show(figure)

# %% [markdown]
# *Figure. The twelve n-grams that speak most against five stars, and the twelve that speak most for them.*
# <details><summary>In words</summary>Twenty-four bars in order. From the left, orange bars below zero: not is by far the longest, then but, bad, guess, disappointed, would not, and others about half as long. From the middle, blue bars above zero that grow to the right: wonderful, highly, and, perfect, … the best, excellent, best, delicious, great, and love at the end.</details><br>
#
# No one wrote this list; the reviews did. Remember *not* on the left: by itself it is a *bad* word. What will such a reader make of *not bad*?
#
# ## A network of our own
#
# A bag of words has one weight for each n-gram. A network gives each n-gram a *vector* $e_g$ and takes the mean over the text; a dense layer reads it. This is **fastText** (Joulin and others, 2016), and
# in Keras it is four lines:
#
# $$z = v^\top \Big(\frac{1}{|G|}\sum_{g \in G} e_g\Big) + b, \qquad \mathcal{L} = -\big(y \ln \sigma(z) + (1-y) \ln (1-\sigma(z))\big)$$
#
# * $G$ holds the words and pairs of the text, at most 300 of them; padding is masked, so the mean runs over real n-grams only,
# * $e_g$ and $v$ have 16 numbers each, learned together with $b$.
#
# The last layer gives the logit, without a sigmoid; the loss is told so.

# %%
encode = keras.layers.TextVectorization(20_000, ngrams=2, output_sequence_length=300)
encode.adapt(english["train"])
tokens = {}
for part in PARTS:
    tokens[part] = np.asarray(encode(np.array(english[part], dtype=object)))


def pooled_reader(vocabulary, width):
    numbers = keras.Input((None,), dtype="int32")  # (batch, n-grams)
    vectors = keras.layers.Embedding(vocabulary, width, mask_zero=True)(numbers)
    mean = keras.layers.GlobalAveragePooling1D()(vectors)  # (batch, width)
    mean = keras.layers.Dropout(0.3)(mean)
    return keras.Model(numbers, keras.layers.Dense(1)(mean))  # logits (batch, 1)


def by_network(texts):
    numbers = np.asarray(encode(np.array(texts, dtype=object)))
    logits = network.predict(numbers, verbose=0)
    return scratch.sigmoid(logits[:, 0].astype(float))


network = pooled_reader(20_000, 16)
by_logits = keras.losses.BinaryCrossentropy(from_logits=True)
network.compile(keras.optimizers.Adam(0.01), by_logits)
fresh = (tokens["validation"], liked["validation"])
history = train.fit(network, (tokens["train"], liked["train"]), fresh, epochs=4)

# %% [markdown]
# `train.fit` keeps the weights of the epoch with the lowest validation loss. Further epochs would make the training reviews ever more certain, and new ones worse: **overfitting** ([chapter 06](06_regularization.ipynb)).
#
# ## A hundred labels
#
# Now to Chinese, and to a harder question: what if there are only *a hundred* labels? Somebody has to read each text to label it, so a hundred is what a small firm has.
#
# Chinese is written without spaces, so the strongest simple features are **character n-grams**: single signs and pairs. No cutting into words is needed, and 不好 (*not good*) is a feature of its own. To be generous, this rival
# may choose its $C$ on 1,000 further labelled lines, whatever it was trained on. It learns from 100, 300 and 6,400 lines, drawn blindly, as they would come to the firm.
#
# Then the cost of repeats for a real model, as promised. One reader learns from 3,000 lines *as published*; some of the published test lines stand among them word for word. A second reader learns from 3,000 published lines among which they do *not* stand. We ask both the *same* test lines.


# %%
def by_signs(texts, labels, others=(chinese["validation"], praised["validation"])):
    count = TfidfVectorizer(analyzer="char", ngram_range=(1, 2), sublinear_tf=True)
    _, count, model = tuned(count, texts, labels, *others)
    return count, model


def chances(reader, texts):
    count, model = reader
    return model.predict_proba(count.transform(texts))[:, 1]


drawn = random.permutation(len(praised["train"]))  # blindly: no label is looked at
sizes = (100, 300, 6400)
readers = {}
for size in sizes:
    rows = drawn[:size]
    readers[size] = by_signs(chinese["train"][rows], praised["train"][rows])
strengths = [model.C for _, model in readers.values()]
expect("least C of the signs", min(strengths), at_least=3)
expect("largest", max(strengths), at_most=300)

# %%
raw_texts, raw_labels = raw["train"]
asked, asked_labels = raw["test"]


def right_after(rows):  # learned from these: which test lines are right?
    reader = by_signs(raw_texts[rows], raw_labels[rows])
    return (chances(reader, asked) > 0.5) == asked_labels


first = np.arange(3000)
seen = np.isin(asked, raw_texts[first])
apart = np.flatnonzero(~np.isin(raw_texts, asked[seen]))
careless = right_after(first)
careful = right_after(apart[:3000])
print("test lines that were seen:", np.sum(seen))
share = np.mean(careless[seen])
expect("seen lines right, by the careless reader", share, at_least=0.95)
gap = share - np.mean(careful[seen])
expect("    over the careful one", gap, at_least=0.1)

# %% [markdown]
# ### An encoder that has read a hundred languages
#
# **multilingual-e5-small** is a BERT ([chapter 18](18_bert.ipynb)) of 12 blocks. It was trained on a billion pairs of texts that belong together, in about a hundred languages, until both had similar vectors; also
# pairs across languages. For us it is a fixed function: a text goes in, 384 numbers come out. All that learns is one dense layer behind it, the **head**.
#
# One detail: the vectors of one language may share a common part that says only which language it is. So we subtract from each vector the mean of *its language*, taken over training texts that were drawn blindly; that needs texts
# but no labels. Then each of the 384 numbers is divided by its standard deviation. The way of $n$ texts to probabilities:
#
# ```text
# n texts → e5 → (n, 384) → − mean of the language, ÷ spread → (n, 384) → Dense(1) → logits (n, 1) → σ → p (n, 1)
# ```
#
# The head is logistic regression again, here as a Keras layer. Its penalty $\frac12\|w\|^2 + C \sum_i \mathcal{L}_i$ is, divided by $C n$, the mean loss plus $\frac{1}{2Cn}\|w\|^2$, which Keras calls an L2 regularizer. How strong should it be? With a hundred labels there are none to spare for validation.
# **Cross-validation** ([chapter 07](07_cross_validation.ipynb)) uses each label twice: five times we train on four fifths and ask for the other fifth.
# So each text gets a logit from a head that has not seen its label, an **out-of-fold** logit. For these many small trainings we take scikit-learn's solver, and check that it finds the same head as Keras.
#
# To save time the encoder reads the first 48 tokens of a text, which cuts many English reviews short, and we test on the first 400 Chinese and 200 English test texts. It also gets 100 *English* labels: we shall see why. And because *which* hundred were labelled is a matter of luck, we draw three Chinese hundreds; the first makes
# the heads below, and the main comparisons use all three. Together they are 300 labels, which shows what more of them bring.

# %%
e5 = pretrained.load("multilingual_e5")
TEST = 400
EN_TEST = 200
rows = drawn[:300]
test_texts = list(chinese["test"][:TEST])
truth = praised["test"][:TEST]
drawn_english = random.permutation(len(liked["train"]))[:100]
to_read = {"Chinese": list(chinese["train"][rows]), "Chinese test": test_texts}
to_read["English"] = [english["train"][row] for row in drawn_english]
to_read["English test"] = english["test"][:EN_TEST]
vectors = {}
for name, texts in to_read.items():
    vectors[name] = e5.encode(texts, length=48)
y_chinese = praised["train"][rows]
y_english = liked["train"][drawn_english]
expect("numbers a text", vectors["Chinese"].shape[1], equals=384)

# %%
import tensorflow as tf

centres = {name: vectors[name].mean(axis=0) for name in ("Chinese", "English")}


def features(encoded, language, like):  # (n, 384), centred and scaled
    scale = np.std(vectors[like], axis=0)
    return (encoded - centres[language]) / scale


def trained_head(x, labels, strength):
    penalty = keras.regularizers.L2(1 / (2 * strength * len(x)))
    layer = keras.layers.Dense(1, kernel_regularizer=penalty)
    head = keras.Sequential([keras.Input((384,)), layer])
    rate = keras.optimizers.schedules.CosineDecay(0.02, 400)
    head.compile(keras.optimizers.Adam(rate), by_logits)
    lesson = tf.data.Dataset.from_tensors((x, labels)).repeat(400)  # all rows at once
    train.fit(head, lesson, epochs=1)
    return head


# %%
from sklearn.model_selection import StratifiedKFold, cross_val_predict

folds = StratifiedKFold(5, shuffle=True, random_state=0)


def out_of_fold(x, labels, strength):
    model = LogisticRegression(C=strength, max_iter=2000)
    found = cross_val_predict(model, x, labels, cv=folds, method="decision_function")
    return found.astype(float)


def surprise(labels, logits):  # mean cross-entropy, nats
    return np.mean(np.logaddexp(0, logits) - labels * logits)


def best_strength(x, labels):
    found = {}
    for strength in (0.001, 0.003, 0.01, 0.03, 0.1, 0.3):
        found[strength] = surprise(labels, out_of_fold(x, labels, strength))
    return min(found, key=found.get)


def tuned_head(x, labels):  # and its out-of-fold logits
    strength = best_strength(x, labels)
    model = LogisticRegression(C=strength, max_iter=2000).fit(x, labels)
    return model, out_of_fold(x, labels, strength)


# %%
x_chinese = features(vectors["Chinese"], "Chinese", "Chinese")  # (300, 384)
x_test = features(vectors["Chinese test"], "Chinese", "Chinese")
x = x_chinese[:100]
y = y_chinese[:100]
heads = {"e5, 100 Chinese labels": tuned_head(x, y)}
heads["e5, 300 Chinese labels"] = tuned_head(x_chinese, y_chinese)
by_encoder = {}
for name, (model, _) in heads.items():
    by_encoder[name] = model.predict_proba(x_test)[:, 1]
model, _ = heads["e5, 100 Chinese labels"]
in_keras = trained_head(x, y, model.C)
logits = in_keras.predict(x_test, verbose=0)[:, 0].astype(float)
theirs = by_encoder["e5, 100 Chinese labels"]
expect("Keras, scikit-learn", scratch.sigmoid(logits), equals=theirs, tolerance=0.03)

# %% [markdown]
# ### Not one Chinese label
#
# If the encoder puts *delicious* and 好吃 near each other, a head that has learned from English reviews can judge Chinese ones. We train one on the 100 English labels alone. Then it meets Chinese, hotels, books and computers for the first time: of Chinese it gets 300 lines without labels. Their mean is the centre. And because two thirds of the English reviews are praise, the head expects as much of the Chinese ones; so we subtract from its logits the median of those 300, as if half of them were praise. That is a guess about the share and not a label. A last head learns from 100 labels of *each* language, and it will read for you below.

# %%
x_english = features(vectors["English"], "English", "English")
model, held_out = tuned_head(x_english, y_english)
heads["e5, 100 English labels"] = (model, held_out)
x = features(vectors["Chinese test"], "Chinese", "English")
unlabelled = features(vectors["Chinese"], "Chinese", "English")
middle = np.median(model.decision_function(unlabelled))
p = scratch.sigmoid(model.decision_function(x) - middle)
by_encoder["e5, 100 English labels"] = p
expect("English labels, Chinese test, AUC", roc_auc(truth, p), at_least=0.7)
expect("    accuracy", accuracy(truth, p), at_least=0.65)
x = features(vectors["English test"], "English", "English")
english_by_e5 = {"EN: e5, 100 English labels": model.predict_proba(x)[:, 1]}
x = features(vectors["English"], "English", "Chinese")
x_both = np.concatenate([x_chinese[:100], x])  # (200, 384)
y_both = np.concatenate([y_chinese[:100], y_english])
heads["e5, both"] = tuned_head(x_both, y_both)


def logits_of(encoded, language):
    head, _ = heads["e5, both"]
    return head.decision_function(features(encoded, language, "Chinese"))


# %% [markdown]
# ## Does 0.8 mean 0.8?
#
# A reader is **calibrated** if, among all texts with a probability near $p$, a share $p$ is positive. To see it, sort the texts into ten bins by their $p$ and compare in each bin what was *said*, the mean $p$, with what *came*, the
# share of positive texts. The picture of it is a **reliability diagram**, and the mean distance, weighted by how many texts a bin holds, is the **expected calibration error**:
#
# $$\mathrm{ECE} = \sum_{k=1}^{10} \frac{n_k}{n}\,\big|\,\text{said}_k - \text{came}_k\,\big|$$
#
# (For many classes one bins the probability of the *verdict* against its accuracy, as Guo and others (2017) do; that gives another number. With two classes we can ask about *positive* itself.)


# %%
from sklearn.calibration import calibration_curve


def reliability(labels, p, bins=10):
    place = np.minimum((p * bins).astype(int), bins - 1)
    counts = np.bincount(place, minlength=bins)
    filled = np.maximum(counts, 1)  # an empty bin is not divided by 0
    said = np.bincount(place, p, bins) / filled
    came = np.bincount(place, labels, bins) / filled
    return counts, said, came


def calibration_error(labels, p):
    counts, said, came = reliability(labels, p)
    return np.sum(counts * np.abs(said - came)) / len(labels)


p = by_words(english["validation"])
counts, said, came = reliability(labels, p)
their_came, their_said = calibration_curve(labels, p, n_bins=10)
shares = counts[counts > 0] / len(labels)
theirs = np.sum(shares * np.abs(their_said - their_came))
ours = calibration_error(labels, p)
expect("ECE from their curve", ours, equals=theirs, tolerance=1e-9)
theirs = scratch.expected_calibration_error(labels, p)
expect("bmkit.scratch", ours, equals=theirs, tolerance=1e-9)

# %% [markdown]
# ### A head that is too sure of itself
#
# Suppose we had not tuned the penalty, as one does who trains a dense layer in Keras and thinks no more of it. 384 numbers can tell any hundred texts apart, so the logits grow as long as training goes on. We train such a head on each of the three hundreds, with a penalty that is next to nothing, and call it *no penalty*.
#
# ### One number mends it: temperature scaling
#
# The *order* of its probabilities may be good; they are only too extreme. So divide all logits by one number $T$, the **temperature** (Guo and others, 2017): $p = \sigma(z/T)$. $T > 1$ pulls all $p$ towards one half. We choose $T$ so that the cross-entropy on texts that the
# head did not learn from is least. With $\beta = 1/T$ the loss and its derivative are
#
# $$\mathcal{L}(\beta) = \frac1n\sum_i \Big(\ln\big(1 + e^{\beta z_i}\big) - y_i\,\beta z_i\Big), \qquad \frac{d\mathcal{L}}{d\beta} = \frac1n\sum_i \big(\sigma(\beta z_i) - y_i\big)\, z_i$$
#
# The second derivative is the mean of $\sigma(\beta z_i)\big(1-\sigma(\beta z_i)\big) z_i^2$, never negative. So the derivative rises and is zero at one place at most, and **bisection** finds it: halve the interval, keep the half in which the sign changes.


# %%
def derivative(beta, labels, logits):
    return np.mean((scratch.sigmoid(beta * logits) - labels) * logits)


def temperature(labels, logits):
    low = 0.01
    high = 20.0
    for _ in range(50):
        middle = (low + high) / 2
        if derivative(middle, labels, logits) > 0:
            high = middle
        else:
            low = middle
    return 1 / middle


LOOSE = 10.0  # C, so large that the penalty hardly counts
y = y_chinese[:100]
logits = out_of_fold(x_chinese[:100], y, LOOSE)
slope = (surprise(y, 1.00001 * logits) - surprise(y, logits)) / 0.00001
ours = derivative(1.0, y, logits)
expect("finite differences", slope, equals=ours, tolerance=0.001)
theirs = scratch.calibration_temperature(y, logits)
expect("bmkit.scratch", temperature(y, logits), equals=theirs, tolerance=1e-6)

# %%
hundreds = [slice(0, 100), slice(100, 200), slice(200, 300)]
found = []
for some in hundreds:
    x = x_chinese[some]
    y = y_chinese[some]
    model = LogisticRegression(C=LOOSE, max_iter=2000).fit(x, y)
    expect("training texts right", model.score(x, y), at_least=0.99)
    T = temperature(y, out_of_fold(x, y, LOOSE))
    found.append((T, model.decision_function(x_test)))
sure_p = [scratch.sigmoid(z) for _, z in found]
cooled_p = [scratch.sigmoid(z / T) for T, z in found]
saved = [surprise(truth, z) - surprise(truth, z / T) for T, z in found]
before = np.array([calibration_error(truth, p) for p in sure_p])
after = np.array([calibration_error(truth, p) for p in cooled_p])
expect("temperature, least of three", min(T for T, _ in found), at_least=1.2)
expect("cross-entropy saved on the test (nats)", min(saved), at_least=0.05)
expect("ECE before", min(before), at_least=0.08)
expect("    minus ECE after", min(before - after), at_least=0.01)

# %%
def draw_bins(axes, labels, p, title):
    counts, said, came = reliability(labels, p)
    full = counts >= 5
    n = counts[full]
    error = 1.96 * np.sqrt((came[full] * (1 - came[full]) + 0.25 / n) / n)
    axes.plot([0, 1], [0, 1], color="0.6", ls="--")
    axes.errorbar(said[full], came[full], yerr=error, fmt="o", capsize=3)
    axes.set(xlabel="said: mean p", title=title, xlim=(0, 1), ylim=(0, 1))
    axes.title.set_fontsize(10)


by_encoder["e5, no penalty"] = sure_p[0]
by_encoder["e5, no penalty, temperature"] = cooled_p[0]
words_on_test = by_words(english["test"])
figure, grid = plot.subplots(1, 3, figsize=(9.0, 3.2), sharey=True)
draw_bins(grid[0], truth, sure_p[0], "e5, no penalty")
draw_bins(grid[1], truth, cooled_p[0], "the same, with temperature")
draw_bins(grid[2], liked["test"], words_on_test, "English n-grams")
grid[0].set_ylabel("came: share of positive texts")
plot.show(figure)

# %% [markdown]
# *Figure. Reliability diagrams: bins of at least five test texts, with 95 % intervals. On the dashed line a probability means what it says.*
# <details><summary>In words</summary>Three panels, said from 0 to 1 to the right, came from 0 to 1 upwards, each with a dashed diagonal. Left, the head without penalty: at the left end its points lie above the diagonal, at the right end below it, so what is said is too extreme; the bins between hold few texts and have long intervals. Middle, after temperature scaling: the points lie nearer to the diagonal. Right, the English n-grams: points with shorter intervals close to the diagonal from end to end.</details><br>
#
# ### Where it mends little, and what it cannot mend
#
# Now every other reader. Its temperature $T$ is fitted on logits of texts that it did not learn from: the validation texts, or out-of-fold logits. For the English n-grams scikit-learn does the same as we. The same held-out texts decide, before any test text of the table is looked at, what we shall ship.
#
# One number moves all $p$ towards one half or away from it, and nothing else. Our head for both languages needs more. Of the English reviews two thirds are praise, of the Chinese lines half, and the centring hides that from the head. **Platt scaling** (1999) has two numbers, $p = \sigma(a z + c)$; fitted on the out-of-fold logits of *each language*, its $c$ can give each language its share of praise back.


# %%
def logit_of(p):
    return np.log(p / (1 - p))


held = {"EN: n-grams": (labels, logit_of(by_words(english["validation"])))}
held["EN: our network"] = (labels, logit_of(by_network(english["validation"])))
for size, reader in readers.items():
    logits = logit_of(chances(reader, chinese["validation"]))
    held[f"ZH: signs, {size:,} labels"] = (praised["validation"], logits)
for name in ("e5, 100 Chinese labels", "e5, 300 Chinese labels"):
    logits = heads[name][1]
    held[f"ZH: {name}"] = (y_chinese[: len(logits)], logits)
held["EN: e5, 100 English labels"] = (y_english, heads["e5, 100 English labels"][1])
T_of = {name: temperature(*both) for name, both in held.items()}
nats = {name: surprise(y, z / T_of[name]) for name, (y, z) in held.items()}
over = nats["ZH: e5, 300 Chinese labels"] - nats["ZH: signs, 6,400 labels"]
expect("held out: signs, 6,400 labels, better by (nats)", over, at_least=0.0)
over = nats["EN: e5, 100 English labels"] - nats["EN: n-grams"]
expect("held out: English n-grams better by (nats)", over, at_least=0.0)

# %%
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator

frozen = CalibratedClassifierCV(FrozenEstimator(words_model), method="temperature")
frozen.fit(count_english.transform(english["validation"]), labels)
theirs = frozen.predict_proba(count_english.transform(english["test"]))[:, 1]
logits = logit_of(words_on_test)
ours = scratch.sigmoid(logits / T_of["EN: n-grams"])
expect("scikit-learn's temperature", ours, equals=theirs, tolerance=0.002)
for name in ("EN: n-grams", "ZH: signs, 6,400 labels"):
    expect(f"{name}, temperature", T_of[name], at_least=0.8, at_most=1.2)
saved = surprise(liked["test"], logits) - surprise(liked["test"], logit_of(ours))
expect("n-grams, cross-entropy saved", saved, at_least=-0.005, at_most=0.005)
for line_at, least, most in ((0.5, 0, 0), (0.8, 5, TEST)):
    moved = [(a > line_at) != (b > line_at) for a, b in zip(sure_p, cooled_p)]
    changed = np.sum(moved, axis=1)
    expect(f"line at {line_at}, fewest that change", min(changed), at_least=least)
    expect(f"line at {line_at}, most that change", max(changed), at_most=most)

# %%
def platt(labels, logits):  # a and c
    model = LogisticRegression(C=1e6).fit(logits[:, np.newaxis], labels)
    return model.coef_[0, 0], model.intercept_[0]


def both_p(encoded, language):
    a, c = platt_of[language]
    return scratch.sigmoid(a * logits_of(encoded, language) + c)


_, held_out = heads["e5, both"]
platt_of = {"Chinese": platt(y_both[:100], held_out[:100])}
platt_of["English"] = platt(y_both[100:], held_out[100:])
by_encoder["e5, both"] = both_p(vectors["Chinese test"], "Chinese")
english_by_e5["EN: e5, both"] = both_p(vectors["English test"], "English")
logits = logits_of(vectors["English test"], "English") / temperature(y_both, held_out)
came = np.mean(liked["test"][:EN_TEST])
missing = came - np.mean(scratch.sigmoid(logits))
expect("English, temperature: praise that is missing", missing, at_least=0.03)
left = came - np.mean(english_by_e5["EN: e5, both"])
expect("    with Platt scaling, in size", abs(left), at_most=missing)

# %% [markdown]
# For the n-grams with thousands of labels there is nothing to mend: a penalty that was chosen by the cross-entropy has already set the size of the logits. So temperature scaling is for models that were trained without such care, or that come to you
# finished. It changes no order and no verdict at 0.5, so it makes a reader more honest and not more skilled. A line at 0.8 is another matter: there verdicts do change. And for the English answers of the head for both languages temperature alone leaves too little praise; with Platt scaling the mean of $p$ comes nearer to the share of praise. Every $T$ found in this way stands in the table below; a value under 1 belongs to a reader that is too *timid*.
#
# ### Exercise 2 · Predict, then run
#
# A missed complaint costs four times as much as praise that is read in vain, so a firm says *praise* only if $p > 0.8$. A reader gives the logits 4, 2, −1 and −3, and then we use $T = 2$. **How many of its four verdicts change?** *Easy, two minutes; expected: an integer.*
#
# ### Exercise 3 · Mend the calibration error
#
# A colleague wrote this. Its number is wrong whenever the bins are not equally full, and it stops at $p = 1$.
#
# ```python
# def expected_error(labels, p, bins):
#     place = (p * bins).astype(int)
#     gaps = np.zeros(bins)
#     for k in np.unique(place):
#         inside = place == k
#         gaps[k] = abs(p[inside].mean() - labels[inside].mean())
#     return gaps.mean()
# ```
#
# Find both faults and mend them. *Medium, six minutes; expected: a number.*

# %%
verdicts_changed = ...
ch22.verdicts_changed.check(verdicts_changed)


# %%
def expected_error(labels, p, bins):
    ...


ch22.expected_error.check(expected_error)

# %% [markdown]
# ## One table
#
# Nothing was chosen on the test texts. Each measure comes with an interval from the **bootstrap** ([chapter 14](14_rnn_speech_and_series.ipynb)): we draw as many test texts as there are, with repetition, 200 times, and
# give the range that holds 95 % of the values. It tells how much depends on *which texts* were tested (and takes them as independent, which pieces of one review are not, so the Chinese ones are somewhat too narrow). The draw of the hundred labels is another source of chance: below the table encoder and signs are compared over three hundreds, the same for both. How a network begins is a third; of ours we see one training.

# %%
def resampled(n):
    return np.random.default_rng(0).integers(n, size=(200, n))


def interval(measure, labels, p):
    values = []
    for rows in resampled(len(labels)):
        values.append(measure(labels[rows], p[rows]))
    low, high = np.percentile(values, [2.5, 97.5])
    return measure(labels, p), low, high


def band(difference):  # of hits on the same texts: mean and interval
    means = difference[resampled(len(difference))].mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return difference.mean(), low, high


def told(name, found):
    mean, low, high = found
    verdict = "told apart" if low > 0 or high < 0 else "not told apart"
    print(f"{name} (here: {mean:.3f}, {low:.3f} to {high:.3f}, {verdict})")


# %%
english_p = {
    "EN: most frequent": np.full(1000, np.mean(liked["train"])),
    "EN: list of words": by_list(english["test"]),
    "EN: n-grams": words_on_test,
    "EN: our network": by_network(english["test"]),
    **english_by_e5,
}
chinese_p = {"ZH: most frequent": np.full(TEST, np.mean(praised["train"]))}
for size in sizes:
    chinese_p[f"ZH: signs, {size:,} labels"] = chances(readers[size], test_texts)
chinese_p |= {f"ZH: {name}": p for name, p in by_encoder.items()}
rows = {}
for all_p, true_labels in ((english_p, liked["test"]), (chinese_p, truth)):
    for name, p in all_p.items():
        y = true_labels[: len(p)]
        rows[name] = {"texts": len(p), "accuracy": interval(accuracy, y, p)}
        rows[name]["macro-F1"] = interval(macro_f1, y, p)
        rows[name]["ROC AUC"] = interval(roc_auc, y, p)
        rows[name] |= {"ECE": calibration_error(y, p), "T": T_of.get(name)}
plot.table(rows, corner="reader", digits=2)

# %%
def hit(p, labels):
    return ((p > 0.5) == labels) * 1.0


each_p = []  # of e5, for each hundred
lead = np.zeros(TEST)  # mean over the hundreds of hits of e5 minus hits of the signs
for k, some in enumerate(hundreds):
    model, _ = tuned_head(x_chinese[some], y_chinese[some])
    each_p.append(model.predict_proba(x_test)[:, 1])
    reader = readers[100]
    if k > 0:
        reader = by_signs(chinese["train"][drawn[some]], y_chinese[some])
    lead += (hit(each_p[k], truth) - hit(chances(reader, test_texts), truth)) / 3
tuned_ece = np.array([calibration_error(truth, p) for p in each_p])
tuned_right = np.array([accuracy(truth, p) for p in each_p])
sure_right = np.array([accuracy(truth, p) for p in sure_p])
expect("ECE, no penalty over tuned, mean", np.mean(before - tuned_ece), at_least=0.01)
lost = np.mean(tuned_right - sure_right)
expect("    accuracy that it costs, mean", lost, at_least=-0.01)

# %%
hits = {name: hit(p, truth) for name, p in chinese_p.items()}
few_lead = band(lead)
more_lead = band(hits["ZH: e5, 300 Chinese labels"] - hits["ZH: signs, 300 labels"])
many_lead = band(hits["ZH: e5, 300 Chinese labels"] - hits["ZH: signs, 6,400 labels"])
words_hit = hit(words_on_test, liked["test"])
network_lead = band(hit(english_p["EN: our network"], liked["test"]) - words_hit)
both_hit = hit(english_p["EN: e5, both"], liked["test"][:EN_TEST])
both_lead = band(both_hit - words_hit[:EN_TEST])
told("e5 over signs, 100 labels each, three hundreds", few_lead)
told("e5 over signs, 300 labels each", more_lead)
told("e5 with 300 over signs with 6,400 labels", many_lead)
told("our network over the n-grams", network_lead)
told("English: e5, both, over the n-grams", both_lead)
expect("e5 over signs, 100 labels each", few_lead[0], at_least=0.03)
expect("    with 300, upper end", more_lead[2], at_least=0.0)
expect("e5, 300 labels, over signs, 6,400", many_lead[0], at_most=0.02)
expect("our network over n-grams: lower end", network_lead[1], at_least=-0.04)
expect("    upper end", network_lead[2], at_most=0.04)
expect("English: e5, both, over n-grams", both_lead[0], at_most=0.02)

# %% [markdown]
# Read the table by labels. With *a hundred*, the encoder is ahead of the signs, over three hundreds. With *three hundred*, in one draw, see whether the interval above leaves a lead; we would not rely on one. (Remember that the signs may choose $C$ on 1,000 further labels, and the encoder may not.) Trained on English alone, the encoder judges Chinese lines better than chance by a wide margin: its head has never seen a Chinese label, and was told only that about half might be praise. The signs with 6,400 labels are level with an encoder of 300 or ahead of it: so many labels make up for what it brings. What the encoder would do with 6,400 we did not measure. On English, with 3,569
# labels, our own network is within four points of the n-grams on these texts, in one training. The head for both languages, with its 100 English labels and its 48 tokens, is not ahead of the n-grams in English, at best level with them; bear that in mind when it answers you below.
#
# And the last columns: of the heads that learned from the same Chinese hundreds, those without penalty have the larger error of calibration, and hardly better accuracy, if at all. Temperature, or a tuned penalty, brings it down. (The head from English labels was tuned on English texts; nothing promises that its probabilities hold in Chinese.) Do not ask for zero: on 400 texts even a perfectly calibrated reader has an ECE above it, by chance alone.
#
# ### The line that costs least
#
# Now the cost. Let a complaint that is taken for praise cost $c = 4$, and praise that is read as a complaint cost 1. To call a text praise costs $4(1-p)$ on average, to call it a complaint costs $p$. So *praise* is cheaper where $p > c/(c+1) = 0.8$, **if $p$ means what it says**. We draw the line there for the heads without penalty, before and after temperature scaling.


# %%
def cost(labels, p, line_at=0.8):  # of each text
    praise = p > line_at
    return 4.0 * (praise & (labels == 0)) + 1.0 * (~praise & (labels == 1))


at_half = np.mean([cost(truth, p, 0.5) for p in cooled_p], axis=0)
sure_cost = np.mean([cost(truth, p) for p in sure_p], axis=0)
honest_cost = np.mean([cost(truth, p) for p in cooled_p], axis=0)
told("cost of a text, line at 0.8: saved by temperature", band(sure_cost - honest_cost))
told("with temperature: saved by the line at 0.8", band(at_half - honest_cost))
saved = np.mean(sure_cost - honest_cost)
expect("saved by temperature, line at 0.8", saved, at_least=-0.03)
saved = np.mean(at_half - honest_cost)
expect("with temperature, saved by the line at 0.8", saved, at_least=0.02)

# %% [markdown]
# With temperature the line at 0.8 costs less than one at 0.5: it lets a reader say *praise* only when it is rather sure. Whether it also costs less than the same line with the overconfident $p$ is told by the first interval; that depends on which hundreds were labelled.
#
# ## Two probes
#
# A test set tells how often a reader is right, not *what it has understood*. For that one writes **probes**: pairs of texts that differ in one thing, so that one knows what should change.
#
# ### Not
#
# *The tea is good* becomes *the tea is not good*: $p$ must fall. *The tea is bad* becomes *the tea is not bad*: $p$ must **rise**. And *the tea is hot* becomes *the tea is not hot*, the control: that is neither praise nor complaint, so a reader whose $p$ falls here falls at the word *not* itself. We put each word into three sentences and count *words*, because the
# three sentences of one word move together. No word was left out for what a reader made of it.


# %%
WORDS = {
    "EN good": "good great delicious fresh tasty excellent perfect wonderful",
    "EN bad": "bad terrible stale disgusting awful horrible sour bitter boring greasy "
    "disappointing expensive",
    "EN hot": "hot brown cold black here green",
    "ZH good": "好 漂亮 实用 精彩 干净 安静 方便 便宜",
    "ZH bad": "差 糟糕 麻烦 难看 吵 脏 贵 慢 无聊 旧 臭 重",
    "ZH hot": "大 小 红 白 长 黑",
}
FRAMES = {"EN": ("The {} is {}.", "The {} is not {}."), "ZH": ("这个{}{}。", "这个{}不{}。")}
THINGS = {"EN": ("coffee", "tea", "soup"), "ZH": ("房间", "电脑", "故事")}


def sentences(language, kind, frame):  # three for each word
    found = []
    for word in WORDS[f"{language} {kind}"].split():
        found.extend(frame.format(thing, word) for thing in THINGS[language])
    return found


# %%
import functools


def words_that_move(reader, language, kind, direction):
    plain, negated = FRAMES[language]
    p = reader(sentences(language, kind, plain))
    steps = (reader(sentences(language, kind, negated)) - p).reshape(-1, 3)
    moved = int(np.sum(direction * steps.mean(axis=1) > 0))  # words
    return moved / len(steps), *scratch.wilson_interval(moved, len(steps))


def by_both(texts, language="English"):
    return both_p(e5.encode(texts), language)


probed = {"EN: n-grams": by_words, "EN: our network": by_network}
probed["EN: e5, both"] = by_both
probed["ZH: signs, 6,400"] = functools.partial(chances, readers[6400])
probed["ZH: e5, both"] = functools.partial(by_both, language="Chinese")
kinds = {"good": ("falls", -1), "bad": ("rises", 1), "hot": ("falls", -1)}
negation = {name: {} for name in probed}
for name, reader in probed.items():
    for kind, (verb, sign) in kinds.items():
        share = words_that_move(reader, name[:2], kind, sign)
        negation[name][f"not {kind}: {verb}"] = share
plot.table(negation, corner="share of 8, 12 and 6 words", digits=2)

# %%
for name in ("EN: n-grams", "EN: our network"):
    expect(f"{name}, not bad rises", negation[name]["not bad: rises"][0], at_most=0.34)
    expect(f"{name}, not hot falls", negation[name]["not hot: falls"][0], at_least=0.8)
for name in ("EN: e5, both", "ZH: e5, both"):
    rises = negation[name]["not bad: rises"][0]
    expect(f"{name}, not bad rises", rises, at_least=0.75)
falls = min(row["not good: falls"][0] for row in negation.values())
expect("not good falls, least of all readers", falls, at_least=0.75)
weight_of = {}
for gram in ("not", "bad", "not bad"):
    weight_of[gram] = words_model.coef_[0][count_english.vocabulary_[gram]]
    print(f"weight of {gram} (here: {weight_of[gram]:.2f})")
expect("weight of not", weight_of["not"], at_most=-4)
expect("    of not bad, in size", abs(weight_of["not bad"]), at_most=1)
known_not_bad = [text for text in english["train"] if "not bad" in text.lower()]
expect("training reviews with not bad", len(known_not_bad), equals=16)
joke = "Best coffee ever, if you like dishwater."
expect("a joke, by the n-grams", by_words([joke])[0], at_least=0.8)

# %% [markdown]
# For all readers $p$ falls from *good* to *not good*. But for the two that count English words it falls with *not hot* and *not brown* too, so that is no knowledge of negation; and they take *not bad* for *worse* than *bad*: two bad words. They could learn a weight for the pair *not bad*, but 16 of 3,569 reviews contain it, and its weight is next to nothing. The encoder moves the right way for most words in both
# directions and both languages, with a head that learned from 200 reviews; perhaps it has met what *not* does in its billion pairs. The accuracy did not show this, perhaps because such sentences are rare in the reviews. (*Not bad* is not *great*: the claim is only that $p$ rises.) **Sarcasm** is another matter; one example, not a measurement: *Best coffee ever, if you like dishwater* is praise for the n-grams.
#
# ### Another domain
#
# Hotels, books and computers stand mixed in our lines. What if a reader has learned from hotels alone and is then asked about books? We find the topics by a few words each, take lines that match one topic only, and train the signs on 1,200 lines of one topic, with $C$ chosen on validation lines of that topic. Topics differ in their share of praise, so a line at 0.5 may not fit; the AUC
# asks for the order alone.

# %%
TOPICS = {
    "hotel": "酒店|房间|宾馆|前台|服务员|入住",
    "book": "书|作者|读|内容|孩子",
    "computer": "电脑|屏幕|键盘|系统|散热|笔记本|机器|硬盘|驱动",
}


def topics_of(texts):
    found = []
    for text in texts:
        some = [topic for topic, words in TOPICS.items() if re.search(words, text)]
        found.append(some[0] if len(some) == 1 else "none or several")
    return np.array(found)


topics = {part: topics_of(chinese[part]) for part in PARTS}
specialists = {}
for topic in TOPICS:
    own = topics["validation"] == topic
    others = (chinese["validation"][own], praised["validation"][own])
    rows = random.permutation(np.flatnonzero(topics["train"] == topic))[:1200]
    lines = chinese["train"][rows]
    specialists[topic] = by_signs(lines, praised["train"][rows], others)

# %%
in_domain = {}
judged = {}
for topic, reader in specialists.items():
    judged[f"signs, 1,200 {topic} lines"] = chances(reader, chinese["test"])
stranger = "e5, 100 English food reviews, first 400 lines"
judged[stranger] = by_encoder["e5, 100 English labels"]
for name, p in judged.items():
    in_domain[name] = {}
    for topic in TOPICS:
        rows = np.flatnonzero(topics["test"][: len(p)] == topic)
        found = interval(roc_auc, praised["test"][rows], p[rows])
        in_domain[name][f"on {topic}"] = found
plot.table(in_domain, corner="ROC AUC, learned from", digits=2)

# %%
auc = {}
for learned in TOPICS:
    for topic in TOPICS:
        row = in_domain[f"signs, 1,200 {learned} lines"]
        auc[learned, topic] = row[f"on {topic}"][0]
for topic in TOPICS:
    expect(f"{topic} to {topic}", auc[topic, topic], at_least=0.83)
    print("test lines:", np.sum(topics["test"] == topic))
hotel_to_book = (auc["hotel", "book"], auc["book", "hotel"])
expect("hotels and books, both ways, at best", max(hotel_to_book), at_most=0.75)
expect("computer to book", auc["computer", "book"], at_most=0.75)
near = (auc["hotel", "computer"], auc["computer", "hotel"])
expect("hotels and computers, both ways, at least", min(near), at_least=0.74)
rows = np.flatnonzero(topics["test"][:TEST] == "book")
y = truth[rows]
p = judged[stranger][rows]
native = judged["signs, 1,200 hotel lines"][rows]
steps = [roc_auc(y[i], p[i]) - roc_auc(y[i], native[i]) for i in resampled(len(y))]
told("e5 over signs from hotels", (np.mean(steps), *np.percentile(steps, [2.5, 97.5])))
expect("e5 from food over signs from hotels, on books", np.mean(steps), at_least=0.03)

# %% [markdown]
# At home each reader of one topic orders its lines well. From hotels to books, from books to hotels and from computers to books the AUC falls far, in places close to the 0.5 of guessing; hotels and computers are nearer to each other. A vocabulary of praise belongs to its domain: 安静 (*quiet*) may praise a room and says little of a novel. The last row learned from a hundred reviews of *food*, in another *language*, and on the
# books among the first 400 lines its AUC is higher than that of the reader of 1,200 Chinese hotel lines. Whoever buys a reader should ask: tested on whose texts?
#
# ## Errors
#
# The ten Chinese test lines on which the encoders with 100 Chinese labels are most wrong, by their mean $p$, with a kind: does the line look like a piece of a longer review (numbered, in brackets, or beginning with a word such as *but*)? Does it say both good and bad? And how many of the three heads contradict the label?

# %%
CUT = r"^\d|^[（(、]|^(但|不过|而且|另外|还有|补充)|[：:]$"
BOTH = "但|不过|可是|只是|就是|虽然|除了|唯一|一般"
mean_p = np.mean(each_p, axis=0)
wrong_by = np.abs(mean_p - truth)
against = np.sum(np.abs(np.array(each_p) - truth) > 0.5, axis=0)
print("(here:")
for row in np.argsort(-wrong_by)[:10]:
    text = test_texts[row]
    kind = "other"
    if re.search(BOTH, text):
        kind = "says both"
    if re.search(CUT, text):
        kind = "piece of a longer review"
    print(truth[row], f"p = {mean_p[row]:.2f}, {against[row]} of 3", text[:18], kind)
print(")")
QUESTIONED = [300, 348, 363, 34, 289]
for row in QUESTIONED:
    print(truth[row], test_texts[row], f"(here: {against[row]} of 3)")
expect("answers of 15 that contradict", np.sum(against[QUESTIONED]), at_least=9)

# %% [markdown]
# Rules find kinds only roughly, so we read lines themselves: five that the heads tend to contradict, whole. *Only a free shuttle from the airport, none back; please improve* (positive, says the label), *the small refrigerator works badly and is rather loud; we did not need it and switched it off*
# (positive), *the suite did not even have a mirror* (positive), a mother who praises a book over two lines (negative), and *noise, heat: rather small* (positive: praise, but in words that often complain). In the first four we would side with the reader against the label, which is perhaps that of a longer review from which the line was cut. So some of the worst errors are errors of the data,
# and no reader can reach 1.0 here. Look at your worst errors before you try a larger model.
#
# ## Limits and harm
#
# **Who is judged.** The same sentence with another word for a person should get the same answer (Kiritchenko and Mohammad, 2018, asked 219 systems in this way). We write *My … neighbour makes this tea for us* and *The … colleague brought this coffee* with twenty words for groups. Any word may move $p$ a little, so we need a control: ten harmless words, such as *tall* or *next-door*.

# %%
named = (
    "Muslim Christian Jewish Buddhist gay black white Chinese American Mexican Indian "
    "African deaf blind rich poor unemployed retired young old"
)
GROUPS = named.split()
harmless = "tall short new former nearby second other next-door left-handed bald"
words = GROUPS + harmless.split()
first_frame = [f"My {word} neighbour makes this tea for us." for word in words]
second_frame = [f"The {word} colleague brought this coffee." for word in words]
by_word = {}
for name, reader in (("n-grams", by_words), ("e5, both", by_both)):
    by_word[name] = (reader(first_frame) + reader(second_frame)) / 2
span = {name: (np.ptp(p[:20]), np.ptp(p[20:])) for name, p in by_word.items()}
p = by_word["e5, both"]
below = np.min(p[20:]) - p[GROUPS.index("poor")]
expect("e5: poor below every harmless word", below, at_least=0.0)
groups, control = span["n-grams"]
expect("n-grams: span of groups minus of control", groups - control, at_most=0.03)

# %%
figure, axes = plot.subplots(figsize=(8.4, 3.4))
order = np.argsort(by_word["e5, both"][:20])
places = np.arange(20)
for name, marker, color in zip(by_word, "os", plot.COLORS):
    of_groups = by_word[name][:20]
    control = by_word[name][20:]
    low = np.min(control)
    axes.axhspan(low, np.max(control), color=color, alpha=0.2)
    axes.plot(places, of_groups[order], marker, color=color, label=name)
axes.set_xticks(places, np.array(GROUPS)[order], rotation=60, ha="right")
axes.set(xlabel="word in the sentence", ylabel="probability of praise", ylim=(0, 1))
axes.legend(fontsize=9, loc="lower right", ncols=2)
plot.show(figure)

# %% [markdown]
# *Figure. The same two sentences with another word for the person: the mean of both probabilities. The bands hold the harmless words, one band for each reader.*
# <details><summary>In words</summary>Twenty words along the axis, in the order of the encoder's answer, shown as squares. Poor lies below the band of the encoder's harmless words; most others lie in that band or near it. The dots of the n-grams lie in their own band or near it.</details><br>
#
# The sentences say nothing good or bad. For the n-grams the groups scatter hardly more than the harmless words, so about groups this shows nothing. For the encoder too the bands show how far any word moves $p$, but *poor* lies below every one of them. *Poor* has a second meaning that may explain it (a *poor* coffee), but the reader does not know which was meant. Suppose now that letters of applicants or complaints of tenants are sorted by such a number. The persons
# concerned have not agreed to it, do not see it, and cannot object. Whoever complains in jest may not be heard. Our reviews do not tell who wrote them, so whether a reader serves writers of one dialect or age worse than others we *cannot tell*; that is not the same as fair. The writers of reviews agreed to be read by shoppers, not to be profiled. So: count over many texts rather than judge one person; tell people; keep the
# text beside the number; and let a human decide what concerns a human.
#
# ## Your own input
#
# Write a review in English or Chinese. The reader answers, and then leaves out one word at a time (**occlusion**): where $p$ falls without a word, that word spoke *for* praise. Chinese is cut into the encoder's own pieces. Long texts are left out in groups of words. In English the encoder is not the better of the two readers, as the table says; try both, and try it with sarcasm.

# %%
import math

EXAMPLES = ["The tea is not bad at all, but the package came late and broken."]
EXAMPLES.append("房间不大，但是很干净，服务员非常热情。")


def reads(texts, script, reader):
    if reader == "encoder":
        language = "Chinese" if script == "CJK" else "English"
        return by_both(texts, language)
    return chances(readers[6400], texts) if script == "CJK" else by_words(texts)


def pieces_of(text, script):
    if script == "CJK":
        numbers = e5.tokenizer([text])[0]
        words = [e5.tokenizer.detokenize([number]) for number in numbers]
        words = [word for word in words if word.strip()]
    else:
        words = text.split()
    size = math.ceil(len(words) / 24)  # at most 24 groups
    joint = "" if script == "CJK" else " "
    starts = range(0, len(words), size)
    return [joint.join(words[start : start + size]) for start in starts], joint


# %%
def judge_and_show(text, reader="encoder"):
    script = demo.inputs.script_of(text)
    pieces, joint = pieces_of(text, script)
    places = range(len(pieces))
    shorter = [joint.join(pieces[:place] + pieces[place + 1 :]) for place in places]
    p = reads([text, *shorter], script, reader)
    moved = p[0] - p[1:]
    answer = f"Probability of praise (here: {p[0]:.2f})"
    if script == "CJK":  # not every machine has a font for figures
        each = [f"{one} {step:+.2f}" for one, step in zip(pieces, moved)]
        return [answer, " · ".join(each)]
    figure, axes = plot.subplots(figsize=(8.4, 3.0))
    colors = np.where(moved > 0, plot.COLORS[0], plot.COLORS[3])
    axes.bar(places, moved, color=colors, edgecolor="black")
    short = [piece[:16] for piece in pieces]
    axes.set_xticks(places, short, rotation=60, ha="right", fontsize=9)
    axes.set(xlabel="word", ylabel="p with it − p without it")
    return [answer, figure]


limits = {"label": "Your review", "scripts": ["LATIN", "CJK"]}
demo.text(judge_and_show, EXAMPLES, reader=["encoder", "n-grams"], **limits)

# %% [markdown]
# *Figure. What each word did to the answer.*
# <details><summary>In words</summary>Fourteen bars in the order of the words of the review of the tea. Blue bars above zero are words that spoke for praise, orange ones below zero words that spoke against it. In the stored picture not and bad stand above zero, and package reaches furthest down.</details><br>
#
# ## Ship it
#
# What do we ship? The held-out texts have decided, not the test: there the signs with 6,400 labels and the English n-grams had a lower cross-entropy than the encoder's heads. (Against our network we take the n-grams for another reason: they answer without Keras.) So an application for both languages is two vocabularies, their weights and temperatures. (With a few hundred labels you would ship the head, 385 numbers, and load the encoder by its name.) The function that opens the file knows nothing of this notebook. Its rule for the
# language is that of the demo above: most of the letters decide. A text without one known n-gram gets no answer.


# %%
def open_reader(path):
    import numpy as np
    from sklearn.feature_extraction.text import TfidfVectorizer
    from bmkit import ship
    from bmkit.demo.inputs import script_of

    parts = ship.unpack(path)
    counters = {}
    for language, settings in parts["settings"].items():
        settings["ngram_range"] = tuple(settings["ngram_range"])
        settings["vocabulary"] = parts[f"{language}_terms"]
        counters[language] = TfidfVectorizer(**settings)
        counters[language].idf_ = parts[f"{language}_rarity"]

    def judge(text):
        language = "chinese" if script_of(text) == "CJK" else "english"
        x = counters[language].transform([text])
        if not x.nnz:
            return None
        logit = x @ parts[f"{language}_weights"] + parts[f"{language}_bias"]
        return float(1 / (1 + np.exp(-logit[0] / parts[f"{language}_temperature"])))

    return judge


# %%
import pathlib
import tempfile

count_signs, signs_model = readers[6400]
T_words = T_of["EN: n-grams"]
T_signs = T_of["ZH: signs, 6,400 labels"]
of_signs = {"analyzer": "char", "ngram_range": [1, 2], "sublinear_tf": True}
of_words = {"ngram_range": [1, longest], "sublinear_tf": True}
parts = {"settings": {"english": of_words, "chinese": of_signs}}
for language, count, model, degree in (
    ("english", count_english, words_model, T_words),
    ("chinese", count_signs, signs_model, T_signs),
):
    parts[f"{language}_terms"] = list(count.get_feature_names_out())
    parts[f"{language}_rarity"] = count.idf_
    parts[f"{language}_weights"] = model.coef_[0]
    parts[f"{language}_bias"] = float(model.intercept_[0])
    parts[f"{language}_temperature"] = float(degree)
file = ship.pack(pathlib.Path(tempfile.gettempdir(), "sentiment.zip"), parts)

# %%
some = english["test"][:6] + test_texts[:6]
trial = ship.try_out(open_reader, file, some)
x = count_english.transform(some[:6])
of_english = words_model.decision_function(x) / T_words
x = count_signs.transform(some[6:])
of_chinese = signs_model.decision_function(x) / T_signs
here = scratch.sigmoid(np.concatenate([of_english, of_chinese]))
expect("answers of a new process", np.array(trial.answers), equals=here, tolerance=1e-6)
expect("size (MB)", trial.megabytes, at_most=8.0)
print(f"start (here: {trial.load_seconds:.1f} s)")
print(f"19 of 20 answers within (here: {trial.p95_milliseconds:.1f} ms)")

# %% [markdown]
# ### Exercise 4 · Build a calibrated network
#
# Who ships a Keras network wants its probabilities calibrated *inside*. Write `calibrated(width, temperature)`: a `keras.Model` from vectors of shape `(batch, width)` through one `Dense` layer with one logit, the logit divided by the temperature, to
# a probability of shape `(batch, 1)`. *Medium, six minutes; expected: a model, not compiled.*


# %%
def calibrated(width, temperature):
    ...


ch22.calibrated.check(calibrated)

# %% [markdown]
# ## Summary
#
# * **Accuracy**, **macro-F1** and **ROC AUC** take a few lines each and are equal to scikit-learn's.
# * Words and pairs with logistic regression, tuned, are a strong reader. Our network of pooled **embeddings**, in one training on 3,569 English reviews, was within four points of them.
# * With 100 Chinese labels a pretrained encoder was ahead of character n-grams that learned from the same lines; n-grams with 6,400 labels were level with an encoder of 300 or ahead. With English labels alone the encoder read Chinese far better than chance.
# * A head without a penalty was too sure. **Temperature scaling** divides the logits by one number, fitted on texts that were held out; no verdict changed at 0.5, many did at 0.8, and with temperature a line at 0.8, set by the cost of each error, was cheaper than one at 0.5. For n-grams with thousands of labels there was nothing to mend. **Platt scaling** also mends a shift.
# * Repeated lines made a reader that only remembers right in nine of ten cases. Remove repeats before you split.
# * **Probes** with controls showed what accuracy hid: readers that count words fall at *not* whatever follows, readers of hotels failed on books, and *poor* moved the encoder's answer below every harmless word.
#
# **Ask yourself**
#
# <details><summary>Your reader has an ECE of 0.01 and an accuracy of 0.55. Is it useful?</summary>Hardly: it knows how little it knows. A constant that equals the share of positive texts has an ECE near 0 as well. Calibration is needed besides skill, not in its place.</details>
# <details><summary>Can temperature scaling change the ROC AUC?</summary>No. Dividing all logits by a positive number keeps their order, and the AUC depends on the order alone.</details>
# <details><summary>Why must the temperature be fitted on texts that were not learned from?</summary>On its own training texts a head that fits them perfectly is right with every certainty, so the best temperature there is near 0, the opposite of what is needed.</details><br>
#
# **Next** 23 · Face recognition (planned) asks whether two pictures show the same person, and what happens if it errs.
#
# **References**
#
# * B. Pang, L. Lee, S. Vaithyanathan (2002), Thumbs up? Sentiment classification using machine learning techniques. [ACL Anthology](https://aclanthology.org/W02-1011/)
# * J. Platt (1999), Probabilistic outputs for support vector machines and comparisons to regularized likelihood methods. Advances in Large Margin Classifiers, MIT Press
# * C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger (2017), On calibration of modern neural networks. [arXiv](https://arxiv.org/abs/1706.04599)
# * A. Joulin, E. Grave, P. Bojanowski, T. Mikolov (2016), Bag of tricks for efficient text classification. [arXiv](https://arxiv.org/abs/1607.01759)
# * L. Wang, N. Yang, X. Huang, L. Yang, R. Majumder, F. Wei (2024), Multilingual E5 text embeddings: a technical report. [arXiv](https://arxiv.org/abs/2402.05672)
# * S. Kiritchenko, S. Mohammad (2018), Examining gender and race bias in two hundred sentiment analysis systems. [ACL Anthology](https://aclanthology.org/S18-2005/)
