"""The page in a browser: nothing is refused, nothing is asked of the network, tables are sorted."""

import base64
import hashlib
import re
import shutil
import subprocess

import pytest

from super_resolution_gans.evaluation.page.document import page

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run", "--disable-extensions",
    "--disable-default-apps", "--host-resolver-rules=MAP * ~NOTFOUND", "--enable-logging=stderr",
    "--virtual-time-budget=2000",
)  # fmt: skip
CLICK = """document.querySelector("table.sortable thead").rows[0].cells[1]
.querySelector("button").click();"""


@pytest.fixture
def browse(tmp_path):
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip("no Chromium is installed")

    def run(text):
        """(DOM after scripts, lines of the console, number of requests that the page made)"""
        file, log = tmp_path / "report.html", tmp_path / "net.json"
        file.write_text(text, "utf-8")
        command = [
            found, *QUIET, f"--user-data-dir={tmp_path / 'profile'}", f"--log-net-log={log}",
            "--dump-dom", file.as_uri(),
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
        console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
        # What a browser asks for itself, updates for example, has no page as its initiator.
        asked = re.findall(r'"initiator":"(?!not an origin)', log.read_text("utf-8"))
        return done.stdout, console, len(asked)

    return run


def test_nothing_is_refused_and_nothing_is_asked_of_the_network(content, browse):
    dom, console, asked = browse(page(content))
    assert console == []
    assert asked == 0
    assert dom.count('<button type="button">') >= 4  # its own script has run


def test_only_the_policy_stops_a_script_and_a_request_that_slipped_in(content, browse):
    slipped = '<script>document.title="taken"</script><img src="http://127.0.0.1:9/x.png">'
    text = page(content).replace("<footer>", f"{slipped}<footer>")
    dom, _, asked = browse(text.replace("Content-Security-Policy", "nothing"))
    assert "<title>taken" in dom
    assert asked == 1
    dom, console, asked = browse(text)
    assert "<title>taken" not in dom
    assert len(console) >= 2
    assert asked == 0


def test_a_click_on_a_heading_sorts_the_table(content, browse):
    digest = base64.b64encode(hashlib.sha256(CLICK.encode()).digest()).decode()
    text = page(content).replace("script-src &#x27;", f"script-src 'sha256-{digest}' &#x27;")
    orders = []
    for clicks in (1, 2):
        again = f"<script>{CLICK}</script>" * clicks
        dom, console, _ = browse(text.replace("</body>", f"{again}</body>"))
        assert console == []
        body = re.search(r"<tbody>(.*?)</tbody>", dom, re.DOTALL)[1]
        values = [
            float(re.search(r'<td data-value="([\d.]+)"', row)[1])
            for row in re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)
        ]
        orders.append((values, "descending" if 'aria-sort="descending"' in dom else "ascending"))
    (up, first), (down, second) = orders
    assert (first, second) == ("ascending", "descending")
    assert up == sorted(up) != down == sorted(down, reverse=True)
