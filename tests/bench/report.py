# SPDX-License-Identifier: BSD-2-Clause
"""Tables of saved figures, written into docs/BENCHMARKS.md between two comments; the text around
them is people's."""

import words

BEGIN = "<!-- figures: written by scripts/bench --charts -->"
END = "<!-- end of figures -->"


def write(environment, figures, path):
    """Replace what is between the comments."""
    text = path.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"{path} lacks the comments between which the figures go")
    values, rows = words.by_name(figures)
    parts = [machine(environment), *web_tables(values),
             *platform_tables(values, environment.get("left_out", [])),
             *peer_tables(rows, words.FASTCGI, "Without a web server: FastCGI, the endpoint now"),
             *peer_tables(rows, words.BUFFERS, "nginx with buffers of 64k and of 32k: now"),
             native_table(rows, words.NATIVE, "Inside one worker", "BEAM"),
             native_table(rows, words.STORE, "The store in SQLite", "bare SQLite"),
             native_table(beside(rows, "beam"), words.MICROSERVERS, "One process a row", "BEAM"),
             native_table(beside(rows, "sqlite"), words.MICROSERVERS,
                          "The same rows by SQLite alone, without processes", "SQLite alone"),
             native_table(rows, words.POOL, "On the thread pool", "a part of it, naively"),
             native_table(rows, words.FILES, "Inside a job", "libxlsxwriter"), other_table(figures),
             goal_table(figures)]
    path.write_text(before + begin + "\n\n" + "\n\n".join(filter(None, parts)) + "\n\n" + end +
                    after, encoding="utf-8")


def table(head, lines, right=True):
    """A table whose first column is words and whose others are numbers."""
    rule = ["---"] + ["---:" if right else "---"] * (len(head) - 1)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [head, rule, *lines])


def machine(environment):
    versions = ", ".join(f"{name} {version}"
                         for name, version in environment.get("versions", {}).items() if version)
    return (f"Measured on {environment.get('processors')} processors "
            f"({environment.get('processor')}), {environment.get('memory_gb')} GB, "
            f"{environment.get('system')}; {versions}; {environment.get('rounds')} rounds of "
            f"{environment.get('seconds')} s; the machine was {environment.get('busy_percent', 0)} % "
            "busy with other things before.")


def web_tables(values):
    """One table for each endpoint: metrics by systems."""
    for endpoint, title in words.ENDPOINTS.items():
        measured = {figure: found for figure, found in values.items()
                    if figure.startswith(endpoint + "_")}
        systems = list(dict.fromkeys(name for found in measured.values() for name in found))
        lines = []
        for count in words.CONNECTIONS:
            for suffix, metric in words.METRICS.items():
                found = measured.get(f"{endpoint}_{count}{suffix}")
                if found:
                    lines.append([f"{count:,} connections: {metric}",
                                  *(words.number(found[name]) if name in found else "–"
                                    for name in systems)])
        if lines:
            yield (f"### {title}\n\n" +
                   table(["", *(words.system(name) for name in systems)], lines))


def platform_tables(values, left_out):
    """One table for each endpoint and number of connections: systems by metrics."""
    for endpoint, title in words.ENDPOINTS.items():
        for count in words.CONNECTIONS:
            figure = f"platforms_{endpoint}_{count}"
            if figure not in values:
                continue
            lines = []
            for name in sorted(values[figure], key=lambda name: -values[figure][name]):
                found = [values.get(figure + suffix, {}).get(name)
                         for suffix in words.PLATFORM_METRICS]
                lines.append([words.system(name), *map(words.number, found)])
            lines += [[words.system(name), f"left out: {why}"] +
                      [""] * (len(words.PLATFORM_METRICS) - 1)
                      for name, where, why in left_out if where in (None, endpoint)]
            yield (f"### Platforms, {title}, {count:,} connections\n\n" +
                   table(["", *words.PLATFORM_METRICS.values()], lines))


def peer_tables(rows, labels, title):
    """A table of figures, with all their peers."""
    peers = list(dict.fromkeys(peer for figure, peer in rows if figure in labels))
    lines = []
    for figure, label in labels.items():
        found = {peer: rows[figure, peer] for peer in peers if (figure, peer) in rows}
        if found:
            ours = next(iter(found.values()))
            unit = unit_of(ours, label)
            lines.append([label, words.quantity(ours["value"], unit),
                          *(words.quantity(found[peer]["peer_value"], unit)
                            if peer in found else "–" for peer in peers)])
    if lines:
        yield (f"### {title}\n\n" +
               table(["", "kontor", *(words.system(peer) for peer in peers)], lines))


def unit_of(row, label):
    """The unit of a figure, unless its label says it."""
    unit = words.UNITS.get(row["unit"], row["unit"])
    return "" if label.endswith((f" {unit}", ":")) else unit


def beside(rows, peer):
    """The rows with one of the peers."""
    return {key: row for key, row in rows.items() if key[1] == peer}


def native_table(rows, labels, title, peer):
    """One table for programs that measure themselves, beside one peer."""
    lines = []
    for figure, label in labels.items():
        row = next((row for (name, _), row in rows.items() if name == figure), None)
        if row:
            lines.append([label, words.quantity(row["value"], row["unit"]),
                          words.quantity(row["peer_value"], row["unit"]) if row["peer"] else "–",
                          words.times(row["ratio"]), spread(row)])
    if not lines:
        return ""
    return (f"### {title}\n\n" +
            table(["", "kontor", peer, "kontor is ahead", "from … to"], lines))


def other_table(figures):
    """What belongs to no other table, each beside its peer."""
    lines = [[words.title(row["figure"]), words.quantity(row["value"], row["unit"]),
              f"{words.system(row['peer'])}: {words.quantity(row['peer_value'], row['unit'])}"
              if row["peer"] else "–", words.times(row["ratio"]), spread(row)]
             for row in figures if not words.has_table(row["figure"])]
    if not lines:
        return ""
    return ("### Others\n\n" +
            table(["", "kontor", "beside", "kontor is ahead", "from … to"], lines))


def spread(row):
    """The least and the largest ratio of the rounds."""
    if row.get("ratio_min") is None:
        return ""
    return f"{words.number(row['ratio_min'])} … {words.number(row['ratio_max'])}"


def goal_table(figures):
    """What was promised, and what was reached."""
    lines, seen = [], set()
    for row in figures:
        if not row.get("goal"):
            continue
        by_ratio = row["goal"].startswith("ratio")
        peer = words.system(row["peer"]) if by_ratio else ""
        if (row["figure"], peer) in seen:
            continue
        seen.add((row["figure"], peer))
        _, relation, bound = row["goal"].split()
        relation = {">=": "at least", "<=": "at most"}[relation]
        goal = (f"{relation} {bound} × {peer}" if by_ratio else
                f"{relation} {words.quantity(float(bound), row['unit'])}")
        reached = (f"{words.number(row['ratio'])} ({spread(row)})" if by_ratio and row["ratio"]
                   else words.quantity(row["value"], row["unit"]))
        lines.append([words.title(row["figure"]), goal, reached,
                      "yes" if row["is_reached"] else "**no**"])
    if not lines:
        return ""
    return "### Goals\n\n" + table(["", "goal", "reached", "kept"], lines, right=False)
