"""The local stack that `cityloop up|down|status` runs: Kafka and Redis, as containers where there is a Docker engine, natively where not.

A stack belongs to one `local_dir` (CITYLOOP_LOCAL_DIR), so that several stand beside each other. While it is up, its addresses are the
settings of every cityloop command that has none in its environment.
"""

from adapters import topics
from adapters.stack_docker import DockerStack, engine_answers
from adapters.stack_jars import Say
from adapters.stack_native import NativeStack
from adapters.stack_state import Mode, StackStatus, StateFile
from config.settings import Settings
from incidents.errors import UserError


def up(settings: Settings, mode: Mode | None, say: Say) -> StackStatus:
    """Brings the stack up with the topics of this namespace, or finds it up; `mode` None takes Docker where an engine answers.

    Raises UserError when something is missing or does not start; then, and on Ctrl-C, nothing that it started stays.
    """
    file = StateFile(settings.local_dir)
    with file.locked():
        state = file.load()
        known = state.mode if state.addresses else None
        stack = _stack(file, known or _possible(mode))
        status = stack.up(say)
        try:
            topics.apply(settings.model_copy(update=status.addresses))
        except BaseException:
            if not status.already:
                stack.down()
            raise
        return status


def down(settings: Settings) -> bool:
    """Stops what `up` started, keeps the data; whether anything ran."""
    file = StateFile(settings.local_dir)
    with file.locked():
        return _stack(file, file.load().mode).down()


def status(settings: Settings) -> StackStatus:
    """What runs now."""
    file = StateFile(settings.local_dir)
    return _stack(file, file.load().mode).status()


def _possible(mode: Mode | None) -> Mode:
    docker = mode is not Mode.NATIVE and engine_answers()
    if mode is Mode.DOCKER and not docker:
        raise UserError("no Docker engine with the compose plugin answers; start it, or use `cityloop up --native`")
    return Mode.DOCKER if docker else Mode.NATIVE


def _stack(file: StateFile, mode: Mode) -> NativeStack | DockerStack:
    return DockerStack(file) if mode is Mode.DOCKER else NativeStack(file)
