"""Several files of `encode`, a few at once."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

import click

from audiowriter_cli.errors import EXPECTED, lines_of, say
from audiowriter_cli.job import Job
from audiowriter_cli.progress import Display
from audiowriter_cli.report import Report


class Batch:
    """Runs jobs on threads. A job that fails does not stop the others."""

    def __init__(self, jobs: Sequence[Job], at_once: int, done: Callable[[Report], None]) -> None:
        """`done`: called with the report of each file that is finished."""
        self._jobs = jobs
        self._at_once = min(at_once, len(jobs))
        self._done = done
        self._running: set[Job] = set()
        self._stopped = False
        self.failed = False
        """Whether a job failed, of several."""

    def run(self, display: Display) -> None:
        """Run all jobs. The error of a single job is raised; those of several are printed."""
        if len(self._jobs) == 1:  # on this thread, because stdin may block it forever
            with display:
                report = self._run(self._jobs[0], display)
            self._done(report)
            return
        with display, ThreadPoolExecutor(self._at_once) as pool:
            started = {pool.submit(self._run, job, display): job for job in self._jobs}
            for future in as_completed(started):
                if self._stopped:
                    pool.shutdown(cancel_futures=True)
                    return
                try:
                    self._done(future.result())
                except EXPECTED as error:
                    self._print(error, started[future].source)

    def stop(self, display: Display) -> None:
        """Discard the files that are not finished. May be called from another thread."""
        self._stopped = True
        display.stop()
        for job in list(self._running):
            job.cancel()

    def _print(self, error: Exception, source: str) -> None:
        self.failed = True
        for line in lines_of(error):
            say(line if source in line else f"{source}: {line}")

    def _run(self, job: Job, display: Display) -> Report:
        if self._stopped:
            raise click.Abort
        self._running.add(job)
        try:
            return job.run(display)
        finally:
            self._running.discard(job)
