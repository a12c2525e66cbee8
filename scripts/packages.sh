# Debian packages by purpose, and the function that installs what is missing. Sourced, not run.

build_packages=(
  ca-certificates ccache cmake g++ git ninja-build pkg-config
  libboost1.81-dev libboost-json1.81-dev libboost-url1.81-dev
  libc-ares-dev libcli11-dev libcurl4-openssl-dev libfmt-dev libgmime-3.0-dev libhowardhinnant-date-dev
  libidn2-dev libjwt-dev liblmdb-dev libspdlog-dev libssl-dev
  libtomlplusplus-dev libxxhash-dev zlib1g-dev
)
try_packages=(curl swaks)  # of the lines that scripts/run.sh shows to try it with
run_packages=(  # of a container in which nothing is built
  ca-certificates tzdata
  libboost-json1.81.0 libboost-url1.81.0 libc-ares2 libcurl4 libdate-tz3 libgmime-3.0-0 libidn2-0 libjwt0 liblmdb0 libspdlog1.10
  libssl3 libtomlplusplus3 libxxhash0 zlib1g
)
test_packages=(
  clang clang-format clang-tidy libclang-rt-14-dev libgtest-dev libgmock-dev libbenchmark-dev
  python3 python3-jsonschema openssl curl swaks libnet-ssleay-perl msmtp s-nail bsd-mailx mutt git-email libmailtools-perl php-cli postfix libpython3.11-testsuite
)

# need_packages NAME...: says what it installs, and does nothing (not even ask apt) when all are there.
need_packages() {
  local missing=() name
  for name in "$@"; do
    dpkg-query -W -f='${Status}' "$name" 2>/dev/null | grep -q 'install ok installed' || missing+=("$name")
  done
  if [ ${#missing[@]} -eq 0 ]; then
    return 0
  fi
  echo "Installing: ${missing[*]}"
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "Needs root or sudo to install packages." >&2; return 1; }
    as_root=(sudo)
  fi
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# A Node.js of 18 or newer with npm, for tests only. A machine that has one from elsewhere keeps it.
need_node() {
  if command -v node >/dev/null && command -v npm >/dev/null && [ "$(node -p 'process.versions.node.split(".")[0]')" -ge 18 ]; then
    return 0
  fi
  need_packages nodejs npm
}
