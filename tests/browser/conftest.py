"""One Chromium for all tests of this folder, which are skipped where it is missing."""

import shutil

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = [  # on its own, and asking nobody for anything
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--allow-file-access-from-files",  # the pages are files
]


@pytest.fixture(scope="session")
def chromium():
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="Playwright is not installed: run `make web`"
    )
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if not path:
        pytest.skip("Chromium is not installed")
    with playwright.sync_playwright() as driver:
        with driver.chromium.launch(executable_path=path, args=QUIET) as browser:
            yield browser
