from talas_core.bucket import Bucket


def test_a_bucket_gives_what_it_holds_and_fills_with_time() -> None:
    bucket = Bucket(rate=2.0, size=4.0, now=100.0)
    assert all(bucket.take(1, 100.0) for _ in range(4))
    assert not bucket.take(1, 100.4)
    assert bucket.take(1, 100.5)
    assert not bucket.take(1, 100.6)


def test_a_bucket_does_not_overflow() -> None:
    bucket = Bucket(rate=2.0, size=4.0, now=0.0)
    assert bucket.take(4, 1000.0)
    assert not bucket.take(1, 1000.0)


def test_refused_amount_takes_nothing_from_a_bucket() -> None:
    bucket = Bucket(rate=1.0, size=4.0, now=0.0)
    assert not bucket.take(10, 0.0)
    assert bucket.take(4, 0.0)


def test_a_bucket_may_grow_and_what_was_taken_stays_taken() -> None:
    bucket = Bucket(rate=1.0, size=4.0, now=0.0)
    assert bucket.take(3, 0.0)
    bucket.raise_to(10.0, 8.0)
    assert not bucket.take(6, 0.0)
    assert bucket.take(5, 0.0)
    assert bucket.take(2, 0.2)
