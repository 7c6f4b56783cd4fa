// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"fmt"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// envPrefix begins the variables that are settings of this program.
const envPrefix = "SESSIONBRIDGE"

// microsoftKey is the variable from which the other end of the protocol has its
// key, if it is configured by its own defaults. It may be set for that program
// and not for this one, so it counts only where no client is configured.
const microsoftKey = "SystemWebAdapters__Remote__ApiKey"

// Env makes every flag readable from the environment: --read-wait is
// SESSIONBRIDGE_READ_WAIT.
func Env() kong.Option { return kong.DefaultEnvars(envPrefix) }

// DropEmptyVariables removes settings without a value from the environment. So
// they are not set, which is how they are meant where a variable can't be left
// out: VARIABLE=${OTHER:-}.
func DropEmptyVariables() error {
	for _, variable := range os.Environ() {
		name, value, _ := strings.Cut(variable, "=")
		if value != "" || !strings.HasPrefix(name, envPrefix+"_") && name != microsoftKey {
			continue
		}
		if err := os.Unsetenv(name); err != nil {
			return err
		}
	}
	return nil
}

// CheckEnvironment looks for variables, of those in environ, that seem to be
// settings and are none. One that is nearly a setting is an error, others are
// warnings. parse is that of the command line.
func (c *Config) CheckEnvironment(environ []string, parse *kong.Context) (warnings []string, err error) {
	var known []string
	for _, flag := range parse.Flags() {
		known = append(known, flag.Envs...)
	}
	names := known[:len(known):len(known)]
	for _, client := range c.Clients {
		known = append(known, client.KeyEnv)
	}
	var say complaints
	for _, variable := range environ {
		name, value, _ := strings.Cut(variable, "=")
		if !strings.HasPrefix(strings.ToUpper(name), envPrefix+"_") || isKnownVariable(known, name) || isOfKubernetes(name, value) {
			continue
		}
		if near, ok := nearest(strings.ToUpper(name), names); ok {
			say.add("the environment variable %s is no setting, did you mean %s?", name, near)
			continue
		}
		warnings = append(warnings, fmt.Sprintf("the environment variable %s is no setting and has no effect", name))
	}
	return warnings, say.err()
}

func isKnownVariable(known []string, name string) bool {
	return slices.ContainsFunc(known, func(k string) bool {
		return k == name || runtime.GOOS == "windows" && strings.EqualFold(k, name)
	})
}

// isOfKubernetes reports whether a variable is one of those that Kubernetes sets
// in every pod for a service, here one whose name begins with sessionbridge.
func isOfKubernetes(name, value string) bool {
	service := regexp.MustCompile(`_SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)$|_PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$`)
	url := regexp.MustCompile(`^(tcp|udp|sctp)://`)
	return service.MatchString(name) || strings.HasSuffix(name, "_PORT") && url.MatchString(value)
}
