"""The doctor finds what is wrong, says how to mend it, and is comparable from machine to machine."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from bmkit import data, doctor

ROOT = Path(doctor.__file__).resolve().parent.parent


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
    monkeypatch.setattr(doctor, "_memory_bytes", lambda: 2e9)
    wrong = [finding for finding in doctor.examine() if finding.mend]
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
    monkeypatch.setattr(doctor, "_memory_bytes", lambda: 0)
    monkeypatch.setattr(doctor.shutil, "which", lambda _: None)
    after = doctor.summary()
    assert all(form.fullmatch(line) for line in after) and after != before
    assert [re.sub(r"\(here.*", "", line) for line in after] == [re.sub(r"\(here.*", "", line) for line in before]


def test_keras_is_loaded_only_when_asked():
    code = "import sys; from bmkit import doctor; doctor.examine(); sys.exit('keras' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True).returncode == 0
