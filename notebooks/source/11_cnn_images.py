# %% [markdown]
# # 11 · Convolutional networks for images
#
# **After this you can** compute a convolution and a pooling by hand, say what stride, padding and receptive field are, count a network's parameters, find five faults in a listing, build a convolutional network in Keras, and make it robust to shifted pictures
#
# **Time** 45 min to read, 90 min to teach, 50 s to run
#
# **Before** [00 · Start here](00_start_here.ipynb), [04 · Loss functions](04_loss_functions.ipynb), [05 · Gradient descent](05_gradient_descent.ipynb), [06 · Regularization](06_regularization.ipynb)
#
# **Data** mnist_5k (5,000 handwritten digits of 28×28 pixels, CC BY-SA 3.0), one photograph that ships with scikit-image (CC0)

# %%
from bmkit import data, diagrams, layers, models, plot, scratch, train
from bmkit.check import expect
from bmkit.exercises import ch11
import keras
import numpy as np
train.seed(0)

# %% [markdown]
# ## What a dense layer does not know
#
# A picture is a grid of numbers. A dense layer ([chapter 00](00_start_here.ipynb)) reads it as one long list, and in a list
# nobody knows which numbers were neighbours. To see how much that throws away, shuffle the pixels of a few digits, all in the
# same way, and ask: could *you* still read them? A dense layer could. It adds up weight times pixel, and a sum does not care
# about the order of its terms.

# %%
digits = data.load("mnist_5k")
pictures, labels = digits.arrays("train")
pixels = pictures.reshape(-1, 28 * 28)  # (3600, 784)
random = np.random.default_rng(0)
order = random.permutation(28 * 28)
shuffled = pixels[:, order]  # all in one way
weights = random.normal(size=(28 * 28, 5))  # a layer with 5 neurons
plain = pixels @ weights
of_shuffled = shuffled @ weights[order]
expect("a dense layer on both", of_shuffled, equals=plain, tolerance=1e-9)

# %%
below = shuffled[:8].reshape(-1, 28, 28, 1)
both = np.concatenate([pictures[:8], below])
figure = plot.images(both, columns=8, vmin=0, vmax=1)
plot.show(figure)

# %% [markdown]
# *Figure. Eight digits, and below them the same digits with all pixels shuffled in one fixed way: for a dense layer the lower
# row is exactly as good as the upper one.*
# <details><summary>In words</summary>Upper row, eight handwritten digits, white on black. Lower row, the same pixels scattered
# so that only noise is left to the eye.</details><br>
#
# Shuffle the rows of the weight matrix along with the pixels, and every neuron gives the same answer as before. So a dense
# layer *starts* without knowing that a picture has an up, a left and a next pixel. It must learn all that from examples.
#
# ## A small window that slides
#
# Two things are true of almost every picture. **What belongs together lies together**: an edge or a corner is visible in a few
# neighbouring pixels. And **what matters here matters there too**: an edge stays an edge two pixels further. A convolution
# builds both in. It looks through a small window, the **kernel**, and slides the *same* window over the whole picture:
#
# $$\mathrm{out}[i,j,f] \;=\; b_f + \sum_{u=0}^{k-1}\sum_{v=0}^{k-1}\sum_{c=0}^{C-1} \mathrm{in}[i+u,\;j+v,\;c]\;\cdot\;W[u,v,c,f]$$
#
# * $i, j$ are row and column of the output, $u, v$ row and column inside the window of $k \times k$ pixels,
# * $c$ runs over the $C$ input channels (1 for grey, 3 for red, green, blue),
# * $f$ numbers the filters: each has its own kernel $W[\dots,f]$, its own bias $b_f$, and makes one **feature map**.
#
# (Mathematicians call this sum a **cross-correlation**; their convolution turns the kernel by 180° first. For a kernel that is learned
# the difference does not matter, and everybody in this field says convolution.)


# %%
def conv2d(image, kernel, bias=0.0):
    k = kernel.shape[0]
    height = image.shape[0] - k + 1
    width = image.shape[1] - k + 1
    out = np.zeros((height, width, kernel.shape[3]))
    for i in range(height):
        for j in range(width):
            window = image[i : i + k, j : j + k]  # (k, k, channels)
            out[i, j] = np.tensordot(window, kernel, axes=3) + bias  # (filters,)
    return out


# %%
step = np.array([[0, 0, 9, 9]] * 3).reshape(3, 4, 1)  # dark left, bright right
difference = np.array([[-1, 0, 1]] * 3).reshape(3, 3, 1, 1)  # right minus left column
answer = conv2d(step, difference)
print(step[..., 0])
print("becomes")
print(answer[..., 0])

# %% [markdown]
# The kernel says "right minus left, added up over three rows". Both places of the window see the step from dark to bright, so
# both answer 27. On an evenly grey wall the answer would be 0. Now move the window over a coarse digit, place by place. Before each
# move, say whether the next answer will be positive, negative or zero.

# %%
coarse = np.round(pictures[4, 4:24:2, 4:24:2], 1)  # (10, 10, 1), every second pixel
spot = np.array([-1, -1, -1, -1, 8, -1, -1, -1, -1]).reshape(3, 3, 1, 1)
by_hand = {"upright edges": difference, "spots": spot}
by_hand["level edges"] = difference.transpose(1, 0, 2, 3)


def draw(kernel, place):
    weights = by_hand[kernel]
    answers = conv2d(coarse, weights)[..., 0]  # (8, 8)
    here = divmod(place - 1, 8)
    picture = coarse[..., 0]
    return diagrams.convolution_step(picture, weights[..., 0, 0], answers, here)


places = range(1, 65)  # 8 × 8 places of the window, row by row
start = {"kernel": "upright edges", "place": 44}
plot.explore(draw, start=start, kernel=list(by_hand), place=places)

# %% [markdown]
# *Figure. One step of a convolution: nine pixels under the window, each times its weight; their sum is one pixel of the map.
# Move the window and change the kernel.*
# <details><summary>In words</summary>Left, a coarse digit with a frame of 3×3 pixels. In the middle, the nine products of pixel
# and weight and their sum. Right, the map of 8×8 answers, filled up to the present place: dark where the kernel answers
# below zero, bright where above, and empty where the window has not been yet.</details><br>
#
# On a real photograph, kernels written by hand as well:

# %%
import skimage

photo = skimage.data.chelsea()[20:200, 90:310] / 255  # (180, 220, 3)
photo = photo.mean(axis=-1, keepdims=True)  # grey, (180, 220, 1)
vertical = difference
horizontal = difference.transpose(1, 0, 2, 3)
blur = np.full((9, 9, 1, 1), 1 / 81)
maps = [photo, conv2d(photo, vertical), conv2d(photo, horizontal), conv2d(photo, blur)]
names = ["the photograph", "upright edges", "level edges", "blur"]
figure, row = plot.subplots(1, 4, figsize=(7.6, 1.9))
for axes, picture, name in zip(row, maps, names):
    axes.imshow(np.abs(picture[..., 0]), vmin=0, vmax=1)
    axes.set_title(name, fontsize=10)
    axes.axis("off")
plot.show(figure)

# %% [markdown]
# *Figure. One photograph, three kernels, the same everywhere in the picture. Shown is the size of each answer, without its sign, cut off
# at 1.*
# <details><summary>In words</summary>A cat's eye in grey. "Upright edges" lights up the left and right rim of the eye, "level
# edges" the eyelids, "blur" is the photograph out of focus.</details><br>
#
# Kernels are seldom written by hand any more: training finds them, by the gradient of a loss. Can it find this one?
# Take a picture of pure noise and its
# map of upright edges, and give a Keras layer with a random kernel nothing but these two. Sixty steps of gradient descent on the
# squared error between its map and ours:

# %%
noise = np.random.default_rng(0).normal(size=(1, 64, 64, 1))
target = conv2d(noise[0], vertical)[np.newaxis]  # (1, 62, 62, 1)
learner = keras.Sequential([keras.Input((64, 64, 1))])
learner.add(keras.layers.Conv2D(1, 3, use_bias=False))
learner.compile(keras.optimizers.SGD(0.2), loss="mse")
learner.fit(noise, target, epochs=60, verbose=0)
learned = learner.get_weights()[0]  # (3, 3, 1, 1)
off = np.abs(learned - vertical).max()
expect("largest difference from the kernel made by hand", off, at_most=0.02)

# %% [markdown]
# It has found "right minus left" from one example alone. And it is the same operation. Four implementations must agree:
# ours, `bmkit.scratch`, Keras, and one that works as fast libraries do: it cuts the picture into patches, writes each as
# one row, and multiplies once with the kernel as a matrix. `layers.PatchConv2D` is that as a Keras layer.

# %%
random = np.random.default_rng(0)
image = random.normal(size=(12, 10, 3))
kernel = random.normal(size=(3, 3, 3, 4))
bias = random.normal(size=4)
ours = conv2d(image, kernel, bias)  # (10, 8, 4)
reference = scratch.conv2d(image, kernel, bias)
expect("bmkit.scratch", reference, equals=ours, tolerance=1e-12)

batch = keras.ops.convert_to_tensor(image[np.newaxis], "float32")  # with a batch axis
layer = keras.layers.Conv2D(4, 3)
layer.build(batch.shape)
layer.set_weights([kernel, bias])
expect("Conv2D of Keras", layer(batch)[0], equals=ours, tolerance=1e-5)

shifted = [image[u : u + 10, v : v + 8] for u, v in np.ndindex(3, 3)]
patches = np.concatenate(shifted, axis=-1)  # (10, 8, 27), one row a place
product = patches @ kernel.reshape(27, 4) + bias
expect("patches times a matrix", product, equals=ours, tolerance=1e-9)

house = layers.PatchConv2D(4, 3)
house.build(batch.shape)
house.set_weights([kernel.reshape(27, 4), bias])
expect("layers.PatchConv2D", house(batch)[0], equals=ours, tolerance=1e-5)

# %% [markdown]
# Each filter looks at all input channels at once and makes one map: the kernel of `Conv2D(4, 3)` on three channels has the shape
# (3, 3, 3, 4).
#
# ## Stride and padding
#
# So far the window moved one pixel at a time and never left the picture. Both can be changed. The **stride** $s$ is how many pixels
# the window moves at once. **Padding** $p$ adds rings of zeros around the picture, so that the window can stand at its rim.

# %%
stride_and_padding = [
    (1, 0),
    (1, 1),
    (2, 0),
]
figure = diagrams.window_places(5, 3, stride_and_padding)
plot.show(figure)

# %% [markdown]
# *Figure. A window of 3×3 on a picture of 5×5: each dot is the middle of a window, and becomes one pixel of the map. Frames: the first
# window and the next.*
# <details><summary>In words</summary>Three grids. Stride 1 without padding: nine dots inside, a map of 3×3. Stride 1 with a ring of
# zeros: 25 dots, one on every pixel, a map of 5×5. Stride 2: the second frame starts two pixels further, four dots, a map of
# 2×2.</details><br>
#
# Without padding, which Keras calls `"valid"`, the map is smaller than the picture. With `padding="same"` Keras adds as many zeros as
# are needed to keep the size at stride 1: one ring for a window of 3×3.

# %%
some = np.zeros((1, 5, 5, 1))
for strides, padding in ((1, "valid"), (1, "same"), (2, "valid")):
    layer = keras.layers.Conv2D(1, 3, strides=strides, padding=padding)
    answer = layer(some)
    height, width = answer.shape[1:3]
    print(f"strides={strides}, padding={padding}: a map of {height}×{width}")

# %% [markdown]
# ### Exercise 1 · How large is the output?
#
# A window of side `kernel` slides over a side of `size` pixels with the stride `stride`, after `padding` zeros were added at
# *each* end. How many positions are there? Write `output_side(size, kernel, stride, padding)`. *Medium, five minutes;
# expected: an integer.*


# %%
def output_side(size, kernel, stride, padding):
    ...


ch11.output_side.check(output_side)

# %% [markdown]
# ## Pooling: keep the strongest answer
#
# Whether an edge lies in this pixel or the next seldom matters. **Max pooling** cuts each feature map into blocks and keeps the
# largest value of each:
#
# $$\mathrm{out}[i,j,c] = \max_{0\le u,v<s}\; \mathrm{in}[s\,i+u,\;s\,j+v,\;c]$$
#
# with $s$ the side of a block. It halves height and width for $s=2$, at a quarter of the cost for the layers that follow. It has no
# parameters.

# %%
grid = np.array([[1, 3, 0, 0], [2, 0, 0, 1], [5, 1, 9, 4], [0, 0, 2, 8]])
pooled = np.zeros((2, 2), int)
for i, j in np.ndindex(2, 2):
    pooled[i, j] = grid[2 * i : 2 * i + 2, 2 * j : 2 * j + 2].max()
print(grid)
print("becomes")
print(pooled)
reference = scratch.max_pool2d(grid[:, :, np.newaxis])  # (2, 2, 1)
expect("bmkit.scratch", reference[..., 0], equals=pooled)

maps = random.normal(size=(9, 9, 5))  # an odd side: the last row and column are dropped
ours = scratch.max_pool2d(maps)
layer = keras.layers.MaxPooling2D(2)
theirs = layer(maps[np.newaxis])[0]
expect("Keras", theirs, equals=ours, tolerance=1e-6)
print("9×9 becomes", ours.shape[:2])

# %% [markdown]
# ### Exercise 2 · Pool by hand
#
# Write `max_pool(image)` for blocks of 2×2: `image` has shape `(height, width, channels)`, both sides even; return shape
# `(height / 2, width / 2, channels)`. Two loops are fine; no loop is a small art. *Medium, eight minutes.*


# %%
def max_pool(image):
    ...


ch11.max_pool.check(max_pool)

# %% [markdown]
# ### How far does one output see?
#
# The pixels of the input that can change one output are its **receptive field**. For one convolution it is the kernel. Every further
# layer widens it, and after a pooling each further pixel counts twice:

# %%
stack = [  # name, side of the window, stride
    ("convolution 3×3", 3, 1),
    ("pooling 2×2", 2, 2),
    ("convolution 3×3", 3, 1),
]
figure = diagrams.receptive_field(stack)
plot.show(figure)

# %% [markdown]
# *Figure. One side of a picture through three layers, from below. The single output at the top sees 8 pixels of the input.*
# <details><summary>In words</summary>Four rows of squares. The one at the top is joined to three below, these to six, and these to eight
# at the bottom, the input.</details><br>
#
# We test the drawing on Keras: change one pixel after the other, and count those that change the output in the middle.

# %%
column = keras.Sequential([keras.Input((24, 1))])
column.add(keras.layers.Conv1D(4, 3, padding="same"))
column.add(keras.layers.AveragePooling1D(2))
column.add(keras.layers.Conv1D(4, 3, padding="same"))
one_by_one = np.eye(24)[:, :, np.newaxis]  # example i has a 1 at pixel i, else zeros
answers = np.array(column(one_by_one))  # (24 examples, 12 places, 4 filters)
seen = answers[:, 6].any(axis=1)  # which pixels does place 6 see?
expect("pixels that change the output in the middle", int(seen.sum()), equals=8)

# %% [markdown]
# (One side and a mean instead of the maximum, so that every pixel counts.)
#
# ## Why it pays: the same few weights everywhere
#
# A convolution has $(k\cdot k\cdot C + 1)\cdot F$ numbers to learn: one kernel and one bias for each of the $F$ filters, however
# large the picture. A dense layer between the same two grids has one weight for *every pair* of an input and an output:

# %%
shared = (3 * 3 * 1 + 1) * 32
every_pair = (28 * 28 * 1 + 1) * (26 * 26 * 32)
print("parameters from 28×28 pixels to 32 maps of 26×26")
print(f"convolution {shared:,}, dense layer {every_pair:,}")
layer = keras.layers.Conv2D(32, 3)
layer.build((None, 28, 28, 1))
expect("Keras counts", layer.count_params(), equals=shared)

# %% [markdown]
# ### Exercise 3 · Predict, then run
#
# A colour picture (3 channels) goes into a convolution with 32 filters of 3×3 pixels. **How many parameters?** Do not forget
# what each filter has besides its kernel. *One minute; expected: an integer.*

# %%
parameters = ...
ch11.parameters.check(parameters)

# %% [markdown]
# ## A whole network
#
# The article this course grew from ends in a small convolutional network: two convolutions of 3×3 with padding (3 → 32 → 64
# channels), each followed by ReLU and 2×2 max pooling, then a dense layer of 128 units with ReLU, then 10 logits. Between the
# last pooling and the dense layer it flattens to $64\cdot 6\cdot 6$ numbers. That fixes the size of the pictures: 6 pixels after two
# halvings are 24 before. Here it is in Keras, layer by layer, with its summary:

# %%
network = keras.Sequential(name="article_cnn")
network.add(keras.Input((24, 24, 3)))
for filters in (32, 64):
    network.add(keras.layers.Conv2D(filters, 3, padding="same", activation="relu"))
    network.add(keras.layers.MaxPooling2D(2))
network.add(keras.layers.Flatten())
network.add(keras.layers.Dense(128, activation="relu"))
network.add(keras.layers.Dense(10))
network.summary(line_length=70, print_fn=print)

# %%
convolutions = (3 * 3 * 3 + 1) * 32 + (3 * 3 * 32 + 1) * 64
first_dense = (64 * 6 * 6 + 1) * 128
counted = convolutions + first_dense + (128 + 1) * 10
expect("parameters, counted by hand", counted, equals=315722)
expect("parameters, Keras", network.count_params(), equals=counted)
kept = models.article_cnn()
expect("parameters, bmkit.models.article_cnn", kept.count_params(), equals=counted)
share = first_dense / counted
expect("share of the first dense layer", share, at_least=0.9)

# %% [markdown]
# Read the column of shapes: each pooling halves height and width, each convolution raises the number of channels. And nearly all
# parameters sit in one layer, the first dense one.
#
# ### Exercise 4 · Build one
#
# Write `small_cnn(side, channels, classes)`: a Keras model for pictures of shape `(side, side, channels)` with a convolution of 8
# filters of 3×3, padding "same", ReLU; 2×2 max pooling; a convolution of 16 filters of 3×3, *no* padding, ReLU; then flatten, and a
# dense layer of `classes` logits. *Medium, eight minutes; expected: a `keras.Model`.*


# %%
def small_cnn(side, channels, classes):
    ...


ch11.small_cnn.check(small_cnn)

# %% [markdown]
# ## A listing, audited
#
# The article's listing trains its network in PyTorch. The network is sound; the code *around* it cannot run, and where it could run it
# would mislead. Here is a listing of our own, in Keras, with the same five faults. Find them before you read on. *Ten minutes, in
# pairs.*
#
# ```python
# import keras
#
# class Network(keras.Model):
#     def __init__(self):
#         super().__init__()
#         self.first = keras.layers.Conv2D(32, 3, padding="same")
#         self.second = keras.layers.Conv2D(64, 3, padding="same")
#         self.pool = keras.layers.MaxPooling2D(2)
#         self.hidden = keras.layers.Dense(128)
#         self.logits = keras.layers.Dense(10)
#
#     def call(self, x):
#         x = self.pool(functions.relu(self.first(x)))
#         x = self.pool(functions.relu(self.second(x)))
#         x = keras.ops.reshape(x, (-1, 64 * 6 * 6))
#         return self.logits(functions.relu(self.hidden(x)))
#
# train_data = ...
# test_data = ...
# network = Network()
# loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
# network.compile(keras.optimizers.SGD(0.01), loss_of)
#
# for epoch in range(10):  # training
#     for pictures, labels in train_loader:
#         network.train_on_batch(pictures, labels)
#
# for pictures, labels in test_loader:  # validation
#     loss = loss_of(labels, network(pictures))
#     print("epoch", epoch, "validation loss", float(loss))
# ```
#
# Now one fault after another, each in as few lines as possible.
#
# **Fault 1: a name that was never imported.** The network's forward pass calls a module of functions by a short name that no
# import defines. **Fault 2: data that is not there.** The data sets are left as three dots, and the loops run over loaders that
# no line ever builds. Python looks names up when a line *runs*, not when it is read, and three dots are valid Python: an object
# called `Ellipsis`. So both pass at first, and the errors wait further down, where the loop asks for its loader and where the first picture goes in. (Loop
# over the three dots themselves, and that fails too.)


# %%
class Network:
    def forward(self, x):
        return functions.relu(x)  # nobody imported "functions"


network_without_import = Network()
placeholder = ...
print("built; the data set is an object:", placeholder)
try:
    network_without_import.forward(1.0)
except NameError as error:
    print("when it is used:", error)
try:
    list(placeholder)
except TypeError as error:
    print("when it is used:", error)

# %% [markdown]
# **Fault 3: a flatten that trusts the picture size.** The listing flattens with a reshape to "as many rows as it takes, 2,304
# numbers each". Feed it 32×32 pictures, and two halvings leave $64\cdot 8\cdot 8 = 4096$ numbers a picture. Most
# batches then fail. But not all!
#
# ### Exercise 5 · Predict, then run
#
# A batch of **9** such pictures is reshaped to `(-1, 2304)`. How many rows come out? *Two minutes; expected: an integer.*

# %%
rows = ...
ch11.rows.check(rows)

# %%
for pictures_in_batch in (1, 9):
    features = np.zeros((pictures_in_batch, 64, 8, 8))  # of 32×32, after two poolings
    try:
        rows_made = features.reshape(-1, 64 * 6 * 6)
        print(pictures_in_batch, "pictures become", len(rows_made), "rows")
    except ValueError as error:
        print(pictures_in_batch, "picture:", error)
source = np.repeat(np.arange(9), 64 * 8 * 8)  # whose number it is
mixed = [len(set(row)) > 1 for row in source.reshape(-1, 64 * 6 * 6)]
expect("rows that mix two pictures", sum(mixed), equals=8)
try:
    kept(np.zeros((9, 32, 32, 3)))
except ValueError:
    print("Keras refuses 32×32 pictures: Flatten and Dense have fixed sizes")

# %% [markdown]
# Nine pictures silently become sixteen rows: half of them mix two pictures, the others hold a piece of one. If the error
# surfaces at all, it does so far from its cause. Never let `-1` stand for the batch: flatten each picture, as `Flatten` does.
#
# ### Exercise 6 · Mend it
#
# This is fault 3 as a NumPy function:
#
# ```python
# def flatten(features):
#     return features.reshape(-1, 64 * 6 * 6)
# ```
#
# Write a `flatten` that is right for pictures of every size: `features` has shape `(batch, channels, height, width)`; return one row
# for each picture. *Easy, three minutes; expected shape: (batch, channels · height · width).*


# %%
def flatten(features):
    ...


ch11.flatten.check(flatten)

# %% [markdown]
# **Fault 4: "validation" on the test data.** The listing's last loop is called validation and reads the test set.
# Anyone who compares models on the test set and keeps the best one no longer has a test: the winner is partly just
# lucky. How lucky?
# Take 200 "models" that flip coins, on 100 test questions, and keep the best. Then ask it 10,000 fresh questions.

# %%
coins = np.random.default_rng(0)
truth = coins.integers(0, 2, size=100)
answers = coins.integers(0, 2, size=(200, 100))  # one row a model
score = np.mean(answers == truth, axis=1)
more_truth = coins.integers(0, 2, size=10_000)
more_answers = coins.integers(0, 2, size=10_000)
fresh = np.mean(more_answers == more_truth)
expect("test score of the chosen coin", score.max(), at_least=0.6)
expect("its score on fresh questions", fresh, at_least=0.48, at_most=0.52)

# %%
figure, axes = plot.subplots(figsize=(6.4, 2.4))
bins = np.arange(0.335, 0.67, 0.02)
axes.hist(score, bins=bins, color=plot.COLORS[4], edgecolor="black")
axes.axvline(score.max(), color=plot.COLORS[3], ls="--", label="the one we keep")
axes.axvline(fresh, color="black", label="the same one on fresh questions")
axes.set(xlabel="share of test questions right", ylabel="models", ylim=(0, 52))
axes.legend(fontsize=9)
plot.show(figure)

# %% [markdown]
# *Figure. Two hundred coins take a test. The best looks like a model that has learned something, until it meets new questions.*
# <details><summary>In words</summary>A histogram of 200 scores around 0.5. A dashed line at its right end marks the chosen
# coin; a solid line at 0.5 marks the same coin on fresh questions.</details><br>
#
# **Fault 5: the last batch speaks for all.** The loop prints the loss of each batch beside an epoch number. The number is left
# over from the training loop before, so it never changes; and the last line shows the *last* batch, which is often
# smaller and always noisy. The loss of a set is the mean over its *examples*. Take as loss how far each of 1,000 digits
# is from
# the average digit:

# %%
for epoch in range(10):
    pass  # the training loop; its variable outlives it
squares = (pictures[:1000] - pictures.mean(axis=0)) ** 2
losses = squares.mean(axis=(1, 2, 3))  # (1000,), one an example
batches = np.split(losses, range(64, 1000, 64))
sizes = [len(batch) for batch in batches]
means = [batch.mean() for batch in batches]
print(f"{len(batches)} batches, the last of {sizes[-1]}; each says epoch {epoch + 1}")
whole = losses.mean()
off = abs(means[-1] - whole) / whole
weighted = np.average(means, weights=sizes)
expect("the last batch is off by", off, at_least=0.02)
apart = weighted - whole
expect("means weighted by size minus the mean", apart, equals=0, tolerance=1e-6)

# %% [markdown]
# Smaller ones remain: no accuracy is ever computed, nothing is shuffled or seeded, and in the article the step titled
# "parameter initialisation" creates an optimizer and a loss but initialises no parameter. Keras' `fit` shuffles arrays and
# `evaluate` takes the mean over all examples: good reasons to use them. The accuracy and the seed you must still ask for.
#
# ## The working version
#
# The network wants 24×24 pixels and three channels. The digits of MNIST were scaled into 20×20 pixels and then centred by their mass
# in 28×28, so the rim is nearly empty: we cut two pixels from each side, which takes a little ink from about one digit in nine, and
# repeat the grey channel three times. (`keras.ops` inside `map` works because our backend is TensorFlow; with another one, prepare the arrays
# first.) Every model below sees exactly these pictures:
#
# * a **baseline** without convolution: one hidden layer, with about as many parameters, Adam with a fixed step, no dropout,
# * the network with the **article's optimizer** (plain gradient descent, step 0.01), for five epochs instead of eight,
# * the same network with **Adam** and a step that shrinks to zero, and dropout before the dense layer.


# %%
def prepare(pictures, labels):
    cropped = pictures[:, 2:26, 2:26]  # (batch, 24, 24, 1)
    return keras.ops.repeat(cropped, 3, axis=-1), labels  # (batch, 24, 24, 3)


train_set = digits.train.map(prepare)
validation_set = digits.validation.map(prepare)
rim = pictures.copy()
rim[:, 2:26, 2:26] = 0
losing = (rim > 0.2).any(axis=(1, 2, 3))
expect("share of digits that lose ink", losing.mean(), at_most=0.15)

# %%
epochs = {"dense baseline": 8, "article's optimizer": 5, "Adam, shrinking step": 8}
candidates = {
    "dense baseline": models.mlp((24, 24, 3), 10, hidden_units=(181,)),
    "article's optimizer": models.article_cnn(),
    "Adam, shrinking step": models.article_cnn(dropout=0.3),
}
steps = 8 * len(train_set)
shrinking = keras.optimizers.schedules.CosineDecay(0.002, decay_steps=steps)
optimizers = {
    "dense baseline": keras.optimizers.Adam(0.001),
    "article's optimizer": keras.optimizers.SGD(0.01),
    "Adam, shrinking step": keras.optimizers.Adam(shrinking),
}
runs = {}
for name, model in candidates.items():
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizers[name], loss, metrics=["accuracy"])
    runs[name] = train.fit(model, train_set, validation_set, epochs=epochs[name])

# %%
more = candidates["dense baseline"].count_params() / counted
expect("baseline's parameters over the network's", more, at_least=0.99, at_most=1.01)
lowest = {name: min(run["val_loss"]) for name, run in runs.items()}
ratio = lowest["Adam, shrinking step"] / lowest["dense baseline"]
expect("Adam's lowest validation loss over the baseline's", ratio, at_most=0.8)

# %%
figure = plot.history(runs, "loss", unit="nats", log=True)
plot.show(figure)

# %% [markdown]
# *Figure. The convolutional network with Adam ends below the baseline; with the article's optimizer it is still on its way.*
# <details><summary>In words</summary>Loss over the epochs for three models, training dashed and validation solid. All fall.
# "Adam, shrinking step" ends lowest, the article's optimizer starts highest. The loss axis is logarithmic.</details><br>
#
# We choose by **validation** loss, and only now, once, open the test set. The chosen model goes in, one number comes out. The baseline
# is measured beside it because a number alone says nothing. (It had no dropout and no shrinking step, so not all of the lead need be the
# convolution's.)

# %%
best = min(lowest, key=lowest.get)
print("chosen by validation loss:", best)
test_set = digits.test.map(prepare)
chosen = train.evaluate(candidates[best], test_set)
dense = train.evaluate(candidates["dense baseline"], test_set)
expect("test accuracy of the convolutional network", chosen["accuracy"], at_least=0.95)
lead = chosen["accuracy"] - dense["accuracy"]
expect("its lead over the dense baseline", lead, at_least=0.02)

# %% [markdown]
# ## Look at the errors
#
# A number never shows *what* goes wrong. Look at every error, or at those that the model was surest of. Would you have known?

# %%
test_pictures, y_test = digits.arrays("test")
x_test, _ = prepare(test_pictures, y_test)
x_test = np.array(x_test)  # (1000, 24, 24, 3)
logits = candidates[best].predict(x_test, verbose=0)
probability = scratch.softmax(logits)  # (1000, 10)
predicted = probability.argmax(axis=1)
surest = probability.max(axis=1)
wrong = np.flatnonzero(predicted != y_test)
wrong = wrong[np.argsort(-surest[wrong])]  # the surest first
expect("its probability for the surest wrong answer", surest[wrong[0]], at_least=0.8)

# %%
twelve = wrong[:12]
titles = [f"{y_test[i]} read as {predicted[i]}" for i in twelve]
grey = x_test[twelve, :, :, :1]
figure = plot.images(grey, titles, columns=6)
plot.show(figure)

# %% [markdown]
# *Figure. The twelve errors the network was surest of: some look hard for people too, some do not.*
# <details><summary>In words</summary>Twelve digits, each with the true digit and the wrong reading above it. Several are
# written sloppily, with open loops or missing strokes.</details><br>
#
# ## What the network looks at
#
# The first layer's kernels were found by training. Here are its feature maps for one digit, after the pooling, those with the strongest answers first.

# %%
model = candidates[best]
first_block = keras.Model(model.inputs[0], model.layers[1].output)
zero = x_test[y_test == 0][:1]  # (1, 24, 24, 3)
maps = np.array(first_block(zero))[0]  # (12, 12, 32)
strongest = np.argsort(-maps.max(axis=(0, 1)))[:11]
shown = [zero[0, :, :, 0]]
titles = ["the digit"]
for k in strongest:
    shown.append(maps[:, :, k])
    titles.append(f"map {k}")
figure = plot.images(shown, titles, columns=6)
plot.show(figure)

# %% [markdown]
# *Figure. One digit, and the eleven feature maps that answer most strongly: most of them trace the whole ring, some one side of a
# stroke more than the other.*
# <details><summary>In words</summary>A zero, then eleven coarse pictures of it; most show a ring, bright in different
# parts.</details><br>
#
# It is tempting to name what each map "sees". Be careful: most of these maps are alike, and a name would be our guess.
#
# ## Does it really not care where things are?
#
# We said that what matters here matters there too. Test it: shift validation pictures to the right by one to four
# pixels and let the networks read them again. We take the digits with enough room on their right that the shift pushes
# no ink over the edge. Predict
# first: which network suffers more?

# %%
x, y = digits.arrays("validation")
room = ~(x[:, :, 22:] > 0.2).any(axis=(1, 2, 3))  # no ink right of column 21
print(f"{room.sum()} of {len(x)} digits have room")


def shares_right(model):
    shares = []
    for shift in range(5):
        moved = np.roll(x[room], shift, axis=2)
        shares.append(train.evaluate(model, prepare(moved, y[room]))["accuracy"])
    return shares


curves = {"convolutional network": shares_right(candidates[best])}
curves["dense baseline"] = shares_right(candidates["dense baseline"])

# %% [markdown]
# The convolutional network holds out longer, but not for ever, perhaps because its *last* layers are dense: they learned that
# certain strokes come in certain places, as they always did in the training data. The cure, then, is in the data: **data
# augmentation** shows every picture a little changed each time. In Keras these are layers, such as `RandomFlip`, `RandomRotation`,
# `RandomZoom` and `RandomTranslation`. They come before the model's first layer, are active in training, and do nothing
# at inference. The same network, the
# same optimizer, the same epochs, and random shifts of up to four pixels to each side:

# %%
augmented = keras.Sequential([keras.Input((24, 24, 3))])
augmented.add(keras.layers.RandomTranslation(0, 4 / 24, fill_mode="constant"))
augmented.add(models.article_cnn(dropout=0.3))
falling = keras.optimizers.schedules.CosineDecay(0.002, decay_steps=steps)
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
augmented.compile(keras.optimizers.Adam(falling), loss, metrics=["accuracy"])
train.fit(augmented, train_set, validation_set, epochs=8)
curves["with augmentation"] = shares_right(augmented)

# %%
plain = curves["convolutional network"]
moved = curves["with augmentation"]
lead = plain[2] - curves["dense baseline"][2]
expect("network, shifted by 1 pixel", plain[1], at_least=0.9)
expect("network, what four pixels cost it", plain[0] - plain[4], at_least=0.15)
expect("its lead over the dense baseline at 2 pixels", lead, at_least=0.15)
expect("with augmentation, least share right", min(moved), at_least=0.9)
expect("what augmentation costs unshifted digits", plain[0] - moved[0], at_most=0.03)

# %%
figure, axes = plot.subplots(figsize=(6.4, 2.8))
for (name, curve), marker in zip(curves.items(), plot.MARKERS):
    axes.plot(curve, marker=marker, label=name)
axes.set(xlabel="shift (pixels)", ylabel="share right", xticks=range(5), ylim=(0, 1.02))
axes.legend(loc="lower left", fontsize=9)
plot.show(figure)

# %% [markdown]
# *Figure. One pixel hardly disturbs the convolutional network, four do; the dense network loses at every step. Trained on shifted
# pictures, the same convolutional network hardly notices them.*
# <details><summary>In words</summary>Share of right readings over the shift from 0 to 4 pixels. The dense baseline falls
# steeply; the convolutional network holds for one or two pixels and then falls as well; the one with augmentation stays near the
# top.</details><br>
#
# ## Summary
#
# * A convolution slides one small kernel over the whole picture: neighbours count, places do not. Max pooling keeps the
#   strongest answer of each block.
# * It needs $(k\cdot k\cdot C + 1)\cdot F$ parameters, however large the picture is. Stride and padding set the size of the map, and
#   layers on top of each other widen the receptive field.
# * A convolutional network is more robust to small shifts than a dense one; data augmentation makes it robust to larger ones.
# * Code can be wrong without failing: read it for missing names, trusted sizes, missing data, peeking at the test set, and
#   losses of one batch.
# * Choose on validation data, open the test set once, put a baseline beside every number, and look at the errors.
#
# **Ask yourself**
#
# <details><summary>A kernel has weights that add up to zero. What does it answer on an even grey wall?</summary>Zero, whatever the
# grey: it sees only differences. That is what edge detectors have in common.</details>
# <details><summary>Two 3×3 convolutions in a row: how large is the receptive field of one output?</summary>5×5. Each layer adds 2.
# With a pooling between them it is 8×8, as drawn above.</details>
# <details><summary>Why not look at the test set after every epoch, if we never train on it?</summary>Because we choose by it:
# stopping at the best epoch is a choice, and among many epochs the best is partly luck, like the best of 200 coins.</details><br>
#
# **Next** [12 · Convolutional networks for speech](12_cnn_speech.ipynb) turns sound into a picture and reads it with the same
# layers. [00 · Start here](00_start_here.ipynb) has the map.
#
# **References**
#
# * Y. LeCun, L. Bottou, Y. Bengio, P. Haffner (1998), Gradient-based learning applied to document recognition.
#   [doi](https://doi.org/10.1109/5.726791)
# * V. Dumoulin, F. Visin (2016), A guide to convolution arithmetic for deep learning. [arXiv](https://arxiv.org/abs/1603.07285)
# * M. D. Zeiler, R. Fergus (2014), Visualizing and understanding convolutional networks. [arXiv](https://arxiv.org/abs/1311.2901)
# * C. Dwork et al. (2015), The reusable holdout: preserving validity in adaptive data analysis.
#   [doi](https://doi.org/10.1126/science.aaa9375)
# * The audited listing is in section 5 of an article on trends and challenges in developing applications with large AI
#   models (*AI大模型应用开发的潮流和挑战*).
