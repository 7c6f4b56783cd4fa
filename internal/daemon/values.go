// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// A List is one string or a list of them.
type List []string

// UnmarshalYAML implements yaml's Unmarshaler.
func (l *List) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind != yaml.ScalarNode {
		return n.Decode((*[]string)(l))
	}
	var one string
	if err := n.Decode(&one); err != nil {
		return err
	}
	*l = List{one}
	return nil
}

// A Duration is written as 250ms, 20m or 1h30m; 0 needs no unit.
type Duration time.Duration

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Duration) UnmarshalText(text []byte) error {
	value, err := time.ParseDuration(string(text))
	if err != nil || value < 0 {
		return fmt.Errorf("%q is no duration such as 250ms, 20m or 1h30m", text)
	}
	*d = Duration(value)
	return nil
}

func (d Duration) String() string { return time.Duration(d).String() }

// orNone returns the duration as the libraries want it, to which less than 0
// is none and 0 is their default.
func (d Duration) orNone() time.Duration {
	if d == 0 {
		return -1
	}
	return time.Duration(d)
}

// A Size is a number of bytes, written as 4096, 64KiB, 512MiB or 1GiB.
type Size int

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Size) UnmarshalText(text []byte) error {
	digits, unit := string(text), 1
	for i, suffix := range []string{"KiB", "MiB", "GiB"} {
		if number, ok := strings.CutSuffix(digits, suffix); ok {
			digits, unit = strings.TrimSpace(number), 1<<(10*(i+1))
		}
	}
	n, err := strconv.Atoi(digits)
	if err != nil || n < 0 || n > math.MaxInt/unit {
		return fmt.Errorf("%q is no size such as 4096, 64KiB, 512MiB or 1GiB", text)
	}
	*s = Size(n * unit)
	return nil
}

// A SameSite is written as lax, strict or none.
type SameSite http.SameSite

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *SameSite) UnmarshalText(text []byte) error {
	switch strings.ToLower(string(text)) {
	case "lax":
		*s = SameSite(http.SameSiteLaxMode)
	case "strict":
		*s = SameSite(http.SameSiteStrictMode)
	case "none":
		*s = SameSite(http.SameSiteNoneMode)
	default:
		return fmt.Errorf("%q is not lax, strict or none", text)
	}
	return nil
}

// A Level is written as debug, info, warn or error.
type Level slog.Level

// UnmarshalText implements encoding.TextUnmarshaler.
func (l *Level) UnmarshalText(text []byte) error {
	if (*slog.Level)(l).UnmarshalText(text) != nil {
		return fmt.Errorf("%q is not debug, info, warn or error", text)
	}
	return nil
}
