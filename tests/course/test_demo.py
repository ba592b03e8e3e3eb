"""`demo` finds the chapter's cell, runs what stands before it, and lets nobody in without the token."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from types import SimpleNamespace

import made_up
import psutil
import pytest
from tornado import httpclient, ioloop, websocket

from bmkit import demo as panels
from bmkit.course import chapters, demo
from bmkit.course.demo_server import Server, ServerError


def started(clone, *words):
    """Start `demo` with the command line of a clone."""
    surroundings = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    surroundings.pop("PYTHONPATH", None)
    command = [sys.executable, "-m", "bmkit.course.cli", "demo", "--no-browser", *words]
    log = clone / f"demo-{'-'.join(words)}.log"
    with log.open("w") as file:
        child = subprocess.Popen(command, cwd=clone, env=surroundings, stdout=file, stderr=file)
    return SimpleNamespace(child=child, log=log)


def awaited(run, text, *, seconds=120):
    end = time.monotonic() + seconds
    while text not in run.log.read_text() and run.child.poll() is None and time.monotonic() < end:
        time.sleep(0.1)
    assert text in run.log.read_text(), run.log.read_text()
    return run.log.read_text()


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    return made_up.clone(tmp_path_factory.mktemp("made_up") / "kit")


@pytest.mark.parametrize(
    ("number", "told"),
    [
        ("21", "bmkit: chapter 21 (Nothing) has no demo; type one of: python3 -m bmkit demo 20 22 25 26\n"),
        ("99", "see all with: python3 -m bmkit list\n"),
    ],
)
@pytest.mark.slow
def test_wrong_use_is_one_line(clone, number, told):
    run = started(clone, number)
    assert run.child.wait(120) == 2
    assert run.log.read_text().endswith(told) and run.log.read_text().count("\n") == 1


@pytest.mark.slow
def test_a_cell_that_fails_is_named_and_nothing_stays(clone):
    run = started(clone, "22")
    assert run.child.wait(120) == 1
    told = run.log.read_text()
    assert "chapter 22 stopped at code cell 1 (ZeroDivisionError: division by zero); see it all with: " in told
    assert "Traceback" not in told


def test_a_claim_that_does_not_hold_here_is_told_and_stops_nothing(clone, monkeypatch):
    for module in (chapters, demo):
        monkeypatch.setattr(module, "NOTEBOOKS", clone / "notebooks")
    chapter, told = chapters.find("26"), []
    cells = demo.cells_of(chapter)
    with demo._shell() as shell:
        panel = demo.panel_of(chapter, cells, shell, told.append)
        assert panel.answer(panel.examples["a tone"])[0] == "0.50 s, 440 Hz, peak 0.50"
    assert told[0] == "running chapter 26, cell 1 of 3 …" and len(told) == 4
    assert told[2].startswith("a claim does not hold here: expected the tone is loud ≥ 0.9")


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows has other signals")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_a_request_to_end_leave_no_process(clone, how):
    run = started(clone, "20")
    assert "cell 3 of 3" in awaited(run, "The demo is ready.")
    family = [psutil.Process(run.child.pid), *psutil.Process(run.child.pid).children(recursive=True)]
    assert len(family) == 1, "no kernel, no second server"
    run.child.send_signal(how)
    assert run.child.wait(30) == 0
    assert run.log.read_text().endswith("The demo has ended.\n") and "Traceback" not in run.log.read_text()


def test_the_demo_is_the_last_cell_that_asks():
    asking = {
        "demo.text(judge, texts)": True,
        "if True:\n    demo.sound(hear, sounds, rate=8000)": True,
        "demo.picture": False,
        "other.text(judge)": False,
        "# demo.text(judge)\nx = 1": False,
    }
    assert {code: demo._asks(code) for code in asking} == asking


@pytest.fixture
def server():
    """A server whose panel counts what it is asked."""
    with panels.collected() as made:
        panels.text(str.upper, ["a cat"])
    with Server("20 · <Words>") as one:
        ended = threading.Event()

        def answer():
            with contextlib.suppress(KeyboardInterrupt):
                one.answer(made[0], lambda line: None)
            ended.set()

        threading.Thread(target=answer, daemon=True).start()
        yield one
        one.jobs.put((None, _Stop(), []))
        assert ended.wait(10)


class _Stop:
    """Ends the loop of `answer`, as Ctrl-C does in the main thread."""

    def __contains__(self, _):
        raise KeyboardInterrupt


def get(server, path, **headers):
    request = urllib.request.Request(f"http://{server.host}{path}", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as reply:
            return reply.status, dict(reply.headers), reply.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read().decode()


def test_the_page_needs_the_token_and_forbids_the_browser_to_ask_others(server):
    for query in ("", "?token=", "?token=known", "?token=é"):
        assert get(server, f"/{query}".encode("ascii", "ignore").decode())[0] == 403
    status, headers, text = get(server, server.address.partition(server.host)[2])
    assert status == 200 and "20 · &lt;Words&gt;" in text and "http" not in text
    assert headers["Content-Security-Policy"].startswith("default-src 'self';")
    assert headers["Referrer-Policy"] == "no-referrer", "the token stays here"
    assert get(server, "/panel.js")[0] == get(server, "/panel.css")[0] == get(server, "/page.js")[0] == 200
    for path in ("/panel.py", "/../widget.py", "/page.html", "/%2e%2e/demo/inputs.py"):
        assert get(server, path)[0] == 404


def test_it_listens_on_the_loopback_address_alone(server):
    port = int(server.host.rpartition(":")[2])
    open_here = [
        one.laddr
        for one in psutil.Process().net_connections("inet")
        if one.status == psutil.CONN_LISTEN and one.laddr.port == port
    ]
    assert [address.ip for address in open_here] == ["127.0.0.1"]


def talk(server, *messages, origin=None, token=None, expect=1):
    """Open a socket, send messages, and return what comes."""

    async def run():
        headers = {"Origin": origin or f"http://{server.host}"}
        url = f"ws://{server.host}/talk?token={server.token if token is None else token}"
        socket_ = await websocket.websocket_connect(httpclient.HTTPRequest(url, headers=headers))
        found = [json.loads(await socket_.read_message())]
        while "spec" not in found[-1]:
            found.append(json.loads(await socket_.read_message()))
        for message in messages:
            await socket_.write_message(message, binary=isinstance(message, bytes))
        for _ in range(expect):
            reply = await socket_.read_message()
            found.append(reply and json.loads(reply))
        socket_.close()
        return found

    return ioloop.IOLoop(make_current=False).run_sync(run, timeout=30)


def test_a_request_is_answered_over_the_socket(server):
    found = talk(server, json.dumps({"text": "a dog", "buffers": 0}), expect=3)
    assert found[-4]["spec"]["examples"] == ["a cat"]
    assert found[-3:] == [{"busy": True}, {"html": "<p>A DOG</p>"}, {"busy": False}]


def test_strangers_do_not_talk(server):
    for options in ({"token": ""}, {"token": "known"}, {"origin": "http://evil.example"}, {"origin": "null"}):
        with pytest.raises(httpclient.HTTPClientError) as caught:
            talk(server, **options)
        assert caught.value.code == 403


@pytest.mark.parametrize("message", ["{", "[]", "3", '{"buffers": "x"}', "[" * 100_000])
def test_what_is_no_request_closes_the_socket_and_the_next_is_answered(server, message, caplog):
    assert talk(server, message)[-1] is None
    assert talk(server, json.dumps({"text": "b"}), expect=3)[-2] == {"html": "<p>B</p>"}
    assert "Traceback" not in caplog.text and not caplog.records


def test_a_taken_port_is_one_line():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ServerError, match=rf"port {port} cannot be used .*leave out --port"):
            Server("a title", port=port)
