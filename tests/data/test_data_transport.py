"""What pip says and does becomes one sentence, and a computer is reached or not, within seconds."""

import collections
import contextlib
import dataclasses
import errno
import os
import queue
import socket
import subprocess
import sys
import threading
import time

import pytest

from bmkit import data
from bmkit.data import transport
from bmkit.data.entries import Parcel

TINY = Parcel(name="tiny", version="1.0", file="tiny-1.0-py3-none-any.whl", sha256="a" * 64, bytes=1000, licence="")
ADVICE = (
    "; without a network, connect to one once and run `python3 -m bmkit data fetch`; behind a mirror or a proxy, "
    "set pip up for it first."
)


def lines_of(*lines):
    """Make a queue as that of a running pip."""
    made = queue.Queue()
    for line in lines:
        made.put(line)
    return made


def watch(folder, *lines, parcel=TINY):
    seen, heard = [], collections.deque()
    transport._watch(parcel, folder, lambda *pair: seen.append(pair), lines_of(*lines), heard)
    return seen, list(heard)


def test_progress_is_passed_on_and_the_rest_is_heard(tmp_path):
    said = ("Collecting tiny\n", "\n", "Progress 0 of 1000\n", "Progress 1000 of 1000\n", " Saved it \n", None, "more")
    assert watch(tmp_path, *said) == ([(0, 1000), (1000, 1000)], ["Collecting tiny", "Saved it"])
    assert watch(tmp_path, "Progress 5 of many\n", "So Progress 5 of 6\n", None)[0] == []
    assert watch(tmp_path, "Progress 5 of 0\n", None)[0] == [(5, 0)]  # the server did not say how much there is


OFFERED = (
    "more than the 1,000 bytes of tiny 1.0 were offered, so it is not the expected file; it was thrown away. Try "
    "again; if you changed data/parcels, take it back with `git checkout data/parcels`; else your package mirror "
    "serves something else: tell its keeper."
)


@pytest.mark.parametrize("line", ["Progress 1001 of 0", "Progress 0 of 1001", "Progress 1001 of 1000"])
def test_more_bytes_than_expected_are_refused(tmp_path, line):
    with pytest.raises(data.DataError) as caught:
        watch(tmp_path, line, None)
    assert str(caught.value) == OFFERED


def test_a_file_that_grows_too_large_is_refused(tmp_path):
    (tmp_path / "pip-unpack-x").mkdir()
    file = tmp_path / "pip-unpack-x" / "tiny.whl"
    file.write_bytes(bytes(1000 + 2**16))
    assert watch(tmp_path, "Downloading", None) == ([], ["Downloading"])
    file.write_bytes(bytes(1001 + 2**16))
    with pytest.raises(data.DataError, match=r"^more than the 1,000 bytes"):
        watch(tmp_path, "Downloading", None)


def test_the_largest_file_below_a_folder_is_found(tmp_path):
    assert transport._largest(tmp_path) == 0 == transport._largest(tmp_path / "no")
    (tmp_path / "a" / "b").mkdir(parents=True)
    for name, size in (("one", 5), ("a/two", 9), ("a/b/three", 7)):
        (tmp_path / name).write_bytes(bytes(size))
    (tmp_path / "a" / "link").symlink_to(__file__)
    assert transport._largest(tmp_path) in (9, os.lstat(tmp_path / "a" / "link").st_size)


def test_without_growth_the_window_closes(tmp_path, monkeypatch):
    monkeypatch.setattr(transport, "WINDOW", 0.5)
    with pytest.raises(data.DataError) as caught:
        watch(tmp_path, "Collecting tiny")
    told = "tiny 1.0 could not be fetched: nothing came any more for 0.5 seconds"
    assert str(caught.value) == told + ADVICE


def test_with_growth_the_window_stays_open(tmp_path, monkeypatch):
    monkeypatch.setattr(transport, "WINDOW", 1.5)
    grown = lines_of()
    timers = [threading.Timer(0.7 * n, lambda n=n: (tmp_path / "tiny.whl").write_bytes(bytes(n))) for n in (1, 2, 3)]
    for timer in [*timers, threading.Timer(2.8, lambda: grown.put(None))]:
        timer.start()
    transport._watch(TINY, tmp_path, print, grown, collections.deque())


def test_what_pip_tells_keeps_the_window_open_too(tmp_path, monkeypatch):
    monkeypatch.setattr(transport, "WINDOW", 1.5)
    told = lines_of()
    timers = [threading.Timer(0.7 * n, told.put, [f"Progress {n} of 1000"]) for n in (1, 2, 3)]
    for timer in [*timers, threading.Timer(2.8, told.put, [None])]:
        timer.start()
    transport._watch(TINY, tmp_path, lambda *_: None, told, collections.deque())


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["MemoryError"], "the package index answered with more than pip can take in"),
        (["× Download failed", "error: incomplete-download"], "the connection broke, or fell silent"),
        (["IncompleteRead(5 bytes read)"], "the connection broke, or fell silent"),
        (["ConnectionResetError(104)"], "the connection broke, or fell silent"),
        (["Connection broken: x"], "the connection broke, or fell silent"),
        (["ProxyError('x')"], "the package index cannot be reached"),
        (["NewConnectionError"], "the package index cannot be reached"),
        (["Max retries exceeded"], "the package index cannot be reached"),
        (["Temporary failure in name resolution"], "the package index cannot be reached"),
        (["SSLError(1)"], "the package index cannot be reached"),
        (
            ["ERROR: Could not find a version … (from versions: none)", "ERROR: No matching distribution found"],
            "the package index did not answer, or does not have it",
        ),
        (
            ["ERROR: Could not find a version … (from versions: 2)", "ERROR: No matching distribution found"],
            "the package index has other versions of it only",
        ),
        (["ERROR: one", "ERROR: two", "hint: try --this"], "pip ended with 'ERROR: two'"),
        (["one", "two"], "pip ended with 'two'"),
        (["ERROR: " + "x" * 400], f"pip ended with 'ERROR: {'x' * 293}'"),
        ([], "pip ended with 'it said nothing'"),
    ],
)
def test_what_pip_says_becomes_one_sentence(lines, message):
    with pytest.raises(data.DataError) as caught:
        transport._explain(TINY, lines)
    assert str(caught.value) == f"tiny 1.0 could not be fetched: {message}{ADVICE}"


def test_a_wrong_hash_is_told_in_the_kits_words():
    with pytest.raises(data.DataError) as caught:
        transport._explain(TINY, ["Expected sha256 " + "a" * 64, "     Got        " + "b" * 64])
    assert str(caught.value) == (
        f"the file received for tiny 1.0 is not the expected one: its SHA-256 is {'b' * 64}, expected {'a' * 64}; "
        + OFFERED.split("; ", 1)[1]
    )


@pytest.mark.parametrize("line", ["ERROR: [Errno 28] whatever", "No space left on device"])
def test_a_full_disk_told_by_pip_is_one(line):
    with pytest.raises(OSError, match="No space left") as caught:
        transport._explain(TINY, ["Collecting tiny", line])
    assert caught.value.errno == errno.ENOSPC


def test_the_command_asks_for_the_hash_and_for_no_patience(tmp_path):
    command = transport._command(TINY, tmp_path)
    assert (tmp_path / "wanted.txt").read_text() == f"tiny==1.0 --hash=sha256:{'a' * 64}\n"
    assert command[:4] == [sys.executable, "-m", "pip", "download"] and command[-1] == str(tmp_path / "wanted.txt")
    said = " ".join(command)
    for option in ("--no-deps", "--only-binary=:all:", "--no-input", "--no-cache-dir", "--progress-bar raw"):
        assert option in said
    of_all = ("--implementation py --abi none", "--platform any")
    for option in (*of_all, "--retries 0 --timeout 10 --require-hashes"):
        assert option in said
    assert f"-d {tmp_path} -r" in said and "--disable-pip-version-check" in said
    other = dataclasses.replace(TINY, file="tiny-1.0-py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl")
    assert "--platform manylinux_2_17_x86_64 " in " ".join(transport._command(other, tmp_path))


def pip_is(monkeypatch, code):
    """Let other code stand for pip."""
    monkeypatch.setattr(transport, "_index", lambda: "")
    monkeypatch.setattr(transport, "_command", lambda parcel, folder: [sys.executable, "-c", code])


def test_pip_works_in_the_folder_and_ends_well(tmp_path, monkeypatch):
    told = "TMPDIR", "TEMP", "TMP", "PYTHONUNBUFFERED", "PIP_RESUME_RETRIES"
    code = f"import os, sys; print(*[os.environ[name] for name in {told}], sys.stdin.read(), sep='|', file=sys.stderr)"
    pip_is(monkeypatch, code + "; print('Progress 5 of 10'); raise SystemExit(3)")
    monkeypatch.setattr(transport, "_explain", lambda parcel, lines: seen.append(lines))
    seen = []
    transport.download(TINY, tmp_path, lambda *pair: seen.append(pair))
    assert seen == [(5, 10), [f"{tmp_path}|{tmp_path}|{tmp_path}|1|0|"]]
    pip_is(monkeypatch, "print('Saved')")
    transport.download(TINY, tmp_path, None)
    assert len(seen) == 2


def test_signs_that_cannot_be_read_stop_nothing(tmp_path, monkeypatch):
    pip_is(monkeypatch, r"import sys; sys.stdout.buffer.write(b'caf\xe9\n'); raise SystemExit(1)")
    seen = []
    monkeypatch.setattr(transport, "_explain", lambda parcel, lines: seen.extend(lines))
    transport.download(TINY, tmp_path, None)
    assert seen == ["caf\ufffd"]


def test_a_flood_of_words_stays_bounded(tmp_path, monkeypatch):
    pip_is(monkeypatch, "print('x' * 10_000_000); [print(n) for n in range(5000)]; raise SystemExit(1)")
    seen = []
    monkeypatch.setattr(transport, "_explain", lambda parcel, lines: seen.extend(lines))
    transport.download(TINY, tmp_path, None)
    assert len(seen) == 200 and seen[-1] == "4999"


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_pip_does_not_go_on_behind_our_back(tmp_path, monkeypatch, error):
    code = f"import os, time; open({str(tmp_path / 'number')!r}, 'w').write(str(os.getpid()))\n"
    pip_is(monkeypatch, code + "while True: print('Progress 5 of 10', flush=True)")

    def stop(*_):
        raise error

    with pytest.raises(error):
        transport.download(TINY, tmp_path, stop)
    if os.name == "posix":
        with pytest.raises(ProcessLookupError):
            os.kill(int((tmp_path / "number").read_text()), 0)
    assert threading.active_count() < 20


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere time alone bounds what pip takes in")
def test_pips_memory_is_bounded(tmp_path, monkeypatch):
    code = "import time; time.sleep(0.5); print(len(bytes(2**{})))"
    monkeypatch.setattr(transport, "_explain", lambda parcel, lines: seen.extend(lines))
    for power, last in ((20, "1048576"), (31, "MemoryError")):
        seen = []
        pip_is(monkeypatch, code.format(power) + "; raise SystemExit(1)")
        transport.download(TINY, tmp_path, None)
        assert seen[-1] == last


def test_an_index_that_cannot_be_reached_is_known_before_pip_runs(tmp_path, monkeypatch):
    asked = []
    pip_is(monkeypatch, "raise SystemExit('never')")
    monkeypatch.setattr(transport, "_index", lambda: "https://example.org/simple/")
    monkeypatch.setattr(transport, "reaches", asked.append)
    with pytest.raises(data.DataError) as caught:
        transport.download(TINY, tmp_path, None)
    assert str(caught.value) == f"tiny 1.0 could not be fetched: the package index cannot be reached{ADVICE}"
    assert asked == ["https://example.org/simple/tiny/"]


@pytest.mark.parametrize(
    ("settings", "index"),
    [
        ("", "https://pypi.org/simple"),
        ("[global]\nindex-url = https://a.org/simple", "https://a.org/simple"),
        ("[download]\nindex-url = http://a.org/simple", "http://a.org/simple"),
        ("[install]\nindex-url = https://a.org/simple", "https://pypi.org/simple"),
        ("[global]\nindex-url = file:///a", ""),
        ("[global]\nno-index = true", ""),
        ("[global]\nfind-links = /a", ""),
        ("[global]\nextra-index-url = https://a.org/simple", ""),
        ("[global]\nproxy = http://a.org", ""),
        ("[global]\nproxy", "https://pypi.org/simple"),  # a file that pip cannot read is pip's to complain of
    ],
)
def test_pip_is_asked_which_index_it_will_use(tmp_path, monkeypatch, settings, index):
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    (tmp_path / "pip.conf").write_text(settings)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    monkeypatch.setattr(transport, "SILENCE", 60)
    assert transport._index() == index


@pytest.mark.skipif(os.name == "nt", reason="a program of text needs its first line")
def test_settings_that_cannot_be_read_whole_are_read_in_part(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\nprintf \"global.user='caf\\351'\\nglobal.index-url='https://a.org/simple'\\n\"\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    assert transport._index() == "https://a.org/simple"


def test_the_environment_names_the_index_whatever_the_file_says(tmp_path, monkeypatch):
    (tmp_path / "pip.conf").write_text("[global]\nindex-url = https://a.org/simple")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    for name in ("PIP_NO_INDEX", "PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "PIP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_INDEX_URL", "https://b.org/simple")
    monkeypatch.setattr(transport, "SILENCE", 60)
    assert transport._index() == "https://b.org/simple"
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    assert transport._index() == ""
    monkeypatch.setattr(transport, "SILENCE", 0.001)
    assert transport._index() == "", "a pip that does not answer is not waited for"


@pytest.fixture
def alone(monkeypatch):
    """No proxy of this computer's."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def served_by(handle):
    """Listen on this computer and let a function answer the first connection."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve():
        with listening, contextlib.suppress(OSError):
            connection, _ = listening.accept()
            with connection:
                handle(connection)

    threading.Thread(target=serve, daemon=True).start()
    return listening.getsockname()[1]


def answering(text):
    return lambda connection: (connection.recv(1000), connection.sendall(text.encode()))


@pytest.mark.parametrize(
    "handle",
    [
        answering("HTTP/1.0 200 OK\r\n\r\n"),
        answering("HTTP/1.0 404 No\r\n\r\n"),
        answering("HTTP/1.0 302 Away\r\nLocation: http://127.0.0.1:9/\r\n\r\n"),
        answering("nonsense\r\n\r\n"),
        answering(""),
        lambda connection: connection.recv(1000) and time.sleep(1),
    ],
)
def test_whoever_takes_the_connection_is_reached_whatever_is_said(alone, monkeypatch, handle):
    monkeypatch.setattr(transport, "PATIENCE", 1)
    port = served_by(handle)
    assert transport.reaches(f"http://127.0.0.1:{port}/simple/")


def test_another_certificate_is_a_connection(alone):
    port = served_by(answering("no secrets here"))
    assert transport.reaches(f"127.0.0.1:{port}")  # without a scheme it is https


def test_nobody_at_a_port_is_not_reached(alone):
    assert not transport.reaches("http://127.0.0.1:9/") and not transport.reaches("127.0.0.1:9")
    assert transport.reaches("")


def test_a_dead_proxy_and_one_that_refuses_are_not_reached(alone, monkeypatch):
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    assert not transport.reaches("example.invalid")
    port = served_by(answering("HTTP/1.0 403 Forbidden\r\n\r\n"))
    monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{port}")
    assert not transport.reaches("example.invalid")


def test_a_name_that_is_looked_up_for_ever_is_not_waited_for(alone, monkeypatch):
    monkeypatch.setattr(transport, "PATIENCE", 0.3)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(3) or [])
    start = time.monotonic()
    assert not transport.reaches("example.invalid") and time.monotonic() - start < 2


def test_a_name_that_is_looked_up_for_ever_keeps_no_process_alive():
    code = (
        "import socket, time; from bmkit.data import transport; transport.PATIENCE = 0.3\n"
        "socket.getaddrinfo = lambda *_, **__: time.sleep(60)\n"
        "print(transport.reaches('example.invalid'))"
    )
    start = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout == "False\n", done.stderr
    assert time.monotonic() - start < 50
