"""The hot store, said to be complete without a rebuild."""

from adapters.hot import HotStore
from adapters.restore import Vault


async def let_in(hot: HotStore) -> None:
    """Set the key that the guard asks for, as the rebuild does last."""
    await hot.redis.set(hot.keys.ready, hot.ready_on(await Vault(hot).run_id()))
