// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v4"
)

// ReadFile reads a configuration file into c, which is part of kong's grammar
// and was filled in by parse. What was given on the command line or in the
// environment stays; only the defaults give way to the file.
func (c *Config) ReadFile(path string, parse *kong.Context) error {
	given := given(parse)
	kept := make([]reflect.Value, len(given))
	for i, flag := range given {
		kept[i] = reflect.New(flag.Target.Type()).Elem()
		kept[i].Set(flag.Target)
		flag.Target.SetZero()
	}
	err := c.read(path)
	for i, flag := range given {
		flag.Target.Set(kept[i])
	}
	return err
}

// given returns the flags that stood on the command line or in the environment,
// each once.
func given(parse *kong.Context) []*kong.Flag {
	var flags []*kong.Flag
	for _, flag := range parse.Flags() {
		onLine := slices.ContainsFunc(parse.Path, func(p *kong.Path) bool { return p.Flag == flag })
		if onLine || slices.ContainsFunc(flag.Envs, isSet) {
			flags = append(flags, flag)
		}
	}
	return flags
}

func isSet(variable string) bool {
	_, ok := os.LookupEnv(variable)
	return ok
}

// read reads the file over what c holds. File names in it are relative to it.
func (c *Config) read(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return &ConfigError{Complaints: []string{"config: " + err.Error()}}
	}
	if err := decode(path, text, c); err != nil {
		return err
	}
	beside := func(name *string) {
		if *name != "" && !filepath.IsAbs(*name) {
			*name = filepath.Join(filepath.Dir(path), *name)
		}
	}
	beside(&c.TLS.Cert)
	beside(&c.TLS.Key)
	for i := range c.Clients {
		beside(&c.Clients[i].KeyFile)
	}
	return nil
}

// decode reads one YAML document into a struct, and refuses what has no place
// in it. The complaints begin with where they are found.
func decode(file string, text []byte, into any) error {
	loader, err := yaml.NewLoader(bytes.NewReader(text), yaml.WithKnownFields())
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if err := loader.Load(into); err == io.EOF {
		return nil // nothing but comments
	} else if err != nil {
		return explain(file, err)
	}
	var more any
	if err := loader.Load(&more); err == nil {
		return &ConfigError{Complaints: []string{file + ": there is a second document, after a line ---; want one"}}
	} else if err != io.EOF {
		return explain(file, err)
	}
	return nil
}

// explain turns errors of the YAML library into complaints that name the line.
func explain(file string, err error) error {
	var many *yaml.LoadErrors
	var one *yaml.LoadError
	var all []*yaml.LoadError
	switch {
	case errors.As(err, &many):
		all = many.Errors
	case errors.As(err, &one):
		all = []*yaml.LoadError{one}
	default:
		return fmt.Errorf("%s: %w", file, err)
	}
	var say complaints
	for _, e := range all {
		if e.Mark.Line > 0 {
			say.add("%s:%d: %s", file, e.Mark.Line, plain(e.Message))
		} else {
			say.add("%s: %s", file, plain(e.Message))
		}
	}
	return say.err()
}

// plain says what the YAML library says, without the names of Go types, and
// without the value: it might be a key.
func plain(message string) string {
	unknown := regexp.MustCompile(`^field (.+) not found in type .*$`)
	if m := unknown.FindStringSubmatch(message); m != nil {
		return fmt.Sprintf("unknown setting %q", m[1])
	}
	before, goType, ok := strings.Cut(message, " into ")
	if !ok || !strings.HasPrefix(before, "cannot construct ") {
		return message
	}
	switch {
	case goType == "bool":
		return "want true or false"
	case goType == "int":
		return "want a whole number"
	case goType == "string":
		return "want a single value"
	case strings.HasPrefix(goType, "[]daemon"):
		return "want a list of mappings such as - {name: shop, key_file: shop.key}"
	case strings.HasPrefix(goType, "[]"):
		return "want a list such as [a, b]"
	}
	return "want a mapping such as {name: value}"
}
