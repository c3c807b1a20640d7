import pytest

from talas_core.web import edges

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
LAST = b"GET / HTTP/1.1\r\nConnection: Close\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nConnection: close\r\nContent-Length: 4\r\n\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
ODD = b"POST / HTTP/1.1\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\n"
OLD = b"GET / HTTP/1.0\r\n\r\n"


@pytest.mark.parametrize("version", [(1, 1), (1, 0)])
@pytest.mark.parametrize("expect", [None, "100-continue", " 100-Continue "])
def test_head_of_http_1_has_no_problem(version: tuple[int, int], expect: str | None) -> None:
    assert edges.problem(version, expect) is None


@pytest.mark.parametrize(
    ("version", "expect", "status"),
    [
        ((0, 9), None, 400),
        ((2, 0), None, 505),
        ((1, 2), "100-continue", 505),
        ((1, 1), "a miracle", 417),
        ((1, 1), "", 417),
    ],
)
def test_head_of_another_version_or_expectation_gets_its_status(
    version: tuple[int, int], expect: str | None, status: int
) -> None:
    found = edges.problem(version, expect)
    assert found is not None
    assert found.status == status


def test_http_1_0_expects_nothing() -> None:
    assert edges.problem((1, 0), "a miracle") is None


@pytest.mark.parametrize(
    ("data", "pieces"),
    [
        (b"", [b""]),
        (GET + GET, [GET + GET]),
        (LAST, [LAST]),
        (LAST + GET, [LAST, GET]),
        (GET + LAST + b"GET", [GET, LAST, b"GET"]),
        (OLD + GET, [OLD, GET]),
        (b"close\r\n\r\n" * 2, [b"close\r\n\r\n"] * 2),
        (POST + b"body" + GET, [POST + b"body", GET]),
        (POST + b"bo", [POST + b"bo"]),
        (CHUNKED + b"0\r\n\r\n" + LAST, [CHUNKED + b"0\r\n\r\n" + LAST]),
        (ODD + LAST, [ODD + LAST]),
    ],
)
def test_pieces_end_where_requests_do_if_one_may_be_the_last(
    data: bytes, pieces: list[bytes]
) -> None:
    assert list(edges.requests(data)) == pieces


def test_pieces_are_never_many() -> None:
    data = b"close\r\n\r\n" + b"\r\n\r\n" * 5000
    pieces = list(edges.requests(data))
    assert len(pieces) == edges.PIECES + 1
    assert b"".join(pieces) == data


@pytest.mark.parametrize(
    ("version", "coding", "taken"),
    [
        ((1, 1), "chunked", True),
        ((1, 1), " Chunked ", True),
        ((1, 0), "chunked", False),
        ((1, 1), "gzip, chunked", False),
        ((1, 1), "identity", False),
    ],
)
def test_a_body_comes_in_chunks_by_http_1_1_alone(
    version: tuple[int, int], coding: str, taken: bool
) -> None:
    assert (edges.problem(version, None, coding) is None) == taken
