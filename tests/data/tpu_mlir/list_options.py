#!/usr/bin/env python3
"""Writes model_transform.options and model_deploy.options: every option that TPU-MLIR's two scripts declare.

    list_options.py tpu_mlir-1.30.2-py3-none-any.whl

One option a line: its names, "flag", "value" or "values", and the value that the script takes where it isn't given ("-": none).
The declarations are read from the wheel's source; nothing of it is run.
"""
import ast
import os
import sys
import zipfile

PYTHON = "tpu_mlir/python/"
SOURCES = {
    "model_transform": ["tools/model_transform.py", "utils/preprocess.py"],
    "model_deploy": ["tools/model_deploy.py"],
}


def options(source):
    for call in ast.walk(ast.parse(source)):
        if not isinstance(call, ast.Call) or getattr(call.func, "attr", "") != "add_argument":
            continue
        names = [argument.value for argument in call.args if isinstance(argument, ast.Constant)]
        if not names[0].startswith("-"):
            continue
        words = {keyword.arg: keyword.value for keyword in call.keywords}
        kind = "value"
        if "action" in words:
            kind = "flag"
        elif ast.unparse(words.get("nargs", ast.Constant(None))) == "'*'":
            kind = "values"
        default = words.get("default")
        value = str(default.value) if isinstance(default, ast.Constant) and default.value not in ("", None) else "-"
        yield call.lineno, f"{' '.join(names)} {kind} {value if kind != 'flag' else '-'}"


archive = zipfile.ZipFile(sys.argv[1])
for script, sources in SOURCES.items():
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), script + ".options"), "w") as file:
        for source in sources:
            for _, line in sorted(options(archive.read(PYTHON + source).decode())):
                file.write(line + "\n")
