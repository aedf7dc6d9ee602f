"""The metrics' names and help are fit for Prometheus."""

import shutil
import subprocess

from prometheus_client import Counter, Gauge, Histogram

from adapters import metrics
from adapters.probe import exposition


def test_promtool_finds_nothing_to_say_about_any_metric() -> None:
    promtool = shutil.which("promtool")
    assert promtool, "promtool is missing; run `make setup`, or install the Debian package prometheus"
    for metric in vars(metrics).values():
        if isinstance(metric, Counter | Gauge | Histogram):
            _touch(metric)
    checked = subprocess.run([promtool, "check", "metrics"], input=exposition()[0], capture_output=True, check=False)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, b"")


def test_every_metric_is_ours_and_has_help() -> None:
    ours = [family for family in metrics.REGISTRY.collect() if not family.name.startswith(("process_", "python_"))]
    assert ours
    assert all(family.name.startswith("cityloop_") and family.documentation.endswith(".") for family in ours)


def _touch(metric: Counter | Gauge | Histogram) -> None:
    """Give it a value, so that it is on the page with labels."""
    labels = metric._labelnames  # noqa: SLF001  # the library has no public question for them
    child = metric.labels(*("x" for _ in labels)) if labels else metric
    if isinstance(child, Histogram):
        child.observe(1)
    else:
        child.inc()
