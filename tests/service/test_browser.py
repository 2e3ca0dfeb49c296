"""The pages in a real browser: from /connect over Xero's consent page to "connected"; and how they look by day and by night."""

import contextlib
import itertools
import re

import pytest
from playwright.async_api import async_playwright, expect

from tests import sandbox_process
from tests.cli.office import Office, sale
from tests.sandbox.test_page_looks import LEAST
from tests.sandbox.test_pages import CHROMIUM
from tests.service.conftest import serving

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def sandbox():
    """A sandbox whose consent is asked on its page, one organisation at a time."""
    with sandbox_process.start("--no-limits", "--one-per-consent") as process:
        yield process


@contextlib.asynccontextmanager
async def chromium():
    """One Chromium."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(**CHROMIUM)
        yield browser
        await browser.close()


async def allow(page, organisation):
    """A person on Xero's consent page chooses an organisation and allows access."""
    choice = page.get_by_label(organisation)
    if await choice.count():
        await choice.check()
    await page.get_by_role("button", name=re.compile("allow", re.IGNORECASE)).click()


async def test_a_person_connects_from_start_to_end(office):
    """Two companies, one after the other: what is missing, Xero's page, what is connected, what is next, and then nothing."""
    async with serving(office) as (_books, door), chromium() as browser:
        page = await browser.new_page()
        problems = []
        page.on("console", lambda said: problems.append(said.text) if said.type in ("error", "warning") else None)
        await page.goto(f"{door.url}/connect")
        await expect(page).to_have_title("Connect to Xero · Counterfoil")
        await expect(page.get_by_text("Not connected")).to_have_count(2)
        await page.get_by_role("button", name="Continue to Xero").click()
        await allow(page, "Fernhill Trading Ltd")
        await expect(page).to_have_url(f"{door.url}/connected")
        await expect(page.get_by_role("heading")).to_have_text("Connected to Xero")
        await page.get_by_role("link", name="Connect the next one").click()
        await expect(page.get_by_text("Not connected")).to_have_count(1)
        await page.get_by_role("button", name="Continue to Xero").click()
        await allow(page, "Wattle & Co Pty Ltd")
        await expect(page.get_by_text("Wattle & Co Pty Ltd")).to_be_visible()
        await page.goto(f"{door.url}/connect")
        await expect(page.get_by_role("heading")).to_have_text("Everything is connected")
        assert problems == []  # no policy of ours is in our own way


async def test_a_person_who_cancels_can_begin_again(office):
    """The page says that it was cancelled, and offers to begin again."""
    async with serving(office) as (_books, door), chromium() as browser:
        page = await browser.new_page()
        await page.goto(f"{door.url}/connect")
        await page.get_by_role("button", name="Continue to Xero").click()
        await page.get_by_role("button", name=re.compile("cancel", re.IGNORECASE)).click()
        await expect(page.get_by_text("The consent was cancelled")).to_be_visible()
        await page.get_by_role("link", name="Begin again").click()
        await expect(page.get_by_role("button", name="Continue to Xero")).to_be_visible()


@pytest.fixture
def shop(tmp_path, office):
    """An office of another sandbox that posted something."""
    with sandbox_process.start("--auto-consent", "--no-limits") as process:
        made = Office(tmp_path / "shop", process)
        made.folder.mkdir()
        made.open_for_business()
        made.records(sale(1))
        assert made("run", "shop", "--json").value["posted"] == 1
        (invoice,) = process.ledger(process.tenant(1))["Invoices"]
        yield made, invoice["Url"].rpartition("/")[2]


async def test_every_text_can_be_read(office, shop, pictures):
    """At least 4.5 to 1 against what is behind it, nothing wider than the screen, all reached by its role; wide, narrow, by day, by night."""
    firm, marker = shop
    async with (
        chromium() as browser,
        serving(office) as (_, first),
        serving(firm) as (_, second),
        serving(firm, host="0.0.0.0") as (_, open_one),
    ):
        pages = {
            "connect": f"{first.url}/connect", "connected": f"{second.url}/connect", "entity": f"{second.url}/connect?entity=acme-uk",
            "posting": f"{second.url}/p/{marker}", "unknown": f"{second.url}/p/aaaaaaaaaaaaaaaa", "nowhere": f"{second.url}/nowhere",
            "closed": f"{open_one.url}/connect", "foreign": f"{second.url}/oauth/callback?state=x&code=y",
        }  # fmt: skip
        for width, scheme in itertools.product((400, 1280), ("light", "dark")):
            context = await browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
            page = await context.new_page()
            for name, url in pages.items():
                await page.goto(url)
                await can_be_read(page, (name, width, scheme))
                if pictures is not None:
                    await page.screenshot(path=pictures / f"{name}-{width}-{scheme}.png", full_page=True)
            await context.close()


async def test_a_name_that_is_one_long_word_makes_the_page_no_wider(office):
    """It is broken in the list and in the sentence that says what to choose."""
    configuration = office.folder / "counterfoil.toml"
    word = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
    configuration.write_text(configuration.read_text().replace("Wattle & Co Pty Ltd", word))
    async with serving(office) as (_books, door), chromium() as browser:
        for width in (390, 1280):
            page = await browser.new_page(viewport={"width": width, "height": 900})
            await page.goto(f"{door.url}/connect")
            await expect(page.get_by_text(word)).to_have_count(2)
            box = await page.locator("main").bounding_box()
            assert await page.evaluate("document.querySelector('main').scrollWidth") <= box["width"]


async def test_the_bare_address_leads_to_the_page(office):
    """Who types what `serve` printed gets /connect, not an error."""
    async with serving(office) as (_books, door), chromium() as browser:
        page = await browser.new_page()
        await page.goto(door.url)
        await expect(page).to_have_url(f"{door.url}/connect")


async def test_the_api_is_explained_without_marks_of_the_text(office):
    """Backticks become code, there is one heading of the first rank, and what scrolls can be reached by the keyboard."""
    async with serving(office) as (_books, door), chromium() as browser:
        page = await browser.new_page(viewport={"width": 390, "height": 900})
        await page.goto(f"{door.url}/schema/reference")
        words = "[...document.querySelectorAll('main p, main dd, main summary')].map(one => one.textContent).join(' ')"
        assert "`" not in await page.evaluate(words)
        assert await page.get_by_role("heading", level=1).count() == 1
        assert await page.evaluate("[...document.querySelectorAll('pre')].every(one => one.tabIndex === 0)")


async def can_be_read(page, where):
    """What is on the page has contrast, room and a heading."""
    name, width, _scheme = where
    if name in ("connect", "connected"):
        await page.get_by_text("What is asked for, and why").click()
    contrast, text = await page.evaluate(LEAST)
    assert contrast >= 4.5, (where, text)
    assert await page.evaluate("document.documentElement.scrollWidth") <= width, where
    assert await page.get_by_role("heading", level=1).count() == 1, where


async def test_the_keyboard_is_enough(office):
    """The button is reached and pressed without a mouse, and shows that it has the focus."""
    async with serving(office) as (_books, door), chromium() as browser:
        page = await browser.new_page()
        await page.goto(f"{door.url}/connect")
        await page.keyboard.press("Tab")
        focused = await page.evaluate(
            "[document.activeElement.tagName, getComputedStyle(document.activeElement).outlineStyle]"
        )
        assert focused == ["BUTTON", "solid"]
        await page.keyboard.press("Enter")
        await expect(page).to_have_url(re.compile(r"/identity/connect/authorize"))
