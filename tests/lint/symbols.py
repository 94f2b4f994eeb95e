"""What the pure libraries may reference outside themselves, shown by nm on their object files.

No clock, socket, file or thread anywhere in them; allocation only in the files that build tables at
load, never in those that a payment passes through.
"""
import pathlib
import re
import subprocess

# Plain computations of libc, and what the compiler itself puts in.
COMPUTE = {
    "memcpy", "memset", "memcmp", "memmove", "memchr", "strlen", "strcmp", "strncmp", "strchr", "strrchr", "strnlen", "strcasecmp",
    "strncasecmp", "strspn", "strcspn", "strstr", "bsearch", "qsort", "explicit_bzero", "snprintf", "vsnprintf", "abort",
    "__stack_chk_fail", "__memcpy_chk", "__memset_chk", "__memmove_chk", "__snprintf_chk", "__vsnprintf_chk",
    "__explicit_bzero_chk", "__ctype_b_loc", "__ctype_tolower_loc", "__ctype_toupper_loc", "_GLOBAL_OFFSET_TABLE_",
    "__strncpy_chk", "tolower", "toupper", "isdigit", "stpcpy", "__popcountdi2",
}
ALLOCATE = {"malloc", "calloc", "realloc", "free", "strdup", "strndup", "aligned_alloc", "posix_memalign"}
# Built at load or on reload, never inside a payment.
MAY_ALLOCATE = {
    "protocols": {"base/document.c", "iso8583/spec.c", "dialect/compile.c", "dialect/edition.c"},
    "routing": {"agent_table.c", "bin_table.c", "black_list.c", "merchant_table.c", "terminal_table.c", "channel_health.c", "channel_table.c", "condition_index.c", "condition_read.c", "download_table.c",
                "fee_plan.c", "fee_read.c", "limit_read.c", "limit_rule.c", "route_names.c", "route_rule.c", "ruleset.c"},
    "engine": {"engine_create.c", "driver.c"},
    "aftersales": {"card_table.c", "serial_book.c", "watch_slab.c", "watcher.c"},
}
# The one place that writes and stops: a failed REQUIRE.
EXTRA = {("protocols", "base/require.c"): {"fprintf", "__fprintf_chk", "stderr"}}
LIBRARIES = {"protocols": "protocols/libprotocols.a", "routing": "routing/librouting.a", "engine": "switch/libengine.a",
             "aftersales": "switch/libaftersales.a"}


def undefined_by_object(archive):
    out = subprocess.run(["nm", "-A", "--undefined-only", archive], capture_output=True, text=True, check=True).stdout
    found = {}
    for line in out.splitlines():
        member, symbol = re.match(r"[^:]+:([^:]+):\s+U (\S+)", line).groups()
        found.setdefault(member, set()).add(symbol.split("@")[0])
    return found


def defined(archive):
    out = subprocess.run(["nm", "--defined-only", archive], capture_output=True, text=True, check=True).stdout
    return {line.split()[-1] for line in out.splitlines() if re.match(r"[0-9a-f]+ [A-Za-z] ", line)}


def source_of(library, member):
    """The source path, within its folder, of one member of an archive (members keep only the last part)."""
    name = re.sub(r"\.o$", "", member)
    folder = {"engine": "switch/engine", "aftersales": "switch/aftersales"}.get(library, library)
    paths = [path.relative_to(folder).as_posix() for path in pathlib.Path(folder).rglob(name)]
    return paths


def check(build):
    missing = [path for path in LIBRARIES.values() if not pathlib.Path(build, path).exists()]
    if missing:
        return [f"{build}/{path}: not built" for path in missing]
    own = set()
    for archive in LIBRARIES.values():
        own |= defined(f"{build}/{archive}")
    faults = []
    for library, archive in LIBRARIES.items():
        for member, symbols in undefined_by_object(f"{build}/{archive}").items():
            paths = source_of(library, member)
            allowed = COMPUTE | own
            for path in paths:
                allowed = allowed | EXTRA.get((library, path), set())
                if path in MAY_ALLOCATE[library]:
                    allowed = allowed | ALLOCATE
            for symbol in sorted(symbols - allowed):
                faults.append(f"{library}: {paths[0] if paths else member} references {symbol}, which is not on its list")
    return faults
