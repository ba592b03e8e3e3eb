"""The panel in a notebook: the page's script in a widget, and messages between both."""

from typing import Any

import anywidget
import traitlets

from bmkit.demo.panel import FOLDER, Panel

__all__ = ["PanelWidget"]


class PanelWidget(anywidget.AnyWidget):
    """A panel that JupyterLab, and whatever else shows ipywidgets, can display.

    Attributes:
        spec: what the page has to know of the panel.

    Reference:
        anywidget, https://anywidget.dev/
    """

    _esm = FOLDER / "panel.js"
    _css = FOLDER / "panel.css"
    spec = traitlets.Dict().tag(sync=True)

    def __init__(self, panel: Panel, **options: Any):
        super().__init__(spec=panel.spec, **options)
        self.on_msg(lambda _, request, buffers: panel.reply(request, buffers, self.send))
