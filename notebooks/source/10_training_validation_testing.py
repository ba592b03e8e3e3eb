# %% [markdown]
# # 10 · Training, validation, testing
#
# **After this you can** write the training loop by hand and hand it over to Keras, watch, stop and save it with callbacks, resume a run that was killed, read learning curves, search settings under a budget, and report a test result that nobody has to take back
#
# **Time** 50 min to read, 100 min to teach, 50 s to run
#
# **Before** [07 · Cross-validation](07_cross_validation.ipynb), [08 · Data preprocessing](08_data_preprocessing.ipynb), [09 · Model building and initialization](09_model_building_and_initialization.ipynb)
#
# **Data** digits (1,797 handwritten digits of 8×8 pixels, CC BY 4.0)

# %%
from bmkit import data, models, plot, scratch, train
from bmkit.check import expect
from bmkit.exercises import ch10
import keras
import numpy as np
train.seed(0)

# %% [markdown]
# ## Three sets, three decisions
#
# The data are clean ([chapter 08](08_data_preprocessing.ipynb)), the model is built and initialised
# ([chapter 09](09_model_building_and_initialization.ipynb)). What is left are the last three of the six steps, and each
# has a data set of its own, because each makes a decision of its own:
#
# * **Training** chooses the *weights*, thousands of numbers, by following the gradient.
# * **Validation** chooses what the gradient cannot: how large the steps are, when to stop, how many neurons. These are the
#   *hyperparameters*.
# * **Testing** chooses nothing. It measures, once, what the two choices before were worth.
#
# If one set does the work of another, the number that is reported is too good. By how much? This chapter ends with that
# measurement. It begins with the smallest thing, one step.
#
# ### Four moves make a step
#
# Take a batch $X$ of $n$ pictures, one in each row, and their labels $y$. A model without hidden layer has weights $W$ (pixels ×
# classes) and a bias $b$ (classes). Every network, however large, is trained by these four moves:
#
# $$\underbrace{Z = XW + b}_{\text{forward}} \qquad \underbrace{L = \mathrm{CE}(y, Z)}_{\text{loss}} \qquad
# \underbrace{G = \tfrac{\partial L}{\partial Z},\;\; \tfrac{\partial L}{\partial W} = X^\top G,\;\;
# \tfrac{\partial L}{\partial b} = \textstyle\sum_i G_i}_{\text{gradient}} \qquad
# \underbrace{W \leftarrow W - \eta\,\tfrac{\partial L}{\partial W}}_{\text{step}}$$
#
# $Z$ and $G$ have one row for each picture and one column for each class; $G$ is *prediction minus truth*, divided by $n$
# ([chapter 04](04_loss_functions.ipynb)); $\eta$ is the learning rate; $b$ takes the same step as $W$. One pass over all batches is an
# **epoch**. In NumPy:

# %%
digits = data.load("digits", batch_size=64)
x, y = digits.arrays("train")  # (1077, 8, 8, 1) and (1077,)
x_val, y_val = digits.arrays("validation")


def train_by_hand(w, b, learning_rate, epochs):
    losses = []
    for _ in range(epochs):
        for start in range(0, len(x), 64):  # the same batches in the same order
            batch = x[start : start + 64].reshape(-1, 64)
            labels = y[start : start + 64]
            z = batch @ w + b  # forward: (n, 64) @ (64, 10) → (n, 10)
            losses.append(scratch.softmax_cross_entropy(labels, z))  # loss: one number
            g = scratch.softmax_cross_entropy_gradient(labels, z)  # gradient: (n, 10)
            w = w - learning_rate * batch.T @ g  # step
            b = b - learning_rate * g.sum(axis=0)
    return w, b, losses

# %% [markdown]
# A dozen lines, and nothing is hidden. [Chapter 02](02_deep_learning.ipynb) had Keras take single steps of this kind. Now we hand over
# the whole loop: same start, same batches, same step. `fit` does the four moves, counts, shuffles if it may (here it may not), and looks at the validation data after each epoch. Do you expect the
# same weights, or only similar ones?


# %%
def compiled(model, optimizer):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    no_jit = {"jit_compile": False}  # compiling costs small networks more than it saves
    model.compile(optimizer, loss, metrics=["accuracy"], **no_jit)
    return model


plain = compiled(models.mlp((8, 8, 1), 10, hidden_units=()), keras.optimizers.SGD(0.5))
start = plain.get_weights()
w, b, losses = train_by_hand(*start, learning_rate=0.5, epochs=3)
as_said = {"batch_size": 64, "shuffle": False, "verbose": 0}
as_said["validation_data"] = (x_val, y_val)
history = plain.fit(x, y, epochs=3, **as_said).history
fitted_w, fitted_b = plain.get_weights()
most_frequent = np.bincount(y).max() / len(y)
expect("weights after 3 epochs, fit and by hand", fitted_w, equals=w, tolerance=1e-6)
expect("bias after 3 epochs, fit and by hand", fitted_b, equals=b, tolerance=1e-6)
expect("baseline, always the same digit", most_frequent, at_most=0.12)
expect("validation accuracy after 3 epochs", history["val_accuracy"][-1], at_least=0.75)

# %% [markdown]
# The same weights, to a millionth. There is no magic in `fit`, only care.
#
# ### When `fit` does too much or too little: your own `train_step`
#
# Some training does not fit the mould: two networks that play against each other, a loss that needs its own gradient, or the
# plain wish to *see* something that `fit` does not show. You need not write the whole loop again. Keras lets you replace the
# one method that makes a step and keeps everything around it: epochs, *callbacks* (explained below), validation,
# progress. Ours makes the usual four
# moves, with TensorFlow's `GradientTape` for the third, and reports the length (the **norm**) of the gradient as well.

# %%
import tensorflow as tf


class Watched(keras.Model):
    def train_step(self, batch):
        pictures, labels = batch
        with tf.GradientTape() as tape:
            z = self(pictures, training=True)  # forward
            loss = self.compute_loss(y=labels, y_pred=z)  # loss
        gradient = tape.gradient(loss, self.trainable_variables)  # one array a variable
        self.optimizer.apply(gradient, self.trainable_variables)  # step
        logs = self.compute_metrics(pictures, labels, z)  # accuracy of the epoch so far
        logs["loss"] = loss
        logs["gradient_norm"] = tf.linalg.global_norm(gradient)
        return logs


# %%
seen_losses = []
norms = []


def note(step, logs):
    seen_losses.append(logs["loss"])
    norms.append(logs["gradient_norm"])


body = models.mlp((8, 8, 1), 10, hidden_units=())
body.set_weights(start)
notes = keras.callbacks.LambdaCallback(on_train_batch_end=note)
watched = compiled(Watched(body.input, body.output), keras.optimizers.SGD(0.5))
watched.fit(x, y, epochs=3, **as_said, callbacks=[notes])
watched_w = watched.get_weights()[0]
expect("weights, train_step and by hand", watched_w, equals=w, tolerance=1e-6)
expect("weights, train_step and fit", watched_w, equals=fitted_w, tolerance=1e-6)
expect("loss at every step", seen_losses, equals=np.array(losses), tolerance=1e-5)

# %%
figure, (left, right) = plot.subplots(1, 2, figsize=(7.2, 2.6))
steps = range(1, 52)
left.plot(steps, losses, "o", ms=4)
right.plot(steps, norms, "o", ms=4)
left.set(xlabel="step", ylabel="loss (nats)", ylim=(0, None))
right.set(xlabel="step", ylabel="norm of the gradient", ylim=(0, None))
plot.show(figure)

# %% [markdown]
# *Figure. Three epochs of 17 steps: the loss of each batch, and what only our own `train_step` shows, the norm of the gradient. It
# shrinks as the loss does, so the steps become shorter by themselves.*
# <details><summary>In words</summary>Two panels of 51 dots, one a step. Left, the loss falls from above 2 nats, steeply at first.
# Right, the norm of the gradient at the same steps; it falls too, and scatters from batch to batch.</details><br>
#
# One trap: what `train_step` returns is shown as it is, so at the end of an epoch the log holds the *last batch's* values. For a
# mean over the epoch use a `keras.metrics.Mean`, as Keras' own step does.

# %% [markdown]
# ## Callbacks: who may look when
#
# A **callback** is an object whose methods `fit` calls at fixed moments. Saving, stopping early, changing the learning rate, drawing
# progress: all of them are callbacks. To see the moments, write one that does nothing but take notes.


# %%
class Witness(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self.seen = []
    def on_train_batch_end(self, batch, logs=None):
        self.seen.append("steps")
    def on_test_batch_end(self, batch, logs=None):
        self.seen.append("batches of validation")
    def on_epoch_end(self, epoch, logs=None):
        print(epoch, {what: self.seen.count(what) for what in self.seen}, sorted(logs))


plain.set_weights(start)
history = plain.fit(x, y, epochs=2, **as_said, callbacks=[Witness()]).history
first = history["loss"][0]
unseen = history["val_loss"][0]
expect("epoch 1: logged loss minus validation", first - unseen, at_least=0.2)
again = train.evaluate(plain, (x, y))["loss"]
expect("epoch 2: logged loss minus measured", history["loss"][1] - again, at_least=0.05)

# %% [markdown]
# The notes say two things. First, epochs are counted from 0, and validation comes *inside* the epoch, after its last step. A
# callback that wants `val_loss` must therefore wait for `on_epoch_end`; at the end of a batch nobody knows it.
#
# Second, look at the two claims. After the first epoch the training loss is *higher* than the validation loss. Is the model
# better on digits it has never seen? No: the logged training loss is the mean over an epoch during which the model was still
# learning, and the validation loss is measured after it. Measured at the same moment, the training loss is lower than its
# log says. Dropout, which is at work in training only, shifts the two curves in the same direction as this delay.
#
# ### A schedule for the learning rate
#
# Large steps get far, but only small steps settle. So begin with large steps and end with small ones. A popular
# schedule is half a cosine:
#
# $$\eta(t) = \frac{\eta_0}{2}\Big(1+\cos\frac{\pi t}{T}\Big) \quad\text{for } t \le T, \qquad \eta(t)=0 \text{ after that}$$
#
# $t$ counts the steps done, $T$ is their total number, and $\eta_0$ the first learning rate.
#
# ### Exercise 1 · The schedule
#
# Write `cosine_rate(step, total, start)`, the learning rate after `step` of `total` steps. *Easy, five minutes; expected: one
# number. Mind what happens after the last step.*


# %%
def cosine_rate(step, total, start):
    ...


ch10.cosine_rate.check(cosine_rate)

# %%
total = 12 * len(digits.train)  # 12 epochs of 17 steps
falling = keras.optimizers.schedules.CosineDecay(0.1, decay_steps=total)
rates = np.array([scratch.cosine_decay(step, total, 0.1) for step in range(total + 1)])
some = [0, 50, 150, total]
theirs = [falling(step) for step in some]
expect("Keras and bmkit.scratch", theirs, equals=rates[some], tolerance=1e-7)


def network(units=64, dropout=0.0):
    return models.mlp((8, 8, 1), 10, hidden_units=(units,), dropout=dropout)


# %%
constant = compiled(network(), keras.optimizers.Adam(0.1))
cosine = compiled(network(), keras.optimizers.Adam(falling))
runs = {}
runs["constant"] = train.fit(constant, digits.train, digits.validation, epochs=12)
runs["cosine"] = train.fit(cosine, digits.train, digits.validation, epochs=12)
kept = train.evaluate(constant, digits.validation)["loss"]
lowest = min(runs["constant"]["val_loss"])
expect("kept loss minus the run's lowest", kept - lowest, equals=0, tolerance=1e-3)

# %%
figure, (left, right) = plot.subplots(1, 2, figsize=(7.2, 2.9))
epochs_done = np.arange(total + 1) / 17
left.plot(epochs_done, np.full(total + 1, 0.1))
left.plot(epochs_done, rates)
left.set(xlabel="epoch", ylabel="learning rate", ylim=(0, None), xticks=range(0, 13, 3))
for name, mark, style in zip(runs, plot.MARKERS, plot.LINES):
    right.plot(range(1, 13), runs[name]["val_loss"], marker=mark, ls=style, label=name)
right.set(xlabel="epoch", ylabel="validation loss (nats)", ylim=(0, None))
right.set_xticks(range(0, 13, 3))
right.legend(fontsize=9)
plot.show(figure)

# %% [markdown]
# *Figure. Both begin at 0.1. Held there, the rate lets the validation loss jump; shrinking, it settles.* In four of five random
# starts it also settled lower. (A smaller constant rate was not tried here; the reference below, at 0.01, comes down as far.)
# <details><summary>In words</summary>Left, a horizontal line at 0.1 and half a cosine from 0.1 down to 0. Right, the validation
# loss of both runs over twelve epochs. The constant one falls at once, then goes up and down; the cosine one falls and becomes
# flat.</details>

# %%
late = np.array(runs["cosine"]["val_loss"][-4:])
late_constant = np.array(runs["constant"]["val_loss"][-4:])
lower = late.mean() / late_constant.mean()
print(f"last 4 epochs' loss, cosine over constant (here: {lower:.2f})")

jump = np.abs(np.diff(late)).max()
jump_constant = np.abs(np.diff(late_constant)).max()
calmer = jump / jump_constant
expect("largest jump in them, cosine over constant", calmer, at_most=0.6)

# %%
model = compiled(network(), keras.optimizers.Adam(0.05))
stopped = train.fit(model, digits.train, digits.validation, epochs=30, patience=2)
val_losses = stopped["val_loss"]
after = len(val_losses) - 1 - np.argmin(val_losses)
expect("epochs after the lowest loss", after, equals=2)

# %% [markdown]
# A run that jumps ends on a good or a bad epoch by chance. Therefore `train.fit` always carries a callback that saves the weights
# whenever the validation loss is lower than ever before, and puts the best ones back at the end: the kept loss *was* the
# run's lowest. With `patience=2` it also carries the one that stops when two epochs in a row brought nothing better
# ([chapter 06](06_regularization.ipynb)). Both are choices, and both are made on validation data. So the lowest validation loss is
# a little flattered: report it as "validation, best epoch".
#
# ### The same with Keras' own callbacks
#
# Elsewhere you will meet these two under their Keras names. `EarlyStopping` stops, and with `restore_best_weights=True` it also goes
# back. `ModelCheckpoint` writes the model to a file, a **checkpoint**; with `save_best_only=True` only when the
# validation loss is lower than ever. A
# file ending in `.keras` holds everything: architecture, weights, optimizer. `model.save` writes such a file at any time, and
# `keras.models.load_model` reads it.

# %%
import tempfile
from pathlib import Path

folder = tempfile.TemporaryDirectory()
best_file = Path(folder.name) / "best.keras"
last_file = Path(folder.name) / "last.keras"
callbacks = [
    keras.callbacks.EarlyStopping("val_loss", patience=2, restore_best_weights=True),
    keras.callbacks.ModelCheckpoint(best_file, monitor="val_loss", save_best_only=True),
]
model = compiled(network(), keras.optimizers.Adam(0.05))
how = {"batch_size": 64, "epochs": 30, "verbose": 0, "validation_data": (x_val, y_val)}
fitted = model.fit(x, y, callbacks=callbacks, **how)
model.save(last_file)
by_checkpoint = keras.models.load_model(best_file)
by_save = keras.models.load_model(last_file)
folder.cleanup()

# %%
val_losses = fitted.history["val_loss"]
after = len(val_losses) - 1 - np.argmin(val_losses)
expect("epochs after the lowest loss", after, equals=2)
kept = train.evaluate(model, digits.validation)["loss"]
above = kept - min(val_losses)
expect("kept loss minus the run's lowest", above, equals=0.0, tolerance=1e-4)
logits = model(x_val)
loaded = by_checkpoint(x_val)
expect("logits from the checkpoint", loaded, equals=logits, tolerance=1e-5)
loaded = by_save(x_val)
expect("logits from the saved file", loaded, equals=logits, tolerance=1e-5)

# %% [markdown]
# ### Exercise 2 · Build a callback
#
# A classroom wants to train until the network is good enough and no longer. Write `stop_at(target)`: it returns a
# `keras.callbacks.Callback` that stops the training at the end of the first epoch whose *validation* accuracy is at least `target`.
# A training stops when its model's attribute `stop_training` is True; inside a callback the model is `self.model`. Keras calls the
# value `"val_accuracy"`. *Medium, eight minutes; expected: an object of your class.*


# %%
def stop_at(target):
    ...


ch10.stop_at.check(stop_at)

# %% [markdown]
# ## Killed, and resumed
#
# Long training runs die: the power fails, the laptop closes, the cloud takes its machine back. None of these asks first. So the
# state must be on the disk *before*: after each epoch, `train.fit(..., resume=folder)` writes weights, optimizer and history
# there, and gives them their name only when all of them are complete. The same call again finds the newest state and
# goes on. Let us not believe that before we have killed a run. Here is a complete training program. Started with the
# word `wait`, it stops when its sixth epoch begins, so that there is time to kill it.

# %%
import json
import subprocess
import sys

program = """
import sys, time
from bmkit import data, models, train
import keras
def wait(epoch, logs):  # epochs are counted from 0: 5 is the sixth
    if epoch == 5 and "wait" in sys.argv:
        print("epoch 6", flush=True)
        time.sleep(100)
digits = data.load("digits", batch_size=64)
model = models.mlp((8, 8, 1), 10, hidden_units=(64,))
model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
waiting = keras.callbacks.LambdaCallback(on_epoch_begin=wait)
history = train.fit(model, digits.train, digits.validation, epochs=12,
                    resume="state", callbacks=[waiting])
print(*history["val_loss"])
"""

# %% [markdown]
# ### Exercise 3 · Predict, then run
#
# The program is to train for 12 epochs. It is killed in its sixth, before that one is finished. **How many epochs will the second start train?** *One minute;
# expected: an integer.*

# %%
epochs_left = ...
ch10.epochs_left.check(epochs_left)

# %%
job = [sys.executable, "-c", program]
with tempfile.TemporaryDirectory() as folder:
    where = {"cwd": folder, "text": True}
    where |= {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    first = subprocess.Popen([*job, "wait"], **where)
    first.stdout.readline()  # returns when the child says "epoch 6"
    first.kill()  # no farewell: the operating system takes the process away
    first.communicate()
    newest = max(Path(folder).glob("state/bmkit-fit/epoch-*"))
    rows = json.loads((newest / "state.json").read_text())["rows"]
    second = subprocess.run(job, check=True, **where)
resumed = np.array(second.stdout.split(), dtype=float)
saved = np.array([row["val_loss"] for row in rows])
expect("epochs on the disk after the kill", len(saved), equals=5)
expect("epochs in the history of the second process", len(resumed), equals=12)
expect("the epochs before the kill", resumed[:5], equals=saved, tolerance=1e-12)
expect("loss of epoch 1 over that of epoch 6", resumed[0] / resumed[5], at_least=1.5)

# %%
figure, axes = plot.subplots(figsize=(6.4, 2.6))
axes.plot(range(1, 6), resumed[:5], marker="o", label="first process")
axes.plot(range(6, 13), resumed[5:], marker="s", label="second process")
axes.axvline(5.5, color=plot.COLORS[3], ls=":", label="killed")
axes.set(xlabel="epoch", ylabel="validation loss (nats)", ylim=(0, None))
axes.set_xticks(range(1, 13))
axes.legend(fontsize=9)
plot.show(figure)

# %% [markdown]
# *Figure. Two processes, one training run: the second goes on where the first was cut off.*
# <details><summary>In words</summary>The validation loss over twelve epochs falls in one smooth line. A dotted vertical line
# between epoch 5 and 6 marks the kill; left of it the points are round, right of it square.</details><br>
#
# The second process trained epochs 6 to 12: the work already done on the sixth was lost. One honest limit: the order of the batches
# starts afresh in a new process, so a resumed run is a valid run, but not equal to an unbroken one digit by digit.
#
# **Ctrl-C** (in a notebook: *Kernel → Interrupt*) is gentler than a kill. `train.fit` hears it, finishes the batch, puts the best weights
# back and returns the history so far; a resume folder stays. (A second press stops at once.) To Python it is a `KeyboardInterrupt`, and we
# raise one ourselves:


# %%
def impatient(epoch, logs=None):
    if epoch == 3:
        raise KeyboardInterrupt  # what Python raises when you press Ctrl-C


press = keras.callbacks.LambdaCallback(on_epoch_begin=impatient)
model = compiled(network(), keras.optimizers.Adam(0.01))
short = train.fit(model, digits.train, digits.validation, epochs=50, callbacks=[press])
expect("finished epochs in the history", len(short["val_loss"]), equals=3)
kept = train.evaluate(model, digits.validation)["accuracy"]
expect("the model in hand, validation accuracy", kept, at_least=0.6)

# %% [markdown]
# ## Reading learning curves
#
# Two **learning curves**, training and validation, tell what is wrong with a run before anything else does. Four real
# runs of 255 steps on the
# same digits. The first is the reference: 64 neurons, Adam with rate 0.01, all 1,077 training pictures. Each of the others differs
# from it in *one* thing only:
#
# * **3 neurons**: 64 pixels must pass through three hidden values,
# * **rate 0.0003**: steps a thirtieth as long,
# * **40 pictures**: the same number of steps, but always with the same 40 pictures.
#
# Predict: in which run is the *training* loss lowest? In which is the *validation* loss lowest? And which two will look alike?

# %%
def learning_curves(units=64, rate=0.01, pictures=1077):
    model = compiled(network(units), keras.optimizers.Adam(rate))
    rows = np.resize(np.arange(pictures), 1077)  # 40 are repeated to fill an epoch
    how = {"batch_size": 64, "epochs": 15, "verbose": 0}
    fitted = model.fit(x[rows], y[rows], validation_data=(x_val, y_val), **how)
    history = fitted.history
    return history["loss"], history["val_loss"]  # one value every 17 steps


curves = {
    "reference": learning_curves(),
    "3 neurons": learning_curves(units=3),
    "rate 0.0003": learning_curves(rate=0.0003),
    "40 pictures": learning_curves(pictures=40),
}

# %%
figure, row = plot.subplots(1, 4, figsize=(8.6, 2.7), sharey=True)
steps = np.arange(17, 256, 17)
for axes, name in zip(row, curves):
    seen, unseen = curves[name]
    axes.plot(steps, seen, ls="--", marker="o", mfc="white", ms=4, label="training")
    axes.plot(steps, unseen, "o-", color=plot.COLORS[3], ms=4, label="validation")
    axes.axhline(np.log(10), color="black", lw=0.8, ls=":")
    axes.set(xlabel="step", ylabel="loss (nats)", title=name)
    axes.set(ylim=(0, 2.5), xticks=(0, 100, 200))
row[0].legend(fontsize=9)
plot.show(figure)

# %% [markdown]
# *Figure. Well fitted, underfitted twice, overfitted. The dotted line is log 10, the loss of knowing nothing.*
# <details><summary>In words</summary>Four panels, each with a dashed training and a solid validation curve over 255 steps. Reference:
# both fall fast and stay low, with a small gap. Three neurons and small rate: both fall slowly, lie on top of each
# other and stay high. Forty pictures: training falls to zero, validation stays far above it.</details>

# %%
seen = {}
unseen = {}
for name in curves:
    seen[name] = curves[name][0][-1]  # at the last step
    unseen[name] = curves[name][1][-1]
for name in ("3 neurons", "rate 0.0003"):
    above = seen[name] / seen["reference"]
    apart = unseen[name] / seen[name]
    expect(f"{name}: training loss over the reference's", above, at_least=5)
    expect(f"{name}: validation over training", apart, at_most=1.35)

# %%
gap = unseen["40 pictures"] - seen["40 pictures"]
below = seen["40 pictures"] / seen["reference"]
expect("40 pictures: training loss", seen["40 pictures"], at_most=0.02)
expect("40 pictures: validation minus training", gap, at_least=0.5)
expect("40 pictures: training loss over the reference's", below, at_most=0.8)
rest = min(unseen["3 neurons"], unseen["rate 0.0003"], unseen["40 pictures"])
lead = unseen["reference"] / rest
expect("reference: validation loss over the best other", lead, at_most=0.5)

# %% [markdown]
# * **Underfitting**: both losses are high and close together. The curves say *that* the model has not learned what there is to learn,
#   not *why*: too small a model and too small steps look alike. (Both curves are still falling: more steps might help, too.) So try the cheap cures first: larger steps, more epochs, then a
#   larger model.
# * **Overfitting**: training close to zero, validation far above. The model knows its 40 pictures by heart. More data helps (the
#   reference has nothing else); so may [regularization](06_regularization.ipynb), or stopping early.
# * **Well fitted**: both low. A small gap is normal.
#
# Did you guess right? The lowest training loss belongs to the forty pictures, the lowest validation loss to the run with all of
# them. The training loss alone tells nothing about new digits.
#
# ## Searching settings under a budget
#
# How many neurons, how much dropout, what learning rate? No gradient answers these questions, and each trial costs a
# whole training run. So we try some settings, and choose by validation. *What* is tried and *how much* it may cost
# should be said beforehand. KerasTuner keeps a record of both: a *space* of settings, and a number of *trials*. Ours is
# a **random search**, which sounds lazy and is hard to beat: if one setting matters more than the others, a grid of
# $4\times4$ tries only 4 values of it, 16 random trials try 16.
#
# The space is given by a function that every user of KerasTuner writes: `build(hp)` asks `hp` for each hyperparameter and returns a
# compiled model. A learning rate is drawn on a *logarithmic* scale, since the way from 0.001 to 0.01 is as long as that
# from 0.01 to 0.1.

# %%
import keras_tuner


def build(hp):
    rate = hp.Float("learning_rate", 3e-4, 1e-1, sampling="log")
    units = hp.Choice("units", [16, 32, 64, 128])
    dropout = hp.Choice("dropout", [0.0, 0.25])
    return compiled(network(units, dropout), keras.optimizers.Adam(rate))

# %% [markdown]
# The usual search is then two lines:
#
# ```python
# tuner = keras_tuner.RandomSearch(build, objective="val_loss", max_trials=10)
# tuner.search(x, y, epochs=6, validation_data=(x_val, y_val))
# ```
#
# They need TensorBoard, which TensorFlow no longer brings along. And we want something more, the weights of every epoch of every trial,
# for later. Both are solved by replacing the one method that runs a trial:

# %%
snapshots = []  # (validation loss, weights), one for each epoch of each trial


class Search(keras_tuner.RandomSearch):
    def run_trial(self, trial, **options):
        model = self.hypermodel.build(trial.hyperparameters)

        def keep(epoch, logs):
            snapshots.append((logs["val_loss"], model.get_weights()))

        keeping = keras.callbacks.LambdaCallback(on_epoch_end=keep)
        silent = {"validation_data": digits.validation, "verbose": 0, "shuffle": False}
        run = model.fit(digits.train, epochs=6, callbacks=[keeping], **silent)
        return {"val_loss": min(run.history["val_loss"])}

# %%
snapshots.clear()  # begin anew, when run again too
with tempfile.TemporaryDirectory() as books:
    lowest = keras_tuner.Objective("val_loss", "min")
    tuner = Search(build, objective=lowest, max_trials=10, seed=0, directory=books)
    tuner.search(verbose=0)
    trials = tuner.oracle.get_best_trials(10)
settings = [one.hyperparameters.values for one in trials]
scores = np.array([one.score for one in trials])  # the best first
print(f"spent: {len(trials)} trials of 6 epochs, {len(snapshots)} epochs in all")

# %%
units = np.array([setting["units"] for setting in settings])
rates_tried = np.array([setting["learning_rate"] for setting in settings])
figure, axes = plot.subplots(figsize=(6.4, 3.0))
for number, mark, color in zip((16, 32, 64, 128), plot.MARKERS, plot.COLORS):
    mine = units == number
    look = {"color": color, "ms": 8, "label": f"{number} units"}
    axes.plot(rates_tried[mine], scores[mine], mark, **look)
axes.axhline(np.log(10), color="black", lw=0.8, ls=":")
axes.set(xlabel="learning rate", ylabel="lowest validation loss (nats)")
axes.set(xscale="log", yscale="log")
axes.legend(fontsize=9)
plot.show(figure)

# %% [markdown]
# *Figure. Ten trials. After six epochs, larger learning rates have by and large the lower loss.*
# <details><summary>In words</summary>Ten points: lowest validation loss over learning rate, both on logarithmic scales, with a
# marker for the number of units. The points fall from upper left to lower right. A dotted line at log 10 lies above
# all of them.</details>

# %%
ranks = np.argsort(np.argsort(rates_tried))
by_rate = np.corrcoef(ranks, np.arange(10))[0, 1]  # trial 0 is the best
expect("rank correlation of rate and place in the list", by_rate, at_most=-0.6)
worst_to_best = scores[-1] / scores[0]
expect("worst trial's loss over the best one's", worst_to_best, at_least=4)

# %% [markdown]
# ### What did the budget buy?
#
# The fair rival is not a bad setting but the *default*: 64 neurons, no dropout, Adam with its own learning rate of 0.001. And
# there is a second rival that search reports seldom mention: the default, trained for as many epochs as the whole search
# spent. Predict: how much of the gain does it make up?

# %%
model = compiled(network(), keras.optimizers.Adam())
spent = len(snapshots)
patient = train.fit(model, digits.train, digits.validation, epochs=spent)["val_loss"]
best = scores[0]
behind = min(patient[:6]) / best
expect("default after 6 epochs, loss over the best", behind, at_least=2.5)
caught_up = (patient[5] - min(patient)) / (patient[5] - best)
expect("share of it caught up in 60 epochs", caught_up, at_least=0.8)
ratio = min(patient) / best
print(f"default with the whole budget, loss over the best (here: {ratio:.2f})")

# %% [markdown]
# Trained for six epochs each, the setting that the search found beats the default by far. But the default, given the 60 epochs
# that the search took, makes up most of it. The search did not find a secret; it found, above all, that six epochs call
# for larger steps. That is worth having when
# the setting is used again and again. Report both numbers, and the budget.
#
# ## The test set, opened once
#
# All choices are made: the setting, the epoch. The winner is the snapshot with the lowest validation loss. Its validation score
# has been *chosen for being good*, so it is flattered already. The test set has seen no choice. One look:


# %%
def read(weights, pictures):  # the network in NumPy; at inference there is no dropout
    logits = scratch.mlp_forward(pictures.reshape(-1, 64), weights)
    return logits.argmax(axis=1)


x_test, y_test = digits.arrays("test")
chosen = int(np.argmin([loss for loss, _ in snapshots]))
answers = read(snapshots[chosen][1], x_test)
hits = int(np.sum(answers == y_test))
accuracy = hits / len(y_test)
expect("test accuracy", accuracy, at_least=0.92)
nearest = scratch.nearest_average(x, y, x_test)  # chapter 00's baseline
lead = accuracy - scratch.accuracy(y_test, nearest)
expect("lead over the nearest average", lead, at_least=0.03)

# %% [markdown]
# ### How sure is that number?
#
# The test set has 360 digits. Another 360 would have given another number. If the true accuracy is $\pi$, the measured share
# $\hat p$ scatters around it with the standard error $\sqrt{\pi(1-\pi)/n}$. Which $\pi$ are plausible, then? Those from which
# $\hat p$ is at most $z$ standard errors away. Square $|\hat p-\pi|\le z\sqrt{\pi(1-\pi)/n}$, solve the quadratic for $\pi$,
# and you have **Wilson's interval**:
#
# $$\pi \;\in\; \frac{1}{1+z^2/n}\left[\;\hat p+\frac{z^2}{2n}\;\pm\; z\sqrt{\frac{\hat p(1-\hat p)}{n}+\frac{z^2}{4n^2}}\;\right]$$
#
# * $n$ is the number of test questions, $\hat p$ the share of right answers,
# * $z=1.96$ for an interval that holds the truth 95 times in 100.
#
# The simpler $\hat p \pm z\sqrt{\hat p(1-\hat p)/n}$ fails where good models live: with no error at all it claims certainty.
#
# ### Exercise 4 · Wilson's interval
#
# Write `interval(right, n)` for $z = 1.96$. *Medium, eight minutes; expected: a pair, lower end first.*


# %%
def interval(right, n):
    ...


ch10.interval.check(interval)

# %% [markdown]
# Here is the interval for our test set, and behind it a test of both intervals:

# %%
lower, upper = scratch.wilson_interval(hits, len(y_test))
print(f"true accuracy (here: {lower:.3f} to {upper:.3f}), with 95 % confidence")
width = 100 * (upper - lower)
expect("width of the interval, points", width, at_least=2, at_most=6)

# %%
n = 360
truth = np.linspace(0.8, 0.995, 40)
counts = np.random.default_rng(0).binomial(n, truth, size=(4000, 40))  # right answers
share = counts / n
ends = np.array([scratch.wilson_interval(k, n) for k in range(n + 1)])  # (361, 2)
low = ends[counts, 0]  # (4000, 40)
high = ends[counts, 1]
wilson_holds = ((low <= truth) & (truth <= high)).mean(axis=0)  # (40,)
half = 1.96 * np.sqrt(share * (1 - share) / n)
simple_holds = (np.abs(share - truth) <= half).mean(axis=0)
expect("Wilson, lowest share that holds the truth", wilson_holds.min(), at_least=0.9)
expect("simple, lowest share that holds the truth", simple_holds.min(), at_most=0.88)

# %% [markdown]
# The two last claims put both intervals to the test. For each of 40 true accuracies from 0.8 to 0.995 we drew 4,000 test sets of
# 360 questions and counted how often the interval held the truth. Wilson's comes close to its promise everywhere; the
# simple one breaks it where models are good.
#
# ### Exercise 5 · Predict, then run
#
# Your model has about 95 % accuracy. **How many test pictures do you need to know that to ±1 point**, with 95 % confidence? Use
# the simple formula. *Three minutes; expected: an integer, 2 % off is fine.*

# %%
questions = ...
ch10.questions.check(questions)

# %% [markdown]
# ## What peeking would have earned us
#
# Now that the work is done, we do what one must not do, to see what happens. The search left 60 snapshots. We chose one by
# validation. A *peeker* chooses the one that is best on the test set, and reports that very score. To measure the flattery we
# need fresh digits, and only the test set is left. So we cut it in two, at random, a thousand times: part A plays the test set,
# part B the future. For each cut, the score on A minus the score on B of the snapshot that is best on A. How many points, do
# you think, if A has 60 digits?


# %%
answers = [read(weights, x_test) for _, weights in snapshots]
right = np.array(answers) == y_test  # (60 snapshots, 360 digits)


def flattery(right, pictures, choose):
    random = np.random.default_rng(0)
    gains = []
    for _ in range(1000):
        order = random.permutation(360)
        on_a = right[:, order[:pictures]].mean(axis=1)  # each snapshot's score on A
        on_b = right[:, order[pictures:]].mean(axis=1)
        kept = choose(on_a)
        gains.append(on_a[kept] - on_b[kept])
    return 100 * np.array(gains)  # points


few = flattery(right, 60, np.argmax).mean()
many = flattery(right, 180, np.argmax).mean()
expect("flattery of peeking at 60 digits, points", few, at_least=1)
expect("that of 60 digits above that of 180, points", few - many, at_least=0.5)
whole = right.mean(axis=1)
peeker = whole.max()
ours = whole[chosen]
print(f"on all 360 digits the peeker and we report (here: {peeker:.3f} and {ours:.3f})")

# %%
def draw(pictures, candidates):
    some = np.random.default_rng(1).permutation(len(right))[:candidates]
    gains = {"best on A": flattery(right[some], pictures, np.argmax)}
    gains["chosen by validation"] = flattery(right, pictures, lambda on_a: chosen)
    figure, axes = plot.subplots(figsize=(6.4, 2.8))
    bins = np.arange(-13, 14, 2)
    for name, color, style in zip(gains, (plot.COLORS[3], "black"), ("-", "--")):
        look = {"color": color, "ls": style, "lw": 1.5}
        axes.hist(gains[name], bins=bins, histtype="step", label=name, **look)
        axes.axvline(gains[name].mean(), **look)
    axes.set(xlabel="score on A minus score on fresh B (points)")
    axes.set(ylabel="cuts of 1,000", ylim=(0, 700))
    axes.legend(fontsize=9, loc="upper left")
    return figure


sizes = {"pictures": [30, 60, 90, 180], "candidates": [1, 6, 20, 60]}
plot.explore(draw, start={"pictures": 60, "candidates": 60}, **sizes)

# %% [markdown]
# *Figure. Anyone who picks the best of 60 on the test set reports a score that fresh digits do not confirm. Move the sliders: fewer
# pictures flatter more, a single candidate not at all.*
# <details><summary>In words</summary>Two histograms of score on A minus score on B over 1,000 cuts. "Chosen by validation", dashed,
# is centred on zero; "best on A" lies to the right of it. Vertical lines mark the two means.</details><br>
#
# For the snapshot chosen by validation the mean is zero, and that needs no measurement: it was fixed before the cut, so
# for it A and B are two random parts of the same digits. Only a choice *on A* can favour A.
#
# With 60 digits more than one point of the reported score is luck, with 180 digits clearly less, and on all 360 little is left to
# gain. No digit of the test set ever entered a gradient, and still the score was biased, merely by *choosing* with it.
# The more candidates and the smaller the test set, the stronger the bias. "We kept the best epoch on the test set" is
# such a choice, and so is a
# whole field comparing its papers on one test set for years.
#
# ## Summary
#
# * A step is four moves: forward, loss, gradient, step. By hand, by `fit` and by your own `train_step` the weights are the same.
# * Callbacks see the validation loss at the end of an epoch only, and the logged training loss is a mean over the epoch.
# * What is not on the disk is lost in a kill. `train.fit(..., resume=folder)` goes on after the last finished epoch.
# * Two curves tell underfitting (both high) from overfitting (training low, validation far above). They do not tell why.
# * `EarlyStopping` and `ModelCheckpoint` stop and save; `model.save` and `load_model` keep a whole model in one `.keras` file.
# * A search is reported with its budget, beside the default with the same budget.
# * The test set is opened once; its number comes with an interval. Choosing on it flatters, although nothing is trained on it.
#
# **Ask yourself**
#
# <details><summary>Your validation loss is below your training loss in every epoch. Is something wrong?</summary>Not necessarily. The
# logged training loss is a mean over the epoch, with dropout at work. Evaluate the training data after the epoch, and compare
# again.</details>
# <details><summary>You opened the test set, were disappointed, found a bug, and mended it. May you test again?</summary>Mending a bug is
# right, but that test set has now taken part in a decision. Say so in the report, or measure on fresh data.</details>
# <details><summary>Model A has 96.4 % and model B 95.8 % on the same 360 digits. Is A better?</summary>The difference is two digits, and
# the interval of each is about four points wide. Compare them digit by digit on a larger set before you decide.</details><br>
#
# **Next** [11 · Convolutional networks for images](11_cnn_images.ipynb) begins the algorithms.
#
# **References**
#
# * J. Bergstra, Y. Bengio (2012), Random search for hyper-parameter optimization.
#   [JMLR](https://www.jmlr.org/papers/v13/bergstra12a.html)
# * I. Loshchilov, F. Hutter (2017), SGDR: stochastic gradient descent with warm restarts. [arXiv](https://arxiv.org/abs/1608.03983)
# * E. B. Wilson (1927), Probable inference, the law of succession, and statistical inference.
#   [doi](https://doi.org/10.1080/01621459.1927.10502953)
# * C. Dwork et al. (2015), The reusable holdout: preserving validity in adaptive data analysis.
#   [doi](https://doi.org/10.1126/science.aaa9375)
# * F. Chollet et al. (2019), KerasTuner. [Online](https://keras.io/keras_tuner/)
