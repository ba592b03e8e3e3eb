"""bmkit: the helper package under an open course on building applications with large AI models.

Only the version lives here, so that ``import bmkit`` costs nothing; import what you need by module::

    from bmkit import data, plot, train
"""

__version__ = "0.1.0"
__all__ = ["__version__"]
