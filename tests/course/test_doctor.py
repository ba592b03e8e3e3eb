"""The doctor finds what is wrong, says how to mend it, and is comparable from machine to machine."""

import os
import re
import subprocess
import sys
from pathlib import Path

import hostile
import pytest

from bmkit import data
from bmkit.course import doctor, memory

ROOT = Path(doctor.__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def healthy_data(monkeypatch):
    monkeypatch.setattr(data, "verify", lambda _: [])


def _found(name):
    return next(finding for finding in doctor.examine() if finding.name.startswith(name))


def test_every_bad_finding_says_how_to_mend_it(tmp_path, monkeypatch):
    monkeypatch.setattr(doctor.sys, "version_info", (3, 10, 0))
    monkeypatch.setattr(data, "verify", lambda _: ["digits: damaged; run this", "digits: twice", "orl_faces: missing"])
    monkeypatch.setattr(doctor.shutil, "which", lambda _: None)
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 1e8})())
    monkeypatch.setattr(memory, "total", lambda: 2e9)
    wrong = [finding for finding in doctor.examine() if finding.mend and finding.group != "setting"]
    assert [finding.ok for finding in wrong] == [False, None, False, False, None, False]
    assert all(finding.mend for finding in doctor.examine() if finding.ok is False)
    assert _found("core data").here == "not ready: digits, orl_faces"


def test_unreadable_cache_is_a_finding(monkeypatch):
    def fails(_):
        raise data.DataError("the cache cannot be used; set BMKIT_CACHE")

    monkeypatch.setattr(data, "verify", fails)
    assert not _found("core data").ok and "BMKIT_CACHE" in _found("core data").mend


def test_packages_missing_wrong_and_right(tmp_path):
    here = doctor.metadata.version("packaging")
    lines = [
        f"packaging=={here}  # why",
        "numpy==0.1",
        "no-such-thing==1",
        "other==1; sys_platform == 'none'",
        "-e .",
        "",
    ]
    (tmp_path / "requirements.txt").write_text("\n".join(lines))
    found = doctor.packages(tmp_path / "requirements.txt")
    assert [(one.name, one.ok) for one in found] == [
        (f"packaging =={here}", True),
        ("numpy ==0.1", False),
        ("no-such-thing ==1", False),
    ]
    assert found[2].here == "missing" and "pip install" in found[2].mend


@pytest.mark.parametrize("good", [True, False])
def test_report_returns_whether_all_is_there(good, monkeypatch, capsys):
    finding = doctor.Finding("core [data]", "[gone]", good, "" if good else "run [this]")
    monkeypatch.setattr(doctor, "examine", lambda devices: [finding])
    assert doctor.report() is good
    shown = capsys.readouterr().out
    assert "core [data]" in shown and "[gone]" in shown and ("run [this]" in shown) is not good


def test_summary_is_the_same_everywhere_outside_here(monkeypatch):
    form = re.compile(r"[✓✗·] [^()]+ \(here: [^()]+\)")
    before = doctor.summary()
    assert all(form.fullmatch(line) for line in before)
    monkeypatch.setattr(doctor.platform, "release", lambda: "6.1 (other)")
    monkeypatch.setattr(doctor.os, "cpu_count", lambda: 99)
    monkeypatch.setattr(memory, "total", lambda: 10**9)
    monkeypatch.setattr(doctor.shutil, "which", lambda _: None)
    after = doctor.summary()
    assert all(form.fullmatch(line) for line in after) and after != before
    assert [re.sub(r"\(here.*", "", line) for line in after] == [re.sub(r"\(here.*", "", line) for line in before]


def test_what_a_user_has_set_up_for_other_projects_is_told(tmp_path, monkeypatch):
    hostile.home(tmp_path)
    (tmp_path / "packages" / "numpy").mkdir(parents=True)
    hostile.enter(monkeypatch, tmp_path, PYTHONPATH=str(tmp_path / "packages"))
    found = {finding.name: finding for finding in doctor.settings()}
    assert all(finding.ok is None and finding.mend for finding in found.values())
    assert "image_data_format channels_first" in found[f"Keras' settings in {tmp_path / '.keras' / 'keras.json'}"].here
    assert found["KERAS_BACKEND"].here == "theano" and "TensorFlow all the same" in found["KERAS_BACKEND"].mend
    assert "jupyter_server_config.py" in found["Jupyter's configuration"].here
    assert {"IPython's startup files", "a kernel named python3", "Matplotlib's settings", "BMKIT_CACHE"} <= set(found)
    assert found[f"PYTHONPATH: {tmp_path / 'packages'}"].here == "numpy"
    assert not [line for line in doctor.summary() if "keras.json" in line], "chapter 00 prints the summary"


def test_a_limit_of_memory_is_told_instead_of_the_machines():
    pytest.importorskip("resource")
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_AS, (3 * 10**9,) * 2); from bmkit.course import doctor; "
        "print(doctor._memory().here)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("3.0 GB, ") and "by a limit on a machine of" in done.stdout


@pytest.mark.parametrize(("most", "now"), [("max", "current"), ("limit_in_bytes", "usage_in_bytes")])
def test_the_smallest_control_group_limits_the_memory(most, now, tmp_path, monkeypatch):
    for folder, limit, used in ((tmp_path, 10**9, 9 * 10**8), (tmp_path / "inner", 8 * 10**8, 10**8)):
        folder.mkdir(exist_ok=True)
        (folder / f"memory.{most}").write_text(f"{limit}\n")
        (folder / f"memory.{now}").write_text(f"{used}\n")
    (tmp_path / "memory.stat").write_text("anon 1\ninactive_file 50000000\n")
    monkeypatch.setattr(memory, "_control_groups", lambda: [tmp_path / "inner", tmp_path])
    assert memory.total() == 8 * 10**8 and memory.available() == 10**9 - 9 * 10**8 + 5 * 10**7


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="only root on Linux may mount")
def test_a_home_folder_that_cannot_be_written_is_told(tmp_path, monkeypatch):
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", tmp_path], capture_output=True).returncode:
        pytest.skip("this container may not mount")
    try:
        monkeypatch.setenv("HOME", str(tmp_path))
        (finding,) = [finding for finding in doctor.settings() if finding.name.startswith("home folder")]
        assert finding.here == "cannot be written" and "BMKIT_CACHE" in finding.mend
    finally:
        subprocess.run(["umount", tmp_path], check=True)


def test_keras_is_loaded_only_when_asked():
    code = "import sys; from bmkit.course import doctor; doctor.examine(); sys.exit('keras' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True).returncode == 0
