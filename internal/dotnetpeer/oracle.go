// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package dotnetpeer

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

// answerWithin bounds the time that one question takes.
const answerWithin = 30 * time.Second

// An OracleProcess is a running dotnet-peer that says what .NET makes of
// bytes. It answers one question at a time and is not safe for concurrent use.
type OracleProcess struct {
	tb      testing.TB
	process *process
	answers chan string
}

// Oracle starts an oracle, which is stopped when the test ends.
func Oracle(tb testing.TB) *OracleProcess {
	tb.Helper()
	answers := make(chan string, 1)
	p := start(tb, []string{"oracle"}, func(line string) bool {
		select {
		case answers <- line:
			return true
		default: // two answers to one question
			return false
		}
	})
	return &OracleProcess{tb: tb, process: p, answers: answers}
}

// Ask sends a question, which is one line: "session HEX" or "value TYPE HEX".
// It returns the answer, which begins with "ok " or "error ". A test whose
// oracle has died ends here.
func (o *OracleProcess) Ask(question string) string {
	o.tb.Helper()
	answer, err := o.ask(question)
	if err != nil {
		o.tb.Fatalf("dotnetpeer: oracle asked %.200q: %v\n%s", question, err, o.process.log.String())
	}
	return answer
}

func (o *OracleProcess) ask(question string) (string, error) {
	if strings.ContainsAny(question, "\r\n") {
		return "", fmt.Errorf("a question is one line")
	}
	if _, err := io.WriteString(o.process.stdin, question+"\n"); err != nil {
		return "", err
	}
	timeout := time.NewTimer(answerWithin)
	defer timeout.Stop()
	select {
	case answer := <-o.answers:
		return answer, nil
	case <-o.process.gone:
		return "", fmt.Errorf("the process has ended: %w", o.process.exit)
	case <-timeout.C:
		return "", fmt.Errorf("no answer after %v", answerWithin)
	}
}

// Stop ends the oracle before the test does.
func (o *OracleProcess) Stop() { o.process.stop() }
