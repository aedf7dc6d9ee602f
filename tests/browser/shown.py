"""The console's pages as stand-ins of it serve them."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from console.shells import PAGES, Page, bare_page


def page_routes() -> list[Route]:
    """Every page at its address, for whoever asks."""
    return [Route(path, _answer(page)) for path, page in PAGES.items()]


def _answer(page: Page) -> Callable[[Request], Awaitable[Response]]:
    async def answer(_: Request) -> Response:
        return bare_page(page)

    return answer
