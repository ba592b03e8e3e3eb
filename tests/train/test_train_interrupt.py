"""A real Ctrl-C waits for the end of the batch; a second one does not; neither hides an error nor leaves a mess."""

import gc
import os
import signal
import warnings
from pathlib import Path

import pytest
from test_train import X, Y, compiled

from bmkit import train
from bmkit.backend import keras

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt", reason="Windows has no such signal"),
]


def test_after_a_real_ctrl_c_no_file_stays_open(tmp_path):
    class Presses(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            os.kill(os.getpid(), signal.SIGINT)

    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        history = train.fit(compiled(), (X, Y), epochs=9, resume=tmp_path / "run", callbacks=[Presses()])
        gc.collect()
    assert len(history["loss"]) == 1
    if (handles := Path("/proc/self/fd")).is_dir():
        assert not [one for one in handles.iterdir() if str(tmp_path) in os.path.realpath(one)]


class Impatient(keras.callbacks.Callback):
    """Presses Ctrl-C so many times before the third epoch; what comes of the last one is another error or nothing."""

    def __init__(self, times, becomes=None):
        super().__init__()
        self.times, self.becomes, self.reached = times, becomes, False

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 2:
            try:
                for _ in range(self.times):
                    os.kill(os.getpid(), signal.SIGINT)
                    signal.pthread_sigmask(signal.SIG_BLOCK, [])  # let it come in
                self.reached = True
            except KeyboardInterrupt:
                if self.becomes:
                    raise self.becomes from None


@pytest.mark.parametrize("becomes", [TypeError("as TensorFlow's own code may say"), None], ids=["another", "nothing"])
def test_ctrl_c_waits_for_the_batch_and_a_second_one_does_not(becomes):
    before = signal.getsignal(signal.SIGINT)
    for times in (1, 2):
        presses = Impatient(times, becomes)
        assert len(train.fit(compiled(), (X, Y), epochs=9, callbacks=[presses])["loss"]) == 2
        assert presses.reached == (times == 1)
        assert signal.getsignal(signal.SIGINT) is before


def test_ctrl_c_hides_no_error():
    class Fails(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            os.kill(os.getpid(), signal.SIGINT)
            raise ValueError("a fault of the learner's own")

    with pytest.raises(ValueError, match="a fault of the learner's own"):
        train.fit(compiled(), (X, Y), epochs=9, callbacks=[Fails()])


def test_ctrl_c_in_the_last_moment_does_not_make_a_whole_training_a_broken_one(tmp_path):
    class Late(keras.callbacks.Callback):
        def on_train_end(self, logs=None):
            os.kill(os.getpid(), signal.SIGINT)

    assert len(train.fit(compiled(), (X, Y), epochs=2, resume=tmp_path / "run", callbacks=[Late()])["loss"]) == 2
    assert os.listdir(tmp_path) == []
