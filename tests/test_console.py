"""No text stops a command or a verdict, whatever the terminal's encoding is; files are always UTF-8."""

import ast
import codecs
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bmkit import console

ROOT = Path(console.__file__).resolve().parent.parent
NARROW = [{"PYTHONIOENCODING": name} for name in ("gbk", "cp1252", "ascii")]
NARROW.append({"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"})
narrow = pytest.mark.parametrize("surroundings", NARROW, ids=["gbk", "cp1252", "ascii", "C"])


def _run(*words, surroundings, cwd=ROOT, code=0):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "LC_", "LANG"))}
    chosen = {**kept, "PYTHONPATH": str(ROOT), "COLUMNS": "200", "BMKIT_HANDED_OVER": "1", **surroundings}
    done = subprocess.run([sys.executable, *words], cwd=cwd, env=chosen, capture_output=True, timeout=600)
    encoding = surroundings.get("PYTHONIOENCODING", "ascii")
    told = (done.stdout + done.stderr).decode(encoding)  # strict: nothing else was written
    assert "Traceback" not in told and "UnicodeEncodeError" not in told, told
    assert done.returncode == code, told
    return told.replace("\r", "")


def test_twins_are_ascii_and_never_empty():
    for sign, twin in console.TWINS.items():
        assert len(sign) == 1 and not sign.isascii() and twin.isascii() and twin.strip()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("✓ loss ≤ 0.3 (here: 0.2)", "OK loss <= 0.3 (here: 0.2)"),
        ("○ not attempted … ✗ not yet", "o not attempted ... x not yet"),
        ("3 × 3 − 1 ≥ 7", "3 x 3 - 1 >= 7"),
        ("Müller, Škoda, ﬁn, Straße", "Muller, Skoda, fin, Strasse"),
        ("你好 \udcff", "?? ?"),
    ],
)
def test_ascii_shows_what_can_be_read(text, shown):
    assert text.encode("ascii", console.HANDLER).decode() == shown


def test_what_an_encoding_has_stays_as_it_is():
    assert "你好 ≥ ✓".encode("gbk", console.HANDLER).decode("gbk") == "你好 ≥ OK"
    assert "Müller × ✗".encode("cp1252", console.HANDLER).decode("cp1252") == "Müller × x"
    with pytest.raises(UnicodeDecodeError):
        codecs.decode(b"\xff", "utf-8", console.HANDLER)


def test_importing_the_package_alone_changes_no_stream():
    code = "import sys; before = sys.stdout.errors; import bmkit; sys.exit(sys.stdout.errors != before)"
    _run("-c", code, surroundings={})


@narrow
def test_a_learners_script_gets_verdicts_and_descriptions(surroundings):
    code = (
        "from bmkit.check import expect, Exercise\nfrom bmkit import data\nexpect('loss', 0.2, at_most=0.3)\n"
        "double = Exercise('demo.double', lambda x: 2 * x, [(1,)], hints=['x + x'])\n"
        "double.check(lambda x: ...)\ndouble.check(lambda x: 2 * x)\ndouble.check(lambda x: 3)\n"
        "for name in [*data.names(), *data.weights()]: print(data.describe(name))"
    )
    told = _run("-c", code, surroundings=surroundings)
    assert "OK loss" in told and "demo.double: not attempted yet" in told
    assert "OK demo.double: right" in told and "x demo.double: not yet" in told


COMMANDS = """
from bmkit.course import cli, suite
stages = [suite.Stage("n\\xe4me", lambda: True, ""), suite.Stage("b", lambda: False, "\\u2192")]
suite.stages = lambda **_: stages
for words in ("list", "data list", "doctor", "labs", "run 99", "test --fast"):
    print("ended with", cli.main(words.split()), flush=True)
"""


@narrow
def test_every_command_ends_in_words_and_its_table_is_in_line(surroundings):
    told = _run("-c", COMMANDS, surroundings=surroundings)
    assert told.count("ended with") == 6 and "lab" in told and "> n" in told
    chapters = told.split("ended with")[0].splitlines()
    assert len({len(line) for line in chapters if line.startswith(("|", "+"))}) == 1


@narrow
def test_pytest_reports_a_failure(surroundings, tmp_path):
    (tmp_path / "test_it.py").write_text("def test_it():\n    assert '✓ 你好 ü' == '✗'\n", "utf-8")
    words = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:nbval", "-p", "no:jaxtyping")
    assert "1 failed" in _run(*words, surroundings=surroundings, cwd=tmp_path, code=1)


@pytest.mark.parametrize("folder", ["bmkit", "benchmarks"])
def test_files_are_opened_with_a_named_encoding(folder):
    for path in (ROOT / folder).rglob("*.py"):
        for call in (node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)):
            name = getattr(call.func, "attr", getattr(call.func, "id", ""))
            words = [argument.value for argument in call.args if isinstance(argument, ast.Constant)]
            named = any(keyword.arg in ("encoding", None) for keyword in call.keywords) or "utf-8" in words
            where = f"{path.relative_to(ROOT)}, line {call.lineno}: name the encoding, as Windows has another one"
            if name in ("read_text", "write_text"):
                assert named, where
            of_file = not any(keyword.arg == "timeout" for keyword in call.keywords)  # an address is opened, too
            if name == "open" and of_file and isinstance(call.func, ast.Name | ast.Attribute):
                module = getattr(getattr(call.func, "value", None), "id", "")
                binary = any(isinstance(word, str) and "b" in word for word in words)
                assert named or binary or module in ("os", "Image", "archive", "webbrowser"), where
            if any(keyword.arg == "text" for keyword in call.keywords) and name in ("run", "Popen", "check_output"):
                assert named, where
