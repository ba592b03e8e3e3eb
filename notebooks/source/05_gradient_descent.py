# %% [markdown]
# # 05 · Gradient descent
#
# **After this you can** write gradient descent, SGD, momentum and Adam from memory, say from the curvature of a loss which learning rates converge, find out why a descent is slow, read the noise of mini-batches, and choose an optimizer with a fair comparison
#
# **Time** 50 min to read, 90 min to teach, 25 s to run
#
# **Before** [04 · Loss functions](04_loss_functions.ipynb)
#
# **Data** diabetes (442 patients, no licence stated), digits (1,797 handwritten digits, CC BY 4.0)

# %%
from bmkit import data, models, plot, scratch, train
from bmkit.check import expect
from bmkit.exercises import ch05
import keras
import numpy as np
train.seed(0)

# %% [markdown]
# ## A real valley
#
# [Chapter 04](04_loss_functions.ipynb) turned "how wrong" into one number. Now we make that number small. Picture a walker in
# thick fog: she cannot see the valley, but she feels the slope under her feet. So she takes a step downhill, feels again, and
# takes the next. Nearly all models of this course are trained in just this way.
#
# To watch the walker we need a landscape with only two parameters. For 442 patients we know the body mass index (BMI), a
# blood value (the logarithm of the triglycerides), and how far their diabetes had advanced a year later. The model is a
# straight one, $\hat y = x\,\theta$, with one weight for the blood value and one for the BMI. (All columns are
# centred, so it needs no bias.) Its loss is the mean squared error, and we draw it over all pairs of weights.


# %%
x, y = (part.astype(float) for part in data.load("diabetes").arrays("train"))
x, y = x[:, [8, 2]] - x[:, [8, 2]].mean(axis=0), y - y.mean()  # (266, 2) blood value and BMI, (266,)
lowest = np.linalg.lstsq(x, y, rcond=None)[0]  # (2,) the weights with the least loss
across, up = np.meshgrid(np.linspace(-4, 78, 165), np.linspace(-6, 22, 85))
ground = ((x @ [across.ravel(), up.ravel()] - y[:, np.newaxis]) ** 2).mean(axis=0).reshape(across.shape)


def valley(axes, xlabel="weight of the blood value (score per unit of the logarithm)"):
    levels = [3200, 3300, 3600, 4200, 5200, 6600, 9000, 13000]
    axes.contour(across, up, ground, levels, colors="0.6", linewidths=0.8, linestyles="-")
    axes.plot([0, lowest[0]], [0, lowest[1]], "*", color="black", ms=10, ls="", markevery=[1])
    limits = {"xlim": (-4, 78), "ylim": (-6, 22)}
    axes.set(aspect="equal", xlabel=xlabel, ylabel="weight of the BMI\n(score per kg/m²)", **limits)


# %%
figure, axes = plot.subplots(figsize=(7.4, 3.0))
valley(axes)
axes.plot(0, 0, "o", color=plot.COLORS[3])
axes.annotate("start: both weights 0", (0, 0), (2, -4), fontsize=9)
axes.annotate("lowest point", lowest, lowest + np.array([-5, 3.5]), fontsize=9)
plot.show(figure)
print("lowest point:", lowest.round(1))

# %% [markdown]
# *Figure. The loss of a real regression is a long, narrow valley: steep across, almost level along.*
# <details><summary>In words</summary>Contour lines of the loss over the two weights: stretched, nearly horizontal ellipses about
# ten times as long as wide. The start at (0, 0) lies left, the lowest point, a star, at about (53, 8).</details><br>
#
# ### The formula: gradient descent
#
# The **gradient** collects the slopes in all directions. Among all steps of the same small length, the one along the gradient
# climbs most, so the one against it falls most. Step against it, and repeat:
#
# $$\theta_{t+1} = \theta_t - \eta\, g_t, \qquad g_t = \nabla L(\theta_t) = \frac{2}{n} \sum_{i=1}^{n} (x_i\,\theta_t - y_i)\, x_i$$
#
# * $\theta_t$ holds the parameters after $t$ steps, shape (parameters,); here there are two,
# * $g_t$ is the gradient of the loss $L$ at $\theta_t$, of the same shape; the formula on the right is that of the MSE,
# * $x_i$ is the row of inputs of example $i$, $y_i$ its target, $n$ the number of examples,
# * $\eta$ ("eta") is the **learning rate**: how far we trust the slope.


# %%
def gradient(theta):
    return 2 * (x @ theta - y) @ x / len(x)  # (266,) @ (266, 2) → (2,)


def descend(learning_rate, steps):
    path = [np.zeros(2)]
    for _ in range(steps):
        path.append(path[-1] - learning_rate * gradient(path[-1]))
    return np.array(path)  # (steps + 1, 2)


def loss_at(theta):
    return scratch.mean_squared_error(y, x @ theta)


origin, first = descend(0.01, 1)
measured = scratch.numerical_gradient(loss_at, origin, step=1e-4)
expect("gradient by finite differences", measured, equals=gradient(origin), tolerance=1e-4)
expect("bmkit.scratch", scratch.sgd_step(origin, gradient(origin), 0.01), equals=first, tolerance=1e-12)

# %% [markdown]
# ### Too small, right, too large
#
# Three walkers start at the same place with different learning rates: 0.003, 0.04 and 0.046. Guess before you run: what will
# the paths look like? Note that the last two rates are close together.

# %%
figure, column = plot.subplots(3, 1, figsize=(7.0, 6.8), sharex=True)
paths = {rate: descend(rate, 60) for rate in (0.003, 0.04, 0.046)}
names = ("too small", "about right", "too large")
for axes, (rate, path), name, color in zip(column, paths.items(), names, plot.COLORS):
    valley(axes, xlabel="weight of the blood value" if axes is column[-1] else " ")
    axes.plot(*path.T, "-o", ms=3, lw=1, color=color)
    axes.set_title(f"learning rate {rate}: {name}", fontsize=10)
plot.show(figure)
start, least = loss_at(np.zeros(2)), loss_at(lowest)
left = {rate: (loss_at(path[-1]) - least) / (start - least) for rate, path in paths.items()}
expect("excess loss left after 60 steps, rate 0.003", left[0.003], at_least=0.1, at_most=0.2)
expect("the same, rate 0.04", left[0.04], at_least=0.02, at_most=0.04)
expect("the same, rate 0.046", left[0.046], at_least=1.5)

# %% [markdown]
# *Figure. Sixty steps each. The small rate reaches the floor of the valley and hardly moves along it; the middle one jumps
# across the valley but gets on; the large one jumps ever higher up the walls.*
# <details><summary>In words</summary>Three copies of the contour map. Top: a short smooth path up to the axis of the valley, then
# tiny steps to the right. Middle: a zigzag across the valley that narrows while it moves right. Bottom: a zigzag that widens
# at each step until it leaves the picture.</details><br>
#
# Between "about right" and "diverging" lies a hair's breadth. And even the best walker is slow, because the step that suits the
# steep walls is much too short for the level floor. Try it yourself: run the next cell and move its slider.


# %%
def draw(learning_rate):
    figure, axes = plot.subplots(figsize=(7.2, 3.0))
    valley(axes)
    path = descend(learning_rate, 40)
    axes.plot(*path.T, "-o", ms=4, lw=1, color=plot.COLORS[0])
    loss = f"loss {loss_at(path[-1]):,.0f}, lowest {loss_at(lowest):,.0f}"
    axes.set_title(f"learning rate {learning_rate}, 40 steps: {loss}", fontsize=10)
    return figure


rates = [0.001, 0.003, 0.01, 0.02, 0.03, 0.04, 0.044, 0.045, 0.0455, 0.046, 0.047]
plot.explore(draw, start={"learning_rate": 0.03}, learning_rate=rates)

# %% [markdown]
# *Figure. One descent, and its learning rate under your thumb. Try to find the rate with the lowest loss after 40 steps: it
# lies close to the edge. Then go over the edge.*
# <details><summary>In words</summary>The contour map with a path of 40 steps at learning rate 0.03: a few zigzags onto the axis
# of the valley, then ever shorter steps to the right that end before halfway to the star. The title gives the loss.</details><br>
#
# ## Why: one number for each direction
#
# The valley has two **axes**, the directions of the ellipses. Along each of them the loss is a simple parabola, and the descent
# can be understood exactly. Let $e_t = \theta_t - \theta^*$ be the error, the way from the lowest point $\theta^*$. The MSE of a
# straight model is a quadratic function, so its gradient is proportional to the error, and one step gives
#
# $$g_t = H e_t, \qquad e_{t+1} = e_t - \eta H e_t = (I - \eta H)\, e_t, \qquad H = \frac{2}{n}\,X^\top X$$
#
# * $H$ is the **Hessian**, the matrix of second derivatives, shape (parameters, parameters); $I$ is the identity,
# * $X$ has the inputs as rows, shape (n, parameters).
#
# Write the error in the eigenvectors $q_k$ of $H$ (the axes of the ellipses), with $H q_k = \lambda_k q_k$. Then the matrix is
# gone. Each coordinate goes its own way, multiplied by the same number at each step:
#
# $$q_k^\top e_{t} = (1-\eta\lambda_k)^t \; q_k^\top e_0, \qquad\text{so}\qquad \lVert e_{t+1}\rVert \le \max_k |1-\eta\lambda_k| \cdot \lVert e_t\rVert$$
#
# The eigenvalue $\lambda_k$ is the curvature along axis $k$. We check the equation against the real path, step by step:

# %%
hessian = 2 * x.T @ x / len(x)  # (2, 2)
eigenvalues, directions = np.linalg.eigh(hessian)  # (2,), (2, 2): one direction a column
print("curvature along the valley and across:", eigenvalues.round(2))
rate, steps = 0.04, np.arange(61)[:, np.newaxis]
errors = (paths[rate] - lowest) @ directions  # (61, 2), in the coordinates of the valley
predicted = (1 - rate * eigenvalues) ** steps * errors[0]
expect("60 steps and the formula", errors, equals=predicted, tolerance=1e-9)
lengths = np.linalg.norm(errors, axis=1)
slowest = max(lengths[1:] / lengths[:-1]) / scratch.contraction_factor(eigenvalues, rate)
expect("slowest step over the bound", slowest, at_least=0.99, at_most=1 + 1e-9)
condition = eigenvalues[1] / eigenvalues[0]
expect("curvature across over curvature along", condition, at_least=111, at_most=112)

# %% [markdown]
# ### Exercise 1 · What is left
#
# Write `error_left(error, eigenvalue, learning_rate, steps)`: the error along one axis after `steps` steps. *Easy, three
# minutes; expected: a number, or an array where the arguments are arrays.*


# %%
def error_left(error, eigenvalue, learning_rate, steps):
    ...


ch05.error_left.check(error_left)

# %% [markdown]
# ### The best rate, and the last one that works
#
# The slowest direction decides. So draw $|1-\eta\lambda|$ for both axes over the learning rate and look at the larger of the
# two. It tells at which rate the descent is fastest, and from which rate on it diverges.

# %%
rates = np.linspace(0.0, 0.05, 501)
figure, axes = plot.subplots(figsize=(8.4, 3.2))
for value, name in zip(eigenvalues, ("along the valley", "across it")):
    axes.plot(rates, abs(1 - rates * value), label=f"|1 − ηλ| {name}, λ = {value:.2f}")
worst = [scratch.contraction_factor(eigenvalues, rate) for rate in rates]
axes.plot(rates, worst, color=plot.COLORS[2], ls="-", lw=4, alpha=0.25, label="the larger one decides")
best, limit = scratch.best_learning_rate(eigenvalues), 2 / eigenvalues[1]
axes.plot(best, min(worst), "o", color=plot.COLORS[3])
axes.axvline(limit, color=plot.COLORS[3], ls=":", label="2 / λmax")
axes.set(xlabel="learning rate η", ylabel="factor of the error per step", ylim=(0, 1.25))
axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize=9)
plot.show(figure)
expect("best rate on the grid to the formula", abs(rates[np.argmin(worst)] - best), at_most=1e-4)

# %% [markdown]
# *Figure. Up to the dot the level direction rules and every increase helps; beyond it the steep direction takes over, and
# soon after nothing converges.*
# <details><summary>In words</summary>Two curves over the learning rate. The one for "along" falls very slowly from 1. The one for
# "across" falls fast to 0 at about 0.023 and rises again. The larger of them falls slowly, has a sharp corner close below
# 0.046, and crosses 1 at the dotted line just behind.</details><br>
#
# The error shrinks in every direction if $|1-\eta\lambda_k|<1$ for all $k$, so if $0<\eta<2/\lambda_{\max}$. The best rate is where
# both ends are equally bad, $1-\eta\lambda_{\min} = \eta\lambda_{\max}-1$:
#
# $$\eta^* = \frac{2}{\lambda_{\min}+\lambda_{\max}}, \qquad \max_k|1-\eta^*\lambda_k| = \frac{\lambda_{\max}-\lambda_{\min}}{\lambda_{\max}+\lambda_{\min}} = \frac{\kappa-1}{\kappa+1}, \qquad \kappa = \frac{\lambda_{\max}}{\lambda_{\min}}$$
#
# $\kappa$ ("kappa") is the **condition number**. Here it is about 111, so even the best rate leaves 98 % of the error at every
# step. Does the walker obey? We look for the edge without any theory, by **bisection**: run, see whether the loss grew, and
# halve the interval.

# %%
converging, diverging = 0.0, 1.0
for _ in range(25):
    middle = (converging + diverging) / 2
    with np.errstate(over="ignore", invalid="ignore"):
        grew = not loss_at(descend(middle, 3000)[-1]) <= start  # also true for "not a number"
    converging, diverging = (converging, middle) if grew else (middle, diverging)
expect("edge found by running, over 2 / λmax", diverging / limit, at_least=0.99, at_most=1.01)
four = (0.02, 0.03, best, 0.0455)
far = [np.linalg.norm(descend(rate, 1000)[[900, 1000]] - lowest, axis=1) for rate in four]
measured = [(late / early) ** (1 / 100) for early, late in far]  # factor of one step, over 100 steps
bound = [scratch.contraction_factor(eigenvalues, rate) for rate in four]
expect("late in four descents, the factor of a step", measured, equals=bound, tolerance=1e-4)
expect("bound at the best rate", bound[2], equals=(condition - 1) / (condition + 1), tolerance=1e-12)
expect("bound at the best rate", bound[2], at_least=0.98, at_most=0.985)

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
# Look at the zigzag again. Across the valley the gradient changes its sign at every step; along the valley it always says
# "right". A walker who *averaged* her last slopes would cancel the one and collect the other. That is **momentum**: a heavy
# ball instead of a walker.
#
# $$v_{t+1} = \beta\, v_t - \eta\, g_t, \qquad \theta_{t+1} = \theta_t + v_{t+1}$$
#
# * $v_t$ is the **velocity**, the last step taken; same shape as $\theta$, and $v_0 = 0$,
# * $\beta$ ("beta", usually 0.9) is the share of the velocity that survives a step; the rest is friction.
#
# Where the gradient stays the same, the velocities add up to $\eta\,(1+\beta+\beta^2+\dots) = \eta/(1-\beta)$: with
# $\beta = 0.9$ ten times the step. Where it alternates, they almost cancel.
#
# ## A rate for each parameter: Adam
#
# The second idea is to give each parameter its own rate. **Adam** divides by the typical size of the parameter's gradients, so
# that steep directions get small rates and level ones large ones. It keeps two running means:
#
# $$m_{t} = \beta_1 m_{t-1} + (1-\beta_1)\, g_t, \qquad s_{t} = \beta_2 s_{t-1} + (1-\beta_2)\, g_t^2$$
# $$\hat m_t = \frac{m_t}{1-\beta_1^{\,t}}, \qquad \hat s_t = \frac{s_t}{1-\beta_2^{\,t}}, \qquad \theta_{t} = \theta_{t-1} - \eta\,\frac{\hat m_t}{\sqrt{\hat s_t}+\varepsilon}$$
#
# * $m_t$ is the mean gradient and $s_t$ the mean of its *square* (each number squared by itself), both shaped as $\theta$,
# * $\beta_1 = 0.9$ and $\beta_2 = 0.999$ say how long they remember; $t$ counts the steps from 1,
# * the hats correct the start: $m_0 = s_0 = 0$ would make the first means too small,
# * $\varepsilon = 10^{-7}$ avoids a division by zero.
#
# The quotient has no unit: about ±1 where the gradient is steady, near 0 where it wavers. So **Adam's learning rate is the
# length of a step, in the unit of the parameter**. Plain descent's rate is not: its step also grows with the slope.
#
# Three implementations must agree at *every* step: the cell below, `bmkit.scratch`, and `keras.optimizers`. All get the same
# forty random gradients. (Keras keeps its rates in 32-bit numbers, so agreement to six decimals is what one can ask for.)


# %%
def momentum_step(theta, g, v, learning_rate, beta=0.9):
    v = beta * v - learning_rate * g
    return theta + v, v


def adam_step(theta, g, m, s, t, learning_rate, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    m = beta_1 * m + (1 - beta_1) * g
    s = beta_2 * s + (1 - beta_2) * g**2  # each number squared by itself
    m_hat, s_hat = m / (1 - beta_1**t), s / (1 - beta_2**t)
    return theta - learning_rate * m_hat / (np.sqrt(s_hat) + epsilon), m, s


# %%
rules = {"SGD": keras.optimizers.SGD(0.01), "Adam": keras.optimizers.Adam(0.01)}
rules["momentum"] = keras.optimizers.SGD(0.01, momentum=0.9)
theirs = {name: keras.Variable(np.ones(5), dtype="float64") for name in rules}
a, b, c, v, m, s = np.ones(5), np.ones(5), np.ones(5), np.zeros(5), np.zeros(5), np.zeros(5)
gap, own_gap = 0, 0
for t, g in enumerate(np.random.default_rng(0).normal(size=(40, 5)), start=1):
    reference = scratch.momentum_step(b, g, v, learning_rate=0.01)[0]
    reference = np.append(reference, scratch.adam_step(c, g, (m, s, t - 1), learning_rate=0.01)[0])
    a, (b, v), (c, m, s) = a - 0.01 * g, momentum_step(b, g, v, 0.01), adam_step(c, g, m, s, t, 0.01)
    own_gap = max(own_gap, np.abs(reference - np.append(b, c)).max())
    for name, ours in (("SGD", a), ("momentum", b), ("Adam", c)):
        rules[name].apply([keras.ops.convert_to_tensor(g)], [theirs[name]])
        gap = max(gap, np.abs(ours - keras.ops.convert_to_numpy(theirs[name])).max())
expect("largest difference to Keras in 40 steps of three optimizers", gap, at_most=1e-6)
expect("largest difference to bmkit.scratch", own_gap, at_most=1e-6)

# %% [markdown]
# ### Exercise 3 · Predict, then run
#
# Two parameters have the gradients 1000 and 0.001, and Adam takes its very first step, with learning rate 0.1. **How far does each
# parameter move?** *Two minutes; expected: two lengths, such as `(1, 2)`.*

# %%
adam_first = ...
ch05.adam_first.check(adam_first)

# %% [markdown]
# ### Exercise 4 · The heavy ball
#
# Without looking up: write `momentum(weights, gradient, velocity, learning_rate, momentum)` that returns the new weights *and* the
# new velocity. *Medium, five minutes; expected: a pair of arrays.*


# %%
def momentum(weights, gradient, velocity, learning_rate, momentum):
    ...


ch05.momentum.check(momentum)

# %% [markdown]
# ## The race in the valley
#
# Back to the patients. Gradient descent runs at its best rate, known from the eigenvalues. Momentum gets 0.02. Adam gets 3, in
# score per unit, because the weights must travel some fifty units. What we count are the steps until at most a thousandth of
# the first *excess* loss (loss minus lowest loss) is left, for good.


# %%
def plain(theta, g, memory, learning_rate):
    return scratch.sgd_step(theta, g, learning_rate), memory


def race(step, learning_rate, memory=None):
    path = [np.zeros(2)]
    for _ in range(300):
        theta, memory = step(path[-1], gradient(path[-1]), memory, learning_rate=learning_rate)
        path.append(theta)
    return np.array(path)  # (301, 2)


runs = {"gradient descent": race(plain, best), "Adam": race(scratch.adam_step, 3.0)}
runs["momentum"] = race(scratch.momentum_step, 0.02, np.zeros(2))
excess = {name: np.array([loss_at(w) for w in path]) - loss_at(lowest) for name, path in runs.items()}
needed = {name: int(1 + np.flatnonzero(e > 0.001 * e[0]).max()) for name, e in excess.items()}
print("steps needed:", needed)

# %%
figure, (top, below) = plot.subplots(2, 1, figsize=(7.0, 5.6), height_ratios=(3, 4))
valley(top)
for (name, path), color, marker in zip(runs.items(), plot.COLORS, plot.MARKERS):
    top.plot(*path.T[:, :60], "-", marker=marker, ms=3, lw=1, color=color)
    share = excess[name] / excess[name][0]
    below.semilogy(share, marker=marker, markevery=30, color=color, label=name)
below.axhline(0.001, color="black", lw=0.8, ls="-")
below.set(xlabel="steps", ylabel="share of excess loss left", ylim=(1e-6, 2))
below.legend()
plot.show(figure)
for name in ("momentum", "Adam"):
    ratio = needed["gradient descent"] / needed[name]
    expect(f"steps of gradient descent over {name}", ratio, at_least=2.5)

# %% [markdown]
# *Figure. Plain descent at its best rate is still zigzagging after sixty steps. Momentum swings from wall to wall but gets on,
# and Adam sets out slantwise and arrives in two long waves.*
# <details><summary>In words</summary>Top, three paths on the contour map: gradient descent zigzags densely; momentum makes a few
# wide swings and circles the star; Adam follows a smooth wave that rises diagonally, sinks and rises again. Below, the share of excess loss on a logarithmic
# axis over 300 steps: gradient descent falls in a straight, gentle line; the other two wave and fall about three times as
# fast.</details><br>
#
# Both needed about a third of the steps. But notice what we did *not* ask: why is this valley so narrow? Because a unit of BMI and
# a unit of a logarithm are different things: the BMI varies by about 5, the blood value by about 0.5, and the curvature
# $\frac2n\sum_i x_i^2$ goes with the square. Divide each column by its own standard deviation and look again:

# %%
scaled = x / x.std(axis=0)
round_valley = np.linalg.eigvalsh(2 * scaled.T @ scaled / len(x))
expect("condition number after scaling", round_valley[1] / round_valley[0], at_most=3)
rate = scratch.best_learning_rate(round_valley)
w, lowest_scaled = np.zeros(2), lowest * x.std(axis=0)
for step in range(1, 20):
    w = scratch.sgd_step(w, 2 * (scaled @ w - y) @ scaled / len(x), rate)
    left = scratch.mean_squared_error(y, scaled @ w) - loss_at(lowest)
    if left <= 0.001 * excess["Adam"][0]:
        break
same = scratch.mean_squared_error(y, scaled @ lowest_scaled)
expect("lowest loss on scaled over unscaled columns", same / loss_at(lowest), equals=1, tolerance=1e-9)
print("plain gradient descent now needs", step, "steps")

# %% [markdown]
# Plain descent on scaled inputs beats all three on unscaled ones. **Scale your inputs first**; that is why
# step 1 of the six steps is preprocessing. Inside a deep network, however, nobody scales the inputs of layer 7 for you, and there
# momentum and Adam earn their place.
#
# ## Mini-batches: a cheap and noisy slope
#
# The gradient is a mean over all examples. A survey does not ask everyone, so why should we? **Stochastic gradient descent** (SGD)
# draws a batch $B$ at random at every step:
#
# $$\theta_{t+1} = \theta_t - \eta\,\hat g_t, \qquad \hat g_t = \frac{1}{|B|}\sum_{i\in B}\nabla L_i(\theta_t)$$
#
# * $L_i$ is the loss of example $i$ alone, and $|B|$ the **batch size**,
# * on average over all draws $\hat g_t$ equals the full gradient; its variance is that of one example divided by $|B|$.
#
# ### The noise floor, and a rate that shrinks
#
# At the lowest point the full gradient is zero, but that of a batch is not: other patients pull elsewhere. So SGD with a
# constant rate never comes to rest. It trembles about the lowest point, and the tremor costs an excess loss that can be
# computed beforehand. Let $C$ be the covariance of one example's gradient at $\theta^*$. When the shrinking of the error and the
# fresh noise balance, then for small $\eta$
#
# $$\text{mean excess loss} \;\approx\; \frac{\eta}{4\,|B|}\,\mathrm{tr}\,C$$
#
# where $\mathrm{tr}$ adds up the diagonal, the variances of the parameters' gradients. The floor is proportional to $\eta$, so a
# remedy suggests itself: let the rate **shrink** on the way. Robbins and Monro proved in 1951 when this works. The rates must
# add up to infinity (to get anywhere), but their squares must not (to come to rest). $\eta_t = \eta_0/(1+t/T)$ is such a
# *schedule*, with $T$ the steps after which the rate has halved. On the scaled patients:


# %%
def sgd(batch_size, learning_rate=0.02, halved_after=np.inf):
    random, w, excess = np.random.default_rng(0), np.zeros(2), []
    for t in range(4000):
        rows = random.integers(0, len(y), batch_size)
        slope = 2 * (scaled[rows] @ w - y[rows]) @ scaled[rows] / batch_size  # (2,)
        w = scratch.sgd_step(w, slope, learning_rate / (1 + t / halved_after))
        excess.append(scratch.mean_squared_error(y, scaled @ w) - loss_at(lowest))
    return np.array(excess)


single = 2 * (scaled @ lowest_scaled - y)[:, np.newaxis] * scaled  # (266, 2), one patient each
floors = {size: 0.02 / (4 * size) * single.var(axis=0).sum() for size in (1, 8, 64)}
tremor = {size: sgd(size) for size in floors}
shrinking = sgd(1, 0.05, halved_after=100)

# %%
figure, axes = plot.subplots(figsize=(6.8, 3.6))
curves = {f"batches of {size}": losses for size, losses in tremor.items()}
curves["1, shrinking rate"] = shrinking
for (name, losses), color, style in zip(curves.items(), plot.COLORS, plot.LINES):
    axes.semilogy(np.convolve(losses, np.ones(100) / 100, "valid"), color=color, ls=style, label=name)
for floor, color, style in zip(floors.values(), plot.COLORS, plot.LINES):
    axes.axhline(floor, color=color, lw=0.8, ls=style)
axes.set(xlabel="steps", ylabel="excess loss (score²), mean of 100 steps", ylim=(0.7, 3000))
axes.legend(fontsize=9, ncols=2)
plot.show(figure)
for size, floor in floors.items():
    ratio = tremor[size][1000:].mean() / floor
    expect(f"batches of {size}: floor measured over computed", ratio, at_least=0.75, at_most=1.3)
gain = tremor[1][-500:].mean() / shrinking[-500:].mean()
expect("constant over shrinking rate, last 500 steps", gain, at_least=8)

# %% [markdown]
# *Figure. With a constant rate each run trembles on its own floor, just where the formula (thin lines) puts it: eight times the
# batch, an eighth of the floor. The shrinking rate sinks through its floor.*
# <details><summary>In words</summary>Excess loss on a logarithmic axis over 4,000 steps. Three wavy curves drop together within
# 150 steps; then batches of 1 stay near 100, batches of 8 near 13, batches of 64 near 1.7, each about a thin horizontal line.
# The curve with the shrinking rate starts like batches of 1 and falls on and on, to below 10.</details><br>
#
# The steep beginning explains why small batches pay: far from the goal their noise hardly matters, and a step costs little. For
# the end there is the schedule, or a larger batch.
#
# ## A fair comparison
#
# Which optimizer is best? Many comparisons really compare *learning rates*: one optimizer was tuned, the other was not.
# So we scan. A linear classifier of the real digits ([chapter 04](04_loss_functions.ipynb), loss and gradient too)
# takes 200 steps from zero with batches of 32, for every optimizer and thirteen rates. Guess the winner.


# %%
digits = data.load("digits")
x_train, labels = digits.arrays("train")
x_seen, truth = digits.arrays("validation")
x_train, x_seen = x_train.reshape(-1, 64).astype(float), x_seen.reshape(-1, 64).astype(float)


def classify(step, learning_rate, memory):
    random, w = np.random.default_rng(0), np.zeros((64, 10))
    for _ in range(200):
        rows = random.integers(0, len(labels), 32)
        slope = scratch.softmax_cross_entropy_gradient(labels[rows], x_train[rows] @ w)  # (32, 10)
        w, memory = step(w, x_train[rows].T @ slope, memory, learning_rate=learning_rate)
    return scratch.softmax_cross_entropy(truth, x_seen @ w)


# %%
rates, zero = 10.0 ** np.arange(-4, 2.1, 0.5), np.zeros((64, 10))
rules = {"SGD": (plain, None), "momentum 0.9": (scratch.momentum_step, zero)}
rules["Adam"] = (scratch.adam_step, None)
scan = {name: [classify(step, rate, first) for rate in rates] for name, (step, first) in rules.items()}
figure, axes = plot.subplots(figsize=(6.8, 3.4))
for (name, losses), marker in zip(scan.items(), plot.MARKERS):
    axes.loglog(rates, losses, marker=marker, label=f"{name}, best at {rates[np.argmin(losses)]:.2g}")
axes.set(xlabel="learning rate", ylabel="validation loss (nats)", ylim=(0.1, 300))
axes.legend()
plot.show(figure)
expect("worst of the best losses, nats", max(min(losses) for losses in scan.values()), at_most=0.25)
ratio = scan["SGD"][8] / scan["momentum 0.9"][6]
expect("loss of SGD at rate 1 over momentum at rate 0.1", ratio, at_least=0.9, at_most=1.1)

# %% [markdown]
# *Figure. Every optimizer has its own best rate, and at its own best rate each reaches about the same loss. With a rate too
# large each is worse than knowing nothing (2.3 nats).*
# <details><summary>In words</summary>Three U-shaped curves on logarithmic axes. Left they start near log 10, fall to about 0.2, and
# right they rise to between 4 and 200 nats. The curve of Adam has its valley between 0.03 and 0.1, momentum near 0.3, SGD near
# 3.</details><br>
#
# Nobody wins! On this problem momentum 0.9 is little more than a learning rate ten times as large
# ($\eta/(1-\beta)$ again). The choice of the *rate* matters by orders of magnitude, so search it on a logarithmic grid,
# on validation data. Does that carry over to a network with a hidden layer? From the same start we train plain SGD with rate 0.1 and with
# ten times that, momentum with 0.1, and Adam with 0.01:

# %%
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
contenders = {
    "SGD, rate 0.1": keras.optimizers.SGD(0.1),
    "SGD, rate 1": keras.optimizers.SGD(1.0),
    "momentum 0.9, rate 0.1": keras.optimizers.SGD(0.1, momentum=0.9),
    "Adam, rate 0.01": keras.optimizers.Adam(0.01),
}
network = models.mlp((8, 8, 1), 10, hidden_units=(32,))
same_start, runs = network.get_weights(), {}
for name, optimizer in contenders.items():
    network = models.mlp((8, 8, 1), 10, hidden_units=(32,))
    network.set_weights(same_start)
    network.compile(optimizer, loss, metrics=["accuracy"])
    runs[name] = train.fit(network, digits.train, digits.validation, epochs=10)

# %%
baseline = np.mean(scratch.nearest_average(x_train, labels, x_seen) == truth)  # chapter 00's
figure, axes = plot.subplots(figsize=(6.8, 3.4))
for (name, run), marker in zip(runs.items(), plot.MARKERS):
    axes.plot(range(1, 11), run["val_loss"], marker=marker, label=name)
axes.set(xlabel="epoch (34 steps)", ylabel="validation loss (nats)", xticks=range(1, 11), ylim=(0, 2.2))
axes.legend(fontsize=9)
plot.show(figure)
needed = [34 * (1 + np.argmax(np.array(run["val_loss"]) <= 0.6)) for run in runs.values()]
highest = [max(run["val_accuracy"]) for run in runs.values()]
for k, name in ((2, "momentum"), (3, "Adam")):
    expect(f"steps to a loss of 0.6: SGD at 0.1 over {name}", needed[0] / needed[k], at_least=1.5)
    expect(f"accuracy of {name}, lead over the nearest average", highest[k] - baseline, at_least=0.02)
expect("steps in an epoch", len(digits.train), equals=34)

# %% [markdown]
# *Figure. The same network from the same start. Momentum and Adam need far fewer steps than plain SGD at rate 0.1; plain SGD at
# ten times that rate almost keeps up with them, less smoothly.*
# <details><summary>In words</summary>Validation loss over ten epochs. SGD with rate 0.1 starts near 1.9 and falls slowly. The
# other three start below 1, are near 0.2 after four epochs and then level off; the curve of SGD with rate 1 has a visible
# jump upwards.</details><br>
#
# The same lesson as before: most of momentum's lead at equal rates is its larger step. What it adds is calm along with speed, and
# in a valley, as above, a lead that no rate of plain descent can match. Adam's lead is another one: its rate is a length of
# step, so 0.001 to 0.01 suits most networks, and a first attempt rarely fails. The nearest average of
# [chapter 00](00_start_here.ipynb) is the baseline in the checks.
#
# Two more tools, in brief. A **schedule** shrinks the rate, as above; **clipping** shortens a gradient that is too long, so that one
# bad batch cannot throw the walker out of the valley: $g\cdot\min(1, c/\lVert g\rVert)$, with $c$ the greatest length allowed.
# Keras takes both as arguments:

# %%
schedule = keras.optimizers.schedules.CosineDecay(0.5, decay_steps=100)
optimizer = keras.optimizers.SGD(schedule, clipnorm=5.0)
weights = keras.Variable([0.0, 0.0])
optimizer.apply([keras.ops.convert_to_tensor([30.0, 40.0])], [weights])  # a gradient of length 50
by_hand = -0.5 * scratch.clip_by_norm(np.array([30.0, 40.0]), 5.0)
expect("clipped step of Keras", weights, equals=by_hand, tolerance=1e-6)
expect("its rate halfway", float(schedule(50)), equals=0.25, tolerance=1e-6)

# %% [markdown]
# ## Summary
#
# * Gradient descent steps against the slope; along each axis of a quadratic the error is multiplied by $1-\eta\lambda$ a step.
# * It converges for $\eta < 2/\lambda_{\max}$, fastest at $2/(\lambda_{\min}+\lambda_{\max})$, and slowly if the condition number is large.
#   Scaling the inputs mends that at the root.
# * Momentum adds up what persists and cancels what alternates; Adam gives each parameter a step of about its own learning rate.
# * Mini-batches are cheap and noisy; with a constant rate they end on a floor proportional to $\eta/|B|$, and a shrinking rate
#   goes below it.
# * Compare optimizers only at their own best rates, found on validation data.
#
# **Ask yourself**
#
# <details><summary>The loss rises from the first step on and soon is "nan". What do you do first?</summary>Divide the learning rate
# by ten. The step is beyond 2/λmax in some direction. Then look at the scale of the inputs, which may be why λmax is so
# large.</details>
# <details><summary>You multiply the loss by 100. Which optimizers need another rate?</summary>Gradients grow by 100, so SGD and momentum
# need a rate a hundred times smaller. Adam divides by the gradients' size and hardly notices.</details>
# <details><summary>The training loss falls, then stays level and trembles. Is that the minimum?</summary>Perhaps only the noise floor.
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
