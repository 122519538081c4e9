"""Fetches the Debian packages of packages.txt into a cache and unpacks them there, without installing anything.

    python -m training.data.fetch --cache /tmp/train

CACHE/debs keeps the .deb files, CACHE/unpacked/PACKAGE their trees, CACHE/licences/PACKAGE each one's copyright file.
A package that is already unpacked is left alone, so the script can be run again after a failure.
"""

import argparse
import pathlib
import shutil
import subprocess
import sys


def read_packages(path):
    """Rows of (package, kind, licence) from packages.txt."""
    rows = []
    for line in pathlib.Path(path).read_text().splitlines():
        if line and not line.startswith("#"):
            package, kind, licence = line.split(None, 2)
            rows.append((package, kind, licence))
    return rows


def fetch_package(package, cache):
    """Downloads and unpacks one package; raises CalledProcessError when apt-get or dpkg fails."""
    debs = cache / "debs"
    debs.mkdir(parents=True, exist_ok=True)
    tree = cache / "unpacked" / package
    if tree.is_dir():
        return "kept"
    if not list(debs.glob(f"{package}_*.deb")):
        subprocess.run(["apt-get", "download", "-q", package], cwd=debs, check=True)
    partial = tree.with_name(package + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    subprocess.run(["dpkg", "-x", str(sorted(debs.glob(f"{package}_*.deb"))[-1]), str(partial)], check=True)
    licences = cache / "licences"
    licences.mkdir(exist_ok=True)
    for copyright_file in partial.glob("usr/share/doc/*/copyright"):
        shutil.copyfile(copyright_file, licences / package)
    partial.rename(tree)
    return "fetched"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=pathlib.Path, required=True)
    parser.add_argument("--packages", type=pathlib.Path, default=pathlib.Path(__file__).with_name("packages.txt"))
    arguments = parser.parse_args()
    failed = []
    for package, kind, licence in read_packages(arguments.packages):
        try:
            print(f"{package:30} {kind:8} {fetch_package(package, arguments.cache)}; licence: {licence}", flush=True)
        except subprocess.CalledProcessError as error:
            failed.append(package)
            print(f"{package}: {error}", file=sys.stderr)
    if failed:
        sys.exit(f"not fetched: {' '.join(failed)} (is the package in this Debian release? try apt-get update)")


if __name__ == "__main__":
    main()
