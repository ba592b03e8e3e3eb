# %% [markdown]
# # 07 · Cross-validation
#
# **After this you can** estimate how a model will do on new data and how sure that estimate is, cut plain, stratified and grouped folds by hand, find the leaks that make a score too good, and choose settings without flattering yourself
#
# **Time** 45 min to read, 80 min to teach, 30 s to run
#
# **Before** [04 · Loss functions](04_loss_functions.ipynb)
#
# **Data** diabetes (442 patients, no licence stated), wine (178 wines, CC BY 4.0), orl_faces (400 faces of 40 people, AT&T Laboratories Cambridge, free for research), insteval (73,421 ratings of lectures, GPL-2 or later), breast_cancer (569 tumours, CC BY 4.0)

# %%
from bmkit import data, models, plot, scratch, train
from bmkit.check import expect
from bmkit.exercises import ch07
import keras
import numpy as np

train.seed(0)

# %% [markdown]
# ## One split is one opinion
#
# How good will a model be on people it has never met? The honest way to find out is to hide some people from it, train on the
# rest, and look. But *which* people do we hide? With millions of rows it hardly matters. With a few hundred it does, and most
# tables in medicine, industry and research have a few hundred rows.
#
# Ours has ten measurements of diabetes patients and, one year later, a score of how far the disease has come. We take the rows
# that are not test data, 354 of them, and the simplest model: a weighted sum of the measurements, with the weights that give
# the lowest [squared loss](04_loss_functions.ipynb). We judge it by the **mean absolute error**, the mean distance between prediction
# and truth, in points of that score.


# %%
def rows_to_work_with(name):
    x, y = zip(*(data.load(name).arrays(part) for part in ("train", "validation")))
    return np.concatenate(x), np.concatenate(y)  # the test part stays closed


def linear(x_train, y_train, x_new):
    center, spread = x_train.mean(axis=0), x_train.std(axis=0)  # learned from training rows only
    with_ones = [np.c_[np.ones(len(x)), (x - center) / spread] for x in (x_train, x_new)]  # (rows, 11)
    weights = np.linalg.lstsq(with_ones[0], y_train, rcond=None)[0]  # (11,)
    return with_ones[1] @ weights


def misses(x, y, hidden, model=linear):
    known = np.setdiff1d(np.arange(len(y)), hidden)  # all rows that are not hidden
    return np.abs(model(x[known], y[known], x[hidden]) - y[hidden])  # one error a hidden row


x, y = (array.astype(float) for array in rows_to_work_with("diabetes"))
print(x.shape, y.shape)

# %% [markdown]
# Now hide a random fifth, train on the rest, and measure. Then do it again with another fifth, 500 times. If you had done it
# only once, you would have reported one of these 500 numbers. **How far apart are they, would you say?** By a point or two?

# %%
shuffles = [np.array_split(np.random.default_rng(s).permutation(354), 5) for s in range(500)]
tables = [[misses(x, y, fifth).mean() for fifth in fifths] for fifths in shuffles]
single = np.array(tables)[:, 0]  # (500,), one split each
averaged = np.mean(tables, axis=1)  # (500,), every fifth hidden once
figure, axes = plot.subplots(figsize=(6.4, 3.0))
bins = np.arange(34, 58, 0.5)
axes.hist(single, bins, color=plot.COLORS[4], edgecolor="black", label="one fifth hidden")
axes.hist(averaged, bins, histtype="step", color=plot.COLORS[3], lw=2, label="mean of all five fifths")
axes.set(xlabel="mean absolute error (points)", ylabel="shuffles out of 500", yscale="log")
axes.legend()
plot.show(figure)
expect("middle nine tenths of single splits, width", np.ptp(np.percentile(single, [5, 95])), at_least=8)
expect("standard deviation, single over averaged", single.std() / averaged.std(), at_least=6)
gain = np.abs(y - np.median(y)).mean() - averaged.mean()
expect("gain over predicting the median patient, points", gain, at_least=18)

# %% [markdown]
# *Figure. The same model on the same patients. Single splits report anything from the middle thirties to the middle fifties;
# the mean over five fifths stays put. (The vertical axis is logarithmic.)*
# <details><summary>In words</summary>Two histograms over the mean absolute error. The filled one, single splits, is a wide hill from
# about 35 to 56. The outlined one, means of five, is a narrow peak around 44.</details><br>
#
# Two people with the same data and the same model can report numbers eight points apart. Neither has made a mistake. And both
# would be right that the model is worth something: predicting the median patient for everybody is off by some twenty points
# more.
#
# ## The remedy: everyone is hidden once
#
# The outlined histogram has already shown it. Cut the rows into $k$ **folds** $F_1,\dots,F_k$. Hide one fold, train on the
# others, measure on the hidden one; do so for each fold in turn, and average. This is **k-fold cross-validation**:
#
# $$\mathrm{CV} = \frac1k\sum_{j=1}^{k}\;\frac{1}{|F_j|}\sum_{i\in F_j} L\big(y_i,\; f^{(-j)}(x_i)\big)$$
#
# * $j$ counts the $k$ folds; $F_j$ is a set of row numbers and $|F_j|$ how many there are,
# * every row lies in exactly one fold, and sizes differ by one at most,
# * $f^{(-j)}$ ("f without j") is the model trained on all rows *except* those of fold $j$,
# * $x_i$ are the measurements of row $i$, $y_i$ its truth, and $L$ the loss of one row, here $|y_i-\hat y_i|$.
#
# A fold is nothing but an array of row numbers. Shuffle, cut, done. Ours must agree with `bmkit.scratch` and with scikit-learn:
# the same sizes, every row covered once, and without a shuffle the very same rows.

# %%
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import KFold, cross_val_score

folds = [np.sort(part) for part in np.array_split(np.random.default_rng(0).permutation(354), 5)]
expect("every row, once", np.sort(np.concatenate(folds)), equals=np.arange(354))
print("sizes:", [len(fold) for fold in folds])
ours = scratch.k_fold(354, 5, seed=0)
expect("bmkit.scratch", np.concatenate(ours), equals=np.concatenate(folds))
unshuffled = np.concatenate([fold for _, fold in KFold(5).split(x)])
expect("scikit-learn, unshuffled", np.concatenate(scratch.k_fold(354, 5)), equals=unshuffled)


def scores(model, x, y, folds, scoring="accuracy"):
    pairs = [(np.setdiff1d(np.arange(len(y)), fold), fold) for fold in folds]
    return cross_val_score(model, x, y, cv=pairs, scoring=scoring)  # one score a fold


theirs = -scores(LinearRegression(), x, y, folds, "neg_mean_absolute_error").mean()
ours = scratch.cross_validation_estimate([misses(x, y, fold) for fold in folds])
expect("CV by bmkit.scratch minus CV by scikit-learn", ours - theirs, equals=0, tolerance=1e-6)

# %% [markdown]
# ### Exercise 1 · Cut the folds
#
# Write `folds(order, k)`: `order` is an array of row numbers, already shuffled. Return a list of `k` arrays, cut from it one
# after the other; when it does not divide evenly, the *first* folds get one row more. *Medium, five minutes; expected: a list
# of `k` arrays.*


# %%
def folds(order, k):
    ...


ch07.folds.check(folds)

# %% [markdown]
# ### How many folds?
#
# With $k=2$ each model learns from half the patients only, and a model that saw fewer patients does worse than the one you will
# finally train on all. The estimate is too pessimistic. With $k=354$ (*leave-one-out*) almost nothing is missing, but it costs 354
# trainings. There is a second price, which is easy to overlook: the models become nearly the same model.
#
# ### Exercise 2 · Predict, then run
#
# With 10 folds of equal size, take the training rows of two of the ten models. **What share of the rows that the first was
# trained on did the second see as well?** *Two minutes; expected: a number from 0 to 1, to two decimals.*

# %%
shared = ...
ch07.shared.check(shared)

# %%
counts = [2, 3, 5, 10, 20, 50, 354]
results = {}
for k in counts:
    repeats = 1 if k == 354 else 20  # leaving one out knows no luck of the shuffle
    cut = [scratch.k_fold(354, k, seed) for seed in range(repeats)]
    results[k] = [np.mean([misses(x, y, fold).mean() for fold in folds]) for folds in cut]
figure, axes = plot.subplots(figsize=(6.4, 2.8))
places = np.arange(len(counts))
mean, half = ([how(results[k]) for k in counts] for how in (np.mean, np.ptp))
axes.errorbar(places, mean, np.array(half) / 2, marker="o", capsize=4)
axes.set(xlabel="number of folds k", ylabel="CV estimate (points)", xticks=places, xticklabels=counts)
plot.show(figure)
expect("two folds are gloomier than ten by, points", mean[0] - mean[3], at_least=0.4)
expect("twenty instead of ten change, points", abs(mean[4] - mean[3]), at_most=0.3)

# %% [markdown]
# *Figure. More folds mean more patients to learn from and less luck of the shuffle (bars: half the range over 20 shuffles). From
# about ten folds on, little changes.*
# <details><summary>In words</summary>A falling curve of the CV estimate over 2 to 354 folds, from above 45 points to a little
# above 44, flat from ten folds on. The error bars shrink from left to right.</details><br>
#
# Five or ten folds are the usual bargain. Ten times the work of one split buys an estimate that hardly depends on who
# happened to be hidden.
#
# ## Which rows may be separated? The kinds of folds
#
# Plain folds take the rows to be independent of one another and all of one kind. Often neither is true. Here are 48
# real ratings of lectures, in the
# order of their lecturers. The two strips below say what each row is: whether the lecture was rated 4 or 5 (dark), and who held
# it (the shade changes with the lecturer). **Stratified** folds shuffle the rows, sort them by class, and deal them out
# like cards, so that each fold gets its share of every class. **Grouped** folds give away whole groups, the largest
# first, each to the fold that has the fewest rows. Here are both by hand for four folds, and then `cut` for any number.
# Run this notebook yourself, and sliders let you change $k$ and the kind of folds.

# %%
ratings, stars = data.load("insteval").arrays("train")
few = np.flatnonzero(np.isin(ratings["lecturer"], np.arange(40, 60)))[:48]
few = few[np.argsort(ratings["lecturer"][few], kind="stable")]
liked, person = stars[few] >= 4, np.unique(ratings["lecturer"][few], return_inverse=True)[1]

order = np.random.default_rng(0).permutation(48)
cards = order[np.argsort(liked[order], kind="stable")]  # shuffled, then sorted by class
dealt = [np.sort(cards[first::4]) for first in range(4)]
ours = scratch.stratified_k_fold(liked, 4, seed=0)
expect("stratified, bmkit.scratch", np.concatenate(ours), equals=np.concatenate(dealt))

size, home, rows = np.bincount(person), np.zeros(person.max() + 1, int), np.zeros(4, int)
for group in np.argsort(-size, kind="stable"):  # the largest first
    home[group] = rows.argmin()  # the fold with the fewest rows
    rows[home[group]] += size[group]
whole = [np.flatnonzero(home[person] == fold) for fold in range(4)]
ours = scratch.group_k_fold(person, 4)
expect("grouped, bmkit.scratch", np.concatenate(ours), equals=np.concatenate(whole))


# %%
def cut(kind, k):
    if kind == "grouped":
        return scratch.group_k_fold(person, k)
    if kind == "stratified":
        return scratch.stratified_k_fold(liked, k, seed=0)
    return scratch.k_fold(48, k, seed=0 if kind == "shuffled" else None)


kinds = ["plain", "shuffled", "stratified", "grouped"]


# %%
def draw(kind, k):
    picture = np.full((k, 48), 0.9)  # light: used for training
    for row, fold in enumerate(cut(kind, k)):
        picture[row, fold] = 0.15  # dark: hidden, used for testing
    figure, (top, bottom) = plot.subplots(2, 1, figsize=(7.2, 3.4), height_ratios=(k, 2))
    for axes, grid in ((top, picture), (bottom, [0.8 - 0.5 * liked, 0.8 - 0.5 * (person % 2)])):
        axes.pcolormesh(grid, edgecolor="white", lw=1, vmin=0, vmax=1, cmap="gray")
        axes.invert_yaxis()
        axes.grid(False)
    top.set(xlabel=f"{kind} folds: dark rows are hidden", ylabel="fold", xticks=[])
    top.set_yticks(np.arange(k) + 0.5, range(1, k + 1))
    bottom.set(xlabel="row of the table", ylabel="what it is")
    bottom.set_yticks([0.5, 1.5], ["liked", "lecturer"])
    return figure


plot.explore(draw, start={"kind": "grouped", "k": 4}, kind=kinds, k=[2, 3, 4, 5, 6])

# %% [markdown]
# *Figure. Grouped folds: the dark blocks never cut through a lecturer. Move the sliders: what do plain folds do to the strip of
# lecturers? And stratified ones to the strip of liked lectures?*
# <details><summary>In words</summary>Four rows, one for each fold, over 48 columns, one for each rating. In each column exactly one of the
# four fields is dark. Below, two strips: liked or not, in an irregular pattern, and the lecturers as alternating blocks. Dark
# fields come in whole blocks of lecturers.</details><br>
#
# ### Stratified: every fold gets its share of each class
#
# The wine table has chemical analyses of wines from three growers, and as published it is sorted by grower. Tables often are.
#
# ### Exercise 3 · Predict, then run
#
# 90 wines, 30 from each of three growers, sorted by grower. Someone cuts three *plain* folds, without a shuffle, and a
# classifier must name the grower. **What accuracy will cross-validation report, from 0 to 1?** *Two minutes; expected: a
# number.*

# %%
never_seen = ...
ch07.never_seen.check(never_seen)

# %%
from sklearn import model_selection, neighbors, pipeline, preprocessing

wines, growers = rows_to_work_with("wine")
wines, growers = (array[np.argsort(growers, kind="stable")] for array in (wines, growers))
nearest = pipeline.make_pipeline(preprocessing.StandardScaler(), neighbors.KNeighborsClassifier(1))
plain = scratch.k_fold(142, 3)
dealt = [np.arange(142)[first::3] for first in range(3)]  # sorted by class, dealt out like cards
for name, folds in {"plain folds:": plain, "dealt folds:": dealt}.items():
    print(name, *(np.bincount(growers[fold], minlength=3) for fold in folds), "(wines of each grower)")
expect("first fold of bmkit.scratch", scratch.stratified_k_fold(growers, 3)[0], equals=dealt[0])
theirs = [fold for _, fold in model_selection.StratifiedKFold(3).split(wines, growers)]
counts = [[np.bincount(growers[fold]) for fold in folds] for folds in (theirs, dealt)]
expect("wines of each grower, scikit-learn", counts[0], equals=np.array(counts[1]))
expect("always the most frequent grower, share right", np.bincount(growers).max() / 142, at_least=0.40)
expect("accuracy, plain folds", scores(nearest, wines, growers, plain).mean(), at_most=0.35)
expect("accuracy, stratified folds", scores(nearest, wines, growers, dealt).mean(), at_least=0.92)

# %% [markdown]
# The same classifier, from worse than guessing to nearly perfect. Nothing was wrong with it: plain folds asked it, three times,
# for a grower it had hardly ever met. Shuffling mends most of this. **Stratifying** mends it exactly: sort the rows by class and
# deal them out like cards, so that each fold gets its share. This matters most when a class is rare, because a fold
# without a single sick patient can tell nothing about the sick.
#
# ### Grouped: nobody in the test set was in training
#
# Now the opposite problem. Take pictures of 32 people, ten of each. For every *person* we toss a coin. The task: tell from a
# picture whether that person's coin showed heads. Of course nobody can. So a fair estimate must come out at one half.

# %%
faces, people = rows_to_work_with("orl_faces")
people = np.unique(people, return_inverse=True)[1]  # 0 … 31
small = faces[:, ::8, ::8].reshape(320, -1)  # every eighth pixel, (320, 168)
distance = ((small[:, np.newaxis] - small) ** 2).sum(axis=-1)  # (320, 320), from each picture to each
few = np.argsort(people, kind="stable")[:80]  # the first eight people, ten pictures each
plot.show(plot.images(np.sqrt(distance[np.ix_(few, few)])[np.newaxis], width=3.2))


def coin_accuracy(folds, coin):
    right = []
    for fold in folds:
        known = np.setdiff1d(np.arange(320), fold)
        most_alike = known[distance[np.ix_(fold, known)].argmin(axis=1)]  # (hidden,)
        right.append(np.mean(coin[people[most_alike]] == coin[people[fold]]))
    return np.mean(right)


# %% [markdown]
# *Figure. How far is each of 80 pictures from every other one? Eight people, ten pictures each; dark is near. Pictures of one person
# are mostly nearer to each other than to the rest.*
# <details><summary>In words</summary>A square of 80 by 80 grey fields. Squares of ten by ten lie along the
# diagonal, most of them darker than the rest; some squares off the diagonal are dark too, where two people look alike.</details><br>
#
# Our classifier looks for the most similar known picture and repeats its answer. We toss the 32 coins a hundred times,
# and each time estimate its accuracy twice: with shuffled folds of pictures, and with **grouped** folds that hide all
# ten
# pictures of a person together. Guess the two numbers.

# %%
throws = [np.random.default_rng(s).integers(0, 2, 32) for s in range(100)]
by_picture = [coin_accuracy(scratch.k_fold(320, 4, seed=s), coin) for s, coin in enumerate(throws)]
whole_people = scratch.group_k_fold(people, 4)
by_person = [coin_accuracy(whole_people, coin) for coin in throws]
figure, axes = plot.subplots(figsize=(6.4, 2.6))
bins = np.linspace(0.2, 1.0, 41)
axes.hist(by_person, bins, color=plot.COLORS[4], edgecolor="black", label="grouped: people hidden")
axes.hist(by_picture, bins, color=plot.COLORS[3], hatch="//", label="shuffled: pictures hidden")
axes.axvline(0.5, color="black", ls="--", label="the truth")
axes.set(xlabel="CV estimate of the share of coins guessed right", ylabel="throws out of 100")
axes.legend(fontsize=9, loc="upper right", bbox_to_anchor=(0.87, 1))
plot.show(figure)
expect("shuffled folds claim", np.mean(by_picture), at_least=0.9)
expect("grouped folds say", np.mean(by_person), at_least=0.45, at_most=0.55)

# %% [markdown]
# *Figure. Shuffled folds announce that coins can be read from faces. Grouped folds scatter around one half, where the truth is.*
# <details><summary>In words</summary>Histograms over accuracy. The grouped estimates form a wide hill around a dashed line at
# 0.5. The estimates from shuffled folds form a narrow block near 1.</details><br>
#
# The classifier learned nothing about coins. It recognised the *person*, whom it had met in training. Wherever rows come in
# families (several scans of a patient, several minutes of a machine, several sentences of a speaker), shuffled folds measure
# recognition. The cure is to ask what will be new in real use. New people? Then hide people.
#
# Here is the same with a real answer. Predict a student's rating of a lecture by the average the lecturer has received so
# far. Is that a good prediction? For a lecturer who is *known*, or for one who comes *new*?

# %%
lecturer = ratings["lecturer"]


def squared_misses(hidden):
    known = np.setdiff1d(np.arange(len(stars)), hidden)
    overall = stars[known].mean()
    above = np.bincount(lecturer[known], stars[known] - overall, 1128)  # how far above it, summed up
    count = np.bincount(lecturer[known], minlength=1128)
    forecast = overall + (above / (count + 5))[lecturer[hidden]]  # +5: few ratings count less
    return (forecast - stars[hidden]) ** 2


explained = {}
cuts = {"known": scratch.k_fold(len(stars), 5, seed=0), "new": scratch.group_k_fold(lecturer, 5)}
for name, folds in cuts.items():
    loss = scratch.cross_validation_estimate([squared_misses(fold) for fold in folds])
    explained[name] = 1 - loss / stars.var()
expect("variance explained, lecturers known", explained["known"], at_least=0.12)
expect("variance explained, lecturers new", explained["new"], at_most=0.01)

# %% [markdown]
# Both numbers are right, each for its question. The first is the one for further ratings of the same staff, the second for
# a lecturer on the first day. **The folds must resemble the way in which the model will be used.** For the same reason,
# what is to be forecast *in time* needs
# folds that hide the later rows.
#
# ## Leaks: three ways to make a score too good
#
# A **leak**, or **data leakage**, is anything that training learned from the hidden rows. It can be a whole person, as
# above, or just a number. Here
# are three that are made before the folds are cut, by people who meant well.
#
# **Leak 1: choose the best columns, then cross-validate.** A hundred patients, and the question whether their disease will be
# among the faster half. We throw the measurements away and give each patient 5,000 columns of pure noise. We keep the
# 20 columns that agree best with the answer and cross-validate a classifier on these. What do you expect it to report?

# %%
from sklearn.feature_selection import SelectKBest

faster = (y > np.median(y)).astype(int)
best, classify = SelectKBest(k=20), neighbors.NearestCentroid()
leaky, honest = [], []
for s in range(10):
    random = np.random.default_rng(s)
    noise, answer = random.normal(size=(100, 5000)), faster[random.permutation(354)[:100]]
    folds = scratch.stratified_k_fold(answer, 5, seed=s)
    kept = best.fit_transform(noise, answer)  # saw all 100 answers
    leaky.append(scores(classify, kept, answer, folds).mean())
    inside = pipeline.make_pipeline(best, classify)  # chooses anew in every fold
    honest.append(scores(inside, noise, answer, folds).mean())
leaks = {"choose columns": (np.mean(leaky), np.mean(honest))}
expect("leaky estimate on pure noise", np.mean(leaky), at_least=0.85)
expect("honest estimate on pure noise", np.mean(honest), at_least=0.42, at_most=0.58)

# %% [markdown]
# Nine of ten right, from noise! The choice of columns had seen the answers of *all* rows, the hidden ones included.
# Among 5,000 columns some agree well with any 100 answers, by luck; they were chosen for that luck, and then scored on
# it. Moved inside the folds, the same choice scores about one half. The two programs differ only in where one line
# stands.
#
# **Leak 2: copy the rare rows, then cross-validate.** Back to the real measurements. 52 of our patients had a very fast course,
# and we would like to warn them. They are few, so a usual trick is to *oversample* them: repeat rare rows until both classes
# are equal. Since one class is rare we report the *balanced accuracy*, the mean of the share right among the rare and the share
# right among the others. Always giving the same answer scores 0.5.

# %%
fast = (y > np.quantile(y, 0.85)).astype(int)  # 1 for the 52 fastest
random = np.random.default_rng(0)
print("fast courses:", fast.sum(), "of", len(fast))


def oversample(rows):
    rare = rows[fast[rows] == 1]
    return np.concatenate([rows, random.choice(rare, len(rows) - 2 * len(rare))])


def balanced_accuracy(known, hidden):
    forecast = nearest.fit(x[known], fast[known]).predict(x[hidden])
    return np.mean([np.mean(forecast[fast[hidden] == kind] == kind) for kind in (0, 1)])


# %%
copied = oversample(np.arange(354))  # before the split
leaky, twins, honest = [], [], []
for fold in scratch.stratified_k_fold(fast[copied], 5, seed=0):
    known, hidden = np.delete(copied, fold), copied[fold]
    twins.append(np.isin(hidden[fast[hidden] == 1], known).mean())
    leaky.append(balanced_accuracy(known, hidden))
for fold in scratch.stratified_k_fold(fast, 5, seed=0):
    known = oversample(np.setdiff1d(np.arange(354), fold))  # after it
    honest.append(balanced_accuracy(known, fold))
leaks["copy rare rows"] = (np.mean(leaky), np.mean(honest))
expect("hidden rare rows that stand in training too, share", np.mean(twins), at_least=0.95)
expect("leaky minus honest estimate", np.mean(leaky) - np.mean(honest), at_least=0.2)
expect("honest estimate", np.mean(honest), at_least=0.55, at_most=0.72)

# %% [markdown]
# Nearly every hidden rare row had a twin in training, and finding an exact copy is easy. The same happens without any trick when a
# table holds duplicates, as collected data often do; the food reviews of [chapter 04](04_loss_functions.ipynb) had to be cleared
# of repeats. Remove duplicates first; oversample only inside the folds.
#
# **Leak 3: scale the columns, then cross-validate.** Means and standard deviations computed from all rows have seen the hidden rows too.
# How much does *that* give away? Guess before you look.

# %%
scaled = (wines - wines.mean(axis=0)) / wines.std(axis=0)  # saw all wines
folds = scratch.stratified_k_fold(growers, 5, seed=0)
leaky = scores(neighbors.KNeighborsClassifier(1), scaled, growers, folds).mean()
leaks["scale columns"] = (leaky, scores(nearest, wines, growers, folds).mean())
figure, axes = plot.subplots(figsize=(6.4, 2.8))
leaky, honest = zip(*leaks.values())
axes.bar(np.arange(3) - 0.2, leaky, color=plot.COLORS[3], width=0.38, hatch="//", label="leaky")
axes.bar(np.arange(3) + 0.2, honest, color=plot.COLORS[4], width=0.38, label="honest")
axes.hlines([0.5, 0.5, 0.4], [-0.4, 0.6, 1.6], [0.4, 1.4, 2.4], color="black", lw=2, label="no model")
axes.set_xticks(range(3), leaks)
axes.set(xlabel="what was done before the split", ylabel="CV estimate (share right)", ylim=(0, 1.3))
axes.legend(loc="upper center", ncols=3)
plot.show(figure)
expect("leak by choosing, leaky minus honest", leaky[0] - honest[0], at_least=0.3)
expect("leak by scaling, size", abs(leaky[2] - honest[2]), at_most=0.02)

# %% [markdown]
# *Figure. The same mistake, made before three different steps. What looks at the answers, or copies rows, leaks a lot; means and
# standard deviations of many rows leak next to nothing.*
# <details><summary>In words</summary>Three pairs of bars. For choosing columns and for copying rare rows the leaky bar is near
# 0.9 or above and the honest one not far from the line of "no model". For scaling, both bars are equally high.</details><br>
#
# Scaling is the leak that many textbooks warn of, and here it changes next to nothing, perhaps because leaving out 28
# of 142 wines hardly
# moves a mean. The warning is right all the same. You cannot know beforehand which step is harmless, and the cure is the same for all:
# **whatever learns from data belongs inside the fold**. In scikit-learn a `Pipeline` does it; by hand it is one habit.
#
# ### Exercise 4 · The habit
#
# Leak 1, mended by hand. Write `best_columns(x, y, hidden, k)`: the numbers of the `k` columns of `x` whose correlation with `y`
# is strongest, of either sign, the best first. `hidden` holds the row numbers of the fold. Which rows may have a say?
# `np.corrcoef(a, b)[0, 1]` is the correlation of two arrays. *Medium, six minutes; expected: `k` integers.*


# %%
def best_columns(x, y, hidden, k):
    ...


ch07.best_columns.check(best_columns)

# %% [markdown]
# ## A network in the folds
#
# With Keras there are two more ways to leak. **Build the model inside the loop**: a network that goes on from the last fold's
# weights has been trained on the rows it is now tested on. And **do not stop by the hidden fold**: `train.fit` keeps the weights
# of the epoch with the lowest validation loss, so the validation rows take part in a choice. Cut them out of the training rows.

# %%
tumours, benign = rows_to_work_with("breast_cancer")
right, loss = [], keras.losses.SparseCategoricalCrossentropy(from_logits=True)
for fold in scratch.stratified_k_fold(benign, 4, seed=0):
    known = np.setdiff1d(np.arange(455), fold)
    stop = known[scratch.stratified_k_fold(benign[known], 5, seed=0)[0]]  # a fifth of the known rows
    learn = np.setdiff1d(known, stop)
    z = (tumours - tumours[learn].mean(axis=0)) / tumours[learn].std(axis=0)
    network = models.mlp((30,), 2, hidden_units=(16,))  # new weights in every fold
    network.compile(keras.optimizers.Adam(0.01), loss)
    train.fit(network, (z[learn], benign[learn]), (z[stop], benign[stop]), epochs=15)
    right.append(np.argmax(network(z[fold]), axis=1) == benign[fold])
expect("always 'benign', share right", benign.mean(), at_most=0.64)
expect("network, CV estimate of that share", scratch.cross_validation_estimate(right), at_least=0.93)
error = np.std([hits.mean() for hits in right], ddof=1) / np.sqrt(4)  # explained below
ours = scratch.cross_validation_standard_error(right)
expect("bmkit.scratch minus that", ours - error, equals=0, tolerance=1e-12)
expect("its standard error, points of a hundred", 100 * error, at_most=3)

# %% [markdown]
# ## Nested folds: when you also choose
#
# Cross-validation is mostly used to *choose*: this setting or that. Then a subtle thing happens. The best of many
# estimates is best partly by luck, and its score keeps the luck, like the best of 200 people who guess coins. That is
# the **optimistic bias** of a score that was chosen. An honest estimate must treat *choosing as a part of training* and
# hide rows from it too, in **nested cross-validation**:
#
# $$\hat\theta_j = \arg\min_{\theta}\; \mathrm{CV}^{\text{inner}}_\theta\big(\text{rows not in } F_j\big), \qquad
# \mathrm{CV}^{\text{nested}} = \frac1k\sum_{j=1}^k\frac1{|F_j|}\sum_{i\in F_j} L\big(y_i,\, f^{(-j)}_{\hat\theta_j}(x_i)\big)$$
#
# * $\theta$ is what we choose (a setting, a set of columns), $\hat\theta_j$ the choice made without fold $j$,
# * $\mathrm{CV}^{\text{inner}}$ cuts the rows outside $F_j$ into folds of their own,
# * each outer fold may choose differently. What is estimated is the *procedure*, not one winner.
#
# We try it with a judge. Sixty patients are ours; the other 294 tell how good our choice really is. We choose among all 385
# sets of one to four measurements. The model names the class (faster half or not) whose average is nearest. The squared distance
# is a sum over columns, so one matrix product tries all the sets at once.

# %%
from itertools import combinations

sets = np.array([np.isin(range(10), c) for size in (1, 2, 3, 4) for c in combinations(range(10), size)])
expect("sets of columns", len(sets), equals=385)


def right_by_set(known, hidden):
    z = (x - x[known].mean(axis=0)) / x[known].std(axis=0)
    slow, fast = (z[known][faster[known] == kind].mean(axis=0) for kind in (0, 1))
    lean = (z[hidden] - slow) ** 2 - (z[hidden] - fast) ** 2  # (hidden, 10)
    return ((lean @ sets.T > 0) == faster[hidden][:, np.newaxis]).mean(axis=0)  # (385,), share right


def inner_scores(rows, seed):
    folds = [rows[fold] for fold in scratch.stratified_k_fold(faster[rows], 5, seed)]
    return np.mean([right_by_set(np.setdiff1d(rows, fold), fold) for fold in folds], axis=0)


# %%
best_score, nested, judge = [], [], []
for seed in range(40):
    order = np.random.default_rng(seed).permutation(354)
    ours, others = order[:60], order[60:]
    inner = inner_scores(ours, seed)
    best_score.append(inner.max())  # the score that comes with the winner
    judge.append(right_by_set(ours, others)[inner.argmax()])  # how good the winner is
    outer = []
    for fold in scratch.stratified_k_fold(faster[ours], 5, seed):
        known = np.delete(ours, fold)
        outer.append(right_by_set(known, ours[fold])[inner_scores(known, seed).argmax()])
    nested.append(np.mean(outer))
expect("the winner's own score", np.mean(best_score), at_least=0.78)
expect("flattery of the winner's own score", np.mean(best_score) - np.mean(judge), at_least=0.05)
apart = np.array(nested) - np.array(judge)
half = 1.96 * apart.std() / np.sqrt(40)
print(f"nested minus judge (here: {apart.mean():+.3f} ± {half:.3f})")
expect("nested minus judge, distance from 0 in half-widths", abs(apart.mean()) / half, at_most=1)
expect("the half-width", half, at_most=0.03)
flattery = np.array(best_score) - np.array(judge)
half = 1.96 * flattery.std() / np.sqrt(40)
expect("lower end of the interval of the flattery", flattery.mean() - half, at_least=0.03)

# %%
figure, axes = plot.subplots(figsize=(6.4, 2.8))
rows = {"the winner's\nown score": best_score, "nested": nested, "the judge": judge}
lines = {"medianprops": {"color": "black"}, "orientation": "horizontal"}
axes.boxplot(list(rows.values()), tick_labels=list(rows), **lines)
axes.plot([np.mean(row) for row in rows.values()], [1, 2, 3], "D", color=plot.COLORS[3], label="mean")
axes.axvline(0.5, color="black", ls=":", label="no model")
axes.set(xlabel="share of patients put right", ylabel="what is reported", xlim=(0.47, 0.96))
axes.legend(loc="upper right", fontsize=9)
plot.show(figure)
above = np.mean(np.array(best_score) > np.array(judge))
expect("draws in which the winner's score is above the judge's", above, at_least=0.8)

# %% [markdown]
# *Figure. Forty draws of sixty patients. The winner's own score promises far more than the judge finds. The nested estimate is
# not told apart from it on average, and it scatters: sixty patients are few.*
# <details><summary>In words</summary>Three box plots over the share right. The winner's own score lies around 0.8, the judge
# around 0.72 in a narrow box, and the nested estimate around 0.71 in a wide box.</details><br>
#
# The winner was not a bad choice. Only its *score* was no estimate. Report the nested one, or keep a test set that no choice has
# touched.
#
# ## How sure is the estimate?
#
# The folds give $k$ numbers $m_1,\dots,m_k$, and it is natural to add a plus-minus, the **standard error** (SE):
#
# $$\mathrm{SE} = \frac{s}{\sqrt k}, \qquad s^2 = \frac1{k-1}\sum_{j=1}^{k}\big(m_j - \mathrm{CV}\big)^2$$
#
# * $m_j$ is the mean loss of fold $j$, $s$ the standard deviation of the $m_j$,
# * $\sqrt k$ would be right if the $m_j$ were independent measurements.
#
# They are not. Their models share most training rows (exercise 2), and all come from one sample of patients. Bengio and
# Grandvalet proved that *no* formula can tell the variance of CV without bias from the folds of one sample. How bad is it? We draw 80
# of the patients, 150 times. Each time we note the CV estimate and its SE, once from 5 folds, once from ten shuffles with 50
# folds in all. More folds, smaller SE. But have we more patients?

# %%
estimates, claimed, repeated = [], [], []
for seed in range(150):
    some = np.random.default_rng(seed).permutation(354)[:80]
    losses = [misses(x[some], y[some], fold) for s in range(10) for fold in scratch.k_fold(80, 5, s)]
    estimates.append(scratch.cross_validation_estimate(losses[:5]))  # one round of 5 folds
    claimed.append(scratch.cross_validation_standard_error(losses[:5]))
    repeated.append(scratch.cross_validation_standard_error(losses))  # ten rounds
real = np.std(estimates)  # how far the estimates of different samples lie apart
figure, axes = plot.subplots(figsize=(6.4, 2.6))
axes.hist(claimed, np.arange(0, 9, 0.3), color=plot.COLORS[4], edgecolor="black", label="SE of 5 folds")
axes.hist(repeated, np.arange(0, 9, 0.3), color=plot.COLORS[1], hatch="//", label="SE of 10 × 5 folds")
axes.axvline(real, color="black", ls="--", label="real standard deviation")
axes.set(xlabel="standard error of CV (points)", ylabel="samples out of 150")
axes.legend(fontsize=9)
plot.show(figure)

# %% [markdown]
# *Figure. The standard error of five folds is of the right size on average, but from sample to sample it varies by a factor of
# two and more. Ten shuffles make the estimate look more than twice as sure as it is.*
# <details><summary>In words</summary>Two histograms and a dashed line near 4 points. The standard errors of five folds spread
# widely around the line. Those of ten times five folds form a narrow block near 1, far left of the line.</details><br>
#
# Shuffling again removes the luck of the shuffle, not the luck of *who was in the sample*. (The 150 samples overlap, so the dashed line is perhaps
# too far left.) Give the standard error of one round,
# say that it is rough, and compare two models on the *same* folds, where most of the luck cancels.

# %%
expect("SE of 5 folds over the real one, mean", np.mean(claimed) / real, at_least=0.7, at_most=1.2)
expect("SE of 10 × 5 folds over the real one", np.mean(repeated) / real, at_most=0.45)
low, high = np.percentile(claimed, [5, 95])
expect("largest over smallest SE, of the middle nine tenths", high / low, at_least=2.5)
folds = scratch.k_fold(354, 5, seed=0)
losses = [misses(x, y, fold) for fold in folds]
promise = scratch.cross_validation_estimate(losses)
error = scratch.cross_validation_standard_error(losses)
x_test, y_test = data.load("diabetes").arrays("test")  # opened now, once
tested = np.abs(linear(x, y, x_test.astype(float)) - y_test).mean()
expect("test error and CV promise apart, in standard errors", abs(tested - promise) / error, at_most=2)

# %% [markdown]
# The promise holds: on 88 patients whom no fold ever contained, the model is off by about as much as cross-validation had said.
#
# ## Summary
#
# * A single split is one draw from a wide distribution. **k folds** hide every row once and average: most of that luck is gone.
# * **Stratify** so that every fold has its share of each class. **Group** so that the hidden rows belong to new people
#   or machines. The folds
#   should resemble the way in which the model will be used.
# * A **leak** is anything that training learned from the hidden rows. Choosing columns before the split made pure
#   noise look like knowledge, copying rows made a poor model look good, scaling did no harm here. Whatever learns belongs inside
#   the fold.
# * The winner's own score flatters. **Nested** folds hide rows from the choice as well.
# * The **standard error** of the folds is rough, because folds are not independent, and repeating does not make new data.
#
# **Ask yourself**
#
# <details><summary>A colleague normalises all pictures by dividing by 255 before cutting folds. A leak?</summary>No. 255 was not
# learned from the data; it would be the same for any pictures. A mean or a maximum of the pictures would be learned.</details>
# <details><summary>Five folds gave five models. Which one do you ship?</summary>None. Cross-validation estimated a procedure; train
# it once more on all rows and ship that.</details>
# <details><summary>Sensor data of ten machines, one row a second, shuffled folds, 99 % right. What do you ask first?</summary>Whether
# neighbouring seconds of one machine lie on both sides of the cut, and whether the model will meet new machines. Fold by machine,
# or by time.</details><br>
#
# **Next** [08 · Data preprocessing](08_data_preprocessing.ipynb), the first of the six steps.
# [10 · Training, validation, testing](10_training_validation_testing.ipynb) uses these splits in a whole project.
#
# **References**
#
# * M. Stone (1974), Cross-validatory choice and assessment of statistical predictions.
#   [doi](https://doi.org/10.1111/j.2517-6161.1974.tb00994.x)
# * C. Ambroise, G. J. McLachlan (2002), Selection bias in gene extraction on the basis of microarray gene-expression data.
#   [doi](https://doi.org/10.1073/pnas.102102699)
# * S. Varma, R. Simon (2006), Bias in error estimation when using cross-validation for model selection.
#   [doi](https://doi.org/10.1186/1471-2105-7-91)
# * Y. Bengio, Y. Grandvalet (2004), No unbiased estimator of the variance of k-fold cross-validation.
#   [JMLR](https://www.jmlr.org/papers/v5/grandvalet04a.html)
# * D. R. Roberts et al. (2017), Cross-validation strategies for data with temporal, spatial, hierarchical, or phylogenetic
#   structure. [doi](https://doi.org/10.1111/ecog.02881)
