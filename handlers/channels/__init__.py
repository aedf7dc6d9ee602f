"""One file per kind of receiver, discovered by being here; see handlers/channel.py."""
