"""Compiles the training loop of `cpp/` when mlplab is built or installed; by hand: python hatch_build.py.

It takes a C++ compiler that understands GCC's options ($CXX, else c++, g++ or clang++). Without one,
or where compiling fails, mlplab is installed without the compiled loop and trains by operations of
torch, which is slower; `mlplab doctor` tells which it is.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shlex
import shutil
import subprocess
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # run by hand
    BuildHookInterface = object

ROOT = Path(__file__).parent
SOURCE = ROOT / "cpp"
BUILT = ROOT / "src" / "mlplab" / "networks" / "built"

# -fno-trapping-math and -fno-math-errno let loops be vectorised and change no result.
OPTIONS = [
    "-std=c++17",
    "-O3",
    "-fPIC",
    "-shared",
    "-fvisibility=hidden",
    "-ffp-contract=fast",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-Wno-psabi",
]
X86_KINDS = {
    "avx512": "-mavx512f -mavx512dq -mavx512bw -mavx512vl -mavx2 -mfma -mprefer-vector-width=512",
    "avx2": "-mavx2 -mfma",
    "baseline": "",
}
OTHER_KINDS = {"baseline": ""}


class CustomBuildHook(BuildHookInterface):
    """What hatchling calls before it puts a wheel together."""

    def initialize(self, version: str, build_data: dict) -> None:
        """Compile, and have the wheel named by the platform that its libraries are for."""
        problem = build()
        if problem:
            self.app.display_warning(f"mlplab is installed without its compiled loop: {problem}")
            return
        tag = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{tag}"
        build_data["artifacts"].append(str(BUILT.relative_to(ROOT) / "*"))


def build() -> str | None:
    """Compile every kind for this processor's family; why it failed, or None."""
    shutil.rmtree(BUILT, ignore_errors=True)
    compiler = _compiler()
    if compiler is None:
        return "there is no C++ compiler (c++, g++ or clang++)"
    BUILT.mkdir()
    is_x86 = platform.machine().lower() in ("x86_64", "amd64")
    kinds = X86_KINDS if is_x86 else OTHER_KINDS
    with ThreadPoolExecutor() as pool:
        problems = [p for p in pool.map(lambda kind: _compile(compiler, *kind), kinds.items()) if p]
    if problems:
        shutil.rmtree(BUILT, ignore_errors=True)
    return problems[0] if problems else None


def _compiler() -> list[str] | None:
    if asked := os.environ.get("CXX"):
        return shlex.split(asked)
    found = next((name for name in ("c++", "g++", "clang++") if shutil.which(name)), None)
    return [found] if found else None


def _compile(compiler: list[str], kind: str, options: str) -> str | None:
    digest = f'-DMLPLAB_DIGEST="{source_digest()}"'
    output = str(BUILT / f"{kind}.so")
    command = [*compiler, *OPTIONS, *options.split(), digest, "training_loop.cpp", "-o", output]
    try:
        done = subprocess.run(command, cwd=SOURCE, capture_output=True, text=True, timeout=600)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{compiler[0]}: {error}"
    if done.returncode:
        last = (done.stderr.strip() or "it said nothing").splitlines()[-1]
        return f"{compiler[0]} ended with {done.returncode}: {last}"
    return None


def source_digest() -> str:
    """A digest of the source; the loader holds what was compiled against it."""
    files = sorted([*SOURCE.glob("*.h"), *SOURCE.glob("*.cpp")])
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


if __name__ == "__main__":
    sys.exit(build())
