"""The slope of a function, measured by small steps: what every gradient of the tests is held against."""

import numpy as np


def slope(function, at, step=1e-5):
    """Central differences of a function of one array."""
    gradient = np.zeros_like(at)
    for index in np.ndindex(at.shape):
        moved = np.zeros_like(at)
        moved[index] = step
        gradient[index] = (float(function(at + moved)) - float(function(at - moved))) / (2 * step)
    return gradient
