# %% [markdown]
# # 19 · ResNet
#
# **After this you can** say why deeper is not better by itself, derive the slope of a residual block, build the block by hand and in Keras, compare a plain and a residual network fairly, and use a network pretrained on photographs where labels are few
#
# **Time** 35 min to read, 70 min to teach, 90 s to run
#
# **Before** [09 · Model building and initialization](09_model_building_and_initialization.ipynb), [11 · Convolutional networks for images](11_cnn_images.ipynb)
#
# **Data** mnist_5k (5,000 handwritten digits of 28×28 pixels, CC BY-SA 3.0), silhouettes (9,716 animals of 28×28 pixels, MIT), two photographs that ship with scikit-image (CC0), weights of EfficientNet-Lite0 (Apache 2.0)

# %%
from bmkit import data, layers, models, plot, pretrained, scratch, train
from bmkit.check import expect
from bmkit.exercises import ch19
import keras
import numpy as np
train.seed(0)

# %% [markdown]
# ## Deeper is not better by itself
#
# A deeper network can say more. So the best network of 30 layers should be at least as good as the best of 6: let 24
# layers hand on what they get, and it *is* the shallow one. Yet in 2015 deeper plain networks had a higher *training*
# loss than shallow ones. That is not overfitting: the good solution exists, but gradient descent does not find it.
#
# Look at what a deep plain network does before any training. Three real digits, shrunk to 14×14 pixels, go through 29
# convolutions of 3×3 with He's start ([chapter 09](09_model_building_and_initialization.ipynb)), which keeps the *size*
# of the numbers. Does it also keep the picture?

# %%
digits = data.load("mnist_5k")
x, y = digits.arrays("train")
x = np.array(keras.ops.average_pool(x, 2))  # (3600, 14, 14, 1)
plain = models.resnet(
    (14, 14, 1), 10, blocks=(1, 13), filters=(8, 16), residual=False, batch_normalization=False
)
blocks = [layer for layer in plain.layers if isinstance(layer, layers.ResidualBlock)]
stages = keras.Model(plain.inputs[0], [blocks[k].output for k in (0, 1, 4, 8, 13)])
seen = [np.array(stage) for stage in stages(x[:64])]  # each (64, side, side, filters)
expect("layers with weights", 2 + 2 * len(blocks), equals=30)

# %%
shown, titles = [], []
for digit in range(3):
    for stage, name in zip([x, *seen], ("digit", 1, 2, 5, 9, 14)):
        shown.append(stage[digit].mean(axis=-1))
        titles.append(name if name == "digit" else f"block {name}")
plot.show(plot.images(shown, titles, columns=6))
alike = []
for stage in (seen[0], seen[-1]):
    flat = stage.reshape(64, -1)
    flat = flat / np.linalg.norm(flat, axis=1, keepdims=True)
    alike.append(np.mean(flat @ flat.T))  # mean cosine between pictures: 1 is all the same
expect("mean cosine of 64 digits behind block 1", alike[0], at_most=0.85)
expect("mean cosine behind block 14", alike[1], at_least=0.8)

# %% [markdown]
# *Figure. Three digits on their way through a plain network before training. Behind fourteen blocks all three look much
# the same.*
# <details><summary>In words</summary>Three rows of six pictures. Left the digits, readable; one block on they are
# blurred; from block 2 on they are coarse blots of 7×7 pixels, and in the last column the three rows look much
# alike.</details><br>
#
# The *cosine* of two pictures' numbers is 1 if one is a multiple of the other. Random convolutions followed by ReLU
# drive it towards 1: what is particular to a digit fades, and no layer behind can bring it back. A layer that merely
# handed its input on would have been better, and a random layer is very far from that.
#
# ## Learn the difference
#
# So make "hand it on" the easy thing. Let a block compute only what should be *added* to its input:
#
# $$y = \mathrm{relu}\bigl(x + F(x)\bigr), \qquad F(x) = W_2 * \mathrm{relu}(W_1 * x + b_1) + b_2$$
#
# * $x$ and $y$ are input and output of the block, both of shape (height, width, channels),
# * $W_1, W_2$ are kernels of 3×3, $b_1, b_2$ biases, and $*$ is the convolution of [chapter 11](11_cnn_images.ipynb),
# * $F$ is the **residual**: what is left to learn once $x$ is there. The way on which $x$ passes is the **shortcut**.
#
# If $F = 0$, then $y = \mathrm{relu}(x) = x$, since $x$ comes out of a ReLU and is not negative. Zero weights, which
# ruined the networks of chapter 09, are here a block that does no harm. By hand:


# %%
def residual_block(x, first, second):
    inner = scratch.relu(scratch.conv2d(x, *first, padding=1))  # (height, width, filters)
    added = scratch.conv2d(inner, *second, padding=1)  # F(x), (height, width, channels)
    return scratch.relu(x + added)


random = np.random.default_rng(0)
image = scratch.relu(random.normal(size=(8, 6, 4)))
first, second = [(random.normal(size=(3, 3, 4, 4)) / 5, random.normal(size=4)) for _ in range(2)]
by_hand = residual_block(image, first, second)  # (8, 6, 4)
zeros = np.zeros((3, 3, 4, 4)), np.zeros(4)
expect("a block with F = 0", residual_block(image, first, zeros), equals=image, tolerance=1e-12)

# %% [markdown]
# The same block out of Keras layers, as `bmkit.scratch.residual_block`, and as the layer that `models.resnet` is made
# of:

# %%
inputs = keras.Input((8, 6, 4))
inner = keras.layers.Conv2D(4, 3, padding="same", activation="relu")(inputs)
added = keras.layers.Conv2D(4, 3, padding="same")(inner)
outputs = keras.layers.ReLU()(keras.layers.Add()([inputs, added]))
built = keras.Model(inputs, outputs)
ready = layers.ResidualBlock(4, batch_normalization=False)
ready.build((None, 8, 6, 4))
for name, candidate in (("Keras layers", built), ("bmkit.layers", ready)):
    candidate.set_weights([*first, *second])
    expect(name, candidate(image[np.newaxis])[0], equals=by_hand, tolerance=1e-5)
expect("bmkit.scratch", scratch.residual_block(image, first, second), equals=by_hand, tolerance=1e-12)

# %% [markdown]
# Where a block halves height and width or widens the channels, $x$ and $F(x)$ differ in shape. The simplest shortcut
# then takes every second pixel and fills the missing channels with zeros (He's "option A", used here); the other one is
# a 1×1 convolution.
#
# ### Exercise 1 · A block of matrices
#
# Write `block(x, first, second)` for matrices in place of convolutions, without biases: `x` has shape `(n, d)`, `first`
# `(d, h)`, `second` `(h, d)`. *Easy, four minutes; expected: shape `(n, d)`.*


# %%
def block(x, first, second):
    ...


ch19.block.check(block)

# %% [markdown]
# ## The slope of a block
#
# Leave the outer ReLU aside for a moment and take one number: $x_{l+1} = x_l + F_l(x_l)$ for blocks $l = 1 \dots L$.
# The derivative of a sum is the sum of the derivatives, and $x$ has derivative 1:
#
# $$\frac{\partial x_{l+1}}{\partial x_l} = 1 + F_l'(x_l)$$
#
# The chain rule multiplies the blocks. With $\mathcal{L}$ for the loss,
#
# $$\frac{\partial \mathcal{L}}{\partial x_1} = \frac{\partial \mathcal{L}}{\partial x_{L+1}}\;\prod_{l=1}^{L}\bigl(1 + F_l'\bigr)
# = \frac{\partial \mathcal{L}}{\partial x_{L+1}}\;\Bigl(1 + \sum_l F_l' + \sum_{l<m} F_l'F_m' + \dots + F_1'F_2'\cdots
# F_L'\Bigr)$$
#
# A plain chain has only the very last term, the product of all. The shortcut adds the **1**: the slope from the end
# arrives at the front unchanged, whatever the weights are, and all else is added to it. For pictures, 1 becomes the
# identity matrix $I$ and $F'$ the Jacobian of $F$, in the same formula $I + F'$. The outer ReLU multiplies it with 1
# where $x + F > 0$ and with 0 elsewhere.
#
# That the slope need not vanish is not all we want: if every $F'$ is about 1, twenty blocks make $2^{20}$. So $F$ must
# *start small*.
#
# ### Exercise 2 · The slope at the front
#
# Write `slope_back(slope, derivatives)`: `slope` arrives at the end, `derivatives` holds one $F_l'$ for each block;
# return the slope at the front. *Easy, three minutes; expected: a number.*


# %%
def slope_back(slope, derivatives):
    ...


ch19.slope_back.check(slope_back)

# %% [markdown]
# ### Exercise 3 · Predict, then run
#
# Multiply the product out: each term is one way through the network, around some blocks and through the others. **How
# many ways are there through 10 blocks?** *One minute; expected: an integer.*

# %%
paths = ...
ch19.paths.check(paths)

# %% [markdown]
# ## Measured: slopes before training
#
# Two networks of 30 layers with exactly the same weights, real digits, no training. One has shortcuts, the other has
# not. In both we shrink the kernels of all blocks by the same factor, the *scale*: 1 is He's start, 0.7 nearly Keras'
# own (Glorot's), 0.5 is smaller still. At each block we measure the slope $\partial\mathcal{L}/\partial x_l$. By
# [chapter 09](09_model_building_and_initialization.ipynb) two plain convolutions should change it by the factor scale².
# And with a shortcut?


# %%
def deep_network(residual, scale=1.0, count=13, side=14):
    sizes = {"blocks": (1, count), "filters": (8, 16)}
    model = models.resnet((side, side, 1), 10, **sizes, residual=residual, batch_normalization=False)
    for layer in model.layers:
        if isinstance(layer, layers.ResidualBlock):
            for convolution in layer.convolutions:
                convolution.kernel.assign(convolution.kernel * scale)
    return model


def loss_function():
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


expect("weights of both", deep_network(True).count_params(), equals=deep_network(False).count_params())

# %%
import tensorflow as tf


def slope_sizes(residual, scale):
    train.seed(0)  # the same weights every time
    values, outputs = keras.ops.convert_to_tensor(x[:64]), []
    with tf.GradientTape() as tape:
        tape.watch(values)
        for layer in deep_network(residual, scale).layers[1:]:
            values = layer(values)
            if isinstance(layer, layers.ResidualBlock):
                outputs.append(values)  # (64, side, side, filters)
        loss = loss_function()(y[:64], values)
    return np.array([scratch.root_mean_square(np.array(g)) for g in tape.gradient(loss, outputs)])

# %%
def draw(scale):
    figure, axes = plot.subplots(figsize=(6.4, 3.0))
    for name, form in (("residual", "o-"), ("plain", "s--")):
        axes.semilogy(range(1, 15), slope_sizes(name == "residual", scale), form, label=name)
    axes.set(xlabel="block, from the input", ylabel="slope (root mean square)", xticks=range(1, 15))
    axes.legend()
    return figure


plot.explore(draw, start={"scale": 0.5}, scale=[0.1, 0.3, 0.5, 0.7, 1.0])

# %% [markdown]
# *Figure. Slope at each block before training, kernels at half of He's spread. With shortcuts all blocks hear the loss
# about equally well; without, the slope fades on its way to the front.*
# <details><summary>In words</summary>Two lines over fourteen blocks on a logarithmic axis. The residual one is nearly
# level. The plain one, dashed, starts many powers of ten lower at the left and climbs to meet it at the
# right.</details><br>

# %%
front_over_end = {}
for residual, name in ((True, "residual"), (False, "plain")):
    for scale_now in (0.5, 1.0):
        sizes = slope_sizes(residual, scale_now)
        front_over_end[name, scale_now] = sizes[1] / sizes[-1]  # blocks 2 to 14 have one shape
expect("residual, scale 0.5: front over end", front_over_end["residual", 0.5], at_least=0.3, at_most=5)
expect("plain, scale 0.5: end over front", 1 / front_over_end["plain", 0.5], at_least=1e5)
expect("plain, He's start: front over end", front_over_end["plain", 1.0], at_least=0.05, at_most=20)
expect("residual, He's start: front over end", front_over_end["residual", 1.0], at_least=8)

# %% [markdown]
# So both have a start at which slopes keep their size. The plain one must hit it exactly: $0.5^2$ a block is already
# fatal. The residual one takes any *small* scale; only at 1, where $F$ is as large as $x$, does the slope grow, as
# $1+F'$ told us. Batch normalisation at the end of $F$ is the usual remedy; a small start, after Zhang and colleagues,
# does without it and is cheaper, which suits a page that must run on any laptop.
#
# A slope of the right size is not yet a useful one, though: in the first figure the plain network *had* He's start, and
# all pictures looked nearly the same.
#
# ## Does it matter for training?
#
# With 30 plain layers the rounding of another processor can change the answer a great deal. So we go deeper, to 44
# layers, and shrink the digits once more, to 7×7 pixels, so that it takes less time. The same pictures, optimizer and steps for all: a **shallow baseline** of 6 layers;
# 44 layers residual with kernels at 0.3 of He's start, since more blocks need smaller ones; and 44 layers plain with
# He's start, the best for it, at two learning rates, so that its failure is not that of one rate. Before you run it:
# which one will have the highest *training* loss?

# %%
def shrink(pictures, labels):
    return keras.ops.average_pool(pictures, 4), labels  # (batch, 7, 7, 1)


train_set, validation_set = digits.train.map(shrink), digits.validation.map(shrink)
runs, score, training_loss = {}, {}, {}


def compete(name, network, rate):
    network.compile(keras.optimizers.Adam(rate), loss_function(), metrics=["accuracy"])
    runs[name] = train.fit(network, train_set, validation_set, epochs=2)
    score[name] = train.evaluate(network, validation_set)["accuracy"]
    training_loss[name] = train.evaluate(network, train_set)["loss"]


# %%
train.seed(0)
compete("plain, 6 layers", deep_network(residual=False, count=1, side=7), rate=0.004)
deep = {"count": 20, "side": 7}
compete("residual, 44 layers", deep_network(residual=True, scale=0.3, **deep), rate=0.004)

# %%
train.seed(0)
compete("plain, 44 layers", deep_network(residual=False, **deep), rate=0.004)
compete("plain, 44 layers, lower rate", deep_network(residual=False, **deep), rate=0.001)

# %%
plot.show(plot.history(runs, "loss", unit="nats"))

# %% [markdown]
# *Figure. The plain deep network stays far behind the shallow one even on its training data, at either rate; with
# shortcuts the same depth learns.*
# <details><summary>In words</summary>Loss over the epochs, training dashed and validation solid. The two lines of the
# plain network of 44 layers stay highest; the residual one of the same size falls far below them, and so does the
# shallow one.</details><br>

# %%
shallow, deep_residual, *both_rates = runs
plain_score = max(score[name] for name in both_rates)
plain_loss = min(training_loss[name] for name in both_rates)
expect("training loss: deep plain over shallow", plain_loss / training_loss[shallow], at_least=1.4)
expect("training loss: plain over residual", plain_loss / training_loss[deep_residual], at_least=1.4)
ahead = score[deep_residual] - plain_score
expect("residual ahead of plain, validation share right", ahead, at_least=0.3)
gap = score[shallow] - plain_score
expect("share of the gap to the shallow one that it closes", ahead / gap, at_least=0.5)

# %% [markdown]
# The two deep networks have equal weights in number, not equal starts: each got one that suits it. The smaller start
# would only make the slopes of the plain network vanish. Nor do digits need 44 layers: a better shallow network reads
# them as well or better. What was tested is whether depth can be trained at all. Where tasks are hard, depth pays: so
# let us use a network that somebody else has trained, on 1.28 million photographs.
#
# ## A network that has seen the world
#
# **EfficientNet-Lite0** was trained on ImageNet: photographs of 1,000 kinds of things. Its block is $x + F(x)$ too,
# without the outer ReLU, and $F$ first widens the channels, filters each for itself, and narrows them again. The
# weights (a parcel of 17 MB) are fetched once and then stay on this computer. Two photographs to begin with:

# %%
import skimage

classifier = pretrained.load("efficientnet_lite0")
photographs = [skimage.data.coffee()[:, 100:500], skimage.data.chelsea()[:, 75:375]]
guesses = classifier.classify(photographs, top=1)
coffee = classifier.classify(skimage.data.coffee(), top=1)[0][0]
names = [guess[0][0] for guess in guesses]
seen = np.clip(classifier.preprocess(photographs) / 2 + 0.5, 0, 1)  # (2, 224, 224, 3)
plot.show(plot.images(seen, names, columns=2, width=5))
print("the whole photograph of the cup:", coffee[0])
expect("its probability", coffee[1], at_least=0.9)
adds = [layer for layer in classifier.model.layers if isinstance(layer, keras.layers.Add)]
expect("shortcuts", len(adds), equals=9)
expect("weights", classifier.model.count_params(), equals=4_694_024)

# %% [markdown]
# *Figure. What the network calls two photographs.*
# <details><summary>In words</summary>Left a cup of coffee on a wooden table, right the face of a striped cat; above
# each the name the network gives it.</details><br>
#
# ### The online twin: ResNet50
#
# The best known residual network is ResNet50 of `keras.applications`. Its weights need a network connection, so we
# build it empty and look inside. It has one convolution at first, then four stages of 3, 4, 6 and 3 blocks, each block
# with **three** convolutions, and one dense layer at the end.
#
# ### Exercise 4 · Predict, then run
#
# **How many layers with weights lie on its longest way?** Do not count shortcuts and normalisations. *Two minutes;
# expected: an integer.*

# %%
layers_with_weights = ...
ch19.layers_with_weights.check(layers_with_weights)

# %%
resnet50 = keras.applications.ResNet50(weights=None)
joins = [layer for layer in resnet50.layers if isinstance(layer, keras.layers.Add)]
kernels = [layer for layer in resnet50.layers if isinstance(layer, keras.layers.Conv2D)]
expect("weights of ResNet50", resnet50.count_params(), equals=25_636_712)
expect("shortcuts, one a block", len(joins), equals=3 + 4 + 6 + 3)
expect("convolutions, with 4 of 1×1 in shortcuts", len(kernels), equals=1 + 3 * 16 + 4)

# %% [markdown]
# With a network connection, `pretrained.load("keras:ResNet50")` returns an object of the same kind as `classifier`,
# with the ImageNet weights (about 100 MB), and everything below works with it as well; only the input size is fixed at
# 224.
#
# ## Transfer: 10 labels a class
#
# Now a task of our own: ten animals as silhouettes, and **10 labelled pictures of each**, 100 in all. From scratch this
# is hopeless for a deep network. But we can use what the pretrained one has learned: cut off its last layer, feed it
# our pictures, and take the 1,280 numbers that the last layer would have seen as **features**. All weights stay as they
# are (*frozen*). Only a logistic regression on top is trained.
#
# The network wants colour pictures. Ours are 28×28 and grey, so we enlarge them to 128×128 and repeat the channel. All
# layers but the last are convolutions, so the same weights fit a network for 128×128 pixels, about three times as cheap
# as 224×224.

# %%
from bmkit.pretrained.efficientnet_lite import efficientnet_lite

smaller = efficientnet_lite((128, 128, 3))
smaller.set_weights(classifier.model.get_weights())
extractor = keras.Model(smaller.inputs[0], smaller.get_layer("features").output)


def features(pictures):
    enlarged = keras.ops.image.resize(pictures, (128, 128))  # (n, 128, 128, 1)
    colour = keras.ops.repeat(enlarged, 3, axis=-1) * 255
    return extractor.predict(classifier.scale(colour), verbose=0)  # (n, 1280)


animals = data.load("silhouettes")
pictures, labels = animals.arrays("train")
shuffled = np.random.default_rng(0).permutation(len(labels))
few = np.concatenate([shuffled[labels[shuffled] == animal][:10] for animal in range(10)])
names = animals.description.classes
plot.show(plot.images(pictures[few[::10]], names, columns=5))
print("labelled pictures:", len(few), " features:", features(pictures[few[:1]]).shape)

# %% [markdown]
# *Figure. One of the ten labelled silhouettes of each animal.*
# <details><summary>In words</summary>Ten small white shapes on black, the zebra in greys, each with the name of its
# animal above it.</details><br>
#
# Its rivals get the same 100 labels: logistic regression on the pixels, and a small convolutional network trained from
# scratch with dropout. Validation pictures only watch, 300 of them. (So many labels for watching is a luxury that one
# would not have in earnest; it makes the comparison sharper.)

# %%
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

watched, truth = (part[:300] for part in animals.arrays("validation"))
on_pixels = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=1000))
on_pixels.fit(pictures[few].reshape(100, -1), labels[few])
transfer = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=1000))
transfer.fit(features(pictures[few]), labels[few])
scratch_network = keras.Sequential([keras.Input((28, 28, 1))])
for filters in (16, 32):
    scratch_network.add(keras.layers.Conv2D(filters, 3, activation="relu"))
    scratch_network.add(keras.layers.MaxPooling2D(2))
for layer in (keras.layers.Flatten(), keras.layers.Dropout(0.4), keras.layers.Dense(10)):
    scratch_network.add(layer)
train.seed(0)

# %%
scratch_network.compile(keras.optimizers.Adam(0.003), loss_function(), metrics=["accuracy"])
own = train.fit(scratch_network, (pictures[few], labels[few]), (watched, truth), epochs=25)
share = {
    "pixels": on_pixels.score(watched.reshape(300, -1), truth),
    "from scratch": max(own["val_accuracy"]),
    "transfer": transfer.score(features(watched), truth),
}
figure, axes = plot.subplots(figsize=(6.0, 2.2))
axes.barh(list(share), list(share.values()), color=plot.COLORS[:3], edgecolor="black")
axes.axvline(0.1, color="black", ls="--", lw=1)
axes.set(xlabel="validation share right (dashed: chance)", ylabel="trained on 100 labels", xlim=(0, 1))
plot.show(figure)
expect("transfer, validation share right", share["transfer"], at_least=0.72)
expect("its lead over from scratch", share["transfer"] - share["from scratch"], at_least=0.08)
expect("its lead over the pixels", share["transfer"] - share["pixels"], at_least=0.15)

# %% [markdown]
# *Figure. Three ways to use the same 100 labels: the features of a network that saw photographs are clearly ahead.*
# <details><summary>In words</summary>Three horizontal bars: pixels lowest, from scratch a little higher, transfer
# highest by a wide margin; a dashed line at one tenth marks chance.</details><br>
#
# The choice is made by validation: transfer. Now the test set is opened, once, on 300 pictures; beside it the rival
# from scratch.

# %%
x_test, y_test = (part[:300] for part in animals.arrays("test"))
chances = transfer.predict_proba(features(x_test))  # (300, 10)
predicted = chances.argmax(axis=1)
tested = np.mean(predicted == y_test)
rival = train.evaluate(scratch_network, (x_test, y_test))["accuracy"]
expect("test, transfer, share right", tested, at_least=0.7)
expect("test, lead over the network from scratch", tested - rival, at_least=0.06)
wrong = np.flatnonzero(predicted != y_test)
wrong = wrong[np.argsort(-chances[wrong].max(axis=1))][:10]  # the surest errors first
titles = [f"{names[y_test[i]]}\nread as {names[predicted[i]]}" for i in wrong]
plot.show(plot.images(x_test[wrong], titles, columns=5))

# %% [markdown]
# *Figure. The ten errors it was surest of: seen from the front, sitting, or grazing, animals lose the outline one knows
# them by.*
# <details><summary>In words</summary>Ten white shapes, above each the true animal and the one it was read
# as.</details><br>
#
# Why does it work at all? ImageNet holds hardly any white shapes on black, and the features were not made for them: a
# network trained on photographs leans on texture more than on shape (Geirhos and colleagues), and silhouettes have
# none. But its early layers answer to edges, corners and curves, the later ones to legs, necks and heads, and many of
# its 1,000 classes are animals. That is enough to beat what 100 pictures alone can teach. It is *not* enough to be
# perfect; with thousands of labels a network from scratch may catch up. So put the rival beside it, every time.
#
# **Fine-tuning** would go one step further: after the last layer is trained, unfreeze the last blocks and train on with
# a learning rate about a hundred times smaller, with the normalisation layers kept as they are (`training=False`). It
# often gains a few points, needs more labels than ten a class, and takes minutes instead of seconds without a graphics
# card.
#
# ## Summary
#
# * Deeper is not better by itself: plain deep networks lose the picture and cannot be trained well, though a good
#   solution exists.
# * A residual block is $y=\mathrm{relu}(x+F(x))$; by hand, from Keras layers and as `ResidualBlock` it is the same.
# * Its slope is $I+F'$: the 1 lets the gradient pass, and $F$ must start small, or the product explodes.
# * With the same number of weights, 44 layers learn with shortcuts, and without them stay far behind 6 layers.
# * Where labels are few, the frozen features of a pretrained network and a linear classifier beat training from
#   scratch. Measure it, with rivals beside.
#
# **Ask yourself**
#
# <details><summary>Why must ReLU come after the sum, and not at the end of F?</summary>If F ended in a ReLU it could
# only add: the values would grow from block to block, and nothing could be taken away again.</details>
# <details><summary>Does a shortcut cost weights?</summary>Not where the shapes agree, nor when it is filled up with
# zeros. Only a 1×1 convolution in it has weights.</details>
# <details><summary>Why freeze 4.7 million weights instead of training them on 100 pictures?</summary>They would fit the
# 100 pictures perfectly within a few steps and forget what they knew.</details><br>
#
# **Next** Part V applies all of this. Chapter 37, *Pretrained models* (planned), takes the transfer further. [00 ·
# Start here](00_start_here.ipynb) has the map.
#
# **References**
#
# * K. He, X. Zhang, S. Ren, J. Sun (2016), Deep residual learning for image recognition.
#   [arXiv](https://arxiv.org/abs/1512.03385)
# * A. Veit, M. Wilber, S. Belongie (2016), Residual networks behave like ensembles of relatively shallow networks.
#   [arXiv](https://arxiv.org/abs/1605.06431)
# * H. Zhang, Y. N. Dauphin, T. Ma (2019), Fixup initialization: residual learning without normalization.
#   [arXiv](https://arxiv.org/abs/1901.09321)
# * R. Geirhos et al. (2019), ImageNet-trained CNNs are biased towards texture.
#   [arXiv](https://arxiv.org/abs/1811.12231)
# * M. Tan, Q. V. Le (2019), EfficientNet: rethinking model scaling for convolutional neural networks.
#   [arXiv](https://arxiv.org/abs/1905.11946)
