# Sourced by the other scripts, from the repository's root.

# configure PRESET FOLDER: makes the build folder; nothing when it is there already (ninja runs cmake again when a
# CMakeLists.txt changes).
configure() {
  local preset=$1 folder=$2 log
  if [[ -f $folder/build.ninja && $folder/build.ninja -nt CMakePresets.json ]]; then return; fi
  log=$(mktemp)
  echo "configuring $folder/"
  cmake --preset "$preset" >"$log" 2>&1 || {
    cat "$log" >&2
    rm -f "$log"
    return 1
  }
  touch "$folder/build.ninja"
  rm -f "$log"
}

# compile FOLDER [TARGET ...]: silent but for ninja's own line and what goes wrong.
compile() {
  local folder=$1
  shift
  echo "compiling $folder/ with $(nproc) processes"
  ninja -C "$folder" -j "$(nproc)" "$@"
}
