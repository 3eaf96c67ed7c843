"""Open the report of a finished demo run in headless Chromium."""

from __future__ import annotations

import base64
import json
import shutil
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.support.harness import run

pytestmark = [pytest.mark.pipeline, pytest.mark.browser]

SILENT = "--disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync"


@pytest.fixture
def browser() -> Iterator[Any]:
    """Run headless Chromium that logs each request and each console message."""
    if not (shutil.which("chromium") and shutil.which("chromedriver")):
        pytest.skip("needs Debian's packages chromium and chromium-driver")
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    for argument in f"--headless=new --no-sandbox --disable-gpu --window-size=1280,900 {SILENT}".split():
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    yield driver
    driver.quit()


@pytest.fixture
def page(built: Path, tmp_path: Path) -> Path:
    """Make the report of the demo run."""
    written = tmp_path / "report.html"
    run("snakemake", "--report", str(written), cwd=built)
    return written


def eventually(ask: Callable[[], Any], seconds: float = 60, pause: float = 0.05) -> Any:
    """Return what `ask` returns, as soon as it is true."""
    end = time.monotonic() + seconds
    while not (found := ask()) and time.monotonic() < end:
        time.sleep(pause)
    return found


def links(browser: Any, icon: str) -> list[Any]:
    from selenium.webdriver.common.by import By

    return browser.find_elements(By.CSS_SELECTOR, f"a[iconname='{icon}']")


def click(browser: Any, element: Any) -> None:
    """Click an element itself: during layout, another one may be at its place on the screen."""
    browser.execute_script("arguments[0].click()", element)


def open_category(browser: Any, page: Path, category: str) -> list[str]:
    """Return the paths that a category lists, once no more appear."""
    from selenium.webdriver.common.by import By

    # an address that differs only by its fragment would not reload the page
    browser.get("about:blank")
    browser.get(page.as_uri())
    click(browser, eventually(lambda: browser.find_elements(By.LINK_TEXT, category))[0])
    lists: list[list[str]] = [[]]

    def settled() -> bool:
        lists.append([row.text for row in browser.find_elements(By.CSS_SELECTOR, "tbody tr")])
        return lists[-1] == lists[-2] != []

    assert eventually(settled, pause=0.5), category
    return lists[-1]


def is_drawn(browser: Any, figure: str) -> bool:
    """Check that the image beside the list is this one (base64), and is decoded."""
    from selenium.common.exceptions import StaleElementReferenceException
    from selenium.webdriver.common.by import By

    try:
        *_, image = browser.find_elements(By.TAG_NAME, "img")  # the first is the report's logo
        return image.get_property("src").endswith(f"base64,{figure}") and image.get_property("naturalWidth") > 0
    except StaleElementReferenceException:
        return False


def has_a_table(browser: Any) -> bool:
    """Check that the page beside the list has a table."""
    from selenium.webdriver.common.by import By

    for frame in browser.find_elements(By.TAG_NAME, "iframe"):
        browser.switch_to.frame(frame)
        rows = len(browser.find_elements(By.TAG_NAME, "tr"))
        browser.switch_to.default_content()
        return rows > 10
    return False


def test_each_category_is_there_and_each_figure_loads(browser: Any, page: Path, built: Path) -> None:
    """All figures and the page of comparisons are drawn; nothing is fetched, no console error."""
    from selenium.webdriver.common.by import By

    browser.get(page.as_uri())
    assert eventually(lambda: "RESULTS" in browser.find_element(By.TAG_NAME, "body").text)
    menu = browser.find_element(By.TAG_NAME, "body").text.split("RESULTS\n")[1].splitlines()
    categories = [line for line in menu if browser.find_elements(By.LINK_TEXT, line)]
    assert len(categories) >= 4
    listed = []
    for category in categories:
        for index, name in enumerate(open_category(browser, page, category)):
            listed.append(name)
            click(browser, links(browser, "eye")[index])  # the list remains beside the figure
            if name.endswith(".png"):
                expected = base64.b64encode((built / name).read_bytes()).decode()
                assert eventually(partial(is_drawn, browser, expected)), name
            else:
                assert eventually(partial(has_a_table, browser)), name
    results = [path for kind in ("figures/**/*.png", "**/*.html") for path in (built / "results").glob(kind)]
    assert sorted(listed) == sorted(str(path.relative_to(built)) for path in results)
    assert [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []
    requests = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    sent = [entry["params"]["request"]["url"] for entry in requests if entry["method"] == "Network.requestWillBeSent"]
    assert sent
    assert [url for url in sent if not url.startswith(("file:", "data:", "blob:", "about:"))] == []


def test_a_figure_comes_with_caption_parameters_and_code(browser: Any, page: Path) -> None:
    """The information pane of a figure has its rule's caption and what ran."""
    from selenium.webdriver.common.by import By

    open_category(browser, page, "VAE")
    click(browser, links(browser, "information-circle")[0])
    body = browser.find_element(By.TAG_NAME, "body")
    assert eventually(lambda: "bound" in body.text or "networks" in body.text or "latent" in body.text)
    assert "relatent.stages.figures" in page.read_text(encoding="utf-8")
