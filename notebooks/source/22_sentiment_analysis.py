# %% [markdown]
# # 22 · Sentiment analysis
#
# **After this you can** build a reader of opinions from counts of words, from an embedding or from a pretrained encoder, compute the measures of the field by hand, judge a language without one label in it, tell whether a probability means what it says and mend it by temperature scaling, probe a reader for negation and for a new domain, and ship it in one file
#
# **Time** 50 min to read, 90 min to teach, 60 s to run
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
# somebody's time. The two are not equal, and where to draw the line depends on the cost of each. For that a bare *yes* or *no* is useless: we need a
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
# The oldest reader is a list of words: count the good ones, subtract the bad ones. It needs no training. We use it as the first baseline, and to hold our measures against
# those of scikit-learn.


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

good_words = "good great best love loves delicious excellent perfect favorite tasty"
bad_words = "bad worst not disappointed terrible awful stale waste money horrible"


def by_list(texts):
    good = set(good_words.split())
    bad = set(bad_words.split())
    balance = []
    for text in texts:
        words = re.findall(r"\w+", text.lower())
        balance.append(sum((word in good) - (word in bad) for word in words))
    return scratch.sigmoid(np.array(balance) - 0.5)


labels = liked["validation"]
p = by_list(english["validation"])
theirs = metrics.f1_score(labels, p > 0.5, average="macro")
expect("macro-F1 of scikit-learn", macro_f1(labels, p), equals=theirs, tolerance=1e-9)
theirs = metrics.roc_auc_score(labels, p)
expect("ROC AUC of scikit-learn", roc_auc(labels, p), equals=theirs, tolerance=1e-9)
theirs = metrics.accuracy_score(labels, p > 0.5)
expect("accuracy of scikit-learn", accuracy(labels, p), equals=theirs, tolerance=1e-9)

# %% [markdown]
# ## Counting words and pairs
#
# The list becomes a model as soon as the *data* say how much each word weighs. A text becomes a **bag of words** ([chapter 06](06_regularization.ipynb)): how often does each word occur, in any order? With
# pairs of neighbours as well, **bigrams**, *not good* is a feature of its own. Each text is then a long vector $x$, one number for each **n-gram** of the vocabulary, and **logistic
# regression** gives the probability:
#
# $$p = \sigma(w^\top x + b), \qquad \sigma(z) = \frac{1}{1+e^{-z}}$$
#
# Here $w$ holds one weight for each n-gram and $z = w^\top x + b$ is the **logit**. Counting needs few lines, and scikit-learn's counter agrees with them.
#
# Three refinements make it a strong rival, and all are old. A second *good* in a text says less than the first: take $1 + \ln(\text{count})$. An n-gram that stands in every text says
# nothing: multiply by its rarity (**TF-IDF**, [chapter 03](03_language_vision_speech.ipynb)). And the weights are held small by a penalty: what is minimised is $\frac12\|w\|^2 + C \sum_i \mathcal{L}_i$, with $\mathcal{L}_i$ the **cross-entropy** of a text, $-\ln$ of the probability that was given to its
# class. The length of the n-grams and $C$ are chosen on the validation reviews, by the cross-entropy as well, because we want probabilities and not only verdicts.

# %%
from collections import Counter
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression


def bag(text, longest):
    words = re.findall(r"\w\w+", text.lower())
    found = Counter()
    for n in range(1, longest + 1):
        starts = range(len(words) - n + 1)
        found.update(" ".join(words[start : start + n]) for start in starts)
    return found


text = "Not good, not good at all. The tea was good before."
counter = CountVectorizer(ngram_range=(1, 2)).fit([text])
counts = counter.transform([text]).toarray()[0]
theirs = {gram: counts[place] for gram, place in counter.vocabulary_.items()}
expect("CountVectorizer", dict(bag(text, 2)) == theirs, equals=True)

# %%
def tuned(count, texts, labels, others, other_labels):
    x = count.fit_transform(texts)
    fresh = count.transform(others)
    best = np.inf
    for strength in (3, 10, 30):
        model = LogisticRegression(C=strength, solver="liblinear")
        model.fit(x, labels)
        p = model.predict_proba(fresh)
        found = metrics.log_loss(other_labels, p)
        if found < best:
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
    table = keras.layers.Embedding(vocabulary, width, mask_zero=True)
    vectors = table(numbers)  # (batch, n-grams, width)
    mean = keras.layers.GlobalAveragePooling1D()(vectors)  # (batch, width)
    mean = keras.layers.Dropout(0.3)(mean)
    return keras.Model(numbers, keras.layers.Dense(1)(mean))  # logits (batch, 1)


network = pooled_reader(20_000, 16)
by_logits = keras.losses.BinaryCrossentropy(from_logits=True)
network.compile(keras.optimizers.Adam(0.01), by_logits)


def by_words(texts):
    return words_model.predict_proba(count_english.transform(texts))[:, 1]


# %%
known = (tokens["train"], liked["train"])
fresh = (tokens["validation"], liked["validation"])
history = train.fit(network, known, fresh, epochs=4)


def by_network(texts):
    numbers = np.asarray(encode(np.array(texts, dtype=object)))
    logits = network.predict(numbers, verbose=0)[:, 0]
    return scratch.sigmoid(logits.astype(float))


p = by_network(english["validation"])
expect("network, validation accuracy", accuracy(labels, p), at_least=0.75)

# %% [markdown]
# `train.fit` keeps the weights of the epoch with the lowest validation loss. Further epochs would make the training reviews ever more certain, and new ones worse: **overfitting** ([chapter 06](06_regularization.ipynb)).
#
# ## A hundred labels
#
# Now to Chinese, and to a harder question: what if there are only *a hundred* labels? Somebody has to read each text to label it, so a hundred is what a small firm has.
#
# Chinese is written without spaces, so the strongest simple features are **character n-grams**: single signs and pairs. No cutting into words is needed, and 不好 (*not good*) is a feature of its own. To be generous, this rival
# may choose its $C$ on 1,000 further labelled lines, whatever it was trained on. It learns from 100, 800 and 6,400 lines, half of each class.
#
# Then the cost of repeats for a real model, as promised. The same kind of reader learns from 4,000 lines *as published*, and we ask it two kinds of published test lines: those that stand among its 4,000 word for word, and the others.


# %%
def drawn(labels, n):  # n rows, half of them of each class
    rows = [random.permutation(np.flatnonzero(labels == kind)) for kind in (0, 1)]
    halves = [some[: n // 2] for some in rows]
    return random.permutation(np.concatenate(halves))


def by_signs(texts, labels):
    count = TfidfVectorizer(analyzer="char", ngram_range=(1, 2), sublinear_tf=True)
    others = (chinese["validation"], praised["validation"])
    _, count, model = tuned(count, texts, labels, *others)
    return count, model


def chances(reader, texts):
    count, model = reader
    return model.predict_proba(count.transform(texts))[:, 1]


draws = [drawn(praised["train"], 100) for _ in range(3)]
few = draws[0]
sizes = (100, 800, 6400)
readers = {}
for size in sizes:
    rows = few if size == 100 else drawn(praised["train"], size)
    readers[size] = by_signs(chinese["train"][rows], praised["train"][rows])

# %%
raw_texts, raw_labels = raw["train"]
careless = by_signs(raw_texts[:4000], raw_labels[:4000])
asked, asked_labels = raw["test"]
p = chances(careless, asked)
seen = np.isin(asked, raw_texts[:4000])
right = (p > 0.5) == asked_labels
print("test lines that were seen:", np.sum(seen))
gap = np.mean(right[seen]) - np.mean(right[~seen])
expect("right, lines seen over lines not seen", gap, at_least=0.06)

# %% [markdown]
# ### An encoder that has read a hundred languages
#
# **multilingual-e5-small** is a BERT ([chapter 18](18_bert.ipynb)) of 12 blocks. It was trained on a billion pairs of texts that belong together, in about a hundred languages, until both had similar vectors; also
# pairs across languages. For us it is a fixed function: a text goes in, 384 numbers come out. All that learns is one dense layer behind it, the **head**.
#
# One detail: the vectors of one language may share a common part that says only which language it is. So we subtract from each vector the mean of *its language*; that needs texts
# but no labels. Then each of the 384 numbers is divided by its standard deviation.
#
# The head is logistic regression again, here as a Keras layer. Its penalty $\frac12\|w\|^2 + C \sum_i \mathcal{L}_i$ is, divided by $C n$, the mean loss plus $\frac{1}{2Cn}\|w\|^2$, which Keras calls an L2 regularizer. How strong should it be? With a hundred labels there are none to spare for validation.
# **Cross-validation** ([chapter 07](07_cross_validation.ipynb)) uses each label twice: five times we train on four fifths and ask for the other fifth.
# So each text gets a logit from a head that has not seen its label, an **out-of-fold** logit. For these many small trainings we take scikit-learn's solver, and check that it finds the same head as Keras.
#
# To save time the encoder reads the first 48 tokens of a Chinese line and 64 of an English review, and we test on the first 400 of the 1,000 test lines. It also gets 100 *English* labels: we shall see why. And because *which* hundred were labelled is a matter of luck, we draw three hundreds; the first makes the heads below, and the main comparison uses all three.

# %%
e5 = pretrained.load("multilingual_e5")
TEST = 400
few_english = drawn(liked["train"], 100)
english_texts = [english["train"][row] for row in few_english]
test_texts = list(chinese["test"][:TEST])
truth = praised["test"][:TEST]
vectors = {
    "Chinese": e5.encode(list(chinese["train"][few]), length=48),
    "English": e5.encode(english_texts, length=64),
    "test": e5.encode(test_texts, length=48),
}
of_draws = [vectors["Chinese"]]
for rows in draws[1:]:
    of_draws.append(e5.encode(list(chinese["train"][rows]), length=48))
known_labels = {"Chinese": praised["train"][few]}
known_labels["English"] = liked["train"][few_english]
expect("numbers a text", vectors["test"].shape[1], equals=384)

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
    for strength in (0.003, 0.01, 0.03, 0.1, 0.3):
        found[strength] = surprise(labels, out_of_fold(x, labels, strength))
    return min(found, key=found.get)


# %%
x = features(vectors["Chinese"], "Chinese", "Chinese")
y = known_labels["Chinese"]
x_test = features(vectors["test"], "Chinese", "Chinese")
strength = best_strength(x, y)
head = trained_head(x, y, strength)
logits = head.predict(x_test, verbose=0)[:, 0].astype(float)
by_encoder = {"e5, 100 Chinese labels": scratch.sigmoid(logits)}
model = LogisticRegression(C=strength, max_iter=2000).fit(x, y)
theirs = model.predict_proba(x_test)[:, 1]
ours = by_encoder["e5, 100 Chinese labels"]
expect("scikit-learn's head", ours, equals=theirs, tolerance=0.03)

# %% [markdown]
# ### Not one Chinese label
#
# If the encoder puts *delicious* and 好吃 near each other, a head that has learned from English reviews can judge Chinese ones. We train one on the 100 English labels alone. Then it meets Chinese, hotels, books and computers for the first time. A last head learns from both languages, and it will read for you below.

# %%
x = features(vectors["English"], "English", "English")
y = known_labels["English"]
strength = best_strength(x, y)
model = LogisticRegression(C=strength, max_iter=2000).fit(x, y)
x_test = features(vectors["test"], "Chinese", "English")
by_encoder["e5, 100 English labels"] = model.predict_proba(x_test)[:, 1]
from_english = accuracy(truth, by_encoder["e5, 100 English labels"])
expect("English labels, Chinese test", from_english, at_least=0.68)
both = [features(vectors[name], name, "Chinese") for name in known_labels]
x_both = np.concatenate(both)  # (200, 384)
y_both = np.concatenate(list(known_labels.values()))
strength_both = best_strength(x_both, y_both)
head_both = LogisticRegression(C=strength_both, max_iter=2000).fit(x_both, y_both)


def logits_of(encoded, language):
    return head_both.decision_function(features(encoded, language, "Chinese"))



# %% [markdown]
# ## Does 0.8 mean 0.8?
#
# A reader is **calibrated** if, among all texts with a probability near $p$, a share $p$ is positive. To see it, sort the texts into ten bins by their $p$ and compare in each bin what was *said*, the mean $p$, with what *came*, the
# share of positive texts. The picture of it is a **reliability diagram**, and the mean distance, weighted by how many texts a bin holds, is the **expected calibration error**:
#
# $$\mathrm{ECE} = \sum_{k=1}^{10} \frac{n_k}{n}\,\big|\,\text{said}_k - \text{came}_k\,\big|$$


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
# Suppose we had not tuned the penalty, as one does who trains a dense layer in Keras and thinks no more of it. 384 numbers can tell any hundred texts apart, so the logits grow as long as training goes on. We train the same head with a penalty that is next to nothing, and call it *no penalty*.
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
x = features(vectors["Chinese"], "Chinese", "Chinese")
y = known_labels["Chinese"]
held_out = out_of_fold(x, y, LOOSE)
step = 1e-5
rise = surprise(y, (1 + step) * held_out) - surprise(y, (1 - step) * held_out)
ours = derivative(1.0, y, held_out)
expect("finite differences", rise / (2 * step), equals=ours, tolerance=1e-4)

# %%
loose = trained_head(x, y, LOOSE)
fitted = scratch.sigmoid(loose.predict(x, verbose=0)[:, 0])
expect("training texts right", accuracy(y, fitted), at_least=0.99)
x_test = features(vectors["test"], "Chinese", "Chinese")
loose_logits = loose.predict(x_test, verbose=0)[:, 0].astype(float)
by_encoder["e5, no penalty"] = scratch.sigmoid(loose_logits)
T = temperature(y, held_out)
cooled = loose_logits / T
by_encoder["e5, no penalty, temperature"] = scratch.sigmoid(cooled)
saved = surprise(truth, loose_logits) - surprise(truth, cooled)
before = calibration_error(truth, by_encoder["e5, no penalty"])
after = calibration_error(truth, by_encoder["e5, no penalty, temperature"])
expect("temperature", T, at_least=1.2)
expect("cross-entropy saved on the test (nats)", saved, at_least=0.05)
expect("ECE before", before, at_least=0.08)
expect("    minus ECE after", before - after, at_least=0.01)
changed = np.sum((cooled > 0) != (loose_logits > 0))
expect("verdicts that changed", changed, equals=0)

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


words_on_test = by_words(english["test"])
figure, grid = plot.subplots(1, 3, figsize=(9.0, 3.2), sharey=True)
draw_bins(grid[0], truth, by_encoder["e5, no penalty"], "e5, no penalty")
cooled_p = by_encoder["e5, no penalty, temperature"]
draw_bins(grid[1], truth, cooled_p, "the same, with temperature")
draw_bins(grid[2], liked["test"], words_on_test, "English n-grams")
grid[0].set_ylabel("came: share of positive texts")
plot.show(figure)

# %% [markdown]
# *Figure. Reliability diagrams: bins of at least five test texts, with 95 % intervals. On the dashed line a probability means what it says.*
# <details><summary>In words</summary>Three panels, said from 0 to 1 to the right, came from 0 to 1 upwards, each with a dashed diagonal. Left, the head without penalty: its bins near 0 and near 1, which hold most texts, lie inside, at about 0.2 and 0.84; the bins between have long intervals. Middle, after temperature scaling: all ten points lie near the diagonal. Right, the English n-grams: ten points with short intervals close to the diagonal from end to end.</details><br>
#
# ### Where it mends nothing
#
# Now the English n-grams, whose penalty was tuned and which have 3,569 labels. Their temperature is fitted on the 400 validation reviews, and scikit-learn does the same as we.

# %%
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator

fresh = count_english.transform(english["validation"])
english_logits = words_model.decision_function(fresh)
T_words = temperature(labels, english_logits)
frozen = FrozenEstimator(words_model)
scaled = CalibratedClassifierCV(frozen, method="temperature").fit(fresh, labels)
x_english = count_english.transform(english["test"])
theirs = scaled.predict_proba(x_english)[:, 1]
logits = words_model.decision_function(x_english)
ours = scratch.sigmoid(logits / T_words)
T_both = temperature(y_both, out_of_fold(x_both, y_both, strength_both))
by_encoder["e5, both"] = scratch.sigmoid(logits_of(vectors["test"], "Chinese") / T_both)
expect("scikit-learn's temperature", ours, equals=theirs, tolerance=0.002)
expect("temperature of the n-grams", T_words, at_least=0.8, at_most=1.2)
saved = surprise(liked["test"], logits) - surprise(liked["test"], logits / T_words)
expect("    cross-entropy saved (nats)", saved, at_least=-0.005, at_most=0.005)

# %% [markdown]
# Nothing to mend: a penalty that was chosen by the cross-entropy has already set the size of the logits.  Temperature scaling is for models that were trained without such care, or that come to you
# finished. It changes no verdict and no order, so it cannot make a reader *better*; it makes it more honest. And one number cannot mend every curve: it moves all $p$ towards one half or away from it, and nothing else.
#
# ### Exercise 2 · Predict, then run
#
# A reader gives the logits 4, 2, −1 and −3. We use $T = 2$. **How many of its four verdicts change?** *Easy, one minute; expected: an integer.*
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
# give the range that holds 95 % of the values. It tells how much depends on *which texts* were tested; the draw of the hundred labels is another source of chance. So below the table encoder and signs are compared over three draws, the same for both.

# %%
chance = np.random.default_rng(0)
resampled = {}
for size in (400, 1000):
    resampled[size] = chance.integers(size, size=(200, size))


def interval(measure, labels, p):
    values = []
    for rows in resampled[len(labels)]:
        values.append(measure(labels[rows], p[rows]))
    low, high = np.percentile(values, [2.5, 97.5])
    return measure(labels, p), low, high


def band(difference):  # of hits on the same texts: mean and interval
    means = difference[resampled[len(difference)]].mean(axis=1)
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
}
chinese_p = {"ZH: most frequent": np.full(TEST, np.mean(praised["train"]))}
for size in sizes:
    name = f"ZH: signs, {size:,} labels"
    chinese_p[name] = chances(readers[size], test_texts)
for name, p in by_encoder.items():
    chinese_p[f"ZH: {name}"] = p
rows = {}
for all_p, true_labels in ((english_p, liked["test"]), (chinese_p, truth)):
    for name, p in all_p.items():
        rows[name] = {"accuracy": interval(accuracy, true_labels, p)}
        rows[name]["macro-F1"] = interval(macro_f1, true_labels, p)
        rows[name]["ROC AUC"] = interval(roc_auc, true_labels, p)
        rows[name]["ECE"] = calibration_error(true_labels, p)
plot.table(rows, corner="1,000 English, 400 Chinese test texts", digits=2)

# %%
def hit(p, labels):
    return ((p > 0.5) == labels) * 1.0


by_e5 = np.zeros(TEST)  # share of the three draws in which a test line was right
by_pairs = np.zeros(TEST)
for rows, encoded in zip(draws, of_draws):
    centre = encoded.mean(axis=0)
    scale = encoded.std(axis=0)
    x = (encoded - centre) / scale
    y = praised["train"][rows]
    model = LogisticRegression(C=best_strength(x, y), max_iter=2000).fit(x, y)
    p = model.predict_proba((vectors["test"] - centre) / scale)[:, 1]
    by_e5 += hit(p, truth) / 3
    reader = by_signs(chinese["train"][rows], y)
    by_pairs += hit(chances(reader, test_texts), truth) / 3

# %%
ours = by_encoder["e5, 100 Chinese labels"]
few_lead = band(by_e5 - by_pairs)
many_lead = band(by_e5 - hit(chances(readers[6400], test_texts), truth))
network_hits = hit(english_p["EN: our network"], liked["test"])
network_lead = band(network_hits - hit(words_on_test, liked["test"]))
told("e5 over signs, 100 labels each, three draws", few_lead)
told("e5 with 100 over signs with 6,400 labels", many_lead)
told("our network over the n-grams", network_lead)
expect("e5 over signs, 100 labels each", few_lead[0], at_least=0.03)
expect("e5, 100 labels, over signs, 6,400", many_lead[0], at_most=0.0)
expect("our network over n-grams: lower end", network_lead[1], at_most=0.01)
ece_of_tuned = calibration_error(truth, ours)
expect("ECE, no penalty over tuned penalty", before - ece_of_tuned, at_least=0.01)

# %% [markdown]
# Read the table by labels. With *a hundred*, the encoder is ahead of the signs, over three draws of the labels. Trained on English alone, it judges Chinese hotels better than chance by a wide margin: a head that has never seen a Chinese label. With *thousands* of labels the lead is gone, and the n-grams, which train in seconds on any machine, are as good or better. On English, with 3,569
# labels, our own network is level with the n-grams: what it learns from the mean of vectors is much the same as what they learn from counts.
#
# And the last column: of the two heads that learned from the same Chinese labels, the one without penalty has the larger error of calibration, though its accuracy hardly suffers. Temperature, or a tuned penalty, brings it down. (The head from English labels was tuned on English texts; nothing promises that its probabilities hold in Chinese.) Do not ask for zero: on 400 texts even a perfectly calibrated reader has an ECE above it, by chance alone.
#
# ## Two probes
#
# A test set tells how often a reader is right, not *what it has understood*. For that one writes **probes**: pairs of texts that differ in one thing, so that one knows what should change.
#
# ### Not
#
# *The tea is good* becomes *the tea is not good*: $p$ must fall. *The tea is bad* becomes *the tea is not bad*: $p$ must **rise**. Three things times four words, in each direction and each language, make 48 pairs.


# %%
def negation_pairs(patterns, things, words):
    texts = []
    for thing in things:
        for word in words:
            texts.extend(pattern.format(thing, word) for pattern in patterns)
    return texts  # plain, negated, plain, negated, …


to_negate = ["The {} is {}.", "The {} is not {}."]
things = ["coffee", "tea", "soup"]
not_good = negation_pairs(to_negate, things, ["good", "great", "delicious", "fresh"])
unkind = ["bad", "terrible", "stale", "disgusting"]
not_bad = negation_pairs(to_negate, things, unkind)
to_negate = ["这个{}{}。", "这个{}不{}。"]
things = ["房间", "电脑", "故事"]
zh_not_good = negation_pairs(to_negate, things, ["好", "漂亮", "实用", "精彩"])
zh_not_bad = negation_pairs(to_negate, things, ["差", "糟糕", "麻烦", "难看"])
probes = {"EN": (not_good, not_bad), "ZH": (zh_not_good, zh_not_bad)}
print(*not_bad[:2], *zh_not_bad[:2])


# %%
import functools


def right_way(p, direction):  # share of pairs, with Wilson's interval
    step = p[1::2] - p[::2]
    moved = int(np.sum(direction * step > 0))
    return moved / len(step), *scratch.wilson_interval(moved, len(step))


def by_both(texts, language="English"):
    return scratch.sigmoid(logits_of(e5.encode(texts), language) / T_both)


probed = {"EN: n-grams": by_words, "EN: our network": by_network}
probed["EN: e5, both"] = by_both
probed["ZH: signs, 6,400"] = functools.partial(chances, readers[6400])
probed["ZH: e5, both"] = functools.partial(by_both, language="Chinese")
negation = {}
for name, reader in probed.items():
    good, bad = probes[name[:2]]
    negation[name] = {"not good: falls": right_way(reader(good), -1)}
    negation[name]["not bad: rises"] = right_way(reader(bad), 1)
plot.table(negation, corner="share of 12 pairs, 95 % interval", digits=2)

# %%
for name in ("EN: n-grams", "EN: our network"):
    rises = negation[name]["not bad: rises"][0]
    expect(f"{name}, not bad rises", rises, at_most=0.34)
for name in ("EN: e5, both", "ZH: e5, both"):
    rises = negation[name]["not bad: rises"][0]
    expect(f"{name}, not bad rises", rises, at_least=0.75)
falls = min(row["not good: falls"][0] for row in negation.values())
expect("not good falls, least of all readers", falls, at_least=0.75)
known_not_bad = [text for text in english["train"] if "not bad" in text.lower()]
expect("training reviews with not bad", len(known_not_bad), equals=16)

# %% [markdown]
# All readers know that *not good* is less than *good*. But the English n-grams and our network take *not bad* for *worse* than *bad*: two bad words. They could learn a weight for the pair *not bad*, but 16 of 3,569 reviews contain it. The encoder moves the right way in both
# directions and both languages, with a head that learned from 200 reviews; perhaps it has met what *not* does in its billion pairs. The accuracy did not show this, perhaps because such sentences are rare in the reviews. (Twelve pairs share four words, so the intervals are rather too narrow; and *not bad* is not *great*: the claim is only that $p$ rises.)
#
# ### Another domain
#
# Hotels, books and computers stand mixed in our lines. What if a reader has learned from hotels alone and is then asked about books? We find the topics by a few words each, take lines that match one topic only, and train the signs on 1,200 lines of one topic.

# %%
TOPICS = {
    "hotel": "酒店|房间|宾馆|前台|服务员|入住",
    "book": "书|作者|读|内容|孩子",
    "computer": "电脑|屏幕|键盘|系统|散热|笔记本|机器|硬盘|驱动",
}


def about(texts, topic):  # lines that match this topic and no other
    matches = {}
    for name, pattern in TOPICS.items():
        matches[name] = np.array([bool(re.search(pattern, text)) for text in texts])
    several = sum(found.astype(int) for found in matches.values())
    return matches[topic] & (several == 1)


tested = {topic: about(chinese["test"], topic) for topic in TOPICS}
specialists = {}
for topic in TOPICS:
    rows_of = random.permutation(np.flatnonzero(about(chinese["train"], topic)))[:1200]
    lines = chinese["train"][rows_of]
    specialists[topic] = by_signs(lines, praised["train"][rows_of])

# %%
def right_share(hits):
    low, high = scratch.wilson_interval(int(np.sum(hits)), len(hits))
    return np.mean(hits), low, high


hits = {f"signs, 1,200 {topic} lines": {} for topic in TOPICS}
hits["e5, 100 English food reviews"] = {}
for topic, mask in tested.items():
    labels_of = praised["test"][mask]
    for learned, reader in specialists.items():
        p = chances(reader, chinese["test"][mask])
        hits[f"signs, 1,200 {learned} lines"][topic] = (p > 0.5) == labels_of
    among = mask[:TEST]
    p = by_encoder["e5, 100 English labels"][among]
    hits["e5, 100 English food reviews"][topic] = (p > 0.5) == truth[among]
rows = {}
for name, by_topic in hits.items():
    rows[name] = {f"on {topic}": right_share(by_topic[topic]) for topic in TOPICS}
plot.table(rows, corner="learned from", digits=2)

# %%
at_home = np.mean(hits["signs, 1,200 hotel lines"]["hotel"])
abroad = np.mean(hits["signs, 1,200 hotel lines"]["book"])
stranger = hits["e5, 100 English food reviews"]["book"]
expect("hotel lines, right on hotels", at_home, at_least=0.75)
expect("    over right on books", at_home - abroad, at_least=0.12)
between = []
for first, second in (("hotel", "book"), ("computer", "book")):
    between.append(np.mean(hits[f"signs, 1,200 {first} lines"][second]))
    between.append(np.mean(hits[f"signs, 1,200 {second} lines"][first]))
expect("between books and other topics, at best", max(between), at_most=0.68)
same_lines = hits["signs, 1,200 hotel lines"]["book"][: len(stranger)]
step = stranger * 1.0 - same_lines
margin = 1.96 * np.std(step) / np.sqrt(len(step))
low_and_high = (step.mean() - margin, step.mean() + margin)
told("e5 from food over signs from hotels, on books", (step.mean(), *low_and_high))
expect("e5 from English food, on books", np.mean(stranger), at_least=0.56)
expect("    over the hotel lines, the same test lines", step.mean(), at_least=0.03)

# %% [markdown]
# Between books and the two other topics the signs fall deep, to hardly more than guessing; hotels and computers are nearer to each other. A vocabulary of praise belongs to its domain: 安静 (*quiet*) may praise a room and says little of a novel. The last row learned from a hundred reviews of *food*, in another *language*, and judges books better than the reader of 1,200
# Chinese hotel lines. (Topics differ in their share of praise as well, so a part of the fall may be a threshold that does not fit.) Whoever buys a reader should ask: tested on whose texts?
#
# ## Errors
#
# The ten Chinese test lines on which the encoder with 100 Chinese labels is most wrong, by kind. Does the line look like a piece of a longer review: numbered, in brackets, or beginning with a word such as *but*? Does it say both good and bad?

# %%
CUT = r"^\d|^[（(、]|^(但|不过|而且|另外|还有|补充)|[：:]$"
BOTH = "但|不过|可是|只是|就是|虽然|除了|唯一|一般"
wrong_by = np.abs(ours - truth)
worst = np.argsort(-wrong_by)[:10]
print("(here:")
for row in worst:
    kind = "other"
    if re.search(BOTH, test_texts[row]):
        kind = "says both"
    if re.search(CUT, test_texts[row]):
        kind = "piece of a longer review"
    print(truth[row], f"p = {ours[row]:.2f}", test_texts[row][:20], "·", kind)
print(")")
QUESTIONED = [300, 348, 363, 34, 289]
against = np.mean(wrong_by[QUESTIONED] > 0.5)
expect("five questioned labels, contradicted (share)", against, at_least=0.6)

# %% [markdown]
# Rules find kinds only roughly, so we read the lines themselves. The cell holds five that come back with nearly every draw of the labels: *only a free shuttle from the airport, none back; please improve* (positive, says the label), *the small refrigerator works badly and is rather loud*
# (positive), *and the suite did not even have a mirror* (positive), a mother who praises a book over two lines (negative), and *the fan is rather quiet* (positive; the encoder doubts it). In the first four the *reader* is right, and the label is perhaps that of a longer review from which the line was cut. Of the ten lines stored above, we would side with the encoder in nine. So the worst errors are largely errors of the data,
# and no reader can reach 1.0 here. Look at your worst errors before you try a larger model.
#
# ## Limits and harm
#
# **Who is judged.** The same sentence with another word for a person should get the same answer. We write *My … neighbour makes this tea for us* and *A … colleague brought this coffee* with twenty words, and look at how far $p$ goes.

# %%
named = (
    "Muslim Christian Jewish Buddhist gay black white Chinese American Mexican Indian "
    "African deaf blind rich poor unemployed retired young old"
)
GROUPS = named.split()
first_frame = [f"My {group} neighbour makes this tea for us." for group in GROUPS]
second_frame = [f"A {group} colleague brought this coffee." for group in GROUPS]
by_group = {}
for name, reader in (("n-grams", by_words), ("e5, both", by_both)):
    p = reader(first_frame) + reader(second_frame)
    by_group[name] = p / 2
    span = np.ptp(by_group[name])
    expect(f"{name}, p from lowest to highest group", span, at_least=0.08)
poor = by_group["e5, both"][GROUPS.index("poor")]
rich = by_group["e5, both"][GROUPS.index("rich")]
expect("e5, both: poor minus rich", poor - rich, at_most=-0.03)

# %%
SARCASM = (
    "Great, the bag was already open when it came.",
    "I just love paying ten dollars for stale chips.",
    "Wonderful, another box of broken cookies.",
    "Perfect if you enjoy the taste of cardboard.",
    "Best coffee ever, if you like dishwater.",
    "Oh fantastic, it leaked all over my kitchen.",
    "Thanks a lot for the lovely hair in my soup.",
    "Delicious, if your dog is doing the tasting.",
    "Amazing how they make chocolate taste of soap.",
    "I am so happy that I bought twelve cans of this.",
)
for name, reader in (("n-grams", by_words), ("e5, both", by_both)):
    praise = int(np.sum(reader(SARCASM) > 0.5))
    low, high = scratch.wilson_interval(praise, len(SARCASM))
    print(f"{name} (here: 95 % interval {low:.2f} to {high:.2f})")
    expect(f"{name}, sarcasm taken for praise, of ten", praise, at_least=2)

# %%
names = list(by_group)
figure, axes = plot.subplots(figsize=(8.4, 3.0))
order = np.argsort(by_group["e5, both"])
for name, marker, color in zip(names, "os", plot.COLORS):
    axes.plot(by_group[name][order], marker=marker, ls="", color=color, label=name)
axes.set_xticks(range(len(GROUPS)), np.array(GROUPS)[order], rotation=60, ha="right")
axes.set(xlabel="word in the sentence", ylabel="probability of praise", ylim=(0, 1))
axes.legend(fontsize=9, loc="center", ncols=2)
plot.show(figure)

# %% [markdown]
# *Figure. The same two sentences with another word for the person: the mean of both probabilities.*
# <details><summary>In words</summary>Twenty words along the axis, in the order of the encoder's answer. The encoder's squares lie at 0.1 for poor, a little higher for deaf and blind, and then level near 0.3. The dots of the n-grams lie between 0.65 and 0.85, lowest for poor, African and Indian, highest for white and rich.</details><br>
#
# The sentences say nothing good or bad, and yet the answer depends on who makes the tea; the encoder judges *poor* lower than *rich*. Some words have a second meaning that may explain it (a *poor* coffee), but the reader does not know which was meant. Suppose now that letters of applicants or complaints of tenants are sorted by such a number. The persons
# concerned have not agreed to it, do not see it, and cannot object. **Sarcasm** is taken for praise in two of ten sentences at least, so whoever complains that way may not be heard. Our data name no dialect and no age group, so for these we *cannot tell*; that is not the same as fair. The writers of reviews agreed to be read by shoppers, not to be profiled. So: count over many texts rather than judge one person; tell people; keep the
# text beside the number; and let a human decide what concerns a human.
#
# ## Your own input
#
# Write a review in English or Chinese. The reader answers, and then leaves out one word at a time (**occlusion**): where $p$ falls without a word, that word spoke *for* praise. Chinese is cut into the encoder's own pieces. Long texts are left out in groups of words.

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
# <details><summary>In words</summary>Fourteen bars, one for each word of the review of the tea. Not and bad stand above zero, at about 0.05: both spoke for praise. Package reaches far below zero, to about −0.16, and came and broken lie lower than the rest as well. The other bars are short.</details><br>
#
# ## Ship it
#
# What do we ship? The table decides. With thousands of labels the n-grams are as good as anything here, calibrated, and small; so an application for both languages is two vocabularies, their weights and temperatures. (With a hundred labels you would ship the head, 385 numbers, and load the encoder by its name.) The function that opens the file knows nothing of this notebook.


# %%
def open_reader(path):
    import re
    import numpy as np
    from sklearn.feature_extraction.text import TfidfVectorizer
    from bmkit import ship

    parts = ship.unpack(path)
    counters = {}
    for language, settings in parts["settings"].items():
        settings["ngram_range"] = tuple(settings["ngram_range"])
        terms = parts[f"{language}_terms"]
        counters[language] = TfidfVectorizer(vocabulary=terms, **settings)
        counters[language].idf_ = parts[f"{language}_rarity"]

    def judge(text):
        language = "chinese" if re.search("[一-鿿]", text) else "english"
        x = counters[language].transform([text])
        logit = x @ parts[f"{language}_weights"] + parts[f"{language}_bias"]
        return float(1 / (1 + np.exp(-logit[0] / parts[f"{language}_temperature"])))

    return judge


# %%
import pathlib
import tempfile

count_signs, signs_model = readers[6400]
fresh = count_signs.transform(chinese["validation"])
T_signs = temperature(praised["validation"], signs_model.decision_function(fresh))
of_signs = {"analyzer": "char", "ngram_range": [1, 2], "sublinear_tf": True}
of_words = {"ngram_range": [1, longest], "sublinear_tf": True}
parts = {"settings": {"english": of_words, "chinese": of_signs}}
for language, count, model, T_of in (
    ("english", count_english, words_model, T_words),
    ("chinese", count_signs, signs_model, T_signs),
):
    parts[f"{language}_terms"] = list(count.get_feature_names_out())
    parts[f"{language}_rarity"] = count.idf_
    parts[f"{language}_weights"] = model.coef_[0]
    parts[f"{language}_bias"] = float(model.intercept_[0])
    parts[f"{language}_temperature"] = float(T_of)
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

# %%
costs = {
    "size (MB)": trial.megabytes,
    "start (s)": trial.load_seconds,
    "answer, half within (ms)": trial.p50_milliseconds,
    "answer, 19 of 20 within (ms)": trial.p95_milliseconds,
}
plot.table({"sentiment.zip": costs}, corner="file")

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
# * **Accuracy**, **macro-F1** and **ROC AUC** take three lines each and are equal to scikit-learn's.
# * Words and pairs with logistic regression, tuned, are a strong reader. Our network of pooled **embeddings** was level with them on 3,569 English reviews.
# * With 100 Chinese labels a pretrained encoder was clearly ahead of character n-grams; with 6,400 labels these were as good or better. With English labels alone the encoder read Chinese far better than chance.
# * A head without a penalty was too sure. **Temperature scaling** divides the logits by one number, fitted on texts that were held out; no verdict changed. Where the penalty was tuned there was nothing to mend.
# * Repeated lines made a reader that only remembers right in nine of ten cases. Remove repeats before you split.
# * **Probes** showed what accuracy hid: n-grams took *not bad* for worse than *bad*, readers of one domain failed in another, and words for groups of people moved the answer.
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
# * C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger (2017), On calibration of modern neural networks. [arXiv](https://arxiv.org/abs/1706.04599)
# * A. Joulin, E. Grave, P. Bojanowski, T. Mikolov (2016), Bag of tricks for efficient text classification. [arXiv](https://arxiv.org/abs/1607.01759)
# * L. Wang, N. Yang, X. Huang, L. Yang, R. Majumder, F. Wei (2024), Multilingual E5 text embeddings: a technical report. [arXiv](https://arxiv.org/abs/2402.05672)
# * S. Kiritchenko, S. Mohammad (2018), Examining gender and race bias in two hundred sentiment analysis systems. [ACL Anthology](https://aclanthology.org/S18-2005/)
# * S. Das, M. Chen (2001), Yahoo! for Amazon: extracting market sentiment from stock message boards. [SSRN](https://doi.org/10.2139/ssrn.276189)
