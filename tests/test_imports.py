"""What a pure file may import, who names a library, and who names an adapter: three tables.

What is pure imports what its row of PURE allows, and what is pure itself. A library is named by the
files that are its adapter, and an adapter by `compose.py`. A new import is a new word in a table.
"""

from __future__ import annotations

import sys

import pytest

from support.imports import ROOT, TOWERS, everywhere, file_of, is_in, matches, module_of, sources

VALUES = (
    "collections", "datetime", "enum", "functools", "ipaddress", "math", "msgspec", "re",
    "types", "typing", "urllib.parse", "uuid",
)  # fmt: skip
"""What values are made of: no socket, loop, thread, file, chance or clock."""
COMPUTING = (*VALUES, "abc", "array", "base64", "binascii", "contextlib", "fractions", "itertools",
             "numpy", "struct", "unicodedata", "zlib")  # fmt: skip
"""What audio is computed with: what it answers depends on what it is given."""
KERNELS = (*COMPUTING, "talas_stream.kernels")
"""And the type of a set of kernels, which is handed in."""
TOKENS = ("base64", "binascii", "hashlib", "hmac", "secrets", "talas_core.security.seal")
"""What a token is made with: bits by chance, a hash, a mark."""
SETTINGS, CLOCK = "talas_core.settings", "talas_core.clock"
"""A frozen struct of values, and the port of the clock."""

PURE: dict[str, tuple[str, ...]] = {
    "talas_core/bucket.py": VALUES,
    "talas_core/bus/address.py": VALUES,
    "talas_core/bus/port.py": VALUES,
    "talas_core/bus/rules.py": VALUES,
    "talas_core/errors.py": VALUES,
    "talas_core/messages.py": VALUES,
    "talas_core/round_robin.py": VALUES,
    "talas_core/security/limits.py": VALUES,
    "talas_core/security/tokens.py": (*VALUES, "cryptography", "jwt", CLOCK),
    "talas_core/supervisor/backoff.py": VALUES,
    "talas_core/web/bearer.py": VALUES,
    "talas_core/web/edges.py": VALUES,
    "talas_core/web/envelope.py": VALUES,
    "talas_core/web/headers.py": (*VALUES, SETTINGS),
    "talas_core/web/host.py": (*VALUES, SETTINGS, "talas_core.hosts"),
    "talas_api/**/values.py": VALUES,
    "talas_api/chat/codes.py": VALUES,
    "talas_api/chat/delivery/line.py": VALUES,
    "talas_api/chat/delivery/room.py": VALUES,
    "talas_api/chat/delivery/wire.py": VALUES,
    "talas_api/chat/limits.py": (*VALUES, SETTINGS),
    "talas_api/chat/reading.py": VALUES,
    "talas_api/chat/replies.py": VALUES,
    "talas_api/chat/requests/torn.py": (*VALUES, "json"),
    "talas_api/chat/signed_in.py": VALUES,
    "talas_api/chat/strangers.py": VALUES,
    "talas_api/chat/wheel.py": VALUES,
    "talas_api/identity/factors/qr.py": (*VALUES, "segno"),
    "talas_api/identity/factors/totp.py": (*VALUES, "base64", "pyotp"),
    "talas_api/identity/keys/rotation.py": VALUES,
    "talas_api/identity/ports.py": VALUES,
    "talas_api/identity/recovery/letters.py": VALUES,
    "talas_api/identity/recovery/values.py": (*VALUES, *TOKENS),
    "talas_api/identity/sessions/ended.py": (*VALUES, CLOCK),
    "talas_api/identity/sessions/refresh.py": (*VALUES, *TOKENS),
    "talas_api/identity/tokens/shape.py": (*VALUES, *TOKENS),
    "talas_api/mail/port.py": VALUES,
    "talas_api/request/access.py": VALUES,
    "talas_api/request/limits.py": (*VALUES, SETTINGS),
    "talas_api/request/origin.py": VALUES,
    "talas_api/seed/words.py": VALUES,
    "talas_api/site/bundle.py": (*VALUES, "posixpath"),
    "talas_api/site/addresses.py": (*VALUES, SETTINGS),
    "talas_api/text.py": VALUES,
    "talas_stream/media.py": COMPUTING,
    "talas_stream/wire/": COMPUTING,
    "talas_stream/codec/growth.py": VALUES,
    "talas_stream/codec/syscalls.py": (*COMPUTING, "errno"),
    "talas_stream/codec/stages/decode.py": (*KERNELS, "av"),
    "talas_stream/codec/stages/encode.py": (*KERNELS, "av"),
    "talas_stream/codec/stages/libopus.py": (*KERNELS, "ctypes"),
    "talas_stream/codec/stages/normalise.py": (*KERNELS, "av"),
    "talas_stream/codec/stages/": KERNELS,
    "talas_stream/door/address.py": VALUES,
    "talas_stream/egress/wish.py": KERNELS,
    "talas_stream/ingest/pace.py": VALUES,
    "talas_stream/ingest/charge.py": VALUES,
    "talas_stream/ingest/demux.py": KERNELS,
    "talas_stream/ingest/reader.py": KERNELS,
    "talas_stream/ingest/body.py": (*VALUES, "talas_core.web.peer"),
    "talas_stream/ingest/intake.py": VALUES,
    "talas_stream/output/delivery.py": KERNELS,
    "talas_stream/output/packetise.py": KERNELS,
    "talas_stream/output/passing.py": KERNELS,
    "talas_stream/output/ring.py": (*COMPUTING, "sys"),
    "talas_stream/output/sizes.py": VALUES,
    "talas_stream/station/input_history.py": VALUES,
    "talas_stream/station/life.py": VALUES,
    "talas_stream/station/session.py": VALUES,
    "talas_stream/station/timeline.py": VALUES,
    "talas_stream/station/titles.py": VALUES,
    "talas_synth/": COMPUTING,
}
"""Where code is values in, values out -> what it may import beside what is pure. A row is a file, a
folder that ends with a slash, or a pattern; a file's own row goes before a pattern."""
WEB = ("handlers.py", "compose.py", "routes.py", "talas_core/web/", "talas_api/identity/access/",
       "talas_api/request/", "talas_api/chat/endpoint.py", "talas_api/chat/incoming.py",
       "talas_api/listening.py",
       "talas_api/site/assets.py", "talas_stream/")  # fmt: skip

LIBRARIES: dict[str, tuple[str, ...]] = {
    "aiohttp": WEB,
    "aiosmtplib": ("talas_api/mail/smtp.py",),
    "alembic": ("talas_core/postgres/migrate.py",),
    "asyncpg": ("talas_core/postgres/", "talas_core/supervisor/preflight.py"),
    "av": (
        "talas_stream/codec/stages/decode.py", "talas_stream/codec/stages/encode.py",
        "talas_stream/codec/stages/normalise.py", "talas_stream/codec/tools.py",
        "talas_stream/playout/library.py", "talas_stream/playout/reader.py",
    ),
    "bcrypt": ("talas_api/identity/passwords.py",),
    "click": ("talas_api/command.py", "talas_core/cli.py", "talas_core/terminal.py"),
    "ctypes": (
        "talas_core/postgres/identity.py", "talas_core/process.py",
        "talas_stream/codec/confine.py", "talas_stream/codec/stages/libopus.py",
        "talas_stream/codec/tools.py", "talas_stream/playout/programme.py",
    ),
    "cryptography": ("talas_core/security/", "talas_api/identity/keys/service.py"),
    "jwt": ("talas_core/security/tokens.py", "talas_api/identity/keys/service.py"),
    "msgspec": ("talas_core/", "talas_api/", "talas_stream/", "talas_synth/"),
    "nats": ("talas_core/bus/", "talas_core/supervisor/preflight.py"),
    "numpy": ("talas_stream/", "talas_synth/"),
    "pyotp": ("talas_api/identity/factors/totp.py",),
    "segno": ("talas_api/identity/factors/qr.py",),
    "soundfile": ("talas_stream/playout/programme.py",),
    "structlog": ("talas_core/telemetry/logs.py",),
    "uvloop": ("talas_core/service.py",),
    "zxcvbn": ("talas_api/identity/common.py",),
}  # fmt: skip
"""A library -> the files and folders that name it. `preflight.py` asks the servers that settings
name whether they answer, before there is an adapter."""

STORES = ("store.py", "talas_api/chat/log.py", "talas_api/chat/people.py",
          "talas_api/identity/rows.py", "talas_api/seed/loader.py")  # fmt: skip
"""The files that speak to PostgreSQL."""

ADAPTERS: dict[str, tuple[str, ...]] = {
    "talas_core.bus.memory": (),
    "talas_core.bus.nats": (),
    "talas_core.nats_server": (),
    "talas_core.postgres.embedded": ("talas_core/supervisor/task.py",),
    "talas_core.postgres.migrate": (),
    "talas_core.postgres.pool": (*STORES, "talas_core/postgres/"),
    "talas_api.chat.log": (),
    "talas_api.mail.console": (),
    "talas_api.mail.smtp": (),
    "talas_api.**.store": STORES,
}
"""An adapter -> who names it, beside `compose.py` and itself."""


def row_of(file: str) -> tuple[str, ...] | None:
    """What a pure file may import beside what is pure; None for one that is not."""
    if file in PURE:
        return PURE[file]
    for place, allowed in PURE.items():
        inside = (
            file.startswith(place) if place.endswith("/") else "*" in place and matches(file, place)
        )
        if inside:
            return allowed
    return None


def test_pure_file_imports_what_its_row_allows_and_what_is_pure() -> None:
    wrong = []
    for file, name in everywhere():
        allowed = row_of(file)
        if allowed is None or name.split(".")[0] == "__future__":
            continue
        ours = file_of(module_of(name))
        if ours is not None and row_of(ours) is not None:
            continue
        if name.split(".")[0] in TOWERS and ours is None:
            continue  # a package, of which a module is named as well
        if not any(name == one or name.startswith(f"{one}.") for one in allowed):
            wrong.append(f"{file} imports {name}")
    assert wrong == []


@pytest.mark.parametrize("place", PURE)
def test_row_of_a_pure_place_is_of_files_that_are_there(place: str) -> None:
    files = [str(path.relative_to(ROOT)) for tower in TOWERS for path in sources(tower)]
    assert any(
        file == place or file.startswith(place) or ("*" in place and matches(file, place))
        for file in files
    )


def test_library_is_imported_by_its_own_files_alone() -> None:
    wrong = [
        f"{file} imports {name}"
        for file, name in everywhere()
        for library in [name.split(".")[0]]
        if library not in sys.stdlib_module_names
        and library not in TOWERS
        and not is_in(file, LIBRARIES.get(library, ()))
    ]
    assert wrong == []


def test_adapter_is_named_by_composers_and_its_own_files_alone() -> None:
    wrong = []
    for file, name in everywhere():
        for adapter, others in ADAPTERS.items():
            if matches(module_of(name), adapter) and not (
                is_in(file, ("compose.py", *others)) or file == file_of(module_of(name))
            ):
                wrong.append(f"{file} imports {name}")
    assert wrong == []
