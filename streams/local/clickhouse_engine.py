"""The process that is the embedded ClickHouse: `clickhouse_engine.py DATA_FOLDER`, config.xml in the working directory.

The engine is the extension file of the chdb-core wheel, serving by clickhouse-local's SYSTEM START LISTEN. The package itself is
not imported: its __init__ opens another engine, after which this one cannot be opened.
"""

import ctypes
import os
import sys
from importlib.machinery import ExtensionFileLoader
from importlib.util import find_spec, module_from_spec, spec_from_loader
from pathlib import Path

# A statement that never ends keeps the engine serving; the two before it open the native and the HTTP port.
SERVE = """
SYSTEM START LISTEN TCP;
SYSTEM START LISTEN HTTP;
SELECT sleepEachRow(1) FROM system.numbers
SETTINGS max_block_size = 1, function_sleep_max_microseconds_per_block = 0 FORMAT Null
"""


def main(data: str) -> None:
    """Serves until the process is ended (SIGTERM; SIGINT does not end it)."""
    package = find_spec("chdb")
    if package is None or not package.submodule_search_locations:
        sys.exit("the embedded ClickHouse is not installed (package chdb-core)")
    library = Path(package.submodule_search_locations[0]) / "_chdb.abi3.so"
    if sys.platform == "linux":
        # Resolve the engine's own allocator before any other in the process.
        ctypes.CDLL(str(library), mode=sys.getdlopenflags() | os.RTLD_DEEPBIND)
    loader = ExtensionFileLoader("_chdb", str(library))
    spec = spec_from_loader("_chdb", loader)
    assert spec is not None
    engine = module_from_spec(spec)
    loader.exec_module(engine)
    engine.query(SERVE, "TSV", path=data)


if __name__ == "__main__":
    main(sys.argv[1])
