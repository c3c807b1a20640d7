"""axe-core, which finds what keeps people with a screen reader or without a mouse out of a page.

It is one script, installed by `npm install -g axe-core`; without it its tests are skipped.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from support.browser import Browser

SCRIPT = next(
    (
        found
        for root in ("/usr/local/lib", "/usr/lib")
        if (found := Path(root) / "node_modules/axe-core/axe.min.js").is_file()
    ),
    None,
)
RUN = """
const done = arguments[arguments.length - 1];
const passing = document.getAnimations().filter(
  (each) => each.effect.getComputedTiming().endTime !== Infinity);
const look = () => axe.run(document, { resultTypes: ['violations'],
  rules: { 'target-size': { enabled: true }, 'label-content-name-mismatch': { enabled: true } } });
Promise.all(passing.map((each) => each.finished.catch(() => null))).then(look).then(
  ({ violations }) => done(violations.flatMap(
    ({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 160)}`))),
  (error) => done([String(error)]));
"""

needs_axe = pytest.mark.skipif(SCRIPT is None, reason="axe-core is not installed; CI installs it")


def findings(page: Browser) -> list[str]:
    """What axe finds wrong in what is shown once it has come to rest: rule and element."""
    assert SCRIPT is not None
    if not page.script("return 'axe' in window"):
        page.script(SCRIPT.read_text())
    return list(page.driver.execute_async_script(RUN))
