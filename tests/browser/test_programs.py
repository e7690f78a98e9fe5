"""How the page tells programs to ask: the About tab, and Gradio's own panel."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from moodlens.telling.wording import wording
from tests.browser.site import Site, open_tab


def test_the_lines_of_code_name_the_address_of_the_page(page: Page, site: Site) -> None:
    open_tab(page, "About")
    card = page.locator("#programs")
    expect(card.get_by_role("heading")).to_have_text(wording("en")("about.api_title"))
    printed = page.request.get(f"{site.url}/gradio_api/info").json()
    snippets = printed["named_endpoints"]["/predict"]["code_snippets"]

    for title, name in (("Python", "python"), ("JavaScript", "javascript"), ("curl", "bash")):
        card.get_by_text(title, exact=True).click()
        code = card.locator("details[open] code").last
        expect(code).to_be_visible()
        assert code.text_content() == snippets[name]
        assert site.url in snippets[name]


def test_gradios_panel_shows_the_same_lines(page: Page, site: Site) -> None:
    page.locator("footer .show-api").click()
    panel = page.locator(".api-docs")
    panel.get_by_text("Python", exact=True).first.click()

    expect(panel).to_contain_text(f"{site.url}/examples/cat.jpg")
    assert site.troubles == []
