"""The pixels of a picture, as all networks for photographs take them: checked once, told in one way."""

from typing import Any

import numpy as np

__all__ = ["pixels_of"]


def pixels_of(picture: Any, *, grey: bool = False) -> np.ndarray:
    """Return the pixels of a picture in three colours.

    Args:
        picture: (height, width, 3), integers or floating-point numbers from 0 to 255.
        grey: whether (height, width) and (height, width, 1) are taken, too, and repeated for the three colours.

    Returns:
        The pixels, of the picture's own type, shape (height, width, 3); a grey picture's cannot be written to.

    Raises:
        ValueError: it is not a picture, or its pixels are on another scale.

    Example:
        >>> pixels_of(np.full((4, 6), 255), grey=True).shape
        (4, 6, 3)
    """
    pixels = np.asarray(picture)
    if grey and pixels.ndim == 2:
        pixels = pixels[..., None]
    channels = (1, 3) if grey else (3,)
    if pixels.ndim != 3 or pixels.shape[-1] not in channels or not pixels.size or pixels.dtype.kind not in "uif":
        raise ValueError(
            f"a picture has shape {np.shape(picture)} and type {pixels.dtype}, expected (height, width, 3) and 0 "
            "to 255. Repeat a grey picture three times; leave away the fourth channel, which is transparency."
        )
    least, most = pixels.min(), pixels.max()
    if not (least >= 0 and most <= 255):  # true for what is no number, too
        raise ValueError(f"a picture has pixels from {least} to {most}; expected 0 (black) to 255 (white).")
    if pixels.dtype.kind == "f" and 0 < most <= 1:
        raise ValueError(
            f"a picture has pixels from {least} to {most}; expected 0 (black) to 255 (white): multiply them by 255."
        )
    return np.broadcast_to(pixels, (*pixels.shape[:2], 3))
