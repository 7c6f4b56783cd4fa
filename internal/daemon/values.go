// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"encoding"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"
)

// A List is one string or a list of them.
type List []string

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

// Decode implements kong.MapperValue.
func (d *Duration) Decode(ctx *kong.DecodeContext) error { return decodeFlag(ctx, d) }

// String returns the duration as people write it: 20m, not 20m0s.
func (d Duration) String() string {
	s := time.Duration(d).String()
	if short, ok := strings.CutSuffix(s, "m0s"); ok {
		s = short + "m"
	}
	if short, ok := strings.CutSuffix(s, "h0m"); ok {
		s = short + "h"
	}
	return s
}

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

// Decode implements kong.MapperValue.
func (s *Size) Decode(ctx *kong.DecodeContext) error { return decodeFlag(ctx, s) }

// String returns the size in the largest unit that it is a whole number of.
func (s Size) String() string {
	for i, suffix := range []string{"GiB", "MiB", "KiB"} {
		if unit := Size(1 << (10 * (3 - i))); s != 0 && s%unit == 0 {
			return strconv.Itoa(int(s/unit)) + suffix
		}
	}
	return strconv.Itoa(int(s))
}

// decodeFlag reads the text of a flag. Kong takes -5m for the flags -5 and -m,
// and complains of those.
func decodeFlag(ctx *kong.DecodeContext, into encoding.TextUnmarshaler) error {
	token := ctx.Scan.Pop()
	text := token.String()
	if token.Type == kong.EOLToken || token.Type == kong.UntypedToken && strings.HasPrefix(text, "--") {
		return errors.New("its value is missing")
	}
	return into.UnmarshalText([]byte(text))
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
