"""Everything that can be refused, before anything is started or written.

Does:        see that the ports are free, that named servers answer, that the directory is ours.
Never:       leaves a trace when it refuses; puts an address with its password into a message.
Guarantees:  each refusal is one sentence that names the setting.
"""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

from talas_core.bus.address import promised_owner
from talas_core.errors import SettingError
from talas_core.settings import Settings
from talas_core.supervisor import lock, ports, run_file
from talas_core.supervisor.lock import Lock
from talas_core.supervisor.ports import Ports

OLDEST_POSTGRES = 15

_ANSWER_SECONDS = 5.0
_PORT_PATIENCE_SECONDS = 5.0


class Claim:
    """The data directory and the ports, ours until `release`."""

    def __init__(self, held: Lock, kept: Ports) -> None:
        self._held = held
        self._kept = kept

    def release(self) -> None:
        """Give both up. Releasing twice is harmless."""
        self._kept.release()
        self._held.release()


async def preflight(settings: Settings) -> Claim:
    """The data directory and the ports, once all is seen to be well. Raises UsageError."""
    held: Lock | None = None
    kept: Ports | None = None
    if (settings.data_dir / lock.NAME).exists():
        held = await lock.acquire(settings.data_dir)
    try:
        # Services of a killed Talas are killed by the kernel; their ports take a moment to follow.
        cut_off = held is not None and run_file.left_behind(settings.data_dir)
        kept = await ports.claim(settings, _PORT_PATIENCE_SECONDS if cut_off else 0.0)
        if settings.database_url:
            await check_database(settings.database_url)
        if settings.nats_url:
            await check_nats(settings.nats_url)
        return Claim(held or await lock.acquire(settings.data_dir), kept)
    except BaseException:
        for part in (kept, held):
            if part:
                part.release()
        raise


async def check_database(url: str) -> None:
    """See that PostgreSQL answers and is new enough. Raises SettingError."""
    # Imported here, as nats below: a start on embedded defaults has no use for it.
    import asyncpg  # type: ignore[import-untyped]

    name = "TALAS_DATABASE_URL"
    try:
        connection = await asyncpg.connect(url, timeout=_ANSWER_SECONDS)
    except TimeoutError as error:
        raise SettingError(name, f"no answer within {_ANSWER_SECONDS:g} s") from error
    except (OSError, asyncpg.PostgresError) as error:
        raise SettingError(name, f"the database refuses: {_reason(error)}") from error
    except (ValueError, asyncpg.InterfaceError) as error:
        raise SettingError(name, "not the address of a PostgreSQL database") from error
    try:
        found = connection.get_server_version()
    finally:
        await connection.close()
    if found.major < OLDEST_POSTGRES:
        raise SettingError(name, f"PostgreSQL {OLDEST_POSTGRES} or newer is needed, not "
                                 f"{found.major}.{found.minor}")  # fmt: skip


async def check_nats(url: str) -> None:
    """See that one of the servers takes us. Raises SettingError."""
    from nats.errors import Error

    from talas_core.bus.client import GuardedClient

    name = "TALAS_NATS_URL"
    servers = [part.strip() for part in url.split(",")]
    if not all(_is_address(server) for server in servers):
        raise SettingError(name, "not the address of a NATS server")

    async def ignore(error: Exception) -> None:
        del error  # the one that matters is raised below

    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            client = GuardedClient()
            await client.connect(
                servers, error_cb=ignore, allow_reconnect=False, max_reconnect_attempts=1,
                reconnect_time_wait=0,
            )  # fmt: skip
    except TimeoutError as error:
        raise SettingError(name, f"no answer within {_ANSWER_SECONDS:g} s") from error
    except (OSError, Error) as error:
        raise SettingError(name, f"the server refuses: {_reason(error)}") from error
    await client.close()


def _is_address(url: str) -> bool:
    """Whether it has a host, and a port that is a number or none."""
    try:
        parts = urlsplit(url)
        promised_owner(url)
        return bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
