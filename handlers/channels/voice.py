"""Calls that read the notice aloud, through the city's own HTTP gateway (handlers/gateway.py); for what must wake somebody."""

from handlers.channel import Limit
from handlers.gateway import Gateway


class Voice(Gateway):
    """See handlers.channel.Channel."""

    kind = "voice"
    template = "voice"
    limit = Limit(2)  # to one number; who is called twice a minute hears the rest in one call


CHANNEL = Voice()
