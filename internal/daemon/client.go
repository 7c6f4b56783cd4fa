// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/sessionbridge/session/remoteapp"
)

// Decode reads a client from a flag. What is wrong with it is told later,
// because kong would print the whole text, which may have a key in it.
func (c *Client) Decode(ctx *kong.DecodeContext) error {
	var text string
	if err := ctx.Scan.PopValueInto("client", &text); err != nil {
		return err
	}
	*c = Client{}
	if err := decode("--client", text, c); err != nil {
		*c = Client{fault: err}
	}
	return nil
}

// defaultClient is the client that has its keys from flags and the environment.
const defaultClient = "default"

// allClients returns the clients of the file or of --client, and the one of
// --key and --key-file.
func (c *Config) allClients() []Client {
	all := c.Clients
	if len(c.Key) > 0 || c.KeyFile != "" {
		all = append(all[:len(all):len(all)], Client{Name: defaultClient, Key: c.Key, KeyFile: c.KeyFile})
	}
	if key := os.Getenv(microsoftKey); key != "" && len(all) == 0 {
		all = []Client{{Name: defaultClient, Key: strings.Split(key, ",")}}
	}
	return all
}

// explainDefault adds to complaints about the client default where it comes
// from: nobody has written that name.
func (c *Config) explainDefault(say complaints) complaints {
	origin := c.originOfDefault()
	for i, complaint := range say {
		if origin != "" && strings.Contains(complaint, strconv.Quote(defaultClient)) {
			say[i] += fmt.Sprintf(" (%q is the client of %s)", defaultClient, origin)
		}
	}
	return say
}

// originOfDefault tells where the keys of the client default come from; "" if
// there is none but what the file or --client say.
func (c *Config) originOfDefault() string {
	var from []string
	inEnv := func(variable, value, flag string) {
		if os.Getenv(variable) == value {
			flag = "the environment variable " + variable
		}
		from = append(from, flag)
	}
	if len(c.Key) > 0 {
		inEnv("SESSIONBRIDGE_KEY", strings.Join(c.Key, ","), "--key")
	}
	if c.KeyFile != "" {
		inEnv("SESSIONBRIDGE_KEY_FILE", c.KeyFile, "--key-file")
	}
	if len(from) == 0 && len(c.Clients) == 0 {
		return "the environment variable " + microsoftKey
	}
	return strings.Join(from, " and ")
}

// clients returns the clients as the handler wants them, and what a careful
// operator would change.
func (c *Config) clients() (clients []remoteapp.HandlerClient, warnings []string, say complaints) {
	all := c.allClients()
	if len(all) == 0 {
		say.add("no API key: list clients in the file, or set SESSIONBRIDGE_KEY or --key-file; sessionbridge keygen makes one")
	}
	for _, client := range all {
		known, warn, err := client.resolve()
		if err != nil {
			say.join(err)
		}
		clients, warnings = append(clients, known), append(warnings, warn...)
	}
	return clients, warnings, say
}

// resolve reads the client's keys.
func (c *Client) resolve() (known remoteapp.HandlerClient, warnings []string, err error) {
	if c.fault != nil {
		return known, nil, c.fault
	}
	if err := c.misplaced(); err != nil {
		return known, nil, err
	}
	known = remoteapp.HandlerClient{Name: c.Name, Scope: c.Keys}
	switch c.Unknown {
	case "", "preserve":
	case "replace":
		known.Replace = true
	default:
		return known, nil, fmt.Errorf("client %q: unknown: want preserve or replace", c.Name)
	}
	fromEnv, err := keysFromEnv(c.KeyEnv)
	if err != nil {
		return known, nil, fmt.Errorf("client %q: key_env: %w", c.Name, err)
	}
	fromFile, err := keysFromFile(c.KeyFile)
	if err != nil {
		return known, nil, fmt.Errorf("client %q: key_file: %w", c.Name, err)
	}
	for _, key := range slices.Concat(c.Key, fromEnv, fromFile) {
		known.Keys = append(known.Keys, strings.TrimSpace(key))
	}
	return known, append(exposed(c.KeyFile), monotonous(known)...), nil
}

// misplaced complains of API keys that stand where something else belongs, lest
// they be shown in logs, and of a scope that came out empty.
func (c *Client) misplaced() error {
	guid := regexp.MustCompile(`[0-9A-Fa-f]{8}-?(?:[0-9A-Fa-f]{4}-?){3}[0-9A-Fa-f]{12}`)
	if guid.MatchString(c.Name) {
		return errors.New("the name of a client has an API key in it; names stand in logs")
	}
	isKey := func(s string) bool { return remoteapp.CheckKey(strings.TrimSpace(s)) == nil }
	switch {
	case isKey(filepath.Base(c.KeyFile)):
		return fmt.Errorf("client %q: key_file is an API key, want the name of a file; the key itself belongs in key", c.Name)
	case isKey(c.KeyEnv):
		return fmt.Errorf("client %q: key_env is an API key, want the name of an environment variable; the key itself belongs in key", c.Name)
	case slices.ContainsFunc(c.Keys, isKey):
		return fmt.Errorf("client %q: keys has an API key in it, want patterns of session keys; the API key belongs in key", c.Name)
	case c.Keys != nil && len(c.Keys) == 0:
		return fmt.Errorf("client %q: keys: %s", c.Name, noPatterns)
	}
	return nil
}

// keysFromEnv returns the keys of an environment variable, which are separated
// by commas. No variable has none.
func keysFromEnv(name string) ([]string, error) {
	if name == "" {
		return nil, nil
	}
	value := os.Getenv(name)
	if value == "" {
		return nil, fmt.Errorf("the environment variable %s is not set", name)
	}
	return strings.Split(value, ","), nil
}

// keysFromFile returns the keys of a file, one a line. No file has none.
func keysFromFile(name string) ([]string, error) {
	if name == "" {
		return nil, nil
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var keys []string
	for line := range strings.Lines(strings.TrimPrefix(string(text), "\ufeff")) {
		if line = strings.TrimSpace(line); line != "" {
			keys = append(keys, line)
		}
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("%s has no key in it", name)
	}
	return keys, nil
}

// exposed warns of a file with a secret that anybody on the machine can read.
func exposed(name string) []string {
	info, err := os.Stat(name)
	if err != nil || runtime.GOOS == "windows" || info.Mode().Perm()&0o007 == 0 {
		return nil
	}
	return []string{fmt.Sprintf("every user can read the file %s (its mode is %04o; 0600 would do)", name, info.Mode().Perm())}
}

// fewDigits is how many different digits a key that was drawn at random has at
// least, but for one in a million million.
const fewDigits = 6

// monotonous warns of keys that nobody has drawn at random.
func monotonous(client remoteapp.HandlerClient) []string {
	for _, key := range client.Keys {
		digits := make(map[rune]bool)
		for _, c := range strings.ToLower(key) {
			if strings.ContainsRune("0123456789abcdef", c) {
				digits[c] = true
			}
		}
		if len(digits) < fewDigits {
			return []string{fmt.Sprintf("a key of client %q looks easy to guess; sessionbridge keygen makes a better one", client.Name)}
		}
	}
	return nil
}
