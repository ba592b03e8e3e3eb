"""Take a pickle apart into plain values and records without running anything that it asks for.

A pickle is a small program for a stack machine, and the standard loader runs it: it may call any function. That loader
is never used here. `pickletools` splits the program into its instructions, and the machine below knows 31 of them.
They build plain values; where the program names a function and calls it, a record keeps the name and the arguments,
nothing is looked up, imported or called, and a name outside a short list ends the reading. Each value hangs in one
place only (texts, names, dtypes and single bytes may be shared), so there are no cycles and no value seems larger than
it is: time and memory are bounded by the length of the file.
"""

import dataclasses
import io
import pickletools
from typing import Any

from bmkit.data.manifest import DataError

__all__ = ["Name", "Record", "exactly", "read_records", "recorded"]

MOST_STEPS = 2_000_000  # instructions of one pickle; the largest of the course has 78,000

# Names that may be called, with the number of their arguments, and names that are only handed on.
CALLS = {
    "pandas.core.frame DataFrame": 0,
    "pandas.core.internals.managers BlockManager": 2,
    "pandas._libs.internals _unpickle_block": 3,
    "pandas.core.indexes.base _new_Index": 2,
    "numpy dtype": 3,
    "numpy.core.numeric _frombuffer": 4,
    "numpy._core.numeric _frombuffer": 4,
    "numpy.core.multiarray _reconstruct": 3,
    "numpy._core.multiarray _reconstruct": 3,
    "builtins slice": 3,
    "collections OrderedDict": 0,
    "torch._utils _rebuild_tensor_v2": 6,
}
HANDED = {"pandas.core.indexes.base Index", "pandas.core.indexes.range RangeIndex", "numpy ndarray"}
HANDED |= {"torch FloatStorage", "torch LongStorage"}

VALUES = {"BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "SHORT_BINUNICODE", "BINUNICODE", "SHORT_BINBYTES"}
VALUES |= {"BINBYTES", "BYTEARRAY8"}  # instructions that put their own argument on the stack
CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
TUPLES = {"EMPTY_TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
REFUSED = (
    "which data and weights do not need; it was refused and nothing was run. Do not open this file by other means; "
    "report it to the project."
)


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Name:
    """A name on the list that the pickle asked for: "module name"."""

    text: str


@dataclasses.dataclass(eq=False, repr=False)
class Record:
    """What the pickle would have called, with what, and the state it would have set. Nothing was called."""

    name: str
    arguments: Any
    state: Any = None


def exactly(value: Any, *kinds: type) -> Any:
    """Let a value pass if its type is one of those given; a message never shows a value, which may be of any size.

    Args:
        value: what the pickle built.
        *kinds: the types.

    Returns:
        The value.

    Raises:
        ValueError: it is of another type; `True` is no `int` here.

    Example:
        >>> exactly(3, int, float)
        3
    """
    if type(value) not in kinds:
        raise ValueError(f"{kinds[0].__name__} was expected, but there is {type(value).__name__}")
    return value


def recorded(value: Any, *names: str) -> Record:
    """Let a value pass if it is the record of one of the names.

    Args:
        value: what the pickle built.
        *names: each "module name".

    Returns:
        The record.

    Raises:
        ValueError: it is something else.

    Example:
        >>> recorded(Record("builtins slice", (0, 3, 1)), "builtins slice").arguments
        (0, 3, 1)
    """
    if exactly(value, Record).name not in names:
        raise ValueError(f"{names[0]} was expected, but there is {value.name}")
    return value


def read_records(file: io.BytesIO) -> Any:
    r"""Build what one pickle describes; afterwards the file stands behind it.

    Args:
        file: stands at the beginning of the pickle.

    Returns:
        Texts, numbers, bytes, tuples, lists, dictionaries with texts as keys, names and records.

    Raises:
        DataError: the pickle asks for a name or uses an instruction that is not on the list.
        ValueError: it is damaged, too long, or shares what should hang in one place; a damaged one may also end in
            an IndexError, KeyError or another exception of the machine.

    Example:
        >>> read_records(io.BytesIO(b"\x80\x04]\x8c\x01aa."))
        ['a']

    Reference:
        Python documentation, pickletools, https://docs.python.org/3/library/pickletools.html
    """
    machine = _Machine()
    for count, (code, argument, _) in enumerate(pickletools.genops(file)):
        if count == MOST_STEPS:
            raise ValueError(f"it has more than {MOST_STEPS:,} instructions")
        machine.step(code.name, argument)
    ((value,),) = machine.stacks
    return value


class _Machine:
    """Follows the instructions; a mark begins a new stack, so that nothing reaches below it."""

    def __init__(self) -> None:
        self.stacks, self.memo = [[]], {}

    def step(self, code: str, argument: Any) -> None:
        """Follow an instruction that puts a value on the stack, or on or off the memo."""
        stack = self.stacks[-1]
        if code in ("BINGET", "LONG_BINGET"):  # by far the most frequent one
            value = self.memo[argument]
            stack.append(value if type(value) is str else _shared(value))
        elif code in VALUES:
            stack.append(argument)
        elif code in CONSTANTS:
            stack.append(CONSTANTS[code])
        elif code in TUPLES:
            stack.append(tuple(self._taken(TUPLES[code])))
        elif code in ("EMPTY_LIST", "EMPTY_DICT"):
            stack.append([] if code == "EMPTY_LIST" else {})
        elif code == "MARK":
            self.stacks.append([])
        elif code in ("MEMOIZE", "BINPUT", "LONG_BINPUT"):
            self.memo[len(self.memo) if code == "MEMOIZE" else argument] = stack[-1]
        elif code not in ("PROTO", "FRAME", "STOP"):
            self._combine(code, argument)

    def _combine(self, code: str, argument: Any) -> None:
        """Follow an instruction that joins what lies on the stack, or refuse it."""
        marked = self.stacks.pop() if code in ("TUPLE", "APPENDS", "SETITEMS") else []
        match code:
            case "TUPLE":
                self.stacks[-1].append(tuple(marked))
            case "APPEND" | "APPENDS":
                items = marked if code == "APPENDS" else self._taken(1)
                exactly(self.stacks[-1][-1], list).extend(items)
            case "SETITEM" | "SETITEMS":
                items = marked if code == "SETITEMS" else self._taken(2)
                _fill(exactly(self.stacks[-1][-1], dict), items)
            case "GLOBAL":
                self.stacks[-1].append(_named(argument))
            case "STACK_GLOBAL":
                module, name = self._taken(2)
                self.stacks[-1].append(_named(f"{exactly(module, str)} {exactly(name, str)}"))
            case "REDUCE" | "NEWOBJ":
                self.stacks[-1].append(_called(*self._taken(2)))
            case "BUILD":
                (state,) = self._taken(1)
                _set_state(self.stacks[-1][-1], state)
            case "BINPERSID":
                self.stacks[-1].append(Record("a storage", *self._taken(1)))
            case _:
                raise DataError(f"the pickle uses the instruction {code}, {REFUSED}")

    def _taken(self, count: int) -> list:
        """Take the last values from the stack."""
        stack = self.stacks[-1]
        if count > len(stack):
            raise ValueError("it takes more than it has put down")
        items = stack[len(stack) - count :]
        del stack[len(stack) - count :]
        return items


def _named(text: str) -> Name:
    """Return a name of the list, or refuse it."""
    if text in CALLS or text in HANDED:
        return Name(text)
    shown = ascii(text[:100].replace(" ", "."))[1:-1]
    if text.startswith(("pandas.core.", "pandas._libs.")):
        raise DataError(
            f"the pickle asks for {shown}; it was refused and nothing was run. It belongs to a kind of column or index "
            "that is not read here: columns of numbers, truth values and texts are. Choose another file."
        )
    raise DataError(f"the pickle asks for {shown}, {REFUSED}")


def _called(function: Any, arguments: Any) -> Any:
    """Keep a call as a record; an ordered dictionary is a plain one."""
    name = exactly(function, Name).text
    if CALLS.get(name) != len(exactly(arguments, tuple)):
        raise ValueError(f"it calls {name} with {len(arguments)} arguments")
    return {} if name == "collections OrderedDict" else Record(name, arguments)


def _set_state(target: Any, state: Any) -> None:
    """Keep the state of a record, once; the attributes of a dictionary are of no use here."""
    if type(target) is dict:
        return
    if exactly(target, Record).state is not None:
        raise ValueError(f"it sets the state of {target.name} twice")
    target.state = state


def _shared(value: Any) -> Any:
    """Return a value that may stand in several places beside a text: a name, a single byte, or a dtype."""
    if type(value) is Name or (type(value) is bytes and len(value) == 1):
        return value
    return recorded(value, "numpy dtype")


def _fill(target: dict, items: list) -> None:
    """Put keys and values in turn into a dictionary; only texts are keys, and each comes once."""
    for key, value in zip(items[::2], items[1::2], strict=True):
        if exactly(key, str) in target:
            raise ValueError("a key comes twice")
        target[key] = value
