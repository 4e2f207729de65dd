#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# If this failed: a plugin that uses a function would be installed with a libkontor that lacks it, since
# Debian's list of what libkontor exports is not true. Runs in the build folder; $srcdir is the source's.
set -eu

list=${srcdir:-.}/debian/libkontor0.symbols
library=.libs/libkontor.so
status=0
[ -e "$list" ] || { echo "no debian/ here"; exit 77; }
[ -e "$library" ] || { echo "no shared library here"; exit 77; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

sed -n 's/^ \(kt_[a-z0-9_]*\)@KONTOR_0 .*/\1/p' "$list" | LC_ALL=C sort >"$folder/listed"
nm -D --defined-only "$library" | sed -n 's/.* \(kt_[a-z0-9_]*\)@@KONTOR_0$/\1/p' |
    LC_ALL=C sort >"$folder/exported"
[ -s "$folder/exported" ] || { echo "$library exports nothing"; exit 1; }
for name in $(LC_ALL=C comm -13 "$folder/listed" "$folder/exported"); do
    echo "debian/libkontor0.symbols lacks $name: add it with the version that is the first to have it"
    status=1
done
for name in $(LC_ALL=C comm -23 "$folder/listed" "$folder/exported"); do
    echo "libkontor no longer has $name: that is another library, with another SONAME"
    status=1
done
exit $status
