"""PCM samples, by the Python twin and by the native kernel."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from talas_stream.kernels import select
from talas_stream.wire.samples import Floats, float_to_int16, gain_ramp, limit_planes

NATIVE = select("auto")
floats = st.lists(st.floats(width=32), max_size=40).map(lambda each: np.array(each, np.float32))


class TestSamples:
    kernels = select("off")

    def test_every_integer_survives_the_round(self) -> None:
        every = np.arange(-32768, 32768, dtype=np.int16).reshape(2, -1)
        as_floats = self.kernels.int16_to_float(every)
        assert as_floats.dtype == np.float32 and as_floats.shape == every.shape
        assert (as_floats[0, 0], as_floats[1, 0], as_floats[1, -1]) == (-1.0, 0.0, 32767 / 32768)
        assert np.array_equal(self.kernels.float_to_int16(as_floats), every)

    def test_what_is_too_loud_or_no_number(self) -> None:
        samples = np.array([2, -2, np.inf, -np.inf, np.nan, 3e38, 1, -1], np.float32)
        expected = [32767, -32768, 32767, -32768, 0, 32767, 32767, -32768]
        assert self.kernels.float_to_int16(samples).tolist() == expected

    def test_halves_go_to_the_even_neighbour(self) -> None:
        samples = np.array([0.5, 1.5, 2.5, -0.5, -1.5, 0.49, -0.51], np.float32) / 32768
        assert self.kernels.float_to_int16(samples).tolist() == [0, 2, 2, 0, -2, 0, -1]

    @pytest.mark.parametrize("shape", [(0,), (2, 0), (3,), (2, 5), (2, 3, 4)])
    def test_shapes_are_kept(self, shape: tuple[int, ...]) -> None:
        assert self.kernels.int16_to_float(np.zeros(shape, np.int16)).shape == shape
        assert self.kernels.float_to_int16(np.zeros(shape, np.float32)).shape == shape
        assert self.kernels.gain_ramp(np.ones(shape, np.float32), 1.0, 2.0).shape == shape

    def test_slices_and_read_only_arrays_are_taken(self) -> None:
        block = np.frombuffer(np.arange(12, dtype=np.int16).tobytes(), np.int16).reshape(3, 4)
        assert self.kernels.int16_to_float(block[:, ::2]).tolist()[1] == [4 / 32768, 6 / 32768]
        as_floats = self.kernels.int16_to_float(block).T
        assert self.kernels.float_to_int16(as_floats).tolist() == block.T.tolist()
        assert self.kernels.gain_ramp(as_floats, 1.0, 1.0).tolist() == as_floats.tolist()

    def test_a_ramp_moves_evenly_in_every_channel(self) -> None:
        out = self.kernels.gain_ramp(np.full((2, 4), 0.5, np.float32), 0.0, 1.0)
        assert out.tolist() == [[0, 0.125, 0.25, 0.375]] * 2

    def test_ramps_join_without_a_step(self) -> None:
        ones = np.ones(100, np.float32)
        parts = [self.kernels.gain_ramp(ones[:50], a, a + 0.5) for a in (0.0, 0.5)]
        whole = self.kernels.gain_ramp(ones, 0.0, 1.0)
        assert np.allclose(np.concatenate(parts), whole, atol=1e-6)

    def test_planes_are_limited_and_what_is_no_number_is_silence(self) -> None:
        left = np.array([2, -2, np.inf, -np.inf, np.nan, 0.25, 9], np.float32)
        right = np.array([1, -1, 0, 0.5, -0.5, 1.0001, 9], np.float32)
        out = self.kernels.limit_planes((left, right.tobytes()), 6)
        assert out.dtype == np.float32
        assert out.tolist() == [[1, -1, 1, -1, 0, 0.25], [1, -1, 0, 0.5, -0.5, 1]]
        assert left[0] == 2

    @pytest.mark.parametrize(("planes", "count"), [(0, 0), (0, 3), (1, 0), (1, 5), (2, 40_000)])
    def test_planes_of_any_number_and_length(self, planes: int, count: int) -> None:
        noise = np.random.default_rng(1).standard_normal((planes, count)).astype(np.float32)
        out = self.kernels.limit_planes(list(noise), count)
        assert np.array_equal(out, np.clip(noise, -1, 1))

    def test_planes_may_lie_at_odd_addresses(self) -> None:
        ones = memoryview(b"\0" + np.ones(3, np.float32).tobytes())[1:]
        assert self.kernels.limit_planes([ones], 3).tolist() == [[1, 1, 1]]

    def test_a_plane_too_short_or_with_gaps_is_refused(self) -> None:
        row = np.ones(8, np.float32)
        for planes, count in (([row], 9), ([row, row[:7]], 8), ([row[::2]], 3), ([row], -1)):
            with pytest.raises(ValueError):
                self.kernels.limit_planes(planes, count)

    @pytest.mark.parametrize("gain", [float("nan"), float("inf"), 1000.5, -1e9])
    def test_gains_that_make_no_sense(self, gain: float) -> None:
        for start, end in ((gain, 0.0), (0.0, gain)):
            with pytest.raises(ValueError, match="gain"):
                self.kernels.gain_ramp(np.ones(3, np.float32), start, end)

    def test_another_type_is_refused(self) -> None:
        doubles = np.ones(3)
        for call in (
            lambda: self.kernels.float_to_int16(doubles),
            lambda: self.kernels.int16_to_float(doubles),
            lambda: self.kernels.gain_ramp(doubles, 1.0, 1.0),
        ):
            with pytest.raises(ValueError):
                call()

    def test_a_long_buffer(self) -> None:
        noise = np.random.default_rng(1).standard_normal(100_000).astype(np.float32)
        assert np.array_equal(self.kernels.float_to_int16(noise), float_to_int16(noise))
        assert np.array_equal(self.kernels.gain_ramp(noise, 1, 0.3), gain_ramp(noise, 1, 0.3))
        integers = self.kernels.float_to_int16(noise)
        assert np.array_equal(
            self.kernels.float_to_int16(self.kernels.int16_to_float(integers)), integers
        )


@pytest.mark.skipif(NATIVE.name != "native", reason=NATIVE.note)
class TestNativeSamples(TestSamples):
    kernels = NATIVE

    @given(samples=floats)
    def test_rounds_as_the_twin_does(self, samples: Floats) -> None:
        assert np.array_equal(self.kernels.float_to_int16(samples), float_to_int16(samples))

    @given(samples=floats, start=st.floats(-1000, 1000), end=st.floats(-1000, 1000))
    def test_ramps_as_the_twin_does(self, samples: Floats, start: float, end: float) -> None:
        ours, twin = self.kernels.gain_ramp(samples, start, end), gain_ramp(samples, start, end)
        assert np.array_equal(ours, twin, equal_nan=True)

    @given(samples=floats)
    def test_limits_as_the_twin_does(self, samples: Floats) -> None:
        ours = self.kernels.limit_planes([samples], samples.size)
        assert np.array_equal(ours, limit_planes([samples], samples.size))
