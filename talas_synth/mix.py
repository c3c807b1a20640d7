"""Mixing: sounds placed in a stereo mix, echo, reverb, loudness, and the limiter at the end.

Does:        mix float32 samples at 48 kHz.
Never:       lets a sample past the ceiling.
Guarantees:  every function returns the same for the same input; none clicks at a border.
"""

from __future__ import annotations

import numpy as np

from talas_synth.sound import RATE, Samples

CEILING = 10 ** (-1.5 / 20)
"""Highest sample of a finished piece. Half a decibel under -1 dBFS: coding adds a little."""

_LIMIT_BLOCK = 240
_LOUDNESS_BLOCK = 1 << 14


def place(bus: Samples, at: int, sound: Samples, gain: float = 1.0, pan: float = 0.0) -> None:
    """Add `sound` to `bus` at sample `at`, cut where the bus ends.

    A mono sound on a stereo bus (2, n) is panned from -1 (left) to 1 (right) at constant power.
    """
    count = min(sound.shape[-1], bus.shape[-1] - at)
    if count <= 0:
        return
    if bus.ndim == sound.ndim:
        bus[..., at : at + count] += sound[..., :count] * np.float32(gain)
        return
    angle = (pan + 1) * np.pi / 4
    for channel, share in zip(bus, (np.cos(angle), np.sin(angle)), strict=True):
        channel[at : at + count] += sound[:count] * np.float32(gain * share)


def looped(loop: Samples, start: int, count: int) -> Samples:
    """`count` samples of `loop`, shape (2, n), from sample `start` on, round and round."""
    pieces = []
    while count > 0:
        piece = loop[:, start : start + count]
        pieces.append(piece)
        count -= piece.shape[1]
        start = 0
    return np.concatenate(pieces, axis=1)


def echo(dry: Samples, delay: int, feedback: float, level: float) -> Samples:
    """Repeats of a mono bus that go from side to side; shape (2, n), without the dry sound."""
    wet = np.zeros((2, dry.size), np.float32)
    gain = level
    for repeat in range(1, 6):
        shift = delay * repeat
        if shift >= dry.size:
            break
        near, far = (0, 1) if repeat % 2 else (1, 0)
        wet[near, shift:] += dry[:-shift] * np.float32(gain)
        wet[far, shift:] += dry[:-shift] * np.float32(gain * 0.3)
        gain *= feedback
    return wet


def reverb(send: Samples, rng: np.random.Generator) -> Samples:
    """The sound of a soft, dark hall around a mono bus of even length; shape (2, n), wet only.

    Worked out at half the rate: nothing over 6 kHz is left in it.
    """
    half = (send[::2] + send[1::2]) * np.float32(0.5)
    response = _hall(rng)
    size = _fast_length(half.size + response.shape[1])
    spectrum = np.fft.rfft(half, size) * np.fft.rfft(response, size, axis=1)
    wet = np.fft.irfft(spectrum, size, axis=1)[:, : half.size].astype(np.float32, copy=False)
    full = np.empty((2, send.size), np.float32)
    full[:, ::2] = wet
    full[:, 1:-1:2] = (wet[:, :-1] + wet[:, 1:]) * np.float32(0.5)
    full[:, -1] = wet[:, -1]
    return full


def _hall(rng: np.random.Generator) -> Samples:
    """Two decorrelated tails at half rate: the higher the band, the sooner it dies."""
    rate = RATE // 2
    t = np.arange(int(3.2 * rate), dtype=np.float32) / rate
    f = np.fft.rfftfreq(t.size, 1 / rate)
    tail = np.zeros((2, t.size), np.float32)
    for low, high, decay in ((110, 500, 0.52), (500, 1800, 0.42), (1800, 5200, 0.24)):
        noise = np.fft.rfft(rng.standard_normal((2, t.size), dtype=np.float32), axis=1)
        band = 1 / np.sqrt((1 + (low / (f + 1e-3)) ** 4) * (1 + (f / high) ** 4))
        part = np.fft.irfft(noise * band.astype(np.float32), t.size, axis=1)
        tail += (part * np.exp(-t / decay)).astype(np.float32)
    onset = np.clip((t - 0.014) / 0.03, 0, 1)
    last = np.clip((t[-1] - t) / 0.2, 0, 1)
    tail *= (onset * last).astype(np.float32)
    tail /= np.sqrt(np.sum(np.square(tail), axis=1, keepdims=True))
    return tail


def duck(length: int, kicks: list[int], depth: float) -> Samples:
    """A gain that dips by `depth` at each kick and comes back within a third of a second."""
    gain = np.ones(length, np.float32)
    t = np.arange(int(0.34 * RATE), dtype=np.float32) / RATE
    down = np.clip(t / 0.006, 0, 1)
    dip = 1 - depth * down * np.square(np.cos(np.clip(t / 0.34, 0, 1) * np.pi / 2))
    for at in kicks:
        part = gain[at : at + dip.size]
        np.minimum(part, dip[: part.size], out=part)
    return gain


def loudness(mix: Samples) -> float:
    """Programme loudness of (2, n) in LUFS, after ITU-R BS.1770, from every other 0.34 s."""
    blocks = mix.shape[1] // _LOUDNESS_BLOCK
    if not blocks:
        return -120.0
    cut = mix[:, : blocks * _LOUDNESS_BLOCK].reshape(2, blocks, _LOUDNESS_BLOCK)
    power = np.square(np.abs(np.fft.rfft(cut[:, ::2], axis=2))) * _weighting()
    means = power.sum(axis=(0, 2)) * (2 / _LOUDNESS_BLOCK**2)
    loud = means[means > 10 ** ((-70 + 0.691) / 10)]
    if not loud.size:
        return -120.0
    kept = loud[loud > loud.mean() / 10]
    return float(-0.691 + 10 * np.log10(kept.mean()))


def _weighting() -> Samples:
    """Power gain of the K filter at the bins of one block, from its two sections at 48 kHz."""
    z = np.exp(-2j * np.pi * np.fft.rfftfreq(_LOUDNESS_BLOCK))
    shelf = (1.53512485958697 - 2.69169618940638 * z + 1.19839281085285 * z**2) / (
        1 - 1.69065929318241 * z + 0.73248077421585 * z**2
    )
    highpass = (1 - 2 * z + z**2) / (1 - 1.99004745483398 * z + 0.99007225036621 * z**2)
    power: Samples = np.square(np.abs(shelf * highpass)).astype(np.float32)
    return power


def limit(mix: Samples, ceiling: float = CEILING) -> None:
    """Hold (2, n) under `ceiling`, in place: the gain starts to fall before the peak arrives and
    comes back slowly, on straight lines, so it neither clicks nor clips."""
    count = mix.shape[1]
    blocks = -(-count // _LIMIT_BLOCK)
    peaks = np.zeros(blocks * _LIMIT_BLOCK, np.float32)
    np.maximum(np.abs(mix[0]), np.abs(mix[1]), out=peaks[:count])
    wanted = np.minimum(1, ceiling / np.maximum(peaks.reshape(blocks, -1).max(axis=1), 1e-9))
    if wanted.min() >= 1:
        return
    held = np.concatenate(([1.0], wanted, [1.0]))
    edges = np.minimum(held[:-1], held[1:])
    for ahead in range(edges.size - 2, -1, -1):  # 5 ms a step: down within 20 ms
        edges[ahead] = min(edges[ahead], edges[ahead + 1] + 0.25)
    for after in range(1, edges.size):  # and back up over about a quarter of a second
        edges[after] = min(edges[after], edges[after - 1] + 0.02)
    ramp = np.arange(_LIMIT_BLOCK, dtype=np.float32) / _LIMIT_BLOCK
    slopes = edges.astype(np.float32)
    gain = slopes[:-1, None] + np.diff(slopes)[:, None] * ramp
    mix *= gain.reshape(-1)[:count]


def _fast_length(least: int) -> int:
    """The next length of the form 2^a, 3·2^a or 5·2^a, which the transform likes."""
    return min(
        factor << max(0, (-(-least // factor) - 1).bit_length()) for factor in (1, 3, 5, 9, 15)
    )
