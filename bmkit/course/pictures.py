"""Whether two pictures show the same, as far as an eye at arm's length would tell."""

import base64
import io

__all__ = ["MOST", "difference"]

SIDE = 32  # a picture is looked at as so many fields a side
STEP = 0.1  # of the whole range of brightness: fields that differ by less look alike
MOST = 0.1  # share of the fields of a picture that may differ; see tests/course/test_pictures.py


def difference(one: str, other: str) -> float:
    """Compare two pictures field by field.

    Args:
        one: a PNG file as notebooks hold it, in base 64.
        other: another.

    Returns:
        The share of fields whose colours differ visibly, of those that are not white in both; 1 for other proportions.

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
    differ = (abs(first - second) > STEP).any(axis=-1)
    return float(differ.sum() / max(drawn.sum(), 1))


def _fields(picture: str):
    """Return the mean colour of each field, (SIDE, SIDE, 3) between 0 and 1, and width over height."""
    import numpy as np
    from PIL import Image

    image = Image.open(io.BytesIO(base64.b64decode(picture)))
    white = Image.new("RGBA", image.size, "white")
    flat = Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")
    fields = flat.resize((SIDE, SIDE), Image.Resampling.BOX)
    return np.asarray(fields, dtype=float) / 255, image.width / image.height
