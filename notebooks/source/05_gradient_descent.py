# %% [markdown]
# # 05 · Gradient descent
#
# **After this you can** write gradient descent, SGD, momentum and Adam from memory, say from the curvature of a loss which learning rates converge, tell a local minimum from a saddle point, read the noise of mini-batches, and choose an optimizer with a fair comparison
#
# **Time** 60 min to read, 100 min to teach, 25 s to run
#
# **Before** [01 · Neural networks](01_neural_networks.ipynb), [04 · Loss functions](04_loss_functions.ipynb)
#
# **Data** diabetes (442 patients, no licence stated), digits (1,797 handwritten digits, CC BY 4.0)

# %%
from bmkit import data, diagrams, plot, scratch, train
from bmkit.check import expect
from bmkit.exercises import ch05
import keras
import numpy as np
train.seed(0)

# %% [markdown]
# ## One parameter
#
# [Chapter 04](04_loss_functions.ipynb) turned "how wrong" into one number, the loss. Now we make that number small. Nearly
# every model of this course is trained by the method of this chapter, so we start with the smallest model there is.
#
# For 442 patients we know the body mass index (BMI) and a score that says how far their diabetes had advanced a year later. We
# predict the score from the BMI with one number, $\hat y = \theta\,x$: each kg/m² above the average adds $\theta$ to the
# score. (Both columns are centred, so no bias is needed.) Which $\theta$ has the lowest mean squared error?

# %%
columns, target = data.load("diabetes").arrays("train")
bmi = columns[:, 2].astype(float)  # (266,) in kg/m²
bmi = bmi - bmi.mean()
score = target.astype(float)
score = score - score.mean()


def line_loss(theta):
    return scratch.mean_squared_error(score, bmi * theta)


# %%
thetas = np.linspace(-4, 24, 141)
losses = [line_loss(theta) for theta in thetas]
figure, (left, right) = plot.subplots(1, 2, figsize=(6.6, 2.6))
left.plot(bmi, score, ".", color="0.5", ls="")
for theta, color in zip((0, 5, 10), plot.COLORS):
    left.plot(bmi, theta * bmi, color=color, label=f"θ = {theta}")
    right.plot(theta, line_loss(theta), "o", color=color, ms=9)
right.plot(thetas, losses, color="0.4")
left.set(xlabel="BMI minus its mean (kg/m²)", ylabel="score minus its mean")
right.set(xlabel="θ (score per kg/m²)", ylabel="loss (score²)")
left.legend(fontsize=9, ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1))
plot.show(figure)

# %% [markdown]
# *Figure. Every line on the left is one point on the right. The better the line fits, the lower its point lies.*
# <details><summary>In words</summary>Left, a cloud of patients and three lines through the origin: level for θ = 0, rising for
# θ = 5, steeper for θ = 10. Right, the loss over θ is a parabola; its lowest point lies near 10, and three dots mark the three
# lines.</details><br>
#
# ### The formula: gradient descent
#
# Imagine a walker in thick fog on the curve on the right. She does not see the valley, but she feels how the ground
# falls away under her feet. So she takes a step downhill, feels again, and takes the next. This is **gradient
# descent**:
#
# $$\theta_{t+1} = \theta_t - \eta\, L'(\theta_t), \qquad L'(\theta) = \frac{2}{n} \sum_{i=1}^{n} (\theta x_i - y_i)\, x_i$$
#
# * $\theta_t$ is the parameter after $t$ steps and $L'$ the derivative of the loss, which says how steeply it rises,
# * $x_i$ is the input of example $i$, $y_i$ its target, $n$ the number of examples,
# * $\eta$ ("eta") is the **learning rate**: it turns a derivative into a step.
#
# A derivative found on paper is checked by finite differences ([chapter 04](04_loss_functions.ipynb)), a step by the kit's
# reference:


# %%
def line_slope(theta):
    return np.mean(2 * (theta * bmi - score) * bmi)


def descend(slope, start, learning_rate, steps):
    path = [start]
    for _ in range(steps):
        here = path[-1]
        path.append(here - learning_rate * slope(here))
    return np.array(path)  # steps + 1 parameters


measured = scratch.numerical_gradient(line_loss, np.array(3.0), step=1e-4)
ours = line_slope(3.0)
expect("derivative by finite differences", measured, equals=ours, tolerance=1e-4)

start, first = descend(line_slope, 0.0, 0.01, steps=1)
reference = scratch.sgd_step(start, line_slope(start), 0.01)
expect("first step of bmkit.scratch", reference, equals=first, tolerance=1e-12)

# %% [markdown]
# ### Three learning rates
#
# Three walkers start at $\theta = 0$ with the learning rates 0.004, 0.02 and 0.047. Guess before you run: how do their paths
# differ?

# %%
curvature = 2 * np.mean(bmi**2)  # explained below
figure, row = plot.subplots(1, 3, figsize=(6.8, 2.3), sharey=True)
for axes, rate, color in zip(row, (0.004, 0.02, 0.047), plot.COLORS):
    path = descend(line_slope, 0.0, rate, steps=8)
    heights = [line_loss(theta) for theta in path]
    axes.plot(thetas, losses, color="0.6", ls="-")
    axes.plot(path, heights, "-o", color=color, ms=4, lw=1)
    axes.set(xlabel="θ (score per kg/m²)", ylabel="loss (score²)")
    factor = 1 - rate * curvature
    axes.set_title(f"rate {rate}, factor {factor:.2f}", fontsize=10)
plot.show(figure)

# %% [markdown]
# *Figure. Eight steps each. Too small a rate creeps; a good one arrives at once; too large a rate jumps over the valley and lands
# higher each time.*
# <details><summary>In words</summary>Three copies of the parabola. Left, dots come closer and closer to the bottom from one side.
# Middle, the second dot is already near the bottom. Right, the dots jump from wall to wall and climb.</details><br>
#
# ### Why: a factor for each step
#
# A parabola has the same curvature everywhere: its second derivative is a constant, here $\lambda = \frac2n\sum_i x_i^2$. Let
# $\theta^*$ be the lowest point and $e_t = \theta_t - \theta^*$ the **error**. The derivative is then $\lambda e_t$, so one step gives
#
# $$e_{t+1} = e_t - \eta\lambda\, e_t = (1-\eta\lambda)\, e_t, \qquad\text{and after } t \text{ steps}\qquad e_t = (1-\eta\lambda)^t\, e_0$$
#
# Everything follows from that one factor. Between 0 and 1 the error shrinks from one side; between −1 and 0 it shrinks in
# jumps from side to side; beyond −1, that is for $\eta > 2/\lambda$, it grows: the descent **diverges**. The titles of the three
# pictures give the factors.
#
# ### Exercise 1 · What is left
#
# Write `error_left(error, eigenvalue, learning_rate, steps)`: the error after `steps` steps on a parabola with the curvature
# `eigenvalue` (you will soon see why it has this name). *Easy, three minutes; expected: a number, or an array where the
# arguments are arrays.*


# %%
def error_left(error, eigenvalue, learning_rate, steps):
    ...


ch05.error_left.check(error_left)

# %% [markdown]
# ## Two parameters: a real valley
#
# Now the score is predicted from two columns: a blood value (the logarithm of the triglycerides) and the BMI, with one weight
# each. The loss has become a landscape over two weights. We draw it with **contour lines**, as on a hiking map: along a line
# the loss is the same.

# %%
x = columns[:, [8, 2]].astype(float)  # blood value and BMI
x = x - x.mean(axis=0)  # (266, 2)
y = score
lowest = np.linalg.lstsq(x, y, rcond=None)[0]  # (2,) the weights with the least loss
print("lowest point:", lowest.round(1))


def loss_at(theta):
    return scratch.mean_squared_error(y, x @ theta)


def valley(axes):
    across, up = np.meshgrid(np.linspace(-4, 78, 165), np.linspace(-6, 22, 85))
    pairs = np.stack([across.ravel(), up.ravel()])  # (2, 14025)
    heights = np.mean((x @ pairs - y[:, np.newaxis]) ** 2, axis=0)
    levels = [3200, 3300, 3600, 4200, 5200, 6600, 9000, 13000]
    ground = heights.reshape(across.shape)
    axes.contour(across, up, ground, levels, colors="0.6", linewidths=0.8)
    axes.plot(lowest[0], lowest[1], "*", color="black", ms=10)
    axes.set(aspect="equal", xlim=(-4, 78), ylim=(-6, 22))
    axes.set_xlabel("weight of the blood value (score per log unit)")
    axes.set_ylabel("weight of the BMI\n(score per kg/m²)")


# %%
figure, axes = plot.subplots(figsize=(6.2, 2.6))
valley(axes)
axes.plot(0, 0, "o", color=plot.COLORS[3])
look = {"fontsize": 9, "bbox": {"color": "white", "pad": 1}}
axes.annotate("start: both weights 0", (2, -4), **look)
axes.annotate("lowest point", lowest + np.array([-5, 3.5]), **look)
plot.show(figure)

# %% [markdown]
# *Figure. The loss of a real regression is a long, narrow valley: steep across, almost flat along.*
# <details><summary>In words</summary>Contour lines of the loss over the two weights: stretched, nearly horizontal ellipses about
# ten times as long as wide. The start at (0, 0) lies left, the lowest point, a star, at about (53, 8).</details><br>
#
# ### The gradient
#
# With several parameters there is a derivative for each. Together they form the **gradient** $\nabla L$, an array of the shape of the
# parameters. It points in the direction in which the loss rises most steeply, at a right angle to the contour lines. The rule
# is the same as before, now for whole arrays:
#
# $$\theta_{t+1} = \theta_t - \eta\, g_t, \qquad g_t = \nabla L(\theta_t) = \frac{2}{n}\, X^\top (X\theta_t - y)$$
#
# * $\theta_t$ and $g_t$ have the shape (parameters,), here (2,),
# * $X$ holds one example in each row, shape (n, parameters); $y$ has shape (n,).
#
# One turn of the loop, with the shapes on its arrows:

# %%
places = {
    "inputs X": (0, 1),
    "parameters θ": (0, 0),
    "model Xθ": (1.2, 1),
    "loss L": (2.4, 1),
    "gradient ∇L": (2.4, 0),
    "step θ − η∇L": (1.2, 0),
}
arrows = [
    ("inputs X", "model Xθ", "(266, 2)"),
    ("parameters θ", "model Xθ", "(2,)"),
    ("model Xθ", "loss L", "(266,)"),
    ("loss L", "gradient ∇L", "one number"),
    ("gradient ∇L", "step θ − η∇L", "(2,)"),
    ("step θ − η∇L", "parameters θ", "(2,)"),
]
figure = diagrams.boxes(places, arrows, shaded=["parameters θ"], figsize=(7.6, 2.4))
plot.show(figure)

# %% [markdown]
# *Figure. One step of gradient descent. Only the shaded box changes; the loop runs as many steps as we ask for.*
# <details><summary>In words</summary>Six boxes. Inputs, shape (266, 2), and parameters, shape (2,), enter the model; its 266
# predictions enter the loss, one number. From the loss an arrow leads down to the gradient, shape (2,), then left to the step,
# and from there back to the parameters.</details><br>
#
# In Keras this loop is called `fit`. The model is a `Dense` layer without bias, and the optimizer `SGD` takes our step.
# With a batch of all 266 patients one epoch is one step. (Keras calculates with 32-bit numbers, so we compare to two decimals.)


# %%
def gradient(theta):
    return 2 / len(x) * x.T @ (x @ theta - y)  # (2, 266) @ (266,) → (2,)


zero = np.zeros(2)
measured = scratch.numerical_gradient(loss_at, zero, step=1e-4)
expect("by finite differences", measured, equals=gradient(zero), tolerance=1e-4)

dense = keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")
line = keras.Sequential([keras.Input((2,)), dense])
line.compile(optimizer=keras.optimizers.SGD(learning_rate=0.04), loss="mse")
line.fit(x, y, batch_size=266, epochs=30, verbose=0)
ours = descend(gradient, zero, 0.04, steps=30)[-1]
keras_weights = dense.get_weights()[0].ravel()
expect("30 steps of Keras", keras_weights, equals=ours, tolerance=0.01)

# %% [markdown]
# ### Too small, about right, too large
#
# Three walkers again, with the rates 0.003, 0.04 and 0.046. What will their paths look like, and how much of the first
# **excess loss** (loss minus lowest loss) will be left after 60 steps? Guess before you run. Note how close together the last two
# rates are.
#
# Then run the next cell and move its slider.


# %%
def draw(learning_rate):
    figure, axes = plot.subplots(figsize=(6.2, 2.7))
    valley(axes)
    path = descend(gradient, np.zeros(2), learning_rate, steps=60)
    axes.plot(path[:, 0], path[:, 1], "-o", ms=4, lw=1, color=plot.COLORS[0])
    height = loss_at(path[-1])
    title = f"learning rate {learning_rate}, 60 steps: loss {height:,.0f}"
    axes.set_title(title, fontsize=10)
    return figure


offered = [0.001, 0.003, 0.01, 0.02, 0.03, 0.04, 0.044, 0.045, 0.046, 0.047]
plot.explore(draw, start={"learning_rate": 0.04}, learning_rate=offered)

# %% [markdown]
# *Figure. Sixty steps at rate 0.04: across the valley the walker jumps from wall to wall, along it she creeps.*
# <details><summary>In words</summary>The contour map with a path of 60 steps: a zigzag across the valley that narrows while it
# moves right, and that ends before the star. The title gives the loss.</details><br>

# %%
least = loss_at(lowest)
left_over = {}
for rate in (0.003, 0.04, 0.046):
    end = descend(gradient, zero, rate, steps=60)[-1]
    left_over[rate] = (loss_at(end) - least) / (loss_at(zero) - least)

expect("excess left, rate 0.003", left_over[0.003], at_least=0.1, at_most=0.2)
expect("excess left, rate 0.04", left_over[0.04], at_least=0.02, at_most=0.04)
expect("excess left, rate 0.046", left_over[0.046], at_least=1.5)

# %% [markdown]
# The step that suits the steep walls is much too short for the flat floor, and a slightly larger one diverges.
#
# ### Curvature depends on the direction
#
# In one dimension one number, the curvature, decided everything. Here the curvature depends on where you look. Stand at the
# lowest point, walk straight in any direction, and the loss is again a parabola. We measure how strongly it bends for all
# directions from 0° (along the weight of the blood value) to 180°:

# %%
angles = np.linspace(0, 180, 361)
radians = np.radians(angles)
ways = np.stack([np.cos(radians), np.sin(radians)])  # (2, 361)
bends = 2 * np.mean((x @ ways) ** 2, axis=0)  # the second derivative along each way

figure, axes = plot.subplots(figsize=(6.4, 2.8))
axes.plot(angles, bends)
for place in (bends.argmin(), bends.argmax()):
    here = (angles[place], bends[place])
    axes.plot(*here, "o", color=plot.COLORS[3])
    axes.annotate(f"{here[1]:.1f}", here, xytext=(8, 2), textcoords="offset points")
axes.set(xlabel="direction (degrees)", ylabel="curvature", xticks=range(0, 181, 30))
plot.show(figure)

# %% [markdown]
# *Figure. One direction bends least, and one, at a right angle to it, bends most. They are the long and the short axis of the
# ellipses.*
# <details><summary>In words</summary>A smooth wave of the curvature over the direction. The lowest point, a dot marked 0.4, lies
# just below 180 degrees, the highest, a dot marked 43.8, near 90 degrees.</details><br>
#
# These two directions have a name. The **Hessian** $H = \frac2n X^\top X$ holds all second derivatives of the loss, shape
# (parameters, parameters). The directions in which the curvature is least or greatest (with more parameters there are others in between) are its **eigenvectors** $q_k$, and
# the curvatures there are its **eigenvalues** $\lambda_k$:
#
# $$H q_k = \lambda_k\, q_k$$
#
# In words: from a point on such an axis the gradient lies along the axis, too, so the walker never leaves it. NumPy
# finds both with `eigh`. Measure the error along these two axes. Then each coordinate behaves like a descent in one dimension
# with its own curvature, and exercise 1 solves it:
#
# $$q_k^\top e_{t} = (1-\eta\lambda_k)^t \; q_k^\top e_0, \qquad e_t = \theta_t - \theta^*$$
#
# We check the equation against the real zigzag, at every step:

# %%
hessian = 2 / len(x) * x.T @ x  # (2, 2)
eigenvalues, directions = np.linalg.eigh(hessian)  # directions: one in each column
extremes = [bends.min(), bends.max()]
expect("least and greatest curvature", eigenvalues, equals=extremes, tolerance=0.01)
turned = hessian @ directions
expect("H q = λ q for both", turned, equals=eigenvalues * directions, tolerance=1e-9)

steps = np.arange(61)[:, np.newaxis]  # (61, 1)
path = descend(gradient, zero, 0.04, steps=60)
errors = (path - lowest) @ directions  # (61, 2), along the axes of the valley
predicted = (1 - 0.04 * eigenvalues) ** steps * errors[0]
expect("60 steps and the formula", errors, equals=predicted, tolerance=1e-9)

# %% [markdown]
# ### The best rate, and the last one that works
#
# One rate must serve both axes, and the slower axis decides. So draw $|1-\eta\lambda|$ for both and look at the larger:

# %%
rates = np.linspace(0.0, 0.05, 501)
factors = np.abs(1 - np.outer(rates, eigenvalues))  # (501, 2)
worst = factors.max(axis=1)
best = 2 / eigenvalues.sum()  # why, we shall see
limit = 2 / eigenvalues[1]

figure, axes = plot.subplots(figsize=(7.4, 2.8))
for value, name in zip(eigenvalues, ("along the valley", "across it")):
    axes.plot(rates, abs(1 - rates * value), label=f"{name}, λ = {value:.2f}")
axes.plot(rates, worst, color="0.5", ls="-", lw=5, alpha=0.4, label="the larger one")
axes.plot(best, min(worst), "o", color=plot.COLORS[3], label="best rate")
axes.axvline(limit, color=plot.COLORS[3], ls=":", label="2 / λmax")
axes.set(xlabel="learning rate η", ylabel="factor |1 − ηλ| of a step", ylim=(0, 1.25))
axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize=9)
plot.show(figure)

# %% [markdown]
# *Figure. Up to the dot the flat direction decides and every increase helps. Beyond it the steep direction decides, and soon after
# nothing converges.*
# <details><summary>In words</summary>Two curves over the learning rate. The one for "along" falls very slowly from 1. The one for
# "across" falls fast to 0 at about 0.023 and rises again. The larger of them falls slowly, has a sharp corner close below
# 0.046, and crosses 1 at the dotted line just behind.</details><br>
#
# The descent converges if $|1-\eta\lambda_k|<1$ for all $k$, so if $0<\eta<2/\lambda_{\max}$. The best rate is where both ends are
# equally bad, $1-\eta\lambda_{\min} = \eta\lambda_{\max}-1$:
#
# $$\eta^* = \frac{2}{\lambda_{\min}+\lambda_{\max}}, \qquad \text{factor} = \frac{\lambda_{\max}-\lambda_{\min}}{\lambda_{\max}+\lambda_{\min}} = \frac{\kappa-1}{\kappa+1}, \qquad \kappa = \frac{\lambda_{\max}}{\lambda_{\min}}$$
#
# $\kappa$ ("kappa") is the **condition number**, a measure of how narrow the valley is. Here it is about 111, so even the best
# rate leaves 98 % of the error at every step. Does the walker obey? We look for the edge without any theory, by **bisection**: run,
# see whether the loss grew, and halve the interval.

# %%
converging = 0.0
diverging = 1.0
for _ in range(25):
    middle = (converging + diverging) / 2
    with np.errstate(over="ignore", invalid="ignore"):
        end = descend(gradient, zero, middle, steps=3000)[-1]
        fell = loss_at(end) < loss_at(zero)  # false for "not a number" too
    if fell:
        converging = middle
    else:
        diverging = middle

expect("edge over 2 / λmax", diverging / limit, at_least=0.99, at_most=1.01)
condition = eigenvalues[1] / eigenvalues[0]
expect("condition number", condition, at_least=111, at_most=112)
factor = np.abs(1 - best * eigenvalues).max()
expect("factor at the best rate", factor, at_least=0.98, at_most=0.985)
reference = scratch.best_learning_rate(eigenvalues)
expect("best rate, bmkit.scratch", reference, equals=best, tolerance=1e-12)

# %% [markdown]
# ### Exercise 2 · Predict, then run
#
# A quadratic has the eigenvalues 1 and 9. **Which learning rate makes gradient descent fastest?** *Two minutes; expected: a
# number.*

# %%
best_rate = ...
ch05.best_rate.check(best_rate)

# %% [markdown]
# ## A memory for the direction: momentum
#
# Look at the zigzag again. Across the valley the gradient changes its sign at every step; along the valley it keeps its
# sign. A walker who adds up her last gradients damps what changes sign and collects what stays. That is **momentum**:
# a heavy ball instead of a
# walker.
#
# $$v_{t+1} = \beta\, v_t - \eta\, g_t, \qquad \theta_{t+1} = \theta_t + v_{t+1}$$
#
# * $v_t$ is the **velocity**, the last step taken; it has the shape of $\theta$, and $v_0 = 0$,
# * $\beta$ ("beta", usually 0.9) is the share of the velocity that survives a step; the rest is lost as if by friction.
#
# Where the gradient stays the same, the velocities add up to $\eta\,g\,(1+\beta+\beta^2+\dots) = \eta\,g/(1-\beta)$: with
# $\beta = 0.9$ ten times the step. Where the gradient alternates, they add up to only $\eta\,g/(1+\beta)$, about half a step. Standard first: `SGD(momentum=0.9)` of
# Keras takes forty random gradients, and our three lines must follow it.

# %%
gradients = np.random.default_rng(0).normal(size=(40, 5))


def keras_path(optimizer):
    theta = keras.Variable(np.ones(5), dtype="float64")
    path = []
    for g in gradients:
        optimizer.apply([keras.ops.convert_to_tensor(g)], [theta])
        path.append(keras.ops.convert_to_numpy(theta).copy())
    return np.array(path)  # (40, 5)


def momentum_step(theta, g, v, learning_rate, beta=0.9):
    v = beta * v - learning_rate * g
    return theta + v, v


theta = np.ones(5)
v = np.zeros(5)
path = []
for g in gradients:
    theta, v = momentum_step(theta, g, v, learning_rate=0.01)
    path.append(theta)

theirs = keras_path(keras.optimizers.SGD(0.01, momentum=0.9))
expect("momentum, 40 steps of Keras", theirs, equals=np.array(path), tolerance=1e-6)

# %% [markdown]
# ### Exercise 3 · The heavy ball
#
# Without looking up: write `momentum(weights, gradient, velocity, learning_rate, momentum)` that returns the new weights *and* the
# new velocity. *Medium, five minutes; expected: a pair of arrays.*


# %%
def momentum(weights, gradient, velocity, learning_rate, momentum):
    ...


ch05.momentum.check(momentum)

# %% [markdown]
# ## A rate for each parameter: Adam
#
# The second idea is to give each parameter its own rate. **Adam** divides by the typical size of the parameter's
# gradients, so that parameters with large gradients get small rates and those with small gradients large ones. It keeps two running means:
#
# $$m_{t} = \beta_1 m_{t-1} + (1-\beta_1)\, g_t, \qquad s_{t} = \beta_2 s_{t-1} + (1-\beta_2)\, g_t^2$$
# $$\hat m_t = \frac{m_t}{1-\beta_1^{\,t}}, \qquad \hat s_t = \frac{s_t}{1-\beta_2^{\,t}}, \qquad \theta_{t} = \theta_{t-1} - \eta\,\frac{\hat m_t}{\sqrt{\hat s_t}+\varepsilon}$$
#
# * $m_t$ is the mean gradient and $s_t$ the mean of its *square* (each number squared by itself), both of the shape of $\theta$,
# * $\beta_1 = 0.9$ and $\beta_2 = 0.999$ say how long they remember; $t$ counts the steps from 1,
# * the hats correct the start: $m_0 = s_0 = 0$ would make the first means too small,
# * $\varepsilon = 10^{-7}$ avoids a division by zero.
#
# The quotient has no unit: it is about ±1 where the gradient is steady and near 0 where the gradient keeps changing its sign. So
# **Adam's learning rate is about the largest step, in the unit of the parameter**. The rate of plain gradient descent is
# not, because its step also grows with the gradient.


# %%
def adam_step(theta, g, m, s, t, learning_rate, epsilon=1e-7):
    m = 0.9 * m + 0.1 * g
    s = 0.999 * s + 0.001 * g**2  # each number squared by itself
    m_hat = m / (1 - 0.9**t)
    s_hat = s / (1 - 0.999**t)
    return theta - learning_rate * m_hat / (np.sqrt(s_hat) + epsilon), m, s


theta = np.ones(5)
m = np.zeros(5)
s = np.zeros(5)
path = []
for t, g in enumerate(gradients, start=1):
    theta, m, s = adam_step(theta, g, m, s, t, learning_rate=0.01)
    path.append(theta)

theirs = keras_path(keras.optimizers.Adam(0.01))
expect("Adam, 40 steps of Keras", theirs, equals=np.array(path), tolerance=5e-6)

# %% [markdown]
# Equal to five decimals, but not exactly, for two reasons. Keras holds 0.999 and the rate as 32-bit numbers. And it puts *ε in another
# place*: the paper, and the cell above, add it to the corrected $\sqrt{\hat s}$. Keras and `bmkit.scratch` add it to the uncorrected $\sqrt{s}$, which is some thirty times smaller at
# the first step. With ordinary gradients nobody notices. With tiny ones the two differ:

# %%
zeros = np.zeros(1)
for g in (1.0, 1e-3, 1e-6):
    paper = adam_step(0.0, g, 0.0, 0.0, t=1, learning_rate=0.01)[0]
    house, _ = scratch.adam_step(zeros, np.array([g]), learning_rate=0.01)
    weight = keras.Variable([0.0])
    optimizer = keras.optimizers.Adam(0.01)
    optimizer.apply([keras.ops.convert_to_tensor([g])], [weight])
    moved = float(weight[0])
    print(f"gradient {g:g}: first step {paper:.4f} in the paper, {moved:.4f} in Keras")
    expect("difference to bmkit.scratch", abs(moved - house[0]), at_most=1e-6)

# %% [markdown]
# ### Exercise 4 · Predict, then run
#
# Two parameters have the gradients 1000 and 0.001, and Adam takes its very first step, with learning rate 0.1. **How far does each
# parameter move?** *Two minutes; expected: two lengths, such as `(1, 2)`.*

# %%
adam_first = ...
ch05.adam_first.check(adam_first)

# %% [markdown]
# ## The race in the valley
#
# Back to the patients. How many steps until at most a thousandth of the first excess loss is left, for good? A race is fair only
# if each runs at *its own* best rate, so we try many rates for each optimizer. Momentum runs twice, with $\beta = 0.9$ and
# $\beta = 0.7$.


# %%
ball = scratch.momentum_step


def sgd(theta, g, memory, learning_rate):
    return scratch.sgd_step(theta, g, learning_rate), memory


def race(step, learning_rate, memory, **settings):
    path = [np.zeros(2)]
    for _ in range(400):
        g = gradient(path[-1])
        settings["learning_rate"] = learning_rate
        theta, memory = step(path[-1], g, memory, **settings)
        path.append(theta)
    return np.array(path)  # (401, 2)


def steps_needed(path):
    errors = path - lowest
    excess = np.sum(errors @ hessian * errors, axis=1)  # twice the excess loss
    arrived = excess <= 0.001 * excess[0]  # false for "not a number" too
    return np.flatnonzero(~arrived)[-1] + 1  # 401: never


# %%
racers = {
    "gradient descent": (sgd, None, {}),
    "momentum 0.9": (ball, np.zeros(2), {"momentum": 0.9}),
    "momentum 0.7": (ball, np.zeros(2), {"momentum": 0.7}),
    "Adam": (scratch.adam_step, None, {}),
}
tried_rates = 10 ** np.arange(-3, 2.01, 0.05)  # twenty in each decade
needed = {}
best_rates = {}
for name, (step, memory, settings) in racers.items():
    with np.errstate(all="ignore"):  # a rate too large overflows
        paths = [race(step, rate, memory, **settings) for rate in tried_rates]
        counts = [steps_needed(path) for path in paths]
    needed[name] = counts
    best_rates[name] = tried_rates[np.argmin(counts)]
    print(f"{name:16} rate {best_rates[name]:6.3f}, steps {min(counts)}")
plain = min(needed["gradient descent"])
expect("steps over momentum 0.7", plain / min(needed["momentum 0.7"]), at_least=4)
expect("steps over Adam", plain / min(needed["Adam"]), at_least=2)

# %%
figure, (top, below) = plot.subplots(2, 1, figsize=(6.4, 5.2), height_ratios=(1, 1))
valley(top)
for name, color, marker in zip(racers, plot.COLORS, plot.MARKERS):
    step, memory, settings = racers[name]
    path = race(step, best_rates[name], memory, **settings)[:31]
    look = {"ls": "-", "marker": marker, "ms": 4, "lw": 1, "color": color}
    if name != "momentum 0.9":  # three paths are enough for one picture
        top.plot(path[:, 0], path[:, 1], **look)
    counts = np.array(needed[name], dtype=float)
    counts[counts > 400] = np.nan
    below.semilogx(tried_rates, counts, label=name, **look)
below.set(xlabel="learning rate", ylabel="steps needed", ylim=(0, 400))
below.legend(fontsize=9)
plot.show(figure)

# %% [markdown]
# *Figure. Top: thirty steps of three optimizers, each at its best rate. Gradient descent jumps from wall to wall, momentum swings
# widely at first and then runs along the valley, Adam takes a smooth curve. Below: each optimizer has its own range of good
# rates.*
# <details><summary>In words</summary>Top, paths on the contour map. Gradient descent zigzags densely and has covered less than half the
# way; momentum leaves the picture at first, then zigzags less and less up to the star; Adam rises, sinks and rises again and ends just beyond
# the star. Below, the steps needed over the learning rate: gradient descent falls to about 150 and stops at its edge;
# momentum 0.9 reaches about 60, momentum 0.7 about 25, and Adam about 60 at rates from 1.5 to 15.</details><br>
#
# Momentum and Adam win clearly, and the usual $\beta = 0.9$ is not the best $\beta$ here. But why is this valley so narrow? Because a unit of BMI and a unit of a logarithm are
# different things: the BMI has a standard deviation of about 5, the blood value one of about 0.5, and the curvature
# $\frac2n\sum_i x_i^2$ goes with the square. Divide each column by its own standard deviation and run plain gradient descent again:

# %%
scaled = x / x.std(axis=0)
round_hessian = 2 / len(x) * scaled.T @ scaled
round_values = np.linalg.eigvalsh(round_hessian)
expect("condition number", round_values[1] / round_values[0], at_most=3)


def scaled_gradient(theta):
    return 2 / len(x) * scaled.T @ (scaled @ theta - y)


lowest_scaled = lowest * x.std(axis=0)  # the same model in the new units
rate = 2 / round_values.sum()  # the best one
errors = descend(scaled_gradient, zero, rate, steps=20) - lowest_scaled
excess = np.sum(errors @ round_hessian * errors, axis=1)
scaled_steps = np.argmax(excess <= 0.001 * excess[0])
expect("steps of plain gradient descent now", scaled_steps, at_most=8)

# %% [markdown]
# Plain gradient descent on scaled inputs beats all the others on unscaled ones. **Scale your inputs first**: that is
# why step 1 of the six
# steps is preprocessing. Inside a deep network, however, nobody does it for the inputs of layer 7, unless you build in a layer that does ([chapter
# 09](09_model_building_and_initialization.ipynb)).
#
# ## Not every landscape is a bowl
#
# The loss of a linear model is **convex**: one valley, with no second one to be caught in. Other models have other landscapes. Two small examples with one
# and two parameters show what can happen. Left, we look for the frequency $\theta$ of a tone of 3 Hz by fitting
# $\sin(2\pi\theta t)$. Right, we fit $\hat y = w_2 w_1 x$ to $y = x$, the smallest network with two layers; its loss is
# $(w_1w_2-1)^2$.

# %%
seconds = np.linspace(0, 1, 100)
tone = np.sin(2 * np.pi * 3 * seconds)


def tone_loss(theta):
    return np.mean((np.sin(2 * np.pi * theta * seconds) - tone) ** 2)


def tone_slope(theta):
    phase = 2 * np.pi * theta * seconds
    miss = np.sin(phase) - tone
    inner = np.cos(phase) * 2 * np.pi * seconds  # the chain rule
    return np.mean(2 * miss * inner)


def product_gradient(w):
    return 2 * (w[0] * w[1] - 1) * w[::-1]  # the derivative for w₁ has the factor w₂


# %%
tone_paths = []
for start in (0.3, 2.4, 3.6, 5.5):
    tone_paths.append(descend(tone_slope, start, 0.01, steps=300))
tone_ends = np.array([path[-1] for path in tone_paths])
print("tone: ends at", tone_ends.round(1) + 0.0, "Hz")
found = np.abs(tone_ends - 3) < 0.01
expect("descents of four that find 3 Hz", found.sum(), equals=2)

saddle_paths = []
for start in ([0.0, 0.0], [0.6, -0.55], [-1.5, 0.2]):
    path = descend(product_gradient, np.array(start), 0.05, steps=300)
    saddle_paths.append(path)
    print("product: ends at", path[-1].round(2))
nudges = 1e-4 * np.eye(2)
changes = [product_gradient(one) - product_gradient(-one) for one in nudges]
origin_hessian = np.array(changes) / 2e-4  # second derivatives at 0
origin_values = np.linalg.eigvalsh(origin_hessian)
expect("curvatures at 0", origin_values, equals=[-2.0, 2.0], tolerance=1e-6)

# %%
figure, (left, right) = plot.subplots(1, 2, figsize=(6.8, 2.8))
frequencies = np.linspace(0, 7, 281)
heights = [tone_loss(theta) for theta in frequencies]
left.plot(frequencies, heights, color="0.4")
for path, marker in zip(tone_paths, plot.MARKERS):
    left.plot(path[0], tone_loss(path[0]), marker, color="white", mec="black")
    left.plot(path[-1], tone_loss(path[-1]), marker, color=plot.COLORS[3])
left.set(xlabel="frequency θ (Hz)", ylabel="loss")

axis = np.linspace(-2, 2, 81)
w1, w2 = np.meshgrid(axis, axis)
ground = (w1 * w2 - 1) ** 2
levels = [0.02, 0.4, 1, 2, 5]
thin = {"colors": "0.6", "linewidths": 0.8}
right.contour(w1, w2, ground, levels, **thin)
for path, color, marker in zip(saddle_paths, plot.COLORS, plot.MARKERS):
    right.plot(path[:, 0], path[:, 1], "-", lw=2, color=color)
    right.plot(*path[0], marker, color="white", mec="black")
    right.plot(*path[-1], marker, color=color)
right.set(xlabel="w₁", ylabel="w₂", aspect="equal")
plot.show(figure)

# %% [markdown]
# *Figure. Left: from four starts (white) the descent ends in three different places (coloured); only two find 3 Hz. Right: three
# descents on the loss of two multiplied weights; the dot in the middle never moves.*
# <details><summary>In words</summary>Left, the loss over the frequency is a deep valley at 3 Hz between many shallow ones. The starts
# at 2.4 and 3.6 Hz end at 3, the one at 0.3 ends at 0, the one at 5.5 in a shallow valley at 5.2. Right, contour lines form a cross
# about the origin with valleys at the upper right and the lower left. One path bends round the origin into the upper right
# valley, one runs straight down into the lower left one, and a single dot stays at the origin.</details><br>
#
# Left are **local minima**: lowest points of their neighbourhood only. Where a descent ends depends on where it starts. On the
# right the origin is a **saddle point**: the gradient is zero there, but the Hessian has one positive and one negative
# eigenvalue, so the loss rises in some directions and falls in others. A walker who starts exactly there never moves; one who starts beside it gets
# past, unless she stands exactly on the line $w_2 = -w_1$, which leads into it. That is one reason why networks start from *random* weights. (How often a descent in a *large* network ends in a
# bad local minimum is an open question.)
#
# ## Mini-batches: a cheap and noisy gradient
#
# The gradient is a mean over all examples. A survey does not ask everyone, so why should we? **Stochastic gradient descent** (SGD)
# draws a **mini-batch** $B$ at random at every step:
#
# $$\theta_{t+1} = \theta_t - \eta\,\hat g_t, \qquad \hat g_t = \frac{1}{|B|}\sum_{i\in B}\nabla L_i(\theta_t)$$
#
# * $L_i$ is the loss of example $i$ alone, and $|B|$ the **batch size**,
# * on average over all draws $\hat g_t$ equals the full gradient; its variance is that of one example divided by $|B|$.
#
# At the lowest point the full gradient is zero, but that of a batch is not: each batch of patients pulls elsewhere. So SGD with a
# constant rate never comes to rest. It moves about the lowest point at random, and this costs a mean excess loss, the **noise
# floor**. For small $\eta$ it can be computed beforehand:
#
# $$\text{mean excess loss} \;\approx\; \frac{\eta}{4\,|B|}\,\mathrm{tr}\,C$$
#
# Here $C$ is the **covariance** of one example's gradient at $\theta^*$, the matrix of how its numbers vary together, and $\mathrm{tr}$ adds up
# its diagonal, the variances of the parameters' gradients. The floor is proportional to $\eta$, so a remedy suggests itself: a **learning-rate schedule**
# that makes the rate smaller and smaller, such as $\eta_t = \eta_0/(1+t/T)$. (Robbins and Monro proved in 1951 when
# this works: the rates must add
# up to infinity, to get anywhere, but their squares must not, to come to rest.) On the scaled patients:


# %%
def noisy_descent(batch_size, learning_rate=0.02, halved_after=np.inf):
    random = np.random.default_rng(0)
    theta = np.zeros(2)
    path = []
    for t in range(20_000):
        rows = random.integers(0, len(y), batch_size)
        miss = scaled[rows] @ theta - y[rows]
        slope = 2 / batch_size * scaled[rows].T @ miss  # (2,)
        theta = theta - learning_rate / (1 + t / halved_after) * slope
        path.append(theta)
    misses = np.array(path) @ scaled.T - y  # (20000, 266)
    return np.mean(misses**2, axis=1) - least  # the excess loss of each step


# %%
misses = scaled @ lowest_scaled - y
one_each = 2 * misses[:, np.newaxis] * scaled  # (266, 2), one patient's gradient each
trace = one_each.var(axis=0).sum()

noise = {}
floors = {}
for size in (1, 8, 64):
    noise[size] = noisy_descent(size)
    floors[size] = 0.02 / (4 * size) * trace
    ratio = noise[size][1000:].mean() / floors[size]
    expect(f"batches of {size}, floor over formula", ratio, at_least=0.85, at_most=1.25)

shrinking = noisy_descent(1, learning_rate=0.05, halved_after=100)
gain = noise[1][-5000:].mean() / shrinking[-5000:].mean()
expect("constant over shrinking rate, last 5,000 steps", gain, at_least=20)

# %%
figure, axes = plot.subplots(figsize=(6.4, 3.2))
window = np.ones(100) / 100  # the mean of 100 steps
for size, color, style in zip(noise, plot.COLORS, plot.LINES):
    smooth = np.convolve(noise[size][:4000], window, "valid")
    axes.semilogy(smooth, color=color, ls=style, label=f"batches of {size}")
    axes.axhline(floors[size], color=color, lw=0.8, ls=style)
smooth = np.convolve(shrinking[:4000], window, "valid")
axes.semilogy(smooth, color=plot.COLORS[3], ls=":", label="1, shrinking rate")
axes.set(xlabel="steps", ylabel="excess loss (score²), mean of 100", ylim=(0.1, 3000))
axes.legend(fontsize=9, ncols=2)
plot.show(figure)

# %% [markdown]
# *Figure. With a constant rate each run stays on its own noise floor, just where the formula (thin lines) puts it: eight times
# the batch, an eighth of the floor. The shrinking rate sinks through the floor of batches of 1.*
# <details><summary>In words</summary>Excess loss on a logarithmic axis over 4,000 steps. Three wavy curves drop together within
# 150 steps; then batches of 1 stay near 100, batches of 8 near 13, batches of 64 near 1.7, each around a thin horizontal line.
# The curve with the shrinking rate starts higher, meets that of batches of 1, then falls with large swings to between 1 and 10.</details><br>
#
# ### Exercise 5 · Change the experiment
#
# Run `noisy_descent` with batches of 8 and *half* the learning rate, 0.01. **What is the mean excess loss from step 1000 on,
# divided by that of `noise[8]`?** *Five minutes; expected: a number, measured, to one decimal.*

# %%
floor_ratio = ...
ch05.floor_ratio.check(floor_ratio)

# %% [markdown]
# ## A fair comparison on real digits
#
# Which optimizer is best? Many comparisons really compare *learning rates*: one optimizer was tuned, the other was not. So we
# scan. A network with one hidden layer of 32 neurons ([chapter 01](01_neural_networks.ipynb)) learns the digits: 200 steps with
# batches of 32, for three optimizers, nine rates and three random starts. `scratch.backward_pass` finds the gradient of both
# layers ([chapter 02](02_deep_learning.ipynb) writes it). Guess the winner.


# %%
digits = data.load("digits")
x_train, labels = digits.arrays("train")
x_train = x_train.reshape(-1, 64)
x_validation, truth = digits.arrays("validation")
x_validation = x_validation.reshape(-1, 64)


def random_layers(start):
    random = np.random.default_rng(start)
    first = random.normal(scale=np.sqrt(2 / 64), size=(64, 32))
    second = random.normal(scale=np.sqrt(2 / 32), size=(32, 10))
    return [(first, np.zeros(32)), (second, np.zeros(10))]  # the biases stay 0


# %%
def train_network(step, learning_rate, heavy, start):
    random = np.random.default_rng(start)
    layers = random_layers(start)
    memories = [np.zeros_like(w) if heavy else None for w, _ in layers]
    for _ in range(200):
        rows = random.integers(0, len(labels), 32)
        received, logits = scratch.forward_pass(layers, x_train[rows])
        slope = scratch.softmax_cross_entropy_gradient(labels[rows], logits)
        slopes = scratch.backward_pass(layers, received, slope)
        for place, (g, _) in enumerate(slopes):
            w, bias = layers[place]
            memory = memories[place]
            w, memories[place] = step(w, g, memory, learning_rate=learning_rate)
            layers[place] = (w, bias)
    _, logits = scratch.forward_pass(layers, x_validation)
    return scratch.softmax_cross_entropy(truth, logits)


# %%
grid = 10 ** np.arange(-3, 1.01, 0.5)  # two rates in each decade
rules = {"SGD": (sgd, False), "momentum 0.9": (ball, True)}
rules["Adam"] = (scratch.adam_step, False)
scan = {}
means = []
print("rate, validation loss of three starts (here:")
for name, (step, heavy) in rules.items():
    losses = np.zeros((9, 3))  # rates, starts
    for rate, start in np.ndindex(9, 3):
        with np.errstate(all="ignore"):  # a rate too large overflows
            losses[rate, start] = train_network(step, grid[rate], heavy, start)
    scan[name] = np.nan_to_num(losses, nan=np.inf)
    best_place = losses.mean(axis=1).argmin()
    means.append(losses[best_place].mean())
    print(f"{name:13} {grid[best_place]:5.3f} {losses[best_place].round(2)}")
print(")")

# %%
sgd_means = scan["SGD"].mean(axis=1)
momentum_means = scan["momentum 0.9"].mean(axis=1)
expect("best means, largest minus smallest", np.ptp(means), at_most=0.1)
at_one_rate = sgd_means[4] / momentum_means[4]
expect("SGD over momentum, both at rate 0.1", at_one_rate, at_least=1.3)
behind = sgd_means[6] - momentum_means[4]
expect("SGD at rate 1 minus momentum at 0.1", behind, at_most=0.12)

# %%
figure, axes = plot.subplots(figsize=(6.0, 2.8))
for (name, losses), marker in zip(scan.items(), plot.MARKERS):
    axes.semilogx(grid, losses.mean(axis=1), marker=marker, label=name)
axes.axhline(np.log(10), color="black", lw=0.8, ls="-")
axes.set(xlabel="learning rate", ylabel="validation loss (nats)", ylim=(0, 2.5))
axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize=9)
plot.show(figure)

# %% [markdown]
# *Figure. Mean of three starts. Every optimizer has its own best rate, and there three starts do not tell them apart. The thin line is
# log 10, the loss of a network that knows nothing.*
# <details><summary>In words</summary>Three U-shaped curves over the learning rate on a logarithmic axis. From left to right Adam is lowest
# at 0.01, momentum at 0.1, SGD between 0.3 and 1, each near 0.2 nats. At a rate of 10 all three lie on the thin line at
# 2.3.</details><br>
#
# The best means lie within a few hundredths of a nat, and so do the three starts of a single optimizer: with three starts the three
# are *not told apart*. At the *same* rate of 0.1, however, momentum is far ahead of SGD, and a comparison at that one rate
# would have called momentum the better optimizer. Its larger step explains most of that: $\eta/(1-\beta)$ is ten times $\eta$, and SGD with
# rate 1 comes close to momentum with 0.1. So search the *rate* first, on a logarithmic grid and on validation data. (These scores
# chose the rate, so they are "validation, best rate"; a final score would need the test set.)
#
# ### Two more arguments of every Keras optimizer
#
# A **schedule** in place of a number makes the rate smaller on the way: `CosineDecay(0.5, decay_steps=100)` leads along half a cosine
# from 0.5 to 0, so it gives 0.25 at step 50. **Gradient clipping** shortens a gradient that
# is too long, so that
# one bad batch cannot throw the walker out of the valley: $g\cdot\min(1, c/\lVert g\rVert)$, with $c$ the greatest length allowed.
# Here is a trap. `clipnorm` clips the gradient of *each variable by itself*; the formula, for the gradient as a whole, is
# `global_clipnorm`. We give both two variables with gradients of length 50 and 0.5:

# %%
long = np.array([30.0, 40.0])
short = np.array([0.3, 0.4])


def clipped_step(optimizer):
    variables = [keras.Variable([0.0, 0.0]), keras.Variable([0.0, 0.0])]
    gradients = [keras.ops.convert_to_tensor(g, "float32") for g in (long, short)]
    optimizer.apply(gradients, variables)
    return -np.concatenate(variables)


each = clipped_step(keras.optimizers.SGD(1.0, clipnorm=5.0))
whole = clipped_step(keras.optimizers.SGD(1.0, global_clipnorm=5.0))
print("clipnorm       ", each.round(2))
print("global_clipnorm", whole.round(2))
both = np.concatenate([long, short])
formula = both * min(1, 5 / np.linalg.norm(both))
expect("global_clipnorm and the formula", whole, equals=formula, tolerance=1e-5)
expect("second variable under clipnorm", each[2:], equals=short, tolerance=1e-5)
# %%
schedule = keras.optimizers.schedules.CosineDecay(0.5, decay_steps=100)
expect("rate at step 50 of 100", float(schedule(50)), equals=0.25, tolerance=1e-6)

# %% [markdown]
# With `clipnorm` the long gradient is cut to a tenth and the short one is left alone, so the *direction* of the whole step changes.
# With `global_clipnorm` both are cut to a tenth, and the direction stays. (A fourth optimizer, **AdamW**, is Adam that also shrinks every weight a
# little at each step; [chapter 06](06_regularization.ipynb) shows why.)
#
# ### Exercise 6 · Build an optimizer
#
# An optimizer of your own is a class with one method. This is plain gradient descent:
#
# ```python
# class PlainDescent(keras.optimizers.Optimizer):
#     def update_step(self, gradient, variable, learning_rate):
#         self.assign_sub(variable, learning_rate * gradient)
#
# optimizer = PlainDescent(learning_rate=0.1)
# ```
#
# **Sign descent** goes by the sign of each number in the gradient alone: every parameter moves by exactly the learning rate, as
# in Adam's first step, or not at all if its gradient is 0. Write `sign_descent(learning_rate)`, which returns such an optimizer. *Medium, ten minutes; expected: an
# object that `model.compile(optimizer=…)` would take.*


# %%
def sign_descent(learning_rate):
    ...


ch05.sign_descent.check(sign_descent)

# %% [markdown]
# ## Summary
#
# * Gradient descent steps against the gradient. On a parabola with curvature $\lambda$ every step multiplies the error by
#   $1-\eta\lambda$; on a quadratic in many dimensions this holds along each eigenvector of the Hessian.
# * It converges for $\eta < 2/\lambda_{\max}$, fastest at $2/(\lambda_{\min}+\lambda_{\max})$, and slowly if the condition number is
#   large. Scaling the inputs makes the condition number small.
# * Momentum adds up what persists and damps what alternates; Adam divides by the size of each parameter's gradients, so that its steps
#   are about as long as the learning rate or shorter.
# * Not every loss is convex: two multiplied weights have a saddle point, fitting a tone has local minima, and where a descent ends
#   depends on its start.
# * Mini-batches are cheap and noisy; with a constant rate they end on a noise floor proportional to $\eta/|B|$, and a schedule
#   goes below it.
# * Compare optimizers only at their own best rates, found on validation data.
#
# **Ask yourself**
#
# <details><summary>The loss rises from the first step on and soon is "nan". What do you do first?</summary>Divide the learning rate
# by ten. The step is perhaps beyond 2/λmax in some direction. Then look at the scale of the inputs, which may be why λmax is so
# large.</details>
# <details><summary>You multiply the loss by 100. Which optimizers need another rate?</summary>Gradients grow by 100, so SGD and momentum
# need a rate a hundred times smaller. Adam divides by the gradients' size and hardly notices.</details>
# <details><summary>The training loss falls, then stays level and fluctuates. Is that the minimum?</summary>Perhaps only
# the noise floor.
# Divide the rate by ten: if the loss drops at once, it was the floor.</details><br>
#
# **Next** [06 · Regularization](06_regularization.ipynb): the lowest training loss is not always what we want.
#
# **References**
#
# * H. Robbins, S. Monro (1951), A stochastic approximation method. [doi](https://doi.org/10.1214/aoms/1177729586)
# * B. T. Polyak (1964), Some methods of speeding up the convergence of iteration methods.
#   [doi](https://doi.org/10.1016/0041-5553(64)90137-5)
# * D. P. Kingma, J. Ba (2015), Adam: a method for stochastic optimization. [arXiv](https://arxiv.org/abs/1412.6980)
# * G. Goh (2017), Why momentum really works. [Distill](https://doi.org/10.23915/distill.00006)
# * L. Bottou, F. E. Curtis, J. Nocedal (2018), Optimization methods for large-scale machine learning.
#   [doi](https://doi.org/10.1137/16M1080173)
