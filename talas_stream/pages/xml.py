"""Icecast's XML answers.

Does:        make `icestats` and `iceresponse` documents from texts and numbers.
Never:       lets a text become markup, or a character through that XML does not know.
Guarantees:  every document is well-formed UTF-8 that begins with its declaration.
"""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree.ElementTree import Element, SubElement, tostring

from aiohttp import web

from talas_stream.ingest.credentials import clean

Facts = Mapping[str, object]


def children(parent: Element, facts: Facts) -> None:
    """Append an element for each fact."""
    for name, value in facts.items():
        # `clean` also drops what is no character of XML 1.0.
        SubElement(parent, name).text = clean(str(value))


def answer(root: Element, status: int = 200) -> web.Response:
    """The document as a response."""
    body = b'<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, "utf-8") + b"\n"
    return web.Response(body=body, status=status, content_type="text/xml", charset="utf-8")


def done(message: str, *, worked: bool = True, status: int = 200) -> web.Response:
    """Icecast's short answer to an order."""
    root = Element("iceresponse")
    children(root, {"message": message, "return": int(worked)})
    return answer(root, status)
