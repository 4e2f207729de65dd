# SPDX-License-Identifier: BSD-2-Clause
"""Bar charts as SVG: small, with title and description for those who don't see them, readable on a
light and on a dark page. Draws what figures say and knows nothing of how they were measured."""

from html import escape
from math import log10

import words

WIDTH = 760
MARGIN = 16
# Where bars begin, and the room for the number behind the longest.
LABEL_WIDTH = 200
NUMBER_WIDTH = 130
TITLE_HEIGHT = 62
BAR = 16
BAR_STEP = 21
GROUP_STEP = 30
# A machine that was busier with other things is told of.
BUSY_PERCENT_MAX = 10
# A value that is not 0 is seen.
BAR_MIN = 1.5

STYLE = """
    .page { fill: #ffffff }
    text { font: 13px system-ui, "DejaVu Sans", sans-serif; fill: #1f2933 }
    .title { font-size: 17px; font-weight: 600 }
    .note, .tick { fill: #52606d }
    .group { font-weight: 600 }
    .ours { font-weight: 600 }
    .bar { fill: #9aa5b1 }
    .bar.ours { fill: #0b69a3 }
    .bar.behind { fill: #b44d12 }
    .line { stroke: #cbd2d9 }
    .one { stroke: #52606d }
    @media (prefers-color-scheme: dark) {
        .page { fill: #161b22 }
        text { fill: #e4e7eb }
        .note, .tick { fill: #9aa5b1 }
        .bar { fill: #616e7c }
        .bar.ours { fill: #47a3f3 }
        .bar.behind { fill: #f0a35e }
        .line { stroke: #3e4c59 }
        .one { stroke: #9aa5b1 }
    }
"""


class Drawing:
    """One chart, from top to bottom."""

    def __init__(self, title, note, description):
        self.title, self.description = title, description
        self.parts = []
        self.y = TITLE_HEIGHT
        self.text(MARGIN, 28, title, "title")
        self.text(MARGIN, 48, note, "note")

    def text(self, x, y, content, style="", anchor="start"):
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" class="{style}" text-anchor="{anchor}">'
                          f"{escape(content)}</text>")

    def bar(self, x, width, style):
        self.parts.append(f'<rect x="{x:.1f}" y="{self.y:.1f}" width="{width:.1f}" '
                          f'height="{BAR}" rx="2" class="bar {style}"/>')

    def line(self, x, top, bottom, style="line"):
        self.parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{bottom}" '
                          f'class="{style}"/>')

    def save(self, path):
        height = self.y + MARGIN
        body = "\n".join("  " + part for part in self.parts)
        path.write_text(f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" \
width="{WIDTH}" height="{height}" role="img" aria-labelledby="title description">
  <title id="title">{escape(self.title)}</title>
  <desc id="description">{escape(self.description)}</desc>
  <style>{STYLE}  </style>
  <rect class="page" width="{WIDTH}" height="{height}" rx="6"/>
{body}
</svg>
""", encoding="utf-8")


def bars(title, note, groups, unit, path):
    """Bars in groups [(label, {system: value})], each group on a scale of its own."""
    spoken = "; ".join(
        f"{label}: " + ", ".join(f"{words.system(system)} {words.quantity(value, unit)}"
                                 for system, value in values.items())
        for label, values in groups)
    drawing = Drawing(title, note, spoken + ".")
    room = WIDTH - LABEL_WIDTH - NUMBER_WIDTH
    for label, values in groups:
        drawing.text(MARGIN, drawing.y + 13, label, "group")
        drawing.y += BAR_STEP + 2
        longest = max(values.values()) or 1
        for system, value in values.items():
            style = "ours" if system == "kontor" else ""
            width = max(room * value / longest, BAR_MIN)
            drawing.text(LABEL_WIDTH - 8, drawing.y + 13, words.system(system), style, "end")
            drawing.bar(LABEL_WIDTH, width, style)
            drawing.text(LABEL_WIDTH + width + 6, drawing.y + 13, words.quantity(value, unit),
                         style)
            drawing.y += BAR_STEP
        drawing.y += GROUP_STEP - BAR_STEP
    drawing.save(path)


def ratios(title, note, rows, path):
    """Bars from 1 to a ratio on a logarithmic scale: [(label, ratio, words for both values)]."""
    drawing = Drawing(title, note, "; ".join(f"{label}: {words.times(ratio)} ({both})"
                                             for label, ratio, both in rows) + ".")
    left, right = 240, WIDTH - MARGIN - 190
    low = min(0, *(log10(ratio) for _, ratio, _ in rows)) - 0.05
    high = max(1, *(log10(ratio) for _, ratio, _ in rows)) + 0.3

    def place(value):
        return left + (right - left) * (log10(value) - low) / (high - low)

    top = drawing.y + 16
    bottom = top + len(rows) * BAR_STEP + 4
    for power in range(int(low), int(high) + 1):
        x = place(10 ** power)
        drawing.line(x, top, bottom, "one" if power == 0 else "line")
        drawing.text(x, top - 4, "equal" if power == 0 else f"×{10 ** power:g}", "tick", "middle")
    drawing.y = top + 4
    for label, ratio, both in rows:
        begin, end = sorted((place(1), place(ratio)))
        drawing.text(left - 8, drawing.y + 13, label, "", "end")
        drawing.bar(begin, max(end - begin, BAR_MIN), "ours" if ratio >= 1 else "behind")
        drawing.text(end + 6, drawing.y + 13, words.times(ratio), "ours")
        drawing.text(WIDTH - MARGIN, drawing.y + 13, both, "note", "end")
        drawing.y += BAR_STEP
    drawing.save(path)


def platforms(title, note, groups, path):
    """Rates as bars, with what they cost in words behind them: groups [(label, [(name, value,
    words)])], the largest first, each group on a scale of its own."""
    drawing = Drawing(title, note, "; ".join(
        f"{label}: " + ", ".join(f"{words.system(name)} {words.number(value)}/s, {costs}"
                                 for name, value, costs in rows) for label, rows in groups) + ".")
    left, room = 236, 170
    for label, rows in groups:
        drawing.text(MARGIN, drawing.y + 13, label, "group")
        drawing.y += BAR_STEP + 2
        longest = max(value for _, value, _ in rows) or 1
        for name, value, costs in rows:
            style = "ours" if name == "kontor" else ""
            width = max(room * value / longest, BAR_MIN)
            drawing.text(left - 8, drawing.y + 13, words.system(name), style, "end")
            drawing.bar(left, width, style)
            drawing.text(left + width + 6, drawing.y + 13, f"{words.number(value)}/s", style)
            drawing.text(WIDTH - MARGIN, drawing.y + 13, costs, "note", "end")
            drawing.y += BAR_STEP
        drawing.y += GROUP_STEP - BAR_STEP
    drawing.save(path)


def platform_groups(values, endpoint):
    """What platforms() draws of an endpoint."""
    groups = []
    for count in words.CONNECTIONS:
        figure = f"platforms_{endpoint}_{count}"
        rates = values.get(figure, {})
        rows = []
        for name in sorted(rates, key=lambda name: -rates[name]):
            p50, p99, memory, errors = (values.get(figure + suffix, {}).get(name) for suffix in
                                        ("_p50_ms", "_p99_ms", "_memory_mb", "_errors"))
            costs = f"{words.number(p50)} / {words.number(p99)} ms, {words.number(memory)} MB"
            rows.append((name, rates[name],
                         costs + (f", {words.number(errors)} errors" if errors else "")))
        if rows:
            groups.append((f"{count:,} connections", rows))
    return groups


def web_groups(values, suffix, connections=words.CONNECTIONS):
    """All endpoints that were measured, at these numbers of connections."""
    groups = []
    for endpoint in words.ENDPOINTS:
        for count in connections:
            found = values.get(f"{endpoint}_{count}{suffix}")
            if found:
                groups.append((f"{endpoint}, {count:,} connections", found))
    return groups


# The end of the file's name: the metric, its unit, title and note, and the connections shown.
WEB_CHARTS = {
    "requests": ("", "/s", "Requests per second behind nginx",
                 "More is better. Each group has a scale of its own.", words.CONNECTIONS),
    "cpu": ("_cpu_us", "µs", "Processor time of a request",
            "Less is better. The application's processes alone, without nginx.",
            words.CONNECTIONS),
    "newcomers": ("_newcomer_ms", "ms", "The worst wait of a newcomer",
                  "Less is better. A fresh connection every 0.2 s while the load runs.",
                  words.CONNECTIONS),
    "memory": ("_memory_mb", "MB", "Memory at 1,000 connections",
               "Less is better. All processes of the application; shared pages count once.",
               (1000,)),
}


def draw(environment, figures, folder):
    """Draw all charts that these figures are enough for, as bench-*.svg in the folder."""
    values, rows = words.by_name(figures)
    note = f"{environment.get('processors', '?')} processors, all in one machine."
    if environment.get("busy_percent", 0) > BUSY_PERCENT_MAX:
        note += f" It was {environment['busy_percent']} % busy with other things."
    for name, (suffix, unit, title, direction, connections) in WEB_CHARTS.items():
        groups = web_groups(values, suffix, connections)
        if groups:
            bars(title, f"{direction} {note}", groups, unit, folder / f"bench-{name}.svg")
    for endpoint, title in words.ENDPOINTS.items():
        groups = platform_groups(values, endpoint)
        if groups:
            platforms(f"Platforms, {title}",
                      f"Requests per second; half / 99 % answered within; memory. {note}", groups,
                      folder / f"bench-platforms-{endpoint}.svg")
    native = []
    for figure, label in words.NATIVE.items():
        row = rows.get((figure, "beam"))
        if row and row["ratio"]:
            native.append((label, row["ratio"],
                           f"{words.number(row['value'])} : "
                           f"{words.quantity(row['peer_value'], row['unit'])}"))
    if native:
        ratios("Inside one worker: kontor beside the BEAM",
               "To the right: kontor is ahead by this factor. The scale is logarithmic.",
               native, folder / "bench-processes.svg")
