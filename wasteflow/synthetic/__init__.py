"""Synthetic books in the import format: `synth` of any size, `demo_rows` over the real parks.

Pure: standard library and numpy, no clock, no database.  Everything written is marked synthetic.
"""

from wasteflow.synthetic.demo import DemoData, demo_rows, write_demo
from wasteflow.synthetic.synth import SynthSummary, synth
from wasteflow.synthetic.writing import COLUMNS

__all__ = ["COLUMNS", "DemoData", "SynthSummary", "demo_rows", "synth", "write_demo"]
