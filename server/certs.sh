#!/bin/sh
# Certificates for trying TLS and for tests: server/certs.sh FOLDER [NODES [NAME...]]
# An authority, made when FOLDER has none (ca.pem, ca.key), and for each of NODES nodes (3) a certificate that it vouches for, good for
# localhost, 127.0.0.1, ::1, nodeN, and each NAME (node1.pem, node1.key, ...). Private: for real use, keep ca.key on another machine.
set -eu

folder=${1:?usage: server/certs.sh FOLDER [NODES [NAME...]]}
nodes=${2:-3}
if [ $# -gt 2 ]; then shift 2; else shift $#; fi
names=
for name in "$@"; do
    names="$names,DNS:$name"
done

umask 077
mkdir -p "$folder"
cd "$folder"

key() {
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1"
}

if [ ! -e ca.pem ]; then
    key ca.key
    openssl req -x509 -new -key ca.key -days 3650 -subj '/CN=raftd test authority' -addext keyUsage=critical,keyCertSign,cRLSign -out ca.pem
fi
id=1
while [ "$id" -le "$nodes" ]; do
    key "node$id.key"
    printf '%s\n' "subjectAltName=URI:raftd://node/$id,DNS:localhost,DNS:node$id,IP:127.0.0.1,IP:::1$names" \
        'extendedKeyUsage=serverAuth,clientAuth' 'keyUsage=critical,digitalSignature' >extensions
    openssl req -new -key "node$id.key" -subj "/CN=raftd node $id" |
        openssl x509 -req -CA ca.pem -CAkey ca.key -CAcreateserial -days 825 -extfile extensions -out "node$id.pem" 2>openssl.log || {
        cat openssl.log >&2
        exit 1
    }
    id=$((id + 1))
done
rm -f extensions openssl.log
echo "certificates of an authority and $nodes nodes are in $folder"
