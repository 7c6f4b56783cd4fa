// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package attack

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"time"
)

// A Witness is a bystander in a process of its own, so that what it measures is
// not the attacker's trouble with its own work. Its Clock has what it has told so
// far.
type Witness struct {
	Clock   Clock
	command *exec.Cmd
	to      io.WriteCloser
	from    *json.Decoder
	phase   string
}

// A testimony is what a witness tells of a phase that is over.
type testimony struct {
	Took  []time.Duration
	Error string
}

// Call starts a program that calls [Testify].
func Call(command *exec.Cmd) (*Witness, error) {
	w := &Witness{command: command}
	from, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if w.to, err = command.StdinPipe(); err != nil {
		return nil, err
	}
	w.from = json.NewDecoder(from)
	return w, command.Start()
}

// Phase ends the present phase and begins another; "" keeps nothing.
func (w *Witness) Phase(name string) error {
	if _, err := fmt.Fprintf(w.to, "%s\n", name); err != nil {
		return err
	}
	var told testimony
	if err := w.from.Decode(&told); err != nil {
		return fmt.Errorf("the witness: %w", err)
	}
	for _, took := range told.Took {
		w.Clock.keep(w.phase, took, nil)
	}
	w.phase = name
	if told.Error != "" {
		return errors.New(told.Error)
	}
	return nil
}

// Leave ends the witness and its connections, and returns the first error that
// it saw.
func (w *Witness) Leave() error {
	err := w.Phase("")
	return errors.Join(err, w.to.Close(), w.command.Wait())
}

// Testify is a bystander until in ends. Each line of in begins a phase.
func Testify(ctx context.Context, b *Bystander, in io.Reader, out io.Writer) error {
	encoder, phase := json.NewEncoder(out), ""
	for lines := bufio.NewScanner(in); lines.Scan(); phase = lines.Text() {
		b.Clock.Phase(lines.Text())
		told := testimony{Took: b.Clock.times(phase)}
		if err := b.Clock.Err(); err != nil {
			told.Error = err.Error()
		}
		if err := encoder.Encode(told); err != nil {
			return err
		}
	}
	return b.Leave()
}
