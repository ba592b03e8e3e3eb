"""The readers of pickles: honest ones exactly, hostile ones refused in bounded time and memory, and nothing is run."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import hostile_pickles as hostile
import numpy as np
import pickle_maker as maker
import pytest
from pickle_maker import array, block, buffer, column_names, dtype, floats, frame, pickled, stored, tensor

from bmkit import data
from bmkit.data import records
from bmkit.data.unpickle import read_array, read_frame, read_state

HERE = Path(__file__).parent
HEADS = b"".join(map(pickled, [maker.MAGIC, 1001, {}]))
# A child reads the whole corpus: an audit hook counts what runs while it reads, an alarm ends what does not end.
CHILD = """
import codecs, contextlib, json, pickle, resource, signal, sys
import hostile_pickles as hostile, pickle_maker as maker, test_data_unpickle as here

with contextlib.suppress(ValueError, OSError):  # not every system limits the memory of a process
    resource.setrlimit(resource.RLIMIT_AS, (4 * 2**30,) * 2)
UNIT = 1024 if sys.platform == "darwin" else 1  # of the peak of memory, there in bytes
seen, watched = [], []
RUNS = ("import", "exec", "compile", "open", "os.", "subprocess.", "pickle.", "ctypes", "socket.", "marshal.")
codecs.lookup("raw-unicode-escape")  # Python's own, which pickletools loads when it first needs it
sys.addaudithook(lambda event, _: watched and event.startswith(RUNS) and seen.append(event))

def stop(*_):
    raise SystemExit("it does not end")

def outcome(read, content):
    seen.clear()
    watched.append(True)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // UNIT
    signal.setitimer(signal.ITIMER_PROF, 10)  # seconds of processor time: a busy computer changes nothing
    try:
        read(content)
        told = "read"
    except BaseException as error:
        told = f"{type(error).__name__}: {error}"
    signal.setitimer(signal.ITIMER_PROF, 0)
    watched.clear()
    return told, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // UNIT - before, list(seen)

signal.signal(signal.SIGPROF, stop)
here.check_honest()
assert "pickle.find_class" in outcome(pickle.loads, maker.pickled(maker.Call("builtins len", ("ab",))))[2]
found = {case: outcome(read, content) for case, (read, content) in here.CASES.items()}
here.check_honest()
json.dump(found, sys.stdout)
"""
EXPECTED = (type(None), ValueError, IndexError, KeyError, OverflowError, UnicodeDecodeError)


def behind_heads(content):
    """Read a pickle where the tensors of a state stand."""
    return read_state(HEADS + content)


CASES = {}
for reader in (read_frame, read_array, behind_heads):
    CASES |= {f"{reader.__name__}: {name}": (reader, content) for name, content in hostile.PICKLES.items()}
for reader, corpus in ((read_array, hostile.ARRAYS), (read_frame, hostile.TABLES), (read_state, hostile.STATES)):
    CASES |= {f"{reader.__name__}: {name}": (reader, content) for name, content in corpus.items()}


def check_honest():
    """Read one table, array and state; what was refused before must have left nothing behind."""
    table = read_frame(maker.HONEST_TABLE)
    assert list(table) == ["a", "b"] and table["a"].tolist() == [1, 2] and table["b"].tolist() == ["x", None]
    assert read_array(maker.HONEST_ARRAY).tolist() == [[1, 2, 3], [4, 5, 6]]
    (values,) = read_state(maker.HONEST_STATE).values()
    assert values.dtype == "float32" and values.tolist() == [[0, 1, 2], [3, 4, 5]]


@pytest.fixture(scope="module")
def outcomes():
    pytest.importorskip("resource", reason="limits and alarms are of Linux and macOS")
    paths = os.pathsep.join([str(HERE), str(HERE.parents[1]), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-c", CHILD]
    done = subprocess.run(command, env=os.environ | {"PYTHONPATH": paths}, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_corpus_is_as_large_as_it_is_meant_to_be():
    assert len(hostile.PICKLES) >= 73 and len(hostile.STATES) >= 14 and len(set(hostile.PICKLES.values())) >= 73


@pytest.mark.parametrize("case", CASES)
def test_a_hostile_pickle_is_refused_and_nothing_is_run(outcomes, case):
    told, kilobytes, ran = outcomes[case]
    assert told.startswith("DataError: ") and told.isprintable() and len(told) < 700
    assert kilobytes < 2**18 and ran == []
    assert "NameError" not in told and "AttributeError" not in told and "MemoryError" not in told


def test_names_and_instructions_off_the_list_are_named(outcomes):
    told = {case: outcome[0] for case, outcome in outcomes.items()}
    never = "which data and weights do not need; it was refused and nothing was run. Do not open this file by other"
    assert f"the pickle asks for os.system, {never}" in told["read_frame: by GLOBAL"]
    assert f"the pickle uses the instruction EXT1, {never}" in told["read_array: by EXT1"]
    assert f"asks for {'a' * 100}, {never}" in told["read_frame: by a name without end"]
    assert r"asks for a.\x1b[2J, which" in told["behind_heads: called: 'a \\x1b[2J'"]
    told = told["read_frame: called: 'pandas.core.frame DataFrame.to_csv'"]
    assert "asks for pandas.core.frame.DataFrame.to_csv; it was refused" in told and "kind of column or index" in told


@pytest.mark.parametrize("core", ["numpy.core", "numpy._core"])
@pytest.mark.parametrize("code", ["u1", "i4", "i8", "f4", "f8"])
def test_an_array_of_each_type_is_read(core, code):
    values = np.arange(24).astype(code)
    kind = dtype(code, "|" if code == "u1" else "<")
    for fortran, order in ((False, "C"), (True, "F")):
        expected = values.reshape((2, 3, 4), order=order)
        made = array(values.tobytes(), (2, 3, 4), kind=kind, fortran=fortran)
        held = buffer(bytearray(values.tobytes()), (2, 3, 4), kind=kind, order=order)
        for call in (made, held):
            call.name = call.name.replace("numpy.core", core)
            read = read_array(pickled(call))
            assert read.dtype == code
            np.testing.assert_array_equal(read, expected)


def test_small_arrays_of_every_form_are_read():
    assert read_array(pickled(array(bytes([0, 1, 2]), (3,), kind=dtype("b1", "|")))).tolist() == [False, True, True]
    assert read_array(pickled(array(floats(1), ()))).tolist() == 1
    assert read_array(pickled(array(floats(1), (1,) * 8))).shape == (1,) * 8
    empty = read_array(pickled(buffer(bytearray(), (0, 3))))
    assert (empty.shape, empty.dtype) == ((0, 3), "f8")
    assert read_array(pickled(array(b"", (0,), kind=dtype("b1", "|")))).dtype == bool


def test_a_table_of_every_kind_of_column_is_read():
    numbers = block(buffer(bytearray(floats(1, 2, 3, 4)), (2, 2)), (3, 0, -2))  # columns 3 and 1
    nan = float("nan")
    texts = block(
        array(["x", None, "y", nan], (2, 2), kind=maker.TEXT), array(b"\2" + bytes(15), (2,), kind=dtype("i8"))
    )
    table = read_frame(pickled(frame((numbers, texts), column_names("a", "b", "c", "d"))))
    assert {name: column.tolist() for name, column in table.items()} == {
        **{"d": [1, 2], "b": [3, 4], "c": ["x", None], "a": ["y", None]}
    }
    assert list(table) == ["d", "b", "c", "a"] and table["a"].dtype == object
    backwards = frame((block(maker.TWO, (1, None, -1)),), column_names("a", "b"))
    assert [column.tolist() for column in read_frame(pickled(backwards)).values()] == [[1, 2], [3, 4]]
    assert read_frame(pickled(frame((), column_names()))) == {}


def test_shared_texts_names_and_dtypes_are_read():
    kept = maker.Raw(maker.put(dtype()) + b"\x94")  # the machine keeps it as number 0
    again = maker.Raw(b"h\x00")
    two = frame((block(buffer(floats(1), (1, 1), kind=kept)), block(buffer(floats(2), (1, 1), kind=again), (1, 2, 1))))
    two.arguments, two.state["_mgr"].arguments[1][0] = (), column_names("a", "b")
    assert [column.tolist() for column in read_frame(pickled(two)).values()] == [[1], [2]]
    text, name = maker.Raw(maker.put("ab") + b"q\x07"), maker.Raw(b"j\x07\x00\x00\x00")
    array_of_texts = frame((block(array([text, name], (1, 2), kind=maker.TEXT)),))
    assert read_frame(pickled(array_of_texts))["a"].tolist() == ["ab", "ab"]


def test_values_beside_texts_are_named_with_their_column():
    bad = frame((block(array(["x", 1], (1, 2), kind=maker.TEXT)),), column_names("sex"))
    with pytest.raises(
        data.DataError, match=r"^column 'sex' holds values of the type int beside .*Choose another file"
    ):
        read_frame(pickled(bad))
    bad = frame((block(array(["x", 1.5], (2, 1), kind=maker.TEXT), (0, 2, 1)),), column_names("sex", "age"))
    with pytest.raises(data.DataError, match=r"^a block of 2 columns holds values of the type float beside"):
        read_frame(pickled(bad))
    with pytest.raises(data.DataError, match=r"values of the type '>f8'; numbers, truth values and texts are read"):
        read_array(pickled(array(floats(1), (1,), kind=dtype("f8", ">"))))
    with pytest.raises(
        data.DataError, match=r"not hold an array of numbers \(ValueError: it holds texts\)\. Run `pyth"
    ):
        read_array(pickled(array(["a"], (1,), kind=maker.TEXT)))
    with pytest.raises(data.DataError, match="data verify`; if it finds nothing, it is as published: choose another"):
        read_frame(b"")


def test_tensors_are_cut_out_of_their_storages():
    two = {"w": tensor(), "v": tensor(shape=(3, 2), strides=(1, 3)), "x": tensor(shape=(), strides=(), offset=5)}
    two |= {"y": tensor(shape=(2, 1), strides=(2, 1), offset=3), "z": tensor(shape=(0,), strides=(1,), offset=0)}
    read = read_state(stored(two))
    assert list(read) == ["w", "v", "x", "y", "z"]
    assert [values.tolist() for values in read.values()] == [
        [[0, 1, 2], [3, 4, 5]],
        [[0, 3], [1, 4], [2, 5]],
        5,
        [[3], [5]],
        [],
    ]
    whole = np.arange(6, dtype="<i8").tobytes()
    read = read_state(stored({"n": tensor(kind="torch LongStorage")}, numbers=whole))
    assert read["n"].dtype == "int64" and read["n"].tolist() == [[0, 1, 2], [3, 4, 5]]
    nothing = tensor(shape=(0, 3), strides=(3, 1), count=0)
    assert read_state(stored({"e": nothing}, count=0, numbers=b""))["e"].shape == (0, 3)
    with_attributes = maker.Raw(maker.put({"w": tensor()}) + maker.put({"_metadata": {}}) + b"b")
    assert list(read_state(stored(with_attributes))) == ["w"]
    assert read_state(stored({}, keys=())) == {}


def test_the_number_of_instructions_is_bounded_exactly(monkeypatch):
    content = pickled(["a"])  # PROTO, EMPTY_LIST, MARK, BINUNICODE, APPENDS, STOP
    monkeypatch.setattr(records, "MOST_STEPS", 6)
    assert records.read_records(io.BytesIO(content)) == ["a"]
    monkeypatch.setattr(records, "MOST_STEPS", 5)
    with pytest.raises(ValueError, match="more than 5 instructions"):
        records.read_records(io.BytesIO(content))


def test_plain_values_of_every_kind_are_built():
    values = [None, True, False, -1, 2**70, 1.5, "é", b"a" * 300, bytearray(b"b"), (), ("x",), (1, 2, 3, 4), {"k": {}}]
    short = b"K\x07M\x01\x02J\xff\xff\xff\xff\x8c\x01sC\x01c)NN\x86N\x85NNN\x87}\x8c\x01aNs]K\x01a](e}(u(t"
    content = b"\x80\x02\x95" + bytes(8) + b"](" + b"".join(map(maker.put, values)) + short + b"e."
    expected = [
        *values,
        7,
        513,
        -1,
        "s",
        b"c",
        (),
        (None, None),
        (None,),
        (None, None, None),
        {"a": None},
        [1],
        [],
        {},
        (),
    ]
    found = records.read_records(io.BytesIO(content))
    assert found == expected and list(map(type, found)) == list(map(type, expected))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("read", "content"),
    [(read_frame, maker.HONEST_TABLE), (read_array, maker.HONEST_ARRAY), (read_state, maker.HONEST_STATE)],
)
def test_mutants_of_an_honest_pickle_are_read_or_refused(read, content):
    random = np.random.default_rng(0)
    for _ in range(1500):
        mutant = bytearray(content)
        for _ in range(random.integers(1, 4)):
            place, length = random.integers(len(mutant)), random.integers(3)
            mutant[place : place + length] = random.bytes(int(random.integers(3)))
        try:
            read(bytes(mutant))
        except data.DataError as error:
            assert str(error).isprintable() and type(error.__cause__) in EXPECTED, repr(error.__cause__)
