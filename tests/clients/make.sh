#!/bin/sh
# Makes the clients of the API document: make.sh TARGET
# Leaves TARGET/openapi.json, TARGET/python (a package to install) and TARGET/typescript (types and a client).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
mkdir -p "$1"
target=$(cd "$1" && pwd)
tools=$target/tools
bin=${BIN:-$root/.venv/bin}
: "${DOCUMENT:=}"

if [ -n "$DOCUMENT" ]; then
    cp "$DOCUMENT" "$target/openapi.json"
else
    "$bin/qe-ban" interface document -o "$target/openapi.json"
fi
version=$("$bin/python" -c 'import json, sys; print(json.load(open(sys.argv[1]))["info"]["version"])' "$target/openapi.json")

mkdir -p "$tools"
cp "$here"/package.json "$here"/package-lock.json "$here"/spectral.yaml "$here"/redocly.yaml "$tools"
(cd "$tools" && npm ci --ignore-scripts --no-audit --no-fund --silent)
test -x "$tools/python/bin/python" || "${PYTHON:-python3}" -m venv "$tools/python"
"$tools/python/bin/python" -m pip --disable-pip-version-check --no-input --quiet install --require-hashes -r "$here/requirements.lock"

rm -rf "$target/python" "$target/typescript"
PATH="$tools/python/bin:$PATH" "$tools/python/bin/openapi-python-client" generate --path "$target/openapi.json" \
    --output-path "$target/python" --config "$here/python.yaml" --overwrite
mkdir -p "$target/typescript"
(cd "$tools" && npx --no-install openapi-typescript "$target/openapi.json" -o "$target/typescript/schema.d.ts")
cat > "$target/typescript/index.ts" <<'INDEX'
import createClient, { type ClientOptions } from "openapi-fetch";
import type { paths } from "./schema.d.ts";

export type { components, operations, paths } from "./schema.d.ts";
export const connect = (options: ClientOptions) => createClient<paths>(options);
INDEX
sed -e "s/\"qe-ban-clients\"/\"qe-ban-client\"/" -e "s/\"private\": true,/\"version\": \"$version\",/" \
    -e '/"devDependencies"/,/^  }/d' -e 's/^  },$/  }/' "$here/package.json" > "$target/typescript/package.json"
