package denylist

import _ "embed"

// Schema is the JSON Schema (draft 2020-12) of the file format that Parse
// reads. Editors use it through the comment
// "# yaml-language-server: $schema=PATH". Do not change its bytes.
//
//go:embed schema/denylist.schema.json
var Schema []byte

// WaiversSchema is the JSON Schema (draft 2020-12) of the file format that
// ParseWaivers reads. Do not change its bytes.
//
//go:embed schema/waivers.schema.json
var WaiversSchema []byte
