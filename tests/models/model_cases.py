"""The models of the contract: tiny configurations of every builder, found beside this file, and examples that fit."""

import importlib
from pathlib import Path

import numpy as np

VOCABULARY = 7


# From the file of each family, `cases_NAME.py`: (case, builder, arguments, parameters by the formulas).
CASES = [
    case
    for path in sorted(Path(__file__).parent.glob("cases_*.py"))
    for case in importlib.import_module(path.stem).CASES
]
PER_TOKEN = {"rnn_encoder_decoder", "transformer", "bert", "bert_masked_lm", "gpt"}


def examples(model, count=8, time=6, seed=0):
    """Draw inputs that fit a model (tokens are never 0: that is filling) and answers that can be learned.

    Of several inputs the first result is a list. A model that answers each token is asked for the sum of that token
    and the first one it saw.
    """
    random, inputs = np.random.default_rng(seed), []
    for given in model.inputs:
        shape = (count, *(side or time for side in given.shape[1:]))
        tokens = given.dtype == "int32"
        end = time if given.name == "places" else VOCABULARY
        inputs.append(random.integers(1, end, shape) if tokens else random.normal(size=shape).astype("float32"))
    classes = model.output_shape[-1]
    answers = np.arange(count) % classes
    if len(model.output_shape) == 3:
        answers = (inputs[-1] + inputs[0][:, :1]) % classes
    return inputs if len(inputs) > 1 else inputs[0], answers
