"""XML that stays XML, whatever is in it."""

from xml.etree.ElementTree import Element, fromstring

from talas_stream.pages import xml


def body(response: object) -> bytes:
    return bytes(response.body)  # type: ignore[attr-defined]


def test_texts_cannot_become_markup_or_break_the_document() -> None:
    root = Element("icestats")
    told = "<a b='\"'>&amp;]]> 夜 \x00\x1b\ufffe\ud800"
    xml.children(root, {"title": told, "listeners": 3})
    found = fromstring(body(xml.answer(root)))  # noqa: S314 - our own answer
    assert found.findtext("title") == "<a b='\"'>&amp;]]> 夜"
    assert found.findtext("listeners") == "3"
    assert len(found) == 2


def test_an_order_is_answered_in_icecast_s_shape() -> None:
    for worked, number in ((True, "1"), (False, "0")):
        response = xml.done("as you wish", worked=worked)
        found = fromstring(body(response))  # noqa: S314 - our own answer
        assert (found.tag, found.findtext("return")) == ("iceresponse", number)
        assert found.findtext("message") == "as you wish"
        assert response.content_type == "text/xml"
        assert response.status == 200
    assert xml.done("never", worked=False, status=501).status == 501
