# Sourced by the other scripts.

# configure PRESET: with ccache where there is one.
configure() {
  local launcher=()
  if command -v ccache >/dev/null; then launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache); fi
  cmake --preset "$1" "${launcher[@]}" >"${TMPDIR:-/tmp}/samc-configure-$$.log" 2>&1 || {
    cat "${TMPDIR:-/tmp}/samc-configure-$$.log" >&2
    return 1
  }
  rm -f "${TMPDIR:-/tmp}/samc-configure-$$.log"
}
