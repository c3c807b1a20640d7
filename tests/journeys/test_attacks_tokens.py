"""Attacks on who one is: every part of a token forged, one at a time, all else as it should be."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import aiohttp
import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from support.attacks import SETTINGS, ask, healthy, sign_up, signing_key
from support.serve import Served, running_serve
from support.wait import PATIENCE

pytestmark = pytest.mark.journey

ORDER = 2**252 + 27742317777372353535851937790883648493
"""Of the group that Ed25519 signs in."""
STRANGER = Ed25519PrivateKey.generate()
OTHERS = {
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "RS256": rsa.generate_private_key(65537, 2048),
}


def packed(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Victim(msgspec.Struct, frozen=True):
    """A service, somebody signed in there, and the key it signs with."""

    served: Served
    grant: dict[str, Any]
    kid: str
    private: Ed25519PrivateKey

    @property
    def claims(self) -> dict[str, Any]:
        """Claims that are good from now on."""
        options: Any = {"verify_signature": False}
        found: dict[str, Any] = jwt.decode(self.grant["access_token"], options=options)
        now = int(time.time())
        return found | {"iat": now, "nbf": now, "exp": now + 60}

    @property
    def header(self) -> dict[str, Any]:
        return {"alg": "EdDSA", "typ": "at+jwt", "kid": self.kid}

    def token(
        self,
        header: dict[str, Any] | None = None,
        claims: dict[str, Any] | None = None,
        sign: Callable[[bytes], bytes] | None = None,
    ) -> str:
        """A token; a member that is `...` is left out."""
        parts = [self.header | (header or {}), self.claims | (claims or {})]
        kept = [{name: value for name, value in part.items() if value is not ...} for part in parts]
        return self.raw(*(json.dumps(part).encode() for part in kept), sign=sign)

    def raw(
        self, header: bytes, claims: bytes, sign: Callable[[bytes], bytes] | None = None
    ) -> str:
        signed = f"{packed(header)}.{packed(claims)}"
        return f"{signed}.{packed((sign or self.private.sign)(signed.encode()))}"

    def public(self, kind: str) -> bytes:
        """The public key, in every form that somebody might take for a shared secret."""
        key = self.private.public_key()
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        match kind:
            case "raw":
                return key.public_bytes_raw()
            case "pem":
                return key.public_bytes(serialization.Encoding.PEM, form)
            case "der":
                return key.public_bytes(serialization.Encoding.DER, form)
            case "x":
                return packed(key.public_bytes_raw()).encode()
        return ask(self.served.api, "GET", "/.well-known/jwks.json").body


@pytest.fixture(scope="module")
def victim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Victim]:
    with running_serve(tmp_path_factory.mktemp("served"), env=SETTINGS) as served:
        served.wait_ready()
        yield Victim(served, sign_up(served, "ada"), *signing_key(served))
        assert healthy(served)


def mac(key: bytes) -> Callable[[bytes], bytes]:
    return lambda data: hmac.new(key, data, hashlib.sha256).digest()


def foreign(name: str) -> Callable[[bytes], bytes]:
    return lambda data: jwt.get_algorithm_by_name(name).sign(data, OTHERS[name])


def nothing(_: bytes) -> bytes:
    return b""


def malleable(victim: Victim) -> Callable[[bytes], bytes]:
    """The same signature with the group's order added to its scalar: valid to a lax verifier."""

    def sign(data: bytes) -> bytes:
        made = victim.private.sign(data)
        return made[:32] + (int.from_bytes(made[32:], "little") + ORDER).to_bytes(32, "little")

    return sign


def jwk(key: Ed25519PrivateKey) -> dict[str, str]:
    return {"kty": "OKP", "crv": "Ed25519", "x": packed(key.public_key().public_bytes_raw())}


Forgery = Callable[[Victim], str]
SHAPES: dict[str, Forgery] = {
    "not a token": lambda v: "x",
    "two parts": lambda v: v.token().rpartition(".")[0],
    "five parts": lambda v: v.token() + ".x.x",
    "no signature": lambda v: v.token(sign=nothing),
    "signature of another": lambda v: v.token()[:-86] + v.grant["access_token"][-86:],
    "signature plus order": lambda v: v.token(sign=malleable(v)),
    "other claims, old signature": lambda v: ".".join(
        [v.token().split(".")[0], packed(json.dumps(v.claims | {"role": "admin"}).encode()),
         v.token().split(".")[2]]),
    "header 1,200 deep": lambda v: v.raw(b'{"alg":' + b"[" * 1200, b"{}"),
    "header is a list": lambda v: v.raw(b"[]", b"{}"),
    "claims are a list": lambda v: v.raw(json.dumps(v.header).encode(), b"[]"),
    "claims 1,200 deep": lambda v: v.raw(json.dumps(v.header).encode(), b"[" * 1200),
    "header is not UTF-8": lambda v: v.raw(b'{"alg":"\xff"}', b"{}"),
    "the refresh token": lambda v: v.grant["refresh_token"],
    "a personal token of nobody": lambda v: "talas_pat_" + "A" * 43,
}  # fmt: skip
ALGORITHMS: dict[str, Forgery] = {
    **{f"alg {name}": lambda v, name=name: v.token({"alg": name}, sign=nothing)
       for name in ("none", "None", "NONE", "nOnE", "")},
    **{f"alg {name}, signed": lambda v, name=name: v.token({"alg": name})
       for name in ("none", "HS256", "ES256", "Ed448", "Ed25519", "EdDSA ", "eddsa", "")},
    "alg left out": lambda v: v.token({"alg": ...}),
    "alg a list": lambda v: v.token({"alg": ["EdDSA"]}),
    "alg null": lambda v: v.token({"alg": None}),
    **{f"HS256 with the public key, {kind}":
       lambda v, kind=kind: v.token({"alg": "HS256"}, sign=mac(v.public(kind)))
       for kind in ("raw", "pem", "der", "x", "jwks")},
    "HS256 with nothing": lambda v: v.token({"alg": "HS256"}, sign=mac(b"")),
    **{f"{name} of a stranger": lambda v, name=name: v.token({"alg": name}, sign=foreign(name))
       for name in OTHERS},
}  # fmt: skip
KEYS: dict[str, Forgery] = {
    "a stranger's key under our name": lambda v: v.token(sign=STRANGER.sign),
    "a stranger's own": lambda v: v.token({"kid": "mine"}, sign=STRANGER.sign),
    "jwk": lambda v: v.token({"jwk": jwk(STRANGER)}, sign=STRANGER.sign),
    "jwk without kid": lambda v: v.token({"jwk": jwk(STRANGER), "kid": ...}, sign=STRANGER.sign),
    "jku": lambda v: v.token({"jku": "http://127.0.0.1:1/jwks.json"}, sign=STRANGER.sign),
    "x5u": lambda v: v.token({"x5u": "http://127.0.0.1:1/c.pem"}, sign=STRANGER.sign),
    "x5c": lambda v: v.token({"x5c": ["MIIB"]}, sign=STRANGER.sign),
    "kid of a file": lambda v: v.token(
        {"alg": "HS256", "kid": "../../../../dev/null"}, sign=mac(b"")),
    **{f"kid {name}": lambda v, kid=kid: v.token({"kid": kid}) for name, kid in {
        "SQL": "x' UNION SELECT 'a' --", "empty": "", "unknown": "x" * 43, "huge": "x" * 2000,
        "a list": ["x"], "left out": ..., "an object": {}, "a number": 1, "null": None,
        "a NUL": "\0", "a surrogate": "\ud800", "an address": "http://127.0.0.1:1/k"}.items()},
    "kid ours in a list": lambda v: v.token({"kid": [v.kid]}),
    "kid ours and a blank": lambda v: v.token({"kid": v.kid + " "}),
    "crit": lambda v: v.token({"crit": ["exp"], "exp": 1}),
    "crit unknown": lambda v: v.token({"crit": ["x-y"], "x-y": True}),
    "crit b64": lambda v: v.token({"crit": ["b64"], "b64": False}),
    "crit empty": lambda v: v.token({"crit": []}),
}  # fmt: skip
CLAIMS: dict[str, Forgery] = {
    **{f"typ {typ}": lambda v, typ=typ: v.token({"typ": typ})
       for typ in ("JWT", "", "rt+jwt", None, ["at+jwt"], ..., "application/at+jwt+x")},
    **{f"{name} {value}": lambda v, name=name, value=value: v.token(claims={name: value})
       for name, values in {
           "iss": ("evil", "", "tala", "talas/", None, ["talas"], ...),
           "aud": ("evil", "", "tala", "talas2", None, [], ["evil"], {}, 1, ...),
           "exp": (None, "soon", True, 1, 10**30, -1, [], float("inf"), float("nan"), ...),
           "nbf": (None, "x", 10**30, ...),
           "iat": (None, "x", 10**30, ...),
           "sid": (None, 1, ...),
           "sub": (None, 1, ...),
           "role": (None, 1, ...),
       }.items() for value in values},
    "expired": lambda v: v.token(claims={"exp": int(time.time()) - 6}),
    "not yet": lambda v: v.token(claims={"nbf": int(time.time()) + 60}),
    "issued tomorrow": lambda v: v.token(claims={"iat": int(time.time()) + 86_400}),
    "good for years": lambda v: v.token(claims={"exp": int(time.time()) + 10**8}),
}  # fmt: skip
ALL = SHAPES | ALGORITHMS | KEYS | CLAIMS


def test_token_made_as_the_forged_ones_but_right_passes(victim: Victim) -> None:
    answer = ask(victim.served.api, "GET", "/api/auth/profile", token=victim.token())
    assert answer.status == 200


@pytest.mark.checklist(3)
def test_token_of_an_unknown_session_is_refused(victim: Victim) -> None:
    token = victim.token(claims={"sid": "01890000-0000-7000-8000-000000000000"})
    assert ask(victim.served.api, "GET", "/api/auth/profile", token=token).status == 401


@pytest.mark.checklist(4, 5)
@pytest.mark.parametrize("name", ALL)
def test_a_forged_token_opens_nothing(victim: Victim, name: str) -> None:
    token = ALL[name](victim)
    for port, path in (
        (victim.served.api, "/api/auth/profile"),
        (victim.served.stream, "/admin/stats"),
    ):
        answer = ask(port, "GET", path, token=token)
        assert answer.status == 401, path
        assert answer.code == "unauthorized"


@pytest.mark.checklist(4, 5, 14)
async def test_a_forged_token_opens_no_chat(victim: Victim) -> None:
    async with aiohttp.ClientSession() as session:
        for name, forge in {"": Victim.token, **ALL}.items():
            url = f"http://127.0.0.1:{victim.served.chat}/ws"
            async with session.ws_connect(url) as socket:
                await socket.send_json({"type": "auth", "ref": 1, "token": forge(victim)})
                first = await socket.receive(PATIENCE)
                said = json.loads(first.data) if first.type is aiohttp.WSMsgType.TEXT else {}
                assert (said.get("type") == "auth.ok") is (name == ""), name


@pytest.mark.checklist(5, 7)
def test_an_access_token_refreshes_nothing(victim: Victim) -> None:
    for token in (victim.token(), victim.token()[:256]):
        body = json.dumps({"refresh_token": token}).encode()
        answer = ask(victim.served.api, "POST", "/api/auth/refresh", body)
        assert answer.status in (400, 401)


@pytest.mark.checklist(14)
@pytest.mark.parametrize("name", ["access_token", "token", "jwt", "auth", "Authorization"])
def test_a_token_in_the_address_is_not_looked_at(victim: Victim, name: str) -> None:
    for port, path in (
        (victim.served.api, "/api/auth/profile"),
        (victim.served.stream, "/admin/stats"),
    ):
        assert ask(port, "GET", f"{path}?{name}={victim.token()}").status == 401


@pytest.mark.checklist(4)
@pytest.mark.parametrize("scheme", ["Basic", "Token", "", "Bearer,", "Bearer Bearer", "JWT"])
def test_token_under_another_scheme_is_refused(victim: Victim, scheme: str) -> None:
    field = f"{scheme} {victim.token()}"
    path = "/api/auth/profile"
    assert ask(victim.served.api, "GET", path, Authorization=field).status == 401
