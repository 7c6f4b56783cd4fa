// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package pebblestore

import (
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/sessionbridge/session"
)

const (
	breakDir = "PEBBLESTORE_BREAK_DIR" // makes the test a process that breaks off
	brokeOff = 42                      // how that ends
)

// TestOpenBrokenOff has a process end while it opens a store, where Pebble has
// removed the log that it has made tables of, and has no other yet: nothing is
// lost, and the store must be opened.
func TestOpenBrokenOff(t *testing.T) {
	o := Options{Dir: os.Getenv(breakDir), Logger: slog.New(slog.DiscardHandler)}
	if o.Dir != "" {
		breakOpenOff(t, o)
	}
	o.Dir = filepath.Join(t.TempDir(), "store")
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	id := session.NewID()
	err = errors.Join(
		s.Put(t.Context(), id, 0, []byte("data"), session.PutOptions{Timeout: time.Hour}),
		s.db.Compact(t.Context(), []byte{0}, []byte{0xff}, false), // so that Pebble will have nothing to tidy up
		s.shut(), // as if it were killed
	)
	if err != nil {
		t.Fatal(err)
	}
	breakOff(t, o.Dir)
	if report, err := Check(t.Context(), o, nil); err != nil || report.Items != 1 || len(report.Damage) != 0 {
		t.Errorf("the check finds %+v, error %v", report, err)
	}
	if s, err = Open(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if it, err := s.Get(t.Context(), id, session.GetOptions{}); err != nil || string(it.Data) != "data" {
		t.Errorf("Get answers %q, error %v", it.Data, err)
	}
	if err := s.Backup(t.Context(), o.Dir+".backup", nil); err != nil {
		t.Errorf("a backup before Pebble has changed the list of its tables: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// TestFirstOpenBrokenOff has a process end there that opens a store for the first
// time.
func TestFirstOpenBrokenOff(t *testing.T) {
	o := Options{Dir: filepath.Join(t.TempDir(), "store"), Logger: slog.New(slog.DiscardHandler)}
	breakOff(t, o.Dir)
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// breakOff has a process open a store, and end.
func breakOff(t *testing.T, dir string) {
	t.Helper()
	process := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestOpenBrokenOff$")
	process.Env = append(os.Environ(), breakDir+"="+dir)
	if out, err := process.CombinedOutput(); process.ProcessState.ExitCode() != brokeOff {
		t.Fatalf("%v: %s", err, out)
	}
}

// breakOpenOff opens the database of a store until it makes its log.
func breakOpenOff(t *testing.T, o Options) {
	lock, err := lockDir(o.Dir, false)
	if err != nil {
		t.Fatal(err)
	}
	s := &Store{o: o, log: o.Logger, lock: lock}
	if s.disk, err = newDisk(t.Context(), o.Dir, s.log); err != nil {
		t.Fatal(err)
	}
	fresh, err := isNew(o.Dir)
	if err == nil {
		err = s.commits.synced.open(o.Dir, fresh)
	}
	if err == nil && fresh {
		err = s.create()
	}
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(o.Dir, engineName)
	_, err = s.openEngine(path, false, noNewLog{s.files(), path})
	t.Fatalf("the database was opened with error %v", err)
}

// noNewLog are files of which no log is made: when the old one is gone, the
// process ends.
type noNewLog struct {
	files
	dir string
}

// Create implements [vfs.FS].
func (f noNewLog) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if _, ok := logNumber(name); !ok {
		return f.files.Create(name, c)
	}
	for {
		logs, err := filepath.Glob(filepath.Join(f.dir, "*.log"))
		switch {
		case err != nil:
			return nil, err
		case len(logs) == 0:
			os.Exit(brokeOff)
		}
		time.Sleep(time.Millisecond)
	}
}
