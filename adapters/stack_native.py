"""The native stack: Kafka and Redis as plain processes under supervisord, everything below `<local_dir>/stack`.

`up` may be interrupted at any point, and whatever was killed before may have left sockets, pid files or running engines behind:
every start first ends what is ours and not supervised, recognised by its arguments (adapters/stack_processes.py).
"""

from adapters.stack_engines import KafkaEngine, RedisEngine, free_port, is_free
from adapters.stack_jars import JARS, Say, ensure_jars, ensure_tools
from adapters.stack_processes import Mark, end
from adapters.stack_state import Mode, ProcessStatus, StackStatus, State, StateFile
from adapters.stack_supervisor import Program, Supervisor
from incidents.errors import UserError

NOT_GIVEN_UP = ("STARTING", "RUNNING", "BACKOFF")
PORTS = ("kafka", "controller", "redis")


class NativeStack:
    """Kafka and Redis of one `local_dir`."""

    def __init__(self, file: StateFile) -> None:
        self._file = file

    def up(self, say: Say) -> StackStatus:
        """Starts what does not run and returns when both answer. Raises UserError; on any failure what it started is stopped again."""
        if self.status().up:
            return self.status().found_running()
        ensure_tools(say)
        ensure_jars(say)
        if not self._revived(say):
            self._start(say)
        return self.status()

    def down(self) -> bool:
        """Stops what `up` started; whether anything ran."""
        state = self._file.load()
        stopped = self._supervisor(state).stop()
        leftovers = self._end_engines(state)
        self._file.save(State(state.mode, state.ports, {}, ""))
        return stopped or leftovers > 0

    def status(self) -> StackStatus:
        """What runs, and whether all of it does."""
        state = self._file.load()
        supervisor = self._supervisor(state)
        known = supervisor.processes() or {}
        processes = [
            _process_status(name, known.get(name), address, log=str(supervisor.log_of(name)))
            for name, address in self._addresses(state).items()
        ]
        up = bool(state.addresses) and all(process.running for process in processes)
        return StackStatus(Mode.NATIVE, up, state.addresses, processes)

    def _start(self, say: Say) -> None:
        state = self._file.load()
        supervisor = self._supervisor(state)
        if supervisor.stop() or self._end_engines(state):
            say("ended what an interrupted start or a killed supervisor had left behind")
        state = State(Mode.NATIVE, _ports(state.ports), {}, str(supervisor.socket))
        self._file.save(state)
        try:
            say("starting Kafka and Redis …")
            for engine in self._engines(state).values():
                engine.prepare()
            supervisor.start([Program(name, engine.command()) for name, engine in self._engines(state).items()])
            self._wait(state, supervisor)
            self._file.save(State(state.mode, state.ports, self._settings_of(state), state.socket))
        except BaseException:  # also Ctrl-C: nothing may stay behind
            self.down()
            raise

    def _revived(self, say: Say) -> bool:
        """Whether supervisord was there and all its programs run again."""
        state = self._file.load()
        supervisor = self._supervisor(state)
        known = supervisor.processes()
        if not known or not state.addresses:
            return False
        for name, info in known.items():
            if info["statename"] not in NOT_GIVEN_UP:
                say(f"starting {name} again …")
                supervisor.revive(name)
        self._wait(state, supervisor)
        return True

    def _wait(self, state: State, supervisor: Supervisor) -> None:
        for name, engine in self._engines(state).items():
            try:
                engine.wait_until_ready(lambda name=name: _is_coming(supervisor, name))  # type: ignore[misc]  # mypy: lambda default
            except UserError as error:
                raise UserError(f"{error}\n  log: {supervisor.log_of(name)}\n{_tail(supervisor, name)}") from None

    def _end_engines(self, state: State) -> int:
        if not state.ports:
            return 0
        kafka = Mark("kafka.Kafka", self._file.folder / "kafka" / "server.properties")
        return end(kafka) + end(Mark("redis-server", self._file.folder / "redis" / "redis.conf"))

    def _supervisor(self, state: State) -> Supervisor:
        return Supervisor(self._file.folder, state.socket)

    def _engines(self, state: State) -> dict[str, KafkaEngine | RedisEngine]:
        ports = {name: state.ports.get(name, 0) for name in PORTS}
        return {
            "kafka": KafkaEngine(JARS, self._file.folder / "kafka", ports["kafka"], ports["controller"]),
            "redis": RedisEngine(self._file.folder / "redis", ports["redis"]),
        }

    def _addresses(self, state: State) -> dict[str, str | None]:
        return {name: engine.address if state.ports else None for name, engine in self._engines(state).items()}

    def _settings_of(self, state: State) -> dict[str, str]:
        engines = self._engines(state)
        return {"kafka_bootstrap": engines["kafka"].address, "redis_url": engines["redis"].address}


def _ports(known: dict[str, int]) -> dict[str, int]:
    """The ports of the last time where they are still free, others where not."""
    chosen: dict[str, int] = {}
    for name in PORTS:
        port = known.get(name, 0)
        chosen[name] = port if port and is_free(port) else free_port(chosen.values())
    return chosen


def _is_coming(supervisor: Supervisor, name: str) -> bool:
    known = supervisor.processes()
    return bool(known and known[name]["statename"] in NOT_GIVEN_UP)


def _tail(supervisor: Supervisor, name: str) -> str:
    log = supervisor.log_of(name)
    return "\n".join(f"  | {line}" for line in log.read_text("utf-8", "replace").splitlines()[-8:]) if log.exists() else ""


def _process_status(name: str, info: dict[str, object] | None, address: str | None, log: str) -> ProcessStatus:
    if info is None:
        return ProcessStatus(name, "STOPPED", False, None, None, address, log)
    running = info["statename"] in ("STARTING", "RUNNING")  # it is "starting" for its first second
    uptime_s = int(str(info["now"])) - int(str(info["start"])) if running else None
    return ProcessStatus(name, str(info["statename"]), running, int(str(info["pid"])) or None, uptime_s, address, log)
