"""The formulas of the course in plain NumPy: the one place where each is written, and what Keras is held against.

Axes are named once, here: ``n`` examples, ``classes``, ``height``, ``width``, ``channels`` (last), ``filters``. A
module lists its names in its own ``__all__``: a new formula needs no line here, a new module three.
"""

from bmkit.scratch import (
    activations,
    attention,
    backpropagation,
    bpe,
    calibration,
    convolution,
    evaluation,
    forecasting,
    initialization,
    language,
    losses,
    network,
    ngrams,
    normalization,
    optimizers,
    positions,
    preprocessing,
    recurrent,
    regularization,
    residual,
    sequences,
    spectrogram,
    summaries,
    transcription,
    transformer,
    validation,
    waveform,
)
from bmkit.scratch.activations import *
from bmkit.scratch.attention import *
from bmkit.scratch.backpropagation import *
from bmkit.scratch.bpe import *
from bmkit.scratch.calibration import *
from bmkit.scratch.convolution import *
from bmkit.scratch.evaluation import *
from bmkit.scratch.forecasting import *
from bmkit.scratch.initialization import *
from bmkit.scratch.language import *
from bmkit.scratch.losses import *
from bmkit.scratch.network import *
from bmkit.scratch.ngrams import *
from bmkit.scratch.normalization import *
from bmkit.scratch.optimizers import *
from bmkit.scratch.positions import *
from bmkit.scratch.preprocessing import *
from bmkit.scratch.recurrent import *
from bmkit.scratch.regularization import *
from bmkit.scratch.residual import *
from bmkit.scratch.sequences import *
from bmkit.scratch.spectrogram import *
from bmkit.scratch.summaries import *
from bmkit.scratch.transcription import *
from bmkit.scratch.transformer import *
from bmkit.scratch.validation import *
from bmkit.scratch.waveform import *

__all__ = [
    *activations.__all__,
    *attention.__all__,
    *backpropagation.__all__,
    *bpe.__all__,
    *calibration.__all__,
    *convolution.__all__,
    *evaluation.__all__,
    *forecasting.__all__,
    *initialization.__all__,
    *language.__all__,
    *losses.__all__,
    *network.__all__,
    *ngrams.__all__,
    *normalization.__all__,
    *optimizers.__all__,
    *positions.__all__,
    *preprocessing.__all__,
    *recurrent.__all__,
    *regularization.__all__,
    *residual.__all__,
    *sequences.__all__,
    *spectrogram.__all__,
    *summaries.__all__,
    *transcription.__all__,
    *transformer.__all__,
    *validation.__all__,
    *waveform.__all__,
]
