"""Run all cases with the drivers of all languages and print the matrix: `make lab-conformance`.

python -m lab.conformance [LANGUAGE ...] [--driver COMMAND]
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from audiowriter_client import list_formats
from google.protobuf.message import DecodeError
from support import other_cpu
from support.server import ServerProcess, Stream, channel_to, poll

from lab.conformance.drivers import LANGUAGES, Driver, Language, external
from lab.conformance.plan import Case, Plan, load
from lab.conformance.relay import Relay
from lab.conformance.verdict import Judge, Outcome

OTHER_VERSION = """
import sys, audiowriter_core.muxers.ogg_opus as muxer
from audiowriter_server.__main__ import main
comments = muxer.comments
muxer.comments = lambda vendor, tags: comments("another version", tags)
sys.exit(main())
"""
"""A server whose Opus files differ."""

TOKEN = "of-the-conformance-set"

STARTS = threading.Semaphore(os.cpu_count() or 1)
"""Servers that start at the same time. A start has a time limit, and more of them would only slow each other down."""


def main() -> int:
    """Return 1 if a case failed, or if a driver ran no case."""
    begin = time.monotonic()
    languages = _chosen()
    with tempfile.TemporaryDirectory(prefix="audiowriter-conformance-") as name, ExitStack() as stack:
        folder = Path(name)
        (folder / "tokens").write_text(TOKEN + "\n")
        (folder / "pcm").mkdir()
        pool = stack.enter_context(ThreadPoolExecutor(len(languages)))
        commands = list(pool.map(lambda language: language.build(folder), languages.values()))
        drivers = {
            name: stack.enter_context(Driver(command)) for name, command in zip(languages, commands, strict=True)
        }
        print(f"built in {time.monotonic() - begin:.0f} s", flush=True)
        with ServerProcess() as server:
            formats = list_formats(server.target)
        run = Run(load(formats, folder / "pcm"), folder, stack)
        for number, case in enumerate(run.plan.cases):
            outcomes = pool.map(lambda item: run.ask(*item), [(number, case, *driver) for driver in drivers.items()])
            for name, (outcome, faults) in zip(drivers, outcomes, strict=True):
                if "unsupported" in outcome and languages[name].may_leave_out(outcome["unsupported"]):
                    run.left_out[name, outcome["unsupported"]] += 1
                else:
                    run.judge(number, name, case, outcome, faults)
    print("\n".join([*run.matrix(list(languages)), *run.gaps(list(languages))]))
    failed, done = sum(run.failed.values()), sum(run.done.values())
    print(f"{done} cases in {time.monotonic() - begin:.0f} s")
    print(f"{done - failed} passed, {failed} failed")
    ran = {name for _, name in run.done}
    return int(failed > 0 or ran != languages.keys())


def _chosen() -> dict[str, Language]:
    parser = argparse.ArgumentParser(prog="python -m lab.conformance")
    parser.add_argument("languages", nargs="*", metavar="LANGUAGE", help=f"of {', '.join(LANGUAGES)}; none: all")
    parser.add_argument("--driver", metavar="COMMAND", help="another driver; beside python if no language is given")
    arguments = parser.parse_args()
    names = [name.lower() for name in arguments.languages] or (["python"] if arguments.driver else [*LANGUAGES])
    if unknown := sorted({*names} - LANGUAGES.keys()):
        parser.error(f"{', '.join(unknown)}: expected {', '.join(LANGUAGES)}")
    chosen = {name: LANGUAGES[name] for name in dict.fromkeys(names)}
    for name, language in chosen.items():
        if not language.available:
            if arguments.languages:
                parser.error(f"{name}: {language.toolchain} is missing")
            print(f"{name}: left out, {language.toolchain} is missing", flush=True)
    chosen = {name: language for name, language in chosen.items() if language.available}
    if arguments.driver:
        try:
            chosen["driver"] = external(arguments.driver)
        except ValueError as error:
            parser.error(str(error))
    return chosen


class Run:
    """Servers, files and counts of one run."""

    def __init__(self, plan: Plan, folder: Path, stack: ExitStack) -> None:
        self.plan = plan
        self.done: Counter[tuple[str, str]] = Counter()
        self.failed: Counter[tuple[str, str]] = Counter()
        self.left_out: Counter[tuple[str, str]] = Counter()
        """Cases that a driver does not support, by driver and its reason."""
        self._folder = folder
        self._judge = Judge()
        shared = {case.server for case in plan.cases if not case.own_server and not case.full}
        self._servers = {name: stack.enter_context(ServerProcess(*self._flags(name))) for name in shared}

    def ask(self, number: int, case: Case, language: str, driver: Driver) -> tuple[Outcome, list[str]]:
        """Run a case in one language and return the faults, including those of a server that only this case used."""
        file = self._file(number, language)
        file.parent.mkdir(parents=True)
        faults: list[str] = []
        if case.full:
            with _several_servers(case, faults) as target:
                return driver.ask(case.asked | {"target": target, "file": str(file)}, lambda: None), faults
        if case.lost:
            with self._lost_servers(case, faults) as target:
                return driver.ask(case.asked | {"target": target, "file": str(file)}, lambda: None), faults
        with self._server(case, faults) as (server, at_pause):
            asked = case.asked | {"target": server.target, "file": str(file)}
            return driver.ask(asked, at_pause), faults

    def judge(self, number: int, language: str, case: Case, outcome: Outcome, faults: list[str]) -> None:
        """Count a case, and print its faults immediately."""
        file = self._file(number, language)
        try:
            faults = [*self._judge.faults(language, case, outcome, file), *faults]
        except (TypeError, ValueError, DecodeError) as error:
            faults = [f"malformed outcome {outcome}: {error}", *faults]
        self.done[case.group, language] += 1
        self.failed[case.group, language] += bool(faults)
        for fault in faults:
            print(f"FAILED {language}: {case}: {fault}", flush=True)
        for path in file.parent.iterdir():
            path.unlink()

    def matrix(self, languages: list[str]) -> Iterator[str]:
        """Return the rows: cases passed of cases run."""
        yield f"{'':20}" + "".join(f"{language:>10}" for language in languages)
        for group in dict.fromkeys(case.group for case in self.plan.cases):
            keys = [(group, language) for language in languages]
            cells = [f"{self.done[key] - self.failed[key]}/{self.done[key]}" for key in keys]
            yield f"{group:20}" + "".join(f"{cell:>10}" for cell in cells)

    def gaps(self, languages: list[str]) -> Iterator[str]:
        """Return one row per driver that left cases out, with its reasons."""
        for language in languages:
            reasons = {reason: count for (name, reason), count in self.left_out.items() if name == language}
            if reasons:
                listed = ", ".join(f"{reason} ({count})" for reason, count in reasons.items())
                yield f"{language} left out {sum(reasons.values())} of {len(self.plan.cases)} cases: {listed}"

    def _file(self, number: int, language: str) -> Path:
        return self._folder / language / str(number) / "file"

    def _flags(self, name: str) -> list[str]:
        return [flag.format(folder=self._folder) for flag in self.plan.servers[name]]

    @contextmanager
    def _server(self, case: Case, faults: list[str]) -> Iterator[tuple[ServerProcess, Callable[[], None]]]:
        """Yield the target of a case, and do to its server what the case requires during the pause."""
        if not case.own_server:
            yield self._servers[case.server], lambda: None
            return
        with _start(self._flags(case.server)) as server:
            yield server, lambda: _befall(server, case.meanwhile)
            signal_name = case.meanwhile.get("signal")
            if signal_name == "SIGKILL":
                return
            if signal_name is None:
                server.signal(signal.SIGTERM)
            try:
                code = server.wait()
            except subprocess.TimeoutExpired:
                code = None
            if code:
                faults.append(f"the server exited with {code}: it had live streams")
            elif code is None:
                faults.append("the server did not exit: it has live streams")

    @contextmanager
    def _lost_servers(self, case: Case, faults: list[str]) -> Iterator[str]:
        """Yield an address behind which servers are lost."""
        with ExitStack() as stack:
            servers = [stack.enter_context(_start([])) for _ in case.lost]
            if case.last == "other version":
                servers.append(stack.enter_context(_start([], ("-c", OTHER_VERSION))))
            elif case.last == "other cpu":
                servers.append(stack.enter_context(_start([], other_cpu.PROGRAM)))
            elif case.last == "open":
                servers.append(self._servers["open"])
            relay = stack.enter_context(Relay(servers, case.lost))
            yield relay.target
            if relay.losses < len(case.lost):
                faults.append(f"{relay.losses} servers were lost, expected {len(case.lost)}")
            if case.last == "other cpu" and not _has_joined(servers[-1]):
                faults.append("the listener has no packets of the last server")


def _has_joined(server: ServerProcess) -> bool:
    with suppress(AssertionError):
        poll(server.calls, "the call has not ended")
    return any(line.get("resume_joined") for line in server.calls())


def _start(flags: Sequence[str], program: Sequence[str] = ("-m", "audiowriter_server")) -> ServerProcess:
    with STARTS:
        return ServerProcess(*flags, program=program)


@contextmanager
def _several_servers(case: Case, faults: list[str]) -> Iterator[str]:
    """Start several servers, fill the full ones with a stream, and return all of them as one target."""
    with ExitStack() as stack:
        servers = []
        for full in case.full:
            server = stack.enter_context(_start(["--max-streams=1", "--idle-timeout=600"] if full else []))
            if full:
                stream = Stream(stack.enter_context(channel_to(server))).start()
                stack.callback(stream.half_close)
            servers.append(server)
        yield ",".join(server.target for server in servers)
        if case.refusals:
            with suppress(AssertionError):  # the log line is written after the answer
                poll(lambda: _refusals(servers) >= case.refusals, "")
            if (refusals := _refusals(servers)) != case.refusals:
                faults.append(f"{refusals} calls were refused, expected {case.refusals}")


def _refusals(servers: Sequence[ServerProcess]) -> int:
    return sum(server.ended("MAX_STREAMS_EXCEEDED") for server in servers)


def _befall(server: ServerProcess, meanwhile: dict[str, str]) -> None:
    if name := meanwhile.get("signal"):
        server.signal(signal.Signals[name])
        if name == "SIGKILL":
            server.wait()
    if beginning := meanwhile.get("log"):
        server.wait_for_line(beginning)


if __name__ == "__main__":
    sys.exit(main())
