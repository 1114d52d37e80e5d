#!/usr/bin/env python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""Makes of a folder's measurements.tsv and machine.txt, as ci/bench writes them, results.txt (also printed),
results.json and results.svg.

What is compared is compared within a round; medians of the rounds are shown, and their range.
"""

import collections
import json
import math
import os
import statistics
import sys
from xml.sax.saxutils import escape

WAYS = {
    "none": "no mirroring",
    "64": "64 filters, none matches",
    "base64": "the same, older commit",
    "bare": "bare clone → veth",
    "reserve": "64 B into a ring, no more",
    "device": "ours, clone → veth",
    "device-vxlan": "ours, clone → kernel VXLAN",
    "ring": "ours, ring, 128 B → GUE",
    "ring-whole": "ours, ring, whole → GUE",
    "ring-dev": "ours, ring, whole → kernel VXLAN",
    "auto": "ours, ring or clone → kernel VXLAN",
    "ring-whole-threads": "the same with two threads",
    "basering-whole": "older commit, ring, whole",
    "ring-first": "ours, ring, first 1 MiB → GUE",
    "mirred-vxlan": "tc mirred → kernel VXLAN",
    "dup-vxlan": "nft dup → kernel VXLAN",
    "capture": "tcpdump -s 128",
    "capture-whole": "tcpdump -s 0",
    "64-device": "ours, 64 filters, clone → veth",
    "64-ring": "ours, 64 filters, ring, 128 B",
    "64-nft": "nft, 64 rules, dup → veth",
    "64-nft-set": "nft, a set, dup → veth",
    "64-u32": "tc u32, 64 filters → veth",
}


OURS_WHOLE = {"ring-whole", "ring-dev", "auto"}
RANDOM = "ports of 10,000 flows"
REACHED = 0.95  # of a rate
WIRES = {"super": "wire takes super-packets", "cut": "wire segments"}


class Spread:
    """One value per round."""

    def __init__(self, values):
        self.values = values
        self.median, self.low, self.high = statistics.median(values), min(values), max(values)

    def _combine(self, other, operation):
        return Spread([operation(a, b) for a, b in zip(self.values, other.values)])

    def __sub__(self, other):
        return self._combine(other, lambda a, b: a - b)

    def __truediv__(self, other):
        return self._combine(other, lambda a, b: a / b)

    def __mul__(self, other):
        return self._combine(other, lambda a, b: a * b)

    def per_second(self):
        return Spread([1e9 / ns for ns in self.values])

    def text(self, digits=0, scale=1):
        median, low, high = (f"{v / scale:,.{digits}f}" for v in (self.median, self.low, self.high))
        return f"{median} ({low}–{high})"

    def json(self):
        return {"median": self.median, "min": self.low, "max": self.high, "rounds": self.values}


def read(path):
    """{part: {case: {metric: {way: Spread}}}}"""
    rounds = collections.defaultdict(list)
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            part, way, case, metric, value = line.rstrip("\n").split("\t")
            rounds[part, case, metric, way].append(float(value))
    tree = lambda: collections.defaultdict(tree)
    parts = tree()
    for (part, case, metric, way), values in rounds.items():
        parts[part][case][metric][way] = Spread(values)
    return parts


def net(costs, base):
    """What each way costs beyond the base."""
    return {way: cost - costs[base] for way, cost in costs.items() if way != base}


def goodput_of(metrics):
    """Bits per second of copies that arrived. tcpdump does not say of how many bytes its losses were."""
    shares = {**metrics["captured"], **metrics["bytes"]}
    return {way: bits * shares[way] for way, bits in metrics["bit/s"].items() if way in metrics["captured"]}


def cpu_per_gigabyte(metrics):
    """Seconds of all CPUs, for what was mirrored and arrived, more than production takes for as much."""
    each = {way: metrics["cpu"][way] / gigabytes for way, gigabytes in metrics["GB"].items()}
    return {way: (each[way] - each["none"]) / share for way, share in metrics["captured"].items()}


def markdown(rows):
    """Lines of a table, the first of which is its head."""
    first, *widths = (max(map(len, column)) for column in zip(*rows))
    lines = [" | ".join([row[0].ljust(first), *(cell.rjust(w) for cell, w in zip(row[1:], widths))]) for row in rows]
    rule = "|".join(["-" * (first + 2), *("-" * (w + 1) + ":" for w in widths)])
    return [f"| {lines[0]} |", f"|{rule}|", *(f"| {line} |" for line in lines[1:])]


THROUGHPUT_COLUMNS = ["copies arrived", "Gbit/s of copies", "CPU s/GB mirrored"]


def throughput_cells(metrics):
    return [
        {way: spread.text(3) for way, spread in metrics["captured"].items()},
        {way: spread.text(1, 1e9) for way, spread in goodput_of(metrics).items()},
        {way: spread.text(2) for way, spread in cpu_per_gigabyte(metrics).items()},
    ]


class Report:
    def __init__(self, parts, machine):
        self.parts = parts
        self.machine = machine
        self.goals = []
        self.unmeasured = []
        self.sections = []  # title, column titles, [way, cells]
        self.panels = []  # title, {way: Spread}, digits, scale

    def goal(self, text, ratio, limit, at_most=True):
        met = ratio.median <= limit if at_most else ratio.median >= limit
        self.goals.append((text, ratio, f"{'≤' if at_most else '≥'} {limit:.2f}", met))

    def ratio(self, text, ratio):
        """One without a goal."""
        self.goals.append((text, ratio, "", None))

    def goal_of_base(self, text, costs, way, base, limit):
        """One that needs an older commit."""
        if base in costs:
            self.goal(text, costs[way] / costs[base], limit)
        else:
            self.unmeasured.append(f"{text}: BASE names no older commit")

    def all_captured(self, text, shares):
        """Ways that lost copies did not do the same work, so that the worst round counts."""
        worst = Spread([shares.low])
        self.goals.append((text, worst, "= 1.00", round(worst.low, 3) >= 1))

    def section(self, title, columns, cells):
        ways = [way for way in WAYS if any(way in column for column in cells)]
        rows = [(WAYS[way], [column.get(way, "") for column in cells]) for way in ways]
        self.sections.append((title, columns, rows))

    def path(self):
        cases = self.parts["path"]
        costs = {size: net(cases[size]["ns"], "empty") for size in cases}
        for size, cost in costs.items():
            self.goal(f"path: ring, 128 B / 64 B into a bpf_ringbuf, {size}", cost["ring"] / cost["reserve"], 1.40)
            self.goal(f"path: ring, 128 B / bare clone, {size}", cost["ring"] / cost["bare"], 0.15)
            self.goal(f"path: {WAYS['auto']} / ring, whole, {size}", cost["auto"] / cost["ring-whole"], 1.05)
        self.goal("path: ring, whole / bare clone, 1400 B", costs["1400 B"]["ring-whole"] / costs["1400 B"]["bare"], 0.35)
        for way in ("ring", "ring-whole", "auto"):
            worst = min((cases[size]["captured"][way] for size in cases), key=lambda share: share.low)
            self.all_captured(f"path: copies arrived, {WAYS[way]}", worst)
        self.section(
            f"Cost on the path, 300,000 packets/s: ns per packet more than an empty program; random: {RANDOM}",
            list(costs),
            [{way: cost.text() for way, cost in column.items()} for column in costs.values()],
        )
        self.panels.append(("On the path, 1400 B: ns more than an empty program", costs["1400 B"], 0, 1))

    def unmatched(self):
        costs = {}
        for case, metrics in self.parts["unmatched"].items():
            ns = metrics["ns"]
            cost = costs[case] = {way: ns[way] - ns[way.replace("64", "empty")] for way in ns if "64" in way}
            self.goal_of_base(f"path: no match with 64 filters / older commit, {case} ports", cost, "64", "base64", 0.70)
        self.section(
            f"No match with 64 filters: ns per packet more than an empty program; random: {RANDOM}",
            [f"{case} ports" for case in costs],
            [{way: cost.text(1) for way, cost in column.items()} for column in costs.values()],
        )

    def ingress(self):
        cost = self.flooded("ingress", "Live ingress at saturation, 1400 B, 10,000 flows")["1400 B"]
        for way, other, limit in (("ring", "capture", 0.50), ("ring-whole", "capture-whole", 0.60)):
            self.goal(f"live ingress: {WAYS[way]} / {WAYS[other]}", cost[way] / cost[other], limit)
        for other in ("bare", "device-vxlan"):
            self.ratio(f"live ingress: {WAYS['ring']} / {WAYS[other]}", cost["ring"] / cost[other])
        for way in ("ring", "ring-whole"):
            captured = self.parts["ingress"]["1400 B"]["captured"][way]
            self.all_captured(f"live ingress: copies arrived, {WAYS[way]}", captured)

    def filters(self):
        costs = self.flooded("filters", "64 filters, live ingress at saturation, 64 B, 10,000 flows, random ports")
        ours = costs["unmatched"]["64-device"]
        self.goal("live ingress: no match with 64 filters / nft, 64 rules", ours / costs["unmatched"]["64-nft"], 0.20)
        for other in ("64-nft-set", "64-u32"):
            self.ratio(f"live ingress: no match with 64 filters / {WAYS[other]}", ours / costs["unmatched"][other])
        for other in ("64-nft", "64-nft-set", "64-u32"):
            ratio = costs["matched"]["64-device"] / costs["matched"][other]
            self.ratio(f"live ingress: the last of 64 matches, ours → veth / {WAYS[other]}", ratio)

    def flooded(self, part, title):
        cases = self.parts[part]
        costs = {case: net(metrics["ns"], "none") for case, metrics in cases.items()}
        columns = {}
        for case, metrics in cases.items():
            columns[f"{case}: ns more"] = {way: cost.text() for way, cost in costs[case].items()}
            if "captured" in metrics:
                columns["copies arrived"] = {way: share.text(4) for way, share in metrics["captured"].items()}
            self.panels.append((f"{title}, {case}: ns more per packet", costs[case], 0, 1))
        floor = next(iter(cases.values()))["ns"]["none"].text()
        self.section(f"{title}; without mirroring {floor} ns per packet", list(columns), list(columns.values()))
        return costs

    def sender(self):
        cases = self.parts["sender"]
        rates = {}
        for case, metrics in cases.items():
            costs = metrics["ns"]
            if "empty" in costs:
                costs = {**costs, "device-vxlan": costs["device-vxlan"] - costs["empty"]}
            rates[case] = {way: costs[way].per_second() for way in WAYS if way in costs}
        shares = (share for metrics in cases.values() for share in metrics["captured"].values())
        self.all_captured("sender: copies arrived, the worst case", min(shares, key=lambda share: share.low))
        costs = cases["super"]["ns"]
        text = "sender: 64 KiB whole → kernel VXLAN / older commit, segmented"
        self.goal_of_base(text, costs, "ring-dev", "basering-whole", 0.45)
        if "basering-whole" in costs:
            self.ratio("sender: 64 KiB, both segmented / older commit", costs["ring-whole"] / costs["basering-whole"])
        kernel = rates["mixed"]["device-vxlan"]
        self.goal("sender: copies per second / clone → kernel VXLAN, mixed", rates["mixed"]["ring-whole"] / kernel, 1.5, False)
        kernel = rates["equal-1400"]["device-vxlan"]
        for case, way in (("equal-128", "ring"), ("equal-1400", "ring-whole")):
            self.goal(f"sender: copies per second / clone → kernel VXLAN, {case}", rates[case][way] / kernel, 2, False)
        for case in ("equal-1400", "mixed"):
            both = rates[case]["ring-whole-threads"] / rates[case]["ring-whole"]
            self.goal(f"sender: two threads / one, {case}", both, 1.8, False)
        for case, way in (("equal-128", "ring"), ("equal-1400", "ring-whole"), ("mixed", "ring-whole")):
            first, both = cases[case]["ns"][way], cases[case]["ns"][way + "-legs"]
            self.ratio(f"sender: second destination / first, {case}", (both - first) / first)
        self.section(
            "Copies that the sender takes from full rings, 1,000 per second; of super-packets, what the wire has of them",
            list(rates),
            [{way: rate.text(0, 1000) for way, rate in column.items()} for column in rates.values()],
        )
        sizes = {way: rate for case in ("equal-128", "equal-1400") for way, rate in rates[case].items()}
        self.panels.append(("Copies of equal sizes that the sender takes from full rings, 1,000 per second", sizes, 0, 1000))
        self.panels.append(("… of mixed sizes and flows", rates["mixed"], 0, 1000))

    def tcp(self):
        for case, metrics in self.parts["tcp"].items():
            rate, goodput = metrics["bit/s"], goodput_of(metrics)
            share = {way: bits / rate["none"] for way, bits in rate.items()}
            wire = WIRES[case]
            if case == "super":
                self.goal(f"TCP: {WAYS['auto']} / clone → kernel VXLAN", rate["auto"] / rate["device-vxlan"], 1, False)
                self.all_captured(f"TCP: copies arrived, {WAYS['auto']}", metrics["bytes"]["auto"])
                self.goal(f"TCP: {WAYS['ring']} / none", share["ring"], 0.92, False)
                self.all_captured(f"TCP: copies arrived, {WAYS['ring']}", metrics["captured"]["ring"])
                self.goal(f"TCP: {WAYS['ring-first']} / none", share["ring-first"], 0.95, False)
            else:
                self.more_goodput("TCP", metrics, math.inf)
            self.section(
                f"TCP without limit, both directions mirrored, {wire}",
                ["Gbit/s", "of none", *THROUGHPUT_COLUMNS],
                [
                    {way: spread.text(1, 1e9) for way, spread in rate.items()},
                    {way: spread.text(2) for way, spread in share.items()},
                    *throughput_cells(metrics),
                ],
            )
            self.panels.append((f"TCP without limit, {wire}: Gbit/s", rate, 1, 1e9))
            self.panels.append((f"TCP without limit, {wire}: Gbit/s of copies that arrived", goodput, 1, 1e9))

    def more_goodput(self, title, metrics, asked):
        """Copies that arrived, of our best way, at equal production: at a rate that both leave it."""
        rate, goodput = metrics["bit/s"], goodput_of(metrics)
        way = max(OURS_WHOLE & set(goodput), key=lambda way: goodput[way].median)
        copies, production = (spread[way] / spread["device-vxlan"] for spread in (goodput, rate))
        text = f"{title}, wire segments: {WAYS[way]} / clone → kernel VXLAN"
        if min(rate[way].median, rate["device-vxlan"].median) >= REACHED * asked:
            self.goal(f"{text}, copies", copies, 0.99, False)
        else:
            self.ratio(f"{text}, copies", copies)
        self.ratio(f"{text}, production", production)

    def bulk(self):
        for case, metrics in self.parts["bulk"].items():
            wire, gigabits = case.split()
            asked = float(gigabits) * 1e9
            rate = metrics["bit/s"]
            title = f"TCP at {gigabits} Gbit/s"
            if wire == "cut":
                self.more_goodput(title, metrics, asked)
            elif rate["none"].median < REACHED * asked:
                self.unmeasured.append(
                    f"{title}: this machine reaches {rate['none'].text(1, 1e9)} without mirroring"
                )
            else:
                for way in sorted(OURS_WHOLE & set(rate)):
                    self.all_captured(f"{title}: copies arrived, {WAYS[way]}", metrics["bytes"][way])
            self.section(
                f"{title}, both directions mirrored, {WIRES[wire]}; latency of requests beside it in µs",
                ["of the rate", *THROUGHPUT_COLUMNS, "p50", "p99"],
                [
                    {way: spread.text(2, asked) for way, spread in rate.items()},
                    *throughput_cells(metrics),
                    *({way: spread.text() for way, spread in metrics[p].items()} for p in ("p50", "p99")),
                ],
            )
            self.panels.append((f"{title}, {WIRES[wire]}: Gbit/s of copies that arrived", goodput_of(metrics), 1, 1e9))

    def latency(self):
        case = self.parts["latency"]["10000"]
        self.section(
            "Request latency at 10,000 requests/s, both directions mirrored, µs",
            list(case),
            [{way: spread.text() for way, spread in column.items()} for column in case.values()],
        )
        self.panels.append(("Request latency at 10,000/s, p99, µs", case["p99"], 0, 1))

    def make(self):
        for part in ("path", "unmatched", "ingress", "filters", "sender", "tcp", "bulk", "latency"):
            if part in self.parts:
                getattr(self, part)()

    def text(self):
        lines = [*self.machine, "", "Goals: medians of ratios within a round (lowest–highest)", ""]
        width = max((len(text) for text, *_ in self.goals), default=0)
        for text, ratio, limit, met in self.goals:
            verdict = {True: "met", False: "MISSED", None: ""}[met]
            lines.append(f"  {text:<{width}} {ratio.text(3):>22}  {limit:6}  {verdict}".rstrip())
        lines += [f"  not measured: {text}" for text in self.unmeasured]
        for title, columns, rows in self.sections:
            lines += ["", title, "", *markdown([["", *columns], *([name, *cells] for name, cells in rows)])]
        return "\n".join(lines) + "\n"

    def json(self):
        return {
            "machine": dict(line.split(": ", 1) for line in self.machine),
            "goals": [
                {"name": text, "limit": limit, "met": met, **ratio.json()}
                for text, ratio, limit, met in self.goals
            ],
            "not measured": self.unmeasured,
            "measurements": {
                part: {
                    case: {
                        metric: {way: spread.json() for way, spread in ways.items()}
                        for metric, ways in metrics.items()
                    }
                    for case, metrics in cases.items()
                }
                for part, cases in self.parts.items()
            },
        }

    def svg(self):
        """Bars of medians; a line from the lowest to the highest round."""
        label, bar, row, head, width = 220, 400, 20, 40, 720
        shapes, y = [], 0
        for title, ways, digits, scale in self.panels:
            most = max(spread.high for spread in ways.values()) or 1
            shapes.append(f'<text x="8" y="{y + 26}" font-weight="bold">{escape(title)}</text>')
            y += head
            for way in (way for way in WAYS if way in ways):
                spread = ways[way]
                low, median, high = (label + max(v, 0) / most * bar for v in (spread.low, spread.median, spread.high))
                color = "#2a7" if way.startswith("ring") else "#89a"
                shapes += [
                    f'<text x="{label - 8}" y="{y + 14}" text-anchor="end">{escape(WAYS[way])}</text>',
                    f'<rect x="{label}" y="{y + 3}" width="{median - label:.1f}" height="{row - 6}" fill="{color}"/>',
                    f'<path d="M{low:.1f} {y + row / 2}H{high:.1f}" stroke="#000"/>',
                    f'<text x="{high + 6:.1f}" y="{y + 14}">{spread.median / scale:,.{digits}f}</text>',
                ]
                y += row
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{y + 10}" '
            f'font-family="sans-serif" font-size="12">\n<rect width="100%" height="100%" fill="#fff"/>\n'
            + "\n".join(shapes)
            + "\n</svg>\n"
        )


def main():
    folder = sys.argv[1]
    with open(os.path.join(folder, "machine.txt"), encoding="utf-8") as file:
        report = Report(read(os.path.join(folder, "measurements.tsv")), file.read().splitlines())
    report.make()
    results = {
        "results.txt": report.text(),
        "results.json": json.dumps(report.json(), indent=1) + "\n",
        "results.svg": report.svg(),
    }
    for name, content in results.items():
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(content)
    print(report.text())


main()
