#!/usr/bin/env python3
"""sql.py IN.sql OUT.h: statements of SQL as C strings. A line "-- name: what" starts the statement sp_sql_what; other comments stay out."""
import re
import sys

names = {}
for line in open(sys.argv[1], encoding="utf-8"):
    start = re.match(r"-- name: (\w+)$", line)
    if start:
        lines = names.setdefault(start.group(1), [])
    elif line.strip() and not line.startswith("--"):
        lines.append(line.rstrip())
with open(sys.argv[2], "w", encoding="utf-8") as out:
    for name, lines in names.items():
        text = "\n".join('    "' + l.replace("\\", "\\\\").replace('"', '\\"') + '\\n"' for l in lines)
        out.write(f"static const char sp_sql_{name}[] =\n{text};\n")
