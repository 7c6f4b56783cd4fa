// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"

	"github.com/alecthomas/kong"
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
	if err := decode(path, string(text), c); err != nil {
		return err
	}
	beside := func(name *string) {
		if *name != "" && !filepath.IsAbs(*name) {
			*name = filepath.Join(filepath.Dir(path), *name)
		}
	}
	beside(&c.TLS.Cert)
	beside(&c.TLS.Key)
	beside(&c.File.Dir)
	beside(&c.Redis.URLFile)
	beside(&c.Redis.CA)
	for i := range c.Clients {
		beside(&c.Clients[i].KeyFile)
	}
	return nil
}
