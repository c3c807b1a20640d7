"""The blocking WebSocket, against aiohttp's."""

from __future__ import annotations

import socket
import struct
import threading

import pytest

from conftest import FakeTalas  # type: ignore[import-not-found]
