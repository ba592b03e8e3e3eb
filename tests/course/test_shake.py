"""A chapter that holds by luck is found out; seeds are shifted where a cell writes them and nowhere else."""

import ast
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psutil
import pytest

from bmkit import check
from bmkit.course import book, chapters, claims, cli, shake, shaken
from bmkit.data import credits

ROOT = Path(cli.__file__).resolve().parents[2]
TINY = """\
# %% [markdown]
# # 00 · Tiny
#
# **After this you can** nothing
#
# **Time** 1 min to read, 1 min to teach, 1 s to run
#
# **Before** nothing
#
# **Data** none

# %%
import os
import numpy as np
from bmkit.check import expect

# %%
first = np.random.default_rng(0).integers(1_000_000)
expect("first number", first, at_most=900_000)
expect("first number of seed 0", first, equals=850_624)
expect("written to the end", 1.0, equals=1)

# %%
if os.environ.get("TF_ENABLE_ONEDNN_OPTS") == "0":
    raise OSError("no such instruction")
"""


@pytest.fixture
def kit(tmp_path, monkeypatch):
    """A book of one tiny chapter in a folder of its own."""
    folder = tmp_path / "notebooks"
    (folder / "source").mkdir(parents=True)
    plan = '[[parts]]\ntitle = "Part"\nchapters = [{ number = "00", slug = "tiny", title = "Tiny", before = [] }]\n'
    (folder / "chapters.toml").write_text(plan, "utf-8")
    (folder / "source" / "00_tiny.py").write_text(TINY, "utf-8")
    for name in shake.old_machine():  # the suite itself may run as an older computer
        monkeypatch.delenv(name, raising=False)
    for module in (book, chapters, cli):
        monkeypatch.setattr(module, "NOTEBOOKS", folder)
    monkeypatch.setattr(shake.data, "verify", lambda: [])
    return folder


@pytest.mark.slow
def test_each_claim_is_told_with_its_bound_and_each_failure_with_its_variant(kit, monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("COLUMNS", "200")
    words = ["shake", "--seeds", "2", "--variant", "seed-0", "--variant", "seed-1", "--variant", "old-machine"]
    assert cli.main([*words, "--jobs", "3", "--out", str(tmp_path / "table.json")]) == 1
    told = capsys.readouterr().out
    assert "chapters: 1, variants: 3" in told and "3 of 3: 00 " in told
    assert "✗ 00 [2], seed-1: first number of seed 0: the expected result is 850624, but you got 473188." in told
    assert "✗ 00, old-machine: cell [3] stopped with OSError: no such instruction" in told
    number, _, last = json.loads((tmp_path / "table.json").read_text("utf-8"))
    assert len(last["records"]) == 3, "a cell goes on after a claim that failed"
    values = {variant: record["value"] for variant, record in number["records"]}
    assert values == {"seed-0": 850_624, "seed-1": 473_188, "old-machine": 850_624}
    (row,) = [line for line in told.splitlines() if "first number  " in line]
    assert all(word in row for word in ("· ", "473,188", "850,624", "≤ 900,000", "49,376", "377,436", "near"))


@pytest.mark.slow
def test_a_chapter_that_holds_everywhere_ends_with_0(kit, capsys, tmp_path):
    assert cli.main(["shake", "00", "--variant", "one-thread", "--out", str(tmp_path / "table.md")]) == 0
    assert "Every claim held in 1 of 1 runs." in capsys.readouterr().out
    assert (tmp_path / "table.md").read_text("utf-8").startswith("|  | where | claim | smallest | largest | bound |")


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows sends Ctrl-C to all programs of a console")
def test_ctrl_c_ends_the_kernels_and_prints_what_is_known(kit):
    slow = (
        TINY
        + """
# %%
import time
time.sleep(0 if os.environ.get("BMKIT_SEED_SHIFT") == "0" else 60)
"""
    )
    (kit / "source" / "00_tiny.py").write_text(slow, "utf-8")
    code = (
        "import sys; from bmkit.course import book, chapters, cli, shake;"
        "from pathlib import Path;"
        "book.NOTEBOOKS = chapters.NOTEBOOKS = cli.NOTEBOOKS = Path(sys.argv[1]); shake.data.verify = lambda: [];"
        "sys.exit(cli.main(['shake', '--seeds', '9', '--jobs', '2']))"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(kit)],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "200"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    while "1 of 9: 00 " not in child.stdout.readline():
        assert child.poll() is None
    time.sleep(1)  # other kernels have started or are at it
    started = psutil.Process(child.pid).children(recursive=True)
    child.send_signal(signal.SIGINT)
    told, error = child.communicate(timeout=60)
    assert child.returncode == 130 and error == "bmkit: stopped\n"
    assert "first number" in told
    assert not [one for one in started if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]


def test_each_seed_and_each_kind_of_machine_is_tried_and_each_can_be_tried_alone():
    ways = shake.variants(5)
    assert sorted(way[shaken.SHIFT] for way in ways.values()) == list("01234")
    assert len(ways) == 5 and sum("TF_ENABLE_ONEDNN_OPTS" in way for way in ways.values()) == 2
    assert {way[shaken.SHIFT] for way in shake.variants(1).values()} == {"0"} and len(shake.variants(1)) == 5
    alone = shake.single(3)
    assert alone["seed-2"] == {shaken.SHIFT: "2"}
    assert alone["one-thread"] == {**ways["seed-4-one-thread"], shaken.SHIFT: "0"}


def test_an_unknown_variant_is_refused_with_those_that_there_are(capsys):
    assert cli.main(["shake", "00", "--variant", "new-machine"]) == 2
    assert "there are: seed-0, seed-1-old-machine, seed-2-all-threads" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("np.random.default_rng(s)", "np.random.default_rng(_bmkit_shifted(s))"),
        ("keras.utils.set_random_seed(1)", "keras.utils.set_random_seed(_bmkit_shifted(1))"),
        ("np.random.seed(3)", "np.random.seed(_bmkit_shifted(3))"),
        ("k_fold(354, k, seed=0)", "k_fold(354, k, seed=_bmkit_shifted(0))"),
        ("layer(seed=seed)", "layer(seed=seed)"),  # shifted where it is written or where it starts a generator
        ("f(default_rng(0), seed=2)", "f(default_rng(_bmkit_shifted(0)), seed=_bmkit_shifted(2))"),
        ("train.seed(0)", "train.seed(0)"),
        ("default_rng()", "default_rng()"),
        ("range(3)", "range(3)"),
    ],
)
def test_what_is_shifted_in_a_cell(code, expected):
    assert ast.unparse(shaken.Shift().visit(ast.parse(code))) == expected


@pytest.mark.parametrize("seed", [None, True, "0", 1.5, [1, 2]])
def test_only_whole_numbers_are_shifted(seed, monkeypatch):
    monkeypatch.setenv(shaken.SHIFT, "4")
    assert shaken.shifted(seed) is seed and shaken.shifted(np.int64(3)) == 7


def test_a_kernel_without_a_shift_runs_its_cells_unchanged(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv(shaken.CLAIMS, str(tmp_path / "claims"))
    monkeypatch.setenv(shaken.SHIFT, "0")
    monkeypatch.setattr(check, "expect", check.expect)  # put back afterwards
    shell = SimpleNamespace(ast_transformers=[])
    shaken.enter(shell)
    assert not shell.ast_transformers
    check.expect("loss", float("nan"), at_most=1)
    check.expect("kernels", np.ones(3), equals=[1, 1, 1.25], tolerance=0.5)
    check.expect("word", "yes", equals="yes")
    with pytest.raises(ValueError):
        check.expect("nothing", 1)
    process, loss, kernels, word = map(json.loads, (tmp_path / "claims").read_text("utf-8").splitlines())
    assert process == os.getpid()
    assert "but measured nan here" in loss["failure"] and not kernels["failure"]
    assert kernels["deviation"] == 0.25 and kernels["value"] is None and word["deviation"] is None
    assert "✗ expected loss ≤ 1" in capsys.readouterr().out


def claim(*records):
    empty = dict.fromkeys(("value", "at_least", "at_most", "equals", "deviation", "tolerance")) | {"failure": ""}
    given = [("00", f"seed-{n}", 1, {"claim": "it", **empty, **record}) for n, record in enumerate(records)]
    (gathered,) = claims.gather(given)
    return gathered


@pytest.mark.parametrize(
    ("records", "margin", "spread", "near"),
    [
        ([{"value": 3, "at_least": 1}, {"value": 4, "at_least": 1}], 2, 1, False),
        ([{"value": 3, "at_least": 1}, {"value": 7, "at_least": 1}], 2, 4, True),
        ([{"value": 3, "at_most": 5}, {"value": 4, "at_most": 9}], 2, 3, True),  # a bound that was measured, too
        ([{"value": 3, "at_least": 0, "at_most": 5}, {"value": 4, "at_least": 0, "at_most": 5}], 1, 1, False),
        ([{"deviation": 0.25, "tolerance": 1.0}, {"deviation": 0, "tolerance": 1.0}], 0.75, 0.25, False),
        ([{"deviation": 0.0, "tolerance": 0.0}], None, None, False),
        ([{"value": float("nan"), "at_least": 1, "failure": "nan"}], None, None, False),
        ([{"value": 0, "at_least": 1, "failure": "too small"}], -1, 0, False),
    ],
)
def test_the_least_margin_and_how_much_it_varied(records, margin, spread, near):
    found = claim(*records)
    assert (found.margin, found.spread, found.near) == (margin, spread, near)


def test_a_row_names_the_variants_that_failed_or_did_not_get_there():
    row = claim({"value": 1, "at_least": 2, "failure": "expected it"}, {"value": 1234, "at_least": 2}).row(variants=3)
    assert row == ("✗", "00 [1]", "it", "1", "1,234", "≥ 2", "-1", "1,233", "fails: seed-0; in 2 of 3")


@pytest.mark.parametrize("year", [2013, 2008])
def test_numpy_takes_the_old_machine_without_a_word(year):
    code = "import numpy as np; print(np.show_config(mode='dicts')['SIMD Extensions'].get('found', []))"
    variables = {**os.environ, **shake.old_machine(year)}
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], env=variables, capture_output=True, text=True)
    assert done.returncode == 0 and not done.stderr
    assert "AVX512" not in done.stdout and "V4" not in done.stdout
    assert year == 2013 or done.stdout == "[]\n" or "NPY_DISABLE_CPU_FEATURES" not in variables


CLAIM = '{"claim": "it", "failure": ""}\n'


@pytest.mark.parametrize(
    ("first", "reply", "trouble"),
    [
        (f"{os.getpid()}\n", {"status": "ok"}, ""),
        ("", {"status": "error", "ename": "OSError", "evalue": "the disk is full"}, "its kernel could not be prepared"),
        ("2147483647\n", {"status": "ok"}, "2147483647"),
    ],
    ids=["sound", "not prepared", "dead"],
)
def test_a_kernel_that_fails_at_its_start_ends_its_own_run_alone(monkeypatch, first, reply, trouble):
    def execute(chapter, notebook, after_cell, variables, allow_errors):
        replies = [reply, {"status": "ok"}, {"status": "ok"}]
        for place, (content, line) in enumerate(zip(replies, [first, CLAIM, CLAIM], strict=True)):
            with open(variables[shaken.CLAIMS], "a", encoding="utf-8") as file:
                file.write(line)
            after_cell(cell=None, cell_index=place, execute_reply={"content": content})

    monkeypatch.setattr(book, "execute", execute)
    advanced = []
    found = shake.run(shake.Run(book.find("05"), "seed-0"), {}, shake.Kernels(), lambda: advanced.append(1))
    assert trouble in found.trouble if trouble else not found.trouble
    assert found.records == ([] if trouble else [(place, json.loads(CLAIM)) for place in (0, 1)])
    assert len(advanced) == len(found.records), "the bar counts the cells of the chapter alone"


@pytest.mark.parametrize("number", [0.0957, 0.5, 999.6, 1000, -1234.5, 53_066, 1e15])
def test_a_number_is_written_as_the_chapter_writes_it(number, capsys):
    check.expect("it", number, at_least=number)
    printed = capsys.readouterr().out
    row = claim({"value": number, "at_least": number}).row(variants=1)
    assert printed == f"✓ it {row[5]} (here: {row[3]})\n"


def test_an_upright_line_in_a_claim_divides_no_column():
    (found,) = claims.gather([("00", "seed-0", 1, {**claim({}).records[0][1], "claim": "P(a|b)"})])
    assert claims.markdown([found], 1).splitlines()[-1] == credits.row(found.row(1))
    assert "P(a\\|b)" in credits.row(found.row(1))


def test_another_processor_is_told_nothing_about_instructions_that_it_never_had(monkeypatch):
    monkeypatch.setattr(shake.platform, "machine", lambda: "arm64")
    assert shake.old_machine() == {"TF_ENABLE_ONEDNN_OPTS": "0"}


def test_the_old_machine_of_a_new_processor_lacks_only_what_is_new(monkeypatch):
    monkeypatch.setattr(shake.platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(shake, "_dispatched", lambda: ["AVX2", "FMA3", "X86_V3", "AVX512F", "AVX512_SKX", "X86_V4"])
    monkeypatch.setenv("XLA_FLAGS", "--mine")
    old = shake.old_machine()
    assert old["NPY_DISABLE_CPU_FEATURES"] == "AVX512F AVX512_SKX X86_V4"
    assert old["XLA_FLAGS"] == "--mine --xla_cpu_max_isa=AVX2"
