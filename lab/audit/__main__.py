"""Look up the locked Python packages and the Go code in their databases of vulnerabilities: `make audit`.

    python -m lab.audit [--required]

Returns 1 if a vulnerability was found or a tool failed. A check whose database cannot be reached is reported as SKIPPED.
That is a failure only with --required: a run without a network must neither fail nor count as a success.
"""

import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
PIP_AUDIT = ROOT / "build" / "supply" / "bin" / "pip-audit"
GOVULNCHECK = "golang.org/x/vuln/cmd/govulncheck@v1.9.0"
LIMIT_S = 900.0

LOCKS = ("requirements/scale.txt", "requirements/fuzz.txt", "requirements/supply.txt", "lab/load/requirements.txt")
"""The other locks are parts of scale.txt; a test checks that."""
UNREACHABLE = re.compile(
    r"ConnectionError|ConnectTimeout|ReadTimeout|Max retries exceeded|no such host|connection refused|dial tcp"
    r"|i/o timeout|TLS handshake timeout|proxyconnect|Could not resolve|Forbidden|Bad Gateway|Service Unavailable"
)

PASSED, SKIPPED, FAILED = "passed", "SKIPPED", "FAILED"
Verdict = tuple[str, str]
"""One of the three words above, and what was found or why it was skipped."""


def main() -> int:
    """Print one line per check, and the details of a failure."""
    required = "--required" in sys.argv[1:]
    counts: Counter[str] = Counter()
    for name, verdict in [*((lock, _python(lock)) for lock in LOCKS), ("client/go", _go())]:
        word, text = verdict
        counts[word] += 1
        print(f"{word} {name}: {text}", flush=True)
    print(f"{counts[PASSED]} passed, {counts[FAILED]} failed, {counts[SKIPPED]} skipped")
    return int(counts[FAILED] > 0 or (required and counts[SKIPPED] > 0))


def _python(lock: str) -> Verdict:
    # The lock has all packages with their hashes, so nothing has to be resolved or downloaded.
    options = ("--progress-spinner=off", "--timeout=30", "--disable-pip", "--require-hashes", "--format=json")
    done = _run([str(PIP_AUDIT), *options, "--requirement", lock], ROOT)
    return verdict_of_pip_audit(done.stdout, done.stderr)


def verdict_of_pip_audit(report: str, errors: str) -> Verdict:
    """Return the verdict on a report in JSON.

    pip-audit ends with 0 also if the database has no answer for any package. Such packages have a `skip_reason`.
    """
    try:
        packages = json.loads(report)["dependencies"]
    except (KeyError, TypeError, ValueError):
        return _failure(errors)
    vulnerable = [
        f"{package['name']} {package['version']}: {entry['id']}"
        for package in packages
        for entry in package.get("vulns", ())
    ]
    unchecked = [package["name"] for package in packages if "skip_reason" in package]
    if vulnerable:
        return FAILED, "\n  ".join(vulnerable)
    if unchecked or not packages:
        return SKIPPED, f"the database had no answer for {len(unchecked)} of {len(packages)} packages"
    return PASSED, f"{len(packages)} packages"


def _go() -> Verdict:
    if shutil.which("go") is None:
        return SKIPPED, "go is missing"
    done = _run(["go", "run", GOVULNCHECK, "./..."], ROOT / "client" / "go")
    return (PASSED, "no known vulnerability") if done.returncode == 0 else _failure(done.stdout + done.stderr)


def _failure(output: str) -> Verdict:
    if UNREACHABLE.search(output):
        return SKIPPED, "the database cannot be reached, so nothing was checked"
    return FAILED, output.strip()


def _run(command: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=LIMIT_S, check=False)


if __name__ == "__main__":
    sys.exit(main())
