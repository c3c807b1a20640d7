"""Texts, members and bodies that break things, for every address to be tried with."""

STRANGERS = (
    "id", "role", "roles", "is_admin", "admin", "disabled_at", "email_verified_at", "password_hash",
    "created_at", "updated_at", "user_id", "owner_id", "owner", "key_hash", "sid", "permissions",
    "totp_secret", "kind", "Role", "ROLE", "role ", "__proto__", "constructor", "__class__", "",
)  # fmt: skip
"""Members that no body has, or that are none of the sender's business."""

NEVER = {
    "a NUL": rb'"a\u0000b"',
    "a lone high surrogate": rb'"a\ud800b"',
    "a lone low surrogate": rb'"\udc00"',
    "surrogates the wrong way round": rb'"\udc00\ud800"',
    "half a surrogate": rb'"\ud8"',
    "a raw NUL": b'"a\0b"',
    "a raw line feed": b'"a\nb"',
    "a raw escape": b'"a\x1b[31mb"',
    "not UTF-8": b'"a\xff\xfeb"',
    "an overlong NUL": b'"a\xc0\x80b"',
    "a raw surrogate": b'"a\xed\xa0\x80b"',
    "beyond Unicode": b'"a\xf4\x90\x80\x80b"',
    "an unknown escape": rb'"\x00"',
    "an open text": b'"a',
    "30,000 characters": b'"' + b"x" * 30_000 + b'"',
    "1e400": b"1e400",
    "a number of 20,000 digits": b"9" * 20_000,
    "a fraction of 20,000 digits": b"0." + b"9" * 20_000,
    "NaN": b"NaN",
    "Infinity": b"-Infinity",
    "a hexadecimal number": b"0x10",
    "a list": b"[[]]",
    "an object": b'{"$ne":"x"}',
    "12,000 lists": b"[" * 12_000 + b"]" * 12_000,
    "6,000 objects": b'{"a":' * 6_000 + b"1" + b"}" * 6_000,
    "12,000 open lists": b"[" * 12_000,
    "nothing": b"",
    "a comment": b"/* */1",
}
"""Right nowhere, raw as they stand in the JSON."""
ODD = (
    "\r\nX-Injected: yes", "a\tb", "\u001b[2J", "\u0085", "\u2028", "\u202e", "\u2066", "\ufeff",
    "\uffff", "\U0001f4a3", "e\u0301", "\u0130", "' OR 1=1 --", "\\'; DROP TABLE users; --",
    "$(id)", "`id`", "{{7*7}}", "${7*7}", "%00", "%s%n", "../../etc/passwd", "<script>alert(1)",
    "a" * 65, "\u0301" * 64, "0", "null", " ", "\u3164", "-", "\\",
)  # fmt: skip
"""Right in some places."""

WHOLE = {
    "65,000 lists": b"[" * 65_000,
    "10,000 objects": b'{"a":' * 10_000,
    "nothing": b"",
    "null": b"null",
    "a list": b"[]",
    "a text": b'"x"',
    "a number": b"1",
    "two objects": b"{}{}",
    "rubbish behind": b"{}x",
    "a byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": "{}".encode("utf-16"),
    "UTF-32": "{}".encode("utf-32-le"),
    "a raw NUL": b"\0",
    "a member without a name": b'{"":1}',
    "a member that is a NUL": rb'{"\u0000":1}',
    "a member that is a surrogate": rb'{"\ud800":1}',
}
"""Bodies that are right nowhere."""
