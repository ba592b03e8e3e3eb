"""A home folder and variables as careless users have them: each line would spoil the course if the kit obeyed it."""

import json
import os
from pathlib import Path

PORT = 9555
SETTINGS = ("JUPYTER", "IPYTHON", "KERAS_", "MPL", "MATPLOTLIB")  # variables that the kit's own test run may have set
FILES = {
    ".keras/keras.json": json.dumps(
        {"backend": "torch", "floatx": "float16", "epsilon": 0.1, "image_data_format": "channels_first"}
    ),
    ".jupyter/jupyter_server_config.py": (
        f"c.NotebookApp.port = {PORT}\nc.NotebookApp.ip = '127.0.0.2'\nc.NotebookApp.allow_remote_access = True\n"
        "c.ServerApp.root_dir = '/'\nc.ServerApp.allow_origin = '*'\nc.ServerApp.base_url = '/elsewhere/'\n"
    ),
    ".jupyter/jupyter_server_config.json": json.dumps(
        {
            "ServerApp": {"disable_check_xsrf": True, "allow_origin": "*", "jpserver_extensions": {"nonsense": True}},
            "IdentityProvider": {"token": "", "hashed_password": "argon2:$argon2id$v=19$m=10240,t=10,p=8$YQ$YQ"},
        }
    ),
    ".jupyter/jupyter_lab_config.py": "raise SystemExit('the configuration of JupyterLab was read')\n",
    ".ipython/profile_default/startup/00.py": (
        "import matplotlib.pyplot\nmatplotlib.pyplot.style.use('dark_background')\nprint('startup file')\n"
    ),
    ".ipython/profile_default/ipython_kernel_config.py": "c.InteractiveShellApp.exec_lines = ['1 / 0']\n",
    ".config/matplotlib/matplotlibrc": "text.color: white\naxes.labelcolor: white\nsavefig.transparent: True\n",
    ".local/share/jupyter/kernels/python3/kernel.json": json.dumps(
        {"argv": ["false"], "display_name": "Python 3", "language": "python"}
    ),
}


def home(folder: Path) -> Path:
    """Fill a folder with such files and return it."""
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def variables(folder: Path, **more: str) -> dict[str, str]:
    """Return this process's variables with such a home and with what users set in a shell's profile.

    The data stay those of this machine.
    """
    from bmkit.data import cache

    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(SETTINGS)},
        "BMKIT_CACHE": str(cache.cache_folder()),
        "HOME": str(folder),
        "USERPROFILE": str(folder),
        "XDG_CONFIG_HOME": str(folder / ".config"),
        "JUPYTER_CONFIG_PATH": str(folder / ".jupyter"),
        "JUPYTER_PATH": str(folder / ".local" / "share" / "jupyter"),
        "JUPYTER_PORT": str(PORT),
        "JUPYTER_PREFER_ENV_PATH": "0",
        "JUPYTER_TOKEN": "known-to-everybody",
        "KERAS_BACKEND": "theano",
        "KERAS_MAX_EPOCHS": "1",
        "MATPLOTLIBRC": str(folder / ".config" / "matplotlib" / "matplotlibrc"),
        "MPLBACKEND": "TkAgg",
        **more,
    }


def enter(monkeypatch, folder: Path, **more: str) -> None:
    """Give this process such variables, and none of those that the kit sets for its children."""
    for name in [name for name in os.environ if name.startswith(SETTINGS)]:
        monkeypatch.delenv(name)
    for name, value in variables(folder, **more).items():
        monkeypatch.setenv(name, value)
