"""The conformance kit: checks that every part of a family passes, built-in or plugin.

In a plugin's tests, three lines::

    from m5kit.testing import check_encoder
    from m5kit_foo import Foo
    def test_conformance(): check_encoder(Foo)
"""

from m5kit.testing.balancer import check_balancer
from m5kit.testing.dataset import check_dataset
from m5kit.testing.decoder import check_decoder
from m5kit.testing.encoder import check_encoder
from m5kit.testing.exporter import check_exporter
from m5kit.testing.families import check, check_names
from m5kit.testing.fusion import check_fusion
from m5kit.testing.harmonizer import check_harmonizer
from m5kit.testing.head import check_head
from m5kit.testing.hook import check_hook
from m5kit.testing.metric import check_metric
from m5kit.testing.report import ConformanceError, Report
from m5kit.testing.task import check_task
from m5kit.testing.transform import check_transform

__all__ = [
    "ConformanceError",
    "Report",
    "check",
    "check_balancer",
    "check_dataset",
    "check_decoder",
    "check_encoder",
    "check_exporter",
    "check_fusion",
    "check_harmonizer",
    "check_head",
    "check_hook",
    "check_metric",
    "check_names",
    "check_task",
    "check_transform",
]
