"""Decoding by hand: exact lengths, silence for what is broken, and PyAV's traps."""

import subprocess
import sys
import textwrap

import av
import numpy as np
import pytest

from support.sound import coded, programme, surround
from talas_stream import kernels
from talas_stream.codec.stages import decode
from talas_stream.codec.stages.decode import Decoder
from talas_stream.ingest.reader import SourceReader
from talas_stream.media import RATE, SILENT, Codec, Format, Frame, SourceCodec


def frames_of(coding: str, seconds: float = 1.0, rate: int = 48_000) -> list[Frame]:
    reader = SourceReader(kernels.select("off"))
    data = coded(programme(seconds, rate), coding, rate)
    return reader.feed(data) + reader.flush()


@pytest.mark.parametrize("coding", ["mp3", "aac", "opus"])
def test_every_frame_yields_what_its_header_promised(coding: str) -> None:
    frames = frames_of(coding)
    decoder = Decoder(frames[0].format)
    lengths = [decoder.decode(frame).shape for frame in frames]
    skip = frames[0].format.pre_skip
    assert sum(n for _, n in lengths) == sum(frame.samples for frame in frames) - skip
    assert {channels for channels, _ in lengths} == {2}
    assert decoder.errors == 0


@pytest.mark.parametrize("coding", ["mp3", "aac", "opus"])
def test_a_broken_frame_is_silence_of_its_length_and_counted(coding: str) -> None:
    frames = frames_of(coding)
    decoder = Decoder(frames[0].format)
    for frame in frames[:5]:
        decoder.decode(frame)
    # Opus takes any payload but the malformed ones: code 3 with no frame count.
    rubbish = b"\xff" if coding == "opus" else b"\x00" * 50
    broken = Frame(rubbish, frames[0].format, frames[5].samples)
    samples = decoder.decode(broken)
    assert samples.shape == (2, frames[5].samples)
    assert not samples.any()
    assert decoder.errors == 1
    assert decoder.decode(frames[6]).any()


def test_an_empty_frame_does_not_drain_the_decoder() -> None:
    frames = frames_of("aac")
    decoder = Decoder(frames[0].format)
    decoder.decode(frames[0])
    assert not decoder.decode(Frame(b"", frames[0].format, 1024)).any()
    assert decoder.decode(frames[1]).shape == (2, 1024)
    assert decoder.decode(frames[2]).any()


def test_wild_samples_are_clipped() -> None:
    """Corrupt AAC decodes to samples far over full scale; none may go on."""
    frames = frames_of("aac", 2.0)
    rng = np.random.default_rng(7)
    decoder = Decoder(frames[0].format)
    for frame in frames:
        payload = bytearray(frame.payload)
        for place in rng.integers(7, len(payload), 12):
            payload[place] = int(rng.integers(256))
        samples = decoder.decode(Frame(bytes(payload), frame.format, frame.samples))
        assert samples.shape[1] == frame.samples
        assert np.isfinite(samples).all()
        assert float(np.abs(samples).max(initial=0)) <= 1.0


@pytest.mark.parametrize(
    ("codec", "kind"), [(SourceCodec.PCM_F32, np.float32), (SourceCodec.PCM_F64, np.float64)]
)
def test_floats_of_any_width_are_limited(codec: SourceCodec, kind: type) -> None:
    sent = np.array([[0.5, 2, np.nan], [-0.25, -9e30, np.inf]], kind)
    sent[0, 1] *= 1e300 if kind is np.float64 else 1
    heard = Decoder(form := Format(codec, RATE, 2)).decode(Frame(sent.T.tobytes(), form, 3))
    assert heard.dtype == np.float32
    assert heard.tolist() == [[0.5, 1, 0], [-0.25, -1, 1]]


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize(
    ("codec", "kind"), [(SourceCodec.PCM_S16, np.int16), (SourceCodec.PCM_S32, np.int32)]
)
def test_integers_become_parts_of_full_scale(codec: SourceCodec, kind: type, channels: int) -> None:
    sent = np.array([[1, 2, 3], [-4, 0, 1]], kind)[:channels] * kind(np.iinfo(kind).max // 4 + 1)
    form = Format(codec, RATE, channels)
    heard = Decoder(form).decode(Frame(sent.T.tobytes(), form, 3))
    assert heard.tolist() == (sent / -float(np.iinfo(kind).min)).tolist()


@pytest.mark.parametrize("coding", ["mp3", "aac", "opus", "vorbis", "flac", "wav-24"])
def test_both_sets_of_kernels_decode_to_the_same_samples(coding: str) -> None:
    frames = frames_of(coding)
    twin = Decoder(frames[0].format, kernels.select("off").limit_planes)
    ours = Decoder(frames[0].format, kernels.select("auto").limit_planes)
    assert all(np.array_equal(twin.decode(frame), ours.decode(frame)) for frame in frames)


def test_a_source_without_its_first_frames_keeps_its_clock() -> None:
    """MP3 frames lean on the ones before; the first after a cut-in may decode to nothing."""
    frames = frames_of("mp3")[7:]
    decoder = Decoder(frames[0].format)
    assert all(decoder.decode(frame).shape == (2, 1152) for frame in frames)


def test_opus_pre_skip_is_left_out_once() -> None:
    frames = frames_of("opus")
    decoder = Decoder(frames[0].format)
    skip = frames[0].format.pre_skip
    assert 0 < skip < 960
    assert [decoder.decode(frame).shape[1] for frame in frames[:3]] == [960 - skip, 960, 960]


def test_mono_stays_mono() -> None:
    reader = SourceReader(kernels.select("off"))
    frames = reader.feed(coded(programme(0.5, channels=1), "mp3"))
    assert Decoder(frames[0].format).decode(frames[0]).shape == (1, 1152)


def test_packet_memory_is_padded() -> None:
    """FFmpeg reads beyond a packet's end. Packets made from bytes that end at an unmapped page
    crash it; ours must not. In a process of its own, because failing means SIGSEGV."""
    script = textwrap.dedent("""
        import ctypes, mmap, sys
        from support.sound import coded, programme, surround
        from talas_stream import kernels
        from talas_stream.media import Frame
        from talas_stream.codec.stages.decode import Decoder
        from talas_stream.ingest.reader import SourceReader

        libc = ctypes.CDLL(None, use_errno=True)
        for coding in ("mp3", "aac"):
            reader = SourceReader(kernels.select("off"))
            frames = reader.feed(coded(programme(1.0), coding))
            decoder = Decoder(frames[0].format)
            for frame in frames:
                area = mmap.mmap(-1, 2 * mmap.PAGESIZE)
                size = len(frame.payload)
                area[mmap.PAGESIZE - size : mmap.PAGESIZE] = frame.payload
                start = ctypes.addressof(ctypes.c_char.from_buffer(area))
                assert libc.mprotect(ctypes.c_void_p(start + mmap.PAGESIZE), mmap.PAGESIZE, 0) == 0
                edge = memoryview(area)[mmap.PAGESIZE - size : mmap.PAGESIZE]
                decoder.decode(Frame(edge, frame.format, frame.samples))
            assert decoder.errors == 0
        print("whole")
    """)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False,
        env={"PYTHONPATH": ":".join(p for p in sys.path if p)},
    )  # fmt: skip
    assert (done.returncode, done.stdout.strip()) == (0, "whole"), done.stderr[-2000:]


def test_he_aac_would_double_the_rate() -> None:
    """The rate is taken from what the decoder gives, not from the header."""
    decoder = Decoder(Format(Codec.AAC, 24_000, 2))
    assert decoder.rate == 24_000
    decoder.rate = RATE
    assert decoder.decode(Frame(b"", Format(Codec.AAC, 24_000, 2), 1024)).shape == (2, 2048)


@pytest.mark.parametrize("coding", ["aac", "opus", "mp3"])
def test_frame_longer_than_its_header_promised_is_cut_at_the_end(coding: str) -> None:
    frames = frames_of(coding)[:4]
    whole, cut = Decoder(frames[0].format), Decoder(frames[0].format)
    expected = [whole.decode(frame) for frame in frames][-1][:, :100]
    last = Frame(frames[3].payload, frames[3].format, 100)
    assert np.array_equal([cut.decode(frame) for frame in (*frames[:3], last)][-1], expected)


@pytest.mark.parametrize("native", ["off", "auto"])
@pytest.mark.parametrize("coding", ["aac", "opus"])
def test_eight_channels_are_decoded_and_nothing_beyond_them_is_read(
    coding: str, native: str
) -> None:
    """In a process of its own: what stands behind the eighth plane is no address. The door takes no
    more than two channels, but a frame may hold more than its header says."""
    code = f"""
        import sys
        from talas_stream import kernels
        from talas_stream.codec.stages.decode import Decoder
        from talas_stream.ingest import demux
        from talas_stream.ingest.reader import SourceReader
        demux._check = lambda *_: None
        chosen = kernels.select({native!r})
        frames = SourceReader(chosen).feed(sys.stdin.buffer.read())
        decoder = Decoder(frames[0].format, chosen.limit_planes)
        shapes = {{decoder.decode(frame).shape[0] for frame in frames}}
        print(len(frames) > 10, shapes, decoder.errors)
        """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        input=surround(coding),
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, b"True {8} 0\n"), done.stderr.decode()


def test_frame_of_more_than_eight_channels_is_silence_and_counted() -> None:
    streams = 16
    head = b"OpusHead\x01" + bytes((streams,)) + bytes(8) + b"\xff" + bytes((streams, 0))
    form = Format(Codec.OPUS, RATE, streams, head + bytes(range(streams)))
    # Each stream but the last tells its length: one frame of 20 ms, three bytes.
    payload = b"\xf8\x03abc" * (streams - 1) + b"\xf8abc"
    decoder = Decoder(form)
    samples = decoder.decode(Frame(payload, form, 960))
    assert samples.shape[1] == 960
    assert not samples.any()
    assert decoder.errors == 1


def test_decoder_that_cannot_begin_is_opened_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A beginning may cost half a second: not for each of its frames again."""
    opened = []

    class Refusing:
        def open(self, strict: bool) -> None:
            opened.append(strict)
            raise av.InvalidDataError(1, "no")

    monkeypatch.setattr(decode, "_context", lambda _: Refusing())
    form = Format(SourceCodec.VORBIS, RATE, 2, b"broken")
    decoder = Decoder(form)
    for _ in range(3):
        assert not decoder.decode(Frame(b"audio", form, 128)).any()
    assert len(opened) == 1
    assert decoder.errors == 3


def test_a_broken_frame_has_as_many_channels_as_those_before() -> None:
    """AAC with parametric stereo is mono by its headers only."""
    frames = frames_of("aac")
    mono = Format(Codec.AAC, 48_000, 1)
    decoder = Decoder(mono)
    assert decoder.decode(Frame(frames[0].payload, mono, 1024)).shape == (2, 1024)
    assert decoder.decode(Frame(b"", mono, 1024)).shape == (2, 1024)


def test_silence_has_no_decoder_and_is_no_error() -> None:
    decoder = Decoder(SILENT)
    heard = decoder.decode(Frame(b"", SILENT, 700))
    assert heard.shape == (2, 700)
    assert not heard.any()
    assert (decoder.errors, decoder.rate) == (0, RATE)
