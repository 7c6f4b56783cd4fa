// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"fmt"
	"strings"
)

// A ConfigError tells all that is wrong with a configuration, in one line.
type ConfigError struct {
	Complaints []string
}

func (e *ConfigError) Error() string { return strings.Join(e.Complaints, "; ") }

// complaints collects what is wrong with a configuration.
type complaints []string

func (c *complaints) add(format string, args ...any) {
	*c = append(*c, fmt.Sprintf(format, args...))
}

// join adds the errors that errors.Join has put together.
func (c *complaints) join(err error) {
	if err != nil {
		*c = append(*c, strings.Split(err.Error(), "\n")...)
	}
}

// err returns the complaints as one error, or nil if there are none.
func (c complaints) err() error {
	if len(c) == 0 {
		return nil
	}
	return &ConfigError{Complaints: c}
}
