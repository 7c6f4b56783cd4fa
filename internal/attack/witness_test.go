// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package attack_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/sessionbridge/session/internal/attack"
)

// witnessOf is the variable that makes this program a witness: of the server that
// it tells, in JSON.
const witnessOf = "ATTACK_WITNESS_OF"

// TestMain lets the program of the tests be the witness too.
func TestMain(m *testing.M) {
	text, ok := os.LookupEnv(witnessOf)
	if !ok {
		os.Exit(m.Run())
	}
	if err := witness(text); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func witness(text string) error {
	var server attack.Server
	if err := json.Unmarshal([]byte(text), &server); err != nil {
		return err
	}
	ctx := context.Background()
	return attack.Testify(ctx, attack.StandBy(ctx, &server, bystanderKey, users, pace), os.Stdin, os.Stdout)
}

// callWitness starts a bystander and returns when it has its connections.
func (a *arena) callWitness(t *testing.T) *attack.Witness {
	t.Helper()
	text, err := json.Marshal(a.Server)
	must(t, err)
	command := exec.Command(os.Args[0])
	// The race detector would have each witness sleep for a second at its end.
	command.Env = append(os.Environ(), witnessOf+"="+string(text), "GORACE=atexit_sleep_ms=0")
	command.Stderr = os.Stderr
	w, err := attack.Call(command)
	must(t, err)
	must(t, w.Phase("settling"))
	time.Sleep(settling)
	return w
}
