// Package privacy keeps personal values and secrets out of everything that prints: fmt, log/slog,
// encoding/json and whatever else asks a value for its text.
package privacy

import (
	"fmt"
	"io"
	"log/slog"
)

const hidden = "[hidden]"

// Hidden makes the struct that embeds it print as [hidden]. The struct is then hidden wherever it
// is printed itself or as an element, but not as an unexported field of another struct: there fmt
// calls no method and prints the fields that it finds. Keep the fields behind a function value,
// which fmt does not follow. It does follow a pointer, for a verb that the type does not have.
type Hidden struct{}

// Format prints [hidden], whatever the verb.
func (Hidden) Format(f fmt.State, _ rune) { io.WriteString(f, hidden) }

// LogValue logs [hidden].
func (Hidden) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText writes [hidden], also as JSON.
func (Hidden) MarshalText() ([]byte, error) { return []byte(hidden), nil }
