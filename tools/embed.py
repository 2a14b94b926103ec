"""Text files as a C source: embed.py OUT FILE... Each is a sp_template_source: its name without the ending, and its text."""
import pathlib
import sys


def literal(text):
    lines = (line.replace("\\", "\\\\").replace('"', '\\"') for line in text.splitlines())
    return "\n".join(f'     "{line}\\n"' for line in lines)


def main(out, *paths):
    files = [(pathlib.Path(p).stem, pathlib.Path(p).read_text()) for p in sorted(paths)]
    with open(out, "w") as f:
        f.write('/* Made by tools/embed.py. */\n#include "job/templates.h"\n\nconst sp_template_source sp_template_sources[] = {\n')
        for name, text in files:
            f.write(f'    {{"{name}",\n{literal(text)}}},\n')
        f.write(f"}};\nconst size_t sp_template_count = {len(files)};\n")


main(*sys.argv[1:])
