"""Names that would be HTML: shown as text, run nowhere."""

from __future__ import annotations

from playwright.sync_api import FilePayload, Page, expect

from tests.browser.site import EXAMPLES, Site, open_tab, upload, wait_for_answer

HOSTILE = "<img src=x onerror=window.hacked=1>.jpg"


def hostile(data: bytes, name: str = HOSTILE) -> FilePayload:
    return {"name": name, "mimeType": "image/jpeg", "buffer": data}


def nothing_ran(page: Page) -> None:
    assert page.evaluate("window.hacked") is None
    assert page.locator("img[src='x']").count() == 0


def test_names_of_files(page: Page, site: Site) -> None:
    cat = (EXAMPLES / "cat.jpg").read_bytes()
    upload(page, hostile(cat))
    wait_for_answer(page, site.predict(cat))
    nothing_ran(page)

    open_tab(page, "Compare")
    for side in ("left", "right"):
        upload(page, hostile(cat), f"#compare-{side}")
        expect(page.locator(f"#compare-{side}-answer b")).not_to_be_empty()
    nothing_ran(page)

    open_tab(page, "Many")
    page.set_input_files("#many-files input[type=file]", [hostile(cat), hostile(b"no picture")])
    expect(page.locator("#many-progress")).to_contain_text("Pictures analysed: 1.")
    expect(page.locator("#many-gallery .caption-label")).to_contain_text("onerror")
    page.locator("#many-gallery .caption-label").hover()
    nothing_ran(page)


def test_feedback_that_no_form_would_send(page: Page, site: Site) -> None:
    page.get_by_role("button", name="Coffee").click()
    wait_for_answer(page, site.predict((EXAMPLES / "coffee.jpg").read_bytes()))
    page.evaluate(
        """() => {
            const button = document.querySelector('#feedback [data-felt]');
            button.dataset.felt = '<img src=x onerror=window.hacked=1>';
            button.click();
        }"""
    )
    expect(page.get_by_test_id("toast-body")).to_be_visible()
    nothing_ran(page)


def test_an_example_tells_nothing_of_the_server(page: Page, site: Site) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.get_by_role("button", name="Coffee").click()
    wait_for_answer(page, site.predict((EXAMPLES / "coffee.jpg").read_bytes()))
    expect(page.locator("#picture img")).to_be_visible()

    files = [url for url in asked if "file=" in url]
    assert files
    assert all(f"file={site.app.folder}/uploads/moodlens-" in url for url in files)
