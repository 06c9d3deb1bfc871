"""docs/operations.md and the dashboard name everything that exists, and nothing else."""

import ast
import json
import re
from dataclasses import Field, fields
from pathlib import Path
from typing import Any

import audiowriter_server
from audiowriter_server.runtime.settings import VARIABLE_PREFIX, Settings
from audiowriter_server.telemetry import metrics
from prometheus_client import REGISTRY
from prometheus_client.metrics import MetricWrapperBase

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs/operations.md").read_text()
DASHBOARD = (ROOT / "deploy/grafana/audiowriter.json").read_text()
SOURCES = sorted(Path(audiowriter_server.__file__).parent.rglob("*.py"))

METRICS = [
    (next(iter(metric.describe())), metric._labelnames)
    for metric in vars(metrics).values()
    if isinstance(metric, MetricWrapperBase)
]


def table(heading: str) -> list[list[str]]:
    """Return the rows, without backticks, of every table whose header starts with this cell."""
    found, inside = [], False
    for line in TEXT.splitlines():
        cells = [cell.strip().replace("`", "") for cell in line.strip("|").split("|")]
        if not line.startswith("|"):
            inside = False
        elif cells[0] == heading:
            inside = True
        elif inside and not cells[0].startswith("---"):
            found.append(cells)
    return found


def default(setting: Field[Any]) -> str:
    if setting.name == "encode_threads":
        return "one per CPU"
    match setting.default:
        case bool(on):
            return "on" if on else "off"
        case float(number):
            return f"{number:g}"
        case value:
            return str(value) or "none"


def test_every_setting_is_documented() -> None:
    expected = [
        [
            "--" + setting.name.replace("_", "-"),
            VARIABLE_PREFIX + setting.name.upper(),
            default(setting),
            setting.metadata["help"],
        ]
        for setting in fields(Settings)
    ]
    assert table("Flag") == expected


def test_every_limit_has_its_error() -> None:
    documented = {limit: reason for limit, _, reason, _ in table("Limit")}
    limits = [setting.name for setting in fields(Settings) if re.match("max_|.*_timeout$", setting.name)]
    without = ("max_connections", "max_connection_streams", "max_connection_age", "max_connection_age_grace")
    assert documented == {limit: f"{limit.upper()}_EXCEEDED" for limit in limits if limit not in without}


def test_every_other_reason_is_documented() -> None:
    errors = {"OutOfOrder", "Stopped", "CallError", "LimitExceeded", "InvalidArgument", "__init__"}
    reasons = set[str]()
    for source in SOURCES:
        for node in ast.walk(ast.parse(source.read_text())):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                texts = [each.value for each in node.args if isinstance(each, ast.Constant)]
                if name in errors:
                    reasons |= {text for text in texts if isinstance(text, str) and re.fullmatch("[A-Z_]+", text)}
            elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
                reasons |= {str(node.value.value) for target in node.targets if getattr(target, "attr", "") == "reason"}
    assert {reason for _, reason, _ in table("Status")} == reasons - {"DRAIN_TIMEOUT_EXCEEDED"}


def test_every_field_of_the_log_is_documented() -> None:
    source = next(path for path in SOURCES if path.name == "call_record.py")
    values = next(
        node.value
        for node in ast.walk(ast.parse(source.read_text()))
        if isinstance(node, ast.AnnAssign) and getattr(node.target, "id", "") == "values"
    )
    assert isinstance(values, ast.Dict)
    assert [name for name, _ in table("Field")] == [ast.literal_eval(key) for key in values.keys if key is not None]


def test_every_metric_is_documented() -> None:
    expected = []
    for family, names in METRICS:
        name = family.name + "_total" * (family.type == "counter")
        expected.append([name, family.type, ", ".join(names), family.documentation])
    assert table("Metric") == expected


def samples_and_labels() -> tuple[set[str], set[str]]:
    """Return the names that an expression may use."""
    names, labels = set(), {"job", "instance", "le"}
    for family, label_names in METRICS:
        suffixes = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}
        names |= {family.name + suffix for suffix in suffixes[family.type]}
        labels |= set(label_names)
    return names | {family.name for family in REGISTRY.collect() if family.name.startswith("process_")}, labels


def test_dashboard_and_alerts_use_metrics_that_exist() -> None:
    names, labels = samples_and_labels()
    panels = json.loads(DASHBOARD)["panels"]
    expressions = [target["expr"] for panel in panels for target in panel["targets"]]
    expressions += re.findall(r"^- `(.*)`:", TEXT, re.MULTILINE)
    assert len(expressions) > 20
    for expression in expressions:
        used = set(re.findall(r"\b(?:grpc|audiowriter|process)_\w+", expression)) - labels
        assert used, expression
        assert used <= names, expression
        by = {label for group in re.findall(r"by \(([^)]*)\)", expression) for label in group.split(", ")}
        assert by | set(re.findall(r"(\w+)=~?\"", expression)) <= labels, expression


def test_dashboard_has_panels_that_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    panels = json.loads(DASHBOARD)["panels"]
    for panel in panels:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert max(x for x, _ in taken) < 24
