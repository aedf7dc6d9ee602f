"""Text messages through the city's own HTTP gateway (handlers/gateway.py): one line with case, place, limit, next step, and the link."""

from handlers.channel import Limit, Target
from handlers.gateway import Gateway
from handlers.shown import view
from incidents.notices import Notice


class Sms(Gateway):
    """See handlers.channel.Channel."""

    kind = "sms"
    template = "sms"
    limit = Limit(6)  # to one number; more goes into digests

    def _link(self, notice: Notice, target: Target) -> str:
        """By which the person acknowledges, else where the case is shown; of the first case of several the console's."""
        cases = view(notice, target, "en", 2)["cases"]
        if len(cases) != 1:
            return f" {target.words.console}" if cases and target.words.console else ""
        link = cases[0]["acknowledge"] or cases[0]["link"]
        return f" {link}" if link else ""


CHANNEL = Sms()
