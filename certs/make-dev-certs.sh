#!/bin/sh
# Makes certificates for development and tests: a small authority of its own, one server certificate signed by it, and one
# that has expired. Nothing here is secret or lasting; no key belongs in git.
#
#   certs/make-dev-certs.sh [DIRECTORY] [HOSTNAME]        default: certs/dev and localhost
#
# ca.crt           trust this one
# server.crt/.key  HOSTNAME, localhost, 127.0.0.1 and ::1, one year
# expired.crt/.key the same names, over since yesterday
set -eu

here=$(cd "$(dirname "$0")" && pwd)
directory=${1:-$here/dev}
hostname=${2:-localhost}
umask 077
mkdir -p "$directory"
cd "$directory"

# key NAME: an EC P-256 key
key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1.key"; }

# sign NAME DAYS: NAME.csr, signed by the authority
sign() {
  printf 'basicConstraints=critical,CA:FALSE\nextendedKeyUsage=serverAuth\nsubjectAltName=DNS:%s,DNS:localhost,IP:127.0.0.1,IP:::1\n' \
    "$hostname" >extensions
  openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -set_serial "0x$(openssl rand -hex 8)" -days "$2" \
    -extfile extensions -out "$1.crt" 2>/dev/null
  rm -f "$1.csr" extensions
  chmod 644 "$1.crt"
}

if [ ! -f ca.crt ] || [ ! -f ca.key ]; then
  key ca
  openssl req -x509 -new -key ca.key -sha256 -days 3650 -subj "/CN=Postrider development CA" \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign -out ca.crt
  chmod 644 ca.crt
fi

for name in server expired; do
  key "$name"
  openssl req -new -key "$name.key" -subj "/CN=$hostname" -out "$name.csr"
done
sign server 365
sign expired -1
echo "made $directory/ca.crt, server.crt, expired.crt and their keys for $hostname"
