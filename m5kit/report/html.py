"""What every page of m5kit is made of: one file that needs no other, for wide and narrow screens and for paper."""

import re
from html import escape

LONG = 16
"""Letters of a name that fits everywhere."""

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1d2329; background: #fff; max-width: 76rem;
  margin: 2rem auto; padding: 0 1.5rem; }
h1, h2, p { overflow-wrap: break-word; }
h1 { font-size: 1.7rem; margin: 0 0 .3rem; }
h2 { font-size: 1.15rem; margin: 2.4rem 0 .6rem; }
p { margin: .3rem 0; }
.progress, .note, figcaption { color: #5b6670; font-size: .9rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .92rem; font-variant-numeric: tabular-nums; }
th, td { padding: .35rem .9rem; text-align: right; white-space: nowrap; }
.words { text-align: left; white-space: pre-line; overflow-wrap: break-word; min-width: 8rem; max-width: 26rem; }
th:first-child, td:first-child { padding-left: 0; }
th { font-weight: 600; border-bottom: 2px solid #1d2329; }
td { border-bottom: 1px solid #e3e7ea; }
tbody tr:hover { background: #f4f7f9; }
figure { margin: 0; overflow-x: auto; }
img { max-width: 100%; height: auto; }
figure img { min-width: 36rem; }
.plots { display: flex; flex-wrap: wrap; gap: 1rem; }
@media (max-width: 40rem) { body { padding: 0 .8rem; } th, td { padding: .35rem .5rem; }
  .words { min-width: 7rem; max-width: 9rem; } }
@media print { body { max-width: none; } tr, figure { break-inside: avoid; } }
""".strip()


def whole_page(title: str, body: str, style: str = "") -> str:
    """A page.

    Args:
        title: HTML, for the window.
        body: HTML.
        style: rules beyond those of every page.
    """
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<link rel="icon" href="data:,">\n'
        f"<title>{title}</title>\n<style>\n{STYLE}\n{style}\n</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def breakable(name: str) -> str:
    """A long name as HTML that may be broken after its signs, so that no word is cut.

    Example:
        >>> breakable("fusion=cross_attention")
        'fusion=<wbr>cross_<wbr>attention'
        >>> breakable("schedule.weight_decay=0.1")
        'schedule.<wbr>weight_<wbr>decay=<wbr>0.1'
    """
    text = escape(name)
    return re.sub(r"([=_/,+|]|\.(?!\d))(?=\S)", r"\1<wbr>", text) if len(name) > LONG else text
