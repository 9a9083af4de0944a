"""docs/monitoring against what /metrics tells: no rule and no panel asks for a metric or a label that isn't there."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from jobs.ledger import Ledger
from tests.support import ledger as given
from web.http_metrics import HttpMetrics
from web.ledger_metrics import LedgerMetrics

ROOT = Path(__file__).parents[3]
ALERTS = ROOT / "docs/monitoring/alerts.yaml"
DASHBOARD: dict[str, Any] = json.loads((ROOT / "docs/monitoring/grafana.json").read_text(encoding="utf-8"))
RULES = [rule for group in yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"] for rule in group["rules"]]
QUERIES = [rule["expr"] for rule in RULES]
QUERIES += [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
OPERATIONS = (ROOT / "docs/operations.md").read_text(encoding="utf-8")


@pytest.fixture
def told(ledger: Ledger) -> dict[str, set[str]]:
    """Sample → its labels, of a service that has a model, a worker and a request."""
    ledger.announce(given.spec())
    ledger.beat(given.worker("gpu"))
    registry = CollectorRegistry()
    registry.register(LedgerMetrics(ledger))
    HttpMetrics(registry).answered("GET", "/", 200, 0.1)
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(generate_latest(registry).decode()):
        for sample in family.samples:
            found.setdefault(sample.name, {"instance"}).update(sample.labels)
    return found


def test_each_metric_and_label_exists(told: dict[str, set[str]]) -> None:
    for query in QUERIES:
        asked = re.findall(r"(tingxie_\w+)(?:{([^}]*)})?", query)
        assert asked, query
        known: set[str] = set()
        for name, selector in asked:
            assert name in told, query
            known |= told[name]
            assert set(re.findall(r"(\w+)\s*(?:=~|!=|=)", selector)) <= told[name], query
        grouped = {label.strip() for labels in re.findall(r"by \(([^)]*)\)", query) for label in labels.split(",")}
        assert grouped <= known, query


def test_each_metric_is_explained(told: dict[str, set[str]]) -> None:
    names = {re.sub(r"_(total|bucket|count|sum)$", "", name) for name in told}
    assert not [name for name in names if name not in OPERATIONS]


def test_each_alert_has_its_entry_in_the_runbook() -> None:
    assert len({rule["alert"] for rule in RULES}) == len(RULES)
    assert not [rule["alert"] for rule in RULES if f"### {rule['alert']}" not in OPERATIONS]


def test_promtool_accepts_the_rules() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool (Debian: prometheus) is not installed")
    checked = subprocess.run([promtool, "check", "rules", str(ALERTS)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
