"""Whether two pictures show the same, as far as an eye at arm's length would tell."""

import base64
import io

__all__ = ["MOST", "difference"]

SIDE = 32  # a picture is looked at as so many fields a side; what has moved by one of them has not changed
STEP = 0.1  # of the whole range of brightness: fields that differ by less look alike
# Share of the fields of a picture that may differ. Learning curves drawn on an older processor: up to 0.01; a map of
# the course with 8 of 47 boxes filled otherwise: 0.24; two bars exchanged: 0.26.
MOST = 0.1


def difference(one: str, other: str) -> float:
    """Compare two pictures field by field.

    Args:
        one: a PNG file as notebooks hold it, in base 64.
        other: another.

    Returns:
        The share of fields without a like one in the other picture, of those not white; 1 for other proportions.

    Example:
        >>> from matplotlib.figure import Figure
        >>> file = io.BytesIO()
        >>> Figure(figsize=(1, 1)).savefig(file, format="png")
        >>> picture = base64.b64encode(file.getvalue()).decode()
        >>> difference(picture, picture)
        0.0
    """
    import numpy as np

    if one == other:
        return 0.0
    (first, shape), (second, other_shape) = _fields(one), _fields(other)
    if abs(shape - other_shape) > 0.05 * shape:
        return 1.0
    drawn = (np.minimum(first, second) < 1 - STEP / 2).any(axis=-1)  # (SIDE, SIDE)
    differ = _lacks(first, second) | _lacks(second, first)
    return float(differ.sum() / max(drawn.sum(), 1))


def _lacks(one, other):
    """Tell for each field of a picture, (SIDE, SIDE, 3), whether another has nothing like it there or next to there."""
    import numpy as np

    around = np.pad(other, ((1, 1), (1, 1), (0, 0)), constant_values=1.0)  # white
    views = np.lib.stride_tricks.sliding_window_view(around, (SIDE, SIDE), axis=(0, 1))  # (3, 3, 3, SIDE, SIDE)
    distances = abs(views - np.moveaxis(one, -1, 0)).max(axis=2)  # over the colours: (3, 3, SIDE, SIDE)
    return distances.min(axis=(0, 1)) > STEP


def _fields(picture: str):
    """Return the mean colour of each field, (SIDE, SIDE, 3) between 0 and 1, and width over height."""
    import numpy as np
    from PIL import Image

    image = Image.open(io.BytesIO(base64.b64decode(picture)))
    white = Image.new("RGBA", image.size, "white")
    flat = Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")
    fields = flat.resize((SIDE, SIDE), Image.Resampling.BOX)
    return np.asarray(fields, dtype=float) / 255, image.width / image.height
