"""Fixtures of the chat's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from support.chat_kit import ChatKit


@pytest.fixture
async def kit() -> AsyncIterator[ChatKit]:
    """The chat of one worker, in memory."""
    kit = ChatKit()
    yield kit
    await kit.close()
