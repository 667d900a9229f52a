"""The embedded demo set: invented products with a known truth, in real encoded files."""

from m5kit.data.demo.make import make_demo

__all__ = ["make_demo"]
