"""Hostile GGUF files, chat templates and architectures: one clear error each, in bounded time and memory."""

import json
import os
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bmkit import data
from bmkit.pretrained import packed_file
from bmkit.pretrained.gguf_file import read_gguf
from bmkit.pretrained.template import chat_template

HERE = Path(__file__).parent
# A child reads the whole corpus under limits; memory is measured too, for a caught MemoryError would hide a bomb.
CHILD = """
import contextlib, json, resource, signal, sys
from pathlib import Path
import gguf, test_pretrained_hostile as here

with contextlib.suppress(ValueError, OSError):  # not every system limits the memory of a process
    resource.setrlimit(resource.RLIMIT_AS, (6 * 2**30,) * 2)
UNIT = 1024 if sys.platform == "darwin" else 1  # of the peak of memory, there in bytes

def stop(*_):
    raise SystemExit("it does not end")

def outcome(content):
    path.write_bytes(content)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // UNIT
    signal.setitimer(signal.ITIMER_PROF, 10)  # seconds of processor time: a busy computer changes nothing
    try:
        here.unpack_all(path)
        told = "read"
    except BaseException as error:
        told = f"{type(error).__name__}: {error}"
    signal.setitimer(signal.ITIMER_PROF, 0)
    return told, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // UNIT - before

path = Path(sys.argv[1])
signal.signal(signal.SIGPROF, stop)
json.dump({name: outcome(content) for name, content in here.FILES.items()}, sys.stdout)
"""


def text(value):
    content = value.encode() if isinstance(value, str) else value
    return struct.pack("<Q", len(content)) + content


def number(value, form="I"):
    return struct.pack("<" + form, value)


def fact(key="k", kind=4, value=b"\7\0\0\0"):
    return text(key) + number(kind) + value


def array(kind, count, items=b""):
    return number(kind) + number(count, "Q") + items


def tensor(name="t", shape=(2, 3), *, kind=0, offset=0, axes=None):
    sizes = b"".join(number(size, "Q") for size in shape)
    return text(name) + number(len(shape) if axes is None else axes) + sizes + number(kind) + number(offset, "Q")


def whole(facts=(), tensors=None, *, numbers=bytes(24), counts=None, version=3, alignment=32):
    """Return a GGUF file of one tensor of 2 × 3 zeros."""
    tensors = [tensor()] if tensors is None else tensors
    counts = counts or (len(tensors), len(facts))
    head = b"GGUF" + number(version) + struct.pack("<2Q", *counts) + b"".join(facts) + b"".join(tensors)
    return head + bytes(-len(head) % alignment) + numbers


HONEST = whole([fact(), fact("a", 9, array(8, 2, text("x") + text("é"))), fact("b", 9, array(5, 1, number(-1, "i")))])
HUGE = 2**62
FILES = {
    "nothing": b"",
    "zeros": bytes(100),
    "another magic": b"GGML" + HONEST[4:],
    "version 1": whole(version=1),
    "version 4": whole(version=4),
    "the other byte order": b"GGUF" + number(3 << 24) + HONEST[8:],
    "a head alone": HONEST[:20],
    "2**62 facts": whole(counts=(1, HUGE)),
    "2**62 tensors": whole(counts=(HUGE, 0)),
    "more facts than there are": whole([fact()], counts=(1, 3)),
    "a key past the end": whole([number(HUGE, "Q") + b"k"]),
    "a key of 2**64 - 1 bytes": whole([number(2**64 - 1, "Q") + b"k"]),
    "a key that is no UTF-8": whole([fact(b"\xff")]),
    "a key twice": whole([fact(), fact()]),
    "a fact of an unknown type": whole([fact(kind=13)]),
    "a fact of type 2**32 - 1": whole([fact(kind=2**32 - 1)]),
    "a text past the end": whole([fact(kind=8, value=number(HUGE, "Q"))]),
    "a text that is no UTF-8": whole([fact(kind=8, value=text(b"\xff"))]),
    "2**62 texts": whole([fact(kind=9, value=array(8, HUGE, text("a")))]),
    "2**62 numbers": whole([fact(kind=9, value=array(4, HUGE))]),
    "numbers past the end": whole([fact(kind=9, value=array(12, 1000))]),
    "two million numbers that are there": whole([fact(kind=9, value=array(0, 2_000_000, bytes(2_000_000)))]),
    "many arrays of many": whole([fact(str(n), 9, array(0, 300_000, bytes(300_000))) for n in range(4)]),
    "an array of arrays": whole([fact(kind=9, value=array(9, 1, array(4, 1, number(7))))]),
    "arrays in arrays": whole([fact(kind=9, value=array(9, 1) * 20_000)]),
    "an array of an unknown type": whole([fact(kind=9, value=array(99, 1, bytes(8)))]),
    "an alignment of 0": whole([fact("general.alignment", value=number(0))]),
    "an alignment of 3": whole([fact("general.alignment", value=number(3))]),
    "an alignment of 2**31": whole([fact("general.alignment", value=number(2**31))]),
    "a negative alignment": whole([fact("general.alignment", 5, number(-32, "i"))]),
    "an alignment that is a text": whole([fact("general.alignment", 8, text("32"))]),
    "an alignment of True": whole([fact("general.alignment", 7, b"\1")]),
    "a tensor twice": whole(tensors=[tensor(), tensor()]),
    "a tensor of an unknown type": whole(tensors=[tensor(kind=999)]),
    "a tensor of no axes": whole(tensors=[tensor(shape=())]),
    "a tensor of 5 axes": whole(tensors=[tensor(shape=(1,) * 5)]),
    "a tensor of 2**32 - 1 axes": whole(tensors=[tensor(axes=2**32 - 1)]),
    "a size of 0": whole(tensors=[tensor(shape=(0, 3))]),
    "a size of 2**62": whole(tensors=[tensor(shape=(HUGE, 1))]),
    "sizes whose product wraps to 0": whole(tensors=[tensor(shape=(2**32, 2**32))]),
    "sizes whose product wraps to 6": whole(tensors=[tensor(shape=(2**63 + 3, 2))]),
    "an offset past the end": whole(tensors=[tensor(offset=32)]),
    "an offset that wraps": whole(tensors=[tensor(offset=2**64 - 32)]),
    "one byte less": HONEST[:-1],
    "a block that ends too early": whole(tensors=[tensor(shape=(16, 2), kind=8)], numbers=bytes(999)),
    "a type that is not unpacked": whole(tensors=[tensor(kind=26)]),
}


def unpack_all(path):
    file = read_gguf(path)
    return {name: file.array(name, *packed.shape) for name, packed in file.tensors.items()}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    pytest.importorskip("resource", reason="limits and alarms are of Linux and macOS")
    paths = os.pathsep.join([str(HERE), str(HERE.parents[1]), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-c", CHILD, str(tmp_path_factory.mktemp("gguf") / "hostile.gguf")]
    done = subprocess.run(command, env=os.environ | {"PYTHONPATH": paths}, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", FILES)
def test_a_hostile_gguf_file_is_refused(outcomes, name):
    told, kilobytes = outcomes[name]
    assert told.startswith("DataError: hostile.gguf") and told.isprintable() and len(told) < 500
    assert kilobytes < 2**17 and "MemoryError" not in told and "NameError" not in told


def test_an_honest_file_is_read(tmp_path):
    path = tmp_path / "honest.gguf"
    path.write_bytes(HONEST)
    file = read_gguf(path)
    assert file.facts == {"k": 7, "a": ["x", "é"], "b": [-1]}
    assert file.array("t", 3, 2).tolist() == [[0, 0]] * 3
    with pytest.raises(data.DataError, match="'k' is of type int, expected str"):
        file.fact("k", str)
    every = ["B7", "b-7", "H7", "h-7", "I7", "i-7", "f0.5", "?1", "text", "array", "Q7", "q-7", "d0.5"]
    facts = [
        fact(str(n), n, number(float(t[1:]) if t[0] in "fd" else int(t[1:]), t[0]))
        for n, t in enumerate(every)
        if n not in (8, 9)
    ]
    path.write_bytes(whole([*facts, fact("general.alignment", value=number(64))], alignment=64, version=2))
    assert list(read_gguf(path).facts.values()) == [7, -7, 7, -7, 7, -7, 0.5, True, 7, -7, 0.5, 64]


def test_the_number_of_values_is_bounded_exactly(tmp_path, monkeypatch):
    path = tmp_path / "honest.gguf"
    path.write_bytes(HONEST)  # 3 facts, 1 tensor, 3 items
    monkeypatch.setattr(packed_file, "MOST_VALUES", 7)
    assert len(read_gguf(path).facts) == 3
    monkeypatch.setattr(packed_file, "MOST_VALUES", 6)
    with pytest.raises(data.DataError, match="more than 6 values"):
        read_gguf(path)


@pytest.mark.slow
def test_mutants_of_an_honest_file_are_read_or_refused(tmp_path):
    path, random = tmp_path / "mutant.gguf", np.random.default_rng(0)
    for _ in range(1500):
        mutant = bytearray(HONEST)
        for _ in range(random.integers(1, 4)):
            place, length = random.integers(len(mutant)), random.integers(3)
            mutant[place : place + length] = random.bytes(int(random.integers(3)))
        path.write_bytes(mutant)
        try:
            assert all(values.dtype == "float32" for values in unpack_all(path).values())
        except data.DataError as error:
            assert str(error).isprintable()


TALK = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "there"}]
LOOP = "{% for m in messages %}"


def test_a_chat_template_lays_out_a_talk():
    full = LOOP + "{% if loop.first and m.role != 'system' and not m['content'] == 'x' or 1 < 0 %}<{% endif %}"
    full += "{{ m['role'] ~ ':' + messages[0].content }};{% endfor %}{% if add_generation_prompt %}>{% endif %}"
    assert chat_template(full).render(messages=TALK, add_generation_prompt=True) == "<user:hi;assistant:hi;>"
    assert chat_template("a" * 10_000).render() == "a" * 10_000


TEMPLATES = {
    "a power": "{{ 9 ** 9 ** 9 }}",
    "a product": "{{ 'a' * 10 ** 9 }}",
    "a power in a condition": "{% if 9 ** 9 ** 9 %}{% endif %}",
    "a range": "{% for a in range(10 ** 9) %}{% endfor %}",
    "a loop over letters": "{% for a in 'aaaa' %}{% endfor %}",
    "a loop in a loop": LOOP + LOOP + "{% endfor %}{% endfor %}",
    "a loop in a condition in a loop": LOOP + "{% if m %}" + LOOP + "{% endfor %}{% endif %}{% endfor %}",
    "a loop that calls itself": "{% for m in messages recursive %}{{ loop(messages) }}{% endfor %}",
    "a loop over pairs": "{% for a, b in messages %}{% endfor %}",
    "a doubling variable": "{% set a = 'a' %}{% set a = a ~ a %}",
    "a macro": "{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}",
    "a call": "{{ messages.pop() }}",
    "a filter": "{{ 'a' | center(10 ** 9) }}",
    "a format": "{{ '%999999999d' % 1 }}",
    "a test": "{{ messages is iterable }}",
    "a slice": "{{ messages[0:9] }}",
    "an include": "{% include '/etc/hostname' %}",
    "an import": "{% import 'os' as os %}",
    "an extension of": "{% extends 'a' %}",
    "a block": "{% block a %}{% endblock %}",
    "a way out": "{{ messages.__class__.__mro__ }}",
    "a way out by an item": "{{ messages['__class__'](1) }}",
    "a way out by a function": "{{ cycler.__init__.__globals__.os.popen('id') }}",
    "a list": "{{ [1] }}",
    "a dictionary": "{{ {1: 2} }}",
    "deep brackets": "{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}",
    "deep conditions": "{% if 1 %}" * 400 + "{% endif %}" * 400,
    "a long number": "{{ " + "9" * 9000 + " }}",
    "a long text": "a" * 10_001,
    "no end": "{% if messages %}",
    "nonsense": "{{ % }}",
}


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_chat_template_that_does_more_is_refused(name):
    with pytest.raises(
        data.DataError, match=r"chat template of the model cannot be used .* Nothing of it was run"
    ) as told:
        chat_template(TEMPLATES[name])
    assert str(told.value).isprintable()
