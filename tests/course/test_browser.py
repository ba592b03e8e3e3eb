"""A learner's hour in short: `lab` opens JupyterLab in a real Chromium, chapter 11 runs, an exercise is answered."""

import contextlib
import importlib.util
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import nbformat
import psutil
import pytest

from bmkit.course import packages

ROOT = Path(__file__).resolve().parents[2]
NAME = "11_cnn_images.ipynb"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
FLAGS += ["--disable-component-update", "--disable-sync"]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(importlib.util.find_spec("playwright") is None, reason="playwright is not installed"),
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium, chromium-browser or google-chrome on the PATH"),
]

# What the page is asked; `panel` is the notebook in front.
PANEL = "const panel = window.jupyterapp?.shell.currentWidget; const session = panel?.sessionContext?.session;"
CODE = "const code = panel.content.widgets.filter(cell => cell.model.type === 'code');"
READY = f"""() => {{ {PANEL} return panel?.context?.path === '{NAME}' && panel.context.isReady && panel.content.model
    && session?.kernel?.connectionStatus === 'connected' && session.kernel.status === 'idle'; }}"""
CLEARED = f"() => {{ {PANEL} {CODE} return code.every(cell => cell.model.executionCount === null); }}"
DONE = f"""() => {{ {PANEL} {CODE}
    window.sawProgress ||= document.querySelector('.jp-OutputArea-output progress')?.outerHTML;
    const failed = code.some(cell => cell.model.outputs.toJSON().some(output => output.output_type === 'error'));
    return code.every(cell => cell.model.executionState === 'idle' && (failed || cell.model.executionCount)); }}"""
CELLS = f"() => {{ {PANEL} return panel.content.widgets.map(cell => cell.model.toJSON()); }}"
KIT = f"""async () => {{ {PANEL} const ask = {{code: '', user_expressions: {{kit: "__import__('bmkit').__file__"}}}};
    const reply = await session.kernel.requestExecute(ask).done;
    return reply.content.user_expressions.kit.data['text/plain']; }}"""
SAVED = f"() => {{ {PANEL} return panel.context.model.dirty === false; }}"


def _command(name):
    return f"() => {{ void window.jupyterapp.commands.execute('{name}'); }}"


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """Start `python -m bmkit lab` in a copy of the kit, so that nobody's own notebooks or settings are touched."""
    lacking = packages.missing(ROOT / "requirements.txt")
    if lacking:
        pytest.skip(f"{lacking[0]} is missing here; the command would first make an environment")
    folder = tmp_path_factory.mktemp("browser")
    kit = folder / "kit"
    for name in ("bmkit", "notebooks", "data"):
        shutil.copytree(ROOT / name, kit / name, ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints"))
    for name in ("pyproject.toml", "requirements.txt", "requirements.lock"):
        shutil.copy(ROOT / name, kit)
    _expose(kit / "bmkit" / "course" / "lab.py")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "bmkit", "lab", "--no-browser", "--port", str(port)]
    keyboard, terminal = _terminal()
    with (folder / "lab.log").open("w") as log:
        child = subprocess.Popen(command, cwd=kit, env=_environment(kit), stdout=log, stderr=log, **terminal)
    try:
        _await_port(port, child, folder / "lab.log")
        yield SimpleNamespace(child=child, keyboard=keyboard, kit=kit, folder=folder, port=port, log=folder / "lab.log")
    finally:
        for process in _family(child):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        child.wait()


def _terminal():
    """Give the writing end of a terminal of its own and what `Popen` needs to start there, as a learner does.

    JupyterLab heeds Ctrl-C in an orderly way only where its standard input is a terminal.
    """
    if os.name == "nt":
        return None, {}
    import fcntl
    import pty
    import termios

    keyboard, inside = pty.openpty()

    def enter():
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # else ignored where these tests run in the background
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    return keyboard, {"stdin": inside, "start_new_session": True, "preexec_fn": enter}


def _expose(path):
    """Let the page's inside be reached through `window.jupyterapp`, which the kit has no reason to show."""
    flag = '"--ServerApp.ip=127.0.0.1",'
    text = path.read_text("utf-8")
    assert text.count(flag) == 1
    path.write_text(text.replace(flag, f'{flag} "--LabApp.expose_app_in_browser=True",'), "utf-8")


def _environment(kit):
    kept = {name: value for name, value in os.environ.items() if name not in ("BMKIT_QUIET", "PYTEST_CURRENT_TEST")}
    return {**kept, "PYTHONPATH": str(kit)}


def _token(log):
    """Read the token as a learner does, from the address that stands in the terminal."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if found := re.search(r"http://127\.0\.0\.1:\d+/lab\S*\?token=(\w+)", log.read_text()):
            return found[1]
        time.sleep(0.1)
    pytest.fail(f"the address of JupyterLab was not told:\n{log.read_text()}")


def _await_port(port, child, log):
    end = time.monotonic() + 120
    while time.monotonic() < end and child.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.1)
    pytest.fail(f"JupyterLab did not open on port {port}:\n{log.read_text()}")


def _family(child):
    """List the child, the server and its kernels, as long as they run."""
    try:
        first = psutil.Process(child.pid)
        return [first, *first.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


@pytest.fixture(scope="module")
def page(lab):
    """Open chapter 11 in a real browser and note every address that is asked for."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 860})
        page.asked = []
        page.context.on("request", lambda request: page.asked.append(request.url))
        page.on("websocket", lambda channel: page.asked.append(channel.url))
        with _witness(page, lab.folder / "open.png"):
            page.goto(f"http://127.0.0.1:{lab.port}/lab/tree/{NAME}?token={_token(lab.log)}&reset")
            page.wait_for_function(READY, timeout=120_000)
        yield page
        browser.close()


@pytest.fixture(scope="module")
def cells(lab, page):
    """Run the chapter from its first cell to its last, and give what the notebook then holds."""
    with _witness(page, lab.folder / "run-all.png"):
        page.evaluate(_command("notebook:clear-all-cell-outputs"))  # so that no stored count can pass for a new one
        page.wait_for_function(CLEARED)
        page.evaluate(_command("notebook:run-all-cells"))
        page.wait_for_function(DONE, timeout=300_000)
        if "BMKIT_SCREENSHOT" in os.environ:
            _portrait(page, os.environ["BMKIT_SCREENSHOT"])
    return [nbformat.from_dict(cell) for cell in page.evaluate(CELLS)]


def _portrait(page, path):
    """Take the picture of the README: the outline at the left, the photograph with its edges in the middle."""
    page.evaluate(_command("toc:show-panel"))
    page.locator(".jp-tocItem").first.wait_for()
    page.locator(".jp-CodeCell", has_text="import skimage").locator(".jp-InputPrompt").click()
    page.locator(".jp-MarkdownCell", has_text="The kernel says").evaluate("cell => cell.scrollIntoView()")
    page.screenshot(path=path)


@contextlib.contextmanager
def _witness(page, path):
    """Keep a picture of the page when a step fails, and name it."""
    try:
        yield
    except Exception as error:
        page.screenshot(path=path)
        raise AssertionError(f"{error}\nThe page at that moment: {path}") from error


def _outputs(cells):
    return [output for cell in cells if cell.cell_type == "code" for output in cell.outputs]


def _pictures(cells):
    return sum("image/png" in output.get("data", {}) for output in _outputs(cells))


def test_chapter_runs_to_its_end(lab, page, cells):
    with _witness(page, lab.folder / "chapter.png"):
        assert page.evaluate(KIT) == repr(str(lab.kit / "bmkit" / "__init__.py"))
        errors = [output for output in _outputs(cells) if output.output_type == "error"]
        assert not errors, "\n".join(f"{error.ename}: {error.evalue}" for error in errors)
        counts = [cell.execution_count for cell in cells if cell.cell_type == "code"]
        assert counts == list(range(1, len(counts) + 1))
        stored = nbformat.read(lab.kit / "notebooks" / NAME, 4).cells
        assert [cell.source for cell in cells] == [cell.source for cell in stored]
        sliders = [cell for cell in cells if "plot.explore(" in cell.source]  # instead of a figure
        widget = "application/vnd.jupyter.widget-view+json"
        assert sliders and all(any(widget in out.get("data", {}) for out in _outputs([cell])) for cell in sliders)
        assert _pictures(cells) + len(sliders) == _pictures(stored) > len(sliders)
        printed = "".join(output.get("text", "") for output in _outputs(cells))
        assert re.search(r"^✓ test accuracy of the convolutional network ≥ 0\.95 \(here: 0\.9\d*\)$", printed, re.M)


def _trainings(cells):
    return [out.data for out in _outputs(cells) if "training done" in str(out.get("data"))]


def test_training_shows_live_progress_and_leaves_one_line_each(lab, page, cells):
    assert "max=" in (page.evaluate("() => window.sawProgress") or "no progress bar was ever on the page")
    lines = _trainings(cells)
    stored = _trainings(nbformat.read(lab.kit / "notebooks" / NAME, 4).cells)
    assert len(lines) == len(stored) > 1, "as many trainings as when the notebook was built"
    assert all(list(data) == ["text/plain"] and "epochs" in data["text/plain"] for data in lines)
    assert "<progress" not in json.dumps(_outputs(cells))


def test_formulas_are_drawn(lab, page, cells):
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    written = re.findall(r"\$\$.+?\$\$|\$[^$]+\$", text, re.S)
    with _witness(page, lab.folder / "formulas.png"):
        page.wait_for_function(f"() => document.querySelectorAll('mjx-container').length >= {len(written)}")
        shown = page.locator(".jp-MarkdownOutput").all_text_contents()
        assert written and not [text for text in shown if "$" in text]
        assert page.locator("mjx-container").count() == len(written)
        assert page.locator("mjx-merror, [data-mjx-error]").count() == 0


def test_nothing_pops_up_and_nothing_is_asked_outside(lab, page, cells):
    with _witness(page, lab.folder / "dialog.png"):
        assert page.locator(".jp-Dialog").count() == 0
        assert page.locator(".Toastify__toast").count() == 0
    server = f"127.0.0.1:{lab.port}/"
    home = (f"http://{server}", f"ws://{server}", f"blob:http://{server}", "data:")
    assert any(url.startswith("ws:") for url in page.asked), "the way to the kernel was seen"
    assert not [url for url in page.asked if not url.startswith(home)]


def test_an_exercise_is_answered_wrong_then_right_and_saved(lab, page, cells):
    originals = {path: path.read_bytes() for path in (lab.kit / "notebooks").rglob("*") if path.is_file()}
    cell = page.locator(".jp-CodeCell", has_text="ch11.parameters.check(parameters)")
    with _witness(page, lab.folder / "exercise.png"):
        _answer(page, cell, "parameters = 864", "✗ ch11.parameters: not yet. Each filter also has a bias: 32 more.")
        _answer(page, cell, "parameters = 896", "✓ ch11.parameters: right. (3 · 3 · 3 + 1) · 32")
        assert "not yet" not in cell.inner_text()
        page.keyboard.press("Control+s")
        page.wait_for_function(SAVED)
    sources = [one.source for one in nbformat.read(lab.kit / "my_notebooks" / NAME, 4).cells]
    assert "parameters = 896\nch11.parameters.check(parameters)" in sources
    assert originals == {path: path.read_bytes() for path in originals}


def _answer(page, cell, line, verdict):
    """Write the first line of a cell anew as a learner does, run the cell, and wait for what it says."""
    cell.locator(".cm-line").first.click()
    page.keyboard.press("Home")
    page.keyboard.press("Shift+End")
    page.keyboard.insert_text(line)
    page.keyboard.press("Control+Enter")
    cell.locator(".jp-OutputArea-output", has_text=verdict).wait_for(timeout=30_000)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no terminal to type into")
def test_ctrl_c_ends_everything(lab, page):
    family = _family(lab.child)
    assert len(family) >= 3, "the command, the server and a kernel"
    os.write(lab.keyboard, b"\x03")
    _, left = psutil.wait_procs(family, timeout=60)
    log = lab.log.read_text()
    assert not left and "Shutting down" in log and "Traceback" not in log, log
