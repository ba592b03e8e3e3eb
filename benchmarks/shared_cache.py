"""Learners on one read-only cache, as in a computer room: each loads data sets and a pretrained model, all at once.

    python3 benchmarks/shared_cache.py                      ten learners, every set, minilm
    python3 benchmarks/shared_cache.py digits wine --learners 3 --model gpt_docstrings

Linux, as root: each learner is a login of its own (no name, no home of the system's, no rights on the cache), and the
cache is mounted read-only. The mounts are seen by these processes alone and go with them.
"""

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FIRST = 20_001  # number of the first login
LIMIT = 1800  # seconds after which a learner is given up

LEARNER = """
import json, os, pathlib, sys
from bmkit import data, pretrained
model, names = sys.argv[1], sys.argv[2:]
counts = {}
for name in names:
    loaded = data.load(name)
    counts[name] = {split: len(loaded.arrays(split)[1]) for split in ("train", "validation", "test")}
parameters = pretrained.load(model).model.count_params()
right = counts == {name: data.describe(name).rows for name in names} and parameters == data.weights()[model].parameters
try:
    pathlib.Path(os.environ["BMKIT_CACHE"], "mine").touch()
    denied = False
except OSError:
    denied = True
print(json.dumps({"login": os.getuid(), "rows right": right, "sets": len(counts), "write denied": denied}))
"""


def mounts(cache: Path, folder: Path) -> str:
    """Write the shell lines that mount the cache read-only and open the way to this Python to every login."""
    lines = [f"mount --bind {shlex.quote(str(cache))} {folder}/cache", f"mount -o remount,ro,bind {folder}/cache"]
    python = Path(sys.base_prefix)
    hidden = [parent for parent in reversed(python.parents) if not parent.stat().st_mode & 0o001]
    if hidden:  # a Python in somebody's home: in its place comes an empty folder with nothing but that Python in it
        quoted = shlex.quote(str(python))
        lines += [f"mount --bind {quoted} {folder}/python", f"mount -t tmpfs -o mode=755 none {hidden[0]}"]
        lines += [f"mkdir -p {quoted}", f"mount --bind {folder}/python {quoted}"]
    return "\n".join(lines)


def start(number: int, folder: Path, model: str, names: list[str]) -> subprocess.Popen:
    """Start a learner with a home, an environment and a login of their own."""
    home = folder / f"home{number}"
    home.mkdir(mode=0o700)
    os.chown(home, FIRST + number, FIRST + number)
    environment = {"HOME": str(home), "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    login = {"user": FIRST + number, "group": FIRST + number, "extra_groups": [], "cwd": home}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    command = [sys.executable, "-c", LEARNER, model, *names]
    return subprocess.Popen(command, env=environment | {"BMKIT_CACHE": f"{folder}/cache"}, **login, **pipes)


def inside(folder: Path, learners: int, model: str, names: list[str]) -> int:
    """Run all learners at once, where the mounts are seen, and tell what each saw; the result is how many failed."""
    begun, failed = time.monotonic(), 0
    for one in [start(number, folder, model, names) for number in range(learners)]:
        output, errors = one.communicate(timeout=LIMIT)
        told = json.loads(output) if one.returncode == 0 else {}
        right = told.get("rows right") and told.get("write denied") and told.get("sets") == len(names) and not errors
        failed += not right
        print(output.strip() or f"exit code {one.returncode}", errors.strip()[-1500:], flush=True)
    print(f"{learners - failed} of {learners} learners loaded {len(names)} sets and {model}, "
          f"{time.monotonic() - begun:.0f} s in all")  # fmt: skip
    return failed


def main() -> int:
    """Fetch what is wanted, mount, and run the learners in a mount namespace of their own."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sets", nargs="*", help="names of data sets; all that need no other host by default")
    parser.add_argument("--learners", type=int, default=10)
    parser.add_argument("--model", default="minilm")
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.inside:
        return inside(wanted.inside, wanted.learners, wanted.model, wanted.sets)
    from bmkit import data
    from bmkit.data.cache import cache_folder
    from bmkit.data.manifest import entry

    names = wanted.sets or [name for name in data.names() if entry(name).recipe.source != "tfds"]
    data.fetch([*names, wanted.model])
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        folder.chmod(0o755)
        for name in ("cache", "python"):
            (folder / name).mkdir()
        options = ["--inside", made, "--learners", str(wanted.learners), "--model", wanted.model]
        again = shlex.join([sys.executable, __file__, *options, *names])
        script = f"set -e\n{mounts(cache_folder(), folder)}\nexec {again}"
        command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script]
        return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
