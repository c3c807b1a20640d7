"""An address as a QR code (ISO/IEC 18004), for an authenticator's camera.

Does:        say which modules are dark.
Never:       draws: colours, size and the margin of four modules are whoever's that shows it.
"""

from __future__ import annotations

import segno


def modules(text: str) -> list[str]:
    """The code's rows, top to bottom, a letter for each module: "1" dark, "0" light. It bears 15 %
    of damage (level M). Raises segno.DataOverflowError for more than 2,331 bytes."""
    code = segno.make_qr(text, error="m", boost_error=False)
    return ["".join(map(str, row)) for row in code.matrix]
