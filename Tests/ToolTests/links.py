"""Finds links between the repository's documents that lead nowhere.

    links.py ROOT

Checks files and, in Markdown, headings behind `#`. Addresses of the web are not asked.
"""

import pathlib
import re
import sys

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def anchors(path):
    """The names that GitHub gives to a document's headings."""
    names = set()
    for line in path.read_text().splitlines():
        if match := re.match(r"#+ (.*)", line):
            name = re.sub(r"[^\w\- ]", "", match[1].strip().lower()).replace(" ", "-")
            names.add(name)
    return names


def main():
    root = pathlib.Path(sys.argv[1])
    documents = [*root.glob("*.md"), *root.glob("docs/**/*.md"), *root.glob("Benchmarks/**/*.md")]
    broken, count = [], 0
    for document in documents:
        text = re.sub(r"```.*?```", "", document.read_text(), flags=re.S)
        for target in LINK.findall(text):
            if re.match(r"[a-z]+:", target):
                continue
            count += 1
            name, _, heading = target.partition("#")
            place = (document.parent / name).resolve() if name else document
            if not place.exists():
                broken.append(f"{document.relative_to(root)}: {target}: there is no such file")
            elif heading and place.suffix == ".md" and heading not in anchors(place):
                broken.append(f"{document.relative_to(root)}: {target}: there is no such heading")
    print(*broken, sep="\n")
    print(f"{count} links, {len(broken)} broken")
    sys.exit(1 if broken or not count else 0)


main()
