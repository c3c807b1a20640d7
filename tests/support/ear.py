"""How near a decoded sound is to the one that was coded, in figures.

Does:        the noise-to-mask ratio as in ITU-R BS.1387's model of the ear (2048-point spectra,
             quarters of a Bark, spread by level, smeared in time); level, bandwidth, image,
             pre-echo.
Never:       looks for a delay: the two sounds begin at the same sample.
"""

from __future__ import annotations

import itertools

import numpy as np

from support.sound import Array
from talas_stream.media import RATE

FRAME, HOP = 2048, 1024
FULL_SCALE = 92.0  # dB of sound pressure, of a sine
BARK = 0.25

_HERTZ = np.fft.rfftfreq(FRAME, 1 / RATE)
_EDGES = 650 * np.sinh(np.arange(7 * np.arcsinh(80 / 650), 7 * np.arcsinh(18_000 / 650), BARK) / 7)
_PLACES = np.searchsorted(_HERTZ, _EDGES)
_MIDDLES = 0.5 * (_EDGES[1:] + _EDGES[:-1])
_BANDS = _MIDDLES.size
_WINDOW = np.hanning(FRAME)
_SCALE = 10 ** (FULL_SCALE / 10) / (0.25 * _WINDOW.sum()) ** 2 / 4
_APART = BARK * (np.arange(_BANDS)[None, :] - np.arange(_BANDS)[:, None])  # to, of from


def _ear() -> Array:
    """Power that the outer and middle ear let through, by line."""
    k = np.maximum(_HERTZ, 20) / 1000
    decibels = -2.184 * k**-0.8 + 6.5 * np.exp(-0.6 * (k - 3.3) ** 2) - 1e-3 * k**3.6
    return np.asarray(10 ** (decibels / 10))


_EAR = _ear()
_INNER = 10 ** (0.1456 * (_MIDDLES / 1000) ** -0.8)  # the ear's own noise
_OFFSET = 10 ** (np.maximum(3.0, 0.25 * 7 * np.arcsinh(_MIDDLES / 650)) / 10)


def _spectra(sound: Array) -> Array:
    """Sizes of lines, by frame."""
    frames = np.lib.stride_tricks.sliding_window_view(sound, FRAME)[::HOP]
    return np.abs(np.fft.rfft(frames * _WINDOW))


def _by_band(powers: Array) -> Array:
    return np.add.reduceat(powers, _PLACES[:-1], axis=1)[:, :_BANDS] + 1e-12


def _masks(powers: Array) -> Array:
    """What noise the sound hides, by frame and band."""
    energy = _by_band(powers) + _INNER
    level = 10 * np.log10(energy)
    upper = np.maximum(24 + 230 / _MIDDLES - 0.2 * level, 4)
    spread = np.zeros_like(energy)
    norm = np.zeros(_BANDS)
    for band in range(_BANDS):
        far = _APART[band]
        fall = np.where(far < 0, 27 * far, -upper[:, band, None] * far)
        parts = 10 ** (0.1 * fall)
        spread += (energy[:, band, None] * parts / parts.sum(axis=1, keepdims=True)) ** 0.4
        flat = 10 ** (0.1 * np.where(far < 0, 27 * far, -24 * far))
        norm += (flat / flat.sum()) ** 0.4
    excited = (spread / norm) ** 2.5
    stays = np.exp(-HOP / RATE / (0.008 + 100 / _MIDDLES * 0.022))
    for before, now in itertools.pairwise(excited):
        np.maximum(now, stays * before, out=now)
    return excited / _OFFSET


def noise_to_mask(sound: Array, other: Array) -> float:
    """Mean over frames that sound, in dB; the channels' mean."""
    ratios = []
    for ours, theirs in zip(sound, other, strict=True):
        a, b = _spectra(ours), _spectra(theirs)
        noise = _by_band(_SCALE * _EAR * np.square(a - b))
        heard = np.square(a).sum(axis=1) > 1e-6
        ratio = (noise / _masks(_SCALE * _EAR * np.square(a))).mean(axis=1)
        if heard.any():
            ratios.append(ratio[heard].mean())
    return float(10 * np.log10(np.mean(ratios)))


def level(sound: Array, other: Array) -> float:
    """Of the other over the sound, in dB."""
    return float(10 * np.log10(np.square(other).sum() / np.square(sound).sum()))


def bandwidth(sound: Array) -> float:
    """Up to where it has what can be told from nothing, in kHz: 10 dB over what is above 21 kHz, as
    in BS.1387; the frames' mean."""
    both = _spectra(sound.mean(axis=0))
    both = both[np.square(both).sum(axis=1) > 1e-2]
    floor = both[:, _HERTZ > 21_600].max(axis=1, keepdims=True, initial=1e-4)
    over = both > 3.16 * floor
    last = np.where(over.any(axis=1), FRAME // 2 - np.argmax(over[:, ::-1], axis=1), 0)
    return float(last.mean() * RATE / FRAME / 1000)


def image(sound: Array, other: Array) -> float:
    """How far the ratio of the two channels' levels moves, in dB: mean over frames and bands of a
    Bark that sound."""

    def ratios(of: Array) -> tuple[Array, Array]:
        powers = [_by_band(np.square(_spectra(channel))) for channel in of]
        left, right = (p[:, : _BANDS // 4 * 4].reshape(len(p), -1, 4).sum(axis=2) for p in powers)
        return 10 * np.log10((left + 1e-7) / (right + 1e-7)), left + right

    (ours, loud), (theirs, _) = ratios(sound), ratios(other)
    counted = loud > 1e-5 * loud.max()
    apart = np.abs(np.clip(ours, -30, 30) - np.clip(theirs, -30, 30))
    return float(apart[counted].mean())


def pre_echo(sound: Array, other: Array) -> float:
    """Noise in the 10 ms before attacks, in dB of the attack's own power, and -60 at least, below
    which nobody hears any; not a number where the sound has no attack."""
    step = RATE // 400
    count = sound.shape[1] // step
    powers = np.square(sound[:, : count * step]).reshape(2, count, step).mean(axis=(0, 2))
    noises = np.square((other - sound)[:, : count * step]).reshape(2, count, step).mean(axis=(0, 2))
    found = [
        noises[at - 5 : at - 1].mean() / powers[at]
        for at in range(12, count)
        if powers[at] > 30 * powers[at - 12 : at].mean() and powers[at] > 1e-4
    ]
    return float(10 * np.log10(np.mean(found) + 1e-6)) if found else float("nan")
