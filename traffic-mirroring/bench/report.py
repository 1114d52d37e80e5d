#!/usr/bin/env python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""Makes of a folder's measurements.tsv, as ci/bench writes it, results.txt (also printed), results.json and results.svg.

What is compared is compared within a round; medians of the rounds are shown, and their range.
"""

import collections
import json
import os
import platform
import statistics
import sys
from xml.sax.saxutils import escape

WAYS = {
    "none": "no mirroring",
    "bare": "bare clone → veth",
    "reserve": "64 B into a ring, no more",
    "device": "ours, clone → veth",
    "device-vxlan": "ours, clone → kernel VXLAN",
    "ring": "ours, ring, 128 B → GUE",
    "ring-whole": "ours, ring, whole → GUE",
    "ring-first": "ours, ring, first 1 MiB → GUE",
    "mirred-vxlan": "tc mirred → kernel VXLAN",
    "dup-vxlan": "nft dup → kernel VXLAN",
    "capture": "tcpdump -s 128",
    "capture-whole": "tcpdump -s 0",
}


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


class Report:
    def __init__(self, parts):
        self.parts = parts
        self.targets = []
        self.sections = []  # title, column titles, [way, cells]
        self.panels = []  # title, {way: Spread}, digits, scale

    def target(self, text, ratio, limit, at_most=True):
        if at_most:
            reached = ratio.median <= limit
        else:
            reached = ratio.median >= limit
        self.targets.append((text, ratio, f"{'≤' if at_most else '≥'} {limit:.2f}", reached))

    def ratio(self, text, ratio):
        """One that has no limit."""
        self.targets.append((text, ratio, "", None))

    def all_captured(self, text, shares):
        """Ways that lost copies did not do the same work, so that the worst round counts."""
        worst = Spread([shares.low])
        self.targets.append((text, worst, "= 1.00", worst.low >= 1))

    def section(self, title, columns, cells):
        ways = [way for way in WAYS if any(way in column for column in cells)]
        rows = [(WAYS[way], [column.get(way, "") for column in cells]) for way in ways]
        self.sections.append((title, columns, rows))

    def path(self):
        cases = self.parts["path"]
        costs = {size: net(cases[size]["ns"], "empty") for size in cases}
        for size, cost in costs.items():
            self.target(f"ring / bare clone, {size} B, snaplen 128", cost["ring"] / cost["bare"], 0.10)
        self.target("ring / bare clone, 1400 B, whole packet", costs["1400"]["ring-whole"] / costs["1400"]["bare"], 0.25)
        self.ratio("ring / what a ring costs at least, 64 B", costs["64"]["ring"] / costs["64"]["reserve"])
        for way in ("ring", "ring-whole"):
            worst = min((cases[size]["captured"][way] for size in cases), key=lambda share: share.low)
            self.all_captured(f"path: copies arrived, {WAYS[way]}", worst)
        self.section(
            "Cost on the path, 300,000 packets/s: ns per packet more than an empty program",
            [f"{size} B" for size in costs],
            [{way: cost.text() for way, cost in column.items()} for column in costs.values()],
        )
        self.panels.append(("On the path, 1400 B: ns more than an empty program", costs["1400"], 0, 1))

    def ingress(self):
        case = self.parts["ingress"]["1400"]
        cost, captured = net(case["ns"], "none"), case["captured"]
        for name, other, limit in (
            ("bare clone", "bare", 0.20),
            ("clone → kernel VXLAN", "device-vxlan", 0.10),
            ("AF_PACKET capture, tcpdump -s 128", "capture", 0.45),
        ):
            self.target(f"live ingress: ring, 128 B / {name}", cost["ring"] / cost[other], limit)
        for way in ("ring", "ring-whole"):
            self.all_captured(f"live ingress: copies arrived, {WAYS[way]}", captured[way])
        self.section(
            f"Live ingress at saturation, 1400 B; without mirroring {case['ns']['none'].text()} ns per packet",
            ["ns more", "copies arrived"],
            [
                {way: spread.text() for way, spread in cost.items()},
                {way: spread.text(4) for way, spread in captured.items()},
            ],
        )
        self.panels.append(("Live ingress at saturation, 1400 B: ns more per packet", cost, 0, 1))

    def sender(self):
        rates = {}
        for case, metrics in self.parts["sender"].items():
            costs = metrics["ns"]
            if "empty" in costs:
                costs = {**costs, "device-vxlan": costs["device-vxlan"] - costs["empty"]}
            rates[case] = {way: costs[way].per_second() for way in WAYS if way in costs}
        kernel = rates["equal-1400"]["device-vxlan"]
        for case, way, other, limit in (
            ("equal-128", "ring", kernel, 2),
            ("equal-1400", "ring-whole", kernel, 2),
            ("mixed", "ring-whole", rates["mixed"]["device-vxlan"], 1),
        ):
            self.target(f"sender / clone → kernel VXLAN, copies per second, {case}", rates[case][way] / other, limit, False)
            metrics = self.parts["sender"][case]
            self.all_captured(f"sender: copies arrived, {case}", metrics["captured"][way])
            self.all_captured(f"sender: copies arrived, {case}, two destinations", metrics["captured"][way + "-legs"])
            first, both = metrics["ns"][way], metrics["ns"][way + "-legs"]
            second = (both - first) / first
            if case == "mixed":  # most of it is what the kernel takes for a datagram, of either
                self.ratio(f"sender: second destination / first, {case}", second)
            else:
                self.target(f"sender: second destination / first, {case}", second, 0.60)
        self.section(
            "Copies that one CPU takes away, 1,000 per second",
            list(rates),
            [{way: rate.text(0, 1000) for way, rate in column.items()} for column in rates.values()],
        )
        sizes = {way: rate for case in ("equal-128", "equal-1400") for way, rate in rates[case].items()}
        self.panels.append(("Copies of equal sizes that one CPU takes away, 1,000 per second", sizes, 0, 1000))
        self.panels.append(("… of mixed sizes and flows", rates["mixed"], 0, 1000))

    def tcp(self):
        case = self.parts["tcp"]["iperf3"]
        rate, captured = case["bit/s"], case["captured"]
        share = {way: bits / rate["none"] for way, bits in rate.items()}
        self.target("TCP: ring, 128 B / none", share["ring"], 0.93, False)
        self.target("TCP: ring, whole / none", share["ring-whole"], 0.80, False)
        self.target("TCP: ring, first 1 MiB / none", share["ring-first"], 0.95, False)
        self.section(
            "TCP with offloads, both directions mirrored",
            ["Gbit/s", "of none", "copies arrived"],
            [
                {way: spread.text(1, 1e9) for way, spread in rate.items()},
                {way: spread.text(2) for way, spread in share.items()},
                {way: spread.text(4) for way, spread in captured.items()},
            ],
        )
        self.panels.append(("TCP with offloads, both directions mirrored: Gbit/s", rate, 1, 1e9))

    def bulk(self):
        case = self.parts["bulk"]["4G"]
        for what in ("packets", "bytes"):
            self.all_captured(f"TCP at 4 Gbit/s, whole: {what} at the collector's NIC", case[what]["ring-whole"])

    def latency(self):
        case = self.parts["latency"]["10000"]
        self.section(
            "Request latency at 10,000 requests/s, both directions mirrored, µs",
            list(case),
            [{way: spread.text() for way, spread in column.items()} for column in case.values()],
        )
        self.panels.append(("Request latency at 10,000/s, p99, µs", case["p99"], 0, 1))

    def make(self):
        for part in ("path", "ingress", "sender", "tcp", "bulk", "latency"):
            if part in self.parts:
                getattr(self, part)()

    def text(self):
        lines = ["Targets: medians of ratios within a round (minimum–maximum)", ""]
        for text, ratio, limit, reached in self.targets:
            verdict = {True: "reached", False: "NOT REACHED", None: ""}[reached]
            lines.append(f"  {text:<62} {ratio.text(3):>22}  {limit}  {verdict}".rstrip())
        for title, columns, rows in self.sections:
            lines += ["", title, "", " " * 30 + "".join(f"{column:>28}" for column in columns)]
            lines += [f"  {name:<28}" + "".join(f"{cell:>28}" for cell in cells) for name, cells in rows]
        return "\n".join(lines) + "\n"

    def json(self):
        return {
            "kernel": platform.release(),
            "cpu": cpu_model(),
            "cpus": os.cpu_count(),
            "targets": [
                {"name": text, "limit": limit, "reached": reached, **ratio.json()}
                for text, ratio, limit, reached in self.targets
            ],
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
        label, bar, row, head, width = 200, 420, 20, 40, 720
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


def cpu_model():
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        return next((line.split(": ")[1].strip() for line in lines if line.startswith("model name")), "unknown")


def main():
    folder = sys.argv[1]
    report = Report(read(os.path.join(folder, "measurements.tsv")))
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
