"""A page before a `Desk`, in a context of its own: what tests of single pages hold in their hands."""

from dataclasses import dataclass

from playwright.sync_api import BrowserContext, FilePayload, Page

from tests.browser.standin_city import picture

ALLOWED = ("ERR_INTERNET_DISCONNECTED", "status of 4", "status of 503", "GL Driver Message")
"""What a browser logs when a test takes the network away or lets the server refuse."""


@dataclass
class Opened:
    """`page` at `address`; everything that went wrong in any page of the context comes to `wrong`."""

    page: Page
    context: BrowserContext
    address: str
    wrong: list[str]

    def open(self, path: str) -> Page:
        """Another tab, when its page is ready."""
        self.page = self.context.new_page()
        self._go(path)
        return self.page

    def _go(self, path: str) -> None:
        self.page.goto(self.address + path)
        self.page.wait_for_selector("body[data-ready]")

    def begin(self, path: str) -> None:
        """Go there; from now on requests to other sites and errors of every tab are noted."""
        self.context.on(
            "request",
            lambda request: None if request.url.startswith((self.address, "blob:", "data:")) else self.wrong.append(f"asked {request.url}"),
        )
        self.context.on("console", lambda message: self._note(message.type, message.text))
        self.context.on("weberror", lambda error: self.wrong.append(f"error: {error.error}"))
        self._go(path)

    def _note(self, kind: str, text: str) -> None:
        if kind in ("error", "warning") and not any(allowed in text for allowed in ALLOWED):
            self.wrong.append(f"console: {text}")


def photo(name: str = "after") -> list[FilePayload]:
    """A photo as a camera gives it to a page."""
    return [{"name": f"{name}.jpg", "mimeType": "image/jpeg", "buffer": picture(name.encode().hex().ljust(64, "0"), 640, 480)}]
