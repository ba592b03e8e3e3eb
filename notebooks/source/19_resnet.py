# %% [markdown]
# # 19 · ResNet
#
# **After this you can** say why deeper is not better by itself, derive the gradient of a residual block, build the block by hand and in Keras, explain batch normalization, compare a plain and a residual network fairly, and use and fine-tune a network pretrained on photographs where labels are few
#
# **Time** 45 min to read, 85 min to teach, 90 s to run
#
# **Before** [09 · Model building and initialization](09_model_building_and_initialization.ipynb), [11 · Convolutional networks for images](11_cnn_images.ipynb)
#
# **Data** mnist_5k (5,000 handwritten digits of 28×28 pixels, CC BY-SA 3.0), silhouettes (9,716 animals of 28×28 pixels, MIT), two photographs that ship with scikit-image (CC0), weights of EfficientNet-Lite0 (Apache 2.0)

# %%
from bmkit import data, diagrams, layers, models, plot, pretrained, scratch, train
from bmkit.check import expect
from bmkit.exercises import ch19
import keras
import numpy as np
random = train.seed(0)

# %% [markdown]
# ## Deeper is not better by itself
#
# A deeper network can compute more. So the best network of 30 layers should be at least as good as the best of 6: let
# 24 layers pass on what they get, and it *is* the shallow one. Yet in 2015 He and colleagues found that deeper plain
# networks had a higher *training* loss than shallow ones. That is not overfitting, which would show in validation
# only. The good solution exists, but gradient descent does not find it.
#
# Look at what a deep plain network does before any training. Digits, shrunk to 14×14 pixels, go through 29 convolutions
# of 3×3 with He's initialization ([chapter 09](09_model_building_and_initialization.ipynb)), which keeps the *size* of
# the numbers. Does it also keep the picture? Nothing in this network is new to you: one convolution, then pairs of
# convolutions, which we call blocks, then a dense layer.

# %%
def convolution(filters, stride=1):
    form = {"padding": "same", "activation": "relu", "kernel_initializer": "he_normal"}
    return keras.layers.Conv2D(filters, 3, strides=stride, **form)


inputs = keras.Input((14, 14, 1))
h = convolution(8)(inputs)
blocks = []
for filters, stride in [(8, 1), (16, 2)] + [(16, 1)] * 12:
    h = convolution(filters, stride)(h)
    h = convolution(filters)(h)
    blocks.append(h)
pooled = keras.layers.GlobalAveragePooling2D()(h)  # (batch, 16)
plain = keras.Model(inputs, keras.layers.Dense(10)(pooled))
expect("layers with weights", len(plain.get_weights()) // 2, equals=30)

# %%
digits = data.load("mnist_5k")
x, y = digits.arrays("train")
x = np.array(keras.ops.average_pool(x, 2))  # (3600, 14, 14, 1)
depths = (1, 2, 5, 9, 14)
outputs = [blocks[depth - 1] for depth in depths]
stages = keras.Model(plain.inputs[0], outputs)
thousand = x[:1000]
representations = [thousand, *stages.predict(thousand, verbose=0)]
print([stage.shape for stage in representations])

# %%
pictures = []
titles = []
for digit in [np.flatnonzero(y == label)[0] for label in (1, 4, 8)]:
    for representation, name in zip(representations, ("digit", *depths)):
        pictures.append(representation[digit].mean(axis=-1))
        titles.append(name if name == "digit" else f"block {name}")
plot.show(plot.images(pictures, titles, columns=6))

# %% [markdown]
# *Figure. Three digits on their way through a plain network before training. After fourteen blocks all three look much the same.*
# <details><summary>In words</summary>Three rows of six pictures. Left the digits, readable; one block later they are
# blurred; from block 2 on they are coarse blots of 7×7 pixels, and in the last column the three rows look much
# alike.</details><br>
#
# Eyes can be wrong, so measure it in two ways. The **cosine similarity** of two pictures' numbers is 1 if one is a
# multiple of the other. And a **linear probe** ([chapter 02](02_deep_learning.ipynb)), here a *logistic regression*
# (one linear layer and a softmax) on the output of a block, tells how much of the digit can still be read there in the
# simplest way.

# %%
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def mean_cosine(representation):
    flat = representation[:64].reshape(64, -1)
    flat = flat / np.linalg.norm(flat, axis=1, keepdims=True)
    return float(np.mean(flat @ flat.T))


def linear(strength):
    return make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=300))


# %%
rows = {}
for representation, name in zip(representations, ("digits themselves", *depths)):
    flat = representation.reshape(1000, -1)
    best = 0.0
    for strength in (0.01, 1):
        probe = linear(strength).fit(flat[:700], y[:700])
        best = max(best, probe.score(flat[700:], y[700:1000]))
    title = name if name == "digits themselves" else f"block {name}"
    cosine = mean_cosine(representation)
    rows[title] = {"mean cosine similarity": cosine, "probe: share right": best}
plot.table(rows, corner="before training")

# %%
cosine, readable = rows["digits themselves"].values()
last_cosine, last_readable = rows["block 14"].values()
expect("mean cosine similarity of the digits", cosine, at_most=0.6)
expect("mean cosine similarity behind block 14", last_cosine, at_least=0.8)
lost = readable - last_readable
expect("what the probe loses on the way, share of digits", lost, at_least=0.15)
helped = rows["block 1"]["probe: share right"] - readable
expect("what it gains from one block", helped, at_least=0.02)

# %% [markdown]
# One random block even helps the probe, perhaps because its 8 filters offer more numbers than the 196 pixels. From then
# on the pictures
# become alike, and the probe reads less and less. The digits are not gone: the probe still reads far more than one in ten. But
# layers that merely passed on what block 1 gave them would have kept everything, and a random layer is very far from
# that.
#
# ## Learn the difference
#
# So make "pass it on" the easy thing. Let a block compute only what should be *added* to its input:

# %%
plot.show(diagrams.residual_block((8, 6, 4)))

# %% [markdown]
# *Figure. A residual block for pictures of 8×6 pixels and 4 channels. Only the grey boxes have weights; the shortcut
# has none.*
# <details><summary>In words</summary>From x an arrow leads through a convolution, a ReLU and a second convolution to a
# plus sign; a second arrow leads from x in an arc straight to the plus sign. From there it goes through a ReLU to y.
# Every arrow but the one after the plus sign is labelled with the shape (8, 6, 4).</details><br>
#
# $$y = \mathrm{relu}\bigl(x + F(x)\bigr), \qquad F(x) = W_2 * \mathrm{relu}(W_1 * x + b_1) + b_2$$
#
# * $x$ and $y$ are input and output of the block, both of shape (height, width, channels),
# * $W_1, W_2$ are kernels of 3×3, $b_1, b_2$ biases, and $*$ is the convolution of [chapter 11](11_cnn_images.ipynb),
# * $F$ is the **residual**: what is left to learn once $x$ is there. The path of $x$ is the **shortcut**, also called
#   **skip connection** or *residual connection*; the whole is a **residual block**.
#
# If $F = 0$, then $y = \mathrm{relu}(x) = x$, since $x$ comes out of a ReLU and is not negative. Zero weights, which
# ruined the networks of chapter 09, make a harmless block here. (Set only the second kernel to zero: with both
# at zero and no bias, $F$ would get no gradient and never learn.) By hand:


# %%
def residual_block(x, first, second):
    kernel, bias = first
    inner = scratch.conv2d(x, kernel, bias, padding=1)  # (height, width, filters)
    inner = scratch.relu(inner)
    kernel, bias = second
    residual = scratch.conv2d(inner, kernel, bias, padding=1)  # F(x), shaped as x
    return scratch.relu(x + residual)


# %%
image = scratch.relu(random.normal(size=(8, 6, 4)))
kernels = random.normal(scale=0.2, size=(2, 3, 3, 4, 4))
biases = random.normal(size=(2, 4))
first = kernels[0], biases[0]
second = kernels[1], biases[1]
by_hand = residual_block(image, first, second)  # (8, 6, 4)
zeros = np.zeros((3, 3, 4, 4)), np.zeros(4)
unchanged = residual_block(image, first, zeros)
expect("a block with F = 0", unchanged, equals=image, tolerance=1e-12)

# %% [markdown]
# In Keras the block is two convolutions and one `Add` layer. The functional interface takes the shortcut in its stride:
# `inputs` is simply used twice.

# %%
inputs = keras.Input((8, 6, 4))
inner = keras.layers.Conv2D(4, 3, padding="same", activation="relu")(inputs)
residual = keras.layers.Conv2D(4, 3, padding="same")(inner)
outputs = keras.layers.Add()([inputs, residual])
outputs = keras.layers.ReLU()(outputs)
block_model = keras.Model(inputs, outputs)
block_model.set_weights([*first, *second])
batch = image[np.newaxis]  # (1, 8, 6, 4)
expect("Keras layers", block_model(batch)[0], equals=by_hand, tolerance=1e-5)

# %% [markdown]
# `layers.ResidualBlock` is this block as a layer, and `scratch.residual_block` its twin in NumPy. `models.resnet` builds the
# network of the beginning from such layers, with `residual=False` the same plain one:

# %%
layer = layers.ResidualBlock(4, batch_normalization=False)
layer.build((None, 8, 6, 4))
layer.set_weights([*first, *second])
expect("bmkit.layers", layer(batch)[0], equals=by_hand, tolerance=1e-5)
twin = scratch.residual_block(image, first, second)
expect("bmkit.scratch", twin, equals=by_hand, tolerance=1e-12)

sizes = {"blocks": (1, 13), "filters": (8, 16)}
form = {"residual": False, "batch_normalization": False}
same = models.resnet((14, 14, 1), 10, **sizes, **form)
same.set_weights(plain.get_weights())
logits = plain(thousand[:5])
expect("models.resnet", same(thousand[:5]), equals=logits, tolerance=1e-4)

# %% [markdown]
# Where a block halves height and width or has more filters, $x$ and $F(x)$ differ in shape. The simplest shortcut then
# takes every second pixel and pads the missing channels with zeros (He's "option A", used in `models.resnet`). The
# other one is a 1×1 convolution with the same stride ("option B"), which has weights of its own.
#
# ### Exercise 1 · Build the block that changes the shape
#
# Write `down_block(filters)`: it returns a `keras.Model` from pictures of shape `(8, 8, 4)` to
# $\mathrm{relu}(\text{shortcut}(x) + F(x))$ of shape `(4, 4, filters)`. $F$ is a 3×3 convolution with stride 2, ReLU,
# and a 3×3 convolution with stride 1; the shortcut is a 1×1 convolution with stride 2 and without bias. All use
# `padding="same"`. *Medium, ten minutes; expected: a Keras model.*


# %%
def down_block(filters):
    ...


ch19.down_block.check(down_block)

# %% [markdown]
# ## The gradient of a block
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
# A plain chain has only the very last term, the product of all. The shortcut adds the **1**: the gradient from the end
# arrives at the front unchanged, and all else is added to it. For pictures, 1 becomes the identity matrix $I$ and $F'$
# the **Jacobian** of $F$, the matrix of its derivatives, in the same formula $I + F'$. The outer ReLU multiplies it by
# 1 where $x + F > 0$ and by 0
# elsewhere.
#
# So the gradient *need* not vanish. But it can: the other terms can cancel the 1. And it can explode. Take 20 blocks
# that all have the same $F'$:

# %%
for derivative in (-0.5, 0.1, 1.0):
    product = (1 + derivative) ** 20
    print(f"F' = {derivative:4}: {product:.0e} times the gradient at the end arrives")

# %% [markdown]
# A shortcut keeps the gradient in range only while $F'$ is *small*. So $F$ must start small.
#
# ### Exercise 2 · The gradient at the front
#
# Write `gradient_at_front(gradient, derivatives)`: `gradient` arrives at the end, `derivatives` holds one $F_l'$ for
# each block; return the gradient at the front. *Easy, three minutes; expected: a number.*


# %%
def gradient_at_front(gradient, derivatives):
    ...


ch19.gradient_at_front.check(gradient_at_front)

# %% [markdown]
# Multiply the product out, and each term is one path through the network, around some blocks and through the others: 10
# blocks give $2^{10} = 1024$ paths. Veit and colleagues took single blocks out of a trained residual network and found
# that it hardly minded: each block lies on half of the paths only.
#
# ## Measured: gradients before training
#
# Two networks of 30 layers with exactly the same weights, real digits, no training. One has shortcuts, the other does
# not. In both we multiply the kernels of all blocks by the same *scale*: 1 is He's initialization, 0.7 nearly Keras'
# own (Glorot's), 0.5 is smaller still. At each block we measure the gradient $\partial\mathcal{L}/\partial x_l$. By
# [chapter 09](09_model_building_and_initialization.ipynb) two plain convolutions should change it by the factor scale².
# And with a shortcut?


# %%
def deep_network(*, residual, scale=1.0, count=13, side=14, normalized=False):
    sizes = {"blocks": (1, count), "filters": (8, 16)}
    form = {"residual": residual, "batch_normalization": normalized}
    model = models.resnet((side, side, 1), 10, **sizes, **form)
    for layer in model.layers:
        if isinstance(layer, layers.ResidualBlock):
            for convolution in layer.convolutions:
                convolution.kernel.assign(convolution.kernel * scale)
    return model


def loss_function():
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


# %%
import tensorflow as tf


def block_gradients(model):
    values = keras.ops.convert_to_tensor(x[:64])
    outputs = []
    with tf.GradientTape() as tape:
        tape.watch(values)
        for layer in model.layers[1:]:
            values = layer(values, training=True)
            if isinstance(layer, layers.ResidualBlock):
                outputs.append(values)  # (64, side, side, filters)
        loss = loss_function()(y[:64], values)
    sizes = []
    for gradient in tape.gradient(loss, outputs):
        sizes.append(scratch.root_mean_square(np.array(gradient)))
    return np.array(sizes)

# %%
def draw(scale):
    figure, axes = plot.subplots(figsize=(6.4, 3.0))
    for name, form in (("residual", "o-"), ("plain", "s--")):
        train.seed(0)  # the same weights for both
        network = deep_network(residual=name == "residual", scale=scale)
        axes.semilogy(range(1, 15), block_gradients(network), form, label=name)
    axes.set(xlabel="block, from the input", xticks=range(1, 15))
    axes.set(ylabel="gradient (root mean square)")
    axes.legend()
    return figure


plot.explore(draw, start={"scale": 0.5}, scale=[0.1, 0.3, 0.5, 0.7, 1.0])

# %% [markdown]
# *Figure. Gradient at each block before training, kernels at half of He's standard deviation. With shortcuts all blocks
# get about the same gradient; without, it fades on its way to the front.*
# <details><summary>In words</summary>Two lines over fourteen blocks on a logarithmic axis. The residual one is nearly
# level. The plain one, dashed, starts many powers of ten lower at the left and climbs to meet it at the
# right.</details><br>

# %%
def front_over_end(scale, **form):
    train.seed(0)
    sizes = block_gradients(deep_network(scale=scale, **form))
    return float(sizes[1] / sizes[-1])  # blocks 2 to 14 have one shape


half = front_over_end(0.5, residual=True)
full = front_over_end(1.0, residual=True)
plain_half = front_over_end(0.5, residual=False)
plain_full = front_over_end(1.0, residual=False)
expect("residual, scale 0.5: front over end", half, at_least=0.3, at_most=5)
expect("plain, scale 0.5: end over front", 1 / plain_half, at_least=1e5)
expect("plain, He's start: front over end", plain_full, at_least=0.05, at_most=20)
expect("residual, He's start: front over end", full, at_least=8)

# %% [markdown]
# So both have an initialization at which gradients keep their size. The plain network must come close to it: a factor of $0.5^2$
# at each block is already fatal. The residual one keeps its gradients at 0.5 (try smaller scales in the figure); at 1,
# where $F$ is no
# longer small, they grow, as $1+F'$ told us.
#
# ## Batch normalization
#
# The networks of He and colleagues had one more layer after each convolution, and so have nearly all convolutional
# networks since. **Batch normalization** gives each channel a mean of 0 and a standard deviation of 1, then a scale and
# a shift of its own:
#
# $$\hat x_c = \frac{x_c - \mu_c}{\sqrt{\sigma_c^2 + \varepsilon}}, \qquad y_c = \gamma_c\,\hat x_c + \beta_c$$
#
# * $c$ counts the channels; $\mu_c$ and $\sigma_c^2$ are mean and variance over all pictures of the batch and all pixels,
# * $\gamma_c$ and $\beta_c$ are learned, and start at 1 and 0; $\varepsilon$ keeps the root away from 0.
#
# One picture alone has no batch. So the layer also keeps running averages of $\mu_c$ and $\sigma_c^2$ while it trains,
# and uses these in **inference**. Keras tells the two apart by the argument `training`:

# %%
batch = random.normal(3, 2, size=(32, 5, 5, 4))
norm = keras.layers.BatchNormalization(momentum=0.9)
out = norm(batch, training=True)
means = batch.mean(axis=(0, 1, 2))  # (4,), one a channel
variances = batch.var(axis=(0, 1, 2))
by_hand = scratch.batch_norm(batch, means, variances)
expect("training: statistics of the batch", out, equals=by_hand, tolerance=1e-4)

# %%
running_means = 0.9 * 0 + 0.1 * means  # Keras starts at mean 0 and variance 1
running_variances = 0.9 * 1 + 0.1 * variances
by_hand = scratch.batch_norm(batch, running_means, running_variances)
in_inference = norm(batch, training=False)
expect("inference: running averages", in_inference, equals=by_hand, tolerance=1e-4)

# %% [markdown]
# What does it do for depth? Multiply a kernel by any positive number: the mean and the standard deviation of its output are
# multiplied by the same number, and the normalization divides it out again. The scale that was fatal has no effect any
# more, but for $\varepsilon$:

# %%
normalized_half = front_over_end(0.5, residual=False, normalized=True)
normalized_full = front_over_end(1.0, residual=False, normalized=True)
ratio = normalized_half / normalized_full
expect("plain, normalized: scale 0.5 over scale 1", ratio, at_least=0.5, at_most=2)

# %% [markdown]
# The price is that in training a picture's output depends on the other pictures of its batch, and that training and
# inference differ. It also costs time. Zhang and colleagues do without it, by a small start (and some more). We take
# a small start for the next experiment, so that shortcuts are tested without normalization.
#
# ## Does it matter for training?
#
# Now a small relative of He and colleagues' experiment (their networks had batch normalization, ours have none). So that it takes seconds, the digits shrink once more, to 7×7 pixels,
# and the deep networks have 44 layers. The same pictures, number of steps and kind of optimizer (Adam) for all:
#
# * a **shallow baseline**: plain, 6 layers, rate 0.004,
# * **44 layers, residual**, all block kernels at 0.3 of He's initialization, so that $F$ starts small, rate 0.001,
# * **44 layers, plain**, with He's initialization, at which its gradients keep their size, rates 0.004, 0.001 and 0.00025.
#
# A rate that suits one network may ruin another one, so the plain network gets three learning rates, and its best result
# counts. TensorFlow turns a training step into a graph first, which takes seconds for 44 layers; so the three plain runs
# share one model, whose weights and whose optimizer's memory go back to the start before each run. Before you run it:
# which network will have the highest *training* loss?

# %%
def shrink(pictures, labels):
    return keras.ops.average_pool(pictures, 4), labels  # (batch, 7, 7, 1)


train_set = digits.train.map(shrink)
validation_set = digits.validation.map(shrink)
LOSS = "training loss (nats)"
RIGHT = "validation: share right"
rows = {}
runs = {}


def compete(name, network):
    runs[name] = train.fit(network, train_set, validation_set, epochs=2)
    known = train.evaluate(network, train_set)
    fresh = train.evaluate(network, validation_set)
    rows[name] = {LOSS: known["loss"], RIGHT: fresh["accuracy"]}


# %%
train.seed(0)
shallow = deep_network(residual=False, count=1, side=7)
adam = keras.optimizers.Adam(0.004)
shallow.compile(adam, loss_function(), metrics=["accuracy"])
compete("plain, 6 layers", shallow)

deep_residual = deep_network(residual=True, scale=0.3, count=20, side=7)
adam = keras.optimizers.Adam(0.001)
deep_residual.compile(adam, loss_function(), metrics=["accuracy"])
compete("residual, 44 layers", deep_residual)

# %%
deep_plain = deep_network(residual=False, count=20, side=7)
adam = keras.optimizers.Adam()
deep_plain.compile(adam, loss_function(), metrics=["accuracy"])
first_weights = deep_plain.get_weights()
for rate in (0.004, 0.001, 0.00025):
    deep_plain.set_weights(first_weights)
    for memory in deep_plain.optimizer.variables:
        memory.assign(keras.ops.zeros_like(memory))
    deep_plain.optimizer.learning_rate = rate
    compete(f"plain, 44 layers, rate {rate}", deep_plain)

# %%
plot.table(rows, corner="network")
plot.show(plot.history(runs, "loss", unit="nats"))

# %% [markdown]
# *Figure. The runs of the deep plain network stay on top, in training and in validation. The residual network of the
# same depth ends well below them, the shallow one lower still.*
# <details><summary>In words</summary>Loss over two epochs, training dashed and validation solid. The lines of the plain
# network of 44 layers fall only a little and stay highest. Those of the residual network fall further, and those of the
# plain network of 6 layers end lowest.</details><br>

# %%
deep_plain_rows = [row for name, row in rows.items() if "rate" in name]
best_loss = min(row[LOSS] for row in deep_plain_rows)
best_right = max(row[RIGHT] for row in deep_plain_rows)
with_shortcuts = rows["residual, 44 layers"]
over_shallow = best_loss / rows["plain, 6 layers"][LOSS]
expect("training loss: best deep plain over shallow", over_shallow, at_least=1.3)
over_residual = best_loss / with_shortcuts[LOSS]
expect("training loss: best deep plain over residual", over_residual, at_least=1.2)
lead = with_shortcuts[RIGHT] - best_right
expect("residual ahead of the best plain one, share right", lead, at_least=0.1)

# %% [markdown]
# The deep plain network is the worst on its own *training* data, at the best of three rates. With shortcuts and a small
# start the same number of weights learns. Nothing here says that digits need 44 layers: the shallow network reads them better. What was tested is how far a deep network gets in the same few steps. Where tasks are hard, depth can pay; so let
# us use a network that somebody else has trained, on 1.28 million photographs.
#
# ## A network that has seen photographs
#
# **EfficientNet-Lite0** was trained on ImageNet: photographs of 1,000 kinds of things. Nine of its sixteen blocks are $x + F(x)$ too,
# without the outer ReLU, and their $F$ first widens the channels, filters each for itself, and narrows them again, with batch
# normalization after each convolution. The weights (a parcel of 17 MB) are fetched once and then stay on this computer.
# Two photographs to begin with:

# %%
import skimage

classifier = pretrained.load("efficientnet_lite0")
coffee = skimage.data.coffee()
photographs = [coffee[:, 100:500], skimage.data.chelsea()[:, 75:375]]
titles = []
for best_guess in classifier.classify(photographs, top=1):
    name, probability = best_guess[0]
    titles.append(name)
pixels = classifier.preprocess(photographs)  # (2, 224, 224, 3), from -1 to 1
as_seen = np.clip(pixels / 2 + 0.5, 0, 1)
plot.show(plot.images(as_seen, titles, columns=2, width=5))

# %% [markdown]
# *Figure. What the network calls two photographs.*
# <details><summary>In words</summary>Left a cup of coffee on a wooden table, right the face of a striped cat; above
# each the name that the network gives it.</details><br>

# %%
def count(model, kind):
    return sum(isinstance(layer, kind) for layer in model.layers)


name, probability = classifier.classify(coffee, top=1)[0][0]
print("the whole photograph of the cup:", name)
expect("its probability", probability, at_least=0.9)
network = classifier.model
expect("shortcuts", count(network, keras.layers.Add), equals=9)
expect("weights", network.count_params(), equals=4_694_024)

# %% [markdown]
# ### The online twin: ResNet50
#
# The best known residual network is ResNet50 of `keras.applications`. Its weights need a network connection
# (`weights="imagenet"`, about 100 MB), so we build it empty and look inside. It has one convolution at first, then four
# stages of 3, 4, 6 and 3 blocks, each block with **three** convolutions, and one dense layer at the end.
#
# ### Exercise 3 · Predict, then run
#
# **How many layers with weights lie on its longest path?** Do not count shortcuts and normalizations. *Two minutes;
# expected: an integer.*

# %%
layers_with_weights = ...
ch19.layers_with_weights.check(layers_with_weights)

# %%
resnet50 = keras.applications.ResNet50(weights=None)
joins = count(resnet50, keras.layers.Add)
convolutions = count(resnet50, keras.layers.Conv2D)
expect("weights of ResNet50", resnet50.count_params(), equals=25_636_712)
expect("shortcuts, one a block", joins, equals=3 + 4 + 6 + 3)
in_shortcuts = 4  # of 1×1, where the shape changes
expect("convolutions", convolutions, equals=1 + 3 * 16 + in_shortcuts)

# %% [markdown]
# ## Transfer learning: 10 labels a class
#
# Now a task of our own: ten animals as silhouettes, and **10 labelled pictures of each**, 100 in all. That is little for
# a deep network trained from scratch. But we can use what the pretrained one has learned: leave out its last layer,
# feed it our pictures, and take the 1,280 numbers that the last layer would have seen as **features**. All weights stay
# as they are (*frozen*); only a logistic regression on the features is trained. Keras' own call for such a network is
#
# ```python
# keras.applications.ResNet50(include_top=False, pooling="avg", input_shape=(128, 128, 3), weights="imagenet")
# ```
#
# `include_top=False` leaves the last layer out, and `pooling="avg"` averages what remains over the picture. Without its
# dense layer a convolutional network takes pictures of any size. Ours needs no connection: `classifier.resized(128)` is
# the same network, with the same weights, for 128×128 pixels, which is about three times as cheap as 224×224, and
# `features` is that network without its top.
#
# The network wants colour pictures. Ours are grey and of 28×28 pixels, so we enlarge them and repeat the channel.

# %%
animals = data.load("silhouettes")
pictures, labels = animals.arrays("train")
order = random.permutation(len(labels))
few = []
for animal in range(10):
    of_this_kind = order[labels[order] == animal]
    few.extend(of_this_kind[:10])
names = animals.description.classes
plot.show(plot.images(pictures[few[::10]], names, columns=5))

# %% [markdown]
# *Figure. One of the ten labelled silhouettes of each animal.*
# <details><summary>In words</summary>Ten small white shapes on black, the zebra in greys, each with the name of its
# animal above it.</details><br>

# %%
small = classifier.resized(128)


def prepare(grey):
    enlarged = keras.ops.image.resize(grey, (128, 128))  # (n, 128, 128, 1)
    colour = keras.ops.repeat(enlarged, 3, axis=-1) * 255
    return small.scale(keras.ops.convert_to_numpy(colour))


validation_pictures, validation_labels = animals.arrays("validation")
x_fresh = validation_pictures[:300]
y_fresh = validation_labels[:300]
x_few = pictures[few]
y_few = labels[few]

# %% [markdown]
# One block can be tuned later, so we split the network before its last block. In Keras a model can begin in the middle
# of another one, and both share the layers. The frozen part runs once over every picture.

# %%
cut = small.model.get_layer("block14_add").output  # (batch, 4, 4, 192)
frozen = keras.Model(small.model.inputs[0], cut)
last_block = keras.Model(cut, small.features.output)
middle_few = frozen.predict(prepare(x_few), verbose=0)  # (100, 4, 4, 192)
middle_fresh = frozen.predict(prepare(x_fresh), verbose=0)
features_few = last_block.predict(middle_few, verbose=0)  # (100, 1280)
features_fresh = last_block.predict(middle_fresh, verbose=0)
weights = last_block.count_params()
expect("weights of the last block", weights, equals=1_025_408)

# %% [markdown]
# Two rivals get the same 100 labels: a logistic regression on the pixels, and a small convolutional network trained from
# scratch with dropout. All three have a setting: the strength of the regularization, or the epoch at which to stop. For
# all three the 300 validation pictures choose it. (So many labels for choosing are a luxury that one would not have in
# practice. All three profit from it alike.)


# %%
def best_linear(known, fresh):
    best_score = 0.0
    for strength in (0.01, 0.1, 1):
        model = linear(strength).fit(known, y_few)
        score = model.score(fresh, y_fresh)
        if score > best_score:
            best_score = score
            best = model
    return best, best_score


flat_few = x_few.reshape(100, -1)
on_pixels, pixel_score = best_linear(flat_few, x_fresh.reshape(300, -1))
transfer, transfer_score = best_linear(features_few, features_fresh)

# %%
train.seed(0)
from_scratch = keras.Sequential([
    keras.Input((28, 28, 1)),
    keras.layers.Conv2D(16, 3, activation="relu"),
    keras.layers.MaxPooling2D(2),
    keras.layers.Conv2D(32, 3, activation="relu"),
    keras.layers.MaxPooling2D(2),
    keras.layers.Flatten(),
    keras.layers.Dropout(0.4),
    keras.layers.Dense(10),
])
adam = keras.optimizers.Adam(0.003)
from_scratch.compile(adam, loss_function(), metrics=["accuracy"])
train.fit(from_scratch, (x_few, y_few), (x_fresh, y_fresh), epochs=25)
scratch_score = train.evaluate(from_scratch, (x_fresh, y_fresh))["accuracy"]

# %% [markdown]
# ## Fine-tuning
#
# The features were made for photographs. **Fine-tuning** goes one step further: the last block of the network, too,
# learns from our pictures, with a small learning rate. The blocks before it stay frozen; their output is `middle_few`,
# so they need not run again.
#
# The batch normalizations inside keep the statistics that they learned from a million photographs: the block is called
# with `training=False`. A hundred silhouettes might give bad ones.

# %%
train.seed(0)
tuned_block = keras.models.clone_model(last_block)  # the frozen one stays as it is
tuned_block.set_weights(last_block.get_weights())
inputs = keras.Input((4, 4, 192))
tuned_features = tuned_block(inputs, training=False)  # (batch, 1280)
dropped = keras.layers.Dropout(0.2)(tuned_features)
fine_tuned = keras.Model(inputs, keras.layers.Dense(10)(dropped))
adam = keras.optimizers.Adam(3e-4)
fine_tuned.compile(adam, loss_function(), metrics=["accuracy"])
train.fit(fine_tuned, (middle_few, y_few), (middle_fresh, y_fresh), epochs=10)
tuned_score = train.evaluate(fine_tuned, (middle_fresh, y_fresh))["accuracy"]

# %% [markdown]
# Now the test set is opened, once, on 300 pictures, for all four. The intervals are Wilson's
# ([chapter 10](10_training_validation_testing.ipynb)).

# %%
test_pictures, test_labels = animals.arrays("test")
x_test = test_pictures[:300]
y_test = test_labels[:300]
middle_test = frozen.predict(prepare(x_test), verbose=0)
features_test = last_block.predict(middle_test, verbose=0)
flat_test = x_test.reshape(300, -1)


def answers_of(network, inputs):
    return network.predict(inputs, verbose=0).argmax(axis=1)


answers = {
    "pixels, logistic regression": on_pixels.predict(flat_test),
    "small network from scratch": answers_of(from_scratch, x_test),
    "frozen features, logistic regression": transfer.predict(features_test),
    "fine-tuned last block": answers_of(fine_tuned, middle_test),
}

# %%
chosen_by = [pixel_score, scratch_score, transfer_score, tuned_score]
rows = {}
share = {}
for name, validation_score in zip(answers, chosen_by):
    right = int(np.sum(answers[name] == y_test))
    share[name] = right / 300
    interval = scratch.wilson_interval(right, 300)
    rows[name] = {
        "validation, best setting": validation_score,
        "test (95 % interval)": (share[name], *interval),
    }
plot.table(rows, corner="trained on 100 labels")

# %%
pixels, own, linear_share, tuned_share = share.values()
expect("frozen features, test share right", linear_share, at_least=0.72)
over_pixels = linear_share - pixels
expect("their lead over the pixels", over_pixels, at_least=0.15)
over_own = linear_share - own
expect("their lead over the network from scratch", over_own, at_least=0.12)
distance = abs(tuned_share - linear_share)
expect("fine-tuned against frozen, distance", distance, at_most=0.07)

# %% [markdown]
# The frozen features lead by far: their interval lies above those of both rivals. Fine-tuning and frozen features
# lie close together: where each share lies inside the other's interval, as in our table, 300 pictures do not tell them apart. Perhaps ten labels a class are too few
# to tune a million weights on. (The intervals hold the luck of the test pictures, not that of the 100 labels.)
#
# ### Exercise 4 · Change the experiment
#
# How much do the features lose with **three** labels of each animal? `few` holds ten places for each animal, one animal
# after the other. Fit `linear(0.1)` on the first three of each, and measure its share right on `features_fresh`.
# **Set `three_labels` to that share.** *Medium, eight minutes; expected: a number between 0 and 1.*

# %%
three_labels = ...
ch19.three_labels.check(three_labels)

# %% [markdown]
# ## Its errors

# %%
chances = transfer.predict_proba(features_test)  # (300, 10)
predicted = chances.argmax(axis=1)
sureness = chances.max(axis=1)
sureness[predicted == y_test] = 0  # errors only
surest = np.argsort(-sureness)[:10]
titles = []
for i in surest:
    true_name = names[y_test[i]]
    titles.append(f"{true_name}\nread as {names[predicted[i]]}")
plot.show(plot.images(x_test[surest], titles, columns=5))

# %% [markdown]
# *Figure. The ten errors it was surest of: among them elephants seen from the front, birds in flight, and a horse whose
# head hangs low.*
# <details><summary>In words</summary>Ten white shapes, above each the true animal and the one it was read
# as.</details><br>
#
# Why does it work at all? ImageNet holds hardly any white shapes on black, and networks trained on photographs lean on
# texture more than on shape (Geirhos and colleagues), which silhouettes do not have. Perhaps the early layers help,
# which answer to edges and curves; perhaps it helps that many of the 1,000 classes are animals. This chapter has not
# tested either. What it has tested is that the features beat a regression and one small network that learned from 100
# pictures alone. With thousands of labels a
# network from scratch may catch up, so put the rival beside it, every time.
#
# ## Summary
#
# * Deeper is not better by itself: in a deep plain network digits become alike before training, and on the same number
#   of steps it has a higher training loss than a shallow one, at the best of three learning rates.
# * A residual block is $y=\mathrm{relu}(x+F(x))$; by hand, from Keras layers and as `ResidualBlock` it is the same.
# * Its gradient is $I+F'$: the 1 lets the gradient pass while $F'$ is small; a large $F'$ makes it explode, and a
#   negative one can make it vanish.
# * Batch normalization divides the scale of a kernel out again; in inference it uses running averages.
# * With the same number of weights and steps, 44 layers with shortcuts and a small start learn more than 44 plain ones.
# * With ten labels a class, the frozen features of a pretrained network and a linear classifier beat a small network
#   trained from scratch. Measure it, beside its rivals.
#
# **Ask yourself**
#
# <details><summary>Why does F not end in a ReLU?</summary>If it did, it could only add: no value could ever shrink from
# block to block, and nothing could be taken away again.</details>
# <details><summary>Does a shortcut cost weights?</summary>Not where the shapes agree, nor where the missing channels
# are filled with zeros. Only a 1×1 convolution in it has weights.</details>
# <details><summary>Why does fine-tuning call batch normalization with training=False?</summary>With training=True it
# would use the statistics of the small batch in training, and move its running averages towards those of a hundred
# pictures, for which its weights were not made.</details><br>
#
# **Next** Part V applies all of this; it begins with [20 · Machine translation](20_machine_translation.ipynb). Chapter 37, *Pretrained models* (planned), takes the transfer further. [00 ·
# Start here](00_start_here.ipynb) has the map.
#
# **References**
#
# * K. He, X. Zhang, S. Ren, J. Sun (2016), Deep residual learning for image recognition.
#   [arXiv](https://arxiv.org/abs/1512.03385)
# * S. Ioffe, C. Szegedy (2015), Batch normalization: accelerating deep network training.
#   [arXiv](https://arxiv.org/abs/1502.03167)
# * A. Veit, M. Wilber, S. Belongie (2016), Residual networks behave like ensembles of relatively shallow networks.
#   [arXiv](https://arxiv.org/abs/1605.06431)
# * H. Zhang, Y. N. Dauphin, T. Ma (2019), Fixup initialization: residual learning without normalization.
#   [arXiv](https://arxiv.org/abs/1901.09321)
# * R. Geirhos et al. (2019), ImageNet-trained CNNs are biased towards texture.
#   [arXiv](https://arxiv.org/abs/1811.12231)
# * M. Tan, Q. V. Le (2019), EfficientNet: rethinking model scaling for convolutional neural networks.
#   [arXiv](https://arxiv.org/abs/1905.11946)
