#!/usr/bin/env bash
# Every script of this folder, each with an engine of containers or skipped with a message.
set -euo pipefail
cd "$(dirname "$0")"
for script in three.sh scale.sh tls.sh; do
    ./"$script"
done
