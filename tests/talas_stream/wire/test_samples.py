"""PCM samples, by the Python twin and by the native kernel."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from talas_stream.kernels import select
from talas_stream.wire.samples import Floats, limit_planes

NATIVE = select("auto")
floats = st.lists(st.floats(width=32), max_size=40).map(lambda each: np.array(each, np.float32))


class TestSamples:
    kernels = select("off")

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


@pytest.mark.skipif(NATIVE.name != "native", reason=NATIVE.note)
class TestNativeSamples(TestSamples):
    kernels = NATIVE

    @given(samples=floats)
    def test_limits_as_the_twin_does(self, samples: Floats) -> None:
        ours = self.kernels.limit_planes([samples], samples.size)
        assert np.array_equal(ours, limit_planes([samples], samples.size))
