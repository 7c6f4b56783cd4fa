// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package pebblestore_test

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/record"
	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/pebblestore"
)

// someStore makes a store with items, some of which were lost and stolen, and
// closes it.
func someStore(t *testing.T, dir string) (ids []string) {
	t.Helper()
	s := open(t, pebblestore.Options{Dir: dir})
	defer mustClose(t, s)
	for i := range 50 {
		id := session.NewID()
		ids = append(ids, id)
		if err := putData(t, s, id, noise(3000)); err != nil {
			t.Fatal(err)
		}
		if i%5 == 0 {
			rob(t, s, id)
		}
	}
	if _, err := s.Learn(t.Context(), "shop", []string{"cart", "user"}); err != nil {
		t.Fatal(err)
	}
	return ids
}

// rob steals a hold and commits for the thief.
func rob(t *testing.T, s *pebblestore.Store, id string) {
	t.Helper()
	first, err := s.Lock(t.Context(), id, session.LockOptions{Timeout: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	second, err := s.Lock(t.Context(), id, session.LockOptions{Steal: first.Hold.Token})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Put(t.Context(), id, second.Hold.Token, noise(100), session.PutOptions{Timeout: time.Hour}); err != nil {
		t.Fatal(err)
	}
}

// glob returns the only file of a pattern.
func glob(t *testing.T, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(pattern)
	if err != nil || len(found) == 0 {
		t.Fatalf("%s: %q, error %v", pattern, found, err)
	}
	return found[len(found)-1]
}

// largest returns the largest file of a pattern.
func largest(t *testing.T, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(pattern)
	if err != nil || len(found) == 0 {
		t.Fatalf("%s: %q, error %v", pattern, found, err)
	}
	size := func(path string) int64 {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	return slices.MaxFunc(found, func(a, b string) int { return cmp.Compare(size(a), size(b)) })
}

// spoil changes a file.
func spoil(t *testing.T, path string, change func([]byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, change(b), 0o600); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
}

// TestOpenDamaged checks that a store that can't be read is an error that says
// what to do, never an empty store.
func TestOpenDamaged(t *testing.T) {
	flip := func(b []byte) []byte { b[len(b)/2] ^= 0xff; return b }
	for name, damage := range map[string]func(t *testing.T, dir string){
		"the database is gone": func(t *testing.T, dir string) { remove(t, filepath.Join(dir, "pebble")) },
		"the log is gone":      func(t *testing.T, dir string) { remove(t, glob(t, dir+"/pebble/*.log")) },
		"the log is empty": func(t *testing.T, dir string) {
			spoil(t, glob(t, dir+"/pebble/*.log"), func([]byte) []byte { return nil })
		},
		"the log is cut": func(t *testing.T, dir string) {
			spoil(t, glob(t, dir+"/pebble/*.log"), func(b []byte) []byte { return b[:len(b)-100] })
		},
		"the log is spoiled":   func(t *testing.T, dir string) { spoil(t, glob(t, dir+"/pebble/*.log"), flip) },
		"the manifest is gone": func(t *testing.T, dir string) { remove(t, glob(t, dir+"/pebble/MANIFEST-*")) },
		"the manifest is empty": func(t *testing.T, dir string) {
			spoil(t, glob(t, dir+"/pebble/MANIFEST-*"), func([]byte) []byte { return nil })
		},
		"the manifest is spoiled":     func(t *testing.T, dir string) { spoil(t, glob(t, dir+"/pebble/MANIFEST-*"), flip) },
		"the manifest's name is gone": func(t *testing.T, dir string) { remove(t, glob(t, dir+"/pebble/marker.manifest.*")) },
		"the format is nonsense": func(t *testing.T, dir string) {
			spoil(t, filepath.Join(dir, "format"), func([]byte) []byte { return []byte("nonsense") })
		},
		"the manifest is cut": func(t *testing.T, dir string) {
			fillTables(t, dir)
			spoil(t, glob(t, dir+"/pebble/MANIFEST-*"), func(b []byte) []byte { return b[:len(b)-1] })
		},
		"the manifest is cut, and nothing says how long it was": func(t *testing.T, dir string) {
			fillTables(t, dir)
			spoil(t, glob(t, dir+"/pebble/MANIFEST-*"), func(b []byte) []byte { return b[:len(b)-1] })
			remove(t, filepath.Join(dir, "synced"))
		},
		"a table is gone": func(t *testing.T, dir string) { fillTables(t, dir); remove(t, glob(t, dir+"/pebble/*.sst")) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "store")
			someStore(t, dir)
			damage(t, dir)
			before := listing(t, dir)
			if report, err := pebblestore.Check(t.Context(), quiet(dir), nil); !errors.Is(err, pebblestore.ErrDamaged) {
				t.Errorf("the check finds %+v, error %v", report, err)
			}
			s, err := pebblestore.Open(t.Context(), quiet(dir))
			if err == nil {
				mustClose(t, s)
				t.Fatal("a damaged store was opened")
			}
			if !errors.Is(err, pebblestore.ErrDamaged) || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "restore a backup") && !strings.Contains(err.Error(), "remove that file") || strings.Contains(err.Error(), "a check") {
				t.Errorf("the error is %v", err)
			}
			if after := listing(t, dir); !slices.Equal(before, after) {
				t.Errorf("the files were\n%q and are\n%q", before, after)
			}
			t.Log(err)
		})
	}
}

// TestOpenTorn opens a store whose manifest ends with what was being written
// when the machine crashed.
func TestOpenTorn(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	ids := fillTables(t, dir)
	spoil(t, glob(t, dir+"/pebble/MANIFEST-*"), func(b []byte) []byte { return append(b, b[:20]...) })
	s := open(t, quiet(dir))
	defer mustClose(t, s)
	for _, id := range ids {
		if _, err := s.Get(t.Context(), id, session.GetOptions{}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestOpenUnreadable has directories in the place of files: the system refuses to
// read them, which must not be taken for damage.
func TestOpenUnreadable(t *testing.T) {
	for _, pattern := range []string{"pebble/*.log", "pebble/MANIFEST-*", "pebble/OPTIONS-*", "format", "synced"} {
		dir := filepath.Join(t.TempDir(), "store")
		someStore(t, dir)
		path := glob(t, filepath.Join(dir, pattern))
		remove(t, path)
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
		_, opened := pebblestore.Open(t.Context(), quiet(dir))
		_, checked := pebblestore.Check(t.Context(), quiet(dir), nil)
		for _, err := range []error{opened, checked} {
			if err == nil || errors.Is(err, pebblestore.ErrDamaged) || !strings.Contains(err.Error(), path) {
				t.Errorf("%s can't be read: %v", path, err)
			}
		}
	}
}

func quiet(dir string) pebblestore.Options {
	return pebblestore.Options{Dir: dir, Logger: discard()}
}

// fillTables stores so much that tables are written.
func fillTables(t *testing.T, dir string) (ids []string) {
	t.Helper()
	s := open(t, quiet(dir))
	defer mustClose(t, s)
	for range 1000 {
		ids = append(ids, session.NewID())
		if err := putData(t, s, ids[len(ids)-1], noise(20_000)); err != nil {
			t.Fatal(err)
		}
	}
	return ids
}

// TestReadDamaged spoils a table: what is in it can't be read, which is the
// error of the call, and what is not can.
func TestReadDamaged(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	someStore(t, dir)
	ids := fillTables(t, dir)
	spoil(t, largest(t, dir+"/pebble/*.sst"), func(b []byte) []byte {
		for i := 1000; i < len(b)/10; i += 1000 {
			b[i] ^= 0xff
		}
		return b
	})
	var said lines
	s := open(t, pebblestore.Options{Dir: dir, Logger: slog.New(slog.NewTextHandler(&said, nil))})
	defer mustClose(t, s)
	report, err := s.Check(t.Context(), nil)
	if err != nil || len(report.Damage) == 0 {
		t.Errorf("the check finds %+v, error %v", report, err)
	}
	wrong := 0
	for _, id := range ids {
		if wrong == 3 {
			break // Pebble takes its time to see what is wrong
		}
		_, err := s.Get(t.Context(), id, session.GetOptions{})
		if err != nil && !errors.Is(err, pebblestore.ErrDamaged) {
			t.Errorf("Get: %v", err)
		}
		if err != nil {
			wrong++
			if err := putData(t, s, id, nil); err != nil && !errors.Is(err, pebblestore.ErrDamaged) {
				t.Errorf("Put: %v", err)
			}
		}
	}
	if wrong == 0 {
		t.Error("all items can be read, so this test tells nothing")
	}
	t.Logf("%d of the %d items could not be read; %d complaints: %q", wrong, len(ids), len(report.Damage), report.Damage[0])
	if err := putData(t, s, session.NewID(), noise(10)); err != nil {
		t.Errorf("Put of a new item: %v", err)
	}
	if text := said.String(); !strings.Contains(text, "a file of the session store is damaged") || strings.Contains(text, ".go:") || strings.Contains(text, "detail carrier") {
		t.Errorf("the log does not tell of it, or with a stack: %.3000s", text)
	}
}

// TestOpenBounded spoils a table here and there: a store whose items are counted
// when it is opened can be opened wherever one can whose items are not.
func TestOpenBounded(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	s := open(t, quiet(dir))
	for range 500 {
		if err := putData(t, s, session.NewID(), noise(100)); err != nil {
			t.Fatal(err)
		}
	}
	mustClose(t, s)
	mustClose(t, open(t, quiet(dir))) // so that there is a table
	name := filepath.Base(largest(t, dir+"/pebble/*.sst"))
	const places = 40
	opens := func(place int, most int64) bool {
		spoiled := filepath.Join(t.TempDir(), "spoiled")
		if err := os.CopyFS(spoiled, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		spoil(t, filepath.Join(spoiled, "pebble", name), func(b []byte) []byte { b[len(b)*place/places] ^= 0xff; return b })
		o := quiet(spoiled)
		o.MaxBytes = most
		s, err := pebblestore.Open(t.Context(), o)
		if err == nil {
			mustClose(t, s)
		}
		return err == nil
	}
	opened := 0
	for place := range places {
		bounded, unbounded := opens(place, 1<<30), opens(place, 0)
		if bounded != unbounded {
			t.Errorf("spoiled at %d/%d, a store with a bound is opened: %t, and one without: %t", place, places, bounded, unbounded)
		}
		if bounded {
			opened++
		}
	}
	if opened < 10 {
		t.Errorf("only %d stores were opened", opened)
	}
}

// TestCheckGoesOn spoils a block: the check names each item that can't be read,
// and reads what is behind it.
func TestCheckGoesOn(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	ids := fillTables(t, dir)
	spoil(t, largest(t, dir+"/pebble/*.sst"), func(b []byte) []byte { b[len(b)/2] ^= 0xff; return b })
	var said lines
	s := open(t, pebblestore.Options{Dir: dir, Logger: slog.New(slog.NewTextHandler(&said, nil))})
	defer mustClose(t, s)
	report, err := s.Check(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(report.Damage, "\n")
	unreadable := 0
	for _, id := range ids {
		_, err := s.Get(t.Context(), id, session.GetOptions{})
		if err == nil {
			continue
		}
		unreadable++
		if strings.Contains(err.Error(), "\n") {
			t.Errorf("the error has several lines: %v", err)
		}
		if !strings.Contains(text, session.HashID(id)) {
			t.Errorf("the report does not tell of item %s", session.HashID(id))
		}
	}
	if unreadable == 0 || unreadable == len(ids) {
		t.Errorf("%d of %d items can't be read, so this test tells nothing", unreadable, len(ids))
	}
	if report.Items != len(ids) || report.Records < 2*len(ids)+len(ids)/2 || len(report.Damage) != unreadable+1 || strings.Count(text, "\n") != unreadable {
		t.Errorf("%d of %d items can't be read; the report is of %d items and %d records: %s", unreadable, len(ids), report.Items, report.Records, text)
	}
	if n := strings.Count(said.String(), "a file of the session store is damaged"); n != 1 {
		t.Errorf("that a file is damaged is logged %d times", n)
	}
}

func TestOpenNewer(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	someStore(t, dir)
	spoil(t, filepath.Join(dir, "format"), func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("1"), []byte("7")) })
	_, err := pebblestore.Open(t.Context(), quiet(dir))
	if err == nil || !strings.Contains(err.Error(), "format 7") || !strings.Contains(err.Error(), "up to 1") {
		t.Errorf("a newer store: %v", err)
	}
}

func TestOpenAmongOthers(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "letter.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	refused := func() {
		t.Helper()
		if _, err := pebblestore.Open(t.Context(), quiet(dir)); err == nil || !strings.Contains(err.Error(), "letter.txt") {
			t.Errorf("a directory of others: %v", err)
		}
	}
	lock := filepath.Join(dir, "lock")
	refused()
	if _, err := os.Lstat(lock); err == nil {
		t.Error("a lock was made there")
	}
	if err := os.WriteFile(lock, []byte("theirs"), 0o600); err != nil {
		t.Fatal(err)
	}
	refused()
	if b, err := os.ReadFile(lock); string(b) != "theirs" {
		t.Errorf("their lock is now %q, error %v", b, err)
	}
}

// TestOpenDatabaseOfOthers finds a database of Pebble's that another program has
// made.
func TestOpenDatabaseOfOthers(t *testing.T) {
	dir := t.TempDir()
	db, err := pebble.Open(filepath.Join(dir, "pebble"), &pebble.Options{Logger: nobody{}})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Set([]byte("theirs"), nil, pebble.Sync), db.Close()); err != nil {
		t.Fatal(err)
	}
	before := listing(t, dir)
	_, opened := pebblestore.Open(t.Context(), quiet(dir))
	_, checked := pebblestore.Check(t.Context(), quiet(dir), nil)
	saved := pebblestore.Backup(t.Context(), quiet(dir), dir+".copy", nil)
	for _, err := range []error{opened, checked, saved} {
		if err == nil || !strings.Contains(err.Error(), "no store") {
			t.Errorf("a database of others: %v", err)
		}
	}
	if after := listing(t, dir); !slices.Equal(before, after) {
		t.Errorf("the files were\n%q and are\n%q", before, after)
	}
}

// nobody is told what Pebble says.
type nobody struct{}

func (nobody) Infof(string, ...any)              {}
func (nobody) Errorf(string, ...any)             {}
func (nobody) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

// TestOpenUnfinished opens what a process left that ended while it made a store.
func TestOpenUnfinished(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	ids := someStore(t, dir)
	remove(t, filepath.Join(dir, "format"))
	s := open(t, quiet(dir))
	if _, err := s.Get(t.Context(), ids[0], session.GetOptions{}); err != nil {
		t.Error(err)
	}
	mustClose(t, s)
	unmade := t.TempDir()
	if err := os.MkdirAll(filepath.Join(unmade, "new", "some"), 0o700); err != nil {
		t.Fatal(err)
	}
	mustClose(t, open(t, quiet(unmade)))
}

func TestOptionsAreChecked(t *testing.T) {
	_, err := pebblestore.Open(t.Context(), pebblestore.Options{SyncEvery: -1, MaxBytes: -1, CacheBytes: -1})
	for _, want := range []string{"Dir", "SyncEvery", "MaxBytes", "CacheBytes"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error %v does not speak of %s", err, want)
		}
	}
}

// TestFilesAreOurs checks that nobody else can read what is stored.
func TestFilesAreOurs(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("files inherit who may read them")
	}
	parent := t.TempDir()
	dir := filepath.Join(parent, "store")
	someStore(t, dir)
	s := open(t, quiet(dir))
	defer mustClose(t, s)
	if err := s.Backup(t.Context(), filepath.Join(parent, "backup"), nil); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(parent, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == parent {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %s", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestBackup copies a store that is in use, and opens the copy.
func TestBackup(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	ids := someStore(t, dir)
	for _, live := range []bool{false, true} {
		copied := filepath.Join(t.TempDir(), "a", "backup")
		told := 0
		if !live {
			if err := pebblestore.Backup(t.Context(), quiet(dir), copied, func(n int) { told = n }); err != nil {
				t.Fatal(err)
			}
		}
		s := open(t, quiet(dir))
		if live {
			if err := s.Backup(t.Context(), copied, func(n int) { told = n }); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Backup(t.Context(), copied, nil); err == nil {
			t.Error("a backup was overwritten")
		}
		if told < 3*len(ids) {
			t.Errorf("progress told %d records; there are %d items", told, len(ids))
		}
		backup := open(t, quiet(copied))
		report, err := backup.Check(t.Context(), nil)
		if err != nil || len(report.Damage) != 0 || report.Items != len(ids) {
			t.Errorf("the check of the backup finds %+v, error %v", report, err)
		}
		for _, id := range ids {
			want, err := s.Get(t.Context(), id, session.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			got, err := backup.Get(t.Context(), id, session.GetOptions{})
			if err != nil || !bytes.Equal(got.Data, want.Data) || len(got.Lost) != len(want.Lost) {
				t.Errorf("of the backup, Get answers error %v", err)
			}
		}
		mustClose(t, backup)
		mustClose(t, s)
	}
}

// TestBackupDamaged spoils a backup: that what it had can't be read must be
// noticed, also before it was ever opened.
func TestBackupDamaged(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	someStore(t, dir)
	half := func(b []byte) []byte { return b[:len(b)/2] }
	for name, damage := range map[string]func(t *testing.T, dir string){
		"the log is empty": func(t *testing.T, dir string) {
			spoil(t, glob(t, dir+"/pebble/*.log"), func([]byte) []byte { return nil })
		},
		"the log is cut": func(t *testing.T, dir string) { spoil(t, glob(t, dir+"/pebble/*.log"), half) },
		"the log is spoiled": func(t *testing.T, dir string) {
			spoil(t, glob(t, dir+"/pebble/*.log"), func(b []byte) []byte { b[len(b)/2] ^= 0xff; return b })
		},
		"the manifest ends early": func(t *testing.T, dir string) {
			spoil(t, glob(t, dir+"/pebble/MANIFEST-*"), func(b []byte) []byte { return b[:firstRecord(t, b)] })
		},
	} {
		t.Run(name, func(t *testing.T) {
			copied := filepath.Join(t.TempDir(), "backup")
			s := open(t, quiet(dir))
			if err := putData(t, s, session.NewID(), noise(3000)); err != nil {
				t.Fatal(err)
			}
			err := s.Backup(t.Context(), copied, nil)
			mustClose(t, s)
			if err != nil {
				t.Fatal(err)
			}
			damage(t, copied)
			if report, err := pebblestore.Check(t.Context(), quiet(copied), nil); !errors.Is(err, pebblestore.ErrDamaged) {
				t.Errorf("the check finds %+v, error %v", report, err)
			}
			if s, err := pebblestore.Open(t.Context(), quiet(copied)); !errors.Is(err, pebblestore.ErrDamaged) {
				if err == nil {
					mustClose(t, s)
				}
				t.Errorf("the backup was opened with error %v", err)
			}
		})
	}
}

// TestBackupOfDamaged spoils the log of a store that is in use: a copy without
// what was acknowledged must not become a backup.
func TestBackupOfDamaged(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	s := open(t, quiet(dir))
	defer mustClose(t, s)
	if err := putData(t, s, session.NewID(), noise(3000)); err != nil {
		t.Fatal(err)
	}
	spoil(t, glob(t, dir+"/pebble/*.log"), func(b []byte) []byte { b[len(b)/2] ^= 0xff; return b })
	to := filepath.Join(t.TempDir(), "backup")
	if err := s.Backup(t.Context(), to, nil); !errors.Is(err, pebblestore.ErrDamaged) {
		t.Errorf("the backup was made with error %v", err)
	}
	if _, err := os.Stat(to); err == nil {
		t.Error("it is there")
	}
}

// firstRecord is where the second record of a manifest begins.
func firstRecord(t *testing.T, b []byte) int64 {
	t.Helper()
	r := record.NewReader(bytes.NewReader(b), 0)
	first, err := r.Next()
	if err == nil {
		_, err = io.Copy(io.Discard, first)
	}
	if end := r.Offset(); err == nil && end < int64(len(b)) {
		return end
	}
	t.Fatalf("a manifest of %d bytes has not two records, error %v", len(b), err)
	return 0
}

// TestBackupsAtOnce makes backups of two stores in one place: one of them is made
// whole, and what is there of somebody else stays.
func TestBackupsAtOnce(t *testing.T) {
	parent := t.TempDir()
	to := filepath.Join(parent, "backup")
	theirs := filepath.Join(to+".partial", "letter.txt")
	if err := os.Mkdir(filepath.Dir(theirs), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(theirs, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	made := make(chan error)
	var begun sync.WaitGroup
	begun.Add(2)
	for range 2 {
		dir := filepath.Join(t.TempDir(), "store")
		someStore(t, dir)
		s := open(t, quiet(dir))
		defer mustClose(t, s)
		var first sync.Once
		go func() {
			err := s.Backup(t.Context(), to, func(int) { first.Do(func() { begun.Done(); begun.Wait() }) })
			first.Do(begun.Done)
			made <- err
		}()
	}
	failed := 0
	for range 2 {
		if err := <-made; err != nil {
			failed++
			t.Log(err)
		}
	}
	report, err := pebblestore.Check(t.Context(), quiet(to), nil)
	if err != nil || failed != 1 || report.Items != 50 || len(report.Damage) != 0 {
		t.Errorf("%d of two backups failed; the check finds %+v, error %v", failed, report, err)
	}
	if _, err := os.Stat(theirs); err != nil {
		t.Error(err)
	}
	if left, err := filepath.Glob(to + ".partial-*"); left != nil || err != nil {
		t.Errorf("%q is left, error %v", left, err)
	}
}

func TestBackupInItself(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	someStore(t, dir)
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(filepath.Join(dir, "pebble"), link); err != nil {
		t.Fatal(err)
	}
	s := open(t, quiet(dir))
	defer mustClose(t, s)
	for _, to := range []string{filepath.Join(dir, "backup"), filepath.Join(dir, "pebble", "a", "backup"), filepath.Join(link, "backup")} {
		if err := s.Backup(t.Context(), to, nil); err == nil || !strings.Contains(err.Error(), "is in the directory of the store") {
			t.Errorf("a backup in %s: %v", to, err)
		}
	}
	if _, err := os.Lstat(filepath.Join(dir, "pebble", "a")); err == nil {
		t.Error("something was made in the store")
	}
}

// TestCheckChangesNothing compares the files of a store before and after it was
// checked.
func TestCheckChangesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	ids := someStore(t, dir)
	remove(t, filepath.Join(dir, "lock")) // as in a copy
	before := listing(t, dir)
	told := 0
	report, err := pebblestore.Check(t.Context(), quiet(dir), func(n int) { told = n })
	if err != nil || report.Items != len(ids) || len(report.Damage) != 0 || report.Bytes < 3000*int64(len(ids)) || told != report.Records {
		t.Errorf("the check told %d records and found %+v, error %v", told, report, err)
	}
	if after := listing(t, dir); !slices.Equal(before, after) {
		t.Errorf("the files were\n%q and are\n%q", before, after)
	}
}

// TestNoStore checks that what is to be there is not made.
func TestNoStore(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "none")
	_, err := pebblestore.Check(t.Context(), quiet(dir), nil)
	if err == nil || !strings.Contains(err.Error(), "no store") {
		t.Errorf("the check of no store: %v", err)
	}
	if err := pebblestore.Backup(t.Context(), quiet(dir), dir+".copy", nil); err == nil || !strings.Contains(err.Error(), "no store") {
		t.Errorf("the backup of no store: %v", err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("it was made")
	}
}

// TestInUse checks what others are told while a process has the store.
func TestInUse(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	s := open(t, quiet(dir))
	_, opened := pebblestore.Open(t.Context(), quiet(dir))
	_, checked := pebblestore.Check(t.Context(), quiet(dir), nil)
	saved := pebblestore.Backup(t.Context(), quiet(dir), dir+".copy", nil)
	for _, err := range []error{opened, checked, saved} {
		if !errors.Is(err, pebblestore.ErrInUse) || !strings.Contains(err.Error(), fmt.Sprintf("process %d:", os.Getpid())) {
			t.Errorf("while the store is open: %v", err)
		}
	}
	mustClose(t, s)
	mustClose(t, open(t, quiet(dir)))
}

func listing(t *testing.T, dir string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		files = append(files, fmt.Sprint(path, " ", info.Size()))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
