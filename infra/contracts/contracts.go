// Package contracts carries the contract files of this folder inside the binaries, so that a
// function needs nothing beside its bootstrap.
package contracts

import "embed"

// Files holds every contract, each in a file NAME.json.
//
//go:embed *.json
var Files embed.FS
