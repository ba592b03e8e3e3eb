"""Real data with pip as the only transport.

>>> from bmkit import data
>>> print(data.describe("digits").rows)
{'train': 1077, 'validation': 360, 'test': 360}
"""

from bmkit import console
from bmkit.data.fetch import fetch, verify
from bmkit.data.load import DataSet, describe, load, names
from bmkit.data.manifest import DataError, Description
from bmkit.data.recordings import recording, recordings
from bmkit.data.weights import weights

__all__ = [
    "DataError",
    "DataSet",
    "Description",
    "describe",
    "fetch",
    "load",
    "names",
    "recording",
    "recordings",
    "verify",
    "weights",
]

console.prepare()  # names such as Kaynak or Müller must not stop a learner's script on a terminal without ü
