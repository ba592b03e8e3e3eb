"""Let the eSpeak NG library speak words: a program of its own, so that a fault in it cannot stop the caller.

Started as `python speak.py LIBRARY` in a folder that holds `espeak-ng-data`; needs the standard library alone. It
takes a JSON list of `[voice, word, pitch, speed]` from standard input and writes `clips.raw` (16-bit samples, one clip
after the other), then `clips.json` (sampling rate and length of each clip). It ends with 0 if all went well, else it
says why in one line.
"""

import array
import ctypes
import json
import sys
from pathlib import Path

__all__ = ["main", "speak"]

SYNCHRONOUS, DO_NOT_EXIT, CHARACTERS, UTF_8 = 2, 0x8000, 1, 1  # of espeak-ng/speak_lib.h
SPEED, VOLUME, PITCH = 1, 2, 3
CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


def speak(library: ctypes.CDLL, jobs: list) -> tuple[int, list]:
    """Speak each word.

    Args:
        library: the loaded library; the working folder holds its data.
        jobs: `[voice, word, pitch, speed]` each: "en-us+f1", the word, 0 to 100 around 50, words per minute.

    Returns:
        The sampling rate in Hz, and one array of 16-bit samples per job.

    Raises:
        OSError: the library does not find its data, or refuses a voice.

    Reference:
        eSpeak NG, speak_lib.h, https://github.com/espeak-ng/espeak-ng/blob/master/src/include/espeak-ng/speak_lib.h
    """
    rate = library.espeak_Initialize(SYNCHRONOUS, 0, b".", DO_NOT_EXIT)  # a long path would not fit its buffer
    if rate <= 0:
        raise OSError("eSpeak NG does not find its data")
    clips: list[array.array] = []

    def receive(samples: object, count: int, _: object) -> int:
        if count > 0:
            clips[-1].frombytes(ctypes.string_at(samples, 2 * count))
        return 0

    callback = CALLBACK(receive)
    library.espeak_SetSynthCallback(callback)
    for voice, word, pitch, speed in jobs:
        if library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise OSError(f"eSpeak NG refuses the voice {voice!r}")
        library.espeak_SetParameter(VOLUME, 50, 0)  # at 100, the usual, loud voices are clipped
        library.espeak_SetParameter(PITCH, pitch, 0)
        library.espeak_SetParameter(SPEED, speed, 0)
        clips.append(array.array("h"))
        text = word.encode() + b"\0"
        size = ctypes.c_size_t(len(text))
        if library.espeak_Synth(text, size, 0, CHARACTERS, 0, UTF_8, None, None) != 0 or not clips[-1]:
            raise OSError(f"eSpeak NG does not say {word!r} as {voice!r}")
    return rate, clips


def main() -> int:
    """Read the jobs, speak, and write the clips into the working folder.

    Returns:
        0, or 3 if the library cannot be loaded or used.

    Reference:
        Python documentation, ctypes, https://docs.python.org/3/library/ctypes.html
    """
    try:
        rate, clips = speak(ctypes.CDLL(str(Path(sys.argv[1]).absolute())), json.load(sys.stdin))
    except (OSError, AttributeError) as error:
        print(error, file=sys.stderr)
        return 3
    Path("clips.raw").write_bytes(b"".join(clip.tobytes() for clip in clips))
    Path("clips.json").write_text(json.dumps({"rate": rate, "lengths": [len(clip) for clip in clips]}), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
