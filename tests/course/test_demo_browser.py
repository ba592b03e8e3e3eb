"""`demo` in a real Chromium: texts, pictures, sounds and a fake microphone; nobody but the kit's server is asked."""

import contextlib
import io
import re
import signal
import socket
import subprocess
import time
from types import SimpleNamespace

import families
import made_up
import nbformat
import pytest
from demos import ALLOWED, DEVICE, MARKS, asked, browsing, chosen, opened, refused, refuses_bad_sounds, said, tone
from PIL import Image
from test_demo import awaited, started

from bmkit.course import kernels, lab

pytestmark = MARKS


@pytest.fixture(scope="module")
def kit(tmp_path_factory):
    """Start the demos of three made-up chapters."""
    folder = made_up.clone(tmp_path_factory.mktemp("browser") / "kit")
    (folder / "tone.wav").write_bytes(tone(30, rate=48_000, channels=1))
    runs = {}
    try:
        for number in ("20", "25", "26"):
            runs[number] = started(folder, number)
            told = awaited(runs[number], "The demo is ready.")
            runs[number].address = re.search(r"http://127\.0\.0\.1:\d+/\?token=\S+", told)[0]
        yield SimpleNamespace(folder=folder, runs=runs)
    finally:
        for run in runs.values():
            run.child.kill()
            run.child.wait()


@pytest.fixture(scope="module")
def page(playwright, kit):
    """A browser whose microphone hears a tone of 440 Hz."""
    file = f"--use-file-for-fake-audio-capture={kit.folder / 'tone.wav'}"
    with browsing(playwright, ALLOWED, DEVICE, file) as page:
        yield page


def test_a_text_is_answered_step_by_step_with_what_was_chosen(page, kit):
    opened(page, kit, "20")
    assert page.locator("textarea").input_value() == "a good cat"
    assert "3 of at most 200 words" in page.locator(".bmkit").inner_text()
    page.locator("textarea").fill("a good good dog")
    page.get_by_role("button", name="Answer").click()
    said(page, "reading 4 words")
    said(page, "sum 2")
    page.locator(".bmkit-answer img").wait_for()
    page.get_by_role("combobox").select_option("1")
    page.locator("textarea").press("Control+Enter")
    said(page, "sum 4")
    page.get_by_role("button", name="a bad dog").click()
    said(page, "sum 1")


def test_texts_that_are_refused(page, kit):
    opened(page, kit, "20")
    for text, sentence in (
        ("  ", "There is no text yet"),
        ("word " * 10_000, "The text has 10,000 words; give at most 200."),
        ("Кошка спит", "in the script Cyrillic; write in Latin."),
        ("crash", r"There is no answer to this \(ValueError: <b>no weight</b> for crash\); try another input."),
        ("a" * 1_000_001, "This has 1.0 MB; give at most 1 MB."),
    ):
        asked(page, text)
        refused(page, sentence)
    page.get_by_role("button", name="a good cat").click()
    said(page, "sum 1")
    assert page.locator(".bmkit-refusal").inner_text() == ""


def test_letters_are_large_and_the_page_fills_the_screen(page, kit):
    opened(page, kit, "20")
    assert page.locator("textarea").evaluate("node => parseFloat(getComputedStyle(node).fontSize)") >= 24
    page.get_by_role("button", name="Full screen").click()
    page.wait_for_function("() => document.fullscreenElement !== null")
    page.evaluate("() => document.exitFullscreen()")


def test_the_page_can_be_loaded_again_and_the_chapter_is_not_run_again(page, kit):
    opened(page, kit, "20")
    before = kit.runs["20"].log.read_text()
    page.reload()
    page.locator(".bmkit").wait_for()
    assert kit.runs["20"].log.read_text() == before


def test_pictures(page, kit):
    opened(page, kit, "25")
    red = io.BytesIO()
    Image.new("RGB", (90, 40), (200, 10, 10)).save(red, format="png")
    chosen(page, red.getvalue(), "red.png", "image/png")
    assert "90 by 40, red 200" in said(page, "90 by 40")
    assert page.locator(".bmkit-given img").count() == 1
    page.get_by_role("button", name="grey").click()
    said(page, "80 by 60, red 128")
    chosen(page, b"no picture at all", "no.png", "image/png")
    refused(page, "This file is no picture that can be read")
    page.wait_for_function("() => document.querySelector('.bmkit-given img') === null")
    chosen(page, b"\0" * 9_000_000, "large.png", "image/png")
    assert refused(page, "9.0 MB") == "This has 9.0 MB; give at most 8 MB."


def heard(page):
    seconds, hertz, peak = re.search(r"([\d.]+) s, (\d+) Hz, peak ([\d.]+)", page).groups()
    return float(seconds), int(hertz), float(peak)


def test_a_stereo_file_of_44100_hertz_is_mixed_and_sampled_anew(page, kit):
    opened(page, kit, "26")
    chosen(page, tone(2))
    seconds, hertz, peak = heard(said(page, " Hz"))
    assert seconds == pytest.approx(2, abs=0.01) and hertz == pytest.approx(440, abs=1)
    assert peak == pytest.approx(16_000 / 32_768 / 2, abs=0.02), "the mean of a tone and of silence"
    assert page.locator(".bmkit-given audio").count() == page.locator(".bmkit-answer audio").count() == 1


def test_sounds_that_are_refused(page, kit):
    opened(page, kit, "26")
    refuses_bad_sounds(page, most=5)
    for content, sentence in (
        (tone(0.02), "lasts 0.02 s; give at least 0.1 s"),
        (tone(1)[:40], "(lasts 0.00 s|is no sound)"),
    ):
        chosen(page, content)
        refused(page, sentence)
    page.get_by_role("button", name="a tone").click()
    said(page, "0.50 s, 440 Hz, peak 0.50")
    assert page.locator(".bmkit-given audio").count() == 1, "the example can be heard"


def test_a_recording_is_heard_at_the_rate_that_was_asked_for(page, kit):
    opened(page, kit, "26")
    page.get_by_role("button", name="Record").click()
    page.get_by_role("button", name=re.compile(r"Stop \(2 s\)")).click()
    seconds, hertz, peak = heard(said(page, " Hz"))
    assert 0.5 < seconds <= 5 and hertz == pytest.approx(440, abs=3) and peak > 0.1
    page.get_by_role("button", name="Record").click()
    page.get_by_role("button", name=re.compile("Stop")).wait_for()
    assert page.locator(".bmkit-answer").inner_text() == "", "the old answer is gone"
    seconds, hertz, _ = heard(said(page, " Hz"))  # it stops by itself
    assert 2 < seconds <= 5 and hertz == pytest.approx(440, abs=3)  # a busy machine loses some of what it hears


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        ([DEVICE], "This page may not use the microphone; allow it beside the address of the page, or choose a file."),
        ([ALLOWED], "There is no microphone that the browser can use; connect one, or choose a file."),
    ],
)
def test_without_a_microphone_or_the_leave_to_use_it_there_is_one_sentence(playwright, kit, flags, sentence):
    with browsing(playwright, *flags) as page:
        opened(page, kit, "26")
        if ALLOWED not in flags:
            page.context.grant_permissions([])  # all others are denied, as by a visitor's click
        page.get_by_role("button", name="Record").click()
        assert refused(page, "microphone") == sentence
        chosen(page, tone(1))
        said(page, "440 Hz")


def test_only_the_kits_server_is_asked_and_its_end_is_told(page, kit):
    opened(page, kit, "25")
    assert any(url.startswith("ws:") for url in page.asked) and page.outside == []
    kit.runs["25"].child.send_signal(signal.SIGINT)
    assert kit.runs["25"].child.wait(60) == 0
    page.get_by_text("The demo has ended; start it again in the terminal").wait_for()


NOTEBOOK = """\
from bmkit import demo
import numpy as np
tone = np.sin(np.arange(8000)).astype("float32")


def told(samples):
    return f"{len(samples)} samples, {np.abs(np.fft.rfft(samples)).argmax() * 16000 / len(samples):.0f} Hz"


demo.text(str.upper, ["a cat"])
demo.sound(told, {"a tone": tone})"""


READY = """() => {
    const panel = window.jupyterapp?.shell.currentWidget;
    const kernel = panel?.sessionContext?.session?.kernel;
    return panel?.context?.isReady && kernel?.connectionStatus === 'connected' && kernel.status === 'idle';
}"""


def answers(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


@pytest.fixture
def desk(tmp_path):
    """JupyterLab as `lab` starts it, on a notebook with two panels."""
    pytest.importorskip("anywidget")
    cell = nbformat.v4.new_code_cell(NOTEBOOK, id="one")
    head = {"kernelspec": {"name": kernels.NAME, "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=[cell], metadata=head), tmp_path / "own.ipynb")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = [*lab.command(tmp_path, port=port, browser=False), "--IdentityProvider.token=known"]
    words.append("--LabApp.expose_app_in_browser=True")
    with (tmp_path / "log").open("w") as log:
        child = subprocess.Popen(words, env=kernels.environment(), cwd=tmp_path, stdout=log, stderr=log)
    try:
        end = time.monotonic() + 180
        while not answers(port) and time.monotonic() < end and child.poll() is None:
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}/lab/tree/own.ipynb?token=known&reset"
    finally:
        families.end(child)


def test_in_jupyterlab_the_same_panel_is_a_widget(playwright, desk, tmp_path):
    (tmp_path / "tone.wav").write_bytes(tone(30, rate=48_000, channels=1))
    file = f"--use-file-for-fake-audio-capture={tmp_path / 'tone.wav'}"
    with browsing(playwright, ALLOWED, DEVICE, file) as page:
        page.goto(desk)
        page.wait_for_function(READY)
        page.evaluate("() => { void window.jupyterapp.commands.execute('notebook:run-all-cells'); }")
        text = page.locator(".bmkit", has=page.locator("textarea"))
        text.locator("textarea").fill("two dogs")
        text.get_by_role("button", name="Answer").click()
        said(page, "TWO DOGS", ".jp-OutputArea .bmkit:has(textarea) .bmkit-answer")
        sound = page.locator(".bmkit", has_not=page.locator("textarea"))
        sound.get_by_role("button", name="Record").click()
        sound.get_by_role("button", name=re.compile(r"Stop \([123] s\)")).click()
        said(page, r"samples, 4[34]\d Hz", ".jp-OutputArea .bmkit:not(:has(textarea)) .bmkit-answer")
