"""What `new dataset` writes: the entries of a set and its parcel, and a reader."""

__all__ = ["PARCEL", "READER", "SET"]

PARCEL = """\
version = «version»
file = «file»
sha256 = «sha256»
bytes = «bytes»
licence = «licence»
"""

READER = '''\
"""WHAT THIS READS, IN ONE LINE."""

import csv
import io

import numpy as np

from bmkit.data.draw import Members, Splits, stratified_splits
from bmkit.data.entries import Description
«imports»
__all__ = ["read"]

MISSING = ("", "NA", "?")  # HOW THE FILE WRITES THAT A VALUE IS MISSING


def _number(text: str) -> float:
    return float("nan" if text in MISSING else text)


def read(members: Members, description: Description) -> Splits:
    """Read one table whose last column is the class; WHAT IS DONE ABOUT MISSING VALUES AND REPEATED ROWS."""
    (content,) = members.values()
    rows = list(csv.DictReader(io.StringIO(«content».decode(), newline="")))
    x = np.array([[_number(row[name]) for name in description.features] for row in rows], np.float32)
    y = np.array([description.classes.index(row[«label»]) for row in rows])
    return stratified_splits(x, y, description)
'''

SET = """\
title = "WHAT IT IS, IN ONE LINE"
x = { shape = [«columns»], dtype = "float32", unit = "WHAT THE NUMBERS MEAN", range = [0, 1], missing = 0 }
y = { shape = [], dtype = "int64", unit = "WHAT THE LABEL MEANS", range = [0, 1] }
features = [«features»]  # the columns of x, as the file calls them
classes = ["WHICH CLASS IS 0", "WHICH CLASS IS 1"]  # as the file calls them
rows = { train = 1, validation = 1, test = 1 }  # `data fetch` tells how many come out, `test --fast` range and missing
split = "HOW THE ROWS WERE DIVIDED, AND WHY THAT IS HONEST"
notes = "WHAT A USER MUST KNOW: WHAT IS MISSING, REPEATED OR DOUBTFUL"
licence = "WHICH LICENCE THE DATA HAVE, AND WHERE THAT IS SAID"
citation = "AUTHOR: TITLE. WHERE, YEAR"
reference = "https://doi.org/WHERE"

[recipe]
«source»
reader = "«reader»"
"""
